package abi

import (
	"fmt"
	"strconv"

	"github.com/godwit-runtime/godwit/engine/types"
)

// ValueError is a Value that does not fit its component type.
type ValueError struct {
	Path string // such as: parameter "req", field headers, element 3
	Want string
	Got  string
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Path, e.Want, e.Got)
}

// under puts a position in front of the path of e.
func (e *ValueError) under(position string) *ValueError {
	if e != nil {
		if e.Path != "" {
			position += ", "
		}
		e.Path = position + e.Path
	}
	return e
}

// CheckParams reports whether args fit the parameters, as a *ValueError that
// says where they do not. LowerParams makes the same checks, by a trap; a caller
// that must not lose the instance to its own mistake asks here first.
func (c *Codec) CheckParams(args []Value) error {
	if len(args) != len(c.ft.Params) {
		return &ValueError{
			Path: "arguments",
			Want: strconv.Itoa(len(c.ft.Params)),
			Got:  strconv.Itoa(len(args)),
		}
	}
	for i, p := range c.ft.Params {
		if err := c.params.fields[i].op.check(args[i]); err != nil {
			return err.under("parameter " + strconv.Quote(p.Name))
		}
	}
	return nil
}

// CheckResult is CheckParams for the result; v is nil when there is none.
func (c *Codec) CheckResult(v Value) error {
	if c.result == nil {
		if v != nil {
			return &ValueError{Path: "result", Want: "none", Got: fmt.Sprintf("%T", v)}
		}
		return nil
	}
	if err := c.result.check(v); err != nil {
		return err.under("result")
	}
	return nil
}

func wrong(want string, v Value) *ValueError {
	return &ValueError{Want: want, Got: fmt.Sprintf("%T", v)}
}

// check is nil when v can be lowered.
//
//godwit:dispatch
func (o *op) check(v Value) *ValueError {
	switch o.kind {
	case types.String:
		switch v.(type) {
		case string, encodedString:
			return nil
		}
		return wrong("string", v)
	case types.List:
		return o.checkList(v)
	case types.FixedList:
		l, ok := v.(List)
		if !ok {
			return wrong("abi.List", v)
		}
		if len(l) != int(o.t.Len) {
			return &ValueError{Want: fmt.Sprintf("%d elements", o.t.Len), Got: strconv.Itoa(len(l))}
		}
		return o.checkElems(l)
	case types.Map:
		m, ok := v.(Map)
		if !ok {
			return wrong("abi.Map", v)
		}
		for i := range m {
			if err := o.elem.fields[0].op.check(m[i].Key); err != nil {
				return err.under("key of entry " + strconv.Itoa(i))
			}
			if err := o.elem.fields[1].op.check(m[i].Value); err != nil {
				return err.under("value of entry " + strconv.Itoa(i))
			}
		}
		return nil
	case types.Record, types.Tuple:
		return o.checkRecord(v)
	case types.Variant, types.Enum, types.Option, types.Result:
		return o.checkVariant(v)
	case types.Own, types.Borrow:
		return o.checkResource(v)
	case types.Stream, types.Future, types.ErrorContext:
		if v == nil {
			return wrong("a stream, future or error context", v)
		}
		return nil
	case types.Char:
		c, ok := v.(Char)
		if ok && !isScalarValue(uint32(c)) {
			return &ValueError{Want: "a Unicode scalar value", Got: fmt.Sprintf("%#x", uint32(c))}
		}
		return wrongUnless(ok, "abi.Char", v)
	case types.Flags:
		f, ok := v.(Flags)
		if ok && uint32(f)&^o.mask != 0 {
			return &ValueError{Want: fmt.Sprintf("%d flags", len(o.t.Labels)), Got: fmt.Sprintf("bits %#x", uint32(f))}
		}
		return wrongUnless(ok, "abi.Flags", v)
	}
	return o.checkScalar(v)
}

func wrongUnless(ok bool, want string, v Value) *ValueError {
	if ok {
		return nil
	}
	return wrong(want, v)
}

