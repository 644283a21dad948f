package server

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
)

// component links a built example on an engine of the kind.
func component(t testing.TB, kind engine.Kind, path string, memory uint64) *Component {
	t.Helper()
	ctx := context.Background()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(ctx) })
	c, err := e.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	l := e.NewLinker()
	l.Hint = host.Hint
	if err := host.Link(l, host.Config{}); err != nil {
		t.Fatal(err)
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewComponent(linked, memory)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestComponentAnswersThroughASocket(t *testing.T) {
	for _, kind := range []engine.Kind{engine.Auto, engine.Interpreter} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			url, _, log := start(t, component(t, kind, "../../examples/hello/hello.wasm", 64<<20), Config{})
			errs := make(chan error)
			for range 64 {
				go func() {
					for range 5 {
						resp, body, err := get(t, url)
						if err == nil && (body != "Hello from godwit!\n" || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8") {
							err = fmt.Errorf("%v %q", resp, body)
						}
						if err != nil {
							errs <- err
							return
						}
					}
					errs <- nil
				}()
			}
			for range 64 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			lines(t, log, 0)
		})
	}
}

func TestMemoryLimitOfAComponent(t *testing.T) {
	g := component(t, engine.Auto, "../../examples/hello/hello.wasm", 1<<16) // less than it starts with
	url, _, log := start(t, g, Config{})
	resp, _, err := get(t, url)
	if err != nil || resp.StatusCode != 500 {
		t.Fatal(resp, err)
	}
	if l := lines(t, log, 1); !strings.Contains(l, "memory") {
		t.Fatal(l)
	}
}
