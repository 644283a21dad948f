package component

import "github.com/godwit-runtime/godwit/engine/types"

func (d *decoder) alias(s *scope) {
	sort := d.byte()
	var coreSort byte
	if sort == 0 {
		coreSort = d.byte()
	} else if sort > 5 {
		d.invalid(sort, "component outer alias kind")
	}
	switch target := d.byte(); target {
	case 0:
		d.aliasExport(s, sort, coreSort)
	case 1:
		if sort != 0 {
			d.failAt(d.p-2, "invalid leading byte (%#x) for component outer alias kind", sort)
		}
		d.aliasCoreExport(s, coreSort)
	case 2:
		d.aliasOuter(s, sort, coreSort)
	default:
		d.invalid(target, "alias")
	}
}

// componentSort translates the first byte of a sort.
func (d *decoder) componentSort(sort, coreSort byte) types.Sort {
	if sort == 0 {
		if coreSort != 0x11 {
			d.failAt(d.p-1, "invalid leading byte (%#x) for component outer alias kind", coreSort)
		}
		return types.SortCoreModule
	}
	return [...]types.Sort{1: types.SortFunc, types.SortValue, types.SortType, types.SortComponent, types.SortInstance}[sort]
}

func (d *decoder) aliasExport(s *scope, sort, coreSort byte) {
	def := &AliasExport{Sort: d.componentSort(sort, coreSort), Instance: d.u32(), Name: d.name()}
	if s.kind != inComponent && def.Sort != types.SortType && def.Sort != types.SortInstance {
		d.fail("aliases in types may only refer to types or instances")
	}
	e, ok := d.exportOf(d.instanceAt(s, def.Instance), def.Name)
	if !ok {
		d.fail("instance %d has no export named `%s`", def.Instance, def.Name)
	}
	if e.Sort != def.Sort {
		d.fail("export `%s` for instance %d is not a %s", def.Name, def.Instance, sortName(def.Sort))
	}
	d.push(s, e)
	if s.kind == inComponent {
		s.def(def)
	}
}

func sortName(s types.Sort) string {
	if s == types.SortCoreModule {
		return "module"
	}
	return s.String()
}

func (d *decoder) aliasCoreExport(s *scope, coreSort byte) {
	if coreSort > 4 {
		d.failAt(d.p-2, "invalid leading byte (%#x) for component outer alias kind", coreSort)
	}
	if s.kind != inComponent {
		d.fail("aliases in types may only refer to types or instances")
	}
	def := &AliasCoreExport{Sort: types.CoreSort(coreSort), Instance: d.u32(), Name: d.name()}
	e, ok := d.coreInstanceAt(s, def.Instance).exports[def.Name]
	if !ok {
		d.fail("core instance %d has no export named `%s`", def.Instance, def.Name)
	}
	if e.Sort != def.Sort {
		d.fail("export `%s` for core instance %d is not a %s", def.Name, def.Instance, def.Sort)
	}
	d.pushCore(s, e)
	s.def(def)
}

func (d *decoder) aliasOuter(s *scope, sort, coreSort byte) {
	def := &AliasOuter{}
	switch {
	case sort == 0 && (coreSort == 0x10 || coreSort == 0x11):
		def.Core, def.CoreSort = true, types.CoreSort(coreSort)
	case sort == 0:
		d.failAt(d.p-2, "invalid leading byte (%#x) for component outer alias kind", coreSort)
	case sort == 3 || sort == 4:
		def.Sort = d.componentSort(sort, 0)
	default:
		d.failAt(d.p-2, "invalid leading byte (%#x) for component outer alias kind", sort)
	}
	def.Count = d.u32()
	def.Index = d.u32()
	if s.kind != inComponent && !(def.Core && def.CoreSort == types.CoreType) && def.Sort != types.SortType {
		d.fail("aliases in types may only refer to types or instances")
	}
	from := d.outerScope(s, def.Count, def.Count)
	switch {
	case def.Core && def.CoreSort == types.CoreModule:
		d.push(s, types.Extern{Sort: types.SortCoreModule, Module: d.moduleAt(from, def.Index)})
	case def.Core:
		outOfBounds(&d.reader, from.coreTypes, def.Index, "type")
		s.coreTypes = append(s.coreTypes, from.coreTypes[def.Index])
		d.total(1)
	case def.Sort == types.SortComponent:
		d.push(s, types.Extern{Sort: types.SortComponent, Component: d.componentAt(from, def.Index)})
	default:
		t := d.typeAt(from, def.Index)
		if s.crosses(def.Count) && d.mentionsResource(t) {
			d.fail("outer type alias of type %d transitively refers to resources not defined in the current component", def.Index)
		}
		d.pushType(s, t)
	}
	if s.kind == inComponent {
		s.def(def)
	}
}

// crosses reports whether going count scopes outward leaves a component, as
// opposed to a type.
func (s *scope) crosses(count uint32) bool {
	for range count {
		if s.kind == inComponent {
			return true
		}
		s = s.outer
	}
	return false
}

// mentionsResource reports whether a type depends on a resource that it does not
// introduce itself.
func (d *decoder) mentionsResource(t *types.Def) bool {
	d.charge(d.weightDef(t))
	free := &freeResources{d: d, own: map[*types.Resource]bool{}}
	return free.def(t)
}

// freeResources looks for resources that are not introduced by the type itself.
type freeResources struct {
	d   *decoder
	own map[*types.Resource]bool
}

func (f *freeResources) def(t *types.Def) bool {
	switch {
	case t.Resource != nil:
		return !f.own[t.Resource]
	case t.Value != nil:
		return f.value(t.Value)
	case t.Func != nil:
		return f.fn(t.Func)
	case t.Instance != nil:
		return f.named(t.Instance.Exports)
	case t.Component != nil:
		return f.named(t.Component.Imports) || f.named(t.Component.Exports)
	}
	return false
}

func (f *freeResources) fn(t *types.Func) bool {
	for _, p := range t.Params {
		if f.value(p.Type) {
			return true
		}
	}
	return t.Result != nil && f.value(t.Result)
}

func (f *freeResources) value(t *types.Type) bool {
	if t == nil || !f.d.infoOf(t).resource {
		return false
	}
	if t.Resource != nil {
		return !f.own[t.Resource]
	}
	for _, x := range t.Fields {
		if f.value(x.Type) {
			return true
		}
	}
	for _, x := range t.Cases {
		if f.value(x.Type) {
			return true
		}
	}
	return f.value(t.Elem) || f.value(t.Key) || f.value(t.OK) || f.value(t.Err)
}

func (f *freeResources) named(ns []types.Named) bool {
	for _, n := range ns {
		if f.extern(n.Extern) {
			return true
		}
	}
	return false
}

func (f *freeResources) extern(e types.Extern) bool {
	if e.Sort == types.SortType {
		if e.Type.Resource != nil {
			f.own[e.Type.Resource] = true
			return false
		}
		return f.def(e.Type.Def)
	}
	return f.def(&types.Def{Value: e.Value, Func: e.Func, Instance: e.Instance, Component: e.Component})
}
