// Package abi is the canonical ABI on values (CanonicalABI.md): layout,
// flattening, load, store, lift, lower and strings. It is stateless: what it
// needs of an instance it gets through the small interfaces of a Context.
//
// It has two users that a differential test keeps equal: the static shims that
// tools/bindgen generates, which call the typed primitives of Context, and the
// dynamic values (Value) of --invoke, wast scripts and component-to-component
// calls, which go through a Codec worked out once per function type. The test is
// in tools/bindgen (differential_test.go, exports_test.go), where the shims are:
// for every type constructor both get the same memory, flat values, handles and
// answers of realloc, and must trap, or not, with the same outcome.
//
// Lifting always means core → component, lowering component → core. A violation
// of the ABI panics with a *Trap; whoever entered the guest recovers it.
//
// It may import engine/types and nothing else of this module.
package abi

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/types"
)

// Context is what one lift or lower needs of an instance (spec: LiftLowerContext).
// It serves one call at a time and is valid only during it.
type Context struct {
	// Ctx is the context of the call; its Done ends host functions that wait.
	Ctx context.Context
	// Host is the state that the embedder gave the instance; the function that
	// a Linker was given picks its part by a type assertion.
	Host any

	Memory   Memory // nil when the options name no memory
	Realloc  Realloc
	Encoding Encoding
	Handles  Handles

	// Between says that what is lifted here is lowered into another component
	// (or the reverse), not seen by the host. A Codec then keeps lists of
	// scalars packed and strings with their source encoding, as the realloc
	// sequence of the spec needs, and traps have the wording of a call between
	// components. Both contexts of such a call must have it set.
	Between bool
	// LiftLimit bounds, in bytes, the host memory that values lifted through
	// this Context take, roughly; 0 means DefaultLiftLimit. Several pointers of
	// a guest may refer to one range, so its own memory is no bound.
	LiftLimit uint64

	lifted   uint64   // host memory charged so far
	lowering lowering // what a Codec is lowering, for messages

}

// DefaultLiftLimit is the LiftLimit of a Context that has none.
const DefaultLiftLimit = 128 << 20

// charge accounts for n bytes of host memory that lifting is about to take.
func (cx *Context) charge(n uint64) {
	cx.lifted += n
	limit := cx.LiftLimit
	if limit == 0 {
		limit = DefaultLiftLimit
	}
	if cx.lifted > limit {
		panic(trapf("the values of the call take more than %d bytes of host memory; pass less at once or use a stream", limit))
	}
}

// Memory is a linear memory. Bytes returns all of it, in place; the slice is
// invalid after anything that can grow the memory, such as a call of Realloc.
type Memory interface{ Bytes() []byte }

// Realloc is the realloc canonical option. It panics with a *Trap when the call traps;
// the caller checks alignment and bounds of what it returns.
type Realloc interface {
	Realloc(ctx context.Context, old, oldSize, align, newSize uint32) uint32
}

// Encoding is a string encoding.
type Encoding uint8

// The string encodings, with the values of the binary format.
const (
	UTF8        Encoding = 0
	UTF16       Encoding = 1
	Latin1UTF16 Encoding = 2
)

// Handles is the handle table of the component instance that lifts or lowers.
// Every method panics with a *Trap on a wrong handle or a full table.
type Handles interface {
	LiftOwn(rt *types.Resource, handle uint32) Rep    // spec: lift_own
	LiftBorrow(rt *types.Resource, handle uint32) Rep // spec: lift_borrow
	LowerOwn(rt *types.Resource, rep Rep) uint32      // spec: lower_own
	LowerBorrow(rt *types.Resource, rep Rep) uint32   // spec: lower_borrow

	// LiftAsync and LowerAsync move the readable end of a stream or future, or
	// an error context.
	LiftAsync(t *types.Type, handle uint32) any
	LowerAsync(t *types.Type, v any) uint32
}

// Rep is the representation of a resource: a Go value for a resource that the
// host implements, a number for one that a guest implements.
type Rep struct {
	Object any    // host resource
	Number uint32 // guest resource
}

// Trap is the panic value of a violated ABI rule, and the error that a caller
// of the guest gets. Message is the wording of the reference tests where they
// have one.
type Trap struct {
	Message string
	Err     error // what caused it, may be nil
}

func (t *Trap) Error() string {
	if t.Err != nil {
		return t.Message + ": " + t.Err.Error()
	}
	return t.Message
}

func (t *Trap) Unwrap() error { return t.Err }

// Option is an option<T> in generated code.
type Option[T any] struct {
	Some  bool
	Value T
}

// Some returns an Option that holds v.
func Some[T any](v T) Option[T] { return Option[T]{Some: true, Value: v} }

// None returns an empty Option.
func None[T any]() Option[T] { return Option[T]{} }

// Result is a result<T, E> in generated code where it is not a function's
// result; there it is a Go value and an error. Unit stands for an absent type.
type Result[T, E any] struct {
	IsErr bool
	OK    T
	Err   E
}

// Unit is the payload of a result's case that has none.
type Unit = struct{}

// ResultError is the Go error of a function whose WIT result has an error type
// that is not itself a generated error type, such as result<T, string> or a
// result without an error payload (E is Unit).
type ResultError[E any] struct{ Value E }
