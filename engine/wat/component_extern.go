package wat

// This file reads imports and exports: names, attributes and types
// (Explainer.md, "Import and Export Definitions").

// attributes are what may stand behind the name of an import or an export.
var attributes = [...]string{0x00: "implements", 0x01: "versionsuffix", 0x02: "external-id"}

// isAttribute tells whether an attribute is next.
func (c *cursor) isAttribute() bool {
	for _, head := range attributes {
		if c.isList(head) {
			return true
		}
	}
	return false
}

// externName takes a name and its attributes, as nameattributes.
func externName(c *cursor) []byte {
	name := c.name("a name")
	var values [len(attributes)]string
	var given [len(attributes)]bool
	count := uint32(0)
	for c.isAttribute() {
		for k, head := range attributes {
			at := c.here()
			in := c.list(head)
			if in == nil {
				continue
			}
			if given[k] {
				c.p.fail(at, "unexpected token: (%s …) stands here twice", head)
			}
			values[k], given[k] = in.name("a name"), true
			in.end()
			count++
		}
	}
	if count == 0 {
		return appendName([]byte{0x00}, name)
	}
	b := appendU32(appendName([]byte{0x02}, name), count)
	for k, v := range values {
		if given[k] {
			b = appendName(append(b, byte(k)), v)
		}
	}
	return b
}

// inline takes (head "name" attribute*) if it is next: the import or export of
// the definition that it is in. A definition of its own has more elements.
func (c *cursor) inline(head string) (name []byte, ok bool) {
	if !c.isList(head) {
		return nil, false
	}
	in := c.p.after(c.peek())
	if !in.isString() {
		return nil, false
	}
	in.next("a name")
	for in.isAttribute() {
		in.next("an attribute")
	}
	if !in.done() {
		return nil, false
	}
	return externName(c.list(head)), true
}

// inlineExports takes the inline exports of a definition.
func (s *scope) inlineExports(c *cursor) (names [][]byte) {
	for {
		at := c.here()
		name, ok := c.inline("export")
		if !ok {
			return names
		}
		if s.kind != componentScope {
			s.p.fail(at, "unexpected (export …): in a type, an export is a declarator of its own")
		}
		names = append(names, name)
	}
}

// export exports the definition that was made last, at the end of the component.
func (s *scope) export(at *node, names [][]byte, k sort) {
	for _, name := range names {
		s.exports = append(s.exports, inlineExport{at: at, name: name, sort: k, index: s.space(k).count - 1})
	}
}

// externType is an externtype that was read: (sort id? …).
type externType struct {
	sort     sort
	id       string
	encoding []byte
}

// externType reads (sort id? …). Types that are written in it are defined.
func (s *scope) externType(n *node, named bool) externType {
	if n.kind != list {
		s.p.fail(n, "expected a type such as (func), found %s", n.describe())
	}
	c := s.p.elements(n)
	t := externType{sort: c.sort()}
	if named {
		t.id = c.id()
	}
	t.encoding = s.externTypeOf(n, t.sort, c)
	c.end()
	return t
}

// externTypeOf reads what is behind (sort id? in an externtype.
func (s *scope) externTypeOf(at *node, k sort, c *cursor) []byte {
	switch k {
	case coreModuleSort:
		return appendU32(k.append(nil), s.moduleTypeUse(at, c))
	case funcSort:
		return appendU32(k.append(nil), s.funcTypeUse(at, c))
	case valueSort:
		return s.valueBound(k.append(nil), c)
	case typeSort:
		return s.typeBound(k.append(nil), c)
	case componentSort:
		return appendU32(k.append(nil), s.typeUse(c, func() []byte { return s.componentType(at, c, "") }))
	case instanceSort:
		return appendU32(k.append(nil), s.typeUse(c, func() []byte { return s.instanceType(at, c, "") }))
	}
	s.p.fail(at, "components do not import or export a %s", k)
	return nil
}

// typeRef takes (type idx name*) if it is next. A definition (type id? …) is not it.
func (s *scope) typeRef(k sort, c *cursor) (uint32, bool) {
	n := c.peek()
	if n == nil || !n.is("type") {
		return 0, false
	}
	in := s.p.after(n)
	if !in.isIndex() {
		return 0, false
	}
	in.next("an index")
	if !in.done() && !in.isString() {
		return 0, false
	}
	c.next("a type")
	return s.path(k, s.p.after(n)), true
}

// typeUse takes (type …), or the type itself, which is then defined.
func (s *scope) typeUse(c *cursor, read func() []byte) uint32 {
	at := c.here()
	if index, ok := s.typeRef(typeSort, c); ok {
		return index
	}
	return s.defineType(at, read())
}

func (s *scope) funcTypeUse(at *node, c *cursor) uint32 {
	if index, ok := s.typeRef(typeSort, c); ok {
		return index
	}
	return s.defineType(at, s.funcType(c))
}

func (s *scope) moduleTypeUse(at *node, c *cursor) uint32 {
	if index, ok := s.typeRef(coreTypeSort, c); ok {
		return index
	}
	s.add(coreTypeSection, s.moduleType(at, c, ""))
	return s.define(coreTypeSort, at, "")
}

// valueBound reads the bound of a value.
func (s *scope) valueBound(b []byte, c *cursor) []byte {
	if in := c.list("eq"); in != nil {
		b = appendU32(append(b, 0x00), s.use(valueSort, in))
		in.end()
		return b
	}
	return s.valTypes(c.next("a value type"))[0].append(append(b, 0x01))
}

// typeBound reads the bound of a type.
func (s *scope) typeBound(b []byte, c *cursor) []byte {
	if in := c.list("eq"); in != nil {
		b = appendU32(append(b, 0x00), s.use(typeSort, in))
		in.end()
		return b
	}
	in := c.list("sub")
	if in == nil {
		c.expected("(eq …) or (sub resource)")
	}
	in.expectWord("resource")
	in.end()
	return append(b, 0x01)
}

// importDef reads what is behind the word import.
func (s *scope) importDef(at *node, c *cursor) {
	name := externName(c)
	t := s.externType(c.next("a type such as (func)"), true)
	c.end()
	s.add(importSection, append(name, t.encoding...))
	s.define(t.sort, at, t.id)
}

// inlineImport reads the type of a definition that (import "name") makes an
// import. Name is what was between the parentheses.
func (s *scope) inlineImport(at *node, name []byte, k sort, id string, c *cursor) {
	t := s.externTypeOf(at, k, c)
	c.end()
	s.add(importSection, append(name, t...))
	s.define(k, at, id)
}

// exportDef reads what is behind the word export in a component.
func (s *scope) exportDef(at *node, c *cursor) {
	id := c.id()
	name := externName(c)
	exported := *c
	c.next("a definition such as (func $f)")
	ascribed := []byte{0x00}
	if !c.done() {
		t := s.externType(c.next("a type such as (func)"), false)
		ascribed = append([]byte{0x01}, t.encoding...)
		c.end()
	}
	k, index := s.useAny(&exported)
	s.add(exportSection, append(appendU32(k.append(name), index), ascribed...))
	s.define(k, at, id)
}
