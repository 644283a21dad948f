package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	goio "io"
	"net"
	gohttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// client returns a Client that may reach everything.
func client(t *testing.T) *Client {
	t.Helper()
	p, err := ParsePolicy([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	tr := NewTransport(p, TransportConfig{})
	t.Cleanup(tr.CloseIdleConnections)
	return &Client{Policy: p, Transport: tr}
}

func upstream(t *testing.T, f gohttp.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return strings.TrimPrefix(s.URL, "http://")
}

// newOutgoing makes a request to http://authority/path.
func newOutgoing(s *State, method wasihttp.MethodTag, authority, path string, headers ...string) *OutgoingRequest {
	f := s.newFields()
	for i := 0; i < len(headers); i += 2 {
		_ = f.Append(bg, headers[i], []byte(headers[i+1]))
	}
	r, _ := s.NewOutgoingRequest(bg, f)
	q := r.(*OutgoingRequest)
	_ = q.SetMethod(bg, wasihttp.Method{Tag: method})
	_ = q.SetScheme(bg, abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeHTTP}))
	_ = q.SetAuthority(bg, abi.Some(authority))
	_ = q.SetPathWithQuery(bg, abi.Some(path))
	return q
}

func handle(s *State, q *OutgoingRequest, o *RequestOptions) (wasihttp.FutureIncomingResponse, error) {
	opt := abi.None[wasihttp.RequestOptions]()
	if o != nil {
		opt = abi.Some[wasihttp.RequestOptions](o)
	}
	return s.Handle(bg, q, opt)
}

