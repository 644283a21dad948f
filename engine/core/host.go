package core

import (
	"context"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// HostFunc is a function that the host provides to core modules. Call has the
// parameters in stack and leaves the results there. It gets the very context
// that the core function was called with. It panics with an error to trap.
type HostFunc struct {
	Name string // for backtraces
	Type types.CoreFuncType
	Call func(ctx context.Context, stack []uint64)
	// Prompt says that it never waits: it runs on the time of its caller.
	Prompt bool
}

// Host is the host functions of one component, compiled once. It is immutable
// and safe for concurrent use.
type Host struct {
	module   api.Module // nil without functions
	compiled wazero.CompiledModule
}

// HostPanic is a panic in a host function that was not with an error, or with a
// runtime.Error: a defect of the host.
type HostPanic struct {
	Value any
	Stack []byte
}

func (p *HostPanic) Error() string { return "panic in a host function" }

// CompileHost makes host functions callable from modules of the given engine.
func (r *Runtime) CompileHost(ctx context.Context, k Kind, funcs []HostFunc) (*Host, error) {
	if len(funcs) == 0 {
		return &Host{}, nil
	}
	rt, err := r.on(ctx, k)
	if err != nil {
		return nil, err
	}
	b := rt.NewHostModuleBuilder("h")
	for n, f := range funcs {
		b.NewFunctionBuilder().WithName(f.Name).
			WithGoFunction(hostCall(f), valueTypes(f.Type.Params), valueTypes(f.Type.Results)).
			Export(strconv.Itoa(n))
	}
	compiled, err := b.Compile(ctx)
	if err != nil {
		return nil, err
	}
	// Not HostModuleBuilder.Instantiate: what it returns cannot be given to an
	// import resolver.
	m, err := rt.InstantiateModule(ctx, compiled, instanceConfig)
	if err != nil {
		_ = compiled.Close(ctx)
		return nil, err
	}
	return &Host{module: m, compiled: compiled}, nil
}

// Close releases the functions. No instance that was given them may be in use.
func (h *Host) Close(ctx context.Context) error {
	if h.module == nil {
		return nil
	}
	if err := h.module.Close(ctx); err != nil {
		return err
	}
	return h.compiled.Close(ctx)
}

// hostCall is f, called by wazero. A guest that calls the host again and again uses
// little fuel: it is ended here.
func hostCall(f HostFunc) api.GoFunc {
	call := f.Call
	if f.Prompt {
		return func(ctx context.Context, stack []uint64) {
			// wazero always passes on the context that it was called with.
			c := ctx.(*callContext)
			c.calledOut = true
			defer keepStack()
			call(c.thread, stack)
			if c.prompt++; c.prompt%promptCalls == 0 {
				c.checkTime()
			}
			c.checkDone()
		}
	}
	return func(ctx context.Context, stack []uint64) {
		c := ctx.(*callContext)
		c.calledOut = true
		c.meter.leave()
		defer keepStack()
		call(c.thread, stack)
		c.meter.enter()
		c.checkDone()
	}
}

// promptCalls is after how many calls the CPU time is looked at.
const promptCalls = 64

// keepStack is deferred. It keeps the stack of a panic that is the host's own
// fault; wazero reports it as text among that of the guest.
func keepStack() {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		panic(&HostPanic{Value: p, Stack: debug.Stack()})
	case error:
		panic(p)
	default:
		panic(&HostPanic{Value: p, Stack: debug.Stack()})
	}
}

// valueTypes are core value types as wazero has them: by their binary values.
func valueTypes(ts []types.ValType) []api.ValueType {
	out := make([]api.ValueType, len(ts))
	for k, t := range ts {
		out[k] = api.ValueType(t)
	}
	return out
}
