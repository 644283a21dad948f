package engine

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// Flattening replays the definitions of a component as instantiation would, but
// on names and ordinals instead of live objects. A frame is one component
// instance being replayed; nested components get frames of their own, and their
// core modules end up in the one list of the plan. Since a component cannot
// choose at run time what it instantiates, the result holds for every instance.

// Limits on what a small file can unfold to: nested components are inlined once
// per instantiation, so their number can grow exponentially with the file.
const (
	maxInstances     = 1000
	maxCoreInstances = 1000
	maxHostFuncs     = 20000
	// maxSteps bounds the replay: definitions, and the lists and types in them.
	maxSteps = 4_000_000
)

// frame is a component instance under replay: its index spaces so far.
type frame struct {
	p        *plan
	outer    *frame // lexically enclosing
	instance int    // ordinal in plan.instances
	subst    types.Subst
	args     map[string]item

	modules   []*component.CoreModule
	coreInsts []coreItem
	coreFuncs []core.Ref
	tables    []core.Ref
	memories  []core.Ref
	globals   []core.Ref
	tags      []core.Ref
	funcs     []*funcItem
	insts     []*instanceItem
	comps     []*componentItem
	types     []*types.Resource // nil for what is not a resource
	exports   *instanceItem
}

// flatten makes the plan of a component whose imports come from a host. When it
// has imports that no host can provide, the plan is without what it instantiates.
func flatten(c *component.Component) (*plan, []*ImportError, error) {
	p := &plan{
		funcIndex:   map[core.Ref]int{},
		memoryIndex: map[core.Ref]int{},
		tableIndex:  map[core.Ref]int{},
		optionIndex: map[options]int{},
		dtors:       map[*types.Resource]int{},
	}
	f := &frame{p: p, args: map[string]item{}, subst: types.Subst{}}
	f.instance = p.addInstance(none)
	var unlinkable []*ImportError
	for _, im := range c.Imports {
		it, err := p.importExtern("", im.Name, im.Type)
		if err != nil {
			unlinkable = append(unlinkable, err)
		}
		f.args[im.Name] = it
	}
	if unlinkable != nil {
		p.root = newInstanceItem()
		return p, unlinkable, nil
	}
	if err := f.replay(c); err != nil {
		return nil, nil, err
	}
	p.root = f.exports
	return p, nil, nil
}

func (p *plan) addInstance(parent int) int {
	p.instances = append(p.instances, parent)
	return len(p.instances) - 1
}

// importExtern makes the item of an import of the root component, or of an export
// of the interface that it imports.
func (p *plan) importExtern(iface, name string, t types.Extern) (item, *ImportError) {
	it := item{sort: t.Sort}
	switch t.Sort {
	case types.SortFunc:
		p.imports = append(p.imports, importedFunc{iface: iface, name: name, ft: t.Func})
		it.fn = &funcItem{ft: t.Func, imported: len(p.imports) - 1}
	case types.SortType:
		if t.Type.Resource != nil {
			// The identity that decoding made serves as the concrete one until Link.
			it.res = t.Type.Resource
			p.imported = append(p.imported, importedResource{iface: iface, name: name, rt: it.res})
		} else if t.Type.Def != nil {
			it.res = t.Type.Def.Resource
		}
	case types.SortInstance:
		if iface != "" {
			return it, &ImportError{Import: iface, Name: name, Hint: "an instance within an imported instance is nothing that a host can provide"}
		}
		it.inst = newInstanceItem()
		for _, e := range t.Instance.Exports {
			x, err := p.importExtern(name, e.Name, e.Extern)
			if err != nil {
				return it, err
			}
			it.inst.add(e.Name, x)
		}
	default:
		return it, &ImportError{Import: importName(iface, name), Name: name, Hint: "a " + t.Sort.String() +
			" is nothing that a host can provide; compose the component with one that exports it"}
	}
	return it, nil
}

func newInstanceItem() *instanceItem { return &instanceItem{exports: map[string]item{}} }

func (i *instanceItem) add(name string, it item) {
	if _, ok := i.exports[name]; !ok {
		i.order = append(i.order, name)
	}
	i.exports[name] = it
}

