package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/server"
)

var kinds = map[string]engine.Kind{"auto": engine.Auto, "compiler": engine.Compiler, "interpreter": engine.Interpreter}

// guest is a component behind a Handler in this process.
type guest struct {
	engine  *engine.Engine
	handler *server.Handler
}

func newGuest(ctx context.Context, kind, file string, timeout time.Duration) (*guest, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(ctx, engine.Config{Kind: kinds[kind]})
	if err != nil {
		return nil, err
	}
	h, err := newHandler(ctx, e, b, timeout)
	if err != nil {
		_ = e.Close(ctx)
		return nil, err
	}
	return &guest{engine: e, handler: h}, nil
}

func newHandler(ctx context.Context, e *engine.Engine, b []byte, timeout time.Duration) (*server.Handler, error) {
	c, err := e.Compile(ctx, b)
	if err != nil {
		return nil, err
	}
	l := e.NewLinker()
	if err := host.Link(l, host.Config{}); err != nil {
		return nil, err
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		return nil, err
	}
	component, err := server.NewComponent(linked, engine.InstanceConfig{})
	if err != nil {
		return nil, err
	}
	return server.New(component, server.Config{Timeout: timeout, Log: slog.New(slog.DiscardHandler)}), nil
}

func (g *guest) close(ctx context.Context) {
	_ = g.handler.Wait(ctx)
	_ = g.engine.Close(ctx)
}

// discard is a ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}
func (d *discard) Write(b []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	return len(b), nil
}

// get sends the handler a request and returns the status of its answer.
func (g *guest) get(path string) (int, error) {
	r, err := http.NewRequest(http.MethodGet, "http://bench.example"+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	w := &discard{header: http.Header{}}
	g.handler.ServeHTTP(w, r)
	return w.status, nil
}

// lateness measures how long after its deadline a guest that loops is ended.
func lateness(ctx context.Context, o *options) (*table, error) {
	const timeout = 50 * time.Millisecond
	n := o.rounds * 20
	t := &table{Case: "deadline", About: fmt.Sprintf("how late a guest that loops is ended and answered 504, after its deadline of %v, in process; %d requests", timeout, n)}
	for _, kind := range o.engines {
		g, err := newGuest(ctx, kind, o.file(torture), timeout)
		if err != nil {
			return nil, err
		}
		var late histogram
		for range n {
			start := time.Now()
			status, err := g.get("/loop")
			late.add(time.Since(start) - timeout)
			if err != nil || status != http.StatusGatewayTimeout {
				return nil, fmt.Errorf("a guest that loops was answered with %d, %v", status, err)
			}
		}
		g.close(ctx)
		t.Rows = append(t.Rows, row{Name: kind, Figures: quantiles(&late)})
	}
	return t, ctx.Err()
}

// collector measures how long the collector takes in a process where guests loop.
func collector(ctx context.Context, o *options) (*table, error) {
	n := o.rounds * 20
	t := &table{Case: "gc", About: fmt.Sprintf("runtime.GC() beside %d guests that loop until their deadline of %s, in process; %d collections", o.loops, loopTimeout, n)}
	for _, kind := range o.engines {
		g, err := newGuest(ctx, kind, o.file(torture), loopTimeout)
		if err != nil {
			return nil, err
		}
		without := collections(n)
		stop := keepLooping(o.loops, g.loopUntil)
		time.Sleep(20 * time.Millisecond) // until they loop
		with := collections(n)
		if err := stop(); err != nil {
			return nil, err
		}
		g.close(ctx)
		t.Rows = append(t.Rows,
			row{Name: kind + ", without", Figures: quantiles(without)},
			row{Name: kind + ", beside", Figures: quantiles(with)})
	}
	return t, ctx.Err()
}

func (g *guest) loopUntil(quit <-chan struct{}) error {
	for {
		select {
		case <-quit:
			return nil
		default:
		}
		if _, err := g.get("/loop"); err != nil {
			return err
		}
	}
}

func collections(n int) *histogram {
	var h histogram
	for range n {
		start := time.Now()
		runtime.GC()
		h.add(time.Since(start))
		time.Sleep(2 * time.Millisecond)
	}
	return &h
}
