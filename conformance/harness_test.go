package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/server"
)

// engines are the ways to run core code on this machine.
var engines = []engine.Kind{engine.Auto, engine.Interpreter}

// lines is a writer that keeps what is written, for many writers at once.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// take returns the lines so far and forgets them.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.TrimSuffix(l.b.String(), "\n")
	l.b.Reset()
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// settled waits for n lines and returns what there is: the last may be written
// after the client has its answer.
func (l *lines) settled(n int) []string {
	var got []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = append(got, l.take()...); len(got) >= n {
			break
		}
	}
	return got
}

// await waits until what was written matches, and forgets it; the error says
// what there is instead.
func (l *lines) await(want *regexp.Regexp) error {
	var got []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = append(got, l.take()...); want.MatchString(strings.Join(got, "\n")) {
			return nil
		}
	}
	return fmt.Errorf("the output is %q, wanted %s", got, want)
}

// served is a guest behind a real socket.
type served struct {
	linked *engine.Linked
	memory uint64
	url    string
	log    *lines // the operator's
	output *lines // the guest's
}

// linked are components that tests have compiled and linked, by engine and file:
// what a component is does not change, and the large ones take their time.
var linked = struct {
	sync.Mutex
	m map[string]*engine.Linked
}{m: map[string]*engine.Linked{}}

// link compiles and links the component in a file, or takes the one that another
// test did.
func link(t testing.TB, kind engine.Kind, path string) *engine.Linked {
	t.Helper()
	linked.Lock()
	defer linked.Unlock()
	key := kind.String() + " " + path
	if ln := linked.m[key]; ln != nil {
		return ln
	}
	ctx := context.Background()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Compile(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	l := e.NewLinker()
	l.Hint = host.Hint
	if err := host.Link(l, host.Config{}); err != nil {
		t.Fatal(err)
	}
	ln, err := l.Link(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	linked.m[key] = ln
	return ln
}

// skipUnlessBuilt skips a test of a guest that is not committed where nobody
// built it. target is what make builds it by; "" means that it is committed.
func skipUnlessBuilt(t testing.TB, path, target string) {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && target != "" {
		t.Skipf("%s is not built: run make %s", path, target)
	}
}

// serve serves a guest on a loopback address until the test ends.
func serve(t testing.TB, linked *engine.Linked, memory uint64, cfg server.Config) *served {
	t.Helper()
	guest, err := server.NewComponent(linked, engine.InstanceConfig{MemoryLimit: memory})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{linked: linked, memory: memory, url: "http://" + ln.Addr().String(), log: &lines{}, output: &lines{}}
	cfg.Log = slog.New(slog.NewTextHandler(s.log, nil))
	cfg.Stdout, cfg.Stderr = s.output, s.output
	srv := &server.Server{Handler: server.New(guest, cfg), DrainTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server did not end well: %v", err)
		}
	})
	return s
}

// again serves the same guest in another way as well.
func (s *served) again(t testing.TB, cfg server.Config) *served {
	return serve(t, s.linked, s.memory, cfg)
}

// onEngines serves a guest on each engine.
func onEngines(t *testing.T, path string, memory uint64, cfg server.Config, f func(t *testing.T, s *served)) {
	t.Helper()
	for _, k := range engines {
		t.Run(k.String(), func(t *testing.T) { f(t, serve(t, link(t, k, path), memory, cfg)) })
	}
}

// do makes a request; a broken-off body is an error. It is a POST, since a
// client tries a GET again when the connection breaks.
func (s *served) do(t testing.TB, path string) (status int, body string, err error) {
	t.Helper()
	resp, err := http.Post(s.url+path, "", nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}
