package core

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Every module is rewritten before it is compiled:
//
//   - imports become ("i<k>", real name) for an export of core instance k and
//     ("h", "<n>") for host function n, which also cures names that wazero does
//     not take, such as the empty one;
//   - tables without a maximum get one, so that they can be charged for;
//   - mutable globals are exported, so that an instance can be reset;
//   - data that is placed at constant offsets is taken out (data.go): what is
//     left is code, which modules that differ in data share;
//   - custom sections go, except for the names of functions, which backtraces
//     show; the module's own name becomes ModuleSpec.Name;
//   - fuel is injected (fuel.go);
//   - for the compiler on arm64, rem becomes div, mul and sub (rem.go).
//
// The function that fuel imports comes after the module's own imports, so that
// the indices of its own functions move by one; all else that is added comes at
// the end of its index space and moves nothing.
//
// The rewriter reads what it needs and leaves it to wazero to validate the rest.

// The sections of a module.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElem      = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
	secTag       = 13
)

// sectionOrder is the order of the sections in a module.
var sectionOrder = [...]byte{
	secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal,
	secExport, secStart, secElem, secDataCount, secCode, secData,
}

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
	funcs      map[string]bool   // exported
	tables     map[string]uint32 // exported, by index
	globals    []string          // exports of the mutable globals, for a reset
	resettable bool              // nothing else that its code changes but memory
	tableBytes uint64            // what the module's own tables can take
	memories   int               // of its own
	minPages   uint32
	maxPages   uint32
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
	spec  *ModuleSpec
	info  moduleInfo
	in    [secTag + 1]*reader // the sections; nil for those that are not there
	out   []byte
	names []byte // the function names, a subsection of the name section

	size     spaces
	shift    uint32     // of the indices of the module's own functions
	imported int        // memories that are imported
	sigs     []funcType // by type
	funcs    []funcType // by function, without imports
	code     codeInfo
	instr    []byte // what an instruction becomes, while it is rewritten

	mutable []uint32 // indices of mutable globals that are numbers
	others  bool     // other mutable globals
}

// funcType is what matters of the type of a function.
type funcType struct {
	params uint32
	// result is the type of a block with the function's results, or 0 when that
	// is none that a byte says.
	result byte
}

func rewrite(s *ModuleSpec) ([]byte, moduleInfo, error) {
	w, err := split(s)
	if err != nil {
		return nil, w.info, err
	}
	if err := w.learn(); err != nil {
		return nil, w.info, err
	}
	if err := w.write(); err != nil {
		return nil, w.info, err
	}
	return w.out, w.info, nil
}

// write writes the module from what was learned.
func (w *rewriter) write() error {
	w.withoutData()
	w.out = append(make([]byte, 0, len(w.spec.Bytes)+len(w.spec.Bytes)/8+256), header...)
	for _, id := range sectionOrder {
		if err := w.section(id); err != nil {
			return err
		}
	}
	w.nameSection()
	w.info.resettable = !w.code.writesTables && !w.code.dropsSegments && !w.others && !w.info.shared
	return nil
}

// split finds the sections.
func split(s *ModuleSpec) (*rewriter, error) {
	w := &rewriter{spec: s, info: moduleInfo{funcs: map[string]bool{}, tables: map[string]uint32{}}}
	if len(s.Bytes) < len(header) || string(s.Bytes[:len(header)]) != string(header) {
		return w, errors.New(s.Name + " is not a core module of version 1")
	}
	r := &reader{b: w.spec.Bytes, p: len(header)}
	place := 0
	for r.more() {
		id := r.byte()
		body := r.sub()
		if r.err != nil {
			break
		}
		if id == secCustom {
			if err := w.custom(&body); err != nil {
				return w, err
			}
			continue
		}
		at := slices.Index(sectionOrder[:], id)
		switch {
		case at < 0:
			r.fail("malformed section id %d", id)
		case at < place:
			r.fail("unexpected content after last section")
		default:
			place = at + 1
			w.in[id] = &body
		}
	}
	return w, w.failed(r)
}

