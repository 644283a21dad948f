package core

// This file rewrites function bodies. Each is read twice: scan learns what it
// holds and what its loops weigh, and whether its indices are good; emit writes
// it anew. Indices are checked because rewriting adds a function, types, a
// global and locals at the ends of their index spaces: what was one past the end
// is there afterwards, and must not become valid.

// spaces are the sizes of a module's index spaces before rewriting.
type spaces struct {
	types, imports, funcs, globals uint32
}

// bodyInfo is what scan learns of a function body.
type bodyInfo struct {
	funcType
	declared int    // offset of the groups of declared locals
	code     int    // offset of the first instruction
	groups   uint32 // of declared locals
	locals   uint32 // with parameters
	weight   uint32 // of what is in no loop
	loops    int    // where its loops begin in codeInfo.loops
	count    int    // of them
	features uint8
}

const (
	hasLoop = 1 << iota
	hasCall
	hasRem
	hasBulk // that is charged for in place
	hasWait
)

// loopInfo is what scan learns of a loop.
type loopInfo struct {
	weight uint32 // of what is in it and in none that is in it
	parent int32  // the loop that it is in; −1 for none
	calls  bool   // it, or one that is in it
}

// codeInfo is what scan learns of a code section.
type codeInfo struct {
	bodies []bodyInfo
	loops  []loopInfo // in the order of the loops
	// writesTables and dropsSegments say what cannot be undone in an instance.
	writesTables, dropsSegments bool
	fills, copies               bool
	namesData                   bool // has instructions that name data segments
}

// scanCode reads a code section.
func (w *rewriter) scanCode(r *reader) {
	n := r.count()
	if n != len(w.funcs) && r.err == nil {
		r.fail("function and code section have inconsistent lengths")
	}
	w.code.bodies = make([]bodyInfo, 0, n)
	for k := range n {
		if r.err != nil {
			return
		}
		body := r.sub()
		info := bodyInfo{funcType: w.funcs[k], loops: len(w.code.loops)}
		w.scanBody(&body, &info)
		if body.err != nil {
			r.err = body.err
		}
		w.code.bodies = append(w.code.bodies, info)
	}
	r.end()
}

func (w *rewriter) scanBody(r *reader, b *bodyInfo) {
	b.locals = b.params
	b.groups = uint32(r.count())
	b.declared = r.p
	for range b.groups {
		n := r.u32()
		if uint64(b.locals)+uint64(n) > 1<<32-scratchLocals {
			r.fail("too many locals")
		}
		b.locals += n
		r.valType()
	}
	b.code = r.p
	// Locals are set to zero and may have a place on the stack each.
	b.weight = min(b.locals/4, maxWeight)
	open := make([]int32, 1, 16) // for each open block the loop it is in; −1 for none
	open[0] = -1
	for r.more() {
		op := r.byte()
		at := r.p
		arg := r.skipInstr(op)
		cur := open[len(open)-1]
		switch op {
		case opLoop:
			w.code.loops = append(w.code.loops, loopInfo{weight: 1, parent: cur})
			b.count++
			cur = int32(len(w.code.loops) - 1)
			open = append(open, cur)
			b.features |= hasLoop
		case opBlock, opIf, opTryTable:
			open = append(open, cur)
		case opCall, opCallIndirect, opReturnCall, opReturnCallIn:
			b.features |= hasCall
			for l := cur; l >= 0 && !w.code.loops[l].calls; l = w.code.loops[l].parent {
				w.code.loops[l].calls = true
			}
		case opEnd:
			open = open[:len(open)-1]
			if len(open) == 0 {
				if r.more() {
					r.fail("operators remaining after end of function")
				}
				return
			}
		}
		w.scanInstr(r, b, op, arg)
		weigh := &b.weight
		if cur >= 0 {
			weigh = &w.code.loops[cur].weight
		}
		if *weigh < maxWeight {
			*weigh += weightOf(op, r.p-at)
		}
	}
	if r.err == nil {
		r.fail("function body must end with end opcode")
	}
}