// checkScalar checks booleans and numbers.
//
//godwit:dispatch
func (o *op) checkScalar(v Value) *ValueError {
	var ok bool
	want := ""
	switch o.kind {
	case types.Bool:
		_, ok = v.(bool)
		want = "bool"
	case types.U8:
		_, ok = v.(uint8)
		want = "uint8"
	case types.S8:
		_, ok = v.(int8)
		want = "int8"
	case types.U16:
		_, ok = v.(uint16)
		want = "uint16"
	case types.S16:
		_, ok = v.(int16)
		want = "int16"
	case types.U32:
		_, ok = v.(uint32)
		want = "uint32"
	case types.S32:
		_, ok = v.(int32)
		want = "int32"
	case types.U64:
		_, ok = v.(uint64)
		want = "uint64"
	case types.S64:
		_, ok = v.(int64)
		want = "int64"
	case types.F32:
		_, ok = v.(float32)
		want = "float32"
	case types.F64:
		_, ok = v.(float64)
		want = "float64"
	}
	return wrongUnless(ok, want, v)
}

func (o *op) checkList(v Value) *ValueError {
	switch l := v.(type) {
	case []byte:
		if o.elem.kind == types.U8 {
			return nil
		}
	case packed:
		if l.kind == o.elem.kind {
			return nil
		}
	case List:
		if o.elem.kind != types.U8 {
			return o.checkElems(l)
		}
	}
	if o.elem.kind == types.U8 {
		return wrong("[]byte", v)
	}
	return wrong("abi.List", v)
}

func (o *op) checkElems(l List) *ValueError {
	for i, v := range l {
		if err := o.elem.check(v); err != nil {
			return err.under("element " + strconv.Itoa(i))
		}
	}
	return nil
}

func (o *op) checkRecord(v Value) *ValueError {
	r, ok := v.(Record)
	if !ok {
		return wrong("abi.Record", v)
	}
	if len(r) != len(o.fields) {
		return &ValueError{Want: fmt.Sprintf("%d fields", len(o.fields)), Got: strconv.Itoa(len(r))}
	}
	for i := range r {
		if err := o.fields[i].op.check(r[i]); err != nil {
			if o.kind == types.Tuple {
				return err.under("element " + strconv.Itoa(i))
			}
			return err.under("field " + o.t.Fields[i].Name)
		}
	}
	return nil
}

func (o *op) checkVariant(v Value) *ValueError {
	x, ok := v.(Variant)
	if !ok {
		return wrong("abi.Variant", v)
	}
	if uint64(x.Case) >= uint64(len(o.cases)) {
		return &ValueError{Want: fmt.Sprintf("one of %d cases", len(o.cases)), Got: fmt.Sprintf("case %d", x.Case)}
	}
	c := o.cases[x.Case]
	switch {
	case c != nil:
		if err := c.check(x.Payload); err != nil {
			return err.under("case " + caseName(o.t, x.Case))
		}
	case x.Payload != nil:
		return wrong("no payload", x.Payload).under("case " + caseName(o.t, x.Case))
	}
	return nil
}

func (o *op) checkResource(v Value) *ValueError {
	r, ok := v.(Resource)
	switch {
	case !ok:
		return wrong("abi.Resource", v)
	case r.Type != o.t.Resource:
		return &ValueError{Want: "resource " + resourceName(o.t.Resource), Got: "resource " + resourceName(r.Type)}
	case o.kind == types.Own && !r.Own:
		return &ValueError{Want: "an own handle of " + resourceName(r.Type), Got: "a borrow"}
	}
	return nil
}

func resourceName(rt *types.Resource) string {
	if rt == nil {
		return "without a type"
	}
	return rt.Name
}

// caseName is the label of case i of a variant, enum, option or result.
func caseName(t *types.Type, i uint32) string {
	switch t.Kind {
	case types.Variant:
		return t.Cases[i].Name
	case types.Enum:
		return t.Labels[i]
	case types.Option:
		return [...]string{"none", "some"}[i]
	}
	return [...]string{"ok", "error"}[i]
}
