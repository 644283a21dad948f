package sockets

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// parseAddr reads an address where a name is looked up: it needs no lookup.
func parseAddr(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(inner, ":") {
			return netip.Addr{}, false
		}
		s = inner
	}
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err == nil && addr.Zone() == ""
}

// asciiName is a host name in the form that DNS has it, without the dot at its
// end, or false if it is none. Labels that are not ASCII are encoded with Punycode
// (IDNA without its tables: a name is taken to be normalized).
func asciiName(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 4*253 || !utf8.ValidString(s) {
		return "", false
	}
	labels := strings.Split(strings.ToLower(s), ".")
	for i, label := range labels {
		if strings.IndexFunc(label, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			label = "xn--" + punycode([]rune(label))
			labels[i] = label
		}
		if !isLabel(label) {
			return "", false
		}
	}
	s = strings.Join(labels, ".")
	// A last label of digits is an address in one of the old forms, which some
	// resolvers take: it is no name.
	last := labels[len(labels)-1]
	if len(s) > 253 || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return "", false
	}
	return s, true
}

func isLabel(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
}

// The parameters of Punycode.
//
// spec: RFC 3492, section 5
const base, tMin, tMax, skew, damp = 36, 1, 26, 38, 700

// punycode encodes a label, which has no more than some hundred runes.
//
// spec: RFC 3492, section 6.3
func punycode(label []rune) string {
	var b strings.Builder
	for _, r := range label {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		}
	}
	basic := b.Len()
	done := basic
	if basic > 0 {
		b.WriteByte('-')
	}
	n, delta, bias := rune(0x80), 0, 72
	for done < len(label) {
		m := rune(utf8.MaxRune)
		for _, r := range label {
			if r >= n {
				m = min(m, r)
			}
		}
		delta += int(m-n) * (done + 1)
		n = m
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					break
				}
				b.WriteByte(digit(t + (q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			b.WriteByte(digit(q))
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return b.String()
}

func digit(d int) byte { return "abcdefghijklmnopqrstuvwxyz0123456789"[d] }

// adapt is the bias for the next delta.
//
// spec: RFC 3492, section 6.1
func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tMin)*tMax/2; k += base {
		delta /= base - tMin
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}
