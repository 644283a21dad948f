package wit

import "strings"

// worldNode is a world while it is resolved.
type worldNode struct {
	index    int
	syntax   *worldSyntax
	scope    *scopeNode
	def      *World
	includes []include
	deps     []int // the included worlds
	depth    int   // of includes in includes
	entries  []*worldEntry
	byName   [2]map[string]*worldEntry     // imports and types; exports: by lower-case name
	byID     [2]map[*ifaceNode]*worldEntry // imports; exports
	copies   map[*worldEntry]*worldEntry   // of an included world's entry, its copy here
	gated    map[string]string
}

type include struct {
	item  *itemSyntax
	world *worldNode
}

// worldEntry is an import, export or type of a world, its own or copied from a
// world that it includes. It is the env of its types: an item that was written
// in an included world sees the names of that world.
type worldEntry struct {
	world *worldNode
	from  *worldEntry // the entry of an included world that this is a copy of
	item  *itemSyntax
	scope *scopeNode
	name  name // after renaming; "" for an interface that is named by its id
	used  name // itemUse: the name that is used
	iface *ifaceNode
	decl  *decl
}

const (
	imports = 0
	exports = 1
)

func (e *worldEntry) file() *scopeNode { return e.scope }

// typeEntry finds the entry of the world that declares a type.
func (e *worldEntry) typeEntry(name string) *worldEntry {
	if e.from != nil {
		if found := e.from.typeEntry(name); found != nil {
			return e.world.copies[found]
		}
		return nil
	}
	if found := e.world.byName[imports][strings.ToLower(name)]; found != nil && found.decl != nil && found.name.text == name {
		return found
	}
	return nil
}

func (e *worldEntry) typeNamed(name string) *decl {
	if found := e.typeEntry(name); found != nil {
		return found.decl
	}
	return nil
}

func (e *worldEntry) describe(name string) string {
	s := "world `" + e.world.def.Name + "`"
	if why, ok := e.world.gated[name]; ok {
		s += ": it is " + why
	}
	return s
}

// spend charges for the expansion of a world.
func (r *resolver) spend(w *worldNode, n int) {
	if r.effort -= n; r.effort < 0 {
		w.scope.fail(w.syntax.name.pos, "the worlds expand to too much: includes and used interfaces multiply")
	}
}

// flattenWorlds gathers the entries of each world, those of the worlds that it
// includes first come first.
func (r *resolver) flattenWorlds() {
	for _, w := range r.worlds {
		w.gated = map[string]string{}
		for _, item := range w.syntax.items {
			if item.kind != itemInclude || r.isOut(w.scope, item.attributes, "", w.gated) {
				continue
			}
			m := r.lookup(w.scope, item.path)
			if m.world == nil {
				w.scope.fail(item.path.pos, "`%s` is an interface, expected a world", item.path)
			}
			w.includes = append(w.includes, include{item, m.world})
			w.deps = append(w.deps, m.world.index)
		}
	}
	order, cycle := dependencyOrder(len(r.worlds), func(i int) []int { return r.worlds[i].deps })
	if cycle != nil {
		names := make([]string, len(cycle))
		for i, n := range cycle {
			names[i] = r.worlds[n].def.Name
		}
		w := r.worlds[cycle[0]]
		w.scope.fail(w.syntax.name.pos, "worlds include each other: %s", cyclePath(names))
	}
	for _, i := range order {
		r.flattenWorld(r.worlds[i])
	}
}

func (r *resolver) flattenWorld(w *worldNode) {
	for side := range w.byName {
		w.byName[side] = map[string]*worldEntry{}
		w.byID[side] = map[*ifaceNode]*worldEntry{}
	}
	w.copies = map[*worldEntry]*worldEntry{}
	next := 0
	for _, item := range w.syntax.items {
		if item.kind != itemInclude {
			r.addItem(w, item)
		} else if next < len(w.includes) && w.includes[next].item == item {
			r.addInclude(w, w.includes[next])
			next++
		}
	}
}

