package abi

import (
	"encoding/binary"

	"github.com/godwit-runtime/godwit/engine/types"
)

// store lowers v to mem[ptr:], which is in bounds and aligned. It returns the
// linear memory, which realloc may have moved.
//
// spec: store
//
//godwit:dispatch
func (o *op) store(cx *Context, mem []byte, ptr uint32, v Value) []byte {
	switch o.kind {
	case types.String:
		begin, length := storeString(cx, v)
		mem = cx.Memory.Bytes()
		storePair(mem, ptr, begin, length)
	case types.List:
		begin, length := o.storeList(cx, v)
		mem = cx.Memory.Bytes()
		storePair(mem, ptr, begin, length)
	case types.Map:
		begin, length := o.storeMap(cx, v)
		mem = cx.Memory.Bytes()
		storePair(mem, ptr, begin, length)
	case types.FixedList:
		l, ok := v.(List)
		if !ok || len(l) != int(o.t.Len) {
			panic(cx.mismatch())
		}
		return o.elem.storeElems(cx, mem, ptr, l)
	case types.Record, types.Tuple:
		return o.storeRecord(cx, mem, ptr, v)
	case types.Variant, types.Enum, types.Option, types.Result:
		return o.storeVariant(cx, mem, ptr, v)
	default:
		storeInt(mem, ptr, o.size, o.bits(cx, v))
	}
	return mem
}

// storeInt stores an unsigned integer of 1, 2, 4 or 8 bytes.
//
// spec: store_int
func storeInt(mem []byte, ptr, size uint32, i uint64) {
	switch size {
	case 1:
		mem[ptr] = byte(i)
	case 2:
		binary.LittleEndian.PutUint16(mem[ptr:], uint16(i))
	case 4:
		binary.LittleEndian.PutUint32(mem[ptr:], uint32(i))
	default:
		binary.LittleEndian.PutUint64(mem[ptr:], i)
	}
}

// bits lowers a value of one flat value. Signed integers of up to 32 bits are
// extended to 32, as lower_flat_signed has it.
//
//godwit:dispatch
func (o *op) bits(cx *Context, v Value) uint64 {
	switch o.kind {
	case types.Bool:
		if x, ok := v.(bool); ok {
			return uint64(LowerBool(x))
		}
	case types.U8:
		if x, ok := v.(uint8); ok {
			return uint64(x)
		}
	case types.S8:
		if x, ok := v.(int8); ok {
			return uint64(uint32(x))
		}
	case types.U16:
		if x, ok := v.(uint16); ok {
			return uint64(x)
		}
	case types.S16:
		if x, ok := v.(int16); ok {
			return uint64(uint32(x))
		}
	case types.U32:
		if x, ok := v.(uint32); ok {
			return uint64(x)
		}
	case types.S32:
		if x, ok := v.(int32); ok {
			return uint64(uint32(x))
		}
	case types.U64:
		if x, ok := v.(uint64); ok {
			return x
		}
	case types.S64:
		if x, ok := v.(int64); ok {
			return uint64(x)
		}
	case types.F32:
		if x, ok := v.(float32); ok {
			return uint64(LowerF32(x))
		}
	case types.F64:
		if x, ok := v.(float64); ok {
			return LowerF64(x)
		}
	case types.Char:
		if x, ok := v.(Char); ok && isScalarValue(uint32(x)) {
			return uint64(x)
		}
	case types.Flags:
		if x, ok := v.(Flags); ok && uint32(x)&^o.mask == 0 {
			return uint64(x)
		}
	case types.Own:
		if x, ok := v.(Resource); ok && x.Own && x.Type == o.t.Resource {
			return uint64(cx.Handles.LowerOwn(x.Type, x.Rep))
		}
	case types.Borrow:
		if x, ok := v.(Resource); ok && x.Type == o.t.Resource {
			return uint64(cx.Handles.LowerBorrow(x.Type, x.Rep))
		}
	case types.Stream, types.Future, types.ErrorContext:
		if v != nil {
			return uint64(cx.Handles.LowerAsync(o.t, v))
		}
	}
	panic(cx.mismatch())
}

// lower lowers v to the start of stack.
//
// spec: lower_flat
func (o *op) lower(cx *Context, stack []uint64, v Value) {
	switch o.kind {
	case types.String:
		stack[0], stack[1] = pair(storeString(cx, v))
	case types.List:
		stack[0], stack[1] = pair(o.storeList(cx, v))
	case types.Map:
		stack[0], stack[1] = pair(o.storeMap(cx, v))
	case types.FixedList:
		l, ok := v.(List)
		if !ok || len(l) != int(o.t.Len) {
			panic(cx.mismatch())
		}
		for i := range l {
			o.elem.lower(cx, stack[i*o.elem.flat:], l[i])
		}
	case types.Record, types.Tuple:
		r, ok := v.(Record)
		if !ok || len(r) != len(o.fields) {
			panic(cx.mismatch())
		}
		for i := range o.fields {
			f := &o.fields[i]
			f.op.lower(cx, stack[f.flatAt:], r[i])
		}
	case types.Variant, types.Enum, types.Option, types.Result:
		x, c := o.matchCase(cx, v)
		stack[0] = uint64(x.Case)
		used := 1
		if c != nil {
			c.lower(cx, stack[1:], x.Payload)
			used += c.flat
		}
		clear(stack[used:o.flat])
	default:
		stack[0] = o.bits(cx, v)
	}
}

