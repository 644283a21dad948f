package bindgen

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/wit"
)

// side says who implements what a unit describes.
type side uint8

const (
	importSide side = iota // the guest imports it, the host implements it
	exportSide             // the guest exports it, the host calls it
)

// generator generates one Go package.
type generator struct {
	opts    Options
	planned map[*wit.Package]*plan // of bound packages
	out     *plan                  // of the package being generated

	shapes     map[string]*shape
	shapeNames *scope
	needed     map[need]string // names of functions
	funcNames  *scope
	queue      []need
	typed      map[*shape]bool
	typeTable  printer
}

// plan says which Go names a package gives to what it binds.
type plan struct {
	target Target
	units  []*unit
	named  map[namedKey]*named
	scope  *scope
}

// unit is one interface, or what stands at the root of a world, on one side.
type unit struct {
	plan     *plan
	iface    *wit.Interface // nil at the root of a world
	world    *wit.World     // set at the root of a world
	side     side
	wire     string // "wasi:io/streams@0.2.12", "" at the root
	goName   string // "Streams"
	file     string // "streams"
	docs     string
	types    []*wit.TypeDef
	funcs    []*wit.Func
	declared []*named // in order; those that use another's Go type are not here
	bindings []*function

	host string // name of the host interface, "" when it would be empty
	link string // name of the function that links the interface
	// On the export side.
	caller string  // name of the struct with the callers
	find   string  // name of the function that finds the export
	needs  []*unit // export units whose resources this one uses
}

// namedKey identifies a named type: a resource means another Go type on each side.
type namedKey struct {
	def  *wit.TypeDef
	side side
}

// named is the Go declaration of a named WIT type.
type named struct {
	def    *wit.TypeDef
	unit   *unit
	goName string
	// typeVar is the variable with a host resource's identity; for a guest's
	// resource it is the field of the caller that holds it.
	typeVar string
	tag     string   // the type of a variant's tag
	cases   []string // constants of a variant, enum or flags
	fields  []string // fields of a record; of a variant, by case
	isError bool     // it is the error type of some function of its package
}

// guest reports whether it is a resource that a guest implements.
func (n *named) guest() bool {
	return n.def.Type.Kind == wit.KindResource && n.unit.side == exportSide
}

// function is a WIT function with its Go names.
type function struct {
	unit   *unit
	def    *wit.Func
	wire   string // "[method]input-stream.read"
	goName string // method name
	ident  string // unique in the package: "InputStreamRead"
	params []string
	res    *named // the resource of a method, static or constructor

	ok, err *wit.Type // of a result that is split into a value and an error
	split   bool
}

// plan decides the Go names of a target.
func (g *generator) plan(t Target) (*plan, error) {
	pkg, err := g.findPackage(t.WIT)
	if err != nil {
		return nil, err
	}
	p := &plan{target: t, named: make(map[namedKey]*named), scope: newScope()}
	if t.World == "" {
		err = p.addPackage(pkg)
	} else {
		err = g.addWorld(p, pkg)
	}
	if err != nil {
		return nil, err
	}
	p.nameUnits()
	p.nameTypes()
	p.markErrors()
	for _, u := range p.units {
		if err := p.nameUnitAPI(u); err != nil {
			return nil, err
		}
	}
	for _, u := range p.units {
		p.nameParts(u)
	}
	return p, nil
}

// planFor returns the plan of a bound package as the reader saw it.
func (g *generator) planFor(pkg *wit.Package) (*plan, error) {
	if p, ok := g.planned[pkg]; ok {
		return p, nil
	}
	t, ok := g.bound(pkg)
	if !ok {
		return nil, nil
	}
	t.WIT = packageID(pkg)
	p, err := g.plan(t)
	if err != nil {
		return nil, err
	}
	g.planned[pkg] = p
	return p, nil
}

func (p *plan) addPackage(pkg *wit.Package) error {
	exported := setOf(p.target.Exports...)
	for _, i := range pkg.Interfaces {
		if !exported[i.Name] {
			p.addInterface(i, i.Name, importSide)
		}
	}
	for _, i := range pkg.Interfaces {
		if exported[i.Name] {
			p.addInterface(i, i.Name, exportSide)
			delete(exported, i.Name)
		}
	}
	for name := range exported {
		return fmt.Errorf("package %s has no interface %q to export", packageID(pkg), name)
	}
	return nil
}

