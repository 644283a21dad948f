package component

import "github.com/godwit-runtime/godwit/engine/types"

// Component and instance types are scopes of their own: declarations are read
// in order and add to index spaces that start empty.

func (d *decoder) componentType(outer *scope) *types.Component {
	s := d.declarations(inComponentType, outer)
	return &types.Component{Imports: s.ty.Imports, Exports: s.ty.Exports}
}

func (d *decoder) instanceType(outer *scope) *types.Instance {
	s := d.declarations(inInstanceType, outer)
	return &types.Instance{Exports: s.ty.Exports}
}

func (d *decoder) declarations(kind scopeKind, outer *scope) *scope {
	defer d.nest()()
	s := newScope(kind, outer)
	for range d.count(maxVector, "component or instance type declaration") {
		switch b := d.byte(); {
		case b == 0:
			d.coreTypeDef(s)
		case b == 1:
			if p := d.peek(); p == 0x3f {
				d.fail("resources can only be defined within a concrete component")
			}
			d.typeDef(s)
		case b == 2:
			d.alias(s)
		case b == 3 && kind == inComponentType:
			d.importDef(s)
		case b == 4:
			d.exportDecl(s)
		default:
			d.invalid(b, "component or instance type declaration")
		}
	}
	return s
}

// externType reads an externtype. A (sub resource) bound makes a fresh resource
// named name.
func (d *decoder) externType(s *scope, name string) types.Extern {
	switch b := d.byte(); b {
	case 0:
		if b := d.byte(); b != 0x11 {
			d.invalid(b, "component external kind")
		}
		i := d.u32()
		outOfBounds(&d.reader, s.coreTypes, i, "core type")
		if s.coreTypes[i].Module == nil {
			d.fail("core type index %d is not a module type", i)
		}
		return types.Extern{Sort: types.SortCoreModule, Module: s.coreTypes[i].Module}
	case 1:
		return types.Extern{Sort: types.SortFunc, Func: d.funcTypeAt(s, d.u32())}
	case 2:
		d.fail("support for component model `value`s is not enabled")
	case 3:
		return d.typeBound(s, name)
	case 4:
		i := d.u32()
		t := d.typeAt(s, i)
		if t.Component == nil {
			d.fail("type index %d is not a component type", i)
		}
		return types.Extern{Sort: types.SortComponent, Component: t.Component}
	case 5:
		i := d.u32()
		t := d.typeAt(s, i)
		if t.Instance == nil {
			d.fail("type index %d is not an instance type", i)
		}
		return types.Extern{Sort: types.SortInstance, Instance: d.freshInstance(t.Instance)}
	default:
		d.invalid(b, "component external kind")
	}
	return types.Extern{}
}

func (d *decoder) typeBound(s *scope, name string) types.Extern {
	switch b := d.byte(); b {
	case 0:
		return types.Extern{Sort: types.SortType, Type: &types.Bound{Def: d.typeAt(s, d.u32())}}
	case 1:
		return types.Extern{Sort: types.SortType, Type: &types.Bound{Resource: &types.Resource{Name: name}}}
	default:
		d.invalid(b, "type bound")
	}
	return types.Extern{}
}

// freshInstance is an instance type for one instance: the resources that the
// type introduces are made anew.
func (d *decoder) freshInstance(t *types.Instance) *types.Instance {
	w := d.weightNamed(t, t.Exports, nil)
	d.checkWeight(w)
	d.charge(w)
	d.copied(d.entries(t, t.Exports))
	s := types.Subst{}
	introduce(t.Exports, s)
	return s.Instance(t)
}

// introduce gives each resource that exports introduce a fresh one.
func introduce(exports []types.Named, s types.Subst) {
	for _, e := range exports {
		switch {
		case e.Extern.Sort == types.SortType && e.Extern.Type.Resource != nil:
			r := e.Extern.Type.Resource
			if s[r] == nil {
				s[r] = &types.Resource{Name: r.Name}
			}
		case e.Extern.Sort == types.SortInstance:
			introduce(e.Extern.Instance.Exports, s)
		}
	}
}