// scanInstr notes what rewriting needs to know of an instruction, and checks
// its index.
func (w *rewriter) scanInstr(r *reader, b *bodyInfo, op byte, arg uint32) {
	switch op {
	case opBlock, opLoop, opIf, opTryTable:
		if arg != noType && arg >= w.size.types {
			r.fail("unknown type %d", arg)
		}
	case opCall, opReturnCall, opRefFunc:
		if arg >= w.size.imports+w.size.funcs {
			r.fail("unknown function %d", arg)
		}
	case opCallIndirect, opReturnCallIn:
		if arg >= w.size.types {
			r.fail("unknown type %d", arg)
		}
	case opLocalGet, opLocalSet, opLocalTee:
		if arg >= b.locals {
			r.fail("unknown local %d", arg)
		}
	case opGlobalGet, opGlobalSet:
		if arg >= w.size.globals {
			r.fail("unknown global %d", arg)
		}
	case opI32RemS, opI32RemU, opI64RemS, opI64RemU:
		b.features |= hasRem
	case opTableSet:
		w.code.writesTables = true
	case opBulk:
		w.scanBulk(b, arg)
	case opAtomic:
		if arg == subWait32 || arg == subWait64 {
			b.features |= hasWait
		}
	}
}

func (w *rewriter) scanBulk(b *bodyInfo, sub uint32) {
	switch sub {
	case subMemoryFill:
		b.features |= hasBulk
		w.code.fills = true
	case subMemoryCopy:
		b.features |= hasBulk
		w.code.copies = true
	case subMemoryInit:
		b.features |= hasBulk
		w.code.namesData = true
	case subTableInit, subTableCopy, subTableFill:
		b.features |= hasBulk
		w.code.writesTables = true
	case subTableGrow:
		w.code.writesTables = true
	case subElemDrop:
		w.code.dropsSegments = true
	case subDataDrop:
		w.code.dropsSegments, w.code.namesData = true, true
	}
}

// The scratch locals of a function, after its own. Those that it has no use for
// are not there.
type scratch struct {
	i32  [2]uint32 // rem: operands; bulk: length; wait: address, result
	i64  [2]uint32 // rem: operands; wait: timeout, expected value
	fuel uint32    // while a loop without calls runs
}

const scratchLocals = 5

// emitCode writes a code section.
func (w *rewriter) emitCode(r *reader) []byte {
	n := r.count()
	extra := w.bulkFuncs()
	out := appendU32(make([]byte, 0, len(r.b)+len(r.b)/8), uint32(n+len(extra)))
	var f []byte
	for k := range n {
		body := r.sub()
		f = w.emitBody(f[:0], &body, &w.code.bodies[k])
		out = append(appendU32(out, uint32(len(f))), f...)
	}
	for _, h := range extra {
		out = append(appendU32(out, uint32(len(h))), h...)
	}
	return out
}

func (w *rewriter) emitBody(out []byte, r *reader, b *bodyInfo) []byte {
	compiled := w.spec.Engine == Compiler
	rem := b.features&hasRem != 0 && compiled && rewriteRem
	bulk := b.features&hasBulk != 0
	wait := b.features&hasWait != 0
	loop := b.features&hasLoop != 0 && compiled

	s := body{bodyInfo: b, loops: w.code.loops[b.loops:], labels: make([]label, 1, 16)}
	next := b.locals
	take := func(n uint32, typ byte, groups []byte) ([]byte, uint32) {
		first := next
		next += n
		return append(groups, byte(n), typ), first
	}
	groups := make([]byte, 0, 8)
	if rem || bulk || wait {
		groups, s.i32[0] = take(2, typeI32, groups)
		s.i32[1] = s.i32[0] + 1
	}
	if rem || wait {
		groups, s.i64[0] = take(2, typeI64, groups)
		s.i64[1] = s.i64[0] + 1
	}
	if loop {
		groups, s.fuel = take(1, typeI64, groups)
	}
	out = appendU32(out, b.groups+uint32(len(groups)/2))
	out = append(out, r.b[b.declared:b.code]...)
	out = append(out, groups...)
	r.p = b.code
	if b.features&hasCall != 0 || b.weight > freeWeight {
		charge := int64(b.weight) + callWeight
		if compiled && b.result != 0 {
			s.labels[0].weight = uint32(charge)
			out = appendEnter(out, []byte{blockEmpty}, []byte{b.result}, w.global(), charge)
		} else {
			out = w.appendCharge(out, w.global(), charge)
		}
	}
	return w.emitInstrs(out, r, &s)
}

