package wat

import "bytes"

// Types of core modules. Each function reads a type and returns its encoding.

// valTypes are the value types that are one word, the short forms of reference
// types among them.
var valTypes = map[string]byte{
	"i32": 0x7f, "i64": 0x7e, "f32": 0x7d, "f64": 0x7c, "v128": 0x7b,
	"nullexnref": 0x74, "nullfuncref": 0x73, "nullexternref": 0x72, "nullref": 0x71,
	"funcref": 0x70, "externref": 0x6f, "anyref": 0x6e, "eqref": 0x6d, "i31ref": 0x6c,
	"structref": 0x6b, "arrayref": 0x6a, "exnref": 0x69,
}

// heapTypes are the abstract heap types. The short form of (ref null t) is the
// byte of t.
var heapTypes = map[string]byte{
	"noexn": 0x74, "nofunc": 0x73, "noextern": 0x72, "none": 0x71,
	"func": 0x70, "extern": 0x6f, "any": 0x6e, "eq": 0x6d, "i31": 0x6c,
	"struct": 0x6b, "array": 0x6a, "exn": 0x69,
}

const (
	refNull = 0x63
	ref     = 0x64
)

// coreValType reads a value type. types is the space that (ref $t) means.
func (p *parser) coreValType(n *node, types *space) []byte {
	if n.kind == word {
		if b, ok := valTypes[n.text]; ok {
			return []byte{b}
		}
	}
	if n.is("ref") {
		c := p.after(n)
		null := c.word("null")
		heap := p.coreHeapType(c.next("a heap type"), types)
		c.end()
		return refType(null, heap)
	}
	p.fail(n, "expected a value type, found %s", n.describe())
	return nil
}

// coreRefType reads a value type that is a reference.
func (p *parser) coreRefType(n *node, types *space) []byte {
	b := p.coreValType(n, types)
	if b[0] >= 0x7b && b[0] <= 0x7f {
		p.fail(n, "expected a reference type, found %s", n.describe())
	}
	return b
}

func refType(null bool, heap []byte) []byte {
	switch {
	case !null:
		return append([]byte{ref}, heap...)
	case heap[0]&0xc0 == 0x40: // one negative byte: abstract
		return heap
	default:
		return append([]byte{refNull}, heap...)
	}
}

func (p *parser) coreHeapType(n *node, types *space) []byte {
	if n.kind == word {
		if b, ok := heapTypes[n.text]; ok {
			return []byte{b}
		}
	}
	if n.kind == ident || n.kind == word && n.text[0] >= '0' && n.text[0] <= '9' {
		return appendS33(nil, types.index(p, n))
	}
	p.fail(n, "expected a heap type, found %s", n.describe())
	return nil
}

// coreSignature is what a function takes and returns.
type coreSignature struct {
	params  vec
	results vec
	names   []string // of the parameters
	at      []*node  // where they are named
}

// encode gives the function type.
func (s *coreSignature) encode() []byte {
	return appendVec(appendVec([]byte{0x60}, &s.params), &s.results)
}

func (s *coreSignature) definition() coreTypeDef {
	b := s.encode()
	return coreTypeDef{encoding: b, function: b, params: s.params.n, plain: true}
}

// empty tells whether nothing is taken and nothing returned.
func (s *coreSignature) empty() bool { return s.params.n == 0 && s.results.n == 0 }

// coreSignature reads (param …)* (result …)*.
func (p *parser) coreSignature(c *cursor, types *space) *coreSignature {
	s := &coreSignature{}
	for {
		at := c.peek()
		l := c.list("param")
		if l == nil {
			break
		}
		if id := l.id(); id != "" {
			s.param(p, l, types, at, id)
			l.end()
			continue
		}
		for !l.done() {
			s.param(p, l, types, at, "")
		}
	}
	for l := c.list("result"); l != nil; l = c.list("result") {
		for !l.done() {
			s.results.push(p.coreValType(l.next("a value type"), types)...)
		}
	}
	if c.isList("param") {
		c.fail("unexpected token: result before parameter")
	}
	return s
}

func (s *coreSignature) param(p *parser, l *cursor, types *space, at *node, id string) {
	t := p.coreValType(l.next("a value type"), types)
	s.names = append(s.names, id)
	s.at = append(s.at, at)
	s.params.push(t...)
}

// coreFuncType reads the inside of (func …) as a type.
func (p *parser) coreFuncType(c *cursor, types *space) []byte {
	s := p.coreSignature(c, types)
	c.end()
	return s.encode()
}