// addItem adds an item that is written in the world.
func (r *resolver) addItem(w *worldNode, item *itemSyntax) {
	if r.isOut(w.scope, item.attributes, item.name.text, w.gated) {
		return
	}
	e := &worldEntry{world: w, item: item, scope: w.scope, name: item.name}
	switch {
	case item.kind == itemUse:
		target := r.lookupInterface(w.scope, item.path)
		for _, rn := range item.names {
			u := &worldEntry{world: w, item: item, scope: w.scope, name: rn.to, used: rn.from, iface: target}
			r.addEntry(w, u, nil)
		}
		return
	case item.iface != nil:
		// Built by addEntry, once for each world that has it.
	case item.kind != itemType && item.fn == nil:
		e.iface = r.lookupInterface(w.scope, item.path)
	}
	r.addEntry(w, e, nil)
}

// addInclude copies the entries of an included world.
func (r *resolver) addInclude(w *worldNode, inc include) {
	w.depth = max(w.depth, inc.world.depth+1)
	to := map[string]rename{}
	for _, rn := range inc.item.names {
		if _, twice := to[rn.from.text]; twice {
			w.scope.fail(rn.from.pos, "the name `%s` is renamed twice", rn.from.text)
		}
		to[rn.from.text] = rn
	}
	renamed := map[string]bool{}
	for _, from := range inc.world.entries {
		r.spend(w, (64+from.item.size)*w.depth)
		e := *from
		e.world, e.from, e.decl = w, from, nil
		if e.item.iface != nil {
			e.iface = nil
		}
		if rn, ok := to[e.name.text]; ok && e.name.text != "" {
			renamed[e.name.text] = true
			e.name = rn.to
		}
		r.addEntry(w, &e, &inc)
	}
	for _, rn := range inc.item.names {
		if !renamed[rn.from.text] {
			w.scope.fail(rn.from.pos, "world `%s` has no import or export with the plain name `%s`", inc.item.path, rn.from.text)
		}
	}
}

// addEntry adds an entry unless it is already there. inc is the include that
// brings it, if any.
func (r *resolver) addEntry(w *worldNode, e *worldEntry, inc *include) {
	side := imports
	if e.item.kind == itemExport {
		side = exports
	}
	pos := e.item.path.pos
	if inc != nil {
		pos = inc.item.path.pos
	} else if e.name.text != "" {
		pos = e.name.pos
	}
	key := strings.ToLower(e.name.text)
	if key == "" {
		if old := w.byID[side][e.iface]; old != nil {
			if inc == nil && old.from == nil {
				w.scope.fail(pos, "interface `%s` is there twice", e.iface.def.ID())
			}
			w.copies[e.from] = old
			return
		}
		w.byID[side][e.iface] = e
	} else {
		if old := w.byName[side][key]; old != nil {
			if inc == nil || !r.sameType(old, e) {
				hint := ""
				if inc != nil {
					hint = "; rename it: `include … with { " + e.name.text + " as … }`"
				}
				w.scope.fail(pos, "the name `%s` is defined twice in world `%s`%s", e.name.text, w.def.Name, hint)
			}
			w.copies[e.from] = old
			return
		}
		w.byName[side][key] = e
	}
	w.entries = append(w.entries, e)
	if e.from != nil {
		w.copies[e.from] = e
	}
	r.declareEntry(w, e)
}

// sameType says whether two entries bring in the same type, which may then be
// there twice: two worlds that one world includes may use the same type.
func (r *resolver) sameType(a, b *worldEntry) bool {
	switch {
	case a.name.text != b.name.text || a.item.kind != b.item.kind:
		return false
	case a.item.kind == itemUse:
		return a.iface == b.iface && a.used.text == b.used.text
	}
	return a.item.kind == itemType && a.item == b.item
}

// declareEntry declares the type or inline interface that an entry has.
func (r *resolver) declareEntry(w *worldNode, e *worldEntry) {
	switch {
	case e.item.kind == itemUse:
		e.decl = r.newDecl(e, &itemSyntax{attributes: e.item.attributes}, e.name)
		e.decl.target = r.usedType(e.scope, e.iface, e.used)
	case e.item.kind == itemType:
		e.decl = r.newDecl(e, e.item, e.name)
	case e.item.iface != nil:
		e.iface = r.newInterface(e.scope, e.item.iface)
		e.iface.def.Package = w.def.Package
		r.linkUses(e.iface)
		return
	default:
		return
	}
	e.decl.def.World = w.def
	w.def.Types = append(w.def.Types, e.decl.def)
}

