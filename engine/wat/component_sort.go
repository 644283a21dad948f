package wat

// This file has the sorts, and the ways to refer to a definition: by index, by
// identifier, through an instance, from an outer scope (Explainer.md, "Index
// Spaces" and "Alias Definitions").

// sort is the kind of a definition. Each has an index space.
type sort uint8

// In the order of the name section.
const (
	coreFuncSort sort = iota
	coreTableSort
	coreMemorySort
	coreGlobalSort
	coreTagSort
	coreTypeSort
	coreModuleSort
	coreInstanceSort
	funcSort
	valueSort
	typeSort
	componentSort
	instanceSort
	sortCount
)

// sortInfo has the word for each sort and its opcode: those of a core sort stand
// behind the word core, or the opcode 0.
var sortInfo = [sortCount]struct {
	word   string
	opcode byte
}{
	coreFuncSort:     {"func", 0x00},
	coreTableSort:    {"table", 0x01},
	coreMemorySort:   {"memory", 0x02},
	coreGlobalSort:   {"global", 0x03},
	coreTagSort:      {"tag", 0x04},
	coreTypeSort:     {"type", 0x10},
	coreModuleSort:   {"module", 0x11},
	coreInstanceSort: {"instance", 0x12},
	funcSort:         {"func", 0x01},
	valueSort:        {"value", 0x02},
	typeSort:         {"type", 0x03},
	componentSort:    {"component", 0x04},
	instanceSort:     {"instance", 0x05},
}

func (k sort) core() bool { return k <= coreInstanceSort }

// word is what the text format calls k, without core.
func (k sort) word() string { return sortInfo[k].word }

func (k sort) String() string {
	if k.core() {
		return "core " + k.word()
	}
	return k.word()
}

// append appends the opcode of k where any sort may stand.
func (k sort) append(b []byte) []byte {
	if k.core() {
		b = append(b, 0x00)
	}
	return append(b, sortInfo[k].opcode)
}

// sort takes a sort.
func (c *cursor) sort() sort {
	core := c.word("core")
	if core {
		return c.coreSort()
	}
	for k := funcSort; k < sortCount; k++ {
		if c.word(k.word()) {
			return k
		}
	}
	c.expected("core, func, value, type, component or instance")
	return 0
}

// coreSort takes a core sort, which stands without core.
func (c *cursor) coreSort() sort {
	for k := range coreInstanceSort + 1 {
		if c.word(k.word()) {
			return k
		}
	}
	c.expected("func, table, memory, global, tag, type, module or instance")
	return 0
}

// index reads the use of a definition: a number, or an identifier that is sought
// in s and then in the scopes around it. From there it is aliased.
func (s *scope) index(k sort, n *node) uint32 {
	if n.kind != ident {
		return s.space(k).index(s.p, n)
	}
	for o := s; o != nil; o = o.outer {
		index, ok := o.space(k).lookup(n.text)
		if !ok {
			continue
		}
		if o == s {
			return index
		}
		if !k.outerAliasable() {
			s.p.fail(n, "outer item `%s` is not a module, type, or component: only those can be used inside another component", n.text[1:])
		}
		return s.aliasOuter(k, n, "", uint32(s.depth-o.depth), index)
	}
	return s.space(k).index(s.p, n) // which fails
}

// use takes {X}idx: an index, or (X idx name*). A core sort X has no core before it.
func (s *scope) use(k sort, c *cursor) uint32 {
	n := c.next("a " + k.word())
	if n.kind != list {
		return s.index(k, n)
	}
	in := s.p.elements(n)
	in.expectWord(k.word())
	return s.path(k, in)
}

// useCore takes core-prefix({X}idx): an index, or (core X idx name?).
func (s *scope) useCore(k sort, c *cursor) uint32 {
	n := c.next("a " + k.String())
	if n.kind != list {
		return s.index(k, n)
	}
	in := s.p.elements(n)
	in.expectWord("core")
	in.expectWord(k.word())
	return s.path(k, in)
}

// useAny takes (X idx name*) for any sort X.
func (s *scope) useAny(c *cursor) (sort, uint32) {
	n := c.next("a definition such as (func $f)")
	if n.kind != list {
		s.p.fail(n, "expected a definition such as (func $f), found %s", n.describe())
	}
	in := s.p.elements(n)
	k := in.sort()
	return k, s.path(k, in)
}

