// Package wit reads WIT text into packages, interfaces, worlds and types
// (WIT.md), and prints them. The folder also holds the WIT texts that godwit
// implements, by version line.
//
// Reading has two phases: parse (one file → syntax with positions) and resolve
// (all packages → this model). A model is immutable after Resolve.
//
// It may import engine/types and nothing else of this module.
package wit

// Resolve is the result of reading: packages in dependency order.
type Resolve struct {
	Packages []*Package
	// Root is the package that reading was pointed at, the last one when there
	// were several; nil when that was a file of nested packages only.
	Root *Package
}

// Package is a WIT package.
type Package struct {
	Namespace string
	Name      string
	Version   string // "" when the package has none
	Docs      string
	// In order of declaration.
	Interfaces []*Interface
	Worlds     []*World
}

// Interface is a WIT interface. Name is "" for one that is written inline in a
// world; then Package is the world's package.
type Interface struct {
	Name      string
	Package   *Package
	Docs      string
	Stability Stability
	Types     []*TypeDef // in order of declaration, used names included (Kind KindAlias of the origin)
	Funcs     []*Func    // freestanding, then by resource, each in order of declaration
}

// World is a WIT world after `include`s.
type World struct {
	Name      string
	Package   *Package
	Docs      string
	Stability Stability
	Types     []*TypeDef // declared in or used by the world
	// Imports has the interfaces that others use too, each before its users.
	Imports []WorldItem
	Exports []WorldItem
}

// WorldItem is one import or export: of an interface or of a function.
// Types that a world uses or declares are in World.Types. The functions of a
// resource that a world declares are imports whose Name is their WireName.
type WorldItem struct {
	Name      string // plain name; "" for an interface that is named by its id
	Interface *Interface
	Func      *Func
	Docs      string
	Stability Stability
	// ExternalID is what @external-id says, for an item with a plain name; nil
	// when there is none.
	ExternalID *string
}

// Stability is what @since, @unstable and @deprecated say.
type Stability struct {
	Since      string // version, "" when absent
	Unstable   string // feature, "" when absent
	Deprecated string // version, "" when absent
}

// Kind says what a TypeDef defines or a Type is.
type Kind uint8

// The kinds of Type. Those up to KindRef are written in place; the others are
// defined by a TypeDef.
const (
	KindBool Kind = iota + 1
	KindS8
	KindU8
	KindS16
	KindU16
	KindS32
	KindU32
	KindS64
	KindU64
	KindF32
	KindF64
	KindChar
	KindString
	KindErrorContext
	KindList      // Elem
	KindFixedList // Elem, Len
	KindOption    // Elem
	KindResult    // OK, Err
	KindTuple     // Fields without names
	KindMap       // Key, Elem
	KindStream    // Elem or nil
	KindFuture    // Elem or nil
	KindOwn       // Def: the resource
	KindBorrow    // Def: the resource
	KindRef       // Def: a named type that is not a resource
	KindRecord    // Fields
	KindVariant   // Cases
	KindEnum      // Cases without types
	KindFlags     // Cases without types
	KindResource
	KindAlias // Elem: `type a = b` and `use`d names; an alias of a resource has Def
)

// TypeDef is a named type.
type TypeDef struct {
	Name      string
	Interface *Interface // owner; nil when World is set
	World     *World
	Docs      string
	Stability Stability
	Type      *Type
	// ExternalID is what @external-id says; nil when there is none.
	ExternalID *string
}

// Type is a type. A bare use of a resource's name is KindOwn.
type Type struct {
	Kind    Kind
	Elem    *Type
	Key     *Type
	Len     uint32
	OK, Err *Type // either may be nil
	Fields  []Field
	Cases   []Case
	Def     *TypeDef
}

// Field is a field of a record, an element of a tuple or a parameter.
type Field struct {
	Name string
	Docs string
	Type *Type
}

// Case is a case of a variant, enum or flags.
type Case struct {
	Name string
	Docs string
	Type *Type // nil when it has no payload
}

// FuncKind says how a function belongs to its interface.
type FuncKind uint8

// The kinds of functions.
const (
	Freestanding FuncKind = iota
	Method
	Static
	Constructor
)

// Func is a function. For a Method, Params starts with self: borrow<R>; for a
// Constructor, Result is own<R> (or a result of it).
type Func struct {
	Name      string // as written: "read" for the method read; "" for a Constructor
	Kind      FuncKind
	Resource  *TypeDef // Method, Static, Constructor
	Async     bool
	Params    []Field
	Result    *Type // nil when there is none
	Docs      string
	Stability Stability
	// ExternalID is what @external-id says; nil when there is none.
	ExternalID *string
}
