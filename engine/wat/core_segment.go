package wat

// Tables, memories, and the segments that initialize them.

// encodeTable encodes a table, which may have an initial value or its elements.
func (m *coreModule) encodeTable(f *coreField) {
	c := f.rest
	flags, bits := addressType(c)
	if hasInline(c, "elem") {
		t := m.p.coreRefType(c.next("a reference type"), m.types.ids)
		items := m.inlineElems(c.expectList("elem"), t)
		c.end()
		limits := appendU64(appendU64(nil, uint64(items.n)), uint64(items.n))
		m.tableSection.push(append(append(t, flags|limitMax), limits...)...)
		m.activeElems(f.index, true, zero(bits), items)
		return
	}
	flags, limits := coreLimits(c, flags)
	t := m.p.coreRefType(c.next("a reference type"), m.types.ids)
	b := append(append(t, flags), limits...)
	if !c.done() {
		b = append([]byte{0x40, 0}, b...)
		b = append(b, m.expr(c)...)
	}
	m.tableSection.push(b...)
}

// zero is the expression of the offset 0.
func zero(bits int) []byte {
	if bits == 64 {
		return []byte{codeI64Const, 0, codeEnd}
	}
	return []byte{codeI32Const, 0, codeEnd}
}

// elemItems are the elements of a segment: functions, or expressions of a type.
type elemItems struct {
	vec
	refType []byte // of expressions, nil for functions
}

// inlineElems reads the elements in a table of type t. Elements that are functions
// have the type funcref; for other types they are written as expressions.
func (m *coreModule) inlineElems(c *cursor, t []byte) *elemItems {
	switch {
	case !c.done() && !c.isIndex():
		return m.exprElems(c, t)
	case isFuncref(t):
		return m.funcElems(c)
	}
	items := &elemItems{refType: t}
	for !c.done() {
		items.push(append(appendU32([]byte{codeRefFunc}, c.index(m.funcs)), codeEnd)...)
	}
	return items
}

func (m *coreModule) funcElems(c *cursor) *elemItems {
	items := &elemItems{}
	for !c.done() {
		items.push(appendU32(nil, c.index(m.funcs))...)
	}
	return items
}

// exprElems reads (item instr*) and (instr …).
func (m *coreModule) exprElems(c *cursor, t []byte) *elemItems {
	items := &elemItems{refType: t}
	for !c.done() {
		items.push(m.oneExpr(c, "item")...)
	}
	return items
}

// oneExpr reads (head instr*), or one folded instruction for short.
func (m *coreModule) oneExpr(c *cursor, head string) []byte {
	if l := c.list(head); l != nil {
		return m.expr(l)
	}
	n := c.peek()
	if n == nil || n.kind != list {
		c.expected("(" + head + " …) or an instruction in parentheses")
	}
	b := m.newBody()
	b.folded(c.next(head))
	return append(b.out, codeEnd)
}

const (
	elemPassive     = 1
	elemDeclarative = 3
	elemTable       = 2 // with the table said
	elemExprs       = 4
)

func isFuncref(t []byte) bool { return len(t) == 1 && t[0] == heapTypes["func"] }

// activeElems appends a segment for a table. There is a shorter form for segments
// that do not say their table.
func (m *coreModule) activeElems(table uint32, explicit bool, offset []byte, items *elemItems) {
	if !explicit && (items.refType == nil || isFuncref(items.refType)) {
		b := append([]byte{items.flag()}, offset...)
		m.elemSection.push(appendVec(b, &items.vec)...)
		return
	}
	b := appendU32([]byte{items.flag() | elemTable}, table)
	m.elemSection.push(items.append(append(b, offset...))...)
}

func (e *elemItems) flag() byte {
	if e.refType != nil {
		return elemExprs
	}
	return 0
}

// append appends the kind or the type of the elements, and them.
func (e *elemItems) append(b []byte) []byte {
	if e.refType != nil {
		b = append(b, e.refType...)
	} else {
		b = append(b, 0)
	}
	return appendVec(b, &e.vec)
}

func (m *coreModule) encodeElem(f *coreField) {
	c := f.rest
	if c.word("declare") {
		items := m.elemList(c, false)
		m.elemSection.push(items.append([]byte{elemDeclarative | items.flag()})...)
		return
	}
	table, explicit := target(c, "table", m.tables)
	n := c.peek()
	if !explicit && (n == nil || n.kind != list || n.is("ref")) {
		items := m.elemList(c, false)
		m.elemSection.push(items.append([]byte{elemPassive | items.flag()})...)
		return
	}
	offset := m.oneExpr(c, "offset")
	m.activeElems(table, explicit, offset, m.elemList(c, true))
}

// target reads what an active segment initializes: (sort x), or x alone as the
// first version of the format had it.
func target(c *cursor, sort string, s *space) (x uint32, explicit bool) {
	if l := c.list(sort); l != nil {
		x = l.index(s)
		l.end()
		return x, true
	}
	if c.isIndex() {
		return c.index(s), true
	}
	return 0, false
}

// elemList reads func x*, or a reference type and expressions. In active segments
// the word func may be missing.
func (m *coreModule) elemList(c *cursor, active bool) *elemItems {
	if c.word("func") || active && (c.done() || c.isIndex()) {
		return m.funcElems(c)
	}
	t := m.p.coreRefType(c.next("func or a reference type"), m.types.ids)
	return m.exprElems(c, t)
}

const (
	dataPassive = 1
	dataMemory  = 2 // active, with the memory said
	pageBytes   = 1 << 16
)

// encodeMemory encodes a memory, which may have its contents.
func (m *coreModule) encodeMemory(f *coreField) {
	c := f.rest
	if !hasInline(c, "data") {
		m.memorySection.push(m.p.coreMemoryType(c)...)
		c.end()
		return
	}
	flags, bits := addressType(c)
	pageFlag, page := pageSize(c)
	bytesPerPage := uint64(pageBytes)
	if page != nil {
		bytesPerPage = 1 << page[0]
	}
	l := c.expectList("data")
	data := l.strings()
	l.end()
	c.end()
	pages := (uint64(len(data)) + bytesPerPage - 1) / bytesPerPage
	limits := appendU64(appendU64([]byte{flags | pageFlag | limitMax}, pages), pages)
	m.memorySection.push(append(limits, page...)...)
	m.activeData(f.index, zero(bits), data)
}

func (m *coreModule) activeData(memory uint32, offset, data []byte) {
	b := []byte{0}
	if memory != 0 {
		b = appendU32([]byte{dataMemory}, memory)
	}
	m.dataSection.push(appendBytes(append(b, offset...), data)...)
}

func (m *coreModule) encodeData(f *coreField) {
	c := f.rest
	memory, explicit := target(c, "memory", m.memories)
	if !explicit && (c.done() || c.isString()) {
		data := c.strings()
		c.end()
		m.dataSection.push(appendBytes([]byte{dataPassive}, data)...)
		return
	}
	offset := m.oneExpr(c, "offset")
	data := c.strings()
	c.end()
	m.activeData(memory, offset, data)
}
