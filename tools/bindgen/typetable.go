package bindgen

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// typeVar is the expression for the *types.Type of s. Types of primitives come
// from package types; every other shape gets a variable. Types that mention a
// guest's resource depend on the component: they are local to the function that
// finds the export, which passes locals.
func (g *generator) typeVar(s *shape, l *locals) string {
	if s == nil {
		return "nil"
	}
	if name, ok := primitiveTypeVars[s.kind]; ok {
		return "types." + name
	}
	name := "type" + s.name
	if s.guest {
		if !l.has[s] {
			l.has[s] = true
			l.w.p("%s := %s", name, g.typeLiteral(s, l))
		}
		return name
	}
	if !g.typed[s] {
		g.typed[s] = true
		literal := g.typeLiteral(s, l)
		g.typeTable.p("var %s = %s\n", name, literal)
	}
	return name
}

// locals are the types that a Find function has declared.
type locals struct {
	w    *printer
	unit *unit
	has  map[*shape]bool
}

var primitiveTypeVars = map[types.Kind]string{
	types.Bool: "TypeBool", types.S8: "TypeS8", types.U8: "TypeU8",
	types.S16: "TypeS16", types.U16: "TypeU16", types.S32: "TypeS32",
	types.U32: "TypeU32", types.S64: "TypeS64", types.U64: "TypeU64",
	types.F32: "TypeF32", types.F64: "TypeF64", types.Char: "TypeChar",
	types.String: "TypeString",
}

func (g *generator) typeLiteral(s *shape, l *locals) string {
	switch s.kind {
	case types.List:
		return fmt.Sprintf("&types.Type{Kind: types.List, Elem: %s}", g.typeVar(s.elem, l))
	case types.FixedList:
		return fmt.Sprintf("&types.Type{Kind: types.FixedList, Elem: %s, Len: %d}", g.typeVar(s.elem, l), s.len)
	case types.Option:
		return fmt.Sprintf("&types.Type{Kind: types.Option, Elem: %s}", g.typeVar(s.elem, l))
	case types.Map:
		return fmt.Sprintf("&types.Type{Kind: types.Map, Key: %s, Elem: %s}", g.typeVar(s.elem.fields[0], l), g.typeVar(s.elem.fields[1], l))
	case types.Result:
		var parts string
		if s.ok != nil {
			parts += ", OK: " + g.typeVar(s.ok, l)
		}
		if s.err != nil {
			parts += ", Err: " + g.typeVar(s.err, l)
		}
		return "&types.Type{Kind: types.Result" + parts + "}"
	case types.Own, types.Borrow:
		kind := "Own"
		if s.kind == types.Borrow {
			kind = "Borrow"
		}
		return fmt.Sprintf("&types.Type{Kind: types.%s, Resource: %s}", kind, g.resourceVar(s.named, l))
	case types.Enum, types.Flags:
		kind := "Enum"
		if s.kind == types.Flags {
			kind = "Flags"
		}
		return fmt.Sprintf("&types.Type{Kind: types.%s, Labels: []string{%s}}", kind, quoted(s.wire.Labels))
	}
	return g.compositeLiteral(s, l)
}

func (g *generator) compositeLiteral(s *shape, l *locals) string {
	var b printer
	switch s.kind {
	case types.Record, types.Tuple:
		kind := "Record"
		if s.kind == types.Tuple {
			kind = "Tuple"
		}
		b.p("&types.Type{Kind: types.%s, Fields: []types.Field{", kind)
		for i, f := range s.fields {
			if s.kind == types.Record {
				b.p("{Name: %q, Type: %s},", s.wire.Fields[i].Name, g.typeVar(f, l))
			} else {
				b.p("{Type: %s},", g.typeVar(f, l))
			}
		}
	case types.Variant:
		b.p("&types.Type{Kind: types.Variant, Cases: []types.Case{")
		for i, f := range s.fields {
			if f == nil {
				b.p("{Name: %q},", s.wire.Cases[i].Name)
			} else {
				b.p("{Name: %q, Type: %s},", s.wire.Cases[i].Name, g.typeVar(f, l))
			}
		}
	}
	b.WriteString("}}")
	return b.String()
}

// resourceVar is the expression for a resource's identity.
func (g *generator) resourceVar(n *named, l *locals) string {
	if n.guest() {
		return l.resource(n)
	}
	return g.qualify(n, n.typeVar)
}

func quoted(labels []string) string {
	q := make([]string, len(labels))
	for i, l := range labels {
		q[i] = fmt.Sprintf("%q", l)
	}
	return strings.Join(q, ", ")
}

// funcType is the literal of a function's type.
func (g *generator) funcType(s *funcShape, l *locals) string {
	var b printer
	b.p("&types.Func{")
	if len(s.def.Params) > 0 {
		b.p("Params: []types.Field{")
		for i, p := range s.def.Params {
			b.p("{Name: %q, Type: %s},", p.Name, g.typeVar(s.params[i], l))
		}
		b.p("},")
	}
	if s.result != nil {
		b.p("Result: %s,", g.typeVar(s.result, l))
	}
	b.WriteString("}")
	return b.String()
}