// learn reads what must be known before the first section is written.
func (w *rewriter) learn() error {
	for _, s := range []struct {
		id   byte
		read func(r *reader) error
	}{
		{secType, w.types}, {secImport, w.countImports}, {secFunction, w.functions}, {secGlobal, w.countGlobals},
	} {
		if r := w.in[s.id]; r != nil {
			if err := s.read(r); err != nil {
				return err
			}
			r.end()
			if err := w.failed(r); err != nil {
				return err
			}
			r.p = 0
		}
	}
	if w.in[secTag] != nil {
		w.info.exceptions = true
	}
	w.size.types, w.size.funcs = uint32(len(w.sigs)), uint32(len(w.funcs))
	if w.size.funcs > 0 {
		w.shift = 1
	}
	r := w.in[secCode]
	if r == nil {
		r = &reader{b: []byte{0}}
	}
	w.scanCode(r)
	r.p = 0
	return w.failed(r)
}

// section writes a section.
func (w *rewriter) section(id byte) error {
	r := w.in[id]
	switch {
	case r != nil:
	case id == secExport && len(w.mutable) > 0, w.fueled() && (id == secImport || id == secGlobal):
		r = &reader{b: []byte{0}}
	default:
		return nil
	}
	body := r.b
	var err error
	switch id {
	case secType:
		body = w.appendTypes(body)
	case secImport:
		body, err = w.imports(r)
	case secFunction:
		body = w.appendFunctions(body)
	case secTable:
		body = w.tables(r)
		r.end()
	case secMemory:
		err = w.memories(r)
	case secGlobal:
		body = w.globals(r)
	case secExport:
		body = w.exports(r)
		r.end()
	case secStart:
		body = appendU32(nil, w.funcIndex(r, r.u32()))
		r.end()
	case secElem:
		body = w.elems(r)
		r.end()
	case secCode:
		body = w.emitCode(r)
	}
	if err == nil {
		err = w.failed(r)
	}
	w.out = appendSection(w.out, id, body)
	return err
}

// addTo is a vector, which has n elements, with more appended.
func addTo(vec []byte, n uint32, more int, elems ...byte) []byte {
	r := reader{b: vec}
	r.u32()
	out := appendU32(make([]byte, 0, len(vec)+len(elems)+2), n+uint32(more))
	return append(append(out, vec[r.p:]...), elems...)
}

// appendTypes adds the types of what is added: that of the check, and that of
// the functions for bulk operations.
func (w *rewriter) appendTypes(body []byte) []byte {
	if !w.fueled() {
		return body
	}
	return addTo(body, w.size.types, 2, typeFunc, 0, 1, typeI64, typeFunc, 3, typeI32, typeI32, typeI32, 0)
}

func (w *rewriter) appendFunctions(body []byte) []byte {
	n := len(w.bulkFuncs())
	if n == 0 {
		return body
	}
	var elems []byte
	for range n {
		elems = appendU32(elems, w.size.types+1)
	}
	return addTo(body, w.size.funcs, n, elems...)
}

// funcIndex checks an index of a function and moves it.
func (w *rewriter) funcIndex(r *reader, i uint32) uint32 {
	if i >= w.size.imports+w.size.funcs {
		r.fail("unknown function %d", i)
	}
	if i >= w.size.imports {
		i += w.shift
	}
	return i
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

// custom keeps the function names. A name section that makes no sense is left
// out, but a section without a name of its own is malformed.
func (w *rewriter) custom(r *reader) error {
	name := r.string()
	if !utf8.ValidString(name) {
		r.fail("malformed UTF-8 encoding")
	}
	if name != "name" || r.err != nil {
		return w.failed(r)
	}
	for r.more() {
		id := r.byte()
		sub := r.sub()
		if id == 1 && r.err == nil && validNames(sub) {
			w.names = sub.b
		}
	}
	return nil
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
	names := w.names
	if w.fueled() {
		names = w.movedNames()
	}
	if names != nil {
		body = appendSection(body, 1, names)
	}
	w.out = appendSection(w.out, secCustom, body)
}

// movedNames are the names of functions by their new indices. A function
// without a name gets the one that wazero would give it, but with the index that
// it has in the component's file.
func (w *rewriter) movedNames() []byte {
	var names []byte
	count := uint32(0)
	add := func(i uint32, name string) {
		names = appendString(appendU32(names, i), name)
		count++
	}
	r := &reader{b: w.names}
	left, next := 0, uint32(noType)
	advance := func() {
		next = noType
		if left > 0 {
			left, next = left-1, r.u32()
		}
	}
	if w.names != nil {
		left = r.count()
	}
	advance()
	for i := range w.size.imports + w.size.funcs {
		moved := i
		if i >= w.size.imports {
			moved += w.shift
		}
		if i == next {
			add(moved, r.string())
			advance()
		} else if i >= w.size.imports {
			add(moved, "$"+strconv.FormatUint(uint64(i), 10))
		}
	}
	end := w.size.imports + w.size.funcs + w.shift
	if w.code.fills {
		add(end, "memory.fill")
		end++
	}
	if w.code.copies {
		add(end, "memory.copy")
	}
	return append(appendU32(nil, count), names...)
}

// types learns what matters of each.
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
		sig := funcType{params: uint32(n)}
		w.valTypes(r, n)
		if n = r.count(); n == 0 {
			sig.result = blockEmpty
		} else if n == 1 && r.more() && r.b[r.p] >= typeV128 && r.b[r.p] <= typeI32 {
			sig.result = r.b[r.p]
		}
		w.valTypes(r, n)
		w.sigs = append(w.sigs, sig)
	}
	return nil
}

