package component_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/wat"
)

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	b, err := wat.Assemble("test.wat", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rule is a component that breaks one rule, and what the error says of it.
type rule struct{ text, want string }

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.want, func(t *testing.T) {
			c, err := component.Decode(assemble(t, "(component "+r.text+")"))
			var invalid *component.Error
			switch {
			case err == nil:
				t.Fatalf("accepted: %s", r.text)
			case c != nil:
				t.Error("a component came with the error")
			case !errors.As(err, &invalid):
				t.Errorf("the error is a %T", err)
			case !strings.Contains(err.Error(), r.want):
				t.Errorf("got  %v\nwant %s\nof   %s", err, r.want, r.text)
			}
		})
	}
}

func TestInvalidTypes(t *testing.T) {
	checkRules(t, []rule{
		{`(type (record))`, "record type must have at least one field"},
		{`(type (record (field "a" u8) (field "A" u8)))`, "record field name `A` conflicts with previous field name `a`"},
		{`(type (record (field "" u8)))`, "record field name cannot be empty"},
		{`(type (record (field "a_b" u8)))`, "record field name `a_b` is not in kebab case"},
		{`(type (record (field "1a" u8)))`, "record field name `1a` is not in kebab case"},
		{`(type (record (field "a--b" u8)))`, "record field name `a--b` is not in kebab case"},
		{`(type (record (field "aB" u8)))`, "record field name `aB` is not in kebab case"},
		{`(type (variant))`, "variant type must have at least one case"},
		{`(type (variant (case "x") (case "X")))`, "variant case name `X` conflicts with previous case name `x`"},
		{`(type (tuple))`, "tuple type must have at least one type"},
		{`(type (flags))`, "flags must have at least one entry"},
		{`(type (flags ` + labels(33) + `))`, "cannot have more than 32 flags"},
		{`(type (flags "a" "a"))`, "flag name `a` conflicts with previous flag name `a`"},
		{`(type (enum))`, "enum type must have at least one variant"},
		{`(type (enum "a" "A"))`, "enum tag name `A` conflicts with previous tag name `a`"},
		{`(type (list u8 0))`, "fixed-length list must have more than zero elements"},
		{`(type $t (list u64 0x2000000)) (type (tuple $t $t))`, "type exceeds maximum byte size of 268435455"},
		{`(type (map f32 u8))`, "invalid map key type: f32"},
		{`(type (map bool u8)) (type $r (record (field "x" u8))) (type (map $r u8))`, "invalid map key type: record"},
		{`(type (stream char))`, "`stream<char>` is not valid at this time"},
		{`(type (list 0))`, "unknown type 0: type index out of bounds"},
		{`(type $f (func)) (type (list $f))`, "type index 0 is not a defined type"},
		{`(type $f (func)) (type (own $f))`, "type index 0 is not a resource type"},
		{`(type u8) (type (borrow 0))`, "type index 0 is not a resource type"},
		{`(type $r (resource (rep i32))) (type $b (borrow $r)) (type (stream $b))`, "stream type cannot contain a `borrow` type"},
		{`(type $r (resource (rep i32))) (type $b (borrow $r)) (type (future (list $b)))`, "future type cannot contain a `borrow` type"},
		{`(type $r (resource (rep i32))) (type $b (borrow $r)) (type (func (result (option $b))))`, "function result cannot contain a `borrow` type"},
		{`(type (func (param "a" u8) (param "A" u8)))`, "function parameter name `A` conflicts with previous parameter name `a`"},
		{`(type (resource (rep i64)))`, "resources can only be represented by `i32`"},
		{`(type (resource (rep i32) (dtor (core func 0))))`, "unknown core function 0: core function index out of bounds"},
		{`(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (type (resource (rep i32) (dtor (core func $i "f"))))`,
			"wrong signature for a destructor"},
		{`(type (component (type (resource (rep i32)))))`, "resources can only be defined within a concrete component"},
		{`(type (instance (type (resource (rep i32)))))`, "resources can only be defined within a concrete component"},
		{nested("(list ", "u8", ")", 501), "types are nested deeper than 500"},
	})
}

