package wat

import (
	"fmt"
	"strings"
)

// immediate is what stands behind the name of an instruction.
type immediate uint8

const (
	immNone immediate = iota
	immBlock
	immElse
	immEnd
	immLabel
	immLabels
	immLocal
	immGlobal
	immFunc
	immTag
	immTable      // may be missing
	immTableTable // both may be missing
	immTableElem  // the table may be missing
	immElem
	immMemory       // may be missing
	immMemoryMemory // both may be missing
	immMemoryData   // the memory may be missing
	immData
	immMemArg
	immMemArgLane
	immCallIndirect // a table that may be missing, a type use
	immSelect       // (result t)*
	immType
	immTypeField
	immTypeCount
	immTypeType
	immTypeData
	immTypeElem
	immHeapType
	immRefTest      // a reference type; its nullability is in the opcode
	immBranchOnCast // a label and two reference types
	immI32
	immI64
	immF32
	immF64
	immV128 // a shape and its lanes
	immLane
	immLanes // 16 of them
	immFence // nothing in the text, a zero in the binary
)

// opcode is how an instruction is encoded.
type opcode struct {
	code  string
	imm   immediate
	align uint8 // the natural alignment of a memory access, as an exponent
}

// opcodeRange is the instructions with consecutive opcodes from first on, in the
// space of a prefix (0: none). A name may be followed by = and the exponent of the
// natural alignment; - is an opcode without an instruction.
type opcodeRange struct {
	prefix byte
	first  uint32
	imm    immediate
	names  string
}

// opcodes has every instruction by name.
var opcodes = opcodeTable(opcodeRanges, simdRanges, atomicRanges())

func opcodeTable(tables ...[]opcodeRange) map[string]opcode {
	ops := map[string]opcode{}
	for _, ranges := range tables {
		for _, r := range ranges {
			for k, name := range strings.Fields(r.names) {
				if name == "-" {
					continue
				}
				op := opcode{imm: r.imm}
				name, align, found := strings.Cut(name, "=")
				if found {
					op.align = align[0] - '0'
				}
				code := r.first + uint32(k)
				if r.prefix == 0 {
					op.code = string([]byte{byte(code)})
				} else {
					op.code = string(appendU32([]byte{r.prefix}, code))
				}
				if _, dup := ops[name]; dup {
					panic(fmt.Sprintf("wat: %s is twice in the table of instructions", name))
				}
				ops[name] = op
			}
		}
	}
	return ops
}

const (
	prefixGC     = 0xfb
	prefixMisc   = 0xfc
	prefixSIMD   = 0xfd
	prefixAtomic = 0xfe
)

