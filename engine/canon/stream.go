package canon

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// shared is what the two ends of a stream or future share. Nothing is buffered:
// elements go from one memory to the other when both ends are there.
//
// spec: SharedStreamImpl, SharedFutureImpl
type shared struct {
	store   *Store
	elem    *abi.Elem
	future  bool
	dropped bool
	pending *copyEnd // the end that waits for the other, with its buffer
}

// copyState is the state of an end (spec: CopyState).
type copyState uint8

const (
	copyIdle copyState = iota
	copying
	cancellingCopy
	copyDone
)

// copyResult is how a copy ended (spec: CopyResult).
type copyResult uint32

const (
	copyCompleted copyResult = iota
	copyDropped
	copyCancelled
)

// copyEnd is an end of a stream or future (spec: CopyEnd).
type copyEnd struct {
	waitable
	shared   *shared
	inst     *Instance
	handle   uint32
	writable bool
	state    copyState

	// The copy under way, its buffer first (spec: BufferGuestImpl).
	cx               abi.Context
	ptr              uint32
	length, progress uint32
	result           copyResult
	reclaim          bool // its buffer stays with shared until the event is taken
}

// StreamType says what a built-in is for: streams or futures, and of what.
type StreamType struct {
	Elem   *abi.Elem // equal ones of a component are the same
	Future bool
}

func (t StreamType) noun() string {
	if t.Future {
		return "future"
	}
	return "stream"
}

func trapf(format string, args ...any) *abi.Trap {
	return &abi.Trap{Message: fmt.Sprintf(format, args...)}
}

func (s *shared) noun() string { return StreamType{Future: s.future}.noun() }

func (i *Instance) addEnd(s *shared, writable bool) uint32 {
	e := &copyEnd{shared: s, inst: i, writable: writable}
	e.deliver = e.event
	kind := kindReadable
	if writable {
		kind = kindWritable
	}
	e.handle = i.addObject(kind, e)
	return e.handle
}

// StreamNew makes a stream or future: the readable end, and in the upper half the
// writable one.
//
// spec: canon_stream_new, canon_future_new
func (i *Instance) StreamNew(t StreamType) uint64 {
	i.CheckMayLeave()
	s := &shared{store: i.store, elem: t.Elem, future: t.Future}
	r := i.addEnd(s, false)
	w := i.addEnd(s, true)
	return uint64(r) | uint64(w)<<32
}

// end returns an end of the table, which must be of that type.
func (i *Instance) end(t StreamType, writable bool, handle uint32) *copyEnd {
	kind := kindReadable
	if writable {
		kind = kindWritable
	}
	e := object[*copyEnd](&i.handles, handle, kind)
	if e.shared.future != t.Future || e.shared.elem != t.Elem {
		panic(trapf("handle index %d used with the wrong type, expected a %s of another type", handle, t.noun()))
	}
	return e
}

// Copy reads from the readable end of a stream or future, or writes to the
// writable one.
//
// spec: stream_copy, future_copy
func (i *Instance) Copy(th *Thread, t StreamType, writable, async bool, o *Options, handle, ptr, n uint32) uint32 {
	i.CheckMayLeave()
	if !async {
		th.checkMayBlock()
	}
	e := i.end(t, writable, handle)
	if e.state != copyIdle {
		panic(e.notIdle())
	}
	e.checkSync(async)
	e.cx = abi.Context{
		Ctx: i.reallocThread(), Host: i.store.Host, Memory: o.Memory, Realloc: o.Realloc, Encoding: o.Encoding,
		Handles: copyHandles{i}, Between: true,
	}
	t.Elem.Check(&e.cx, ptr, n)
	e.ptr, e.length, e.progress = ptr, n, 0
	e.state = copying
	if t.Future {
		e.shared.copyFuture(e)
	} else {
		e.shared.copyStream(e)
	}
	return e.finish(th, async)
}

// finish takes the event of an operation, or says that it goes on.
func (e *copyEnd) finish(th *Thread, async bool) uint32 {
	if !e.pending {
		if async {
			return blocked
		}
		e.waitForPendingEvent(th)
	}
	return e.getPendingEvent().payload
}

