package abi

import (
	"encoding/binary"

	"github.com/godwit-runtime/godwit/engine/types"
)

// load lifts the value at mem[ptr:], which is in bounds and aligned.
//
// spec: load
//
//godwit:dispatch
func (o *op) load(cx *Context, mem []byte, ptr uint32) Value {
	switch o.kind {
	case types.Bool:
		return mem[ptr] != 0
	case types.U8:
		return mem[ptr]
	case types.S8:
		return int8(mem[ptr])
	case types.U16:
		return binary.LittleEndian.Uint16(mem[ptr:])
	case types.S16:
		return int16(binary.LittleEndian.Uint16(mem[ptr:]))
	case types.U64:
		return binary.LittleEndian.Uint64(mem[ptr:])
	case types.S64:
		return int64(binary.LittleEndian.Uint64(mem[ptr:]))
	case types.F64:
		return LiftF64(binary.LittleEndian.Uint64(mem[ptr:]))
	case types.U32, types.S32, types.F32, types.Char,
		types.Own, types.Borrow, types.Stream, types.Future, types.ErrorContext:
		return o.lift32(cx, binary.LittleEndian.Uint32(mem[ptr:]))
	case types.Flags:
		return Flags(loadInt(mem, ptr, o.size) & o.mask)
	case types.String:
		return loadString(cx, binary.LittleEndian.Uint32(mem[ptr:]), binary.LittleEndian.Uint32(mem[ptr+4:]))
	case types.List:
		return o.loadList(cx, binary.LittleEndian.Uint32(mem[ptr:]), binary.LittleEndian.Uint32(mem[ptr+4:]))
	case types.Map:
		return o.loadMap(cx, binary.LittleEndian.Uint32(mem[ptr:]), binary.LittleEndian.Uint32(mem[ptr+4:]))
	case types.FixedList:
		return o.elem.loadElems(cx, mem, ptr, o.t.Len)
	case types.Record, types.Tuple:
		return o.loadRecord(cx, mem, ptr)
	}
	return o.loadVariant(cx, mem, ptr)
}

// lift32 lifts a value of one 32-bit integer.
func (o *op) lift32(cx *Context, i uint32) Value {
	switch o.kind {
	case types.U32:
		return i
	case types.S32:
		return int32(i)
	case types.F32:
		return LiftF32(i)
	case types.Char:
		return Char(LiftChar(i))
	case types.Own:
		rt := o.t.Resource
		return Resource{Type: rt, Own: true, Rep: cx.Handles.LiftOwn(rt, i)}
	case types.Borrow:
		rt := o.t.Resource
		return Resource{Type: rt, Rep: cx.Handles.LiftBorrow(rt, i)}
	}
	return cx.Handles.LiftAsync(o.t, i)
}

// lift lifts the value at the start of stack.
//
// spec: lift_flat
//
//godwit:dispatch
func (o *op) lift(cx *Context, stack []uint64) Value {
	switch o.kind {
	case types.Bool:
		return uint32(stack[0]) != 0
	case types.U8:
		return uint8(stack[0])
	case types.S8:
		return int8(stack[0])
	case types.U16:
		return uint16(stack[0])
	case types.S16:
		return int16(stack[0])
	case types.U64:
		return stack[0]
	case types.S64:
		return int64(stack[0])
	case types.F64:
		return LiftF64(stack[0])
	case types.U32, types.S32, types.F32, types.Char,
		types.Own, types.Borrow, types.Stream, types.Future, types.ErrorContext:
		return o.lift32(cx, uint32(stack[0]))
	case types.Flags:
		return Flags(uint32(stack[0]) & o.mask)
	case types.String:
		return loadString(cx, uint32(stack[0]), uint32(stack[1]))
	case types.List:
		return o.loadList(cx, uint32(stack[0]), uint32(stack[1]))
	case types.Map:
		return o.loadMap(cx, uint32(stack[0]), uint32(stack[1]))
	case types.FixedList:
		l := make(List, o.t.Len)
		for i := range l {
			l[i] = o.elem.lift(cx, stack[i*o.elem.flat:])
		}
		return l
	case types.Record, types.Tuple:
		r := make(Record, len(o.fields))
		for i := range o.fields {
			f := &o.fields[i]
			r[i] = f.op.lift(cx, stack[f.flatAt:])
		}
		return r
	}
	i := LiftCase(uint32(stack[0]), uint32(len(o.cases)))
	if c := o.cases[i]; c != nil {
		return Variant{Case: i, Payload: c.lift(cx, stack[1:])}
	}
	return o.bareCase(i)
}

