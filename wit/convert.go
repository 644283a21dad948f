package wit

import "github.com/godwit-runtime/godwit/engine/types"

// Converter turns the types of a model into those of a component
// (engine/types): names of types dissolve into what they stand for. A named
// type becomes the same *types.Type each time, and every name of a resource the
// same *types.Resource. The zero Converter is ready to use; it is not safe for
// concurrent use. Where instances of one interface are to have resources of
// their own (what a component imports and what it exports), give each its own
// Converter.
type Converter struct {
	// Resource gives the identity of a resource, by the TypeDef that defines it
	// (never that of an alias). nil makes an identity for each.
	Resource func(*TypeDef) *types.Resource

	named     map[*TypeDef]*types.Type
	resources map[*TypeDef]*types.Resource
}

// Origin is the definition at the end of a chain of aliases and uses.
func (d *TypeDef) Origin() *TypeDef {
	for d.Type.Kind == KindAlias && d.Type.Elem.Def != nil {
		d = d.Type.Elem.Def
	}
	return d
}

// resource is the identity of the resource that d names.
func (c *Converter) resource(d *TypeDef) *types.Resource {
	d = d.Origin()
	if r := c.resources[d]; r != nil {
		return r
	}
	r := &types.Resource{Name: d.Name}
	if c.Resource != nil {
		r = c.Resource(d)
	}
	if c.resources == nil {
		c.resources = map[*TypeDef]*types.Resource{}
	}
	c.resources[d] = r
	return r
}

// Named converts a named type; a resource becomes own of it.
func (c *Converter) Named(d *TypeDef) *types.Type {
	d = d.Origin()
	if t := c.named[d]; t != nil {
		return t
	}
	var t *types.Type
	if d.Type.Kind == KindResource {
		t = &types.Type{Kind: types.Own, Resource: c.resource(d)}
	} else {
		t = c.Type(d.Type)
	}
	if c.named == nil {
		c.named = map[*TypeDef]*types.Type{}
	}
	c.named[d] = t
	return t
}

var convertedPrimitives = map[Kind]*types.Type{
	KindBool: types.TypeBool, KindS8: types.TypeS8, KindU8: types.TypeU8,
	KindS16: types.TypeS16, KindU16: types.TypeU16, KindS32: types.TypeS32,
	KindU32: types.TypeU32, KindS64: types.TypeS64, KindU64: types.TypeU64,
	KindF32: types.TypeF32, KindF64: types.TypeF64, KindChar: types.TypeChar,
	KindString: types.TypeString, KindErrorContext: types.TypeErrorContext,
}

// Type converts a type; nil, which says that there is no payload, to nil.
func (c *Converter) Type(t *Type) *types.Type {
	if t == nil {
		return nil
	}
	if p := convertedPrimitives[t.Kind]; p != nil {
		return p
	}
	switch t.Kind {
	case KindRef:
		return c.Named(t.Def)
	case KindAlias:
		return c.Type(t.Elem)
	case KindOwn:
		return &types.Type{Kind: types.Own, Resource: c.resource(t.Def)}
	case KindBorrow:
		return &types.Type{Kind: types.Borrow, Resource: c.resource(t.Def)}
	case KindList:
		return &types.Type{Kind: types.List, Elem: c.Type(t.Elem)}
	case KindFixedList:
		return &types.Type{Kind: types.FixedList, Elem: c.Type(t.Elem), Len: t.Len}
	case KindOption:
		return &types.Type{Kind: types.Option, Elem: c.Type(t.Elem)}
	case KindResult:
		return &types.Type{Kind: types.Result, OK: c.Type(t.OK), Err: c.Type(t.Err)}
	case KindMap:
		return &types.Type{Kind: types.Map, Key: c.Type(t.Key), Elem: c.Type(t.Elem)}
	case KindStream:
		return &types.Type{Kind: types.Stream, Elem: c.Type(t.Elem)}
	case KindFuture:
		return &types.Type{Kind: types.Future, Elem: c.Type(t.Elem)}
	case KindTuple:
		return &types.Type{Kind: types.Tuple, Fields: c.fields(t.Fields)}
	case KindRecord:
		return &types.Type{Kind: types.Record, Fields: c.fields(t.Fields)}
	case KindEnum:
		return &types.Type{Kind: types.Enum, Labels: labels(t.Cases)}
	case KindFlags:
		return &types.Type{Kind: types.Flags, Labels: labels(t.Cases)}
	}
	converted := &types.Type{Kind: types.Variant, Cases: make([]types.Case, len(t.Cases))}
	for i, k := range t.Cases {
		converted.Cases[i] = types.Case{Name: k.Name, Type: c.Type(k.Type)}
	}
	return converted
}

func (c *Converter) fields(fs []Field) []types.Field {
	if len(fs) == 0 {
		return nil
	}
	converted := make([]types.Field, len(fs))
	for i, f := range fs {
		converted[i] = types.Field{Name: f.Name, Type: c.Type(f.Type)}
	}
	return converted
}

func labels(cs []Case) []string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = c.Name
	}
	return names
}

// Func converts the type of a function.
func (c *Converter) Func(f *Func) *types.Func {
	return &types.Func{Params: c.fields(f.Params), Result: c.Type(f.Result), Async: f.Async}
}

// Instance converts an interface to the type of an instance of it: its types,
// then its functions under their names in a component.
func (c *Converter) Instance(i *Interface) *types.Instance {
	inst := &types.Instance{}
	for _, d := range i.Types {
		inst.Exports = append(inst.Exports, types.Named{Name: d.Name, Extern: c.typeExtern(d)})
	}
	for _, f := range i.Funcs {
		extern := types.Extern{Sort: types.SortFunc, Func: c.Func(f)}
		inst.Exports = append(inst.Exports, types.Named{Name: f.WireName(), Extern: extern})
	}
	return inst
}

func (c *Converter) typeExtern(d *TypeDef) types.Extern {
	bound := &types.Bound{}
	origin := d.Origin()
	switch {
	case origin.Type.Kind == KindResource && origin == d:
		bound.Resource = c.resource(d)
	case origin.Type.Kind == KindResource:
		bound.Def = &types.Def{Resource: c.resource(d)}
	default:
		bound.Def = &types.Def{Value: c.Named(d)}
	}
	return types.Extern{Sort: types.SortType, Type: bound}
}

// World converts a world to what a component of it imports and exports. The
// imports are in an order in which each comes after what it mentions:
// interfaces by id, types, then what has a plain name.
func (c *Converter) World(w *World) *types.Component {
	t := &types.Component{Exports: c.items(w.Exports)}
	var byID, plain []WorldItem
	for _, i := range w.Imports {
		if i.Name == "" {
			byID = append(byID, i)
		} else {
			plain = append(plain, i)
		}
	}
	t.Imports = c.items(byID)
	for _, d := range w.Types {
		t.Imports = append(t.Imports, types.Named{Name: d.Name, Extern: c.typeExtern(d)})
	}
	t.Imports = append(t.Imports, c.items(plain)...)
	return t
}

func (c *Converter) items(items []WorldItem) []types.Named {
	var named []types.Named
	for _, i := range items {
		extern := types.Extern{Sort: types.SortFunc}
		if i.Func != nil {
			extern.Func = c.Func(i.Func)
		} else {
			extern = types.Extern{Sort: types.SortInstance, Instance: c.Instance(i.Interface)}
		}
		named = append(named, types.Named{Name: i.ID(), Extern: extern})
	}
	return named
}
