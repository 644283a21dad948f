package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	gohttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host"
)

// call is what a guest in Go gets of one request.
type call struct {
	ctx context.Context
	st  *host.State
	req wasihttp.IncomingRequest
	out wasihttp.ResponseOutparam

	bodies []wasihttp.OutgoingBody // dropped with the instance, as an engine does
}

// goGuest is a guest written in Go: it calls the host's functions as a
// component would.
type goGuest func(c *call) error

type goInstance struct {
	f    goGuest
	st   *host.State
	call *call
}

func (f goGuest) Instantiate(_ context.Context, st *host.State) (Instance, error) {
	return &goInstance{f: f, st: st}, nil
}

func (i *goInstance) Handle(ctx context.Context, req wasihttp.IncomingRequest, out wasihttp.ResponseOutparam) error {
	i.call = &call{ctx: ctx, st: i.st, req: req, out: out}
	return i.f(i.call)
}

func (i *goInstance) Close(ctx context.Context) error {
	if i.call != nil {
		i.call.out.Drop(ctx)
		for _, b := range i.call.bodies {
			b.Drop(ctx)
		}
		i.call.req.Drop(ctx)
	}
	return nil
}

// respond sets the response and returns its body and stream.
func (c *call) respond(status uint16, headers ...string) (wasihttp.OutgoingBody, wasiio.OutputStream) {
	h, _ := c.st.HTTP.NewFields(c.ctx)
	for i := 0; i < len(headers); i += 2 {
		if err := h.Append(c.ctx, headers[i], []byte(headers[i+1])); err != nil {
			panic(err)
		}
	}
	r, _ := c.st.HTTP.NewOutgoingResponse(c.ctx, h)
	if err := r.SetStatusCode(c.ctx, status); err != nil {
		panic(err)
	}
	body, err := r.Body(c.ctx)
	if err != nil {
		panic(err)
	}
	c.bodies = append(c.bodies, body)
	w, _ := body.Write(c.ctx)
	_ = c.st.HTTP.ResponseOutparamSet(c.ctx, c.out, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: r})
	return body, w
}

func (c *call) finish(body wasihttp.OutgoingBody, w wasiio.OutputStream, trailers ...string) error {
	w.Drop(c.ctx)
	t := abi.None[wasihttp.Trailers]()
	if len(trailers) > 0 {
		f, _ := c.st.HTTP.NewFields(c.ctx)
		for i := 0; i < len(trailers); i += 2 {
			_ = f.Append(c.ctx, trailers[i], []byte(trailers[i+1]))
		}
		t = abi.Some[wasihttp.Trailers](f)
	}
	return c.st.HTTP.OutgoingBodyFinish(c.ctx, body, t)
}

func hello(c *call) error {
	body, w := c.respond(200, "x-guest", "yes")
	if err := w.BlockingWriteAndFlush(c.ctx, []byte("hello")); err != nil {
		return err
	}
	return c.finish(body, w)
}

// echo sends the request's body back, and its trailers.
func echo(c *call) error {
	in, _ := c.req.Consume(c.ctx)
	r, _ := in.Stream(c.ctx)
	body, w := c.respond(200)
	for {
		if _, err := w.BlockingSplice(c.ctx, r, 1<<40); err != nil {
			var se wasiio.StreamError
			if errors.As(err, &se) && se.Tag == wasiio.StreamErrorClosed {
				break
			}
			return err
		}
	}
	r.Drop(c.ctx)
	f, err := c.st.HTTP.IncomingBodyFinish(c.ctx, in)
	if err != nil {
		return err
	}
	p, _ := f.Subscribe(c.ctx)
	if err := p.Block(c.ctx); err != nil {
		return err
	}
	got, err := f.Get(c.ctx)
	if err != nil || !got.Some || got.Value.IsErr || got.Value.OK.IsErr {
		return errors.New("no trailers")
	}
	var trailers []string
	if t := got.Value.OK.OK; t.Some {
		entries, _ := t.Value.Entries(c.ctx)
		for _, e := range entries {
			trailers = append(trailers, e.F0, string(e.F1))
		}
	}
	return c.finish(body, w, trailers...)
}

// lockedBuffer is a buffer that goroutines share.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start serves g and returns the address, the handler and the operator's log.
func start(t *testing.T, g Guest, c Config) (url string, h *Handler, log *lockedBuffer) {
	t.Helper()
	log = &lockedBuffer{}
	c.Log = slog.New(slog.NewTextHandler(log, nil))
	h = New(g, c)
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.Wait(ctx); err != nil {
			t.Errorf("an instance outlived its server")
		}
	})
	return s.URL, h, log
}

// lines waits for the log to have n lines and returns them; more are an error.
func lines(t *testing.T, log *lockedBuffer, n int) string {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if strings.Count(log.String(), "\n") >= n {
			break
		}
	}
	time.Sleep(5 * time.Millisecond)
	if s := log.String(); strings.Count(s, "\n") != n {
		t.Fatalf("want %d lines in the operator's log, got %q", n, s)
	}
	return log.String()
}

func newRequest(t *testing.T, method, url string, body string) *gohttp.Request {
	t.Helper()
	r, err := gohttp.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
