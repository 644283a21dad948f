package wat

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func mustAssemble(t *testing.T, text string) []byte {
	t.Helper()
	b, err := Assemble("", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return b
}

// section is what the sections of a kind hold, without the numbers of items.
func section(t *testing.T, component []byte, kind byte) string {
	t.Helper()
	var all []byte
	for _, s := range sections(t, component) {
		if s.id == kind {
			_, n := leb(s.body)
			all = append(all, s.body[n:]...)
		}
	}
	return hex.EncodeToString(all)
}

type rawSection struct {
	id   byte
	body []byte
}

func sections(t *testing.T, binary []byte) (out []rawSection) {
	t.Helper()
	if !bytes.HasPrefix(binary, []byte("\x00asm\x0d\x00\x01\x00")) && !bytes.HasPrefix(binary, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Fatalf("neither a component nor a module: %x", binary)
	}
	for b := binary[8:]; len(b) > 0; {
		size, n := leb(b[1:])
		end := 1 + n + int(size)
		out = append(out, rawSection{b[0], b[1+n : end]})
		b = b[end:]
	}
	return out
}

func leb(b []byte) (v uint32, n int) {
	for {
		v |= uint32(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
}

// withoutNames drops the name section, and those of nested components.
func withoutNames(t *testing.T, component []byte) []byte {
	t.Helper()
	out := bytes.Clone(component[:8])
	for _, s := range sections(t, component) {
		switch s.id {
		case customSection:
			continue
		case componentSection:
			s.body = withoutNames(t, s.body)
		}
		out = appendSection(out, s.id, s.body)
	}
	return out
}

// sugar are short forms, and what they stand for.
var sugar = []struct{ name, short, long string }{
	{"type in a type", `
		(type (record (field "a" (list u8)) (field "b" (option (list u8)))))`, `
		(type (list u8)) (type (list u8)) (type (option 1))
		(type (record (field "a" 0) (field "b" 2)))`},
	{"type in an import", `
		(import "f" (func (param "x" (list u8)) (result string)))`, `
		(type (list u8)) (type (func (param "x" 0) (result string)))
		(import "f" (func (type 1)))`},
	{"instance type in an import", `
		(import "i" (instance (export "f" (func))))`, `
		(type (instance (type (func)) (export "f" (func (type 0)))))
		(import "i" (instance (type 0)))`},
	{"component type in an import", `
		(import "c" (component (import "x" (value u8)) (export "t" (type (sub resource)))))`, `
		(type (component (import "x" (value u8)) (export "t" (type (sub resource)))))
		(import "c" (component (type 0)))`},
	{"module type in an import", `
		(import "m" (core module (import "a" "b" (func (param i32))) (export "m" (memory 1))))`, `
		(core type (module (type (func (param i32))) (import "a" "b" (func (type 0))) (export "m" (memory 1))))
		(import "m" (core module (type 0)))`},
	{"signatures in a module type are defined once each, those written out are reused", `
		(core type (module (type $t (func (param i32))) (import "a" "b" (func (param i32))) (export "c" (tag (param i32)))))`, `
		(core type (module (type (func (param i32))) (import "a" "b" (func (type 0))) (export "c" (tag (type 0)))))`},
	{"inline imports", `
		(func $f (import "f")) (instance $i (import "i")) (component $c (import "c"))
		(core module $m (import "m")) (func (import "g") (type 0))`, `
		(import "f" (func)) (import "i" (instance)) (import "c" (component))
		(import "m" (core module)) (import "g" (func (type 0)))`},
	{"inline exports stand at the end", `
		(type $t (export "t") (export "u") u8)
		(component (export "c"))
		(instance (export "i") (export "j") (import "x"))
		(func (export "f") (import "y"))`, `
		(type u8) (component) (import "x" (instance)) (import "y" (func))
		(export "t" (type 0)) (export "u" (type 0)) (export "c" (component 0))
		(export "i" (instance 0)) (export "j" (instance 0)) (export "f" (func 0))`},
	{"inline exports have attributes", `
		(instance (export "i" (implements "a:b/c") (external-id "x")))`, `
		(instance) (export "i" (implements "a:b/c") (external-id "x") (instance 0))`},
	{"exports make an index", `
		(import "f" (func $f)) (export $g "g" (func $f)) (export "h" (func $g))`, `
		(import "f" (func)) (export "g" (func 0)) (export "h" (func 1))`},
	{"export of an instance's export", `
		(import "i" (instance $i (export "j" (instance (export "f" (func))))))
		(export "f" (func $i "j" "f"))`, `
		(import "i" (instance $i (export "j" (instance (export "f" (func))))))
		(alias export $i "j" (instance $j)) (alias export $j "f" (func $f))
		(export "f" (func $f))`},
	{"inverted aliases", `
		(import "i" (instance $i
			(export "f" (func)) (export "t" (type (sub resource))) (export "j" (instance))
			(export "c" (component)) (export "m" (core module))))
		(func $f (alias export $i "f")) (type $t (alias export $i "t")) (instance $j (alias export $i "j"))
		(component $c (alias export $i "c")) (core module $m (alias export $i "m"))
		(type (alias outer 0 $t))
		(core instance $e)
		(core func (alias core export $e "f")) (core memory (alias core export $e "m"))
		(core table (alias core export $e "t")) (core global (alias core export $e "g")) (core tag (alias core export $e "x"))
		(core type $y (func)) (core type (alias outer 0 $y))`, `
		(import "i" (instance $i
			(export "f" (func)) (export "t" (type (sub resource))) (export "j" (instance))
			(export "c" (component)) (export "m" (core module))))
		(alias export $i "f" (func)) (alias export $i "t" (type $t)) (alias export $i "j" (instance))
		(alias export $i "c" (component)) (alias export $i "m" (core module))
		(alias outer 0 $t (type))
		(core instance)
		(alias core export 0 "f" (core func)) (alias core export 0 "m" (core memory))
		(alias core export 0 "t" (core table)) (alias core export 0 "g" (core global)) (alias core export 0 "x" (core tag))
		(core type (func)) (alias outer 0 0 (core type))`},
	{"uses of outer definitions", `
		(type $t u8) (import "m" (core module $m)) (component $c) (core type $m (module))
		(component (component
			(type (list $t)) (core instance (instantiate $m)) (instance (instantiate $c))
			(import "m" (core module (type $m)))
			(type (component (import "f" (func (param "x" $t)))))))`, `
		(type $t u8) (import "m" (core module $m)) (component $c) (core type $m (module))
		(component (component
			(alias outer 2 0 (type)) (type (list 0))
			(alias outer 2 0 (core module)) (core instance (instantiate 0))
			(alias outer 2 0 (component)) (instance (instantiate 0))
			(alias outer 2 1 (core type)) (import "m" (core module (type 0)))
			(type (component (alias outer 3 0 (type)) (type (func (param "x" 0))) (import "f" (func (type 1)))))))`},
	{"types written in place come before aliases", `
		(type $t u8)
		(component (type (tuple $t (list u8))))`, `
		(type $t u8)
		(component (type (list u8)) (alias outer 1 0 (type)) (type (tuple 1 0)))`},
	{"an outer scope by name", `
		(type $t u8)
		(component $C (type $C_t (list u16)) (component (type (component
			(alias outer $C $C_t (type)) (alias outer $R $t (type)) (alias outer 2 $C_t (type))))))`, `
		(type $t u8)
		(component $C (type $C_t (list u16)) (component (type (component
			(alias outer 2 0 (type)) (alias outer 3 0 (type)) (alias outer 2 0 (type))))))`},
	{"a name means the nearest definition before it", `
		(type $t u8)
		(component (type (list $t)) (type $t u16) (type (list $t)))`, `
		(type $t u8)
		(component (alias outer 1 0 (type)) (type (list 0)) (type u16) (type (list 2)))`},
	{"instances written as arguments", `
		(import "f" (func $f)) (component $c) (import "m" (core module $m)) (core instance $i)
		(instance (instantiate $c (with "a" (instance (export "g" (func $f)))) (with "b" (func $f)) (with "c" (instance))))
		(core instance (instantiate $m (with "a" (instance (export "g" (func $i "h")))) (with "b" (instance $i))))`, `
		(import "f" (func $f)) (component $c) (import "m" (core module $m)) (core instance $i)
		(instance (export "g" (func 0))) (instance)
		(instance (instantiate 0 (with "a" (instance 0)) (with "b" (func 0)) (with "c" (instance 1))))
		(alias core export $i "h" (core func)) (core instance (export "g" (func 0)))
		(core instance (instantiate 0 (with "a" (instance 1)) (with "b" (instance 0))))`},
	{"instantiation of an instance's export", `
		(import "i" (instance $i (export "c" (component)) (export "m" (core module))))
		(instance (instantiate (component $i "c"))) (core instance (instantiate (module $i "m")))`, `
		(import "i" (instance $i (export "c" (component)) (export "m" (core module))))
		(alias export $i "c" (component)) (instance (instantiate 0))
		(alias export $i "m" (core module)) (core instance (instantiate 0))`},
	{"canon lift and lower", `
		(core instance $i) (import "f" (func $f))
		(func $g (export "g") (param "x" string) (canon lift (core func $i "g") string-encoding=utf16 (memory (core memory $i "m"))))
		(core func $h (canon lower (func $f) (realloc (core func $i "r")) async))`, `
		(core instance $i) (import "f" (func $f))
		(type (func (param "x" string)))
		(alias core export $i "g" (core func $g)) (alias core export $i "m" (core memory $m))
		(canon lift (core func $g) string-encoding=utf16 (memory $m) (func $lifted (type 1)))
		(alias core export $i "r" (core func $r))
		(canon lower (func $f) (realloc $r) async (core func $h))
		(export "g" (func $lifted))`},
	{"typeidx as a use", `
		(import "i" (instance $i (export "t" (type (sub resource))) (export "u" (type (sub resource)))))
		(type (list (type $i "u"))) (type (own (type $i "t"))) (core func (canon resource.drop (type $i "t")))
		(import "v" (type (eq (type $i "t"))))`, `
		(import "i" (instance $i (export "t" (type (sub resource))) (export "u" (type (sub resource)))))
		(alias export $i "u" (type $u)) (type (list $u))
		(alias export $i "t" (type $t)) (type (own $t))
		(alias export $i "t" (type $t2)) (core func (canon resource.drop $t2))
		(alias export $i "t" (type $t3)) (import "v" (type (eq $t3)))`},
	{"destructor", `
		(core instance $i) (type (resource (rep i32) (dtor (core func $i "d"))))`, `
		(core instance $i) (alias core export $i "d" (core func $d)) (type (resource (rep i32) (dtor $d)))`},
	{"ascribed types come before what is exported", `
		(import "i" (instance $i (export "f" (func (param "x" (list u8))))))
		(export "f" (func $i "f") (func (param "x" (list u8))))`, `
		(import "i" (instance $i (export "f" (func (param "x" (list u8))))))
		(type (list u8)) (type (func (param "x" 1))) (alias export $i "f" (func $f))
		(export "f" (func $f) (func (type 2)))`},
}

func TestSugarMeansItsLongForm(t *testing.T) {
	for _, c := range sugar {
		t.Run(c.name, func(t *testing.T) {
			short := withoutNames(t, mustAssemble(t, "(component $R "+c.short+")"))
			long := withoutNames(t, mustAssemble(t, "(component $R "+c.long+")"))
			if !bytes.Equal(short, long) {
				t.Errorf("short form %x\nlong form  %x", short, long)
			}
		})
	}
}

func TestTypesHaveTheirOpcodes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"bool", "7f"}, {"s8", "7e"}, {"u8", "7d"}, {"s16", "7c"}, {"u16", "7b"}, {"s32", "7a"}, {"u32", "79"},
		{"s64", "78"}, {"u64", "77"}, {"f32", "76"}, {"f64", "75"}, {"char", "74"}, {"string", "73"}, {"error-context", "64"},
		{`(record (field "a" u8) (field "bc" 100))`, "7202" + "01617d" + "026263e400"},
		{`(variant (case "a") (case $c "b" u8))`, "7102" + "01610000" + "0162017d00"},
		{"(list u8)", "707d"}, {"(list u8 200)", "677dc801"}, {"(tuple u8 u16)", "6f027d7b"},
		{`(flags "a" "b")`, "6e0201610162"}, {`(enum "a")`, "6d010161"}, {"(option u8)", "6b7d"},
		{"(result)", "6a0000"}, {"(result u8)", "6a017d00"}, {"(result (error u16))", "6a00017b"}, {"(result u8 (error u16))", "6a017d017b"},
		{"(own 70)", "6946"}, {"(borrow 70)", "6846"}, {"(list 70)", "70c600"},
		{"(stream)", "6600"}, {"(stream u8)", "66017d"}, {"(future)", "6500"}, {"(future u8)", "65017d"},
		{"(map string u8)", "63737d"},
		{"(func)", "40000100"}, {`(func (param "x" u8) (param "y" u16) (result u32))`, "400201787d01797b0079"}, {"(func async)", "43000100"},
		{"(resource (rep i32))", "3f7f00"}, {"(resource (rep i64) (dtor 3))", "3f7e0103"},
		{`(component (import "x" (type (sub resource))) (export "y" (type (eq 0))))`, "4102" + "030001780301" + "04000179030000"},
		{`(instance (core type (func)) (type u8) (alias outer 1 2 (type)) (export "y" (value (eq 0))))`,
			"4204" + "00600000" + "017d" + "0203020102" + "040001790200" + "00"},
		{`(instance (core type (module)) (export "a" (core module (type 0))) (export "b" (func (type 1))) (export "c" (component (type 2))) (export "d" (instance (type 3))) (export "e" (value u8)))`,
			"4206" + "005000" + "04000161001100" + "040001620101" + "040001630402" + "040001640503" + "0400016502017d"},
	} {
		t.Run(c.text, func(t *testing.T) {
			b := mustAssemble(t, "(component (type "+c.text+"))")
			if got := section(t, b, typeSection); got != c.want {
				t.Errorf("got %s, wanted %s", got, c.want)
			}
		})
	}
}