// path reads idx name*: a definition, or an instance and the names that lead
// from it to an export. Each name makes an alias.
func (s *scope) path(k sort, c *cursor) uint32 {
	at := c.next("an index or an identifier")
	if c.done() {
		return s.index(k, at)
	}
	if k.core() && k != coreModuleSort {
		index := s.aliasCoreExport(k, at, "", s.index(coreInstanceSort, at), c.name("an export name"))
		c.end()
		return index
	}
	index := s.index(instanceSort, at)
	for !c.done() {
		name := c.name("an export name")
		through := instanceSort
		if c.done() {
			through = k
		}
		index = s.aliasExport(through, at, "", index, name)
	}
	return index
}

// outerAliasable tells whether k is an outeraliassort.
func (k sort) outerAliasable() bool {
	return k == coreModuleSort || k == coreTypeSort || k == componentSort || k == typeSort
}

func (s *scope) aliasExport(k sort, at *node, id string, instance uint32, name string) uint32 {
	item := append(k.append(nil), 0x00)
	s.add(aliasSection, appendName(appendU32(item, instance), name))
	return s.define(k, at, id)
}

func (s *scope) aliasCoreExport(k sort, at *node, id string, instance uint32, name string) uint32 {
	if k > coreTagSort {
		s.p.fail(at, "core instances do not export a %s", k.word())
	}
	item := append(k.append(nil), 0x01)
	s.add(aliasSection, appendName(appendU32(item, instance), name))
	return s.define(k, at, id)
}

func (s *scope) aliasOuter(k sort, at *node, id string, count, index uint32) uint32 {
	item := append(k.append(nil), 0x02)
	s.add(aliasSection, appendU32(appendU32(item, count), index))
	return s.define(k, at, id)
}

// alias reads what is behind the word alias. The definition that it makes is the
// last element, or, in the inverted form (func $f (alias …)), around the alias:
// then its sort and identifier are given.
func (s *scope) alias(c *cursor, inverted bool, k sort, id string) {
	at := c.here()
	switch {
	case c.word("outer"):
		count, index := c.next("a scope to alias from"), c.next("an index or an identifier")
		if !inverted {
			k, id = c.aliased()
		}
		if !k.outerAliasable() {
			s.p.fail(at, "a %s cannot be aliased from an outer component: only a core module, a core type, a component or a type can", k)
		}
		n, i := s.outerIndex(k, count, index)
		s.aliasOuter(k, at, id, n, i)
	case c.word("export"):
		instance := s.index(instanceSort, c.next("an instance"))
		name := c.name("an export name")
		if !inverted {
			k, id = c.aliased()
		}
		s.aliasExport(k, at, id, instance, name)
	case c.word("core"):
		c.expectWord("export")
		instance := s.index(coreInstanceSort, c.next("a core instance"))
		name := c.name("an export name")
		if !inverted {
			k, id = c.aliased()
		}
		if !k.core() {
			s.p.fail(at, "core instances do not export a %s: expected (core %s …)", k, k)
		}
		s.aliasCoreExport(k, at, id, instance, name)
	default:
		c.expected("export, core export or outer")
	}
	c.end()
}

// aliased takes (sort id?).
func (c *cursor) aliased() (k sort, id string) {
	n := c.next("a sort such as (func)")
	if n.kind != list {
		c.p.fail(n, "expected a sort such as (func), found %s", n.describe())
	}
	in := c.p.elements(n)
	k, id = in.sort(), in.id()
	in.end()
	return k, id
}

// outerIndex reads the two indices of an outer alias: how many scopes out, and
// which definition there. Numbers need not be in range.
func (s *scope) outerIndex(k sort, count, index *node) (n, i uint32) {
	from := s
	if count.kind == ident {
		for ; from != nil && from.id != count.text; from = from.outer {
			n++
		}
		if from == nil {
			s.p.fail(count, "outer component `%s` not found", count.text[1:])
		}
	} else {
		n = uint32(s.p.uint(count, "an outer count", 32))
		for o := uint32(0); from != nil && o < n; o++ {
			from = from.outer
		}
	}
	switch {
	case from != nil:
		return n, from.space(k).index(s.p, index)
	case index.kind == ident:
		s.p.fail(count, "outer count of `%d` is too large: %d scopes are around the alias", n, s.depth)
	}
	return n, uint32(s.p.uint(index, "an index", 32))
}
