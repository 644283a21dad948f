package engine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// FuzzCompile takes components, in bytes or in text, all the way: whatever they
// are, compiling returns a component or an error and, where nothing is imported,
// instantiating returns too. Seeds are own texts and, where they are, the
// official tests.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(`(component (core module $m (func (export "f") (param i32) (result i32) local.get 0))
		(core instance $i (instantiate $m))
		(func (export "f") (param "x" u32) (result u32) (canon lift (core func $i "f"))))`))
	f.Add([]byte(`(component (import "f" (func $f (param "x" string)))
		(core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
		(core func $g (canon lower (func $f) (memory (core memory $i "m"))))
		(core module $n (import "a" "g" (func (param i32 i32))) (func $s) (start $s))
		(core instance (instantiate $n (with "a" (instance (export "g" (func $g)))))))`))
	f.Add([]byte(`(component (component $c (type $r (resource (rep i32))) (export "r" (type $r)))
		(instance $a (instantiate $c)) (instance $b (instantiate $c)) (export "a" (instance $a)))`))
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "conformance", "component-model", "test", "*", "*.wast"))
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
	var engines []*engine.Engine
	for _, k := range []engine.Kind{engine.Auto, engine.Interpreter} {
		e, err := engine.New(f.Context(), engine.Config{Kind: k, Workers: 1})
		if err != nil {
			f.Fatal(err)
		}
		defer e.Close(context.Background())
		engines = append(engines, e)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !bytes.HasPrefix(b, []byte("\x00asm")) {
			var err error
			if b, err = wat.Assemble("fuzz.wat", b); err != nil {
				return
			}
		}
		for _, e := range engines {
			compileAll(t, e, b)
		}
	})
}

// compileAll compiles, links and instantiates b as far as it goes.
func compileAll(t *testing.T, e *engine.Engine, b []byte) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := e.Compile(ctx, b)
	if (c == nil) == (err == nil) {
		t.Fatalf("component %v and error %v", c, err)
	}
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	ln, err := e.NewLinker().Link(ctx, c)
	if err != nil {
		return
	}
	defer ln.Close(context.Background())
	inst, err := ln.Instantiate(ctx, engine.InstanceConfig{MemoryLimit: 8 << 20, MaxHandles: 100})
	if err == nil {
		err = inst.Close(context.Background())
	}
	_ = err
}