// replay runs the definitions of c in f.
func (f *frame) replay(c *component.Component) error {
	f.exports = newInstanceItem()
	for _, d := range c.Defs {
		f.p.steps++
		if err := f.define(d); err != nil {
			return err
		}
		if f.p.steps > maxSteps {
			return fmt.Errorf("the component unfolds to something too large: instantiating it takes more than %d steps", maxSteps)
		}
	}
	return nil
}

// define replays one definition.
//
//godwit:dispatch
func (f *frame) define(d component.Def) error {
	switch d := d.(type) {
	case *component.CoreModule:
		f.modules = append(f.modules, d)
	case *component.CoreInstantiate:
		return f.coreInstantiate(d)
	case *component.CoreInlineExports:
		f.p.steps += len(d.Exports)
		bag := make(map[string]core.Ref, len(d.Exports))
		for _, e := range d.Exports {
			bag[e.Name] = (*f.coreSpace(e.Sort))[e.Index]
		}
		f.coreInsts = append(f.coreInsts, coreItem{ordinal: none, bag: bag})
	case *component.CoreTypeDef:
		// Types have done their work in validation.
	case *component.Nested:
		f.comps = append(f.comps, &componentItem{c: d.Component, outer: f})
	case *component.Instantiate:
		return f.instantiate(d)
	case *component.InlineExports:
		i := newInstanceItem()
		for _, a := range d.Exports {
			i.add(a.Name, f.item(a.Sort, a.Index))
		}
		f.bind(d.Type, i)
		f.insts = append(f.insts, i)
	case *component.AliasExport:
		it, ok := f.insts[d.Instance].exports[d.Name]
		if !ok {
			return fmt.Errorf("alias of export %q: the instance has no such export", d.Name)
		}
		f.push(it)
	case *component.AliasCoreExport:
		f.pushCore(d.Sort, f.coreInsts[d.Instance].export(d.Name))
	case *component.AliasOuter:
		f.aliasOuter(d)
	case *component.TypeDef:
		var rt *types.Resource
		if d.Def.Resource != nil {
			rt = f.subst.Resource(d.Def.Resource)
		}
		f.types = append(f.types, rt)
	case *component.ResourceDef:
		return f.resourceDef(d)
	case *component.CanonLift:
		f.canonLift(d)
	case *component.CanonLower:
		return f.canonLower(d)
	case *component.CanonBuiltin:
		return f.canonBuiltin(d)
	case *component.Import:
		return f.importDef(d)
	case *component.Export:
		it := f.item(d.Sort, d.Index)
		if d.Type.Type != nil && d.Type.Type.Resource != nil {
			f.subst[d.Type.Type.Resource] = it.res
		}
		f.alias(d.Alias, it)
		f.exports.add(d.Name, it)
		if d.Type.Sort == types.SortInstance && it.inst != nil {
			f.bind(d.Type.Instance, it.inst)
		}
		f.push(it)
	case *component.Start:
		return fmt.Errorf("start functions of components are not supported")
	default:
		return fmt.Errorf("definition %T is not supported", d)
	}
	return nil
}

// importDef takes the argument for an import and learns what its type's
// resources stand for.
func (f *frame) importDef(d *component.Import) error {
	it, ok := f.args[d.Name]
	if !ok {
		return fmt.Errorf("no argument for import %q", d.Name)
	}
	switch {
	case d.Type.Sort == types.SortInstance:
		f.bind(d.Type.Instance, it.inst)
	case d.Type.Sort == types.SortType && d.Type.Type.Resource != nil:
		f.subst[d.Type.Type.Resource] = it.res
	}
	f.alias(d.Alias, it)
	f.push(it)
	return nil
}

// alias records what the identity stands for that an import or export of a type
// made for a resource; it is nil when it made none.
func (f *frame) alias(r *types.Resource, it item) {
	if r != nil && r != it.res {
		f.subst[r] = it.res
	}
}

// bind records what the abstract resources of an instance type stand for in the
// instance that has the type.
func (f *frame) bind(t *types.Instance, actual *instanceItem) {
	if t == nil {
		return
	}
	f.p.steps += len(t.Exports)
	for _, e := range t.Exports {
		it, ok := actual.exports[e.Name]
		if !ok {
			continue
		}
		switch {
		case e.Extern.Sort == types.SortType && e.Extern.Type.Resource != nil:
			if it.res != e.Extern.Type.Resource {
				f.subst[e.Extern.Type.Resource] = it.res
			}
		case e.Extern.Sort == types.SortInstance:
			f.bind(e.Extern.Instance, it.inst)
		}
	}
}

