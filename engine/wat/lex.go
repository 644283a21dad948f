package wat

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep lists nest: everything that walks the tree recurses.
const maxDepth = 2000

// read turns a text into its top-level nodes.
func read(name string, text []byte) (nodes []node, err error) {
	l := &lexer{name: name, src: string(text), line: 1, bol: 0}
	defer catch(&err)
	if !utf8.ValidString(l.src) {
		l.skipValid()
		l.fail("malformed UTF-8 encoding")
	}
	top := l.nodes(0, false)
	return top, nil
}

// lexer reads nodes off a text. It reports errors by panicking with *Error; read
// recovers them.
type lexer struct {
	name string
	src  string
	pos  int
	line int // of pos
	bol  int // where that line begins
	// loose counts the annotations without a meaning that are open: in them any
	// characters may stand side by side.
	loose int
}

// catch turns a panic with an *Error into an error.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		*err = r
	default:
		panic(r)
	}
}

func (l *lexer) fail(format string, args ...any) {
	panic(&Error{Name: l.name, Line: l.line, Column: l.pos - l.bol + 1, Message: fmt.Sprintf(format, args...)})
}

// skipValid moves to the first byte that is not UTF-8.
func (l *lexer) skipValid() {
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r == utf8.RuneError && n <= 1 {
			return
		}
		if r == '\n' {
			l.line, l.bol = l.line+1, l.pos+1
		}
		l.pos += n
	}
}

// nodes reads up to the end of a list, or of the text.
func (l *lexer) nodes(depth int, inList bool) []node {
	var out []node
	for {
		l.space()
		if l.pos == len(l.src) {
			if inList {
				l.fail("unexpected end: a list is not closed")
			}
			return out
		}
		if l.src[l.pos] == ')' {
			if !inList {
				l.fail("unexpected )")
			}
			l.pos++
			return out
		}
		n, keep := l.node(depth)
		if keep {
			out = append(out, n)
		}
	}
}

// node reads an atom or a list. Annotations without a meaning are not kept.
func (l *lexer) node(depth int) (n node, keep bool) {
	n = node{line: int32(l.line), col: int32(l.pos - l.bol + 1)}
	switch c := l.src[l.pos]; {
	case c == '(':
		if depth == maxDepth {
			l.fail("lists nest too deep (the limit is %d)", maxDepth)
		}
		l.pos++
		if l.loose == 0 && l.pos < len(l.src) && l.src[l.pos] == '@' {
			l.pos++
			n.kind = annotation
			n.text = l.annotationName()
		}
		keep = n.kind == list || keptAnnotation(n.text)
		if !keep {
			l.loose++
		}
		n.nodes = l.nodes(depth+1, true)
		if !keep {
			l.loose--
		}
		return n, keep
	case c == '"':
		n.kind = str
		n.text = l.string()
	case c == '$' && strings.HasPrefix(l.src[l.pos+1:], `"`):
		n.kind = ident
		l.pos++
		n.text = "$" + l.string()
		l.checkName(n.text)
	case idChar(c):
		n.kind = word
		n.text = l.bare()
		if c == '$' {
			n.kind = ident
			l.checkName(n.text)
		}
	case l.loose > 0 && strings.IndexByte(",;[]{}", c) >= 0:
		l.pos++
	default:
		r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
		l.fail("illegal character %q", r)
	}
	if l.loose == 0 {
		l.delimited()
	}
	return n, true
}

// keptAnnotation tells which annotations the component format gives a meaning.
func keptAnnotation(string) bool { return false }

func (l *lexer) annotationName() string {
	var name string
	if strings.HasPrefix(l.src[l.pos:], `"`) {
		name = l.string()
	} else {
		name = l.bare()
	}
	if !utf8.ValidString(name) {
		l.fail("malformed UTF-8 encoding in the name of an annotation")
	}
	if name == "" {
		l.fail("empty annotation id: a name follows (@")
	}
	return name
}

func (l *lexer) checkName(id string) {
	if len(id) == 1 {
		l.fail("an identifier is empty")
	}
	if !utf8.ValidString(id) {
		l.fail("an identifier is not UTF-8")
	}
}

