package wit

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read, so that no text makes the reader run away.
const (
	maxFileSize  = 16 << 20
	maxTypeDepth = 100 // of types written within types
	maxNameDepth = 500 // of named types made of named types
)

// parser reads one file. Its methods panic with *Error, which parseFile
// recovers: a description of the grammar reads better without error returns.
type parser struct {
	lex lexer
	tok token
	src *source
	end int // where the token before tok ended
}

// parseFile reads the syntax of one file.
func parseFile(filename, text string) (f *fileSyntax, err *Error) {
	src := &source{name: filename, text: text}
	if len(text) > maxFileSize {
		return nil, &Error{File: filename, Msg: "the file is larger than 16 MiB"}
	}
	if err := checkText(src); err != nil {
		return nil, err
	}
	p := &parser{lex: lexer{src: src}, src: src}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			f, err = nil, e
		}
	}()
	p.advance()
	return p.file(), nil
}

func (p *parser) advance() {
	p.end = p.tok.end
	p.tok = p.lex.next()
	if p.tok.kind == tokenBad {
		panic(p.lex.err)
	}
}

// peek returns the token after the current one.
func (p *parser) peek() token {
	ahead := p.lex
	return ahead.next()
}

func (p *parser) failAt(pos int, format string, args ...any) {
	panic(p.src.errorAt(pos, format, args...))
}

// failExpected reports the current token as not being what.
func (p *parser) failExpected(what string) {
	p.failAt(p.tok.start, "expected %s, found %s", what, p.describe(p.tok))
}

func (p *parser) text(t token) string { return p.src.text[t.start:t.end] }

func (p *parser) describe(t token) string {
	text := p.text(t)
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	switch t.kind {
	case tokenEOF:
		return "the end of the file"
	case tokenWord:
		if keywords[text] {
			return "keyword `" + text + "`"
		}
		return "name `" + text + "`"
	case tokenEscaped:
		return "name `" + text + "`"
	case tokenNumber:
		return "number `" + text + "`"
	case tokenString:
		return "a string"
	}
	return "'" + text + "'"
}

func describeRune(text string, pos int) string {
	if pos >= len(text) {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRuneInString(text[pos:])
	return "character " + strconv.QuoteRune(r)
}

// at says whether the current token is the punctuation or the bare word s.
func (p *parser) at(s string) bool {
	return (p.tok.kind == tokenPunct || p.tok.kind == tokenWord) && p.text(p.tok) == s
}

func (p *parser) accept(s string) bool {
	if p.at(s) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		if isLetter(s[0]) {
			p.failExpected("`" + s + "`")
		}
		p.failExpected("'" + s + "'")
	}
}

// name reads an identifier.
func (p *parser) name(what string) name {
	text := p.text(p.tok)
	n := name{text: text, pos: p.tok.start}
	switch {
	case p.tok.kind == tokenEscaped:
		n.text = text[1:]
	case p.tok.kind == tokenWord && keywords[text]:
		p.failAt(p.tok.start, "expected %s, found keyword `%s`; a name that is a keyword is written `%%%s`", what, text, text)
	case p.tok.kind != tokenWord:
		p.failExpected(what)
	}
	if bad := checkLabel(n.text); bad != "" {
		p.failAt(n.pos, "the name `%s` %s", n.text, bad)
	}
	p.advance()
	return n
}

// version reads a semantic version.
func (p *parser) version() string {
	if p.tok.kind != tokenNumber {
		p.failExpected("a version such as 1.0.0")
	}
	text := p.text(p.tok)
	if _, ok := parseVersion(text); !ok {
		p.failAt(p.tok.start, "expected a version such as 1.0.0, found `%s`", text)
	}
	p.advance()
	return text
}

// list reads items up to the punctuation last, with commas between them. A
// comma may stand after the last.
func (p *parser) list(last string, item func()) {
	for !p.accept(last) {
		item()
		if !p.accept(",") && !p.at(last) {
			p.failExpected("',' or '" + last + "'")
		}
	}
}

