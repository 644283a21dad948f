package canon

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/godwit-runtime/godwit/engine/abi"
)

// Thread runs core code on behalf of a task. It is the context.Context that
// core calls are made with, so a host function finds its Thread, and with it
// everything else, by one type assertion.
//
// The implicit thread of a synchronous function runs on the goroutine of its
// caller. Every other has a goroutine of its own, which waits while another runs.
//
// spec: Thread
type Thread struct {
	context.Context
	Task    *Task
	Storage [2]uint64 // spec: context.get, context.set

	state       threadState
	ready       func() bool // of one that waits: until when; nil: no longer
	cancellable bool        // spec: Thread.cancellable
	cancelled   bool        // what it was resumed with
	index       uint32      // in Instance.threads; 0: none
	run         func()      // what it does

	wake     chan struct{} // nil without a goroutine of its own
	left     chan left     // when it blocks or ends
	position int           // in scheduler.live
}

type threadState uint8

const (
	running threadState = iota
	suspended
	waiting
)

// left is why a goroutine handed the store back to the one that resumed it.
type left struct {
	switchTo *Thread
	panicked any
}

// maxThreads bounds the threads of a store that have begun: each has a goroutine
// and, in core code, a stack.
const maxThreads = 1 << 10

// scheduler is what a store has for threads. One goroutine runs at a time: the
// one that resumes a thread waits until that blocks or ends.
type scheduler struct {
	store   *Store
	life    *life
	waiting []*Thread // spec: Store.waiting, in the order they began to wait
	live    []*Thread // those that have a goroutine
	dying   bool      // those that wake up have to end
}

var (
	errDeadlock   = &abi.Trap{Message: "wasm trap: deadlock detected: event loop cannot make further progress"}
	errCannotWait = &abi.Trap{Message: "cannot block a synchronous task before returning"}
	errEnded      = &abi.Trap{Message: "the thread was ended with its instance"}
	errThreads    = &abi.Trap{Message: fmt.Sprintf("the instance has more than %d threads", maxThreads)}
)

// Panic is a panic on the goroutine of a thread that was not with an error: a
// defect of the host.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Base is the context that the call was made with.
func (th *Thread) Base() context.Context { return th.Context }

// Store returns the store that the thread runs in.
func (th *Thread) Store() *Store { return th.Task.Inst.store }

// ThreadOf returns the Thread that a host function was called by.
func ThreadOf(ctx context.Context) *Thread {
	t, ok := ctx.(*Thread)
	if !ok {
		panic(fmt.Errorf("canon: core code was called with a %T, not a *canon.Thread", ctx))
	}
	return t
}

func (th *Thread) scheduler() *scheduler { return th.Task.Inst.store.scheduler }

// resume runs a thread, and what it switches to, until one blocks or ends. It is
// true when that switched back to self, whose goroutine this is.
//
// spec: Thread.resume
func (c *scheduler) resume(th *Thread, cancelled bool, self *Thread) bool {
	for th != nil {
		if th.state == waiting {
			c.stopWaiting(th)
		}
		th.state, th.cancelled = running, cancelled
		if th == self {
			return true
		}
		cancelled = false
		if th.wake == nil {
			c.begin(th)
		} else {
			th.wake <- struct{}{}
		}
		l := <-th.left
		if l.panicked != nil {
			panic(l.panicked)
		}
		th = l.switchTo
	}
	return false
}

// begin starts the goroutine of a thread.
//
// spec: cont_new
func (c *scheduler) begin(th *Thread) {
	if len(c.live) >= maxThreads {
		panic(errThreads)
	}
	c.store.charge(threadCost)
	th.wake, th.left = make(chan struct{}, 1), make(chan left, 1)
	th.position = len(c.live)
	c.live = append(c.live, th)
	go c.main(th)
}

// main is the goroutine of a thread.
func (c *scheduler) main(th *Thread) {
	l := left{panicked: &Panic{Value: "a host function ended its goroutine"}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			l.panicked = &Panic{Value: r, Stack: debug.Stack()}
		case error:
			l.panicked = r
		default:
			l.panicked = &Panic{Value: r, Stack: debug.Stack()}
		}
		last := c.live[len(c.live)-1]
		c.live[th.position], last.position = last, th.position
		c.live = slices.Delete(c.live, len(c.live)-1, len(c.live))
		c.store.release(threadCost)
		th.left <- l
	}()
	th.run()
	l.panicked = nil
}

