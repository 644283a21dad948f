package wit

import (
	"io"
	"strconv"
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// PrintExterns prints what a component imports and exports, as WIT would write
// it in a world. An instance is printed with its contents:
//
//	import wasi:io/poll@0.2.0 {
//	  resource pollable {
//	    ready: func() -> bool;
//	  }
//	}
//
// Named types are written by the names under which an instance exports them,
// and as a `use` where an earlier instance exports the same type. What WIT has
// no words for (core modules, components, values) becomes a comment.
func PrintExterns(w io.Writer, imports, exports []types.Named) error {
	p := &externPrinter{
		textWriter: Printer{}.start(nil),
		resources:  map[*types.Resource]externName{},
		values:     map[*types.Type]externName{},
		shapes:     shapes{},
	}
	p.externs("import", imports)
	p.blank()
	p.externs("export", exports)
	return p.writeTo(w)
}

// externName is where a type was first seen.
type externName struct{ instance, name string }

type externPrinter struct {
	*textWriter
	resources map[*types.Resource]externName
	values    map[*types.Type]externName
	shapes    shapes
}

// externs prints one side of a component: interfaces by id, then types and
// functions, which may mention types of each other.
func (p *externPrinter) externs(verb string, named []types.Named) {
	top := p.newScope(named)
	var rest []types.Named
	for _, n := range named {
		if n.Extern.Sort != types.SortInstance {
			rest = append(rest, n)
			continue
		}
		if strings.Contains(n.Name, ":") {
			p.line("%s %s {", verb, label(n.Name))
		} else {
			p.line("%s %s: interface {", verb, label(n.Name))
		}
		p.indent++
		scope := p.newScope(n.Extern.Instance.Exports)
		p.body(scope, n.Extern.Instance.Exports, "")
		p.close()
		p.remember(n.Name, n.Extern.Instance.Exports)
	}
	p.body(top, rest, verb+" ")
	p.remember("", rest)
}

// remember notes the names of types for later instances.
func (p *externPrinter) remember(instance string, named []types.Named) {
	for _, n := range named {
		if n.Extern.Sort != types.SortType {
			continue
		}
		where := externName{instance, n.Name}
		if r := boundResource(n.Extern.Type); r != nil {
			if _, ok := p.resources[r]; !ok {
				p.resources[r] = where
			}
		} else if v := boundValue(n.Extern.Type); v != nil && v.Kind >= types.List {
			if _, ok := p.values[v]; !ok {
				p.values[v] = where
			}
		}
	}
}

func boundResource(b *types.Bound) *types.Resource {
	if b == nil || b.Resource != nil || b.Def == nil {
		if b == nil {
			return nil
		}
		return b.Resource
	}
	return b.Def.Resource
}

func boundValue(b *types.Bound) *types.Type {
	if b == nil || b.Def == nil {
		return nil
	}
	return b.Def.Value
}

// newScope gathers the names of types in one list of externs.
func (p *externPrinter) newScope(named []types.Named) *typeScope {
	s := &typeScope{
		resources: map[*types.Resource]string{}, values: map[*types.Type]string{},
		byShape: map[int]string{}, shapes: p.shapes,
	}
	for _, n := range named {
		if n.Extern.Sort != types.SortType {
			continue
		}
		if r := boundResource(n.Extern.Type); r != nil {
			if s.resources[r] == "" {
				s.resources[r] = n.Name
			}
		} else if v := boundValue(n.Extern.Type); v != nil && v.Kind >= types.List {
			if s.values[v] == "" {
				s.values[v] = n.Name
			}
			if shape := p.shapes.of(v, 0); isDefined(v.Kind) && shape != 0 && s.byShape[shape] == "" {
				s.byShape[shape] = n.Name
			}
		}
	}
	return s
}

// body prints types, with the functions of each resource in it, then functions.
// verb is "" in an interface.
func (p *externPrinter) body(s *typeScope, named []types.Named, verb string) {
	methods := map[string][]types.Named{}
	for _, n := range named {
		if _, resource, _ := splitFunc(n.Name); resource != "" && n.Extern.Sort == types.SortFunc {
			methods[resource] = append(methods[resource], n)
		}
	}
	var uses []string
	var from string
	flush := func() {
		if len(uses) > 0 {
			p.line("use %s.{%s};", label(from), strings.Join(uses, ", "))
		}
		uses = nil
	}
	printed := map[string]bool{}
	for _, n := range named {
		if n.Extern.Sort != types.SortType {
			continue
		}
		if origin := p.usedFrom(s, n); origin.instance != "" {
			if origin.instance != from {
				flush()
			}
			from = origin.instance
			use := label(origin.name)
			if origin.name != n.Name {
				use += " as " + label(n.Name)
			}
			uses = append(uses, use)
			continue
		}
		flush()
		p.blank()
		if verb == "export " {
			p.line("// exported:")
		}
		if p.typeExtern(s, n, methods[n.Name]) {
			printed[n.Name] = true
		}
	}
	flush()
	first := true
	for _, n := range named {
		kind, resource, name := splitFunc(n.Name)
		if n.Extern.Sort == types.SortType || n.Extern.Sort == types.SortFunc && printed[resource] {
			continue
		}
		if first && verb == "" {
			p.blank()
		}
		first = false
		if n.Extern.Sort == types.SortFunc {
			if resource != "" { // of a resource that is not among the types
				kind, name = Freestanding, n.Name
			}
			p.line("%s%s: %s;", verb, label(name), s.signature(n.Extern.Func, kind))
			continue
		}
		p.line("// %s%s: %s", verb, label(n.Name), p.otherSort(s, n.Extern))
	}
}

func (p *externPrinter) otherSort(s *typeScope, e types.Extern) string {
	switch e.Sort {
	case types.SortCoreModule:
		return "a core module"
	case types.SortComponent:
		return "a component"
	case types.SortInstance:
		return "an instance"
	case types.SortValue:
		return "a value of type " + s.format(e.Value)
	}
	return "of an unknown sort"
}

// usedFrom is the earlier instance that exports the same type, if the name is
// the first one here for it.
func (p *externPrinter) usedFrom(s *typeScope, n types.Named) externName {
	if b := n.Extern.Type; b == nil || b.Resource != nil {
		return externName{}
	}
	if r := boundResource(n.Extern.Type); r != nil && s.resources[r] == n.Name {
		return p.resources[r]
	}
	if v := boundValue(n.Extern.Type); v != nil && s.values[v] == n.Name {
		return p.values[v]
	}
	return externName{}
}

// typeExtern prints one named type; asResource says that methods are in it.
func (p *externPrinter) typeExtern(s *typeScope, n types.Named, methods []types.Named) (asResource bool) {
	if r := boundResource(n.Extern.Type); r != nil {
		if other := s.resources[r]; other != n.Name {
			p.line("type %s = %s;", label(n.Name), label(other))
			return false
		}
		p.resource(s, n.Name, methods)
		return true
	}
	v := boundValue(n.Extern.Type)
	switch {
	case v == nil:
		p.line("// type %s: not a type of values", label(n.Name))
	case v.Kind >= types.List && s.values[v] != n.Name:
		p.line("type %s = %s;", label(n.Name), label(s.values[v]))
	case isDefined(v.Kind):
		p.defined(s, n.Name, v)
	case v.Kind == types.Own:
		p.line("type %s = own<%s>;", label(n.Name), s.resource(v.Resource))
	default:
		p.line("type %s = %s;", label(n.Name), s.formatShape(v))
	}
	return false
}

func (p *externPrinter) resource(s *typeScope, name string, methods []types.Named) {
	if len(methods) == 0 {
		p.line("resource %s;", label(name))
		return
	}
	p.line("resource %s {", label(name))
	p.indent++
	for _, m := range methods {
		kind, _, name := splitFunc(m.Name)
		f := m.Extern.Func
		switch kind {
		case Constructor:
			result := ""
			if f.Result != nil && f.Result.Kind == types.Result {
				result = " -> " + s.format(f.Result)
			}
			p.line("constructor(%s)%s;", s.params(f.Params), result)
		case Static:
			p.line("%s: static %s;", label(name), s.signature(f, Static))
		default:
			p.line("%s: %s;", label(name), s.signature(f, kind))
		}
	}
	p.close()
}

// defined prints a type that needs a name.
func (p *externPrinter) defined(s *typeScope, name string, v *types.Type) {
	word := map[types.Kind]string{types.Record: "record", types.Variant: "variant", types.Enum: "enum", types.Flags: "flags"}[v.Kind]
	p.line("%s %s {", word, label(name))
	p.indent++
	for _, f := range v.Fields {
		p.line("%s: %s,", label(f.Name), s.format(f.Type))
	}
	for _, c := range v.Cases {
		if c.Type == nil {
			p.line("%s,", label(c.Name))
		} else {
			p.line("%s(%s),", label(c.Name), s.format(c.Type))
		}
	}
	for _, l := range v.Labels {
		p.line("%s,", label(l))
	}
	p.close()
}

// splitFunc reads the name of a function in a component: "[method]r.f".
func splitFunc(wire string) (kind FuncKind, resource, name string) {
	if r, ok := strings.CutPrefix(wire, "[constructor]"); ok {
		return Constructor, r, ""
	}
	for prefix, kind := range map[string]FuncKind{"[method]": Method, "[static]": Static} {
		if rest, ok := strings.CutPrefix(wire, prefix); ok {
			if r, f, ok := strings.Cut(rest, "."); ok {
				return kind, r, f
			}
		}
	}
	return Freestanding, "", wire
}

// label writes a name that comes from a component. One that WIT cannot write
// is quoted, so that it cannot play tricks on a terminal.
func label(name string) string {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("-:/@.+_", c) < 0 {
			return strconv.QuoteToASCII(name)
		}
	}
	if name == "" {
		return `""`
	}
	return escape(name)
}