// coreTypeDef is one type that a module defines.
type coreTypeDef struct {
	// encoding is that of the definition, without what groups it.
	encoding []byte
	// function is the encoding of a function type, nil if it is none, and params
	// the number of its parameters.
	function []byte
	params   uint32
	// plain tells that an inline signature may mean this function type: it is
	// alone in its group, final, without supertype.
	plain bool
	// fields are those of a struct type, and fieldNames what the section of names
	// says of them.
	fields     *space
	fieldNames vec
}

// coreSubType reads a definition: (func …), (struct …), (array …), (sub …).
func (p *parser) coreSubType(n *node, types *space) coreTypeDef {
	if !n.is("sub") {
		d := p.coreCompType(n, types)
		d.plain = d.function != nil
		return d
	}
	c := p.after(n)
	b := []byte{0x50}
	final := c.word("final")
	if final {
		b[0] = 0x4f
	}
	super := vec{}
	for c.isIndex() {
		super.push(appendU32(nil, c.index(types))...)
	}
	d := p.coreCompType(c.next("(func …), (struct …) or (array …)"), types)
	c.end()
	if final && super.n == 0 {
		d.plain = d.function != nil
		return d
	}
	d.encoding = append(appendVec(b, &super), d.encoding...)
	return d
}

func (p *parser) coreCompType(n *node, types *space) coreTypeDef {
	c := p.after(n)
	switch n.head() {
	case "func":
		s := p.coreSignature(c, types)
		c.end()
		return s.definition()
	case "struct":
		return p.coreStructType(c, types)
	case "array":
		t := p.coreFieldType(c.next("a field type"), types)
		c.end()
		return coreTypeDef{encoding: append([]byte{0x5e}, t...)}
	}
	p.fail(n, "expected (func …), (struct …) or (array …), found %s", n.describe())
	return coreTypeDef{}
}

func (p *parser) coreStructType(c *cursor, types *space) coreTypeDef {
	d := coreTypeDef{fields: newSpace("field")}
	fields := vec{}
	for !c.done() {
		at := c.here()
		l := c.expectList("field")
		id := l.id()
		if id != "" && l.done() {
			l.expected("a field type")
		}
		for !l.done() {
			t := p.coreFieldType(l.next("a field type"), types)
			fields.push(t...)
			k := d.fields.add(p, at, id)
			if id != "" {
				d.fieldNames.push(appendName(appendU32(nil, k), id[1:])...)
				l.end()
			}
		}
	}
	d.encoding = appendVec([]byte{0x5f}, &fields)
	return d
}

// coreFieldType reads a storage type that may be mutable.
func (p *parser) coreFieldType(n *node, types *space) []byte {
	mutable := byte(0)
	if n.is("mut") {
		c := p.after(n)
		n = c.next("a type")
		c.end()
		mutable = 1
	}
	if n.kind == word && n.text == "i8" {
		return []byte{0x78, mutable}
	}
	if n.kind == word && n.text == "i16" {
		return []byte{0x77, mutable}
	}
	return append(p.coreValType(n, types), mutable)
}

// coreGlobalType reads a value type that may be mutable.
func (p *parser) coreGlobalType(c *cursor, types *space) []byte {
	n := c.next("a global type")
	mutable := byte(0)
	if n.is("mut") {
		l := p.after(n)
		n = l.next("a value type")
		l.end()
		mutable = 1
	}
	return append(p.coreValType(n, types), mutable)
}

const (
	limitMax      = 1
	limitShared   = 2
	limitI64      = 4
	limitPageSize = 8
)

// addressType reads an address type, i32 if none is there. It returns its flag
// and its bits.
func addressType(c *cursor) (flag byte, bits int) {
	if c.word("i64") {
		return limitI64, 64
	}
	c.word("i32")
	return 0, 32
}

// coreLimits reads a minimum and a maximum that may be missing. Whether they are
// too large is not a question of the text.
func coreLimits(c *cursor, flags byte) (_ byte, limits []byte) {
	limits = appendU64(nil, c.uint("a minimum size", 64))
	if c.isUint() {
		limits = appendU64(limits, c.uint("a maximum size", 64))
		flags |= limitMax
	}
	return flags, limits
}

// coreMemoryType reads a memory type.
func (p *parser) coreMemoryType(c *cursor) []byte {
	flags, _ := addressType(c)
	flags, limits := coreLimits(c, flags)
	if c.word("shared") {
		flags |= limitShared
	}
	pageFlag, page := pageSize(c)
	return append(append([]byte{flags | pageFlag}, limits...), page...)
}

