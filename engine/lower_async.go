package engine

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file makes the core functions for calls that are asynchronous on one of
// their sides.

// lifting is what package canon needs of a function with an async type; ft and
// codec are of its type in the resources of the host.
func (ln *Linked) lifting(l *lifting, ft *types.Func, codec *abi.Codec) *canon.Lifting {
	o := &ln.component.plan.options[l.options]
	return &canon.Lifting{
		Inst:     o.instance,
		Core:     l.core,
		Options:  l.options,
		Async:    l.async,
		Callback: o.callback != none,
		Codec:    codec,
		Result:   ft.Result,
		Flat:     max(flatSize(ft), 3), // the callback takes three
	}
}

// callAsync calls a function with an async type that another component instance
// lifts.
//
// spec: canon_lower
func (ln *Linked) callAsync(h *hostFunc, codecs *abi.Codecs) (coreCall, error) {
	caller, err := codecs.NewCodec(ln.concrete(h.lower.ft))
	if err != nil {
		return nil, err
	}
	ft := ln.concrete(h.lower.callee.lift.ft)
	callee, err := codecs.NewCodec(ft)
	if err != nil {
		return nil, err
	}
	li := ln.lifting(h.lower.callee.lift, ft, callee)
	lo := &canon.Lowering{Inst: h.instance, Options: h.lower.options, Async: h.lower.async, Codec: caller}
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		th.Store().Instances[lo.Inst].CallAsync(th, lo, li, stack)
	}, nil
}

// callSyncFromAsync is callBetween for a lower with the async option: it returns
// when the call is over.
//
// spec: canon_lower of a canon_lift
func (ln *Linked) callSyncFromAsync(h *hostFunc, codecs *abi.Codecs) (coreCall, error) {
	lift := h.lower.callee.lift
	caller, err := codecs.NewCodec(ln.concrete(h.lower.ft))
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
		args, out := caller.LiftParamsAsync(st.Context(), stack)
		callee.LowerParams(t.Context(), args, t.Stack)
		t.Run(s.Funcs[lift.core])
		v := callee.LiftResult(t.Context(), t.Stack)
		t.Return()
		caller.LowerResultAsync(st.Context(), v, out)
		t.PostReturn()
		t.Leave()
		st.Return()
		stack[0] = canon.Returned
	}, nil
}

// lowerDynamicAsync is lowerDynamic for a lower with the async option: the host
// function is over when it returns.
//
// spec: canon_lower
func (ln *Linked) lowerDynamicAsync(h *hostFunc, t *HostFunc, codecs *abi.Codecs) (coreCall, error) {
	codec, err := codecs.NewCodec(ln.concrete(h.lower.ft))
	if err != nil {
		return nil, err
	}
	inst, opts := h.instance, h.lower.options
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		s := th.Store()
		st := s.Instances[inst].Leave(th, &s.Options[opts])
		cx := st.Context()
		args, out := codec.LiftParamsAsync(cx, stack)
		v, err := t.Dynamic(cx, args)
		if err != nil {
			panic(err)
		}
		codec.LowerResultAsync(cx, v, out)
		st.Return()
		stack[0] = canon.Returned
	}, nil
}

// concrete is a function type in the resources of the host. In a component with
// something asynchronous, equal types are the same: they are compared when it runs.
func (ln *Linked) concrete(ft *types.Func) *types.Func {
	ft = ln.subst.Func(ft)
	if ln.component.plan.async {
		return ln.interned.Func(ft)
	}
	return ft
}

// elem returns the codec of the elements of a stream or future.
func (ln *Linked) elem(h *hostFunc, codecs *abi.Codecs) (*abi.Elem, error) {
	t := ln.interned.Type(ln.subst.Type(h.typ)).Elem
	if e := ln.elems[t]; e != nil {
		return e, nil
	}
	e, err := codecs.NewElem(t)
	if err == nil {
		ln.elems[t] = e
	}
	return e, err
}
