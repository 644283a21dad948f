package wat

// This file reads core types as components have them: those of the core
// specification, and module types (Explainer.md, "Type Definitions").

// coreTypeDef reads what is behind core type.
func (s *scope) coreTypeDef(at *node, c *cursor) {
	id := c.id()
	if l := c.list("alias"); l != nil {
		c.end()
		s.alias(l, true, coreTypeSort, id)
		return
	}
	n := c.next("a core type")
	c.end()
	if n.is("module") {
		s.add(coreTypeSection, s.moduleType(n, s.p.after(n), id))
		s.define(coreTypeSort, at, id)
		return
	}
	// The type may refer to itself.
	s.define(coreTypeSort, at, id)
	b := s.p.coreSubType(n, s.space(coreTypeSort)).encoding
	if b[0] == 0x50 { // which is a module type here
		b = append([]byte{0x00}, b...)
	}
	s.add(coreTypeSection, b)
}

// coreRec reads what is behind core rec, or rec in a module type.
func (s *scope) coreRec(c *cursor) {
	first := *c
	for !c.done() {
		at := c.here()
		s.define(coreTypeSort, at, c.expectList("type").id())
	}
	group := vec{}
	for c := &first; !c.done(); {
		in := c.expectList("type")
		in.id()
		d := s.p.coreSubType(in.next("a core type"), s.space(coreTypeSort))
		in.end()
		group.push(d.encoding...)
	}
	s.addCoreType(appendVec([]byte{0x4e}, &group))
}

// The declarators of a module type.
const (
	moduleImport = 0x00
	moduleTypeOp = 0x01
	moduleAlias  = 0x02
	moduleExport = 0x03
)

func (s *scope) addCoreType(encoding []byte) {
	if s.kind == moduleTypeScope {
		s.addModuleDecl(moduleTypeOp, encoding)
	} else {
		s.add(coreTypeSection, encoding)
	}
}

func (s *scope) addModuleDecl(opcode byte, parts ...[]byte) {
	s.items.push(opcode)
	for _, part := range parts {
		s.items.body = append(s.items.body, part...)
	}
}

// moduleType reads the declarators of a core module type.
func (s *scope) moduleType(at *node, c *cursor, id string) []byte {
	m := &moduleType{scope: s.inner(s.p, at, moduleTypeScope, id), bySignature: map[string]uint32{}}
	for !c.done() {
		n := c.next("a declarator")
		m.declarator(n, s.p.after(n))
	}
	return appendVec([]byte{0x50}, &m.items)
}

type moduleType struct {
	*scope
	// bySignature finds the type that an inline signature means.
	bySignature map[string]uint32
}

func (m *moduleType) declarator(n *node, c *cursor) {
	switch n.head() {
	case "type":
		id := c.id()
		index := m.define(coreTypeSort, n, id)
		d := m.p.coreSubType(c.next("a core type"), m.space(coreTypeSort))
		if d.plain {
			m.bySignature[string(d.encoding)] = index
		}
		m.addModuleDecl(moduleTypeOp, d.encoding)
	case "rec":
		m.coreRec(c)
	case "alias":
		m.alias(n, c)
	case "import":
		module, name := c.name("a module name"), c.name("a name")
		m.addModuleDecl(moduleImport, appendName(appendName(nil, module), name), m.externType(c))
	case "export":
		m.addModuleDecl(moduleExport, appendName(nil, c.name("a name")), m.externType(c))
	default:
		m.p.fail(n, "expected (import …), (export …), (type …), (rec …) or (alias …), found %s", n.describe())
	}
	c.end()
}

// alias reads (alias outer count index (type id?)).
func (m *moduleType) alias(at *node, c *cursor) {
	c.expectWord("outer")
	count, index := c.next("a scope to alias from"), c.next("an index or an identifier")
	in := c.expectList("type")
	id := in.id()
	in.end()
	n, i := m.outerIndex(coreTypeSort, count, index)
	m.addModuleDecl(moduleAlias, []byte{sortInfo[coreTypeSort].opcode, 0x01}, appendU32(appendU32(nil, n), i))
	m.define(coreTypeSort, at, id)
}

// externType takes (sort id? …), the type of an import or an export of a module.
func (m *moduleType) externType(c *cursor) []byte {
	n := c.next("a type such as (func)")
	if n.kind != list {
		m.p.fail(n, "expected a type such as (func), found %s", n.describe())
	}
	in, types := m.p.elements(n), m.space(coreTypeSort)
	k := in.coreSort()
	in.id() // which nothing can refer to
	b := []byte{sortInfo[k].opcode}
	switch k {
	case coreFuncSort:
		b = appendU32(b, m.typeUse(n, in))
	case coreTableSort:
		b = append(b, m.p.coreTableType(in, types)...)
	case coreMemorySort:
		b = append(b, m.p.coreMemoryType(in)...)
	case coreGlobalSort:
		b = append(b, m.p.coreGlobalType(in, types)...)
	case coreTagSort:
		b = appendU32(append(b, 0x00), m.typeUse(n, in))
	default:
		m.p.fail(n, "core modules do not import or export a %s", k.word())
	}
	in.end()
	return b
}

// typeUse reads (type x), or a signature whose type is defined if there is none.
func (m *moduleType) typeUse(at *node, c *cursor) uint32 {
	types := m.space(coreTypeSort)
	if in := c.list("type"); in != nil {
		index := in.index(types)
		in.end()
		m.p.coreSignature(c, types) // which says the same again, if it is there
		return index
	}
	b := m.p.coreSignature(c, types).encode()
	if index, ok := m.bySignature[string(b)]; ok {
		return index
	}
	m.addModuleDecl(moduleTypeOp, b)
	return m.define(coreTypeSort, at, "")
}
