package component

import "github.com/godwit-runtime/godwit/engine/types"

// scopeKind is what a scope is the inside of.
type scopeKind uint8

const (
	inComponent scopeKind = iota
	inComponentType
	inInstanceType
)

// scope is a component, component type or instance type under construction: its
// index spaces so far, by type.
type scope struct {
	kind  scopeKind
	outer *scope
	comp  *Component // of inComponent

	coreTypes []CoreTypeDef
	modules   []*types.Module
	coreInsts []*coreInstance
	coreFuncs []*types.CoreFuncType
	tables    []types.CoreExtern
	memories  []types.CoreExtern
	globals   []types.CoreExtern
	tags      []types.CoreExtern
	funcs     []*types.Func
	values    []*types.Type
	types     []*types.Def
	comps     []*types.Component
	insts     []*types.Instance

	ty      types.Component // what it imports and exports so far
	imports names
	exports names

	// local are the resources that a component defines itself.
	local map[*types.Resource]bool
	// foreign are the resources that came by an import: an export does not make
	// them abstract.
	foreign map[*types.Resource]bool
	// exported has, for a resource that is not foreign, what stands for it in the
	// types of exports.
	exported map[*types.Resource]*types.Resource
	// An import or export of a type makes an identity of its own for a resource,
	// so that it is known whether the type was used by its public name. same
	// takes it to the resource that it is; out takes a resource to what stands
	// for it in the type of the component.
	same, out types.Subst
	outMemo   map[*types.Type]*types.Type
	// visible are the types that have a name outside: importable ones by an
	// import, exportable ones by an import or export.
	importNamed, exportNamed visible
}

// coreInstance is the type of a core instance.
type coreInstance struct{ exports map[string]types.CoreExtern }

// newScope makes a scope. Its maps are made when something is put in: a file can
// have very many scopes with nothing in them.
func newScope(kind scopeKind, outer *scope) *scope {
	s := &scope{kind: kind, outer: outer, imports: newNames("import"), exports: newNames("export")}
	if kind == inComponent {
		s.comp = &Component{Type: &s.ty}
	}
	return s
}

// set puts a value into a map, which may not be made yet.
func set[M ~map[K]V, K comparable, V any](m *M, k K, v V) {
	if *m == nil {
		*m = M{}
	}
	(*m)[k] = v
}

// outward is e as those outside see it.
func (s *scope) outward(e types.Extern) types.Extern {
	if len(s.out) == 0 {
		return e
	}
	if s.outMemo == nil {
		s.outMemo = map[*types.Type]*types.Type{}
	}
	return s.out.Keeping(s.outMemo).Extern(e)
}

// def records a definition of a component.
func (s *scope) def(d Def) { s.comp.Defs = append(s.comp.Defs, d) }

func outOfBounds[T any](r *reader, space []T, i uint32, what string) {
	if uint64(i) >= uint64(len(space)) {
		r.fail("unknown %s %d: %s index out of bounds", what, i, what)
	}
}

func (d *decoder) typeAt(s *scope, i uint32) *types.Def {
	outOfBounds(&d.reader, s.types, i, "type")
	return s.types[i]
}

func (d *decoder) valueTypeAt(s *scope, i uint32) *types.Type {
	t := d.typeAt(s, i)
	if t.Value == nil {
		d.fail("type index %d is not a defined type", i)
	}
	return t.Value
}

func (d *decoder) resourceAt(s *scope, i uint32) *types.Resource {
	t := d.typeAt(s, i)
	if t.Resource == nil {
		d.fail("type index %d is not a resource type", i)
	}
	return t.Resource
}

func (d *decoder) funcTypeAt(s *scope, i uint32) *types.Func {
	t := d.typeAt(s, i)
	if t.Func == nil {
		d.fail("type index %d is not a function type", i)
	}
	return t.Func
}

func (d *decoder) coreFuncAt(s *scope, i uint32) *types.CoreFuncType {
	outOfBounds(&d.reader, s.coreFuncs, i, "core function")
	return s.coreFuncs[i]
}

func (d *decoder) funcAt(s *scope, i uint32) *types.Func {
	outOfBounds(&d.reader, s.funcs, i, "function")
	return s.funcs[i]
}

