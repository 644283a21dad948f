package wat

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

var (
	errRange  = errors.New("constant out of range")
	errSyntax = errors.New("not a number")
)

// digits reads decimal or hexadecimal digits with single underscores between
// them from the front of s. It returns them without underscores.
func digits(s string, hex bool) (d, rest string, ok bool) {
	k, under, plain := 0, true, true
	for ; k < len(s); k++ {
		switch c := s[k]; {
		case c == '_' && !under:
			under, plain = true, false
			continue
		case c >= '0' && c <= '9' || hex && hexDigit(c) >= 0:
			under = false
			continue
		}
		break
	}
	if under {
		return "", s, false
	}
	d = s[:k]
	if !plain {
		d = strings.ReplaceAll(d, "_", "")
	}
	return d, s[k:], true
}

// sign splits off a sign.
func sign(s string) (negative bool, rest string) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

func parseUint(s string, width int) (uint64, error) {
	h, hex := strings.CutPrefix(s, "0x")
	base := 10
	if hex {
		s, base = h, 16
	}
	d, rest, ok := digits(s, hex)
	if !ok || rest != "" {
		return 0, errSyntax
	}
	v, err := strconv.ParseUint(d, base, width)
	if err != nil {
		return 0, errRange
	}
	return v, nil
}

// parseInt reads an integer that may be signed or unsigned, and returns its bits.
func parseInt(s string, width int) (uint64, error) {
	negative, s := sign(s)
	v, err := parseUint(s, width)
	if err != nil {
		return 0, err
	}
	if !negative {
		return v, nil
	}
	if v > 1<<(width-1) {
		return 0, errRange
	}
	return -v & (math.MaxUint64 >> (64 - width)), nil
}

// floatFormat is a width of floating-point numbers.
type floatFormat struct {
	bits     int
	fraction int // bits of the fraction
}

var (
	f32format = floatFormat{32, 23}
	f64format = floatFormat{64, 52}
)

// parse reads a floating-point number and returns its bits.
func (f floatFormat) parse(s string) (uint64, error) {
	negative, s := sign(s)
	v, err := f.magnitude(s)
	if negative {
		v |= 1 << (f.bits - 1)
	}
	return v, err
}

func (f floatFormat) magnitude(s string) (uint64, error) {
	infinity := uint64(1)<<(f.bits-1) - 1<<f.fraction
	switch {
	case s == "inf":
		return infinity, nil
	case s == "nan":
		return infinity | 1<<(f.fraction-1), nil
	case strings.HasPrefix(s, "nan:0x"):
		payload, err := parseUint(s[len("nan:"):], 64)
		if err == nil && (payload == 0 || payload >= 1<<f.fraction) {
			err = errRange
		}
		return infinity | payload, err
	}
	text, ok := goFloat(s)
	if !ok {
		return 0, errSyntax
	}
	v, err := strconv.ParseFloat(text, f.bits)
	if err != nil {
		return 0, errRange
	}
	if f.bits == 32 {
		return uint64(math.Float32bits(float32(v))), nil
	}
	return math.Float64bits(v), nil
}

// goFloat checks a number against the grammar and writes it as strconv reads it:
// without underscores, and with an exponent if it is hexadecimal.
func goFloat(s string) (string, bool) {
	h, hex := strings.CutPrefix(s, "0x")
	out, exponent := "", "eE"
	if hex {
		s, out, exponent = h, "0x", "pP"
	}
	d, s, ok := digits(s, hex)
	if !ok {
		return "", false
	}
	out += d
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		out += "."
		if s != "" && strings.IndexByte(exponent, s[0]) < 0 {
			if d, s, ok = digits(s, hex); !ok {
				return "", false
			}
			out += d
		}
	}
	switch {
	case s != "" && strings.IndexByte(exponent, s[0]) >= 0:
		out += exponent[:1]
		negative, rest := sign(s[1:])
		if negative {
			out += "-"
		}
		if d, s, ok = digits(rest, false); !ok {
			return "", false
		}
		out += d
	case hex:
		out += "p0"
	}
	return out, s == ""
}

// log2 is the exponent of a power of 2.
func log2(v uint64) (exponent uint32, ok bool) {
	return uint32(bits.TrailingZeros64(v)), bits.OnesCount64(v) == 1
}
