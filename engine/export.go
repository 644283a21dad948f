package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/types"
)

// ExportedInterface is an exported instance of a Linked component, or the root.
type ExportedInterface struct {
	linked *Linked
	name   string
	inst   *instanceItem
}

// Interface finds an exported instance by name; a version is matched by its
// line (0.2.x serves 0.2.y). Name "" is the root of the component. The error
// names what the component exports instead.
func (ln *Linked) Interface(name string) (*ExportedInterface, error) {
	root := ln.component.plan.root
	if name == "" {
		return &ExportedInterface{linked: ln, inst: root}, nil
	}
	if it, ok := root.exports[name]; ok && it.inst != nil {
		return &ExportedInterface{linked: ln, name: name, inst: it.inst}, nil
	}
	for _, have := range root.order {
		if it := root.exports[have]; it.inst != nil && versionLine(have) == versionLine(name) {
			return &ExportedInterface{linked: ln, name: have, inst: it.inst}, nil
		}
	}
	return nil, &ExportError{Export: name, Have: root.order}
}

// ExportError is an export that a component does not have.
type ExportError struct {
	Export string
	Have   []string
}

func (e *ExportError) Error() string {
	have := "nothing"
	if len(e.Have) > 0 {
		have = strings.Join(e.Have, ", ")
	}
	return fmt.Sprintf("the component does not export %s; it exports %s", e.Export, have)
}

// Name is the export's name as the component has it; "" for the root.
func (x *ExportedInterface) Name() string { return x.name }

// Resource returns the identity of a resource type that the interface exports.
func (x *ExportedInterface) Resource(name string) (*types.Resource, error) {
	it, ok := x.inst.exports[name]
	if !ok || it.res == nil {
		return nil, &ExportError{Export: "resource " + name, Have: x.inst.order}
	}
	return x.linked.subst.Resource(it.res), nil
}

// Func finds an exported function and checks its type against want (nil: any).
func (x *ExportedInterface) Func(name string, want *types.Func) (*Func, error) {
	it, ok := x.inst.exports[name]
	if !ok || it.fn == nil {
		return nil, &ExportError{Export: "function " + name, Have: x.inst.order}
	}
	ft := x.linked.concrete(it.fn.ft)
	if want != nil && !want.Equal(ft) {
		return nil, fmt.Errorf("export %s has another type: wanted %s, the component has %s", name, want, ft)
	}
	if it.fn.lift == nil {
		return nil, fmt.Errorf("export %s is an import of the component passed through; the host can call it itself", name)
	}
	codec, err := abi.NewCodec(ft)
	if err != nil {
		return nil, err
	}
	f := &Func{
		linked:   x.linked,
		ft:       ft,
		lift:     it.fn.lift,
		instance: x.linked.component.plan.options[it.fn.lift.options].instance,
		flat:     flatSize(ft),
		codec:    codec,
	}
	if ft.Async {
		f.async = x.linked.lifting(it.fn.lift, ft, codec)
	}
	return f, nil
}

// Func is an exported function of a Linked component; it is called on any of
// its instances. It is immutable and safe for concurrent use.
type Func struct {
	linked   *Linked
	ft       *types.Func
	lift     *lifting
	instance int
	flat     int
	codec    *abi.Codec
	async    *canon.Lifting // of a function whose type is async
}

// Type is the type of the function.
func (f *Func) Type() *types.Func { return f.ft }

// Call calls the function on dynamic values; see abi.Value for their Go types.
// The result is nil when the function has none. Handles in args move to the
// guest, those in the result to the caller.
func (f *Func) Call(ctx context.Context, inst *Instance, args ...abi.Value) (result abi.Value, err error) {
	if len(args) != len(f.ft.Params) {
		return nil, fmt.Errorf("the function takes %d arguments, not %d", len(f.ft.Params), len(args))
	}
	// Checked first: a value of the wrong Go type is the caller's mistake and must
	// not cost the instance.
	if err := f.codec.CheckParams(args); err != nil {
		return nil, err
	}
	if f.async != nil {
		return f.callAsync(ctx, inst, args)
	}
	call, err := f.Enter(ctx, inst)
	if err != nil {
		return nil, err
	}
	defer call.Exit(&err)
	f.codec.LowerParams(call.Context(), args, call.Stack())
	call.Run()
	result = f.codec.LiftResult(call.Context(), call.Stack())
	call.PostReturn()
	return result, nil
}

