package wast

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// misfit is the error of a value of a script that is not one of type t.
func misfit(t *types.Type, c *wat.Const) error {
	return fmt.Errorf("%s is not a value of type %s", writeConst(c), t)
}

// forms are the value forms of types that have one of their own.
var forms = map[types.Kind]string{
	types.Bool: "bool", types.S8: "s8", types.U8: "u8", types.S16: "s16", types.U16: "u16", types.S32: "s32",
	types.U32: "u32", types.S64: "s64", types.U64: "u64", types.F32: "f32", types.F64: "f64", types.Char: "char",
	types.String: "str", types.List: "list", types.FixedList: "list", types.Record: "record", types.Tuple: "tuple",
	types.Variant: "variant", types.Enum: "enum", types.Flags: "flags", types.Map: "map",
}

// toValue makes the dynamic value of type t that a script means.
//
//godwit:dispatch
func toValue(t *types.Type, c *wat.Const) (abi.Value, error) {
	form, ok := forms[t.Kind]
	if ok && form != c.Form {
		return nil, misfit(t, c)
	}
	switch t.Kind {
	case types.Bool:
		return c.Bits == 1, nil
	case types.S8:
		return int8(c.Bits), nil
	case types.U8:
		return uint8(c.Bits), nil
	case types.S16:
		return int16(c.Bits), nil
	case types.U16:
		return uint16(c.Bits), nil
	case types.S32:
		return int32(c.Bits), nil
	case types.U32:
		return uint32(c.Bits), nil
	case types.S64:
		return int64(c.Bits), nil
	case types.U64:
		return c.Bits, nil
	case types.F32:
		return math.Float32frombits(uint32(c.Bits)), nil
	case types.F64:
		return math.Float64frombits(c.Bits), nil
	case types.Char:
		return abi.Char(c.Bits), nil
	case types.String:
		return c.Text, nil
	case types.List, types.FixedList:
		return toList(t, c)
	case types.Record, types.Tuple:
		return toRecord(t, c)
	case types.Variant:
		k := slices.IndexFunc(t.Cases, func(x types.Case) bool { return x.Name == c.Text })
		if k < 0 {
			return nil, misfit(t, c)
		}
		return toCase(t, c, k, t.Cases[k].Type)
	case types.Enum:
		k := slices.Index(t.Labels, c.Text)
		if k < 0 {
			return nil, misfit(t, c)
		}
		return abi.Variant{Case: uint32(k)}, nil
	case types.Option:
		switch c.Form {
		case "option.none":
			return toCase(t, c, 0, nil)
		case "option.some":
			return toCase(t, c, 1, t.Elem)
		}
	case types.Result:
		switch c.Form {
		case "result.ok":
			return toCase(t, c, 0, t.OK)
		case "result.err":
			return toCase(t, c, 1, t.Err)
		}
	case types.Flags:
		return toFlags(t, c)
	case types.Map:
		return toMap(t, c)
	}
	return nil, misfit(t, c)
}