// body is a function body under way.
type body struct {
	*bodyInfo
	scratch
	loops  []loopInfo // the loops to come
	labels []label    // an element for each open block; the first is the function
	region int        // the label of the loop that counts fuel in a local; 0 for none
}

// label is an open block.
type label struct {
	shape  shape
	bare   bool   // a branch to it takes no values
	weight uint32 // of a loop, or of a function that is written as one
	more   uint32 // how many more labels there are in what is written, with its own
}

// shape is what becomes of a block.
type shape uint8

const (
	notLoop     shape = iota
	loopAsItIs        // one that takes values, or of too many: it is charged in place
	loopCalls         // appendEnter
	loopDoesNot       // appendLoop
)

// labels is how many labels are written for a loop, with the block that is around
// it so that it can be left, besides its own.
func (s shape) labels() uint32 { return [...]uint32{loopCalls: 3, loopDoesNot: 4}[s] }

// inner is how many of them are within the one that continues it.
func (s shape) inner() uint32 { return [...]uint32{loopCalls: 2, loopDoesNot: 0}[s] }

// more is how many more labels there are in what is written at this point.
func (b *body) more() uint32 {
	top := len(b.labels) - 1
	if top == 0 && b.labels[0].weight > 0 {
		return loopCalls.labels()
	}
	return b.labels[top].more
}

// tank is where fuel is counted at this point.
func (w *rewriter) tank(b *body) tank {
	if b.region > 0 {
		return tank{opLocalGet, opLocalSet, b.fuel}
	}
	return w.global()
}

// open adds a block.
func (b *body) open(l label) {
	l.more = b.more() + l.shape.labels()
	b.labels = append(b.labels, l)
}

// target is what a branch goes to, and the new depth of it. leaves says that it
// leaves a loop that counts fuel in a local.
func (b *body) target(r *reader, depth uint32) (to label, newDepth uint32, leaves bool) {
	top := len(b.labels) - 1
	if int64(depth) > int64(top) {
		r.fail("unknown label %d", depth)
		return label{}, depth, false
	}
	at := top - int(depth)
	to = b.labels[at]
	return to, depth + b.more() - to.more + to.shape.inner(), at < b.region
}

// mayChange has the opcodes that emitInstr has something to do for.
var mayChange = [256]bool{
	opBlock: true, opLoop: true, opIf: true, opEnd: true, opTryTable: true, opBr: true, opBrIf: true, opBrTable: true, opReturn: true,
	opCall: true, opReturnCall: true, opRefFunc: true, opBulk: true, opAtomic: true,
	opI32RemS: true, opI32RemU: true, opI64RemS: true, opI64RemU: true,
}

// emitInstrs writes the instructions of a function. Runs of those that stay as
// they are are copied in one piece.
func (w *rewriter) emitInstrs(out []byte, r *reader, b *body) []byte {
	from := r.p
	for r.more() {
		at := r.p
		op := r.byte()
		arg := r.skipInstr(op)
		if !mayChange[op] {
			continue
		}
		end := r.p
		w.instr = w.emitInstr(w.instr[:0], r, b, op, arg, r.b[at:end])
		r.p = end
		if len(w.instr) == 0 {
			continue
		}
		out = append(append(out, r.b[from:at]...), w.instr...)
		from = end
	}
	return append(out, r.b[from:]...)
}

