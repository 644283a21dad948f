package core

// Bulk operations are charged for their length. Those on memory can be so long
// that a deadline would be noticed too late: they are done in pieces, each charged
// for, by functions that rewriting adds.

// bulkShift says how many elements or bytes of a bulk operation are a unit, as
// a power of two. The length of each is its last operand.
func bulkShift(sub uint32) (shift byte, ok bool) {
	switch sub {
	case subMemoryInit:
		return bytesShift, true
	case subTableInit, subTableCopy, subTableFill:
		return 1, true
	}
	return 0, false
}

// appendBulkCharge charges for the length on the stack, and leaves it there.
func (w *rewriter) appendBulkCharge(out []byte, t tank, local uint32, shift byte) []byte {
	out = appendU32(append(out, opLocalTee), local)
	return w.appendRefillIfEmpty(t.appendTakeLength(out, local, shift), t)
}

// appendBulkCall replaces memory.fill or memory.copy: a long one is done by a
// function that does it in pieces.
func (w *rewriter) appendBulkCall(out, instr []byte, t tank, local, call uint32) []byte {
	out = appendU32(append(out, opLocalTee), local)
	out = appendU32(append(out, opLocalGet), local)
	out = appendS64(append(out, opI32Const), shortBulk)
	out = appendU32(append(out, opI32GtU, opIf), w.size.types+1)
	out = appendMoveFuel(out, t, w.global())
	out = appendU32(append(out, opCall), call)
	out = appendMoveFuel(out, w.global(), t)
	return append(append(append(out, opElse), instr...), opEnd)
}

// bulkFuncs are the functions that rewriting adds after the module's own.
func (w *rewriter) bulkFuncs() [][]byte {
	var out [][]byte
	if w.code.fills {
		out = append(out, w.fillFunc())
	}
	if w.code.copies {
		out = append(out, w.copyFunc())
	}
	return out
}

// bulkCall is the function to call in place of a bulk operation.
func (w *rewriter) bulkCall(sub uint32) (index uint32, ok bool) {
	first := w.size.imports + w.size.funcs + w.shift
	switch {
	case sub == subMemoryFill:
		return first, true
	case sub == subMemoryCopy && w.code.fills:
		return first + 1, true
	case sub == subMemoryCopy:
		return first, true
	}
	return 0, false
}

// The parameters of the functions for bulk operations.
const (
	bulkDest = 0
	bulkFrom = 1 // where from, or the value
	bulkLen  = 2
)

var (
	memoryFill = []byte{opBulk, subMemoryFill, 0}
	memoryCopy = []byte{opBulk, subMemoryCopy, 0, 0}
)

// appendInBounds leaves on the stack whether a range of the memory is there; an
// operation that is not in bounds must trap before it changes anything.
func appendInBounds(out []byte, start byte) []byte {
	return append(out,
		opLocalGet, start, opI64ExtendI32, opLocalGet, bulkLen, opI64ExtendI32, opI64Add,
		opMemorySize, 0, opI64ExtendI32, opI64Const, 16, opI64Shl, opI64GtU, opI32Eqz)
}

// appendPiece does the operation on the slice that starts dest and from, charges
// for it, and shortens what is left.
func (w *rewriter) appendPiece(out, instr []byte) []byte {
	out = append(out, opLocalGet, bulkDest, opLocalGet, bulkFrom)
	out = appendS64(append(out, opI32Const), slice)
	out = append(out, instr...)
	out = w.appendCharge(out, w.global(), slice>>bytesShift)
	out = append(out, opLocalGet, bulkLen)
	out = appendS64(append(out, opI32Const), slice)
	return append(out, opI32Sub, opLocalSet, bulkLen)
}

// appendMove moves a parameter by a slice.
func appendMove(out []byte, param byte) []byte {
	out = append(out, opLocalGet, param)
	out = appendS64(append(out, opI32Const), slice)
	return append(out, opI32Add, opLocalSet, param)
}

// appendIfLong begins a block for when more than a slice is left.
func appendIfLong(out []byte) []byte {
	out = append(out, opLocalGet, bulkLen)
	out = appendS64(append(out, opI32Const), slice)
	return append(out, opI32GtU, opIf, blockEmpty)
}

// appendRest does what is left and ends the function.
func (w *rewriter) appendRest(out, instr []byte) []byte {
	out = w.global().appendTakeLength(out, bulkLen, bytesShift)
	out = w.appendRefillIfEmpty(out, w.global())
	out = append(out, opLocalGet, bulkDest, opLocalGet, bulkFrom, opLocalGet, bulkLen)
	return append(append(out, instr...), opEnd)
}

// fillFunc is memory.fill in pieces.
func (w *rewriter) fillFunc() []byte {
	out := appendIfLong([]byte{0})
	out = append(appendInBounds(out, bulkDest), opIf, blockEmpty, opLoop, blockEmpty)
	out = w.appendPiece(out, memoryFill)
	out = appendMove(out, bulkDest)
	out = append(appendIfLong(out), opBr, 1, opEnd)
	out = append(out, opEnd, opEnd, opEnd)
	return w.appendRest(out, memoryFill)
}

// copyFunc is memory.copy in pieces: from the front when that does not overwrite
// what is still to be copied, else from the back.
func (w *rewriter) copyFunc() []byte {
	out := appendIfLong([]byte{0})
	out = append(appendInBounds(appendInBounds(out, bulkDest), bulkFrom), opI32And, opIf, blockEmpty)
	out = append(out, opLocalGet, bulkDest, opLocalGet, bulkFrom, opI32LeU, opIf, blockEmpty, opLoop, blockEmpty)
	out = w.appendPiece(out, memoryCopy)
	out = appendMove(appendMove(out, bulkDest), bulkFrom)
	out = append(appendIfLong(out), opBr, 1, opEnd, opEnd)
	out = append(out, opElse, opLoop, blockEmpty)
	out = w.appendLastPiece(out)
	out = append(appendIfLong(out), opBr, 1, opEnd, opEnd, opEnd)
	out = append(out, opEnd, opEnd)
	return w.appendRest(out, memoryCopy)
}

// appendLastPiece copies the last slice and shortens what is left.
func (w *rewriter) appendLastPiece(out []byte) []byte {
	out = append(out, opLocalGet, bulkLen)
	out = appendS64(append(out, opI32Const), slice)
	out = append(out, opI32Sub, opLocalSet, bulkLen)
	out = append(out, opLocalGet, bulkDest, opLocalGet, bulkLen, opI32Add)
	out = append(out, opLocalGet, bulkFrom, opLocalGet, bulkLen, opI32Add)
	out = appendS64(append(out, opI32Const), slice)
	out = append(out, memoryCopy...)
	return w.appendCharge(out, w.global(), slice>>bytesShift)
}
