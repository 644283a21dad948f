package component

import "github.com/godwit-runtime/godwit/engine/types"

// This file reads imports and exports, of components and in types.

func (d *decoder) importDef(s *scope) {
	offset := d.p
	a := d.attributes()
	e := d.externType(s, a.name)
	inner, alias := d.renamed(s, e)
	d.charge(d.weight(&inner))
	d.copying(&inner)
	d.addName(&s.imports, a, inner)
	if !s.publish(inner, true) {
		d.fail("%s not valid to be used as import", inner.Sort)
	}
	if r := resourceOf(inner); r != nil {
		s.imports.nameResource(r, a.name)
	}
	s.adopt(inner)
	e = s.outward(nameable(e, inner))
	s.ty.Imports = append(s.ty.Imports, types.Named{Name: a.name, Extern: e})
	d.push(s, inner)
	if s.kind == inComponent {
		im := &Import{Name: a.name, Type: e, Alias: alias, Offset: offset}
		s.def(im)
		s.comp.Imports = append(s.comp.Imports, im)
	}
}

// resourceOf is the resource that a type import or export gives a name to.
func resourceOf(e types.Extern) *types.Resource {
	if e.Sort != types.SortType {
		return nil
	}
	if e.Type.Resource != nil {
		return e.Type.Resource
	}
	return e.Type.Def.Resource
}

// adopt notes the resources that an import introduces.
func (s *scope) adopt(e types.Extern) {
	switch {
	case e.Sort == types.SortType && e.Type.Resource != nil:
		set(&s.foreign, e.Type.Resource, true)
	case e.Sort == types.SortInstance:
		for _, x := range e.Instance.Exports {
			s.adopt(x.Extern)
		}
	}
}

// renamed is e as the definitions that follow see it: a type that is equal to
// another becomes a type of its own, known by its new name. The second result
// is the identity made for a resource.
func (d *decoder) renamed(s *scope, e types.Extern) (types.Extern, *types.Resource) {
	if e.Sort != types.SortType || e.Type.Def == nil {
		return e, nil
	}
	switch def := e.Type.Def; {
	case def.Value != nil:
		v := *def.Value
		e.Type = &types.Bound{Def: &types.Def{Value: &v}}
	case def.Resource != nil:
		alias := &types.Resource{Name: def.Resource.Name}
		// Not the resource itself, which may be one of a long chain.
		set(&s.same, alias, s.same.Resource(def.Resource))
		set(&s.out, alias, s.out.Resource(def.Resource))
		e.Type = &types.Bound{Def: &types.Def{Resource: alias}}
		return e, alias
	}
	return e, nil
}

// nameable is e for those outside: a value type by the pointer that what follows
// may mention it by.
func nameable(e, inner types.Extern) types.Extern {
	if e.Sort == types.SortType && e.Type.Def != nil && e.Type.Def.Value != nil {
		return inner
	}
	return e
}

// exportDecl reads an export of a component or instance type.
func (d *decoder) exportDecl(s *scope) {
	a := d.attributes()
	e := d.externType(s, a.name)
	inner, _ := d.renamed(s, e)
	d.charge(d.weight(&inner))
	d.copying(&inner)
	d.addName(&s.exports, a, inner)
	if !s.publish(inner, false) {
		d.fail("%s not valid to be used as export", inner.Sort)
	}
	if r := resourceOf(inner); r != nil {
		s.exports.nameResource(r, a.name)
	}
	s.ty.Exports = append(s.ty.Exports, types.Named{Name: a.name, Extern: s.outward(nameable(e, inner))})
	d.push(s, inner)
}

// exportDef reads an export of a component.
func (d *decoder) exportDef(s *scope) {
	offset := d.p
	a := d.attributes()
	sort := d.sort()
	i := d.u32()
	have := d.externAt(s, sort, i)
	if have.Sort == types.SortValue {
		d.fail("support for component model `value`s is not enabled")
	}
	d.charge(d.weight(&have))
	d.copying(&have)
	exp := &Export{Name: a.name, Sort: sort, Index: i, Offset: offset}
	var inner types.Extern
	if d.flag("optional component export type") {
		inner = d.ascribed(s, exp, have)
	} else {
		inner = d.exportView(s, exp, have)
	}
	d.addName(&s.exports, a, inner)
	if !s.publish(inner, false) {
		d.fail("%s not valid to be used as export", inner.Sort)
	}
	if r := resourceOf(inner); r != nil {
		s.exports.nameResource(r, a.name)
		if r.Name == "" {
			r.Name = a.name
		}
	}
	exp.Type = s.outward(exp.Type)
	s.ty.Exports = append(s.ty.Exports, types.Named{Name: a.name, Extern: exp.Type})
	d.push(s, inner)
	s.def(exp)
	s.comp.Exports = append(s.comp.Exports, exp)
}

