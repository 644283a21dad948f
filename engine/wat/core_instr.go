package wat

import (
	"encoding/binary"
	"strings"
)

// coreBody encodes instructions: those of a function, or of a constant expression.
type coreBody struct {
	m      *coreModule
	out    []byte
	locals *space
	frames []coreFrame
	// labels has the frames that each label names, the innermost last.
	labels map[string][]int
	blocks uint32 // so far; the index of a label in the section of names

	// usesData tells that data segments are referred to.
	usesData bool

	labelNames, localNames vec
}

// coreFrame is a block that is open.
type coreFrame struct {
	at    *node // its keyword
	label string
	// inElse tells that an if has had its else.
	inElse bool
}

// expr encodes what is left of a list as an expression.
func (m *coreModule) expr(c *cursor) []byte {
	b := m.newBody()
	b.instrs(c)
	return append(b.out, codeEnd)
}

func (m *coreModule) newBody() *coreBody {
	return &coreBody{m: m, locals: newSpace("local"), labels: map[string][]int{}}
}

const (
	codeElse        = 0x05
	codeEnd         = 0x0b
	codeTypedSelect = 0x1c
	codeI32Const    = 0x41
	codeI64Const    = 0x42
	codeRefFunc     = 0xd2
)

// instrs encodes instructions to the end of a list. Blocks that begin in it end in it.
func (b *coreBody) instrs(c *cursor) {
	base := len(b.frames)
	for !c.done() {
		n := c.next("an instruction")
		switch n.kind {
		case word:
			b.flat(n, c, base)
		case list:
			b.folded(n)
		default:
			b.m.p.fail(n, "expected an instruction, found %s", n.describe())
		}
	}
	if len(b.frames) > base {
		open := b.frames[len(b.frames)-1].at
		b.m.p.fail(open, "%s is not closed: expected end", open.text)
	}
}

func (b *coreBody) opcode(n *node) opcode {
	op, ok := opcodes[n.text]
	if ok {
		return op
	}
	switch n.text {
	case "try", "catch", "catch_all", "delegate", "rethrow":
		b.m.p.fail(n, "%s is not supported: it is of the first draft of exceptions, which try_table replaced", n.text)
	}
	b.m.p.fail(n, "unknown operator %s", n.text)
	return op
}

// flat encodes an instruction whose immediates follow in the same list. base is
// the number of blocks that are open around that list.
func (b *coreBody) flat(n *node, c *cursor, base int) {
	op := b.opcode(n)
	switch op.imm {
	case immBlock:
		b.open(n, op, c)
	case immElse, immEnd:
		if len(b.frames) == base {
			b.m.p.fail(n, "unexpected %s: no block is open", n.text)
		}
		b.checkLabel(c)
		if op.imm == immEnd {
			b.end()
		} else {
			b.elseBranch(n)
		}
	default:
		b.plain(op, c)
	}
}

// folded encodes (op immediates… operands…) and (block …).
func (b *coreBody) folded(n *node) {
	if len(n.nodes) == 0 || n.nodes[0].kind != word {
		b.m.p.fail(n, "expected an instruction, found %s", n.describe())
	}
	head := &n.nodes[0]
	op := b.opcode(head)
	switch {
	case op.imm == immElse || op.imm == immEnd:
		b.m.p.fail(head, "unexpected %s", head.text)
	case head.text == "if":
		b.foldedIf(n, op)
	case op.imm == immBlock:
		c := b.m.p.after(n)
		b.open(head, op, c)
		b.instrs(c)
		b.end()
	default:
		imms, c := b.split(n)
		for !c.done() {
			b.operand(c)
		}
		b.plain(op, imms)
		imms.end()
	}
}

