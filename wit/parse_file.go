package wit

// file is the production wit-file.
func (p *parser) file() *fileSyntax {
	f := &fileSyntax{}
	f.src = p.src
	for p.tok.kind != tokenEOF {
		if !p.at("package") {
			p.topItem(&f.scopeSyntax)
			continue
		}
		docs := docsIn(p.src.text[p.tok.space:p.tok.start])
		pos := p.tok.start
		pkg := p.packageDecl()
		if p.accept("{") {
			f.nested = append(f.nested, p.nestedPackage(pkg, pos, docs))
			continue
		}
		if !p.at(";") {
			p.failExpected("';' or '{'")
		}
		if f.pkg != nil {
			p.failAt(pos, "the file has a second `package …;`; another package is written `package %s { … }`", pkg)
		}
		if len(f.spans) > 0 || len(f.nested) > 0 {
			p.failAt(pos, "`package …;` must come before everything else in the file")
		}
		p.advance()
		f.pkg, f.pkgPos, f.docs = pkg, pos, docs
	}
	return f
}

func (p *parser) nestedPackage(pkg *packageName, pos int, docs string) *scopeSyntax {
	s := &scopeSyntax{src: p.src, pkg: pkg, pkgPos: pos, docs: docs}
	for !p.accept("}") {
		if p.at("package") {
			p.failAt(p.tok.start, "a package cannot be nested in a nested package")
		}
		p.topItem(s)
	}
	return s
}

// packageDecl is the production package-decl. Nested namespaces and packages
// (foo:bar:baz/quux) become the namespace foo:bar and the name baz/quux.
func (p *parser) packageDecl() *packageName {
	p.expect("package")
	pkg := &packageName{namespace: p.name("the namespace of a package").text}
	p.expect(":")
	pkg.name = p.name("the name of a package").text
	for p.accept(":") {
		pkg.namespace += ":" + pkg.name
		pkg.name = p.name("the name of a package").text
	}
	for p.accept("/") {
		pkg.name += "/" + p.name("the name of a package").text
	}
	if p.accept("@") {
		pkg.version = p.version()
	}
	return pkg
}

// topItem is the production package-items.
func (p *parser) topItem(s *scopeSyntax) {
	start := p.tok.start
	a := p.attributes()
	switch {
	case p.at("use"):
		p.noExternalID(a, "a `use`")
		p.advance()
		u := topUse{path: p.path()}
		u.as = u.path.name
		if p.accept("as") {
			u.as = p.name("a name")
		}
		p.expect(";")
		s.uses = append(s.uses, u)
	case p.at("interface"):
		p.noExternalID(a, "an interface")
		p.advance()
		i := &ifaceSyntax{attributes: a, scope: s, name: p.name("the name of an interface")}
		p.expect("{")
		i.items = p.interfaceItems(s)
		s.ifaces = append(s.ifaces, i)
	case p.at("world"):
		p.noExternalID(a, "a world")
		p.advance()
		w := &worldSyntax{attributes: a, scope: s, name: p.name("the name of a world")}
		p.expect("{")
		w.items = p.worldItems(s)
		s.worlds = append(s.worlds, w)
	default:
		p.failExpected("`interface`, `world`, `use` or `package`")
	}
	s.spans = append(s.spans, span{start, p.end})
}

// path is the production use-path.
func (p *parser) path() pathSyntax {
	first := p.name("the name of an interface or world, or of a package")
	if !p.at(":") {
		return pathSyntax{name: first, pos: first.pos}
	}
	return p.pathAfter(first)
}

// pathAfter reads a path whose first name has been read; the current token is
// the ':' that follows it.
func (p *parser) pathAfter(first name) pathSyntax {
	pkg := &packageName{}
	parts := []name{first}
	for p.accept(":") {
		parts = append(parts, p.name("the name of a package"))
	}
	for _, n := range parts[:len(parts)-1] {
		if pkg.namespace != "" {
			pkg.namespace += ":"
		}
		pkg.namespace += n.text
	}
	pkg.name = parts[len(parts)-1].text
	if !p.at("/") {
		p.failExpected("'/' and the name of an interface or world (a package cannot be named here)")
	}
	p.advance()
	member := p.name("the name of an interface or world")
	for p.accept("/") {
		pkg.name += "/" + member.text
		member = p.name("the name of an interface or world")
	}
	if p.accept("@") {
		pkg.version = p.version()
	}
	return pathSyntax{pkg: pkg, name: member, pos: first.pos}
}
