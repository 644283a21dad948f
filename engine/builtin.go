package engine

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/canon"
	"github.com/godwit-runtime/godwit/engine/component"
)

// This file makes the core functions of the canonical built-ins.

// builtinCall is a built-in as called by a thread of an instance.
type builtinCall = func(i *canon.Instance, th *canon.Thread, stack []uint64)

// builtin makes the core function of a built-in.
func (ln *Linked) builtin(h *hostFunc, codecs *abi.Codecs) (coreCall, error) {
	for _, make := range []func(h *hostFunc) builtinCall{
		ln.resourceBuiltin, ln.taskBuiltin, waitableBuiltin, ln.threadBuiltin, errorContextBuiltin,
	} {
		if call := make(h); call != nil {
			return instanceCall(h, call), nil
		}
	}
	call, err := ln.streamBuiltin(h, codecs)
	switch {
	case err != nil:
		return nil, err
	case call != nil:
		return instanceCall(h, call), nil
	}
	return notImplemented(h, "the built-in "+h.builtin.Op.String()), nil
}

func instanceCall(h *hostFunc, call builtinCall) coreCall {
	inst := h.instance
	return func(ctx context.Context, stack []uint64) {
		th := canon.ThreadOf(ctx)
		call(&th.Store().Instances[inst], th, stack)
	}
}

func (ln *Linked) resourceBuiltin(h *hostFunc) builtinCall {
	if h.resource == nil {
		return nil
	}
	rt := ln.subst.Resource(h.resource)
	switch h.builtin.Op {
	case component.ResourceNew:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) {
			stack[0] = uint64(i.ResourceNew(rt, uint32(stack[0])))
		}
	case component.ResourceRep:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) {
			stack[0] = uint64(i.ResourceRep(rt, uint32(stack[0])))
		}
	case component.ResourceDrop:
		destroy := ln.destructor(rt)
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			if rep, owned := i.ResourceDrop(rt, uint32(stack[0])); owned {
				destroy(th.Context, i, th.Store(), rep)
			}
		}
	}
	return nil
}

//godwit:dispatch
func (ln *Linked) taskBuiltin(h *hostFunc) builtinCall {
	b, opts, slot := h.builtin, h.options, h.builtin.Slot
	switch b.Op {
	case component.ContextGet:
		return func(_ *canon.Instance, th *canon.Thread, stack []uint64) { stack[0] = th.Storage[slot] }
	case component.ContextSet:
		return func(_ *canon.Instance, th *canon.Thread, stack []uint64) { th.Storage[slot] = stack[0] }
	case component.BackpressureInc:
		return func(i *canon.Instance, _ *canon.Thread, _ []uint64) { i.BackpressureInc() }
	case component.BackpressureDec:
		return func(i *canon.Instance, _ *canon.Thread, _ []uint64) { i.BackpressureDec() }
	case component.TaskReturn:
		result := ln.interned.Type(ln.subst.Type(h.typ))
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			i.TaskReturn(th, result, &th.Store().Options[opts], stack)
		}
	case component.TaskCancel:
		return func(i *canon.Instance, th *canon.Thread, _ []uint64) { i.TaskCancel(th) }
	case component.SubtaskCancel:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			stack[0] = uint64(i.SubtaskCancel(th, b.Async, uint32(stack[0])))
		}
	case component.SubtaskDrop:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { i.SubtaskDrop(uint32(stack[0])) }
	}
	return nil
}

func waitableBuiltin(h *hostFunc) builtinCall {
	b, opts := h.builtin, h.options
	switch b.Op {
	case component.WaitableSetNew:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { stack[0] = uint64(i.WaitableSetNew()) }
	case component.WaitableSetWait:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			o := &th.Store().Options[opts]
			stack[0] = uint64(i.WaitableSetWait(th, b.Cancellable, o, uint32(stack[0]), uint32(stack[1])))
		}
	case component.WaitableSetPoll:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			o := &th.Store().Options[opts]
			stack[0] = uint64(i.WaitableSetPoll(th, b.Cancellable, o, uint32(stack[0]), uint32(stack[1])))
		}
	case component.WaitableSetDrop:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { i.WaitableSetDrop(uint32(stack[0])) }
	case component.WaitableJoin:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) {
			i.WaitableJoin(uint32(stack[0]), uint32(stack[1]))
		}
	}
	return nil
}

