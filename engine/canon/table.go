package canon

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// DefaultMaxHandles bounds a handle table unless the embedder says otherwise:
// what a guest can make the host hold with handles alone.
const DefaultMaxHandles = 1 << 16

// elem is an element of a handle table: a handle of a resource or, where rt is
// one of the kinds below, what rep.Object holds. A nil rt means that the slot is
// free.
//
// spec: ResourceHandle
type elem struct {
	rt    *types.Resource
	rep   abi.Rep
	own   bool
	scope *Task  // of a borrow: the task that must drop it before it returns
	lends uint32 // of an own: calls under way that borrow it
}

// The kinds of elements that are no resources. No resource is equal to them.
var (
	kindWaitableSet  = &types.Resource{Name: "waitable set"}
	kindSubtask      = &types.Resource{Name: "subtask"}
	kindReadable     = &types.Resource{Name: "readable end"}
	kindWritable     = &types.Resource{Name: "writable end"}
	kindErrorContext = &types.Resource{Name: "error context"}
)

// addObject adds an element that is no resource.
func (i *Instance) addObject(kind *types.Resource, object any) uint32 {
	i.store.charge(objectCost)
	return i.handles.add(elem{rt: kind, rep: abi.Rep{Object: object}})
}

func (i *Instance) removeObject(handle uint32) {
	i.handles.remove(handle)
	i.store.release(objectCost)
}

// object returns the element at i, which must be of that kind.
func object[T any](t *table, i uint32, kind *types.Resource) T {
	return t.get(i, kind).rep.Object.(T)
}

// table is the handle table of a component instance, shared by everything that
// has an index (spec: Table). No handle has index 0. Freed indices are reused
// last in, first out, which guests can observe and tests check.
type table struct {
	elems []elem
	free  []uint32
	max   int
}

// spec: Table.add
func (t *table) add(e elem) uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.elems[i] = e
		return i
	}
	if len(t.elems) == 0 {
		t.elems = append(t.elems, elem{})
	}
	if len(t.elems) > t.max {
		// What the handle was to own is kept where closing the store finds it.
		t.elems[0] = e
		panic(&abi.Trap{Message: fmt.Sprintf("handle table is full (%d handles)", t.max)})
	}
	t.elems = append(t.elems, e)
	return uint32(len(t.elems) - 1)
}

// get returns the resource handle at i, which must be of type rt.
//
// spec: Table.get, and the checks of lift_own, lift_borrow and resource.drop
func (t *table) get(i uint32, rt *types.Resource) *elem {
	if i == 0 || uint64(i) >= uint64(len(t.elems)) || t.elems[i].rt == nil {
		panic(unknownHandle(i))
	}
	e := &t.elems[i]
	if e.rt != rt {
		panic(wrongType(i, rt, e.rt))
	}
	return e
}

// spec: Table.remove
func (t *table) remove(i uint32) {
	t.elems[i] = elem{}
	t.free = append(t.free, i)
}

// drop calls f for every host resource that a handle owns and forgets it.
func (t *table) drop(f func(rt *types.Resource, object any)) {
	for i := range t.elems {
		if e := t.elems[i]; e.rt != nil && e.own && e.rt.Owner == 0 {
			t.elems[i] = elem{}
			f(e.rt, e.rep.Object)
		}
	}
}

// maxIdleHandles is how many elements an empty table keeps room for.
const maxIdleHandles = 1 << 10

// empty makes the table as it was at first.
func (t *table) empty() {
	if cap(t.elems) > maxIdleHandles || cap(t.free) > maxIdleHandles {
		t.elems, t.free = nil, nil
		return
	}
	clear(t.elems)
	clear(t.free)
	t.elems, t.free = t.elems[:0], t.free[:0]
}

func unknownHandle(i uint32) *abi.Trap {
	return &abi.Trap{Message: fmt.Sprintf("unknown handle index %d", i)}
}

func wrongType(i uint32, want, got *types.Resource) *abi.Trap {
	if want.Owner != 0 && got.Owner != 0 {
		return &abi.Trap{Message: fmt.Sprintf("handle index %d used with the wrong type, "+
			"expected guest-defined resource but found a different guest-defined resource", i)}
	}
	return &abi.Trap{Message: fmt.Sprintf("handle index %d used with the wrong type, expected %s but found %s",
		i, resourceKind(want), resourceKind(got))}
}

func resourceKind(rt *types.Resource) string {
	switch rt {
	case kindWaitableSet, kindSubtask, kindReadable, kindWritable, kindErrorContext:
		return rt.Name
	}
	if rt.Owner != 0 {
		return "guest-defined resource"
	}
	return "host-defined resource " + rt.Name
}
