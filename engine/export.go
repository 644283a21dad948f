package engine

import (
	"context"

	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
)

// Linker, Linked, Instance: see the package comment. (Contract stubs; replaced by the real ones.)
type Linker struct{}

// Define adds what the host provides under hi.Name. It is an error to define a name twice.
func (l *Linker) Define(hi *HostInterface) error { panic("stub") }

// Linked is a component whose imports are resolved.
type Linked struct{}

// Instance is a running component instance.
type Instance struct{}

// ExportedInterface is an exported instance of a Linked component.
type ExportedInterface struct{}

// Interface finds an exported instance by name; a version is matched by its
// line (0.2.x serves 0.2.y). Name "" is the root of the component. The error
// names what the component exports instead.
func (l *Linked) Interface(name string) (*ExportedInterface, error) { panic("stub") }

// Resource returns the identity of a resource type that the interface exports.
func (x *ExportedInterface) Resource(name string) (*types.Resource, error) { panic("stub") }

// Func finds an exported function and checks its type against want (nil: any).
func (x *ExportedInterface) Func(name string, want *types.Func) (*Func, error) { panic("stub") }

// Func is an exported function of a Linked component; it is called on any of its instances.
type Func struct{}

// Enter starts a call from static code. The caller lowers arguments into
// Call.Stack with Call.Context, then Run, lifts results, PostReturn, and always
// Exit (deferred):
//
//	call, err := f.Enter(ctx, inst)
//	if err != nil { return err }
//	defer call.Exit(&err)
func (f *Func) Enter(ctx context.Context, inst *Instance) (*Call, error) { panic("stub") }

// Call is one call of an exported function under way.
type Call struct{}

// Context is for lowering arguments and lifting results.
func (c *Call) Context() *abi.Context { panic("stub") }

// Stack holds the flat parameters before Run and the flat results after it.
func (c *Call) Stack() []uint64 { panic("stub") }

// Run calls the core function; a trap panics and is turned into an error by Exit.
func (c *Call) Run() { panic("stub") }

// PostReturn calls the post-return function if there is one.
func (c *Call) PostReturn() { panic("stub") }

// Exit ends the call. It must be deferred directly: it recovers a trap into *err.
func (c *Call) Exit(err *error) { panic("stub") }

// DropResource runs the destructor of a guest resource that the host owns.
func (i *Instance) DropResource(ctx context.Context, rt *types.Resource, rep abi.Rep) error {
	panic("stub")
}
