package wit

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// FormatType writes a component value type in the words of WIT. Records,
// variants, enums and flags, which have names only where an instance exports
// them, are written out: record { a: u32 }.
func FormatType(t *types.Type) string { return (&typeScope{}).format(t) }

// FormatFunc writes a component function type in the words of WIT.
func FormatFunc(f *types.Func) string { return (&typeScope{}).signature(f, Freestanding) }

// maxFormatted bounds the size of one written type: types share their parts, so
// that a small component has types that are vast when written out.
const maxFormatted = 1 << 14

// typeScope knows the names of types at one place.
type typeScope struct {
	resources map[*types.Resource]string
	values    map[*types.Type]string
	byShape   map[int]string // of records, variants, enums and flags
	shapes    shapes
}

// isDefined says whether WIT has no form for the kind without a name.
func isDefined(k types.Kind) bool {
	return k == types.Record || k == types.Variant || k == types.Enum || k == types.Flags
}

func (s *typeScope) nameOf(t *types.Type) string {
	if n := s.values[t]; n != "" || !isDefined(t.Kind) || len(s.byShape) == 0 {
		return n
	}
	if shape := s.shapes.of(t, 0); shape != 0 {
		return s.byShape[shape]
	}
	return ""
}

func (s *typeScope) resource(r *types.Resource) string {
	switch n := s.resources[r]; {
	case n != "":
		return label(n)
	case r == nil || r.Name == "":
		return "resource"
	}
	return label(r.Name)
}

// format writes a type, by its name when it has one here.
func (s *typeScope) format(t *types.Type) string {
	var b strings.Builder
	s.write(&b, t, 0)
	return b.String()
}

// formatShape writes a type without regard to its own name.
func (s *typeScope) formatShape(t *types.Type) string {
	var b strings.Builder
	s.writeShape(&b, t, 0)
	return b.String()
}

func (s *typeScope) signature(f *types.Func, kind FuncKind) string {
	if f == nil {
		return "func()"
	}
	ps := f.Params
	if kind == Method && len(ps) > 0 {
		ps = ps[1:] // self
	}
	out := "func(" + s.params(ps) + ")"
	if f.Async {
		out = "async " + out
	}
	if f.Result != nil {
		out += " -> " + s.format(f.Result)
	}
	return out
}

func (s *typeScope) params(ps []types.Field) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = label(p.Name) + ": " + s.format(p.Type)
	}
	return strings.Join(parts, ", ")
}

var kindNames = map[types.Kind]string{
	types.Bool: "bool", types.S8: "s8", types.U8: "u8", types.S16: "s16", types.U16: "u16",
	types.S32: "s32", types.U32: "u32", types.S64: "s64", types.U64: "u64", types.F32: "f32",
	types.F64: "f64", types.Char: "char", types.String: "string", types.ErrorContext: "error-context",
	types.Record: "record", types.Variant: "variant", types.Enum: "enum", types.Flags: "flags",
	types.List: "list", types.Option: "option", types.Stream: "stream", types.Future: "future",
}

func (s *typeScope) write(b *strings.Builder, t *types.Type, depth int) {
	switch {
	case t == nil:
		b.WriteByte('_')
	case b.Len() > maxFormatted || depth > maxTypeDepth:
		b.WriteString("…")
	default:
		if n := s.nameOf(t); n != "" {
			b.WriteString(label(n))
			return
		}
		s.writeShape(b, t, depth)
	}
}

func (s *typeScope) writeShape(b *strings.Builder, t *types.Type, depth int) {
	depth++
	switch t.Kind {
	case types.FixedList:
		b.WriteString("list<")
		s.write(b, t.Elem, depth)
		fmt.Fprintf(b, ", %d>", t.Len)
	case types.Map:
		b.WriteString("map<")
		s.write(b, t.Key, depth)
		b.WriteString(", ")
		s.write(b, t.Elem, depth)
		b.WriteByte('>')
	case types.Own:
		b.WriteString(s.resource(t.Resource))
	case types.Borrow:
		b.WriteString("borrow<" + s.resource(t.Resource) + ">")
	case types.Result:
		b.WriteString("result")
		if t.OK != nil || t.Err != nil {
			b.WriteByte('<')
			s.write(b, t.OK, depth)
			if t.Err != nil {
				b.WriteString(", ")
				s.write(b, t.Err, depth)
			}
			b.WriteByte('>')
		}
	case types.Tuple:
		s.writeMembers(b, "tuple<", ">", len(t.Fields), func(i int) { s.write(b, t.Fields[i].Type, depth) })
	case types.Record:
		s.writeMembers(b, "record { ", " }", len(t.Fields), func(i int) {
			b.WriteString(label(t.Fields[i].Name) + ": ")
			s.write(b, t.Fields[i].Type, depth)
		})
	case types.Variant:
		s.writeMembers(b, "variant { ", " }", len(t.Cases), func(i int) {
			b.WriteString(label(t.Cases[i].Name))
			if t.Cases[i].Type != nil {
				b.WriteByte('(')
				s.write(b, t.Cases[i].Type, depth)
				b.WriteByte(')')
			}
		})
	case types.Enum, types.Flags:
		s.writeMembers(b, kindNames[t.Kind]+" { ", " }", len(t.Labels), func(i int) { b.WriteString(label(t.Labels[i])) })
	default:
		b.WriteString(kindNames[t.Kind])
		if t.Elem != nil {
			b.WriteByte('<')
			s.write(b, t.Elem, depth)
			b.WriteByte('>')
		}
	}
}

func (s *typeScope) writeMembers(b *strings.Builder, open, end string, n int, member func(int)) {
	b.WriteString(open)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxFormatted {
			b.WriteString("…")
			break
		}
		member(i)
	}
	b.WriteString(end)
}

// shapes numbers types so that those that are equal have the same number. Each
// type is looked at once, however many others share it.
type shapes map[any]int

// of is the number of t; 0 when t is too deep to have one.
func (m shapes) of(t *types.Type, depth int) int {
	if t == nil {
		return -1
	}
	if n, seen := m[t]; seen {
		return n
	}
	if depth > maxTypeDepth {
		return 0
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %p", t.Kind, t.Len, t.Resource)
	whole := true
	sub := func(name string, t *types.Type) {
		n := m.of(t, depth+1)
		whole = whole && n != 0
		fmt.Fprintf(&b, " %q %d", name, n)
	}
	for _, part := range []*types.Type{t.Elem, t.Key, t.OK, t.Err} {
		sub("", part)
	}
	for _, f := range t.Fields {
		sub(f.Name, f.Type)
	}
	for _, c := range t.Cases {
		sub(c.Name, c.Type)
	}
	for _, l := range t.Labels {
		sub(l, nil)
	}
	if !whole {
		m[t] = 0
		return 0
	}
	key := b.String()
	n := m[key]
	if n == 0 {
		n = len(m) + 1
		m[key] = n
	}
	m[t] = n
	return n
}
