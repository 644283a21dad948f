package component

import (
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

func (d *decoder) instance(s *scope) {
	switch b := d.byte(); b {
	case 0:
		d.instantiate(s)
	case 1:
		d.inlineExports(s)
	default:
		d.invalid(b, "instance")
	}
}

func (d *decoder) instantiate(s *scope) {
	def := &Instantiate{Component: d.u32()}
	c := d.componentAt(s, def.Component)
	args := map[string]types.Extern{}
	seen := map[string]string{}
	for range d.count(maxVector, "instantiation argument") {
		name := d.name()
		sort := d.sort()
		i := d.u32()
		if prev, ok := seen[strings.ToLower(name)]; ok {
			d.fail("instantiation argument `%s` conflicts with previous argument `%s`", name, prev)
		}
		seen[strings.ToLower(name)] = name
		args[name] = d.externAt(s, sort, i)
		def.Args = append(def.Args, Arg{Name: name, Sort: sort, Index: i})
	}
	w := d.weightNamed(c, c.Imports, c.Exports)
	d.checkWeight(w)
	d.charge(w)
	sub, supplied := types.Subst{}, map[*types.Type]*types.Type{}
	for _, im := range c.Imports {
		a, ok := args[im.Name]
		if !ok {
			d.fail("missing import named `%s`", im.Name)
		}
		d.charge(d.weight(&a))
		if err := types.Match(a, im.Extern, sub, s.same); err != nil {
			d.fail("type mismatch for import `%s`: %v", im.Name, err)
		}
		supply(a, im.Extern, supplied)
	}
	d.copied(d.entries(c, c.Exports))
	introduce(c.Exports, sub)
	def.Type = sub.Keeping(supplied).Instance(&types.Instance{Exports: c.Exports})
	d.push(s, types.Extern{Sort: types.SortInstance, Instance: def.Type})
	s.def(def)
}

// supply notes which value types of the instantiating component stand for those
// that an import brings, so that they keep their names.
func supply(have, want types.Extern, supplied map[*types.Type]*types.Type) {
	switch {
	case want.Sort == types.SortType && want.Type.Def != nil && want.Type.Def.Value != nil:
		supplied[want.Type.Def.Value] = have.Type.Def.Value
	case want.Sort == types.SortInstance:
		given := make(map[string]types.Extern, len(have.Instance.Exports))
		for _, e := range have.Instance.Exports {
			given[e.Name] = e.Extern
		}
		for _, e := range want.Instance.Exports {
			supply(given[e.Name], e.Extern, supplied)
		}
	}
}

func (d *decoder) inlineExports(s *scope) {
	def := &InlineExports{Type: &types.Instance{}}
	ns := newNames("instance export")
	for range d.count(maxVector, "instance exports") {
		a := d.attributes()
		sort := d.sort()
		i := d.u32()
		e := d.externAt(s, sort, i)
		d.charge(d.weight(&e))
		d.addName(&ns, a, e)
		def.Exports = append(def.Exports, Arg{Name: a.name, Sort: sort, Index: i})
		def.Type.Exports = append(def.Type.Exports, types.Named{Name: a.name, Extern: e})
	}
	d.push(s, types.Extern{Sort: types.SortInstance, Instance: def.Type})
	s.def(def)
}

// exportOf finds an export of an instance type.
func (d *decoder) exportOf(t *types.Instance, name string) (types.Extern, bool) {
	ix := d.index[t]
	if ix == nil {
		ix = make(map[string]int, len(t.Exports))
		for k, e := range t.Exports {
			ix[e.Name] = k
		}
		d.index[t] = ix
	}
	k, ok := ix[name]
	if !ok {
		return types.Extern{}, false
	}
	return t.Exports[k].Extern, true
}
