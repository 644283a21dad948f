package core

// Compiled code has no safepoints: while a guest loops, nothing can stop it, and
// Go's garbage collector waits for it, and with the collector all else. The
// interpreter looks at each loop whether the context is done (wazero's
// WithCloseOnContextDone), but not at calls, of which a guest can make some 2^60
// without a loop. So every module gets fuel injected:
//
//   - a global that counts down, and an imported function that is called when it
//     is below zero. That call is the safepoint; it ends the guest when its time
//     is over (callContext.check) and returns new fuel;
//   - a function that calls others, or that is long, is charged when entered;
//   - bulk operations are charged for their length; long ones on memory go
//     through a function that does them in pieces;
//   - atomic waits are done in slices of time;
//   - for the compiler, an iteration of a loop is charged for what its body
//     weighs, from a local that the global fills in chunks: it is kept in a
//     register.
//
// A unit is about what an instruction takes.
const (
	// quantum is how much a guest gets at once: some 50 µs.
	quantum = 128 << 10
	// chunk is how much a loop takes from the global at once.
	chunk = 512
	// maxWeight bounds what a function or loop is charged for at once.
	maxWeight = 1 << 24
	// callWeight is that of a call, besides what the callee is charged.
	callWeight = 8
	// freeWeight is the most that a function that calls nothing and does not
	// loop may weigh and not be charged: its caller's calls are.
	freeWeight = 128
	// slice is how many bytes a bulk operation does at once: some 100 µs.
	slice = 1 << 20
	// bytesShift says how many bytes are a unit for a bulk operation.
	bytesShift = 4
	// shortBulk is the length up to which one is an instruction like others.
	shortBulk = 4 << 10
	// waitSlice is how many nanoseconds an atomic wait sleeps at once.
	waitSlice = 5_000_000
)

// fuelModule is where the check is imported from.
const fuelModule, fuelCheck = "f", "check"

// weightOf is what an instruction is charged, of which n bytes are immediates.
func weightOf(op byte, n int) uint32 {
	switch op {
	case opUnreachable, opNop, opBlock, opLoop, opElse, opEnd, opDrop,
		opLocalGet, opLocalSet, opLocalTee, opI32Const, opI64Const, opF32Const, opF64Const:
		return 0
	case opCall, opCallIndirect, opReturnCall, opReturnCallIn:
		return callWeight
	case opI32DivS, opI32DivU, opI32RemS, opI32RemU, opI64DivS, opI64DivU, opI64RemS, opI64RemU:
		return 8
	case opMemoryGrow:
		return 1 << 10 // it leaves compiled code
	case opRefFunc, opBulk, opAtomic:
		return 32
	}
	return 1
}

// fueled says whether the module gets fuel: one that has functions does.
func (w *rewriter) fueled() bool { return w.shift > 0 }

// appendRefill appends the call for more fuel.
func (w *rewriter) appendRefill(out []byte) []byte {
	out = appendU32(append(out, opCall), w.size.imports)
	return appendU32(append(out, opGlobalSet), w.size.globals)
}

// appendRefillBelowZero appends the call for more fuel if there is none left.
func (w *rewriter) appendRefillBelowZero(out []byte) []byte {
	out = appendU32(append(out, opGlobalGet), w.size.globals)
	out = append(out, opI64Const, 0, opI64LtS, opIf, blockEmpty)
	return append(w.appendRefill(out), opEnd)
}

// appendCharge takes n units, and more fuel if there is none left.
func (w *rewriter) appendCharge(out []byte, n int64) []byte {
	out = w.appendTake(out, n)
	return w.appendRefillBelowZero(out)
}

func (w *rewriter) appendTake(out []byte, n int64) []byte {
	out = appendU32(append(out, opGlobalGet), w.size.globals)
	out = append(appendS64(append(out, opI64Const), n), opI64Sub)
	return appendU32(append(out, opGlobalSet), w.size.globals)
}

