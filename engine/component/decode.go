package component

import (
	"bytes"

	"github.com/godwit-runtime/godwit/engine/types"
)

// Limits. A file within them decodes in time and memory proportional to its
// length.
const (
	maxModules    = 1000
	maxComponents = 1000
	maxInstances  = 1000
	maxDefs       = 1_000_000 // of a file, in all index spaces, nested ones too
	maxVector     = 1_000_000
	maxDepth      = 100
	// maxTypeWeight bounds a type with everything in it spelled out, and maxWork
	// the sum of what is compared and copied.
	maxTypeWeight = 1_000_000
	maxWork       = 20_000_000
	// maxCopied bounds how many exports of instances are made anew, which takes
	// more memory than what they are made of takes in the file.
	maxCopied = 500_000
)

// decoder decodes and validates one file.
type decoder struct {
	reader
	depth int
	work  uint64
	defs  int
	made  uint64 // exports of instances
	infos map[*types.Type]info
	sizes map[any]uint64 // weights of function, instance and component types
	lens  map[any]uint64 // see entries
	index map[*types.Instance]map[string]int
	refs  coreRefs
}

var (
	magic         = []byte{0, 'a', 's', 'm'}
	moduleVersion = []byte{1, 0, 0, 0}
	version       = []byte{0x0d, 0, 1, 0}
)

// Decode decodes and validates a component. The result keeps b. An error is an
// *Error, ErrCoreModule or ErrNotWasm.
func Decode(b []byte) (c *Component, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Error:
			c, err = nil, r
		default:
			panic(r)
		}
	}()
	if len(b) < len(magic) || !bytes.Equal(b[:len(magic)], magic) {
		return nil, ErrNotWasm
	}
	if len(b) >= 8 && bytes.Equal(b[4:8], moduleVersion) {
		return nil, ErrCoreModule
	}
	d := &decoder{
		reader: reader{b: b, end: len(b)},
		infos:  map[*types.Type]info{},
		sizes:  map[any]uint64{},
		lens:   map[any]uint64{},
		index:  map[*types.Instance]map[string]int{},
	}
	return d.component(nil), nil
}

func (d *decoder) limit(n, most int, what string) {
	if n > most {
		d.fail("%s count exceeds limit of %d", what, most)
	}
}

// total counts n definitions.
func (d *decoder) total(n int) {
	d.defs += n
	d.limit(d.defs, maxDefs, "definition")
}

// nest guards against a nesting that would overflow the stack.
func (d *decoder) nest() func() {
	d.depth++
	if d.depth > maxDepth {
		d.fail("nesting is deeper than %d", maxDepth)
	}
	return func() { d.depth-- }
}

func (d *decoder) preamble() {
	for _, want := range magic {
		if d.byte() != want {
			d.failAt(d.p-1, "magic header not detected: bad magic number")
		}
	}
	at := d.p
	var v [4]byte
	for k := range v {
		v[k] = d.byte()
	}
	switch {
	case bytes.Equal(v[:], version):
	case bytes.Equal(v[:], moduleVersion):
		d.failAt(at, "expected a version header for a component")
	default:
		d.failAt(at, "unknown binary version and encoding combination: %#x and %#x, expected 0xd and 0x1",
			uint16(v[0])|uint16(v[1])<<8, uint16(v[2])|uint16(v[3])<<8)
	}
}

// component decodes the component that the reader is narrowed to.
func (d *decoder) component(outer *scope) *Component {
	defer d.nest()()
	s := newScope(inComponent, outer)
	s.comp.Offset = d.p
	d.preamble()
	for d.p < d.end {
		at := d.p
		id := d.byte()
		if id > 11 {
			if id == 12 {
				d.failAt(at, "value sections are not supported: support for component model `value`s is not enabled")
			}
			d.failAt(at, "malformed section id: %d", id)
		}
		done := d.sub()
		d.section(s, id)
		done()
	}
	return s.comp
}

// section decodes one section.
//
//godwit:dispatch
func (d *decoder) section(s *scope, id byte) {
	vector := func(what string, f func(*scope)) {
		n := d.count(maxVector, what)
		for k := range n {
			d.path = append(d.path, step{what, k})
			f(s)
			d.path = d.path[:len(d.path)-1]
		}
	}
	switch id {
	case 0:
		d.custom(s)
	case 1:
		d.coreModule(s)
	case 2:
		vector("core instance", d.coreInstance)
	case 3:
		vector("core type", d.coreTypeDef)
	case 4:
		d.path = append(d.path, step{"component", len(s.comps)})
		c := d.component(s)
		d.path = d.path[:len(d.path)-1]
		s.def(&Nested{Component: c})
		d.push(s, types.Extern{Sort: types.SortComponent, Component: c.Type})
	case 5:
		vector("instance", d.instance)
	case 6:
		vector("alias", d.alias)
	case 7:
		vector("type", d.typeDef)
	case 8:
		vector("canonical definition", d.canon)
	case 9:
		d.fail("start functions are not supported: support for component model `value`s is not enabled")
	case 10:
		vector("import", d.importDef)
	case 11:
		vector("export", d.exportDef)
	}
}

// custom reads a custom section, of which only the component's name is of use.
// What is wrong with it is no reason to reject the component.
func (d *decoder) custom(s *scope) {
	name := d.name()
	if name == "component-name" && d.p < d.end && d.b[d.p] == 0 {
		sub := reader{b: d.b, p: d.p + 1, end: d.end}
		func() {
			defer func() { _ = recover() }()
			sub.u32()
			s.comp.Name = sub.name()
		}()
	}
	d.p = d.end
}
