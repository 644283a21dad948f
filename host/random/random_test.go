package random

import (
	stdbytes "bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

var bg = context.Background()

func TestLengths(t *testing.T) {
	for _, c := range []struct {
		name string
		n    uint64
		ok   bool
	}{
		{"none", 0, true},
		{"some", 33, true},
		{"the most", MaxBytes, true},
		{"more than that traps", MaxBytes + 1, false},
		{"far more traps without allocating", math.MaxUint64, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range []func(context.Context, uint64) ([]byte, error){System.GetRandomBytes, System.GetInsecureRandomBytes} {
				b, err := f(bg, c.n)
				var long *TooLongError
				if c.ok && (err != nil || uint64(len(b)) != c.n) || !c.ok && !errors.As(err, &long) {
					t.Fatal(len(b), err)
				}
			}
		})
	}
}

func TestBytesDiffer(t *testing.T) {
	for _, f := range []func(context.Context, uint64) ([]byte, error){System.GetRandomBytes, System.GetInsecureRandomBytes} {
		a, _ := f(bg, 32)
		b, _ := f(bg, 32)
		if stdbytes.Equal(a, b) {
			t.Fatal("the same bytes twice")
		}
	}
}

func TestSourceIsReplaceable(t *testing.T) {
	s := &Source{Secure: strings.NewReader("\x01\x00\x00\x00\x00\x00\x00\x00"), Insecure: strings.NewReader("\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00")}
	if n, err := s.GetRandomU64(bg); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if seed, err := s.InsecureSeed(bg); seed.F0 != 2 || seed.F1 != 3 || err != nil {
		t.Fatal(seed, err)
	}
	if _, err := s.GetRandomU64(bg); err == nil {
		t.Fatal("a source that has run dry gives numbers")
	}
}