// elaborateWorlds fills the imports and exports of worlds. An interface that
// another one uses is imported before it, unless both are exported (WIT.md,
// "Transitive imports and worlds").
func (r *resolver) elaborateWorlds() {
	for _, w := range r.worlds {
		x := &elaboration{r: r, w: w}
		for side := range x.done {
			x.done[side] = map[*ifaceNode]bool{}
		}
		for _, e := range w.entries {
			x.add(e)
		}
	}
}

// elaboration is the filling of one world.
type elaboration struct {
	r    *resolver
	w    *worldNode
	done [2]map[*ifaceNode]bool
}

func (x *elaboration) add(e *worldEntry) {
	item := WorldItem{
		Name: e.name.text, Docs: e.item.docs, Stability: e.item.stability, ExternalID: e.item.external(),
	}
	side := imports
	if e.item.kind == itemExport {
		side = exports
	}
	switch {
	case e.item.kind == itemUse:
		x.addUsed(imports, e.iface, e.item.stability)
	case e.item.kind == itemType:
		if e.item.typ.kind == KindResource {
			for _, f := range x.r.buildMethods(e, e.item.typ, e.decl) {
				x.put(imports, WorldItem{Name: f.WireName(), Func: f, Docs: f.Docs, Stability: f.Stability, ExternalID: f.ExternalID})
			}
		}
	case e.item.fn != nil:
		named := *e.item
		named.name = e.name
		item.Func = x.r.buildFunc(e, &named, nil)
		x.put(side, item)
	case e.name.text == "":
		x.addByID(side, e.iface, item)
	default:
		item.Interface = e.iface.def
		for _, u := range e.iface.uses {
			x.addUsed(side, x.r.ifaces[u], e.item.stability)
		}
		x.put(side, item)
	}
}

func (x *elaboration) put(side int, item WorldItem) {
	if side == imports {
		x.w.def.Imports = append(x.w.def.Imports, item)
	} else {
		x.w.def.Exports = append(x.w.def.Exports, item)
	}
}

// addUsed adds an interface that something on the given side uses.
func (x *elaboration) addUsed(side int, n *ifaceNode, s Stability) {
	if side == exports {
		if e := x.w.byID[exports][n]; e != nil {
			x.addByID(exports, n, WorldItem{Docs: e.item.docs, Stability: e.item.stability})
			return
		}
	}
	item := WorldItem{Stability: s}
	if e := x.w.byID[imports][n]; e != nil {
		item = WorldItem{Docs: e.item.docs, Stability: e.item.stability}
	}
	x.addByID(imports, n, item)
}

// addByID adds an interface after those it uses. It keeps its own stack: the
// chains of hostile texts are long.
func (x *elaboration) addByID(side int, n *ifaceNode, item WorldItem) {
	type frame struct {
		side int
		n    *ifaceNode
		item WorldItem
		next int
	}
	if x.done[side][n] {
		return
	}
	x.done[side][n] = true
	stack := []frame{{side: side, n: n, item: item}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.n.uses) {
			top.item.Interface = top.n.def
			x.put(top.side, top.item)
			stack = stack[:len(stack)-1]
			continue
		}
		x.r.spend(x.w, 64)
		u := x.r.ifaces[top.n.uses[top.next]]
		top.next++
		next := frame{side: imports, n: u, item: WorldItem{Stability: top.item.Stability}}
		if top.side == exports && x.w.byID[exports][u] != nil {
			next.side = exports
		}
		if e := x.w.byID[next.side][u]; e != nil {
			next.item = WorldItem{Docs: e.item.docs, Stability: e.item.stability}
		}
		if !x.done[next.side][u] {
			x.done[next.side][u] = true
			stack = append(stack, next)
		}
	}
}
