package wit

import "strconv"

// typeItem is the production typedef-item.
func (p *parser) typeItem() *itemSyntax {
	item := &itemSyntax{kind: itemType}
	word, pos := p.text(p.tok), p.tok.start
	p.advance()
	item.name = p.name("the name of a type")
	switch word {
	case "type":
		p.expect("=")
		item.typ = p.typ(0)
		p.expect(";")
		return item
	case "resource":
		item.typ = &typeSyntax{kind: KindResource, pos: pos}
		if p.accept(";") {
			return item
		}
		p.expect("{")
		for !p.accept("}") {
			item.typ.methods = append(item.typ.methods, p.resourceItem())
		}
		return item
	}
	p.expect("{")
	item.typ = &typeSyntax{pos: pos}
	switch word {
	case "record":
		item.typ.kind = KindRecord
		p.list("}", func() { item.typ.fields = append(item.typ.fields, p.recordField()) })
	case "variant":
		item.typ.kind = KindVariant
		p.list("}", func() { item.typ.cases = append(item.typ.cases, p.caseItem(true)) })
	case "enum":
		item.typ.kind = KindEnum
		p.list("}", func() { item.typ.cases = append(item.typ.cases, p.caseItem(false)) })
	case "flags":
		item.typ.kind = KindFlags
		p.list("}", func() { item.typ.cases = append(item.typ.cases, p.caseItem(false)) })
		if len(item.typ.cases) > 32 {
			p.failAt(pos, "the flags `%s` have %d labels; at most 32 are allowed", item.name.text, len(item.typ.cases))
		}
	}
	if len(item.typ.fields)+len(item.typ.cases) == 0 {
		p.failAt(p.end-1, "the %s `%s` is empty; it needs at least one member", word, item.name.text)
	}
	return item
}

func (p *parser) docs() string { return docsIn(p.src.text[p.tok.space:p.tok.start]) }

func (p *parser) recordField() fieldSyntax {
	f := fieldSyntax{docs: p.docs()}
	f.name = p.name("the name of a field")
	p.expect(":")
	f.typ = p.typ(0)
	return f
}

func (p *parser) caseItem(payload bool) fieldSyntax {
	f := fieldSyntax{docs: p.docs()}
	f.name = p.name("the name of a case")
	if payload && p.accept("(") {
		f.typ = p.typ(0)
		p.expect(")")
	}
	return f
}

var primitives = map[string]Kind{
	"bool": KindBool, "s8": KindS8, "u8": KindU8, "s16": KindS16, "u16": KindU16,
	"s32": KindS32, "u32": KindU32, "s64": KindS64, "u64": KindU64,
	"f32": KindF32, "f64": KindF64, "char": KindChar, "string": KindString,
	"error-context": KindErrorContext,
}

// typ is the production ty; depth is how many types it is within.
func (p *parser) typ(depth int) *typeSyntax {
	if depth >= maxTypeDepth {
		p.failAt(p.tok.start, "types nest deeper than %d", maxTypeDepth)
	}
	t := &typeSyntax{pos: p.tok.start}
	word := p.text(p.tok)
	if p.tok.kind != tokenWord || !keywords[word] {
		t.kind, t.name = KindRef, p.name("a type")
		return t
	}
	if kind, ok := primitives[word]; ok {
		p.advance()
		t.kind = kind
		return t
	}
	switch word {
	case "list", "option", "result", "tuple", "map", "stream", "future", "own", "borrow":
		p.advance()
		p.constructed(t, word, depth)
	default:
		p.failExpected("a type")
	}
	return t
}

// constructed reads a type that has types within it; its keyword has been read.
func (p *parser) constructed(t *typeSyntax, word string, depth int) {
	switch word {
	case "result":
		t.kind = KindResult
		p.resultType(t, depth)
		return
	case "stream", "future":
		t.kind = KindStream
		if word == "future" {
			t.kind = KindFuture
		}
		if p.accept("<") {
			t.elem = p.typ(depth + 1)
			p.expect(">")
		}
		return
	}
	p.expect("<")
	switch word {
	case "list":
		t.kind = KindList
		t.elem = p.typ(depth + 1)
		if p.accept(",") {
			t.kind, t.len = KindFixedList, p.length()
		}
	case "option":
		t.kind = KindOption
		t.elem = p.typ(depth + 1)
	case "tuple":
		t.kind = KindTuple
		p.list(">", func() { t.fields = append(t.fields, fieldSyntax{typ: p.typ(depth + 1)}) })
		if len(t.fields) == 0 {
			p.failAt(p.end-1, "expected a type, found '>'")
		}
		return
	case "map":
		t.kind = KindMap
		t.key = p.typ(depth + 1)
		if !isMapKey(t.key.kind) {
			p.failAt(t.key.pos, "the key of a map must be an integer, char, bool or string")
		}
		p.expect(",")
		t.elem = p.typ(depth + 1)
	case "own", "borrow":
		t.kind = KindOwn
		if word == "borrow" {
			t.kind = KindBorrow
		}
		t.name = p.name("the name of a resource")
	}
	p.expect(">")
}

// isMapKey is the production kt.
func isMapKey(k Kind) bool {
	return k >= KindBool && k <= KindU64 || k == KindChar || k == KindString
}

func (p *parser) length() uint32 {
	text := p.text(p.tok)
	if p.tok.kind != tokenNumber {
		p.failExpected("the length of a list")
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 || text[0] == '0' {
		p.failAt(p.tok.start, "expected the length of a list from 1 to 4294967295, found `%s`", text)
	}
	p.advance()
	return uint32(n)
}

func (p *parser) resultType(t *typeSyntax, depth int) {
	if !p.accept("<") {
		return
	}
	if p.accept("_") {
		p.expect(",")
		t.err = p.typ(depth + 1)
	} else {
		t.ok = p.typ(depth + 1)
		if p.accept(",") {
			t.err = p.typ(depth + 1)
		}
	}
	p.expect(">")
}
