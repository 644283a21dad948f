package component

import "github.com/godwit-runtime/godwit/engine/types"

// This file reads the type section; value types are in type_value.go, component
// and instance types in type_scope.go.

func (d *decoder) typeDef(s *scope) {
	switch b := d.peek(); {
	case b == 0x3f:
		d.resourceDef(s)
		return
	case b == 0x40 || b == 0x43:
		d.byte()
		d.defineType(s, &types.Def{Func: d.funcType(s, b == 0x43)})
	case b == 0x41:
		d.byte()
		d.defineType(s, &types.Def{Component: d.componentType(s)})
	case b == 0x42:
		d.byte()
		d.defineType(s, &types.Def{Instance: d.instanceType(s)})
	default:
		d.defineType(s, &types.Def{Value: d.definedType(s)})
	}
}

func (d *decoder) defineType(s *scope, def *types.Def) {
	d.checkWeight(d.weightDef(def))
	d.charge(1)
	d.pushType(s, def)
	if s.kind == inComponent {
		s.def(&TypeDef{Def: def})
	}
}

func (d *decoder) resourceDef(s *scope) {
	d.byte()
	if s.kind != inComponent {
		d.fail("resources can only be defined within a concrete component")
	}
	if b := d.byte(); b != 0x7f && b != 0x7e {
		d.failAt(d.p-1, "resources can only be represented by `i32` or `i64`")
	} else if b == 0x7e {
		d.failAt(d.p-1, "resources can only be represented by `i32`")
	}
	def := &ResourceDef{Resource: &types.Resource{}}
	def.HasDtor = d.flag("resource destructor")
	if def.HasDtor {
		def.Dtor = d.u32()
		f := d.coreFuncAt(s, def.Dtor)
		if len(f.Params) != 1 || f.Params[0] != types.I32 || len(f.Results) != 0 {
			d.fail("core function %d has wrong signature for a destructor", def.Dtor)
		}
	}
	set(&s.local, def.Resource, true)
	d.pushType(s, &types.Def{Resource: def.Resource})
	s.def(def)
}

func (d *decoder) funcType(s *scope, async bool) *types.Func {
	f := &types.Func{Async: async}
	n := d.count(1000, "function parameters")
	labels := newLabels("function parameter", "parameter")
	f.Params = make([]types.Field, n)
	for k := range f.Params {
		name := d.label(&labels)
		f.Params[k] = types.Field{Name: name, Type: d.valueType(s)}
	}
	switch b := d.byte(); b {
	case 0:
		f.Result = d.valueType(s)
		if d.infoOf(f.Result).borrow {
			d.fail("function result cannot contain a `borrow` type")
		}
	case 1:
		if b := d.byte(); b != 0 {
			d.invalid(b, "number of results")
		}
	default:
		d.invalid(b, "component function results")
	}
	return f
}
