package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	goio "io"
	"net"
	gohttp "net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/clocks"
	"github.com/godwit-runtime/godwit/host/io"
)

func get(t *testing.T, url string) (*gohttp.Response, string, error) {
	t.Helper()
	resp, err := gohttp.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := goio.ReadAll(resp.Body)
	return resp, string(b), err
}

func TestShortResponseGoesOutWithItsLength(t *testing.T) {
	url, _, _ := start(t, goGuest(hello), Config{})
	for try := 0; ; try++ {
		resp, body, err := get(t, url)
		if err != nil || resp.StatusCode != 200 || body != "hello" || resp.Header.Get("X-Guest") != "yes" {
			t.Fatal(resp, body, err)
		}
		if ct, ok := resp.Header["Content-Type"]; ok {
			t.Fatalf("content-type %q was guessed", ct)
		}
		if resp.ContentLength == 5 {
			return
		}
		if try == 50 { // on a busy machine the guest may be late now and then
			t.Fatalf("content-length %d: the response goes out in pieces", resp.ContentLength)
		}
	}
}

func TestFailures(t *testing.T) {
	set := func(c *call, code wasihttp.ErrorCode) error {
		return c.st.HTTP.ResponseOutparamSet(c.ctx, c.out, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{IsErr: true, Err: code})
	}
	trap := func(err error) error { return &abi.Trap{Message: "wasm trap: secret at 0x1234", Err: err} }
	for _, c := range []struct {
		name   string
		guest  goGuest
		status int
		log    string
	}{
		{"a trap before the headers", func(*call) error { return trap(nil) }, 500, "secret"},
		{"an exit before the response", func(*call) error { return trap(&cli.ExitError{Code: 3}) }, 500, "guest exited"},
		{"a guest that returns without a response", func(*call) error { return nil }, 500, "never set its response"},
		{"a guest that drops its outparam and goes on", func(c *call) error {
			c.out.Drop(c.ctx)
			<-c.ctx.Done()
			return c.ctx.Err()
		}, 500, "never set"},
		{"a guest that loops past its timeout", func(c *call) error { <-c.ctx.Done(); return trap(c.ctx.Err()) }, 504, "-W timeout="},
		{"a Go panic", func(*call) error { panic("oh") }, 500, "panic in the host: oh"},
		{"an error code of the guest", func(c *call) error {
			return set(c, wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeInternalError})
		}, 500, "internal-error"},
		{"an error code that says the way onward failed", func(c *call) error {
			return set(c, wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeConnectionRefused})
		}, 502, "connection-refused"},
		{"a body shorter than its content-length, before anything was sent", func(c *call) error {
			h, _ := c.st.HTTP.NewFields(c.ctx)
			_ = h.Append(c.ctx, "content-length", []byte("5"))
			r, _ := c.st.HTTP.NewOutgoingResponse(c.ctx, h)
			return c.st.HTTP.ResponseOutparamSet(c.ctx, c.out, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: r})
		}, 500, "content-length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _, log := start(t, c.guest, Config{Timeout: 200 * time.Millisecond})
			resp, body, err := get(t, url+"/some/path")
			if err != nil || resp.StatusCode != c.status {
				t.Fatal(resp, err)
			}
			if strings.Contains(body, "secret") || len(body) > 40 {
				t.Fatalf("internals in the response: %q", body)
			}
			if l := lines(t, log, 1); !strings.Contains(l, c.log) || !strings.Contains(l, "request=0") || !strings.Contains(l, "/some/path") {
				t.Fatalf("the operator's line is %q", l)
			}
		})
	}
}

