package wit

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token (WIT.md, "Lexical structure").
type tokenKind uint8

const (
	tokenEOF     tokenKind = iota
	tokenWord              // identifier or keyword
	tokenEscaped           // %identifier
	tokenNumber            // integer or semantic version
	tokenString            // string literal, quotes included
	tokenPunct             // operator
	tokenBad               // anything else; the lexer has set its error
)

// token is a piece of the text. space is where the white space before it
// starts, which is where its doc comments are.
type token struct {
	kind       tokenKind
	space      int
	start, end int
}

// keywords cannot be names unless they are written with '%'.
var keywords = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range strings.Fields(`as async bool borrow char constructor enum error-context
		export f32 f64 flags from func future import include interface list map
		option own package record resource result s16 s32 s64 s8 static stream
		string tuple type u16 u32 u64 u8 use variant with world`) {
		m[k] = true
	}
	return m
}()

// lexer reads tokens one at a time. It is small so that a copy of it is a
// place to come back to.
type lexer struct {
	src *source
	pos int
	err *Error
}

// next reads a token. After an error it returns tokenBad for ever.
func (l *lexer) next() token {
	t := token{space: l.pos}
	if l.err == nil {
		l.skipSpace()
	}
	t.start = l.pos
	switch {
	case l.err != nil:
		t.kind = tokenBad
	case l.pos == len(l.src.text):
		t.kind = tokenEOF
	default:
		t.kind = l.scan()
	}
	t.end = l.pos
	return t
}

func (l *lexer) fail(pos int, format string, args ...any) tokenKind {
	l.err = l.src.errorAt(pos, format, args...)
	return tokenBad
}

func (l *lexer) scan() tokenKind {
	text, c := l.src.text, l.src.text[l.pos]
	switch {
	case isLetter(c) || c == '_':
		l.pos = wordEnd(text, l.pos)
		return tokenWord
	case isDigit(c):
		l.pos = numberEnd(text, l.pos)
		return tokenNumber
	case c == '%':
		l.pos++
		end := wordEnd(text, l.pos)
		if end == l.pos {
			return l.fail(l.pos-1, "expected a name after '%%', found %s", describeRune(text, l.pos))
		}
		l.pos = end
		return tokenEscaped
	case c == '"':
		return l.scanString()
	case c == '-' && strings.HasPrefix(text[l.pos:], "->"):
		l.pos += 2
		return tokenPunct
	case strings.IndexByte("=,:;(){}<>*/.@", c) >= 0:
		l.pos++
		return tokenPunct
	}
	return l.fail(l.pos, "unexpected %s", describeRune(text, l.pos))
}

// scanString finds the end of a string literal; unquote reads what is in it.
func (l *lexer) scanString() tokenKind {
	start := l.pos
	for i := l.pos + 1; i < len(l.src.text); i++ {
		switch l.src.text[i] {
		case '\\':
			i++
		case '\n':
			return l.fail(start, "string literal does not end on its line")
		case '"':
			l.pos = i + 1
			return tokenString
		}
	}
	return l.fail(start, "string literal does not end")
}

// skipSpace skips white space and comments; block comments nest.
func (l *lexer) skipSpace() {
	text := l.src.text
	for l.pos < len(text) {
		switch c := text[l.pos]; {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			l.pos++
		case strings.HasPrefix(text[l.pos:], "//"):
			l.pos = lineEnd(text, l.pos)
		case strings.HasPrefix(text[l.pos:], "/*"):
			end, ok := blockCommentEnd(text, l.pos)
			if !ok {
				l.fail(l.pos, "block comment does not end")
				return
			}
			l.pos = end
		default:
			return
		}
	}
}

func lineEnd(text string, pos int) int {
	if n := strings.IndexByte(text[pos:], '\n'); n >= 0 {
		return pos + n
	}
	return len(text)
}

func blockCommentEnd(text string, pos int) (end int, ok bool) {
	depth := 0
	for pos+1 < len(text) {
		switch text[pos : pos+2] {
		case "/*":
			depth++
			pos += 2
		case "*/":
			depth--
			pos += 2
			if depth == 0 {
				return pos, true
			}
		default:
			pos++
		}
	}
	return len(text), false
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// wordEnd ends at the first byte that no name has. Names may not end in '-',
// so that `a->b` would be a, ->, b.
func wordEnd(text string, pos int) int {
	for pos < len(text) {
		c := text[pos]
		if !isLetter(c) && !isDigit(c) && c != '_' && (c != '-' || strings.HasPrefix(text[pos:], "->")) {
			break
		}
		pos++
	}
	return pos
}

// numberEnd reads an integer or, when there are dots in it, a semantic version.
// A dot that no version character follows is not part of it: in
// `a:b/c@1.0.0-rc.1.{d}` the version is 1.0.0-rc.1.
func numberEnd(text string, pos int) int {
	digits := func() {
		for pos < len(text) && isDigit(text[pos]) {
			pos++
		}
	}
	digits()
	dots := 0
	for ; dots < 2 && pos+1 < len(text) && text[pos] == '.' && isDigit(text[pos+1]); dots++ {
		pos++
		digits()
	}
	if dots < 2 {
		return pos
	}
	part := func(i int) bool { return i < len(text) && (isLetter(text[i]) || isDigit(text[i]) || text[i] == '-') }
	for _, lead := range "-+" {
		if pos >= len(text) || rune(text[pos]) != lead || !part(pos+1) || strings.HasPrefix(text[pos:], "->") {
			continue
		}
		for pos++; part(pos) || pos < len(text) && text[pos] == '.' && part(pos+1); pos++ {
		}
	}
	return pos
}

// checkText finds what no WIT file may have: text that is not UTF-8, control
// characters, overrides of text direction, and deprecated code points.
func checkText(src *source) *Error {
	for i, r := range src.text {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(src.text[i:]); n == 1 {
				return src.errorAt(i, "the text is not valid UTF-8")
			}
		case r < 0x20 || 0x7f <= r && r < 0xa0:
			return src.errorAt(i, "control character U+%04X is not allowed", r)
		case 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069:
			return src.errorAt(i, "U+%04X, which overrides the direction of text, is not allowed", r)
		case r == 0x149 || r == 0x673 || r == 0xf77 || r == 0xf79 || r == 0x17a3 || r == 0x17a4 || r == 0x17b4 || r == 0x17b5:
			return src.errorAt(i, "U+%04X, which Unicode deprecates, is not allowed", r)
		}
	}
	return nil
}