// addWorld adds the interfaces of a world that are not bound elsewhere, and the
// interfaces that those use.
func (g *generator) addWorld(p *plan, pkg *wit.Package) error {
	var w *wit.World
	var have []string
	for _, c := range pkg.Worlds {
		have = append(have, c.Name)
		if c.Name == p.target.World {
			w = c
		}
	}
	if w == nil {
		return fmt.Errorf("package %s has no world %q; it has: %s", packageID(pkg), p.target.World, strings.Join(have, ", "))
	}
	imports := &unit{plan: p, world: w, side: importSide, file: fileName(w.Name), docs: w.Docs, types: w.Types}
	exports := &unit{plan: p, world: w, side: exportSide, file: fileName(w.Name) + "_export"}
	for _, item := range w.Imports {
		switch {
		case item.Func != nil:
			imports.funcs = append(imports.funcs, item.Func)
		case item.Interface.Name == "" || !g.isBound(item.Interface, importSide):
			p.addInterface(item.Interface, item.Name, importSide)
		}
	}
	for _, item := range w.Exports {
		switch {
		case item.Func != nil:
			exports.funcs = append(exports.funcs, item.Func)
		case item.Interface.Name == "" || !g.isBound(item.Interface, exportSide):
			p.addInterface(item.Interface, item.Name, exportSide)
		}
	}
	if len(imports.types)+len(imports.funcs) > 0 {
		p.units = append(p.units, imports)
	}
	if len(exports.funcs) > 0 {
		p.units = append(p.units, exports)
	}
	g.addUsed(p)
	return nil
}

// isBound reports whether another package binds i on that side.
func (g *generator) isBound(i *wit.Interface, s side) bool {
	t, ok := g.bound(i.Package)
	if !ok {
		return false
	}
	for _, name := range t.Exports {
		if name == i.Name {
			return s == exportSide
		}
	}
	return s == importSide
}

// addUsed adds the interfaces whose types are used but that are neither in the
// plan nor bound elsewhere: a world imports them implicitly.
func (g *generator) addUsed(p *plan) {
	for n := 0; n < len(p.units); n++ {
		for _, def := range p.units[n].types {
			origin := followUses(def)
			if i := origin.Interface; origin != def && i != nil && i.Name != "" &&
				p.unitOf(i, importSide) == nil && p.unitOf(i, exportSide) == nil && !g.isBound(i, importSide) {
				p.addInterface(i, i.Name, importSide)
			}
		}
	}
}

// addInterface adds a unit. itemName is the plain name of an inline interface,
// or of one that a world imports under a name of its own.
func (p *plan) addInterface(i *wit.Interface, itemName string, s side) {
	if p.unitOf(i, s) != nil {
		return
	}
	u := &unit{plan: p, iface: i, side: s, docs: i.Docs, types: i.Types, funcs: i.Funcs}
	name := i.Name
	if name == "" {
		name = itemName
		u.wire = itemName
	} else {
		u.wire = i.Package.Namespace + ":" + i.Package.Name + "/" + i.Name
		if i.Package.Version != "" {
			u.wire += "@" + i.Package.Version
		}
	}
	u.goName, u.file = camel(name), fileName(name)
	if s == exportSide {
		u.file += "_export"
	}
	p.units = append(p.units, u)
}

func (p *plan) unitOf(i *wit.Interface, s side) *unit {
	for _, u := range p.units {
		if u.iface == i && u.side == s {
			return u
		}
	}
	return nil
}

// nameUnits gives units of different packages with one name different Go names:
// package and interface. Roots of worlds get the world's name.
func (p *plan) nameUnits() {
	files := newScope()
	for n, u := range p.units {
		if u.iface == nil {
			u.goName = camel(u.world.Name)
			for _, other := range p.units {
				if other != u && other.iface != nil && other.goName == u.goName {
					u.goName += "World"
					break
				}
			}
		}
		for _, other := range p.units[:n] {
			if u.iface != nil && other.iface != nil && other.iface != u.iface && other.goName == u.goName {
				u.goName = camel(u.iface.Package.Name) + u.goName
				u.file = fileName(u.iface.Package.Name) + "_" + u.file
				break
			}
		}
		u.file = files.pick(u.file)
	}
}

// followUses returns the definition that a `use`d name stands for.
func followUses(def *wit.TypeDef) *wit.TypeDef {
	for {
		next := aliased(def)
		if next == nil || next.Interface == def.Interface && next.World == def.World {
			return def
		}
		def = next
	}
}

// aliased returns the definition that an alias names directly, or nil.
func aliased(def *wit.TypeDef) *wit.TypeDef {
	t := def.Type
	if t.Kind != wit.KindAlias {
		return nil
	}
	if t.Elem != nil {
		return t.Elem.Def
	}
	return t.Def
}