// valTypes passes over n value types.
func (w *rewriter) valTypes(r *reader, n int) {
	for range n {
		r.valType()
	}
}

func (w *rewriter) functions(r *reader) error {
	for range r.count() {
		t := r.u32()
		if uint64(t) >= uint64(len(w.sigs)) {
			r.fail("unknown type %d", t)
			break
		}
		w.funcs = append(w.funcs, w.sigs[t])
	}
	return nil
}

// countImports counts the functions and globals that are imported.
func (w *rewriter) countImports(r *reader) error {
	for range r.count() {
		r.bytes()
		r.bytes()
		switch w.importType(r) {
		case externFunc:
			w.size.imports++
		case externGlobal:
			w.size.globals++
		}
	}
	return nil
}

// importType passes over the kind and type of an import.
func (w *rewriter) importType(r *reader) (kind byte) {
	kind = r.byte()
	switch kind {
	case externFunc:
		if t := r.u32(); uint64(t) >= uint64(len(w.sigs)) {
			r.fail("unknown type %d", t)
		}
	case externTable:
		r.valType()
		r.limits()
	case externMemory:
		r.limits()
	case externGlobal:
		r.valType()
		r.byte()
	case externTag:
		w.info.exceptions = true
		r.byte()
		if t := r.u32(); uint64(t) >= uint64(len(w.sigs)) {
			r.fail("unknown type %d", t)
		}
	default:
		r.fail("malformed import kind")
	}
	return kind
}

// countGlobals learns which globals there are.
func (w *rewriter) countGlobals(r *reader) error {
	for range r.count() {
		at := r.p
		r.valType()
		mutable := r.byte() == 1
		if r.err == nil && mutable {
			if t := r.b[at]; t >= typeF64 && t <= typeI32 {
				w.mutable = append(w.mutable, w.size.globals)
			} else {
				w.others = true
			}
		}
		for op := r.byte(); op != opEnd && r.err == nil; op = r.byte() {
			r.skipInstr(op)
		}
		w.size.globals++
	}
	return nil
}

func (w *rewriter) imports(r *reader) ([]byte, error) {
	n := r.count()
	if n != len(w.spec.Imports) && r.err == nil {
		return nil, errors.New(w.spec.Name + ": the imports of the module are not those of its description")
	}
	body := appendU32(make([]byte, 0, len(r.b)), uint32(n)+w.shift)
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
		if kind := w.importType(r); kind == externMemory && r.err == nil {
			end := r.p
			r.p = start + 1
			l := r.limits()
			w.imported++
			if err := w.checkMemory(l, r); err != nil {
				return nil, err
			}
			r.p = end
		}
		if r.err == nil {
			body = append(body, r.b[start:r.p]...)
		}
	}
	if w.fueled() {
		body = appendString(appendString(body, fuelModule), fuelCheck)
		body = appendU32(append(body, externFunc), w.size.types)
	}
	return body, nil
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

func (r *reader) limits() limits {
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
		l := r.limits()
		w.info.memories++
		if err := w.checkMemory(l, r); err != nil {
			return err
		}
		w.info.shared = l.flags&limitsShared != 0
		w.info.minPages, w.info.maxPages = uint32(min(l.min, maxPages)), maxPages
		if l.flags&limitsMax != 0 {
			w.info.maxPages = uint32(min(l.max, maxPages))
		}
	}
	return nil
}