// appendLoop begins a loop for the compiler. It becomes two, one in the other, that branches of
// the inner one's body continue:
//
//	loop
//	  if what is left of the chunk is below zero: take a chunk, refill
//	  loop
//	    take the weight of an iteration; br_if below zero to the outer loop
//	    …
//
// With the call for more fuel out of the inner loop, the compiler keeps what
// changes from iteration to iteration in registers there: it stores such a value
// each time when a call is in its loop, though the call is hardly ever made.
func (w *rewriter) appendLoop(out, header []byte, bare bool, local, weight uint32) []byte {
	take := int64(max(chunk, weight))
	out = append(out, header...)
	out = appendU32(append(out, opLocalGet), local)
	out = append(out, opI32Const, 0, opI32LtS, opIf, blockEmpty)
	out = w.appendCharge(out, take)
	out = appendS64(append(out, opI32Const), take)
	out = appendU32(append(out, opLocalSet), local)
	out = append(append(out, opEnd), header...)
	out = appendU32(append(out, opLocalGet), local)
	out = append(appendS64(append(out, opI32Const), int64(weight)), opI32Sub)
	out = appendU32(append(out, opLocalTee), local)
	out = append(out, opI32Const, 0, opI32LtS)
	if bare {
		return append(out, opIf, blockEmpty, opBr, 2, opEnd) // see emitInstr
	}
	return append(out, opBrIf, 1)
}

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
func (w *rewriter) appendBulkCharge(out []byte, local uint32, shift byte) []byte {
	out = appendU32(append(out, opLocalTee), local)
	out = w.appendTakeLength(out, local, shift)
	return w.appendRefillBelowZero(out)
}

// appendTakeLength takes fuel for a length in a local.
func (w *rewriter) appendTakeLength(out []byte, local uint32, shift byte) []byte {
	out = appendU32(append(out, opGlobalGet), w.size.globals)
	out = appendU32(append(out, opLocalGet), local)
	out = append(out, opI32Const, shift, opI32ShrU, opI64ExtendI32, opI64Sub)
	return appendU32(append(out, opGlobalSet), w.size.globals)
}

// appendWait replaces an atomic wait by a loop that waits a slice of the time at
// once, so that a guest that nobody wakes can be ended.
func (w *rewriter) appendWait(out []byte, sub uint32, instr []byte, s *scratch) []byte {
	addr, result, timeout, expected := s.i32[0], s.i32[1], s.i64[0], s.i64[1]
	local := func(op byte, i uint32) { out = appendU32(append(out, op), i) }
	constant := func(v int64) { out = appendS64(append(out, opI64Const), v) }
	local(opLocalSet, timeout)
	if sub == subWait32 {
		out = append(out, opI64ExtendI32)
	}
	local(opLocalSet, expected)
	local(opLocalSet, addr)
	out = append(out, opLoop, blockEmpty)
	out = w.appendRefill(out)
	local(opLocalGet, addr)
	local(opLocalGet, expected)
	if sub == subWait32 {
		out = append(out, opI32WrapI64)
	}
	// A negative timeout is for ever: as an unsigned number it is a long one.
	local(opLocalGet, timeout)
	constant(waitSlice)
	local(opLocalGet, timeout)
	constant(waitSlice)
	out = append(out, opI64LtU, opSelect)
	out = append(out, instr...)
	local(opLocalTee, result)
	out = append(out, opI32Const, 2, opI32Eq) // timed out
	local(opLocalGet, timeout)
	constant(waitSlice)
	out = append(out, opI64GtU, opI32And, opIf, blockEmpty)
	local(opLocalGet, timeout)
	constant(waitSlice)
	constant(0)
	local(opLocalGet, timeout)
	constant(0)
	out = append(out, opI64GeS, opSelect, opI64Sub)
	local(opLocalSet, timeout)
	out = append(out, opBr, 1, opEnd, opEnd)
	local(opLocalGet, result)
	return out
}

// appendBulkCall replaces memory.fill or memory.copy: a long one is done by a
// function that does it in pieces.
func (w *rewriter) appendBulkCall(out, instr []byte, local, call uint32) []byte {
	out = appendU32(append(out, opLocalTee), local)
	out = appendU32(append(out, opLocalGet), local)
	out = appendS64(append(out, opI32Const), shortBulk)
	out = appendU32(append(out, opI32GtU, opIf), w.size.types+1)
	out = appendU32(append(out, opCall), call)
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
	out = w.appendCharge(out, slice>>bytesShift)
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
	out = w.appendTakeLength(out, bulkLen, bytesShift)
	out = w.appendRefillBelowZero(out)
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
	return w.appendCharge(out, slice>>bytesShift)
}
