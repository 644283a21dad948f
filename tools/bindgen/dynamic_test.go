package bindgen_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// This file is the dictionary between the two Go forms of a component value:
// abi.Value, and the types that bindgen generates.

// toGo sets into, of the Go type that is generated for t, to v.
//
//godwit:dispatch
func toGo(t *types.Type, v abi.Value, into reflect.Value) {
	switch v := v.(type) {
	case nil: // a case without payload
	case []byte:
		into.SetBytes(v)
	case abi.List:
		if t.Kind == types.List {
			into.Set(reflect.MakeSlice(into.Type(), len(v), len(v)))
		}
		for i := range v {
			toGo(t.Elem, v[i], into.Index(i))
		}
	case abi.Map:
		into.Set(reflect.MakeSlice(into.Type(), len(v), len(v)))
		for i := range v {
			toGo(t.Key, v[i].Key, into.Index(i).Field(0))
			toGo(t.Elem, v[i].Value, into.Index(i).Field(1))
		}
	case abi.Record:
		for i := range v {
			toGo(t.Fields[i].Type, v[i], into.Field(i))
		}
	case abi.Flags:
		into.SetUint(uint64(v))
	case abi.Variant:
		toGoCase(t, v, into)
	case abi.Resource:
		into.Set(reflect.ValueOf(v.Rep.Object))
	case abi.Char:
		into.SetInt(int64(v))
	default: // bool, numbers, string
		into.Set(reflect.ValueOf(v).Convert(into.Type()))
	}
}

func toGoCase(t *types.Type, v abi.Variant, into reflect.Value) {
	payload, at := caseOf(t, v.Case)
	switch t.Kind {
	case types.Enum:
		into.SetUint(uint64(v.Case))
		return
	case types.Variant:
		into.Field(0).SetUint(uint64(v.Case))
	default:
		into.Field(0).SetBool(v.Case == 1)
	}
	if payload != nil {
		toGo(payload, v.Payload, into.Field(at))
	}
}

// caseOf is the payload type of a case, nil without one, and the field of the
// generated struct that holds it.
func caseOf(t *types.Type, c uint32) (payload *types.Type, field int) {
	switch t.Kind {
	case types.Option:
		return []*types.Type{nil, t.Elem}[c], 1
	case types.Result:
		return []*types.Type{t.OK, t.Err}[c], 1 + int(c)
	case types.Variant:
		field = 1
		for _, before := range t.Cases[:c] {
			if before.Type != nil {
				field++
			}
		}
		return t.Cases[c].Type, field
	}
	return nil, 0
}

// caseCount is the number of cases of a variant, enum, option or result.
func caseCount(t *types.Type) int {
	switch t.Kind {
	case types.Variant:
		return len(t.Cases)
	case types.Enum:
		return len(t.Labels)
	}
	return 2
}

// fromGo is the inverse of toGo. A slice without elements, nil or not, is an
// empty list.
//
//godwit:dispatch
func fromGo(t *types.Type, g reflect.Value) abi.Value {
	if t == nil {
		return nil
	}
	switch t.Kind {
	case types.List, types.FixedList:
		if t.Kind == types.List && t.Elem.Kind == types.U8 {
			return append([]byte{}, g.Bytes()...)
		}
		l := make(abi.List, g.Len())
		for i := range l {
			l[i] = fromGo(t.Elem, g.Index(i))
		}
		return l
	case types.Map:
		m := make(abi.Map, g.Len())
		for i := range m {
			m[i] = abi.MapEntry{Key: fromGo(t.Key, g.Index(i).Field(0)), Value: fromGo(t.Elem, g.Index(i).Field(1))}
		}
		return m
	case types.Record, types.Tuple:
		r := make(abi.Record, len(t.Fields))
		for i := range r {
			r[i] = fromGo(t.Fields[i].Type, g.Field(i))
		}
		return r
	case types.Flags:
		return abi.Flags(g.Uint())
	case types.Enum:
		return abi.Variant{Case: uint32(g.Uint())}
	case types.Variant, types.Option, types.Result:
		var c uint32
		if tag := g.Field(0); tag.Kind() == reflect.Bool {
			c = uint32(abi.LowerBool(tag.Bool()))
		} else {
			c = uint32(tag.Uint())
		}
		v := abi.Variant{Case: c}
		if payload, at := caseOf(t, c); payload != nil {
			v.Payload = fromGo(payload, g.Field(at))
		}
		return v
	case types.Own, types.Borrow:
		return abi.Resource{Type: t.Resource, Own: t.Kind == types.Own, Rep: repOf(g)}
	case types.Char:
		return abi.Char(g.Int())
	}
	return g.Interface()
}