// notIdle is the trap of an operation on an end that is at work, or done.
func (e *copyEnd) notIdle() *abi.Trap {
	switch {
	case e.state != copyDone:
		return trapf("cannot have concurrent operations active on a future/stream")
	case e.writable && e.shared.future:
		return trapf("cannot write to future after previous write succeeded or readable end dropped")
	case e.writable:
		return trapf("cannot write to stream after being notified that the readable end dropped")
	case e.shared.future:
		return trapf("cannot read from future after previous read succeeded")
	}
	return trapf("cannot read from stream after being notified that the writable end dropped")
}

func (e *copyEnd) remain() uint32 { return e.length - e.progress }

// spec: on_copy
func (e *copyEnd) onCopy() {
	e.result, e.reclaim = copyCompleted, true
	e.setPendingEvent()
}

// spec: on_copy_done
func (e *copyEnd) onCopyDone(r copyResult) {
	e.result, e.reclaim = r, false
	e.setPendingEvent()
}

// spec: stream_event, future_event
func (e *copyEnd) event() event {
	s := e.shared
	if e.reclaim {
		s.pending, e.reclaim = nil, false
	}
	e.state = copyIdle
	if e.result == copyDropped || s.future && e.result == copyCompleted {
		e.state = copyDone
	}
	code := eventStreamRead
	if s.future {
		code = eventFutureRead
	}
	if e.writable {
		code++
	}
	e.cx = abi.Context{}
	if s.future {
		return event{code, e.handle, uint32(e.result)}
	}
	return event{code, e.handle, uint32(e.result) | e.progress<<4}
}

// spec: reset_and_notify_pending
func (s *shared) notifyPending(r copyResult) {
	e := s.pending
	s.pending = nil
	e.onCopyDone(r)
}

// spec: SharedStreamImpl.read, SharedStreamImpl.write
func (s *shared) copyStream(e *copyEnd) {
	p := s.pending
	switch {
	case s.dropped:
		e.onCopyDone(copyDropped)
	case p == nil:
		s.pending = e
	case p.remain() > 0:
		s.checkApart(e, p)
		if n := min(e.remain(), p.remain()); n > 0 {
			s.transfer(e, p, n)
			p.onCopy()
		}
		e.onCopyDone(copyCompleted)
	case e.writable && e.length == 0 && p.length == 0:
		s.checkApart(e, p)
		e.onCopyDone(copyCompleted)
	default:
		s.checkApart(e, p)
		s.notifyPending(copyCompleted)
		s.pending = e
	}
}

// spec: SharedFutureImpl.read, SharedFutureImpl.write
func (s *shared) copyFuture(e *copyEnd) {
	switch {
	case s.dropped:
		e.onCopyDone(copyDropped)
	case s.pending == nil:
		s.pending = e
	default:
		s.checkApart(e, s.pending)
		s.transfer(e, s.pending, 1)
		s.notifyPending(copyCompleted)
		e.onCopyDone(copyCompleted)
	}
}

// checkApart traps when both ends are in one instance: what is no number could
// then be read and written at once.
func (s *shared) checkApart(a, b *copyEnd) {
	if a.inst == b.inst && !s.elem.Scalar() {
		panic(trapf("cannot read from and write to intra-component %s", s.noun()))
	}
}

// transfer moves n elements from the end that is written to to the other.
func (s *shared) transfer(a, b *copyEnd, n uint32) {
	src, dst := a, b
	if b.writable {
		src, dst = b, a
	}
	s.elem.Copy(&dst.cx, dst.ptr, &src.cx, src.ptr, n)
	for _, e := range [...]*copyEnd{a, b} {
		e.ptr += n * s.elem.Size()
		e.progress += n
	}
}

// CancelCopy ends an operation that is under way.
//
// spec: cancel_copy
func (i *Instance) CancelCopy(th *Thread, t StreamType, writable, async bool, handle uint32) uint32 {
	i.CheckMayLeave()
	if !async {
		th.checkMayBlock()
	}
	e := i.end(t, writable, handle)
	if e.state != copying || e.syncWaiter {
		panic(trapf("cannot cancel an operation on a %s that has none under way", t.noun()))
	}
	e.checkSync(async)
	e.state = cancellingCopy
	switch {
	case !e.pending:
		e.shared.notifyPending(copyCancelled)
	case !t.Future && e.result == copyCompleted:
		// The specification would have it completed; its tests see that it was cut
		// short.
		e.result = copyCancelled
	}
	return e.finish(th, async)
}

