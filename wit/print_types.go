package wit

import (
	"fmt"
	"strings"
)

// types prints named types in order, with the functions of each resource in it.
// Names that are used from one interface and stand together share a `use`.
func (t *textWriter) types(defs []*TypeDef, funcs []*Func) {
	methods := map[*TypeDef][]*Func{}
	for _, f := range funcs {
		if f.Resource != nil {
			methods[f.Resource] = append(methods[f.Resource], f)
		}
	}
	for n := 0; n < len(defs); n++ {
		def := defs[n]
		if from := usedFrom(def); from != nil {
			names := []string{useName(def)}
			for n+1 < len(defs) && usedFrom(defs[n+1]) == from && sameAttributes(def, defs[n+1]) {
				n++
				names = append(names, useName(defs[n]))
			}
			t.attributes(def.Docs, def.Stability, nil)
			t.line("use %s.{%s};", t.path(from), strings.Join(names, ", "))
			continue
		}
		t.blank()
		t.attributes(def.Docs, def.Stability, def.ExternalID)
		t.typeDef(def, methods[def])
	}
}

// usedFrom is the interface that a name is used from; nil for a type that is
// defined where it is.
func usedFrom(def *TypeDef) *Interface {
	if def.Type.Kind != KindAlias || def.Type.Elem.Def == nil {
		return nil
	}
	origin := def.Type.Elem.Def
	if origin.Interface == def.Interface {
		return nil
	}
	return origin.Interface
}

func useName(def *TypeDef) string {
	origin := def.Type.Elem.Def.Name
	if origin == def.Name {
		return escape(origin)
	}
	return escape(origin) + " as " + escape(def.Name)
}

func sameAttributes(a, b *TypeDef) bool {
	return a.Docs == b.Docs && a.Stability == b.Stability
}

func (t *textWriter) typeDef(def *TypeDef, methods []*Func) {
	typ, name := def.Type, escape(def.Name)
	switch typ.Kind {
	case KindRecord:
		t.line("record %s {", name)
		t.indent++
		for _, f := range typ.Fields {
			t.docs(f.Docs)
			t.line("%s: %s,", escape(f.Name), formatType(f.Type))
		}
	case KindVariant, KindEnum, KindFlags:
		words := map[Kind]string{KindVariant: "variant", KindEnum: "enum", KindFlags: "flags"}
		t.line("%s %s {", words[typ.Kind], name)
		t.indent++
		for _, c := range typ.Cases {
			t.docs(c.Docs)
			if c.Type == nil {
				t.line("%s,", escape(c.Name))
			} else {
				t.line("%s(%s),", escape(c.Name), formatType(c.Type))
			}
		}
	case KindResource:
		if len(methods) == 0 {
			t.line("resource %s;", name)
			return
		}
		t.line("resource %s {", name)
		t.indent++
		for _, f := range methods {
			t.function(f, def.Name)
		}
	case KindAlias:
		t.line("type %s = %s;", name, formatType(typ.Elem))
		return
	default:
		// `type a = own<r>` is not an alias of r: it is written out.
		if typ.Kind == KindOwn {
			t.line("type %s = own<%s>;", name, escape(typ.Def.Name))
			return
		}
		t.line("type %s = %s;", name, formatType(typ))
		return
	}
	t.close()
}

// function prints a function of an interface or resource.
func (t *textWriter) function(f *Func, resource string) {
	t.attributes(f.Docs, f.Stability, f.ExternalID)
	switch f.Kind {
	case Constructor:
		s := "constructor(" + params(f.Params) + ")"
		if f.Result != nil && f.Result.Kind == KindResult {
			s += " -> " + formatType(f.Result)
		}
		t.line("%s;", s)
	case Static:
		t.line("%s: static %s;", escape(f.Name), t.signature(f))
	default:
		t.line("%s: %s;", escape(f.Name), t.signature(f))
	}
}

func (t *textWriter) signature(f *Func) string {
	var b strings.Builder
	if f.Async {
		b.WriteString("async ")
	}
	ps := f.Params
	if f.Kind == Method && len(ps) > 0 {
		ps = ps[1:] // self
	}
	b.WriteString("func(" + params(ps) + ")")
	if f.Result != nil {
		b.WriteString(" -> " + formatType(f.Result))
	}
	return b.String()
}

func params(ps []Field) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = escape(p.Name) + ": " + formatType(p.Type)
	}
	return strings.Join(parts, ", ")
}

var primitiveNames = func() map[Kind]string {
	m := map[Kind]string{}
	for name, kind := range primitives {
		m[kind] = name
	}
	return m
}()

// String is the type as WIT writes it, with named types by their names.
func (t *Type) String() string { return formatType(t) }

// formatType writes a type that is used in place.
func formatType(t *Type) string {
	if t == nil {
		return "_"
	}
	if name, ok := primitiveNames[t.Kind]; ok {
		return name
	}
	switch t.Kind {
	case KindRef, KindOwn:
		return escape(t.Def.Name)
	case KindBorrow:
		return "borrow<" + escape(t.Def.Name) + ">"
	case KindAlias:
		return formatType(t.Elem)
	case KindList:
		return "list<" + formatType(t.Elem) + ">"
	case KindFixedList:
		return fmt.Sprintf("list<%s, %d>", formatType(t.Elem), t.Len)
	case KindOption:
		return "option<" + formatType(t.Elem) + ">"
	case KindMap:
		return "map<" + formatType(t.Key) + ", " + formatType(t.Elem) + ">"
	case KindStream:
		return payload("stream", t.Elem)
	case KindFuture:
		return payload("future", t.Elem)
	case KindTuple:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = formatType(f.Type)
		}
		return "tuple<" + strings.Join(parts, ", ") + ">"
	case KindResult:
		switch {
		case t.OK == nil && t.Err == nil:
			return "result"
		case t.Err == nil:
			return "result<" + formatType(t.OK) + ">"
		}
		return "result<" + formatType(t.OK) + ", " + formatType(t.Err) + ">"
	}
	// A record, variant, enum, flags or resource has no form in place; a model
	// from a reader has none here.
	return fmt.Sprintf("<unnamed type of kind %d>", t.Kind)
}

func payload(word string, elem *Type) string {
	if elem == nil {
		return word
	}
	return word + "<" + formatType(elem) + ">"
}