// kill ends every thread. Nothing of the store may be running.
func (c *scheduler) kill() {
	c.dying = true
	for len(c.live) > 0 {
		th := c.live[len(c.live)-1]
		th.wake <- struct{}{}
		<-th.left
	}
	c.waiting = nil
	c.life.end(context.Canceled)
}

// spec: Thread.start_waiting_internal
func (c *scheduler) startWaiting(th *Thread, ready func() bool) {
	th.state, th.ready = waiting, ready
	c.waiting = append(c.waiting, th)
}

// spec: Thread.stop_waiting_internal
func (c *scheduler) stopWaiting(th *Thread) {
	k := slices.Index(c.waiting, th)
	c.waiting = slices.Delete(c.waiting, k, k+1)
	th.ready, th.state = nil, suspended
}

// spec: Thread.ready
func (th *Thread) isReady() bool { return th.state == waiting && (th.ready == nil || th.ready()) }

// block hands the store back, or over to another thread, until this one is
// resumed. It is true when it is resumed because its task is cancelled.
//
// spec: Thread.block_internal, Thread.switch_to_internal
func (th *Thread) block(cancellable bool, switchTo *Thread) bool {
	c := th.scheduler()
	th.cancellable = cancellable
	defer func() { th.cancellable = false }()
	if th.wake == nil {
		th.runOthers(switchTo)
		return th.cancelled
	}
	th.left <- left{switchTo: switchTo}
	<-th.wake
	if c.dying {
		panic(errEnded)
	}
	return th.cancelled
}

// runOthers runs other threads of its instance until this one, of a synchronous
// function, is resumed. Those that need the instance for themselves stay out.
//
// spec: canon_lift, the loop of a function that is not async
func (th *Thread) runOthers(next *Thread) {
	c := th.scheduler()
	for {
		if next == nil {
			k := slices.IndexFunc(c.waiting, func(w *Thread) bool {
				return w.Task.Inst == th.Task.Inst && !w.isExclusive() && w.isReady()
			})
			if k < 0 {
				panic(errDeadlock)
			}
			next = c.waiting[k]
		}
		if err := th.Err(); err != nil {
			panic(ended(th.Context))
		}
		if c.resume(next, false, th) {
			return
		}
		next = nil
	}
}

func ended(ctx context.Context) error {
	return &abi.Trap{Message: "the call was ended: " + context.Cause(ctx).Error(), Err: ctx.Err()}
}

// isExclusive reports whether th is the implicit thread of a task that keeps
// others of its kind out of the instance while it runs.
func (th *Thread) isExclusive() bool { return th == &th.Task.Thread && th.Task.needsExclusive() }

// checkMayBlock traps when th must not do what may block: it runs a synchronous
// function and there is nothing to run meanwhile. The tests want that to be the
// first thing that is wrong.
func (th *Thread) checkMayBlock() {
	if th.wake != nil {
		return
	}
	if c := th.scheduler(); c == nil || !slices.ContainsFunc(c.waiting, (*Thread).isReady) {
		panic(errCannotWait)
	}
}

// tick resumes one thread that is ready, if there is one.
//
// spec: Store.tick
func (s *Store) tick() bool {
	c := s.scheduler
	k := slices.IndexFunc(c.waiting, (*Thread).isReady)
	if k < 0 {
		return false
	}
	th := c.waiting[k]
	i := th.Task.Inst
	i.setMayEnter(nil, false)
	c.resume(th, false, nil)
	i.setMayEnter(nil, true)
	return true
}

// spec: Thread.suspend
func (th *Thread) suspend(cancellable bool) bool {
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	th.checkMayBlock()
	th.state = suspended
	return th.block(cancellable, nil)
}

// spec: Thread.wait_until
func (th *Thread) waitUntil(ready func() bool, cancellable bool) bool {
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	th.scheduler().startWaiting(th, ready)
	return th.block(cancellable, nil)
}

// spec: Thread.suspend_then_resume
func (th *Thread) suspendThenResume(cancellable bool, other *Thread) bool {
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	th.state = suspended
	return th.block(cancellable, other)
}

// spec: Thread.yield_then_resume
func (th *Thread) yieldThenResume(cancellable bool, other *Thread) bool {
	if th.Task.deliverPendingCancel(cancellable) {
		return true
	}
	th.scheduler().startWaiting(th, nil)
	return th.block(cancellable, other)
}
