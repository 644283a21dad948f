package conformance

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/keyvalue"
)

// BenchmarkKeyValue compares a store under a guest with the same store called
// from Go: the guest does many operations in one request, so that what differs
// is the way through wasi:keyvalue. "go64" is 64 goroutines at once.
func BenchmarkKeyValue(b *testing.B) {
	value := make([]byte, 100)
	operations := []struct {
		name string
		do   func(b *testing.B, store keyvalue.Bucket, i int) error
	}{
		{"get", func(b *testing.B, store keyvalue.Bucket, i int) error {
			_, err := store.Get(b.Context(), "key"+strconv.Itoa(i%100))
			return err
		}},
		{"set", func(b *testing.B, store keyvalue.Bucket, i int) error {
			return store.Set(b.Context(), "key"+strconv.Itoa(i%100), value)
		}},
		{"increment", func(b *testing.B, store keyvalue.Bucket, _ int) error {
			_, err := store.Increment(b.Context(), "n", 1)
			return err
		}},
	}
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			bucket := openBucket(b, backend.open)
			s := serve(b, link(b, engine.Auto, storeGuest), 0, withBucket(bucket))
			for i := range 100 {
				if err := bucket.Set(b.Context(), "key"+strconv.Itoa(i), value); err != nil {
					b.Fatal(err)
				}
			}
			for _, o := range operations {
				b.Run(o.name+"/go", func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						if err := o.do(b, bucket, i); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.Run(o.name+"/guest", func(b *testing.B) {
					b.ReportAllocs()
					for done := 0; done < b.N; { // requests of at most 10000 operations
						n := min(b.N-done, 10_000)
						if _, answer := s.ask(b, "GET", fmt.Sprintf("/loop?op=%s&n=%d&size=%d", o.name, n, len(value)), ""); answer != strconv.Itoa(n)+"\n" {
							b.Fatalf("%q; %q", answer, s.log.take())
						}
						done += n
					}
				})
				b.Run(o.name+"/go64", func(b *testing.B) {
					var wg sync.WaitGroup
					for w := range 64 {
						wg.Go(func() {
							for i := w; i < b.N; i += 64 {
								if err := o.do(b, bucket, i); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					wg.Wait()
				})
			}
		})
	}
}
