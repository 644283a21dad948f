package wit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

func externsOf(t testing.TB, w *World) string {
	t.Helper()
	var converter Converter
	c := converter.World(w)
	var b bytes.Buffer
	if err := PrintExterns(&b, c.Imports, c.Exports); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrintExternsOfConvertedWorld(t *testing.T) {
	r, err := Parse("t.wit", `package a:b@1.0.0;
interface types {
  record point { x: s32, y: option<color> }
  enum color { red, green }
  type number = u32;
  type bytes = list<u8>;
  resource blob {
    constructor(b: bytes) -> result<blob, color>;
    read: async func(n: number) -> list<u8>;
    merge: static func(a: borrow<blob>, b: blob) -> blob;
  }
  type same = point;
  other: func(p: point, b: bytes) -> result;
}
interface user { use types.{blob, point as spot}; take: func(b: blob, p: list<spot>) -> stream<u8>; }
world w {
  use types.{color};
  variant choice { none, some(color) }
  resource local { poke: func(); }
  import run: func(c: choice, %type: color) -> own<local>;
  import plain: interface { f: func(m: map<string, u8>); }
  import empty: interface {}
  export user;
  export go: async func() -> future<result<_, string>>;
}`)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/externs.golden", externsOf(t, r.World("")))
}

// Every interface body that PrintExterns prints for the WASI worlds must be WIT
// that reads back as the same types: its externs print the same again.
func TestPrintExternsReadsBack(t *testing.T) {
	for _, line := range textLines {
		r, err := Config{AllFeatures: true}.ParseFS(Texts, line.paths(line.to)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Packages {
			for _, w := range p.Worlds {
				t.Run(w.ID(), func(t *testing.T) {
					var c Converter
					world := c.World(w)
					want := printExterns(t, world.Imports)
					again, err := Parse("externs.wit", worldFromExterns(want))
					if err != nil {
						t.Fatalf("%v\n%s", err, worldFromExterns(want))
					}
					var c2 Converter
					if got := printExterns(t, c2.World(again.World("")).Imports); got != want {
						t.Errorf("%s", firstDifference(got, want))
					}
				})
			}
		}
	}
}

func printExterns(t *testing.T, imports []types.Named) string {
	t.Helper()
	var b bytes.Buffer
	if err := PrintExterns(&b, imports, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// worldFromExterns turns printed imports into a file: each interface in its
// package, and a world that imports them.
func worldFromExterns(text string) string {
	bodies := map[string]string{}
	var order []string
	world := "package root:component;\nworld w {\n"
	current := ""
	for line := range strings.SplitSeq(text, "\n") {
		if id, opens := strings.CutPrefix(line, "import "); opens {
			id, body, _ := strings.Cut(id, " ")
			world += "import " + id + ";\n"
			pkg, member, _ := strings.Cut(id, "/")
			member, version, _ := strings.Cut(member, "@")
			current = pkg + "@" + version
			if bodies[current] == "" {
				order = append(order, current)
			}
			line = "interface " + member + " " + body
		}
		bodies[current] += line + "\n"
	}
	world += "}\n"
	for _, p := range order {
		world += fmt.Sprintf("package %s {\n%s}\n", p, bodies[p])
	}
	return world
}

func TestPrintExternsOfWhatWITHasNoWordsFor(t *testing.T) {
	named := []types.Named{
		{Name: "m", Extern: types.Extern{Sort: types.SortCoreModule, Module: &types.Module{}}},
		{Name: "c", Extern: types.Extern{Sort: types.SortComponent, Component: &types.Component{}}},
		{Name: "v", Extern: types.Extern{Sort: types.SortValue, Value: types.TypeString}},
		{Name: "evil\n\x1b[2J", Extern: types.Extern{Sort: types.SortFunc, Func: &types.Func{}}},
		{Name: "[method]nowhere.f", Extern: types.Extern{Sort: types.SortFunc, Func: &types.Func{Params: []types.Field{{Name: "self", Type: types.TypeU8}}}}},
		{Name: "t", Extern: types.Extern{Sort: types.SortType, Type: &types.Bound{Def: &types.Def{Func: &types.Func{}}}}},
	}
	want := `// type t: not a type of values
// import m: a core module
// import c: a component
// import v: a value of type string
import "evil\n\x1b[2J": func();
import "[method]nowhere.f": func(self: u8);

`
	if got := printExterns(t, named); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFormat(t *testing.T) {
	blob := &types.Resource{Name: "blob"}
	deep := types.TypeU8
	for range 200 {
		deep = &types.Type{Kind: types.List, Elem: deep}
	}
	wide := types.TypeU8
	for range 60 {
		wide = &types.Type{Kind: types.Tuple, Fields: []types.Field{{Type: wide}, {Type: wide}}}
	}
	for _, c := range []struct {
		name string
		typ  *types.Type
		want string
	}{
		{"record", &types.Type{Kind: types.Record, Fields: []types.Field{{Name: "type", Type: types.TypeU8}, {Name: "b", Type: types.TypeString}}}, "record { %type: u8, b: string }"},
		{"variant", &types.Type{Kind: types.Variant, Cases: []types.Case{{Name: "a"}, {Name: "b", Type: types.TypeF64}}}, "variant { a, b(f64) }"},
		{"enum", &types.Type{Kind: types.Enum, Labels: []string{"a", "b"}}, "enum { a, b }"},
		{"flags", &types.Type{Kind: types.Flags, Labels: []string{"a"}}, "flags { a }"},
		{"own", &types.Type{Kind: types.Own, Resource: blob}, "blob"},
		{"borrow", &types.Type{Kind: types.Borrow, Resource: blob}, "borrow<blob>"},
		{"fixed list", &types.Type{Kind: types.FixedList, Elem: types.TypeU8, Len: 4}, "list<u8, 4>"},
		{"map", &types.Type{Kind: types.Map, Key: types.TypeString, Elem: types.TypeU8}, "map<string, u8>"},
		{"result with error only", &types.Type{Kind: types.Result, Err: types.TypeChar}, "result<_, char>"},
		{"result with value only", &types.Type{Kind: types.Result, OK: types.TypeChar}, "result<char>"},
		{"stream without payload", &types.Type{Kind: types.Stream}, "stream"},
		{"future of an option", &types.Type{Kind: types.Future, Elem: &types.Type{Kind: types.Option, Elem: types.TypeBool}}, "future<option<bool>>"},
		{"deep type is cut", deep, strings.Repeat("list<", 101) + "…" + strings.Repeat(">", 101)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := FormatType(c.typ); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if got := FormatType(wide); len(got) > 2*maxFormatted {
		t.Errorf("a type that doubles is written with %d bytes", len(got))
	}
	f := &types.Func{Params: []types.Field{{Name: "a", Type: types.TypeU8}}, Result: types.TypeBool, Async: true}
	if got := FormatFunc(f); got != "async func(a: u8) -> bool" {
		t.Errorf("got %s", got)
	}
}