func TestCoreTypesHaveTheirOpcodes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"(core type (func (param i32) (result i64)))", "60017f017e"},
		{"(core type (sub (func)))", "00" + "5000600000"},
		{"(core type (sub final (func)))", "600000"},
		{"(core rec (type $a (func (param (ref null $a)))) (type (func)))", "4e02" + "600163000" + "0" + "600000"},
		{`(core type (module (import "a" "b" (table 1 funcref)) (export "c" (global (mut i32)))))`, "5002" + "0001610162017000" + "01" + "030163037f01"},
		{"(core type $t (func)) (core type (module (alias outer 1 $t (type))))", "600000" + "5001" + "0210010100"},
	} {
		t.Run(c.text, func(t *testing.T) {
			b := mustAssemble(t, "(component "+c.text+")")
			if got := section(t, b, coreTypeSection); got != c.want {
				t.Errorf("got %s, wanted %s", got, c.want)
			}
		})
	}
}

func TestCanonicalDefinitionsHaveTheirOpcodes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"lower (func 1) (memory 2) (realloc 3) async", "0100010303020403" + "06"},
		{"lower (func 1) string-encoding=latin1+utf16", "0100010102"},
		{"resource.new 1", "0201"}, {"resource.drop 1", "0301"}, {"resource.rep 1", "0401"},
		{"backpressure.inc", "24"}, {"backpressure.dec", "25"},
		{"task.return", "09010000"}, {"task.return (result u8) (memory 1) string-encoding=utf8", "09007d02030100"}, {"task.cancel", "05"},
		{"context.get i32 1", "0a7f01"}, {"context.set i64 0", "0b7e00"},
		{"subtask.cancel", "0600"}, {"subtask.cancel async", "0601"}, {"subtask.drop", "0d"},
		{"stream.new 1", "0e01"}, {"stream.read 1 async (memory 2)", "0f0102060302"}, {"stream.write 1", "100100"},
		{"stream.cancel-read 1", "110100"}, {"stream.cancel-write 1 async", "120101"},
		{"stream.drop-readable 1", "1301"}, {"stream.drop-writable 1", "1401"},
		{"future.new 1", "1501"}, {"future.read 1", "160100"}, {"future.write 1 (realloc 2)", "1701010402"},
		{"future.cancel-read 1 async", "180101"}, {"future.cancel-write 1", "190100"},
		{"future.drop-readable 1", "1a01"}, {"future.drop-writable 1", "1b01"},
		{"error-context.new (memory 1)", "1c010301"}, {"error-context.debug-message", "1d00"}, {"error-context.drop", "1e"},
		{"waitable-set.new", "1f"}, {"waitable-set.wait (memory 1)", "200001"}, {"waitable-set.wait cancellable (memory 1)", "200101"},
		{"waitable-set.poll cancellable (memory 1)", "210101"}, {"waitable-set.drop", "22"}, {"waitable.join", "23"},
		{"thread.index", "26"}, {"thread.new-indirect 1 2", "270102"}, {"thread.resume-later", "28"},
		{"thread.suspend", "2900"}, {"thread.suspend cancellable", "2901"}, {"thread.yield", "0c00"}, {"thread.yield cancellable", "0c01"},
		{"thread.suspend-then-resume cancellable", "2a01"}, {"thread.yield-then-resume", "2b00"},
		{"thread.suspend-then-promote", "2c00"}, {"thread.yield-then-promote cancellable", "2d01"},
		{"thread.spawn-ref 1", "400001"}, {"thread.spawn-indirect shared 1 2", "41010102"}, {"thread.available-parallelism shared", "4201"},
	} {
		t.Run(c.text, func(t *testing.T) {
			for _, form := range []string{"(core func $f (canon %s))", "(canon %s (core func $f))"} {
				b := mustAssemble(t, fmt.Sprintf("(component "+form+")", c.text))
				if got := section(t, b, canonSection); got != c.want {
					t.Errorf("%s: got %s, wanted %s", form, got, c.want)
				}
			}
		})
	}
	t.Run("lift", func(t *testing.T) {
		for _, form := range []string{
			"(func (type 9) (canon lift (core func 1) (post-return 2) (callback 3)))",
			"(canon lift (core func 1) (post-return 2) (callback 3) (func (type 9)))",
		} {
			b := mustAssemble(t, "(component "+form+")")
			if got, want := section(t, b, canonSection), "000001020502070309"; got != want {
				t.Errorf("%s: got %s, wanted %s", form, got, want)
			}
		}
	})
}

