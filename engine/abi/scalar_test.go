package abi

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func TestNaNsAreCanonical(t *testing.T) {
	for _, bits := range []uint32{0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc12345} {
		if got := math.Float32bits(LiftF32(bits)); got != 0x7fc00000 {
			t.Errorf("%#x lifts as %#x", bits, got)
		}
	}
	for _, bits := range []uint64{0x7ff0000000000001, 0xfff8000000000000, math.MaxUint64} {
		if got := math.Float64bits(LiftF64(bits)); got != 0x7ff8000000000000 {
			t.Errorf("%#x lifts as %#x", bits, got)
		}
	}
	for _, bits := range []uint32{0, 1 << 31, 0x7f800000, 0xff800000, 1, 0x3f800000} {
		if got := LowerF32(LiftF32(bits)); got != bits {
			t.Errorf("%#x passes as %#x", bits, got)
		}
	}
	if got := LowerF64(math.Inf(-1)); got != 0xfff0000000000000 {
		t.Errorf("-inf lowers as %#x", got)
	}
}

func TestBitsWithoutALabelAreDropped(t *testing.T) {
	c := mustCodec(t, funcOf(nil, labels(types.Flags, 5)))
	if got, _ := c.LiftParams(&Context{}, []uint64{math.MaxUint64}); got[0] != Flags(31) {
		t.Errorf("flat: %v", got[0])
	}
	m := newFakeMemory(16)
	m.mem[3] = 0xff
	l := mustCodec(t, funcOf(nil, list(labels(types.Flags, 5))))
	if got, _ := l.LiftParams(m.context(UTF8), []uint64{3, 1}); got[0].(List)[0] != Flags(31) {
		t.Errorf("memory: %v", got[0])
	}
}

func TestUpperBitsOfFlatValuesAreIgnored(t *testing.T) {
	const junk = 0xffffffff_00000000
	for name, tt := range map[string]struct {
		t    *types.Type
		bits uint64
		want Value
	}{
		"bool":   {types.TypeBool, junk, false},
		"u8":     {types.TypeU8, junk | 0x1ff, uint8(0xff)},
		"s16":    {types.TypeS16, junk | 0x8000, int16(math.MinInt16)},
		"char":   {types.TypeChar, junk | 'x', Char('x')},
		"f32":    {types.TypeF32, junk | 0x3f800000, float32(1)},
		"enum":   {labels(types.Enum, 2), junk | 1, Variant{Case: 1}},
		"option": {option(types.TypeU32), junk, Variant{}},
	} {
		c := mustCodec(t, funcOf(nil, tt.t))
		if got, _ := c.LiftParams(&Context{}, []uint64{tt.bits, 0}); got[0] != tt.want {
			t.Errorf("%s: %v, want %v", name, got[0], tt.want)
		}
	}
}

func TestListsBetweenComponentsAreCanonical(t *testing.T) {
	le := binary.LittleEndian
	for name, tt := range map[string]struct {
		t    *types.Type
		n    uint64
		put  func(b []byte)
		want func(b []byte) bool
	}{
		"bool": {types.TypeBool, 2, func(b []byte) { b[0], b[1] = 2, 0 }, func(b []byte) bool { return b[0] == 1 && b[1] == 0 }},
		"f32": {types.TypeF32, 1, func(b []byte) { le.PutUint32(b, 0xff812345) },
			func(b []byte) bool { return le.Uint32(b) == 0x7fc00000 }},
		"f64": {types.TypeF64, 1, func(b []byte) { le.PutUint64(b, math.MaxUint64) },
			func(b []byte) bool { return le.Uint64(b) == 0x7ff8000000000000 }},
		"s16": {types.TypeS16, 1, func(b []byte) { le.PutUint16(b, 0x8001) }, func(b []byte) bool { return le.Uint16(b) == 0x8001 }},
	} {
		c := mustCodec(t, funcOf(nil, list(tt.t)))
		from, to := newFakeMemory(64), newFakeMemory(64)
		tt.put(from.mem[8:])
		cx, dst := from.context(UTF8), make([]uint64, 2)
		cx.Between = true
		args, _ := c.LiftParams(cx, []uint64{8, tt.n})
		c.LowerParams(to.context(UTF8), args, dst)
		if dst[1] != tt.n || !tt.want(to.mem[dst[0]:]) {
			t.Errorf("%s: arrives as %x, length %d", name, to.mem[dst[0]:][:8], dst[1])
		}
	}
	m := newFakeMemory(64)
	cx := m.context(UTF8)
	cx.Between = true
	le.PutUint32(m.mem[8:], 0xdfff)
	c := mustCodec(t, funcOf(nil, list(types.TypeChar)))
	wantTrap(t, "invalid `char` bit pattern", func() { c.LiftParams(cx, []uint64{8, 1}) })

	u32s := mustCodec(t, funcOf(nil, list(types.TypeU32)))
	s32s := mustCodec(t, funcOf(nil, list(types.TypeS32)))
	args, _ := u32s.LiftParams(cx, []uint64{8, 1})
	wantTrap(t, "does not fit", func() { s32s.LowerParams(cx, args, make([]uint64, 2)) })
}

func TestUnpairedSurrogatesTrap(t *testing.T) {
	for name, units := range map[string][]uint16{
		"high at the end":  {0x61, 0xd800},
		"high before text": {0xd83c, 0x61},
		"high before high": {0xd83c, 0xd83c, 0xdf70},
		"low first":        {0xdf70, 0xdf70},
		"low after a pair": {0xd83c, 0xdf70, 0xdc00},
	} {
		m := newFakeMemory(64)
		for i, u := range units {
			binary.LittleEndian.PutUint16(m.mem[8+2*i:], u)
		}
		t.Run(name, func(t *testing.T) {
			n := uint32(len(units))
			wantTrap(t, "unpaired surrogate", func() { m.context(UTF16).LoadStringFromRange(8, n) })
			wantTrap(t, "unpaired surrogate", func() { m.context(Latin1UTF16).LoadStringFromRange(8, n|utf16Tag) })
		})
	}
}

func TestEveryLatin1CharacterLifts(t *testing.T) {
	m := newFakeMemory(512)
	want := ""
	for i := range 256 {
		m.mem[8+i] = byte(i)
		want += string(rune(i))
	}
	if got := m.context(Latin1UTF16).LoadStringFromRange(8, 256); got != want {
		t.Errorf("got %q", got)
	}
}
