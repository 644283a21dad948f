package component_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// everything has most kinds of definitions in it.
const everything = `(component $c
  (import "wasi:io/streams@0.2.6" (instance $streams
    (export "s" (type $s (sub resource)))
    (export "[method]s.read" (func (param "self" (borrow $s)) (param "n" u64) (result (result (list u8) (error string)))))))
  (import "f" (func $f (param "x" (list string)) (result (tuple u8 f64 char))))
  (core module $m
    (import "h" "f" (func $f (param i32 i32 i32)))
    (memory (export "m") 1 2)
    (table (export "t") 3 funcref)
    (global (export "g") (mut i64) (i64.const 5))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "run") (param i32 i32) (result i32) unreachable)
    (func (export "post") (param i32))
    (func (export "dtor") (param i32)))
  (core module $memory (memory (export "m") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $mem (instantiate $memory))
  (core func $lowered (canon lower (func $f) (memory (core memory $mem "m")) (realloc (core func $mem "realloc"))))
  (core instance $i (instantiate $m (with "h" (instance (export "f" (func $lowered))))))
  (type $r (resource (rep i32) (dtor (core func $i "dtor"))))
  (export $r' "r" (type $r))
  (core func (canon resource.new $r))
  (core func (canon resource.drop $r))
  (core func (canon resource.rep $r))
  (type $rec' (record (field "a" (option u8)) (field "b" (list bool 4)) (field "c" (map string u32))))
  (export $rec "rec" (type $rec'))
  (type $v' (variant (case "x" string) (case "y")))
  (export $v "v" (type $v'))
  (type $e' (enum "p" "q"))
  (export $e "e" (type $e'))
  (type $fl' (flags "m" "n"))
  (export $fl "fl" (type $fl'))
  (func $run (param "s" string) (result string)
    (canon lift (core func $i "run") string-encoding=utf16 (memory (core memory $i "m"))
      (realloc (core func $i "realloc")) (post-return (core func $i "post"))))
  (export "run" (func $run))
  (component $nested
    (import "g" (func $g))
    (export "g" (func $g)))
  (core module $noop (func (export "f")))
  (core instance $noopi (instantiate $noop))
  (func $noopf (canon lift (core func $noopi "f")))
  (instance $n (instantiate $nested (with "g" (func $noopf))))
  (export "n" (instance $n))
  (instance $bag (export "run" (func $run)))
  (export "a:b/c@1.0.0" (instance $bag))
  (type (stream u8)) (type (future (result))) (type (func async))
  (core type (module (import "a" "b" (func)) (export "c" (memory 1))))
  (core rec (type $p (func (param (ref null $q)))) (type $q (func (result (ref $p)))))
  (component (import "m" (core module))))`

func TestDescriptionOfAComponent(t *testing.T) {
	c, err := component.Decode(assemble(t, everything))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "c" {
		t.Errorf("name %q", c.Name)
	}
	count := map[string]int{}
	for _, d := range c.Defs {
		count[fmt.Sprintf("%T", d)]++
	}
	want := map[string]int{
		"*component.CoreModule": 3, "*component.CoreInstantiate": 3, "*component.CoreInlineExports": 1,
		"*component.CoreTypeDef": 3, "*component.Nested": 2, "*component.Instantiate": 1, "*component.InlineExports": 1,
		"*component.ResourceDef": 1, "*component.CanonLift": 2, "*component.CanonLower": 1, "*component.CanonBuiltin": 3,
		"*component.Import": 2, "*component.Export": 8,
	}
	for k, n := range want {
		if count[k] != n {
			t.Errorf("%d of %s, want %d", count[k], k, n)
		}
	}
	names := func(ns []types.Named) string {
		var s []string
		for _, n := range ns {
			s = append(s, n.Name+":"+n.Extern.Sort.String())
		}
		return strings.Join(s, " ")
	}
	if got, want := names(c.Type.Imports), "wasi:io/streams@0.2.6:instance f:func"; got != want {
		t.Errorf("imports %s, want %s", got, want)
	}
	if got, want := names(c.Type.Exports), "r:type rec:type v:type e:type fl:type run:func n:instance a:b/c@1.0.0:instance"; got != want {
		t.Errorf("exports %s, want %s", got, want)
	}
	if got, want := c.Type.Imports[1].Extern.Func.String(), "func(x: list<string>) -> tuple<u8, f64, char>"; got != want {
		t.Errorf("f is %s, want %s", got, want)
	}
	if r := c.Type.Exports[0].Extern.Type; r.Resource == nil || r.Resource.Name != "r" {
		t.Errorf("r is not exported as an abstract resource: %+v", r)
	}
}