// split separates the immediates of a folded instruction from its operands, which
// are encoded first.
func (b *coreBody) split(n *node) (imms, operands *cursor) {
	k := 1
	for k < len(n.nodes) && (n.nodes[k].kind != list || isImmediate(n.nodes[k].head())) {
		k++
	}
	return &cursor{p: b.m.p, owner: n, nodes: n.nodes[:k], at: 1}, &cursor{p: b.m.p, owner: n, nodes: n.nodes, at: k}
}

// isImmediate tells whether a list with that head belongs to an instruction.
func isImmediate(head string) bool {
	switch head {
	case "type", "param", "result", "ref":
		return true
	}
	return false
}

func (b *coreBody) operand(c *cursor) {
	if n := c.next("an instruction"); n.kind == list {
		b.folded(n)
	} else {
		b.m.p.fail(n, "expected an instruction in parentheses, found %s", n.describe())
	}
}

// foldedIf encodes (if label type condition… (then …) (else …)?).
func (b *coreBody) foldedIf(n *node, op opcode) {
	imms, c := b.split(n)
	for !c.done() && !c.isList("then") {
		b.operand(c)
	}
	then := c.expectList("then")
	b.open(&n.nodes[0], op, imms)
	imms.end()
	b.instrs(then)
	if l := c.list("else"); l != nil {
		b.out = append(b.out, codeElse)
		b.instrs(l)
	}
	c.end()
	b.end()
}

// open encodes the beginning of a block.
func (b *coreBody) open(n *node, op opcode, c *cursor) {
	label := c.id()
	b.out = append(b.out, op.code...)
	b.blockType(c)
	if n.text == "try_table" {
		b.catches(c)
	}
	if label != "" {
		b.labels[label] = append(b.labels[label], len(b.frames))
		b.labelNames.push(appendName(appendU32(nil, b.blocks), label[1:])...)
	}
	b.blocks++
	b.frames = append(b.frames, coreFrame{at: n, label: label})
}

func (b *coreBody) elseBranch(n *node) {
	f := &b.frames[len(b.frames)-1]
	if f.at.text != "if" || f.inElse {
		b.m.p.fail(n, "unexpected else: the innermost open block is no if")
	}
	f.inElse = true
	b.out = append(b.out, codeElse)
}

func (b *coreBody) end() {
	top := len(b.frames) - 1
	if label := b.frames[top].label; label != "" {
		s := b.labels[label]
		b.labels[label] = s[:len(s)-1]
	}
	b.frames = b.frames[:top]
	b.out = append(b.out, codeEnd)
}

// checkLabel takes the label that may follow else and end.
func (b *coreBody) checkLabel(c *cursor) {
	at := c.here()
	id := c.id()
	if open := b.frames[len(b.frames)-1]; id != "" && id != open.label {
		b.m.p.fail(at, "mismatching label %s: the block that is open began with %s", id, strings.TrimSpace(open.at.text+" "+open.label))
	}
}

// blockType encodes a type in its shortest form.
func (b *coreBody) blockType(c *cursor) {
	t := b.m.types
	at := c.here()
	x, explicit := t.explicit(c)
	s := t.p.coreSignature(c, t.ids)
	b.m.anonymous(s)
	switch {
	case explicit:
		t.check(at, x, s)
		b.out = appendS33(b.out, x)
	case s.empty():
		b.out = append(b.out, 0x40)
	case s.params.n == 0 && s.results.n == 1:
		b.out = append(b.out, s.results.body...)
	default:
		b.out = appendS33(b.out, t.implicit(at, s))
	}
}

const (
	catchTag    = 0
	catchTagRef = 1
)

var catchClauses = map[string]byte{"catch": catchTag, "catch_ref": catchTagRef, "catch_all": 2, "catch_all_ref": 3}

// catches encodes the clauses of try_table, whose labels are those outside it.
func (b *coreBody) catches(c *cursor) {
	clauses := vec{}
	for n := c.peek(); n != nil; n = c.peek() {
		code, ok := catchClauses[n.head()]
		if !ok {
			break
		}
		l := c.p.after(c.next("a catch clause"))
		clause := []byte{code}
		if code == catchTag || code == catchTagRef {
			clause = appendU32(clause, l.index(b.m.tags))
		}
		clause = appendU32(clause, b.label(l.next("a label")))
		l.end()
		clauses.push(clause...)
	}
	b.out = appendVec(b.out, &clauses)
}

