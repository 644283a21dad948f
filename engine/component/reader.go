package component

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// reader reads the binary format. A failure panics with an *Error, which Decode
// recovers: every rule that is broken ends the decoding.
type reader struct {
	b    []byte // the whole file
	p    int    // offset of the next byte
	end  int    // of the section or component being read
	path []step
}

// step is one step of the path that errors show.
type step struct {
	what string
	n    int
}

func (r *reader) fail(format string, args ...any) { r.failAt(r.p, format, args...) }

func (r *reader) failAt(offset int, format string, args ...any) {
	var path strings.Builder
	for k, s := range r.path {
		if k > 0 {
			path.WriteByte(' ')
		}
		fmt.Fprintf(&path, "%s[%d]", s.what, s.n)
	}
	panic(&Error{Offset: offset, Path: path.String(), Msg: fmt.Sprintf(format, args...)})
}

// invalid fails for a byte that is none of those that may stand here.
func (r *reader) invalid(b byte, what string) {
	r.failAt(r.p-1, "invalid leading byte (%#x) for %s", b, what)
}

func (r *reader) byte() byte {
	if r.p >= r.end {
		r.fail("unexpected end-of-file")
	}
	r.p++
	return r.b[r.p-1]
}

func (r *reader) peek() byte {
	if r.p >= r.end {
		r.fail("unexpected end-of-file")
	}
	return r.b[r.p]
}

// uleb reads an unsigned LEB128 number of at most bits bits.
func (r *reader) uleb(bits uint) uint64 {
	start := r.p
	var v uint64
	for s := uint(0); ; s += 7 {
		c := r.byte()
		if s+7 > bits && c>>(bits-s) != 0 {
			if c&0x80 != 0 {
				r.failAt(start, "integer representation too long")
			}
			r.failAt(start, "integer too large")
		}
		v |= uint64(c&0x7f) << s
		if c&0x80 == 0 {
			return v
		}
	}
}

func (r *reader) u32() uint32 { return uint32(r.uleb(32)) }

// flag reads a byte that is 0 or 1.
func (r *reader) flag(what string) bool {
	switch b := r.byte(); b {
	case 0:
		return false
	case 1:
		return true
	default:
		r.invalid(b, what)
		return false
	}
}

// count reads the length of a vector of which each element takes a byte at
// least, so that nothing is allocated by a number alone.
func (r *reader) count(limit int, what string) int {
	start := r.p
	n := r.u32()
	if uint64(n) > uint64(limit) {
		r.failAt(start, "%s count exceeds limit of %d", what, limit)
	}
	if int64(n) > int64(r.end-r.p) {
		r.failAt(r.end, "unexpected end-of-file")
	}
	return int(n)
}

// maxName bounds a name.
const maxName = 100_000

func (r *reader) name() string {
	start := r.p
	n := r.u32()
	if n > maxName {
		r.failAt(start, "string size exceeds limit of %d", maxName)
	}
	if int64(n) > int64(r.end-r.p) {
		r.fail("unexpected end-of-file")
	}
	b := r.b[r.p : r.p+int(n)]
	if !utf8.Valid(b) {
		r.fail("malformed UTF-8 encoding")
	}
	r.p += int(n)
	return string(b)
}

// sub reads a length and narrows the reader to that many bytes; the function
// that it returns checks that they were used up and widens it again.
func (r *reader) sub() func() {
	n := r.u32()
	if int64(n) > int64(r.end-r.p) {
		r.fail("unexpected end-of-file")
	}
	outer := r.end
	r.end = r.p + int(n)
	return func() {
		if r.p != r.end {
			r.fail("section size mismatch: unexpected data at the end of the section")
		}
		r.end = outer
	}
}
