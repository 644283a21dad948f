package abi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func benchContext(b *testing.B) (*fakeMemory, *Context) {
	b.Helper()
	m := newFakeMemory(8 << 20)
	m.reallocs = make([][4]uint32, 0, 1<<20)
	return m, m.context(UTF8)
}

func benchValues() []struct {
	name  string
	t     *types.Type
	v     Value
	bytes int64
} {
	text := strings.Repeat("sixteen bytes ok", 64)
	u32s, strs, recs := make(List, 1024), make(List, 256), make(List, 256)
	for i := range u32s {
		u32s[i] = uint32(i << 8)
	}
	for i := range strs {
		strs[i] = text[:16]
		recs[i] = Record{text[:16], uint64(i) << 20, Variant{1, uint32(i) << 10}}
	}
	return []struct {
		name  string
		t     *types.Type
		v     Value
		bytes int64
	}{
		{"u32", types.TypeU32, uint32(1 << 20), 4},
		{"string16", types.TypeString, text[:16], 16},
		{"string1K", types.TypeString, text, 1024},
		{"bytes64K", list(types.TypeU8), make([]byte, 64<<10), 64 << 10},
		{"list1024u32", list(types.TypeU32), u32s, 4096},
		{"list256string16", list(types.TypeString), strs, 256 * 24},
		{"list256record", list(recordOf(types.TypeString, types.TypeU64, option(types.TypeU32))), recs, 256 * 40},
	}
}

func BenchmarkLower(b *testing.B) {
	for _, bb := range benchValues() {
		b.Run(bb.name, func(b *testing.B) {
			m, cx := benchContext(b)
			c := mustCodec(b, funcOf(nil, bb.t))
			args, stack := []Value{bb.v}, make([]uint64, 16)
			b.SetBytes(bb.bytes)
			b.ReportAllocs()
			for b.Loop() {
				m.next, m.reallocs = 16, m.reallocs[:0]
				c.LowerParams(cx, args, stack)
			}
		})
	}
}

func BenchmarkLift(b *testing.B) {
	for _, between := range []bool{false, true} {
		for _, bb := range benchValues() {
			b.Run(fmt.Sprintf("%s/between=%v", bb.name, between), func(b *testing.B) {
				_, cx := benchContext(b)
				c := mustCodec(b, funcOf(nil, bb.t))
				stack := make([]uint64, 16)
				c.LowerParams(cx, []Value{bb.v}, stack)
				cx.Between = between
				b.SetBytes(bb.bytes)
				b.ReportAllocs()
				for b.Loop() {
					cx.lifted = 0
					c.LiftParams(cx, stack)
				}
			})
		}
	}
}

// BenchmarkStatic is the same work by the primitives that generated code calls.
func BenchmarkStatic(b *testing.B) {
	text := strings.Repeat("sixteen bytes ok", 64)
	m, cx := benchContext(b)
	stack := make([]uint64, 2)
	reset := func() { m.next, m.reallocs, cx.lifted = 16, m.reallocs[:0], 0 }
	var sink int
	for name, f := range map[string]func(){
		"lower/string16": func() { cx.LowerString(stack, text[:16]) },
		"lower/string1K": func() { cx.LowerString(stack, text) },
		"lift/string16":  func() { sink += len(cx.LoadStringFromRange(16, 16)) },
		"lift/bytes64K":  func() { sink += len(cx.LoadBytes(16, 64<<10)) },
		"view/bytes64K":  func() { sink += len(cx.ViewBytes(16, 64<<10)) },
		"lift/list1024u32": func() {
			sink += len(loadSizes(cx, 16, 1024))
		},
	} {
		b.Run(name, func(b *testing.B) {
			reset()
			cx.LowerString(stack, text[:16])
			clear(m.mem[32:])
			b.ReportAllocs()
			for b.Loop() {
				reset()
				f()
			}
		})
	}
}

// BenchmarkCopy is the floor: allocating and copying.
func BenchmarkCopy(b *testing.B) {
	for _, n := range []int{16, 1024, 4096, 64 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				_ = append(make([]byte, 0, n), src...)
			}
		})
	}
}
