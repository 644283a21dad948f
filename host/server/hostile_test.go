package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	goio "io"
	"log/slog"
	"net"
	gohttp "net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// serveRaw is a Server, with its limits, on a listener.
func serveRaw(t *testing.T, g Guest, s *Server, c Config) (url string, log *lockedBuffer) {
	t.Helper()
	log = &lockedBuffer{}
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	s.Handler = New(g, c)
	s.DrainTimeout = 5 * time.Second
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String(), log
}

// answers reads the responses on a connection until it ends.
func answers(t *testing.T, r *bufio.Reader) (statuses []int) {
	t.Helper()
	for {
		resp, err := gohttp.ReadResponse(r, nil)
		if err != nil {
			return statuses
		}
		statuses = append(statuses, resp.StatusCode)
		if _, err := goio.Copy(goio.Discard, resp.Body); err != nil {
			return statuses
		}
	}
}

// TestRequestsThatAreNot: what two parties could take for different requests is
// refused before it reaches a guest, and what follows it is not looked at.
func TestRequestsThatAreNot(t *testing.T) {
	const next = "GET /smuggled HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, request string
		want          string // the statuses, the guest's paths
	}{
		{"sound", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + next, "[200 200] /a /smuggled"},
		{"about the whole server", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + next, "[200 200] * /smuggled"},
		{"of a proxy", "GET http://i/a?b HTTP/1.1\r\nHost: h\r\n\r\n" + next, "[200 200] /a?b /smuggled"},
		{"two lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\nabc" + next, "[400]"},
		{"a length that is none", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc" + next, "[400]"},
		{"a length below nothing", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n" + next, "[400]"},
		{"two codings", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + next, "[501]"},
		{"a coding in disguise", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + next, "[501]"},
		{"a coding with a tail", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n" + next, "[400]"},
		{"a chunk that is none", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n" + next, "[200] /a"},
		{"a chunk without an end", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n" + next, "[200] /a"},
		{"a chunk of more than there is", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n" + next, "[200] /a"},
		{"a space before the colon", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc" + next, "[400]"},
		{"a field with a NUL", "GET /a HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n" + next, "[400]"},
		{"a field with a lone CR", "GET /a HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n" + next, "[400]"},
		{"a name with a space", "GET /a HTTP/1.1\r\nHost: h\r\nX Y: b\r\n\r\n" + next, "[400]"},
		{"no host", "GET /a HTTP/1.1\r\n\r\n" + next, "[400]"},
		{"two hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" + next, "[400]"},
		{"a host that is none", "GET /a HTTP/1.1\r\nHost: h/../x\r\n\r\n" + next, "[400]"},
		{"a line without a version", "GET /a\r\nHost: h\r\n\r\n" + next, "[400]"},
		{"a version of its own", "GET /a HTTP/1.9\r\nHost: h\r\n\r\n" + next, "[200 200] /a /smuggled"},
		{"a method that is none", "G\x01T /a HTTP/1.1\r\nHost: h\r\n\r\n" + next, "[400]"},
		{"a path with a space", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n" + next, "[400]"},
		{"a path with half an escape", "GET /a%2 HTTP/1.1\r\nHost: h\r\n\r\n" + next, "[400]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths := make(chan string, 4)
			url, _ := serveRaw(t, goGuest(func(k *call) error {
				p, _ := k.req.PathWithQuery(k.ctx)
				paths <- p.Value
				return hello(k)
			}), &Server{}, Config{})
			_, r := raw(t, url, c.request)
			got := fmt.Sprint(answers(t, r))
			for len(paths) > 0 {
				got += " " + <-paths
			}
			if got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestLengthDoesNotCountBesideChunks(t *testing.T) {
	url, _ := serveRaw(t, goGuest(echo), &Server{}, Config{})
	_, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	resp, err := gohttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := goio.ReadAll(resp.Body); string(b) != "abc" || err != nil {
		t.Fatalf("%q %v", b, err)
	}
}

func TestHeaderIsBounded(t *testing.T) {
	for name, header := range map[string]string{
		"a long value": "X: " + strings.Repeat("x", 64<<10) + "\r\n",
		"many fields":  strings.Repeat("X: x\r\n", 20<<10),
		"a long path":  "",
	} {
		t.Run(name, func(t *testing.T) {
			var runs atomic.Int32
			url, _ := serveRaw(t, goGuest(func(c *call) error { runs.Add(1); return hello(c) }), &Server{MaxHeaderBytes: 16 << 10}, Config{})
			path := "/"
			if header == "" {
				path += strings.Repeat("x", 64<<10)
			}
			conn, r := raw(t, url, "")
			go func() { _, _ = conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + header + "\r\n")) }()
			resp, err := gohttp.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != gohttp.StatusRequestHeaderFieldsTooLarge || runs.Load() != 0 {
				t.Fatal(resp, err, runs.Load())
			}
		})
	}
}

func TestTrailersAreBounded(t *testing.T) {
	ended := make(chan error, 1)
	url, _ := serveRaw(t, goGuest(func(c *call) error {
		err := echo(c)
		ended <- err
		return err
	}), &Server{}, Config{})
	conn, _ := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
	go func() {
		for {
			if _, err := conn.Write([]byte("X: " + strings.Repeat("x", 1000) + "\r\n")); err != nil {
				return
			}
		}
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Fatal("the guest has got them all")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the server takes them without end")
	}
}

// TestTrailersDoNotSayWhereTheRequestEnds: fields of that kind are not shown to
// the guest, which could take them for headers.
func TestTrailersDoNotSayWhereTheRequestEnds(t *testing.T) {
	url, _ := serveRaw(t, goGuest(echo), &Server{}, Config{})
	_, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n"+
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\nHost: evil\r\nX-Sound: yes\r\n\r\n")
	resp, err := gohttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := goio.Copy(goio.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if len(resp.Trailer) != 1 || resp.Trailer.Get("X-Sound") != "yes" {
		t.Fatal(resp.Trailer)
	}
}

func TestClientThatIsSlowWithItsHeader(t *testing.T) {
	var runs atomic.Int32
	url, _ := serveRaw(t, goGuest(func(c *call) error { runs.Add(1); return hello(c) }),
		&Server{ReadHeaderTimeout: 50 * time.Millisecond}, Config{})
	conn, r := raw(t, url, "GET / HTTP/1.1\r\nHost: h\r\n")
	go func() {
		for range 1000 { // never idle, never done
			if _, err := conn.Write([]byte("X: x\r\n")); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if _, err := r.ReadByte(); err == nil || runs.Load() != 0 {
		t.Fatal(err, runs.Load())
	}
}

// stalled is the outcome of a guest whose client stalls: it ends, and the
// operator is told why.
func stalled(t *testing.T, ended chan error, log *lockedBuffer) {
	t.Helper()
	select {
	case err := <-ended:
		if err == nil {
			t.Fatal("the guest did not notice")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the guest is still held")
	}
	if l := lines(t, log, 1); !strings.Contains(l, "--client-timeout") {
		t.Fatal(l)
	}
}

func TestClientThatIsSlowWithItsBody(t *testing.T) {
	ended := make(chan error, 1)
	url, log := serveRaw(t, goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		for {
			if _, err := r.BlockingRead(c.ctx, 10); err != nil {
				ended <- err
				return err
			}
		}
	}), &Server{}, Config{ClientTimeout: 50 * time.Millisecond})
	_, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
	resp, err := gohttp.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != gohttp.StatusRequestTimeout {
		t.Fatal(resp, err)
	}
	stalled(t, ended, log)
}

func TestClientThatSendsALittleNowAndThenIsNotStalled(t *testing.T) {
	url, log := serveRaw(t, goGuest(echo), &Server{}, Config{ClientTimeout: 400 * time.Millisecond})
	conn, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\nConnection: close\r\n\r\n")
	for range 50 {
		time.Sleep(20 * time.Millisecond)
		_, _ = conn.Write([]byte("x"))
	}
	resp, err := gohttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := goio.ReadAll(resp.Body); len(b) != 50 || err != nil {
		t.Fatalf("%q %v", b, err)
	}
	lines(t, log, 0)
}

func TestClientDoesNotPayForASlowGuest(t *testing.T) {
	url, log := serveRaw(t, goGuest(func(c *call) error {
		time.Sleep(200 * time.Millisecond)
		body, w := c.respond(200)
		if err := w.BlockingWriteAndFlush(c.ctx, []byte("a")); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
		return c.finish(body, w)
	}), &Server{}, Config{ClientTimeout: 50 * time.Millisecond})
	for range 2 { // on one connection
		resp, body, err := get(t, url)
		if err != nil || resp.StatusCode != 200 || body != "a" {
			t.Fatal(resp, body, err)
		}
	}
	lines(t, log, 0)
}

func TestClientThatDoesNotTakeTheResponse(t *testing.T) {
	ended := make(chan error, 1)
	url, log := serveRaw(t, goGuest(func(c *call) error {
		_, w := c.respond(200)
		for {
			if err := w.BlockingWriteAndFlush(c.ctx, make([]byte, 4096)); err != nil {
				ended <- err
				return err
			}
		}
	}), &Server{}, Config{ClientTimeout: 50 * time.Millisecond})
	raw(t, url, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	stalled(t, ended, log)
}

// TestClientThatDoesNotTakeInformationalResponses: these are sent before there
// is a body whose sending could be given up.
func TestClientThatDoesNotTakeInformationalResponses(t *testing.T) {
	ended := make(chan error, 1)
	url, log := serveRaw(t, goGuest(func(c *call) error {
		f, _ := c.st.HTTP.NewFields(c.ctx)
		if err := f.Append(c.ctx, "x", []byte(strings.Repeat("x", 60<<10))); err != nil {
			return err
		}
		for {
			if err := c.out.SendInformational(c.ctx, 103, f); err != nil {
				ended <- err
				return err
			}
		}
	}), &Server{}, Config{ClientTimeout: 50 * time.Millisecond})
	raw(t, url, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	stalled(t, ended, log)
}

// TestTimeoutEndsInformationalResponsesThatNobodyTakes without a client timeout.
func TestTimeoutEndsInformationalResponsesThatNobodyTakes(t *testing.T) {
	url, log := serveRaw(t, goGuest(func(c *call) error {
		f, _ := c.st.HTTP.NewFields(c.ctx)
		if err := f.Append(c.ctx, "x", []byte(strings.Repeat("x", 60<<10))); err != nil {
			return err
		}
		for {
			if err := c.out.SendInformational(c.ctx, 103, f); err != nil {
				return err
			}
		}
	}), &Server{}, Config{ClientTimeout: -1, Timeout: 100 * time.Millisecond})
	raw(t, url, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if l := lines(t, log, 1); !strings.Contains(l, "-W timeout=") {
		t.Fatal(l)
	}
}

// TestGuestThatLeavesTheBodyHalfRead: the client learns it and the connection is
// of no further use.
func TestGuestThatLeavesTheBodyHalfRead(t *testing.T) {
	url, _ := serveRaw(t, goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		if _, err := r.BlockingRead(c.ctx, 1); err != nil {
			return err
		}
		r.Drop(c.ctx)
		in.Drop(c.ctx)
		var se wasiio.StreamError
		if _, err := r.Read(c.ctx, 1); !errors.As(err, &se) || se.Tag != wasiio.StreamErrorClosed {
			return fmt.Errorf("the body goes on: %v", err)
		}
		return hello(c)
	}), &Server{}, Config{})
	conn, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n")
	go func() {
		for b := make([]byte, 64<<10); ; {
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}()
	if got := answers(t, r); len(got) != 1 || got[0] != 200 {
		t.Fatal(got)
	}
}
