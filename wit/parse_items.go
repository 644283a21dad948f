package wit

// interfaceItems reads the items of an interface up to and with its '}'.
func (p *parser) interfaceItems(s *scopeSyntax) []*itemSyntax {
	var items []*itemSyntax
	for !p.accept("}") {
		a := p.attributes()
		var item *itemSyntax
		switch {
		case p.at("use"):
			p.noExternalID(a, "a `use`")
			item = p.useItem()
		case p.tok.kind == tokenWord && typeItems[p.text(p.tok)]:
			item = p.typeItem()
		case p.tok.kind == tokenEscaped || p.tok.kind == tokenWord && !keywords[p.text(p.tok)]:
			item = p.funcItem("the name of a function")
		default:
			p.failExpected("`use`, a type, a function or '}'")
		}
		item.attributes, item.size = a, p.end-a.pos
		items = append(items, item)
	}
	return items
}

var typeItems = map[string]bool{
	"type": true, "record": true, "variant": true, "enum": true, "flags": true, "resource": true,
}

// worldItems reads the items of a world up to and with its '}'.
func (p *parser) worldItems(s *scopeSyntax) []*itemSyntax {
	var items []*itemSyntax
	for !p.accept("}") {
		a := p.attributes()
		var item *itemSyntax
		switch {
		case p.at("import"), p.at("export"):
			item = p.portItem(s, a)
		case p.at("use"):
			p.noExternalID(a, "a `use`")
			item = p.useItem()
		case p.at("include"):
			p.noExternalID(a, "an `include`")
			item = p.includeItem()
		case p.tok.kind == tokenWord && typeItems[p.text(p.tok)]:
			p.noExternalID(a, "a type of a world")
			item = p.typeItem()
		default:
			p.failExpected("`import`, `export`, `use`, `include`, a type or '}'")
		}
		item.attributes, item.size = a, p.end-a.pos
		items = append(items, item)
	}
	return items
}

// portItem is the productions import-item and export-item. `a:b` without space
// is the start of a path, as `import a: b` names an import a.
func (p *parser) portItem(s *scopeSyntax, a attributes) *itemSyntax {
	item := &itemSyntax{kind: itemImport}
	if p.at("export") {
		item.kind = itemExport
	}
	p.advance()
	first := p.name("a name, or that of an interface")
	item.path = pathSyntax{name: first, pos: first.pos}
	if p.at(":") {
		next := p.peek()
		nextIsName := next.kind == tokenEscaped || next.kind == tokenWord && !keywords[p.text(next)]
		if p.tok.start == p.tok.space && next.start == next.space && nextIsName {
			item.path = p.pathAfter(first)
		} else {
			p.advance()
			item.name, item.path = first, pathSyntax{}
			if p.externType(s, item, a) {
				return item
			}
		}
	}
	if item.name.text == "" {
		p.noExternalID(a, "an interface that is imported or exported by its id")
	}
	p.expect(";")
	return item
}

// externType is the production extern-type; done says that no ';' is to follow.
func (p *parser) externType(s *scopeSyntax, item *itemSyntax, a attributes) (done bool) {
	switch {
	case p.at("func"), p.at("async"):
		item.fn = p.funcType()
	case p.accept("interface"):
		p.expect("{")
		item.iface = &ifaceSyntax{attributes: a, scope: s, items: p.interfaceItems(s)}
		return true
	case p.tok.kind == tokenWord && keywords[p.text(p.tok)]:
		p.failExpected("`func`, `interface` or the name of an interface")
	default:
		item.path = p.path()
	}
	return false
}

// includeItem is the production include-item.
func (p *parser) includeItem() *itemSyntax {
	p.expect("include")
	item := &itemSyntax{kind: itemInclude, path: p.path()}
	if p.accept("with") {
		p.expect("{")
		p.list("}", func() {
			from := p.name("the name of an import or export")
			p.expect("as")
			item.names = append(item.names, rename{from, p.name("a name")})
		})
		// The grammar has no ';' after this form, its example has one.
		p.accept(";")
		return item
	}
	p.expect(";")
	return item
}

// useItem is the production use-item.
func (p *parser) useItem() *itemSyntax {
	p.expect("use")
	item := &itemSyntax{kind: itemUse, path: p.path()}
	p.expect(".")
	p.expect("{")
	p.list("}", func() {
		r := rename{from: p.name("the name of a type")}
		r.to = r.from
		if p.accept("as") {
			r.to = p.name("a name")
		}
		item.names = append(item.names, r)
	})
	if len(item.names) == 0 {
		p.failAt(p.end-1, "expected the name of a type, found '}'")
	}
	p.expect(";")
	return item
}

// funcItem is the production func-item.
func (p *parser) funcItem(what string) *itemSyntax {
	item := &itemSyntax{kind: itemFunc, name: p.name(what)}
	p.expect(":")
	item.fn = p.funcType()
	p.expect(";")
	return item
}

// funcType is the production func-type.
func (p *parser) funcType() *funcSyntax {
	f := &funcSyntax{async: p.accept("async")}
	p.expect("func")
	p.signature(f)
	return f
}

// signature reads parameters and result.
func (p *parser) signature(f *funcSyntax) {
	p.expect("(")
	p.list(")", func() {
		n := p.name("the name of a parameter")
		p.expect(":")
		f.params = append(f.params, fieldSyntax{name: n, typ: p.typ(0)})
	})
	if p.accept("->") {
		f.result = p.typ(0)
	}
}

// resourceItem is one resource-method.
func (p *parser) resourceItem() *itemSyntax {
	a := p.attributes()
	item := &itemSyntax{kind: itemFunc, attributes: a, fn: &funcSyntax{kind: Constructor}}
	if item.name.pos = p.tok.start; p.accept("constructor") {
		p.signature(item.fn)
	} else {
		item.name = p.name("`constructor`, the name of a method or '}'")
		p.expect(":")
		kind := Method
		if p.accept("static") {
			kind = Static
		}
		item.fn = p.funcType()
		item.fn.kind = kind
	}
	p.expect(";")
	return item
}