// repOf is the representation behind a resource of the host, or of a guest.
func repOf(g reflect.Value) abi.Rep {
	if g.Kind() == reflect.Interface {
		g = g.Elem()
	}
	if rep := reflect.Indirect(g).FieldByName("rep"); rep.IsValid() {
		return abi.Rep{Number: uint32(rep.FieldByName("Number").Uint())}
	}
	return abi.Rep{Object: g.Interface()}
}

// show writes values so that equal ones, and no others, read the same. NaN,
// which is not equal to itself, is one of them.
func show(vs ...abi.Value) string {
	var b strings.Builder
	for _, v := range vs {
		fmt.Fprintf(&b, "%T %#v\n", v, v)
	}
	return b.String()
}

// Values that are worth trying; the rest is random.
var (
	someTexts = []string{"", "plain", "h\u00f6r", "\u2603", "\U0001f370 cake", "\xff is not UTF-8", "\u00ff\u0100", "a\x00b",
		strings.Repeat("x", 70), strings.Repeat("\u00e9", 33), strings.Repeat("e\u20ac", 20)}
	someInts   = []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 63, math.MaxUint64}
	someFloats = []float64{0, math.Copysign(0, -1), 1, -1.5, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.Float64frombits(0xfff0000000000001)}
	someChars = []rune{0, 'a', 0x7f, 0xff, 0x100, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff}
)

// maker makes random values of a type.
type maker struct {
	*rand.Rand
	resource func(t *types.Type) abi.Resource
	depth    int
}

func pick[T any](m *maker, from []T) T { return from[m.IntN(len(from))] }

func (m *maker) integer() uint64 {
	if m.IntN(2) == 0 {
		return pick(m, someInts)
	}
	return m.Uint64()
}

// length of a list: short, and seldom more than that.
func (m *maker) length() int {
	if m.IntN(8) == 0 && m.depth < 3 {
		return m.IntN(40)
	}
	return m.IntN(4)
}

// value makes a value of t.
//
//godwit:dispatch
func (m *maker) value(t *types.Type) abi.Value {
	m.depth++
	defer func() { m.depth-- }()
	switch t.Kind {
	case types.Bool:
		return m.IntN(2) == 1
	case types.U8:
		return uint8(m.integer())
	case types.S8:
		return int8(m.integer())
	case types.U16:
		return uint16(m.integer())
	case types.S16:
		return int16(m.integer())
	case types.U32:
		return uint32(m.integer())
	case types.S32:
		return int32(m.integer())
	case types.U64:
		return m.integer()
	case types.S64:
		return int64(m.integer())
	case types.F32:
		return float32(m.float())
	case types.F64:
		return m.float()
	case types.Char:
		return abi.Char(pick(m, someChars))
	case types.String:
		return pick(m, someTexts)
	case types.List:
		if t.Elem.Kind == types.U8 {
			return bytes.Repeat([]byte{byte(m.integer())}, m.length())
		}
		return m.list(t.Elem, m.length())
	case types.FixedList:
		return m.list(t.Elem, int(t.Len))
	case types.Map:
		v := make(abi.Map, m.length())
		for i := range v {
			v[i] = abi.MapEntry{Key: m.value(t.Key), Value: m.value(t.Elem)}
		}
		return v
	case types.Record, types.Tuple:
		v := make(abi.Record, len(t.Fields))
		for i := range v {
			v[i] = m.value(t.Fields[i].Type)
		}
		return v
	case types.Flags:
		return abi.Flags(uint32(m.integer()) & uint32(1<<len(t.Labels)-1))
	case types.Own, types.Borrow:
		return m.resource(t)
	}
	v := abi.Variant{Case: uint32(m.IntN(caseCount(t)))}
	if payload, _ := caseOf(t, v.Case); payload != nil {
		v.Payload = m.value(payload)
	}
	return v
}

func (m *maker) list(elem *types.Type, n int) abi.List {
	l := make(abi.List, n)
	for i := range l {
		l[i] = m.value(elem)
	}
	return l
}

func (m *maker) float() float64 {
	if m.IntN(2) == 0 {
		return pick(m, someFloats)
	}
	return m.NormFloat64()
}
