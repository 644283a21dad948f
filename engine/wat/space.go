package wat

// space is an index space: the identifiers of one sort, and the indices they stand for.
type space struct {
	sort  string // in errors: func, type, local …
	names map[string]uint32
	count uint32
}

func newSpace(sort string) *space {
	return &space{sort: sort, names: map[string]uint32{}}
}

// add gives the next index to a definition. id is "" if it has no identifier.
func (s *space) add(p *parser, at *node, id string) uint32 {
	if id != "" {
		if _, dup := s.names[id]; dup {
			p.fail(at, "duplicate %s identifier: %s is defined already", s.sort, id)
		}
		s.names[id] = s.count
	}
	s.count++
	return s.count - 1
}

func (s *space) lookup(id string) (uint32, bool) {
	k, ok := s.names[id]
	return k, ok
}

// index reads a use of the space: an identifier, or a number that need not be in range.
func (s *space) index(p *parser, n *node) uint32 {
	if n.kind == ident {
		k, ok := s.lookup(n.text)
		if !ok {
			p.fail(n, "unknown %s: failed to find name %s", s.sort, n.text)
		}
		return k
	}
	if n.kind != word {
		p.fail(n, "expected a %s index, found %s", s.sort, n.describe())
	}
	return uint32(p.uint(n, "a "+s.sort+" index", 32))
}

// isIndex tells whether an index is next.
func (c *cursor) isIndex() bool {
	n := c.peek()
	return n != nil && n.kind == ident || c.isUint()
}

// index takes an index into a space.
func (c *cursor) index(s *space) uint32 {
	return s.index(c.p, c.next("a "+s.sort+" index"))
}