// label reads a label: an identifier or a depth.
func (b *coreBody) label(n *node) uint32 {
	if n.kind == ident {
		s := b.labels[n.text]
		if len(s) == 0 {
			b.m.p.fail(n, "unknown label: failed to find name %s", n.text)
		}
		return uint32(len(b.frames) - 1 - s[len(s)-1])
	}
	if n.kind != word {
		b.m.p.fail(n, "expected a label, found %s", n.describe())
	}
	return uint32(b.m.p.uint(n, "a label", 32))
}

// plain encodes an instruction that opens no block.
func (b *coreBody) plain(op opcode, c *cursor) {
	switch op.imm {
	case immSelect:
		b.selectType(op, c)
		return
	case immRefTest:
		b.refTest(op, c)
		return
	}
	b.out = append(b.out, op.code...)
	switch op.imm {
	case immNone:
	case immMemArg, immMemArgLane:
		b.memArg(op, c)
	case immI32, immI64, immF32, immF64, immV128, immLane, immLanes, immFence:
		b.constant(op, c)
	case immType, immTypeField, immTypeCount, immTypeType, immTypeData, immTypeElem, immHeapType:
		b.typeImmediates(op, c)
	default:
		b.indices(op, c)
	}
}

// indices encodes immediates that are indices into the spaces of the module or
// of the function.
func (b *coreBody) indices(op opcode, c *cursor) {
	m := b.m
	switch op.imm {
	case immLabel:
		b.u32(b.label(c.next("a label")))
	case immLabels:
		b.labelVector(c)
	case immLocal:
		b.u32(c.index(b.locals))
	case immGlobal:
		b.u32(c.index(m.globals))
	case immFunc:
		b.u32(c.index(m.funcs))
	case immTag:
		b.u32(c.index(m.tags))
	case immTable:
		b.u32(optional(c, m.tables))
	case immMemory:
		b.u32(optional(c, m.memories))
	case immTableTable:
		b.pair(c, m.tables)
	case immMemoryMemory:
		b.pair(c, m.memories)
	case immElem:
		b.u32(c.index(m.elems))
	case immData:
		b.usesData = true
		b.u32(c.index(m.datas))
	case immTableElem:
		b.segment(c, m.tables, m.elems)
	case immMemoryData:
		b.usesData = true
		b.segment(c, m.memories, m.datas)
	case immCallIndirect:
		table := optional(c, m.tables)
		x, s := m.types.use(c)
		m.anonymous(s)
		b.u32(x)
		b.u32(table)
	case immBranchOnCast:
		b.branchOnCast(c)
	}
}

func (b *coreBody) u32(v uint32) { b.out = appendU32(b.out, v) }

// optional takes an index that is 0 if it is missing.
func optional(c *cursor, s *space) uint32 {
	if !c.isIndex() {
		return 0
	}
	return c.index(s)
}

// pair takes two indices, or none.
func (b *coreBody) pair(c *cursor, s *space) {
	if !c.isIndex() {
		b.u32(0)
		b.u32(0)
		return
	}
	b.u32(c.index(s))
	b.u32(c.index(s))
}

// segment takes the index of a segment, before it that of what it initializes if
// it is there. The binary has them the other way round.
func (b *coreBody) segment(c *cursor, target, segments *space) {
	first := c.next("a " + segments.sort + " index")
	x := uint32(0)
	if c.isIndex() {
		x = target.index(c.p, first)
		first = c.next("a " + segments.sort + " index")
	}
	b.u32(segments.index(c.p, first))
	b.u32(x)
}