// bare reads the characters of a word or an identifier.
func (l *lexer) bare() string {
	start := l.pos
	for l.pos < len(l.src) && idChar(l.src[l.pos]) {
		l.pos++
	}
	return l.src[start:l.pos]
}

// delimited fails unless the atom just read is followed by white space, a
// comment, a parenthesis or the end.
func (l *lexer) delimited() {
	if l.pos == len(l.src) {
		return
	}
	switch c := l.src[l.pos]; c {
	case ' ', '\t', '\r', '\n', '(', ')', ';':
	default:
		r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
		l.fail("unexpected %q: a space is missing", r)
	}
}

// space skips white space and comments.
func (l *lexer) space() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n':
			l.pos++
			l.line, l.bol = l.line+1, l.pos
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
		case strings.HasPrefix(l.src[l.pos:], ";;"):
			for l.pos < len(l.src) && l.src[l.pos] != '\n' {
				l.pos++
			}
		case strings.HasPrefix(l.src[l.pos:], "(;"):
			l.blockComment()
		default:
			return
		}
	}
}

func (l *lexer) blockComment() {
	open := *l
	depth := 0
	for l.pos < len(l.src) {
		switch {
		case strings.HasPrefix(l.src[l.pos:], "(;"):
			depth++
			l.pos += 2
		case strings.HasPrefix(l.src[l.pos:], ";)"):
			depth--
			l.pos += 2
			if depth == 0 {
				return
			}
		case l.src[l.pos] == '\n':
			l.pos++
			l.line, l.bol = l.line+1, l.pos
		default:
			l.pos++
		}
	}
	open.fail("a comment is not closed")
}

// string reads a string literal and returns its bytes.
func (l *lexer) string() string {
	open := *l
	l.pos++
	start := l.pos
	for l.pos < len(l.src) && l.src[l.pos] >= 0x20 && l.src[l.pos] != 0x7f && l.src[l.pos] != '"' && l.src[l.pos] != '\\' {
		l.pos++
	}
	b := []byte(l.src[start:l.pos])
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '"':
			l.pos++
			return string(b)
		case c == '\\':
			b = l.escape(b)
		case c < 0x20 || c == 0x7f:
			l.fail("illegal character %q in a string", c)
		default:
			b = append(b, c)
			l.pos++
		}
	}
	open.fail("a string is not closed")
	return ""
}

// escape reads an escape sequence.
func (l *lexer) escape(b []byte) []byte {
	rest := l.src[l.pos+1:]
	if rest == "" {
		l.fail("a string is not closed")
	}
	if k := strings.IndexByte(`tnr"'\`, rest[0]); k >= 0 {
		l.pos += 2
		return append(b, "\t\n\r\"'\\"[k])
	}
	if strings.HasPrefix(rest, "u{") {
		return l.unicodeEscape(b)
	}
	if len(rest) < 2 || hexDigit(rest[0]) < 0 || hexDigit(rest[1]) < 0 {
		l.fail("invalid string escape")
	}
	l.pos += 3
	return append(b, byte(hexDigit(rest[0])<<4|hexDigit(rest[1])))
}

// unicodeEscape reads \u{…}.
func (l *lexer) unicodeEscape(b []byte) []byte {
	v, digits, under := 0, 0, true
	at := l.pos + 3
	for ; at < len(l.src) && l.src[at] != '}'; at++ {
		if c := l.src[at]; c == '_' && !under {
			under = true
			continue
		} else if hexDigit(c) < 0 {
			l.fail("invalid string escape")
		}
		under = false
		digits++
		if v = v<<4 | hexDigit(l.src[at]); v > utf8.MaxRune {
			l.fail("invalid string escape: no such Unicode character")
		}
	}
	if at == len(l.src) || digits == 0 || under || v >= 0xd800 && v < 0xe000 {
		l.fail("invalid string escape")
	}
	l.pos = at + 1
	return utf8.AppendRune(b, rune(v))
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// idChar tells whether c may stand in a word or an identifier.
func idChar(c byte) bool {
	if c <= ' ' || c >= 0x7f {
		return false
	}
	return strings.IndexByte("\"(),;[]{}", c) < 0
}
