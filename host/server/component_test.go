package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
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
	g, err := NewComponent(linked, engine.InstanceConfig{MemoryLimit: memory})
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

func TestTheCPUTimeOfARequestIsLogged(t *testing.T) {
	var log bytes.Buffer
	h := New(component(t, engine.Auto, "../../examples/hello/hello.wasm", 64<<20), Config{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/some/path", nil))
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`msg="request served" request=0 method=GET path=/some/path cpu=[1-9]\S*`).MatchString(log.String()) {
		t.Errorf("the log is %s", &log)
	}
}

// What one request leaves in its instance must not reach another, however the
// first one ended.
func TestRequestsDoNotSeeEachOther(t *testing.T) {
	for _, kind := range []engine.Kind{engine.Auto, engine.Interpreter} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			g := component(t, kind, "../../conformance/guests/torture/torture.wasm", 64<<20)
			h := New(g, Config{Log: slog.New(slog.DiscardHandler)})
			answer := func(path, body string) (int, string) {
				w := httptest.NewRecorder()
				func() {
					defer func() { _ = recover() }() // how a handler breaks a connection off
					h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
				}()
				if err := h.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				return w.Code, w.Body.String()
			}
			wantStatus, want := answer("/headers", "")
			for _, path := range []string{"/echo", "/sink", "/trap", "/oob", "/alloc", "/exit", "/no-response", "/trap-mid", "/null-handle", "/recurse", "/big?bytes=100000"} {
				for range 2 {
					_, _ = answer(path, strings.Repeat("a secret ", 10_000))
					if status, got := answer("/headers", ""); status != wantStatus || got != want {
						t.Errorf("after %s: %d %q, wanted %d %q", path, status, got, wantStatus, want)
					}
				}
			}
		})
	}
}
