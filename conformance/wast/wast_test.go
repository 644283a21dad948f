package wast

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/wat"
	"github.com/google/go-cmp/cmp"
)

// run runs the text of a script.
func run(t *testing.T, c Config, text string) []Case {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	return runScript(t.Context(), c, "test.wast", []byte(text))
}

// identity is a component with a function that returns its parameter, of a type
// whose values are one i32, and with functions that go wrong.
const identity = `
(component
  (core module $m
    (tag $e)
    (func (export "id") (param i32) (result i32) local.get 0)
    (func (export "void"))
    (func (export "trap") unreachable)
    (func (export "throw") (throw $e))
    (func (export "deep") (call 4)))
  (core instance $i (instantiate $m))
  (func (export "id") (param "x" u32) (result u32) (canon lift (core func $i "id")))
  (func (export "void") (canon lift (core func $i "void")))
  (func (export "trap") (canon lift (core func $i "trap")))
  (func (export "throw") (canon lift (core func $i "throw")))
  (func (export "deep") (canon lift (core func $i "deep"))))
`

// Each command is tried once where it passes and once where it does not; want is
// in what was got then.
func TestCommandsPassAndFail(t *testing.T) {
	for _, c := range []struct{ name, pass, fail, want string }{
		{"component", `(component)`, `(component (export "x" (func 0)))`, "index out of bounds"},
		{"component definition", `(component definition)`, `(component definition (export "x" (func 0)))`, "index out of bounds"},
		{"component instance", `(component definition $c) (component instance $i $c)`, `(component instance $i $c)`, "there is no component definition $c"},
		{"newest definition", `(component definition) (component instance)`, `(component instance)`, "there is no component definition"},
		{"register", `(component) (register "x")`, `(register "x" $i)`, "there is no instance $i"},
		{"invoke", identity + `(invoke "void")`, identity + `(invoke "trap")`, "wasm trap: wasm `unreachable` instruction executed"},
		{"invoke of what is not there", identity + `(invoke "void")`, identity + `(invoke "nothing")`, "does not export function nothing"},
		{"invoke without an instance", identity + `(invoke "void")`, `(invoke "void")`, "there is no instance"},
		{"number of arguments", identity + `(invoke "id" (u32.const 1))`, identity + `(invoke "id")`, "passes 0 arguments to a function of 1"},
		{"type of an argument", identity + `(invoke "id" (u32.const 1))`, identity + `(invoke "id" (s32.const 1))`, "argument 0: (s32.const 1) is not a value of type u32"},
		{"assert_return", identity + `(assert_return (invoke "id" (u32.const 7)) (u32.const 7))`,
			identity + `(assert_return (invoke "id" (u32.const 7)) (u32.const 8))`, "the result 7"},
		{"assert_return of nothing", identity + `(assert_return (invoke "void"))`,
			identity + `(assert_return (invoke "void") (u32.const 8))`, "no result"},
		{"assert_return of a result not asked for", identity + `(assert_return (invoke "id" (u32.const 7)) (u32.const 7))`,
			identity + `(assert_return (invoke "id" (u32.const 7)))`, "the result 7"},
		{"assert_return of either", identity + `(assert_return (invoke "id" (u32.const 7)) (either (u32.const 1) (u32.const 7)))`,
			identity + `(assert_return (invoke "id" (u32.const 7)) (either (u32.const 1) (u32.const 2)))`, "the result 7"},
		{"assert_trap", identity + `(assert_trap (invoke "trap") "unreachable")`, identity + `(assert_trap (invoke "void") "unreachable")`, "no error"},
		{"assert_trap for another reason", identity + `(assert_trap (invoke "trap") "unreachable")`, identity + `(assert_trap (invoke "trap") "overflow")`, "unreachable"},
		{"assert_exhaustion", identity + `(assert_exhaustion (invoke "deep") "call stack exhausted")`, identity + `(assert_exhaustion (invoke "void") "call stack exhausted")`, "no error"},
		{"assert_exception", identity + `(assert_exception (invoke "throw"))`, identity + `(assert_exception (invoke "trap"))`, "unreachable"},
		{"assert_trap at instantiation",
			`(assert_trap (component (core module $m (func $f unreachable) (start $f)) (core instance (instantiate $m))) "unreachable")`,
			`(assert_trap (component) "unreachable")`, "no error"},
		{"assert_trap of what is not valid",
			`(assert_trap (component (core module $m (func $f unreachable) (start $f)) (core instance (instantiate $m))) "unreachable")`,
			`(assert_trap (component (export "x" (func 0))) "index out of bounds")`, "it was not instantiated at all"},
		{"assert_invalid", `(assert_invalid (component (export "x" (func 0))) "function index out of bounds")`, `(assert_invalid (component) "x")`, "no error"},
		{"assert_malformed", `(assert_malformed (component quote "(nonsense)") "nonsense")`, `(assert_malformed (component) "x")`, "no error"},
		{"assert_unlinkable", `(assert_unlinkable (component (import "no:such/thing" (instance (export "f" (func))))) "no:such/thing")`,
			`(assert_unlinkable (component) "x")`, "no error"},
		{"module definition", `(module definition (func))`, `(module definition (func (result i32)))`, "type mismatch"},
		{"core module in an assertion", `(assert_invalid (module (func (result i32))) "type mismatch")`, `(assert_invalid (module (func)) "type mismatch")`, "no error"},
		{"core module", `(component)`, `(module)`, "a core module cannot be instantiated by itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, x := range run(t, Config{}, c.pass) {
				if !x.Passed {
					t.Errorf("%d:%d %s: wanted %s, got %s", x.Line, x.Column, x.Command, x.Wanted, x.Got)
				}
			}
			cases := run(t, Config{}, c.fail)
			last := cases[len(cases)-1]
			if last.Passed || !strings.Contains(last.Got, c.want) {
				t.Errorf("passed: %v, got %q; want a failure with %q", last.Passed, last.Got, c.want)
			}
		})
	}
}

