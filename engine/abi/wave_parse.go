package abi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/godwit-runtime/godwit/engine/types"
)

// WaveError is a mistake in WAVE text.
type WaveError struct {
	Offset  int // in bytes
	Message string
}

func (e *WaveError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Message) }

// Parse reads WAVE text as a value of type t. Its error is a *WaveError.
func Parse(t *types.Type, text string) (v Value, err error) {
	p := &waveParser{text: text}
	defer p.recover(&err)
	v = p.value(t)
	p.end()
	return v, nil
}

// ParseArgs reads the arguments of a call, such as ("x", 3), for parameters.
// Trailing parameters of an option type may be left out.
func ParseArgs(params []types.Field, text string) (args []Value, err error) {
	p := &waveParser{text: text}
	defer p.recover(&err)
	args = make([]Value, 0, len(params))
	p.expect("(")
	for !p.accept(")") {
		if len(args) == len(params) {
			p.fail("the function takes %d arguments", len(params))
		}
		args = append(args, p.value(params[len(args)].Type))
		p.separator(")")
	}
	p.end()
	for len(args) < len(params) {
		next := params[len(args)]
		if next.Type.Kind != types.Option {
			p.fail("missing argument %s", next.Name)
		}
		args = append(args, Variant{})
	}
	return args, nil
}

type waveParser struct {
	text string
	pos  int
}

func (p *waveParser) recover(err *error) {
	switch r := recover().(type) {
	case nil:
	case *WaveError:
		*err = r
	default:
		panic(r)
	}
}

func (p *waveParser) fail(format string, args ...any) {
	panic(&WaveError{Offset: p.pos, Message: fmt.Sprintf(format, args...)})
}

// space skips white space and comments.
func (p *waveParser) space() {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.pos++
		case strings.HasPrefix(p.text[p.pos:], "//"):
			n := strings.IndexByte(p.text[p.pos:], '\n')
			if n < 0 {
				n = len(p.text) - p.pos
			}
			p.pos += n
		default:
			return
		}
	}
}

func (p *waveParser) end() {
	p.space()
	if p.pos < len(p.text) {
		p.fail("unexpected %s after the value", p.here())
	}
}

// here quotes what comes next, for messages.
func (p *waveParser) here() string {
	if p.pos >= len(p.text) {
		return "end of text"
	}
	_, n := utf8.DecodeRuneInString(p.text[p.pos:])
	return strconv.Quote(p.text[p.pos : p.pos+n])
}

func (p *waveParser) accept(token string) bool {
	p.space()
	if strings.HasPrefix(p.text[p.pos:], token) {
		p.pos += len(token)
		return true
	}
	return false
}

func (p *waveParser) expect(token string) {
	if !p.accept(token) {
		p.fail("want %q, have %s", token, p.here())
	}
}

// separator takes the comma between elements, unless the closing token follows.
func (p *waveParser) separator(closing string) {
	if p.accept(",") {
		return
	}
	p.space()
	if !strings.HasPrefix(p.text[p.pos:], closing) {
		p.fail("want \",\" or %q, have %s", closing, p.here())
	}
}

// peekLabel returns the label that comes next, without its %, and its length in
// the text; "" when there is none.
func (p *waveParser) peekLabel() (label string, n int) {
	p.space()
	s := p.text[p.pos:]
	for n < len(s) {
		c := s[n]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && !(n == 0 && c == '%') && !(n > 0 && (c == '-' || c >= '0' && c <= '9')) {
			break
		}
		n++
	}
	return strings.TrimPrefix(s[:n], "%"), n
}

func (p *waveParser) label(what string) string {
	l, n := p.peekLabel()
	if l == "" {
		p.fail("want %s, have %s", what, p.here())
	}
	p.pos += n
	return l
}

// keyword takes one of two words and returns its index, −1 when neither is next.
func (p *waveParser) keyword(words [2]string) int {
	l, n := p.peekLabel()
	for i, w := range words {
		if l == w && n == len(w) {
			p.pos += n
			return i
		}
	}
	return -1
}

