package canon

import (
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// spec: lift_own
func (i *Instance) liftOwn(rt *types.Resource, handle uint32) abi.Rep {
	e := i.handles.get(handle, rt)
	if e.lends != 0 {
		panic(&abi.Trap{Message: "cannot remove owned resource while borrowed"})
	}
	if !e.own {
		panic(&abi.Trap{Message: "cannot lift own resource from a borrow"})
	}
	rep := e.rep
	i.handles.remove(handle)
	return rep
}

// ResourceNew makes a handle of a resource that i implements.
//
// spec: canon_resource_new
func (i *Instance) ResourceNew(rt *types.Resource, rep uint32) uint32 {
	i.CheckMayLeave()
	return i.handles.add(elem{rt: rt, rep: abi.Rep{Number: rep}, own: true})
}

// ResourceRep returns the representation of a resource that i implements.
//
// spec: canon_resource_rep
func (i *Instance) ResourceRep(rt *types.Resource, handle uint32) uint32 {
	return i.handles.get(handle, rt).rep.Number
}

// ResourceDrop removes a handle. When it owned its resource, owned is true and
// the caller runs the destructor with rep.
//
// spec: canon_resource_drop
func (i *Instance) ResourceDrop(rt *types.Resource, handle uint32) (rep abi.Rep, owned bool) {
	i.CheckMayLeave()
	e := i.handles.get(handle, rt)
	if e.lends != 0 {
		panic(&abi.Trap{Message: "cannot remove owned resource while borrowed"})
	}
	rep, owned = e.rep, e.own
	if !owned {
		e.scope.borrows--
	}
	i.handles.remove(handle)
	return rep, owned
}