// labelVector takes the labels of br_table; the last one is the default.
func (b *coreBody) labelVector(c *cursor) {
	labels := vec{}
	last := appendU32(nil, b.label(c.next("a label")))
	for c.isIndex() {
		labels.push(last...)
		last = appendU32(nil, b.label(c.next("a label")))
	}
	b.out = append(appendVec(b.out, &labels), last...)
}

// memArg takes a memory, offset= and align=, all of which may be missing, and for
// some instructions a lane.
func (b *coreBody) memArg(op opcode, c *cursor) {
	memory := uint32(0)
	if c.isIndex() && (op.imm == immMemArg || !lastNumber(c)) {
		memory = c.index(b.m.memories)
	}
	offset := uint64(0)
	if n, v := keyword(c, "offset="); n != nil {
		offset = b.m.p.uint(v, "an offset", 64)
	}
	align := uint32(op.align)
	if n, v := keyword(c, "align="); n != nil {
		align = b.alignment(v)
	}
	if memory != 0 {
		b.u32(align | 1<<6)
		b.u32(memory)
	} else {
		b.u32(align)
	}
	b.out = appendU64(b.out, offset)
	if op.imm == immMemArgLane {
		b.lane(c)
	}
}

// lastNumber tells whether a number is next and nothing that belongs to the same
// instruction follows it: it is the lane then, not the memory.
func lastNumber(c *cursor) bool {
	if !c.isUint() {
		return false
	}
	rest := cursor{nodes: c.nodes, at: c.at + 1}
	n := rest.peek()
	return !rest.isUint() && (n == nil || n.kind != word || !strings.HasPrefix(n.text, "offset=") && !strings.HasPrefix(n.text, "align="))
}

// keyword takes a word that begins with key. value is what follows key, at its position.
func keyword(c *cursor, key string) (n, value *node) {
	n = c.peek()
	if n == nil || n.kind != word || !strings.HasPrefix(n.text, key) {
		return nil, nil
	}
	c.at++
	return n, &node{kind: word, line: n.line, col: n.col + int32(len(key)), text: n.text[len(key):]}
}

// alignment reads a power of two and returns its exponent.
func (b *coreBody) alignment(n *node) uint32 {
	v := b.m.p.uint(n, "an alignment", 64)
	k, ok := log2(v)
	if !ok {
		b.m.p.fail(n, "alignment must be a power of two, found %d", v)
	}
	return k
}

// constant takes literals.
func (b *coreBody) constant(op opcode, c *cursor) {
	switch op.imm {
	case immI32:
		b.out = appendS32(b.out, int32(b.integer(c, "i32", 32)))
	case immI64:
		b.out = appendS64(b.out, int64(b.integer(c, "i64", 64)))
	case immF32:
		b.out = binary.LittleEndian.AppendUint32(b.out, uint32(b.float(c, "f32", f32format)))
	case immF64:
		b.out = binary.LittleEndian.AppendUint64(b.out, b.float(c, "f64", f64format))
	case immV128:
		b.vector(c)
	case immLane:
		b.lane(c)
	case immLanes:
		for range 16 {
			b.lane(c)
		}
	case immFence:
		b.out = append(b.out, 0)
	}
}

func (b *coreBody) lane(c *cursor) {
	b.out = append(b.out, byte(c.uint("a lane index", 8)))
}

func (b *coreBody) integer(c *cursor, what string, bits int) uint64 {
	n := c.anyWord("an " + what + " constant")
	v, err := parseInt(n.text, bits)
	b.checkNumber(n, what, err)
	return v
}

func (b *coreBody) float(c *cursor, what string, f floatFormat) uint64 {
	n := c.anyWord("an " + what + " constant")
	v, err := f.parse(n.text)
	b.checkNumber(n, what, err)
	return v
}

func (b *coreBody) checkNumber(n *node, what string, err error) {
	switch err {
	case errRange:
		b.m.p.fail(n, "%s constant out of range: %s", what, n.text)
	case errSyntax:
		b.m.p.fail(n, "expected an %s constant, found %s", what, n.describe())
	}
}

