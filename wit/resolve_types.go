package wit

import "strings"

// buildTypes builds every named type, each after those it is made of.
func (r *resolver) buildTypes() {
	for _, d := range r.decls {
		if d.syntax == nil {
			d.deps = []int{d.target.index}
			continue
		}
		if d.syntax.kind == KindRef {
			d.target = r.findType(d.env, d.syntax.name)
		}
		r.addDeps(d, d.syntax)
	}
	order, cycle := dependencyOrder(len(r.decls), func(i int) []int { return r.decls[i].deps })
	if cycle != nil {
		names := make([]string, len(cycle))
		for i, n := range cycle {
			names[i] = r.decls[n].def.Name
		}
		d := r.decls[cycle[0]]
		d.env.file().fail(d.pos, "the type refers to itself: %s", cyclePath(names))
	}
	for _, i := range order {
		r.buildDecl(r.decls[i])
	}
}

// addDeps notes the named types that t mentions.
func (r *resolver) addDeps(d *decl, t *typeSyntax) {
	if t == nil {
		return
	}
	if t.name.text != "" {
		d.deps = append(d.deps, r.findType(d.env, t.name).index)
	}
	for _, sub := range []*typeSyntax{t.elem, t.key, t.ok, t.err} {
		r.addDeps(d, sub)
	}
	for _, f := range t.fields {
		r.addDeps(d, f.typ)
	}
	for _, c := range t.cases {
		r.addDeps(d, c.typ)
	}
}

func (r *resolver) findType(e env, n name) *decl {
	d := e.typeNamed(n.text)
	if d == nil {
		e.file().fail(n.pos, "there is no type `%s` in %s", n.text, e.describe(n.text))
	}
	return d
}

func (r *resolver) buildDecl(d *decl) {
	for _, dep := range d.deps {
		d.depth = max(d.depth, r.decls[dep].depth+1)
	}
	if d.depth > maxNameDepth {
		d.env.file().fail(d.pos, "named types nest deeper than %d", maxNameDepth)
	}
	switch {
	case d.target != nil:
		d.resource, d.borrows = d.target.resource, d.target.borrows
		d.def.Type = &Type{Kind: KindAlias, Elem: refTo(d.target)}
		if d.resource {
			d.def.Type.Def = d.target.def
		}
	case d.syntax.kind < KindList: // a primitive
		d.def.Type = &Type{Kind: KindAlias, Elem: &Type{Kind: d.syntax.kind}}
	default:
		d.resource = d.syntax.kind == KindResource
		d.def.Type = r.buildType(d.env, d.syntax, &d.borrows)
	}
}

// refTo is a bare use of a named type.
func refTo(d *decl) *Type {
	if d.resource {
		return &Type{Kind: KindOwn, Def: d.def}
	}
	return &Type{Kind: KindRef, Def: d.def}
}

// buildType builds a type and notes whether there is a borrow in it.
func (r *resolver) buildType(e env, s *typeSyntax, borrows *bool) *Type {
	if s == nil {
		return nil
	}
	t := &Type{Kind: s.kind, Len: s.len}
	switch s.kind {
	case KindRef, KindOwn, KindBorrow:
		d := r.findType(e, s.name)
		*borrows = *borrows || d.borrows || s.kind == KindBorrow
		if s.kind == KindRef {
			return refTo(d)
		}
		if !d.resource {
			e.file().fail(s.name.pos, "`%s` is not a resource, expected one", s.name.text)
		}
		t.Def = d.def
		return t
	}
	t.Elem, t.Key = r.buildType(e, s.elem, borrows), r.buildType(e, s.key, borrows)
	t.OK, t.Err = r.buildType(e, s.ok, borrows), r.buildType(e, s.err, borrows)
	seen := map[string]bool{}
	for _, f := range s.fields {
		r.checkMember(e, seen, f.name)
		t.Fields = append(t.Fields, Field{Name: f.name.text, Docs: f.docs, Type: r.buildType(e, f.typ, borrows)})
	}
	for _, c := range s.cases {
		r.checkMember(e, seen, c.name)
		t.Cases = append(t.Cases, Case{Name: c.name.text, Docs: c.docs, Type: r.buildType(e, c.typ, borrows)})
	}
	return t
}

// checkMember refuses a second member of the same name; elements of tuples have
// none.
func (r *resolver) checkMember(e env, seen map[string]bool, n name) {
	if n.text == "" {
		return
	}
	key := strings.ToLower(n.text)
	if seen[key] {
		e.file().fail(n.pos, "the name `%s` is there twice", n.text)
	}
	seen[key] = true
}

// buildFuncs builds the functions of interfaces: first those outside resources.
func (r *resolver) buildFuncs() {
	for _, n := range r.ifaces {
		for _, item := range n.syntax.items {
			if item.kind == itemFunc && !r.isOut(n.scope, item.attributes, "", n.gated) {
				n.def.Funcs = append(n.def.Funcs, r.buildFunc(n, item, nil))
			}
		}
		for _, item := range n.syntax.items {
			if item.kind == itemType && item.typ.kind == KindResource && !r.isOut(n.scope, item.attributes, "", n.gated) {
				n.def.Funcs = append(n.def.Funcs, r.buildMethods(n, item.typ, n.typeNamed(item.name.text))...)
			}
		}
	}
}

// buildMethods builds the functions of a resource.
func (r *resolver) buildMethods(e env, s *typeSyntax, resource *decl) []*Func {
	var funcs []*Func
	seen := map[string]bool{}
	for _, m := range s.methods {
		if r.isOut(e.file(), m.attributes, "", map[string]string{}) {
			continue
		}
		key := strings.ToLower(m.name.text) // "" for the constructor
		if seen[key] && key == "" {
			e.file().fail(m.name.pos, "the resource has a second constructor")
		} else if seen[key] {
			e.file().fail(m.name.pos, "the name `%s` is there twice", m.name.text)
		}
		seen[key] = true
		funcs = append(funcs, r.buildFunc(e, m, resource))
	}
	return funcs
}

// buildFunc builds a function; resource is nil for one that is not in any.
func (r *resolver) buildFunc(e env, item *itemSyntax, resource *decl) *Func {
	s := item.fn
	f := &Func{
		Name: item.name.text, Kind: s.kind, Async: s.async,
		Docs: item.docs, Stability: item.stability, ExternalID: item.external(),
	}
	seen := map[string]bool{}
	if resource != nil {
		f.Resource = resource.def
	}
	if s.kind == Method {
		seen["self"] = true
		f.Params = append(f.Params, Field{Name: "self", Type: &Type{Kind: KindBorrow, Def: resource.def}})
	}
	var borrows bool
	for _, p := range s.params {
		r.checkMember(e, seen, p.name)
		f.Params = append(f.Params, Field{Name: p.name.text, Type: r.buildType(e, p.typ, &borrows)})
	}
	borrows = false
	f.Result = r.buildType(e, s.result, &borrows)
	if borrows {
		e.file().fail(s.result.pos, "a result cannot have a borrow in it")
	}
	if s.kind != Constructor {
		return f
	}
	if s.result == nil {
		f.Result = refTo(resource)
	} else if f.Result.Kind != KindResult || f.Result.OK == nil || f.Result.OK.Kind != KindOwn || f.Result.OK.Def != resource.def {
		e.file().fail(s.result.pos, "a constructor has no written result, or a `result` of `%s`", resource.def.Name)
	}
	return f
}
