package wat

// This file reads component-level types (Explainer.md, "Type Definitions").

// primValTypes are the value types that are one word.
var primValTypes = map[string]valType{
	"bool": -0x01, "s8": -0x02, "u8": -0x03, "s16": -0x04, "u16": -0x05, "s32": -0x06, "u32": -0x07,
	"s64": -0x08, "u64": -0x09, "f32": -0x0a, "f64": -0x0b, "char": -0x0c, "string": -0x0d,
	"error-context": -0x1c,
}

// valType is a valtype as the binary format has it: the index of a type, or a
// negative number for a primitive one.
type valType int64

func (v valType) append(b []byte) []byte { return appendS64(b, int64(v)) }

// noType stands for a valtype that is not there.
const noType = valType(-1 << 62)

// appendOptional appends <valtype>?.
func (v valType) appendOptional(b []byte) []byte {
	if v == noType {
		return append(b, 0x00)
	}
	return v.append(append(b, 0x01))
}

// typeDef reads what is behind the word type in a definition or a declarator.
func (s *scope) typeDef(at *node, c *cursor) {
	id := c.id()
	exports := s.inlineExports(c)
	if l := c.list("alias"); l != nil {
		s.alias(l, true, typeSort, id)
	} else {
		s.add(typeSection, s.defType(c.next("a type"), id))
		s.define(typeSort, at, id)
	}
	c.end()
	s.export(at, exports, typeSort)
}

// defType reads a deftype. id is that of the definition around it.
func (s *scope) defType(n *node, id string) []byte {
	c := s.p.after(n)
	switch n.head() {
	case "func":
		b := s.funcType(c)
		c.end()
		return b
	case "component":
		return s.componentType(n, c, id)
	case "instance":
		return s.instanceType(n, c, id)
	case "resource":
		return s.resourceType(c)
	}
	return s.defValType(n)
}

// defineType defines a type that is written where it is used.
func (s *scope) defineType(at *node, encoding []byte) uint32 {
	s.add(typeSection, encoding)
	return s.define(typeSort, at, "")
}

// valTypes reads valtypes, nil for one that is not there. Types that are written
// in place are defined before any type that another one refers to is aliased.
func (s *scope) valTypes(nodes ...*node) []valType {
	types := make([]valType, len(nodes))
	for i, n := range nodes {
		if n != nil && n.kind == list && !n.is("type") {
			types[i] = valType(s.defineType(n, s.defValType(n)))
		}
	}
	for i, n := range nodes {
		switch {
		case n == nil:
			types[i] = noType
		case n.kind != list || n.is("type"):
			types[i] = s.valTypeRef(n)
		}
	}
	return types
}

// valTypeRef reads a valtype that defines nothing: a primitive one or a typeidx.
func (s *scope) valTypeRef(n *node) valType {
	if n.kind == word {
		if t, ok := primValTypes[n.text]; ok {
			return t
		}
		if c := n.text[0]; c < '0' || c > '9' {
			s.p.fail(n, "expected a value type, found %s", n.describe())
		}
	}
	return valType(s.typeIndex(n))
}

// typeIndex reads a typeidx.
func (s *scope) typeIndex(n *node) uint32 {
	return s.use(typeSort, &cursor{p: s.p, nodes: []node{*n}})
}

// labelled collects (head "label" valtype).
type labelled struct {
	labels []string
	types  []*node
}

// defValType reads a defvaltype.
func (s *scope) defValType(n *node) []byte {
	if n.kind == word {
		if t, ok := primValTypes[n.text]; ok {
			return t.append(nil)
		}
	}
	c := s.p.after(n)
	var b []byte
	switch n.head() {
	case "record":
		b = s.recordType(c)
	case "variant":
		b = s.variantType(c)
	case "list":
		b = s.listType(c)
	case "tuple":
		b = s.tupleType(c)
	case "flags":
		b = labelsType(0x6e, c)
	case "enum":
		b = labelsType(0x6d, c)
	case "option":
		b = s.valTypes(c.next("a value type"))[0].append([]byte{0x6b})
	case "result":
		b = s.resultType(c)
	case "own":
		b = appendU32([]byte{0x69}, s.use(typeSort, c))
	case "borrow":
		b = appendU32([]byte{0x68}, s.use(typeSort, c))
	case "stream":
		b = s.elementType(0x66, c)
	case "future":
		b = s.elementType(0x65, c)
	case "map":
		key, value := c.next("a key type"), c.next("a value type")
		t := s.valTypes(key, value)
		b = t[1].append(t[0].append([]byte{0x63}))
	default:
		s.p.fail(n, "expected a type, found %s", n.describe())
	}
	c.end()
	return b
}

// labelled takes (head "label" valtype)*.
func (c *cursor) labelled(head string) (l labelled) {
	for in := c.list(head); in != nil; in = c.list(head) {
		l.labels = append(l.labels, in.name("a label"))
		l.types = append(l.types, in.next("a value type"))
		in.end()
	}
	return l
}

// append appends a vector of labelvaltype.
func (l *labelled) append(b []byte, types []valType) []byte {
	b = appendU32(b, uint32(len(l.labels)))
	for i, label := range l.labels {
		b = types[i].append(appendName(b, label))
	}
	return b
}

func (s *scope) recordType(c *cursor) []byte {
	l := c.labelled("field")
	return l.append([]byte{0x72}, s.valTypes(l.types...))
}