// await waits for the response or error code.
func await(t *testing.T, f wasihttp.FutureIncomingResponse) (wasihttp.IncomingResponse, error) {
	t.Helper()
	p, _ := f.Subscribe(bg)
	ctx, cancel := context.WithTimeout(bg, 5*time.Second)
	defer cancel()
	if err := p.Block(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := f.Get(bg)
	if err != nil || !got.Some || got.Value.IsErr {
		t.Fatal(got, err)
	}
	if again, _ := f.Get(bg); !again.Value.IsErr {
		t.Fatal("the response was given twice")
	}
	if got.Value.OK.IsErr {
		return nil, got.Value.OK.Err
	}
	return got.Value.OK.OK, nil
}

// body reads the body of r, and its trailers.
func body(t *testing.T, s *State, r wasihttp.IncomingResponse) (text, trailers string, err error) {
	t.Helper()
	b, _ := r.Consume(bg)
	in, _ := b.Stream(bg)
	var sb strings.Builder
	for {
		part, e := in.BlockingRead(bg, 1<<30)
		sb.Write(part)
		if e != nil {
			err = e
			break
		}
	}
	in.Drop(bg)
	var se wasiio.StreamError
	if errors.As(err, &se) && se.Tag == wasiio.StreamErrorLastOperationFailed {
		c, _ := s.HTTPErrorCode(bg, se.LastOperationFailed)
		return sb.String(), "", c.Value
	}
	f, err := s.IncomingBodyFinish(bg, b)
	if err != nil {
		return "", "", err
	}
	p, _ := f.Subscribe(bg)
	_ = p.Block(bg)
	got, _ := f.Get(bg)
	if tr := got.Value.OK.OK; tr.Some {
		trailers = list(tr.Value)
	}
	f.Drop(bg)
	return sb.String(), trailers, nil
}

func TestRequestGoesOutAsTheGuestMadeIt(t *testing.T) {
	var got string
	addr := upstream(t, func(w gohttp.ResponseWriter, r *gohttp.Request) {
		got = fmt.Sprintf("%s %s %s ua=%q ae=%q x=%q", r.Method, r.RequestURI, r.Host, r.UserAgent(), r.Header.Get("Accept-Encoding"), r.Header["X-A"])
		w.Header()["X-B"] = []string{"1", "2"}
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(302)
		_, _ = w.Write([]byte("not really gzip"))
	})
	s := NewState(bg, Config{Client: client(t)})
	f, err := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, "/a%2Fb?c=%20d", "x-a", "1", "X-A", "2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := await(t, f)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`GET /a%%2Fb?c=%%20d %s ua="" ae="" x=["1" "2"]`, addr); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	status, _ := r.Status(bg)
	h, _ := r.Headers(bg)
	v, _ := h.Get(bg, "x-b")
	text, _, err := body(t, s, r)
	if status != 302 || len(v) != 2 || text != "not really gzip" || err != nil {
		t.Fatal(status, v, text, err)
	}
	if s.inFlight != 0 {
		t.Fatalf("%d requests in flight", s.inFlight)
	}
}

func TestBodiesStreamBothWaysWithTrailers(t *testing.T) {
	addr := upstream(t, func(w gohttp.ResponseWriter, r *gohttp.Request) {
		_ = gohttp.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		_ = gohttp.NewResponseController(w).Flush()
		buf := make([]byte, 1000)
		for {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(buf[:n])
			_ = gohttp.NewResponseController(w).Flush()
			if err != nil {
				break
			}
		}
		w.Header().Set(gohttp.TrailerPrefix+"X-Back", r.Trailer.Get("X-There"))
	})
	s := NewState(bg, Config{Client: client(t)})
	q := newOutgoing(s, wasihttp.MethodPost, addr, "/")
	b, _ := q.Body(bg)
	w, _ := b.Write(bg)
	f, err := handle(s, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := await(t, f)
	if err != nil {
		t.Fatal(err)
	}
	in, _ := r.Consume(bg)
	st, _ := in.Stream(bg)
	for i := range 10 { // the answer to each comes before the next is sent
		msg := fmt.Sprint("message ", i)
		if err := w.BlockingWriteAndFlush(bg, []byte(msg)); err != nil {
			t.Fatal(err)
		}
		if got, err := st.BlockingRead(bg, 100); string(got) != msg || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	w.Drop(bg)
	tr, _ := s.FieldsFromList(bg, []entry{{F0: "x-there", F1: []byte("42")}})
	if err := s.OutgoingBodyFinish(bg, b, abi.Some(tr)); err != nil {
		t.Fatal(err)
	}
	st.Drop(bg)
	ft, _ := s.IncomingBodyFinish(bg, in)
	p, _ := ft.Subscribe(bg)
	_ = p.Block(bg)
	got, _ := ft.Get(bg)
	if tr := got.Value.OK.OK; !tr.Some || list(tr.Value) != "x-back=42;" {
		t.Fatalf("%+v", got)
	}
	if again, _ := ft.Get(bg); !again.Value.IsErr {
		t.Fatal("the trailers were given twice")
	}
}

func TestRequestBodyRules(t *testing.T) {
	var length int64
	addr := upstream(t, func(w gohttp.ResponseWriter, r *gohttp.Request) {
		length = r.ContentLength
		_, _ = goio.Copy(goio.Discard, r.Body)
	})
	for _, c := range []struct {
		name    string
		headers []string
		write   string
		drop    bool // the body instead of finishing it
		finish  string
		result  string
		length  int64
	}{
		{"an empty body that is finished before is none", nil, "", false, "ok", "ok", 0},
		{"of unknown length", nil, "abc", false, "ok", "ok", -1},
		{"of the declared length", []string{"content-length", "3"}, "abc", false, "ok", "ok", 3},
		{"shorter than declared", []string{"content-length", "4"}, "abc", false, "HTTP-request-body-size", "HTTP-request-body-size", 4},
		{"dropped", nil, "abc", true, "ok", "HTTP-protocol-error", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewState(bg, Config{Client: client(t)})
			q := newOutgoing(s, wasihttp.MethodPut, addr, "/", c.headers...)
			b, _ := q.Body(bg)
			w, _ := b.Write(bg)
			if c.write != "" {
				_ = w.BlockingWriteAndFlush(bg, []byte(c.write))
			}
			w.Drop(bg)
			var f wasihttp.FutureIncomingResponse
			var err error
			send := func() { f, err = handle(s, q, nil) }
			if c.write != "" {
				send()
			}
			fin := "ok"
			if c.drop {
				b.Drop(bg)
			} else {
				fin = errName(s.OutgoingBodyFinish(bg, b, abi.None[wasihttp.Trailers]()))
			}
			if c.write == "" {
				send()
			}
			if err != nil || fin != c.finish {
				t.Fatal(err, fin)
			}
			if _, err := await(t, f); errName(err) != c.result {
				t.Fatalf("%v, want %s", err, c.result)
			}
			if c.result == "ok" && length != c.length {
				t.Fatalf("content-length %d, want %d", length, c.length)
			}
			if c.result != "ok" && s.inFlight != 0 {
				t.Fatalf("%d requests in flight", s.inFlight)
			}
		})
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	var mu sync.Mutex
	var denied []string
	log := func(err error) { mu.Lock(); defer mu.Unlock(); denied = append(denied, err.Error()) }
	addr := upstream(t, func(gohttp.ResponseWriter, *gohttp.Request) {})
	_, port, _ := net.SplitHostPort(addr)
	with := func(block bool, patterns ...string) *Client {
		p, err := ParsePolicy(patterns)
		if err != nil {
			t.Fatal(err)
		}
		p.BlockPrivate = block
		return &Client{Policy: p, Transport: NewTransport(p, TransportConfig{})}
	}
	for _, c := range []struct {
		name   string
		client *Client
		edit   func(q *OutgoingRequest)
		want   string
		denied bool
	}{
		{"without a client", nil, nil, "HTTP-request-denied", true},
		{"by an empty policy", with(false), nil, "HTTP-request-denied", true},
		{"to another port", with(false, "http://127.0.0.1:1"), nil, "HTTP-request-denied", true},
		{"to a private address", with(true, "*"), nil, "destination-IP-prohibited", true},
		{"to a name that leads to a private address", with(true, "*"), func(q *OutgoingRequest) {
			_ = q.SetAuthority(bg, abi.Some("localhost:"+port))
		}, "destination-IP-prohibited", true},
		{"to a name that leads out of the network allowed", with(false, "http://10.0.0.0/8:*"), func(q *OutgoingRequest) {
			_ = q.SetAuthority(bg, abi.Some("localhost:"+port))
		}, "HTTP-request-denied", true},
		{"to a name that leads into the network allowed", with(false, "http://127.0.0.0/8:*", "http://[::1/128]:*"), func(q *OutgoingRequest) {
			_ = q.SetAuthority(bg, abi.Some("localhost:"+port))
		}, "ok", false},
		{"without an authority", with(false, "*"), func(q *OutgoingRequest) { q.authority = abi.None[string]() }, "HTTP-request-URI-invalid", false},
		{"with a user in the authority", with(false, "*"), func(q *OutgoingRequest) { _ = q.SetAuthority(bg, abi.Some("u:p@"+addr)) }, "HTTP-request-URI-invalid", false},
		{"of another scheme", with(false, "*"), func(q *OutgoingRequest) {
			_ = q.SetScheme(bg, abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeOther, Other: "ftp"}))
		}, "HTTP-protocol-error", false},
		{"CONNECT", with(false, "*"), func(q *OutgoingRequest) { q.method.Tag = wasihttp.MethodConnect }, "HTTP-request-method-invalid", false},
		{"with a length and no body", with(false, "*"), func(q *OutgoingRequest) { _ = q.headers.Append(bg, "content-length", []byte("9")) }, "HTTP-protocol-error", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			denied = nil
			s := NewState(bg, Config{Client: c.client, Denied: log})
			q := newOutgoing(s, wasihttp.MethodGet, addr, "/")
			if c.edit != nil {
				c.edit(q)
			}
			f, err := handle(s, q, nil)
			if err == nil {
				_, err = await(t, f)
			}
			if errName(err) != c.want {
				t.Fatalf("%v, want %s", err, c.want)
			}
			mu.Lock()
			defer mu.Unlock()
			if (len(denied) > 0) != c.denied || c.denied && !strings.Contains(denied[0], "--") {
				t.Fatalf("the operator was told %q", denied)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	addr := upstream(t, func(w gohttp.ResponseWriter, r *gohttp.Request) {
		if r.URL.Path == "/slow-body" {
			_, _ = w.Write([]byte("begin"))
			_ = gohttp.NewResponseController(w).Flush()
		}
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	ms := abi.Some(uint64(30 * time.Millisecond))
	t.Run("first byte", func(t *testing.T) {
		s := NewState(bg, Config{Client: client(t)})
		f, _ := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, "/"), &RequestOptions{firstByte: ms})
		if _, err := await(t, f); errName(err) != "connection-read-timeout" {
			t.Fatal(err)
		}
	})
	t.Run("between bytes", func(t *testing.T) {
		s := NewState(bg, Config{Client: client(t)})
		f, _ := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, "/slow-body"), &RequestOptions{betweenBytes: ms})
		r, err := await(t, f)
		if err != nil {
			t.Fatal(err)
		}
		if text, _, err := body(t, s, r); text != "begin" || errName(err) != "connection-read-timeout" {
			t.Fatal(text, err)
		}
		if s.inFlight != 0 {
			t.Fatalf("%d requests in flight", s.inFlight)
		}
	})
	t.Run("connect", func(t *testing.T) {
		c := client(t)
		c.Transport = roundTripper(func(r *gohttp.Request) (*gohttp.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		s := NewState(bg, Config{Client: c})
		f, _ := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, "/"), &RequestOptions{connect: ms})
		if _, err := await(t, f); errName(err) != "connection-timeout" {
			t.Fatal(err)
		}
	})
}

type roundTripper func(r *gohttp.Request) (*gohttp.Response, error)

func (f roundTripper) RoundTrip(r *gohttp.Request) (*gohttp.Response, error) { return f(r) }

func TestGivingUpEndsTheRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		path string
		end  func(s *State, f wasihttp.FutureIncomingResponse)
	}{
		{"by dropping the future", "/hang", func(_ *State, f wasihttp.FutureIncomingResponse) { f.Drop(bg) }},
		{"by the end of the instance", "/hang", func(s *State, _ wasihttp.FutureIncomingResponse) { s.Close() }},
		{"by dropping the response", "/stream", func(_ *State, f wasihttp.FutureIncomingResponse) {
			r, _ := await(t, f)
			r.Drop(bg)
		}},
		{"by dropping the body in the middle", "/stream", func(_ *State, f wasihttp.FutureIncomingResponse) {
			r, _ := await(t, f)
			b, _ := r.Consume(bg)
			in, _ := b.Stream(bg)
			_, _ = in.BlockingRead(bg, 10)
			time.Sleep(5 * time.Millisecond) // the buffer fills
			in.Drop(bg)
			b.Drop(bg)
		}},
		{"by the end of the instance in the middle", "/stream", func(s *State, f wasihttp.FutureIncomingResponse) {
			r, _ := await(t, f)
			b, _ := r.Consume(bg)
			in, _ := b.Stream(bg)
			_, _ = in.BlockingRead(bg, 10)
			s.Close()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ended := make(chan struct{})
			addr := upstream(t, func(w gohttp.ResponseWriter, r *gohttp.Request) {
				defer close(ended)
				for r.URL.Path == "/stream" && r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 10000)); err != nil {
						return
					}
				}
				<-r.Context().Done()
			})
			s := NewState(bg, Config{Client: client(t), Budget: io.NewBudget(1 << 20)})
			f, err := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, c.path), nil)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			c.end(s, f)
			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				t.Fatal("the request goes on")
			}
			for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
				s.mu.Lock()
				n := s.inFlight
				s.mu.Unlock()
				if n == 0 && s.Budget.Used() < 1000 {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("%d in flight, %d bytes charged", n, s.Budget.Used())
				}
			}
		})
	}
}

