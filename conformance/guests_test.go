package conformance

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	hosthttp "github.com/godwit-runtime/godwit/host/http"
	"github.com/godwit-runtime/godwit/host/server"
)

// request is a request and what its answer must be.
type request struct {
	target string // GET unless there is a body; "POST /path" names another method
	body   string
	header http.Header

	status int
	want   string // regular expression for the whole body; upstream's address is UPSTREAM
	echoes bool   // the body comes back instead
	fields map[string]string
	// trailer is sent by the client with the body and comes back from the guest.
	trailer string
	// output is what the guest writes to its stdout and stderr, as a regular
	// expression for one line of it.
	output string
}

// guest is a component that users might have written.
type guest struct {
	name     string
	file     string
	make     string // what make builds it by, when it is not committed
	requests []request
}

var guests = []guest{
	{name: "hello in C", file: "../examples/hello/hello.wasm", requests: []request{
		{target: "/", status: 200, want: "Hello from godwit!\n", fields: map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{target: "DELETE /any/path?at=all", status: 200, want: "Hello from godwit!\n"},
	}},
	{name: "echo in C", file: "../examples/echo/echo.wasm", requests: []request{
		{target: "/", status: 200, want: "", fields: map[string]string{"X-Echo": "GET /"}},
		{target: "PUT /a/b?c=d", body: "to and fro", status: 200, echoes: true,
			header: http.Header{"Content-Type": {"text/x-any"}, "X-Who": {"me"}},
			fields: map[string]string{"X-Echo": "PUT /a/b?c=d", "X-Who": "me", "Content-Type": "text/x-any"}},
		{target: "BREW /pot", body: "tea", status: 200, echoes: true, fields: map[string]string{"X-Echo": "BREW /pot"}},
		{target: "POST /trailers", body: "body", trailer: "sum", status: 200, echoes: true},
		{target: "POST /long", body: strings.Repeat("0123456789abcdef", 1<<14), status: 200, echoes: true},
	}},
	{name: "events in C, of mixed versions", file: "../examples/events/events.wasm", requests: []request{
		{target: "/?n=3&ms=1", status: 200, want: "data: 0\n\ndata: 1\n\ndata: 2\n\n", fields: map[string]string{"Content-Type": "text/event-stream"}},
		{target: "/?n=0", status: 200, want: ""},
	}},
	{name: "a JSON API in Rust", file: "../examples/api/api.wasm", requests: []request{
		{target: "/", status: 200, want: `{"routes":\[.*\]}` + "\n", fields: map[string]string{"Content-Type": "application/json"}},
		{target: "/greetings/Ad%C3%A9le?language=fr", status: 200, want: `{"greeting":"Bonjour, Adéle!"}` + "\n"},
		{target: "/greetings/x?language=tlh", status: 400, want: `{"error":"the languages are en, fr and de"}` + "\n"},
		{target: "/greetings/%ff", status: 400, want: `{"error":.*UTF-8.*}` + "\n"},
		{target: "/primes/100000", status: 200, want: `{"below":100000,"primes":9592}` + "\n"},
		{target: "POST /stats", body: `{"numbers": [1, 2, 6]}`, status: 200, want: `{"count":3,"mean":3.0,"min":1.0,"max":6.0}` + "\n"},
		{target: "POST /stats", body: `{"numbers": [1,`, status: 400, want: `{"error":"EOF .*"}` + "\n"},
		{target: "POST /stats", body: `{"numbers": [` + strings.Repeat("1,", 1<<19) + `1]}`, status: 413, want: `{"error":.*1 MiB.*}` + "\n"},
		{target: "DELETE /stats", status: 405, want: `{"error":"use POST"}` + "\n", fields: map[string]string{"Allow": "POST"}},
		{target: "/nowhere", status: 404, want: `{"error":.*}` + "\n"},
	}},
	{name: "many outbound requests in Rust", file: "../examples/fanout/fanout.wasm", requests: []request{
		{target: "/", status: 200, want: ""},
		{target: "/?url=UPSTREAM/five&url=UPSTREAM/missing", status: 200,
			want: `(?s)({"url": "UPSTREAM/five", "status": 200, "bytes": 5}\n|{"url": "UPSTREAM/missing", "status": 404, "bytes": 19}\n){2}`},
		{target: "/?url=http://127.0.0.1:1/&url=UPSTREAM/five", status: 200,
			want: `(?s){"url": "http://127.0.0.1:1/", "error": "ErrorCode::HttpRequestDenied"}\n{"url": "UPSTREAM/five", .*}\n`},
		{target: "/?url=UPSTREAM/torn", status: 200, want: `{"url": "UPSTREAM/torn", "error": "ErrorCode::HttpResponseIncomplete"}` + "\n"},
	}},
	{name: "a toolchain of 2024", file: "guests/legacy/legacy.wasm", requests: []request{
		{target: "/", status: 200, want: "Hello from an old toolchain!\n"},
		{target: "POST /echo", body: "through memory", status: 200, echoes: true},
		{target: "/log?a+line", status: 200, want: "logged\n", output: `stderr \[\d+\] :: err: a\+line`},
		{target: "/env", status: 200, want: "GREETING=hello\n"},
		{target: "/args", status: 200, want: ""},
		{target: "/stdin", status: 200, want: "0 bytes\n"},
		{target: "/time", status: 200, want: `slept true in 20\d\d\n`},
		{target: "/open?/etc/passwd", status: 404, want: ".+\n"},
		{target: "/hash", status: 200, want: "499500\n"},
		{target: "/panic?so+be+it", status: 500, want: "Internal Server Error\n", output: `stderr \[\d+\] :: as asked for: so\+be\+it`},
		{target: "/exit?0", status: 500, want: "Internal Server Error\n"},
	}},
	{name: "upstream Go", file: "../examples/go/go.wasm", make: "examples/go/go.wasm", requests: []request{
		{target: "/", status: 200, want: "Hello from Go!\n"},
		{target: "POST /words", body: `{"text": "to be or not to be"}`, status: 200,
			want: `\[{"word":"be","count":2},{"word":"to","count":2},{"word":"not","count":1},{"word":"or","count":1}\]\n`},
		{target: "POST /words", body: `{"text"`, status: 400, want: `{"error":"unexpected EOF"}` + "\n"},
		{target: "/ticks?n=3&ms=2", status: 200, want: "tick 1\ntick 2\ntick 3\n"},
		{target: "/panic", status: 500, want: "Internal Server Error\n", output: `stderr \[\d+\] :: panic: as asked for`},
		{target: "/nowhere", status: 404, want: `{"error":.*}` + "\n"},
	}},
	{name: "a fetch event in JavaScript", file: javascriptGuest, make: "examples/javascript/javascript.wasm", requests: []request{
		{target: "/", status: 200, want: "Hello from JavaScript!\n"},
		{target: "/seen", status: 200, want: `{"seen":1}`},
		{target: "POST /echo", body: strings.Repeat("0123456789abcdef", 1<<14), status: 200, echoes: true},
		{target: "POST /sort", body: `{"words": ["pear", "apple"]}`, status: 200, want: `{"words":\["apple","pear"\]}`, fields: map[string]string{"Content-Type": "application/json"}},
		{target: "POST /sort", body: `{"wor`, status: 400, want: `{"error":.*}`},
		{target: "/ticks?n=3&ms=2", status: 200, want: "tick 1\ntick 2\ntick 3\n"},
		{target: "/fetch?url=UPSTREAM/five", status: 200, want: "12345"},
		{target: "/nowhere", status: 404, want: `{"error":.*}`},
	}},
}

// upstream is what guests may send requests to.
func upstream(t testing.TB) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/five":
			_, _ = io.WriteString(w, "12345")
		case "/torn":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "12345")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// onGuests serves each guest on each engine. A guest that has to be built is
