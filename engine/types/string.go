package types

import (
	"fmt"
	"strings"
)

var kindNames = [...]string{
	Bool: "bool", S8: "s8", U8: "u8", S16: "s16", U16: "u16", S32: "s32", U32: "u32",
	S64: "s64", U64: "u64", F32: "f32", F64: "f64", Char: "char", String: "string",
	ErrorContext: "error-context", List: "list", FixedList: "list", Record: "record", Tuple: "tuple",
	Variant: "variant", Enum: "enum", Option: "option", Result: "result", Flags: "flags",
	Own: "own", Borrow: "borrow", Stream: "stream", Future: "future", Map: "map",
}

// String is the WIT name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// maxText bounds what String writes of one type: messages are for people.
const maxText = 2000

// String writes the type as WIT would, with records and the like spelled out.
func (t *Type) String() string {
	var p printer
	p.value(t)
	return p.b.String()
}

// String writes the function type as WIT does.
func (f *Func) String() string {
	var p printer
	if f.Async {
		p.b.WriteString("async ")
	}
	p.b.WriteString("func(")
	p.fields(f.Params)
	p.b.WriteByte(')')
	if f.Result != nil {
		p.b.WriteString(" -> ")
		p.value(f.Result)
	}
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) fields(fs []Field) {
	for k, f := range fs {
		if k > 0 {
			p.b.WriteString(", ")
		}
		if f.Name != "" {
			p.b.WriteString(f.Name + ": ")
		}
		p.value(f.Type)
	}
}

//godwit:dispatch
func (p *printer) value(t *Type) {
	if p.b.Len() > maxText {
		p.b.WriteString("…")
		return
	}
	if t == nil {
		p.b.WriteByte('_')
		return
	}
	p.b.WriteString(t.Kind.String())
	switch t.Kind {
	case List, Option:
		p.angle(t.Elem)
	case Stream, Future:
		if t.Elem != nil {
			p.angle(t.Elem)
		}
	case FixedList:
		p.b.WriteByte('<')
		p.value(t.Elem)
		fmt.Fprintf(&p.b, ", %d>", t.Len)
	case Map:
		p.angle(t.Key, t.Elem)
	case Tuple:
		p.b.WriteByte('<')
		p.fields(t.Fields)
		p.b.WriteByte('>')
	case Record:
		p.b.WriteString(" { ")
		p.fields(t.Fields)
		p.b.WriteString(" }")
	case Variant:
		p.b.WriteString(" { ")
		for k, c := range t.Cases {
			if k > 0 {
				p.b.WriteString(", ")
			}
			p.b.WriteString(c.Name)
			if c.Type != nil {
				p.b.WriteByte('(')
				p.value(c.Type)
				p.b.WriteByte(')')
			}
		}
		p.b.WriteString(" }")
	case Enum, Flags:
		p.b.WriteString(" { " + strings.Join(t.Labels, ", ") + " }")
	case Result:
		switch {
		case t.OK != nil && t.Err != nil:
			p.angle(t.OK, t.Err)
		case t.OK != nil:
			p.angle(t.OK)
		case t.Err != nil:
			p.angle(nil, t.Err)
		}
	case Own, Borrow:
		p.b.WriteString("<" + t.Resource.Name + ">")
	}
}

func (p *printer) angle(ts ...*Type) {
	p.b.WriteByte('<')
	for k, t := range ts {
		if k > 0 {
			p.b.WriteString(", ")
		}
		p.value(t)
	}
	p.b.WriteByte('>')
}

// String is the sort as messages name it.
func (s Sort) String() string {
	switch s {
	case SortCoreModule:
		return "core module"
	case SortFunc:
		return "func"
	case SortValue:
		return "value"
	case SortType:
		return "type"
	case SortComponent:
		return "component"
	case SortInstance:
		return "instance"
	}
	return fmt.Sprintf("sort(%d)", uint8(s))
}

// String is the sort as messages name it.
func (s CoreSort) String() string {
	switch s {
	case CoreFunc:
		return "func"
	case CoreTable:
		return "table"
	case CoreMemory:
		return "memory"
	case CoreGlobal:
		return "global"
	case CoreTag:
		return "tag"
	case CoreType:
		return "type"
	case CoreModule:
		return "module"
	case CoreInstance:
		return "instance"
	}
	return fmt.Sprintf("sort(%#x)", uint8(s))
}

// String is the name of the type in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32Core:
		return "f32"
	case F64Core:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	case ExnRef:
		return "exnref"
	}
	return fmt.Sprintf("valtype(%#x)", uint8(t))
}

// String writes the type as [params] -> [results].
func (f *CoreFuncType) String() string {
	list := func(ts []ValType) string {
		var s []string
		for _, t := range ts {
			s = append(s, t.String())
		}
		return "[" + strings.Join(s, " ") + "]"
	}
	return list(f.Params) + " -> " + list(f.Results)
}
