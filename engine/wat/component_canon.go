package wat

// This file reads canonical definitions (Explainer.md, "Canonical Definitions").

// operand is what stands behind the name of a built-in.
type operand uint8

const (
	typeOperand      operand = iota // typeidx
	optsOperand                     // canonopt*
	asyncOperand                    // async?
	cancelOperand                   // cancellable?
	sharedOperand                   // shared?
	memoryOperand                   // (memory …)
	resultOperand                   // (result valtype)?
	contextOperand                  // core:valtype u32
	coreTypeOperand                 // core:typeidx
	coreTableOperand                // core:tableidx
)

// builtin is a canonical definition of a core function.
type builtin struct {
	opcode   byte
	operands []operand
}

var builtins = map[string]builtin{
	"resource.new":                 {0x02, []operand{typeOperand}},
	"resource.drop":                {0x03, []operand{typeOperand}},
	"resource.rep":                 {0x04, []operand{typeOperand}},
	"task.cancel":                  {0x05, nil},
	"subtask.cancel":               {0x06, []operand{asyncOperand}},
	"task.return":                  {0x09, []operand{resultOperand, optsOperand}},
	"context.get":                  {0x0a, []operand{contextOperand}},
	"context.set":                  {0x0b, []operand{contextOperand}},
	"thread.yield":                 {0x0c, []operand{cancelOperand}},
	"subtask.drop":                 {0x0d, nil},
	"stream.new":                   {0x0e, []operand{typeOperand}},
	"stream.read":                  {0x0f, []operand{typeOperand, optsOperand}},
	"stream.write":                 {0x10, []operand{typeOperand, optsOperand}},
	"stream.cancel-read":           {0x11, []operand{typeOperand, asyncOperand}},
	"stream.cancel-write":          {0x12, []operand{typeOperand, asyncOperand}},
	"stream.drop-readable":         {0x13, []operand{typeOperand}},
	"stream.drop-writable":         {0x14, []operand{typeOperand}},
	"future.new":                   {0x15, []operand{typeOperand}},
	"future.read":                  {0x16, []operand{typeOperand, optsOperand}},
	"future.write":                 {0x17, []operand{typeOperand, optsOperand}},
	"future.cancel-read":           {0x18, []operand{typeOperand, asyncOperand}},
	"future.cancel-write":          {0x19, []operand{typeOperand, asyncOperand}},
	"future.drop-readable":         {0x1a, []operand{typeOperand}},
	"future.drop-writable":         {0x1b, []operand{typeOperand}},
	"error-context.new":            {0x1c, []operand{optsOperand}},
	"error-context.debug-message":  {0x1d, []operand{optsOperand}},
	"error-context.drop":           {0x1e, nil},
	"waitable-set.new":             {0x1f, nil},
	"waitable-set.wait":            {0x20, []operand{cancelOperand, memoryOperand}},
	"waitable-set.poll":            {0x21, []operand{cancelOperand, memoryOperand}},
	"waitable-set.drop":            {0x22, nil},
	"waitable.join":                {0x23, nil},
	"backpressure.inc":             {0x24, nil},
	"backpressure.dec":             {0x25, nil},
	"thread.index":                 {0x26, nil},
	"thread.new-indirect":          {0x27, []operand{coreTypeOperand, coreTableOperand}},
	"thread.resume-later":          {0x28, nil},
	"thread.suspend":               {0x29, []operand{cancelOperand}},
	"thread.suspend-then-resume":   {0x2a, []operand{cancelOperand}},
	"thread.yield-then-resume":     {0x2b, []operand{cancelOperand}},
	"thread.suspend-then-promote":  {0x2c, []operand{cancelOperand}},
	"thread.yield-then-promote":    {0x2d, []operand{cancelOperand}},
	"thread.spawn-ref":             {0x40, []operand{sharedOperand, coreTypeOperand}},
	"thread.spawn-indirect":        {0x41, []operand{sharedOperand, coreTypeOperand, coreTableOperand}},
	"thread.available-parallelism": {0x42, []operand{sharedOperand}},
}

// canonDef reads what is behind the word canon in (canon … (func id? type)) or
// (canon … (core func id?)).
func (s *scope) canonDef(at *node, c *cursor) {
	if n := c.peek(); n != nil && n.kind == word && n.text == "lift" {
		s.liftDef(at, c)
		return
	}
	b := s.coreCanon(c)
	in := c.expectList("core")
	in.expectWord(coreFuncSort.word())
	id := in.id()
	in.end()
	c.end()
	s.add(canonSection, b)
	s.define(coreFuncSort, at, id)
}

