package core

import (
	"errors"
	"strconv"
)

// Every module is rewritten before it is compiled:
//
//   - imports become ("i<k>", real name) for an export of core instance k and
//     ("h", "<n>") for host function n, which also cures names that wazero does
//     not take, such as the empty one;
//   - tables without a maximum get one, so that they can be charged for;
//   - custom sections go, except for the names of functions, which backtraces
//     show; the module's own name becomes ModuleSpec.Name;
//   - for the compiler on arm64, rem becomes div, mul and sub (rem.go).
//
// The rewriter reads what it needs and leaves it to wazero to validate the rest.

// The sections of a module.
const (
	secCustom   = 0
	secType     = 1
	secImport   = 2
	secFunction = 3
	secTable    = 4
	secMemory   = 5
	secGlobal   = 6
	secExport   = 7
	secCode     = 10
	secTag      = 13
)

// The kinds of imports and exports.
const (
	externFunc   = 0
	externTable  = 1
	externMemory = 2
	externGlobal = 3
	externTag    = 4
)

// moduleInfo is what rewriting learns of a module.
type moduleInfo struct {
	funcs      map[string]bool // exported
	tableBytes uint64          // what the module's own tables can take
	memories   int             // of its own
	minPages   uint32
	maxPages   uint32 // when shared
	shared     bool
	exceptions bool
}

const (
	// maxTable is the most that a table grows to when it does not say, or says
	// more.
	maxTable = 1 << 17
	// tableElem is the size of an element of a table in wazero.
	tableElem = 8
)

var header = []byte{0, 'a', 's', 'm', 1, 0, 0, 0}

type rewriter struct {
	spec     *ModuleSpec
	info     moduleInfo
	out      []byte
	names    []byte   // the function names, a subsection of the name section
	imported int      // memories that are imported
	arity    []uint32 // number of parameters by type
	params   []uint32 // number of parameters by function, without imports
}

func rewrite(s *ModuleSpec) ([]byte, moduleInfo, error) {
	if len(s.Bytes) < len(header) || string(s.Bytes[:len(header)]) != string(header) {
		return nil, moduleInfo{}, errors.New(s.Name + " is not a core module of version 1")
	}
	w := &rewriter{spec: s, info: moduleInfo{funcs: map[string]bool{}}}
	w.out = append(make([]byte, 0, len(s.Bytes)+len(s.Bytes)/16+64), header...)
	r := &reader{b: s.Bytes, p: len(header)}
	for r.more() {
		id := r.byte()
		body := r.sub()
		if r.err == nil {
			if err := w.section(id, &body); err != nil {
				return nil, w.info, err
			}
		}
	}
	if r.err != nil {
		return nil, w.info, errors.New(s.Name + ": " + r.err.Error())
	}
	w.nameSection()
	return w.out, w.info, nil
}

func (w *rewriter) section(id byte, r *reader) error {
	var err error
	switch id {
	case secCustom:
		w.custom(r)
		return nil
	case secType:
		err = w.types(r)
	case secImport:
		return w.imports(r)
	case secFunction:
		w.functions(r)
	case secTable:
		w.tables(r)
		return w.failed(r)
	case secMemory:
		err = w.memories(r)
	case secExport:
		w.exports(r)
	case secTag:
		w.info.exceptions = true
	case secCode:
		if w.spec.Engine == Compiler && rewriteRem {
			w.out = appendSection(w.out, id, remCode(r, w.params))
			return w.failed(r)
		}
	}
	if err == nil {
		err = w.failed(r)
	}
	w.out = appendSection(w.out, id, r.b)
	return err
}

func (w *rewriter) failed(r *reader) error {
	if r.err != nil {
		return errors.New(w.spec.Name + ": " + r.err.Error())
	}
	return nil
}

func (w *rewriter) unsupported(feature string, r *reader) error {
	return &UnsupportedError{Feature: feature, Module: w.spec.Name, Offset: w.spec.Offset + r.base + r.p}
}

// custom keeps the function names. A name section that makes no sense is left out.
func (w *rewriter) custom(r *reader) {
	if r.string() != "name" {
		return
	}
	for r.more() {
		id := r.byte()
		sub := r.sub()
		if id == 1 && r.err == nil && validNames(sub) {
			w.names = sub.b
		}
	}
}

func validNames(r reader) bool {
	last := int64(-1)
	for range r.count() {
		if i := int64(r.u32()); i <= last {
			return false
		} else {
			last = i
		}
		r.bytes()
	}
	return r.err == nil && !r.more()
}

func (w *rewriter) nameSection() {
	body := appendString(nil, "name")
	body = appendSection(body, 0, appendString(nil, w.spec.Name))
	if w.names != nil {
		body = appendSection(body, 1, w.names)
	}
	w.out = appendSection(w.out, secCustom, body)
}