func pair(ptr, length uint32) (uint64, uint64) { return uint64(ptr), uint64(length) }

// spec: match_case
func (o *op) matchCase(cx *Context, v Value) (Variant, *op) {
	x, ok := v.(Variant)
	if !ok || uint64(x.Case) >= uint64(len(o.cases)) {
		panic(cx.mismatch())
	}
	c := o.cases[x.Case]
	if c == nil && x.Payload != nil {
		panic(cx.mismatch())
	}
	return x, c
}

func storeString(cx *Context, v Value) (ptr, taggedCodeUnits uint32) {
	switch s := v.(type) {
	case string:
		return cx.allocString(s)
	case encodedString:
		return cx.storeStringIntoRange(s)
	}
	panic(cx.mismatch())
}

// spec: store_list_into_range
func (o *op) storeList(cx *Context, v Value) (ptr, length uint32) {
	e := o.elem
	switch l := v.(type) {
	case []byte:
		if e.kind == types.U8 {
			return cx.allocBytes(l), uint32(len(l))
		}
	case packed:
		if e.kind == l.kind {
			ptr = cx.AllocateList(int(l.length), e.size, e.align)
			copy(cx.Memory.Bytes()[ptr:], l.data)
			return ptr, l.length
		}
	case List:
		if e.kind != types.U8 {
			ptr = cx.AllocateList(len(l), e.size, e.align)
			e.storeElems(cx, cx.Memory.Bytes(), ptr, l)
			return ptr, uint32(len(l))
		}
	}
	panic(cx.mismatch())
}

func (o *op) storeMap(cx *Context, v Value) (ptr, length uint32) {
	m, ok := v.(Map)
	if !ok {
		panic(cx.mismatch())
	}
	e := o.elem
	key, val := &e.fields[0], &e.fields[1]
	ptr = cx.AllocateList(len(m), e.size, e.align)
	mem, at := cx.Memory.Bytes(), ptr
	for i := range m {
		mem = key.op.store(cx, mem, at+key.offset, m[i].Key)
		mem = val.op.store(cx, mem, at+val.offset, m[i].Value)
		at += e.size
	}
	return ptr, uint32(len(m))
}

// storeElems lowers values of type o one behind the other.
//
// spec: store_list_into_valid_range
func (o *op) storeElems(cx *Context, mem []byte, ptr uint32, l List) []byte {
	switch o.kind {
	case types.U32:
		storeU32s(cx, mem[ptr:], l)
		return mem
	case types.U64:
		storeU64s(cx, mem[ptr:], l)
		return mem
	case types.F64:
		storeF64s(cx, mem[ptr:], l)
		return mem
	}
	for i := range l {
		mem = o.store(cx, mem, ptr, l[i])
		ptr += o.size
	}
	return mem
}

func storeU32s(cx *Context, b []byte, l List) {
	for i, v := range l {
		x, ok := v.(uint32)
		if !ok {
			panic(cx.mismatch())
		}
		binary.LittleEndian.PutUint32(b[4*i:], x)
	}
}

func storeU64s(cx *Context, b []byte, l List) {
	for i, v := range l {
		x, ok := v.(uint64)
		if !ok {
			panic(cx.mismatch())
		}
		binary.LittleEndian.PutUint64(b[8*i:], x)
	}
}

func storeF64s(cx *Context, b []byte, l List) {
	for i, v := range l {
		x, ok := v.(float64)
		if !ok {
			panic(cx.mismatch())
		}
		binary.LittleEndian.PutUint64(b[8*i:], LowerF64(x))
	}
}

// spec: store_record
func (o *op) storeRecord(cx *Context, mem []byte, ptr uint32, v Value) []byte {
	r, ok := v.(Record)
	if !ok || len(r) != len(o.fields) {
		panic(cx.mismatch())
	}
	for i := range o.fields {
		f := &o.fields[i]
		mem = f.op.store(cx, mem, ptr+f.offset, r[i])
	}
	return mem
}

// spec: store_variant
func (o *op) storeVariant(cx *Context, mem []byte, ptr uint32, v Value) []byte {
	x, c := o.matchCase(cx, v)
	storeInt(mem, ptr, o.discriminant, uint64(x.Case))
	if c != nil {
		return c.store(cx, mem, ptr+o.payload, x.Payload)
	}
	return mem
}