// liftDef reads lift … (func id? type).
func (s *scope) liftDef(at *node, c *cursor) {
	last := c.nodes[len(c.nodes)-1]
	if !last.is("func") {
		s.p.fail(at, "expected (func …) with the type at the end of (canon lift …)")
	}
	in := s.p.after(&last)
	id := in.id()
	index := s.funcTypeUse(&last, in)
	in.end()
	rest := *c
	rest.nodes = c.nodes[:len(c.nodes)-1]
	s.lift(at, &rest, index, id)
}

// lift reads lift (core func …) canonopt*.
func (s *scope) lift(at *node, c *cursor, funcType uint32, id string) {
	c.expectWord("lift")
	b := appendU32([]byte{0x00, 0x00}, s.useCore(coreFuncSort, c))
	b = s.canonOpts(b, c)
	c.end()
	s.add(canonSection, appendU32(b, funcType))
	s.define(funcSort, at, id)
}

// coreCanon reads a canonical definition of a core function up to its operands.
func (s *scope) coreCanon(c *cursor) []byte {
	if c.word("lower") {
		return s.canonOpts(appendU32([]byte{0x01, 0x00}, s.use(funcSort, c)), c)
	}
	n := c.anyWord("a canonical built-in")
	def, ok := builtins[n.text]
	if !ok {
		s.p.fail(n, "there is no canonical built-in %s", n.text)
	}
	b := []byte{def.opcode}
	for _, o := range def.operands {
		b = s.operand(b, o, c)
	}
	return b
}

// operand appends an operand.
func (s *scope) operand(b []byte, o operand, c *cursor) []byte {
	switch o {
	case typeOperand:
		return appendU32(b, s.use(typeSort, c))
	case optsOperand:
		return s.canonOpts(b, c)
	case asyncOperand:
		return c.appendFlag(b, "async")
	case cancelOperand:
		return c.appendFlag(b, "cancellable")
	case sharedOperand:
		return c.appendFlag(b, "shared")
	case memoryOperand:
		in := c.expectList("memory")
		b = appendU32(b, s.useCore(coreMemorySort, in))
		in.end()
		return b
	case resultOperand:
		return s.valTypes(c.resultNode())[0].appendResult(b)
	case contextOperand:
		b = append(b, s.p.coreValType(c.next("a core value type"), s.space(coreTypeSort))...)
		return appendU32(b, c.u32("an index"))
	case coreTypeOperand:
		return appendU32(b, s.useCore(coreTypeSort, c))
	default:
		return appendU32(b, s.useCore(coreTableSort, c))
	}
}

// appendFlag appends 1 if the word w is next, 0 if it is not.
func (c *cursor) appendFlag(b []byte, w string) []byte {
	if c.word(w) {
		return append(b, 0x01)
	}
	return append(b, 0x00)
}

// canonFlags and canonRefs are the options of canonical definitions: words, and
// lists that refer to a core definition.
var (
	canonFlags = map[string]byte{
		"string-encoding=utf8": 0x00, "string-encoding=utf16": 0x01, "string-encoding=latin1+utf16": 0x02, "async": 0x06,
	}
	canonRefs = map[string]struct {
		opcode byte
		sort   sort
	}{
		"memory": {0x03, coreMemorySort}, "realloc": {0x04, coreFuncSort},
		"post-return": {0x05, coreFuncSort}, "callback": {0x07, coreFuncSort},
	}
)

// canonOpts appends canonopt*.
func (s *scope) canonOpts(b []byte, c *cursor) []byte {
	opts := vec{}
	for n := c.peek(); n != nil; n = c.peek() {
		if op, ok := canonFlags[n.text]; ok && n.kind == word {
			c.next("an option")
			opts.push(op)
			continue
		}
		op, ok := canonRefs[n.head()]
		if !ok {
			break
		}
		in := c.list(n.head())
		opts.push(appendU32([]byte{op.opcode}, s.useCore(op.sort, in))...)
		if in.isString() {
			in.fail("unexpected %s: an export is written (core %s $instance %q)", in.peek().describe(), op.sort.word(), in.peek().text)
		}
		in.end()
	}
	return appendVec(b, &opts)
}
