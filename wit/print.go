package wit

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Printer prints models as WIT that reads back as the same model. The zero
// Printer prints everything.
type Printer struct {
	// OmitDocs leaves the doc comments out.
	OmitDocs bool
}

// Resolve prints all packages as one file: the root, and the others nested. When
// there is no root all are nested.
func (p Printer) Resolve(w io.Writer, r *Resolve) error {
	t := p.start(nil)
	if r.Root != nil {
		t.packageFile(r.Root)
	}
	for _, pkg := range r.Packages {
		if pkg != r.Root {
			t.blank()
			t.docs(pkg.Docs)
			t.line("package %s {", escapeID(pkg))
			t.indent++
			t.packageBody(pkg)
			t.close()
		}
	}
	return t.writeTo(w)
}

// Package prints one package as a file.
func (p Printer) Package(w io.Writer, pkg *Package) error {
	t := p.start(pkg)
	t.packageFile(pkg)
	return t.writeTo(w)
}

// Interface prints one interface.
func (p Printer) Interface(w io.Writer, i *Interface) error {
	t := p.start(i.Package)
	t.iface(i)
	return t.writeTo(w)
}

// World prints one world, with all that it includes.
func (p Printer) World(w io.Writer, world *World) error {
	t := p.start(world.Package)
	t.world(world)
	return t.writeTo(w)
}

func (p Printer) start(pkg *Package) *textWriter {
	return &textWriter{Printer: p, pkg: pkg}
}

// textWriter gathers lines of WIT.
type textWriter struct {
	Printer
	b      bytes.Buffer
	indent int
	pkg    *Package // whose members are named without the package
	fresh  bool     // the last line opened a block
}

func (t *textWriter) writeTo(w io.Writer) error {
	_, err := w.Write(t.b.Bytes())
	return err
}

func (t *textWriter) line(format string, args ...any) {
	for range t.indent {
		t.b.WriteString("  ")
	}
	n := t.b.Len()
	fmt.Fprintf(&t.b, format, args...)
	t.fresh = bytes.HasSuffix(t.b.Bytes()[n:], []byte("{"))
	t.b.WriteByte('\n')
}

// blank separates items; not at the start of a block.
func (t *textWriter) blank() {
	if t.b.Len() > 0 && !t.fresh {
		t.b.WriteByte('\n')
	}
}

// close ends a block; one with nothing in it closes on the line that opened it.
func (t *textWriter) close() {
	t.indent--
	if !t.fresh {
		t.line("}")
		return
	}
	t.b.Truncate(t.b.Len() - 1)
	t.b.WriteString("}\n")
	t.fresh = false
}

func (t *textWriter) docs(docs string) {
	if docs == "" || t.OmitDocs {
		return
	}
	for line := range strings.SplitSeq(docs, "\n") {
		t.line("%s", strings.TrimRight("/// "+line, " "))
	}
}

func (t *textWriter) attributes(docs string, s Stability, externalID *string) {
	t.docs(docs)
	if s.Since != "" {
		t.line("@since(version = %s)", s.Since)
	}
	if s.Unstable != "" {
		t.line("@unstable(feature = %s)", escape(s.Unstable))
	}
	if s.Deprecated != "" {
		t.line("@deprecated(version = %s)", s.Deprecated)
	}
	if externalID != nil {
		t.line("@external-id(%s)", quote(*externalID))
	}
}

func (t *textWriter) packageFile(pkg *Package) {
	t.pkg = pkg
	t.docs(pkg.Docs)
	t.line("package %s;", escapeID(pkg))
	t.packageBody(pkg)
}

func (t *textWriter) packageBody(pkg *Package) {
	t.pkg = pkg
	for _, i := range pkg.Interfaces {
		t.blank()
		t.iface(i)
	}
	for _, w := range pkg.Worlds {
		t.blank()
		t.world(w)
	}
}

func (t *textWriter) iface(i *Interface) {
	t.attributes(i.Docs, i.Stability, nil)
	t.line("interface %s {", escape(i.Name))
	t.ifaceBody(i)
}

func (t *textWriter) ifaceBody(i *Interface) {
	t.indent++
	t.types(i.Types, i.Funcs)
	first := true
	for _, f := range i.Funcs {
		if f.Kind == Freestanding {
			if first {
				t.blank()
				first = false
			}
			t.function(f, "")
		}
	}
	t.close()
}

// world prints imports in order and types where they must be for their
// functions to keep their places: before the first function of a resource.
func (t *textWriter) world(w *World) {
	t.attributes(w.Docs, w.Stability, nil)
	t.line("world %s {", escape(w.Name))
	t.indent++
	var methods []*Func
	for _, i := range w.Imports {
		if i.Func != nil && i.Func.Kind != Freestanding {
			methods = append(methods, i.Func)
		}
	}
	left := w.Types
	for _, i := range w.Imports {
		if i.Func == nil || i.Func.Kind == Freestanding {
			t.worldItem("import", i)
			continue
		}
		for n, def := range left {
			if def == i.Func.Resource {
				t.types(left[:n+1], methods)
				left = left[n+1:]
				break
			}
		}
	}
	t.types(left, methods)
	for n, i := range w.Exports {
		if n == 0 {
			t.blank()
		}
		t.worldItem("export", i)
	}
	t.close()
}

func (t *textWriter) worldItem(verb string, i WorldItem) {
	if i.Interface != nil && i.Interface.Name == "" {
		t.blank()
	}
	t.attributes(i.Docs, i.Stability, i.ExternalID)
	switch {
	case i.Func != nil:
		t.line("%s %s: %s;", verb, escape(i.Name), t.signature(i.Func))
	case i.Interface.Name == "":
		t.line("%s %s: interface {", verb, escape(i.Name))
		t.ifaceBody(i.Interface)
	case i.Name != "":
		t.line("%s %s: %s;", verb, escape(i.Name), t.path(i.Interface))
	default:
		t.line("%s %s;", verb, t.path(i.Interface))
	}
}

// path names an interface from where the text is.
func (t *textWriter) path(i *Interface) string {
	if i.Package == t.pkg {
		return escape(i.Name)
	}
	s := escapeParts(i.Package.Namespace, ":") + ":" + escapeParts(i.Package.Name, "/") + "/" + escape(i.Name)
	if i.Package.Version != "" {
		s += "@" + i.Package.Version
	}
	return s
}

// escape writes a name so that it is no keyword.
func escape(name string) string {
	if keywords[name] {
		return "%" + name
	}
	return name
}

func escapeParts(s, sep string) string {
	parts := strings.Split(s, sep)
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, sep)
}

func escapeID(p *Package) string {
	s := escapeParts(p.Namespace, ":") + ":" + escapeParts(p.Name, "/")
	if p.Version != "" {
		s += "@" + p.Version
	}
	return s
}

// quote writes a string literal.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case checkText(&source{text: string(r)}) != nil || r == '\n' || r == '\r':
			fmt.Fprintf(&b, "\\u{%x}", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
