package wat

import (
	"strings"
	"unicode/utf8"
)

// Const is a value as a script writes it. Its Form says which fields have a
// meaning:
//
//	bool u8 s8 … u64 s64 f32 f64 i32 i64   Bits: two's complement or IEEE 754; a class of
//	                                       NaNs (nan:canonical) is the NaN nan
//	char                                   Bits: the code point
//	str                                    Text
//	list tuple                             Elems
//	record                                 Elems, and Labels beside them
//	variant                                Text: the case; Elems: the payload, if any
//	enum                                   Text: the case
//	option.some result.ok result.err       Elems: the payload, if any
//	option.none                            nothing
//	flags                                  Labels: those that are set
//	map                                    Elems: keys and values in turn
//
// Where any of several values is good, the form is either and Elems has them.
type Const struct {
	Line, Column int
	Form         string
	Bits         uint64
	Text         string
	Labels       []string
	Elems        []Const
}

// expectation reads a value that a call is expected to return.
func (p *parser) expectation(n *node) Const {
	if !n.is("either") {
		return p.value(n)
	}
	c := Const{Line: int(n.line), Column: int(n.col), Form: "either"}
	for k := range n.nodes[1:] {
		c.Elems = append(c.Elems, p.value(&n.nodes[k+1]))
	}
	return c
}

// value reads (form.const …), (option.some …) and the like.
func (p *parser) value(n *node) Const {
	if n.head() == "" {
		p.fail(n, "expected a value such as (u32.const 1), found %s", n.describe())
	}
	args := p.elements(n)
	return p.valueIn(args)
}

// valueIn reads a value without the parentheses around it. Fields of records
// have it in this form too.
//
//godwit:dispatch
func (p *parser) valueIn(args *cursor) Const {
	head := args.next("a value")
	c := Const{Line: int(head.line), Column: int(head.col)}
	form, constant := strings.CutSuffix(head.text, ".const")
	if head.kind != word {
		form = ""
	}
	c.Form = form
	switch {
	case !constant:
		p.payload(&c, args, head)
	case form == "bool":
		switch {
		case args.word("true"):
			c.Bits = 1
		case !args.word("false"):
			p.fail(head, "expected true or false")
		}
	case scalarBits[form] != 0:
		p.number(&c, args.next("a number"), form)
	case form == "char":
		s := args.string("one character")
		r, size := utf8.DecodeRuneInString(s)
		if size == 0 || size != len(s) || r == utf8.RuneError && size == 1 {
			p.fail(head, "expected one character, found a string of %d bytes", len(s))
		}
		c.Bits = uint64(r)
	case form == "str" || form == "enum":
		c.Text = args.string("text")
	case form == "list" || form == "tuple":
		for !args.done() {
			c.Elems = append(c.Elems, p.value(args.next("a value")))
		}
	case form == "record":
		for !args.done() {
			p.field(&c, args.next("(field …)"))
		}
	case form == "variant":
		c.Text = args.string("the name of a case")
		p.optional(&c, args)
	case form == "flags":
		for !args.done() {
			c.Labels = append(c.Labels, args.string("the name of a flag"))
		}
	case form == "map":
		for !args.done() {
			p.entry(&c, args.next("(entry …)"))
		}
	default:
		p.fail(head, "unknown value form %s", head.describe())
	}
	args.end()
	return c
}

// payload reads the forms that do not end in .const.
func (p *parser) payload(c *Const, args *cursor, at *node) {
	switch at.text {
	case "option.none":
	case "option.some":
		c.Elems = []Const{p.value(args.next("a value"))}
	case "result.ok", "result.err":
		p.optional(c, args)
	default:
		p.fail(at, "unknown value form %s", at.describe())
	}
}

// optional reads the payload of a case that may have none.
func (p *parser) optional(c *Const, args *cursor) {
	if !args.done() {
		c.Elems = []Const{p.value(args.next("a value"))}
	}
}

// field reads (field "name" value), the value without parentheses around it or
// with them.
func (p *parser) field(c *Const, n *node) {
	if !n.is("field") {
		p.fail(n, "expected (field …), found %s", n.describe())
	}
	args := p.after(n)
	c.Labels = append(c.Labels, args.string("the name of a field"))
	if v := args.peek(); v != nil && v.kind == list {
		c.Elems = append(c.Elems, p.value(args.next("a value")))
		args.end()
		return
	}
	c.Elems = append(c.Elems, p.valueIn(args))
}

// entry reads (entry key value).
func (p *parser) entry(c *Const, n *node) {
	if !n.is("entry") {
		p.fail(n, "expected (entry …), found %s", n.describe())
	}
	args := p.after(n)
	c.Elems = append(c.Elems, p.value(args.next("a value")), p.value(args.next("a value")))
	args.end()
}

// scalarBits is the width of each form that is a number.
var scalarBits = map[string]int{
	"u8": 8, "s8": 8, "u16": 16, "s16": 16, "u32": 32, "s32": 32, "u64": 64, "s64": 64,
	"i32": 32, "i64": 64, "f32": 32, "f64": 64,
}

// number reads the digits of a scalar.
func (p *parser) number(c *Const, n *node, form string) {
	var err error
	switch {
	case n.kind != word:
		err = errSyntax
	case form == "f32" || form == "f64":
		p.float(c, n, form)
		return
	case form[0] == 'u':
		c.Bits, err = parseUint(n.text, scalarBits[form])
	case form[0] == 's':
		c.Bits, err = parseSigned(n.text, scalarBits[form])
	default:
		c.Bits, err = parseInt(n.text, scalarBits[form])
	}
	if err != nil {
		p.fail(n, "expected a number of type %s, found %s: %v", form, n.describe(), err)
	}
}

// parseSigned reads a signed integer, sign-extended. Unlike an i32 or i64, it is
// in the range of its type.
func parseSigned(s string, bits int) (uint64, error) {
	v, err := parseInt(s, bits)
	negative, _ := sign(s)
	if err == nil && !negative && v >= 1<<(bits-1) {
		err = errRange
	}
	return uint64(int64(v<<(64-bits)) >> (64 - bits)), err
}

func (p *parser) float(c *Const, n *node, form string) {
	f := f64format
	if form == "f32" {
		f = f32format
	}
	text := n.text
	if text == "nan:canonical" || text == "nan:arithmetic" {
		text = "nan"
	}
	var err error
	if c.Bits, err = f.parse(text); err != nil {
		p.fail(n, "expected a number of type %s, found %s: %v", form, n.describe(), err)
	}
}
