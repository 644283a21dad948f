package wit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

const head = "package a:b@1.0.0;\n"

func inInterface(body string) string { return head + "interface i {\n" + body + "\n}" }

func inWorld(body string) string {
	return head + "interface i {}\ninterface j {}\nworld w {\n" + body + "\n}"
}

var errorCases = []struct{ name, text, want string }{
	// Lexical structure.
	{"character that starts nothing", head + "#", "t.wit:2:1: unexpected character '#'"},
	{"invalid UTF-8", head + "//\xff", "t.wit:2:3: the text is not valid UTF-8"},
	{"control character", head + "// a\x01", "t.wit:2:5: control character U+0001 is not allowed"},
	{"override of direction", head + "// \u202e", "t.wit:2:4: U+202E, which overrides the direction of text, is not allowed"},
	{"deprecated code point", head + "// \u0149", "t.wit:2:4: U+0149, which Unicode deprecates, is not allowed"},
	{"block comment without end", head + "/* /* */", "t.wit:2:1: block comment does not end"},
	{"string without end", inWorld(`@external-id("x) import a: func();`), "t.wit:5:14: string literal does not end on its line"},
	{"unknown escape", inWorld(`@external-id("\q") import a: func();`), "t.wit:5:15: unknown escape `\\q` in a string"},
	{"escape without a scalar value", inWorld(`@external-id("\u{d800}") import a: func();`), "t.wit:5:15: expected \\u{…} with a Unicode scalar value in hexadecimal"},
	{"column counts characters", head + "/*\u2603*/ #", "t.wit:2:7: unexpected character '#'"},
	// Names.
	{"keyword as a name", head + "interface type {}", "t.wit:2:11: expected the name of an interface, found keyword `type`; a name that is a keyword is written `%type`"},
	{"percent without a name", head + "interface % {}", "t.wit:2:11: expected a name after '%', found character ' '"},
	{"name with an underscore", inInterface("a_b: func();"), "t.wit:3:1: the name `a_b` must not have '_'; write '-'"},
	{"name of mixed case", inInterface("aB: func();"), "t.wit:3:1: the name `aB` must have words that are all lower case or all upper case"},
	{"name that ends in a dash", inInterface("a-: func();"), "t.wit:3:1: the name `a-` must have a word between '-' and at its ends"},
	// Files and packages.
	{"no package", "interface i {}", "t.wit: there is no `package …;` at the top of any file of this package"},
	{"nothing at all", "", "t.wit: there is no `package …;` at the top of any file of this package"},
	{"second package", head + "package c:d;", "t.wit:2:1: the file has a second `package …;`; another package is written `package c:d { … }`"},
	{"package after items", "interface i {} package a:b;", "t.wit:1:16: `package …;` must come before everything else in the file"},
	{"version that is none", "package a:b@1.0;", "t.wit:1:13: expected a version such as 1.0.0, found `1.0`"},
	{"version with leading zero", "package a:b@1.0.01;", "t.wit:1:13: expected a version such as 1.0.0, found `1.0.01`"},
	{"nested in nested", head + "package c:d { package e:f {} }", "t.wit:2:15: a package cannot be nested in a nested package"},
	{"two versions of contents", head + "package c:d { interface x {} }\npackage c:d { interface y {} }", "t.wit:3:1: package `c:d` is defined a second time with other contents (the first is in t.wit)"},
	{"unknown item", head + "func a();", "t.wit:2:1: expected `interface`, `world`, `use` or `package`, found keyword `func`"},
	{"end of file in a block", head + "interface i {", "t.wit:2:14: expected `use`, a type, a function or '}', found the end of the file"},
	{"missing package", inWorld("import c:d/e@1.0.0;"), "t.wit:5:8: package `c:d@1.0.0` is not found; put it in the folder deps or write it as `package … { … }`"},
	{"other version of a package", inWorld("import c:d/e@1.0.0;") + "package c:d@1.1.0 { interface e {} }", "t.wit:5:8: package `c:d@1.0.0` is not found; there is `c:d@1.1.0`"},
	{"packages in a cycle", head + "use c:d/e; interface i { use e.{t}; }\npackage c:d { interface e { use a:b/x@1.0.0.{t}; } }\n interface x { type t = u8; } ", "t.wit:3:1: packages depend on each other: c:d → a:b@1.0.0 → c:d"},
	{"package as an import", inWorld("import a:b;"), "t.wit:5:11: expected '/' and the name of an interface or world (a package cannot be named here), found ';'"},
	{"file-level name twice", head + "use a:b/i@1.0.0; interface i {}", "t.wit:2:9: the name `i` is defined twice in this file"},
	// Interfaces and types.
	{"interface twice", head + "interface x {} interface X {}", "t.wit:2:26: the name `X` is defined twice in package `a:b@1.0.0`"},
	{"type and function of one name", inInterface("type t = u8; T: func();"), "t.wit:3:14: the name `T` is defined twice"},
	{"unknown type", inInterface("f: func(a: list<nope>);"), "t.wit:3:17: there is no type `nope` in interface `i`"},
	{"function as a type", inInterface("f: func(); g: func(a: f);"), "t.wit:3:23: there is no type `f` in interface `i`: it is a function"},
	{"type of a feature that is off", inInterface("@unstable(feature = x) type t = u8; g: func(a: t);"), "t.wit:3:48: there is no type `t` in interface `i`: it is @unstable(feature = x), which is not enabled"},
	{"type of a later version", inInterface("@since(version = 1.0.1) type t = u8; g: func(a: t);"), "t.wit:3:49: there is no type `t` in interface `i`: it is @since(version = 1.0.1), later than the package"},
	{"type of itself", inInterface("type t = list<t>;"), "t.wit:3:6: the type refers to itself: t → t"},
	{"types of each other", inInterface("record a { x: b } record b { x: option<a> }"), "t.wit:3:8: the type refers to itself: a → b → a"},
	{"interfaces use each other", head + "interface x { use y.{t}; type u = u8; } interface y { use x.{u}; type t = u8; }", "t.wit:2:11: interfaces use each other: x → y → x"},
	{"used type is not there", inInterface("use j.{t};") + "interface j {}", "t.wit:3:8: there is no type `t` in interface `j`"},
	{"use of nothing", inInterface("use j.{};"), "t.wit:3:8: expected the name of a type, found '}'"},
	{"use of a world", inInterface("use w.{t};") + "world w {}", "t.wit:3:5: `w` is a world, expected an interface"},
	{"unknown interface", inInterface("use j.{t};"), "t.wit:3:5: there is no interface or world `j` in package `a:b@1.0.0`"},
	{"field twice", inInterface("record r { a: u8, A: u8 }"), "t.wit:3:19: the name `A` is there twice"},
	{"parameter twice", inInterface("f: func(a: u8, a: u8);"), "t.wit:3:16: the name `a` is there twice"},
	{"method with a parameter self", inInterface("resource r { m: func(self: u8); }"), "t.wit:3:22: the name `self` is there twice"},
	{"method twice", inInterface("resource r { m: func(); m: static func(); }"), "t.wit:3:25: the name `m` is there twice"},
	{"second constructor", inInterface("resource r { constructor(); constructor(); }"), "t.wit:3:29: the resource has a second constructor"},
	{"constructor of something else", inInterface("resource r { constructor() -> u8; }"), "t.wit:3:31: a constructor has no written result, or a `result` of `r`"},
	{"empty record", inInterface("record r {}"), "t.wit:3:11: the record `r` is empty; it needs at least one member"},
	{"empty variant", inInterface("variant r { }"), "t.wit:3:13: the variant `r` is empty; it needs at least one member"},
	{"too many flags", inInterface("flags f {" + labelsFrom(33) + "}"), "t.wit:3:1: the flags `f` have 33 labels; at most 32 are allowed"},
	{"borrow of a record", inInterface("type t = u8; f: func(a: borrow<t>);"), "t.wit:3:32: `t` is not a resource, expected one"},
	{"borrow in a result", inInterface("resource r; type t = option<borrow<r>>; f: func() -> list<t>;"), "t.wit:3:54: a result cannot have a borrow in it"},
	{"key of a map", inInterface("type t = map<f32, u8>;"), "t.wit:3:14: the key of a map must be an integer, char, bool or string"},
	{"list of length zero", inInterface("type t = list<u8, 0>;"), "t.wit:3:19: expected the length of a list from 1 to 4294967295, found `0`"},
	{"list that is too long", inInterface("type t = list<u8, 4294967296>;"), "t.wit:3:19: expected the length of a list from 1 to 4294967295, found `4294967296`"},
	{"types nested too deep", inInterface("type t = " + strings.Repeat("list<", 200) + "u8" + strings.Repeat(">", 200) + ";"), "t.wit:3:510: types nest deeper than 100"},
	{"named types nested too deep", inInterface(chain(600)), "t.wit:102:6: named types nest deeper than 500"},
	{"missing comma", inInterface("record r { a: u8 b: u8 }"), "t.wit:3:18: expected ',' or '}', found name `b`"},
	{"no type", inInterface("type t = ;"), "t.wit:3:10: expected a type, found ';'"},
	{"keyword that is no type", inInterface("type t = func;"), "t.wit:3:10: expected a type, found keyword `func`"},
	// Gates.
	{"unknown gate", inInterface("@until(version = 1.0.0) f: func();"), "t.wit:3:1: unknown attribute @until: expected @since, @unstable, @deprecated or @external-id"},
	{"both gates", inInterface("@since(version = 1.0.0) @unstable(feature = x) f: func();"), "t.wit:3:1: an item cannot have both @since and @unstable"},
	{"deprecated alone", inInterface("@deprecated(version = 1.0.0) f: func();"), "t.wit:3:1: @deprecated needs @since or @unstable on the same item"},
	{"gate twice", inInterface("@since(version = 1.0.0) @since(version = 1.0.0) f: func();"), "t.wit:3:25: there is a second @since on one item"},
	{"gate without a version", inInterface("@since(feature = x) f: func();"), "t.wit:3:8: expected `version = …`, found name `feature`"},
	{"gate in a package without version", "package a:b; interface i { @since(version = 1.0.0) f: func(); }", "t.wit:1:28: a gate with a version needs a package with a version, as in `package a:b@1.0.0`"},
	{"external id of a use", inInterface(`@external-id("x") use j.{t};`), "t.wit:3:1: a `use` cannot have an @external-id"},
	{"external id of an interface by id", inWorld(`@external-id("x") import i;`), "t.wit:5:1: an interface that is imported or exported by its id cannot have an @external-id"},
	// Worlds.
	{"import twice", inWorld("import i; import i;"), "t.wit:5:18: interface `a:b/i@1.0.0` is there twice"},
	{"plain name twice", inWorld("import x: func(); import X: i;"), "t.wit:5:26: the name `X` is defined twice in world `w`"},
	{"worlds include each other", head + "world x { include y; } world y { include x; }", "t.wit:2:7: worlds include each other: x → y → x"},
	{"include of an interface", inWorld("include i;"), "t.wit:5:9: `i` is an interface, expected a world"},
	{"plain names of includes conflict", inWorld("include v; include v;") + "world v { import c: i; }", "t.wit:5:20: the name `c` is defined twice in world `w`; rename it: `include … with { c as … }`"},
	{"rename of an interface by id", inWorld("include v with { i as k }") + "world v { import i; }", "t.wit:5:18: world `v` has no import or export with the plain name `i`"},
	{"rename twice", inWorld("include v with { c as k, c as l }") + "world v { import c: i; }", "t.wit:5:26: the name `c` is renamed twice"},
	{"unknown type in a world", inWorld("import f: func(a: t);"), "t.wit:5:19: there is no type `t` in world `w`"},
	{"item of no kind", inWorld("f: func();"), "t.wit:5:1: expected `import`, `export`, `use`, `include`, a type or '}', found name `f`"},
	{"keyword as an import", inWorld("import a: list;"), "t.wit:5:11: expected `func`, `interface` or the name of an interface, found keyword `list`"},
}

