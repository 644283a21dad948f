package abi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

// The functions of this file lift and lower in the way of generated bindings,
// with the primitives of Context. The tests hold them against a Codec.

// entry is record { name: string, sizes: list<u32>, at: option<u64>, body: result<list<u8>, char>, w: f64 }.
type entry struct {
	name  string
	sizes []uint32
	at    Option[uint64]
	body  Result[[]byte, rune]
	w     float64
}

var entryType = recordOf(types.TypeString, list(types.TypeU32), option(types.TypeU64),
	result(list(types.TypeU8), types.TypeChar), types.TypeF64)

const entrySize, entryAlign = 56, 8

func storeEntry(cx *Context, mem []byte, ptr uint32, v entry) []byte {
	mem = cx.StoreString(ptr, v.name)
	list := cx.AllocateList(len(v.sizes), 4, 4)
	mem = cx.Memory.Bytes()
	for i, x := range v.sizes {
		binary.LittleEndian.PutUint32(mem[int(list)+4*i:], x)
	}
	binary.LittleEndian.PutUint32(mem[ptr+8:], list)
	binary.LittleEndian.PutUint32(mem[ptr+12:], uint32(len(v.sizes)))
	mem[ptr+16] = LowerBool(v.at.Some)
	if v.at.Some {
		binary.LittleEndian.PutUint64(mem[ptr+24:], v.at.Value)
	}
	mem[ptr+32] = LowerBool(v.body.IsErr)
	if v.body.IsErr {
		binary.LittleEndian.PutUint32(mem[ptr+36:], LowerChar(v.body.Err))
	} else {
		mem = cx.StoreBytes(ptr+36, v.body.OK)
	}
	binary.LittleEndian.PutUint64(mem[ptr+48:], LowerF64(v.w))
	return mem
}

func loadEntry(cx *Context, mem []byte, ptr uint32) (v entry) {
	v.name = cx.LoadStringFromRange(binary.LittleEndian.Uint32(mem[ptr:]), binary.LittleEndian.Uint32(mem[ptr+4:]))
	v.sizes = loadSizes(cx, binary.LittleEndian.Uint32(mem[ptr+8:]), binary.LittleEndian.Uint32(mem[ptr+12:]))
	if LiftCase(uint32(mem[ptr+16]), 2) == 1 {
		v.at = Some(binary.LittleEndian.Uint64(mem[ptr+24:]))
	}
	if LiftCase(uint32(mem[ptr+32]), 2) == 1 {
		v.body.IsErr = true
		v.body.Err = LiftChar(binary.LittleEndian.Uint32(mem[ptr+36:]))
	} else {
		v.body.OK = cx.LoadBytes(binary.LittleEndian.Uint32(mem[ptr+36:]), binary.LittleEndian.Uint32(mem[ptr+40:]))
	}
	v.w = LiftF64(binary.LittleEndian.Uint64(mem[ptr+48:]))
	return v
}

func loadSizes(cx *Context, ptr, length uint32) []uint32 {
	cx.CheckList(ptr, length, 4, 4)
	mem := cx.Memory.Bytes()
	v := make([]uint32, length)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(mem[ptr:])
		ptr += 4
	}
	return v
}

// lowerEntry lowers to ten flat values.
func lowerEntry(cx *Context, stack []uint64, v entry) {
	cx.LowerString(stack, v.name)
	list := cx.AllocateList(len(v.sizes), 4, 4)
	mem := cx.Memory.Bytes()
	for i, x := range v.sizes {
		binary.LittleEndian.PutUint32(mem[int(list)+4*i:], x)
	}
	stack[2], stack[3] = uint64(list), uint64(len(v.sizes))
	stack[4], stack[5] = uint64(LowerBool(v.at.Some)), v.at.Value
	stack[6] = uint64(LowerBool(v.body.IsErr))
	if v.body.IsErr {
		stack[7], stack[8] = uint64(LowerChar(v.body.Err)), 0
	} else {
		cx.LowerBytes(stack[7:], v.body.OK)
	}
	stack[9] = LowerF64(v.w)
}

