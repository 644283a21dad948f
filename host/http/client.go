package http

import (
	"context"
	"errors"
	gohttp "net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// Client sends the requests that guests make. It is safe for concurrent use by
// every instance of a process, and shares their connections.
type Client struct {
	// Policy says where requests may go.
	Policy *netpolicy.Policy
	// Transport carries them. NewTransport makes one that checks the Policy
	// also on the address that a name resolves to; another transport must not
	// be used with a Policy that has networks in it or BlockPrivate set.
	Transport gohttp.RoundTripper
	// Timeouts of requests that bring none; 0 is none.
	ConnectTimeout, FirstByteTimeout, BetweenBytesTimeout time.Duration
	// MaxInFlight bounds the requests of one instance that are under way or
	// whose response it holds; 0 means DefaultMaxInFlight.
	MaxInFlight int
}

// DefaultMaxInFlight is the default of Client.MaxInFlight.
const DefaultMaxInFlight = 64

func code(tag wasihttp.ErrorCodeTag) wasihttp.ErrorCode { return wasihttp.ErrorCode{Tag: tag} }

// Handle implements wasihttp.OutgoingHandlerHost.
func (s *State) Handle(ctx context.Context, request wasihttp.OutgoingRequest, options abi.Option[wasihttp.RequestOptions]) (wasihttp.FutureIncomingResponse, error) {
	q, ok := request.(*OutgoingRequest)
	if !ok {
		return nil, foreign("outgoing-request", request)
	}
	o := &RequestOptions{}
	if options.Some {
		if o, ok = options.Value.(*RequestOptions); !ok {
			return nil, foreign("request-options", options.Value)
		}
	}
	r, err := q.toGo()
	if err == nil {
		err = s.permit(r.URL)
	}
	if err == nil && !s.startRequest() {
		err = code(wasihttp.ErrorCodeConnectionLimitReached)
	}
	if err != nil {
		q.Drop(ctx)
		return nil, err
	}
	q.sent = true
	q.headers.Drop(ctx)
	return s.send(r, o), nil
}

// permit asks the policy.
func (s *State) permit(u *url.URL) error {
	t := targetOf(u)
	denial := &netpolicy.Denial{Target: t}
	if s.Client != nil && s.Client.Policy != nil {
		denial = s.Client.Policy.Check(t)
	}
	if denial == nil {
		return nil
	}
	return s.denied(denial)
}

// denied reports a denial to the operator and makes the guest's error of it.
func (s *State) denied(err error) error {
	var d *netpolicy.Denial
	if !errors.As(err, &d) {
		return err
	}
	s.denials.Report(d.Target.String(), d)
	if d.Private {
		return code(wasihttp.ErrorCodeDestinationIPProhibited)
	}
	return code(wasihttp.ErrorCodeHTTPRequestDenied)
}

func (s *State) startRequest() bool {
	limit := s.Client.MaxInFlight
	if limit <= 0 {
		limit = DefaultMaxInFlight
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight >= limit {
		return false
	}
	s.inFlight++
	return true
}

func (s *State) endRequest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// toGo makes the net/http request; the error is an ErrorCode.
func (q *OutgoingRequest) toGo() (*gohttp.Request, error) {
	u, err := q.url()
	if err != nil {
		return nil, err
	}
	if q.method.Tag == wasihttp.MethodConnect || strings.EqualFold(q.method.Other, "CONNECT") {
		return nil, code(wasihttp.ErrorCodeHTTPRequestMethodInvalid)
	}
	r := &gohttp.Request{
		Method: methodName(q.method),
		URL:    u,
		Host:   u.Host,
		Header: gohttp.Header{},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	q.headers.copyTo(r.Header)
	n, declared, ok := q.headers.contentLength()
	if !ok || declared && n > 0 && q.body == nil {
		return nil, code(wasihttp.ErrorCodeHTTPProtocolError)
	}
	delete(r.Header, "Content-Length") // net/http writes it from ContentLength
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // else net/http adds its own
	}
	q.bodyToGo(r, n, declared)
	return r, nil
}

// bodyToGo gives r the body that the guest writes, and its trailers.
func (q *OutgoingRequest) bodyToGo(r *gohttp.Request, length uint64, declared bool) {
	b := q.body
	if b == nil {
		return
	}
	if _, complete := b.pipe.Finished(); complete && b.pipe.Total() == 0 && b.trailers == nil {
		return // so that a GET carries no empty body
	}
	r.ContentLength = -1
	if declared {
		r.ContentLength = int64(length)
	}
	// HTTP/2 sends only trailers that were announced.
	r.Trailer = gohttp.Header{}
	for _, v := range r.Header["Trailer"] {
		for _, name := range strings.Split(v, ",") {
			name = gohttp.CanonicalHeaderKey(strings.TrimSpace(name))
			if isToken(name) && isTrailer(name) {
				r.Trailer[name] = nil
			}
		}
	}
	r.Body = &requestBody{Pipe: &b.pipe, body: b, trailer: r.Trailer}
}

// requestBody is the reader that the transport sends from. When it has read
// all, it puts the trailers where the transport looks for them.
type requestBody struct {
	*io.Pipe
	body    *OutgoingBody
	trailer gohttp.Header
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.Pipe.Read(p)
	if _, complete := b.Finished(); err != nil && complete && b.body.trailers != nil {
		b.body.trailers.copyTrailerTo(b.trailer, "")
		b.body.trailers.Drop(context.Background())
		b.body.trailers = nil
	}
	return n, err
}

func (q *OutgoingRequest) url() (*url.URL, error) {
	invalid := code(wasihttp.ErrorCodeHTTPRequestURIInvalid)
	scheme := "https"
	if q.scheme.Some {
		switch q.scheme.Value.Tag {
		case wasihttp.SchemeHTTP:
			scheme = "http"
		case wasihttp.SchemeOther:
			if scheme = strings.ToLower(q.scheme.Value.Other); scheme != "http" && scheme != "https" {
				return nil, code(wasihttp.ErrorCodeHTTPProtocolError)
			}
		}
	}
	if !q.authority.Some || strings.Contains(q.authority.Value, "@") {
		return nil, invalid
	}
	path := q.path.Value
	if path == "*" {
		if q.method.Tag != wasihttp.MethodOptions {
			return nil, invalid
		}
		return &url.URL{Scheme: scheme, Host: q.authority.Value, Opaque: "*"}, nil
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u, err := url.Parse(scheme + "://" + q.authority.Value + path)
	if err != nil || u.Hostname() == "" {
		return nil, invalid
	}
	return u, nil
}

// exchange is one outbound request and its response. Its context ends when the
// response was read to its end, dropped, timed out, or the instance ended.
type exchange struct {
	state  *State
	ctx    context.Context
	cancel context.CancelCauseFunc
	ready  io.Latch

	mu       sync.Mutex
	over     bool
	dropped  bool // the guest gave up before there was a response
	response *gohttp.Response
	err      wasihttp.ErrorCode // when response is nil
}

// end releases what the exchange holds. Only the first call counts.
func (x *exchange) end() {
	x.mu.Lock()
	over := x.over
	x.over = true
	x.mu.Unlock()
	if !over {
		x.cancel(nil)
		x.state.endRequest()
	}
}

// send starts the exchange for r.
func (s *State) send(r *gohttp.Request, o *RequestOptions) *FutureIncomingResponse {
	x := &exchange{state: s}
	c := s.Client
	ctx, cancel := context.WithCancelCause(context.WithValue(s.outboundContext(), schemeKey{}, targetOf(r.URL).Scheme))
	x.ctx, x.cancel = ctx, cancel
	connect := startTimer(duration(o.connect, c.ConnectTimeout), cancel, code(wasihttp.ErrorCodeConnectionTimeout))
	firstByte := newTimer(duration(o.firstByte, c.FirstByteTimeout), cancel, code(wasihttp.ErrorCodeConnectionReadTimeout))
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			connect.stop()
			firstByte.start()
		},
	}))
	go func() {
		resp, err := c.Transport.RoundTrip(r)
		connect.stop()
		firstByte.stop()
		x.settle(resp, err)
	}()
	return &FutureIncomingResponse{exchange: x, betweenBytes: duration(o.betweenBytes, c.BetweenBytesTimeout)}
}

