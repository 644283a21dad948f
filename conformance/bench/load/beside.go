package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Beside loops: the latency of requests that come at a steady rate, with and
// without a guest that loops until its deadline, again and again.
const (
	loopTimeout = 500 * time.Millisecond
	pacedConns  = 8
	pacedEvery  = 40 * time.Millisecond // 200 requests a second in all
)

func besideLoops(ctx context.Context, o *options) (*table, error) {
	t := &table{Case: "beside", About: fmt.Sprintf("latency of %d requests/s beside %d guests that loop until their deadline of %s; GET / of %s, %d rounds of %v each",
		int(pacedConns*time.Second/pacedEvery), o.loops, loopTimeout, torture, o.rounds, o.duration)}
	quiet := &httpCase{method: "GET", path: "/"}
	loop := &httpCase{method: "GET", path: "/loop"}
	for _, spec := range o.servers(loopTimeout.String()) {
		s, err := start(ctx, spec.name, spec.args, o.file(torture), nil)
		if err != nil {
			return nil, err
		}
		err = besideOn(s, o, t, quiet.request(), loop.request())
		s.stop()
		if err != nil {
			return nil, err
		}
	}
	return t, ctx.Err()
}

func besideOn(s *process, o *options, t *table, quiet, loop []byte) error {
	want, err := s.ready(quiet)
	if err != nil {
		return err
	}
	l := &load{addr: s.addr, request: quiet, want: want, conns: pacedConns, every: pacedEvery}
	l.run(warmUp)
	var without, with histogram
	failed := 0
	for range o.rounds {
		a := l.run(o.duration)
		without.merge(&a.latency)
		stop := keepLooping(o.loops, func(quit <-chan struct{}) error { return s.loopUntil(quit, loop) })
		b := l.run(o.duration)
		if err := stop(); err != nil {
			return err
		}
		with.merge(&b.latency)
		failed += a.errors + b.errors
	}
	if failed > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s: %d requests failed", s.name, failed))
	}
	figures := func(h *histogram) []figure {
		return append(quantiles(h), figure{Name: "p99 of without", Value: float64(h.quantile(0.99)) / float64(without.quantile(0.99)), Unit: ratio})
	}
	t.Rows = append(t.Rows,
		row{Name: s.name + ", without", Figures: figures(&without)},
		row{Name: s.name + ", beside", Figures: figures(&with)})
	return nil
}

// keepLooping has n guests loop until stop is called, which waits for the last of
// them and says whether they did.
func keepLooping(n int, loop func(quit <-chan struct{}) error) (stop func() error) {
	quit := make(chan struct{})
	ended := make(chan error, n)
	for range n {
		go func() { ended <- loop(quit) }()
	}
	return func() (err error) {
		close(quit)
		for range n {
			err = errors.Join(err, <-ended)
		}
		return err
	}
}

// loopUntil asks for guests that loop, one after the other: each is answered when
// its deadline has ended it, with whatever status the server has for that.
func (s *process) loopUntil(quit <-chan struct{}, request []byte) error {
	for {
		select {
		case <-quit:
			return nil
		default:
		}
		c, err := dial(s.addr)
		if err != nil {
			return err
		}
		asked := time.Now()
		_, err = c.ask(request, 0, &kept{})
		c.Close()
		if took := time.Since(asked); took < loopTimeout {
			return fmt.Errorf("%s: a guest that loops ended after %v (%v)", s.name, took, err)
		}
	}
}
