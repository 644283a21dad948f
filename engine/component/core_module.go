package component

import (
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// This file reads of a core module what linking needs: its imports and exports.
// The rest of it, function bodies above all, is validated when it is compiled.

// sectionOrder is the sections of a core module in the order that they must have.
const sectionOrder = "\x01\x02\x03\x04\x05\x0d\x06\x07\x08\x09\x0c\x0a\x0b"

// coreScope is the index spaces of a core module or module type.
type coreScope struct {
	types    []*types.CoreFuncType // nil for a type that is not a function type
	funcs    []*types.CoreFuncType
	tables   []types.CoreExtern
	memories []types.CoreExtern
	globals  []types.CoreExtern
	tags     []types.CoreExtern
	module   types.Module
}

func (c *coreScope) push(e types.CoreExtern) {
	switch e.Sort {
	case types.CoreFunc:
		c.funcs = append(c.funcs, e.Func)
	case types.CoreTable:
		c.tables = append(c.tables, e)
	case types.CoreMemory:
		c.memories = append(c.memories, e)
	case types.CoreGlobal:
		c.globals = append(c.globals, e)
	case types.CoreTag:
		c.tags = append(c.tags, e)
	}
}

func (d *decoder) coreModule(s *scope) {
	offset := d.p
	defer d.nest()()
	for _, want := range magic {
		if d.byte() != want {
			d.failAt(d.p-1, "magic header not detected: bad magic number")
		}
	}
	for _, want := range moduleVersion {
		if d.byte() != want {
			d.failAt(d.p-1, "expected a version header for a module")
		}
	}
	var c coreScope
	last := 0
	for d.p < d.end {
		id := d.byte()
		if id != 0 {
			place := strings.IndexByte(sectionOrder, id)
			if place < 0 {
				d.failAt(d.p-1, "malformed section id: %d", id)
			}
			if place < last {
				d.failAt(d.p-1, "section out of order")
			}
			last = place + 1
		}
		done := d.sub()
		d.coreSection(&c, id)
		done()
	}
	d.uniqueImports(&c.module)
	m := c.module
	s.def(&CoreModule{Offset: offset, Bytes: d.b[offset:d.p:d.p], Type: &m})
	d.push(s, types.Extern{Sort: types.SortCoreModule, Module: &m})
}

//godwit:dispatch
func (d *decoder) coreSection(c *coreScope, id byte) {
	d.refs = coreRefs{count: len(c.types)}
	switch id {
	case 1:
		for range d.count(maxVector, "types") {
			d.refs = coreRefs{count: len(c.types)}
			c.types = append(c.types, d.coreRecType()...)
		}
	case 2:
		for range d.count(maxVector, "imports") {
			d.coreImport(c)
		}
	case 3:
		for range d.count(maxVector, "functions") {
			c.push(types.CoreExtern{Sort: types.CoreFunc, Func: d.coreFuncType(c)})
		}
	case 4:
		for range d.count(maxVector, "tables") {
			if d.peek() == 0x40 { // with an initializer
				d.byte()
				d.byte()
				c.push(types.CoreExtern{Sort: types.CoreTable, Table: d.coreTable()})
				d.constExpr()
				continue
			}
			c.push(types.CoreExtern{Sort: types.CoreTable, Table: d.coreTable()})
		}
	case 5:
		for range d.count(maxVector, "memories") {
			c.push(types.CoreExtern{Sort: types.CoreMemory, Memory: d.coreLimits(true)})
		}
	case 6:
		for range d.count(maxVector, "globals") {
			c.push(d.coreGlobal())
			d.constExpr()
		}
	case 7:
		seen := map[string]bool{}
		for range d.count(maxVector, "exports") {
			d.coreExport(c, seen)
		}
	case 13:
		for range d.count(maxVector, "tags") {
			c.push(d.coreTag(c))
		}
	default:
		d.p = d.end // validated when compiled
	}
}

// constExpr passes over a constant expression.
func (d *decoder) constExpr() {
	for {
		switch op := d.byte(); op {
		case 0x0b:
			return
		case 0x41, 0x42, 0x23, 0xd2, 0xd0:
			d.skipLEB()
		case 0x43:
			d.skip(4)
		case 0x44:
			d.skip(8)
		case 0xfd: // v128.const
			d.skipLEB()
			d.skip(16)
		case 0xfb: // GC, which the engine refuses when the module is compiled
			switch d.u32() {
			case 0, 1, 6, 7: // struct.new, array.new and their defaults
				d.u32()
			case 8: // array.new_fixed
				d.u32()
				d.u32()
			}
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
		default:
			d.failAt(d.p-1, "constant expression required: illegal opcode %#x", op)
		}
	}
}

func (d *decoder) skip(n int) {
	if n > d.end-d.p {
		d.fail("unexpected end-of-file")
	}
	d.p += n
}

func (d *decoder) skipLEB() {
	for d.byte()&0x80 != 0 {
	}
}

// coreValType reads a core value type. A reference to a defined type is
// represented by its first byte alone: no component function can have one.
func (d *decoder) coreValType() types.ValType {
	switch b := d.byte(); b {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73, 0x74:
		return types.ValType(b)
	case 0x63, 0x64:
		d.heapType()
		return types.ValType(b)
	default:
		d.failAt(d.p-1, "invalid value type: invalid leading byte (%#x) for value type", b)
		return 0
	}
}

// coreRefs are the core types that a core type may refer to by index.
type coreRefs struct {
	count  int // of the types before
	group  int // of the types in the recursion group that is being read
	module func(i uint32) bool
}

// heapType reads an abstract heap type or the index of a type.
func (d *decoder) heapType() {
	if d.peek()&0xc0 == 0x40 { // negative: abstract
		if b := d.byte(); b < 0x68 || b > 0x75 {
			d.invalid(b, "heap type")
		}
		return
	}
	d.typeRef(d.index33())
}

// typeRef checks the index of a type that another refers to.
func (d *decoder) typeRef(i uint32) {
	if int64(i) >= int64(d.refs.count+d.refs.group) {
		d.fail("unknown type %d: type index out of bounds", i)
	}
	if m := d.refs.module; m != nil && int64(i) < int64(d.refs.count) && m(i) {
		d.fail("type index %d is a module type, not a sub type", i)
	}
}

func (d *decoder) coreValTypes() []types.ValType {
	n := d.count(1000, "function params or results")
	ts := make([]types.ValType, n)
	for k := range ts {
		ts[k] = d.coreValType()
	}
	return ts
}

// coreRecType reads a recursion group: one type, or several.
func (d *decoder) coreRecType() []*types.CoreFuncType {
	n := 1
	if d.peek() == 0x4e {
		d.byte()
		n = d.count(maxVector, "rec group")
	}
	d.refs.group = n
	out := make([]*types.CoreFuncType, n)
	for k := range out {
		out[k] = d.coreSubType()
	}
	return out
}

func (d *decoder) coreSubType() *types.CoreFuncType {
	if b := d.peek(); b == 0x50 || b == 0x4f {
		d.byte()
		for range d.count(1, "supertypes") {
			d.typeRef(d.u32())
		}
	}
	switch b := d.byte(); b {
	case 0x60:
		params := d.coreValTypes()
		return &types.CoreFuncType{Params: params, Results: d.coreValTypes()}
	case 0x5e: // array
		d.coreFieldType()
	case 0x5f: // struct
		for range d.count(10000, "struct fields") {
			d.coreFieldType()
		}
	default:
		d.failAt(d.p-1, "invalid leading byte (%#x) for type", b)
	}
	return nil
}

func (d *decoder) coreFieldType() {
	if b := d.peek(); b == 0x78 || b == 0x77 { // i8, i16
		d.byte()
	} else {
		d.coreValType()
	}
	d.flag("mutability")
}

// coreFuncType reads a type index of a function type.
func (d *decoder) coreFuncType(c *coreScope) *types.CoreFuncType {
	i := d.u32()
	if uint64(i) >= uint64(len(c.types)) {
		d.fail("unknown type %d: type index out of bounds", i)
	}
	if c.types[i] == nil {
		d.fail("type index %d is not a function type", i)
	}
	return c.types[i]
}

func (d *decoder) coreTable() *types.CoreTableType {
	elem := d.coreValType()
	return &types.CoreTableType{Elem: elem, Limits: *d.coreLimits(false)}
}

const maxPages = 1 << 16

func (d *decoder) coreLimits(memory bool) *types.CoreLimits {
	flags := d.byte()
	if flags > 0x0f || !memory && flags&^5 != 0 {
		d.failAt(d.p-1, "invalid limits flags")
	}
	l := &types.CoreLimits{HasMax: flags&1 != 0, Shared: flags&2 != 0, Is64: flags&4 != 0, PageSizeLog2: 16}
	bits := uint(32)
	if l.Is64 {
		bits = 64
	}
	l.Min = d.uleb(bits)
	if l.HasMax {
		l.Max = d.uleb(bits)
	}
	if flags&8 != 0 {
		log := d.u32()
		if log != 0 && log != 16 {
			d.fail("invalid custom page size: 2^%d", log)
		}
		l.PageSizeLog2 = uint8(log)
	}
	if l.Shared && !l.HasMax {
		d.fail("shared memory must have maximum size")
	}
	if l.HasMax && l.Min > l.Max {
		d.fail("size minimum must not be greater than maximum")
	}
	if memory && !l.Is64 && l.PageSizeLog2 == 16 && (l.Min > maxPages || l.HasMax && l.Max > maxPages) {
		d.fail("memory size must be at most 65536 pages (4GiB)")
	}
	return l
}

func (d *decoder) coreGlobal() types.CoreExtern {
	t := d.coreValType()
	return types.CoreExtern{Sort: types.CoreGlobal, Global: t, Mutable: d.flag("mutability")}
}

func (d *decoder) coreTag(c *coreScope) types.CoreExtern {
	if b := d.byte(); b != 0 {
		d.failAt(d.p-1, "invalid tag attributes")
	}
	return types.CoreExtern{Sort: types.CoreTag, Func: d.coreFuncType(c)}
}

// coreExternType reads the type of a core import, or of an export of a module type.
func (d *decoder) coreExternType(c *coreScope) types.CoreExtern {
	switch b := d.byte(); b {
	case 0:
		return types.CoreExtern{Sort: types.CoreFunc, Func: d.coreFuncType(c)}
	case 1:
		return types.CoreExtern{Sort: types.CoreTable, Table: d.coreTable()}
	case 2:
		return types.CoreExtern{Sort: types.CoreMemory, Memory: d.coreLimits(true)}
	case 3:
		return d.coreGlobal()
	case 4:
		return d.coreTag(c)
	default:
		d.invalid(b, "external kind")
		return types.CoreExtern{}
	}
}

func (d *decoder) coreImport(c *coreScope) {
	module := d.name()
	name := d.name()
	e := d.coreExternType(c)
	c.module.Imports = append(c.module.Imports, types.CoreImport{Module: module, Name: name, Type: e})
	c.push(e)
}

func (d *decoder) coreExport(c *coreScope, seen map[string]bool) {
	name := d.name()
	if seen[name] {
		d.fail("duplicate export name `%s` already defined", name)
	}
	seen[name] = true
	kind := d.byte()
	i := d.u32()
	var e types.CoreExtern
	pick := func(n int, what string, at func() types.CoreExtern) {
		if uint64(i) >= uint64(n) {
			d.fail("unknown %s %d: exported %s index out of bounds", what, i, what)
		}
		e = at()
	}
	switch kind {
	case 0:
		pick(len(c.funcs), "function", func() types.CoreExtern {
			return types.CoreExtern{Sort: types.CoreFunc, Func: c.funcs[i]}
		})
	case 1:
		pick(len(c.tables), "table", func() types.CoreExtern { return c.tables[i] })
	case 2:
		pick(len(c.memories), "memory", func() types.CoreExtern { return c.memories[i] })
	case 3:
		pick(len(c.globals), "global", func() types.CoreExtern { return c.globals[i] })
	case 4:
		pick(len(c.tags), "tag", func() types.CoreExtern { return c.tags[i] })
	default:
		d.failAt(d.p-1, "invalid leading byte (%#x) for external kind", kind)
	}
	c.module.Exports = append(c.module.Exports, types.CoreExport{Name: name, Type: e})
}