// skipped where nobody did.
func onGuests(t *testing.T, f func(t *testing.T, g *guest, s *served, upstream string)) {
	onFilesOfGuests(t, func(_ *testing.T, file string) string { return file }, f)
}

// onFilesOfGuests is onGuests with other files, that are made of the guests'.
func onFilesOfGuests(t *testing.T, other func(t *testing.T, file string) string, f func(t *testing.T, g *guest, s *served, upstream string)) {
	up := upstream(t)
	policy, err := hosthttp.ParsePolicy([]string{up})
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{Timeout: 2 * time.Minute, Host: host.Config{
		Env:      []cli.Variable{{Name: "GREETING", Value: "hello"}},
		Outbound: &hosthttp.Client{Policy: policy, Transport: hosthttp.NewTransport(policy, hosthttp.TransportConfig{})},
	}}
	for k := range guests {
		g := &guests[k]
		t.Run(g.name, func(t *testing.T) {
			skipUnlessBuilt(t, g.file, g.make)
			onEngines(t, other(t, g.file), 0, cfg, func(t *testing.T, s *served) { f(t, g, s, up) })
		})
	}
}

// exchange makes a request and says what is wrong with the answer.
func (r *request) exchange(client *http.Client, base, upstream string) error {
	method, target, named := strings.Cut(r.target, " ")
	if !named {
		method, target = "GET", r.target
	}
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequest(method, base+strings.ReplaceAll(target, "UPSTREAM", upstream), body)
	if err != nil {
		return err
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if r.trailer != "" {
		req.ContentLength = -1 // only a body in chunks has trailers
		req.Trailer = http.Header{"X-Trailer": {r.trailer}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: after %d bytes: %w", r.target, len(b), err)
	}
	if resp.StatusCode != r.status {
		return fmt.Errorf("%s: status %d %.100q, wanted %d", r.target, resp.StatusCode, b, r.status)
	}
	if r.echoes && string(b) != r.body {
		return fmt.Errorf("%s: the %d bytes that came back are not the %d that were sent", r.target, len(b), len(r.body))
	}
	want := strings.ReplaceAll(r.want, "UPSTREAM", regexp.QuoteMeta(upstream))
	if !r.echoes && !regexp.MustCompile(`^(?:`+want+`)$`).Match(b) {
		return fmt.Errorf("%s: body %.200q, wanted %s", r.target, b, want)
	}
	for name, value := range r.fields {
		if got := resp.Header.Get(name); got != value {
			return fmt.Errorf("%s: %s is %q, wanted %q", r.target, name, got, value)
		}
	}
	if got := resp.Trailer.Get("X-Trailer"); got != r.trailer {
		return fmt.Errorf("%s: the trailer is %q, wanted %q", r.target, got, r.trailer)
	}
	return nil
}

func TestGuestsAnswerRight(t *testing.T) {
	onGuests(t, answersRight)
}

// answersRight makes each of a guest's requests once.
func answersRight(t *testing.T, g *guest, s *served, upstream string) {
	for k := range g.requests {
		r := &g.requests[k]
		if err := r.exchange(http.DefaultClient, s.url, upstream); err != nil {
			t.Error(err)
		}
		if r.output == "" {
			continue
		}
		if got := s.output.await(regexp.MustCompile(`(?m)^` + r.output + `$`)); got != nil {
			t.Errorf("%s: %v", r.target, got)
		}
	}
}

// Each request has an instance of its own, whatever happens in those beside it.
func TestGuestsAnswerManyConnectionsAtOnce(t *testing.T) {
	const connections = 64
	onGuests(t, func(t *testing.T, g *guest, s *served, upstream string) {
		each := 3
		if g.make != "" {
			each = 1 // they are large
		}
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		for c := range connections {
			wg.Go(func() {
				for n := range each {
					r := &g.requests[(c+n)%len(g.requests)]
					if err := r.exchange(client, s.url, upstream); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// What a guest does to itself is no matter to the instances beside it.
func TestTrapsBesideManyConnections(t *testing.T) {
	onEngines(t, torture, 64<<20, server.Config{Timeout: time.Minute}, func(t *testing.T, s *served) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				for n := range 3 {
					text := strings.Repeat(fmt.Sprintf("%d/%d ", g, n), 500)
					for _, r := range []request{
						{target: "POST /echo", body: text, status: 200, echoes: true},
						{target: "POST /trap", status: 500, want: "Internal Server Error\n"},
					} {
						if err := r.exchange(client, s.url, ""); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		wg.Wait()
	})
}
