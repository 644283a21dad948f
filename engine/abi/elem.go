package abi

import "github.com/godwit-runtime/godwit/engine/types"

// Elem moves the elements of streams and futures of one type between components.
// It is immutable.
type Elem struct {
	Type *types.Type // nil when the elements have none
	op   *op
}

// NewElem works out how elements of a type, which may be nil, are moved.
func (cs *Codecs) NewElem(t *types.Type) (*Elem, error) {
	if t == nil {
		return &Elem{}, nil
	}
	if cs.ops == nil {
		cs.ops, cs.layouts = map[*types.Type]*op{}, layouts{}
	}
	o, err := cs.compile(t, 0)
	if err != nil {
		return nil, err
	}
	return &Elem{Type: t, op: o}, nil
}

// MaxBufferLength is the most elements that one read or write is for.
//
// spec: Buffer.MAX_LENGTH
const MaxBufferLength = 1<<28 - 1

// Size is the size of an element in linear memory.
func (e *Elem) Size() uint32 {
	if e.op == nil {
		return 0
	}
	return e.op.size
}

// Scalar reports whether the elements are numbers, or nothing.
//
// spec: none_or_number_type
func (e *Elem) Scalar() bool {
	if e.op == nil {
		return true
	}
	switch e.op.kind {
	case types.U8, types.U16, types.U32, types.U64, types.S8, types.S16, types.S32, types.S64, types.F32, types.F64:
		return true
	}
	return false
}

// Check traps unless n elements at ptr are in memory.
//
// spec: BufferGuestImpl.__init__
func (e *Elem) Check(cx *Context, ptr, n uint32) {
	if n > MaxBufferLength {
		panic(trapf("a buffer of %d elements is longer than the limit of %d", n, MaxBufferLength))
	}
	if e.op != nil && n > 0 {
		cx.checkRange(ofPointer, ptr, uint64(n)*uint64(e.op.size), e.op.align)
	}
}

// copySlice is how many elements are lifted at once: what they take on the host
// is bounded by that, not by the guest.
const copySlice = 1 << 10

// Copy moves n elements from one linear memory to another; both ranges were
// checked.
//
// spec: load_list_from_valid_range, store_list_into_valid_range
func (e *Elem) Copy(dst *Context, to uint32, src *Context, from, n uint32) {
	o := e.op
	if o == nil || n == 0 {
		return
	}
	if e.Scalar() {
		e.copyNumbers(dst.memory()[to:], src.memory()[from:], n)
		return
	}
	for n > 0 {
		k := min(n, copySlice)
		src.lifted = 0
		src.charge(uint64(k) * o.cost)
		o.storeElems(dst, dst.memory(), to, o.loadElems(src, src.memory(), from, k))
		to, from, n = to+k*o.size, from+k*o.size, n-k
	}
}

func (e *Elem) copyNumbers(dst, src []byte, n uint32) {
	size := uint64(n) * uint64(e.op.size)
	copy(dst[:size], src[:size])
	packed{e.op.kind, n, dst[:size]}.canonicalize()
}
