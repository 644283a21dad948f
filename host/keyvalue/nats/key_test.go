package nats

import (
	"regexp"
	"testing"
)

var subject = regexp.MustCompile(`^[-/_=a-zA-Z0-9]+$`)

// FuzzKey: any text is one token of a subject, and comes back as it was; and what
// another program wrote is read as a key in one way, or not at all.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "=", "a.b", "=2E", "=2e", "a=", "=4", "ä", "\x00", "a/b_c-d", "=41", "*", ">"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token := encode(s)
		if !subject.MatchString(token) || len(token) > 3*len(s)+1 {
			t.Fatalf("%q becomes %q", s, token)
		}
		if back, err := decode(token); err != nil || back != s {
			t.Fatalf("%q becomes %q, and that %q, %v", s, token, back, err)
		}
		if key, err := decode(s); err == nil && encode(key) != s {
			t.Fatalf("%q is read as %q, which is written %q", s, key, encode(key))
		}
	})
}
