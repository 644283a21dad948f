package canon

import (
	"slices"

	"github.com/godwit-runtime/godwit/engine/abi"
)

// subtaskState is the state of a subtask, as guests see it (spec: Subtask.State).
type subtaskState uint32

const (
	subtaskStarting subtaskState = iota
	subtaskStarted
	subtaskReturned
	subtaskCancelledBeforeStarted
	subtaskCancelledBeforeReturned
)

// Returned is what a canon lower with the async option returns for a call that
// is over.
const Returned = uint64(subtaskReturned)

// blocked is what an operation returns that goes on (spec: BLOCKED).
const blocked = 0xffff_ffff

// Lowering is a canon lower of a function with an async type. It is immutable.
type Lowering struct {
	Inst    int // in Store.Instances
	Options int // in Store.Options
	Async   bool
	Codec   *abi.Codec
}

// asyncSubtask is a call of a function with an async type.
type asyncSubtask struct {
	Subtask
	waitable

	lower     *Lowering
	task      *Task
	state     subtaskState
	handle    uint32 // 0 while it has none
	args      []uint64
	out       uint32
	result    [abi.MaxFlatResults]uint64
	delivered bool // spec: resolve_delivered
	cancelled bool // spec: cancellation_requested
}

var (
	errSubtaskDrop     = &abi.Trap{Message: "cannot drop a subtask which has not yet resolved"}
	errSubtaskResolved = &abi.Trap{Message: "`subtask.cancel` called after terminal status delivered"}
	errSubtaskTwice    = &abi.Trap{Message: "`subtask.cancel` called more than once for a subtask"}
)

// CallAsync calls a function with an async type that another instance lifts.
//
// spec: canon_lower
func (i *Instance) CallAsync(th *Thread, lo *Lowering, li *Lifting, stack []uint64) {
	i.CheckMayLeave()
	s := i.store
	i.CheckCall(&s.Instances[li.Inst])
	if !lo.Async {
		th.checkMayBlock()
	}
	if th.wake != nil {
		s.Instances[li.Inst].makeWay(i)
	}
	st := &asyncSubtask{lower: lo, args: stack}
	// The call can outlive th.
	st.init(i, i.reallocThread(), &s.Options[lo.Options])
	st.cx.Between = true
	st.deliver = st.event
	st.task = s.enterAsync(i, li, st)
	if !lo.Async {
		if !st.resolved() {
			th.waitUntil(st.resolved, false)
		}
		st.deliverResolve()
		copy(stack, st.result[:])
		return
	}
	if st.resolved() {
		st.deliverResolve()
		stack[0] = Returned
		return
	}
	if st.state == subtaskStarting {
		// What the guest passed is gone when this returns.
		st.args = slices.Clone(stack)
	}
	st.handle = i.addObject(kindSubtask, st)
	stack[0] = uint64(st.state) | uint64(st.handle)<<4
}

// spec: Subtask.resolved
func (st *asyncSubtask) resolved() bool { return st.state >= subtaskReturned }

// start gives the callee its arguments.
//
// spec: canon_lower, on_start
func (st *asyncSubtask) start() (args []abi.Value) {
	st.progress()
	st.state = subtaskStarted
	if st.lower.Async {
		args, st.out = st.lower.Codec.LiftParamsAsync(&st.cx, st.args)
	} else {
		args, st.out = st.lower.Codec.LiftParams(&st.cx, st.args)
	}
	st.args = nil
	return args
}

// resolve takes the result of the callee.
//
// spec: canon_lower, on_resolve
func (st *asyncSubtask) resolve(v abi.Value, cancelled bool) {
	st.progress()
	switch {
	case cancelled && st.state == subtaskStarting:
		st.state = subtaskCancelledBeforeStarted
	case cancelled:
		st.state = subtaskCancelledBeforeReturned
	case st.lower.Async:
		st.lower.Codec.LowerResultAsync(&st.cx, v, st.out)
		st.state = subtaskReturned
	default:
		st.lower.Codec.LowerResult(&st.cx, v, st.result[:], st.out)
		st.state = subtaskReturned
	}
}

// spec: canon_lower, on_progress
func (st *asyncSubtask) progress() {
	if st.handle != 0 {
		st.setPendingEvent()
	}
}

// spec: canon_lower, subtask_event
func (st *asyncSubtask) event() event {
	if st.resolved() {
		st.deliverResolve()
	}
	return event{eventSubtask, st.handle, uint32(st.state)}
}

// spec: Subtask.deliver_resolve
func (st *asyncSubtask) deliverResolve() {
	st.returnLent()
	st.delivered = true
}

// SubtaskCancel asks a callee to end without a result.
//
// spec: canon_subtask_cancel
func (i *Instance) SubtaskCancel(th *Thread, async bool, handle uint32) uint32 {
	i.CheckMayLeave()
	if !async {
		th.checkMayBlock()
	}
	st := object[*asyncSubtask](&i.handles, handle, kindSubtask)
	switch {
	case st.delivered:
		panic(errSubtaskResolved)
	case st.cancelled:
		panic(errSubtaskTwice)
	}
	st.checkSync(async)
	if !st.resolved() {
		st.cancelled = true
		st.task.requestCancellation(i)
		if !st.resolved() {
			if async {
				return blocked
			}
			for !st.resolved() {
				st.waitForPendingEvent(th)
				if !st.resolved() {
					st.getPendingEvent()
				}
			}
		}
	}
	return st.getPendingEvent().payload
}

// SubtaskDrop drops a subtask that is over.
//
// spec: canon_subtask_drop
func (i *Instance) SubtaskDrop(handle uint32) {
	i.CheckMayLeave()
	st := object[*asyncSubtask](&i.handles, handle, kindSubtask)
	if !st.delivered {
		panic(errSubtaskDrop)
	}
	st.join(nil)
	i.removeObject(handle)
}
