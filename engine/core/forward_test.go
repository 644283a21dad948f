package core

import (
	"reflect"
	"testing"

	"github.com/godwit-runtime/godwit/engine/wat"
)

const (
	shim = `(module
		(type $t (func (param i32 i64) (result f32))) (type $same (func (param i32 i64) (result f32))) (type $none (func))
		(table (export "table") 3 funcref)
		(func (export "a") (type $t) (call_indirect (type $same) (local.get 0) (local.get 1) (i32.const 2)))
		(func (export "b") (export "c") (type $none) (call_indirect (type $none) (i32.const 0))))`
	fixup = `(module
		(import "" "f" (func $f)) (import "" "table" (table 3 funcref)) (import "" "g" (func $g)) (start $g)
		(elem (i32.const 1) func $f $g) (elem (i32.const 0) func $g $g))`
)

func assembled(t *testing.T, text string) []byte {
	t.Helper()
	b, err := wat.Assemble("test.wat", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFindShim(t *testing.T) {
	want := &Shim{Table: "table", Size: 3, Slots: map[string]uint32{"a": 2, "b": 0, "c": 0}}
	if got := FindShim(assembled(t, shim)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, text := range map[string]string{
		"no table":               `(module)`,
		"a table not exported":   `(module (table 1 funcref))`,
		"exported twice":         `(module (table (export "") (export "t") 1 funcref))`,
		"two tables":             `(module (table (export "t") 1 funcref) (table 1 funcref))`,
		"a table of externref":   `(module (table (export "t") 1 externref))`,
		"a slot past its end":    `(module (type $t (func)) (table (export "t") 1 funcref) (func (call_indirect (type $t) (i32.const 1))))`,
		"a slot that is given":   `(module (type $t (func)) (table (export "t") 1 funcref) (func (param i32) (call_indirect (type $t) (local.get 0))))`,
		"another type":           `(module (type $t (func)) (table (export "t") 1 funcref) (func (result i32) (call_indirect (type $t) (i32.const 0)) (i32.const 0)))`,
		"parameters out of turn": `(module (type $t (func (param i32 i32))) (table (export "t") 1 funcref) (func (type $t) (call_indirect (type $t) (local.get 1) (local.get 0) (i32.const 0))))`,
		"locals":                 `(module (type $t (func)) (table (export "t") 1 funcref) (func (local i32) (call_indirect (type $t) (i32.const 0))))`,
		"elements of its own":    `(module (type $t (func)) (table (export "t") 1 funcref) (func $f (call_indirect (type $t) (i32.const 0))) (elem (i32.const 0) func $f))`,
		"an import":              `(module (import "" "" (func)) (table (export "t") 1 funcref))`,
		"a global":               `(module (table (export "t") 1 funcref) (global i32 (i32.const 0)))`,
		"a memory":               `(module (table (export "t") 1 funcref) (memory 1))`,
		"a fixup":                fixup,
	} {
		if s := FindShim(assembled(t, text)); s != nil {
			t.Errorf("%s: got %+v", name, s)
		}
	}
}

func TestFindFixup(t *testing.T) {
	want := &Fixup{Table: 1, Slots: map[uint32]int{0: 2, 1: 2, 2: 2}, End: 3, Start: 2}
	if got := FindFixup(assembled(t, fixup)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, text := range map[string]string{
		"no table":                   `(module (import "" "f" (func)))`,
		"two tables":                 `(module (import "" "a" (table 1 funcref)) (import "" "b" (table 1 funcref)))`,
		"a table of its own":         `(module (import "" "f" (func $f)) (table 1 funcref) (elem (i32.const 0) func $f))`,
		"a function of its own":      `(module (import "" "t" (table 1 funcref)) (func $f) (elem (i32.const 0) func $f))`,
		"a slot that is not known":   `(module (import "" "f" (func $f)) (import "" "t" (table 1 funcref)) (import "" "g" (global i32)) (elem (global.get 0) func $f))`,
		"a passive segment":          `(module (import "" "f" (func $f)) (import "" "t" (table 1 funcref)) (elem func $f))`,
		"null":                       `(module (import "" "t" (table 1 funcref)) (elem (i32.const 0) funcref (ref.null func)))`,
		"a slot past what there can": `(module (import "" "f" (func $f)) (import "" "t" (table 1 funcref)) (elem (i32.const -1) func $f))`,
		"a memory":                   `(module (import "" "t" (table 1 funcref)) (import "" "m" (memory 1)))`,
		"an export":                  `(module (import "" "t" (table $t 1 funcref)) (export "t" (table $t)))`,
		"a shim":                     shim,
	} {
		if f := FindFixup(assembled(t, text)); f != nil {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}

// What is cut off or changed anywhere is not taken for what it was, or is, but
// never panics.
func TestFindingShimsInBrokenModules(t *testing.T) {
	for _, text := range []string{shim, fixup} {
		whole := assembled(t, text)
		for k := range whole {
			for _, b := range []byte{0, 1, 0x40, 0x7f, 0x80, 0xff} {
				broken := append([]byte(nil), whole...)
				broken[k] = b
				for _, m := range [][]byte{broken, broken[:k+1]} {
					HasStart(m)
					if s := FindShim(m); s != nil {
						for name, slot := range s.Slots {
							if slot >= s.Size {
								t.Errorf("byte %d is %#x: %q forwards to slot %d of %d", k, b, name, slot, s.Size)
							}
						}
					}
					if f := FindFixup(m); f != nil && f.End > maxTable {
						t.Errorf("byte %d is %#x: slots end at %d", k, b, f.End)
					}
				}
			}
		}
	}
}