// loadInt loads an unsigned integer of 1, 2 or 4 bytes.
//
// spec: load_int
func loadInt(mem []byte, ptr, size uint32) uint32 {
	switch size {
	case 1:
		return uint32(mem[ptr])
	case 2:
		return uint32(binary.LittleEndian.Uint16(mem[ptr:]))
	}
	return binary.LittleEndian.Uint32(mem[ptr:])
}

func loadString(cx *Context, ptr, taggedCodeUnits uint32) Value {
	s := cx.LoadStringFromRange(ptr, taggedCodeUnits)
	if cx.Between {
		return encodedString{s, cx.Encoding, taggedCodeUnits}
	}
	return s
}

// spec: load_list_from_range
func (o *op) loadList(cx *Context, ptr, length uint32) Value {
	e := o.elem
	if e.kind == types.U8 {
		return cx.LoadBytes(ptr, length)
	}
	if cx.Between && packable(e.kind) {
		return loadPacked(cx, e, ptr, length)
	}
	mem := cx.checkList(ptr, length, e.size, e.align)
	cx.charge(uint64(length) * e.cost)
	return e.loadElems(cx, mem, ptr, length)
}

func (o *op) loadMap(cx *Context, ptr, length uint32) Value {
	e := o.elem
	mem := cx.checkList(ptr, length, e.size, e.align)
	cx.charge(uint64(length) * e.cost)
	m := make(Map, length)
	key, val := &e.fields[0], &e.fields[1]
	for i := range m {
		m[i].Key = key.op.load(cx, mem, ptr+key.offset)
		m[i].Value = val.op.load(cx, mem, ptr+val.offset)
		ptr += e.size
	}
	return m
}

// loadElems lifts length values of type o that lie one behind the other.
//
// spec: load_list_from_valid_range
func (o *op) loadElems(cx *Context, mem []byte, ptr, length uint32) List {
	l := make(List, length)
	if loadScalars(l, mem[ptr:], o.kind) {
		return l
	}
	for i := range l {
		l[i] = o.load(cx, mem, ptr)
		ptr += o.size
	}
	return l
}

// loadScalars is the fast path for lists of numbers. It reports whether kind is one.
//
//godwit:dispatch
func loadScalars(l List, b []byte, kind types.Kind) bool {
	le := binary.LittleEndian
	switch kind {
	case types.Bool:
		for i := range l {
			l[i] = b[i] != 0
		}
	case types.U8:
		for i := range l {
			l[i] = b[i]
		}
	case types.S8:
		for i := range l {
			l[i] = int8(b[i])
		}
	case types.U16:
		for i := range l {
			l[i] = le.Uint16(b[2*i:])
		}
	case types.S16:
		for i := range l {
			l[i] = int16(le.Uint16(b[2*i:]))
		}
	case types.U32:
		for i := range l {
			l[i] = le.Uint32(b[4*i:])
		}
	case types.S32:
		for i := range l {
			l[i] = int32(le.Uint32(b[4*i:]))
		}
	case types.F32:
		for i := range l {
			l[i] = LiftF32(le.Uint32(b[4*i:]))
		}
	case types.U64:
		for i := range l {
			l[i] = le.Uint64(b[8*i:])
		}
	case types.S64:
		for i := range l {
			l[i] = int64(le.Uint64(b[8*i:]))
		}
	case types.F64:
		for i := range l {
			l[i] = LiftF64(le.Uint64(b[8*i:]))
		}
	default:
		return false
	}
	return true
}

// spec: load_record
func (o *op) loadRecord(cx *Context, mem []byte, ptr uint32) Value {
	r := make(Record, len(o.fields))
	for i := range o.fields {
		f := &o.fields[i]
		r[i] = f.op.load(cx, mem, ptr+f.offset)
	}
	return r
}

// spec: load_variant
func (o *op) loadVariant(cx *Context, mem []byte, ptr uint32) Value {
	i := LiftCase(loadInt(mem, ptr, o.discriminant), uint32(len(o.cases)))
	if c := o.cases[i]; c != nil {
		return Variant{Case: i, Payload: c.load(cx, mem, ptr+o.payload)}
	}
	return o.bareCase(i)
}

func (o *op) bareCase(i uint32) Value {
	if int(i) < len(o.bare) {
		return o.bare[i]
	}
	return Variant{Case: i}
}
