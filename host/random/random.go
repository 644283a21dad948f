// Package random implements wasi:random: secure bytes, insecure bytes and the
// insecure seed. The sources can be replaced for tests.
//
// It implements wasi:random@0.2.12. It may import bindings and engine packages,
// and must not import package host or another subject.
package random

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	goio "io"
	mathrand "math/rand/v2"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasirandom"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// MaxBytes is the most random bytes that a guest can ask for at once.
const MaxBytes = 4 << 20

// TooLongError traps a guest that asks for more than MaxBytes at once.
type TooLongError struct{ Length uint64 }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%d random bytes wanted at once; the most is %d: ask several times", e.Length, MaxBytes)
}

// Source is where instances get randomness from. It is safe for concurrent use
// if its readers are.
type Source struct {
	Secure   goio.Reader
	Insecure goio.Reader
}

// System is the randomness of the machine, and a fast generator for the insecure kind.
var System = &Source{Secure: rand.Reader, Insecure: newChaCha()}

// chaCha is a generator behind a lock.
type chaCha struct {
	mu sync.Mutex
	c  *mathrand.ChaCha8
}

func newChaCha() *chaCha {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails: crypto/rand aborts the process instead
	return &chaCha{c: mathrand.NewChaCha8(seed)}
}

func (c *chaCha) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c.Read(b)
}

// Link defines wasi:random in l; source picks the source of the calling instance.
func Link(l *engine.Linker, source func(cx *abi.Context) *Source) error {
	return errors.Join(
		wasirandom.LinkRandom(l, func(cx *abi.Context) wasirandom.RandomHost { return source(cx) }),
		wasirandom.LinkInsecure(l, func(cx *abi.Context) wasirandom.InsecureHost { return source(cx) }),
		wasirandom.LinkInsecureSeed(l, func(cx *abi.Context) wasirandom.InsecureSeedHost { return source(cx) }),
	)
}

func bytes(r goio.Reader, length uint64) ([]byte, error) {
	if length > MaxBytes {
		return nil, &TooLongError{Length: length}
	}
	b := make([]byte, length)
	_, err := goio.ReadFull(r, b)
	return b, err
}

func u64(r goio.Reader) (uint64, error) {
	var b [8]byte
	_, err := goio.ReadFull(r, b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}

// GetRandomBytes implements wasirandom.RandomHost.
func (s *Source) GetRandomBytes(_ context.Context, length uint64) ([]byte, error) {
	return bytes(s.Secure, length)
}

// GetRandomU64 implements wasirandom.RandomHost.
func (s *Source) GetRandomU64(context.Context) (uint64, error) { return u64(s.Secure) }

// GetInsecureRandomBytes implements wasirandom.InsecureHost.
func (s *Source) GetInsecureRandomBytes(_ context.Context, length uint64) ([]byte, error) {
	return bytes(s.Insecure, length)
}

// GetInsecureRandomU64 implements wasirandom.InsecureHost.
func (s *Source) GetInsecureRandomU64(context.Context) (uint64, error) { return u64(s.Insecure) }

// InsecureSeed implements wasirandom.InsecureSeedHost.
func (s *Source) InsecureSeed(context.Context) (abi.Tuple2[uint64, uint64], error) {
	lo, err := u64(s.Insecure)
	if err != nil {
		return abi.Tuple2[uint64, uint64]{}, err
	}
	hi, err := u64(s.Insecure)
	return abi.Tuple2[uint64, uint64]{F0: lo, F1: hi}, err
}
