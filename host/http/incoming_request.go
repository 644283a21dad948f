package http

import (
	"context"
	"errors"
	goio "io"
	gohttp "net/http"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// IncomingRequest is the resource incoming-request: a request that the guest
// answers. What a guest may not ask for is made when it asks.
type IncomingRequest struct {
	state     *State
	request   *gohttp.Request
	source    goio.Reader // of the body; nil: there is none
	interrupt func()
	headers   *Fields
	taken     bool // the body
}

// NewIncomingRequest makes the resource for r, of which there is one in a State.
// Its body is read from body, or from r.Body when that is nil. interrupt, which
// may be nil, ends a Read of the body that is under way. StopBody must be called
// before the handler of r returns.
func (s *State) NewIncomingRequest(r *gohttp.Request, body goio.Reader, interrupt func()) *IncomingRequest {
	s.request = IncomingRequest{state: s, request: r, source: body, interrupt: interrupt}
	switch {
	case r.Body == nil || r.Body == gohttp.NoBody:
		s.request.source = nil
	case body == nil:
		s.request.source = r.Body
	}
	return &s.request
}

// answersHead says whether the instance answers a HEAD request.
func (s *State) answersHead() bool {
	r := s.request.request
	return r != nil && r.Method == gohttp.MethodHead
}

// StopBody ends the guest's reading of the request's body and waits until
// nothing uses it. It says whether the body was read to its end.
func (s *State) StopBody() (whole bool) {
	s.mu.Lock()
	s.stopped = true
	b := s.incoming
	s.mu.Unlock()
	return b != nil && b.stop()
}

// requestBodyCode is the error code of a failed read of a request's body.
func requestBodyCode(err error) wasihttp.ErrorCode {
	var tooLarge *gohttp.MaxBytesError
	if errors.As(err, &tooLarge) {
		return requestBodySize(uint64(tooLarge.Limit))
	}
	return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeConnectionTerminated}
}

// Method implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Method(context.Context) (wasihttp.Method, error) {
	return methodOf(q.request.Method), nil
}

// PathWithQuery implements wasihttp.IncomingRequest.
func (q *IncomingRequest) PathWithQuery(context.Context) (abi.Option[string], error) {
	if q.request.Method == gohttp.MethodConnect {
		return abi.None[string](), nil
	}
	return abi.Some(q.request.URL.RequestURI()), nil
}

// Scheme implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Scheme(context.Context) (abi.Option[wasihttp.Scheme], error) {
	if q.request.TLS != nil {
		return abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeHTTPS}), nil
	}
	return abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeHTTP}), nil
}

// Authority implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Authority(context.Context) (abi.Option[string], error) {
	if q.request.Host == "" {
		return abi.None[string](), nil
	}
	return abi.Some(q.request.Host), nil
}

// Headers implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Headers(context.Context) (wasihttp.Headers, error) {
	if q.headers == nil {
		f, err := q.state.incomingFields(q.request.Header)
		if err != nil {
			return nil, err
		}
		q.headers = f
	}
	return q.headers.immutable(), nil
}

// Consume implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Consume(context.Context) (wasihttp.IncomingBody, error) {
	if q.taken {
		return nil, errUnit
	}
	q.taken = true
	src := bodySource{body: q.source, code: requestBodyCode, interrupt: q.interrupt}
	if q.source != nil {
		src.trailers = func() gohttp.Header { return q.request.Trailer }
	}
	s := q.state
	b := s.newIncomingBody(src)
	s.mu.Lock()
	s.incoming = b
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		b.stop()
	}
	return b, nil
}

// Drop implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Drop(ctx context.Context) {
	if q.headers != nil {
		q.headers.Drop(ctx)
	}
}
