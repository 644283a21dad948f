package engine

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file makes the core functions that the host provides to core modules:
// lowered imports, calls between component instances, built-ins. All that
// depends on types is worked out here, once; the functions made find the
// instance they serve through the canon.Thread that is their context.

type coreCall = func(ctx context.Context, stack []uint64)

func (ln *Linked) hostFunc(h *hostFunc, targets []*HostFunc, codecs *abi.Codecs) (core.HostFunc, error) {
	out := core.HostFunc{Type: h.coreType}
	var err error
	switch {
	case h.builtin != nil:
		out.Name = h.builtin.Op.String()
		out.Call, err = ln.builtin(h, codecs)
	case h.lower.callee.lift != nil && h.lower.callee.lift.ft.Async:
		out.Name = "component function"
		out.Call, err = ln.callAsync(h, codecs)
	case h.lower.callee.lift != nil:
		out.Name = "component function"
		out.Call, err = ln.callBetween(h, codecs)
	default:
		im := ln.component.plan.imports[h.lower.callee.imported]
		out.Name = importName(im.iface, "") + "#" + im.name
		t := targets[h.lower.callee.imported]
		out.Prompt = t.Prompt
		switch {
		case t.Call != nil && h.lower.async:
			out.Call = notImplemented(h, "canon lower with the async option, of a function of the host's generated bindings,")
		case t.Call != nil:
			out.Call = lowerStatic(h, t.Call)
		default:
			out.Call, err = ln.lowerDynamic(h, t, codecs)
		}
	}
	return out, err
}

// lowerStatic calls a host function that lifts and lowers by itself.
//
// spec: canon_lower
func lowerStatic(h *hostFunc, call func(cx *abi.Context, stack []uint64)) coreCall {
	inst, opts := h.instance, h.lower.options
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		s := th.Store()
		st := s.Instances[inst].Leave(th, &s.Options[opts])
		call(st.Context(), stack)
		st.Return()
	}
}

// lowerDynamic calls a host function on values.
//
// spec: canon_lower
func (ln *Linked) lowerDynamic(h *hostFunc, t *HostFunc, codecs *abi.Codecs) (coreCall, error) {
	codec, err := ln.lowerCodec(h, codecs)
	if err != nil {
		return nil, err
	}
	inst, opts := h.instance, h.lower.options
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		s := th.Store()
		st := s.Instances[inst].Leave(th, &s.Options[opts])
		cx := st.Context()
		args, out := codec.liftParams(cx, stack)
		v, err := t.Dynamic(cx, args)
		if err != nil {
			panic(err)
		}
		codec.lowerResult(cx, v, stack, out)
		st.Return()
	}, nil
}

// callBetween calls a function that another component instance of the same
// store lifts: parameters are lifted from the caller and lowered into the
// callee, the result the other way round.
//
// spec: canon_lower of a canon_lift
func (ln *Linked) callBetween(h *hostFunc, codecs *abi.Codecs) (coreCall, error) {
	lift := h.lower.callee.lift
	caller, err := ln.lowerCodec(h, codecs)
	if err != nil {
		return nil, err
	}
	callee, err := codecs.NewCodec(ln.concrete(lift.ft))
	if err != nil {
		return nil, err
	}
	inst, opts := h.instance, h.lower.options
	target, targetOpts := ln.component.plan.options[lift.options].instance, lift.options
	flat := flatSize(lift.ft)
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		s := th.Store()
		from := &s.Instances[inst]
		st := from.Leave(th, &s.Options[opts])
		from.CheckCall(&s.Instances[target])
		t, err := s.Instances[target].Enter(th.Context, from, &s.Options[targetOpts], flat)
		if err != nil {
			panic(err)
		}
		st.Context().Between, t.Context().Between = true, true
		args, out := caller.liftParams(st.Context(), stack)
		callee.LowerParams(t.Context(), args, t.Stack)
		t.Run(s.Funcs[lift.core])
		v := callee.LiftResult(t.Context(), t.Stack)
		t.Return()
		caller.lowerResult(st.Context(), v, stack, out)
		t.PostReturn()
		t.Leave()
		st.Return()
	}, nil
}

// flatSize is how many flat values a lifted function needs room for.
func flatSize(ft *types.Func) int {
	f := abi.FlattenFunc(ft, abi.Lift)
	return max(len(f.Params), len(f.Results))
}

// notImplemented is a core function that traps. A component that has it and does
// not call it runs all the same.
func notImplemented(h *hostFunc, what string) coreCall {
	inst, t := h.instance, &abi.Trap{Message: what + " is not implemented yet (WASI 0.3)"}
	return func(ctx context.Context, stack []uint64) {
		canon.ThreadOf(ctx).Store().Instances[inst].CheckMayLeave()
		panic(t)
	}
}

// destructor returns what runs when the last owner of a resource drops it, as
// called from instance caller (nil: the host).
func (ln *Linked) destructor(rt *types.Resource) func(ctx context.Context, caller *canon.Instance, s *canon.Store, rep abi.Rep) {
	if rt.Owner == 0 {
		drop := ln.drops[rt]
		return func(ctx context.Context, caller *canon.Instance, s *canon.Store, rep abi.Rep) {
			if drop != nil {
				drop(ctx, rep.Object)
			}
		}
	}
	impl := rt.Owner - 1
	dtor, hasDtor := ln.component.plan.dtors[rt]
	opts := &canon.Options{}
	return func(ctx context.Context, caller *canon.Instance, s *canon.Store, rep abi.Rep) {
		t, err := s.Instances[impl].Enter(ctx, caller, opts, 1)
		if err != nil {
			panic(err)
		}
		if hasDtor {
			t.Stack[0] = uint64(rep.Number)
			t.Run(s.Funcs[dtor])
		}
		t.Return()
		t.Leave()
	}
}
