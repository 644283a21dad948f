package engine

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/core"
)

// Trap is the error of a call in which the guest trapped. The instance cannot
// be called again.
type Trap struct {
	// Message says what happened, in the words of the specification's tests.
	Message string
	// Backtrace has the core functions that were active, innermost first; it may be empty.
	Backtrace []core.Frame
	// Err is what caused the trap: the error that a host function returned, the
	// context's error when the deadline passed or the caller went away; or nil.
	Err error
}

func (t *Trap) Error() string { return t.Message }

// Unwrap returns Err.
func (t *Trap) Unwrap() error { return t.Err }

// InternalError is a Go panic in a host function: a defect of the host, not of
// the guest. The instance cannot be called again; the process goes on.
type InternalError struct {
	Value any
	Stack []byte
}

func (e *InternalError) Error() string { return fmt.Sprintf("panic in a host function: %v", e.Value) }

var (
	errClosed = errors.New("the instance is closed")
	errBusy   = &Trap{Message: "wasm trap: cannot enter component instance"}
)

// trap makes the error that an embedder gets of one that core code returned.
func trap(err error) error {
	var t *Trap
	if errors.As(err, &t) {
		return err
	}
	var cp *canon.Panic
	if errors.As(err, &cp) {
		return &InternalError{Value: cp.Value, Stack: cp.Stack}
	}
	var hp *core.HostPanic
	if errors.As(err, &hp) {
		return &InternalError{Value: hp.Value, Stack: hp.Stack}
	}
	var ct *core.Trap
	if errors.As(err, &ct) {
		out := &Trap{Message: ct.Message, Backtrace: ct.Backtrace, Err: ct.Err}
		var at *abi.Trap
		if errors.As(ct.Err, &at) {
			out.Message = at.Error()
		}
		return out
	}
	var at *abi.Trap
	if errors.As(err, &at) {
		return &Trap{Message: at.Error(), Err: at.Err}
	}
	return err
}

// recovered makes an error of a panic value.
func recovered(r any) error {
	if re, ok := r.(runtime.Error); ok {
		return &InternalError{Value: re, Stack: debug.Stack()}
	}
	if err, ok := r.(error); ok {
		return trap(err)
	}
	return &InternalError{Value: r, Stack: debug.Stack()}
}
