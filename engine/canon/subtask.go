package canon

import (
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// Subtask is one call out of a component instance (spec: Subtask). It holds the
// handles that the caller lent to it. See asyncSubtask for one that can go on
// when the caller does.
type Subtask struct {
	Inst *Instance

	cx      abi.Context
	lenders []uint32
	next    *Subtask
}

// Leave begins a call out of i by the thread th. It panics with a *abi.Trap when i may
// not be left.
//
// spec: canon_lower
func (i *Instance) Leave(th *Thread, o *Options) *Subtask {
	if !i.mayLeave {
		panic(errCannotLeave)
	}
	s := i.store
	st := s.subtasks
	if st == nil {
		st = &Subtask{}
	} else {
		s.subtasks = st.next
		st.next = nil
	}
	st.init(i, th, o)
	return st
}

func (st *Subtask) init(i *Instance, th *Thread, o *Options) {
	st.Inst = i
	st.cx = abi.Context{
		Ctx:      th,
		Host:     i.store.Host,
		Memory:   o.Memory,
		Realloc:  o.Realloc,
		Encoding: o.Encoding,
		Handles:  st,
	}
}

// Context is for lifting the parameters and lowering the result of the call.
func (st *Subtask) Context() *abi.Context { return &st.cx }

// Return ends the call: what was lent is free again. It is not called after a
// trap, when the store is poisoned anyhow.
//
// spec: Subtask.deliver_resolve
func (st *Subtask) Return() {
	st.returnLent()
	s := st.Inst.store
	st.Inst, st.cx = nil, abi.Context{}
	st.next, s.subtasks = s.subtasks, st
}

func (st *Subtask) returnLent() {
	t := &st.Inst.handles
	for _, i := range st.lenders {
		t.elems[i].lends--
	}
	st.lenders = st.lenders[:0]
}

// LiftOwn moves a resource out of the instance, with a parameter.
func (st *Subtask) LiftOwn(rt *types.Resource, handle uint32) abi.Rep {
	return st.Inst.liftOwn(rt, handle)
}

// LiftBorrow borrows a resource from the instance until the call returns.
//
// spec: lift_borrow, Subtask.add_lender
func (st *Subtask) LiftBorrow(rt *types.Resource, handle uint32) abi.Rep {
	e := st.Inst.handles.get(handle, rt)
	e.lends++
	st.lenders = append(st.lenders, handle)
	return e.rep
}

// LowerOwn moves a resource into the instance, with a result.
func (st *Subtask) LowerOwn(rt *types.Resource, rep abi.Rep) uint32 {
	return st.Inst.handles.add(elem{rt: rt, rep: rep, own: true})
}

// LowerBorrow cannot happen: a result type has no borrow (validated).
func (st *Subtask) LowerBorrow(rt *types.Resource, rep abi.Rep) uint32 {
	panic(&abi.Trap{Message: "a result cannot hold a borrow of " + rt.Name})
}

// LiftAsync is Task.LiftAsync, with a parameter.
func (st *Subtask) LiftAsync(ty *types.Type, handle uint32) any { return st.Inst.liftAsync(ty, handle) }

// LowerAsync is Task.LowerAsync, with a result.
func (st *Subtask) LowerAsync(ty *types.Type, v any) uint32 { return st.Inst.lowerAsync(ty, v) }
