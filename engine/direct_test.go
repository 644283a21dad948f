package engine_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// circle is a component whose main module calls functions that need its memory,
// by way of a shim and a fixup. Cases replace parts of it, from the names on the
// left of circleParts.
const circle = `(component
  (import "test:host/log@0.2.0" (instance $h (export "log" (func (param "s" string) (result u32)))))
  (core module $shim
    (type $t (func (param i32 i32) (result i32)))
    (type $other (func (param i32 i32) (result i64)))
    (table (export "table") 2 2 funcref)
    FORWARD
    SHIM)
  (core module $main
    (import "h" "log" (func $log (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (global $started (mut i32) (i32.const 0))
    (data (i32.const 8) "abc")
    (func $call (export "call") (result i32) (call $log (i32.const 8) (i32.const 3)))
    (func (export "started") (result i32) (global.get $started))
    (func $initialize (export "initialize") INITIALIZE)
    MAIN)
  (core module $between
    (import "main" "call" (func $call (result i32)))
    BETWEEN)
  (core module $late
    (import "main" "memory" (memory 1))
    (func (export "log") (param i32 i32) (result i32) (i32.load8_u (local.get 0))))
  (core module $fixup
    (type $t (func (param i32 i32) (result i32)))
    (import "" "log" (func $log (type $t)))
    (import "" "initialize" (func $initialize))
    (import "" "table" (table 2 2 funcref))
    FILL)
  (core instance $s (instantiate $shim))
  (alias core export $s "0" (core func $s0))
  (core instance $m (instantiate $main (with "h" (instance (export "log" (func $s0))))))
  (core instance $b (instantiate $between (with "main" (instance $m))))
  (alias core export $m "memory" (core memory $mem))
  (core instance $l (instantiate $late (with "main" (instance $m))))
  (alias core export $l "log" (core func $late))
  (core func $lowered (canon lower (func $h "log") (memory $mem)))
  (alias core export $s "table" (core table $table))
  (alias core export $m "initialize" (core func $initialize))
  (core instance $f (instantiate $fixup (with "" (instance
    (export "log" (func TARGET)) (export "initialize" (func $initialize)) (export "table" (table $table))))))
  MORE
  (func (export "call") (result u32) (canon lift (core func $m "call")))
  (func (export "started") (result u32) (canon lift (core func $m "started"))))`

// circleParts are what cases leave as it is.
var circleParts = map[string]string{
	"FORWARD": `(func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))`,
	"FILL":    `(elem (i32.const 0) func $log)`,
	"TARGET":  "$lowered",
}

// replaced is the circle with some parts replaced.
func replaced(parts map[string]string) string {
	text := circle
	for _, name := range []string{"FORWARD", "SHIM", "INITIALIZE", "MAIN", "BETWEEN", "FILL", "TARGET", "MORE"} {
		part, ok := parts[name]
		if !ok {
			part = circleParts[name]
		}
		text = strings.Replace(text, name, part, 1)
	}
	return text
}

// barred makes of the parts a component in which no shim is found: its module
// has a global, which nothing uses.
func barred(parts map[string]string) map[string]string {
	out := map[string]string{}
	for name, part := range parts {
		out[name] = part
	}
	out["SHIM"] += ` (global i32 (i32.const 0))`
	return out
}

// outcome is all that can be seen of an instance of the circle.
type outcome struct{ instantiated, called, started, logged string }

func (o *outcome) of(t *testing.T, e *engine.Engine, text string) (cores int) {
	t.Helper()
	log := &engine.HostInterface{Name: "test:host/log@0.2.0", Funcs: []engine.HostFunc{{
		Name: "log", Dynamic: func(_ *abi.Context, args []abi.Value) (abi.Value, error) {
			o.logged += args[0].(string)
			return uint32(42), nil
		},
	}}}
	ln := mustLink(t, e, text, log)
	cores = ln.Component().CoreInstances()
	i, err := ln.Instantiate(t.Context(), engine.InstanceConfig{})
	if err != nil {
		o.instantiated = err.Error()
		return cores
	}
	defer i.Close(context.Background())
	show := func(name string) string {
		v, err := tryCall(t, i, ln, name)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(v)
	}
	o.started, o.called = show("started"), show("call")
	return cores
}