// pageSize reads (pagesize n) if it is there: the flag of limits that says so,
// and the logarithm that they end with.
func pageSize(c *cursor) (flag byte, log []byte) {
	l := c.list("pagesize")
	if l == nil {
		return 0, nil
	}
	at := l.here()
	v := l.uint("a page size", 32)
	l.end()
	k, ok := log2(v)
	if !ok {
		c.p.fail(at, "invalid custom page size: %d is not a power of 2", v)
	}
	return limitPageSize, appendU32(nil, k)
}

// coreTableType reads a table type.
func (p *parser) coreTableType(c *cursor, types *space) []byte {
	flags, _ := addressType(c)
	flags, limits := coreLimits(c, flags)
	t := p.coreRefType(c.next("a reference type"), types)
	return append(append(t, flags), limits...)
}

// coreTypes are the types of a module.
type coreTypes struct {
	p    *parser
	ids  *space
	defs []coreTypeDef
	// bySignature finds the first function type that an inline signature means.
	bySignature map[string]uint32
	section     vec // of the groups
}

func newCoreTypes(p *parser) *coreTypes {
	return &coreTypes{p: p, ids: newSpace("type"), bySignature: map[string]uint32{}}
}

// define reads a (type …) or (rec …), whose types have their indices.
func (t *coreTypes) define(n *node) {
	if n.is("type") {
		d := t.definition(n)
		t.addDef(d)
		t.section.push(d.encoding...)
		return
	}
	group := vec{}
	for c := t.p.after(n); !c.done(); {
		d := t.definition(c.next("(type …)"))
		group.push(d.encoding...)
		d.plain = d.plain && len(n.nodes) == 2
		t.addDef(d)
	}
	t.section.push(appendVec([]byte{0x4e}, &group)...)
}

func (t *coreTypes) definition(n *node) coreTypeDef {
	c := t.p.after(n)
	c.id()
	d := t.p.coreSubType(c.next("a type definition"), t.ids)
	c.end()
	return d
}

func (t *coreTypes) addDef(d coreTypeDef) {
	if d.plain {
		if _, dup := t.bySignature[string(d.function)]; !dup {
			t.bySignature[string(d.function)] = uint32(len(t.defs))
		}
	}
	t.defs = append(t.defs, d)
}

// implicit finds the type of an inline signature, or adds it behind all others.
func (t *coreTypes) implicit(at *node, s *coreSignature) uint32 {
	d := s.definition()
	if k, ok := t.bySignature[string(d.function)]; ok {
		return k
	}
	t.addDef(d)
	t.section.push(d.encoding...)
	return t.ids.add(t.p, at, "")
}

// explicit reads (type x) if it is there.
func (t *coreTypes) explicit(c *cursor) (x uint32, ok bool) {
	l := c.list("type")
	if l == nil {
		return 0, false
	}
	x = l.index(t.ids)
	l.end()
	return x, true
}

// use reads a type use: (type x)? (param …)* (result …)*. The signature is that of
// the text, with the names of its parameters, and may be empty if x is there.
func (t *coreTypes) use(c *cursor) (x uint32, s *coreSignature) {
	at := c.here()
	x, explicit := t.explicit(c)
	s = t.p.coreSignature(c, t.ids)
	if !explicit {
		return t.implicit(at, s), s
	}
	t.check(at, x, s)
	return x, s
}

// check compares a signature beside (type x) with that type.
func (t *coreTypes) check(at *node, x uint32, s *coreSignature) {
	switch {
	case s.empty():
	case int64(x) >= int64(len(t.defs)):
		t.p.fail(at, "unknown type %d: a signature beside it needs its definition", x)
	case !bytes.Equal(t.defs[x].function, s.encode()):
		t.p.fail(at, "inline function type does not match type %d that it refers to", x)
	}
}

// params is the number of parameters of a type, 0 if it is no function type.
func (t *coreTypes) params(x uint32) uint32 {
	if int64(x) >= int64(len(t.defs)) {
		return 0
	}
	return t.defs[x].params
}

// field takes an index of a field of struct type x.
func (t *coreTypes) field(c *cursor, x uint32) uint32 {
	if int64(x) < int64(len(t.defs)) && t.defs[x].fields != nil {
		return c.index(t.defs[x].fields)
	}
	return c.u32("a field index")
}