var opcodeRanges = []opcodeRange{
	{0, 0x00, immNone, "unreachable nop"},
	{0, 0x02, immBlock, "block loop if"},
	{0, 0x05, immElse, "else"},
	{0, 0x08, immTag, "throw"},
	{0, 0x0a, immNone, "throw_ref"},
	{0, 0x0b, immEnd, "end"},
	{0, 0x0c, immLabel, "br br_if"},
	{0, 0x0e, immLabels, "br_table"},
	{0, 0x0f, immNone, "return"},
	{0, 0x10, immFunc, "call"},
	{0, 0x11, immCallIndirect, "call_indirect"},
	{0, 0x12, immFunc, "return_call"},
	{0, 0x13, immCallIndirect, "return_call_indirect"},
	{0, 0x14, immType, "call_ref return_call_ref"},
	{0, 0x1a, immNone, "drop"},
	{0, 0x1b, immSelect, "select"},
	{0, 0x1f, immBlock, "try_table"},
	{0, 0x20, immLocal, "local.get local.set local.tee"},
	{0, 0x23, immGlobal, "global.get global.set"},
	{0, 0x25, immTable, "table.get table.set"},
	{0, 0x28, immMemArg, `i32.load=2 i64.load=3 f32.load=2 f64.load=3
		i32.load8_s=0 i32.load8_u=0 i32.load16_s=1 i32.load16_u=1
		i64.load8_s=0 i64.load8_u=0 i64.load16_s=1 i64.load16_u=1 i64.load32_s=2 i64.load32_u=2
		i32.store=2 i64.store=3 f32.store=2 f64.store=3
		i32.store8=0 i32.store16=1 i64.store8=0 i64.store16=1 i64.store32=2`},
	{0, 0x3f, immMemory, "memory.size memory.grow"},
	{0, 0x41, immI32, "i32.const"},
	{0, 0x42, immI64, "i64.const"},
	{0, 0x43, immF32, "f32.const"},
	{0, 0x44, immF64, "f64.const"},
	{0, 0x45, immNone, `
		i32.eqz i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u
		i64.eqz i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u
		f32.eq f32.ne f32.lt f32.gt f32.le f32.ge
		f64.eq f64.ne f64.lt f64.gt f64.le f64.ge
		i32.clz i32.ctz i32.popcnt i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u
		i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr
		i64.clz i64.ctz i64.popcnt i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u
		i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr
		f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt
		f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign
		f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt
		f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign
		i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u
		i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u
		f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64
		f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32
		i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64
		i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s`},
	{0, 0xd0, immHeapType, "ref.null"},
	{0, 0xd1, immNone, "ref.is_null"},
	{0, 0xd2, immFunc, "ref.func"},
	{0, 0xd3, immNone, "ref.eq ref.as_non_null"},
	{0, 0xd5, immLabel, "br_on_null br_on_non_null"},

	{prefixMisc, 0, immNone, `
		i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u
		i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u`},
	{prefixMisc, 8, immMemoryData, "memory.init"},
	{prefixMisc, 9, immData, "data.drop"},
	{prefixMisc, 10, immMemoryMemory, "memory.copy"},
	{prefixMisc, 11, immMemory, "memory.fill"},
	{prefixMisc, 12, immTableElem, "table.init"},
	{prefixMisc, 13, immElem, "elem.drop"},
	{prefixMisc, 14, immTableTable, "table.copy"},
	{prefixMisc, 15, immTable, "table.grow table.size table.fill"},
	{prefixMisc, 19, immNone, "i64.add128 i64.sub128 i64.mul_wide_s i64.mul_wide_u"},

	{prefixGC, 0, immType, "struct.new struct.new_default"},
	{prefixGC, 2, immTypeField, "struct.get struct.get_s struct.get_u struct.set"},
	{prefixGC, 6, immType, "array.new array.new_default"},
	{prefixGC, 8, immTypeCount, "array.new_fixed"},
	{prefixGC, 9, immTypeData, "array.new_data"},
	{prefixGC, 10, immTypeElem, "array.new_elem"},
	{prefixGC, 11, immType, "array.get array.get_s array.get_u array.set"},
	{prefixGC, 15, immNone, "array.len"},
	{prefixGC, 16, immType, "array.fill"},
	{prefixGC, 17, immTypeType, "array.copy"},
	{prefixGC, 18, immTypeData, "array.init_data"},
	{prefixGC, 19, immTypeElem, "array.init_elem"},
	{prefixGC, 20, immRefTest, "ref.test - ref.cast"},
	{prefixGC, 24, immBranchOnCast, "br_on_cast br_on_cast_fail"},
	{prefixGC, 26, immNone, "any.convert_extern extern.convert_any ref.i31 i31.get_s i31.get_u"},
}

