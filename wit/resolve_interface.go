package wit

import "strings"

// ifaceNode is an interface while it is resolved.
type ifaceNode struct {
	index  int
	syntax *ifaceSyntax
	scope  *scopeNode
	def    *Interface
	names  map[string]*decl  // types, by lower-case name
	funcs  map[string]bool   // functions, by lower-case name
	gated  map[string]string // what is left out, and why
	uses   []int             // the interfaces it uses, in order
}

// decl is a named type while it is resolved.
type decl struct {
	index    int
	def      *TypeDef
	env      env
	pos      int
	syntax   *typeSyntax // nil for a used name
	target   *decl       // what a `use` or `type a = b` stands for
	deps     []int
	depth    int // of named types within it
	resource bool
	borrows  bool // whether a borrow is in it
}

// env is where the names of types are looked up.
type env interface {
	file() *scopeNode
	// typeNamed finds a type; nil when there is none.
	typeNamed(name string) *decl
	// describe says what env is and why name may be missing from it.
	describe(name string) string
}

func (n *ifaceNode) file() *scopeNode { return n.scope }

func (n *ifaceNode) typeNamed(name string) *decl {
	if d := n.names[strings.ToLower(name)]; d != nil && d.def.Name == name {
		return d
	}
	return nil
}

func (n *ifaceNode) describe(name string) string {
	s := "the interface"
	if n.def.Name != "" {
		s = "interface `" + n.def.Name + "`"
	}
	if n.funcs[strings.ToLower(name)] {
		s += ": it is a function"
	}
	if why, ok := n.gated[name]; ok {
		s += ": it is " + why
	}
	return s
}

func (r *resolver) newInterface(s *scopeNode, i *ifaceSyntax) *ifaceNode {
	n := &ifaceNode{
		index: len(r.ifaces), syntax: i, scope: s,
		def:   &Interface{Name: i.name.text, Package: s.pkg.def, Docs: i.docs, Stability: i.stability},
		names: map[string]*decl{}, funcs: map[string]bool{}, gated: map[string]string{},
	}
	r.ifaces = append(r.ifaces, n)
	for _, item := range i.items {
		switch item.kind {
		case itemUse:
			for _, rn := range item.names {
				if !r.isOut(s, item.attributes, rn.to.text, n.gated) {
					n.declare(r, item, rn.to)
				}
			}
		case itemType:
			if !r.isOut(s, item.attributes, item.name.text, n.gated) {
				n.declare(r, item, item.name)
			}
		case itemFunc:
			if !r.isOut(s, item.attributes, item.name.text, n.gated) {
				n.checkNew(item.name)
				n.funcs[strings.ToLower(item.name.text)] = true
			}
		}
	}
	return n
}

func (n *ifaceNode) checkNew(nm name) {
	key := strings.ToLower(nm.text)
	if n.names[key] != nil || n.funcs[key] {
		n.scope.fail(nm.pos, "the name `%s` is defined twice", nm.text)
	}
}

func (n *ifaceNode) declare(r *resolver, item *itemSyntax, nm name) {
	n.checkNew(nm)
	d := r.newDecl(n, item, nm)
	d.def.Interface = n.def
	n.names[strings.ToLower(nm.text)] = d
	n.def.Types = append(n.def.Types, d.def)
}

func (r *resolver) newDecl(e env, item *itemSyntax, nm name) *decl {
	d := &decl{
		index: len(r.decls), env: e, pos: nm.pos, syntax: item.typ,
		def: &TypeDef{Name: nm.text, Docs: item.docs, Stability: item.stability, ExternalID: item.external()},
	}
	r.decls = append(r.decls, d)
	return d
}

func (a *attributes) external() *string {
	if !a.hasID {
		return nil
	}
	return &a.externalID
}

// linkInterfaces finds what each `use` stands for. Interfaces that use each
// other in a cycle are refused.
func (r *resolver) linkInterfaces() {
	for _, n := range r.ifaces {
		r.linkUses(n)
	}
	r.checkInterfaceCycles()
}

func (r *resolver) linkUses(n *ifaceNode) {
	seen := map[int]bool{}
	for _, item := range n.syntax.items {
		if item.kind != itemUse || r.isOut(n.scope, item.attributes, "", n.gated) {
			continue
		}
		target := r.lookupInterface(n.scope, item.path)
		if !seen[target.index] {
			seen[target.index] = true
			n.uses = append(n.uses, target.index)
		}
		for _, rn := range item.names {
			n.typeNamed(rn.to.text).target = r.usedType(n.scope, target, rn.from)
		}
	}
}

// usedType finds a type that a `use` names.
func (r *resolver) usedType(s *scopeNode, target *ifaceNode, nm name) *decl {
	d := target.typeNamed(nm.text)
	if d == nil {
		s.fail(nm.pos, "there is no type `%s` in %s", nm.text, target.describe(nm.text))
	}
	return d
}

func (r *resolver) checkInterfaceCycles() {
	_, cycle := dependencyOrder(len(r.ifaces), func(i int) []int { return r.ifaces[i].uses })
	if cycle == nil {
		return
	}
	names := make([]string, len(cycle))
	for i, n := range cycle {
		names[i] = r.ifaces[n].def.Name
	}
	n := r.ifaces[cycle[0]]
	n.scope.fail(n.syntax.name.pos, "interfaces use each other: %s", cyclePath(names))
}
