package engine_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// threads is a component of functions that leave threads behind, or do not end.
const threads = `(component
  (core module $Memory (memory (export "mem") 1))
  (core instance $memory (instantiate $Memory))
  (core module $Table (table (export "t") 4 4 funcref))
  (core instance $table (instantiate $Table))
  (type $F (future))
  (core type $start (func (param i32)))
  (alias core export $table "t" (core table $t))
  (core func $return (canon task.return (result u32)))
  (core func $yield (canon thread.yield))
  (core func $set (canon waitable-set.new))
  (core func $wait (canon waitable-set.wait (memory (core memory $memory "mem"))))
  (core func $future (canon future.new $F))
  (core func $thread (canon thread.new-indirect $start (core table $t)))
  (core func $later (canon thread.resume-later))
  (core module $M
    (import "" "t" (table $t 4 4 funcref))
    (import "" "return" (func $return (param i32)))
    (import "" "yield" (func $yield (result i32)))
    (import "" "set" (func $set (result i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "future" (func $future (result i64)))
    (import "" "thread" (func $thread (param i32 i32) (result i32)))
    (import "" "later" (func $later (param i32)))
    (global $counter (mut i32) (i32.const 0))
    (func $stay (param i32) (call $block))
    (func $takes-none)
    (elem (i32.const 0) $stay $takes-none)
    (func $block (drop (call $wait (call $set) (i32.const 0))))
    (func (export "park") (call $return (i32.const 1)) (call $block))
    (func (export "count")
      (call $return (i32.const 1))
      (loop (drop (call $yield))
        (global.set $counter (i32.add (global.get $counter) (i32.const 1))) (br 0)))
    (func (export "counted")
      (loop (br_if 0 (i32.lt_u (global.get $counter) (i32.const 5)) (drop (call $yield))))
      (call $return (global.get $counter)))
    (func (export "yield") (loop (drop (call $yield)) (br 0)))
    (func (export "yield-sync") (result i32) (loop (drop (call $yield)) (br 0)) (unreachable))
    (func (export "returns") (call $return (i32.const 1)))
    (func (export "yields") (drop (call $yield)) (call $return (i32.const 1)))
    (func (export "stuck") (call $block))
    (func (export "boom") (result i32) unreachable)
    (func (export "forgets"))
    (func (export "returns-twice") (call $return (i32.const 1)) (call $return (i32.const 1)))
    (func (export "threads")
      (loop (call $later (call $thread (i32.const 0) (i32.const 0))) (drop (call $yield)) (br 0)))
    (func (export "unstarted") (loop (drop (call $thread (i32.const 0) (i32.const 0))) (br 0)))
    (func (export "wrong-type") (drop (call $thread (i32.const 1) (i32.const 0))))
    (func (export "no-such") (drop (call $thread (i32.const 4) (i32.const 0))))
    (func (export "null") (drop (call $thread (i32.const 3) (i32.const 0))))
    (func (export "sets") (loop (drop (call $set)) (br 0)))
    (func (export "futures") (loop (drop (call $future)) (br 0)))
    (func (export "readable") (result i32) (i32.wrap_i64 (call $future)))
    (func (export "takes") (param i32)))
  (core instance $i (instantiate $M (with "" (instance
    (export "t" (table $t)) (export "return" (func $return)) (export "yield" (func $yield)) (export "set" (func $set))
    (export "wait" (func $wait)) (export "future" (func $future)) (export "thread" (func $thread)) (export "later" (func $later))))))
  (func (export "park") async (result u32) (canon lift (core func $i "park") async))
  (func (export "count") async (result u32) (canon lift (core func $i "count") async))
  (func (export "counted") async (result u32) (canon lift (core func $i "counted") async))
  (func (export "yield") async (result u32) (canon lift (core func $i "yield") async))
  (func (export "yield-sync") (result u32) (canon lift (core func $i "yield-sync")))
  (func (export "returns") async (result u32) (canon lift (core func $i "returns") async))
  (func (export "yields") async (result u32) (canon lift (core func $i "yields") async))
  (func (export "stuck") async (result u32) (canon lift (core func $i "stuck") async))
  (func (export "boom") (result u32) (canon lift (core func $i "boom")))
  (func (export "forgets") async (result u32) (canon lift (core func $i "forgets") async))
  (func (export "returns-twice") async (result u32) (canon lift (core func $i "returns-twice") async))
  (func (export "threads") async (result u32) (canon lift (core func $i "threads") async))
  (func (export "unstarted") async (result u32) (canon lift (core func $i "unstarted") async))
  (func (export "wrong-type") async (result u32) (canon lift (core func $i "wrong-type") async))
  (func (export "no-such") async (result u32) (canon lift (core func $i "no-such") async))
  (func (export "null") async (result u32) (canon lift (core func $i "null") async))
  (func (export "sets") async (result u32) (canon lift (core func $i "sets") async))
  (func (export "futures") async (result u32) (canon lift (core func $i "futures") async))
  (func (export "readable") (result $F) (canon lift (core func $i "readable")))
  (func (export "takes") (param "f" $F) (canon lift (core func $i "takes"))))`

