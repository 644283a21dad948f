package core

import "runtime"

// rewriteRem says whether the compiler needs rem rewritten: that of wazero
// 1.12.0 for arm64 computes wrong remainders. Tests set it on other platforms.
var rewriteRem = runtime.GOARCH == "arm64"

const (
	opSelect   = 0x1b
	opLocalGet = 0x20
	opLocalSet = 0x21
	opI32Const = 0x41
	opI64Const = 0x42
	opI32Eq    = 0x46
	opI64Eq    = 0x51
	opI32Sub   = 0x6b
	opI32Mul   = 0x6c
	opI32DivS  = 0x6d
	opI32DivU  = 0x6e
	opI32RemS  = 0x6f
	opI32RemU  = 0x70
	opI64Sub   = 0x7d
	opI64Mul   = 0x7e
	opI64DivS  = 0x7f
	opI64DivU  = 0x80
	opI64RemS  = 0x81
	opI64RemU  = 0x82

	typeI32 = 0x7f
	typeI64 = 0x7e
)

// remCode rewrites a code section: a % b becomes a - (a / b) * b. Division by
// zero traps in either form. params[k] is the number of parameters of the k-th
// function of the section.
func remCode(r *reader, params []uint32) []byte {
	n := r.count()
	out := appendU32(make([]byte, 0, len(r.b)+len(r.b)/32), uint32(n))
	for k := range n {
		body := r.sub()
		if r.err != nil || k >= len(params) {
			r.fail("more function bodies than functions")
			return nil
		}
		f := remFunc(&body, params[k])
		if body.err != nil {
			r.err = body.err
			return nil
		}
		out = append(appendU32(out, uint32(len(f))), f...)
	}
	return out
}

// remFunc rewrites one function. A function without rem is returned as it is.
func remFunc(r *reader, locals uint32) []byte {
	groups := r.count()
	declared := r.p
	for range groups {
		n := r.u32()
		if uint64(locals)+uint64(n) > 1<<32-5 {
			r.fail("too many locals")
		}
		locals += n
		r.u64()
	}
	code := r.p
	var out []byte
	from := code
	for r.more() {
		at := r.p
		op := r.byte()
		switch op {
		case opI32RemS, opI32RemU, opI64RemS, opI64RemU:
			out = append(out, r.b[from:at]...)
			out = appendRem(out, op, locals)
			from = r.p
		default:
			r.skipInstr(op)
		}
	}
	if from == code {
		return r.b
	}
	f := appendU32(nil, uint32(groups)+2)
	f = append(f, r.b[declared:code]...)
	f = append(f, 2, typeI32, 2, typeI64)
	f = append(f, out...)
	return append(f, r.b[from:]...)
}

// appendRem appends what computes a remainder of the two operands on the stack,
// in scratch locals: two of type i32 at first, then two of i64.
func appendRem(out []byte, op byte, first uint32) []byte {
	constant, eq, div, mul, sub := byte(opI32Const), byte(opI32Eq), byte(opI32DivU), byte(opI32Mul), byte(opI32Sub)
	a := first
	if op == opI64RemS || op == opI64RemU {
		constant, eq, div, mul, sub = opI64Const, opI64Eq, opI64DivU, opI64Mul, opI64Sub
		a += 2
	}
	b := a + 1
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
