package component

import (
	"fmt"
	"strings"
)

// checkSemver says why s is not a version as semver.org 2.0.0 has them.
func checkSemver(s string) error {
	if s == "" {
		return fmt.Errorf("empty string, expected a semver version")
	}
	rest := s
	for k, part := range []string{"major", "minor", "patch"} {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		switch {
		case n == 0 && rest == "":
			return fmt.Errorf("unexpected end of input while parsing %s version number", part)
		case n == 0:
			return fmt.Errorf("unexpected character %s while parsing %s version number", quoteFirst(rest), part)
		case n > 1 && rest[0] == '0':
			return fmt.Errorf("invalid leading zero in %s version number", part)
		case n > 20:
			return fmt.Errorf("value of %s version number is too large", part)
		}
		rest = rest[n:]
		if k == 2 {
			break
		}
		switch {
		case rest == "":
			return fmt.Errorf("unexpected end of input while parsing %s version number", part)
		case rest[0] != '.':
			return fmt.Errorf("unexpected character %s after %s version number", quoteFirst(rest), part)
		}
		rest = rest[1:]
	}
	if rest == "" {
		return nil
	}
	if rest[0] == '-' {
		pre, _, _ := strings.Cut(rest[1:], "+")
		if err := identifiers(pre, "pre-release identifier", true); err != nil {
			return err
		}
		rest = rest[1+len(pre):]
	}
	if rest == "" {
		return nil
	}
	if rest[0] != '+' {
		return fmt.Errorf("unexpected character %s after patch version number", quoteFirst(rest))
	}
	return identifiers(rest[1:], "build metadata", false)
}

func quoteFirst(s string) string {
	for _, c := range s {
		return fmt.Sprintf("'%c'", c)
	}
	return "''"
}

func identifiers(s, what string, noLeadingZero bool) error {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return fmt.Errorf("empty identifier segment in %s", what)
		}
		digits := true
		for i := range len(part) {
			c := part[i]
			switch {
			case c >= '0' && c <= '9':
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-':
				digits = false
			default:
				return fmt.Errorf("unexpected character %s in %s", quoteFirst(part[i:]), what)
			}
		}
		if noLeadingZero && digits && len(part) > 1 && part[0] == '0' {
			return fmt.Errorf("invalid leading zero in %s", what)
		}
	}
	return nil
}

// isCanonVersion reports whether s is a canonversion: the part of a version that
// compatibility depends on.
func isCanonVersion(s string) bool {
	number := func(s string) bool {
		if s == "" || s[0] == '0' {
			return false
		}
		return strings.Trim(s, "0123456789") == ""
	}
	if s == "0.0.0" {
		return true
	}
	if rest, ok := strings.CutPrefix(s, "0.0."); ok {
		return number(rest)
	}
	if rest, ok := strings.CutPrefix(s, "0."); ok {
		return number(rest)
	}
	return number(s)
}
