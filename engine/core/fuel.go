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
//     weighs. A loop that calls nothing has the global in a local while it runs,
//     which is kept in a register, and puts it back on every way out.
//
// A unit is about what an instruction takes.
const (
	// quantum is how much a guest gets at once: some 50 µs.
	quantum = 128 << 10
	// maxWeight bounds what a function or loop is charged for at once.
	maxWeight = 1 << 24
	// callWeight is that of a call, besides what the callee is charged.
	callWeight = 8
	// freeWeight is the most that a function that calls nothing and does not
	// loop may weigh and not be charged: its caller's calls are.
	freeWeight = 128
	// maxLoops is up to how many loops of a function are written anew. wazero's
	// compiler takes time by the square of them and of the blocks.
	maxLoops = 128
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

// tank is where fuel is counted: the global, or a local that holds what the
// global would while a loop without calls runs.
type tank struct {
	get, set byte
	index    uint32
}

// global is the tank that functions share.
func (w *rewriter) global() tank { return tank{opGlobalGet, opGlobalSet, w.size.globals} }

// appendMoveFuel sets one tank to what another holds, if it is another.
func appendMoveFuel(out []byte, from, to tank) []byte {
	if from == to {
		return out
	}
	out = appendU32(append(out, from.get), from.index)
	return appendU32(append(out, to.set), to.index)
}

// appendTake takes n units.
func (t tank) appendTake(out []byte, n int64) []byte {
	out = appendU32(append(out, t.get), t.index)
	out = append(appendS64(append(out, opI64Const), n), opI64Sub)
	return appendU32(append(out, t.set), t.index)
}

// appendTakeLength takes fuel for a length in a local.
func (t tank) appendTakeLength(out []byte, local uint32, shift byte) []byte {
	out = appendU32(append(out, t.get), t.index)
	out = appendU32(append(out, opLocalGet), local)
	out = append(out, opI32Const, shift, opI32ShrU, opI64ExtendI32, opI64Sub)
	return appendU32(append(out, t.set), t.index)
}

// appendEmpty leaves on the stack whether there is no fuel left.
func (t tank) appendEmpty(out []byte) []byte {
	out = appendU32(append(out, t.get), t.index)
	return append(out, opI64Const, 0, opI64LtS)
}

// appendRefill appends the call for more fuel, and adds n units to it.
func (w *rewriter) appendRefill(out []byte, t tank, n int64) []byte {
	out = appendU32(append(out, opCall), w.size.imports)
	if n > 0 {
		out = append(appendS64(append(out, opI64Const), n), opI64Add)
	}
	return appendU32(append(out, t.set), t.index)
}

// appendRefillIfEmpty appends the call for more fuel if there is none left.
func (w *rewriter) appendRefillIfEmpty(out []byte, t tank) []byte {
	out = append(t.appendEmpty(out), opIf, blockEmpty)
	return append(w.appendRefill(out, t, 0), opEnd)
}

// appendCharge takes n units, and more fuel if there is none left.
func (w *rewriter) appendCharge(out []byte, t tank, n int64) []byte {
	return w.appendRefillIfEmpty(t.appendTake(out, n), t)
}

// For the compiler, loops and functions are written so that what is hardly ever
// done is at their ends: a jump over it would be taken each time, and parameters be
// put on the stack for a call that is not made.

// appendEnter begins a loop, or a function, that is charged n units for each
// iteration, or call. Branches continue the loop; it is left by leave.
//
//	loop
//	  block
//	    take n units; br_if empty to the end of the block
//	    block
//	      …
//	    end
//	    leave
//	  end
//	  refill; br to the loop
//	end
func appendEnter(out, loopType, bodyType []byte, t tank, n int64) []byte {
	out = append(append(out, opLoop), loopType...)
	out = t.appendTake(append(out, opBlock, blockEmpty), n)
	out = append(t.appendEmpty(out), opBrIf, 0)
	return append(append(out, opBlock), bodyType...)
}

// appendLeave ends it, from the end of what is its own.
func (w *rewriter) appendLeave(out, leave []byte, t tank, n int64) []byte {
	out = append(append(append(out, opEnd), leave...), opEnd)
	return append(w.appendRefill(out, t, n), opBr, 0, opEnd)
}

// appendLoop begins a loop without calls. It becomes two, one in the other, and
// branches of what is its own continue the inner one:
//
//	loop
//	  block
//	    br_if empty to the end of the block
//	    block
//	      loop
//	        take n units; br_if empty to the end of the inner block
//	        …
//	      end
//	      leave
//	    end
//	    br to the outer loop
//	  end
//	  refill; br to the outer loop
//	end
//
// With the call for more fuel out of the inner loop, the compiler keeps what
// changes from iteration to iteration in registers there: it stores such a value
// each time when a call is in its loop, though the call is hardly ever made.
func appendLoop(out, loopType []byte, t tank, n int64) []byte {
	out = append(append(out, opLoop), loopType...)
	out = t.appendEmpty(append(out, opBlock, blockEmpty))
	out = append(out, opBrIf, 0, opBlock, blockEmpty, opLoop)
	out = t.appendTake(append(out, loopType...), n)
	return append(t.appendEmpty(out), opBrIf, 1)
}

// appendLoopEnd ends it, from the end of the inner loop.
func (w *rewriter) appendLoopEnd(out, leave []byte, t tank, n int64) []byte {
	return w.appendLeave(append(out, leave...), []byte{opBr, 1}, t, n)
}

// appendWait replaces an atomic wait by a loop that waits a slice of the time at
// once, so that a guest that nobody wakes can be ended.
func (w *rewriter) appendWait(out []byte, t tank, sub uint32, instr []byte, s *scratch) []byte {
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
	out = w.appendRefill(out, t, 0)
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
