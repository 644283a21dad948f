package http

import (
	"context"
	"errors"
	goio "io"
	gohttp "net/http"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

var errStreamAlive = errors.New("the body's stream must be dropped before the body is finished")

// IncomingBody is the resource incoming-body: the body of a request that the
// guest answers or of a response that it asked for.
type IncomingBody struct {
	state    *State
	input    *io.Input
	trailers func() gohttp.Header // valid once ended is set
	ended    io.Latch
	err      error // what ended the body, if not its end; valid once ended is set
	taken    bool  // stream was called
	open     bool  // and the stream lives
}

// bodySource says where an IncomingBody comes from.
type bodySource struct {
	body      goio.Reader // nil: there is none
	trailers  func() gohttp.Header
	code      func(err error) wasihttp.ErrorCode // of a failed read
	interrupt func()                             // see io.InputConfig.Interrupt
	end       func()                             // called when all was read or nobody will, or nil
}

func (s *State) newIncomingBody(src bodySource) *IncomingBody {
	b := &IncomingBody{state: s, trailers: src.trailers}
	if src.body == nil {
		b.ended.Set()
		b.input = io.Empty()
		return b
	}
	b.input = s.newInput(io.NewInput(src.body, io.InputConfig{
		Budget:    s.Budget,
		Error:     func(err error) error { return src.code(err) },
		Interrupt: src.interrupt,
		Stop:      src.end,
		End: func(err error) {
			if err != goio.EOF {
				b.err = src.code(err)
			}
			b.ended.Set()
			if src.end != nil {
				src.end()
			}
		},
	}))
	return b
}

// stop ends the reading of a request's body, waits until nothing uses the source,
// and says whether it was read to its end. A guest that waits for more learns
// that there is none.
func (b *IncomingBody) stop() (whole bool) {
	b.input.Close()
	if b.ended.Ready() {
		return b.err == nil
	}
	b.err = requestBodyCode(nil)
	b.ended.Set()
	return false
}

// bodyStream is the input-stream of a body. The body reads on without it when
// the guest waits for trailers.
type bodyStream struct {
	*io.Input
	body *IncomingBody
}

// Drop implements wasiio.InputStream.
func (s bodyStream) Drop(context.Context) { s.body.open = false }

// Stream implements wasihttp.IncomingBody.
func (b *IncomingBody) Stream(context.Context) (wasiio.InputStream, error) {
	if b.taken {
		return nil, errUnit
	}
	b.taken, b.open = true, true
	return bodyStream{Input: b.input, body: b}, nil
}

// Drop implements wasihttp.IncomingBody.
func (b *IncomingBody) Drop(context.Context) { b.state.dropInput(b.input) }

// IncomingBodyFinish implements wasihttp.TypesHost.
func (s *State) IncomingBodyFinish(_ context.Context, this wasihttp.IncomingBody) (wasihttp.FutureTrailers, error) {
	b, ok := this.(*IncomingBody)
	if !ok {
		return nil, foreign("incoming-body", this)
	}
	if b.open {
		return nil, errStreamAlive
	}
	if err := b.input.Drain(); err != nil {
		return nil, err
	}
	return &FutureTrailers{body: b}, nil
}

// FutureTrailers is the resource future-trailers.
type FutureTrailers struct {
	body *IncomingBody
	got  bool
}

// Subscribe implements wasihttp.FutureTrailers.
func (f *FutureTrailers) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&f.body.ended), nil
}

type trailersResult = abi.Result[abi.Option[wasihttp.Trailers], wasihttp.ErrorCode]

// Get implements wasihttp.FutureTrailers.
func (f *FutureTrailers) Get(context.Context) (none abi.Option[abi.Result[trailersResult, abi.Unit]], _ error) {
	if !f.body.ended.Ready() {
		return none, nil
	}
	if f.got {
		return abi.Some(abi.Result[trailersResult, abi.Unit]{IsErr: true}), nil
	}
	var r trailersResult
	if f.body.err != nil {
		r.IsErr = true
		errors.As(f.body.err, &r.Err)
	} else if h := f.body.presentTrailers(); h != nil {
		fields, err := f.body.state.incomingFields(h)
		if err != nil {
			return none, err
		}
		fields.view = true
		r.OK = abi.Some[wasihttp.Trailers](fields)
	}
	f.got = true
	return abi.Some(abi.Result[trailersResult, abi.Unit]{OK: r}), nil
}

// presentTrailers are the trailers that came, without those that were only
// announced, and without fields that say where a message ends: a guest could
// take them for headers (RFC 9110, 6.5.1).
func (b *IncomingBody) presentTrailers() (present gohttp.Header) {
	if b.trailers == nil {
		return nil
	}
	for name, v := range b.trailers() {
		if len(v) > 0 && isTrailer(name) {
			if present == nil {
				present = gohttp.Header{}
			}
			present[name] = v
		}
	}
	return present
}

// Drop implements wasihttp.FutureTrailers.
func (f *FutureTrailers) Drop(ctx context.Context) { f.body.Drop(ctx) }
