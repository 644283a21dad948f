package abi

import "math"

// The canonical NaNs. Lowering writes them too: the spec leaves the bits open,
// and a fixed choice makes runs repeatable.
const (
	canonicalNaN32 = 0x7fc00000         // spec: CANONICAL_FLOAT32_NAN
	canonicalNaN64 = 0x7ff8000000000000 // spec: CANONICAL_FLOAT64_NAN
)

// LiftF32 makes a float of its bits.
//
// spec: decode_i32_as_float, canonicalize_nan32
func LiftF32(bits uint32) float32 { return math.Float32frombits(canonicalF32(bits)) }

// LiftF64 makes a float of its bits.
//
// spec: decode_i64_as_float, canonicalize_nan64
func LiftF64(bits uint64) float64 { return math.Float64frombits(canonicalF64(bits)) }

// LowerF32 returns the bits of a float.
//
// spec: encode_float_as_i32
func LowerF32(f float32) uint32 { return canonicalF32(math.Float32bits(f)) }

// LowerF64 returns the bits of a float.
//
// spec: encode_float_as_i64
func LowerF64(f float64) uint64 { return canonicalF64(math.Float64bits(f)) }

func canonicalF32(bits uint32) uint32 {
	if bits&0x7fffffff > 0x7f800000 {
		return canonicalNaN32
	}
	return bits
}

func canonicalF64(bits uint64) uint64 {
	if bits&0x7fffffffffffffff > 0x7ff0000000000000 {
		return canonicalNaN64
	}
	return bits
}

// LiftChar checks that i is a Unicode scalar value.
//
// spec: convert_i32_to_char
func LiftChar(i uint32) rune {
	if !isScalarValue(i) {
		panic(trapChar)
	}
	return rune(i)
}

// LowerChar is the inverse of LiftChar. It traps on a rune that is no Unicode
// scalar value, which the guest could not receive.
//
// spec: char_to_i32
func LowerChar(r rune) uint32 { return uint32(LiftChar(uint32(r))) }

func isScalarValue(i uint32) bool { return i < 0xd800 || i > 0xdfff && i < 0x110000 }

// LiftCase checks the case index of a variant, enum, option or result of n cases.
//
// spec: load_variant, lift_flat_variant
func LiftCase(i, n uint32) uint32 {
	if i >= n {
		panic(trapCase)
	}
	return i
}

// LowerCase checks a case index that the host gave.
//
// spec: match_case
func LowerCase(i, n uint32) uint32 {
	if i >= n {
		panic(trapf("the host gave case %d of a variant or enum with %d cases", i, n))
	}
	return i
}

// LowerBool is 1 for true.
func LowerBool(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
