package wat

import (
	"fmt"
	"unicode/utf8"
)

// parser carries what errors need.
type parser struct {
	name string // of the text
}

// fail reports an error at a node, which may be nil where the text is empty. It
// panics with *Error; the functions that start a parse recover it with catch.
func (p *parser) fail(at *node, format string, args ...any) {
	e := &Error{Name: p.name, Line: 1, Column: 1, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		e.Line, e.Column = int(at.line), int(at.col)
	}
	panic(e)
}

// cursor walks the elements of a list. Its methods fail where the text is not
// what they expect.
type cursor struct {
	p     *parser
	owner *node // the list, where there is one: the position of what is missing at its end
	nodes []node
	at    int
}

// elements walks all elements of a list, its head included.
func (p *parser) elements(n *node) *cursor {
	return &cursor{p: p, owner: n, nodes: n.nodes}
}

// after walks the elements of a list behind its head.
func (p *parser) after(n *node) *cursor {
	return &cursor{p: p, owner: n, nodes: n.nodes, at: 1}
}

func (c *cursor) done() bool { return c.at == len(c.nodes) }

// peek is the next element, nil at the end.
func (c *cursor) peek() *node {
	if c.done() {
		return nil
	}
	return &c.nodes[c.at]
}

// here is a node whose position is that of the cursor. At the end it is the list.
func (c *cursor) here() *node {
	if n := c.peek(); n != nil {
		return n
	}
	return c.owner
}

func (c *cursor) fail(format string, args ...any) {
	c.p.fail(c.here(), format, args...)
}

// expected fails: what should stand here does not.
func (c *cursor) expected(what string) {
	switch n := c.peek(); {
	case n != nil:
		c.fail("expected %s, found %s", what, n.describe())
	case c.owner != nil && c.owner.kind != list:
		c.fail("expected %s after %s", what, c.owner.describe())
	case c.owner != nil:
		c.fail("expected %s at the end of %s", what, c.owner.describe())
	default:
		c.fail("expected %s, found nothing", what)
	}
}

// next takes an element of any kind; what says which in the error.
func (c *cursor) next(what string) *node {
	n := c.peek()
	if n == nil {
		c.expected(what)
	}
	c.at++
	return n
}

// end fails unless everything was taken.
func (c *cursor) end() {
	if n := c.peek(); n != nil {
		c.fail("unexpected %s", n.describe())
	}
}

// word takes the word w if it is next.
func (c *cursor) word(w string) bool {
	n := c.peek()
	if n == nil || n.kind != word || n.text != w {
		return false
	}
	c.at++
	return true
}

func (c *cursor) expectWord(w string) {
	if !c.word(w) {
		c.expected(w)
	}
}

// anyWord takes a word.
func (c *cursor) anyWord(what string) *node {
	if n := c.peek(); n == nil || n.kind != word {
		c.expected(what)
	}
	return c.next(what)
}

// id takes an identifier if one is next. It keeps its $; "" means none.
func (c *cursor) id() string {
	n := c.peek()
	if n == nil || n.kind != ident {
		return ""
	}
	c.at++
	return n.text
}

// isList tells whether the list (head …) is next.
func (c *cursor) isList(head string) bool {
	n := c.peek()
	return n != nil && n.is(head)
}

// list takes the list (head …) if it is next, and walks what is behind its head.
// It is nil if something else is next.
func (c *cursor) list(head string) *cursor {
	if !c.isList(head) {
		return nil
	}
	return c.p.after(c.next(head))
}

func (c *cursor) expectList(head string) *cursor {
	l := c.list(head)
	if l == nil {
		c.expected("(" + head + " …)")
	}
	return l
}

// isString tells whether a string is next.
func (c *cursor) isString() bool {
	n := c.peek()
	return n != nil && n.kind == str
}

// string takes a string.
func (c *cursor) string(what string) string {
	if !c.isString() {
		c.expected(what)
	}
	return c.next(what).text
}

// strings takes the strings that follow, joined.
func (c *cursor) strings() []byte {
	var b []byte
	for c.isString() {
		b = append(b, c.next("a string").text...)
	}
	return b
}

// name takes a string that is UTF-8.
func (c *cursor) name(what string) string {
	at := c.here()
	s := c.string(what)
	if !utf8.ValidString(s) {
		c.p.fail(at, "malformed UTF-8 encoding in %s", what)
	}
	return s
}

// isUint tells whether an unsigned number is next.
func (c *cursor) isUint() bool {
	n := c.peek()
	return n != nil && n.kind == word && n.text[0] >= '0' && n.text[0] <= '9'
}

func (c *cursor) u32(what string) uint32 {
	return uint32(c.uint(what, 32))
}

// uint takes an unsigned number of a number of bits.
func (c *cursor) uint(what string, bits int) uint64 {
	if !c.isUint() {
		c.expected(what)
	}
	return c.p.uint(c.next(what), what, bits)
}

// uint reads an unsigned number.
func (p *parser) uint(n *node, what string, bits int) uint64 {
	v, err := parseUint(n.text, bits)
	switch err {
	case errRange:
		p.fail(n, "%s: constant out of range: %s is not below 2^%d", what, n.text, bits)
	case errSyntax:
		p.fail(n, "expected %s, found %s", what, n.describe())
	}
	return v
}
