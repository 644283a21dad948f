package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// keeper is a component that keeps what it is told in every place that it has:
// memory, also grown, globals, a handle table, its own resources. The $extra
// is more of its core module.
func keeper(extra string) string {
	return fmt.Sprintf(`(component
  (import "test:host/files@0.2.0" (instance $files
    (export "file" (type $file (sub resource)))
    (export "open" (func (result (own $file))))))
  (core func $open (canon lower (func $files "open")))
  (type $own' (resource (rep i32)))
  (core func $new (canon resource.new $own'))
  (core module $m
    (import "" "open" (func $open (result i32)))
    (import "" "new" (func $new (param i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 16) "data")
    (global $g (mut i64) (i64.const 1))
    (func (export "remember") (param $secret i64) (local $at i32)
      (global.set $g (local.get $secret))
      (drop (memory.grow (i32.const 3)))
      (loop $next
        (i64.store (local.get $at) (local.get $secret))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1000))) (i32.const 300000))))
      (drop (call $new (i32.wrap_i64 (local.get $secret))))
      (drop (call $open)))
    (func (export "recall") (param $secret i64) (result i32) (local $at i32) (local $found i32)
      (if (i64.eq (global.get $g) (local.get $secret)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load (i32.const 16)) (i32.const 0x61746164)) (then (return (i32.const 2))))
      (if (i32.ne (memory.size) (i32.const 2)) (then (return (i32.const 3))))
      (drop (memory.grow (i32.const 3)))
      (loop $next
        (if (i64.eq (i64.load (local.get $at)) (local.get $secret)) (then (return (i32.const 4))))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 327680))))
      (if (i32.ne (call $new (i32.const 0)) (i32.const 1)) (then (return (i32.const 5))))
      (i32.const 0))
    (func (export "trap") unreachable)
    %s)
  (core instance $i (instantiate $m (with "" (instance (export "open" (func $open)) (export "new" (func $new))))))
  (func (export "remember") (param "secret" u64) (canon lift (core func $i "remember")))
  (func (export "recall") (param "secret" u64) (result u32) (canon lift (core func $i "recall")))
  (func (export "trap") (canon lift (core func $i "trap"))))`, extra)
}

// finds is what recall answers.
var finds = map[uint32]string{1: "in a global", 2: "instead of the data", 3: "in the size of memory", 4: "in memory", 5: "in the handle table"}

// remember and recall are one use each of an instance of a pool.
func use(t *testing.T, p *engine.Pool, f func(i *engine.Instance) error) *engine.Instance {
	t.Helper()
	i, err := p.Get(t.Context(), "a host")
	if err != nil {
		t.Fatal(err)
	}
	if err := f(i); err != nil {
		t.Error(err)
	}
	p.Put(t.Context(), i)
	return i
}