// callAsync calls a function whose type is async and waits for its result.
func (f *Func) callAsync(ctx context.Context, inst *Instance, args []abi.Value) (result abi.Value, err error) {
	if inst.linked != f.linked {
		return nil, errOtherComponent
	}
	if !inst.busy.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	defer inst.busy.Store(false)
	if inst.store.Poisoned() != nil {
		return nil, errBusy
	}
	defer inst.store.EnterFromHost(ctx)()
	defer func() {
		if r := recover(); r != nil {
			err = recovered(r)
			inst.store.Poison(err)
		}
	}()
	c := &canon.HostCall{Args: args}
	inst.store.Call(f.async, c)
	return c.Result, nil
}

// Enter starts a call from static code. The caller lowers arguments into
// Call.Stack with Call.Context, then Run, lifts results, PostReturn, and always
// Exit (deferred):
//
//	call, err := f.Enter(ctx, inst)
//	if err != nil { return err }
//	defer call.Exit(&err)
func (f *Func) Enter(ctx context.Context, inst *Instance) (*Call, error) {
	if inst.linked != f.linked {
		return nil, errOtherComponent
	}
	if f.async != nil {
		return nil, errAsyncType
	}
	if !inst.busy.CompareAndSwap(false, true) {
		return nil, errBusy
	}
	t, err := inst.store.Instances[f.instance].Enter(ctx, nil, &inst.store.Options[f.lift.options], f.flat)
	if err != nil {
		inst.busy.Store(false)
		return nil, trap(err)
	}
	inst.call = Call{inst: inst, task: t, core: inst.store.Funcs[f.lift.core]}
	if inst.store.Async() {
		inst.call.leave = inst.store.EnterFromHost(ctx)
	}
	return &inst.call, nil
}

// Call is one call of an exported function under way. It is valid until Exit.
type Call struct {
	inst *Instance
	task *canon.Task
	core canon.CoreFunc
	done bool
	// leave ends the call in a store with a scheduler; else nil.
	leave func()
}

// Context is for lowering arguments and lifting results.
func (c *Call) Context() *abi.Context { return c.task.Context() }

// Stack holds the flat parameters before Run and the flat results after it.
func (c *Call) Stack() []uint64 { return c.task.Stack }

// Run calls the core function; a trap panics and is turned into an error by Exit.
func (c *Call) Run() { c.task.Run(c.core) }

// PostReturn ends the guest's part of the call after its result was lifted: it
// checks that no borrow is left and calls the post-return function if there is one.
func (c *Call) PostReturn() {
	c.task.Return()
	c.task.PostReturn()
	c.task.Leave()
	c.done = true
}

// Exit ends the call. It must be deferred directly: it recovers a trap into
// *err and closes the instance to further calls.
func (c *Call) Exit(err *error) {
	r := recover()
	switch {
	case r != nil:
		*err = recovered(r)
		c.inst.store.Poison(*err)
	case !c.done:
		// The caller gave up between Enter and PostReturn: the guest's state is unknown.
		c.inst.store.Poison(errAbandoned)
	}
	if c.leave != nil {
		c.leave()
	}
	c.inst.busy.Store(false)
}

var (
	errOtherComponent = errors.New("the instance is of another component")
	errAsyncType      = errors.New("the function has an async type: it is called with Func.Call, not Enter")
)

var errAbandoned = fmt.Errorf("a call of the instance was abandoned half-way")
