package engine

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// HostInterface is what a host provides under one import name. Generated
// bindings build it; by hand it serves a host without WIT.
type HostInterface struct {
	Name      string // "wasi:io/streams@0.2.12", or "" for functions at the root of the world
	Resources []HostResource
	Types     []HostType
	Funcs     []HostFunc
}

// HostResource is a resource type that the host implements. Type is its
// identity: functions of any HostInterface that mention it use the same pointer.
type HostResource struct {
	Name string
	Type *types.Resource
	// Drop is called once for each representation whose last owning handle is
	// dropped, at the latest when its instance is closed. It may be nil.
	Drop func(ctx context.Context, object any)
}

// HostType is a named type that is not a resource.
type HostType struct {
	Name string
	Type *types.Type
}

// HostFunc is a function that the host provides. Exactly one of Call and
// Dynamic is set.
type HostFunc struct {
	Name string // "[method]input-stream.read", "get-arguments"
	Type *types.Func
	// Call has the flat core parameters in stack and leaves the flat results
	// there (spec: canon_lower). It panics with a *abi.Trap, or any other
	// error, to trap the guest.
	Call func(cx *abi.Context, stack []uint64)
	// Dynamic is the slow form: values in, the result's value out (nil when the
	// function has none). A returned error traps the guest.
	Dynamic func(cx *abi.Context, args []abi.Value) (abi.Value, error)
	// Prompt says that the function never waits, for a clock, a client, a disk or
	// a network. Its time counts as the guest's CPU time then; that of others does
	// not, nor what they compute.
	Prompt bool
}