func TestBothEnginesRunScripts(t *testing.T) {
	for _, k := range []engine.Kind{engine.Auto, engine.Interpreter} {
		for _, x := range run(t, Config{Engine: k}, identity+`(assert_return (invoke "id" (u32.const 7)) (u32.const 7))`) {
			if !x.Passed {
				t.Errorf("%v: %s", k, x.Got)
			}
		}
	}
}

func TestInstancesHaveNamesAndTheNewestNeedsNone(t *testing.T) {
	counter := `(component definition $c
  (core module $m
    (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (global.get $n)))
  (core instance $i (instantiate $m))
  (func (export "next") (result u32) (canon lift (core func $i "next"))))
(component instance $a $c)
(component instance $b $c)
`
	for _, x := range run(t, Config{}, counter+`
(assert_return (invoke "next") (u32.const 1))
(assert_return (invoke $b "next") (u32.const 2))
(assert_return (invoke $a "next") (u32.const 1))
(component instance $a $c)
(assert_return (invoke $a "next") (u32.const 1))
`) {
		if !x.Passed {
			t.Errorf("%d: %s", x.Line, x.Got)
		}
	}
}

func TestRegisteredInstanceIsImportable(t *testing.T) {
	script := identity + `
(register "lib")
(component
  (import "lib" (instance $lib (export "id" (func (param "x" u32) (result u32)))))
  (core func $id (canon lower (func $lib "id")))
  (core module $m (import "" "id" (func $id (param i32) (result i32)))
    (func (export "twice") (param i32) (result i32) (i32.add (call $id (local.get 0)) (call $id (local.get 0)))))
  (core instance $i (instantiate $m (with "" (instance (export "id" (func $id))))))
  (func (export "twice") (param "x" u32) (result u32) (canon lift (core func $i "twice"))))
(assert_return (invoke "twice" (u32.const 21)) (u32.const 42))
`
	for _, x := range run(t, Config{}, script) {
		if !x.Passed {
			t.Errorf("%d: %s", x.Line, x.Got)
		}
	}
}

func TestGuestThatLoopsIsEndedWithItsScript(t *testing.T) {
	cases := run(t, Config{Timeout: 300 * time.Millisecond}, `
(component
  (core module $m (func (export "f") (loop (br 0))))
  (core instance $i (instantiate $m))
  (func (export "f") (canon lift (core func $i "f"))))
(invoke "f")
(component)
`)
	if !cases[0].Passed {
		t.Fatal(cases[0].Got)
	}
	for _, x := range cases[1:] {
		if x.Passed || !strings.Contains(x.Got, "the script took longer than 300ms") {
			t.Errorf("%d: passed: %v, got %q", x.Line, x.Passed, x.Got)
		}
	}
}

func TestScriptThatDoesNotComeBackIsLeftBehind(t *testing.T) {
	done := make(chan outcome, 1)
	done <- outcome{}
	cases := make([]Case, 3)
	settle(cases, done, time.Millisecond)
	if !cases[0].Passed {
		t.Error("what was done before does not count")
	}
	for k := range cases[1:] {
		if c := cases[k+1]; c.Passed || !strings.Contains(c.Got, "not reached") {
			t.Errorf("case %d: passed: %v, got %q", k+1, c.Passed, c.Got)
		}
	}
}

func TestPanicOfTheEngineFailsOneCommand(t *testing.T) {
	m := &machine{ctx: t.Context()} // nothing in it works
	err := m.command(&wat.Command{Kind: wat.Register, As: "x", Of: ""})
	if err == nil {
		t.Error("no error")
	}
	err = m.command(&wat.Command{Kind: wat.Define, Module: &wat.Module{Binary: []byte("\x00asm\x0d\x00\x01\x00")}})
	if err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("got %v", err)
	}
}

