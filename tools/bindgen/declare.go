package bindgen

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/wit"
)

// printer collects Go source.
type printer struct{ strings.Builder }

// p prints a line.
func (w *printer) p(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// docs prints a comment: the WIT docs when there are some, else fallback.
func (w *printer) docs(docs, fallback string) {
	text := strings.TrimSpace(docs)
	if text == "" {
		text = fallback
	}
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.p("%s", strings.TrimRight("// "+strings.TrimSpace(line), " "))
	}
}

// docsOf prints a comment that starts, as Go has it, with the name it is about.
func (w *printer) docsOf(name, is, docs string) {
	text := "// " + name + " is " + is + "."
	w.p("%s", text)
	if docs = strings.TrimSpace(docs); docs != "" {
		w.p("//")
		w.docs(docs, "")
	}
}

// wirePath is a type's name for messages: "wasi:io/streams.input-stream".
func (n *named) wirePath() string {
	if i := n.def.Interface; i != nil && i.Name != "" {
		return i.Package.Namespace + ":" + i.Package.Name + "/" + i.Name + "." + n.def.Name
	}
	if n.unit.wire != "" {
		return n.unit.wire + "." + n.def.Name
	}
	return n.def.Name
}

// declareUnit prints a unit's types and interfaces.
func (g *generator) declareUnit(w *printer, u *unit) error {
	if u.host != "" {
		if err := g.declareHost(w, u); err != nil {
			return err
		}
	}
	for _, n := range u.declared {
		if err := g.declareType(w, u, n); err != nil {
			return fmt.Errorf("type %s: %w", n.wirePath(), err)
		}
	}
	return nil
}

// declareHost prints the interface that a host implements for a unit.
func (g *generator) declareHost(w *printer, u *unit) error {
	what := u.wire
	if u.iface == nil {
		what = "the root of world " + u.world.Name
	}
	w.p("// %s is what a host provides for %s: its functions that are not methods of a resource.", u.host, what)
	if docs := strings.TrimSpace(u.docs); docs != "" {
		w.p("//")
		w.docs(docs, "")
	}
	w.p("type %s interface {", u.host)
	for _, fn := range u.bindings {
		if fn.def.Kind != wit.Method {
			if err := g.declareMethod(w, fn); err != nil {
				return err
			}
		}
	}
	w.p("}\n")
	return nil
}

// declareMethod prints a method of a Go interface.
func (g *generator) declareMethod(w *printer, fn *function) error {
	sig, err := g.signature(fn)
	if err != nil {
		return fmt.Errorf("%s: %w", fn.unit.wireOf(fn.def), err)
	}
	switch {
	case strings.TrimSpace(fn.def.Docs) != "":
		w.docs(fn.def.Docs, "")
	case fn.split:
		w.p("// %s is %s; the error is %s, anything else traps.", fn.goName, fn.wire, withArticle(sig.errName))
	default:
		w.p("// %s is %s.", fn.goName, fn.wire)
	}
	w.p("%s(%s) %s", fn.goName, sig.params, sig.results)
	return nil
}

