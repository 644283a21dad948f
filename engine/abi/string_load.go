package abi

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// utf16Tag marks, in the length of a latin1+utf16 string, that it is UTF-16.
//
// spec: utf16_tag
const utf16Tag = 1 << 31

// LoadStringFromRange lifts a string in the encoding of the options.
//
// spec: load_string_from_range
func (cx *Context) LoadStringFromRange(ptr, taggedCodeUnits uint32) string {
	switch cx.Encoding {
	case UTF8:
		b := cx.stringBytes(ptr, uint64(taggedCodeUnits), 1)
		if !utf8.Valid(b) {
			panic(invalidUTF8(b))
		}
		cx.charge(uint64(len(b)))
		return string(b)
	case UTF16:
		return cx.loadUTF16(ptr, taggedCodeUnits)
	}
	if taggedCodeUnits&utf16Tag != 0 {
		return cx.loadUTF16(ptr, taggedCodeUnits^utf16Tag)
	}
	return cx.loadLatin1(ptr, taggedCodeUnits)
}

// stringBytes checks the range of a string and returns it in place.
func (cx *Context) stringBytes(ptr uint32, length uint64, align uint32) []byte {
	if length > MaxStringByteLength {
		panic(cx.stringTooLong(ptr, length))
	}
	mem := cx.checkRange(ofString, ptr, length, align)
	return mem[ptr : uint64(ptr)+length]
}

// stringTooLong is the trap of a string beyond MAX_STRING_BYTE_LENGTH. Where it
// is out of bounds as well, that is the news.
func (cx *Context) stringTooLong(ptr uint32, length uint64) *Trap {
	if uint64(ptr)+length > uint64(len(cx.memory())) {
		return trapOutOfBounds[ofString][cx.side()]
	}
	return trapf("string of %d bytes is longer than the limit of %d", length, MaxStringByteLength)
}

// invalidUTF8 is the trap for the first wrong sequence in b.
func invalidUTF8(b []byte) *Trap {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			if !utf8.FullRune(b[i:]) {
				return trapf("incomplete utf-8 byte sequence at byte %d of a string", i)
			}
			return trapf("invalid utf-8 sequence at byte %d of a string", i)
		}
		i += n
	}
	return &Trap{Message: "invalid utf-8 in a string"}
}

func (cx *Context) loadLatin1(ptr, length uint32) string {
	b := cx.stringBytes(ptr, uint64(length), 2)
	n := len(b)
	for _, c := range b {
		n += int(c >> 7)
	}
	cx.charge(uint64(n))
	if n == len(b) {
		return string(b)
	}
	var s strings.Builder
	s.Grow(n)
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

func (cx *Context) loadUTF16(ptr, codeUnits uint32) string {
	b := cx.stringBytes(ptr, 2*uint64(codeUnits), 2)
	n := 0
	for i := 0; i < len(b); {
		r, size := decodeUTF16(b[i:])
		if size == 0 {
			panic(trapf("unpaired surrogate at code unit %d of a string", i/2))
		}
		n += utf8.RuneLen(r)
		i += size
	}
	cx.charge(uint64(n))
	var s strings.Builder
	s.Grow(n)
	for i := 0; i < len(b); {
		r, size := decodeUTF16(b[i:])
		s.WriteRune(r)
		i += size
	}
	return s.String()
}

// decodeUTF16 returns the first code point of b and its size in bytes, 0 for an
// unpaired surrogate.
func decodeUTF16(b []byte) (rune, int) {
	c := rune(binary.LittleEndian.Uint16(b))
	if c&0xf800 != 0xd800 {
		return c, 2
	}
	if c >= 0xdc00 || len(b) < 4 {
		return 0, 0
	}
	d := rune(binary.LittleEndian.Uint16(b[2:]))
	if d&0xfc00 != 0xdc00 {
		return 0, 0
	}
	return (c-0xd800)<<10 + (d - 0xdc00) + 0x10000, 4
}