func TestNamesHaveTheirAttributes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`"a"`, "00" + "0161"},
		{`"a:b/c@1.0.0"`, "00" + "0b613a622f6340312e302e30"},
		{`"a" (implements "b:c/d")`, "02" + "0161" + "01" + "0005623a632f64"},
		{`"a" (external-id "z") (versionsuffix ".1") (implements "y")`, "02" + "0161" + "03" + "000179" + "01022e31" + "02017a"},
	} {
		t.Run(c.text, func(t *testing.T) {
			b := mustAssemble(t, "(component (import "+c.text+" (func (type 0))))")
			if got := section(t, b, importSection); got != c.want+"0100" {
				t.Errorf("import: got %s, wanted %s", got, c.want+"0100")
			}
			b = mustAssemble(t, "(component (export "+c.text+" (func 0)))")
			if got := section(t, b, exportSection); got != c.want+"010000" {
				t.Errorf("export: got %s, wanted %s", got, c.want+"010000")
			}
		})
	}
}

func TestDefinitionsOfOneKindShareASection(t *testing.T) {
	b := mustAssemble(t, `(component
		(type u8) (type u8) (import "a" (func (type 0))) (import "b" (func)) (component) (component)
		(start 0 (value 0) (result (value)) (result (value))) (export "f" (func 0)) (export "g" (func 0)))`)
	var got []string
	for _, s := range sections(t, b) {
		got = append(got, fmt.Sprintf("%d:%d", s.id, s.body[0]))
	}
	want := "7:2 10:1 7:1 10:1 4:0 4:0 9:0 11:2"
	if strings.Join(got, " ") != want {
		t.Errorf("sections are %v, wanted %s", got, want)
	}
}

