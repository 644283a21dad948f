package main

import (
	"context"
	"fmt"
	"time"
)

// Beside loops: the latency of requests that come at a steady rate, with and
// without a guest that loops until its deadline, again and again.
const (
	loopTimeout = "500ms"
	pacedConns  = 8
	pacedEvery  = 40 * time.Millisecond // 200 requests a second in all
)

func besideLoops(ctx context.Context, o *options) (*table, error) {
	t := &table{Case: "beside", About: fmt.Sprintf("latency of %d requests/s beside %d guests that loop until their deadline of %s; GET / of %s, %d rounds of %v each",
		int(pacedConns*time.Second/pacedEvery), o.loops, loopTimeout, torture, o.rounds, o.duration)}
	quiet := &httpCase{method: "GET", path: "/"}
	loop := &httpCase{method: "GET", path: "/loop"}
	for _, spec := range o.servers(loopTimeout) {
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
		stop := (&load{addr: s.addr, request: loop, conns: o.loops, any: true}).background()
		b := l.run(o.duration)
		stop()
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

// background puts the load on until stop is called; stop waits for its end.
func (l *load) background() (stop func()) {
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			default:
				l.run(0) // one request on each connection
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
