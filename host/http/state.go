package http

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// Config configures a State. The zero value denies outbound requests.
type Config struct {
	// Budget is charged for fields and stream buffers.
	Budget *io.Budget
	// MaxFields limits the size of one Fields; 0 means DefaultMaxFields.
	MaxFields int
	// Client sends outbound requests; nil denies them all.
	Client *Client
	// Denied, if not nil, is told of outbound requests that the policy denies,
	// once for each target. The error is a *netpolicy.Denial.
	Denied func(err error)
	// Answer, if not nil, is woken when there is something to do for the one who
	// sends the guest's answer: see Outparam and OutgoingResponse.BodyPipe.
	Answer *io.Waiter
}

// State is what wasi:http holds for one instance. Its methods are the functions
// of the interface. It serves one goroutine, that of the guest, but Close may
// be called from any.
type State struct {
	Config
	ctx context.Context // of the instance

	request  IncomingRequest // that the instance answers
	outparam Outparam        // and where it puts the answer

	denials netpolicy.Denials

	mu       sync.Mutex
	outbound context.Context // ends with the instance, and with it every outbound request; nil before the first
	cancel   context.CancelFunc
	closed   bool
	inputs   map[*io.Input]struct{} // that may have a goroutine; nil before the first
	inFlight int                    // outbound requests
	incoming *IncomingBody          // of the request, once the guest has taken it
	stopped  bool                   // nobody may read it any more
}

// NewState returns the State of a new instance, which lives at most as long as ctx.
func NewState(ctx context.Context, c Config) *State {
	s := &State{Config: c, ctx: ctx}
	s.denials.Tell = c.Denied
	s.outparam.answer = c.Answer
	return s
}

// Close ends outbound requests and stops reading bodies.
func (s *State) Close() {
	s.mu.Lock()
	s.closed = true
	cancel := s.cancel
	open := make([]*io.Input, 0, len(s.inputs))
	for in := range s.inputs {
		open = append(open, in)
	}
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	for _, in := range open {
		s.dropInput(in)
	}
}

// outboundContext is the context of all outbound requests. Most instances make
// none, and need none.
func (s *State) outboundContext() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbound == nil {
		s.outbound, s.cancel = context.WithCancel(s.ctx)
		if s.closed {
			s.cancel()
		}
	}
	return s.outbound
}

func (s *State) newInput(in *io.Input) *io.Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inputs == nil {
		s.inputs = map[*io.Input]struct{}{}
	}
	s.inputs[in] = struct{}{}
	return in
}

func (s *State) dropInput(in *io.Input) {
	s.mu.Lock()
	delete(s.inputs, in)
	s.mu.Unlock()
	in.Abandon()
}

func (s *State) maxFields() int {
	if s.MaxFields > 0 {
		return s.MaxFields
	}
	return DefaultMaxFields
}

// Link defines wasi:http/types and wasi:http/outgoing-handler in l; state picks
// the State of the calling instance.
func Link(l *engine.Linker, state func(cx *abi.Context) *State) error {
	return errors.Join(
		wasihttp.LinkTypes(l, func(cx *abi.Context) wasihttp.TypesHost { return state(cx) }),
		wasihttp.LinkOutgoingHandler(l, func(cx *abi.Context) wasihttp.OutgoingHandlerHost { return state(cx) }),
	)
}

// errUnit is the error of a result without an error payload.
var errUnit = abi.ResultError[abi.Unit]{}

// foreign traps because a resource is of another implementation of wasi:http.
func foreign(resource string, v any) error {
	return fmt.Errorf("%s is a %T, not one of this host's", resource, v)
}

// HTTPErrorCode implements wasihttp.TypesHost.
func (s *State) HTTPErrorCode(_ context.Context, e wasiio.Error) (abi.Option[wasihttp.ErrorCode], error) {
	var code wasihttp.ErrorCode
	if cause := io.Cause(e); cause != nil && errors.As(cause, &code) {
		return abi.Some(code), nil
	}
	return abi.None[wasihttp.ErrorCode](), nil
}