// value reads a value of type t.
//
//godwit:dispatch
func (p *waveParser) value(t *types.Type) Value {
	p.space()
	switch t.Kind {
	case types.Bool:
		i := p.keyword([2]string{"false", "true"})
		if i < 0 {
			p.fail("want true or false, have %s", p.here())
		}
		return i == 1
	case types.S8:
		return int8(p.signed(8))
	case types.S16:
		return int16(p.signed(16))
	case types.S32:
		return int32(p.signed(32))
	case types.S64:
		return p.signed(64)
	case types.U8:
		return uint8(p.unsigned(8))
	case types.U16:
		return uint16(p.unsigned(16))
	case types.U32:
		return uint32(p.unsigned(32))
	case types.U64:
		return p.unsigned(64)
	case types.F32:
		return float32(p.float(32))
	case types.F64:
		return p.float(64)
	case types.Char:
		return p.char()
	case types.String:
		return p.str()
	case types.List:
		return p.list(t)
	case types.FixedList:
		at := p.pos
		l := p.elems(t.Elem)
		if len(l) != int(t.Len) {
			p.pos = at
			p.fail("want %d elements, have %d", t.Len, len(l))
		}
		return l
	case types.Record:
		return p.record(t)
	case types.Tuple:
		return p.tuple(t)
	case types.Variant, types.Enum:
		return p.variant(t)
	case types.Option, types.Result:
		return p.optionOrResult(t)
	case types.Flags:
		return p.flags(t)
	case types.Map:
		return p.entries(t)
	}
	p.fail("a value with a handle has no WAVE text")
	return nil
}

// number takes the characters of a number.
func (p *waveParser) number() string {
	n := 0
	for n < len(p.text)-p.pos && strings.IndexByte("+-.0123456789eE", p.text[p.pos+n]) >= 0 {
		n++
	}
	s := p.text[p.pos : p.pos+n]
	if s == "" {
		p.fail("want a number, have %s", p.here())
	}
	return s
}

func (p *waveParser) signed(bits int) int64 {
	s := p.number()
	i, err := strconv.ParseInt(s, 10, bits)
	if err != nil || s[0] == '+' {
		p.fail("%s is not an s%d", s, bits)
	}
	p.pos += len(s)
	return i
}

func (p *waveParser) unsigned(bits int) uint64 {
	s := p.number()
	i, err := strconv.ParseUint(s, 10, bits)
	if err != nil || s[0] == '+' {
		p.fail("%s is not a u%d", s, bits)
	}
	p.pos += len(s)
	return i
}

func (p *waveParser) float(bits int) float64 {
	switch {
	case p.keyword([2]string{"nan", "nan"}) == 0:
		return math.NaN()
	case p.keyword([2]string{"inf", "inf"}) == 0:
		return math.Inf(1)
	case p.accept("-inf"):
		return math.Inf(-1)
	}
	s := p.number()
	f, err := strconv.ParseFloat(s, bits)
	if err != nil || s[0] == '+' {
		p.fail("%s is not an f%d", s, bits)
	}
	p.pos += len(s)
	return f
}

func (p *waveParser) char() Value {
	p.expect("'")
	if strings.HasPrefix(p.text[p.pos:], "'") {
		p.fail("a char is one character")
	}
	r := p.rune()
	if !strings.HasPrefix(p.text[p.pos:], "'") {
		p.fail("want \"'\" after one character, have %s", p.here())
	}
	p.pos++
	return Char(r)
}

func (p *waveParser) str() Value {
	if p.accept(`"""`) {
		return p.multiline()
	}
	p.expect(`"`)
	var b strings.Builder
	for {
		switch {
		case p.pos >= len(p.text) || p.text[p.pos] == '\n':
			p.fail("the string has no end")
		case p.text[p.pos] == '"':
			p.pos++
			return b.String()
		}
		b.WriteRune(p.rune())
	}
}

// multiline reads a string from after """. It starts on the next line, and the
// indentation of the closing """ is taken off every line.
func (p *waveParser) multiline() Value {
	body, ok := strings.CutPrefix(p.text[p.pos:], "\n")
	end := strings.Index(body, `"""`)
	if !ok || end < 0 {
		p.fail(`a multi-line string starts on the line after """ and ends with """`)
	}
	lines := strings.Split(body[:end], "\n")
	indent := lines[len(lines)-1]
	if strings.Trim(indent, " ") != "" || len(lines) < 2 {
		p.fail(`the closing """ must be on a line of its own`)
	}
	p.pos++ // the line break
	var b strings.Builder
	for i, line := range lines[:len(lines)-1] {
		if line != "" && !strings.HasPrefix(line, indent) {
			p.fail(`a line of the string is indented less than its closing """`)
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		stop := p.pos + len(line)
		if line != "" {
			p.pos += len(indent)
		}
		for p.pos < stop {
			b.WriteRune(p.rune())
		}
		p.pos++
	}
	p.pos += len(indent) + len(`"""`)
	return b.String()
}

// rune reads one character of a char or string.
func (p *waveParser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.text[p.pos:])
	if r == utf8.RuneError && n <= 1 {
		p.fail("want a character, have %s", p.here())
	}
	if r != '\\' {
		p.pos += n
		return r
	}
	rest := p.text[p.pos+1:]
	if rest == "" {
		p.fail("the escape has no end")
	}
	switch c := rest[0]; c {
	case 't', 'n', 'r':
		p.pos += 2
		return map[byte]rune{'t': '\t', 'n': '\n', 'r': '\r'}[c]
	case '\\', '\'', '"':
		p.pos += 2
		return rune(c)
	case 'u':
		return p.unicodeEscape(rest)
	}
	p.fail(`unknown escape; there are \t \n \r \\ \' \" \u{…}`)
	return 0
}

