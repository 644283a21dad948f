package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// call calls an export of the root and expects a result.
func call(t *testing.T, i *engine.Instance, ln *engine.Linked, name string, args ...abi.Value) abi.Value {
	t.Helper()
	v, err := tryCall(t, i, ln, name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func tryCall(t *testing.T, i *engine.Instance, ln *engine.Linked, name string, args ...abi.Value) (abi.Value, error) {
	t.Helper()
	root, err := ln.Interface("")
	if err != nil {
		t.Fatal(err)
	}
	f, err := root.Func(name, nil)
	if err != nil {
		return nil, err
	}
	return f.Call(t.Context(), i, args...)
}

// A component that imports what no host has can be described, and linked by none.
func TestImportsThatNoHostProvides(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"core module", `(component (import "m" (core module $m (export "f" (func)))) (core instance $i (instantiate $m))
			(func (export "f") (canon lift (core func $i "f"))))`, "a core module is nothing that a host can provide"},
		{"component", `(component (import "c" (component $c (export "f" (func)))) (instance $i (instantiate $c)) (export "f" (func $i "f")))`,
			"a component is nothing that a host can provide"},
		{"nested instance", `(component (import "i" (instance (export "j" (instance)))))`, "an instance within an imported instance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := engine.New(t.Context(), engine.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(context.Background())
			comp, err := e.Compile(t.Context(), assemble(t, c.text))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(comp.Description().Imports); n != 1 {
				t.Errorf("%d imports", n)
			}
			if _, err = e.NewLinker().Link(t.Context(), comp); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// A core module that nothing instantiates must be valid all the same, unless it
// needs what the engine does not have.
func TestUnusedCoreModulesAreValidated(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"wrong types", `(component (core module (func (result i32))))`, "type mismatch"},
		{"in a component that is not instantiated", `(component (component (core module (func i32.add drop))))`, "type mismatch"},
		{"beside an import that no host has", `(component (import "c" (component)) (core module (func i32.add drop)))`, "type mismatch"},
		{"several memories", `(component (core module (memory 1) (memory 1)))`, ""},
		{"imports", `(component (core module (import "" "" (func $f)) (func (call $f))))`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				_, err := e.Compile(t.Context(), assemble(t, c.text))
				switch {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
					t.Errorf("got %v, want %s", err, c.want)
				}
			})
		})
	}
}

// A resource that is exported under two names is one resource: a handle got
// under the first name is good under the second.
func TestResourceUnderTwoNames(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, `(component
  (component $c
    (type $r (resource (rep i32)))
    (export $a "a" (type $r))
    (export $b "b" (type $r))
    (core func $new (canon resource.new $r))
    (core func $rep (canon resource.rep $r))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "rep" (func $rep (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "take") (param i32) (result i32) (call $rep (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "rep" (func $rep))))))
    (func (export "make") (param "rep" u32) (result (own $a)) (canon lift (core func $i "make")))
    (func (export "take") (param "h" (own $b)) (result u32) (canon lift (core func $i "take"))))
  (component $d
    (import "c" (instance $c
      (export "a" (type $a (sub resource)))
      (export "b" (type $b (eq $a)))
      (export "make" (func (param "rep" u32) (result (own $a))))
      (export "take" (func (param "h" (own $b)) (result u32)))))
    (core func $make (canon lower (func $c "make")))
    (core func $take (canon lower (func $c "take")))
    (core module $m
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "take" (func $take (param i32) (result i32)))
      (func (export "run") (param i32) (result i32) (call $take (call $make (local.get 0)))))
    (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "take" (func $take))))))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))
  (instance $c (instantiate $c))
  (instance $d (instantiate $d (with "c" (instance $c))))
  (export "run" (func $d "run")))`)
		i := instantiate(t, ln, engine.InstanceConfig{})
		if v := call(t, i, ln, "run", uint32(77)); v != uint32(77) {
			t.Errorf("got %v", v)
		}
	})
}

// A parent and a child may not call one another.
func TestCallsBetweenParentAndChildTrap(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		for _, text := range []string{`(component
  (component $c
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (instance $c (instantiate $c))
  (core func $f (canon lower (func $c "f")))
  (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "run") (canon lift (core func $i "run"))))`,
			`(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (component $c
    (import "f" (func $f))
    (core func $f (canon lower (func $f)))
    (core module $m (import "" "f" (func $f)) (func (export "run") (call $f)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func (export "run") (canon lift (core func $i "run"))))
  (instance $c (instantiate $c (with "f" (func $f))))
  (export "run" (func $c "run")))`} {
			ln := mustLink(t, e, text)
			_, err := tryCall(t, instantiate(t, ln, engine.InstanceConfig{}), ln, "run")
			if err == nil || !strings.Contains(err.Error(), "cannot enter component instance") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// What is not implemented yet is no reason not to run the rest of a component.
func TestBuiltinsThatAreNotImplementedTrapWhenCalled(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, `(component
  (core func $new (canon thread.available-parallelism))
  (core module $m (import "" "new" (func $new (result i32)))
    (func (export "fine") (result i32) (i32.const 1))
    (func (export "wait") (result i32) (call $new))
    (func (export "post") (param i32) (drop (call $new))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func (export "fine") (result u32) (canon lift (core func $i "fine")))
  (func (export "wait") (result u32) (canon lift (core func $i "wait")))
  (func (export "in-post-return") (result u32) (canon lift (core func $i "fine") (post-return (core func $i "post")))))`)
		if v := call(t, instantiate(t, ln, engine.InstanceConfig{}), ln, "fine"); v != uint32(1) {
			t.Errorf("got %v", v)
		}
		for name, want := range map[string]string{
			"wait": "thread.available-parallelism is not implemented yet", "in-post-return": "cannot leave component instance",
		} {
			_, err := tryCall(t, instantiate(t, ln, engine.InstanceConfig{}), ln, name)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	})
}

