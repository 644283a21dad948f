package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
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

const torture = "../conformance/guests/torture/torture.wasm"

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

// served is a guest behind a real socket.
type served struct {
	url    string
	log    *lines // the operator's
	output *lines // the guest's
}

// link compiles and links the component in a file.
func link(t testing.TB, kind engine.Kind, path string) *engine.Linked {
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
	return linked
}

// serve serves a guest on a loopback address until the test ends.
func serve(t testing.TB, linked *engine.Linked, memory uint64, cfg server.Config) *served {
	t.Helper()
	guest, err := server.NewComponent(linked, memory)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{url: "http://" + ln.Addr().String(), log: &lines{}, output: &lines{}}
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

// settled waits until the operator's log has n lines: the last may be written
// after the client has its answer.
func (s *served) settled(t testing.TB, n int) []string {
	t.Helper()
	var got []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = append(got, s.log.take()...); len(got) >= n {
			break
		}
	}
	return got
}

func TestGuestsThatFailGetAStatusAndALine(t *testing.T) {
	const aborted = 0
	cases := []struct {
		name, path string
		status     int
		log        string // part of the one line that the operator gets; "" for none
	}{
		{"a trap", "/trap", 500, "unreachable"},
		{"a division by zero", "/div0", 500, "integer divide by zero"},
		{"an access out of bounds", "/oob", 500, "out of bounds memory access"},
		{"endless recursion", "/recurse", 500, "call stack exhausted"},
		{"a handle that is not there", "/null-handle", 500, "unknown handle index 0"},
		{"an exit", "/exit?code=3", 500, "the guest exited with code 3"},
		{"no response", "/no-response", 500, "the guest never set its response"},
		{"a dropped outparam", "/drop-outparam", 500, "the guest never set its response"},
		{"a loop past the timeout", "/loop", 504, "-W timeout="},
		{"a sleep past the timeout", "/sleep?ms=60000", 504, "-W timeout="},
		{"memory up to the limit", "/alloc", 200, ""},
		{"a trap after the first bytes", "/trap-mid", aborted, "unreachable"},
		{"a body shorter than declared", "/partial", aborted, "HTTP-response-body-size"},
		{"a body longer than declared", "/over", aborted, "HTTP-response-body-size"},
		{"an outbound request that is not allowed", "/fetch?url=http://example.com/", 502, "--allow-outbound"},
	}
	cfg := server.Config{Timeout: 1500 * time.Millisecond}
	onEngines(t, torture, 64<<20, cfg, func(t *testing.T, s *served) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				status, body, err := s.do(t, c.path)
				if c.status == aborted {
					if err == nil {
						t.Errorf("the client got the whole of %q, wanted its connection broken off", body)
					}
				} else if err != nil || status != c.status {
					t.Errorf("the client got %d %q, %v; wanted %d", status, body, err, c.status)
				}
				if c.status >= 500 && c.log != "--allow-outbound" && strings.TrimSpace(body) != http.StatusText(c.status) {
					t.Errorf("the body %q says more than the status", body)
				}
				want := 1
				if c.log == "" {
					want = 0
				}
				got := s.settled(t, want)
				if len(got) != want || want == 1 && !strings.Contains(got[0], c.log) {
					t.Errorf("the operator got %q, wanted one line with %q", got, c.log)
				}
				if status, body, err := s.do(t, "/"); err != nil || status != 200 {
					t.Errorf("the next request: %d %q, %v", status, body, err)
				}
			})
		}
	})
}

func TestGuestsSeeTheRequestAndTheClientTheResponse(t *testing.T) {
	cases := []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     string // regular expression
		trailer                  string
	}{
		{"a status", "GET", "/status?code=418", "", nil, 418, `^status\n$`, ""},
		{"HEAD has no body", "HEAD", "/status?code=201", "", nil, 201, `^$`, ""},
		{"a body that is read", "POST", "/sink", "12345", nil, 200, `^5\n$`, ""},
		{"a body that is sent back", "POST", "/echo", "to and fro", nil, 200, `^to and fro$`, ""},
		{"a response before the body is read", "POST", "/early", "abc", nil, 200, `^early\nthen 3 bytes\n$`, ""},
		{"trailers", "GET", "/trailers", "", nil, 200, `^trailers follow\n$`, "yes"},
		{"header fields", "GET", "/headers", "", http.Header{"X-A": {"1", "2"}}, 200, `(?s)x-a: 1.*x-a: 2`, ""},
		{"a length", "GET", "/big?bytes=900", "", nil, 200, `(?s)^.{900}$`, ""},
		{"no directories", "GET", "/fs", "", nil, 200, `^no preopens\n$`, ""},
		{"no sockets", "GET", "/socket", "", nil, 200, `access-denied`, ""},
		{"random bytes", "GET", "/random", "", nil, 200, `^[0-9a-f]{32}\n$`, ""},
		{"clocks", "GET", "/clock", "", nil, 200, `^wall \d+\.\d+\nelapsed \d+\n`, ""},
		{"the environment it was given", "GET", "/env", "", nil, 200, `^$`, ""},
		{"no such route", "GET", "/nowhere", "", nil, 404, `^no such route\n$`, ""},
	}
	onEngines(t, torture, 64<<20, server.Config{Timeout: 30 * time.Second}, func(t *testing.T, s *served) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				req, err := http.NewRequest(c.method, s.url+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.header != nil {
					req.Header = c.header
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != c.status {
					t.Errorf("status %d, %v; wanted %d", resp.StatusCode, err, c.status)
				}
				// The body of /big is not text: bytes are compared as Latin-1.
				if !regexp.MustCompile(c.want).MatchString(latin1(b)) {
					t.Errorf("body is %.200q, wanted %s", b, c.want)
				}
				if c.trailer != "" && len(resp.Trailer) == 0 {
					t.Error("there are no trailers")
				}
				if log := s.log.take(); len(log) > 0 {
					t.Errorf("the operator got %q", log)
				}
			})
		}
	})
}

// latin1 makes a string with one character for each byte.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for k, c := range b {
		r[k] = rune(c)
	}
	return string(r)
}

func TestOutputIsPrefixedByRequest(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{}, func(t *testing.T, s *served) {
		if _, _, err := s.do(t, "/log?out=one&err=two"); err != nil {
			t.Fatal(err)
		}
		var got []string
		for end := time.Now().Add(5 * time.Second); len(got) < 2 && time.Now().Before(end); time.Sleep(time.Millisecond) {
			got = append(got, s.output.take()...)
		}
		if want := "[stdout [0] :: one stderr [0] :: two]"; fmt.Sprint(got) != want {
			t.Errorf("output is %q, wanted %s", got, want)
		}
	})
}

// Each request has an instance of its own, whatever happens to those beside it.
func TestManyConnectionsAtOnce(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{Timeout: 60 * time.Second}, func(t *testing.T, s *served) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				for n := range 5 {
					text := strings.Repeat(fmt.Sprintf("%d/%d ", g, n), 500)
					resp, err := client.Post(s.url+"/echo", "text/plain", strings.NewReader(text))
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || string(b) != text {
						t.Errorf("%d of %d bytes came back: %v", len(b), len(text), err)
					}
					if trap, err := client.Get(s.url + "/trap"); err != nil || trap.StatusCode != 500 {
						t.Errorf("a trap beside it: %v, %v", trap, err)
					} else {
						trap.Body.Close()
					}
				}
			})
		}
		wg.Wait()
	})
}
