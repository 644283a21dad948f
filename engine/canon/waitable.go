package canon

import (
	"encoding/binary"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// eventCode says what an event is of (spec: EventCode).
type eventCode uint32

const (
	eventNone eventCode = iota
	eventSubtask
	eventStreamRead
	eventStreamWrite
	eventFutureRead
	eventFutureWrite
	eventTaskCancelled
)

// event is what a guest learns of a waitable (spec: EventTuple).
type event struct {
	code    eventCode
	index   uint32
	payload uint32
}

// waitable is what subtasks and the ends of streams and futures have in common
// (spec: Waitable).
type waitable struct {
	// deliver makes the event, when the guest takes it.
	deliver    func() event
	pending    bool
	set        *waitableSet
	syncWaiter bool      // spec: has_sync_waiter
	prev, next *waitable // in set, of those with an event
}

// waitableSet is a set of waitables (spec: WaitableSet). Those with an event are
// a list, in the order in which they got it.
type waitableSet struct {
	elems       int
	waiting     int // spec: num_waiting
	first, last *waitable
}

var (
	errSyncInSet   = &abi.Trap{Message: "waitable cannot be used synchronously while added to a waitable set"}
	errSetWaiters  = &abi.Trap{Message: "cannot drop waitable set with waiters"}
	errSetElements = &abi.Trap{Message: "cannot drop waitable set with waitables in it"}
)

// spec: Waitable.set_pending_event
func (w *waitable) setPendingEvent() {
	if !w.pending {
		w.pending = true
		w.queue()
	}
}

// spec: Waitable.get_pending_event
func (w *waitable) getPendingEvent() event {
	w.unqueue()
	w.pending = false
	return w.deliver()
}

// queue puts w among those of its set that have an event, if it is one.
func (w *waitable) queue() {
	s := w.set
	if s == nil || !w.pending {
		return
	}
	if w.prev = s.last; s.last != nil {
		s.last.next = w
	} else {
		s.first = w
	}
	s.last = w
}

func (w *waitable) unqueue() {
	s := w.set
	if s == nil || !w.pending {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		s.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		s.last = w.prev
	}
	w.prev, w.next = nil, nil
}

// spec: Waitable.join
func (w *waitable) join(s *waitableSet) {
	w.unqueue()
	if w.set != nil {
		w.set.elems--
	}
	if w.set = s; s != nil {
		s.elems++
	}
	w.queue()
}

// waitForPendingEvent waits for the event of a waitable that is in no set.
//
// spec: Waitable.wait_for_pending_event
func (w *waitable) waitForPendingEvent(th *Thread) {
	w.syncWaiter = true
	th.waitUntil(func() bool { return w.pending }, false)
	w.syncWaiter = false
}

// checkSync traps when an operation that is not async cannot wait for w.
func (w *waitable) checkSync(async bool) {
	if !async && w.set != nil {
		panic(errSyncInSet)
	}
}

func (s *waitableSet) hasPendingEvent() bool { return s.first != nil }

// spec: WaitableSet.wait_for_event_and
func (s *waitableSet) waitForEventAnd(th *Thread, ready func() bool, cancellable bool) event {
	s.waiting++
	cancelled := th.waitUntil(func() bool { return ready() && s.hasPendingEvent() }, cancellable)
	s.waiting--
	if cancelled {
		return event{code: eventTaskCancelled}
	}
	return s.first.getPendingEvent()
}

// spec: WaitableSet.wait_for_event
func (s *waitableSet) waitForEvent(th *Thread, cancellable bool) event {
	if th.Task.deliverPendingCancel(cancellable) {
		return event{code: eventTaskCancelled}
	}
	if s.hasPendingEvent() { // which the specification lets it take at once
		return s.first.getPendingEvent()
	}
	th.checkMayBlock()
	return s.waitForEventAnd(th, func() bool { return true }, cancellable)
}

// WaitableSetNew makes a waitable set.
//
// spec: canon_waitable_set_new
func (i *Instance) WaitableSetNew() uint32 {
	i.CheckMayLeave()
	return i.addObject(kindWaitableSet, &waitableSet{})
}

// WaitableSetWait waits for an event of a set.
//
// spec: canon_waitable_set_wait
func (i *Instance) WaitableSetWait(th *Thread, cancellable bool, o *Options, set, ptr uint32) uint32 {
	i.CheckMayLeave()
	s := object[*waitableSet](&i.handles, set, kindWaitableSet)
	return i.unpackEvent(o, ptr, s.waitForEvent(th, cancellable))
}

// WaitableSetPoll takes an event of a set if there is one.
//
// spec: canon_waitable_set_poll
func (i *Instance) WaitableSetPoll(th *Thread, cancellable bool, o *Options, set, ptr uint32) uint32 {
	i.CheckMayLeave()
	s := object[*waitableSet](&i.handles, set, kindWaitableSet)
	var e event
	switch {
	case th.Task.deliverPendingCancel(cancellable):
		e.code = eventTaskCancelled
	case s.hasPendingEvent():
		e = s.first.getPendingEvent()
	}
	return i.unpackEvent(o, ptr, e)
}

// spec: unpack_event
func (i *Instance) unpackEvent(o *Options, ptr uint32, e event) uint32 {
	cx := abi.Context{Memory: o.Memory}
	cx.CheckRange(ptr, 8, 4)
	mem := o.Memory.Bytes()
	binary.LittleEndian.PutUint32(mem[ptr:], e.index)
	binary.LittleEndian.PutUint32(mem[ptr+4:], e.payload)
	return uint32(e.code)
}

// WaitableSetDrop drops an empty set.
//
// spec: canon_waitable_set_drop
func (i *Instance) WaitableSetDrop(set uint32) {
	i.CheckMayLeave()
	s := object[*waitableSet](&i.handles, set, kindWaitableSet)
	if s.waiting > 0 {
		panic(errSetWaiters)
	}
	if s.elems > 0 {
		panic(errSetElements)
	}
	i.removeObject(set)
}

// WaitableJoin puts a waitable into a set, or into none when that is 0.
//
// spec: canon_waitable_join
func (i *Instance) WaitableJoin(w, set uint32) {
	i.CheckMayLeave()
	wt := i.handles.waitable(w)
	if wt.syncWaiter {
		panic(errSyncInSet)
	}
	if set == 0 {
		wt.join(nil)
		return
	}
	wt.join(object[*waitableSet](&i.handles, set, kindWaitableSet))
}

// waitable returns the waitable at i.
func (t *table) waitable(i uint32) *waitable {
	if i == 0 || uint64(i) >= uint64(len(t.elems)) || t.elems[i].rt == nil {
		panic(unknownHandle(i))
	}
	switch w := t.elems[i].rep.Object.(type) {
	case *asyncSubtask:
		return &w.waitable
	case *copyEnd:
		return &w.waitable
	}
	panic(wrongType(i, &types.Resource{Name: "waitable"}, t.elems[i].rt))
}