func (d *decoder) instanceAt(s *scope, i uint32) *types.Instance {
	outOfBounds(&d.reader, s.insts, i, "instance")
	return s.insts[i]
}

func (d *decoder) coreInstanceAt(s *scope, i uint32) *coreInstance {
	outOfBounds(&d.reader, s.coreInsts, i, "core instance")
	return s.coreInsts[i]
}

func (d *decoder) componentAt(s *scope, i uint32) *types.Component {
	outOfBounds(&d.reader, s.comps, i, "component")
	return s.comps[i]
}

func (d *decoder) moduleAt(s *scope, i uint32) *types.Module {
	outOfBounds(&d.reader, s.modules, i, "module")
	return s.modules[i]
}

func (d *decoder) memoryAt(s *scope, i uint32) types.CoreExtern {
	outOfBounds(&d.reader, s.memories, i, "memory")
	return s.memories[i]
}

// pushCore appends a core definition to the space of its sort.
func (d *decoder) pushCore(s *scope, e types.CoreExtern) {
	switch e.Sort {
	case types.CoreFunc:
		s.coreFuncs = append(s.coreFuncs, e.Func)
	case types.CoreTable:
		s.tables = append(s.tables, e)
	case types.CoreMemory:
		s.memories = append(s.memories, e)
	case types.CoreGlobal:
		s.globals = append(s.globals, e)
	case types.CoreTag:
		s.tags = append(s.tags, e)
	}
	d.total(1)
}

// coreExternAt is the type of a core definition that a module can import.
func (d *decoder) coreExternAt(s *scope, sort types.CoreSort, i uint32) types.CoreExtern {
	switch sort {
	case types.CoreFunc:
		return types.CoreExtern{Sort: sort, Func: d.coreFuncAt(s, i)}
	case types.CoreTable:
		outOfBounds(&d.reader, s.tables, i, "table")
		return s.tables[i]
	case types.CoreMemory:
		return d.memoryAt(s, i)
	case types.CoreGlobal:
		outOfBounds(&d.reader, s.globals, i, "global")
		return s.globals[i]
	case types.CoreTag:
		outOfBounds(&d.reader, s.tags, i, "tag")
		return s.tags[i]
	}
	d.fail("a core %s cannot be exported by a core instance", sort)
	return types.CoreExtern{}
}

// push appends what e is the type of to the index space of its sort.
func (d *decoder) push(s *scope, e types.Extern) {
	switch e.Sort {
	case types.SortCoreModule:
		s.modules = append(s.modules, e.Module)
		d.limit(len(s.modules), maxModules, "modules")
	case types.SortFunc:
		s.funcs = append(s.funcs, e.Func)
		d.total(1)
	case types.SortValue:
		s.values = append(s.values, e.Value)
		d.total(1)
	case types.SortType:
		def := e.Type.Def
		if e.Type.Resource != nil {
			def = &types.Def{Resource: e.Type.Resource}
		}
		d.pushType(s, def)
	case types.SortComponent:
		s.comps = append(s.comps, e.Component)
		d.limit(len(s.comps), maxComponents, "components")
	case types.SortInstance:
		s.insts = append(s.insts, e.Instance)
		d.limit(len(s.insts), maxInstances, "instances")
	}
}

func (d *decoder) pushType(s *scope, def *types.Def) {
	s.types = append(s.types, def)
	d.total(1)
}

// externAt is the type of element i of the index space of a sort.
func (d *decoder) externAt(s *scope, sort types.Sort, i uint32) types.Extern {
	e := types.Extern{Sort: sort}
	switch sort {
	case types.SortCoreModule:
		e.Module = d.moduleAt(s, i)
	case types.SortFunc:
		e.Func = d.funcAt(s, i)
	case types.SortValue:
		outOfBounds(&d.reader, s.values, i, "value")
		e.Value = s.values[i]
	case types.SortType:
		e.Type = &types.Bound{Def: d.typeAt(s, i)}
	case types.SortComponent:
		e.Component = d.componentAt(s, i)
	case types.SortInstance:
		e.Instance = d.instanceAt(s, i)
	}
	return e
}
