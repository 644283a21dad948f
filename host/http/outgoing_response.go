package http

import (
	"context"
	gohttp "net/http"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// OutgoingResponse is the resource outgoing-response: the guest's answer.
type OutgoingResponse struct {
	state   *State
	status  uint16
	headers *Fields
	body    OutgoingBody
	taken   bool // the body
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
	if r.taken {
		return nil, errUnit
	}
	if err := r.body.init(r.state, r.headers, responseBodySize, r.state.Answer); err != nil {
		return nil, err
	}
	r.taken = true
	r.body.response = r
	return &r.body, nil
}

// mayOmitBody says whether there may be no body though there is a content-length.
func (r *OutgoingResponse) mayOmitBody() bool {
	return r.state.answersHead() || r.status == gohttp.StatusNotModified
}

// Drop implements wasihttp.OutgoingResponse: nobody will read the body.
func (r *OutgoingResponse) Drop(ctx context.Context) {
	r.headers.Drop(ctx)
	if r.taken && !r.sent {
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
	return ok && (!declared || n == 0 || r.taken || r.mayOmitBody())
}

// BodyPipe is what the guest writes, or nil when the body is empty.
func (r *OutgoingResponse) BodyPipe() *io.Pipe {
	if !r.taken {
		return nil
	}
	return &r.body.pipe
}

// CopyTrailer adds the trailers to h, each name with prefix before it, and says
// whether there are any. It is called once BodyPipe has given io.EOF.
func (r *OutgoingResponse) CopyTrailer(h gohttp.Header, prefix string) bool {
	if r.body.trailers == nil {
		return false
	}
	r.body.trailers.copyTrailerTo(h, prefix)
	return true
}

// answerDelay is how long a response without a whole body waits for more of it
// before the one who sends it is woken: most guests have all of it at once.
const answerDelay = time.Millisecond

// Outparam is the resource response-outparam: where the guest puts its answer.
// Config.Answer is woken when there is something to take from it.
type Outparam struct {
	answer *io.Waiter

	mu            sync.Mutex
	informational *Informational // that waits to be sent
	settled       bool
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

// Outparam is where the instance puts its answer to the request.
func (s *State) Outparam() *Outparam { return &s.outparam }

// TakeInformational gives a 1xx response that the guest sends before its answer, once.
func (p *Outparam) TakeInformational() *Informational {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.informational
	p.informational = nil
	return m
}

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
	p.mu.Lock()
	if p.settled {
		p.mu.Unlock()
		return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeHTTPProtocolError}
	}
	p.informational = m
	p.mu.Unlock()
	p.wake(0)
	select {
	case <-m.Sent:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Response is the guest's answer once it has given one or cannot any more: a
// response, or a wasihttp.ErrorCode, or NotSetError.
func (p *Outparam) Response() (r *OutgoingResponse, settled bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.response, p.settled, p.err
}

func (p *Outparam) settle(r *OutgoingResponse, err error) {
	p.mu.Lock()
	first := !p.settled
	if first {
		p.settled, p.response, p.err = true, r, err
	}
	p.mu.Unlock()
	if !first {
		return
	}
	if r != nil && r.taken {
		if ended, _ := r.body.pipe.Finished(); !ended {
			p.wake(answerDelay) // or when there is much of it; see io.PipeConfig.Reader
			return
		}
	}
	p.wake(0)
}

// wake wakes the one who sends the answer, if there is one.
func (p *Outparam) wake(after time.Duration) {
	switch {
	case p.answer == nil:
	case after > 0:
		p.answer.WakeAfter(after)
	default:
		p.answer.Wake()
	}
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