// DropEnd drops an end. The other learns of it.
//
// spec: drop, CopyEnd.drop
func (i *Instance) DropEnd(t StreamType, writable bool, handle uint32) {
	i.CheckMayLeave()
	e := i.end(t, writable, handle)
	switch s := e.shared; {
	case writable && s.future && e.state == copyIdle:
		panic(trapf("cannot drop future write end without first writing a value"))
	case e.state != copying && e.state != cancellingCopy:
		if !s.dropped {
			s.dropped = true
			if s.pending != nil {
				s.notifyPending(copyDropped)
			}
		}
	case writable:
		panic(trapf("cannot drop busy %s", s.noun()))
	default:
		panic(trapf("cannot remove busy %s", s.noun()))
	}
	e.join(nil)
	i.removeObject(handle)
}

// liftAsync moves a readable end out of the instance, or an error context.
//
// Types of elements are compared as pointers: equal ones of a component are the
// same.
//
// spec: lift_async_value, lift_error_context
func (i *Instance) liftAsync(ty *types.Type, handle uint32) any {
	if ty.Kind == types.ErrorContext {
		return object[*errorContext](&i.handles, handle, kindErrorContext)
	}
	e := object[*copyEnd](&i.handles, handle, kindReadable)
	s := e.shared
	switch {
	case s.future != (ty.Kind == types.Future) || s.elem.Type != ty.Elem:
		panic(trapf("handle index %d used with the wrong type, expected %s", handle, ty))
	case e.state == copyDone && s.future:
		panic(trapf("cannot lift future after previous read succeeded"))
	case e.state == copyDone:
		panic(trapf("cannot lift stream after being notified that the writable end dropped"))
	case e.state != copyIdle:
		panic(trapf("cannot remove busy %s", s.noun()))
	case e.set != nil:
		panic(trapf("cannot lift %s while it's in a waitable set", s.noun()))
	}
	i.removeObject(handle)
	return s
}

// lowerAsync moves a readable end into the instance, or an error context.
//
// spec: lower_stream, lower_future, lower_error_context
func (i *Instance) lowerAsync(ty *types.Type, v any) uint32 {
	switch v := v.(type) {
	case *errorContext:
		if ty.Kind == types.ErrorContext {
			return i.addObject(kindErrorContext, v)
		}
	case *shared:
		if ty.Kind != types.Stream && ty.Kind != types.Future || v.future != (ty.Kind == types.Future) || v.elem.Type != ty.Elem {
			break
		}
		if v.store != i.store {
			panic(trapf("a %s of another instance cannot be passed to this one", v.noun()))
		}
		return i.addEnd(v, false)
	}
	panic(trapf("a %T is no %s of an instance", v, ty))
}

// copyHandles is the handle table for the elements of a stream or future.
type copyHandles struct{ inst *Instance }

func (h copyHandles) LiftOwn(rt *types.Resource, handle uint32) abi.Rep {
	return h.inst.liftOwn(rt, handle)
}

func (h copyHandles) LiftBorrow(rt *types.Resource, _ uint32) abi.Rep {
	panic(trapf("an element of a stream or future cannot hold a borrow of %s", rt.Name))
}

func (h copyHandles) LowerOwn(rt *types.Resource, rep abi.Rep) uint32 {
	return h.inst.handles.add(elem{rt: rt, rep: rep, own: true})
}

func (h copyHandles) LowerBorrow(rt *types.Resource, _ abi.Rep) uint32 {
	panic(trapf("an element of a stream or future cannot hold a borrow of %s", rt.Name))
}

func (h copyHandles) LiftAsync(ty *types.Type, handle uint32) any {
	return h.inst.liftAsync(ty, handle)
}

func (h copyHandles) LowerAsync(ty *types.Type, v any) uint32 { return h.inst.lowerAsync(ty, v) }