// goroutines is how many there are once those of tests before have ended.
func goroutines() int {
	n, same := runtime.NumGoroutine(), 0
	for range 1000 {
		time.Sleep(time.Millisecond)
		if now := runtime.NumGoroutine(); now != n {
			n, same = now, 0
		} else if same++; same == 20 {
			break
		}
	}
	return n
}

// noMoreGoroutines waits until there are as few goroutines as there were.
func noMoreGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, of which there were %d", runtime.NumGoroutine(), before)
}

// A thread that waits has a goroutine, which must not outlive its instance.
func TestThreadsEnd(t *testing.T) {
	for _, c := range []struct {
		name, call string
		want       string // "": no error
	}{
		{"when the instance is closed", "park", ""},
		{"when another one traps", "boom", "unreachable"},
		{"when none can go on", "stuck", "deadlock detected"},
		{"when a task ends without a result", "forgets", "ended without a result"},
		{"when a task returns twice", "returns-twice", "more than once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				ln := mustLink(t, e, threads)
				before := goroutines()
				i, err := ln.Instantiate(t.Context(), engine.InstanceConfig{})
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					call(t, i, ln, "park")
				}
				if n := runtime.NumGoroutine(); n < before+3 {
					t.Errorf("%d goroutines for 3 threads", n-before)
				}
				_, err = tryCall(t, i, ln, c.call)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if err != nil {
					noMoreGoroutines(t, before)
					if _, err := tryCall(t, i, ln, "park"); err == nil || !strings.Contains(err.Error(), "cannot enter component instance") {
						t.Errorf("after a trap: got %v", err)
					}
				}
				if err := i.Close(t.Context()); err != nil {
					t.Error(err)
				}
				noMoreGoroutines(t, before)
			})
		})
	}
}

// A thread goes on in a later call, when the context of the one that it began in
// is long over.
func TestThreadsGoOnInLaterCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, threads)
		i := instantiate(t, ln, engine.InstanceConfig{})
		f := rootFunc(t, ln, "count")
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := f.Call(ctx, i); err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(10 * time.Millisecond) // for those that watch the context
		if v := call(t, i, ln, "counted"); v.(uint32) < 5 {
			t.Errorf("got %v", v)
		}
	})
}

// What was charged for threads is given back with their instance: here, few of
// them fit into what all instances may take.
func TestClosingGivesBackWhatThreadsTook(t *testing.T) {
	for _, k := range []engine.Kind{engine.Auto, engine.Interpreter} {
		e, err := engine.New(t.Context(), engine.Config{Kind: k, MemoryLimit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close(context.Background())
		ln := mustLink(t, e, threads)
		for n := range 20 {
			i, err := ln.Instantiate(t.Context(), engine.InstanceConfig{})
			if err != nil {
				t.Fatalf("%v: instance %d: %v", e.Kind(), n, err)
			}
			call(t, i, ln, "park")
			call(t, i, ln, "park")
			if err := i.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An instance in which threads may wait is not used again as if it were new.
func TestPoolsCloseInstancesWithThreads(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, threads)
		before := goroutines()
		p := ln.NewPool(engine.PoolConfig{})
		defer p.Close(t.Context())
		i, err := p.Get(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		call(t, i, ln, "park")
		p.Put(t.Context(), i)
		noMoreGoroutines(t, before)
		again, err := p.Get(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if again == i {
			t.Error("the instance was given out again")
		}
		p.Put(t.Context(), again)
	})
}

// A guest that does nothing but yield runs little code, and is ended all the same.
func TestTheContextEndsThreadsThatYield(t *testing.T) {
	for _, name := range []string{"yield", "yield-sync"} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				ln := mustLink(t, e, threads)
				i := instantiate(t, ln, engine.InstanceConfig{})
				before := goroutines()
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if _, err := rootFunc(t, ln, name).Call(ctx, i); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				noMoreGoroutines(t, before)
			})
		})
	}
}

