package canon

import (
	"fmt"
	"slices"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file has the tasks of functions whose type is async: their caller may go
// on before they are done.

// Lifting is a canon lift of such a function. It is immutable.
type Lifting struct {
	Inst     int // in Store.Instances
	Core     int // in Store.Funcs
	Options  int // in Store.Options
	Async    bool
	Callback bool // the option, which is in Options
	Codec    *abi.Codec
	Result   *types.Type // nil when there is none; equal ones of a component are the same
	Flat     int         // how many flat values there are room for
}

// caller is who called a task.
type caller interface {
	// start gives the arguments (spec: on_start).
	start() []abi.Value
	// resolve takes the result, or learns that there is none (spec: on_resolve).
	resolve(v abi.Value, cancelled bool)
}

// asyncTask is what a Task has when its function is async.
type asyncTask struct {
	lift   *Lifting
	caller caller
	state  taskState
}

// taskState is the state of a task (spec: Task.State).
type taskState uint8

const (
	taskInitial taskState = iota
	taskStarted
	taskPendingCancel
	taskCancelDelivered
	taskResolved
)

var (
	errNotResolved  = &abi.Trap{Message: "the function ended without a result: it must call task.return or task.cancel before"}
	errResolved     = &abi.Trap{Message: "`task.return` or `task.cancel` called more than once for current task"}
	errNotCancelled = &abi.Trap{Message: "`task.cancel` called by task which has not been cancelled"}
	errBorrows      = &abi.Trap{Message: "borrow handles still remain at the end of the call"}
	errTaskReturn   = &abi.Trap{Message: "invalid `task.return` signature and/or options for current task"}
	errNotAsync     = &abi.Trap{Message: "`task.return` or `task.cancel` called by a task of a function that is not lifted with `async`"}
)

// enterAsync begins a task and runs it until it blocks or ends. from is where the
// call comes from; nil: the host.
//
// spec: Store.lift, canon_lift
func (s *Store) enterAsync(from *Instance, l *Lifting, c caller) *Task {
	i := &s.Instances[l.Inst]
	if s.poisoned != nil || !i.mayEnterFrom(from) {
		panic(errCannotEnter)
	}
	i.setMayEnter(from, false)
	t := &Task{
		Inst: i, Caller: from, Opts: &s.Options[l.Options], Stack: make([]uint64, l.Flat),
		async: &asyncTask{lift: l, caller: c},
	}
	t.Thread = Thread{Context: s.scheduler.life, Task: t, state: suspended, run: t.run}
	o := t.Opts
	t.cx = abi.Context{Ctx: &t.Thread, Host: s.Host, Memory: o.Memory, Realloc: o.Realloc, Encoding: o.Encoding, Handles: t}
	t.cx.Between = from != nil
	s.scheduler.resume(&t.Thread, false, nil)
	i.setMayEnter(from, true)
	return t
}

// makeWay lets the thread that has i for itself go on, once, if it is ready to: it
// may then be done. The specification would have the call that comes next wait;
// its tests have it begin.
func (i *Instance) makeWay(from *Instance) {
	if e := i.exclusive; e != nil && e.isReady() && i.mayEnterFrom(from) {
		i.setMayEnter(from, false)
		i.store.scheduler.resume(e, false, nil)
		i.setMayEnter(from, true)
	}
}

// needsExclusive reports whether the implicit thread of a task like it cannot run
// in the instance while this one's does.
//
// spec: Task.needs_exclusive
func (t *Task) needsExclusive() bool {
	return t.async != nil && (!t.async.lift.Async || t.async.lift.Callback)
}

// run is what the implicit thread does.
//
// spec: canon_lift, thread_func
func (t *Task) run() {
	if !t.enterImplicitThread() {
		return
	}
	a := t.async
	l := a.lift
	a.state = taskStarted
	l.Codec.LowerParams(&t.cx, a.caller.start(), t.Stack)
	t.Run(t.Inst.store.Funcs[l.Core])
	switch {
	case !l.Async:
		t.resolve(l.Codec.LiftResult(&t.cx, t.Stack))
		t.PostReturn()
	case l.Callback:
		t.runCallback()
	}
	t.unregister(&t.Thread)
	if t.needsExclusive() {
		t.Inst.exclusive = nil
	}
}

// spec: Task.enter_implicit_thread
func (t *Task) enterImplicitThread() bool {
	i := t.Inst
	blocked := func() bool { return i.backpressure > 0 || t.needsExclusive() && i.exclusive != nil }
	if blocked() || i.waitingToEnter > 0 {
		i.waitingToEnter++
		cancelled := t.Thread.waitUntil(func() bool { return !blocked() }, true)
		i.waitingToEnter--
		if cancelled {
			t.cancel()
			return false
		}
	}
	if t.needsExclusive() {
		i.exclusive = &t.Thread
	}
	t.register(&t.Thread)
	return true
}

// What a core function with a callback returns (spec: CallbackCode).
const (
	callbackExit  = 0
	callbackYield = 1
	callbackWait  = 2
)

// runCallback is the event loop of a function with a callback.
//
// spec: canon_lift
func (t *Task) runCallback() {
	i, th := t.Inst, &t.Thread
	free := func() bool { return i.exclusive == nil }
	for {
		packed := uint32(t.Stack[0])
		var e event
		switch code := packed & 0xf; code {
		case callbackExit:
			return
		case callbackYield:
			i.exclusive = nil
			if th.waitUntil(free, true) {
				e = event{code: eventTaskCancelled}
			}
		case callbackWait:
			set := object[*waitableSet](&i.handles, packed>>4, kindWaitableSet)
			i.exclusive = nil
			e = set.waitForEventAnd(th, free, true)
		default:
			panic(&abi.Trap{Message: fmt.Sprintf("unsupported callback code: %d", code)})
		}
		i.exclusive = th
		t.Stack[0], t.Stack[1], t.Stack[2] = uint64(e.code), uint64(e.index), uint64(e.payload)
		t.Run(t.Opts.Callback)
	}
}

// spec: Task.return_
func (t *Task) resolve(v abi.Value) {
	a := t.async
	if a.state == taskResolved {
		panic(errResolved)
	}
	if t.borrows > 0 {
		panic(errBorrows)
	}
	a.caller.resolve(v, false)
	a.state = taskResolved
}

// spec: Task.cancel
func (t *Task) cancel() {
	a := t.async
	switch {
	case a.state == taskResolved:
		panic(errResolved)
	case a.state != taskCancelDelivered:
		panic(errNotCancelled)
	case t.borrows > 0:
		panic(errBorrows)
	}
	a.caller.resolve(nil, true)
	a.state = taskResolved
}

// requestCancellation asks the task to end without a result.
//
// spec: Task.request_cancellation
func (t *Task) requestCancellation(from *Instance) {
	a, i := t.async, t.Inst
	if a.state == taskInitial {
		a.state = taskCancelDelivered
		i.store.scheduler.resume(&t.Thread, true, nil)
		return
	}
	k := slices.IndexFunc(t.threads, func(th *Thread) bool {
		if th == &t.Thread && t.needsExclusive() && i.exclusive != nil && i.exclusive != th {
			return false
		}
		return th.cancellable
	})
	if k < 0 || !i.mayEnterFrom(from) {
		a.state = taskPendingCancel
		return
	}
	a.state = taskCancelDelivered
	i.setMayEnter(from, false)
	i.store.scheduler.resume(t.threads[k], true, nil)
	i.setMayEnter(from, true)
}

// spec: Task.deliver_pending_cancel
func (t *Task) deliverPendingCancel(cancellable bool) bool {
	if a := t.async; cancellable && a != nil && a.state == taskPendingCancel {
		a.state = taskCancelDelivered
		return true
	}
	return false
}

// register gives a thread of the task its index.
//
// spec: Task.register_thread
func (t *Task) register(th *Thread) {
	t.threads = append(t.threads, th)
	th.index = t.Inst.threads.add(th)
}

// spec: Task.unregister_thread, Task.exit_implicit_thread
func (t *Task) unregister(th *Thread) {
	k := slices.Index(t.threads, th)
	t.threads = slices.Delete(t.threads, k, k+1)
	if len(t.threads) == 0 && t.async != nil && t.async.state != taskResolved {
		panic(errNotResolved)
	}
	t.Inst.threads.remove(th.index)
	th.index = 0
}

// TaskReturn gives the result of the task of th; stack has its flat values.
//
// spec: canon_task_return
func (i *Instance) TaskReturn(th *Thread, result *types.Type, o *Options, stack []uint64) {
	i.CheckMayLeave()
	t := th.Task
	if t.async == nil || !t.async.lift.Async {
		panic(errNotAsync)
	}
	l := t.async.lift
	// A built-in that names no memory has a result that needs none.
	if result != l.Result || o.Encoding != t.Opts.Encoding || o.Memory != nil && o.Memory != t.Opts.Memory {
		panic(errTaskReturn)
	}
	t.resolve(l.Codec.LiftTaskReturn(&t.cx, stack))
}

// TaskCancel ends the task of th without a result.
//
// spec: canon_task_cancel
func (i *Instance) TaskCancel(th *Thread) {
	i.CheckMayLeave()
	if t := th.Task; t.async == nil || !t.async.lift.Async {
		panic(errNotAsync)
	}
	th.Task.cancel()
}

// HostCall is a call of a function with an async type from the host.
type HostCall struct {
	Args   []abi.Value
	Result abi.Value
	done   bool
}

func (c *HostCall) start() []abi.Value { return c.Args }

func (c *HostCall) resolve(v abi.Value, _ bool) { c.Result, c.done = v, true }

// Call makes a call from the host and runs the store until its result is there.
// Threads that have more to do go on with the next call.
//
// spec: Store.invoke
func (s *Store) Call(l *Lifting, c *HostCall) {
	s.enterAsync(nil, l, c)
	for !c.done {
		if s.scheduler.life.Err() != nil {
			panic(ended(s.scheduler.life))
		}
		if !s.tick() {
			panic(errDeadlock)
		}
	}
}