func TestValidNames(t *testing.T) {
	for _, im := range []string{
		`"a"`, `"A1-2-3"`, `"m1x3d-4CR0NYMS"`, `"a:b/c"`, `"a1-b:c-d/E-f"`, `"a:b/c@1.2.3"`, `"a:b/c@1.2.3-rc.1+build.01"`,
		`"a:b/c@1"`, `"a:b/c@0.2"`, `"a:b/c@0.0.3"`, `"a:b/c@0.0.0"`, `"a:b/c@1" (versionsuffix ".2.3")`, `"a:b/c@0.2" (versionsuffix ".3-rc.1")`,
		`"x" (external-id "any thing")`, `"x" (implements "a:b/c@1.2.3") (external-id "")`,
	} {
		if _, err := component.Decode(assemble(t, `(component (import `+im+` (instance)))`)); err != nil {
			t.Errorf("%s: %v", im, err)
		}
	}
}

// Names that differ in what bindings make of them stand beside each other.
func TestStronglyUniqueNames(t *testing.T) {
	text := `(component (import "foo" (type $foo (sub resource))) (import "foo-bar" (func)) (import "[constructor]foo" (func (result (own $foo))))
		(import "[method]foo.bar" (func (param "self" (borrow $foo)))) (import "[static]foo.baz" (func)) (import "foo:bar/baz" (func)) `
	if _, err := component.Decode(assemble(t, text+")")); err != nil {
		t.Fatal(err)
	}
	for _, im := range []string{
		`"foo" (func)`, `"FOO" (func)`, `"foo-BAR" (func)`, `"[static]foo.bar" (func)`, `"[method]foo.BAR" (func (param "self" (borrow $foo)))`,
		`"[method]foo.baz" (func (param "self" (borrow $foo)))`, `"[method]foo.foo" (func (param "self" (borrow $foo)))`,
	} {
		_, err := component.Decode(assemble(t, text+"(import "+im+"))"))
		if err == nil || !strings.Contains(err.Error(), "conflicts with previous name") {
			t.Errorf("%s: got %v", im, err)
		}
	}
}

func TestCoreModuleIsAViewOfTheFile(t *testing.T) {
	b := assemble(t, `(component (core module (memory (export "m") 1)))`)
	c, err := component.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	m := c.Defs[0].(*component.CoreModule)
	if !bytes.HasPrefix(m.Bytes, []byte("\x00asm\x01")) || &m.Bytes[0] != &b[m.Offset] {
		t.Error("the module's bytes are not those at its offset")
	}
	if len(m.Type.Exports) != 1 || m.Type.Exports[0].Name != "m" || m.Type.Exports[0].Type.Memory.Min != 1 {
		t.Errorf("exports %+v", m.Type.Exports)
	}
}