// origin returns the definition behind all aliases; its Type is not a
// KindAlias unless it is an alias of a type that has no name.
func origin(def *wit.TypeDef) *wit.TypeDef {
	for {
		next := aliased(def)
		if next == nil {
			return def
		}
		def = next
	}
}

// nameTypes gives every type that the package declares a Go name. A name that
// two units declare is prefixed with the unit's name in both.
func (p *plan) nameTypes() {
	count := make(map[string]int)
	p.eachDeclared(func(u *unit, def *wit.TypeDef) { count[camel(def.Name)]++ })
	p.eachDeclared(func(u *unit, def *wit.TypeDef) {
		want := camel(def.Name)
		prefixed := u.goName + want
		if p.bothSides(u) && u.side == exportSide {
			prefixed = "Exported" + want
		}
		n := &named{def: def, unit: u}
		switch {
		case count[want] == 1 || p.bothSides(u) && u.side == importSide:
			n.goName = p.scope.pick(want, prefixed)
		default:
			n.goName = p.scope.pick(prefixed)
		}
		p.named[namedKey{def, u.side}] = n
		u.declared = append(u.declared, n)
	})
	// Types without resources are the same Go type on both sides.
	for _, u := range p.units {
		for _, def := range u.types {
			key := namedKey{def, u.side}
			if followUses(def) == def && p.named[key] == nil {
				p.named[key] = p.named[namedKey{def, importSide}]
			}
		}
	}
}

// eachDeclared calls f for the types that units declare in Go.
func (p *plan) eachDeclared(f func(u *unit, def *wit.TypeDef)) {
	for _, u := range p.units {
		for _, def := range u.types {
			if followUses(def) != def || u.side == exportSide && p.bothSides(u) && !hasResource(def.Type) {
				continue
			}
			f(u, def)
		}
	}
}

// bothSides reports whether u's interface is both imported and exported.
func (p *plan) bothSides(u *unit) bool {
	return u.iface != nil && p.unitOf(u.iface, importSide) != nil && p.unitOf(u.iface, exportSide) != nil
}

// hasResource reports whether a handle may be inside a value of type t.
func hasResource(t *wit.Type) bool {
	if t == nil {
		return false
	}
	switch t.Kind {
	case wit.KindOwn, wit.KindBorrow, wit.KindResource:
		return true
	case wit.KindRef:
		return hasResource(t.Def.Type)
	case wit.KindAlias:
		if t.Def != nil {
			return true
		}
	}
	for _, f := range t.Fields {
		if hasResource(f.Type) {
			return true
		}
	}
	for _, c := range t.Cases {
		if hasResource(c.Type) {
			return true
		}
	}
	return hasResource(t.Elem) || hasResource(t.Key) || hasResource(t.OK) || hasResource(t.Err)
}

// markErrors finds the types that are the error of some function's result.
func (p *plan) markErrors() {
	for _, u := range p.units {
		for _, f := range u.funcs {
			_, err, split := splitResult(f)
			if !split || err == nil || err.Kind != wit.KindRef {
				continue
			}
			def := origin(err.Def)
			for _, s := range []side{importSide, exportSide} {
				if n := p.named[namedKey{def, s}]; n != nil && canBeError(def) {
					n.isError = true
				}
			}
		}
	}
}

func canBeError(def *wit.TypeDef) bool {
	switch def.Type.Kind {
	case wit.KindEnum, wit.KindVariant, wit.KindRecord, wit.KindFlags:
		return true
	}
	return false
}

// splitResult reports whether f's result is a Go value and an error, and their types.
func splitResult(f *wit.Func) (ok, err *wit.Type, split bool) {
	t := bare(f.Result)
	if t == nil || t.Kind != wit.KindResult {
		return f.Result, nil, false
	}
	return t.OK, t.Err, true
}

// bare removes names and aliases of types that are no named Go type: options,
// results, tuples, lists and primitives.
func bare(t *wit.Type) *wit.Type {
	for t != nil {
		switch {
		case t.Kind == wit.KindAlias && t.Elem != nil:
			t = t.Elem
		case t.Kind == wit.KindRef && t.Def.Type.Kind != wit.KindRecord && t.Def.Type.Kind != wit.KindVariant &&
			t.Def.Type.Kind != wit.KindEnum && t.Def.Type.Kind != wit.KindFlags:
			t = t.Def.Type
		default:
			return t
		}
	}
	return t
}