func (p *waveParser) unicodeEscape(rest string) rune {
	hex, ok := strings.CutPrefix(rest, "u{")
	end := strings.IndexByte(hex, '}')
	if !ok || end < 1 || end > 6 {
		p.fail(`want \u{…} with 1 to 6 hexadecimal digits`)
	}
	i, err := strconv.ParseUint(hex[:end], 16, 32)
	if err != nil || !isScalarValue(uint32(i)) {
		p.fail(`\u{%s} is not a Unicode scalar value`, hex[:end])
	}
	p.pos += len(`\u{}`) + end
	return rune(i)
}

func (p *waveParser) list(t *types.Type) Value {
	if t.Elem.Kind != types.U8 {
		return p.elems(t.Elem)
	}
	b := []byte{}
	p.expect("[")
	for !p.accept("]") {
		b = append(b, uint8(p.unsigned(8)))
		p.separator("]")
	}
	return b
}

func (p *waveParser) elems(t *types.Type) List {
	l := List{}
	p.expect("[")
	for !p.accept("]") {
		l = append(l, p.value(t))
		p.separator("]")
	}
	return l
}

func (p *waveParser) tuple(t *types.Type) Value {
	r := make(Record, len(t.Fields))
	p.expect("(")
	for i, f := range t.Fields {
		r[i] = p.value(f.Type)
		p.separator(")")
	}
	p.expect(")")
	return r
}

func (p *waveParser) record(t *types.Type) Value {
	r := make(Record, len(t.Fields))
	set := make([]bool, len(t.Fields))
	index := make(map[string]int, len(t.Fields))
	for i, f := range t.Fields {
		index[f.Name] = i
	}
	p.expect("{")
	empty := p.accept(":")
	for !p.accept("}") {
		if empty {
			p.fail("want \"}\" after \"{:\"")
		}
		p.space()
		at := p.pos
		name := p.label("a field name")
		i, ok := index[name]
		if !ok || set[i] {
			p.pos = at
			p.fail("the record has no field %s, or it is given twice", name)
		}
		p.expect(":")
		r[i], set[i] = p.value(t.Fields[i].Type), true
		p.separator("}")
	}
	for i, f := range t.Fields {
		switch {
		case set[i]:
		case f.Type.Kind == types.Option:
			r[i] = Variant{}
		default:
			p.fail("missing field %s", f.Name)
		}
	}
	return r
}

func (p *waveParser) variant(t *types.Type) Value {
	p.space()
	at := p.pos
	name := p.label("a case")
	for i, payload := range Payloads(t) {
		if caseName(t, uint32(i)) == name {
			return p.payload(uint32(i), payload)
		}
	}
	p.pos = at
	p.fail("there is no case %s", name)
	return nil
}

func (p *waveParser) payload(i uint32, t *types.Type) Value {
	v := Variant{Case: i}
	if t != nil {
		p.expect("(")
		v.Payload = p.value(t)
		p.separator(")")
		p.expect(")")
	}
	return v
}

func (p *waveParser) optionOrResult(t *types.Type) Value {
	payloads, words, usual := Payloads(t), [2]string{"none", "some"}, 1
	if t.Kind == types.Result {
		words, usual = [2]string{"ok", "err"}, 0
	}
	if i := p.keyword(words); i >= 0 {
		return p.payload(uint32(i), payloads[i])
	}
	// The usual case may be written as its payload alone.
	inner := payloads[usual]
	if inner == nil || inner.Kind == types.Option || inner.Kind == types.Result {
		p.fail("want %s or %s, have %s", words[0], words[1], p.here())
	}
	return Variant{Case: uint32(usual), Payload: p.value(inner)}
}

func (p *waveParser) flags(t *types.Type) Value {
	var f Flags
	p.expect("{")
next:
	for !p.accept("}") {
		p.space()
		at := p.pos
		name := p.label("a flag")
		for i, l := range t.Labels {
			if l == name && i < 32 {
				f |= 1 << i
				p.separator("}")
				continue next
			}
		}
		p.pos = at
		p.fail("there is no flag %s", name)
	}
	return f
}

func (p *waveParser) entries(t *types.Type) Value {
	m := Map{}
	p.expect("{")
	if p.accept(":") {
		p.expect("}")
		return m
	}
	for !p.accept("}") {
		k := p.value(t.Key)
		p.expect(":")
		m = append(m, MapEntry{k, p.value(t.Elem)})
		p.separator("}")
	}
	return m
}
