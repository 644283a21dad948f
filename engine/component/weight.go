package component

import (
	"math"

	"github.com/godwit-runtime/godwit/engine/types"
)

// info is what validation knows of a value type.
type info struct {
	weight   uint64 // how many types it is with everything in it spelled out
	size     uint64 // spec: elem_size(t, 'i64'), saturating
	align    uint64
	borrow   bool // has a borrow in it
	resource bool // has a handle in it
	depth    int  // how deep types are nested in it
}

// infoOf works info out, once for each type.
func (d *decoder) infoOf(t *types.Type) info {
	if t.Kind <= types.ErrorContext {
		return d.makeInfo(t) // there may be very many of these
	}
	if i, ok := d.infos[t]; ok {
		return i
	}
	i := d.makeInfo(t)
	d.infos[t] = i
	return i
}

func (d *decoder) makeInfo(t *types.Type) info {
	i := info{weight: 1, size: 1, align: 1}
	part := func(u *types.Type) info {
		if u == nil {
			return info{align: 1}
		}
		p := d.infoOf(u)
		i.weight = min(i.weight+p.weight, math.MaxUint32)
		i.borrow = i.borrow || p.borrow
		i.resource = i.resource || p.resource
		i.depth = max(i.depth, p.depth+1)
		return p
	}
	pointers := func() { i.size, i.align = 16, 8 }
	scalar := func(n uint64) { i.size, i.align = n, n }
	switch t.Kind {
	case types.Bool, types.S8, types.U8:
	case types.S16, types.U16:
		scalar(2)
	case types.S32, types.U32, types.F32, types.Char, types.ErrorContext:
		scalar(4)
	case types.S64, types.U64, types.F64:
		scalar(8)
	case types.String:
		pointers()
	case types.List, types.Map:
		part(t.Key)
		part(t.Elem)
		pointers()
	case types.FixedList:
		p := part(t.Elem)
		i.size, i.align = satMul(p.size, uint64(t.Len)), p.align
	case types.Record, types.Tuple:
		i.size = 0
		for _, f := range t.Fields {
			p := part(f.Type)
			i.align = max(i.align, p.align)
			i.size = min(roundUp(i.size, p.align)+p.size, math.MaxUint32)
		}
		i.size = roundUp(i.size, i.align)
	case types.Variant:
		var ps []info
		for _, c := range t.Cases {
			ps = append(ps, part(c.Type))
		}
		i.variant(ps)
	case types.Option:
		i.variant([]info{{align: 1}, part(t.Elem)})
	case types.Result:
		i.variant([]info{part(t.OK), part(t.Err)})
	case types.Enum:
		scalar(discriminant(len(t.Labels)))
	case types.Flags:
		scalar(discriminantFlags(len(t.Labels)))
	case types.Own, types.Borrow:
		scalar(4)
		i.resource, i.borrow = true, t.Kind == types.Borrow
	case types.Stream, types.Future:
		part(t.Elem)
		scalar(4)
	}
	return i
}

func satMul(a, b uint64) uint64 {
	if a != 0 && b > math.MaxUint32/a {
		return math.MaxUint32
	}
	return a * b
}

func roundUp(n, align uint64) uint64 { return (n + align - 1) / align * align }

func discriminant(cases int) uint64 {
	switch {
	case cases <= 1<<8:
		return 1
	case cases <= 1<<16:
		return 2
	}
	return 4
}

func discriminantFlags(labels int) uint64 {
	switch {
	case labels <= 8:
		return 1
	case labels <= 16:
		return 2
	}
	return 4
}

// variant lays out cases behind a discriminant.
func (i *info) variant(cases []info) {
	i.size, i.align = discriminant(len(cases)), discriminant(len(cases))
	var payload uint64
	for _, c := range cases {
		i.align = max(i.align, c.align)
		payload = max(payload, c.size)
	}
	var most uint64 = 1
	for _, c := range cases {
		most = max(most, c.align)
	}
	i.size = roundUp(min(roundUp(i.size, most)+payload, math.MaxUint32), i.align)
}

// weight of a type that is not a value type.
func (d *decoder) weight(e *types.Extern) uint64 {
	switch {
	case e.Func != nil:
		return d.weightFunc(e.Func)
	case e.Value != nil:
		return d.infoOf(e.Value).weight
	case e.Instance != nil:
		return d.weightNamed(e.Instance, e.Instance.Exports, nil)
	case e.Component != nil:
		return d.weightNamed(e.Component, e.Component.Imports, e.Component.Exports)
	case e.Module != nil:
		return uint64(len(e.Module.Imports) + len(e.Module.Exports) + 1)
	case e.Type != nil && e.Type.Def != nil:
		return d.weightDef(e.Type.Def)
	}
	return 1
}

func (d *decoder) weightDef(t *types.Def) uint64 {
	return d.weight(&types.Extern{Func: t.Func, Value: t.Value, Instance: t.Instance, Component: t.Component})
}

func (d *decoder) weightFunc(f *types.Func) uint64 {
	if w, ok := d.sizes[f]; ok {
		return w
	}
	w := uint64(1)
	for _, p := range f.Params {
		w = min(w+d.infoOf(p.Type).weight, math.MaxUint32)
	}
	if f.Result != nil {
		w = min(w+d.infoOf(f.Result).weight, math.MaxUint32)
	}
	d.sizes[f] = w
	return w
}

func (d *decoder) weightNamed(key any, lists ...[]types.Named) uint64 {
	if w, ok := d.sizes[key]; ok {
		return w
	}
	w := uint64(1)
	for _, l := range lists {
		for k := range l {
			w = min(w+1+d.weight(&l[k].Extern), math.MaxUint32)
		}
	}
	d.sizes[key] = w
	return w
}

// charge counts work that is in proportion to the weight of types.
func (d *decoder) charge(n uint64) {
	d.work += n
	if d.work > maxWork {
		d.fail("the types of the component are too large: validating them takes more than %d steps", maxWork)
	}
}

// maxTypeDepth bounds the recursion of what walks a type.
const maxTypeDepth = 500

// checkWeight refuses types that spell out to something huge.
func (d *decoder) checkWeight(w uint64) {
	if w > maxTypeWeight {
		d.fail("effective type size exceeds the limit of %d", maxTypeWeight)
	}
}

// entries is how many exports there are in a list, those of instances in it
// included. key is what the list belongs to.
func (d *decoder) entries(key any, l []types.Named) uint64 {
	if n, ok := d.lens[key]; ok {
		return n
	}
	n := uint64(len(l))
	for k := range l {
		if i := l[k].Extern.Instance; i != nil {
			n = min(n+d.entries(i, i.Exports), math.MaxUint32)
		}
	}
	d.lens[key] = n
	return n
}

// copied counts exports that are made anew.
func (d *decoder) copied(n uint64) {
	d.made += n
	if d.made > maxCopied {
		d.fail("the instances of the component have more than %d exports in all", maxCopied)
	}
}

// copying counts what importing or exporting an instance makes anew.
func (d *decoder) copying(e *types.Extern) {
	if e.Instance != nil {
		d.copied(d.entries(e.Instance, e.Instance.Exports))
	}
}