func TestScriptThatCannotBeReadIsOneFailure(t *testing.T) {
	cases := run(t, Config{}, "(component)\n (frobnicate)")
	want := []Case{{Script: "test.wast", Line: 2, Column: 2, Command: "script", Wanted: "a script",
		Got: "expected a command such as component, invoke or assert_return, found (frobnicate …)"}}
	if d := cmp.Diff(want, cases); d != "" {
		t.Error(d)
	}
}

// scripts writes files into a directory.
func scripts(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRunFindsScriptsBelowDirectoriesAndByName(t *testing.T) {
	dir := scripts(t, map[string]string{"b/one.wast": "(component)", "a.wast": "(component)", "b/not.txt": "x"})
	var began []string
	r, err := Run(t.Context(), Config{Began: func(s string, k, of int) { began = append(began, s) }}, dir, filepath.Join(dir, "b", "one.wast"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a.wast", "b/one.wast", "one.wast"}, began); d != "" {
		t.Error(d)
	}
	if r.Scripts != 3 || len(r.Cases) != 3 || len(r.Failures()) != 0 {
		t.Errorf("got %d scripts, %d cases, failures %v", r.Scripts, len(r.Cases), r.Failures())
	}
	if _, err := Run(t.Context(), Config{}, filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that is not there: %v", err)
	}
	if _, err := Run(t.Context(), Config{}, t.TempDir()); err == nil {
		t.Error("a directory without scripts: no error")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	dir := scripts(t, map[string]string{"a.wast": "(component)"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Config{}, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// sample is a report with one case of each kind.
func sample(t *testing.T) (*Report, []string) {
	t.Helper()
	e, err := ReadExpectations(strings.NewReader(`
# a comment
a/x.wast:2  not done yet
a/x.wast:3  was not done
a/x.wast:9  no such line
c/other.wast:1  not run at all
`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Len() != 4 {
		t.Errorf("%d expectations", e.Len())
	}
	r := &Report{Engine: "interpreter", Scripts: 2, Time: 1500 * time.Millisecond, Cases: []Case{
		{Script: "a/x.wast", Line: 1, Column: 1, Command: "component", Passed: true},
		{Script: "a/x.wast", Line: 2, Column: 3, Command: "assert_trap", Wanted: "w2", Got: "g2"},
		{Script: "a/x.wast", Line: 3, Column: 1, Command: "assert_trap", Passed: true},
		{Script: "b.wast", Line: 4, Column: 5, Command: "assert_trap", Wanted: "w4", Got: "g4\nsecond"},
	}}
	return r, e.Apply(r)
}

func TestExpectationsAreNeitherTooFewNorTooMany(t *testing.T) {
	r, wrong := sample(t)
	want := []string{
		"a/x.wast:3 passes, and is listed as an expected failure: was not done",
		"a/x.wast:9 is listed as an expected failure, and there is no such command",
	}
	if d := cmp.Diff(want, wrong); d != "" {
		t.Error(d)
	}
	f := r.Failures()
	if len(f) != 1 || f[0].Script != "b.wast" {
		t.Errorf("failures: %v", f)
	}
}

func TestExpectationsOfWrongForm(t *testing.T) {
	for _, text := range []string{"a.wast:1", "a.wast:1 one space", "a.wast  no line", "a.wast:x  no number"} {
		if _, err := ReadExpectations(strings.NewReader("\n" + text)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestReportAsText(t *testing.T) {
	r, _ := sample(t)
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `a/x.wast:3: assert_trap passes, and was expected to fail: was not done
b.wast:4:5: assert_trap
    wanted  w4
    got     g4
            second
folder  assert_trap  component  all
.               0/1          –  0/1
a               1/2        1/1  2/3
all             1/3        1/1  2/4
2 scripts on the interpreter engine in 1.5s: 2 of 4 commands pass, 1 is expected to fail
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestReportAsMarkdown(t *testing.T) {
	r, _ := sample(t)
	var b bytes.Buffer
	if err := r.Summary().Markdown(&b); err != nil {
		t.Fatal(err)
	}
	want := `| folder | assert_trap | component | all |
|---|---|---|---|
| . | 0/1 | – | 0/1 |
| a | 1/2 | 1/1 | 2/3 |
| all | 1/3 | 1/1 | 2/4 |
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestReportAsJSON(t *testing.T) {
	r, _ := sample(t)
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got jsonReport
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := jsonReport{Engine: "interpreter", Scripts: 2, Passed: 2, Total: 4, Milliseconds: 1500, Cases: []jsonCase{
		{Script: "a/x.wast", Line: 1, Column: 1, Command: "component", Status: "pass"},
		{Script: "a/x.wast", Line: 2, Column: 3, Command: "assert_trap", Status: "expected-failure", Wanted: "w2", Got: "g2", Reason: "not done yet"},
		{Script: "a/x.wast", Line: 3, Column: 1, Command: "assert_trap", Status: "unexpected-pass", Reason: "was not done"},
		{Script: "b.wast", Line: 4, Column: 5, Command: "assert_trap", Status: "fail", Wanted: "w4", Got: "g4\nsecond"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
