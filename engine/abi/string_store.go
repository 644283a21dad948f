package abi

import (
	"encoding/binary"
	"unicode/utf8"
)

// encodedString is a string between two components. The realloc sequence of its
// lowering depends on the encoding that it came from.
//
// spec: String
type encodedString struct {
	text            string // valid UTF-8
	encoding        Encoding
	taggedCodeUnits uint32
}

// StoreString lowers a string and stores its pointer and length at ptr. It
// returns the linear memory, which the allocation may have moved.
//
// Bytes of s that are not UTF-8 become U+FFFD, as everywhere in Go where text
// must be valid: what a remote peer sent cannot trap the guest.
//
// spec: store_string
func (cx *Context) StoreString(ptr uint32, s string) []byte {
	begin, length := cx.allocString(s)
	mem := cx.Memory.Bytes()
	storePair(mem, ptr, begin, length)
	return mem
}

// LowerString lowers a string to two flat values; see StoreString.
//
// spec: lower_flat_string
func (cx *Context) LowerString(stack []uint64, s string) {
	begin, length := cx.allocString(s)
	stack[0] = uint64(begin)
	stack[1] = uint64(length)
}

// allocString lowers a string of the host.
func (cx *Context) allocString(s string) (ptr, taggedCodeUnits uint32) {
	if len(s) > MaxStringByteLength {
		panic(trapf("string of %d bytes is longer than the limit of %d", len(s), MaxStringByteLength))
	}
	if !utf8.ValidString(s) {
		s = replaceInvalid(s)
	}
	if cx.Encoding == UTF8 {
		return cx.storeCopy(s, uint32(len(s)))
	}
	return cx.storeStringIntoRange(encodedString{s, UTF8, uint32(len(s))})
}

func replaceInvalid(s string) string {
	if len(s) > MaxStringByteLength/len("\uFFFD") {
		panic(trapf("a string of %d bytes is not valid UTF-8", len(s)))
	}
	return string([]rune(s))
}

// spec: store_string_into_range
func (cx *Context) storeStringIntoRange(s encodedString) (ptr, taggedCodeUnits uint32) {
	units, wide := s.taggedCodeUnits, s.encoding == UTF16
	latin1 := false
	if s.encoding == Latin1UTF16 {
		wide = units&utf16Tag != 0
		units &^= utf16Tag
		latin1 = !wide
	}
	switch cx.Encoding {
	case UTF8:
		switch {
		case wide:
			return cx.storeToUTF8(s.text, units, 3*units) // spec: store_utf16_to_utf8
		case latin1:
			return cx.storeToUTF8(s.text, units, 2*units) // spec: store_latin1_to_utf8
		}
		return cx.storeCopy(s.text, units)
	case UTF16:
		if wide || latin1 {
			return cx.storeUTF16(s.text, units)
		}
		return cx.storeUTF8ToUTF16(s.text, units)
	}
	switch {
	case latin1:
		return cx.storeLatin1(s.text, units)
	case s.encoding == Latin1UTF16:
		return cx.storeProbablyUTF16(s.text, units)
	}
	return cx.storeToLatin1OrUTF16(s.text, units)
}

// storeCopy stores UTF-8 as it is.
//
// spec: store_string_copy
func (cx *Context) storeCopy(s string, units uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 1, units)
	copy(cx.Memory.Bytes()[ptr:], s)
	return ptr, units
}

// storeUTF16 stores text of known length in UTF-16.
//
// spec: store_string_copy
func (cx *Context) storeUTF16(s string, units uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 2, 2*units)
	putUTF16(cx.Memory.Bytes()[ptr:], s)
	return ptr, units
}

// storeLatin1 stores text that is known to be Latin-1.
//
// spec: store_string_copy
func (cx *Context) storeLatin1(s string, units uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 2, units)
	putLatin1(cx.Memory.Bytes()[ptr:], s)
	return ptr, units
}

// spec: store_string_to_utf8
func (cx *Context) storeToUTF8(s string, units, worstCase uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 1, units)
	ascii := asciiPrefix(s)
	copy(cx.Memory.Bytes()[ptr:], s[:ascii])
	if ascii == len(s) {
		return ptr, units
	}
	ptr = cx.reallocate(ofString, ptr, units, 1, worstCase)
	copy(cx.Memory.Bytes()[int(ptr)+ascii:], s[ascii:])
	n := uint32(len(s))
	if worstCase > n {
		ptr = cx.reallocate(ofString, ptr, worstCase, 1, n)
	}
	return ptr, n
}

// spec: store_utf8_to_utf16
func (cx *Context) storeUTF8ToUTF16(s string, units uint32) (uint32, uint32) {
	worstCase := 2 * units
	ptr := cx.reallocate(ofString, 0, 0, 2, worstCase)
	n := putUTF16(cx.Memory.Bytes()[ptr:], s)
	if n < worstCase {
		ptr = cx.reallocate(ofString, ptr, worstCase, 2, n)
	}
	return ptr, n / 2
}

// spec: store_string_to_latin1_or_utf16
func (cx *Context) storeToLatin1OrUTF16(s string, units uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 2, units)
	narrow, rest := putLatin1(cx.Memory.Bytes()[ptr:], s)
	if rest == "" {
		if narrow < units {
			ptr = cx.reallocate(ofString, ptr, units, 2, narrow)
		}
		return ptr, narrow
	}
	worstCase := 2 * units
	ptr = cx.reallocate(ofString, ptr, units, 2, worstCase)
	dst := cx.Memory.Bytes()[ptr:]
	for j := int(narrow) - 1; j >= 0; j-- {
		dst[2*j], dst[2*j+1] = dst[j], 0
	}
	n := 2*narrow + putUTF16(dst[2*narrow:], rest)
	if worstCase > n {
		ptr = cx.reallocate(ofString, ptr, worstCase, 2, n)
	}
	return ptr, n/2 | utf16Tag
}

// spec: store_probably_utf16_to_latin1_or_utf16
func (cx *Context) storeProbablyUTF16(s string, units uint32) (uint32, uint32) {
	ptr := cx.reallocate(ofString, 0, 0, 2, 2*units)
	dst := cx.Memory.Bytes()[ptr:]
	putUTF16(dst, s)
	for _, r := range s {
		if r > 0xff {
			return ptr, units | utf16Tag
		}
	}
	for i := range int(units) {
		dst[i] = dst[2*i]
	}
	ptr = cx.reallocate(ofString, ptr, 2*units, 1, units)
	return ptr, units
}

func asciiPrefix(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// putUTF16 writes valid UTF-8 s to dst as UTF-16; it returns the number of bytes.
// dst is long enough.
func putUTF16(dst []byte, s string) uint32 {
	n := 0
	for _, r := range s {
		if r < 0x10000 {
			binary.LittleEndian.PutUint16(dst[n:], uint16(r))
			n += 2
			continue
		}
		r -= 0x10000
		binary.LittleEndian.PutUint16(dst[n:], uint16(0xd800+r>>10))
		binary.LittleEndian.PutUint16(dst[n+2:], uint16(0xdc00+r&0x3ff))
		n += 4
	}
	return uint32(n)
}

// putLatin1 writes s to dst as Latin-1, up to the first code point that Latin-1
// does not have. It returns the number of bytes and what is left of s.
func putLatin1(dst []byte, s string) (n uint32, rest string) {
	for i, r := range s {
		if r > 0xff {
			return n, s[i:]
		}
		dst[n] = byte(r)
		n++
	}
	return n, ""
}