// withArticle puts "a" or "an" before a name.
func withArticle(name string) string {
	if strings.ContainsRune("AEIOUaeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// signature is what a Go method has for a WIT function.
type signature struct {
	params  string   // "ctx context.Context, length uint64"
	types   []string // of the parameters without ctx and self
	result  string   // Go type of the value, "" when there is none
	results string   // "([]byte, error)"
	errName string   // Go type of the error value when the result is split
	errOwn  bool     // it is a generated type with an Error method
}

// args are the WIT parameters without the self of a method.
func (fn *function) args() ([]wit.Field, []string) {
	if fn.def.Kind == wit.Method && len(fn.def.Params) > 0 {
		return fn.def.Params[1:], fn.params[1:]
	}
	return fn.def.Params, fn.params
}

func (g *generator) signature(fn *function) (*signature, error) {
	sig := &signature{params: "ctx context.Context"}
	fields, names := fn.args()
	for i, f := range fields {
		t, err := g.goType(fn.unit, f.Type)
		if err != nil {
			return nil, err
		}
		sig.types = append(sig.types, t)
		sig.params += ", " + names[i] + " " + t
	}
	sig.results = "error"
	if fn.ok != nil {
		t, err := g.goType(fn.unit, fn.ok)
		if err != nil {
			return nil, err
		}
		sig.result, sig.results = t, "("+t+", error)"
	}
	if fn.split {
		var err error
		if sig.errName, sig.errOwn, err = g.errorType(fn); err != nil {
			return nil, err
		}
	}
	return sig, nil
}

// declareType prints the Go declaration of a named type.
func (g *generator) declareType(w *printer, u *unit, n *named) error {
	t := n.def.Type
	switch t.Kind {
	case wit.KindResource:
		if u.side == exportSide {
			return nil // with its callers
		}
		return g.declareResource(w, u, n)
	case wit.KindRecord:
		return g.declareRecord(w, u, n)
	case wit.KindVariant:
		return g.declareVariant(w, u, n)
	case wit.KindEnum:
		g.declareEnum(w, n)
		return nil
	case wit.KindFlags:
		g.declareFlags(w, n)
		return nil
	}
	target, err := g.goType(u, t)
	if err != nil {
		return err
	}
	w.docsOf(n.goName, "the type "+n.wirePath(), n.def.Docs)
	w.p("type %s = %s\n", n.goName, strings.TrimPrefix(target, "*"))
	return nil
}

// declareResource prints the Go interface of a resource that the host implements.
func (g *generator) declareResource(w *printer, u *unit, n *named) error {
	w.docsOf(n.goName, "the resource "+n.wirePath()+"; the host implements it", n.def.Docs)
	w.p("type %s interface {", n.goName)
	for _, fn := range u.bindings {
		if fn.def.Kind == wit.Method && fn.res == n {
			if err := g.declareMethod(w, fn); err != nil {
				return err
			}
		}
	}
	w.p("// Drop is called once, when the last owning handle is gone.")
	w.p("Drop(ctx context.Context)")
	w.p("}\n")
	w.p("// %s is the identity of the resource %s.", n.typeVar, n.wirePath())
	w.p("var %s = &types.Resource{Name: %q}\n", n.typeVar, n.wirePath())
	return nil
}

func (g *generator) declareRecord(w *printer, u *unit, n *named) error {
	w.docsOf(n.goName, "the record "+n.wirePath(), n.def.Docs)
	w.p("type %s struct {", n.goName)
	for i, f := range n.def.Type.Fields {
		t, err := g.goType(u, f.Type)
		if err != nil {
			return err
		}
		w.docs(f.Docs, "")
		w.p("%s %s", n.fields[i], t)
	}
	w.p("}\n")
	if n.isError {
		w.p("// Error makes the record an error that a host function returns.")
		w.p("func (v %s) Error() string { return %q }\n", n.goName, n.def.Name)
	}
	return nil
}

func (g *generator) declareVariant(w *printer, u *unit, n *named) error {
	t := n.def.Type
	w.docsOf(n.goName, "the variant "+n.wirePath()+". Tag says which case it is; the field of that case, if it has one, holds the payload", n.def.Docs)
	w.p("type %s struct {", n.goName)
	w.p("Tag %s", n.tag)
	for i, c := range t.Cases {
		if c.Type == nil {
			continue
		}
		ct, err := g.goType(u, c.Type)
		if err != nil {
			return err
		}
		w.p("%s %s", n.fields[i], ct)
	}
	w.p("}\n")
	w.p("// %s is the case of %s.", n.tag, withArticle(n.goName))
	w.p("type %s uint%d\n", n.tag, caseBits(len(t.Cases)))
	w.p("// The cases of %s.", n.goName)
	g.constants(w, n, n.tag, "iota")
	g.stringMethod(w, n, n.tag)
	if n.isError {
		w.p("// Error returns the name of the case.")
		w.p("func (v %s) Error() string { return v.Tag.String() }\n", n.goName)
	}
	return nil
}

// caseBits is the size of the discriminant of n cases (spec: discriminant_type).
func caseBits(n int) int {
	switch {
	case n <= 1<<8:
		return 8
	case n <= 1<<16:
		return 16
	}
	return 32
}

// constants prints the constants of a type's cases.
func (g *generator) constants(w *printer, n *named, typ, value string) {
	w.p("const (")
	for i, c := range n.def.Type.Cases {
		w.docs(c.Docs, "")
		if i == 0 {
			w.p("%s %s = %s", n.cases[i], typ, value)
		} else {
			w.p("%s", n.cases[i])
		}
	}
	w.p(")\n")
}

// stringMethod prints the String method of an enum or a variant's tag.
func (g *generator) stringMethod(w *printer, n *named, typ string) {
	table := unexport(n.goName) + "Names"
	w.p("var %s = [...]string{", table)
	for _, c := range n.def.Type.Cases {
		w.p("%q,", c.Name)
	}
	w.p("}\n")
	w.p("// String returns the name of the case as WIT has it.")
	w.p("func (v %s) String() string {", typ)
	w.p("if int(v) < len(%s) { return %s[v] }", table, table)
	w.p("return %q", "unknown "+n.def.Name)
	w.p("}\n")
}

func (g *generator) declareEnum(w *printer, n *named) {
	w.docsOf(n.goName, "the enum "+n.wirePath(), n.def.Docs)
	w.p("type %s uint%d\n", n.goName, caseBits(len(n.def.Type.Cases)))
	w.p("// The cases of %s.", n.goName)
	g.constants(w, n, n.goName, "iota")
	g.stringMethod(w, n, n.goName)
	if n.isError {
		w.p("// Error returns the name of the case.")
		w.p("func (v %s) Error() string { return v.String() }\n", n.goName)
	}
}

func (g *generator) declareFlags(w *printer, n *named) {
	w.docsOf(n.goName, "the flags "+n.wirePath(), n.def.Docs)
	w.p("type %s uint%d\n", n.goName, flagBits(len(n.def.Type.Cases)))
	w.p("// The flags of %s.", n.goName)
	g.constants(w, n, n.goName, "1 << iota")
	if n.isError {
		w.p("// Error makes the flags an error that a host function returns.")
		w.p("func (v %s) Error() string { return %q }\n", n.goName, n.def.Name)
	}
}

// flagBits is the size of flags with n labels (spec: elem_size_flags).
func flagBits(n int) int {
	switch {
	case n <= 8:
		return 8
	case n <= 16:
		return 16
	}
	return 32
}