var simdRanges = []opcodeRange{
	{prefixSIMD, 0, immMemArg, `v128.load=4
		v128.load8x8_s=3 v128.load8x8_u=3 v128.load16x4_s=3 v128.load16x4_u=3 v128.load32x2_s=3 v128.load32x2_u=3
		v128.load8_splat=0 v128.load16_splat=1 v128.load32_splat=2 v128.load64_splat=3
		v128.store=4`},
	{prefixSIMD, 12, immV128, "v128.const"},
	{prefixSIMD, 13, immLanes, "i8x16.shuffle"},
	{prefixSIMD, 14, immNone, `i8x16.swizzle
		i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat`},
	{prefixSIMD, 21, immLane, `i8x16.extract_lane_s i8x16.extract_lane_u i8x16.replace_lane
		i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane
		i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane
		f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane`},
	{prefixSIMD, 35, immNone, `
		i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u
		i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s i16x8.ge_u
		i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u
		f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge
		f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge
		v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true`},
	{prefixSIMD, 84, immMemArgLane, `
		v128.load8_lane=0 v128.load16_lane=1 v128.load32_lane=2 v128.load64_lane=3
		v128.store8_lane=0 v128.store16_lane=1 v128.store32_lane=2 v128.store64_lane=3`},
	{prefixSIMD, 92, immMemArg, "v128.load32_zero=2 v128.load64_zero=3"},
	{prefixSIMD, 94, immNone, `f32x4.demote_f64x2_zero f64x2.promote_low_f32x4
		i8x16.abs i8x16.neg i8x16.popcnt i8x16.all_true i8x16.bitmask i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u
		f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
		i8x16.shl i8x16.shr_s i8x16.shr_u i8x16.add i8x16.add_sat_s i8x16.add_sat_u
		i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u f64x2.ceil f64x2.floor
		i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u f64x2.trunc i8x16.avgr_u
		i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u
		i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u`},
	{prefixSIMD, 128, immNone, `
		i16x8.abs i16x8.neg i16x8.q15mulr_sat_s i16x8.all_true i16x8.bitmask
		i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u
		i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u
		i16x8.shl i16x8.shr_s i16x8.shr_u i16x8.add i16x8.add_sat_s i16x8.add_sat_u
		i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u f64x2.nearest i16x8.mul
		i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u - i16x8.avgr_u
		i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u`},
	{prefixSIMD, 160, immNone, `
		i32x4.abs i32x4.neg - i32x4.all_true i32x4.bitmask - -
		i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u
		i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add - - i32x4.sub - - - i32x4.mul
		i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s -
		i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u`},
	{prefixSIMD, 192, immNone, `
		i64x2.abs i64x2.neg - i64x2.all_true i64x2.bitmask - -
		i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u
		i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add - - i64x2.sub - - - i64x2.mul
		i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s
		i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u`},
	{prefixSIMD, 224, immNone, `
		f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul f32x4.div
		f32x4.min f32x4.max f32x4.pmin f32x4.pmax
		f64x2.abs f64x2.neg - f64x2.sqrt f64x2.add f64x2.sub f64x2.mul f64x2.div
		f64x2.min f64x2.max f64x2.pmin f64x2.pmax
		i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
		i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero
		f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`},
	{prefixSIMD, 256, immNone, `i8x16.relaxed_swizzle
		i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u
		i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero
		f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd
		i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect
		f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max
		i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s i32x4.relaxed_dot_i8x16_i7x16_add_s`},
}

// atomicRanges spells out the read-modify-write instructions: each operation has
// the same seven widths in the same order.
func atomicRanges() []opcodeRange {
	ranges := []opcodeRange{
		{prefixAtomic, 0x00, immMemArg, "memory.atomic.notify=2 memory.atomic.wait32=2 memory.atomic.wait64=3"},
		{prefixAtomic, 0x03, immFence, "atomic.fence"},
		{prefixAtomic, 0x10, immMemArg, `i32.atomic.load=2 i64.atomic.load=3 i32.atomic.load8_u=0 i32.atomic.load16_u=1
			i64.atomic.load8_u=0 i64.atomic.load16_u=1 i64.atomic.load32_u=2
			i32.atomic.store=2 i64.atomic.store=3 i32.atomic.store8=0 i32.atomic.store16=1
			i64.atomic.store8=0 i64.atomic.store16=1 i64.atomic.store32=2`},
	}
	for k, op := range []string{"add", "sub", "and", "or", "xor", "xchg", "cmpxchg"} {
		ranges = append(ranges, opcodeRange{prefixAtomic, 0x1e + 7*uint32(k), immMemArg, strings.ReplaceAll(`
			i32.atomic.rmw.OP=2 i64.atomic.rmw.OP=3 i32.atomic.rmw8.OP_u=0 i32.atomic.rmw16.OP_u=1
			i64.atomic.rmw8.OP_u=0 i64.atomic.rmw16.OP_u=1 i64.atomic.rmw32.OP_u=2`, "OP", op)})
	}
	return ranges
}