func TestIdentifiersAreKeptAsNames(t *testing.T) {
	b := mustAssemble(t, `(component $C
		(type u8) (type $t u8) (core instance $i) (import "f" (func $f)) (alias core export $i "x" (core func $"a b")))`)
	want := "\x0ecomponent-name" + "\x00\x02\x01C" +
		"\x01\x08\x00\x00\x01\x00\x03a b" + "\x01\x06\x00\x12\x01\x00\x01i" + "\x01\x05\x01\x01\x00\x01f" + "\x01\x05\x03\x01\x01\x01t"
	all := sections(t, b)
	if last := all[len(all)-1]; last.id != customSection || string(last.body) != want {
		t.Errorf("section %d %q, wanted %q", last.id, last.body, want)
	}
}

func TestErrorsInComponentsSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"(component\n  (type (list $x)))", "2:15: unknown type: failed to find name $x"},
		{"(component (import \"f\" (func $f))\n (component (export \"g\" (func $f))))", "2:31: outer item `f` is not a module, type, or component"},
		{"(component (alias outer $A 0 (type)))", "1:25: outer component `A` not found"},
		{"(component (alias outer 3 $t (type)))", "1:25: outer count of `3` is too large"},
		{"(component (alias outer 0 0 (func)))", "1:19: a func cannot be aliased from an outer component"},
		{"(component (alias core export 0 \"x\" (func)))", "core instances do not export a func: expected (core func …)"},
		{"(component (alias core export 0 \"x\" (core type)))", "core instances do not export a type"},
		{"(component (core instance $i) (core func $i))", "1:31: expected (canon …) or (alias …) at the end of (core …)"},
		{"(component (type $t u8) (type $t u8))", "1:25: duplicate type identifier: $t is defined already"},
		{"(component (type))", "1:12: expected a type at the end of (type …)"},
		{"(component (type (list)))", "1:18: expected a value type at the end of (list …)"},
		{"(component (type (list u8 0x1_0000_0000)))", "constant out of range"},
		{"(component (type (list u8 2 3)))", "1:29: unexpected 3"},
		{"(component (type (record (filed \"a\" u8))))", "1:26: unexpected (filed …)"},
		{"(component (type (list f128)))", "1:24: expected a value type, found f128"},
		{"(component (type (list (func))))", "1:24: expected a type, found (func …)"},
		{"(component (type (func (result u8) (param \"x\" u8))))", "1:36: unexpected (param …)"},
		{"(component (type (func (param u8))))", "1:31: expected a label, found u8"},
		{"(component (type (instance (import \"x\" (func)))))", "1:28: an instance type has no imports"},
		{"(component (type (instance (type (export \"x\") u8))))", "in a type, an export is a declarator of its own"},
		{"(component (type (component (component))))", "1:29: expected (import …), (export …), (type …), (alias …) or (core type …), found (component …)"},
		{"(component (core type (module (memory 1))))", "1:31: expected (import …), (export …), (type …), (rec …) or (alias …), found (memory …)"},
		{"(component (core type (module (export \"x\" (type u8)))))", "core modules do not import or export a type"},
		{"(component (import \"x\" (core func)))", "1:24: components do not import or export a core func"},
		{"(component (import \"x\" (type u8)))", "1:30: expected (eq …) or (sub resource), found u8"},
		{"(component (import \"x\" (implements \"a:b/c\") (implements \"a:b/c\") (instance)))", "1:45: unexpected token: (implements …) stands here twice"},
		{"(component (import \"\\ff\" (func)))", "malformed UTF-8 encoding"},
		{"(component (export \"x\" $f))", "1:24: expected a definition such as (func $f), found $f"},
		{"(component (func (param \"x\" u8)))", "1:12: expected (canon lift …), (import …) or (alias …) at the end of (func …)"},
		{"(component (canon lift (core func 0)))", "expected (func …) with the type at the end of (canon lift …)"},
		{"(component (func (canon lift (core func 0) async always)))", "1:50: unexpected always"},
		{"(component (core instance $i) (core func (canon lower (func 0) (memory $i \"mem\"))))", "unknown core memory: failed to find name $i"},
		{"(component (core func (canon lower (func 0) (memory 0 \"mem\"))))", `an export is written (core memory $instance "mem")`},
		{"(component (core func (canon lower (func 0) (realloc (func 0)))))", "1:55: expected core, found func"},
		{"(component (core func (canon stream.splice 0)))", "1:30: there is no canonical built-in stream.splice"},
		{"(component (core func (canon waitable-set.wait 0)))", "1:48: expected (memory …), found 0"},
		{"(component (value $v u8 1))", "1:12: value definitions are not implemented"},
		{"(component (memory 1))", "1:12: expected a definition such as (func …), found (memory …)"},
		{"(component) (component)", "1:13: unexpected (component …)"},
	} {
		t.Run(c.text, func(t *testing.T) {
			_, err := Assemble("", []byte(c.text))
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, wanted %s", err, c.want)
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	for _, c := range []struct{ name, open string }{
		{"components", "(component "},
		{"component types", "(type (component "},
		{"instance types", "(type (instance "},
		{"types of imports", `(import "x" (component `},
	} {
		t.Run(c.name, func(t *testing.T) {
			nested := func(n int) error {
				text := "(component " + strings.Repeat(c.open, n) + strings.Repeat(")", n*strings.Count(c.open, "(")) + ")"
				_, err := Assemble("", []byte(text))
				return err
			}
			if err := nested(maxNesting); err != nil {
				t.Errorf("%d: %v", maxNesting, err)
			}
			if err := nested(maxNesting + 1); err == nil || !strings.Contains(err.Error(), "nest too deep") {
				t.Errorf("%d: error is %v", maxNesting+1, err)
			}
		})
	}
}

func FuzzAssembleComponent(f *testing.F) {
	f.Add(`(component (type (list u8)) (import "f" (func (param "x" 0))) (export "g" (func 0)))`)
	f.Add(`(component $C (type $t (func)) (component (alias outer $C $t (type)) (import "i" (instance $i (export "f" (func (type $t)))))))`)
	f.Add(`(component (core instance $i) (func (export "f") (canon lift (core func $i "f") (memory (core memory $i "m")))))`)
	f.Add(`(component (core type (module (import "a" "b" (func (param i32))))) (type (component (export "x" (type (sub resource))))))`)
	f.Add(`(component (core func (canon waitable-set.wait cancellable (memory 0))) (start 0 (value 0) (result (value))))`)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Assemble("", []byte(text))
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1 || b != nil) {
			t.Errorf("error %v, binary %x", err, b)
		}
		if err == nil && !bytes.HasPrefix(b, []byte("\x00asm")) {
			t.Errorf("no error and no binary: %x", b)
		}
	})
}