func (v entry) value() Value {
	sizes := make(List, len(v.sizes))
	for i, x := range v.sizes {
		sizes[i] = x
	}
	at, body := Variant{}, Variant{Payload: v.body.OK}
	if v.at.Some {
		at = Variant{Case: 1, Payload: v.at.Value}
	}
	if v.body.IsErr {
		body = Variant{Case: 1, Payload: Char(v.body.Err)}
	}
	return Record{v.name, sizes, at, body, v.w}
}

func randomEntry(r *rand.Rand) entry {
	texts := []string{"", "plain", "h\u00f6", "\u2603\U0001f370", "\xff bad"}
	v := entry{name: texts[r.IntN(len(texts))], sizes: make([]uint32, r.IntN(5)), w: r.NormFloat64()}
	for i := range v.sizes {
		v.sizes[i] = r.Uint32()
	}
	if r.IntN(2) == 0 {
		v.at = Some(r.Uint64())
	}
	if r.IntN(2) == 0 {
		v.body.IsErr, v.body.Err = true, rune(r.IntN(0xd800))
	} else {
		v.body.OK = []byte(texts[r.IntN(len(texts))])
	}
	return v
}

func TestStaticPrimitivesAndCodecAgree(t *testing.T) {
	if Size(entryType) != entrySize || Align(entryType) != entryAlign || FlatCount(entryType) != 10 {
		t.Fatalf("layout of the record: %d %d %d", Size(entryType), Align(entryType), FlatCount(entryType))
	}
	if got := FieldOffsets(entryType.Fields); fmt.Sprint(got) != "[0 8 16 32 48]" {
		t.Fatalf("offsets %v", got)
	}
	if got := PayloadOffset(entryType.Fields[3].Type); got != 4 {
		t.Fatalf("payload offset %d", got)
	}
	flat := mustCodec(t, funcOf(entryType, entryType))
	spilled := mustCodec(t, funcOf(nil, entryType, entryType))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		e := Encoding(i % 3)
		v, w := randomEntry(r), randomEntry(r)
		ms, md := newFakeMemory(256), newFakeMemory(256)
		s, d := make([]uint64, 10), make([]uint64, 10)
		lowerEntry(ms.context(e), s, v)
		flat.LowerParams(md.context(e), []Value{v.value()}, d)
		sameStack(t, d, s)
		sameRun(t, md, ms)

		ms, md = newFakeMemory(256), newFakeMemory(256)
		cx := ms.context(e)
		ptr := cx.Allocate(2*entrySize, entryAlign)
		mem := storeEntry(cx, cx.Memory.Bytes(), ptr, v)
		storeEntry(cx, mem, ptr+entrySize, w)
		spilled.LowerParams(md.context(e), []Value{v.value(), w.value()}, d)
		sameStack(t, d[:1], []uint64{uint64(ptr)})
		sameRun(t, md, ms)

		cx = md.context(e)
		cx.CheckRange(uint32(d[0]), 2*entrySize, entryAlign)
		second := loadEntry(cx, md.mem, uint32(d[0])+entrySize)
		args, _ := spilled.LiftParams(md.context(e), d)
		if !reflect.DeepEqual(args[1], second.value()) {
			t.Fatalf("lifted %v by the codec, %v by static code", args[1], second.value())
		}
		res := flat.LiftResult(md.context(e), []uint64{d[0]})
		if !reflect.DeepEqual(res, args[0]) {
			t.Fatalf("result %v, parameter %v", res, args[0])
		}
	}
}

func sameRun(t *testing.T, got, want *fakeMemory) {
	t.Helper()
	sameReallocs(t, got, want.reallocs)
	if !bytes.Equal(got.mem[:got.next], want.mem[:want.next]) {
		t.Fatalf("memory\n got %x\nwant %x", got.mem[:got.next], want.mem[:want.next])
	}
}