func TestFailuresAfterTheHeadersAbortTheConnection(t *testing.T) {
	headersSeen := make(chan struct{})
	write := func(c *call, headers ...string) wasiio.OutputStream {
		_, w := c.respond(200, headers...)
		_ = w.BlockingWriteAndFlush(c.ctx, []byte("part"))
		<-headersSeen
		return w
	}
	for _, c := range []struct {
		name  string
		guest goGuest
		log   string
	}{
		{"a trap", func(c *call) error { write(c); return errors.New("unreachable executed") }, "unreachable executed"},
		{"a body that is dropped", func(c *call) error { write(c); return nil }, "without finishing"},
		{"the timeout", func(c *call) error { write(c); <-c.ctx.Done(); return c.ctx.Err() }, "-W timeout="},
		{"less than the content-length", func(c *call) error {
			w := write(c, "content-length", "5")
			if err := c.finish(c.bodies[0], w); err == nil {
				return errors.New("finish accepted it")
			}
			return nil
		}, "HTTP-response-body-size"},
		{"more than the content-length", func(c *call) error {
			w := write(c, "content-length", "8")
			if err := w.BlockingWriteAndFlush(c.ctx, []byte("/five")); err == nil {
				return errors.New("write accepted it")
			}
			return nil
		}, "HTTP-response-body-size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _, log := start(t, c.guest, Config{Timeout: 2 * time.Second})
			resp, err := gohttp.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			headersSeen <- struct{}{}
			if body, err := goio.ReadAll(resp.Body); err == nil {
				t.Fatalf("the client took %q for a whole response", body)
			}
			if l := lines(t, log, 1); !strings.Contains(l, c.log) {
				t.Fatalf("the operator's line is %q", l)
			}
		})
	}
}

// A guest has not answered before something of its answer is sent: until then
// its failure has a status of its own. How long that is depends on the clock,
// so that a busy machine may need more than one try.
func TestAFailureBetweenTheResponseAndItsFirstByteIsAStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		end  error
	}{
		{"a trap", errors.New("unreachable executed")},
		{"a body that is dropped", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _, _ := start(t, goGuest(func(call *call) error {
				call.respond(200, "x-secret", "yes")
				return c.end
			}), Config{})
			for range 100 {
				resp, body, err := get(t, url)
				if err != nil {
					continue // the header was sent already
				}
				if resp.StatusCode != 500 || resp.Header.Get("X-Secret") != "" {
					t.Fatalf("%d %q %v", resp.StatusCode, body, resp.Header)
				}
				return
			}
			t.Fatal("the connection is broken off each time")
		})
	}
}

func TestEventsArriveOneByOne(t *testing.T) {
	seen := make(chan int)
	url, _, _ := start(t, goGuest(func(c *call) error {
		body, w := c.respond(200, "content-type", "text/event-stream")
		for i := range 20 {
			if err := w.BlockingWriteAndFlush(c.ctx, fmt.Appendf(nil, "data: %d\n\n", i)); err != nil {
				return err
			}
			select {
			case <-seen: // the next one is written only when this one has arrived
			case <-time.After(3 * time.Second):
				return errors.New("the event did not arrive")
			}
		}
		return c.finish(body, w)
	}), Config{})
	resp, err := gohttp.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n := 0
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		if s.Text() == fmt.Sprintf("data: %d", n) {
			seen <- n
			n++
		}
	}
	if n != 20 {
		t.Fatalf("%d events", n)
	}
}

func TestEchoWithTrailers(t *testing.T) {
	// A short body is one that net/http still has whole when it ends.
	for _, size := range []int64{0, 3, 8 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			url, _, log := start(t, goGuest(echo), Config{})
			r, err := gohttp.NewRequest("POST", url, goio.LimitReader(zeroReader{}, size))
			if err != nil {
				t.Fatal(err)
			}
			r.Trailer = gohttp.Header{"X-Sum": {"42"}}
			resp, err := gohttp.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := goio.Copy(goio.Discard, resp.Body)
			if n != size || err != nil {
				t.Fatal(n, err, log)
			}
			if resp.Trailer.Get("X-Sum") != "42" {
				t.Fatalf("trailers %v", resp.Trailer)
			}
		})
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSlowReaderSlowsTheGuest(t *testing.T) {
	var written atomic.Int64
	url, _, _ := start(t, goGuest(func(c *call) error {
		body, w := c.respond(200)
		for range 64 << 20 >> 12 {
			if err := w.BlockingWriteAndFlush(c.ctx, make([]byte, 4096)); err != nil {
				return err
			}
			written.Add(4096)
		}
		return c.finish(body, w)
	}), Config{})
	resp, err := gohttp.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	last := int64(-1)
	for written.Load() != last { // until the guest stands still
		last = written.Load()
		time.Sleep(100 * time.Millisecond)
	}
	if last >= 32<<20 {
		t.Fatalf("the guest wrote %d bytes that nobody read", last)
	}
	if n, err := goio.Copy(goio.Discard, resp.Body); n != 64<<20 || err != nil {
		t.Fatal(n, err)
	}
}