func TestAPoolGivesOutPristineInstances(t *testing.T) {
	const secret = uint64(0x5ec4e75ec4e75ec4)
	for _, c := range []struct {
		name, extra string
		reused      bool
		end         func(ctx context.Context, ln *engine.Linked, i *engine.Instance) error
	}{
		{name: "a call that ends", reused: true},
		{name: "a call that traps", end: func(ctx context.Context, ln *engine.Linked, i *engine.Instance) error {
			x, _ := ln.Interface("")
			f, _ := x.Func("trap", nil)
			if _, err := f.Call(ctx, i); err == nil {
				return errors.New("it did not trap")
			}
			return nil
		}},
		{name: "a call that is abandoned", end: func(ctx context.Context, ln *engine.Linked, i *engine.Instance) error {
			x, _ := ln.Interface("")
			f, _ := x.Func("trap", nil)
			call, err := f.Enter(ctx, i)
			if err == nil {
				call.Exit(&err)
			}
			return err
		}},
		{name: "code that writes tables", extra: `(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))`},
		{name: "a start function that writes", reused: true,
			extra: `(func $s (i64.store (i32.const 32) (i64.const 9)) (global.set $g (i64.const 2))) (start $s)`},
		{name: "a start function that calls the host", extra: `(func $s (drop (call $new (i32.const 7)))) (start $s)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *engine.Engine) {
				open := 0
				ln := mustLink(t, e, keeper(c.extra), files(&open))
				p := ln.NewPool(engine.PoolConfig{})
				defer p.Close(context.Background())
				remember, recall := rootFunc(t, ln, "remember"), rootFunc(t, ln, "recall")
				for range 3 {
					first := use(t, p, func(i *engine.Instance) error {
						if _, err := remember.Call(t.Context(), i, secret); err != nil {
							return err
						}
						if c.end != nil {
							return c.end(t.Context(), ln, i)
						}
						return nil
					})
					if open != 0 {
						t.Errorf("%d host resources are still open", open)
					}
					second := use(t, p, func(i *engine.Instance) error {
						v, err := recall.Call(t.Context(), i, secret)
						handles := strings.Contains(c.extra, "call $new") && v == uint32(5) // its own
						if err == nil && v != uint32(0) && !handles {
							return fmt.Errorf("the secret is %s", finds[v.(uint32)])
						}
						return err
					})
					if (first == second) != c.reused {
						t.Errorf("the instance was used again: %v, wanted %v", first == second, c.reused)
					}
				}
			})
		})
	}
}

func TestAPoolServesManyGoroutines(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		file := &types.Resource{Name: "test:host/files.file"}
		host := &engine.HostInterface{
			Name:      "test:host/files@0.2.0",
			Resources: []engine.HostResource{{Name: "file", Type: file}},
			Funcs: []engine.HostFunc{{Name: "open", Dynamic: func(cx *abi.Context, _ []abi.Value) (abi.Value, error) {
				return abi.Resource{Type: file, Own: true, Rep: abi.Rep{Object: cx.Host}}, nil
			}}},
		}
		ln := mustLink(t, e, keeper(""), host)
		p := ln.NewPool(engine.PoolConfig{MaxIdle: 3})
		remember, recall := rootFunc(t, ln, "remember"), rootFunc(t, ln, "recall")
		var all sync.WaitGroup
		for n := range uint64(8) {
			all.Go(func() {
				for round := range uint64(10) {
					i, err := p.Get(t.Context(), n)
					if err != nil {
						t.Error(err)
						return
					}
					for other := range uint64(8) {
						if round%8 == other {
							if v, err := recall.Call(t.Context(), i, other<<32|0x5ec4e7); err != nil || v != uint32(0) {
								t.Errorf("recall() = %v, %v", v, err)
							}
						}
					}
					if _, err := remember.Call(t.Context(), i, n<<32|0x5ec4e7); err != nil {
						t.Error(err)
					}
					p.Put(t.Context(), i)
				}
			})
		}
		all.Wait()
		p.Close(t.Context())
		if _, err := p.Get(t.Context(), nil); err == nil {
			t.Error("a pool that is closed gave out an instance")
		}
	})
}

func TestIdleInstancesAreClosed(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{MemoryLimit: 3 << 16})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	open := 0
	ln := mustLink(t, e, keeper(""), files(&open))
	p := ln.NewPool(engine.PoolConfig{IdleTimeout: 10 * time.Millisecond})
	use(t, p, func(*engine.Instance) error { return nil })
	// There is no room for a second instance as long as the idle one is there.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		i, err := ln.Instantiate(t.Context(), engine.InstanceConfig{})
		if err == nil {
			_ = i.Close(t.Context())
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestCPUTimeOfAnInstance(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, arithmetic)
		i := instantiate(t, ln, engine.InstanceConfig{CPULimit: 20 * time.Millisecond})
		_, err := rootFunc(t, ln, "spin").Call(t.Context(), i)
		if err == nil || !strings.Contains(err.Error(), "longer than its limit of 20ms") {
			t.Errorf("the call returned %v", err)
		}
		if used := i.CPUTime(); used < 20*time.Millisecond {
			t.Errorf("%v of CPU time were measured", used)
		}
	})
}