func (s *scope) variantType(c *cursor) []byte {
	var labels []string
	var nodes []*node
	ids := newSpace("variant case")
	for in := c.list("case"); in != nil; in = c.list("case") {
		at := in.here()
		ids.add(s.p, at, in.id())
		labels = append(labels, in.name("a label"))
		t := in.peek()
		if t != nil {
			in.next("a value type")
		}
		nodes = append(nodes, t)
		in.end()
	}
	types := s.valTypes(nodes...)
	b := appendU32([]byte{0x71}, uint32(len(labels)))
	for i, label := range labels {
		b = append(types[i].appendOptional(appendName(b, label)), 0x00)
	}
	return b
}

func (s *scope) listType(c *cursor) []byte {
	t := s.valTypes(c.next("a value type"))[0]
	if c.done() {
		return t.append([]byte{0x70})
	}
	return appendU32(t.append([]byte{0x67}), c.u32("a length"))
}

func (s *scope) tupleType(c *cursor) []byte {
	var nodes []*node
	for !c.done() {
		nodes = append(nodes, c.next("a value type"))
	}
	types := s.valTypes(nodes...)
	b := appendU32([]byte{0x6f}, uint32(len(types)))
	for _, t := range types {
		b = t.append(b)
	}
	return b
}

// labelsType reads a type that is labels alone.
func labelsType(opcode byte, c *cursor) []byte {
	labels := vec{}
	for !c.done() {
		labels.push(appendName(nil, c.name("a label"))...)
	}
	return appendVec([]byte{opcode}, &labels)
}

func (s *scope) resultType(c *cursor) []byte {
	var ok, err *node
	if !c.done() && !c.isList("error") {
		ok = c.next("a value type")
	}
	if in := c.list("error"); in != nil {
		err = in.next("a value type")
		in.end()
	}
	t := s.valTypes(ok, err)
	return t[1].appendOptional(t[0].appendOptional([]byte{0x6a}))
}

// elementType reads a type with an optional element type.
func (s *scope) elementType(opcode byte, c *cursor) []byte {
	n := c.peek()
	if n != nil {
		c.next("a value type")
	}
	return s.valTypes(n)[0].appendOptional([]byte{opcode})
}

// funcType reads async? (param …)* (result …)? and what it refers to.
func (s *scope) funcType(c *cursor) []byte {
	opcode := byte(0x40)
	if c.word("async") {
		opcode = 0x43
	}
	params := c.labelled("param")
	result := c.resultNode()
	types := s.valTypes(append(params.types, result)...)
	b := params.append([]byte{opcode}, types)
	return types[len(types)-1].appendResult(b)
}

// resultNode takes (result valtype) if it is there.
func (c *cursor) resultNode() *node {
	in := c.list("result")
	if in == nil {
		return nil
	}
	n := in.next("a value type")
	in.end()
	return n
}

// appendResult appends a resultlist.
func (v valType) appendResult(b []byte) []byte {
	if v == noType {
		return append(b, 0x01, 0x00)
	}
	return v.append(append(b, 0x00))
}

// resourceType reads what is behind the word resource.
func (s *scope) resourceType(c *cursor) []byte {
	rep := c.expectList("rep")
	b := append([]byte{0x3f}, s.p.coreValType(rep.next("a core value type"), s.space(coreTypeSort))...)
	rep.end()
	if dtor := c.list("dtor"); dtor != nil {
		b = appendU32(append(b, 0x01), s.useCore(coreFuncSort, dtor))
		dtor.end()
	} else {
		b = append(b, 0x00)
	}
	c.end()
	return b
}

// componentType reads the declarators of a component type.
func (s *scope) componentType(at *node, c *cursor, id string) []byte {
	in := s.inner(s.p, at, componentTypeScope, id)
	for !c.done() {
		in.declarator(c.next("a declarator"))
	}
	return appendVec([]byte{0x41}, &in.items)
}

// instanceType reads the declarators of an instance type.
func (s *scope) instanceType(at *node, c *cursor, id string) []byte {
	in := s.inner(s.p, at, instanceTypeScope, id)
	for !c.done() {
		in.declarator(c.next("a declarator"))
	}
	return appendVec([]byte{0x42}, &in.items)
}

func (s *scope) declarator(n *node) {
	c := s.p.after(n)
	switch n.head() {
	case "core":
		s.coreTypeDeclarator(n, c)
	case "type":
		s.typeDef(n, c)
	case "alias":
		s.alias(c, false, 0, "")
	case "import":
		if s.kind == instanceTypeScope {
			s.p.fail(n, "an instance type has no imports: expected (export …), (type …), (alias …) or (core type …)")
		}
		s.importDef(n, c)
	case "export":
		s.exportDecl(n, c)
	default:
		s.p.fail(n, "expected (import …), (export …), (type …), (alias …) or (core type …), found %s", n.describe())
	}
}

// coreTypeDeclarator reads what is behind the word core in a declarator.
func (s *scope) coreTypeDeclarator(at *node, c *cursor) {
	switch {
	case c.word("type"):
		s.coreTypeDef(at, c)
	case c.word("rec"):
		s.coreRec(c)
	default:
		c.expected("type or rec")
	}
}

// exportDecl reads what is behind the word export in a type.
func (s *scope) exportDecl(at *node, c *cursor) {
	name := externName(c)
	t := s.externType(c.next("a type such as (func)"), true)
	c.end()
	s.add(exportSection, append(name, t.encoding...))
	s.define(t.sort, at, t.id)
}
