package core

import "slices"

// A function that a component lowers may need the memory of the core module that
// calls it, and that module may need the function to be instantiated: a circle.
// Toolchains break it with two more modules. A shim comes first: its functions
// do nothing but call what is in a slot of its table, and the module is given
// these. A fixup comes last: its element segments put the functions themselves
// into the table.
//
// This file finds out what forwards to what. It reads modules that may turn out
// to be invalid; what it says of those is of no use and does no harm.

// A Shim is a module that has nothing but a table, empty at first, and functions
// that forward to the functions in it.
type Shim struct {
	Table string            // what the table is exported as
	Size  uint32            // of the table
	Slots map[string]uint32 // for each exported function, the slot it forwards to
}

// A Fixup is a module that has nothing but element segments for a table that it
// imports and, maybe, a start function that it imports.
type Fixup struct {
	Table int            // the import that is the table
	Slots map[uint32]int // for each slot, the import that it gets
	End   uint32         // of the slots
	Start int            // the import that is the start function; −1 for none
}

// HasStart says whether a module has a start function.
func HasStart(b []byte) bool {
	w, err := split(&ModuleSpec{Bytes: b})
	return err == nil && w.in[secStart] != nil
}

// FindShim says what a shim is. It is nil when the module is not one.
func FindShim(b []byte) *Shim {
	w := consistingOf(b, secType, secFunction, secTable, secExport, secCode)
	if w == nil {
		return nil
	}
	table := w.vector(secTable)
	if table.count() != 1 || table.byte() != typeFuncref {
		return nil
	}
	size := table.limits().min
	signatures := w.signatures()
	if table.err != nil || size > maxTable {
		return nil
	}
	s := &Shim{Size: uint32(size), Slots: map[string]uint32{}}
	var slots []uint32 // by function
	funcs, code := w.vector(secFunction), w.vector(secCode)
	n := funcs.count()
	if code.count() != n {
		return nil
	}
	for range n {
		t := funcs.u32()
		body := code.sub()
		slot, ok := body.forwardsTo(signatures, t)
		if !ok || slot >= s.Size {
			return nil
		}
		slots = append(slots, slot)
	}
	exports, hasTable := w.vector(secExport), false
	for range exports.count() {
		name, kind, i := exports.string(), exports.byte(), exports.u32()
		switch {
		case kind == externTable && !hasTable:
			s.Table, hasTable = name, true
		case kind == externFunc && uint64(i) < uint64(len(slots)):
			s.Slots[name] = slots[i]
		default:
			return nil
		}
	}
	if exports.err != nil || !hasTable {
		return nil
	}
	return s
}

// consistingOf reads a module that has no sections but these, and custom ones.
func consistingOf(b []byte, ids ...byte) *rewriter {
	w, err := split(&ModuleSpec{Bytes: b})
	if err != nil {
		return nil
	}
	for id, r := range w.in {
		if r != nil && !slices.Contains(ids, byte(id)) {
			return nil
		}
	}
	return w
}

// vector is the contents of a section, which may not be there.
func (w *rewriter) vector(id byte) *reader {
	if r := w.in[id]; r != nil {
		return r
	}
	return &reader{b: []byte{0}}
}

// signature is a function type.
type signature struct {
	params uint32
	text   string // of parameters and results, as in the module
}

func (w *rewriter) signatures() (all []signature) {
	r := w.vector(secType)
	for range r.count() {
		if r.byte() != typeFunc {
			return nil
		}
		at := r.p
		params := r.count()
		w.valTypes(r, params)
		w.valTypes(r, r.count())
		if r.err != nil {
			return nil
		}
		all = append(all, signature{uint32(params), string(r.b[at:r.p])})
	}
	return all
}

// forwardsTo reads the body of a function of type t that passes its parameters
// on to a slot of table 0.
func (r *reader) forwardsTo(types []signature, t uint32) (slot uint32, ok bool) {
	if uint64(t) >= uint64(len(types)) || r.u32() != 0 { // locals
		return 0, false
	}
	for k := range types[t].params {
		if r.byte() != opLocalGet || r.u32() != k {
			return 0, false
		}
	}
	if r.byte() != opI32Const {
		return 0, false
	}
	if slot, ok = r.i32(); !ok || r.byte() != opCallIndirect {
		return 0, false
	}
	callee := r.u32()
	if uint64(callee) >= uint64(len(types)) || types[callee].text != types[t].text {
		return 0, false
	}
	return slot, r.u32() == 0 && r.byte() == opEnd && r.err == nil && !r.more()
}

// FindFixup says what a fixup does. It is nil when the module is not one.
func FindFixup(b []byte) *Fixup {
	w := consistingOf(b, secType, secImport, secStart, secElem)
	if w == nil || w.types(w.vector(secType)) != nil {
		return nil
	}
	f := &Fixup{Table: -1, Start: -1, Slots: map[uint32]int{}}
	var funcs []int // the imports that are functions
	imports := w.vector(secImport)
	for k := range imports.count() {
		imports.bytes()
		imports.bytes()
		switch kind := w.importType(imports); {
		case kind == externFunc:
			funcs = append(funcs, k)
		case kind == externTable && f.Table < 0:
			f.Table = k
		default:
			return nil
		}
	}
	if imports.err != nil || f.Table < 0 {
		return nil
	}
	if r := w.in[secStart]; r != nil {
		i := r.u32()
		if uint64(i) >= uint64(len(funcs)) {
			return nil
		}
		f.Start = funcs[i]
	}
	if !f.fill(w.vector(secElem), funcs) {
		return nil
	}
	return f
}

// fill reads element segments: active ones, at constants, of functions of
// table 0.
func (f *Fixup) fill(r *reader, funcs []int) bool {
	for range r.count() {
		if r.u32() != 0 {
			return false
		}
		slot, ok := r.constOffset()
		if !ok || slot > maxTable {
			return false
		}
		for range r.count() {
			i := r.u32()
			if uint64(i) >= uint64(len(funcs)) || slot >= maxTable {
				return false
			}
			f.Slots[slot] = funcs[i]
			slot++
		}
		f.End = max(f.End, slot)
	}
	return r.err == nil
}