// fuzzType reads a type from fuzz input.
func fuzzType(in *[]byte, depth int) *types.Type {
	if len(*in) == 0 {
		return types.TypeU8
	}
	b := (*in)[0]
	*in = (*in)[1:]
	sub := func() *types.Type { return fuzzType(in, depth-1) }
	kind := int(b % 24)
	if kind < 13 || depth == 0 {
		return []*types.Type{types.TypeBool, types.TypeS8, types.TypeU8, types.TypeS16, types.TypeU16, types.TypeS32, types.TypeU32,
			types.TypeS64, types.TypeU64, types.TypeF32, types.TypeF64, types.TypeChar, types.TypeString}[kind%13]
	}
	switch kind {
	case 13, 14:
		return list(sub())
	case 15:
		return fixed(sub(), uint32(b>>5)+1)
	case 16:
		return recordOf(sub(), sub(), sub())
	case 17:
		return tupleOf(sub(), sub())
	case 18:
		return variantOf(sub(), nil, sub())
	case 19:
		return labels(types.Enum, int(b)+1)
	case 20:
		return labels(types.Flags, int(b>>3)+1)
	case 21:
		return option(sub())
	case 22:
		return result(sub(), nil)
	}
	return mapOf(sub(), sub())
}

// FuzzLiftLower lifts arbitrary memory. What can be lifted is lowered, by the
// way through the host and by the way between components, and must be the same
// value when it is lifted again.
func FuzzLiftLower(f *testing.F) {
	f.Add([]byte{16, 12, 13, 6, 21, 10}, []byte("text that is long enough for a few values"), []byte{8, 0, 4, 0, 2}, byte(0))
	f.Add([]byte{13, 23, 12, 18, 11, 9}, bytes.Repeat([]byte{4, 0, 0, 0, 1, 0, 0, 0}, 16), []byte{0, 3}, byte(5))
	f.Add([]byte{15 + 24*3, 17, 9, 10}, bytes.Repeat([]byte{0xff}, 200), []byte{8, 8, 8, 8, 8}, byte(7))
	f.Fuzz(func(t *testing.T, typ, mem, flat []byte, mode byte) {
		a, b := fuzzType(&typ, 4), fuzzType(&typ, 3)
		c := mustCodec(t, funcOf(nil, a, b))
		src := &fakeMemory{mem: mem}
		stack := make([]uint64, 20)
		for i := range stack {
			if i < len(flat) {
				stack[i] = uint64(flat[i])
			}
		}
		from, to := Encoding(mode%3), Encoding(mode/3%3)
		var args, packed []Value
		lift := func(between bool, into *[]Value) func() {
			return func() {
				cx := src.context(from)
				cx.Between, cx.LiftLimit = between, 1<<20
				*into, _ = c.LiftParams(cx, stack)
			}
		}
		trap := trapOf(lift(false, &args))
		if trap != nil {
			return
		}
		lift(true, &packed)()
		want := Format(a, args[0]) + Format(b, args[1])
		for _, vs := range [][]Value{args, packed} {
			if err := c.CheckParams(vs); err != nil {
				t.Fatal(err)
			}
			dst := newFakeMemory(64)
			s := make([]uint64, 20)
			c.LowerParams(dst.context(to), vs, s)
			back, _ := c.LiftParams(dst.context(to), s)
			if got := Format(a, back[0]) + Format(b, back[1]); got != want {
				t.Fatalf("lifted again\n got %s\nwant %s", got, want)
			}
		}
		again, err := Parse(a, Format(a, args[0]))
		if err != nil || Format(a, again) != Format(a, args[0]) {
			t.Fatalf("WAVE text %s reads as %v, error %v", Format(a, args[0]), again, err)
		}
	})
}