// What goes through a shim is bound to where it goes when that makes no
// difference. The circle has five core instances; those of a shim and a fixup
// that nothing needs any more are not made.
func TestShimsAreBoundDirectly(t *testing.T) {
	const undefined = "wasm trap: undefined element"
	// wazero does not trap for a segment out of bounds, but leaves it out; what is
	// of interest here is that it makes no difference.
	const whatever = "whatever"
	for _, c := range []struct {
		name  string
		parts map[string]string
		cores int
		want  outcome
	}{
		{"a lowered function", nil, 3, outcome{called: "42", started: "0", logged: "abc"}},
		{"a start function of the fixup", map[string]string{
			"INITIALIZE": `(global.set $started (call $call))`, "FILL": `(elem (i32.const 0) func $log) (start $initialize)`,
		}, 3, outcome{called: "42", started: "42", logged: "abcabc"}},
		{"a start function of the fixup that traps", map[string]string{
			"INITIALIZE": `unreachable`, "FILL": `(elem (i32.const 0) func $log) (start $initialize)`,
		}, 3, outcome{instantiated: "wasm trap: wasm `unreachable` instruction executed"}},
		{"several segments, of which the last counts", map[string]string{
			"FILL": `(elem (i32.const 1) func $log) (elem (i32.const 0) func $log)`,
		}, 3, outcome{called: "42", started: "0", logged: "abc"}},
		{"a shim that the component lifts, too", map[string]string{
			"FORWARD": circleParts["FORWARD"] + `(func (export "1") (type $none) (call_indirect (type $none) (i32.const 1)))`,
			"SHIM":    `(type $none (func (result i32)))`,
			"MORE":    `(func (export "lifted") (result u32) (canon lift (core func $s "1")))`,
		}, 5, outcome{called: "42", started: "0", logged: "abc"}},

		{"a call before the fixup, of the main module's start function",
			map[string]string{"MAIN": `(start $start) (func $start (drop (call $call)))`}, 5, outcome{instantiated: undefined}},
		{"a call before the fixup, of another module's start function",
			map[string]string{"BETWEEN": `(start $start) (func $start (drop (call $call)))`}, 5, outcome{instantiated: undefined}},
		{"a function of a module that comes after the one that calls it",
			map[string]string{"TARGET": "$late"}, 5, outcome{called: "97", started: "0"}},
		{"a slot that is not filled", map[string]string{"FILL": `(elem (i32.const 1) func $log)`}, 5,
			outcome{called: undefined, started: "0"}},
		{"a slot of another type", map[string]string{
			"FORWARD": `(func (export "0") (type $t) (i32.wrap_i64 (call_indirect (type $other) (local.get 0) (local.get 1) (i32.const 0))))`,
		}, 5, outcome{called: "wasm trap: indirect call type mismatch", started: "0"}},
		{"a segment that does not fit", map[string]string{"FILL": `(elem (i32.const 1) func $log $log) (elem (i32.const 0) func $log)`}, 5,
			outcome{instantiated: whatever}},
		{"a shim that changes what it forwards", map[string]string{
			"FORWARD": `(func (export "0") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 2) (i32.const 0)))`,
		}, 5, outcome{called: "42", started: "0", logged: "ab"}},
		{"a shim that does more than forward", map[string]string{
			"FORWARD": `(func (export "0") (type $t) (i32.add (i32.const 1) (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0))))`,
		}, 5, outcome{called: "43", started: "0", logged: "abc"}},
		{"another module that writes the table", map[string]string{"MORE": `
			(core module $writer (import "" "table" (table 2 2 funcref)) (elem (i32.const 0) func $f)
			  (func $f (param i32 i32) (result i32) (i32.const 7)))
			(core instance (instantiate $writer (with "" (instance (export "table" (table $table))))))`,
		}, 6, outcome{called: "7", started: "0"}},
		{"a second fixup", map[string]string{"MORE": `
			(core module $second (import "" "table" (table 2 2 funcref)) (import "" "log" (func $log (param i32 i32) (result i32)))
			  (elem (i32.const 0) func $log))
			(core instance (instantiate $second (with "" (instance (export "table" (table $table)) (export "log" (func $late))))))`,
		}, 6, outcome{called: "97", started: "0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				var with, without outcome
				cores := with.of(t, e, replaced(c.parts))
				if cores != c.cores {
					t.Errorf("%d core instances, want %d", cores, c.cores)
				}
				without.of(t, e, replaced(barred(c.parts)))
				want := c.want
				if want.instantiated == whatever {
					want = without
				}
				if with != want || without != want {
					t.Errorf("got %+v\nwithout a shim that is found %+v\nwant %+v", with, without, want)
				}
			})
		})
	}
}

