package engine

import (
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/engine/types"
)

// A plan is a component flattened: nested components are inlined, every alias,
// import of a core module and canonical definition is resolved to an ordinal.
// It is plain data, the same for every host; Link binds its imports.
//
// Live objects that host functions need at run time (memories, reallocs, core
// functions) have a slot each, filled when the core instance that exports them
// has been instantiated.
type plan struct {
	instances []int // component instances: parent ordinals, −1 for the root
	cores     []coreInstantiation
	funcs     []core.Ref // slots of core functions
	memories  []core.Ref // slots of memories
	tables    []core.Ref // slots of tables
	options   []options
	hosts     []hostFunc
	imports   []importedFunc
	dtors     map[*types.Resource]int // func slots, for resources of guests that have one
	imported  []importedResource
	root      *instanceItem // what the component exports
	// async says that it has something asynchronous: its stores need a scheduler.
	async bool

	// Of use only while flattening: where a slot's value already has one.
	funcIndex, memoryIndex, tableIndex map[core.Ref]int
	optionIndex                        map[options]int
	steps                              int // of flattening, so far
}

// none is the ordinal of a slot that is not there.
const none = -1

// coreInstantiation is one core module to instantiate, in order. Its ordinal is
// its index.
type coreInstantiation struct {
	module   *component.CoreModule
	imports  []core.Ref
	instance int // component instance that it is a part of
	starts   []startCall
}

// startCall is a call of a core function after a core instantiation, in place of
// the start function of one that was removed.
type startCall struct {
	fn       core.Ref
	instance int // component instance that it was a part of
}

// options are canonical options as slots.
type options struct {
	instance   int // component instance that lifts or lowers
	encoding   component.StringEncoding
	memory     int
	realloc    int // func slot
	postReturn int // func slot
	callback   int // func slot
}

// hostFunc is a core function that the host makes: a lowered component function
// or a built-in. Exactly one of lower and builtin is set.
type hostFunc struct {
	instance int // component instance that calls it
	coreType types.CoreFuncType
	lower    *lowering
	builtin  *component.CanonBuiltin
	// Of a built-in, what it has of these: the resource, or the type, in concrete
	// resources; the index of its options in plan.options; its table.
	resource *types.Resource
	typ      *types.Type
	options  int
	table    int // in plan.tables
}

// lowering is a canon lower.
type lowering struct {
	callee  *funcItem
	ft      *types.Func // in concrete resources
	options int         // index in plan.options
	async   bool
}

// lifting is a canon lift.
type lifting struct {
	core    int // func slot
	ft      *types.Func
	options int
	async   bool
}

// importedFunc is a function that the component imports.
type importedFunc struct {
	iface string // import name of the interface, "" at the root
	name  string
	ft    *types.Func
}

// importedResource is a resource type that the component imports. Its identity
// stands for the host's until Link replaces it.
type importedResource struct {
	iface, name string
	rt          *types.Resource
}

// The items of component-level index spaces, as flattening knows them.
type (
	// funcItem is a component function: lifted from core code, or imported.
	funcItem struct {
		ft       *types.Func
		lift     *lifting
		imported int // index in plan.imports when lift is nil
	}
	// instanceItem is a component instance: what it exports.
	instanceItem struct {
		exports map[string]item
		order   []string
	}
	// componentItem is a component with the scope that it closes over.
	componentItem struct {
		c     *component.Component
		outer *frame
	}
	// item is one export or argument; the field of its sort is set.
	item struct {
		sort types.Sort
		fn   *funcItem
		inst *instanceItem
		comp *componentItem
		mod  *component.CoreModule
		res  *types.Resource // a type that is a resource; other types have no run-time part
	}
	// coreItem is a core instance: an instantiated module, or a bag of exports.
	coreItem struct {
		ordinal int // index in plan.cores; none for a bag
		bag     map[string]core.Ref
	}
)
