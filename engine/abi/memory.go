package abi

import "encoding/binary"

// Limits of the spec on what one string or list takes in linear memory.
const (
	MaxStringByteLength = 1<<28 - 1 // spec: MAX_STRING_BYTE_LENGTH
	MaxListByteLength   = 1<<28 - 1 // spec: MAX_LIST_BYTE_LENGTH
)

// memory returns the linear memory; it traps when the options name none.
func (cx *Context) memory() []byte {
	if cx.Memory == nil {
		panic(trapNoMemory)
	}
	return cx.Memory.Bytes()
}

// CheckRange traps unless [ptr, ptr+size) is in memory and ptr is aligned: the
// check of spilled parameters and of a return pointer.
//
// spec: lift_flat_values, lower_flat_values
func (cx *Context) CheckRange(ptr, size, align uint32) {
	cx.checkRange(ofPointer, ptr, uint64(size), align)
}

func (cx *Context) checkRange(of rangeOf, ptr uint32, size uint64, align uint32) []byte {
	mem := cx.memory()
	if ptr&(align-1) != 0 {
		panic(trapUnaligned[cx.side()])
	}
	if uint64(ptr)+size > uint64(len(mem)) {
		panic(trapOutOfBounds[of][cx.side()])
	}
	return mem
}

// goPerByte is how much larger a lifted element is taken to be as a Go value
// than in linear memory, for the LiftLimit: the Go struct of a variant has a
// field per case.
const goPerByte = 4

// CheckList is the check of load_list_from_range for elements of a size and
// alignment. What the elements will take as Go values is charged.
//
// spec: load_list_from_range
func (cx *Context) CheckList(ptr, length, size, align uint32) {
	cx.checkList(ptr, length, size, align)
	cx.charge(uint64(length) * uint64(max(size, 1)) * goPerByte)
}

// checkList returns the linear memory, in which the list lies.
func (cx *Context) checkList(ptr, length, size, align uint32) []byte {
	n := uint64(length) * uint64(size)
	if n > MaxListByteLength {
		panic(trapf("list of %d bytes is longer than the limit of %d", n, MaxListByteLength))
	}
	return cx.checkRange(ofList, ptr, n, align)
}

// Allocate calls realloc for a fresh range and checks what it returns. Slices of
// memory from before are invalid afterwards.
//
// spec: LiftLowerContext.allocate
func (cx *Context) Allocate(size, align uint32) uint32 {
	return cx.reallocate(ofPointer, 0, 0, align, size)
}

// AllocateList allocates the elements of a list that is lowered.
//
// spec: store_list_into_range
func (cx *Context) AllocateList(n int, size, align uint32) uint32 {
	bytes := uint64(n) * uint64(size)
	if bytes > MaxListByteLength {
		panic(trapf("list of %d bytes is longer than the limit of %d", bytes, MaxListByteLength))
	}
	return cx.reallocate(ofList, 0, 0, align, uint32(bytes))
}

// reallocate calls realloc and checks the range that it returns.
//
// spec: LiftLowerContext.reallocate
func (cx *Context) reallocate(of rangeOf, old, oldSize, align, newSize uint32) uint32 {
	if cx.Realloc == nil {
		panic(trapNoRealloc)
	}
	ptr := cx.Realloc.Realloc(cx.Ctx, old, oldSize, align, newSize)
	if ptr&(align-1) != 0 {
		panic(trapReallocUnaligned[cx.side()])
	}
	if uint64(ptr)+uint64(newSize) > uint64(len(cx.memory())) {
		panic(trapReallocOutOfBounds[of][cx.side()])
	}
	return ptr
}

// ViewBytes lifts a list<u8> without a copy. The slice is invalid after
// anything that can run guest code; it must not be kept.
func (cx *Context) ViewBytes(ptr, length uint32) []byte {
	mem := cx.checkList(ptr, length, 1, 1)
	end := uint64(ptr) + uint64(length)
	return mem[ptr:end:end]
}

// LoadBytes lifts a list<u8>.
//
// spec: load_list_from_range
func (cx *Context) LoadBytes(ptr, length uint32) []byte {
	b := cx.ViewBytes(ptr, length)
	cx.charge(uint64(length))
	return append(make([]byte, 0, length), b...)
}

// StoreBytes lowers a list<u8> and stores its pointer and length at ptr. It
// returns the linear memory, which the allocation may have moved.
//
// spec: store_list
func (cx *Context) StoreBytes(ptr uint32, b []byte) []byte {
	begin := cx.allocBytes(b)
	mem := cx.Memory.Bytes()
	storePair(mem, ptr, begin, uint32(len(b)))
	return mem
}

// LowerBytes lowers a list<u8> to two flat values.
//
// spec: lower_flat_list
func (cx *Context) LowerBytes(stack []uint64, b []byte) {
	stack[0] = uint64(cx.allocBytes(b))
	stack[1] = uint64(len(b))
}

// spec: store_list_into_range
func (cx *Context) allocBytes(b []byte) uint32 {
	ptr := cx.AllocateList(len(b), 1, 1)
	copy(cx.Memory.Bytes()[ptr:], b)
	return ptr
}

// storePair stores the pointer and length of a string or list.
func storePair(mem []byte, ptr, begin, length uint32) {
	binary.LittleEndian.PutUint32(mem[ptr:], begin)
	binary.LittleEndian.PutUint32(mem[ptr+4:], length)
}
