package component

import "github.com/godwit-runtime/godwit/engine/types"

// This file reads core types: function types and module types.

func (d *decoder) coreTypeDef(s *scope) {
	d.refs = coreRefs{
		count:  len(s.coreTypes),
		module: func(i uint32) bool { return s.coreTypes[i].Module != nil },
	}
	ts := d.coreType(s)
	s.coreTypes = append(s.coreTypes, ts...)
	d.total(len(ts))
	if s.kind == inComponent {
		for k := range ts {
			s.def(&ts[k])
		}
	}
}

// coreType reads a core:type as a component or a component type may define it:
// one type, or several that refer to each other.
func (d *decoder) coreType(s *scope) []CoreTypeDef {
	switch b := d.peek(); b {
	case 0x50:
		d.byte()
		return []CoreTypeDef{{Module: d.moduleType(s)}}
	case 0x00: // a subtype, told from a module type by this prefix
		d.byte()
		if d.peek() != 0x50 {
			d.fail("invalid leading byte (%#x) for type definition", d.peek())
		}
	case 0x60, 0x5e, 0x5f, 0x4f, 0x4e:
	default:
		d.fail("invalid leading byte (%#x) for type definition", b)
	}
	fs := d.coreRecType()
	ts := make([]CoreTypeDef, len(fs))
	for k, f := range fs {
		ts[k].Func = f
	}
	return ts
}

func (d *decoder) moduleType(outer *scope) *types.Module {
	var c coreScope
	seen := map[string]bool{}
	for range d.count(maxVector, "module type declaration") {
		d.refs = coreRefs{count: len(c.types)}
		switch b := d.byte(); b {
		case 0:
			d.coreImport(&c)
		case 1:
			if d.peek() == 0x50 {
				d.fail("module types cannot be defined in a module type: invalid leading byte (0x50) for type definition")
			}
			for _, t := range d.coreType(outer) {
				c.types = append(c.types, t.Func)
			}
		case 2:
			d.moduleTypeAlias(&c, outer)
		case 3:
			name := d.name()
			e := d.coreExternType(&c)
			if seen[name] {
				d.fail("duplicate export name `%s` already defined", name)
			}
			seen[name] = true
			c.module.Exports = append(c.module.Exports, types.CoreExport{Name: name, Type: e})
		default:
			d.invalid(b, "type definition")
		}
	}
	d.uniqueImports(&c.module)
	m := c.module
	return &m
}

// uniqueImports checks that no import of a module has the names of another: what
// instantiates it could not tell them apart.
func (d *decoder) uniqueImports(m *types.Module) {
	seen := map[[2]string]bool{}
	for _, im := range m.Imports {
		key := [2]string{im.Module, im.Name}
		if seen[key] {
			d.fail("duplicate import name `%s:%s` already defined", im.Module, im.Name)
		}
		seen[key] = true
	}
}

// moduleTypeAlias reads an outer alias of a core type inside a module type.
func (d *decoder) moduleTypeAlias(c *coreScope, outer *scope) {
	if b := d.byte(); b != 0x10 {
		d.invalid(b, "outer alias kind")
	}
	if b := d.byte(); b != 0x01 {
		d.invalid(b, "outer alias target")
	}
	count := d.u32()
	i := d.u32()
	if count == 0 {
		if uint64(i) >= uint64(len(c.types)) {
			d.fail("unknown type %d: type index out of bounds", i)
		}
		c.types = append(c.types, c.types[i])
		return
	}
	from := d.outerScope(outer, count-1, count)
	outOfBounds(&d.reader, from.coreTypes, i, "type")
	if from.coreTypes[i].Module != nil {
		d.fail("outer type alias of a core module type is not supported in a module type")
	}
	c.types = append(c.types, from.coreTypes[i].Func)
}

// outerScope is the scope that is hops scopes outward of s; written is the count
// that the file has.
func (d *decoder) outerScope(s *scope, hops, written uint32) *scope {
	for range hops {
		if s.outer == nil {
			d.fail("invalid outer alias count of %d", written)
		}
		s = s.outer
	}
	return s
}
