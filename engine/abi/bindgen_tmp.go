package abi

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

func (e ResultError[E]) Error() string { return "the function returned an error" }

func (cx *Context) CheckRange(ptr, size, align uint32) {
	if ptr%align != 0 {
		panic(&Trap{Message: "unaligned pointer"})
	}
	if uint64(ptr)+uint64(size) > uint64(len(cx.Memory.Bytes())) {
		panic(&Trap{Message: "pointer out of bounds of memory"})
	}
}

func (cx *Context) CheckList(ptr, length, size, align uint32) {
	n := uint64(length) * uint64(size)
	if n > 1<<28-1 {
		panic(&Trap{Message: "list is too long"})
	}
	cx.CheckRange(ptr, uint32(n), align)
}

func (cx *Context) Allocate(size, align uint32) uint32 {
	ptr := cx.Realloc.Realloc(cx.Ctx, 0, 0, align, size)
	cx.CheckRange(ptr, size, align)
	return ptr
}

func (cx *Context) AllocateList(n int, size, align uint32) uint32 {
	return cx.Allocate(uint32(n)*size, align)
}

func (cx *Context) ViewBytes(ptr, length uint32) []byte {
	cx.CheckList(ptr, length, 1, 1)
	return cx.Memory.Bytes()[ptr : ptr+length : ptr+length]
}
func (cx *Context) LoadBytes(ptr, length uint32) []byte {
	return append([]byte(nil), cx.ViewBytes(ptr, length)...)
}
func (cx *Context) LoadStringFromRange(ptr, length uint32) string {
	b := cx.ViewBytes(ptr, length)
	if !utf8.Valid(b) {
		panic(&Trap{Message: "invalid utf-8"})
	}
	return string(b)
}
func (cx *Context) allocBytes(s string) uint32 {
	ptr := cx.Allocate(uint32(len(s)), 1)
	copy(cx.Memory.Bytes()[ptr:], s)
	return ptr
}
func (cx *Context) StoreString(ptr uint32, s string) []byte {
	p := cx.allocBytes(s)
	mem := cx.Memory.Bytes()
	binary.LittleEndian.PutUint32(mem[ptr:], p)
	binary.LittleEndian.PutUint32(mem[ptr+4:], uint32(len(s)))
	return mem
}
func (cx *Context) LowerString(stack []uint64, s string) {
	stack[0] = uint64(cx.allocBytes(s))
	stack[1] = uint64(len(s))
}
func (cx *Context) StoreBytes(ptr uint32, s []byte) []byte { return cx.StoreString(ptr, string(s)) }
func (cx *Context) LowerBytes(stack []uint64, s []byte)    { cx.LowerString(stack, string(s)) }

func LiftCase(i, n uint32) uint32 {
	if i >= n {
		panic(&Trap{Message: "invalid discriminant"})
	}
	return i
}
func LowerCase(i, n uint32) uint32 { return LiftCase(i, n) }
func LiftChar(i uint32) rune {
	if i >= 0x110000 || i >= 0xd800 && i <= 0xdfff {
		panic(&Trap{Message: "invalid char"})
	}
	return rune(i)
}
func LowerChar(r rune) uint32 { return uint32(LiftChar(uint32(r))) }
func LiftF32(i uint32) float32 {
	f := math.Float32frombits(i)
	if f != f {
		return math.Float32frombits(0x7fc00000)
	}
	return f
}
func LiftF64(i uint64) float64 {
	f := math.Float64frombits(i)
	if f != f {
		return math.Float64frombits(0x7ff8000000000000)
	}
	return f
}
func LowerF32(f float32) uint32 { return math.Float32bits(LiftF32(math.Float32bits(f))) }
func LowerF64(f float64) uint64 { return math.Float64bits(LiftF64(math.Float64bits(f))) }
func LowerBool(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
