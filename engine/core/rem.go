package core

import "runtime"

// rewriteRem says whether the compiler needs rem rewritten: that of wazero
// 1.12.0 for arm64 computes wrong remainders. Tests set it on other platforms.
var rewriteRem = runtime.GOARCH == "arm64"

// Where rem is rewritten, a % b becomes a - (a / b) * b. Division by zero traps
// in either form.

// appendRem appends what computes a remainder of the two operands on the stack,
// in scratch locals.
func appendRem(out []byte, op byte, s *scratch) []byte {
	constant, eq, div, mul, sub := byte(opI32Const), byte(opI32Eq), byte(opI32DivU), byte(opI32Mul), byte(opI32Sub)
	a, b := s.i32[0], s.i32[1]
	if op == opI64RemS || op == opI64RemU {
		constant, eq, div, mul, sub = opI64Const, opI64Eq, opI64DivU, opI64Mul, opI64Sub
		a, b = s.i64[0], s.i64[1]
	}
	local := func(op byte, i uint32) { out = appendU32(append(out, op), i) }
	local(opLocalSet, b)
	local(opLocalSet, a)
	if op == opI32RemS || op == opI64RemS {
		// The least number divided by -1 overflows and would trap, where its
		// remainder is 0: divide by 1 instead, the remainder is 0 with either.
		div-- // div_s
		out = append(out, constant, 1)
		local(opLocalGet, b)
		local(opLocalGet, b)
		out = append(out, constant, 0x7f, eq, opSelect)
		local(opLocalSet, b)
	}
	local(opLocalGet, a)
	local(opLocalGet, a)
	local(opLocalGet, b)
	out = append(out, div)
	local(opLocalGet, b)
	return append(out, mul, sub)
}
