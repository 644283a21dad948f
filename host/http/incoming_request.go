package http

import (
	"context"
	"errors"
	goio "io"
	gohttp "net/http"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// IncomingRequest is the resource incoming-request: a request that the guest answers.
type IncomingRequest struct {
	state   *State
	request *gohttp.Request
	method  wasihttp.Method
	path    abi.Option[string]
	headers *Fields
	body    *IncomingBody
	taken   bool
}

// NewIncomingRequest makes the resource for r. Its body is read from body, or
// from r.Body when that is nil. interrupt, which may be nil, ends a Read of the
// body that is under way. State.StopBody must be called before the handler of r
// returns.
func (s *State) NewIncomingRequest(r *gohttp.Request, body goio.Reader, interrupt func()) (*IncomingRequest, error) {
	headers, err := s.incomingFields(r.Header)
	if err != nil {
		return nil, err
	}
	src := bodySource{code: requestBodyCode, interrupt: interrupt}
	if r.Body != nil && r.Body != gohttp.NoBody {
		src.body = r.Body
		if body != nil {
			src.body = body
		}
		src.trailers = func() gohttp.Header { return r.Trailer }
	}
	s.answersHead = r.Method == gohttp.MethodHead
	q := &IncomingRequest{state: s, request: r, method: methodOf(r.Method), headers: headers, body: s.newIncomingBody(src)}
	if r.Method != gohttp.MethodConnect {
		q.path = abi.Some(r.URL.RequestURI())
	}
	s.incoming = q.body
	return q, nil
}

// StopBody ends the guest's reading of the request's body and waits until
// nothing uses it. It says whether the body was read to its end.
func (s *State) StopBody() (whole bool) {
	if s.incoming == nil {
		return false
	}
	s.incoming.input.Close()
	return s.incoming.ended.Ready() && s.incoming.err == nil
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
func (q *IncomingRequest) Method(context.Context) (wasihttp.Method, error) { return q.method, nil }

// PathWithQuery implements wasihttp.IncomingRequest.
func (q *IncomingRequest) PathWithQuery(context.Context) (abi.Option[string], error) {
	return q.path, nil
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
	return q.headers.immutable(), nil
}

// Consume implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Consume(context.Context) (wasihttp.IncomingBody, error) {
	if q.taken {
		return nil, errUnit
	}
	q.taken = true
	return q.body, nil
}

// Drop implements wasihttp.IncomingRequest.
func (q *IncomingRequest) Drop(ctx context.Context) {
	q.headers.Drop(ctx)
	if !q.taken {
		q.body.Drop(ctx)
	}
}
