package wat

import "strings"

// encodeModule turns the fields of a core module (the nodes behind "module" and
// its identifier) into a binary. id is that identifier, "" if there is none, for
// the section of names.
func encodeModule(p *parser, id string, fields []node) []byte {
	m := newCoreModule(p)
	for k := range fields {
		m.declare(&fields[k])
	}
	for _, n := range m.typeNodes {
		m.types.define(n)
	}
	m.nameFields()
	for k := range m.fields {
		m.encode(&m.fields[k])
	}
	return m.binary(id)
}

// coreModule is a module on its way to the binary. Its fields are gone through
// twice: first every definition gets its index, then the fields are encoded.
type coreModule struct {
	p         *parser
	types     *coreTypes
	typeNodes []*node

	funcs, tables, memories, globals, tags, elems, datas *space

	fields []coreField
	// defined is the sort of the first definition that is no import: imports
	// cannot follow it.
	defined string

	importSection, funcSection, tableSection, memorySection, tagSection vec
	globalSection, exportSection, elemSection, codeSection, dataSection vec

	start []byte
	// usesData tells that functions refer to data segments, whose number stands
	// before the code then.
	usesData bool
	names    coreNames
}

// coreField is a field of a module: a definition, or an export, a start, a segment.
type coreField struct {
	kind    string
	at      *node
	index   uint32   // of a definition
	exports []string // inline
	imports *coreImport
	rest    *cursor // what is not read yet
}

type coreImport struct {
	module, name string
}

func newCoreModule(p *parser) *coreModule {
	return &coreModule{
		p: p, types: newCoreTypes(p),
		funcs: newSpace("func"), tables: newSpace("table"), memories: newSpace("memory"),
		globals: newSpace("global"), tags: newSpace("tag"), elems: newSpace("elem"), datas: newSpace("data"),
	}
}

// sort is the index space of a word that imports and exports use, and its code in
// the binary.
func (m *coreModule) sort(name string) (s *space, code byte) {
	switch name {
	case "func":
		return m.funcs, 0
	case "table":
		return m.tables, 1
	case "memory":
		return m.memories, 2
	case "global":
		return m.globals, 3
	case "tag":
		return m.tags, 4
	}
	return nil, 0
}

// declare gives indices to what a field defines.
func (m *coreModule) declare(n *node) {
	c := m.p.after(n)
	f := coreField{kind: n.head(), at: n, rest: c}
	switch f.kind {
	case "type", "rec":
		m.declareTypes(n)
		return
	case "import":
		f.imports = importNames(c)
		desc := c.next("an import description")
		c.end()
		f.kind, f.rest = desc.head(), m.p.after(desc)
		if s, _ := m.sort(f.kind); s == nil {
			m.p.fail(desc, "expected (func …), (table …), (memory …), (global …) or (tag …), found %s", desc.describe())
		}
		m.checkImportOrder(n)
		m.define(&f)
	case "func", "table", "memory", "global", "tag":
		m.declareDefinition(&f)
	case "elem":
		f.index = m.name(m.elems, nameElem, n, c.id())
	case "data":
		f.index = m.name(m.datas, nameData, n, c.id())
	case "export", "start":
	default:
		m.p.fail(n, "expected a field of a module (type, import, func, table, memory, global, tag, export, start, elem or data), found %s", n.describe())
	}
	m.fields = append(m.fields, f)
}

// declareTypes gives indices to the types that a (type …) or (rec …) defines.
func (m *coreModule) declareTypes(n *node) {
	m.typeNodes = append(m.typeNodes, n)
	c := m.p.after(n)
	if n.is("type") {
		m.name(m.types.ids, nameType, n, c.id())
		return
	}
	for !c.done() {
		at := c.here()
		m.name(m.types.ids, nameType, at, c.expectList("type").id())
	}
}

// nameFields names the fields of the struct types that are written out.
func (m *coreModule) nameFields() {
	for k := range m.types.defs {
		m.names.addAll(nameField, uint32(k), &m.types.defs[k].fieldNames)
	}
}

func importNames(c *cursor) *coreImport {
	module := c.name("a module name")
	return &coreImport{module: module, name: c.name("an import name")}
}

func (m *coreModule) checkImportOrder(at *node) {
	if m.defined != "" {
		m.p.fail(at, "import after %s: imports stand before all definitions", strings.Replace(m.defined, "func", "function", 1))
	}
}

// define takes the identifier of a definition or of an import.
func (m *coreModule) define(f *coreField) {
	s, _ := m.sort(f.kind)
	id := f.rest.id()
	f.index = m.name(s, nameSubsections[f.kind], f.at, id)
}

// declareDefinition reads the identifier, inline exports and the inline import of
// a definition, and finds the segment that stands in it.
func (m *coreModule) declareDefinition(f *coreField) {
	c := f.rest
	m.define(f)
	for l := c.list("export"); l != nil; l = c.list("export") {
		f.exports = append(f.exports, l.name("an export name"))
		l.end()
	}
	if l := c.list("import"); l != nil {
		f.imports = importNames(l)
		l.end()
		m.checkImportOrder(f.at)
		return
	}
	if m.defined == "" {
		m.defined = f.kind
	}
	switch {
	case f.kind == "table" && hasInline(c, "elem"):
		m.elems.add(m.p, f.at, "")
	case f.kind == "memory" && hasInline(c, "data"):
		m.datas.add(m.p, f.at, "")
	}
}

// hasInline tells whether a segment stands in the rest of a definition.
func hasInline(c *cursor, segment string) bool {
	return !c.done() && c.nodes[len(c.nodes)-1].is(segment)
}

