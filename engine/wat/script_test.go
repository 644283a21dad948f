package wat

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readScript(t *testing.T, text string) []Command {
	t.Helper()
	s, err := ReadScript("test.wast", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Commands
}

func TestScriptHasItsCommandsInOrderWithTheirPlaces(t *testing.T) {
	got := readScript(t, `
(component $a)
(component definition $b)
  (component instance $i $b)
(register "reg" $i)
(invoke "f")
(invoke $i "g" (u8.const 1))
(assert_return (invoke "f") (str.const "x"))
(assert_trap (invoke "f") "boom")
(assert_trap (component) "boom")
(assert_invalid (component) "bad")
(assert_malformed (component) "bad")
(assert_unlinkable (component) "bad")
(assert_exhaustion (invoke "f") "deep")
(assert_exception (invoke "f"))
(module $m)
(module definition)
(module instance $n $m)
(get "g")
`)
	type command struct {
		Line, Column int
		Kind         CommandKind
		ID, Of, As   string
		Module       bool
		Core         bool
		Action       string
		Message      string
	}
	var have []command
	for _, c := range got {
		x := command{Line: c.Line, Column: c.Column, Kind: c.Kind, ID: c.ID, Of: c.Of, As: c.As, Message: c.Message}
		if c.Module != nil {
			x.Module, x.Core = true, c.Module.Core
			if c.Module.Err != nil {
				t.Errorf("line %d: %v", c.Line, c.Module.Err)
			}
		}
		if c.Action != nil {
			x.Action = c.Action.Of + "." + c.Action.Export
		}
		have = append(have, x)
	}
	want := []command{
		{Line: 2, Column: 1, Kind: Instantiate, ID: "$a", Module: true},
		{Line: 3, Column: 1, Kind: Define, ID: "$b", Module: true},
		{Line: 4, Column: 3, Kind: Instantiate, ID: "$i", Of: "$b"},
		{Line: 5, Column: 1, Kind: Register, Of: "$i", As: "reg"},
		{Line: 6, Column: 1, Kind: Invoke, Action: ".f"},
		{Line: 7, Column: 1, Kind: Invoke, Action: "$i.g"},
		{Line: 8, Column: 1, Kind: AssertReturn, Action: ".f"},
		{Line: 9, Column: 1, Kind: AssertTrap, Action: ".f", Message: "boom"},
		{Line: 10, Column: 1, Kind: AssertTrap, Module: true, Message: "boom"},
		{Line: 11, Column: 1, Kind: AssertInvalid, Module: true, Message: "bad"},
		{Line: 12, Column: 1, Kind: AssertMalformed, Module: true, Message: "bad"},
		{Line: 13, Column: 1, Kind: AssertUnlinkable, Module: true, Message: "bad"},
		{Line: 14, Column: 1, Kind: AssertExhaustion, Action: ".f", Message: "deep"},
		{Line: 15, Column: 1, Kind: AssertException, Action: ".f"},
		{Line: 16, Column: 1, Kind: Instantiate, ID: "$m", Module: true, Core: true},
		{Line: 17, Column: 1, Kind: Define, Module: true, Core: true},
		{Line: 18, Column: 1, Kind: Instantiate, ID: "$n", Of: "$m"},
		{Line: 19, Column: 1, Kind: Get, Action: ".g"},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
}

const emptyComponent = "\x00asm\x0d\x00\x01\x00"

func TestComponentsOfScriptsInEveryForm(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"fields", `(component)`, emptyComponent},
		{"definition with a name", `(component definition $x)`, emptyComponent},
		{"bytes in pieces", `(component binary "\00as" "m\0d\00\01\00" )`, emptyComponent},
		{"definition of bytes", `(component definition $x binary "\01\02")`, "\x01\x02"},
		{"quoted", `(component quote "" "(;" ";)")`, emptyComponent},
		{"module of bytes", `(module binary "abc")`, "abc"},
		{"quoted module", `(module quote "(module)")`, "\x00asm\x01\x00\x00\x00"},
		{"quoted fields of a module", `(module quote "(memory" "1)")`, "\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := readScript(t, c.text)[0].Module
			if m.Err != nil {
				t.Fatal(m.Err)
			}
			got := string(m.Binary)
			if i := strings.Index(got, "\x00\x13\x0ecomponent-name"); i >= 0 {
				got = got[:i]
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A script tests that texts are refused, so that a wrong one is no error of the script.
func TestWrongComponentIsAnErrorOfItsCommand(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
	}{
		{"(component)\n(assert_malformed (component (nonsense)) \"x\")", 2, 30},
		{"(component)\n(assert_malformed (component quote \"(type\" \"(nonsense))\") \"x\")", 2, 1},
		{"(component)\n(component quote \"(\")", 2, 1},
		{"(component)\n(module quote \"(func (nonsense))\")", 1, 8},
	} {
		cmds := readScript(t, c.text)
		if len(cmds) != 2 || cmds[0].Module.Err != nil {
			t.Fatalf("%s: got %d commands", c.text, len(cmds))
		}
		var at *Error
		if err := cmds[1].Module.Err; !errors.As(err, &at) {
			t.Errorf("%s: got error %v", c.text, err)
		} else if at.Line != c.line || at.Column != c.column {
			t.Errorf("%s: got error at %d:%d, want %d:%d: %v", c.text, at.Line, at.Column, c.line, c.column, err)
		}
	}
}

func TestValuesOfScripts(t *testing.T) {
	u8 := func(n uint64) Const { return Const{Form: "u8", Bits: n} }
	for _, c := range []struct {
		text string
		want Const
	}{
		{`(bool.const true)`, Const{Form: "bool", Bits: 1}},
		{`(bool.const false)`, Const{Form: "bool"}},
		{`(u8.const 255)`, u8(255)},
		{`(s8.const -128)`, Const{Form: "s8", Bits: 1<<64 - 128}},
		{`(u16.const 0xffff)`, Const{Form: "u16", Bits: 0xffff}},
		{`(s16.const 32_767)`, Const{Form: "s16", Bits: 32767}},
		{`(u32.const 4294967295)`, Const{Form: "u32", Bits: 1<<32 - 1}},
		{`(s32.const -1)`, Const{Form: "s32", Bits: 1<<64 - 1}},
		{`(u64.const 18446744073709551615)`, Const{Form: "u64", Bits: 1<<64 - 1}},
		{`(s64.const -9223372036854775808)`, Const{Form: "s64", Bits: 1 << 63}},
		{`(i32.const -1)`, Const{Form: "i32", Bits: 1<<32 - 1}},
		{`(f32.const 1.5)`, Const{Form: "f32", Bits: uint64(math.Float32bits(1.5))}},
		{`(f64.const -0x1p-3)`, Const{Form: "f64", Bits: math.Float64bits(-0.125)}},
		{`(f32.const nan:canonical)`, Const{Form: "f32", Bits: 0x7fc00000}},
		{`(f64.const inf)`, Const{Form: "f64", Bits: math.Float64bits(math.Inf(1))}},
		{`(char.const "🍰")`, Const{Form: "char", Bits: 0x1f370}},
		{`(str.const "a\n\u{e9}")`, Const{Form: "str", Text: "a\né"}},
		{`(list.const)`, Const{Form: "list"}},
		{`(list.const (u8.const 1) (u8.const 2))`, Const{Form: "list", Elems: []Const{u8(1), u8(2)}}},
		{`(tuple.const (u8.const 1) (str.const "x"))`, Const{Form: "tuple", Elems: []Const{u8(1), {Form: "str", Text: "x"}}}},
		{`(record.const (field "a" u8.const 1) (field "b" (u8.const 2)))`,
			Const{Form: "record", Labels: []string{"a", "b"}, Elems: []Const{u8(1), u8(2)}}},
		{`(record.const (field "a" list.const (u8.const 1)))`,
			Const{Form: "record", Labels: []string{"a"}, Elems: []Const{{Form: "list", Elems: []Const{u8(1)}}}}},
		{`(variant.const "c")`, Const{Form: "variant", Text: "c"}},
		{`(variant.const "c" (u8.const 1))`, Const{Form: "variant", Text: "c", Elems: []Const{u8(1)}}},
		{`(enum.const "red")`, Const{Form: "enum", Text: "red"}},
		{`(option.none)`, Const{Form: "option.none"}},
		{`(option.some (u8.const 1))`, Const{Form: "option.some", Elems: []Const{u8(1)}}},
		{`(result.ok)`, Const{Form: "result.ok"}},
		{`(result.err (u8.const 1))`, Const{Form: "result.err", Elems: []Const{u8(1)}}},
		{`(flags.const "a" "b")`, Const{Form: "flags", Labels: []string{"a", "b"}}},
		{`(map.const (entry (u8.const 1) (u8.const 2)))`, Const{Form: "map", Elems: []Const{u8(1), u8(2)}}},
		{`(either (u8.const 1) (u8.const 2))`, Const{Form: "either", Elems: []Const{u8(1), u8(2)}}},
	} {
		t.Run(c.text, func(t *testing.T) {
			got := readScript(t, `(assert_return (invoke "f") `+c.text+`)`)[0].Want
			placeless := cmp.FilterPath(func(p cmp.Path) bool {
				f, ok := p.Last().(cmp.StructField)
				return ok && (f.Name() == "Line" || f.Name() == "Column")
			}, cmp.Ignore())
			if d := cmp.Diff([]Const{c.want}, got, placeless); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatIsNoScript(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"not a command", `(frobnicate)`, `1:1: expected a command such as component, invoke or assert_return, found (frobnicate …)`},
		{"not a list", `component`, `1:1: expected a command such as component, invoke or assert_return, found component`},
		{"no message", `(assert_invalid (component))`, `1:1: expected the expected message at the end of (assert_invalid …)`},
		{"too much", `(assert_trap (invoke "f") "x" "y")`, `1:31: unexpected a string`},
		{"no call", `(assert_return (component))`, `1:16: expected (invoke …), found (component …)`},
		{"no component", `(assert_invalid (invoke "f") "x")`, `1:17: expected a component or module, found (invoke …)`},
		{"no export", `(invoke)`, `1:1: expected the name of an export at the end of (invoke …)`},
		{"no value", `(invoke "f" u32)`, `1:13: expected a value such as (u32.const 1), found u32`},
		{"unknown form", `(invoke "f" (u31.const 1))`, `1:14: unknown value form u31.const`},
		{"unknown form without const", `(invoke "f" (some 1))`, `1:14: unknown value form some`},
		{"number out of range", `(invoke "f" (u8.const 256))`, `1:23: expected a number of type u8, found 256: constant out of range`},
		{"signed number out of range", `(invoke "f" (s8.const 128))`, `1:23: expected a number of type s8, found 128: constant out of range`},
		{"negative unsigned", `(invoke "f" (u8.const -1))`, `1:23: expected a number of type u8, found -1: not a number`},
		{"no number", `(invoke "f" (f32.const x))`, `1:24: expected a number of type f32, found x: not a number`},
		{"a string for a number", `(invoke "f" (u8.const "1"))`, `1:23: expected a number of type u8, found a string: not a number`},
		{"two characters", `(invoke "f" (char.const "ab"))`, `1:14: expected one character, found a string of 2 bytes`},
		{"no character", `(invoke "f" (char.const "\ff"))`, `1:14: expected one character, found a string of 1 bytes`},
		{"neither true nor false", `(invoke "f" (bool.const 1))`, `1:14: expected true or false`},
		{"a field without a name", `(invoke "f" (record.const (field u8.const 1)))`, `1:34: expected the name of a field, found u8.const`},
		{"text that is no text", "(component \x80)", `1:12: malformed UTF-8 encoding`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ReadScript("", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if s != nil {
				t.Error("a script came with the error")
			}
		})
	}
}

// FuzzReadScript: whatever the text, the reader returns; an error says where in
// the text it is.
func FuzzReadScript(f *testing.F) {
	f.Add("(component definition $c) (component instance $i $c)\n(assert_return (invoke $i \"f\" (record.const (field \"a\" f32.const 1.5))) (option.some (char.const \"x\")))")
	f.Add("(assert_malformed (component quote \"(type (list\" \" u8))\") \"\\u{61}\") (module binary \"\\00\") (register \"x\" $y) (; (; ;) ;)")
	f.Add("(component (import \"f\" (func $f (param \"x\" string) async)) (core func (canon lower (func $f) async)) (core module (func (result i32) (i32.const 0x1_0))))")
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "conformance", "component-model", "test", "*", "*.wast"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadScript("", []byte(text))
		if (s == nil) == (err == nil) {
			t.Fatalf("script %v and error %v", s, err)
		}
		checkPlace(t, err, text)
		if s == nil {
			return
		}
		for k := range s.Commands {
			if m := s.Commands[k].Module; m != nil && m.Err != nil && m.Binary != nil {
				t.Fatalf("bytes came with the error %v", m.Err)
			}
		}
	})
}

// checkPlace checks that an error is a place in a text.
func checkPlace(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil {
		return
	}
	var at *Error
	if !errors.As(err, &at) {
		t.Fatalf("an error of another kind: %v", err)
	}
	lines := strings.Split(text, "\n")
	if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > len(lines[at.Line-1])+1 {
		t.Fatalf("%d:%d is not in the text: %v", at.Line, at.Column, err)
	}
}