// ascribed reads the type that an export is given, which what is exported must
// match. Resources that it makes abstract are new ones from here on.
func (d *decoder) ascribed(s *scope, exp *Export, have types.Extern) types.Extern {
	want := d.externType(s, exp.Name)
	d.charge(d.weight(&want))
	d.copying(&want)
	if err := types.Match(have, want, types.Subst{}, s.same); err != nil {
		d.fail("ascribed type of export is not compatible with item's type: %v", err)
	}
	var inner types.Extern
	inner, exp.Alias = d.renamed(s, want)
	exp.Type = want
	if want.Sort == types.SortType && want.Type.Def != nil {
		if want.Type.Def.Resource != nil {
			// As without an ascription: equal to what it was.
			return d.exportView(s, exp, types.Extern{Sort: types.SortType, Type: want.Type})
		}
		exp.Type = inner
	}
	for _, r := range introduced(inner) {
		set(&s.exported, r, r)
	}
	return inner
}

// introduced are the resources that e makes known.
func introduced(e types.Extern) []*types.Resource {
	switch {
	case e.Sort == types.SortType && e.Type.Resource != nil:
		return []*types.Resource{e.Type.Resource}
	case e.Sort == types.SortInstance:
		var out []*types.Resource
		for _, x := range e.Instance.Exports {
			out = append(out, introduced(x.Extern)...)
		}
		return out
	}
	return nil
}

// exportView sets the type that an export has by itself, and returns it as the
// definitions that follow see it. A resource that did not come by an import is
// abstract to those outside, from its first export on.
func (d *decoder) exportView(s *scope, exp *Export, have types.Extern) types.Extern {
	switch {
	case have.Sort == types.SortInstance:
		exp.Type = have
		exp.Type.Instance = d.instanceView(s, have.Instance)
		return have
	case have.Sort != types.SortType:
		exp.Type = have
		return have
	case have.Type.Def.Value != nil:
		inner, _ := d.renamed(s, have)
		exp.Type = inner
		return inner
	case have.Type.Def.Resource == nil:
		exp.Type = have
		return have
	}
	root := s.same.Resource(have.Type.Def.Resource)
	alias := &types.Resource{Name: exp.Name}
	set(&s.same, alias, root)
	exp.Alias = alias
	switch first := s.exported[root]; {
	case s.foreign[root]:
		set(&s.out, alias, root)
		exp.Type = types.Extern{Sort: types.SortType, Type: &types.Bound{Def: &types.Def{Resource: root}}}
	case first != nil:
		set(&s.out, alias, root)
		exp.Type = types.Extern{Sort: types.SortType, Type: &types.Bound{Def: &types.Def{Resource: first}}}
	default:
		set(&s.exported, root, alias)
		set(&s.out, root, alias)
		s.outMemo = nil
		exp.Type = types.Extern{Sort: types.SortType, Type: &types.Bound{Resource: alias}}
	}
	return types.Extern{Sort: types.SortType, Type: &types.Bound{Def: &types.Def{Resource: alias}}}
}

// instanceView is an instance type as those outside see it.
func (d *decoder) instanceView(s *scope, t *types.Instance) *types.Instance {
	out := &types.Instance{Exports: append([]types.Named(nil), t.Exports...)}
	for k := range out.Exports {
		e := &out.Exports[k].Extern
		if e.Sort == types.SortInstance {
			e.Instance = d.instanceView(s, e.Instance)
			continue
		}
		r := resourceOf(*e)
		if r == nil {
			continue
		}
		root := s.same.Resource(r)
		first := s.exported[root]
		switch {
		case s.foreign[root]:
			e.Type = &types.Bound{Def: &types.Def{Resource: root}}
		case first != nil:
			e.Type = &types.Bound{Def: &types.Def{Resource: first}}
		default:
			set(&s.exported, root, root)
			e.Type = &types.Bound{Resource: root}
		}
	}
	return out
}

// sort reads the sort of what a component can export.
func (d *decoder) sort() types.Sort {
	switch b := d.byte(); b {
	case 0x00:
		if b := d.byte(); b != 0x11 {
			d.invalid(b, "component external kind")
		}
		return types.SortCoreModule
	case 0x01:
		return types.SortFunc
	case 0x02:
		return types.SortValue
	case 0x03:
		return types.SortType
	case 0x04:
		return types.SortComponent
	case 0x05:
		return types.SortInstance
	default:
		d.invalid(b, "component external kind")
		return 0
	}
}
