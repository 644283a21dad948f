package wat

import (
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"
)

const (
	typeID   = 1
	importID = 2
	funcID   = 3
	tableID  = 4
	memoryID = 5
	globalID = 6
	exportID = 7
	startID  = 8
	elemID   = 9
	codeID   = 10
	dataID   = 11
	countID  = 12
	tagID    = 13
)

// Sections are compared without the number of their items.
func TestModulesToSections(t *testing.T) {
	for _, c := range []struct {
		why     string
		text    string
		section byte
		want    string
	}{
		{"types that are used come behind those that are written", `(func (param i64)) (type (func)) (func)`, typeID, "600000 60017e00"},
		{"an inline signature is the first type that is equal", `(type (func)) (type (func (param i32))) (type (func (param i32))) (func (param i32))`, funcID, "01"},
		{"signatures of blocks are types behind that of their function", `(func (param f32) (block (param i32) (result i32 i32)))`, typeID, "60017d00 60017f027f7f"},
		{"a group of types", `(rec (type $a (func (param (ref null $b)))) (type $b (sub final (struct (field (mut i8) (ref $a))))))`, typeID, "4e02 6001630100 5f02780164 0000"},
		{"a type with a supertype", `(type $a (sub (array i32))) (type (sub final $a (array i32)))`, typeID, "5000 5e7f00 4f0100 5e7f00"},
		{"short forms of reference types", `(type (func (param (ref null func) (ref extern) externref)))`, typeID, "600370 646f 6f 00"},
		{"inline imports", `(memory (import "a" "b") 1 2 shared) (table (import "a" "c") i64 3 externref) (tag (import "a" "t") (param i32))`, importID, "0161 0162 02 030102 0161 0163 01 6f0403 0161 0174 04 0000"},
		{"inline exports stand where their field does", `(export "z" (func 0)) (func (export "a") (export "b")) (global (export "g") i32 (i32.const 1)) (export "y" (func 0))`, exportID, "017a0000 01610000 01620000 01670300 01790000"},
		{"extended constants", `(global i32 (i32.add (i32.const 1) (i32.const 2)))`, globalID, "7f00 4101 4102 6a 0b"},
		{"a start", `(start $f) (func $f)`, startID, ""},
		{"a table with its functions", `(table funcref (elem $f $f)) (func $f)`, tableID, "700102 02"},
		{"it says its table", `(table funcref (elem $f)) (func $f)`, elemID, "0200 41000b 00 0100"},
		{"a table with an initial value", `(table 1 (ref func) (ref.func 0)) (func)`, tableID, "4000 6470 0001 d2000b"},
		{"elements in all modes", `(table 1 funcref) (func) (elem (i32.const 0) 0) (elem func 0) (elem declare func 0) (elem (offset i32.const 1) funcref (ref.null func)) (elem externref (item ref.null extern)) (elem (table 0) (i32.const 0) func 0)`, elemID,
			"00 41000b 0100" + "01 00 0100" + "03 00 0100" + "04 41010b 01d0700b" + "05 6f 01d06f0b" + "02 00 41000b 00 0100"},
		{"a memory with its contents, in whole pages", `(memory (data "ab" "\00"))`, memoryID, "01 01 01"},
		{"a memory of 64 bits", `(memory i64 (data))`, memoryID, "05 00 00"},
		{"a memory with pages of one byte", `(memory 1 2 (pagesize 1))`, memoryID, "09 01 02 00"},
		{"data in all modes", `(memory 1) (memory 1) (data "a") (data (i32.const 1) "b") (data (memory 1) (offset i32.const 1) "c")`, dataID, "01 0161 00 41010b 0162 02 01 41010b 0163"},
		{"no number of data segments where no code needs it", `(memory 1) (data "a") (func)`, countID, ""},
		{"a tag", `(tag (param i32) (result))`, tagID, "0000"},
	} {
		t.Run(c.why, func(t *testing.T) {
			want := strings.ReplaceAll(c.want, " ", "")
			if got := section(t, mustAssemble(t, c.text), c.section); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", c.text, got, want)
			}
		})
	}
}

