package core

import "fmt"

// reader reads a core module's binary. The first failure sticks in err; after
// it every read returns zero.
type reader struct {
	b    []byte
	p    int
	base int // offset of b in the module
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at offset %#x of the module: %s", r.base+r.p, fmt.Sprintf(format, args...))
		r.p = len(r.b)
	}
}

func (r *reader) more() bool { return r.err == nil && r.p < len(r.b) }

// end fails when there is more.
func (r *reader) end() {
	if r.more() {
		r.fail("section size mismatch")
	}
}

func (r *reader) byte() byte {
	if r.p < len(r.b) {
		r.p++
		return r.b[r.p-1]
	}
	return r.none()
}

func (r *reader) none() byte {
	r.fail("unexpected end")
	return 0
}

// u64 reads an unsigned LEB128 number.
func (r *reader) u64() uint64 {
	var v uint64
	for s := uint(0); s < 70; s += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << s
		if c&0x80 == 0 {
			return v
		}
	}
	r.fail("integer representation too long")
	return 0
}

func (r *reader) u32() uint32 {
	if r.p < len(r.b) && r.b[r.p] < 0x80 {
		r.p++
		return uint32(r.b[r.p-1])
	}
	return r.longU32()
}

func (r *reader) longU32() uint32 {
	v := r.u64()
	if v > 1<<32-1 {
		r.fail("integer too large")
		return 0
	}
	return uint32(v)
}

// count reads the length of a vector whose elements take at least a byte each.
func (r *reader) count() int {
	n := r.u32()
	if int64(n) > int64(len(r.b)-r.p) {
		r.fail("length out of bounds")
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	r.p += n
	return r.b[r.p-n : r.p]
}

func (r *reader) string() string { return string(r.bytes()) }

// skip passes over n bytes.
func (r *reader) skip(n int) {
	if n > len(r.b)-r.p {
		r.fail("unexpected end")
		return
	}
	r.p += n
}

// sub reads a length and returns a reader of that many bytes.
func (r *reader) sub() reader {
	b := r.bytes()
	return reader{b: b, base: r.base + r.p - len(b), err: r.err}
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS64(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendString(b []byte, s string) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

func appendSection(b []byte, id byte, body []byte) []byte {
	return append(appendU32(append(b, id), uint32(len(body))), body...)
}