// settle takes the outcome of the round trip.
func (x *exchange) settle(resp *gohttp.Response, err error) {
	if err == nil && resp.StatusCode == gohttp.StatusSwitchingProtocols {
		_ = resp.Body.Close()
		resp, err = nil, code(wasihttp.ErrorCodeHTTPUpgradeFailed)
	}
	var guest wasihttp.ErrorCode
	if err != nil {
		guest = x.errorCode(err)
	}
	x.mu.Lock()
	dropped := x.dropped
	if err == nil {
		x.response = resp
	} else {
		x.err = guest
	}
	x.mu.Unlock()
	if err != nil || dropped {
		if resp != nil {
			_ = resp.Body.Close()
		}
		x.end()
	}
	x.ready.Set()
}

// errorCode is what the guest sees of err.
func (x *exchange) errorCode(err error) wasihttp.ErrorCode {
	var c wasihttp.ErrorCode
	if errors.As(context.Cause(x.ctx), &c) { // a timeout of ours
		return c
	}
	if errors.As(x.state.denied(err), &c) {
		return c
	}
	return errorCode(err)
}

// timer cancels an exchange when it is not stopped in time.
type timer struct {
	mu      sync.Mutex
	d       time.Duration
	t       *time.Timer
	stopped bool
	fire    func()
}

