package server

import (
	"bytes"
	"context"
	"fmt"
	goio "io"
	"log/slog"
	"net"
	gohttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve starts a Server and returns its address, a function that asks it to
// stop, and where its outcome goes.
func serve(t *testing.T, g Guest, s Server) (addr string, stop func(), outcome chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = New(g, Config{Log: slog.New(slog.DiscardHandler)})
	ready := &lockedBuffer{}
	s.Ready = ready
	ctx, cancel := context.WithCancel(context.Background())
	outcome = make(chan error, 1)
	go func() { outcome <- s.Serve(ctx, ln) }()
	want := fmt.Sprintf("Serving HTTP on http://%s/\n", ln.Addr())
	for end := time.Now().Add(5 * time.Second); ready.String() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("ready line %q, want %q", ready.String(), want)
		}
	}
	t.Cleanup(cancel)
	return ln.Addr().String(), cancel, outcome
}

func TestCleartextHTTP2(t *testing.T) {
	addr, _, _ := serve(t, goGuest(echo), Server{})
	tr := &gohttp.Transport{Protocols: new(gohttp.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	r, _ := gohttp.NewRequest("POST", "http://"+addr+"/", goio.LimitReader(zeroReader{}, 1<<20))
	r.Trailer = gohttp.Header{"X-Sum": {"42"}}
	resp, err := (&gohttp.Client{Transport: tr}).Do(r)
	if err != nil || resp.ProtoMajor != 2 {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	n, err := goio.Copy(goio.Discard, resp.Body)
	if n != 1<<20 || err != nil || resp.Trailer.Get("X-Sum") != "42" {
		t.Fatal(n, err, resp.Trailer)
	}
}

func TestDraining(t *testing.T) {
	t.Run("requests under way are answered", func(t *testing.T) {
		in, out := make(chan struct{}), make(chan struct{})
		addr, stop, outcome := serve(t, goGuest(func(c *call) error { close(in); <-out; return hello(c) }), Server{})
		got := make(chan string, 1)
		go func() {
			_, body, err := get(t, "http://"+addr)
			got <- fmt.Sprint(body, err)
		}()
		<-in
		stop()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				break
			}
			_ = c.Close()
			if time.Now().After(end) {
				t.Fatal("new connections are still accepted")
			}
		}
		close(out)
		if s := <-got; s != "hello<nil>" {
			t.Fatal(s)
		}
		if err := <-outcome; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("guests that go on after their response are waited for", func(t *testing.T) {
		var ended bool
		addr, stop, outcome := serve(t, goGuest(func(c *call) error {
			err := hello(c)
			time.Sleep(100 * time.Millisecond)
			ended = true
			return err
		}), Server{})
		if _, body, err := get(t, "http://"+addr); body != "hello" {
			t.Fatal(err)
		}
		stop()
		if err := <-outcome; err != nil || !ended {
			t.Fatal(err, ended)
		}
	})
	t.Run("those that take too long are broken off", func(t *testing.T) {
		in := make(chan struct{})
		addr, stop, outcome := serve(t, goGuest(func(c *call) error { close(in); <-c.ctx.Done(); return c.ctx.Err() }), Server{DrainTimeout: 50 * time.Millisecond})
		status := make(chan int, 1)
		go func() {
			resp, _, err := get(t, "http://"+addr)
			if err != nil {
				status <- 0
				return
			}
			status <- resp.StatusCode
		}()
		<-in
		stop()
		if err := <-outcome; err != ErrNotDrained {
			t.Fatal(err)
		}
		if s := <-status; s != 503 {
			t.Fatalf("status %d", s)
		}
	})
}

func TestGuestOutput(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	write := goGuest(func(c *call) error {
		out, _ := c.st.CLI.GetStdout(c.ctx)
		errs, _ := c.st.CLI.GetStderr(c.ctx)
		for _, s := range []string{"one\ntw", "o\n\n", long + "y\n", "no end"} {
			for len(s) > 0 {
				n := min(len(s), 4096)
				if err := out.BlockingWriteAndFlush(c.ctx, []byte(s[:n])); err != nil {
					return err
				}
				s = s[n:]
			}
		}
		_ = errs.Write(c.ctx, []byte("oops\n"))
		return hello(c)
	})
	for _, c := range []struct {
		name        string
		form        OutputForm
		stdout, err string
	}{
		{"prefixed", Prefixed, "stdout [0] :: one\nstdout [0] :: two\nstdout [0] :: \nstdout [0] :: " + long + "\nstdout [0] :: y\nstdout [0] :: no end\n", "stderr [0] :: oops\n"},
		{"raw", Raw, "one\ntwo\n\n" + long + "y\nno end", "oops\n"},
		{"structured", Structured, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs lockedBuffer
			url, h, log := start(t, write, Config{Stdout: &out, Stderr: &errs, Output: c.form})
			if _, body, err := get(t, url); body != "hello" {
				t.Fatal(err)
			}
			_ = h.Wait(context.Background())
			if out.String() != c.stdout || errs.String() != c.err {
				t.Fatalf("stdout %q\nstderr %q", out.String(), errs.String())
			}
			if c.form == Structured {
				if l := lines(t, log, 7); !strings.Contains(l, `request=0 stream=stdout line=two`) || !strings.Contains(l, "stream=stderr line=oops") {
					t.Fatal(l)
				}
			}
		})
	}
}

// TestRestOfABodyIsNoRequest: what a client sends late of a body that the guest
// left unread must not be taken for its next request.
func TestRestOfABodyIsNoRequest(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, c := range []struct {
		name  string
		guest goGuest
		limit int64
	}{
		{"that the guest never asked for", hello, 0},
		{"that the guest was reading", func(c *call) error {
			in, _ := c.req.Consume(c.ctx)
			r, _ := in.Stream(c.ctx)
			_, _ = r.BlockingRead(c.ctx, 1)
			time.Sleep(5 * time.Millisecond)
			return hello(c)
		}, 0},
		{"under a limit", hello, 1 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths := make(chan string, 4)
			url, _, _ := start(t, goGuest(func(k *call) error {
				p, _ := k.req.PathWithQuery(k.ctx)
				paths <- p.Value
				return c.guest(k)
			}), Config{MaxBody: c.limit})
			conn, r := raw(t, url, fmt.Sprintf("POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\nabc", 3+len(smuggled)))
			resp, err := gohttp.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := goio.ReadAll(resp.Body); string(b) != "hello" || err != nil {
				t.Fatalf("%q %v", b, err)
			}
			_, _ = conn.Write([]byte(smuggled))
			rest, _ := goio.ReadAll(r)
			if len(rest) != 0 {
				t.Fatalf("an answer to the rest: %q", rest)
			}
			if p := <-paths; p != "/first" || len(paths) != 0 {
				t.Fatal("the rest was taken for a request")
			}
		})
	}
}

func TestConnectionIsKeptAfterABodyThatWasRead(t *testing.T) {
	url, _, _ := start(t, goGuest(echo), Config{})
	one := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	conn, r := raw(t, url, "")
	for range 5 {
		_, _ = conn.Write([]byte(one))
		resp, err := gohttp.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := goio.ReadAll(resp.Body); string(b) != "abc" || err != nil {
			t.Fatalf("%q %v", b, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	url, _, log := start(t, goGuest(echo), Config{MaxConcurrent: 16, QueueWait: 10 * time.Second})
	tr := &gohttp.Transport{MaxIdleConnsPerHost: 64}
	defer tr.CloseIdleConnections()
	errs := make(chan error)
	const clients, each = 64, 10
	for i := range clients {
		go func() {
			body := bytes.Repeat([]byte{byte(i)}, 10000*(i%7))
			for range each {
				resp, err := (&gohttp.Client{Transport: tr}).Post(url, "text/plain", bytes.NewReader(body))
				if err == nil {
					var b []byte
					if b, err = goio.ReadAll(resp.Body); err == nil && !bytes.Equal(b, body) {
						err = fmt.Errorf("%d bytes came back of %d", len(b), len(body))
					}
					_ = resp.Body.Close()
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	lines(t, log, 0)
}

func TestBodyThatStallsOnHTTP2DoesNotHoldTheAnswer(t *testing.T) {
	addr, _, _ := serve(t, goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		_, _ = r.Read(c.ctx, 1)
		time.Sleep(10 * time.Millisecond)
		return hello(c)
	}), Server{})
	tr := &gohttp.Transport{Protocols: new(gohttp.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	body, w := goio.Pipe()
	defer w.Close()
	r, _ := gohttp.NewRequest("POST", "http://"+addr+"/", body)
	resp, err := (&gohttp.Client{Transport: tr, Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := goio.ReadAll(resp.Body); string(b) != "hello" || err != nil {
		t.Fatalf("%q %v", b, err)
	}
}

func TestHandlerWithoutNetHTTPsServer(t *testing.T) {
	h := New(goGuest(func(c *call) error {
		in, _ := c.req.Consume(c.ctx)
		r, _ := in.Stream(c.ctx)
		_, _ = r.Read(c.ctx, 1)
		time.Sleep(10 * time.Millisecond)
		return hello(c)
	}), Config{Log: slog.New(slog.DiscardHandler)})
	body, _ := goio.Pipe() // never gives anything
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", body))
	if w.Code != 200 || w.Body.String() != "hello" {
		t.Fatal(w)
	}
}
