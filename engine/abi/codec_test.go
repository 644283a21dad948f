package abi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func TestTrapsHaveTheWordingOfTheOfficialSuite(t *testing.T) {
	str := mustCodec(t, funcOf(types.TypeString, types.TypeString))
	u32s := mustCodec(t, funcOf(list(types.TypeU32), list(types.TypeU32)))
	u8s := mustCodec(t, funcOf(nil, list(types.TypeU8)))
	char := mustCodec(t, funcOf(nil, types.TypeChar))
	enum := mustCodec(t, funcOf(nil, labels(types.Enum, 3)))
	lift := func(c *Codec, stack ...uint64) func(*Context) {
		return func(cx *Context) { c.LiftParams(cx, append(stack, 0)) }
	}
	lower := func(c *Codec, v Value) func(*Context) {
		return func(cx *Context) { c.LowerParams(cx, []Value{v}, make([]uint64, 2)) }
	}
	realloc := func(answer uint32) func(size, align uint32) uint32 {
		return func(_, _ uint32) uint32 { return answer }
	}
	for _, tt := range []struct {
		name     string
		between  bool
		encoding Encoding
		realloc  func(size, align uint32) uint32
		do       func(*Context)
		want     string
	}{
		{"string out of bounds with length 0", false, UTF8, nil, lift(str, 0xdeadbeef, 0), "string pointer/length out of bounds of memory"},
		{"string length out of bounds", false, UTF8, nil, lift(str, 65535, 2), "string pointer/length out of bounds of memory"},
		{"string out of bounds between components", true, UTF8, nil, lift(str, 0x80000000, 1), "string content out-of-bounds"},
		{"utf-16 string unaligned", true, UTF16, nil, lift(str, 1, 0), "unaligned pointer"},
		{"latin-1 string unaligned", true, Latin1UTF16, nil, lift(str, 1, 0), "unaligned pointer"},
		{"tagged string unaligned", true, Latin1UTF16, nil, lift(str, 1, 0x80000000), "unaligned pointer"},
		{"list unaligned", false, UTF8, nil, lift(u32s, 2, 1), "unaligned pointer"},
		{"invalid utf-8", false, UTF8, nil, lift(str, 100, 1), "invalid utf-8"},
		{"truncated utf-8", false, UTF8, nil, lift(str, 8, 1), "incomplete utf-8 byte sequence"},
		{"char in the surrogates", false, UTF8, nil, lift(char, 0xd800), "invalid `char` bit pattern"},
		{"char beyond the last", false, UTF8, nil, lift(char, 0x110000), "invalid `char` bit pattern"},
		{"enum out of range", false, UTF8, nil, lift(enum, 3), "invalid variant discriminant"},
		{"realloc between components out of bounds with size 0", true, UTF8, realloc(math.MaxUint32), lower(u8s, []byte{}), "wasm trap: list content out-of-bounds"},
		{"realloc between components unaligned", true, UTF8, realloc(2), lower(u32s, List{uint32(1)}), "wasm trap: unaligned pointer"},
		{"realloc out of bounds", false, UTF8, realloc(math.MaxUint32 - 3), lower(u32s, List{uint32(1)}), "realloc return: beyond end of memory"},
		{"realloc out of bounds with size 0", false, UTF8, realloc(math.MaxUint32 - 3), lower(u32s, List{}), "realloc return: beyond end of memory"},
		{"realloc unaligned before out of bounds", false, UTF8, realloc(math.MaxUint32), lower(u32s, List{}), "realloc return: result not aligned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newFakeMemory(65536)
			m.mem[8], m.mem[100] = 0xc3, 0xff
			m.answer = tt.realloc
			cx := m.context(tt.encoding)
			cx.Between = tt.between
			wantTrap(t, tt.want, func() { tt.do(cx) })
		})
	}
}

