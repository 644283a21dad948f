package abi

import (
	"math"

	"github.com/godwit-runtime/godwit/engine/types"
)

// MaxValueSize is the largest size of a value in linear memory that validation
// lets pass. Size and FieldOffsets saturate beyond what 32 bits hold.
const MaxValueSize = 1<<28 - 1

// layout is what the canonical ABI makes of a type in linear memory, with
// 32-bit pointers.
type layout struct {
	size  uint64 // saturates at math.MaxUint32
	align uint32
	flat  uint64 // number of flat values, saturates likewise
}

// layouts works out layouts. Types are directed acyclic graphs: without the
// memory of what is done, shared parts would be visited over and over.
type layouts map[*types.Type]layout

func sat(n uint64) uint64 { return min(n, math.MaxUint32) }

func alignTo(n uint64, align uint32) uint64 {
	return (n + uint64(align) - 1) &^ (uint64(align) - 1)
}

// Size is the size of a value of type t in linear memory.
//
// spec: elem_size
func Size(t *types.Type) uint32 { return uint32(make(layouts).of(t).size) }

// Align is the alignment of a value of type t in linear memory.
//
// spec: alignment
func Align(t *types.Type) uint32 { return make(layouts).of(t).align }

// FlatCount is the number of core values that t flattens to, which may be more
// than Flatten returns.
func FlatCount(t *types.Type) int { return int(min(make(layouts).of(t).flat, math.MaxInt32)) }

// FieldOffsets are the offsets of the fields of a record or tuple.
//
// spec: load_record
func FieldOffsets(fields []types.Field) []uint32 { return make(layouts).offsets(fields) }

func (ls layouts) offsets(fields []types.Field) []uint32 {
	offs := make([]uint32, len(fields))
	at := uint64(0)
	for i, f := range fields {
		l := ls.of(f.Type)
		at = sat(alignTo(at, l.align))
		offs[i] = uint32(at)
		at = sat(at + l.size)
	}
	return offs
}

// DiscriminantSize is the size of the discriminant of a variant, enum, option or
// result with n cases.
//
// spec: discriminant_type
func DiscriminantSize(n int) uint32 {
	switch {
	case n <= 1<<8:
		return 1
	case n <= 1<<16:
		return 2
	}
	return 4
}

// PayloadOffset is the offset of the payload of a variant, enum, option or result.
//
// spec: load_variant
func PayloadOffset(t *types.Type) uint32 {
	ls := make(layouts)
	return ls.payload(Payloads(t))
}

func (ls layouts) payload(cases []*types.Type) uint32 {
	align := uint32(1)
	for _, c := range cases {
		if c != nil {
			align = max(align, ls.of(c).align)
		}
	}
	return uint32(alignTo(uint64(DiscriminantSize(len(cases))), align))
}

// FlagsSize is the size of flags with n labels.
//
// spec: elem_size_flags
func FlagsSize(n int) uint32 {
	switch {
	case n <= 8:
		return 1
	case n <= 16:
		return 2
	}
	return 4
}

// Payloads are the payload types of a variant, enum, option or result by case,
// nil where a case has none; nil for any other type.
//
// spec: despecialize
func Payloads(t *types.Type) []*types.Type {
	switch t.Kind {
	case types.Variant:
		cases := make([]*types.Type, len(t.Cases))
		for i, c := range t.Cases {
			cases[i] = c.Type
		}
		return cases
	case types.Enum:
		return make([]*types.Type, len(t.Labels))
	case types.Option:
		return []*types.Type{nil, t.Elem}
	case types.Result:
		return []*types.Type{t.OK, t.Err}
	}
	return nil
}

// of is the layout of t.
//
//godwit:dispatch
func (ls layouts) of(t *types.Type) layout {
	switch t.Kind {
	case types.Bool, types.S8, types.U8:
		return layout{1, 1, 1}
	case types.S16, types.U16:
		return layout{2, 2, 1}
	case types.S32, types.U32, types.F32, types.Char:
		return layout{4, 4, 1}
	case types.S64, types.U64, types.F64:
		return layout{8, 8, 1}
	case types.String, types.List, types.Map:
		return layout{8, 4, 2}
	case types.Flags:
		n := FlagsSize(len(t.Labels))
		return layout{uint64(n), n, 1}
	case types.Enum:
		n := DiscriminantSize(len(t.Labels))
		return layout{uint64(n), n, 1}
	case types.FixedList, types.Record, types.Tuple, types.Variant, types.Option, types.Result:
		l, ok := ls[t]
		if !ok {
			l = ls.composite(t)
			ls[t] = l
		}
		return l
	}
	return layout{4, 4, 1} // handles
}

func (ls layouts) composite(t *types.Type) layout {
	switch t.Kind {
	case types.FixedList:
		e := ls.of(t.Elem)
		return layout{sat(e.size * uint64(t.Len)), e.align, sat(e.flat * uint64(t.Len))}
	case types.Record, types.Tuple:
		return ls.record(t.Fields)
	}
	cases := Payloads(t)
	l := layout{align: DiscriminantSize(len(cases)), flat: 0}
	payload := uint64(ls.payload(cases))
	for _, c := range cases {
		if c != nil {
			p := ls.of(c)
			l.size, l.align, l.flat = max(l.size, p.size), max(l.align, p.align), max(l.flat, p.flat)
		}
	}
	l.size = sat(alignTo(payload+l.size, l.align))
	l.flat = sat(l.flat + 1)
	return l
}

// spec: elem_size_record, alignment_record
func (ls layouts) record(fields []types.Field) layout {
	l := layout{align: 1}
	for _, f := range fields {
		e := ls.of(f.Type)
		l.align = max(l.align, e.align)
		l.size = sat(alignTo(l.size, e.align) + e.size)
		l.flat = sat(l.flat + e.flat)
	}
	l.size = sat(alignTo(l.size, l.align))
	return l
}
