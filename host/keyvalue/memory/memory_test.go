package memory_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/memory"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Backend{
		Open:     func(*testing.T) keyvalue.Store { return memory.New(memory.Config{}) },
		Volatile: true,
	})
}

// What a guest puts into memory is bounded, whatever it is made of, and what it
// deletes can be used again.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 1 << 20
	ctx := t.Context()
	for _, c := range []struct {
		name       string
		key, value int // bytes
	}{
		{"large values", 1, 50_000},
		{"large keys", 1000, 0},
		{"many small ones", 6, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memory.New(memory.Config{MaxBytes: limit})
			b, err := store.Bucket("app", "default")
			if err != nil {
				t.Fatal(err)
			}
			key := func(i int) string { return fmt.Sprintf("%0*d", c.key, i) }
			fill := func() (n int) {
				var err error
				for ; err == nil; n++ {
					err = b.Set(ctx, key(n), make([]byte, c.value))
				}
				var full *keyvalue.LimitError
				if !errors.As(err, &full) || full.Limit != limit {
					t.Fatal(err)
				}
				return n - 1
			}
			n := fill()
			if n < 1 || n > limit/(c.key+c.value) {
				t.Errorf("%d keys fit into %d bytes", n, limit)
			}
			for i := range n {
				if err := b.Delete(ctx, key(i)); err != nil {
					t.Fatal(err)
				}
			}
			if again := fill(); again != n {
				t.Errorf("%d keys fit, and %d after they were deleted", n, again)
			}
			other, err := store.Bucket("other", "default")
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Set(ctx, "k", nil); err != nil {
				t.Errorf("one application fills the memory of another: %v", err)
			}
		})
	}
}
