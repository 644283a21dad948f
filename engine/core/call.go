package core

import (
	"context"
	"reflect"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// A Thread is a context that carries what host functions need to know of the
// call they are in. It may be used again for another call.
type Thread interface {
	context.Context
	// Base is the context of the call, which outlives it.
	Base() context.Context
}

// callContext is what wazero is given. The interpreter watches it on a goroutine
// that can outlive the call, so it must not get the Thread itself; host
// functions do.
type callContext struct {
	context.Context // the Base of thread
	thread          context.Context
	// values has the import resolver and the memory allocator, at instantiation.
	values context.Context
	inst   *Instance
	meter  *Meter
	stack  reflect.Value // what wazero runs the call on, if it is known
	taken  int64         // from the budget, for the stack
	// calledOut says that a host function was called.
	calledOut bool
	refills   uint // in this call
	prompt    uint // calls of host functions that are
}

func (c *callContext) init(ctx context.Context, m *Meter) {
	c.Context, c.thread, c.meter, c.refills = ctx, ctx, m, 0
	if t, ok := ctx.(Thread); ok {
		c.Context = t.Base()
	}
}

// Value serves wazero alone; host functions get the thread.
func (c *callContext) Value(key any) any {
	if c.values == nil {
		return nil
	}
	return c.values.Value(key)
}

const (
	// maxStack is the most that a call's stack may take, in bytes. wazero doubles
	// it, and has a limit of its own ten times as high.
	maxStack = 8 << 20
	// maxIdleStack is the largest stack that is kept for the next call, and is
	// not charged for.
	maxIdleStack = 64 << 10
)

// checkStack bounds the stack and charges for it.
func (c *callContext) checkStack() {
	if !c.stack.IsValid() {
		return
	}
	n := int64(c.stack.Len())
	if n > maxStack {
		panic(&Trap{Message: "wasm trap: call stack exhausted"})
	}
	if more := n - c.taken; n > maxIdleStack && more > 0 {
		if err := c.inst.budget.take(more); err != nil {
			panic(&Trap{Message: "wasm trap: call stack exhausted", Err: err})
		}
		c.taken = n
	}
}

// check is what a guest calls when its fuel is used up: a compiled one at the
// latest after some 100 µs. It panics to end the guest.
func (c *callContext) check() {
	c.meter.leave() // what follows is not the guest's time
	c.checkStack()
	if d, ok := c.Deadline(); ok && time.Now().After(d) {
		// The context's timer may be waiting for this very thread: let it run,
		// it knows the cause.
		select {
		case <-c.Done():
		case <-time.After(timerGrace):
			panic(ended(context.DeadlineExceeded, context.DeadlineExceeded))
		}
	}
	c.checkDone()
	c.checkTime()
	c.yield()
	c.meter.enter()
}

// checkDone ends the guest when its context is done.
func (c *callContext) checkDone() {
	if err := c.Err(); err != nil {
		panic(ended(err, context.Cause(c.Context)))
	}
}

// checkTime ends the guest when its CPU time is used up.
func (c *callContext) checkTime() {
	if err := c.meter.check(); err != nil {
		panic(&Trap{Message: err.Error(), Err: err})
	}
}

// yield lets others run. Compiled code is not preempted: without this, a
// goroutine that waits for a processor waits for Go's monitor thread to ask for
// one, 10 ms. And as long as a goroutine is ready on every processor, Go looks
// for network traffic and timers no more often than that; so a guest that runs
// on and on sleeps for a moment now and then.
func (c *callContext) yield() {
	if c.refills++; c.refills%refillsToSleep == 0 {
		time.Sleep(moment)
		return
	}
	runtime.Gosched()
}

const (
	refillsToSleep = 32
	moment         = 20 * time.Microsecond
)

// timerGrace is how long a context may take to notice its deadline. The guest
// does not run meanwhile; on a busy machine it can take a while.
const timerGrace = time.Second

// ended is the trap of a call whose context is done.
func ended(err, cause error) *Trap {
	if over, ok := cause.(*CPUTimeError); ok { // the interpreter's context ends for this
		return &Trap{Message: over.Error(), Err: over}
	}
	return &Trap{Message: "the call was ended: " + cause.Error(), Err: err}
}

// stackOf returns the stack that wazero's compiler keeps for a function, or the
// zero Value when this wazero has none that can be found.
func stackOf(fn api.Function) reflect.Value {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return reflect.Value{}
	}
	s := v.Elem().FieldByName("stack")
	if !s.IsValid() || s.Kind() != reflect.Slice || s.Type().Elem().Kind() != reflect.Uint8 {
		return reflect.Value{}
	}
	return s
}

// Func is an exported function of an instance. It may be called again while a
// call is under way.
type Func struct {
	inst *Instance
	name string
	fn   api.Function // made when first called: making one costs more than a short call
	busy bool
	// entered says that the meter began with this call.
	entered bool
	call    callContext
}

// Func returns an exported function, or nil. It is for one goroutine at a time.
func (i *Instance) Func(name string) *Func {
	if !i.module.info.funcs[name] {
		return nil
	}
	return &Func{inst: i, name: name}
}

// Call calls the function with the parameters in stack and leaves the results
// there; stack has room for the longer of the two. The error is a *Trap.
func (f *Func) Call(ctx context.Context, stack []uint64) error {
	if f.busy {
		// wazero gives each api.Function one stack: it cannot be entered twice.
		again := Func{inst: f.inst, name: f.name}
		return again.Call(ctx, stack)
	}
	if f.fn == nil {
		f.fn = f.inst.mod.ExportedFunction(f.name)
		if f.inst.module.kind == Compiler {
			f.call.inst, f.call.stack = f.inst, stackOf(f.fn)
		}
	}
	f.busy = true
	defer f.done()
	meter := f.inst.meter
	if f.inst.module.kind == Interpreter {
		return f.interpret(ctx, stack)
	}
	c := &f.call
	c.init(ctx, meter)
	if err := c.Err(); err != nil {
		return ended(err, context.Cause(c.Context))
	}
	f.entered = meter.enter()
	if err := f.fn.CallWithStack(c, stack); err != nil {
		return trap(c.Context, err)
	}
	return nil
}

func (f *Func) done() {
	if f.entered {
		f.inst.meter.leave()
	}
	f.busy, f.entered = false, false
	f.call.Context, f.call.thread = nil, nil
	if f.call.taken > 0 { // the stack is charged for: it is not kept
		f.inst.budget.give(f.call.taken)
		f.fn, f.call = nil, callContext{}
	}
}

// interpret calls the function on the interpreter.
func (f *Func) interpret(ctx context.Context, stack []uint64) error {
	c := &callContext{}
	m := f.inst.meter
	c.init(ctx, m)
	defer c.limit()()
	f.entered = m.enter()
	if err := f.fn.CallWithStack(c, stack); err != nil {
		return trap(c.Context, err)
	}
	return nil
}

// limit makes the context end when the CPU time is used up, for the interpreter.
func (c *callContext) limit() (stop func()) {
	m := c.meter
	if m.limit <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancelCause(c.Context)
	c.Context = ctx
	var t *time.Timer
	ready := make(chan struct{})
	t = time.AfterFunc(m.limit-m.CPUTime(), func() {
		<-ready
		if err := m.check(); err != nil {
			cancel(err)
			return
		}
		t.Reset(max(m.limit-m.CPUTime(), time.Millisecond))
	})
	close(ready)
	return func() {
		t.Stop()
		cancel(nil)
	}
}