// item returns element i of the index space of a sort.
func (f *frame) item(s types.Sort, i uint32) item {
	it := item{sort: s}
	switch s {
	case types.SortCoreModule:
		it.mod = f.modules[i]
	case types.SortFunc:
		it.fn = f.funcs[i]
	case types.SortType:
		it.res = f.types[i]
	case types.SortComponent:
		it.comp = f.comps[i]
	case types.SortInstance:
		it.inst = f.insts[i]
	}
	return it
}

// push appends an item to the index space of its sort.
func (f *frame) push(it item) {
	switch it.sort {
	case types.SortCoreModule:
		f.modules = append(f.modules, it.mod)
	case types.SortFunc:
		f.funcs = append(f.funcs, it.fn)
	case types.SortType:
		f.types = append(f.types, it.res)
	case types.SortComponent:
		f.comps = append(f.comps, it.comp)
	case types.SortInstance:
		f.insts = append(f.insts, it.inst)
	}
}

// coreSpace returns the index space of a core sort that exists at run time.
func (f *frame) coreSpace(s types.CoreSort) *[]core.Ref {
	switch s {
	case types.CoreFunc:
		return &f.coreFuncs
	case types.CoreTable:
		return &f.tables
	case types.CoreMemory:
		return &f.memories
	case types.CoreGlobal:
		return &f.globals
	default:
		return &f.tags
	}
}

func (f *frame) pushCore(s types.CoreSort, r core.Ref) {
	sp := f.coreSpace(s)
	*sp = append(*sp, r)
}

// export resolves an export of a core instance.
func (c coreItem) export(name string) core.Ref {
	if c.ordinal == none {
		return c.bag[name]
	}
	return core.Ref{Instance: c.ordinal, Name: name}
}

func (f *frame) coreInstantiate(d *component.CoreInstantiate) error {
	m := f.modules[d.Module]
	if len(f.p.cores) >= maxCoreInstances {
		return fmt.Errorf("the component instantiates more than %d core modules", maxCoreInstances)
	}
	f.p.steps += len(d.Args) + len(m.Type.Imports)
	args := make(map[string]coreItem, len(d.Args))
	for _, a := range d.Args {
		args[a.Name] = f.coreInsts[a.Instance]
	}
	ci := coreInstantiation{module: m, instance: f.instance, imports: make([]core.Ref, len(m.Type.Imports))}
	for k, im := range m.Type.Imports {
		a, ok := args[im.Module]
		if !ok {
			return fmt.Errorf("core module at offset %#x: no argument for import module %q", m.Offset, im.Module)
		}
		if a.ordinal == none {
			if _, ok := a.bag[im.Name]; !ok {
				return fmt.Errorf("core module at offset %#x: argument %q has no export %q", m.Offset, im.Module, im.Name)
			}
		}
		ci.imports[k] = a.export(im.Name)
	}
	f.p.cores = append(f.p.cores, ci)
	f.coreInsts = append(f.coreInsts, coreItem{ordinal: len(f.p.cores) - 1})
	return nil
}

// instantiate inlines a component: its definitions are replayed in a new frame.
func (f *frame) instantiate(d *component.Instantiate) error {
	ci := f.comps[d.Component]
	if len(f.p.instances) >= maxInstances {
		return fmt.Errorf("the component instantiates more than %d components", maxInstances)
	}
	child := &frame{p: f.p, outer: ci.outer, args: make(map[string]item, len(d.Args)), subst: types.Subst{}}
	child.instance = f.p.addInstance(f.instance)
	f.p.steps += len(d.Args)
	for _, a := range d.Args {
		child.args[a.Name] = f.item(a.Sort, a.Index)
	}
	if err := child.replay(ci.c); err != nil {
		return err
	}
	f.bind(d.Type, child.exports)
	f.insts = append(f.insts, child.exports)
	return nil
}

func (f *frame) aliasOuter(d *component.AliasOuter) {
	o := f
	for range d.Count {
		o = o.outer
	}
	if d.Core {
		if d.CoreSort == types.CoreModule {
			f.modules = append(f.modules, o.modules[d.Index])
		}
		return
	}
	f.push(o.item(d.Sort, d.Index))
}
