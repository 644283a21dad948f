package wit

import (
	"fmt"
	"slices"
	"strings"
)

// resolver turns syntax into the model. Its steps: gather packages; declare
// interfaces, worlds and the names in them; link names to declarations; put
// types in dependency order and build them; then functions and worlds. Its
// methods panic with *Error like those of the parser.
type resolver struct {
	config Config
	out    *Resolve
	pkgs   []*packageNode
	byName map[packageName]*packageNode
	ifaces []*ifaceNode // all, those written inline in worlds too
	worlds []*worldNode
	decls  []*decl
	effort int // what is left to spend on includes and transitive imports
}

// maxEffort bounds what worlds may expand to: an include of an include of an …
// grows with the square of the text.
const maxEffort = 256 << 20

// packageNode is a package while it is resolved.
type packageNode struct {
	index   int
	name    packageName
	def     *Package
	scopes  []*scopeNode
	members map[string]*member // by lower-case name
	gated   map[string]string  // what is left out, and why
	deps    []int
	hasDep  map[int]bool
	first   *source
}

// member is an interface or world of a package.
type member struct {
	name  string
	iface *ifaceNode
	world *worldNode
}

// scopeNode is a scopeSyntax with the file-level names in it.
type scopeNode struct {
	*scopeSyntax
	pkg  *packageNode
	uses map[string]pathSyntax
}

func (c Config) resolve(groups []group) (out *Resolve, err error) {
	r := &resolver{config: c, out: &Resolve{}, byName: map[packageName]*packageNode{}, effort: maxEffort}
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(*Error)
			if !ok {
				panic(p)
			}
			out, err = nil, e
		}
	}()
	for _, g := range groups {
		r.addGroup(g)
	}
	for _, p := range r.pkgs {
		r.declareMembers(p)
	}
	r.linkInterfaces()
	r.flattenWorlds()
	r.buildTypes()
	r.buildFuncs()
	r.elaborateWorlds()
	r.orderPackages()
	return r.out, nil
}

func (s *scopeNode) fail(pos int, format string, args ...any) {
	panic(s.src.errorAt(pos, format, args...))
}

// addGroup adds the package that the files of g make up, and those nested in it.
func (r *resolver) addGroup(g group) {
	var pkg *packageName
	var docs []string
	var scopes []*scopeSyntax
	var nested []*scopeSyntax
	items := false
	for _, f := range g.files {
		if f.pkg != nil {
			if pkg != nil && *f.pkg != *pkg {
				panic(f.src.errorAt(f.pkgPos, "the package is `%s` here and `%s` in another file of the same directory", f.pkg, pkg))
			}
			pkg = f.pkg
			if f.docs != "" {
				docs = append(docs, f.docs)
			}
		}
		items = items || len(f.spans) > 0
		scopes = append(scopes, &f.scopeSyntax)
		nested = append(nested, f.nested...)
	}
	for _, s := range nested {
		r.addPackage(*s.pkg, s.docs, []*scopeSyntax{s})
	}
	r.out.Root = nil
	switch {
	case pkg != nil:
		r.out.Root = r.addPackage(*pkg, strings.Join(docs, "\n"), scopes)
	case items || len(nested) == 0:
		panic(&Error{File: g.name, Msg: "there is no `package …;` at the top of any file of this package"})
	}
}

func (r *resolver) addPackage(n packageName, docs string, scopes []*scopeSyntax) *Package {
	if old := r.byName[n]; old != nil {
		var have []*scopeSyntax
		for _, s := range old.scopes {
			have = append(have, s.scopeSyntax)
		}
		if !slices.Equal(contents(have), contents(scopes)) {
			s := scopes[0]
			panic(s.src.errorAt(s.pkgPos, "package `%s` is defined a second time with other contents (the first is in %s)", n, old.first.name))
		}
		return old.def
	}
	p := &packageNode{
		index: len(r.pkgs), name: n, first: scopes[0].src,
		def:     &Package{Namespace: n.namespace, Name: n.name, Version: n.version, Docs: docs},
		members: map[string]*member{}, gated: map[string]string{}, hasDep: map[int]bool{},
	}
	for _, s := range scopes {
		p.scopes = append(p.scopes, &scopeNode{scopeSyntax: s, pkg: p})
	}
	r.pkgs = append(r.pkgs, p)
	r.byName[n] = p
	return p.def
}

// contents are the items of a package as sorted text without white space, to
// tell whether two copies of a package are the same.
func contents(scopes []*scopeSyntax) []string {
	var all []string
	for _, s := range scopes {
		for _, sp := range s.spans {
			var b strings.Builder
			l := lexer{src: s.src, pos: sp.start}
			for t := l.next(); t.kind != tokenEOF && t.end <= sp.end; t = l.next() {
				b.WriteString(s.src.text[t.start:t.end])
				b.WriteByte(' ')
			}
			all = append(all, b.String())
		}
	}
	slices.Sort(all)
	return all
}