// The bodies of functions, from their locals to their end.
func TestInstructionsToBytes(t *testing.T) {
	for _, c := range []struct{ why, text, want string }{
		{"folded instructions come behind their operands", `(i32.add (i32.const 1) (i32.sub (i32.const 2) (i32.const 3))) drop`, "00 4101 4102 4103 6b 6a 1a"},
		{"if has its condition before it", `(if (i32.const 1) (then nop) (else unreachable))`, "00 4101 0440 01 05 00 0b"},
		{"if with a result and no else", `(if (result i32) (i32.const 1) (i32.const 2) (then))`, "00 4101 4102 047f 0b"},
		{"labels count from the innermost block", `(block $a (loop $b (br $a) (br $b) (br 2)))`, "00 0240 0340 0c01 0c00 0c02 0b 0b"},
		{"the inner of two equal labels", `block $a block $a br $a end br $a end`, "00 0240 0240 0c00 0b 0c00 0b"},
		{"else and end may say the label", `i32.const 0 if $l else $l end $l`, "00 4100 0440 05 0b"},
		{"br_table has its default last", `(br_table 0 1 2 (i32.const 0))`, "00 4100 0e02 00 01 02"},
		{"neighbouring locals of a type are joined", `(local i32 i32) (local $x i32) (local f64) (local i32) (local.get $x)`, "03 037f 017c 017f 2002"},
		{"natural alignment", `(i64.load (i32.const 0)) (i32.load8_u offset=1 (i32.const 0)) drop drop`, "00 4100 290300 4100 2d0001 1a 1a"},
		{"offset and alignment", `(i32.load offset=0x80 align=1 (i32.const 0)) drop`, "00 4100 28008001 1a"},
		{"another memory", `(i32.load 1 offset=2 (i32.const 0)) (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0)) drop`, "00 4100 28420102 4100 4100 4100 fc0a0001 1a"},
		{"a lane is not a memory", `v128.load8_lane 3 v128.load8_lane 1 3 v128.load8_lane offset=1 3`, "00 fd54 0000 03 fd54 4001 00 03 fd54 0001 03"},
		{"segments stand before what they initialize", `memory.init 1 2 table.init 3 table.copy`, "00 fc08 0201 fc0c 0300 fc0e 0000"},
		{"indirect calls have the type before the table", `(call_indirect 1 (type 0) (i32.const 0))`, "00 4100 11 00 01"},
		{"select with a type", `(select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)) select`, "00 4101 4102 4103 1c017f 1b"},
		{"labels of catch clauses are outside of try_table", `(block $a (try_table $b (catch 0 $a) (catch_ref 0 0) (catch_all 0) (catch_all_ref 1) throw_ref))`, "00 0240 1f40 04 000000 010000 0200 0301 0a 0b 0b"},
		{"constants", `i32.const 0xffffffff i64.const -0x8000_0000_0000_0000 f32.const -1 f64.const nan`, "00 417f 42808080808080808080 7f 43000080bf 44000000000000f87f"},
		{"vectors", `v128.const i16x8 1 -1 0xffff 0 0 0 0 2`, "00 fd0c 0100ffffffff 0000000000000000 0200"},
		{"a nullable target has another opcode", `ref.test (ref func) ref.test funcref br_on_cast 0 anyref (ref null 0)`, "00 fb1470 fb1570 fb180300 6e00"},
		{"a fence", `atomic.fence`, "00 fe0300"},
	} {
		t.Run(c.why, func(t *testing.T) {
			code := section(t, mustAssemble(t, "(func "+c.text+")"), codeID)
			want := strings.ReplaceAll(c.want, " ", "") + "0b"
			if _, n := leb(unhex(t, code)); code[2*n:] != want {
				t.Errorf("%s\ngot  %s\nwant %s", c.text, code[2*n:], want)
			}
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestModulesInEveryForm(t *testing.T) {
	const empty = "0061736d01000000"
	for _, c := range []struct{ why, text, want string }{
		{"no fields", "(module)", empty},
		{"nothing at all is the fields of an empty module", " ;; nothing", empty},
		{"fields alone", `(memory 1)`, empty + "0503010001"},
		{"bytes", `(module $m binary "\00asm" "\01\00\00\00")`, empty},
		{"quoted text", `(module quote "(memory" "1)")`, empty + "0503010001"},
		{"the number of data segments before code that needs it", `(memory 1) (data "") (func data.drop 0)`,
			empty + "010401600000" + "03020100" + "0503010001" + "0c0101" + "0a070105 00fc09000b" + "0b03010100"},
		{"identifiers are kept as names", `(module $m (func $f (param $p i32) (local $l i32) (block $b)) (type $t (struct (field $x i32))) (global $g i32 (i32.const 0)))`,
			empty + "010902 5f017f00 60017f00" + "03020101" + "0606017f0041000b" + "0a09010701017f02400b0b" +
				"0036046e616d65" + "0002016d" + "0104010001 66" + "0209010002 00017001016c" + "0306010001000162" + "040401000174" + "070401000167" + "0a06010001000178"},
	} {
		t.Run(c.why, func(t *testing.T) {
			want := strings.ReplaceAll(c.want, " ", "")
			if got := hex.EncodeToString(mustAssemble(t, c.text)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestErrorsInModulesSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		message      string
	}{
		{"(module\n  (func\n    i32.foo))", 3, 5, "unknown operator i32.foo"},
		{"(func (try))", 1, 8, "try is not supported: it is of the first draft of exceptions, which try_table replaced"},
		{"(func i32.const)", 1, 1, "expected an i32 constant at the end of (func …)"},
		{"(func (i32.const x))", 1, 18, "expected an i32 constant, found x"},
		{"(func i32.const 4294967296)", 1, 17, "i32 constant out of range: 4294967296"},
		{"(func (local.get $x))", 1, 18, "unknown local: failed to find name $x"},
		{"(func br $x)", 1, 10, "unknown label: failed to find name $x"},
		{"(func (block $x) br $x)", 1, 21, "unknown label: failed to find name $x"},
		{"(func (param $x i32) (local $x i32))", 1, 22, "duplicate local identifier: $x is defined already"},
		{"(func $f)\n(func $f)", 2, 1, "duplicate func identifier: $f is defined already"},
		{"(func block)", 1, 7, "block is not closed: expected end"},
		{"(func block $a end $b)", 1, 20, "mismatching label $b: the block that is open began with block $a"},
		{"(func end)", 1, 7, "unexpected end: no block is open"},
		{"(func (block end))", 1, 14, "unexpected end: no block is open"},
		{"(func block else end)", 1, 13, "unexpected else: the innermost open block is no if"},
		{"(func (if (i32.const 0)))", 1, 7, "expected (then …) at the end of (if …)"},
		{"(func (i32.add (i32.const 0) drop))", 1, 30, "expected an instruction in parentheses, found drop"},
		{"(func (drop 1))", 1, 13, "unexpected 1"},
		{"(func (i32.load align=3 (i32.const 0)))", 1, 23, "alignment must be a power of two, found 3"},
		{"(func (param i32) (result i32) (param i32))", 1, 32, "unexpected token: result before parameter"},
		{"(type (func)) (func (type 0) (param i32))", 1, 21, "inline function type does not match type 0 that it refers to"},
		{"(func (type 1) (param i32))", 1, 7, "unknown type 1: a signature beside it needs its definition"},
		{"(func (block (param $x i32)))", 1, 14, "unexpected identifier $x: parameters have no names here"},
		{"(func) (import \"a\" \"b\" (func))", 1, 8, "import after function: imports stand before all definitions"},
		{"(memory 1) (table (import \"a\" \"b\") 1 funcref)", 1, 12, "import after memory: imports stand before all definitions"},
		{"(func) (start 0) (start 0)", 1, 18, "multiple start sections: a module has one start function"},
		{"(module (import \"\\ff\" \"\" (func)))", 1, 17, "malformed UTF-8 encoding in a module name"},
		{"(table 1 i32)", 1, 10, "expected a reference type, found i32"},
		{"(global i31 (i32.const 0))", 1, 9, "expected a value type, found i31"},
		{"(memory 1 (pagesize 3))", 1, 21, "invalid custom page size: 3 is not a power of 2"},
		{"(func v128.const i8x17 0)", 1, 18, "expected a shape (i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2), found i8x17"},
		{"(funk)", 1, 1, "expected a field of a module (type, import, func, table, memory, global, tag, export, start, elem or data), found (funk …)"},
		{"(module) (module)", 1, 10, "unexpected (module …)"},
	} {
		_, err := Assemble("x.wat", []byte(c.text))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if want := (Error{"x.wat", c.line, c.column, c.message}); *e != want {
			t.Errorf("%s:\ngot  %v\nwant %v", c.text, e, &want)
		}
	}
}

// Of a hostile text, too, each byte costs a bounded amount of memory.
func TestMemoryIsLinearInTheText(t *testing.T) {
	const n, perByte = 50_000, 300
	large := "(type (func (param " + strings.Repeat("i32 ", n) + "))) "
	for _, c := range []struct{ why, text string }{
		{"open blocks with labels", "(func " + strings.Repeat("block $a ", n) + strings.Repeat("end ", n) + ")"},
		{"branches out of many blocks", "(func block $a " + strings.Repeat("block ", n) + strings.Repeat("br $a ", n) + strings.Repeat("end ", n+1) + ")"},
		{"functions of a large type", large + strings.Repeat("(func (type 0)) ", n)},
		{"blocks of a large type", large + "(func " + strings.Repeat("(block (type 0)) ", n) + ")"},
		{"functions of equal types", strings.Repeat("(func (param i32)) ", n)},
		{"functions of different types", strings.Repeat("(func (param i32)) (func (result i32)) ", n/2)},
		{"elements that are expressions", "(elem funcref " + strings.Repeat("(ref.null func) ", n) + ")"},
		{"locals of alternating types", "(func (local " + strings.Repeat("i32 i64 ", n) + "))"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Assemble("", []byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.why, err)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(c.text)); got > perByte {
			t.Errorf("%s: %d bytes allocated for each byte of text", c.why, got)
		}
	}
}

func FuzzAssembleModule(f *testing.F) {
	for _, text := range []string{
		`(module $m (type $t (func (param i32) (result i64))) (import "a" "b" (func $f (type $t))) (memory 1) (data "x"))`,
		`(table $t funcref (elem $f)) (func $f (export "f") (local i32) (if (i32.const 1) (then nop) (else (br 0))))`,
		`(func (v128.const f32x4 0x1p-3 nan:0x1 inf -0) (block $x (result i32) (br_table $x 0 (i32.const 1))) unreachable)`,
		`(tag $e (param i32)) (func (try_table (catch $e 0) (throw $e (i32.const 1)))) (elem declare func 0) (global (mut f64) (f64.const 1e3))`,
		`(rec (type $a (sub (struct (field $x (mut i8))))) (type (array (ref null $a)))) (memory i64 1 2 shared (pagesize 1))`,
		`(module quote "(func (param $x i32))") `, `(module binary "\00asm")`, `(@a ,"x"y) (start 0)`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Assemble("fuzz", []byte(text))
		var e *Error
		if err != nil && (b != nil || !errors.As(err, &e)) {
			t.Errorf("%x, %v", b, err)
		}
	})
}
