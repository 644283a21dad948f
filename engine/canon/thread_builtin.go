package canon

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/abi"
)

// This file has the built-ins on threads (CanonicalABI.md, "canon thread.*").

// threadTable has the threads of an instance by index (spec:
// ComponentInstance.threads). No thread has index 0.
type threadTable struct {
	elems []*Thread
	free  []uint32
}

func (t *threadTable) add(th *Thread) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.elems[i] = th
		return i
	}
	if len(t.elems) == 0 {
		t.elems = append(t.elems, nil)
	}
	if len(t.elems) > DefaultMaxHandles {
		panic(&abi.Trap{Message: fmt.Sprintf("the instance has more than %d threads", DefaultMaxHandles)})
	}
	t.elems = append(t.elems, th)
	return uint32(len(t.elems) - 1)
}

func (t *threadTable) remove(i uint32) {
	t.elems[i] = nil
	t.free = append(t.free, i)
}

func (t *threadTable) get(i uint32) *Thread {
	if uint64(i) >= uint64(len(t.elems)) || t.elems[i] == nil {
		panic(&abi.Trap{Message: fmt.Sprintf("unknown thread index %d", i)})
	}
	return t.elems[i]
}

// suspended returns the thread at i, which must be.
func (t *threadTable) suspended(i uint32) *Thread {
	th := t.get(i)
	if th.state != suspended {
		panic(&abi.Trap{Message: fmt.Sprintf("cannot resume thread %d, which is not suspended", i)})
	}
	return th
}

// reallocThread is the thread of core code that moves values of calls and copies
// whose own thread may be gone.
func (i *Instance) reallocThread() *Thread {
	if i.realloc == nil {
		t := &Task{Inst: i, Opts: &Options{}}
		t.Thread = Thread{Context: i.store.scheduler.life, Task: t}
		i.realloc = &t.Thread
	}
	return i.realloc
}

// ThreadIndex is the index of th.
//
// spec: canon_thread_index
func (i *Instance) ThreadIndex(th *Thread) uint32 {
	i.CheckMayLeave()
	return th.index
}

// ThreadNew makes a thread of the task of th, which is suspended. start runs its
// core code.
//
// spec: canon_thread_new_indirect
func (i *Instance) ThreadNew(th *Thread, start func(th *Thread)) uint32 {
	t := th.Task
	i.store.charge(objectCost)
	n := &Thread{Context: i.store.scheduler.life, Task: t, state: suspended}
	n.run = func() {
		start(n)
		t.unregister(n)
		i.store.release(objectCost)
	}
	t.register(n)
	return n.index
}

// ThreadResumeLater makes a thread ready.
//
// spec: canon_thread_resume_later
func (i *Instance) ThreadResumeLater(index uint32) {
	i.CheckMayLeave()
	i.store.scheduler.startWaiting(i.threads.suspended(index), nil)
}

// ThreadSuspend blocks th until another thread resumes it.
//
// spec: canon_thread_suspend
func (i *Instance) ThreadSuspend(th *Thread, cancellable bool) bool {
	i.CheckMayLeave()
	return th.suspend(cancellable)
}

// ThreadYield lets others run.
//
// spec: canon_thread_yield
func (i *Instance) ThreadYield(th *Thread, cancellable bool) bool {
	i.CheckMayLeave()
	return th.waitUntil(nil, cancellable)
}

// ThreadSuspendThenResume blocks th and runs another thread.
//
// spec: canon_thread_suspend_then_resume
func (i *Instance) ThreadSuspendThenResume(th *Thread, cancellable bool, index uint32) bool {
	i.CheckMayLeave()
	return th.suspendThenResume(cancellable, i.threads.suspended(index))
}

// ThreadYieldThenResume runs another thread and lets others run.
//
// spec: canon_thread_yield_then_resume
func (i *Instance) ThreadYieldThenResume(th *Thread, cancellable bool, index uint32) bool {
	i.CheckMayLeave()
	return th.yieldThenResume(cancellable, i.threads.suspended(index))
}

// ThreadSuspendThenPromote blocks th and runs another thread if that is ready.
//
// spec: canon_thread_suspend_then_promote, Thread.suspend_then_promote
func (i *Instance) ThreadSuspendThenPromote(th *Thread, cancellable bool, index uint32) bool {
	i.CheckMayLeave()
	other := i.threads.get(index)
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	if !other.isReady() {
		return th.suspend(cancellable)
	}
	i.store.scheduler.stopWaiting(other)
	return th.suspendThenResume(cancellable, other)
}

// ThreadYieldThenPromote lets others run, and another thread first if that is ready.
//
// spec: canon_thread_yield_then_promote, Thread.yield_then_promote
func (i *Instance) ThreadYieldThenPromote(th *Thread, cancellable bool, index uint32) bool {
	i.CheckMayLeave()
	other := i.threads.get(index)
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	if !other.isReady() {
		return th.waitUntil(nil, cancellable)
	}
	i.store.scheduler.stopWaiting(other)
	return th.yieldThenResume(cancellable, other)
}
