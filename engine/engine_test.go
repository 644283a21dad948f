package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/engine/wat"
	"github.com/google/go-cmp/cmp"
)

// onBoth runs a test on the compiler, where there is one, and the interpreter.
func onBoth(t *testing.T, f func(t *testing.T, e *engine.Engine)) {
	t.Helper()
	for _, k := range []struct {
		name string
		kind engine.Kind
	}{{"auto", engine.Auto}, {"interpreter", engine.Interpreter}} {
		t.Run(k.name, func(t *testing.T) {
			e, err := engine.New(t.Context(), engine.Config{Kind: k.kind})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = e.Close(context.Background()) })
			f(t, e)
		})
	}
}

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	b, err := wat.Assemble("test.wat", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// link compiles text and links it with what the interfaces provide.
func link(t testing.TB, e *engine.Engine, text string, hosts ...*engine.HostInterface) (*engine.Linked, error) {
	t.Helper()
	c, err := e.Compile(t.Context(), assemble(t, text))
	if err != nil {
		t.Fatal(err)
	}
	l := e.NewLinker()
	for _, h := range hosts {
		if err := l.Define(h); err != nil {
			t.Fatal(err)
		}
	}
	return l.Link(t.Context(), c)
}

func mustLink(t testing.TB, e *engine.Engine, text string, hosts ...*engine.HostInterface) *engine.Linked {
	t.Helper()
	ln, err := link(t, e, text, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func instantiate(t testing.TB, ln *engine.Linked, c engine.InstanceConfig) *engine.Instance {
	t.Helper()
	i, err := ln.Instantiate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close(context.Background()) })
	return i
}

func rootFunc(t testing.TB, ln *engine.Linked, name string) *engine.Func {
	t.Helper()
	x, err := ln.Interface("")
	if err != nil {
		t.Fatal(err)
	}
	f, err := x.Func(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bump is a core module with a memory and a realloc that never frees.
const bump = `
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                             (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $p) (local.get $new)))
      (memory.copy (local.get $p) (local.get $old) (select (local.get $size) (local.get $new)
        (i32.lt_u (local.get $size) (local.get $new))))
      (local.get $p)))
  (core instance $libc (instantiate $libc))
`

const arithmetic = `(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "div") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
    (func (export "spin") (loop (br 0)))
    (func (export "trap") unreachable)
    (func $deep (export "deep") (call $deep)))
  (core instance $i (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
  (func (export "div") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "div")))
  (func (export "spin") (canon lift (core func $i "spin")))
  (func (export "trap") (canon lift (core func $i "trap")))
  (func (export "deep") (canon lift (core func $i "deep"))))`

func TestCallReturnsTheResult(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		got, err := rootFunc(t, ln, "add").Call(t.Context(), instantiate(t, ln, engine.InstanceConfig{}), uint32(40), uint32(2))
		if err != nil || got != uint32(42) {
			t.Errorf("add(40, 2) = %v, %v", got, err)
		}
	})
}

func TestTrapEndsTheInstanceAndNoOther(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		add := rootFunc(t, ln, "add")
		for _, c := range []struct {
			fn, want string
			args     []abi.Value
		}{
			{"trap", "unreachable", nil},
			{"div", "integer divide by zero", []abi.Value{uint32(1), uint32(0)}},
			{"deep", "call stack exhausted", nil},
		} {
			t.Run(c.fn, func(t *testing.T) {
				inst := instantiate(t, ln, engine.InstanceConfig{})
				other := instantiate(t, ln, engine.InstanceConfig{})
				_, err := rootFunc(t, ln, c.fn).Call(t.Context(), inst, c.args...)
				var trap *engine.Trap
				if !errors.As(err, &trap) || !strings.Contains(trap.Message, c.want) {
					t.Fatalf("error is %v, wanted a trap %q", err, c.want)
				}
				if _, err := add.Call(t.Context(), inst, uint32(1), uint32(1)); err == nil ||
					!strings.Contains(err.Error(), "cannot enter component instance") {
					t.Errorf("a call after the trap: %v", err)
				}
				if got, err := add.Call(t.Context(), other, uint32(1), uint32(1)); err != nil || got != uint32(2) {
					t.Errorf("another instance: %v, %v", got, err)
				}
			})
		}
	})
}

