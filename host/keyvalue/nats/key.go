package nats

import (
	"errors"
	"strings"
)

const hex = "0123456789ABCDEF"

// plain says whether a byte of a key stands for itself in a subject.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '/'
}

// encode makes one token of a subject out of any text: bytes that cannot be in
// the key of a JetStream bucket, or that mean something in a subject, become = and
// two digits. The empty text is = alone.
func encode(s string) string {
	if s == "" {
		return "="
	}
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '=', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

var errEncoding = errors.New("not a key that this package wrote")

// decode is the reverse of encode; another program may have written what it gets.
func decode(s string) (string, error) {
	if s == "=" {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		if c != '=' || i+2 >= len(s) {
			return "", errEncoding
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 || plain(byte(hi<<4|lo)) {
			return "", errEncoding
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	if s == "" {
		return "", errEncoding
	}
	return b.String(), nil
}
