// The name is the one that wit-bindgen gives to the module of its bindings.
module wit_component

go 1.25

require go.bytecodealliance.org/pkg v0.2.1