func TestRequestsInFlightAreLimited(t *testing.T) {
	c := client(t)
	c.MaxInFlight = 2
	c.Transport = roundTripper(func(r *gohttp.Request) (*gohttp.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	s := NewState(bg, Config{Client: c})
	defer s.Close()
	for range 2 {
		if _, err := handle(s, newOutgoing(s, wasihttp.MethodGet, "h", "/"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := handle(s, newOutgoing(s, wasihttp.MethodGet, "h", "/"), nil); errName(err) != "connection-limit-reached" {
		t.Fatal(err)
	}
}

func TestResponseThatBreaksOff(t *testing.T) {
	addr := upstream(t, func(w gohttp.ResponseWriter, _ *gohttp.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("part"))
		panic(gohttp.ErrAbortHandler)
	})
	s := NewState(bg, Config{Client: client(t)})
	f, _ := handle(s, newOutgoing(s, wasihttp.MethodGet, addr, "/"), nil)
	r, err := await(t, f)
	if err != nil {
		// The abort may come before the header was sent.
		if errName(err) != "connection-terminated" {
			t.Fatal(err)
		}
		return
	}
	if text, _, err := body(t, s, r); text != "part" || errName(err) != "HTTP-response-incomplete" {
		t.Fatal(text, err)
	}
}

func TestErrorCodes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	_, refused := net.Dial("tcp", closed)
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"a refused connection", refused, "connection-refused"},
		{"no such name", dial(&net.DNSError{IsNotFound: true}), "DNS-error"},
		{"a name server that is silent", dial(&net.DNSError{IsTimeout: true}), "DNS-timeout"},
		{"no route", dial(syscall.EHOSTUNREACH), "destination-IP-unroutable"},
		{"a reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "connection-terminated"},
		{"an end before the response", goio.EOF, "connection-terminated"},
		{"a dial that takes too long", dial(context.DeadlineExceeded), "connection-timeout"},
		{"a certificate of an unknown authority", &tls.CertificateVerificationError{Err: errors.New("x")}, "TLS-certificate-error"},
		{"an alert", tls.AlertError(40), "TLS-alert-received"},
		{"a server without TLS", tls.RecordHeaderError{Msg: "x"}, "TLS-protocol-error"},
		{"what is no HTTP", errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP response \"x\""), "HTTP-protocol-error"},
		{"anything else", errors.New("10.0.0.1 is strange"), "internal-error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := errorCode(fmt.Errorf("wrapped: %w", c.err))
			if got.Tag.String() != c.want || strings.Contains(got.InternalError.Value, "10.0.0.1") {
				t.Fatalf("%+v, want %s", got, c.want)
			}
		})
	}
}