func TestValuesOfAWrongGoTypeAreLocated(t *testing.T) {
	rt, other := &types.Resource{Name: "file"}, &types.Resource{Name: "socket"}
	own := &types.Type{Kind: types.Own, Resource: rt}
	rec := recordOf(types.TypeBool, list(tupleOf(types.TypeString, types.TypeU8)))
	good := Record{true, List{Record{"a", uint8(1)}}}
	for _, tt := range []struct {
		name string
		t    *types.Type
		v    Value
		path string
	}{
		{"nil", types.TypeU32, nil, `parameter "p0"`},
		{"int instead of uint32", types.TypeU32, 3, `parameter "p0"`},
		{"a tuple in a list in a record", rec, Record{true, List{good[1].(List)[0], Record{"b", "c"}}}, `parameter "p0", field l1, element 1, element 1`},
		{"too few fields", rec, Record{true}, `parameter "p0"`},
		{"case out of range", option(types.TypeU8), Variant{Case: 2}, `parameter "p0"`},
		{"payload missing", option(types.TypeU8), Variant{Case: 1}, `parameter "p0", case some`},
		{"payload where none is", option(types.TypeU8), Variant{Payload: uint8(1)}, `parameter "p0", case none`},
		{"wrong length of a fixed list", fixed(types.TypeU8, 2), List{uint8(1)}, `parameter "p0"`},
		{"element of a list of numbers", list(types.TypeU64), List{uint64(1), uint32(1)}, `parameter "p0", element 1`},
		{"flags without a label", labels(types.Flags, 3), Flags(8), `parameter "p0"`},
		{"char in the surrogates", types.TypeChar, Char(0xdc00), `parameter "p0"`},
		{"map value", mapOf(types.TypeU8, types.TypeU8), Map{{uint8(1), "x"}}, `parameter "p0", value of entry 0`},
		{"resource of another type", own, Resource{Type: other, Own: true}, `parameter "p0"`},
		{"borrow for an own", own, Resource{Type: rt}, `parameter "p0"`},
		{"list for bytes", list(types.TypeU8), List{uint8(1)}, `parameter "p0"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustCodec(t, funcOf(tt.t, tt.t))
			if got := valueError(t, c.CheckParams([]Value{tt.v})); got.Path != tt.path {
				t.Errorf("path %q, want %q", got.Path, tt.path)
			}
			m := newFakeMemory(4096)
			tr := trapOf(func() { c.LowerParams(m.context(UTF8), []Value{tt.v}, make([]uint64, 16)) })
			if tr == nil {
				t.Fatal("no trap")
			}
			if got := valueError(t, tr); got.Path != tt.path {
				t.Errorf("trap's path %q, want %q", got.Path, tt.path)
			}
			tr = trapOf(func() { c.LowerResult(m.context(UTF8), tt.v, make([]uint64, 16), 16) })
			want := strings.Replace(tt.path, `parameter "p0"`, "result", 1)
			if tr == nil || valueError(t, tr).Path != want {
				t.Errorf("trap of result %v, want path %q", tr, want)
			}
		})
	}
	c := mustCodec(t, funcOf(nil, types.TypeU8))
	if valueError(t, c.CheckParams(nil)).Path != "arguments" || c.CheckResult(1) == nil {
		t.Error("a wrong number of arguments or an unexpected result passes")
	}
}

func TestHandlesPassThroughTheTable(t *testing.T) {
	rt := &types.Resource{Name: "file"}
	own, borrow := &types.Type{Kind: types.Own, Resource: rt}, &types.Type{Kind: types.Borrow, Resource: rt}
	stream := &types.Type{Kind: types.Stream, Elem: types.TypeU8}
	c := mustCodec(t, funcOf(nil, own, list(borrow), stream))
	m := newFakeMemory(4096)
	stack := make([]uint64, 4)
	args := []Value{
		Resource{Type: rt, Own: true, Rep: Rep{Number: 4}},
		List{Resource{Type: rt, Rep: Rep{Number: 6}}, Resource{Type: rt, Own: true, Rep: Rep{Number: 7}}},
		"end 9",
	}
	c.LowerParams(m.context(UTF8), args, stack)
	if stack[0] != 5 || stack[3] != 9 || binary.LittleEndian.Uint32(m.mem[16:]) != 7 {
		t.Errorf("stack %v", stack)
	}
	back, _ := c.LiftParams(m.context(UTF8), stack)
	args[1].(List)[1] = Resource{Type: rt, Rep: Rep{Number: 7}}
	if fmt.Sprint(back) != fmt.Sprint(args) {
		t.Errorf("lifted %v, want %v", back, args)
	}
}

// Every element of the list points at the same bytes.
func TestAliasedListsAreCharged(t *testing.T) {
	m := newFakeMemory(1 << 20)
	const n = 1 << 16
	for i := range n {
		storePair(m.mem, uint32(8*i), 0, 1<<20)
	}
	c := mustCodec(t, funcOf(nil, list(list(types.TypeU8))))
	allocated := bytesAllocated(func() {
		wantTrap(t, "bytes of host memory", func() { c.LiftParams(m.context(UTF8), []uint64{0, n}) })
	})
	if allocated > 2*DefaultLiftLimit {
		t.Errorf("%d bytes were allocated before the trap", allocated)
	}
	cx := m.context(UTF8)
	cx.LiftLimit = 4096
	wantTrap(t, "more than 4096 bytes", func() { cx.LoadBytes(0, 5000) })
	wantTrap(t, "more than 4096 bytes", func() { m.limited(4096).LoadStringFromRange(0, 5000) })
	wantTrap(t, "more than 4096 bytes", func() { m.limited(4096).CheckList(0, 5000, 4, 4) })
	if tr := trapOf(func() { m.limited(4096).ViewBytes(0, 5000) }); tr != nil {
		t.Errorf("a view is charged: %v", tr)
	}
}

func (m *fakeMemory) limited(n uint64) *Context {
	cx := m.context(Latin1UTF16)
	cx.LiftLimit = n
	return cx
}

func bytesAllocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLargeValuesAreChargedBeforeTheyAreMade(t *testing.T) {
	m := newFakeMemory(1 << 24)
	clear(m.mem)
	for _, tt := range []struct {
		name  string
		t     *types.Type
		stack []uint64
	}{
		{"list of bools", list(types.TypeBool), []uint64{0, 1 << 24}},
		{"fixed list in memory", fixed(types.TypeU8, 1<<24), []uint64{0}},
		{"list of records", list(tupleOf(types.TypeBool, types.TypeBool)), []uint64{0, 1 << 23}},
		{"map", mapOf(types.TypeU8, types.TypeU8), []uint64{0, 1 << 23}},
		{"list of variants", list(variantOf(types.TypeU8, nil)), []uint64{0, 1 << 23}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustCodec(t, funcOf(nil, tt.t))
			n := bytesAllocated(func() {
				wantTrap(t, "bytes of host memory", func() { c.LiftParams(m.context(UTF8), tt.stack) })
			})
			if n > 1<<20 {
				t.Errorf("%d bytes were allocated before the trap", n)
			}
		})
	}
}

func TestListsBeyondTheLimitTrap(t *testing.T) {
	m := newFakeMemory(1024)
	cx := m.context(UTF8)
	wantTrap(t, "longer than the limit", func() { cx.CheckList(0, math.MaxUint32, 1<<31, 1) })
	wantTrap(t, "longer than the limit", func() { cx.AllocateList(1<<26, 8, 8) })
	wantTrap(t, "bytes of host memory", func() { cx.CheckList(0, math.MaxUint32, 0, 1) })
	wantTrap(t, "out of bounds", func() { cx.LoadStringFromRange(0, math.MaxUint32) })
}

func TestOptionsThatAreMissingTrap(t *testing.T) {
	cx := &Context{}
	wantTrap(t, "`memory` is required", func() { cx.CheckRange(0, 1, 1) })
	wantTrap(t, "`realloc` is required", func() { cx.LowerString(make([]uint64, 2), "") })
}

func TestTypesThatValidationForbidsHaveNoCodec(t *testing.T) {
	deep := types.TypeU8
	for range 300 {
		deep = option(deep)
	}
	for name, tt := range map[string]struct {
		t    *types.Type
		want error
	}{
		"empty tuple":           {tupleOf(), errNoParts},
		"empty record in list":  {list(recordOf()), errNoParts},
		"empty variant":         {variantOf(), errNoCases},
		"empty enum":            {labels(types.Enum, 0), errNoCases},
		"no flags":              {labels(types.Flags, 0), errFlags},
		"33 flags":              {labels(types.Flags, 33), errFlags},
		"fixed list of nothing": {fixed(types.TypeU8, 0), errNoElems},
		"deep":                  {deep, errDepth},
		"large":                 {fixed(types.TypeU8, 1<<28), errSize},
		"wraps 32 bits":         {fixed(types.TypeU64, 1<<29), errSize},
		"two halves too many":   {tupleOf(fixed(types.TypeU8, 1<<28-1), types.TypeU8), errSize},
	} {
		if _, err := NewCodec(funcOf(nil, tt.t)); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
		if _, err := NewCodec(funcOf(tt.t)); !errors.Is(err, tt.want) {
			t.Errorf("result %s: error %v, want %v", name, err, tt.want)
		}
	}
	if _, err := NewCodec(funcOf(nil, fixed(types.TypeU8, 1<<28-1))); err != nil {
		t.Errorf("the largest type is refused: %v", err)
	}
}

// Each level refers twice to the one below.
func TestSharedTypesTakeLinearTime(t *testing.T) {
	shared := func(leaf *types.Type, levels int, pair func(*types.Type) *types.Type) *types.Type {
		for range levels {
			leaf = pair(leaf)
		}
		return leaf
	}
	results := shared(types.TypeString, 100, func(t *types.Type) *types.Type { return result(t, t) })
	if n := FlatCount(results); n != 102 {
		t.Errorf("%d flat values, want 102", n)
	}
	if n := len(Flatten(results)); n != MaxFlatParams+1 {
		t.Errorf("Flatten returns %d types", n)
	}
	if _, err := NewCodec(funcOf(nil, results)); err != nil {
		t.Error(err)
	}
	tuples := shared(types.TypeU8, 100, func(t *types.Type) *types.Type { return tupleOf(t, t) })
	if Size(tuples) != math.MaxUint32 || FlatCount(tuples) != math.MaxInt32 || len(Flatten(tuples)) != MaxFlatParams+1 {
		t.Errorf("size %d, %d flat values", Size(tuples), FlatCount(tuples))
	}
	huge := fixed(fixed(types.TypeU8, math.MaxUint32), math.MaxUint32)
	if len(Flatten(huge)) != MaxFlatParams+1 || Size(huge) != math.MaxUint32 {
		t.Error("a huge fixed list is not truncated")
	}
	if _, err := NewCodec(funcOf(nil, tuples)); !errors.Is(err, errSize) {
		t.Errorf("error %v", err)
	}
}

func TestAsyncFlattening(t *testing.T) {
	two := tupleOf(types.TypeU32, types.TypeF64)
	five := []*types.Type{types.TypeU8, types.TypeU8, types.TypeU8, types.TypeU8, types.TypeU64}
	i32 := []types.ValType{types.I32}
	for _, tt := range []struct {
		name     string
		ft       *types.Func
		dir      Direction
		callback bool
		want     types.CoreFuncType
	}{
		{"lift with callback", funcOf(two, types.TypeU64), Lift, true, types.CoreFuncType{Params: flatI64, Results: i32}},
		{"lift without callback", funcOf(two, types.TypeU64), Lift, false, types.CoreFuncType{Params: flatI64}},
		{"lower with a result", funcOf(types.TypeU8, types.TypeU64), Lower, false, types.CoreFuncType{Params: []types.ValType{types.I64, types.I32}, Results: i32}},
		{"lower five parameters", funcOf(nil, five...), Lower, false, types.CoreFuncType{Params: i32, Results: i32}},
	} {
		if got := FlattenFuncAsync(tt.ft, tt.dir, tt.callback); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %x, want %x", tt.name, got, tt.want)
		}
	}
}

func TestTaskReturnTakesUpToSixteenFlatValues(t *testing.T) {
	var sixteen []*types.Type
	for range 16 {
		sixteen = append(sixteen, types.TypeU8)
	}
	m := newFakeMemory(64)
	clear(m.mem)
	stack := make([]uint64, 17)
	stack[0] = 7
	r := tupleOf(sixteen...)
	if got := mustCodec(t, funcOf(r)).LiftTaskReturn(m.context(UTF8), stack); got.(Record)[0] != uint8(7) {
		t.Errorf("flat: %v", got)
	}
	m.mem[7] = 9
	r = tupleOf(append(sixteen, types.TypeU8)...)
	if got := mustCodec(t, funcOf(r)).LiftTaskReturn(m.context(UTF8), stack); got.(Record)[0] != uint8(9) {
		t.Errorf("through memory: %v", got)
	}
	if got := mustCodec(t, funcOf(nil)).LiftTaskReturn(m.context(UTF8), nil); got != nil {
		t.Errorf("without a result: %v", got)
	}
}

func TestBareCasesBeyondTheCacheLift(t *testing.T) {
	c := mustCodec(t, funcOf(nil, labels(types.Enum, 300)))
	for _, i := range []uint64{0, maxBare - 1, maxBare, 299} {
		got, _ := c.LiftParams(&Context{}, []uint64{i})
		if got[0] != (Variant{Case: uint32(i)}) {
			t.Errorf("case %d lifts as %v", i, got[0])
		}
	}
}

func TestErrorsOfHostFunctions(t *testing.T) {
	type code = ResultError[string]
	wrapped := fmt.Errorf("reading: %w", code{"gone"})
	if got := AsError[code](wrapped, "f"); got.Value != "gone" {
		t.Errorf("got %v", got)
	}
	if got := (ResultError[Unit]{}).Error(); got != "the function returned an error" {
		t.Errorf("message %q", got)
	}
	wantTrap(t, "host function f failed: disk", func() { AsError[code](errors.New("disk"), "f") })
	inner := &Trap{Message: "inner"}
	if got := trapOf(func() { TrapHost(fmt.Errorf("x: %w", inner), "f") }); got != inner {
		t.Errorf("trap %v", got)
	}
}

func TestStringsOfTheHostThatAreNotUTF8(t *testing.T) {
	for _, e := range []Encoding{UTF8, UTF16, Latin1UTF16} {
		m := newFakeMemory(4096)
		stack := make([]uint64, 2)
		m.context(e).LowerString(stack, "a\xff\xfeb")
		if got := m.context(e).LoadStringFromRange(uint32(stack[0]), uint32(stack[1])); got != "a\ufffd\ufffdb" {
			t.Errorf("encoding %d: %q", e, got)
		}
	}
}
