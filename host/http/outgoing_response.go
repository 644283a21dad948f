package http

import (
	"context"
	gohttp "net/http"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// OutgoingResponse is the resource outgoing-response: the guest's answer.
type OutgoingResponse struct {
	state   *State
	status  uint16
	headers *Fields
	body    *OutgoingBody // nil until the guest takes it
	sent    bool
}

// NewOutgoingResponse implements wasihttp.TypesHost.
func (s *State) NewOutgoingResponse(ctx context.Context, headers wasihttp.Headers) (wasihttp.OutgoingResponse, error) {
	h, ok := headers.(*Fields)
	if !ok {
		return nil, foreign("headers", headers)
	}
	own, err := h.own(ctx)
	if err != nil {
		return nil, err
	}
	return &OutgoingResponse{state: s, status: 200, headers: own}, nil
}

// StatusCode implements wasihttp.OutgoingResponse.
func (r *OutgoingResponse) StatusCode(context.Context) (wasihttp.StatusCode, error) {
	return r.status, nil
}

// SetStatusCode implements wasihttp.OutgoingResponse. A 1xx is no final
// response, so it is not valid here.
func (r *OutgoingResponse) SetStatusCode(_ context.Context, status wasihttp.StatusCode) error {
	if status < 200 || status > 999 {
		return errUnit
	}
	r.status = status
	return nil
}

// Headers implements wasihttp.OutgoingResponse.
func (r *OutgoingResponse) Headers(context.Context) (wasihttp.Headers, error) {
	return r.headers.immutable(), nil
}

// Body implements wasihttp.OutgoingResponse.
func (r *OutgoingResponse) Body(context.Context) (wasihttp.OutgoingBody, error) {
	if r.body != nil {
		return nil, errUnit
	}
	body, err := r.state.newOutgoingBody(r.headers, responseBodySize, func() bool {
		return r.state.answersHead || r.status == gohttp.StatusNotModified
	})
	if err != nil {
		return nil, err
	}
	r.body = body
	return body, nil
}

// Drop implements wasihttp.OutgoingResponse: nobody will read the body.
func (r *OutgoingResponse) Drop(ctx context.Context) {
	r.headers.Drop(ctx)
	if r.body != nil && !r.sent {
		r.body.pipe.CloseRead(nil)
	}
}

// Status is the status code, for the one who sends the response.
func (r *OutgoingResponse) Status() int { return int(r.status) }

// CopyHeader adds the headers to h, for the one who sends the response. It
// says whether a content-length is among them and well-formed.
func (r *OutgoingResponse) CopyHeader(h gohttp.Header) (ok bool) {
	r.headers.copyTo(h)
	n, declared, ok := r.headers.contentLength()
	if v := h["Content-Length"]; ok && len(v) > 1 {
		h["Content-Length"] = v[:1] // all the same
	}
	// A body that the guest never takes is empty, whatever is declared.
	return ok && (!declared || n == 0 || r.body != nil || r.state.answersHead || r.status == gohttp.StatusNotModified)
}

// BodyPipe is what the guest writes, or nil when the body is empty.
func (r *OutgoingResponse) BodyPipe() *io.Pipe {
	if r.body == nil {
		return nil
	}
	return r.body.pipe
}

// CopyTrailer adds the trailers to h, each name with prefix before it, and says
// whether there are any. It is called once BodyPipe has given io.EOF.
func (r *OutgoingResponse) CopyTrailer(h gohttp.Header, prefix string) bool {
	if r.body == nil || r.body.trailers == nil {
		return false
	}
	r.body.trailers.copyTrailerTo(h, prefix)
	return true
}

// Outparam is the resource response-outparam: where the guest puts its answer.
type Outparam struct {
	once          sync.Once
	done          chan struct{}
	informational chan *Informational
	response      *OutgoingResponse
	err           error
}

// Informational is a 1xx response on its way to the client.
type Informational struct {
	Status int
	Header gohttp.Header
	// Sent is to be closed once it has been sent, or cannot be.
	Sent chan struct{}
}

// NotSetError is the outcome of a guest that gave up its response-outparam
// without an answer.
type NotSetError struct{}

func (NotSetError) Error() string { return "the guest never set its response" }

// NewOutparam returns the outparam for one request.
func NewOutparam() *Outparam {
	return &Outparam{done: make(chan struct{}), informational: make(chan *Informational)}
}

// Done is closed once the guest has answered or cannot any more.
func (p *Outparam) Done() <-chan struct{} { return p.done }

// Informational gives the 1xx responses that the guest sends before its answer.
func (p *Outparam) Informational() <-chan *Informational { return p.informational }

// SendInformational implements wasihttp.ResponseOutparam. It waits until the
// response has been sent.
func (p *Outparam) SendInformational(ctx context.Context, status uint16, headers wasihttp.Headers) error {
	h, ok := headers.(*Fields)
	if !ok {
		return foreign("fields", headers)
	}
	// 101 would end HTTP on the connection.
	if status < 100 || status > 199 || status == gohttp.StatusSwitchingProtocols {
		return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeHTTPProtocolError}
	}
	m := &Informational{Status: int(status), Header: gohttp.Header{}, Sent: make(chan struct{})}
	h.copyTo(m.Header)
	select {
	case p.informational <- m:
	case <-p.done:
		return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeHTTPProtocolError}
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-m.Sent:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Response is the guest's answer, once Done is closed: a response, or a
// wasihttp.ErrorCode, or NotSetError.
func (p *Outparam) Response() (*OutgoingResponse, error) { return p.response, p.err }

func (p *Outparam) settle(r *OutgoingResponse, err error) {
	p.once.Do(func() {
		p.response, p.err = r, err
		close(p.done)
	})
}

// Drop implements wasihttp.ResponseOutparam.
func (p *Outparam) Drop(context.Context) { p.settle(nil, NotSetError{}) }

// ResponseOutparamSet implements wasihttp.TypesHost.
func (s *State) ResponseOutparamSet(_ context.Context, param wasihttp.ResponseOutparam, response abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]) error {
	p, ok := param.(*Outparam)
	if !ok {
		return foreign("response-outparam", param)
	}
	if response.IsErr {
		p.settle(nil, response.Err)
		return nil
	}
	r, ok := response.OK.(*OutgoingResponse)
	if !ok {
		return foreign("outgoing-response", response.OK)
	}
	r.sent = true
	p.settle(r, nil)
	return nil
}
