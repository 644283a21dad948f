package component

import "github.com/godwit-runtime/godwit/engine/types"

func (d *decoder) coreInstance(s *scope) {
	switch b := d.byte(); b {
	case 0:
		d.coreInstantiate(s)
	case 1:
		d.coreInlineExports(s)
	default:
		d.invalid(b, "core instance")
	}
	d.limit(len(s.coreInsts), maxInstances, "core instances")
}

func (d *decoder) coreInstantiate(s *scope) {
	def := &CoreInstantiate{Module: d.u32()}
	m := d.moduleAt(s, def.Module)
	args := map[string]*coreInstance{}
	for range d.count(maxVector, "module instantiation argument") {
		name := d.name()
		if b := d.byte(); b != 0x12 {
			d.invalid(b, "instantiation arg kind")
		}
		i := d.u32()
		if args[name] != nil {
			d.fail("duplicate module instantiation argument named `%s`", name)
		}
		args[name] = d.coreInstanceAt(s, i)
		def.Args = append(def.Args, CoreArg{Name: name, Instance: i})
	}
	for _, im := range m.Imports {
		a := args[im.Module]
		if a == nil {
			d.fail("missing module instantiation argument named `%s`", im.Module)
		}
		have, ok := a.exports[im.Name]
		if !ok {
			d.fail("module instantiation argument `%s` does not export an item named `%s`", im.Module, im.Name)
		}
		if err := types.MatchCore(&have, &im.Type); err != nil {
			d.fail("type mismatch for export `%s` of module instantiation argument `%s`: %v", im.Name, im.Module, err)
		}
	}
	inst := &coreInstance{exports: make(map[string]types.CoreExtern, len(m.Exports))}
	for _, e := range m.Exports {
		inst.exports[e.Name] = e.Type
	}
	d.charge(uint64(len(m.Exports) + len(m.Imports)))
	s.coreInsts = append(s.coreInsts, inst)
	s.def(def)
}

func (d *decoder) coreInlineExports(s *scope) {
	n := d.count(maxVector, "core instance exports")
	def := &CoreInlineExports{Exports: make([]CoreInlineExport, 0, n)}
	inst := &coreInstance{exports: make(map[string]types.CoreExtern, n)}
	for range n {
		name := d.name()
		sort := d.coreSort()
		i := d.u32()
		if _, ok := inst.exports[name]; ok {
			d.fail("core instance export name `%s` already defined", name)
		}
		inst.exports[name] = d.coreExternAt(s, sort, i)
		def.Exports = append(def.Exports, CoreInlineExport{Name: name, Sort: sort, Index: i})
	}
	s.coreInsts = append(s.coreInsts, inst)
	s.def(def)
}

// coreSort reads the sort of what a core instance exports.
func (d *decoder) coreSort() types.CoreSort {
	b := d.byte()
	if b > 4 {
		d.invalid(b, "external kind")
	}
	return types.CoreSort(b)
}
