// Package component turns the bytes of a component into an immutable
// description (Binary.md), decoding and validating in one pass. It owns the
// limits on counts, depth and sizes and the errors with offset and path.
//
// A Component is a list of definitions in binary order. Instantiating is
// replaying that list: each definition appends to one index space, or to none.
// A description holds no live object and is safe for concurrent use.
//
// It may import engine/types and engine/abi (validation flattens signatures), and
// nothing else of this module.
package component

import "github.com/godwit-runtime/godwit/engine/types"

// Component is a decoded and validated component.
type Component struct {
	Offset int // of the first byte of the component in the file
	Defs   []Def
	Type   *types.Component
	// Imports and Exports are the Defs of these kinds, in order.
	Imports []*Import
	Exports []*Export
	Name    string // from the component-name section, "" when absent
}

// Def is one definition. Each kind says which index space it extends.
type Def interface{ isDef() }

// CoreModule is an embedded core module. Extends: core module.
type CoreModule struct {
	Offset int    // of the module's first byte in the file
	Bytes  []byte // a view of the file; nil once package engine has compiled it
	Type   *types.Module
}

// CoreInstantiate instantiates a core module. Extends: core instance.
type CoreInstantiate struct {
	Module uint32
	Args   []CoreArg
}

// CoreArg supplies, under the module name Name, the exports of core instance Instance.
type CoreArg struct {
	Name     string
	Instance uint32
}

// CoreInlineExports makes a core instance out of definitions. Extends: core instance.
type CoreInlineExports struct{ Exports []CoreInlineExport }

// CoreInlineExport is one export of a CoreInlineExports.
type CoreInlineExport struct {
	Name  string
	Sort  types.CoreSort
	Index uint32
}

// CoreTypeDef defines a core type. Extends: core type. Nothing happens at run time.
type CoreTypeDef struct {
	Func   *types.CoreFuncType // nil when not a function type
	Module *types.Module       // nil when not a module type
}

// Nested is a nested component. Extends: component.
type Nested struct{ Component *Component }

// Instantiate instantiates a component. Extends: instance. Type is the type of
// the new instance; the resources that it introduces are fresh identities.
type Instantiate struct {
	Component uint32
	Args      []Arg
	Type      *types.Instance
}

// Arg supplies an import of the instantiated component, or an inline export.
type Arg struct {
	Name  string
	Sort  types.Sort
	Index uint32
}

// InlineExports makes an instance out of definitions. Extends: instance.
type InlineExports struct {
	Exports []Arg
	Type    *types.Instance
}

// AliasExport aliases an export of an instance. Extends: the space of Sort.
// For SortFunc, Func is the function's type.
type AliasExport struct {
	Sort     types.Sort
	Instance uint32
	Name     string
}

// AliasCoreExport aliases an export of a core instance. Extends: the core space of Sort.
type AliasCoreExport struct {
	Sort     types.CoreSort
	Instance uint32
	Name     string
}

// AliasOuter aliases a definition of an enclosing component, Count components
// outward (0: this one). Extends: the space of Sort, or of CoreSort when Core.
// Only core modules, components and types (component and core) can be aliased.
type AliasOuter struct {
	Core     bool
	CoreSort types.CoreSort // CoreModule, CoreType
	Sort     types.Sort     // SortComponent, SortType
	Count    uint32
	Index    uint32
}

// TypeDef defines a type other than a resource. Extends: type. Nothing happens
// at run time.
type TypeDef struct{ Def *types.Def }

// ResourceDef defines a resource type. Extends: type. Every instantiation of
// the component makes a new resource type; Resource stands for it here.
type ResourceDef struct {
	Resource *types.Resource
	HasDtor  bool
	Dtor     uint32 // core func
	// DtorAsync and Callback are for (dtor async …) forms.
	DtorAsync   bool
	HasCallback bool
	Callback    uint32
}

// StringEncoding is the string-encoding canonical option.
type StringEncoding uint8

// The string encodings, with their binary values.
const (
	UTF8        StringEncoding = 0
	UTF16       StringEncoding = 1
	Latin1UTF16 StringEncoding = 2
)

// Options are canonical options; an index is valid only where its Has is true.
type Options struct {
	Encoding      StringEncoding
	HasMemory     bool
	Memory        uint32 // core memory
	HasRealloc    bool
	Realloc       uint32 // core func
	HasPostReturn bool
	PostReturn    uint32 // core func
	Async         bool
	HasCallback   bool
	Callback      uint32 // core func
}

// CanonLift makes a component function of a core function. Extends: func.
type CanonLift struct {
	Core    uint32 // core func
	Type    *types.Func
	Options Options
	Weight  int // how many types there are in Type with everything spelled out
}

// CanonLower makes a core function of a component function. Extends: core func.
type CanonLower struct {
	Func    uint32
	Type    *types.Func // of Func, in this component's terms
	Options Options
	Weight  int // of Type; see CanonLift
}

// CanonBuiltin makes a core function of a built-in (Binary.md, "Canonical
// Definitions"). Extends: core func. Op is the binary opcode; which of the
// other fields have a meaning depends on it.
type CanonBuiltin struct {
	Op          CanonOp
	Resource    *types.Resource // resource.*
	Type        *types.Type     // stream.*, future.*: the stream or future type; task.return: the result, or nil
	Options     Options         // task.return, stream.*, future.*, error-context.*; waitable-set.*: Memory only
	Async       bool            // *.cancel-*, subtask.cancel
	Cancellable bool            // waitable-set.*, thread.*
	Slot        uint32          // context.get, context.set
	ContextType types.ValType   // context.get, context.set
	CoreType    *types.CoreFuncType
	Table       uint32
	Shared      bool
	Weight      int // of Type; see CanonLift
	// FuncType is the type of the core function that is made.
	FuncType types.CoreFuncType
}

// CanonOp is the opcode of a canonical built-in.
type CanonOp byte

// Start calls a function at instantiation. Extends: value.
type Start struct {
	Func    uint32
	Args    []uint32
	Results uint32
}

// Import imports a definition. Extends: the space of Type.Sort.
type Import struct {
	Name string // the whole externname, such as wasi:io/streams@0.2.0
	Type types.Extern
	// Alias is, for a type that is equal to a resource, the identity that stands
	// for it in the types of the definitions that follow; nil otherwise.
	Alias  *types.Resource
	Offset int
}

// Export exports a definition. Extends: the space of Sort (the new index
// aliases the exported definition, with the ascribed type if there is one).
type Export struct {
	Name   string
	Sort   types.Sort
	Index  uint32
	Type   types.Extern
	Alias  *types.Resource // as for Import
	Offset int
}

func (*CoreModule) isDef()        {}
func (*CoreInstantiate) isDef()   {}
func (*CoreInlineExports) isDef() {}
func (*CoreTypeDef) isDef()       {}
func (*Nested) isDef()            {}
func (*Instantiate) isDef()       {}
func (*InlineExports) isDef()     {}
func (*AliasExport) isDef()       {}
func (*AliasCoreExport) isDef()   {}
func (*AliasOuter) isDef()        {}
func (*TypeDef) isDef()           {}
func (*ResourceDef) isDef()       {}
func (*CanonLift) isDef()         {}
func (*CanonLower) isDef()        {}
func (*CanonBuiltin) isDef()      {}
func (*Start) isDef()             {}
func (*Import) isDef()            {}
func (*Export) isDef()            {}