func errorContextBuiltin(h *hostFunc) builtinCall {
	opts := h.options
	switch h.builtin.Op {
	case component.ErrorContextNew:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			o := &th.Store().Options[opts]
			stack[0] = uint64(i.ErrorContextNew(th, o, uint32(stack[0]), uint32(stack[1])))
		}
	case component.ErrorContextDebugMessage:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			i.ErrorContextDebugMessage(th, &th.Store().Options[opts], uint32(stack[0]), uint32(stack[1]))
		}
	case component.ErrorContextDrop:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { i.ErrorContextDrop(uint32(stack[0])) }
	}
	return nil
}

func (ln *Linked) threadBuiltin(h *hostFunc) builtinCall {
	cancellable := h.builtin.Cancellable
	// switching is a built-in that may be cancelled, and takes a thread.
	switching := func(f func(i *canon.Instance, th *canon.Thread, cancellable bool, index uint32) bool) builtinCall {
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			stack[0] = uint64(abi.LowerBool(f(i, th, cancellable, uint32(stack[0]))))
		}
	}
	switch h.builtin.Op {
	case component.ThreadIndex:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) { stack[0] = uint64(i.ThreadIndex(th)) }
	case component.ThreadNewIndirect:
		return ln.threadNewIndirect(h)
	case component.ThreadResumeLater:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { i.ThreadResumeLater(uint32(stack[0])) }
	case component.ThreadSuspend:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			stack[0] = uint64(abi.LowerBool(i.ThreadSuspend(th, cancellable)))
		}
	case component.ThreadYield:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			stack[0] = uint64(abi.LowerBool(i.ThreadYield(th, cancellable)))
		}
	case component.ThreadSuspendThenResume:
		return switching((*canon.Instance).ThreadSuspendThenResume)
	case component.ThreadYieldThenResume:
		return switching((*canon.Instance).ThreadYieldThenResume)
	case component.ThreadSuspendThenPromote:
		return switching((*canon.Instance).ThreadSuspendThenPromote)
	case component.ThreadYieldThenPromote:
		return switching((*canon.Instance).ThreadYieldThenPromote)
	}
	return nil
}

// threadNewIndirect makes a thread of a function in a table.
//
// spec: canon_thread_new_indirect
func (ln *Linked) threadNewIndirect(h *hostFunc) builtinCall {
	table := h.table
	return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
		i.CheckMayLeave()
		f, err := th.Store().Tables[table].Func(uint32(stack[0]))
		if err != nil {
			panic(err)
		}
		arg := stack[1]
		stack[0] = uint64(i.ThreadNew(th, func(th *canon.Thread) {
			if err := f.Call(th, []uint64{arg}); err != nil {
				panic(err)
			}
		}))
	}
}

//godwit:dispatch
func (ln *Linked) streamBuiltin(h *hostFunc, codecs *abi.Codecs) (builtinCall, error) {
	b, opts := h.builtin, h.options
	if b.Op < component.StreamNew || b.Op > component.FutureDropWritable {
		return nil, nil
	}
	elem, err := ln.elem(h, codecs)
	if err != nil {
		return nil, err
	}
	t := canon.StreamType{Elem: elem, Future: b.Op >= component.FutureNew}
	writable := false
	switch b.Op {
	case component.StreamWrite, component.StreamCancelWrite, component.StreamDropWritable,
		component.FutureWrite, component.FutureCancelWrite, component.FutureDropWritable:
		writable = true
	}
	switch b.Op {
	case component.StreamNew, component.FutureNew:
		return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { stack[0] = i.StreamNew(t) }, nil
	case component.StreamRead, component.StreamWrite:
		async := b.Options.Async
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			o := &th.Store().Options[opts]
			stack[0] = uint64(i.Copy(th, t, writable, async, o, uint32(stack[0]), uint32(stack[1]), uint32(stack[2])))
		}, nil
	case component.FutureRead, component.FutureWrite:
		async := b.Options.Async
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			o := &th.Store().Options[opts]
			stack[0] = uint64(i.Copy(th, t, writable, async, o, uint32(stack[0]), uint32(stack[1]), 1))
		}, nil
	case component.StreamCancelRead, component.StreamCancelWrite, component.FutureCancelRead, component.FutureCancelWrite:
		return func(i *canon.Instance, th *canon.Thread, stack []uint64) {
			stack[0] = uint64(i.CancelCopy(th, t, writable, b.Async, uint32(stack[0])))
		}, nil
	}
	return func(i *canon.Instance, _ *canon.Thread, stack []uint64) { i.DropEnd(t, writable, uint32(stack[0])) }, nil
}
