package core

// The opcodes that rewriting knows.
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opReturnCall   = 0x12
	opReturnCallIn = 0x13
	opDrop         = 0x1a
	opSelect       = 0x1b
	opTryTable     = 0x1f
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32Eqz       = 0x45
	opI32Eq        = 0x46
	opI32LtS       = 0x48
	opI32GtU       = 0x4b
	opI32LeU       = 0x4d
	opI64Eq        = 0x51
	opI64LtS       = 0x53
	opI64LtU       = 0x54
	opI64GtU       = 0x56
	opI64GeS       = 0x59
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32Mul       = 0x6c
	opI32DivS      = 0x6d
	opI32DivU      = 0x6e
	opI32RemS      = 0x6f
	opI32RemU      = 0x70
	opI32And       = 0x71
	opI32ShrU      = 0x76
	opI64Add       = 0x7c
	opI64Sub       = 0x7d
	opI64Mul       = 0x7e
	opI64DivS      = 0x7f
	opI64DivU      = 0x80
	opI64RemS      = 0x81
	opI64RemU      = 0x82
	opI64Shl       = 0x86
	opI64ShrU      = 0x88
	opI32WrapI64   = 0xa7
	opI64ExtendI32 = 0xad // unsigned
	opRefNull      = 0xd0
	opRefFunc      = 0xd2
	opBulk         = 0xfc
	opVector       = 0xfd
	opAtomic       = 0xfe

	// Of opBulk.
	subMemoryInit = 8
	subDataDrop   = 9
	subMemoryCopy = 10
	subMemoryFill = 11
	subTableInit  = 12
	subElemDrop   = 13
	subTableCopy  = 14
	subTableGrow  = 15
	subTableFill  = 17

	// Of opAtomic.
	subWait32 = 1
	subWait64 = 2

	blockEmpty = 0x40

	typeI32     = 0x7f
	typeI64     = 0x7e
	typeF32     = 0x7d
	typeF64     = 0x7c
	typeV128    = 0x7b
	typeFunc    = 0x60
	typeFuncref = 0x70
)

// noType is the immediate of a block whose type is not an index.
const noType = 1<<32 - 1

// skipInstr passes over one instruction, whose opcode has been read, and its
// immediates. It returns the first of them that is an index, or the second half
// of a long opcode. It covers what wazero runs.
//
//godwit:dispatch
func (r *reader) skipInstr(op byte) (first uint32) {
	switch {
	case op >= 0x02 && op <= 0x04: // block, loop, if
		return r.blockType()
	case op == 0x08, op >= 0x0c && op <= 0x0d, op == 0x10, op == 0x12, op == 0x14, op == 0x15:
		return r.u32() // throw, br, br_if, call, return_call, call_ref, return_call_ref
	case op == 0x0e: // br_table
		for range r.count() {
			r.u32()
		}
		r.u32()
	case op == 0x11, op == 0x13: // call_indirect, return_call_indirect
		first = r.u32()
		r.u32()
	case op == 0x1c: // select with types
		for range r.count() {
			r.valType()
		}
	case op == 0x1f: // try_table
		first = r.blockType()
		for range r.count() {
			if kind := r.byte(); kind < 2 {
				r.u32()
			}
			r.u32()
		}
	case op >= 0x20 && op <= 0x26: // local, global, table access
		return r.u32()
	case op >= 0x28 && op <= 0x3e:
		r.memArg()
	case op == 0x3f, op == 0x40: // memory.size, memory.grow
		r.u32()
	case op == 0x41, op == 0x42: // i32.const, i64.const
		r.u64()
	case op == 0x43:
		r.skip(4)
	case op == 0x44:
		r.skip(8)
	case op == 0xd0: // ref.null
		r.u64()
	case op == 0xd2, op == 0xd5, op == 0xd6: // ref.func, br_on_null, br_on_non_null
		return r.u32()
	case op == 0xfc:
		return r.skipBulk()
	case op == 0xfd:
		r.skipVector()
	case op == 0xfe: // atomics
		if first = r.u32(); first == 3 { // atomic.fence
			r.byte()
		} else {
			r.memArg()
		}
	}
	return first
}

// valType passes over a value type.
func (r *reader) valType() {
	if t := r.byte(); t == 0x63 || t == 0x64 { // a reference to a heap type
		r.u64()
	}
}

// blockType reads a signed number: an index of a type when it is not negative,
// else the type of the result.
func (r *reader) blockType() uint32 {
	var v uint64
	for s := uint(0); s < 35; s += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << s
		if c&0x80 == 0 {
			if c&0x40 != 0 {
				if s == 0 && (c == 0x63 || c == 0x64) {
					r.u64()
				}
				return noType
			}
			if v >= noType {
				break
			}
			return uint32(v)
		}
	}
	r.fail("malformed block type")
	return noType
}

func (r *reader) memArg() {
	if r.u32()&0x40 != 0 { // names a memory
		r.u32()
	}
	r.u64()
}

// skipBulk passes over a saturating conversion or a bulk operation.
func (r *reader) skipBulk() (sub uint32) {
	switch sub = r.u32(); sub {
	case 8, 10, 12, 14: // memory.init, memory.copy, table.init, table.copy
		r.u32()
		r.u32()
	case 9, 11, 13, 15, 16, 17: // data.drop, memory.fill, elem.drop, table.grow, .size, .fill
		r.u32()
	default:
		if sub > 7 {
			r.fail("unknown instruction 0xfc %d", sub)
		}
	}
	return sub
}

func (r *reader) skipVector() {
	switch sub := r.u32(); {
	case sub <= 11, sub == 92, sub == 93: // loads and stores
		r.memArg()
	case sub == 12, sub == 13: // v128.const, i8x16.shuffle
		r.skip(16)
	case sub >= 21 && sub <= 34: // lanes
		r.byte()
	case sub >= 84 && sub <= 91: // lane loads and stores
		r.memArg()
		r.byte()
	}
}
