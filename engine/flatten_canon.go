package engine

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file flattens canonical definitions.

func (f *frame) resourceDef(d *component.ResourceDef) error {
	rt := &types.Resource{Name: d.Resource.Name, Owner: f.instance + 1}
	f.subst[d.Resource] = rt
	if d.HasDtor {
		if d.DtorAsync || d.HasCallback {
			return fmt.Errorf("asynchronous destructors are not supported yet")
		}
		f.p.dtors[rt] = f.p.funcSlot(f.coreFuncs[d.Dtor])
	}
	f.types = append(f.types, rt)
	return nil
}

func (f *frame) canonLift(d *component.CanonLift) {
	f.p.steps += d.Weight
	ft := f.subst.Func(d.Type)
	l := &lifting{core: f.p.funcSlot(f.coreFuncs[d.Core]), ft: ft, options: f.options(d.Options), async: d.Options.Async}
	f.p.async = f.p.async || ft.Async
	f.funcs = append(f.funcs, &funcItem{ft: ft, lift: l})
}

func (f *frame) canonLower(d *component.CanonLower) error {
	f.p.steps += d.Weight
	callee := f.funcs[d.Func]
	ft := f.subst.Func(d.Type)
	h := hostFunc{
		instance: f.instance,
		coreType: abi.FlattenFunc(ft, abi.Lower),
		lower:    &lowering{callee: callee, ft: ft, options: f.options(d.Options), async: d.Options.Async},
	}
	if d.Options.Async {
		h.coreType = abi.FlattenFuncAsync(ft, abi.Lower, false)
		f.p.async = true
	}
	return f.addHostFunc(h)
}

func (f *frame) canonBuiltin(d *component.CanonBuiltin) error {
	h := hostFunc{instance: f.instance, coreType: d.FuncType, builtin: d}
	if d.Resource != nil {
		h.resource = f.subst.Resource(d.Resource)
	}
	f.p.steps += d.Weight
	if d.Type != nil {
		h.typ = f.subst.Type(d.Type)
	}
	if d.Op == component.ThreadNewIndirect {
		h.table = slot(&f.p.tables, f.p.tableIndex, f.tables[d.Table])
	}
	switch d.Op {
	case component.ResourceNew, component.ResourceDrop, component.ResourceRep,
		component.ContextGet, component.ContextSet, component.BackpressureInc, component.BackpressureDec:
	default:
		f.p.async = true
		h.options = f.options(d.Options)
	}
	return f.addHostFunc(h)
}

func (f *frame) addHostFunc(h hostFunc) error {
	if len(f.p.hosts) >= maxHostFuncs {
		return fmt.Errorf("the component lowers more than %d functions", maxHostFuncs)
	}
	f.p.hosts = append(f.p.hosts, h)
	f.coreFuncs = append(f.coreFuncs, core.Ref{Instance: none, Host: len(f.p.hosts) - 1})
	return nil
}

// options resolves canonical options to slots and returns their index; equal
// options of one instance share it.
func (f *frame) options(o component.Options) int {
	r := options{instance: f.instance, encoding: o.Encoding, memory: none, realloc: none, postReturn: none, callback: none}
	if o.HasMemory {
		r.memory = f.p.memorySlot(f.memories[o.Memory])
	}
	if o.HasRealloc {
		r.realloc = f.p.funcSlot(f.coreFuncs[o.Realloc])
	}
	if o.HasPostReturn {
		r.postReturn = f.p.funcSlot(f.coreFuncs[o.PostReturn])
	}
	if o.HasCallback {
		r.callback = f.p.funcSlot(f.coreFuncs[o.Callback])
	}
	return slot(&f.p.options, f.p.optionIndex, r)
}

func (p *plan) funcSlot(r core.Ref) int   { return slot(&p.funcs, p.funcIndex, r) }
func (p *plan) memorySlot(r core.Ref) int { return slot(&p.memories, p.memoryIndex, r) }

// slot returns the index of v in slots, appending it when it is new. The index
// map keeps a component with very many canonical definitions from taking
// quadratic time.
func slot[T comparable](slots *[]T, index map[T]int, v T) int {
	if k, ok := index[v]; ok {
		return k
	}
	*slots = append(*slots, v)
	index[v] = len(*slots) - 1
	return index[v]
}