// types learns the number of parameters of each type.
func (w *rewriter) types(r *reader) error {
	for range r.count() {
		switch r.byte() {
		case 0x60:
		case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
			return w.unsupported("garbage collection (GC)", r)
		default:
			r.fail("malformed type")
		}
		n := r.count()
		w.arity = append(w.arity, uint32(n))
		w.valTypes(r, n)
		w.valTypes(r, r.count())
	}
	return nil
}

// valTypes passes over n value types.
func (w *rewriter) valTypes(r *reader, n int) {
	for range n {
		if t := r.byte(); t == 0x63 || t == 0x64 { // a reference to a type
			r.u64()
		}
	}
}

func (w *rewriter) functions(r *reader) {
	for range r.count() {
		t := r.u32()
		if uint64(t) >= uint64(len(w.arity)) {
			r.fail("unknown type %d", t)
			return
		}
		w.params = append(w.params, w.arity[t])
	}
}

func (w *rewriter) imports(r *reader) error {
	n := r.count()
	if n != len(w.spec.Imports) && r.err == nil {
		return errors.New(w.spec.Name + ": the imports of the module are not those of its description")
	}
	body := appendU32(make([]byte, 0, len(r.b)), uint32(n))
	for k := range n {
		r.bytes()
		r.bytes()
		if r.err != nil {
			break
		}
		if ref := w.spec.Imports[k]; ref.Instance < 0 {
			body = appendString(body, "h")
			body = appendString(body, strconv.Itoa(ref.Host))
		} else {
			body = appendString(body, "i"+strconv.Itoa(ref.Instance))
			body = appendString(body, ref.Name)
		}
		start := r.p
		kind := r.byte()
		body = append(body, kind)
		start++
		switch kind {
		case externFunc:
			r.u32()
		case externTable:
			r.byte()
			w.limits(r)
		case externMemory:
			l := w.limits(r)
			w.imported++
			if err := w.checkMemory(l, r); err != nil {
				return err
			}
		case externGlobal:
			r.byte()
			r.byte()
		case externTag:
			w.info.exceptions = true
			r.byte()
			r.u32()
		default:
			r.fail("malformed import kind")
		}
		if r.err == nil {
			body = append(body, r.b[start:r.p]...)
		}
	}
	w.out = appendSection(w.out, secImport, body)
	return w.failed(r)
}

// limits of a table or a memory.
type limits struct {
	flags    byte
	min, max uint64
}

const (
	limitsMax    = 1 << 0
	limitsShared = 1 << 1
	limits64     = 1 << 2
	limitsPage   = 1 << 3
)

func (w *rewriter) limits(r *reader) limits {
	l := limits{flags: r.byte()}
	l.min = r.u64()
	if l.flags&limitsMax != 0 {
		l.max = r.u64()
	}
	return l
}

func (l limits) append(b []byte) []byte {
	b = append(b, l.flags)
	b = appendU32(b, uint32(l.min))
	if l.flags&limitsMax != 0 {
		b = appendU32(b, uint32(l.max))
	}
	return b
}

func (w *rewriter) checkMemory(l limits, r *reader) error {
	switch {
	case r.err != nil:
		return w.failed(r)
	case l.flags&limits64 != 0:
		return w.unsupported("64-bit memories (memory64)", r)
	case l.flags&limitsPage != 0:
		return w.unsupported("custom page sizes", r)
	case w.imported+w.info.memories > 1:
		return w.unsupported("more than one memory (multi-memory)", r)
	}
	return nil
}

func (w *rewriter) memories(r *reader) error {
	for range r.count() {
		l := w.limits(r)
		w.info.memories++
		if err := w.checkMemory(l, r); err != nil {
			return err
		}
		w.info.shared = l.flags&limitsShared != 0
		w.info.minPages, w.info.maxPages = uint32(min(l.min, 1<<16)), uint32(min(l.max, 1<<16))
	}
	return nil
}

// tables gives every table a maximum.
func (w *rewriter) tables(r *reader) {
	n := r.count()
	body := appendU32(nil, uint32(n))
	for range n {
		elem := r.byte()
		if elem == 0x40 {
			r.fail("tables with an initializer are not supported")
			return
		}
		l := w.limits(r)
		if r.err != nil {
			return
		}
		if l.flags&limits64 != 0 {
			r.fail("64-bit tables (memory64) are not supported")
			return
		}
		if l.flags&limitsMax == 0 || l.max > maxTable {
			l.flags |= limitsMax
			l.max = max(l.min, maxTable)
		}
		w.info.tableBytes += max(l.min, l.max) * tableElem
		body = l.append(append(body, elem))
	}
	w.out = appendSection(w.out, secTable, body)
}

func (w *rewriter) exports(r *reader) {
	for range r.count() {
		name := r.string()
		kind := r.byte()
		r.u32()
		if kind == externFunc {
			w.info.funcs[name] = true
		}
	}
}
