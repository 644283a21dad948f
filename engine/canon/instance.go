package canon

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// CoreFunc is a core function. Call has parameters in stack and leaves results
// there. A trap, or the error a host function panicked with, is returned.
type CoreFunc interface {
	Call(ctx context.Context, stack []uint64) error
}

// Table is a core table of functions. Func returns the one at an index, which
// must take an i32 and return nothing.
type Table interface {
	Func(index uint32) (CoreFunc, error)
}

// Store holds the component instances that one instantiation made. They are
// entered by one goroutine at a time and fail together.
type Store struct {
	// Host is the embedder's state, given to host functions as abi.Context.Host.
	Host any
	// Instances by ordinal; 0 is the root. Made by NewStore.
	Instances []Instance
	// Options, Funcs and Tables are what the plan's slots hold; the engine fills
	// them as core instances come to be.
	Options []Options
	Funcs   []CoreFunc
	Tables  []Table

	// Budget is charged for what the host keeps for threads and waitables; nil: it
	// is not charged for.
	Budget Budget
	held   int64 // of the Budget

	poisoned  error
	tasks     *Task
	subtasks  *Subtask
	scheduler *scheduler // nil: the component has nothing asynchronous
}

// Instance is the state of one component instance (spec: ComponentInstance).
type Instance struct {
	store    *Store
	parent   *Instance
	handles  table
	mayEnter bool
	mayLeave bool
	// backpressure, while it is not 0, keeps asynchronous calls from being started.
	backpressure   int
	waitingToEnter int // spec: num_waiting_to_enter
	// exclusive is the thread that keeps others of its kind out.
	//
	// spec: exclusive_thread
	exclusive *Thread
	threads   threadTable
	realloc   *Thread // see reallocThread
}

// NewStore makes the instances of a store. parents[k] is the ordinal of the
// parent of instance k, −1 for the root; a parent precedes its children.
// maxHandles bounds each handle table; 0 means DefaultMaxHandles.
func NewStore(parents []int, maxHandles int, host any) *Store {
	if maxHandles <= 0 {
		maxHandles = DefaultMaxHandles
	}
	s := &Store{Host: host, Instances: make([]Instance, len(parents))}
	for k, p := range parents {
		i := &s.Instances[k]
		i.store, i.mayEnter, i.mayLeave = s, true, true
		i.handles.max = maxHandles
		if p >= 0 {
			i.parent = &s.Instances[p]
		}
	}
	return s
}

// Budget bounds the memory of the host that a guest makes it take.
type Budget interface {
	Take(n int64) error
	Give(n int64)
}

// What is charged for, roughly, in bytes.
const (
	threadCost = 64 << 10 // with its goroutine and its stack in core code
	objectCost = 512      // a waitable, a set, an error context, a thread that has not begun
)

func (s *Store) charge(n int64) {
	if s.Budget == nil {
		return
	}
	if err := s.Budget.Take(n); err != nil {
		panic(&abi.Trap{Message: "the host has no more memory for what the guest does", Err: err})
	}
	s.held += n
}

func (s *Store) release(n int64) {
	if s.Budget != nil {
		s.Budget.Give(n)
		s.held -= n
	}
}

// Close ends all threads and gives back what is charged for. Nothing of the store
// may be running.
func (s *Store) Close() {
	if s.scheduler != nil {
		s.scheduler.kill()
	}
	if s.held > 0 {
		s.release(s.held)
	}
}

// Schedule readies the store for threads, tasks and waitables; without it nothing
// but synchronous calls can be made.
func (s *Store) Schedule() { s.scheduler = &scheduler{store: s, life: newLife()} }

// Async reports whether Schedule was called.
func (s *Store) Async() bool { return s.scheduler != nil }

