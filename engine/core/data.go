package core

// segment is data that an instance's memory has from the start.
type segment struct {
	offset uint32
	data   []byte
}

// The flags of a data segment.
const (
	dataActive    = 0
	dataPassive   = 1
	dataActiveMem = 2 // names its memory
)

const (
	// Data is only taken out when its image is not very much more than it: two
	// bytes far apart must not take the space between them.
	maxSparse     = 8
	minSparseSize = 1 << 20
)

// data takes active segments out, if all of them are placed by constants within
// the module's own memory. An empty passive segment stays in the place of each,
// which is what an active segment is after instantiation, too. Else nothing is
// taken out, since the order of segments matters.
func (w *rewriter) data(r *reader) []byte {
	n := r.count()
	body := appendU32(make([]byte, 0, len(r.b)/8+16), uint32(n))
	var out []segment
	whole := w.info.memories == 1 && !w.info.shared
	total, end := uint64(0), uint64(0)
	for range n {
		flags := r.u32()
		switch flags {
		case dataActiveMem:
			whole = r.u32() == 0 && whole
		case dataActive, dataPassive:
		default:
			r.fail("malformed data segment")
		}
		if flags == dataPassive {
			b := r.bytes()
			body = append(appendU32(append(body, dataPassive), uint32(len(b))), b...)
			continue
		}
		offset, constant := w.constOffset(r)
		b := r.bytes()
		whole = whole && constant
		total += uint64(len(b))
		end = max(end, uint64(offset)+uint64(len(b)))
		out = append(out, segment{offset, b})
		body = append(body, dataPassive, 0)
	}
	if !whole || end > uint64(w.info.minPages)*wasmPage || end > total*maxSparse+minSparseSize {
		return r.b
	}
	w.info.data = out
	return body
}

// constOffset reads the offset of a segment, if it is a constant.
func (w *rewriter) constOffset(r *reader) (offset uint32, constant bool) {
	at := r.p
	if r.byte() == opI32Const {
		v := r.s32()
		if r.err == nil && r.byte() == opEnd {
			return uint32(v), true
		}
	}
	r.p = at
	w.appendConst(nil, r)
	return 0, false
}

// imageOf is the contents of a new memory with segments in it; nil when there
// are none.
func imageOf(info *moduleInfo) *image {
	end := 0
	for _, s := range info.data {
		end = max(end, int(s.offset)+len(s.data))
	}
	if end == 0 {
		return nil
	}
	mem := make([]byte, end)
	for _, s := range info.data {
		copy(mem[s.offset:], s.data)
	}
	return newImage(mem, uint64(info.minPages)*wasmPage, useRegions)
}
