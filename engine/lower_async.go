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

// lowerCodec is the codec of a lower, with or without the async option. With it,
// what is called here is over when it returns, and the caller is told so.
type lowerCodec struct {
	*abi.Codec
	async bool
}

func (ln *Linked) lowerCodec(h *hostFunc, codecs *abi.Codecs) (lowerCodec, error) {
	c, err := codecs.NewCodec(ln.concrete(h.lower.ft))
	return lowerCodec{c, h.lower.async}, err
}

func (c lowerCodec) liftParams(cx *abi.Context, stack []uint64) (args []abi.Value, out uint32) {
	if c.async {
		return c.LiftParamsAsync(cx, stack)
	}
	return c.LiftParams(cx, stack)
}

func (c lowerCodec) lowerResult(cx *abi.Context, v abi.Value, stack []uint64, out uint32) {
	if c.async {
		c.LowerResultAsync(cx, v, out)
		stack[0] = canon.Returned
		return
	}
	c.LowerResult(cx, v, stack, out)
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