func TestBackpressureCountsWithinBounds(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, `(component
  (core func $inc (canon backpressure.inc))
  (core func $dec (canon backpressure.dec))
  (core module $m (import "" "inc" (func $inc)) (import "" "dec" (func $dec))
    (func (export "inc") (param i32) (loop (call $inc) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "dec") (param i32) (loop (call $dec) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
  (core instance $i (instantiate $m (with "" (instance (export "inc" (func $inc)) (export "dec" (func $dec))))))
  (func (export "inc") (param "n" u32) (canon lift (core func $i "inc")))
  (func (export "dec") (param "n" u32) (canon lift (core func $i "dec"))))`)
		i := instantiate(t, ln, engine.InstanceConfig{})
		call(t, i, ln, "inc", uint32(65535))
		call(t, i, ln, "dec", uint32(65535))
		if _, err := tryCall(t, i, ln, "dec", uint32(1)); err == nil || !strings.Contains(err.Error(), "underflow") {
			t.Errorf("dec: got %v", err)
		}
		i = instantiate(t, ln, engine.InstanceConfig{})
		if _, err := tryCall(t, i, ln, "inc", uint32(65536)); err == nil || !strings.Contains(err.Error(), "overflow") {
			t.Errorf("inc: got %v", err)
		}
	})
}

// A host function may call into another instance with the context that it was
// given, which wazero goes on watching after the call.
func TestHostFunctionCallsAnotherInstance(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		inner := mustLink(t, e, `(component
  (core module $m (func (export "f") (result i32) (i32.const 5)))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))`)
		in := instantiate(t, inner, engine.InstanceConfig{})
		root, err := inner.Interface("")
		if err != nil {
			t.Fatal(err)
		}
		f, err := root.Func("f", nil)
		if err != nil {
			t.Fatal(err)
		}
		outer := mustLink(t, e, `(component
  (import "host" (instance $h (export "f" (func (result u32)))))
  (core func $f (canon lower (func $h "f")))
  (core module $m (import "" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))`,
			&engine.HostInterface{Name: "host", Funcs: []engine.HostFunc{{
				Name: "f", Type: &types.Func{Result: types.TypeU32},
				Dynamic: func(cx *abi.Context, args []abi.Value) (abi.Value, error) { return f.Call(cx.Ctx, in) },
			}}})
		out := instantiate(t, outer, engine.InstanceConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		outerRoot, err := outer.Interface("")
		if err != nil {
			t.Fatal(err)
		}
		run, err := outerRoot.Func("run", nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if v, err := run.Call(ctx, out); err != nil || v != uint32(5) {
				t.Fatalf("got %v, %v", v, err)
			}
		}
		cancel() // what still watches a context sees it now
	})
}

// A small file can unfold to a great many definitions: each level instantiates
// the one below it several times.
func TestComponentsThatUnfoldToTooMuch(t *testing.T) {
	types := strings.Repeat("(type u8)", 30000)
	inner := "(component $c " + types + ")"
	for range 2 {
		inner = "(component $c " + inner + strings.Repeat("(instance (instantiate $c))", 30) + ")"
	}
	e, err := engine.New(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	_, err = e.Compile(t.Context(), assemble(t, "(component "+inner+"(instance (instantiate $c)))"))
	if err == nil || !strings.Contains(err.Error(), "takes more than 4000000 steps") {
		t.Errorf("got %v", err)
	}
}

// One large core module that is instantiated in very many ways would be compiled
// as many times.
func TestCompilingOneModuleInManyWaysIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`(component (core module $big (import "" "f" (func)) (memory 20) (data (i32.const 0) "`)
	b.WriteString(strings.Repeat("x", 1<<20))
	b.WriteString(`")) (core module $f (func (export "f")))`)
	for range 80 {
		b.WriteString(`(core instance $i (instantiate $f)) (core instance (instantiate $big (with "" (instance $i))))`)
	}
	text := strings.ReplaceAll(b.String(), "$i ", "") + ")"
	for k := range 80 {
		text = strings.Replace(text, "(instance $i)", fmt.Sprintf("(instance %d)", 2*k), 1)
	}
	e, err := engine.New(t.Context(), engine.Config{Kind: engine.Interpreter})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	if _, err = e.Compile(t.Context(), assemble(t, text)); err == nil || !strings.Contains(err.Error(), "in too many ways") {
		t.Errorf("got %v", err)
	}
}
