// Package types is the component-level type model: value types, function types
// and the types of what a component imports and exports (Explainer.md, "Type
// Definitions"). It owns equality, subtyping and printing.
//
// Vocabulary: a Type is a value type; an Extern is the type of one import or
// export; a Resource is the identity of a resource type, compared by pointer.
// Everything here is immutable once built and safe for concurrent use.
//
// It must import nothing of this module.
package types

// Kind says which value type a Type is.
type Kind uint8

// The kinds of value types, in the order of the Explainer.
const (
	Bool Kind = iota + 1
	S8
	U8
	S16
	U16
	S32
	U32
	S64
	U64
	F32
	F64
	Char
	String
	ErrorContext
	List      // list<Elem>
	FixedList // list<Elem, Len>
	Record    // Fields
	Tuple     // Fields, without names
	Variant   // Cases
	Enum      // Labels
	Option    // Elem
	Result    // OK, Err; either may be nil
	Flags     // Labels
	Own       // Resource
	Borrow    // Resource
	Stream    // Elem; nil when the stream carries no payload
	Future    // Elem; nil when the future carries no payload
	Map       // Key, Elem
)

// Type is a component value type. It is compared with Equal; two pointers to
// equal types need not be the same.
type Type struct {
	Kind     Kind
	Elem     *Type     // List, FixedList, Option, Stream, Future, Map (its value type)
	Key      *Type     // Map
	Len      uint32    // FixedList
	Fields   []Field   // Record, Tuple
	Cases    []Case    // Variant
	Labels   []string  // Enum, Flags
	OK, Err  *Type     // Result
	Resource *Resource // Own, Borrow
}

// Field is a field of a record, an element of a tuple (no name) or a parameter.
type Field struct {
	Name string
	Type *Type
}

// Case is a case of a variant; Type is nil when it has no payload.
type Case struct {
	Name string
	Type *Type
}

// Resource is the identity of a resource type. Two resources are the same type
// if and only if the pointers are equal. Name serves messages only.
type Resource struct {
	Name string
	// Owner is 1 + the ordinal of the component instance that implements the
	// resource, in a flattened component; 0 for one that the host implements
	// and for one that stands for another (a decoded description).
	Owner int
}

// Func is the type of a component function. Result is nil when there is none.
type Func struct {
	Params []Field
	Result *Type
	Async  bool
}

// Singletons for the types without structure.
var (
	TypeBool         = &Type{Kind: Bool}
	TypeS8           = &Type{Kind: S8}
	TypeU8           = &Type{Kind: U8}
	TypeS16          = &Type{Kind: S16}
	TypeU16          = &Type{Kind: U16}
	TypeS32          = &Type{Kind: S32}
	TypeU32          = &Type{Kind: U32}
	TypeS64          = &Type{Kind: S64}
	TypeU64          = &Type{Kind: U64}
	TypeF32          = &Type{Kind: F32}
	TypeF64          = &Type{Kind: F64}
	TypeChar         = &Type{Kind: Char}
	TypeString       = &Type{Kind: String}
	TypeErrorContext = &Type{Kind: ErrorContext}
)

// Sort is the sort of a component-level definition.
type Sort uint8

// The sorts of what a component can import, export and alias.
const (
	SortCoreModule Sort = iota + 1
	SortFunc
	SortValue
	SortType
	SortComponent
	SortInstance
)

// Extern is the type of an import or export (spec: externtype). Exactly the
// field that belongs to Sort is set.
type Extern struct {
	Sort      Sort
	Module    *Module    // SortCoreModule
	Func      *Func      // SortFunc
	Value     *Type      // SortValue
	Type      *Bound     // SortType
	Component *Component // SortComponent
	Instance  *Instance  // SortInstance
}

// Bound is the type bound of an imported or exported type (spec: typebound).
// (eq T) has Def set; (sub resource) has Resource set to the identity that this
// import or export introduces. An (eq R) of a resource R is a Def with R in it.
type Bound struct {
	Resource *Resource // sub resource: a fresh, abstract identity
	Def      *Def      // eq
}

// Def is what a type index may refer to (spec: deftype). Exactly one is set.
type Def struct {
	Value     *Type
	Func      *Func
	Component *Component
	Instance  *Instance
	Resource  *Resource
}

// Named is a named import or export of an instance or component type. Order is
// the order of declaration, which matters for resources.
type Named struct {
	Name   string
	Extern Extern
}

// Instance is the type of a component instance.
type Instance struct {
	Exports []Named
}

// Component is the type of a component.
type Component struct {
	Imports []Named
	Exports []Named
}

// CoreSort is the sort of a core definition (spec: core:sort).
type CoreSort uint8

// The core sorts, with their binary values.
const (
	CoreFunc     CoreSort = 0x00
	CoreTable    CoreSort = 0x01
	CoreMemory   CoreSort = 0x02
	CoreGlobal   CoreSort = 0x03
	CoreTag      CoreSort = 0x04
	CoreType     CoreSort = 0x10
	CoreModule   CoreSort = 0x11
	CoreInstance CoreSort = 0x12
)

// ValType is a core value type, with its binary value.
type ValType byte

// The core value types that the canonical ABI uses, and those that wazero runs.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32Core   ValType = 0x7d
	F64Core   ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
	ExnRef    ValType = 0x69
)

// CoreFuncType is the type of a core function.
type CoreFuncType struct {
	Params, Results []ValType
}

// CoreExtern is the type of a core import or export.
type CoreExtern struct {
	Sort    CoreSort
	Func    *CoreFuncType // CoreFunc, CoreTag
	Table   *CoreTableType
	Memory  *CoreLimits
	Global  ValType // CoreGlobal
	Mutable bool    // CoreGlobal
}

// CoreTableType is the type of a core table.
type CoreTableType struct {
	Elem   ValType
	Limits CoreLimits
}

// CoreLimits are the limits of a table (in elements) or memory (in pages).
type CoreLimits struct {
	Min    uint64
	Max    uint64
	HasMax bool
	Shared bool
	Is64   bool
	// PageSizeLog2 is 16 except under the custom-page-sizes proposal (memories).
	PageSizeLog2 uint8
}

// CoreImport is an import of a core module.
type CoreImport struct {
	Module, Name string
	Type         CoreExtern
}

// CoreExport is an export of a core module or core instance.
type CoreExport struct {
	Name string
	Type CoreExtern
}

// Module is the type of a core module.
type Module struct {
	Imports []CoreImport
	Exports []CoreExport
}
