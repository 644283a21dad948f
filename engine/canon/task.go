package canon

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// Options are canonical options with their indices resolved to live objects.
type Options struct {
	Encoding   abi.Encoding
	Memory     abi.Memory  // nil when absent
	Realloc    abi.Realloc // nil when absent
	PostReturn CoreFunc    // nil when absent
	Callback   CoreFunc    // nil when absent
}

// Task is one call into a component instance (spec: Task).
type Task struct {
	Thread Thread // the implicit thread
	Inst   *Instance
	Caller *Instance // nil: the host
	Opts   *Options
	// Stack holds the flat parameters, then the flat results.
	Stack []uint64

	cx       abi.Context
	borrows  int
	returned bool
	results  [1]uint64 // as returned, kept for post-return
	next     *Task
	threads  []*Thread  // in a store with a scheduler alone
	async    *asyncTask // nil: the function is synchronous
}

// Enter begins a call into i from caller (nil: the host) with room for flat
// values in Stack. It fails with a *abi.Trap when i may not be entered.
//
// spec: Store.lift, canon_lift
func (i *Instance) Enter(ctx context.Context, caller *Instance, o *Options, flat int) (*Task, error) {
	if i.store.poisoned != nil || !i.mayEnterFrom(caller) {
		return nil, errCannotEnter
	}
	i.setMayEnter(caller, false)
	t := i.store.newTask(ctx, i, o, flat)
	t.Caller = caller
	if i.store.scheduler != nil {
		t.register(&t.Thread)
	}
	return t, nil
}

// Begin makes a task for core code of i that runs while the store is
// instantiated: start functions. It enters nothing.
func (i *Instance) Begin(ctx context.Context) *Task {
	t := i.store.newTask(ctx, i, &Options{}, 0)
	if i.store.scheduler != nil {
		t.register(&t.Thread)
	}
	return t
}

func (s *Store) newTask(ctx context.Context, i *Instance, o *Options, flat int) *Task {
	t := s.tasks
	if t == nil {
		t = &Task{}
		t.Thread.Task = t
	} else {
		s.tasks = t.next
		t.next = nil
	}
	if th, ok := ctx.(*Thread); ok {
		// A host function calls into another store with the context it was given,
		// which does not outlive its own call; see Thread.Base.
		ctx = th.Context
	}
	t.Thread.Context = ctx
	t.Thread.Storage = [2]uint64{}
	t.Inst, t.Opts = i, o
	if cap(t.Stack) < flat {
		t.Stack = make([]uint64, flat, max(flat, 16))
	}
	t.Stack = t.Stack[:flat]
	t.cx = abi.Context{
		Ctx:      &t.Thread,
		Host:     s.Host,
		Memory:   o.Memory,
		Realloc:  o.Realloc,
		Encoding: o.Encoding,
		Handles:  t,
	}
	return t
}

// Context is for lowering the parameters and lifting the result of the call.
func (t *Task) Context() *abi.Context { return &t.cx }

// Run calls the core function; it panics with the error that the call returned.
func (t *Task) Run(f CoreFunc) {
	if err := f.Call(&t.Thread, t.Stack); err != nil {
		panic(err)
	}
	if len(t.Stack) > 0 {
		t.results[0] = t.Stack[0]
	}
}

// Return marks that the result has been lifted. Every borrow that the call was
// given must have been dropped by now.
//
// spec: Task.return_
func (t *Task) Return() {
	if t.borrows > 0 {
		panic(&abi.Trap{Message: "borrow handles still remain at the end of the call"})
	}
	t.returned = true
}

// PostReturn calls the post-return function with the flat results, if there is
// one. The guest may not call out of it.
func (t *Task) PostReturn() {
	f := t.Opts.PostReturn
	if f == nil {
		return
	}
	if len(t.Stack) > 0 {
		t.Stack[0] = t.results[0]
	}
	t.Inst.mayLeave = false
	if err := f.Call(&t.Thread, t.Stack); err != nil {
		panic(err)
	}
	t.Inst.mayLeave = true
}

// Leave ends a call that did not trap. After a trap a task is left as it is:
// what it entered stays closed.
func (t *Task) Leave() {
	t.Inst.setMayEnter(t.Caller, true)
	t.End()
}

// End gives the task back to its store.
func (t *Task) End() {
	s := t.Inst.store
	if s.scheduler != nil {
		t.unregister(&t.Thread)
		if len(t.threads) > 0 {
			return // its other threads go on
		}
	}
	clear(t.Stack)
	t.Thread.Context, t.Inst, t.Caller, t.Opts = nil, nil, nil, nil
	t.cx = abi.Context{}
	t.borrows, t.returned, t.results = 0, false, [1]uint64{}
	t.next, s.tasks = s.tasks, t
}

// LiftOwn moves a resource out of the instance, with a result.
func (t *Task) LiftOwn(rt *types.Resource, handle uint32) abi.Rep {
	return t.Inst.liftOwn(rt, handle)
}

// LiftBorrow cannot happen: a result type has no borrow (validated).
func (t *Task) LiftBorrow(rt *types.Resource, handle uint32) abi.Rep {
	panic(&abi.Trap{Message: "a result cannot hold a borrow of " + rt.Name})
}

// LowerOwn moves a resource into the instance, with a parameter.
func (t *Task) LowerOwn(rt *types.Resource, rep abi.Rep) uint32 {
	return t.Inst.handles.add(elem{rt: rt, rep: rep, own: true})
}

// LowerBorrow lends a resource to the instance for this call. The instance that
// implements the resource gets its representation instead of a handle.
//
// spec: lower_borrow
func (t *Task) LowerBorrow(rt *types.Resource, rep abi.Rep) uint32 {
	if rt.Owner != 0 && &t.Inst.store.Instances[rt.Owner-1] == t.Inst {
		return rep.Number
	}
	t.borrows++
	return t.Inst.handles.add(elem{rt: rt, rep: rep, scope: t})
}

// LiftAsync moves the readable end of a stream or future out of the instance, or
// an error context.
func (t *Task) LiftAsync(ty *types.Type, handle uint32) any { return t.Inst.liftAsync(ty, handle) }

// LowerAsync moves the readable end of a stream or future into the instance, or
// an error context.
func (t *Task) LowerAsync(ty *types.Type, v any) uint32 { return t.Inst.lowerAsync(ty, v) }

// Realloc is the realloc option of an instance. One of them serves all calls:
// it cannot be re-entered, as the guest may not call out of it.
type Realloc struct {
	Inst  *Instance
	Func  CoreFunc
	stack [4]uint64
}

// Realloc calls the guest's realloc.
//
// spec: LiftLowerContext.reallocate
func (r *Realloc) Realloc(ctx context.Context, old, oldSize, align, newSize uint32) uint32 {
	r.stack = [4]uint64{uint64(old), uint64(oldSize), uint64(align), uint64(newSize)}
	r.Inst.mayLeave = false
	if err := r.Func.Call(ctx, r.stack[:]); err != nil {
		panic(err)
	}
	r.Inst.mayLeave = true
	return uint32(r.stack[0])
}