// tables gives every table a maximum.
func (w *rewriter) tables(r *reader) []byte {
	n := r.count()
	body := appendU32(nil, uint32(n))
	for range n {
		elem := r.byte()
		if elem == 0x40 {
			r.fail("tables with an initializer are not supported")
		}
		l := r.limits()
		if l.flags&limits64 != 0 {
			r.fail("64-bit tables (memory64) are not supported")
		}
		if r.err != nil {
			return nil
		}
		if l.flags&limitsMax == 0 || l.max > maxTable {
			l.flags |= limitsMax
			l.max = max(l.min, maxTable)
		}
		w.info.tableBytes += max(l.min, l.max) * tableElem
		body = l.append(append(body, elem))
	}
	return body
}

// globals adds the one that counts fuel.
func (w *rewriter) globals(r *reader) []byte {
	n := r.count()
	body := make([]byte, 0, len(r.b)+16)
	for range n {
		at := r.p
		r.valType()
		r.byte()
		body = append(body, r.b[at:r.p]...)
		body = w.appendConst(body, r)
	}
	if w.fueled() {
		n++
		body = append(body, typeI64, 1, opI64Const)
		body = append(appendS64(body, quantum), opEnd)
	}
	return append(appendU32(nil, uint32(n)), body...)
}

// appendConst appends a constant expression.
func (w *rewriter) appendConst(out []byte, r *reader) []byte {
	for r.more() {
		at := r.p
		op := r.byte()
		arg := r.skipInstr(op)
		switch op {
		case opRefFunc:
			out = appendU32(append(out, op), w.funcIndex(r, arg))
			continue
		case opGlobalGet:
			if arg >= w.size.globals {
				r.fail("unknown global %d", arg)
			}
		}
		out = append(out, r.b[at:r.p]...)
		if op == opEnd {
			return out
		}
	}
	r.fail("unexpected end")
	return out
}

// exports adds the mutable globals, by names that the module does not use.
func (w *rewriter) exports(r *reader) []byte {
	n := r.count()
	body := make([]byte, 0, len(r.b)+8*len(w.mutable))
	prefix := "\x00"
	for range n {
		name := r.string()
		kind := r.byte()
		i := r.u32()
		switch kind {
		case externFunc:
			w.info.funcs[name] = true
			i = w.funcIndex(r, i)
		case externTable:
			w.info.tables[name] = i
		case externGlobal:
			if i >= w.size.globals {
				r.fail("unknown global %d", i)
			}
		}
		for strings.HasPrefix(name, prefix) {
			prefix += "\x00"
		}
		body = appendU32(append(appendString(body, name), kind), i)
	}
	for _, g := range w.mutable {
		name := prefix + strconv.FormatUint(uint64(g), 10)
		w.info.globals = append(w.info.globals, name)
		body = appendU32(append(appendString(body, name), externGlobal), g)
	}
	return append(appendU32(nil, uint32(n+len(w.mutable))), body...)
}

// The flags of an element segment.
const (
	elemNotActive = 1 << 0
	elemExplicit  = 1 << 1 // names its table, or is declarative
	elemExprs     = 1 << 2
)

// elems moves the indices of functions in element segments.
func (w *rewriter) elems(r *reader) []byte {
	n := r.count()
	body := appendU32(make([]byte, 0, len(r.b)+len(r.b)/8), uint32(n))
	for range n {
		flags := r.u32()
		if flags > 7 {
			r.fail("malformed element segment")
		}
		if r.err != nil {
			return nil
		}
		body = appendU32(body, flags)
		if flags&elemNotActive == 0 {
			if flags&elemExplicit != 0 {
				body = appendU32(body, r.u32())
			}
			body = w.appendConst(body, r)
		}
		if flags&(elemNotActive|elemExplicit) != 0 {
			at := r.p
			if flags&elemExprs != 0 {
				r.valType()
			} else {
				r.byte() // the kind
			}
			body = append(body, r.b[at:r.p]...)
		}
		count := r.count()
		body = appendU32(body, uint32(count))
		for range count {
			if flags&elemExprs != 0 {
				body = w.appendConst(body, r)
			} else {
				body = appendU32(body, w.funcIndex(r, r.u32()))
			}
		}
	}
	return body
}
