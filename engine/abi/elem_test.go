package abi

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func newElem(t *testing.T, ty *types.Type) *Elem {
	t.Helper()
	e, err := new(Codecs).NewElem(ty)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestElementsAreMovedAsTheyAreLiftedAndLowered(t *testing.T) {
	le := binary.LittleEndian
	nan := le.AppendUint32(nil, 0x7fffffff)
	for _, c := range []struct {
		name     string
		of       *types.Type
		in, want []byte
		n        uint32
	}{
		{"nothing", nil, []byte{1, 2}, []byte{0, 0}, 2},
		{"bytes", types.TypeU8, []byte{1, 2, 3}, []byte{1, 2, 0}, 2},
		{"words", types.TypeU16, []byte{1, 2, 3, 4}, []byte{1, 2, 3, 4}, 2},
		{"floats that are no number", types.TypeF32, nan, le.AppendUint32(nil, 0x7fc00000), 1},
		{"doubles", types.TypeF64, le.AppendUint64(nil, math.Float64bits(1.5)), le.AppendUint64(nil, math.Float64bits(1.5)), 1},
		{"booleans", types.TypeBool, []byte{0, 7}, []byte{0, 1}, 2},
		{"flags", &types.Type{Kind: types.Flags, Labels: []string{"a", "b"}}, []byte{0xff}, []byte{3}, 1},
		{"more than are lifted at once", types.TypeBool, threes(5000), []byte(strings.Repeat("\x01", 5000)), 5000},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := &Context{Memory: &fakeMemory{mem: c.in}, Between: true}
			out := make([]byte, len(c.want))
			dst := &Context{Memory: &fakeMemory{mem: out}, Between: true}
			e := newElem(t, c.of)
			e.Check(src, 0, c.n)
			e.Check(dst, 0, c.n)
			e.Copy(dst, 0, src, 0, c.n)
			if string(out) != string(c.want) {
				t.Errorf("got %x, want %x", out, c.want)
			}
		})
	}
}

// threes is n bytes, each of them 3.
func threes(n int) []byte { return []byte(strings.Repeat("\x03", n)) }

// What is lifted at once is bounded, however many elements there are.
func TestElementsAreLiftedInSlices(t *testing.T) {
	const n = 1 << 20
	e := newElem(t, types.TypeBool)
	src := &Context{Memory: &fakeMemory{mem: threes(n)}, LiftLimit: copySlice * e.op.cost}
	dst := &Context{Memory: &fakeMemory{mem: make([]byte, n)}}
	e.Copy(dst, 0, src, 0, n)
	if b := dst.Memory.Bytes(); b[n-1] != 1 {
		t.Errorf("the last element is %d", b[n-1])
	}
}

func TestBuffersAreInMemory(t *testing.T) {
	for _, c := range []struct {
		name   string
		of     *types.Type
		ptr, n uint32
		want   string // "": it is
	}{
		{"all of it", types.TypeU32, 0, 2, ""},
		{"nothing at the end", types.TypeU32, 8, 0, ""},
		{"nothing, anywhere", types.TypeU32, 0xffffffff, 0, ""},
		{"elements without a type, anywhere", nil, 0xffffffff, 5, ""},
		{"beyond the end", types.TypeU32, 4, 2, "out of bounds"},
		{"beyond 32 bits", types.TypeU64, 0xfffffff8, MaxBufferLength, "out of bounds"},
		{"unaligned", types.TypeU32, 2, 1, "unaligned"},
		{"too long", types.TypeU8, 0, MaxBufferLength + 1, "longer than the limit"},
		{"too long, without a type", nil, 0, MaxBufferLength + 1, "longer than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				trap, _ := recover().(*Trap)
				switch {
				case c.want == "" && trap != nil, c.want != "" && (trap == nil || !strings.Contains(trap.Message, c.want)):
					t.Errorf("got %v, want %q", trap, c.want)
				}
			}()
			newElem(t, c.of).Check(&Context{Memory: &fakeMemory{mem: make([]byte, 8)}}, c.ptr, c.n)
		})
	}
}