// attributes reads doc comments and gates.
func (p *parser) attributes() attributes {
	a := attributes{pos: p.tok.start, docs: docsIn(p.src.text[p.tok.space:p.tok.start])}
	deprecatedPos := -1
	for p.at("@") {
		at := p.tok.start
		p.advance()
		gate := p.text(p.tok)
		if p.tok.kind != tokenWord {
			p.failExpected("a gate such as `since` after '@'")
		}
		p.advance()
		p.expect("(")
		switch gate {
		case "since":
			p.once(at, gate, a.stability.Since)
			p.gateField("version")
			a.stability.Since = p.version()
		case "unstable":
			p.once(at, gate, a.stability.Unstable)
			p.gateField("feature")
			a.stability.Unstable = p.name("the name of a feature").text
		case "deprecated":
			deprecatedPos = at
			p.once(at, gate, a.stability.Deprecated)
			p.gateField("version")
			a.stability.Deprecated = p.version()
		case "external-id":
			if a.hasID {
				p.failAt(at, "there is a second @external-id on one item")
			}
			a.externalID, a.hasID = p.stringLiteral(), true
		default:
			p.failAt(at, "unknown attribute @%s: expected @since, @unstable, @deprecated or @external-id", gate)
		}
		p.expect(")")
	}
	if s := a.stability; s.Since != "" && s.Unstable != "" {
		p.failAt(a.pos, "an item cannot have both @since and @unstable")
	} else if deprecatedPos >= 0 && s.Since == "" && s.Unstable == "" {
		p.failAt(deprecatedPos, "@deprecated needs @since or @unstable on the same item")
	}
	return a
}

func (p *parser) once(pos int, gate, have string) {
	if have != "" {
		p.failAt(pos, "there is a second @%s on one item", gate)
	}
}

func (p *parser) gateField(field string) {
	if !p.accept(field) {
		p.failExpected("`" + field + " = …`")
	}
	p.expect("=")
}

// noExternalID refuses an @external-id where the grammar has none.
func (p *parser) noExternalID(a attributes, what string) {
	if a.hasID {
		p.failAt(a.pos, "%s cannot have an @external-id", what)
	}
}

// stringLiteral reads a string as the core text format writes names.
func (p *parser) stringLiteral() string {
	if p.tok.kind != tokenString {
		p.failExpected("a string")
	}
	var b strings.Builder
	text := p.src.text[:p.tok.end-1]
	for i := p.tok.start + 1; i < len(text); {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			i++
			continue
		}
		i += p.escape(&b, text, i)
	}
	if !utf8.ValidString(b.String()) {
		p.failAt(p.tok.start, "the string is not valid UTF-8 after its escapes")
	}
	p.advance()
	return b.String()
}

// escape decodes the escape at text[i] and returns its length.
func (p *parser) escape(b *strings.Builder, text string, i int) int {
	const simple = "tnr\"'\\"
	rest := text[i+1:]
	if rest == "" {
		p.failAt(i, "unknown escape at the end of a string")
	}
	if k := strings.IndexByte(simple, rest[0]); k >= 0 {
		b.WriteByte("\t\n\r\"'\\"[k])
		return 2
	}
	if strings.HasPrefix(rest, "u{") {
		end := strings.IndexByte(rest, '}')
		if end > 0 {
			n, err := strconv.ParseUint(strings.ReplaceAll(rest[2:end], "_", ""), 16, 32)
			if err == nil && n <= utf8.MaxRune && utf8.ValidRune(rune(n)) {
				b.WriteRune(rune(n))
				return end + 2
			}
		}
		p.failAt(i, "expected \\u{…} with a Unicode scalar value in hexadecimal")
	}
	if len(rest) >= 2 {
		if n, err := strconv.ParseUint(rest[:2], 16, 8); err == nil {
			b.WriteByte(byte(n))
			return 3
		}
	}
	p.failAt(i, "unknown escape `\\%s` in a string", rest[:1])
	return 0
}
