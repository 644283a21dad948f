package component

import "github.com/godwit-runtime/godwit/engine/types"

var primitives = map[byte]*types.Type{
	0x7f: types.TypeBool, 0x7e: types.TypeS8, 0x7d: types.TypeU8, 0x7c: types.TypeS16, 0x7b: types.TypeU16,
	0x7a: types.TypeS32, 0x79: types.TypeU32, 0x78: types.TypeS64, 0x77: types.TypeU64, 0x76: types.TypeF32,
	0x75: types.TypeF64, 0x74: types.TypeChar, 0x73: types.TypeString, 0x64: types.TypeErrorContext,
}

// valueType reads a valtype: a primitive type or the index of a defined type.
func (d *decoder) valueType(s *scope) *types.Type {
	b := d.peek()
	if t := primitives[b]; t != nil {
		d.byte()
		return t
	}
	if b >= 0x40 && b < 0x80 {
		d.byte()
		d.invalid(b, "component value type")
	}
	return d.valueTypeAt(s, d.index33())
}

// index33 reads a type index, which is a non-negative number of 33 bits with a sign.
func (d *decoder) index33() uint32 {
	start := d.p
	v := d.uleb(35)
	// The sign is the highest bit of the last byte.
	if d.b[d.p-1]&0x40 != 0 || v > 1<<32-1 {
		d.failAt(start, "invalid leading byte (%#x) for component value type", d.b[start])
	}
	return uint32(v)
}

func (d *decoder) optionalType(s *scope, what string) *types.Type {
	if !d.flag(what) {
		return nil
	}
	return d.valueType(s)
}

// definedType reads a defvaltype.
func (d *decoder) definedType(s *scope) *types.Type {
	b := d.byte()
	t := primitives[b]
	if t == nil {
		t = d.compositeType(s, b)
	} else {
		// A defined type has an identity, by which its name is known.
		t = &types.Type{Kind: t.Kind}
	}
	i := d.infoOf(t)
	if i.size >= 1<<28 {
		d.fail("type exceeds maximum byte size of %d", 1<<28-1)
	}
	if i.depth > maxTypeDepth {
		d.fail("types are nested deeper than %d", maxTypeDepth)
	}
	return t
}

//godwit:dispatch
func (d *decoder) compositeType(s *scope, b byte) *types.Type {
	switch b {
	case 0x72:
		return d.record(s)
	case 0x71:
		return d.variant(s)
	case 0x70:
		return &types.Type{Kind: types.List, Elem: d.valueType(s)}
	case 0x67:
		t := &types.Type{Kind: types.FixedList, Elem: d.valueType(s), Len: d.u32()}
		if t.Len == 0 {
			d.fail("fixed-length list must have more than zero elements")
		}
		return t
	case 0x6f:
		n := d.count(10_000, "tuple types")
		if n == 0 {
			d.fail("tuple type must have at least one type")
		}
		t := &types.Type{Kind: types.Tuple, Fields: make([]types.Field, n)}
		for k := range t.Fields {
			t.Fields[k].Type = d.valueType(s)
		}
		return t
	case 0x6e:
		t := &types.Type{Kind: types.Flags, Labels: d.labels("flag", "flag", "flags must have at least one entry")}
		if len(t.Labels) > 32 {
			d.fail("cannot have more than 32 flags")
		}
		return t
	case 0x6d:
		return &types.Type{Kind: types.Enum, Labels: d.labels("enum tag", "tag", "enum type must have at least one variant")}
	case 0x6b:
		return &types.Type{Kind: types.Option, Elem: d.valueType(s)}
	case 0x6a:
		ok := d.optionalType(s, "optional component result")
		return &types.Type{Kind: types.Result, OK: ok, Err: d.optionalType(s, "optional component result")}
	case 0x69:
		return &types.Type{Kind: types.Own, Resource: d.resourceAt(s, d.u32())}
	case 0x68:
		return &types.Type{Kind: types.Borrow, Resource: d.resourceAt(s, d.u32())}
	case 0x66, 0x65:
		return d.asyncType(s, b)
	case 0x63:
		return d.mapType(s)
	}
	d.invalid(b, "component defined type")
	return nil
}

func (d *decoder) asyncType(s *scope, b byte) *types.Type {
	t := &types.Type{Kind: types.Stream}
	if b == 0x65 {
		t.Kind = types.Future
	}
	t.Elem = d.optionalType(s, "optional element type")
	if t.Elem == nil {
		return t
	}
	if d.infoOf(t.Elem).borrow {
		d.fail("%s type cannot contain a `borrow` type", t.Kind)
	}
	if t.Kind == types.Stream && t.Elem.Kind == types.Char {
		d.fail("`stream<char>` is not valid at this time")
	}
	return t
}

func (d *decoder) mapType(s *scope) *types.Type {
	t := &types.Type{Kind: types.Map, Key: d.valueType(s)}
	switch t.Key.Kind {
	case types.Bool, types.S8, types.U8, types.S16, types.U16, types.S32, types.U32, types.S64, types.U64,
		types.Char, types.String:
	default:
		d.fail("invalid map key type: %s", t.Key.Kind)
	}
	t.Elem = d.valueType(s)
	return t
}

func (d *decoder) record(s *scope) *types.Type {
	n := d.count(10_000, "record fields")
	if n == 0 {
		d.fail("record type must have at least one field")
	}
	labels := newLabels("record field", "field")
	t := &types.Type{Kind: types.Record, Fields: make([]types.Field, n)}
	for k := range t.Fields {
		name := d.label(&labels)
		t.Fields[k] = types.Field{Name: name, Type: d.valueType(s)}
	}
	return t
}

func (d *decoder) variant(s *scope) *types.Type {
	n := d.count(10_000, "variant cases")
	if n == 0 {
		d.fail("variant type must have at least one case")
	}
	labels := newLabels("variant case", "case")
	t := &types.Type{Kind: types.Variant, Cases: make([]types.Case, n)}
	for k := range t.Cases {
		t.Cases[k].Name = d.label(&labels)
		t.Cases[k].Type = d.optionalType(s, "optional component case type")
		if b := d.byte(); b != 0 {
			d.invalid(b, "zero byte required")
		}
	}
	return t
}

// labels reads the labels of flags or an enum.
func (d *decoder) labels(what, short, empty string) []string {
	n := d.count(10_000, what)
	if n == 0 {
		d.fail("%s", empty)
	}
	seen := newLabels(what, short)
	ls := make([]string, n)
	for k := range ls {
		ls[k] = d.label(&seen)
	}
	return ls
}
