package http

import (
	"context"
	"math"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiclocks"
	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// OutgoingRequest is the resource outgoing-request: a request that the guest makes.
type OutgoingRequest struct {
	state     *State
	headers   *Fields
	method    wasihttp.Method
	path      abi.Option[string]
	scheme    abi.Option[wasihttp.Scheme]
	authority abi.Option[string]
	body      *OutgoingBody // nil until the guest takes it
	sent      bool
}

// NewOutgoingRequest implements wasihttp.TypesHost.
func (s *State) NewOutgoingRequest(ctx context.Context, headers wasihttp.Headers) (wasihttp.OutgoingRequest, error) {
	h, ok := headers.(*Fields)
	if !ok {
		return nil, foreign("headers", headers)
	}
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	return &OutgoingRequest{state: s, headers: own}, nil
}

// Body implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) Body(context.Context) (wasihttp.OutgoingBody, error) {
	if q.body != nil {
		return nil, errUnit
	}
	body := &OutgoingBody{}
	if err := body.init(q.state, q.headers, requestBodySize, nil); err != nil {
		return nil, err
	}
	q.body = body
	return body, nil
}

// Method implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) Method(context.Context) (wasihttp.Method, error) { return q.method, nil }

// SetMethod implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) SetMethod(_ context.Context, method wasihttp.Method) error {
	if method.Tag == wasihttp.MethodOther && !isToken(method.Other) {
		return errUnit
	}
	q.method = method
	return nil
}

// PathWithQuery implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) PathWithQuery(context.Context) (abi.Option[string], error) {
	return q.path, nil
}

// SetPathWithQuery implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) SetPathWithQuery(_ context.Context, path abi.Option[string]) error {
	if path.Some && !isPathWithQuery(path.Value) {
		return errUnit
	}
	q.path = path
	return nil
}

// Scheme implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) Scheme(context.Context) (abi.Option[wasihttp.Scheme], error) {
	return q.scheme, nil
}

// SetScheme implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) SetScheme(_ context.Context, scheme abi.Option[wasihttp.Scheme]) error {
	if scheme.Some && scheme.Value.Tag == wasihttp.SchemeOther && !isScheme(scheme.Value.Other) {
		return errUnit
	}
	q.scheme = scheme
	return nil
}

// Authority implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) Authority(context.Context) (abi.Option[string], error) {
	return q.authority, nil
}

// SetAuthority implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) SetAuthority(_ context.Context, authority abi.Option[string]) error {
	if authority.Some && !isAuthority(authority.Value) {
		return errUnit
	}
	q.authority = authority
	return nil
}

// Headers implements wasihttp.OutgoingRequest.
func (q *OutgoingRequest) Headers(context.Context) (wasihttp.Headers, error) {
	return q.headers.immutable(), nil
}

// Drop implements wasihttp.OutgoingRequest: nobody will read the body.
func (q *OutgoingRequest) Drop(ctx context.Context) {
	q.headers.Drop(ctx)
	if q.body != nil && !q.sent {
		q.body.pipe.CloseRead(nil)
	}
}

// RequestOptions is the resource request-options.
type RequestOptions struct {
	connect, firstByte, betweenBytes abi.Option[wasiclocks.Duration]
}

// NewRequestOptions implements wasihttp.TypesHost.
func (s *State) NewRequestOptions(context.Context) (wasihttp.RequestOptions, error) {
	return &RequestOptions{}, nil
}

// ConnectTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) ConnectTimeout(context.Context) (abi.Option[wasiclocks.Duration], error) {
	return o.connect, nil
}

// SetConnectTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) SetConnectTimeout(_ context.Context, d abi.Option[wasiclocks.Duration]) error {
	o.connect = d
	return nil
}

// FirstByteTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) FirstByteTimeout(context.Context) (abi.Option[wasiclocks.Duration], error) {
	return o.firstByte, nil
}

// SetFirstByteTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) SetFirstByteTimeout(_ context.Context, d abi.Option[wasiclocks.Duration]) error {
	o.firstByte = d
	return nil
}

// BetweenBytesTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) BetweenBytesTimeout(context.Context) (abi.Option[wasiclocks.Duration], error) {
	return o.betweenBytes, nil
}

// SetBetweenBytesTimeout implements wasihttp.RequestOptions.
func (o *RequestOptions) SetBetweenBytesTimeout(_ context.Context, d abi.Option[wasiclocks.Duration]) error {
	o.betweenBytes = d
	return nil
}

// Drop implements wasihttp.RequestOptions.
func (o *RequestOptions) Drop(context.Context) {}

// duration is d as net/http wants it, or the default; 0 means no timeout, so
// that an explicit 0 becomes the shortest there is.
func duration(d abi.Option[wasiclocks.Duration], otherwise time.Duration) time.Duration {
	if !d.Some {
		return otherwise
	}
	return max(1, time.Duration(min(d.Value, math.MaxInt64)))
}