// A shim and a fixup that are not instantiated must be valid all the same.
func TestShimsThatAreNotNeededAreValidated(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		text := replaced(map[string]string{"FILL": `(elem (i32.const 0) func $log) (start $log)`})
		if _, err := e.Compile(t.Context(), assemble(t, text)); err == nil || !strings.Contains(err.Error(), "start function") {
			t.Errorf("a start function with parameters: got %v", err)
		}
	})
}

// A start function that the fixup would have called counts as one: when it calls
// the host, what the host then knows cannot be reset.
func TestInstancesWhoseFixupCalledTheHostAreNotReset(t *testing.T) {
	for name, parts := range map[string]map[string]string{
		"calls the host": {"INITIALIZE": `(global.set $started (call $call))`, "FILL": `(elem (i32.const 0) func $log) (start $initialize)`},
		"does not":       {"INITIALIZE": `(global.set $started (i32.const 1))`, "FILL": `(elem (i32.const 0) func $log) (start $initialize)`},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				calls := 0
				ln := mustLink(t, e, replaced(parts), &engine.HostInterface{Name: "test:host/log@0.2.0", Funcs: []engine.HostFunc{{
					Name: "log", Dynamic: func(*abi.Context, []abi.Value) (abi.Value, error) { calls++; return uint32(42), nil },
				}}})
				p := ln.NewPool(engine.PoolConfig{})
				defer p.Close(context.Background())
				first := use(t, p, func(*engine.Instance) error { return nil })
				second := use(t, p, func(*engine.Instance) error { return nil })
				if again, want := first == second, name == "does not"; again != want {
					t.Errorf("used again: %v, want %v", again, want)
				}
				if want := map[string]int{"calls the host": 2}[name]; calls != want {
					t.Errorf("the host was called %d times, want %d", calls, want)
				}
			})
		})
	}
}

// The components of today's toolchains are left with one core module when they
// need no adapter.
func TestCoreInstancesOfRealComponents(t *testing.T) {
	for _, c := range []struct {
		file  string
		cores int
	}{
		{"../examples/hello/hello.wasm", 1},
		{"../examples/api/api.wasm", 1},
		{"../conformance/guests/torture/torture.wasm", 1},
		{"../conformance/guests/legacy/legacy.wasm", 4}, // functions of the adapter, which needs the main module's memory
	} {
		b, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(t.Context(), engine.Config{Kind: engine.Interpreter})
		if err != nil {
			t.Fatal(err)
		}
		comp, err := e.Compile(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if n := comp.CoreInstances(); n != c.cores {
			t.Errorf("%s has %d core instances, want %d", c.file, n, c.cores)
		}
		_ = e.Close(t.Context())
	}
}
