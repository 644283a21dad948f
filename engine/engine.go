// Package engine is what an embedder sees of the Component Model: compile a
// component once, link it with what the host provides, instantiate it as often
// as needed, call its exports.
//
//	Engine     compiles; one per process
//	Component  a compiled component, immutable, safe for concurrent use
//	Linker     what the host provides, by import name
//	Linked     a component with every import resolved and type-checked
//	Instance   a running instance of a Linked; one goroutine at a time
//	Func       an export of a Linked, called on an Instance
//
// It owns flattening (nested components become one list of initializers),
// linking and instantiation. It must not import wazero, net/http, host or
// bindings.
package engine
