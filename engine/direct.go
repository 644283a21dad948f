package engine

import (
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/core"
)

// This file is a pass from plan to plan: imports that a shim provides become
// what the shim forwards to (core/forward.go says what shims and fixups are).
// A shim that nothing needs any more goes, and its fixup with it.
//
// That is the same to the guest, unless it calls a shim before the fixup has
// filled the table: such a call traps. So nothing is bound when there is code
// that runs between the two, which only start functions do: as long as core
// modules are instantiated, nobody calls the component.

// bound is a shim with the fixup that fills its table.
type bound struct {
	*core.Shim
	from  core.Ref // its table
	fixup int      // ordinal in plan.cores
	fills *core.Fixup
	kept  bool // something needs the shim
}

// bindDirectly binds what goes through shims to where it goes.
func (p *plan) bindDirectly() {
	shims := p.shims()
	if len(shims) == 0 {
		return
	}
	for k := range p.cores {
		for n, r := range p.cores[k].imports {
			if s := shims[r.Instance]; s != nil {
				p.bind(s, k, n)
			}
		}
	}
	p.removeUnused(shims)
}

// shims finds the shims, by ordinal, that forward to the same functions from the
// time that any code runs.
func (p *plan) shims() map[int]*bound {
	// A module can be instantiated many times, and may be large.
	fixups := map[*component.CoreModule]*core.Fixup{}
	starts := map[*component.CoreModule]bool{}
	shims := map[int]*bound{}
	quiet := 0 // the ordinal after that of the last start function
	for k, c := range p.cores {
		if _, seen := starts[c.module]; !seen {
			starts[c.module] = core.HasStart(c.module.Bytes)
			fixups[c.module] = core.FindFixup(c.module.Bytes)
		}
		if f := fixups[c.module]; f != nil {
			table := c.imports[f.Table]
			if table.Instance >= quiet && shims[table.Instance] == nil {
				shims[table.Instance] = &bound{from: table, fixup: k, fills: f}
			}
		}
		if starts[c.module] {
			if quiet = k + 1; p.async {
				break // it may leave a thread behind, which runs at any time
			}
		}
	}
	found := map[*component.CoreModule]*core.Shim{}
	for k, b := range shims {
		m := p.cores[k].module
		if _, seen := found[m]; !seen {
			found[m] = core.FindShim(m.Bytes)
		}
		b.Shim = found[m]
		if b.Shim == nil || b.Table != b.from.Name || b.fills.End > b.Size {
			delete(shims, k)
		}
	}
	// What else has the table may write it.
	for k, c := range p.cores {
		for _, r := range c.imports {
			if s := shims[r.Instance]; s != nil && r == s.from && k != s.fixup {
				delete(shims, r.Instance)
			}
		}
	}
	return shims
}

// bind binds import n of core k, which shim s provides, if what it forwards to
// is there before k.
func (p *plan) bind(s *bound, k, n int) {
	c, fixup := &p.cores[k], &p.cores[s.fixup]
	slot, isFunc := s.Slots[c.imports[n].Name]
	via, filled := s.fills.Slots[slot]
	if !isFunc || !filled {
		return
	}
	to := fixup.imports[via]
	want, have := c.module.Type.Imports[n].Type.Func, fixup.module.Type.Imports[via].Type.Func
	if to.Instance < k && want.Equal(have) { // else calls trap
		c.imports[n] = to
	}
}

// removeUnused removes the shims that nothing needs any more, and their fixups.
func (p *plan) removeUnused(shims map[int]*bound) {
	use := func(r core.Ref) {
		if s := shims[r.Instance]; s != nil {
			s.kept = true
		}
	}
	for k, c := range p.cores {
		for _, r := range c.imports {
			if s := shims[r.Instance]; s == nil || s.fixup != k || r != s.from {
				use(r)
			}
		}
	}
	for _, slots := range p.slots() {
		for _, r := range slots {
			use(r)
		}
	}
	gone := make([]bool, len(p.cores))
	starts := map[int]startCall{} // by fixup
	for k, s := range shims {
		if s.kept {
			continue
		}
		if s.fills.Start >= 0 {
			start := p.cores[s.fixup].imports[s.fills.Start]
			if start.Instance < 0 {
				continue // only a core module can start with a host function
			}
			starts[s.fixup] = startCall{start, p.cores[s.fixup].instance}
		}
		gone[k], gone[s.fixup] = true, true
	}
	p.remove(gone, starts)
}

// remove removes core instantiations. The start functions of some of those are
// called all the same, when it would have been their turn.
func (p *plan) remove(gone []bool, starts map[int]startCall) {
	ordinals := make([]int, len(p.cores))
	var left []coreInstantiation
	for k, c := range p.cores {
		ordinals[k] = len(left)
		if !gone[k] {
			left = append(left, c)
		} else if start, ok := starts[k]; ok {
			before := &left[len(left)-1]
			before.starts = append(before.starts, start)
		}
	}
	p.cores = left
	move := func(r *core.Ref) {
		if r.Instance >= 0 {
			r.Instance = ordinals[r.Instance]
		}
	}
	lists := p.slots()
	for _, c := range p.cores {
		lists = append(lists, c.imports)
		for k := range c.starts {
			move(&c.starts[k].fn)
		}
	}
	for _, refs := range lists {
		for k := range refs {
			move(&refs[k])
		}
	}
}

// slots are all slots that core instances fill.
func (p *plan) slots() [][]core.Ref { return [][]core.Ref{p.funcs, p.memories, p.tables} }