func toList(t *types.Type, c *wat.Const) (abi.Value, error) {
	if t.Kind == types.FixedList && len(c.Elems) != int(t.Len) {
		return nil, misfit(t, c)
	}
	if t.Kind == types.List && t.Elem.Kind == types.U8 {
		b := make([]byte, len(c.Elems))
		for k := range c.Elems {
			if c.Elems[k].Form != "u8" {
				return nil, misfit(t.Elem, &c.Elems[k])
			}
			b[k] = byte(c.Elems[k].Bits)
		}
		return b, nil
	}
	l := make(abi.List, len(c.Elems))
	for k := range c.Elems {
		var err error
		if l[k], err = toValue(t.Elem, &c.Elems[k]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func toRecord(t *types.Type, c *wat.Const) (abi.Value, error) {
	if len(c.Elems) != len(t.Fields) {
		return nil, misfit(t, c)
	}
	r := make(abi.Record, len(t.Fields))
	for k, f := range t.Fields {
		if t.Kind == types.Record && c.Labels[k] != f.Name {
			return nil, misfit(t, c)
		}
		var err error
		if r[k], err = toValue(f.Type, &c.Elems[k]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// toCase makes case k with a payload of type payload, nil for none.
func toCase(t *types.Type, c *wat.Const, k int, payload *types.Type) (abi.Value, error) {
	v := abi.Variant{Case: uint32(k)}
	if (payload != nil) != (len(c.Elems) == 1) {
		return nil, misfit(t, c)
	}
	if payload == nil {
		return v, nil
	}
	var err error
	v.Payload, err = toValue(payload, &c.Elems[0])
	return v, err
}

func toFlags(t *types.Type, c *wat.Const) (abi.Value, error) {
	var f abi.Flags
	for _, l := range c.Labels {
		k := slices.Index(t.Labels, l)
		if k < 0 {
			return nil, misfit(t, c)
		}
		f |= 1 << k
	}
	return f, nil
}

func toMap(t *types.Type, c *wat.Const) (abi.Value, error) {
	m := make(abi.Map, 0, len(c.Elems)/2)
	for k := 0; k+1 < len(c.Elems); k += 2 {
		key, err := toValue(t.Key, &c.Elems[k])
		if err != nil {
			return nil, err
		}
		value, err := toValue(t.Elem, &c.Elems[k+1])
		if err != nil {
			return nil, err
		}
		m = append(m, abi.MapEntry{Key: key, Value: value})
	}
	return m, nil
}

// returned is nil when got, of type t, is what a script expects.
func returned(t *types.Type, want *wat.Const, got abi.Value) error {
	ok, err := expected(t, want, got)
	if err == nil && !ok {
		err = fmt.Errorf("the result %s", abi.Format(t, got))
	}
	return err
}

func expected(t *types.Type, want *wat.Const, got abi.Value) (bool, error) {
	if want.Form == "either" {
		for k := range want.Elems {
			if ok, err := expected(t, &want.Elems[k], got); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	w, err := toValue(t, want)
	if err != nil {
		return false, err
	}
	return equal(w, got), nil
}

// equal compares dynamic values of one type. The canonical ABI may change the
// bits of a NaN, so that any NaN equals any other.
func equal(a, b abi.Value) bool {
	switch x := a.(type) {
	case float32:
		y, ok := b.(float32)
		return ok && (math.Float32bits(x) == math.Float32bits(y) || x != x && y != y)
	case float64:
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	case []byte:
		y, ok := b.([]byte)
		return ok && slices.Equal(x, y)
	case abi.List:
		y, ok := b.(abi.List)
		return ok && slices.EqualFunc(x, y, equal)
	case abi.Record:
		y, ok := b.(abi.Record)
		return ok && slices.EqualFunc(x, y, equal)
	case abi.Variant:
		y, ok := b.(abi.Variant)
		return ok && x.Case == y.Case && equal(x.Payload, y.Payload)
	case abi.Map:
		y, ok := b.(abi.Map)
		return ok && slices.EqualFunc(x, y, func(p, q abi.MapEntry) bool {
			return equal(p.Key, q.Key) && equal(p.Value, q.Value)
		})
	}
	return a == b
}

// writeConsts writes values as scripts have them, shortened.
func writeConsts(cs []wat.Const) string {
	if len(cs) == 0 {
		return "no result"
	}
	var b strings.Builder
	for k := range cs {
		if k > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(writeConst(&cs[k]))
	}
	return b.String()
}

// writeConst writes a value as scripts have it.
func writeConst(c *wat.Const) string {
	var b strings.Builder
	b.WriteByte('(')
	b.WriteString(c.Form)
	if !strings.Contains(c.Form, ".") && c.Form != "either" {
		b.WriteString(".const")
	}
	switch c.Form {
	case "bool":
		fmt.Fprintf(&b, " %t", c.Bits == 1)
	case "s8", "s16", "s32", "s64", "i32", "i64":
		fmt.Fprintf(&b, " %d", int64(c.Bits))
	case "u8", "u16", "u32", "u64":
		fmt.Fprintf(&b, " %d", c.Bits)
	case "f32":
		fmt.Fprintf(&b, " %v", math.Float32frombits(uint32(c.Bits)))
	case "f64":
		fmt.Fprintf(&b, " %v", math.Float64frombits(c.Bits))
	case "char":
		fmt.Fprintf(&b, " %q", string(rune(c.Bits)))
	case "str", "enum", "variant":
		fmt.Fprintf(&b, " %q", c.Text)
	}
	record := c.Form == "record"
	for k := range c.Elems {
		if record {
			fmt.Fprintf(&b, " (field %q %s)", c.Labels[k], writeConst(&c.Elems[k]))
			continue
		}
		b.WriteByte(' ')
		b.WriteString(writeConst(&c.Elems[k]))
	}
	if !record {
		for _, l := range c.Labels {
			fmt.Fprintf(&b, " %q", l)
		}
	}
	b.WriteByte(')')
	return b.String()
}