// EnterFromHost begins a call from the host in a store with a scheduler; ctx
// bounds what its threads do meanwhile. What is returned ends the call, and all
// threads when the store was poisoned.
func (s *Store) EnterFromHost(ctx context.Context) (leave func()) {
	if th, ok := ctx.(*Thread); ok {
		ctx = th.Context
	}
	stop := s.scheduler.life.enter(ctx)
	return func() {
		if !stop() {
			s.Poison(ended(ctx))
		}
		if s.poisoned != nil {
			s.scheduler.kill()
		}
	}
}

// Poison records that a call into the store trapped; no call enters it again.
func (s *Store) Poison(err error) {
	if s.poisoned == nil {
		s.poisoned = err
	}
}

// Poisoned returns the error that the store was poisoned with, or nil.
func (s *Store) Poisoned() error { return s.poisoned }

// OwnedHostResources calls f for every host resource that a handle still owns and
// forgets it. It is for closing a store, when guests can no longer run.
func (s *Store) OwnedHostResources(f func(rt *types.Resource, object any)) {
	for k := range s.Instances {
		t := &s.Instances[k].handles
		t.drop(f)
		t.elems, t.free = nil, nil
	}
}

// Reset returns a store in which no call is under way to the state that NewStore
// made it in, for another Host; f is as for OwnedHostResources. It is false when
// a call trapped or threads may be waiting, and the store is as it was.
func (s *Store) Reset(host any, f func(rt *types.Resource, object any)) bool {
	if s.poisoned != nil || s.scheduler != nil {
		return false
	}
	for k := range s.Instances {
		if i := &s.Instances[k]; !i.mayEnter || !i.mayLeave {
			return false
		}
	}
	for k := range s.Instances {
		t := &s.Instances[k].handles
		t.drop(f)
		t.empty()
	}
	s.Host = host
	return true
}

// mayEnterFrom reports whether a call from caller (nil: the host) may enter i.
// Only instances that the caller is not already inside of count.
//
// spec: ComponentInstance.may_enter_from
func (i *Instance) mayEnterFrom(caller *Instance) bool {
	for a := i; a != nil; a = a.parent {
		if !a.mayEnter && !a.encloses(caller) {
			return false
		}
	}
	return true
}

// CheckCall traps when core code of i may not call a function that instance to
// lifts: one of the two is inside of the other. The specification lets such calls
// pass where they enter nothing twice; its tests want them to trap, for now.
func (i *Instance) CheckCall(to *Instance) {
	if i.encloses(to) || to.encloses(i) {
		panic(errCannotEnter)
	}
}

// setMayEnter sets may_enter of what a call from caller enters or leaves.
//
// spec: ComponentInstance.enter_from, leave_to
func (i *Instance) setMayEnter(caller *Instance, v bool) {
	for a := i; a != nil; a = a.parent {
		if !a.encloses(caller) {
			a.mayEnter = v
		}
	}
}

// encloses reports whether i is other or an ancestor of it.
func (i *Instance) encloses(other *Instance) bool {
	for ; other != nil; other = other.parent {
		if other == i {
			return true
		}
	}
	return false
}

var errCannotEnter = &abi.Trap{Message: "wasm trap: cannot enter component instance"}
var errCannotLeave = &abi.Trap{Message: "wasm trap: cannot leave component instance"}

// CheckMayLeave traps when core code of i that runs now may not call out, as
// during realloc and post-return.
func (i *Instance) CheckMayLeave() {
	if !i.mayLeave {
		panic(errCannotLeave)
	}
}

const maxBackpressure = 1<<16 - 1

// BackpressureInc asks that no asynchronous call be started in i.
//
// spec: canon_backpressure_inc
func (i *Instance) BackpressureInc() {
	if i.backpressure == maxBackpressure {
		panic(&abi.Trap{Message: "backpressure counter overflow"})
	}
	i.backpressure++
}

// BackpressureDec takes one BackpressureInc back.
//
// spec: canon_backpressure_dec
func (i *Instance) BackpressureDec() {
	if i.backpressure == 0 {
		panic(&abi.Trap{Message: "backpressure counter underflow"})
	}
	i.backpressure--
}