func TestCancelledContextEndsALoop(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		inst := instantiate(t, ln, engine.InstanceConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := rootFunc(t, ln, "spin").Call(ctx, inst)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, wanted the deadline", err)
		}
	})
}

func TestComponentServesManyGoroutines(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		add := rootFunc(t, ln, "add")
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				for n := range 10 {
					inst, err := ln.Instantiate(t.Context(), engine.InstanceConfig{})
					if err != nil {
						t.Error(err)
						return
					}
					got, err := add.Call(t.Context(), inst, uint32(g), uint32(n))
					if err != nil || got != uint32(g+n) {
						t.Errorf("add(%d, %d) = %v, %v", g, n, got, err)
					}
					if err := inst.Close(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestSecondCallAtOnceIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		inside, release := make(chan struct{}), make(chan struct{})
		ln := mustLink(t, e, `(component
		  (import "wait" (func $wait))
		  (core func $wait' (canon lower (func $wait)))
		  (core module $m (import "" "wait" (func $w)) (func (export "run") (call $w)))
		  (core instance $i (instantiate $m (with "" (instance (export "wait" (func $wait'))))))
		  (func (export "run") (canon lift (core func $i "run"))))`,
			&engine.HostInterface{Funcs: []engine.HostFunc{{
				Name: "wait", Type: &types.Func{},
				Dynamic: func(*abi.Context, []abi.Value) (abi.Value, error) {
					close(inside)
					<-release
					return nil, nil
				},
			}}})
		inst := instantiate(t, ln, engine.InstanceConfig{})
		run := rootFunc(t, ln, "run")
		first := make(chan error)
		go func() {
			_, err := run.Call(context.Background(), inst)
			first <- err
		}()
		<-inside
		if _, err := run.Call(t.Context(), inst); err == nil {
			t.Error("a second call at once was let in")
		}
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the first call: %v", err)
		}
	})
}

const greeter = `(component
  (import "test:host/names@0.2.0" (instance $names
    (export "name-of" (func (param "id" u32) (result string)))))
` + bump + `
  (core func $name-of (canon lower (func $names "name-of")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "host" "name-of" (func $name-of (param i32 i32)))
    ;; returns the host's string with its first byte replaced
    (func (export "greet") (param i32) (result i32)
      (call $name-of (local.get 0) (i32.const 16))
      (i32.store8 (i32.load (i32.const 16)) (i32.const 74))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "name-of" (func $name-of))))))
  (func $greet (param "id" u32) (result string) (canon lift (core func $i "greet")
    (memory (core memory $libc "memory"))))
  (instance $out (export "greet" (func $greet)))
  (export "test:guest/greeter@0.2.3" (instance $out)))`

func names(version string, result *types.Type) *engine.HostInterface {
	return &engine.HostInterface{Name: "test:host/names@" + version, Funcs: []engine.HostFunc{{
		Name: "name-of",
		Type: &types.Func{Params: []types.Field{{Name: "id", Type: types.TypeU32}}, Result: result},
		Dynamic: func(_ *abi.Context, args []abi.Value) (abi.Value, error) {
			if args[0] == uint32(13) {
				return nil, fmt.Errorf("nobody has the id 13")
			}
			return fmt.Sprintf("Xohn %d", args[0]), nil
		},
	}}}
}

