package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// warmUp is how long a server runs under load before a round counts.
const warmUp = 200 * time.Millisecond

// contender is a server of a case and what it did, round by round.
type contender struct {
	*process
	perSecond, cpu []float64
	p50, p99       []time.Duration
	longest        time.Duration
	errors         int
	first          error
}

// run measures a case. The first engine's answer is what all are to give, and
// what the baseline repeats.
func (c *httpCase) run(ctx context.Context, o *options) (*table, error) {
	t := &table{Case: c.name, About: fmt.Sprintf("%s (%s %s of %s); %d connections, %d rounds of %v each",
		c.about, c.method, c.path, c.wasm, o.conns, o.rounds, o.duration)}
	request := c.request()
	var all []*contender
	defer func() {
		for _, s := range all {
			s.stop()
		}
	}()
	var want *answer
	for _, spec := range o.servers("") {
		s, err := c.start(ctx, o, spec, &want)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if o.peer != nil {
		if s, err := c.start(ctx, o, serverSpec{name: "peer", args: o.peer}, &want); err != nil {
			t.Notes = append(t.Notes, err.Error())
		} else {
			all = append(all, s)
		}
	}
	base, err := startBare(ctx, bare{Answer: *want, Echo: c.echo})
	if err != nil {
		return nil, err
	}
	all = append([]*contender{{process: base}}, all...)
	if a, err := base.ready(request); err != nil || !want.same(a) {
		return nil, fmt.Errorf("the baseline does not answer like the guest: %v", err)
	}
	for range o.rounds {
		for _, s := range all {
			l := &load{addr: s.addr, request: request, want: want, conns: o.conns}
			s.round(l, o.duration)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	for _, s := range all {
		t.Rows = append(t.Rows, s.row(all[0]))
		if s.first != nil {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: the first error: %v", s.name, s.first))
		}
	}
	return t, nil
}

// start starts a server. The first one's answer is what is wanted of the others.
func (c *httpCase) start(ctx context.Context, o *options, spec serverSpec, want **answer) (*contender, error) {
	s, err := start(ctx, spec.name, spec.args, o.file(c.wasm), nil)
	if err != nil {
		return nil, err
	}
	a, err := s.ready(c.request())
	switch {
	case err != nil:
	case *want == nil && a.Status >= 300:
		err = fmt.Errorf("%s: the guest answers with status %d: %.200q\n%s", s.name, a.Status, a.Body, s.out)
	case *want == nil:
		*want = a
	case !(*want).same(a):
		err = fmt.Errorf("%s answers %d %q with %d bytes, not %d %q with %d: they cannot be compared",
			s.name, a.Status, a.Type, len(a.Body), (*want).Status, (*want).Type, len((*want).Body))
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return &contender{process: s}, nil
}

// startBare starts the baseline: this program, as a server.
func startBare(ctx context.Context, b bare) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return start(ctx, "bare net/http", []string{self, bareArg, "{addr}"}, "", bytes.NewReader(in))
}

// round puts the load on s for a time.
func (s *contender) round(l *load, d time.Duration) {
	l.run(warmUp)
	before := s.usage()
	o := l.run(d)
	after := s.usage()
	s.perSecond = append(s.perSecond, o.perSecond())
	s.p50 = append(s.p50, o.latency.quantile(0.5))
	s.p99 = append(s.p99, o.latency.quantile(0.99))
	s.longest = max(s.longest, o.latency.max)
	s.errors += o.errors
	if s.first == nil {
		s.first = o.first
	}
	if before.ok && after.ok && o.latency.count > 0 {
		s.cpu = append(s.cpu, (after.cpu-before.cpu).Seconds()/float64(o.latency.count))
	}
}

// row are the figures of s; rate is that of the baseline.
func (s *contender) row(base *contender) row {
	rate := median(s.perSecond)
	u := s.usage()
	return row{Name: s.name, Figures: []figure{
		{Name: "requests/s", Value: rate, Unit: perSecond},
		{Name: "of bare", Value: rate / median(base.perSecond), Unit: ratio},
		duration("p50", median(s.p50)),
		duration("p99", median(s.p99)),
		duration("max", s.longest),
		{Name: "errors", Value: float64(s.errors), Unit: count},
		{Name: "CPU/request", Value: median(s.cpu), Unit: seconds, Unknown: len(s.cpu) == 0},
		{Name: "peak memory", Value: float64(u.peak), Unit: bytesUnit, Unknown: !u.ok},
	}}
}