func TestClientThatGoesAwayCancelsTheGuest(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(c *call)
	}{
		{"before the response", func(*call) {}},
		{"in the middle of the response", func(c *call) {
			_, w := c.respond(200)
			_ = w.BlockingWriteAndFlush(c.ctx, []byte("part"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			started, cancelled := make(chan struct{}), make(chan error, 1)
			url, _, log := start(t, goGuest(func(k *call) error {
				c.first(k)
				close(started)
				p, _ := clocks.Monotonic{Clock: clocks.System}.SubscribeDuration(k.ctx, uint64(time.Hour))
				_, err := (io.Poll{}).Poll(k.ctx, []wasiio.Pollable{p})
				cancelled <- err
				return err
			}), Config{})
			ctx, cancel := context.WithCancel(context.Background())
			r, _ := gohttp.NewRequestWithContext(ctx, "GET", url, nil)
			go func() {
				if resp, err := gohttp.DefaultClient.Do(r); err == nil {
					_, _ = goio.ReadAll(resp.Body)
				}
			}()
			<-started
			cancel()
			select {
			case err := <-cancelled:
				if err != context.Canceled {
					t.Fatal(err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("the guest goes on")
			}
			if l := lines(t, log, 1); !strings.Contains(l, "client went away") || !strings.Contains(l, "level=INFO") {
				t.Fatal(l)
			}
		})
	}
}

func TestConcurrencyLimit(t *testing.T) {
	in, out := make(chan struct{}, 8), make(chan struct{})
	slow := goGuest(func(c *call) error { in <- struct{}{}; <-out; return hello(c) })
	t.Run("a request beyond it is refused at once", func(t *testing.T) {
		url, _, log := start(t, slow, Config{MaxConcurrent: 1})
		done := make(chan error)
		go func() { _, _, err := get(t, url); done <- err }()
		<-in
		resp, _, err := get(t, url)
		if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Fatal(resp, err)
		}
		if l := lines(t, log, 1); !strings.Contains(l, "--max-concurrent-requests") {
			t.Fatal(l)
		}
		out <- struct{}{}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("it waits when told to", func(t *testing.T) {
		url, _, _ := start(t, slow, Config{MaxConcurrent: 1, QueueWait: 5 * time.Second})
		got := make(chan int, 2)
		for range 2 {
			go func() {
				resp, _, err := get(t, url)
				if err != nil {
					got <- 0
					return
				}
				got <- resp.StatusCode
			}()
		}
		for range 2 {
			<-in
			select {
			case <-in:
				t.Error("two at once")
			case <-time.After(20 * time.Millisecond):
			}
			out <- struct{}{}
		}
		if a, b := <-got, <-got; a != 200 || b != 200 {
			t.Fatal(a, b)
		}
	})
}

func TestBodyLimit(t *testing.T) {
	var guestSaw atomic.Value
	g := goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		for {
			_, err := r.BlockingSkip(c.ctx, 1<<20)
			if err == nil {
				continue
			}
			var se wasiio.StreamError
			if errors.As(err, &se) && se.Tag == wasiio.StreamErrorLastOperationFailed {
				code, _ := c.st.HTTP.HTTPErrorCode(c.ctx, se.LastOperationFailed)
				guestSaw.Store(code.Value.Tag.String())
			}
			return hello(c)
		}
	})
	url, _, _ := start(t, g, Config{MaxBody: 10})
	if resp, err := gohttp.DefaultClient.Do(newRequest(t, "POST", url, "12345678901")); err != nil || resp.StatusCode != 413 {
		t.Fatal(resp, err)
	}
	if resp, err := gohttp.DefaultClient.Do(newRequest(t, "POST", url, "1234567890")); err != nil || resp.StatusCode != 200 || guestSaw.Load() != nil {
		t.Fatal(resp, err, guestSaw.Load())
	}
	r := newRequest(t, "POST", url, "12345678901")
	r.ContentLength = -1
	if _, err := gohttp.DefaultClient.Do(r); err != nil || guestSaw.Load() != "HTTP-request-body-size" {
		t.Fatal(err, guestSaw.Load())
	}
}

func TestGuestMayGoOnAfterItsResponse(t *testing.T) {
	after := make(chan error, 1)
	goOn := make(chan struct{})
	url, _, log := start(t, goGuest(func(c *call) error {
		if err := hello(c); err != nil {
			return err
		}
		<-goOn
		time.Sleep(20 * time.Millisecond)
		after <- c.ctx.Err()
		return nil
	}), Config{})
	if _, body, err := get(t, url); err != nil || body != "hello" {
		t.Fatal(body, err)
	}
	close(goOn)
	if err := <-after; err != nil {
		t.Fatalf("cancelled: %v", err)
	}
	lines(t, log, 0)
}

func TestMessages(t *testing.T) {
	type seen struct{ method, path, authority, scheme, headers string }
	got := make(chan seen, 1)
	url, _, _ := start(t, goGuest(func(c *call) error {
		var s seen
		m, _ := c.req.Method(c.ctx)
		p, _ := c.req.PathWithQuery(c.ctx)
		a, _ := c.req.Authority(c.ctx)
		sc, _ := c.req.Scheme(c.ctx)
		h, _ := c.req.Headers(c.ctx)
		entries, _ := h.Entries(c.ctx)
		for _, e := range entries {
			s.headers += e.F0 + "=" + string(e.F1) + ";"
		}
		s.method, s.path, s.authority, s.scheme = m.Tag.String()+m.Other, p.Value, a.Value, sc.Value.Tag.String()
		got <- s
		return hello(c)
	}), Config{})
	r := newRequest(t, "PATCH", url+"/a%2Fb/c?x=1&y=%20", "")
	r.Header.Set("X-Multi", "1")
	r.Header.Add("X-Multi", "2")
	r.Header.Set("User-Agent", "ua")
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("Connection", "keep-alive")
	if _, err := gohttp.DefaultClient.Do(r); err != nil {
		t.Fatal(err)
	}
	want := seen{"patch", "/a%2Fb/c?x=1&y=%20", strings.TrimPrefix(url, "http://"), "HTTP", "accept-encoding=identity;content-length=0;user-agent=ua;x-multi=1;x-multi=2;"}
	s := <-got
	s.headers = strings.Replace(s.headers, "content-length=0;", "", 1)
	want.headers = strings.Replace(want.headers, "content-length=0;", "", 1)
	if s != want {
		t.Fatalf("\n got %+v\nwant %+v", s, want)
	}
}

func TestHead(t *testing.T) {
	url, _, log := start(t, goGuest(func(c *call) error {
		body, w := c.respond(200, "content-length", "12345")
		return c.finish(body, w)
	}), Config{})
	resp, err := gohttp.Head(url)
	if err != nil || resp.ContentLength != 12345 {
		t.Fatal(resp, err)
	}
	lines(t, log, 0)
}

// raw sends text on a connection of its own and returns a reader of the answer.
func raw(t *testing.T, url, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = conn.Write([]byte(text))
	return conn, bufio.NewReader(conn)
}

func TestExpectContinue(t *testing.T) {
	const header = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
	t.Run("a guest that reads the body invites it", func(t *testing.T) {
		url, _, _ := start(t, goGuest(func(c *call) error {
			in, _ := c.req.Consume(c.ctx)
			r, _ := in.Stream(c.ctx)
			if b, err := r.BlockingRead(c.ctx, 10); err != nil || len(b) == 0 {
				return fmt.Errorf("%q %v", b, err)
			}
			return hello(c)
		}), Config{})
		conn, r := raw(t, url, header)
		line, _ := r.ReadString('\n')
		if line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q", line)
		}
		_, _ = conn.Write([]byte("ok"))
		_, _ = r.ReadString('\n')
		if resp, err := gohttp.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
	})
	t.Run("a guest that does not read it answers straight away", func(t *testing.T) {
		url, _, _ := start(t, goGuest(hello), Config{})
		_, r := raw(t, url, header)
		if line, _ := r.ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
			t.Fatalf("%q", line)
		}
	})
}

func TestBodyThatStallsDoesNotHoldTheAnswer(t *testing.T) {
	url, _, _ := start(t, goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		_, _ = r.Read(c.ctx, 1) // starts reading, which then waits for the client
		time.Sleep(10 * time.Millisecond)
		return hello(c)
	}), Config{})
	_, r := raw(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
	resp, err := gohttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := goio.ReadAll(resp.Body); string(b) != "hello" || err != nil {
		t.Fatalf("%q %v", b, err)
	}
}

func TestUnreadBodyKeepsTheConnection(t *testing.T) {
	url, _, _ := start(t, goGuest(hello), Config{})
	_, r := raw(t, url, strings.Repeat("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 3))
	for range 3 {
		resp, err := gohttp.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := goio.ReadAll(resp.Body); string(b) != "hello" || err != nil {
			t.Fatalf("%q %v", b, err)
		}
	}
}
