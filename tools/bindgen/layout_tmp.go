package bindgen

import "github.com/godwit-runtime/godwit/engine/types"

func alignTo(p, a uint32) uint32 { return (p + a - 1) / a * a }

func tmpParts(t *types.Type) (fields []*types.Type, cases []*types.Type, variant bool) {
	switch t.Kind {
	case types.Record, types.Tuple:
		for _, f := range t.Fields {
			fields = append(fields, f.Type)
		}
	case types.Variant:
		for _, c := range t.Cases {
			cases = append(cases, c.Type)
		}
		return nil, cases, true
	case types.Enum:
		return nil, make([]*types.Type, len(t.Labels)), true
	case types.Option:
		return nil, []*types.Type{nil, t.Elem}, true
	case types.Result:
		return nil, []*types.Type{t.OK, t.Err}, true
	}
	return fields, nil, false
}

func tmpSizeAlign(t *types.Type) (size, align uint32) {
	switch t.Kind {
	case types.Bool, types.S8, types.U8:
		return 1, 1
	case types.S16, types.U16:
		return 2, 2
	case types.S32, types.U32, types.F32, types.Char, types.Own, types.Borrow, types.Stream, types.Future, types.ErrorContext:
		return 4, 4
	case types.S64, types.U64, types.F64:
		return 8, 8
	case types.String, types.List, types.Map:
		return 8, 4
	case types.Flags:
		n := uint32(flagBits(len(t.Labels)) / 8)
		return n, n
	case types.FixedList:
		s, a := tmpSizeAlign(t.Elem)
		return s * t.Len, a
	}
	fields, cases, variant := tmpParts(t)
	if !variant {
		align = 1
		for _, f := range fields {
			s, a := tmpSizeAlign(f)
			align = max(align, a)
			size = alignTo(size, a) + s
		}
		return alignTo(size, align), align
	}
	d := uint32(caseBits(len(cases)) / 8)
	ca, cs := uint32(1), uint32(0)
	for _, c := range cases {
		if c != nil {
			s, a := tmpSizeAlign(c)
			ca, cs = max(ca, a), max(cs, s)
		}
	}
	align = max(d, ca)
	return alignTo(alignTo(d, ca)+cs, align), align
}

func tmpFlat(t *types.Type) int {
	switch t.Kind {
	case types.String, types.List, types.Map:
		return 2
	case types.FixedList:
		return int(t.Len) * tmpFlat(t.Elem)
	}
	fields, cases, variant := tmpParts(t)
	n := 0
	if variant {
		for _, c := range cases {
			if c != nil {
				n = max(n, tmpFlat(c))
			}
		}
		return n + 1
	}
	if fields == nil {
		return 1
	}
	for _, f := range fields {
		n += tmpFlat(f)
	}
	return n
}