// name gives the next index of a space to an identifier, which may be "".
func (m *coreModule) name(s *space, subsection byte, at *node, id string) uint32 {
	index := s.add(m.p, at, id)
	m.names.add(subsection, index, id)
	return index
}

func (m *coreModule) export(name string, code byte, index uint32) {
	m.exportSection.push(appendU32(append(appendName(nil, name), code), index)...)
}

// encode writes a field into its section.
func (m *coreModule) encode(f *coreField) {
	c := f.rest
	for _, name := range f.exports {
		_, code := m.sort(f.kind)
		m.export(name, code, f.index)
	}
	if f.imports != nil {
		m.encodeImport(f)
		return
	}
	switch f.kind {
	case "func":
		m.encodeFunc(f)
	case "table":
		m.encodeTable(f)
	case "memory":
		m.encodeMemory(f)
	case "global":
		t := m.p.coreGlobalType(c, m.types.ids)
		m.globalSection.push(append(t, m.expr(c)...)...)
	case "tag":
		m.tagSection.push(m.tagType(c)...)
		c.end()
	case "export":
		name := c.name("an export name")
		desc := c.next("an export description")
		c.end()
		s, code := m.sort(desc.head())
		if s == nil {
			m.p.fail(desc, "expected (func …), (table …), (memory …), (global …) or (tag …), found %s", desc.describe())
		}
		l := m.p.after(desc)
		m.export(name, code, l.index(s))
		l.end()
	case "start":
		if m.start != nil {
			m.p.fail(f.at, "multiple start sections: a module has one start function")
		}
		m.start = appendU32(nil, c.index(m.funcs))
		c.end()
	case "elem":
		m.encodeElem(f)
	case "data":
		m.encodeData(f)
	}
}

func (m *coreModule) encodeImport(f *coreField) {
	c := f.rest
	_, code := m.sort(f.kind)
	b := append(appendName(appendName(nil, f.imports.module), f.imports.name), code)
	switch f.kind {
	case "func":
		x, s := m.types.use(c)
		params := m.newBody()
		params.addParams(s)
		m.names.addAll(nameLocal, f.index, &params.localNames)
		b = appendU32(b, x)
	case "table":
		b = append(b, m.p.coreTableType(c, m.types.ids)...)
	case "memory":
		b = append(b, m.p.coreMemoryType(c)...)
	case "global":
		b = append(b, m.p.coreGlobalType(c, m.types.ids)...)
	case "tag":
		b = append(b, m.tagType(c)...)
	}
	c.end()
	m.importSection.push(b...)
}

func (m *coreModule) tagType(c *cursor) []byte {
	x, _ := m.types.use(c)
	return appendU32([]byte{0}, x)
}

func (m *coreModule) encodeFunc(f *coreField) {
	c := f.rest
	x, s := m.types.use(c)
	m.funcSection.push(appendU32(nil, x)...)
	b := m.newBody()
	if s.empty() {
		b.locals.count = m.types.params(x)
	}
	b.addParams(s)
	declared := b.localDeclarations(c)
	b.instrs(c)
	m.usesData = m.usesData || b.usesData
	code := appendVec(nil, declared)
	code = append(append(code, b.out...), codeEnd)
	m.codeSection.n++
	m.codeSection.body = appendBytes(m.codeSection.body, code)
	m.names.addAll(nameLocal, f.index, &b.localNames)
	m.names.addAll(nameLabel, f.index, &b.labelNames)
}

func (b *coreBody) addParams(s *coreSignature) {
	for k, name := range s.names {
		b.addLocal(s.at[k], name)
	}
}

func (b *coreBody) addLocal(at *node, id string) {
	index := b.locals.add(b.m.p, at, id)
	if id != "" {
		b.localNames.push(appendName(appendU32(nil, index), id[1:])...)
	}
}

// localDeclarations reads (local …)*, and joins neighbours of one type.
func (b *coreBody) localDeclarations(c *cursor) *vec {
	runs := &vec{}
	count, last := uint32(0), []byte(nil)
	flush := func() {
		if count > 0 {
			runs.push(append(appendU32(nil, count), last...)...)
		}
	}
	for at := c.peek(); c.isList("local"); at = c.peek() {
		l := c.list("local")
		id := l.id()
		if id != "" && l.done() {
			l.expected("a value type")
		}
		for !l.done() {
			t := b.m.p.coreValType(l.next("a value type"), b.m.types.ids)
			b.addLocal(at, id)
			if id != "" {
				l.end()
			}
			if string(t) != string(last) {
				flush()
				count, last = 0, t
			}
			count++
		}
	}
	flush()
	return runs
}

// binary puts the sections together, in the order of the format.
func (m *coreModule) binary(id string) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendVecSection(b, 1, &m.types.section)
	b = appendVecSection(b, 2, &m.importSection)
	b = appendVecSection(b, 3, &m.funcSection)
	b = appendVecSection(b, 4, &m.tableSection)
	b = appendVecSection(b, 5, &m.memorySection)
	b = appendVecSection(b, 13, &m.tagSection)
	b = appendVecSection(b, 6, &m.globalSection)
	b = appendVecSection(b, 7, &m.exportSection)
	if m.start != nil {
		b = appendSection(b, 8, m.start)
	}
	b = appendVecSection(b, 9, &m.elemSection)
	if m.usesData {
		b = appendSection(b, 12, appendU32(nil, m.dataSection.n))
	}
	b = appendVecSection(b, 10, &m.codeSection)
	b = appendVecSection(b, 11, &m.dataSection)
	return m.names.append(b, id)
}
