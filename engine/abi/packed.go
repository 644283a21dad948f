package abi

import (
	"encoding/binary"

	"github.com/godwit-runtime/godwit/engine/types"
)

// packed is a list of scalars on its way between two components: checked and
// canonical, but in the representation of linear memory.
type packed struct {
	kind   types.Kind
	length uint32
	data   []byte
}

// packable reports whether lists of a kind travel as packed. Lists of u8 are
// []byte anyhow.
func packable(k types.Kind) bool {
	return k >= types.Bool && k <= types.Char && k != types.U8
}

func loadPacked(cx *Context, elem *op, ptr, length uint32) Value {
	mem := cx.checkList(ptr, length, elem.size, elem.align)
	n := length * elem.size
	cx.charge(uint64(n))
	p := packed{elem.kind, length, append(make([]byte, 0, n), mem[ptr:ptr+n]...)}
	p.canonicalize()
	return p
}

// canonicalize does to all elements what lifting and lowering each would do.
func (p packed) canonicalize() {
	le := binary.LittleEndian
	switch p.kind {
	case types.Bool:
		for i, b := range p.data {
			p.data[i] = LowerBool(b != 0)
		}
	case types.F32:
		for b := p.data; len(b) > 0; b = b[4:] {
			le.PutUint32(b, canonicalF32(le.Uint32(b)))
		}
	case types.F64:
		for b := p.data; len(b) > 0; b = b[8:] {
			le.PutUint64(b, canonicalF64(le.Uint64(b)))
		}
	case types.Char:
		for b := p.data; len(b) > 0; b = b[4:] {
			LiftChar(le.Uint32(b))
		}
	}
}