func TestErrorsNameThePlaceAndWhatWasExpected(t *testing.T) {
	for _, c := range errorCases {
		t.Run(c.name, func(t *testing.T) {
			r, err := Parse("t.wit", c.text)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v and error %v, want an *Error: %s", r, err, c.want)
			}
			if r != nil {
				t.Error("there is a result beside the error")
			}
			if e.Error() != c.want {
				t.Errorf("got  %s\nwant %s", e, c.want)
			}
		})
	}
}

func labelsFrom(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "l%d,", i)
	}
	return b.String()
}

// chain is n types, each made of the next, a line each.
func chain(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "type t%d = list<t%d>;\n", i, i+1)
	}
	fmt.Fprintf(&b, "type t%d = u8;", n)
	return b.String()
}

func TestDirectories(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	good := fstest.MapFS{
		"wit/types.wit":            file("interface types { use dep:x/y@1.0.0.{t}; type u = t; }"),
		"wit/world.wit":            file("package my:pkg; use types as other; world w { import types; import o: other; }"),
		"wit/readme.md":            file("not WIT"),
		"wit/deps/x/a.wit":         file("package dep:x@1.0.0; interface y { use dep:z/k.{t}; }"),
		"wit/deps/x/b.wit":         file("package dep:x@1.0.0; interface y2 {}"),
		"wit/deps/x/deps/nope.wit": file("this is not read"),
		"wit/deps/z.wit":           file("package dep:z; interface k { type t = u8; }"),
		"wit/deps/z-again/z.wit":   file("package dep:z; // the same\n interface k { type t=u8; }"),
	}
	r, err := ParseFS(good, "wit")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range r.Packages {
		ids = append(ids, p.ID())
	}
	if got := strings.Join(ids, " "); got != "dep:z dep:x@1.0.0 my:pkg" {
		t.Errorf("the packages in dependency order are %s", got)
	}
	if r.Root == nil || r.Root.ID() != "my:pkg" || r.World("") == nil || r.World("") != r.World("w") || r.World("w") != r.World("my:pkg/w") {
		t.Errorf("the root is %v and its worlds are not found", r.Root)
	}
	bad := []struct {
		name string
		fs   fstest.MapFS
		want string
	}{
		{"no files", fstest.MapFS{"wit/x.txt": file("")}, "wit: there is no .wit file in this directory"},
		{"two packages in one directory", fstest.MapFS{"wit/a.wit": file("package a:b;"), "wit/b.wit": file("package a:c;")}, "wit/b.wit:1:1: the package is `a:c` here and `a:b` in another file of the same directory"},
		{"name in two files", fstest.MapFS{"wit/a.wit": file("package a:b; interface i {}"), "wit/b.wit": file("interface i {}")}, "wit/b.wit:1:11: the name `i` is defined twice in package `a:b`"},
		{"dependency that differs", fstest.MapFS{"wit/a.wit": file("package a:b;"), "wit/deps/x.wit": file("package c:d; interface x {}"), "wit/deps/y.wit": file("package c:d;")}, "wit/deps/y.wit:1:1: package `c:d` is defined a second time with other contents (the first is in wit/deps/x.wit)"},
	}
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseFS(c.fs, "wit"); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Texts that are made to grow must be refused, or read, in little time.
func TestHostileTextsAreBounded(t *testing.T) {
	var includes, uses, diamond strings.Builder
	includes.WriteString("package a:b; interface i {} world w0 { import g0: func(); }\n")
	for n := range 60_000 {
		fmt.Fprintf(&includes, "world w%d { include w%d; import g%d: func(); }\n", n+1, n, n+1)
	}
	uses.WriteString("package a:b; interface i0 { type t = u8; }\n")
	for n := range 30_000 {
		fmt.Fprintf(&uses, "interface i%d { use i%d.{t as u}; type t = u8; } world w%d { import i%d; }\n", n+1, n, n+1, n+1)
	}
	diamond.WriteString("package a:b; interface i {\ntype t0 = u8;\n")
	for n := range 400 {
		fmt.Fprintf(&diamond, "type t%d = tuple<t%d, t%d>;\n", n+1, n, n)
	}
	diamond.WriteString("f: func(a: t400);\n}")
	for _, c := range []struct{ name, text, want string }{
		{"includes in includes", includes.String(), "the worlds expand to too much"},
		{"a world for each of a chain of interfaces", uses.String(), "the worlds expand to too much"},
		{"block comments in block comments", "package a:b; " + strings.Repeat("/*", 1<<20), "block comment does not end"},
		{"types that double", diamond.String(), ""},
		{"many names", "package a:b; interface i {" + chain(400) + "}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("t.wit", c.text)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
		})
	}
}