func TestHostFunctionIsCalledWithValues(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, greeter, names("0.2.7", types.TypeString))
		x, err := ln.Interface("test:guest/greeter@0.2.0")
		if err != nil {
			t.Fatal(err)
		}
		greet, err := x.Func("greet", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := greet.Call(t.Context(), instantiate(t, ln, engine.InstanceConfig{}), uint32(7))
		if err != nil || got != "John 7" {
			t.Errorf("greet(7) = %v, %v", got, err)
		}
		_, err = greet.Call(t.Context(), instantiate(t, ln, engine.InstanceConfig{}), uint32(13))
		if err == nil || !strings.Contains(err.Error(), "nobody has the id 13") {
			t.Errorf("the error of a host function: %v", err)
		}
	})
}

func TestPanicInAHostFunctionIsAnErrorOfTheCall(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		h := names("0.2.0", types.TypeString)
		h.Funcs[0].Dynamic = func(*abi.Context, []abi.Value) (abi.Value, error) {
			var m map[string]int
			m["a"] = 1
			return nil, nil
		}
		ln := mustLink(t, e, greeter, h)
		x, _ := ln.Interface("test:guest/greeter@0.2.3")
		greet, err := x.Func("greet", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = greet.Call(t.Context(), instantiate(t, ln, engine.InstanceConfig{}), uint32(7))
		var internal *engine.InternalError
		if !errors.As(err, &internal) || !strings.Contains(string(internal.Stack), "engine_test.go") {
			t.Errorf("error is %T %v, wanted an InternalError with the stack of the panic", err, err)
		}
	})
}

func TestLinkErrorsNameTheImport(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{Kind: engine.Interpreter})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	for _, c := range []struct {
		name  string
		hosts []*engine.HostInterface
		want  string
	}{
		{
			"an interface that is not there", nil,
			"import test:host/names@0.2.0 is not granted",
		},
		{
			"another version line", []*engine.HostInterface{names("0.3.0", types.TypeString)},
			"import test:host/names@0.2.0 is not granted",
		},
		{
			"a function that is not there", []*engine.HostInterface{{Name: "test:host/names@0.2.0"}},
			"import test:host/names@0.2.0: name-of is not provided by this host",
		},
		{
			"a function of another type", []*engine.HostInterface{names("0.2.0", types.TypeU64)},
			"import test:host/names@0.2.0: name-of has another type here: " +
				"the component wants func(id: u32) -> string, the host has func(id: u32) -> u64",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := link(t, e, greeter, c.hosts...)
			if err == nil {
				t.Fatal("it was linked")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMissingExportIsNamed(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		_, err := ln.Interface("wasi:http/incoming-handler@0.2.0")
		want := "the component does not export wasi:http/incoming-handler@0.2.0; it exports add, div, spin, trap, deep"
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, wanted %s", err, want)
		}
	})
}

func TestMemoryLimitHolds(t *testing.T) {
	const grower = `(component
	  (core module $m (memory 1)
	    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
	  (core instance $i (instantiate $m))
	  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $i "grow"))))`
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, grower)
		grow := rootFunc(t, ln, "grow")
		inst := instantiate(t, ln, engine.InstanceConfig{MemoryLimit: 4 << 16})
		for _, c := range []struct {
			pages uint32
			want  int32
		}{{3, 1}, {1, -1}, {0, 4}, {65535, -1}} {
			if got, err := grow.Call(t.Context(), inst, c.pages); err != nil || got != c.want {
				t.Errorf("memory.grow(%d) = %v, %v; wanted %d", c.pages, got, err, c.want)
			}
		}
		if _, err := ln.Instantiate(t.Context(), engine.InstanceConfig{MemoryLimit: 1 << 15}); err == nil {
			t.Error("instantiated with a memory larger than the limit")
		}
	})
}

func TestCompileKeepsNothingOfTheFile(t *testing.T) {
	b, err := os.ReadFile("../examples/hello/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Config{Kind: engine.Interpreter})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	file := weak.Make(&b[0])
	c, err := e.Compile(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	b = nil
	runtime.GC()
	if file.Value() != nil {
		t.Error("the component keeps the file that it was compiled from")
	}
	runtime.KeepAlive(c)
}
