package wat

// Components are written in one pass over the tree: a definition may use only
// what stands before it, so what it uses has its index already. What the text
// format lets one write inside a definition (a type, an alias, an instance) is
// defined before it, in the order in which wasm-tools does.

// maxNesting bounds how deep components and types nest. Each level is copied
// into the one around it, so it bounds the work by the size of the text. The
// decoder has the same limit.
const maxNesting = 100

// scopeKind is what a scope belongs to.
type scopeKind uint8

const (
	componentScope scopeKind = iota
	componentTypeScope
	instanceTypeScope
	moduleTypeScope
)

// scope is what definitions are added to: a component, or the type of a
// component, an instance or a core module. It has its own index spaces; outer
// aliases count scopes.
type scope struct {
	p      *parser
	kind   scopeKind
	id     string
	outer  *scope // the one around it, nil for a component on its own
	depth  int    // scopes around it
	spaces [sortCount]*space
	// items are the declarators of a type, or what is in the section of a
	// component that is being written.
	items vec

	// The rest is a component's.

	section  byte   // that items belong to; 0 if there is none
	sections []byte // those before
	exports  []inlineExport
	names    [sortCount]vec // nameassoc
}

// inlineExport is an (export "name") inside the definition that it exports. Such
// exports stand at the end of the component.
type inlineExport struct {
	at    *node
	name  []byte // nameattributes
	sort  sort
	index uint32
}

// The sections of a component.
const (
	customSection       = 0
	coreModuleSection   = 1
	coreInstanceSection = 2
	coreTypeSection     = 3
	componentSection    = 4
	instanceSection     = 5
	aliasSection        = 6
	typeSection         = 7
	canonSection        = 8
	startSection        = 9
	importSection       = 10
	exportSection       = 11
)

// declarator is the opcode, in the type of a component or an instance, of what
// a section of a component holds.
var declarator = [...]byte{coreTypeSection: 0, typeSection: 1, aliasSection: 2, importSection: 3, exportSection: 4}

// inner makes a scope inside s, which is nil for a component on its own.
func (s *scope) inner(p *parser, at *node, kind scopeKind, id string) *scope {
	in := &scope{p: p, kind: kind, id: id, outer: s}
	if s != nil {
		in.depth = s.depth + 1
	}
	if in.depth > maxNesting {
		p.fail(at, "components and types nest too deep (the limit is %d)", maxNesting)
	}
	return in
}

// add appends an item to the section of its kind, or a declarator.
func (s *scope) add(section byte, item []byte) {
	if s.kind != componentScope {
		s.items.push(declarator[section])
		s.items.body = append(s.items.body, item...)
		return
	}
	if s.section != section {
		s.flush()
		s.section = section
	}
	s.items.push(item...)
}

// flush ends the section that is being written.
func (s *scope) flush() {
	if s.section != 0 {
		s.sections = appendVecSection(s.sections, s.section, &s.items)
	}
	s.section, s.items = 0, vec{}
}

// addSection appends a section that is no vector.
func (s *scope) addSection(id byte, body []byte) {
	s.flush()
	s.sections = appendSection(s.sections, id, body)
}

// space is the index space of a sort.
func (s *scope) space(k sort) *space {
	if s.spaces[k] == nil {
		s.spaces[k] = newSpace(k.String())
	}
	return s.spaces[k]
}

// define gives the next index of its sort to what was added, or will be before
// anything else is. id is "" if it has no identifier.
func (s *scope) define(k sort, at *node, id string) uint32 {
	index := s.space(k).add(s.p, at, id)
	if id != "" && s.kind == componentScope {
		s.names[k].push(appendName(appendU32(nil, index), id[1:])...)
	}
	return index
}

// finish writes a component out.
func (s *scope) finish() []byte {
	for _, e := range s.exports {
		item := appendU32(e.sort.append(e.name), e.index)
		s.add(exportSection, append(item, 0))
		s.define(e.sort, e.at, "")
	}
	s.flush()
	binary := append([]byte("\x00asm\x0d\x00\x01\x00"), s.sections...)
	if names := s.nameSection(); names != nil {
		binary = appendSection(binary, customSection, names)
	}
	return binary
}

// nameSection is the content of the custom section that keeps the identifiers
// (Binary.md, "Name Section"), nil if there are none.
func (s *scope) nameSection() []byte {
	var b []byte
	if s.id != "" {
		b = appendSection(b, 0, appendName(nil, s.id[1:]))
	}
	for k := range s.names {
		if names := &s.names[k]; names.n > 0 {
			b = appendSection(b, 1, appendVec(sort(k).append(nil), names))
		}
	}
	if b == nil {
		return nil
	}
	return append(appendName(nil, "component-name"), b...)
}