// newTimer returns a timer that is not started; it never fires if d is 0.
func newTimer(d time.Duration, cancel context.CancelCauseFunc, cause error) *timer {
	return &timer{d: d, fire: func() { cancel(cause) }}
}

func startTimer(d time.Duration, cancel context.CancelCauseFunc, cause error) *timer {
	t := newTimer(d, cancel, cause)
	t.start()
	return t
}

func (t *timer) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.d > 0 && t.t == nil && !t.stopped {
		t.t = time.AfterFunc(t.d, t.fire)
	}
}

func (t *timer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.t != nil {
		t.t.Stop()
	}
}

// FutureIncomingResponse is the resource future-incoming-response.
type FutureIncomingResponse struct {
	exchange     *exchange
	betweenBytes time.Duration
	got          bool
}

// Subscribe implements wasihttp.FutureIncomingResponse.
func (f *FutureIncomingResponse) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&f.exchange.ready), nil
}

type responseResult = abi.Result[wasihttp.IncomingResponse, wasihttp.ErrorCode]

// Get implements wasihttp.FutureIncomingResponse.
func (f *FutureIncomingResponse) Get(context.Context) (none abi.Option[abi.Result[responseResult, abi.Unit]], _ error) {
	x := f.exchange
	if !x.ready.Ready() {
		return none, nil
	}
	if f.got {
		return abi.Some(abi.Result[responseResult, abi.Unit]{IsErr: true}), nil
	}
	r := responseResult{}
	if x.response == nil {
		r.IsErr, r.Err = true, x.err
	} else {
		resp, err := x.incomingResponse(f.betweenBytes)
		if err != nil {
			return none, err
		}
		r.OK = resp
	}
	f.got = true
	return abi.Some(abi.Result[responseResult, abi.Unit]{OK: r}), nil
}

// Drop implements wasihttp.FutureIncomingResponse: without a response taken,
// the request is given up.
func (f *FutureIncomingResponse) Drop(context.Context) {
	if f.got {
		return
	}
	x := f.exchange
	x.mu.Lock()
	x.dropped = true
	resp := x.response
	x.mu.Unlock()
	x.cancel(nil)
	if resp != nil {
		_ = resp.Body.Close()
		x.end()
	}
}

// IncomingResponse is the resource incoming-response.
type IncomingResponse struct {
	exchange *exchange
	status   uint16
	headers  *Fields
	body     *IncomingBody
	taken    bool
}

// incomingResponse makes the resource for x's response.
func (x *exchange) incomingResponse(betweenBytes time.Duration) (*IncomingResponse, error) {
	s, resp := x.state, x.response
	headers, err := s.incomingFields(resp.Header)
	if err != nil {
		return nil, err
	}
	body := s.newIncomingBody(bodySource{
		body:     &responseBody{exchange: x, timeout: betweenBytes},
		trailers: func() gohttp.Header { return resp.Trailer },
		code:     x.errorCode,
		end:      x.finish,
	})
	return &IncomingResponse{exchange: x, status: uint16(resp.StatusCode), headers: headers, body: body}, nil
}

// finish ends an exchange whose body is not read any more. Cancelling first
// makes closing the body quick.
func (x *exchange) finish() {
	x.end()
	_ = x.response.Body.Close()
}

// responseBody reads the body of a response under the between-bytes timeout.
type responseBody struct {
	exchange *exchange
	timeout  time.Duration
}

func (b *responseBody) Read(p []byte) (int, error) {
	x := b.exchange
	if b.timeout > 0 {
		t := startTimer(b.timeout, x.cancel, code(wasihttp.ErrorCodeConnectionReadTimeout))
		defer t.stop()
	}
	return x.response.Body.Read(p)
}

// Status implements wasihttp.IncomingResponse.
func (r *IncomingResponse) Status(context.Context) (wasihttp.StatusCode, error) { return r.status, nil }

// Headers implements wasihttp.IncomingResponse.
func (r *IncomingResponse) Headers(context.Context) (wasihttp.Headers, error) {
	return r.headers.immutable(), nil
}

// Consume implements wasihttp.IncomingResponse.
func (r *IncomingResponse) Consume(context.Context) (wasihttp.IncomingBody, error) {
	if r.taken {
		return nil, errUnit
	}
	r.taken = true
	return r.body, nil
}

// Drop implements wasihttp.IncomingResponse: a body that was not consumed is given up.
func (r *IncomingResponse) Drop(ctx context.Context) {
	r.headers.Drop(ctx)
	if !r.taken {
		r.body.Drop(ctx)
	}
}
