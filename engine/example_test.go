package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// A component is compiled and linked once; each instance is cheap.
func Example() {
	ctx := context.Background()
	wasm, err := wat.Assemble("adder.wat", []byte(`
(component
  (core module $m
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $i "add"))))`))
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)
	c, err := e.Compile(ctx, wasm)
	if err != nil {
		log.Fatal(err)
	}
	linked, err := e.NewLinker().Link(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	root, err := linked.Interface("")
	if err != nil {
		log.Fatal(err)
	}
	add, err := root.Func("add", nil)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := linked.Instantiate(ctx, engine.InstanceConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close(ctx)
	sum, err := add.Call(ctx, inst, uint32(40), uint32(2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(add.Type(), "=", sum)
	// Output: func(a: u32, b: u32) -> u32 = 42
}

// A host function by hand, on dynamic values. For an interface with WIT,
// generated bindings are faster and typed; see examples/embed.
func ExampleLinker_Define() {
	ctx := context.Background()
	wasm, err := wat.Assemble("greeter.wat", []byte(`
(component
  (import "acme:math/ops@1.0.0" (instance $ops
    (export "double" (func (param "n" u32) (result u32)))))
  (core func $double (canon lower (func $ops "double")))
  (core module $m
    (import "" "double" (func $double (param i32) (result i32)))
    (func (export "run") (result i32) (call $double (i32.const 21))))
  (core instance $i (instantiate $m (with "" (instance (export "double" (func $double))))))
  (func (export "run") (result u32) (canon lift (core func $i "run"))))`))
	if err != nil {
		log.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)
	c, err := e.Compile(ctx, wasm)
	if err != nil {
		log.Fatal(err)
	}
	l := e.NewLinker()
	if _, err := l.Link(ctx, c); err != nil {
		fmt.Println(err)
	}
	err = l.Define(&engine.HostInterface{
		Name: "acme:math/ops@1.0.0",
		Funcs: []engine.HostFunc{{
			Name: "double",
			Dynamic: func(_ *abi.Context, args []abi.Value) (abi.Value, error) {
				return 2 * args[0].(uint32), nil
			},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	root, err := linked.Interface("")
	if err != nil {
		log.Fatal(err)
	}
	run, err := root.Func("run", nil)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := linked.Instantiate(ctx, engine.InstanceConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close(ctx)
	fmt.Println(run.Call(ctx, inst))
	// Output:
	// import acme:math/ops@1.0.0 is not granted
	// 42 <nil>
}