// emitInstr writes what becomes of an instruction, or nothing when it stays.
//
//godwit:dispatch
func (w *rewriter) emitInstr(out []byte, r *reader, b *body, op byte, arg uint32, instr []byte) []byte {
	switch op {
	case opCall, opReturnCall, opRefFunc:
		if arg >= w.size.imports {
			return appendU32(append(out, op), arg+w.shift)
		}
	case opBulk:
		if call, ok := w.bulkCall(arg); ok {
			return w.appendBulkCall(out, instr, w.tank(b), b.i32[0], call)
		} else if shift, ok := bulkShift(arg); ok {
			return append(w.appendBulkCharge(out, w.tank(b), b.i32[0], shift), instr...)
		}
	case opAtomic:
		if arg == subWait32 || arg == subWait64 {
			return w.appendWait(out, w.tank(b), arg, instr, &b.scratch)
		}
	}
	if w.spec.Engine == Interpreter {
		return out
	}
	switch op {
	case opBlock, opIf, opTryTable:
		b.open(label{bare: instr[1] == blockEmpty})
	case opEnd:
		return w.emitEnd(out, b)
	case opLoop:
		return w.emitLoop(out, b, arg, instr)
	case opBr, opBrIf:
		return w.emitBranch(out, r, b, op, arg)
	case opBrTable:
		return w.emitBrTable(out, r, b, len(instr))
	case opReturn:
		return append(appendMoveFuel(out, w.tank(b), w.global()), instr...)
	case opI32RemS, opI32RemU, opI64RemS, opI64RemU:
		if rewriteRem {
			return appendRem(out, op, &b.scratch)
		}
	}
	return out
}

// emitLoop begins a loop. The outermost of loops without calls counts fuel in a
// local, which the compiler keeps in a register: what leaves it puts the fuel back.
func (w *rewriter) emitLoop(out []byte, b *body, typ uint32, instr []byte) []byte {
	info := b.loops[0]
	b.loops = b.loops[1:]
	l := label{shape: loopCalls, bare: typ == noType, weight: info.weight}
	if !l.bare || b.count > maxLoops {
		l.shape = loopAsItIs
		b.open(l)
		return w.appendCharge(append(out, instr...), w.tank(b), int64(l.weight))
	}
	if !info.calls && b.region == 0 {
		b.region = len(b.labels)
		out = appendMoveFuel(out, w.global(), w.tank(b))
	}
	out = append(append(out, opBlock), instr[1:]...)
	if b.region > 0 {
		l.shape = loopDoesNot
		out = appendLoop(out, instr[1:], w.tank(b), int64(l.weight))
	} else {
		out = appendEnter(out, instr[1:], instr[1:], w.global(), int64(l.weight))
	}
	b.open(l)
	return out
}

// emitEnd ends a block, or the function.
func (w *rewriter) emitEnd(out []byte, b *body) []byte {
	top := len(b.labels) - 1
	closed, t := b.labels[top], w.tank(b)
	b.labels = b.labels[:top]
	weight, leave := int64(closed.weight), []byte{opBr, byte(closed.shape.labels() - 1)}
	switch {
	case closed.shape == loopDoesNot:
		out = append(out, opEnd)
		if top == b.region {
			out = appendMoveFuel(out, t, w.global())
			b.region = 0
		}
		return append(w.appendLoopEnd(out, leave, t, weight), opEnd)
	case closed.shape == loopCalls:
		return append(w.appendLeave(out, leave, t, weight), opEnd)
	case top == 0 && weight > 0: // a function that is one
		return append(w.appendLeave(out, []byte{opReturn}, t, weight), opUnreachable, opEnd)
	}
	return out
}

// emitBranch writes a br or br_if anew.
func (w *rewriter) emitBranch(out []byte, r *reader, b *body, op byte, arg uint32) []byte {
	to, depth, leaves := b.target(r, arg)
	// The compiler makes one jump of a comparison and an if, but not of one and a
	// br_if when values are passed to where it goes.
	withIf := op == opBrIf && to.bare && (to.shape != notLoop || leaves)
	if withIf {
		out = append(out, opIf, blockEmpty)
		op, depth = opBr, depth+1
	}
	if leaves {
		out = appendMoveFuel(out, w.tank(b), w.global())
	}
	out = appendU32(append(out, op), depth)
	if withIf {
		out = append(out, opEnd)
	}
	return out
}

// emitBrTable writes a br_table anew; r is at its end.
func (w *rewriter) emitBrTable(out []byte, r *reader, b *body, length int) []byte {
	out = appendMoveFuel(out, w.tank(b), w.global())
	r.p += 1 - length
	n := r.count()
	out = appendU32(append(out, opBrTable), uint32(n))
	for range n + 1 {
		_, depth, _ := b.target(r, r.u32())
		out = appendU32(out, depth)
	}
	return out
}