// declareMembers declares the interfaces and worlds of a package.
func (r *resolver) declareMembers(p *packageNode) {
	for _, s := range p.scopes {
		for _, i := range s.ifaces {
			if r.isOut(s, i.attributes, i.name.text, p.gated) {
				continue
			}
			n := r.newInterface(s, i)
			r.addMember(s, i.name, &member{name: i.name.text, iface: n})
			p.def.Interfaces = append(p.def.Interfaces, n.def)
		}
		for _, w := range s.worlds {
			if r.isOut(s, w.attributes, w.name.text, p.gated) {
				continue
			}
			def := &World{Name: w.name.text, Package: p.def, Docs: w.docs, Stability: w.stability}
			n := &worldNode{index: len(r.worlds), syntax: w, scope: s, def: def}
			r.worlds = append(r.worlds, n)
			r.addMember(s, w.name, &member{name: w.name.text, world: n})
			p.def.Worlds = append(p.def.Worlds, def)
		}
	}
	for _, s := range p.scopes {
		r.declareUses(s)
	}
}

// declareUses declares the names of `use` at file level. They must differ from
// each other and from what the file defines; they win over what other files of
// the package define.
func (r *resolver) declareUses(s *scopeNode) {
	s.uses = map[string]pathSyntax{}
	here := map[string]bool{}
	for _, i := range s.ifaces {
		here[strings.ToLower(i.name.text)] = true
	}
	for _, w := range s.worlds {
		here[strings.ToLower(w.name.text)] = true
	}
	for _, u := range s.scopeSyntax.uses {
		key := strings.ToLower(u.as.text)
		if here[key] {
			s.fail(u.as.pos, "the name `%s` is defined twice in this file", u.as.text)
		}
		here[key] = true
		s.uses[u.as.text] = u.path
	}
}

func (r *resolver) addMember(s *scopeNode, n name, m *member) {
	key := strings.ToLower(n.text)
	if s.pkg.members[key] != nil {
		s.fail(n.pos, "the name `%s` is defined twice in package `%s`", n.text, s.pkg.name)
	}
	s.pkg.members[key] = m
}

// isOut says whether a gate leaves the item out, and notes why under its name.
func (r *resolver) isOut(s *scopeNode, a attributes, name string, why map[string]string) bool {
	st := a.stability
	if (st.Since != "" || st.Deprecated != "") && s.pkg.name.version == "" {
		s.fail(a.pos, "a gate with a version needs a package with a version, as in `package %s@1.0.0`", s.pkg.name)
	}
	if st.Unstable != "" && !r.config.AllFeatures && !slices.Contains(r.config.Features, st.Unstable) {
		why[name] = fmt.Sprintf("@unstable(feature = %s), which is not enabled", st.Unstable)
		return true
	}
	if st.Since != "" {
		since, _ := parseVersion(st.Since)
		if current, _ := parseVersion(s.pkg.name.version); current.less(since) {
			why[name] = fmt.Sprintf("@since(version = %s), later than the package", st.Since)
			return true
		}
	}
	return false
}

// lookup finds what a path names.
func (r *resolver) lookup(s *scopeNode, p pathSyntax) *member {
	pos := p.pos
	if p.pkg == nil {
		used, ok := s.uses[p.name.text]
		if !ok {
			return r.lookupMember(s, s.pkg, p.name.text, pos)
		}
		if used.pkg == nil {
			return r.lookupMember(s, s.pkg, used.name.text, used.pos)
		}
		p, pos = used, used.pos
	}
	target := r.byName[*p.pkg]
	if target == nil {
		s.fail(pos, "package `%s` is not found%s", p.pkg, r.otherVersions(*p.pkg))
	}
	if target != s.pkg && !s.pkg.hasDep[target.index] {
		s.pkg.hasDep[target.index] = true
		s.pkg.deps = append(s.pkg.deps, target.index)
	}
	return r.lookupMember(s, target, p.name.text, pos)
}

func (r *resolver) otherVersions(n packageName) string {
	for _, p := range r.pkgs {
		if p.name.namespace == n.namespace && p.name.name == n.name {
			return fmt.Sprintf("; there is `%s`", p.name)
		}
	}
	return "; put it in the folder deps or write it as `package … { … }`"
}

func (r *resolver) lookupMember(s *scopeNode, p *packageNode, name string, pos int) *member {
	m := p.members[strings.ToLower(name)]
	if m == nil || m.name != name {
		why := ""
		if gate, ok := p.gated[name]; ok {
			why = ": it is " + gate
		}
		s.fail(pos, "there is no interface or world `%s` in package `%s`%s", name, p.name, why)
	}
	return m
}

func (r *resolver) lookupInterface(s *scopeNode, p pathSyntax) *ifaceNode {
	m := r.lookup(s, p)
	if m.iface == nil {
		s.fail(p.pos, "`%s` is a world, expected an interface", p)
	}
	return m.iface
}

// orderPackages puts the packages in dependency order.
func (r *resolver) orderPackages() {
	order, cycle := dependencyOrder(len(r.pkgs), func(i int) []int { return r.pkgs[i].deps })
	if cycle != nil {
		p := r.pkgs[cycle[0]]
		names := make([]string, len(cycle))
		for i, n := range cycle {
			names[i] = r.pkgs[n].name.String()
		}
		s := p.scopes[0]
		s.fail(s.pkgPos, "packages depend on each other: %s", cyclePath(names))
	}
	for _, i := range order {
		r.out.Packages = append(r.out.Packages, r.pkgs[i].def)
	}
}

// cyclePath shows a cycle, shortened when it is long.
func cyclePath(names []string) string {
	first := names[0]
	if len(names) > 8 {
		names = append(slices.Clone(names[:7]), "…")
	}
	return strings.Join(names, " → ") + " → " + first
}