func TestWhatIsNoComponent(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		want        error
	}{
		{"nothing", "", component.ErrNotWasm},
		{"text", "(component)", component.ErrNotWasm},
		{"a core module", "\x00asm\x01\x00\x00\x00", component.ErrCoreModule},
	} {
		if _, err := component.Decode([]byte(c.bytes)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestMalformedBinaries(t *testing.T) {
	const preamble = "\x00asm\x0d\x00\x01\x00"
	for _, c := range []struct{ name, bytes, want string }{
		{"no version", "\x00asm", "unexpected end-of-file (at offset 0x4)"},
		{"unknown version", "\x00asm\x0e\x00\x01\x00", "unknown binary version"},
		{"unknown section", preamble + "\x0d\x00", "malformed section id: 13 (at offset 0x8)"},
		{"value section", preamble + "\x0c\x00", "support for component model `value`s is not enabled"},
		{"start section", preamble + "\x09\x00", "support for component model `value`s is not enabled"},
		{"section beyond the end", preamble + "\x07\x05\x00", "unexpected end-of-file"},
		{"section with more than it says", preamble + "\x07\x02\x00\x00", "unexpected data at the end of the section"},
		{"section with less than it says", preamble + "\x07\x01\x01", "unexpected end-of-file"},
		{"count beyond the end", preamble + "\x07\x05\xff\xff\xff\xff\x0f", "type count exceeds limit"},
		{"count that no bytes stand for", preamble + "\x07\x02\x7f\x7f", "unexpected end-of-file"},
		{"number of six bytes", preamble + "\x07\x07\x80\x80\x80\x80\x80\x00\x00", "integer representation too long"},
		{"number of 33 bits", preamble + "\x07\x05\x80\x80\x80\x80\x10", "integer too large"},
		{"name that is no UTF-8", preamble + "\x0a\x06\x01\x00\x01\xff\x01\x00", "malformed UTF-8 encoding"},
		{"name beyond the end", preamble + "\x0a\x03\x01\x00\x09", "unexpected end-of-file"},
		{"wrong type", preamble + "\x07\x02\x01\x3e", "invalid leading byte (0x3e) for component defined type"},
		{"negative type index", preamble + "\x07\x03\x01\x70\x50", "invalid leading byte (0x50) for component value type"},
		{"module of another version", preamble + "\x01\x08\x00asm\x02\x00\x00\x00", "expected a version header for a module"},
		{"component for a module", preamble + "\x01\x08\x00asm\x0d\x00\x01\x00", "expected a version header for a module"},
		{"shared table", preamble + "\x03\x0b\x01\x50\x01\x03\x01t\x01\x70\x03\x01\x02", "invalid limits flags"},
		{"shared memory without a maximum", preamble + "\x03\x09\x01\x50\x01\x03\x01m\x02\x02\x01", "shared memory must have maximum size"},
		{"page size", preamble + "\x03\x0a\x01\x50\x01\x03\x01m\x02\x08\x01\x05", "invalid custom page size"},
		{"sections of a module out of order", preamble + "\x01\x0e\x00asm\x01\x00\x00\x00\x03\x01\x00\x01\x01\x00", "section out of order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := component.Decode([]byte(c.bytes))
			var invalid *component.Error
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if invalid.Offset < 0 || invalid.Offset > len(c.bytes) {
				t.Errorf("offset %d of %d bytes", invalid.Offset, len(c.bytes))
			}
		})
	}
}

// Every prefix of a component is an error, or a component that ends between sections.
func TestTruncatedComponents(t *testing.T) {
	b := assemble(t, everything)
	for n := range b {
		checkDecode(t, b[:n])
	}
}

func TestNestingIsBounded(t *testing.T) {
	const preamble = "\x00asm\x0d\x00\x01\x00"
	section := func(id byte, body string) string {
		return string(binary.AppendUvarint([]byte{id}, uint64(len(body)))) + body
	}
	inner, ty := preamble, "\x41\x00"
	for range 150 {
		inner = preamble + section(4, inner)
		ty = "\x41\x01\x01" + ty // a component type that declares a type
	}
	for _, b := range []string{inner, preamble + section(7, "\x01"+ty)} {
		_, err := component.Decode([]byte(b))
		if err == nil || !strings.Contains(err.Error(), "nesting is deeper than 100") {
			t.Errorf("got %v", err)
		}
	}
}

// checkDecode decodes b, whatever it is, and checks what holds for any bytes.
func checkDecode(t *testing.T, b []byte) {
	t.Helper()
	c, err := component.Decode(b)
	if (err == nil) != (c != nil) {
		t.Fatalf("error %v and component %v", err, c)
	}
	var invalid *component.Error
	if errors.As(err, &invalid) {
		if invalid.Offset < 0 || invalid.Offset > len(b) {
			t.Fatalf("offset %d of %d bytes", invalid.Offset, len(b))
		}
	} else if err != nil && !errors.Is(err, component.ErrNotWasm) && !errors.Is(err, component.ErrCoreModule) {
		t.Fatalf("an error of another kind: %v", err)
	}
}

func TestMutatedComponents(t *testing.T) {
	b := assemble(t, everything)
	r := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		m := bytes.Clone(b)
		for range 1 + r.IntN(3) {
			m[8+r.IntN(len(m)-8)] = byte(r.Uint32())
		}
		checkDecode(t, m)
	}
}

// FuzzDecode: decoding never panics, and an error comes if and only if no
// component does. Seeds are own texts and, where they are, the official tests.
func FuzzDecode(f *testing.F) {
	f.Add(assemble(f, everything))
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "conformance", "component-model", "test", "*", "*.wast"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		s, err := wat.ReadScript(file, text)
		if err != nil {
			f.Fatal(err)
		}
		for k := range s.Commands {
			if m := s.Commands[k].Module; m != nil && m.Err == nil {
				f.Add(m.Binary)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, b) })
}
