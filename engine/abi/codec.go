package abi

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/types"
)

// Codec lifts and lowers dynamic values for one function type. All that follows
// from the type is worked out by NewCodec. It is safe for concurrent use.
type Codec struct {
	ft     *types.Func
	params tuple
	result *op // nil when there is none
	// paramsInMemory and resultInMemory: too many flat values for the stack.
	paramsInMemory, resultInMemory bool
	out                            int // index of the return pointer in the stack of a canon lower
}

// tuple is the parameters of a function.
type tuple struct {
	fields []fieldOp
	size   uint32
	align  uint32
	flat   int
	cost   uint64
}

// Codecs makes Codecs that share what they know of types they have in common.
// It is for the functions of one component; it is not safe for concurrent use.
// The zero value is ready.
type Codecs struct {
	ops     map[*types.Type]*op
	layouts layouts
}

// NewCodec works out the codec of one function type.
func NewCodec(ft *types.Func) (*Codec, error) { return new(Codecs).NewCodec(ft) }

// NewCodec works out the codec of a function type.
func (cs *Codecs) NewCodec(ft *types.Func) (*Codec, error) {
	if cs.ops == nil {
		cs.ops, cs.layouts = map[*types.Type]*op{}, layouts{}
	}
	c := &Codec{ft: ft}
	for _, p := range ft.Params {
		if _, err := cs.compile(p.Type, 0); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
	}
	l := cs.layouts.record(ft.Params)
	if l.size > MaxValueSize {
		return nil, fmt.Errorf("the parameters exceed the maximum byte size of %d", MaxValueSize)
	}
	c.params = tuple{size: uint32(l.size), align: l.align, flat: int(min(l.flat, 1<<30))}
	c.params.fields, c.params.cost = cs.fields(ft.Params)
	c.paramsInMemory = c.params.flat > MaxFlatParams
	c.out = c.params.flat
	if c.paramsInMemory {
		c.out = 1
	}
	if ft.Result != nil {
		r, err := cs.compile(ft.Result, 0)
		if err != nil {
			return nil, fmt.Errorf("result: %w", err)
		}
		c.result, c.resultInMemory = r, r.flat > MaxFlatResults
	}
	return c, nil
}

// LiftParams lifts the parameters that the caller of a canon lower put on the
// stack, or into memory. out is the return pointer for LowerResult, 0 when the
// result needs none.
//
// spec: canon_lower, lift_flat_values
func (c *Codec) LiftParams(cx *Context, stack []uint64) (args []Value, out uint32) {
	if c.resultInMemory {
		out = uint32(stack[c.out])
	}
	return c.liftParams(cx, stack, c.paramsInMemory), out
}

func (c *Codec) liftParams(cx *Context, stack []uint64, inMemory bool) []Value {
	cx.charge(c.params.cost)
	args := make([]Value, len(c.params.fields))
	if inMemory {
		ptr := uint32(stack[0])
		mem := cx.checkRange(ofPointer, ptr, uint64(c.params.size), c.params.align)
		for i := range c.params.fields {
			f := &c.params.fields[i]
			args[i] = f.op.load(cx, mem, ptr+f.offset)
		}
		return args
	}
	for i := range c.params.fields {
		f := &c.params.fields[i]
		args[i] = f.op.lift(cx, stack[f.flatAt:])
	}
	return args
}

// LowerParams lowers the arguments of a canon lift to the stack, or into memory
// from realloc when they are too many. It traps with a *ValueError when args do
// not fit the function type; see CheckParams.
//
// spec: canon_lift, lower_flat_values
func (c *Codec) LowerParams(cx *Context, args []Value, stack []uint64) {
	cx.lowering = lowering{codec: c, args: args}
	if len(args) != len(c.params.fields) {
		panic(cx.mismatch())
	}
	if c.paramsInMemory {
		ptr := cx.Allocate(c.params.size, c.params.align)
		mem := cx.Memory.Bytes()
		for i := range c.params.fields {
			f := &c.params.fields[i]
			mem = f.op.store(cx, mem, ptr+f.offset, args[i])
		}
		stack[0] = uint64(ptr)
	} else {
		for i := range c.params.fields {
			f := &c.params.fields[i]
			f.op.lower(cx, stack[f.flatAt:], args[i])
		}
	}
	cx.lowering = lowering{}
}

// LiftResult lifts the result that the core function of a canon lift returned;
// nil when there is none.
//
// spec: canon_lift, lift_flat_values
func (c *Codec) LiftResult(cx *Context, stack []uint64) Value {
	return c.liftResult(cx, stack, c.resultInMemory)
}

func (c *Codec) liftResult(cx *Context, stack []uint64, inMemory bool) Value {
	r := c.result
	if r == nil {
		return nil
	}
	cx.charge(r.cost)
	if !inMemory {
		return r.lift(cx, stack)
	}
	ptr := uint32(stack[0])
	mem := cx.checkRange(ofPointer, ptr, uint64(r.size), r.align)
	return r.load(cx, mem, ptr)
}

// LowerResult lowers the result of a canon lower: to the stack, or into memory
// at the return pointer out. It traps with a *ValueError when v does not fit.
//
// spec: canon_lower, lower_flat_values
func (c *Codec) LowerResult(cx *Context, v Value, stack []uint64, out uint32) {
	c.lowerResult(cx, v, stack, out, c.resultInMemory)
}

func (c *Codec) lowerResult(cx *Context, v Value, stack []uint64, out uint32, inMemory bool) {
	cx.lowering = lowering{codec: c, result: v, isResult: true}
	r := c.result
	switch {
	case r == nil:
		if v != nil {
			panic(cx.mismatch())
		}
	case inMemory:
		mem := cx.checkRange(ofPointer, out, uint64(r.size), r.align)
		r.store(cx, mem, out, v)
	default:
		r.lower(cx, stack, v)
	}
	cx.lowering = lowering{}
}

// LiftParamsAsync is LiftParams for a canon lower with the async option, which
// takes fewer flat parameters and any result through memory.
//
// spec: canon_lower, async
func (c *Codec) LiftParamsAsync(cx *Context, stack []uint64) (args []Value, out uint32) {
	inMemory, at := c.params.flat > MaxFlatAsyncParams, c.params.flat
	if inMemory {
		at = 1
	}
	if c.result != nil {
		out = uint32(stack[at])
	}
	return c.liftParams(cx, stack, inMemory), out
}

// LowerResultAsync stores the result of a canon lower with the async option at out.
//
// spec: canon_lower, async
func (c *Codec) LowerResultAsync(cx *Context, v Value, out uint32) {
	c.lowerResult(cx, v, nil, out, true)
}

// LiftTaskReturn lifts the arguments of task.return, which are the result.
//
// spec: canon_task_return
func (c *Codec) LiftTaskReturn(cx *Context, stack []uint64) Value {
	return c.liftResult(cx, stack, c.result != nil && c.result.flat > MaxFlatParams)
}

// lowering is what a Codec is lowering. A mismatch is located by checking all of
// it again, so that the way that succeeds keeps no path.
type lowering struct {
	codec    *Codec
	args     []Value
	result   Value
	isResult bool
}

// mismatch is the trap of a value that does not fit its type.
func (cx *Context) mismatch() *Trap {
	l := &cx.lowering
	var err error
	if l.isResult {
		err = l.codec.CheckResult(l.result)
	} else {
		err = l.codec.CheckParams(l.args)
	}
	return &Trap{Message: "a value does not fit its type", Err: err}
}