// vector takes a shape and as many literals as it has lanes.
func (b *coreBody) vector(c *cursor) {
	at := c.here()
	switch n := c.anyWord("a shape (i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2)"); n.text {
	case "i8x16":
		for range 16 {
			b.out = append(b.out, byte(b.integer(c, "i8", 8)))
		}
	case "i16x8":
		for range 8 {
			b.out = binary.LittleEndian.AppendUint16(b.out, uint16(b.integer(c, "i16", 16)))
		}
	case "i32x4":
		for range 4 {
			b.out = binary.LittleEndian.AppendUint32(b.out, uint32(b.integer(c, "i32", 32)))
		}
	case "i64x2":
		for range 2 {
			b.out = binary.LittleEndian.AppendUint64(b.out, b.integer(c, "i64", 64))
		}
	case "f32x4":
		for range 4 {
			b.out = binary.LittleEndian.AppendUint32(b.out, uint32(b.float(c, "f32", f32format)))
		}
	case "f64x2":
		for range 2 {
			b.out = binary.LittleEndian.AppendUint64(b.out, b.float(c, "f64", f64format))
		}
	default:
		b.m.p.fail(at, "expected a shape (i8x16, i16x8, i32x4, i64x2, f32x4 or f64x2), found %s", n.text)
	}
}

// typeImmediates takes a type, and what some instructions have beside it.
func (b *coreBody) typeImmediates(op opcode, c *cursor) {
	m := b.m
	if op.imm == immHeapType {
		b.out = append(b.out, m.p.coreHeapType(c.next("a heap type"), m.types.ids)...)
		return
	}
	x := c.index(m.types.ids)
	b.u32(x)
	switch op.imm {
	case immTypeField:
		b.u32(m.types.field(c, x))
	case immTypeCount:
		b.u32(c.u32("a number of elements"))
	case immTypeType:
		b.u32(c.index(m.types.ids))
	case immTypeData:
		b.usesData = true
		b.u32(c.index(m.datas))
	case immTypeElem:
		b.u32(c.index(m.elems))
	}
}

// selectType encodes select, which has another opcode if it says its type.
func (b *coreBody) selectType(op opcode, c *cursor) {
	if !c.isList("result") {
		b.out = append(b.out, op.code...)
		return
	}
	s := b.m.p.coreSignature(c, b.m.types.ids)
	b.out = appendVec(append(b.out, codeTypedSelect), &s.results)
}

// castType takes a reference type as casts have it: apart, whether it may be null.
func (b *coreBody) castType(c *cursor) (null bool, heap []byte) {
	t := b.m.p.coreRefType(c.next("a reference type"), b.m.types.ids)
	if t[0] == ref || t[0] == refNull {
		return t[0] == refNull, t[1:]
	}
	return true, t
}

// refTest encodes ref.test and ref.cast. The opcode for types that may be null is
// the one behind that for types that may not.
func (b *coreBody) refTest(op opcode, c *cursor) {
	null, heap := b.castType(c)
	b.out = append(b.out, op.code...)
	if null {
		b.out[len(b.out)-1]++
	}
	b.out = append(b.out, heap...)
}

func (b *coreBody) branchOnCast(c *cursor) {
	label := b.label(c.next("a label"))
	fromNull, from := b.castType(c)
	toNull, to := b.castType(c)
	flags := byte(0)
	if fromNull {
		flags |= 1
	}
	if toNull {
		flags |= 2
	}
	b.out = append(b.out, flags)
	b.u32(label)
	b.out = append(append(b.out, from...), to...)
}

// anonymous fails if a signature names parameters where there is no function to
// have them.
func (m *coreModule) anonymous(s *coreSignature) {
	for k, name := range s.names {
		if name != "" {
			m.p.fail(s.at[k], "unexpected identifier %s: parameters have no names here", name)
		}
	}
}
