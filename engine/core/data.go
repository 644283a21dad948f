package core

import "bytes"

// What a module's active data segments put into its memory is no part of its
// code: it is taken out, kept with the Module, and is in the memory before wazero
// makes an instance. So modules that differ in their data alone share compiled
// code, as the JavaScript applications of one toolchain do.
//
// It is all or nothing: data is taken when all that is active goes to a constant
// place in the module's own memory, which it is sure to fit in at first. What is
// left of such a segment is what instantiation leaves, an empty one; of a module
// whose code names no segments nothing is left.

// segment is data that is in a memory at first.
type segment struct {
	offset uint32
	bytes  []byte
}

// The kinds of a data segment.
const (
	dataActive = iota
	dataPassive
	dataActiveIn // a memory that it names
)

// takeData takes the active data out of a module that was split, and says what
// the data section is without it. It is false where that cannot be done, which
// wazero may have more to say about.
func (w *rewriter) takeData() (taken []segment, rest []byte, ok bool) {
	data, mem := w.in[secData], w.in[secMemory]
	if data == nil || mem == nil {
		return nil, nil, false
	}
	m := *mem
	memories, l := m.count(), m.limits()
	if m.err != nil || memories != 1 || l.flags&(limits64|limitsShared|limitsPage) != 0 {
		return nil, nil, false
	}
	size := min(l.min, maxPages) * wasmPage
	r := *data
	n := r.count()
	if count := w.in[secDataCount]; count != nil {
		if c := *count; c.u32() != uint32(n) || c.err != nil || c.more() {
			return nil, nil, false
		}
	}
	rest = appendU32(nil, uint32(n))
	for range n {
		at := r.p
		kind := r.u32()
		if kind > dataActiveIn || kind == dataActiveIn && r.u32() != 0 {
			return nil, nil, false
		}
		if kind == dataPassive {
			r.bytes()
			rest = append(rest, r.b[at:r.p]...)
			continue
		}
		offset, constant := r.constOffset()
		b := r.bytes()
		if !constant || r.err != nil || uint64(offset)+uint64(len(b)) > size {
			return nil, nil, false
		}
		taken = append(taken, segment{offset, b})
		rest = append(rest, dataPassive, 0)
	}
	return taken, rest, r.err == nil && !r.more()
}

// constOffset reads a constant expression, and what it is if it is an i32.const.
func (r *reader) constOffset() (offset uint32, ok bool) {
	if r.byte() != opI32Const {
		return 0, false
	}
	offset, ok = r.i32()
	return offset, ok && r.byte() == opEnd
}

// i32 reads the immediate of an i32.const.
func (r *reader) i32() (value uint32, ok bool) {
	var v uint64
	for s := uint(0); ; s += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << s
		if s == 28 && c>>3 != 0 && c>>3 != 0xf { // bits that an i32 does not have
			return 0, false
		}
		if c&0x80 != 0 {
			continue
		}
		if c&0x40 != 0 && s < 28 {
			v |= ^uint64(0) << (s + 7)
		}
		return uint32(v), true
	}
}

// withoutData makes w write the module without the data that takeData takes.
func (w *rewriter) withoutData() {
	_, rest, ok := w.takeData()
	switch {
	case !ok:
	case w.code.namesData:
		w.in[secData] = &reader{b: rest}
	default:
		w.in[secData], w.in[secDataCount] = nil, nil
	}
}

// keepData keeps segments as they are wanted when an instance is made. They are
// copied: the file that they are from can go.
func (m *Module) keepData(in []segment) {
	if len(in) == 0 {
		return
	}
	im := newImage(uint64(m.info.minPages)*wasmPage, in, 0)
	if im != nil && im.file != nil {
		m.image = im
		return
	}
	total := 0
	for _, s := range in {
		total += len(s.bytes)
	}
	all := bytes.NewBuffer(make([]byte, 0, total))
	out := make([]segment, len(in))
	for k, s := range in {
		at := all.Len()
		all.Write(s.bytes)
		out[k] = segment{s.offset, all.Bytes()[at:all.Len():all.Len()]}
	}
	m.data = out
}