// labels are n labels.
func labels(n int) string {
	var b strings.Builder
	for k := range n {
		b.WriteString(` "l`)
		b.WriteByte(byte('a' + k%26))
		b.WriteByte(byte('a' + k/26))
		b.WriteByte('"')
	}
	return b.String()
}

// nested defines n types, each in terms of the one before.
func nested(open, first, end string, n int) string {
	var b strings.Builder
	b.WriteString("(type $t " + first + ")")
	for k := range n {
		b.WriteString("(type " + open)
		if k > 0 {
			b.WriteString(itoa(k))
		} else {
			b.WriteString("$t")
		}
		b.WriteString(end + ")")
	}
	return b.String()
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func TestInvalidNames(t *testing.T) {
	checkRules(t, []rule{
		{`(import "" (func))`, "`` is not in kebab case"},
		{`(import "a_b" (func))`, "`a_b` is not in kebab case"},
		{`(import "a:b" (func))`, "expected `/` after package name"},
		{`(import "a:b/" (func))`, "`` is not in kebab case"},
		{`(import "a:b/c/d" (func))`, "trailing characters found: `/d`"},
		{`(import "A:b/c" (func))`, "namespace `A` is not lowercase"},
		{`(import "a:B/c" (func))`, "package name `B` is not lowercase"},
		{`(import "a:b/c@" (func))`, "empty string, expected a semver version"},
		{`(import "a:b/c@1.2" (func))`, "unexpected end of input while parsing minor version number"},
		{`(import "a:b/c@01" (func))`, "invalid leading zero in major version number"},
		{`(import "a:b/c@1.2.3" (versionsuffix ".4") (func))`, "name `a:b/c@1.2.3` has a version suffix and no canonical version before it"},
		{`(import "a" (versionsuffix ".4") (func))`, "name `a` has a version suffix and no canonical version before it"},
		{`(import "a:b/c@1" (versionsuffix ".4") (func))`, "version suffix `.4` of `a:b/c@1` does not make a valid semver"},
		{`(import "a:b/c@1.2.3-" (func))`, "empty identifier segment in pre-release identifier"},
		{`(import "a:b/c@1.2.3-01" (func))`, "invalid leading zero in pre-release identifier"},
		{`(import "a:b/c@1.2.3+a..b" (func))`, "empty identifier segment in build metadata"},
		{`(import "a:b/c@1.02.3" (func))`, "invalid leading zero in minor version number"},
		{`(import "a" (func)) (import "A" (func))`, "import name `A` conflicts with previous name `a`"},
		{`(import "f" (func $f)) (export "x" (func $f)) (export "X" (func $f))`, "export name `X` conflicts with previous name `x`"},
		{`(import "[constructor]a" (instance))`, "item `[constructor]a` is not a func"},
		{`(import "[constructor]a" (func))`, "function should return one value"},
		{`(import "[constructor]a" (func (result u8)))`, "function should return `(own $T)` or `(result (own $T))`"},
		{`(import "b" (type $b (sub resource))) (import "[constructor]a" (func (result (own $b))))`, "function does not match expected resource name `b`"},
		{`(import "[method]a" (func))`, "failed to find `.` character"},
		{`(import "[method]a.b" (func))`, "function should have at least one argument"},
		{`(import "[method]a.b" (func (param "x" u8)))`, "function should have a first argument called `self`"},
		{`(import "[method]a.b" (func (param "self" u8)))`, "function should take a first argument of `(borrow $T)`"},
		{`(import "[static]a.b" (func))`, "static resource name is not known in this context"},
		{`(import "a" (type $a (sub resource))) (import "[method]a.a" (func (param "self" (borrow $a))))`,
			"import name `[method]a.a` conflicts with previous name `a`"},
		{`(import "a" (implements "b") (instance))`, "`implements` name `b` must be an interface"},
		{`(import "a" (implements "b:c/d") (func))`, "only instances can have an `implements`"},
		{`(import "x:y/z" (implements "b:c/d") (instance))`, "name `x:y/z` is not valid with `implements`"},
	})
}

func TestInvalidIndices(t *testing.T) {
	checkRules(t, []rule{
		{`(export "x" (func 0))`, "unknown function 0: function index out of bounds"},
		{`(export "x" (type 0))`, "unknown type 0: type index out of bounds"},
		{`(export "x" (component 0))`, "unknown component 0: component index out of bounds"},
		{`(export "x" (instance 0))`, "unknown instance 0: instance index out of bounds"},
		{`(export "x" (core module 0))`, "unknown module 0: module index out of bounds"},
		{`(instance (instantiate 0))`, "unknown component 0: component index out of bounds"},
		{`(core instance (instantiate 0))`, "unknown module 0: module index out of bounds"},
		{`(import "x" (func (type 0)))`, "unknown type 0: type index out of bounds"},
		{`(type u8) (import "x" (func (type 0)))`, "type index 0 is not a function type"},
		{`(type (func)) (import "x" (instance (type 0)))`, "type index 0 is not an instance type"},
		{`(type (func)) (import "x" (component (type 0)))`, "type index 0 is not a component type"},
		{`(core type (func)) (import "x" (core module (type 0)))`, "core type index 0 is not a module type"},
		{`(alias export 0 "x" (func))`, "unknown instance 0: instance index out of bounds"},
		{`(import "i" (instance $i)) (alias export $i "x" (func))`, "instance 0 has no export named `x`"},
		{`(import "i" (instance $i (export "x" (func)))) (alias export $i "x" (instance))`, "export `x` for instance 0 is not a instance"},
		{`(core module $m) (core instance $i (instantiate $m)) (alias core export $i "x" (core func))`, "core instance 0 has no export named `x`"},
		{`(core module $m (memory (export "x") 1)) (core instance $i (instantiate $m)) (alias core export $i "x" (core func))`,
			"export `x` for core instance 0 is not a func"},
		{`(alias outer 1 0 (type))`, "invalid outer alias count of 1"},
		{`(alias outer 0 0 (type))`, "unknown type 0: type index out of bounds"},
		{`(component (alias outer 1 0 (component)))`, "unknown component 0: component index out of bounds"},
		{`(type $r (resource (rep i32))) (component (alias outer 1 $r (type)))`, "transitively refers to resources not defined in the current component"},
		{`(type (component (alias outer 1 0 (component))))`, "aliases in types may only refer to types or instances"},
		{`(core type (module (alias outer 2 0 (type))))`, "invalid outer alias count of 2"},
		{`(core type (func (param (ref 1))))`, "unknown type 1: type index out of bounds"},
		{`(core type $m (module)) (core type (func (param (ref $m))))`, "type index 0 is a module type, not a sub type"},
		{`(core type (module (type (func (result (ref null 1)))) (export "f" (func (type 0)))))`, "unknown type 1: type index out of bounds"},
		{`(core type $m (module)) (core type (module (alias outer 1 $m (type))))`, "outer type alias of a core module type"},
	})
}

func TestInvalidInstantiation(t *testing.T) {
	checkRules(t, []rule{
		{`(component $c (import "x" (func))) (instance (instantiate $c))`, "missing import named `x`"},
		{`(component $c (import "x" (func))) (component $d) (instance (instantiate $c (with "x" (component $d))))`, "expected func, found component"},
		{`(import "f" (func $f (param "a" u8))) (component $c (import "x" (func))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected 0 parameters, found 1"},
		{`(import "f" (func $f (param "a" u8))) (component $c (import "x" (func (param "b" u8)))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected parameter named `b`, found `a`"},
		{`(import "f" (func $f (param "a" u8))) (component $c (import "x" (func (param "a" u16)))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected primitive `u16` found primitive `u8`"},
		{`(import "f" (func $f)) (component $c (import "x" (func (result u8)))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected a result, found none"},
		{`(import "f" (func $f (result u8))) (component $c (import "x" (func))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected a result, found none"},
		{`(import "f" (func $f async)) (component $c (import "x" (func))) (instance (instantiate $c (with "x" (func $f))))`,
			"expected func, found async func"},
		{`(import "i" (instance $i)) (component $c (import "x" (instance (export "f" (func))))) (instance (instantiate $c (with "x" (instance $i))))`,
			"missing expected export `f`"},
		{`(import "r" (type $r (sub resource))) (import "s" (type $s (sub resource))) (import "f" (func $f (param "a" (own $r))))
			(component $c (import "r" (type $r (sub resource))) (import "f" (func (param "a" (own $r)))))
			(instance (instantiate $c (with "r" (type $s)) (with "f" (func $f))))`, "resource types are not the same"},
		{`(type $t u8) (component $c (import "r" (type (sub resource)))) (instance (instantiate $c (with "r" (type $t))))`,
			"expected resource, found defined type"},
		{`(component $c) (instance (instantiate $c (with "a" (component $c)) (with "a" (component $c))))`,
			"instantiation argument `a` conflicts with previous argument `a`"},
		{`(core module $m (import "a" "b" (func))) (core instance (instantiate $m))`, "missing module instantiation argument named `a`"},
		{`(core module $m (import "a" "b" (func))) (core module $n) (core instance $i (instantiate $n)) (core instance (instantiate $m (with "a" (instance $i))))`,
			"does not export an item named `b`"},
		{`(core module $m (import "a" "b" (func))) (core module $n (memory (export "b") 1)) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "expected func, found memory"},
		{`(core module $m (import "a" "b" (memory 2))) (core module $n (memory (export "b") 1)) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "mismatch in memory limits"},
		{`(core module $m (import "a" "b" (memory 1 1 shared))) (core module $n (memory (export "b") 1)) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "mismatch in the shared flag for memories"},
		{`(core module $m (import "a" "b" (table 1 externref))) (core module $n (table (export "b") 1 funcref)) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "expected table element type externref, found funcref"},
		{`(core module $m (import "a" "b" (global (mut i32)))) (core module $n (global (export "b") i32 (i32.const 0))) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "global types differ in mutability"},
		{`(core module $m (import "a" "b" (global i64))) (core module $n (global (export "b") i32 (i32.const 0))) (core instance $i (instantiate $n))
			(core instance (instantiate $m (with "a" (instance $i))))`, "expected global type i64, found i32"},
		{`(core module $m) (core instance $i (instantiate $m)) (core instance (instantiate $m (with "a" (instance $i)) (with "a" (instance $i))))`,
			"duplicate module instantiation argument named `a`"},
	})
}

func TestInvalidCanonicalDefinitions(t *testing.T) {
	core := func(fields, rest string) string {
		return `(core module $m ` + fields + `) (core instance $i (instantiate $m)) ` + rest
	}
	realloc := `(func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)`
	checkRules(t, []rule{
		{core(`(func (export "f") (param i32))`, `(func (canon lift (core func $i "f")))`), "lowered parameter types `[]` do not match parameter types `[I32]`"},
		{core(`(func (export "f") (result i32) unreachable)`, `(func (canon lift (core func $i "f")))`), "lowered result types `[]` do not match result types `[I32]`"},
		{core(`(func (export "f") (param i32 i32))`, `(func (param "s" string) (canon lift (core func $i "f")))`), "canonical option `memory` is required"},
		{core(`(func (export "f") (param i32 i32)) (memory (export "m") 1)`, `(func (param "s" string) (canon lift (core func $i "f") (memory (core memory $i "m"))))`),
			"canonical option `realloc` is required"},
		{core(realloc, `(func (canon lift (core func $i "realloc") (realloc (core func $i "realloc"))))`), "canonical option `realloc` requires `memory` to also be specified"},
		{core(`(func (export "f")) (memory (export "m") 1)`, `(func (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "f"))))`),
			"canonical option `realloc` uses a core function with an incorrect signature"},
		{core(`(func (export "f")) (func (export "p") (param i32))`, `(func (canon lift (core func $i "f") (post-return (core func $i "p"))))`),
			"canonical option `post-return` uses a core function with an incorrect signature"},
		{core(`(func (export "f"))`, `(func (canon lift (core func $i "f") string-encoding=utf8 string-encoding=utf16))`),
			"canonical encoding option `utf8` conflicts with option `utf16`"},
		{core(`(func (export "f")) (memory (export "m") 1)`, `(func (canon lift (core func $i "f") (memory (core memory $i "m")) (memory (core memory $i "m"))))`),
			"canonical option `memory` is specified more than once"},
		{core(`(func (export "f"))`, `(func (canon lift (core func $i "f") async))`), "the `async` canonical option requires an async function type"},
		{core(`(func (export "f"))`, `(func async (canon lift (core func $i "f") async (post-return (core func $i "f"))))`), "canonical option `post-return` conflicts with `async`"},
		{core(`(func (export "f")) (func (export "cb") (param i32 i32 i32) (result i32) unreachable)`, `(func async (canon lift (core func $i "f") (callback (core func $i "cb"))))`),
			"canonical option `callback` requires `async`"},
		{core(`(func (export "f"))`, `(func async (canon lift (core func $i "f") async (callback (core func $i "f"))))`),
			"canonical option `callback` uses a core function with an incorrect signature"},
		{core(`(memory (export "m") i64 1)`, `(import "f" (func $f)) (core func (canon lower (func $f) (memory (core memory $i "m"))))`), "canonical ABI memory is not a 32-bit linear memory"},
		{`(import "f" (func $f (param "s" string))) (core func (canon lower (func $f)))`, "canonical option `memory` is required"},
		{core(`(memory (export "m") 1)`, `(import "f" (func $f (result string))) (core func (canon lower (func $f) (memory (core memory $i "m"))))`), "canonical option `realloc` is required"},
		{core(`(func (export "p"))`, `(import "f" (func $f)) (core func (canon lower (func $f) (post-return (core func $i "p"))))`), "`post-return` cannot be specified for lowerings"},
		{`(import "f" (func $f)) (core func (canon lower (func $f) async))`, "the `async` canonical option requires an async function type"},
		{`(import "r" (type $r (sub resource))) (core func (canon resource.new $r))`, "resource used in `resource.new` is not a local resource"},
		{`(type $t u8) (core func (canon resource.drop $t))`, "type index 0 is not a resource type"},
		{`(type $t (future)) (core func (canon stream.new $t))`, "`stream.new` requires a stream type: type index 0 is not a stream type"},
		{`(type $t (stream)) (core func (canon future.new $t))`, "`future.new` requires a future type: type index 0 is not a future type"},
		{`(type $t (stream u8)) (core func (canon stream.read $t))`, "canonical option `memory` is required"},
		{core(`(memory (export "m") 1)`, `(type $t (stream string)) (core func (canon stream.read $t (memory (core memory $i "m"))))`), "canonical option `realloc` is required"},
		{`(core func (canon context.get i32 2))`, "immediate of `context.get` must be zero or one: it is 2"},
		{`(core func (canon context.set f32 0))`, "`context.set` is of type i32"},
		{`(core func (canon context.get i64 0))`, "`context.get` is of type i32"},
		{core(`(func (export "f"))`, `(func async (result string) (canon lift (core func $i "f") async))`), "canonical option `memory` is required"},
		{`(import "f" (func $f async (result u8))) (core func (canon lower (func $f) async))`, "canonical option `memory` is required"},
		{core(`(memory (export "m") 1 1 shared)`, `(core func (canon waitable-set.wait (memory (core memory $i "m"))))`), "mismatch in the shared flag for memories"},
		{`(core func (canon task.return (result string)))`, "canonical option `memory` is required"},
		{`(core func (canon error-context.new))`, "canonical option `memory` is required"},
		{`(core type $t (func)) (core func (canon thread.new-indirect $t (core table 0)))`, "start function must take a single `i32` argument and return nothing"},
	})
}

func TestTypesWithoutAPublicName(t *testing.T) {
	checkRules(t, []rule{
		{`(type $r (record (field "a" u8))) (import "f" (func (param "x" $r)))`, "func not valid to be used as import"},
		{`(type $r (enum "a")) (type $l (list $r)) (import "f" (func (result $l)))`, "func not valid to be used as import"},
		{`(type $r (resource (rep i32))) (core func $n (canon resource.new $r)) (func $f (param "x" u32) (result (own $r)) (canon lift (core func $n)))
			(export "f" (func $f))`, "func not valid to be used as export"},
		{`(type $r (flags "a")) (type $t (record (field "a" $r))) (import "t" (type (eq $t)))`, "type not valid to be used as import"},
		{`(type $r (flags "a")) (type $t (record (field "a" $r))) (export "t" (type $t))`, "type not valid to be used as export"},
	})
}

func TestInvalidAscriptions(t *testing.T) {
	checkRules(t, []rule{
		{`(import "f" (func $f)) (export "x" (func $f) (func (param "a" u8)))`, "ascribed type of export is not compatible"},
		{`(import "i" (instance $i)) (export "x" (instance $i) (instance (export "f" (func))))`, "missing expected export `f`"},
	})
}

func TestTypesThatUnfoldToSomethingHuge(t *testing.T) {
	// Each type has the one before it twice: the 30th is a billion of the first.
	tuples := "(type (list u8))"
	for k := range 30 {
		tuples += "(type (tuple " + itoa(k) + " " + itoa(k) + "))"
	}
	checkRules(t, []rule{
		{tuples, "effective type size exceeds the limit"},
		{doubled(), "the instances of the component have more than 500000 exports in all"},
	})
}

func TestNumberOfDefinitionsIsBounded(t *testing.T) {
	const preamble = "\x00asm\x0d\x00\x01\x00"
	types := binary.AppendUvarint(nil, 600_000)
	types = append(types, bytes.Repeat([]byte{0x7d}, 600_000)...)
	section := append(binary.AppendUvarint([]byte{7}, uint64(len(types))), types...)
	if _, err := component.Decode(append([]byte(preamble), section...)); err != nil {
		t.Error(err)
	}
	// The second half is in a nested component, which counts too.
	nested := append(append(binary.AppendUvarint([]byte{4}, uint64(len(preamble)+len(section))), preamble...), section...)
	_, err := component.Decode(append(append([]byte(preamble), section...), nested...))
	if err == nil || !strings.Contains(err.Error(), "definition count exceeds limit of 1000000") {
		t.Errorf("got %v", err)
	}
}

// Each name is an identity of its own for the resource; what they stand for must
// not be looked for one after the other.
func TestResourceUnderVeryManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString(`(component (import "r0" (type $r0 (sub resource)))`)
	for k := range 20000 {
		fmt.Fprintf(&b, `(import "r%d" (type $r%d (eq $r%d)))`, k+1, k+1, k)
	}
	b.WriteString(`(import "f" (func (param "a" (own $r20000)))))`)
	c, err := component.Decode(assemble(t, b.String()))
	if err != nil {
		t.Fatal(err)
	}
	first, f := c.Type.Imports[0].Extern.Type.Resource, c.Type.Imports[20001].Extern.Func
	if f.Params[0].Type.Resource != first {
		t.Error("the last name does not stand for the first")
	}
}

// doubled are instance types, each with the one before it twice.
func doubled() string {
	s := `(type (instance))`
	for k := range 30 {
		s += `(type (instance (alias outer 1 ` + itoa(k) + ` (type $t)) (export "a" (instance (type $t))) (export "b" (instance (type $t)))))`
	}
	return s
}
