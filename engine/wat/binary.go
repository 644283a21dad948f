package wat

// appendU32 appends in unsigned LEB128.
func appendU32(b []byte, v uint32) []byte { return appendU64(b, uint64(v)) }

func appendU64(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends in signed LEB128.
func appendS32(b []byte, v int32) []byte { return appendS64(b, int64(v)) }

// appendS33 appends an index where the format has negative numbers for something else.
func appendS33(b []byte, index uint32) []byte { return appendS64(b, int64(index)) }

func appendS64(b []byte, v int64) []byte {
	for v >= 0x40 || v < -0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

// appendName appends a vector of bytes.
func appendName(b []byte, s string) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

// appendBytes appends a vector of bytes.
func appendBytes(b, s []byte) []byte {
	return append(appendU32(b, uint32(len(s))), s...)
}

// appendSection appends a section, or a subsection of names.
func appendSection(b []byte, id byte, body []byte) []byte {
	return appendBytes(append(b, id), body)
}

// vec is a vector under construction: its length is written when it is known.
type vec struct {
	n    uint32
	body []byte
}

// push appends an element.
func (v *vec) push(element ...byte) {
	v.n++
	v.body = append(v.body, element...)
}

// appendVec appends a vector: its length, its elements.
func appendVec(b []byte, v *vec) []byte {
	return append(appendU32(b, v.n), v.body...)
}

// appendVecSection appends a section that is a vector, and nothing if it is empty.
func appendVecSection(b []byte, id byte, v *vec) []byte {
	if v.n == 0 {
		return b
	}
	return appendSection(b, id, appendVec(nil, v))
}
