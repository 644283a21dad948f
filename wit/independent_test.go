package wit

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	independent "go.bytecodealliance.org/wit"
)

// TestAgreesWithIndependentReader compares facts: a line for each package,
// interface, type, function, world, import and export, as two readers that
// share no code see them.
func TestAgreesWithIndependentReader(t *testing.T) {
	if testing.Short() {
		t.Skip("the independent reader runs a WebAssembly program, which takes seconds")
	}
	dir := filepath.Join(t.TempDir(), "wit")
	line := textLines[0]
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("root.wit", `package test:root;
interface kinds {
  use wasi:io/streams@0.2.12.{input-stream as in, stream-error};
  record r { a: tuple<u8, s64>, b: option<f64> }
  type chars = list<char>;
  type alias = r;
  variant v { %type(alias), none }
  resource x { constructor(a: own<in>); m: func() -> result<_, stream-error>; s: static func(b: borrow<x>); }
  f: func(a: chars) -> v;
}
world w {
  include wasi:cli/command@0.2.12;
  use kinds.{r as record-r};
  type local = list<record-r>;
  import plain: func(l: local) -> result<string>;
  import inline: interface { use kinds.{x}; get: func() -> x; }
  export kinds;
}
`)
	for _, d := range line.dirs {
		from := line.to + "/" + d
		entries, err := fs.ReadDir(Texts, from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := fs.ReadFile(Texts, from+"/"+e.Name())
			if err != nil {
				t.Fatal(err)
			}
			write("deps/"+d+"/"+e.Name(), string(text))
		}
	}
	ours, err := Config{AllFeatures: true}.ParseDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := independent.LoadWIT(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, want := ourFacts(ours), theirFacts(t, theirs)
	if len(want) < 500 {
		t.Errorf("the independent reader sees only %d facts", len(want))
	}
	t.Logf("%d facts are compared", len(want))
	for _, f := range got {
		if _, both := slices.BinarySearch(want, f); !both {
			t.Errorf("only our reader sees: %s", f)
		}
	}
	for _, f := range want {
		if _, both := slices.BinarySearch(got, f); !both {
			t.Errorf("only the independent reader sees: %s", f)
		}
	}
}

func ourFacts(r *Resolve) []string {
	var facts []string
	add := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	iface := func(id string, i *Interface) {
		for _, d := range i.Types {
			add("%s type %s = %s", id, d.Name, ourType(d.Type))
		}
		for _, f := range i.Funcs {
			add("%s func %s", id, ourFunc(f))
		}
	}
	for _, p := range r.Packages {
		add("package %s", p.ID())
		for _, i := range p.Interfaces {
			add("interface %s", i.ID())
			iface(i.ID(), i)
		}
		for _, w := range p.Worlds {
			add("world %s", w.ID())
			for _, d := range w.Types {
				add("%s type %s = %s", w.ID(), d.Name, ourType(d.Type))
			}
			for verb, items := range map[string][]WorldItem{"import": w.Imports, "export": w.Exports} {
				for _, i := range items {
					id := w.ID() + " " + verb + " " + i.ID()
					add("%s", id)
					if i.Func != nil {
						add("%s func %s", id, ourFunc(i.Func))
					} else if i.Interface.Name == "" {
						iface(id, i.Interface)
					}
				}
			}
		}
	}
	slices.Sort(facts)
	return facts
}

func ourFunc(f *Func) string {
	return f.WireName() + ourMembers(f.Params) + " -> " + ourType(f.Result)
}

func ourMembers(fs []Field) string {
	var parts []string
	for _, f := range fs {
		parts = append(parts, f.Name+": "+ourType(f.Type))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func ourName(d *TypeDef) string {
	if d.World != nil {
		return d.World.ID() + "#" + d.Name
	}
	return d.Interface.ID() + "#" + d.Name
}

func ourType(t *Type) string {
	if t == nil {
		return "_"
	}
	if name, ok := primitiveNames[t.Kind]; ok {
		return name
	}
	var parts []string
	for _, c := range t.Cases {
		parts = append(parts, c.Name+"("+ourType(c.Type)+")")
	}
	cases := "{" + strings.Join(parts, ", ") + "}"
	switch t.Kind {
	case KindRef:
		return ourName(t.Def)
	case KindOwn:
		return "own " + ourName(t.Def)
	case KindBorrow:
		return "borrow " + ourName(t.Def)
	case KindAlias:
		return ourType(t.Elem)
	case KindList:
		return "list<" + ourType(t.Elem) + ">"
	case KindOption:
		return "option<" + ourType(t.Elem) + ">"
	case KindResult:
		return "result<" + ourType(t.OK) + ", " + ourType(t.Err) + ">"
	case KindTuple:
		return "tuple" + ourMembers(t.Fields)
	case KindRecord:
		return "record" + ourMembers(t.Fields)
	case KindVariant:
		return "variant" + cases
	case KindEnum:
		return "enum" + cases
	case KindFlags:
		return "flags" + cases
	case KindResource:
		return "resource"
	}
	return fmt.Sprintf("kind %d", t.Kind)
}

func theirFacts(t *testing.T, r *independent.Resolve) []string {
	var facts []string
	add := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	iface := func(id string, i *independent.Interface) {
		for name, d := range i.TypeDefs.All() {
			add("%s type %s = %s", id, name, theirType(t, d.Kind))
		}
		for _, f := range i.Functions.All() {
			add("%s func %s", id, theirFunc(t, f))
		}
	}
	for _, p := range r.Packages {
		add("package %s", p.Name.String())
		for name, i := range p.Interfaces.All() {
			id := theirID(p, name)
			add("interface %s", id)
			iface(id, i)
		}
		for name, w := range p.Worlds.All() {
			wid := theirID(p, name)
			add("world %s", wid)
			item := func(verb, name string, item independent.WorldItem) {
				id := wid + " " + verb + " " + name
				switch item := item.(type) {
				case *independent.InterfaceRef:
					if n := item.Interface.Name; n != nil {
						add("%s %s %s", wid, verb, theirID(item.Interface.Package, *n))
						return
					}
					add("%s", id)
					iface(id, item.Interface)
				case *independent.Function:
					add("%s", id)
					add("%s func %s", id, theirFunc(t, item))
				case *independent.TypeDef:
					add("%s type %s = %s", wid, name, theirType(t, item.Kind))
				default:
					t.Fatalf("%s is a %T", id, item)
				}
			}
			for name, i := range w.Imports.All() {
				item("import", name, i)
			}
			for name, i := range w.Exports.All() {
				item("export", name, i)
			}
		}
	}
	slices.Sort(facts)
	return facts
}

func theirID(p *independent.Package, name string) string {
	id := p.Name
	id.Extension = name
	return id.String()
}

func theirFunc(t *testing.T, f *independent.Function) string {
	result := "_"
	if len(f.Results) > 1 {
		t.Fatalf("%s has %d results", f.Name, len(f.Results))
	} else if len(f.Results) == 1 {
		result = theirType(t, f.Results[0].Type)
	}
	var parts []string
	for _, p := range f.Params {
		parts = append(parts, p.Name+": "+theirType(t, p.Type))
	}
	return f.Name + "(" + strings.Join(parts, ", ") + ") -> " + result
}

func theirName(d *independent.TypeDef) string {
	switch o := d.Owner.(type) {
	case *independent.World:
		return theirID(o.Package, o.Name) + "#" + *d.Name
	case *independent.Interface:
		if o.Name == nil {
			return "#" + *d.Name
		}
		return theirID(o.Package, *o.Name) + "#" + *d.Name
	}
	return "nowhere#" + *d.Name
}

// isTheirResource follows aliases.
func isTheirResource(d *independent.TypeDef) bool {
	_, ok := d.Root().Kind.(*independent.Resource)
	return ok
}

func theirType(t *testing.T, kind any) string {
	var parts []string
	switch k := kind.(type) {
	case nil:
		return "_"
	case *independent.TypeDef:
		switch {
		case k == nil:
			return "_"
		case k.Name == nil:
			return theirType(t, k.Kind)
		case isTheirResource(k):
			return "own " + theirName(k)
		}
		return theirName(k)
	case *independent.Own:
		return "own " + theirName(k.Type)
	case *independent.Borrow:
		return "borrow " + theirName(k.Type)
	case *independent.List:
		return "list<" + theirType(t, k.Type) + ">"
	case *independent.Option:
		return "option<" + theirType(t, k.Type) + ">"
	case *independent.Result:
		return "result<" + theirType(t, k.OK) + ", " + theirType(t, k.Err) + ">"
	case *independent.Resource:
		return "resource"
	case *independent.Tuple:
		for _, e := range k.Types {
			parts = append(parts, ": "+theirType(t, e))
		}
		return "tuple(" + strings.Join(parts, ", ") + ")"
	case *independent.Record:
		for _, f := range k.Fields {
			parts = append(parts, f.Name+": "+theirType(t, f.Type))
		}
		return "record(" + strings.Join(parts, ", ") + ")"
	case *independent.Variant:
		for _, c := range k.Cases {
			parts = append(parts, c.Name+"("+theirType(t, c.Type)+")")
		}
		return "variant{" + strings.Join(parts, ", ") + "}"
	case *independent.Enum:
		for _, c := range k.Cases {
			parts = append(parts, c.Name+"(_)")
		}
		return "enum{" + strings.Join(parts, ", ") + "}"
	case *independent.Flags:
		for _, f := range k.Flags {
			parts = append(parts, f.Name+"(_)")
		}
		return "flags{" + strings.Join(parts, ", ") + "}"
	case independent.Type:
		return k.WIT(nil, "")
	}
	t.Fatalf("unexpected %T", kind)
	return ""
}