// What a guest can make the host keep is bounded, and charged for.
func TestThreadsAndWaitablesAreBounded(t *testing.T) {
	for _, c := range []struct {
		call string
		cfg  engine.InstanceConfig
		want string
	}{
		{"threads", engine.InstanceConfig{}, "more than 1024 threads"},
		{"threads", engine.InstanceConfig{MemoryLimit: 4 << 20}, "memory limit"},
		{"unstarted", engine.InstanceConfig{}, "more than 65536 threads"},
		{"unstarted", engine.InstanceConfig{MemoryLimit: 4 << 20}, "memory limit"},
		{"sets", engine.InstanceConfig{}, "handle table is full"},
		{"sets", engine.InstanceConfig{MaxHandles: 10}, "handle table is full (10 handles)"},
		{"futures", engine.InstanceConfig{MemoryLimit: 4 << 20}, "memory limit"},
	} {
		t.Run(c.call+" "+c.want, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				ln := mustLink(t, e, threads)
				before := goroutines()
				i := instantiate(t, ln, c.cfg)
				if _, err := tryCall(t, i, ln, c.call); err == nil || !strings.Contains(errors.Join(err, errors.Unwrap(err)).Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				noMoreGoroutines(t, before)
			})
		})
	}
}

func TestThreadsBeginInFunctionsOfTheirType(t *testing.T) {
	for name, want := range map[string]string{
		"wrong-type": "indirect call type mismatch", "no-such": "undefined element", "null": "undefined element",
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				ln := mustLink(t, e, threads)
				if _, err := tryCall(t, instantiate(t, ln, engine.InstanceConfig{}), ln, name); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			})
		})
	}
}

// The end of a stream or future that a host was given belongs to the instance
// that it came from.
func TestFuturesStayWithTheirInstance(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, threads)
		a, b := instantiate(t, ln, engine.InstanceConfig{}), instantiate(t, ln, engine.InstanceConfig{})
		f := call(t, a, ln, "readable")
		call(t, a, ln, "takes", f)
		f = call(t, a, ln, "readable")
		if _, err := tryCall(t, b, ln, "takes", f); err == nil || !strings.Contains(err.Error(), "of another instance") {
			t.Errorf("got %v", err)
		}
	})
}

// Static code lowers arguments before the call begins, which a function with an
// async type may put off.
func TestFunctionsWithAnAsyncTypeAreCalledByValue(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, threads)
		i := instantiate(t, ln, engine.InstanceConfig{})
		if _, err := rootFunc(t, ln, "park").Enter(t.Context(), i); err == nil || !strings.Contains(err.Error(), "Func.Call") {
			t.Errorf("got %v", err)
		}
		call(t, i, ln, "park")
	})
}

// A function of the host is over when it returns, also for a caller that would
// not wait.
func TestHostFunctionsReturnToAsyncCallers(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ft := &types.Func{Params: []types.Field{{Name: "n", Type: types.TypeU32}}, Result: types.TypeU32, Async: true}
		ln := mustLink(t, e, `(component
  (import "f" (func $f async (param "n" u32) (result u32)))
  (core module $Memory (memory (export "mem") 1))
  (core instance $memory (instantiate $Memory))
  (core func $f (canon lower (func $f) async (memory (core memory $memory "mem"))))
  (core module $M (import "" "mem" (memory 1)) (import "" "f" (func $f (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (if (i32.ne (call $f (i32.const 20) (i32.const 8)) (i32.const 2)) (then unreachable))
      (i32.load (i32.const 8))))
  (core instance $i (instantiate $M (with "" (instance (export "mem" (memory $memory "mem")) (export "f" (func $f))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))`, &engine.HostInterface{Funcs: []engine.HostFunc{{
			Name: "f", Type: ft,
			Dynamic: func(_ *abi.Context, args []abi.Value) (abi.Value, error) { return args[0].(uint32) + 1, nil },
		}}})
		if v := call(t, instantiate(t, ln, engine.InstanceConfig{}), ln, "run"); v != uint32(21) {
			t.Errorf("got %v", v)
		}
	})
}

func BenchmarkAsyncCall(b *testing.B) {
	e, err := engine.New(b.Context(), engine.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(context.Background())
	ln := mustLink(b, e, threads)
	for _, name := range []string{"returns", "yields"} {
		b.Run(name, func(b *testing.B) {
			i := instantiate(b, ln, engine.InstanceConfig{})
			f := rootFunc(b, ln, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Call(b.Context(), i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
