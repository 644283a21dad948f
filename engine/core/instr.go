package core

// skipInstr passes over one instruction, whose opcode has been read, and its
// immediates. It covers what wazero runs.
//
//godwit:dispatch
func (r *reader) skipInstr(op byte) {
	switch {
	case op >= 0x02 && op <= 0x04: // block, loop, if
		r.u64() // a block type is a signed number of at most 33 bits, or a byte
	case op == 0x08, op >= 0x0c && op <= 0x0d, op == 0x10, op == 0x12, op == 0x14, op == 0x15:
		r.u32() // throw, br, br_if, call, return_call, call_ref, return_call_ref
	case op == 0x0e: // br_table
		for range r.count() {
			r.u32()
		}
		r.u32()
	case op == 0x11, op == 0x13: // call_indirect, return_call_indirect
		r.u32()
		r.u32()
	case op == 0x1c: // select with types
		for range r.count() {
			r.u64()
		}
	case op == 0x1f: // try_table
		r.u64()
		for range r.count() {
			if kind := r.byte(); kind < 2 {
				r.u32()
			}
			r.u32()
		}
	case op >= 0x20 && op <= 0x26: // local, global, table access
		r.u32()
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
		r.u32()
	case op == 0xfc:
		r.skipBulk()
	case op == 0xfd:
		r.skipVector()
	case op == 0xfe: // atomics
		if r.u32() == 3 { // atomic.fence
			r.byte()
		} else {
			r.memArg()
		}
	}
}

func (r *reader) memArg() {
	if r.u32()&0x40 != 0 { // names a memory
		r.u32()
	}
	r.u64()
}

// skipBulk passes over a saturating conversion or a bulk operation.
func (r *reader) skipBulk() {
	switch sub := r.u32(); sub {
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
