package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// counters is a component whose inner component implements a resource and whose
// outer passes it on, with an export that counts the destructor's calls.
const counters = `(component
  (component $Counter
    (core module $m0
      (global $dropped (mut i32) (i32.const 0))
      (func (export "dtor") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
      (func (export "dropped") (result i32) (global.get $dropped)))
    (core instance $i0 (instantiate $m0))
    (type $counter' (resource (rep i32) (dtor (core func $i0 "dtor"))))
    (core func $new (canon resource.new $counter'))
    (core module $m
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "value") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (export $counter "counter" (type $counter'))
    (func (export "[constructor]counter") (param "n" u32) (result (own $counter)) (canon lift (core func $i "make")))
    (func (export "[method]counter.value") (param "self" (borrow $counter)) (result u32) (canon lift (core func $i "value")))
    (func (export "dropped") (result u32) (canon lift (core func $i0 "dropped"))))
  (instance $c (instantiate $Counter))
  (export "counters" (instance $c)))`

func TestGuestResourceIsUsedAndDroppedByTheHost(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		ln := mustLink(t, e, counters)
		x, err := ln.Interface("counters")
		if err != nil {
			t.Fatal(err)
		}
		find := func(name string) *engine.Func {
			f, err := x.Func(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		rt, err := x.Resource("counter")
		if err != nil {
			t.Fatal(err)
		}
		inst := instantiate(t, ln, engine.InstanceConfig{})
		v, err := find("[constructor]counter").Call(t.Context(), inst, uint32(5))
		if err != nil {
			t.Fatal(err)
		}
		own := v.(abi.Resource)
		if own.Type != rt || !own.Own {
			t.Fatalf("the constructor gave %+v", own)
		}
		borrow := own
		borrow.Own = false
		for range 2 {
			if got, err := find("[method]counter.value").Call(t.Context(), inst, borrow); err != nil || got != uint32(5) {
				t.Fatalf("value() = %v, %v", got, err)
			}
		}
		if err := inst.DropResource(t.Context(), rt, own.Rep); err != nil {
			t.Fatal(err)
		}
		if got, err := find("dropped").Call(t.Context(), inst); err != nil || got != uint32(5) {
			t.Errorf("dropped() = %v, %v; wanted the destructor to have run once, with 5", got, err)
		}
	})
}

const filer = `(component
  (import "test:host/files@0.2.0" (instance $files
    (export "file" (type $file (sub resource)))
    (export "open" (func (result (own $file))))
    (export "[method]file.size" (func (param "self" (borrow $file)) (result u32)))))
  (alias export $files "file" (type $file))
  (core func $open (canon lower (func $files "open")))
  (core func $size (canon lower (func $files "[method]file.size")))
  (core func $drop (canon resource.drop $file))
  (core module $m
    (import "" "open" (func $open (result i32)))
    (import "" "size" (func $size (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (func (export "open-size-drop") (result i32) (local i32 i32)
      (local.set 0 (call $open))
      (local.set 1 (call $size (local.get 0)))
      (call $drop (local.get 0))
      (local.get 1))
    (func (export "open-and-keep") (result i32) (call $open))
    (func (export "use") (param i32) (result i32) (call $size (local.get 0)))
    (func (export "drop") (param i32) (call $drop (local.get 0))))
  (core instance $i (instantiate $m (with "" (instance
    (export "open" (func $open)) (export "size" (func $size)) (export "drop" (func $drop))))))
  (func (export "open-size-drop") (result u32) (canon lift (core func $i "open-size-drop")))
  (func (export "open-and-keep") (result u32) (canon lift (core func $i "open-and-keep")))
  (func (export "use") (param "h" u32) (result u32) (canon lift (core func $i "use")))
  (func (export "drop") (param "h" u32) (canon lift (core func $i "drop"))))`

// files provides a resource and counts what is open.
func files(open *int) *engine.HostInterface {
	file := &types.Resource{Name: "test:host/files.file"}
	own := &types.Type{Kind: types.Own, Resource: file}
	borrow := &types.Type{Kind: types.Borrow, Resource: file}
	return &engine.HostInterface{
		Name: "test:host/files@0.2.0",
		Resources: []engine.HostResource{{
			Name: "file", Type: file,
			Drop: func(context.Context, any) { *open-- },
		}},
		Funcs: []engine.HostFunc{
			{Name: "open", Type: &types.Func{Result: own},
				Dynamic: func(*abi.Context, []abi.Value) (abi.Value, error) {
					*open++
					return abi.Resource{Type: file, Own: true, Rep: abi.Rep{Object: uint32(99)}}, nil
				}},
			{Name: "[method]file.size", Type: &types.Func{Params: []types.Field{{Name: "self", Type: borrow}}, Result: types.TypeU32},
				Dynamic: func(_ *abi.Context, args []abi.Value) (abi.Value, error) {
					return args[0].(abi.Resource).Rep.Object.(uint32), nil
				}},
		},
	}
}

func TestHostResourceIsDroppedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		for _, c := range []struct {
			name, fn  string
			want      uint32
			openAfter int
		}{
			{"by the guest", "open-size-drop", 99, 0},
			{"by closing the instance", "open-and-keep", 1, 1},
		} {
			t.Run(c.name, func(t *testing.T) {
				open := 0
				ln := mustLink(t, e, filer, files(&open))
				inst := instantiate(t, ln, engine.InstanceConfig{})
				if got, err := rootFunc(t, ln, c.fn).Call(t.Context(), inst); err != nil || got != c.want {
					t.Fatalf("%s() = %v, %v", c.fn, got, err)
				}
				if open != c.openAfter {
					t.Errorf("%d files open after the call, wanted %d", open, c.openAfter)
				}
				if err := inst.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if open != 0 {
					t.Errorf("%d files open after Close", open)
				}
			})
		}
	})
}

func TestWrongHandleTraps(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		open := 0
		ln := mustLink(t, e, filer, files(&open))
		for _, fn := range []string{"use", "drop"} {
			for _, h := range []uint32{0, 1, 7, 1 << 31, 1<<32 - 1} {
				_, err := rootFunc(t, ln, fn).Call(t.Context(), instantiate(t, ln, engine.InstanceConfig{}), h)
				if err == nil || !strings.Contains(err.Error(), "unknown handle index") {
					t.Errorf("%s(%d): %v", fn, h, err)
				}
			}
		}
	})
}

func TestHandleTableIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, e *engine.Engine) {
		open := 0
		ln := mustLink(t, e, filer, files(&open))
		inst := instantiate(t, ln, engine.InstanceConfig{MaxHandles: 3})
		keep := rootFunc(t, ln, "open-and-keep")
		for range 3 {
			if _, err := keep.Call(t.Context(), inst); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := keep.Call(t.Context(), inst); err == nil || !strings.Contains(err.Error(), "handle table is full") {
			t.Errorf("the fourth handle: %v", err)
		}
		if err := inst.Close(t.Context()); err != nil || open != 0 {
			t.Errorf("%d files open after Close (%v), wanted the fourth to be dropped with the others", open, err)
		}
	})
}
