package keyvalue_test

import (
	"context"
	"fmt"

	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/memory"
)

// A Go program grants stores by the names that guests open them with, and reads
// and writes the same data itself.
func Example() {
	store := memory.New(memory.Config{}) // or bolt.Open, redis.Open, nats.Open
	defer store.Close()
	bucket, err := store.Bucket("my-application", "default")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := host.Config{KeyValue: keyvalue.Config{Buckets: map[string]keyvalue.Bucket{"default": bucket}}}
	_ = cfg // goes into server.Config.Host, or makes a state for an instance

	n, err := bucket.Increment(context.Background(), "visits", 1)
	fmt.Println(n, err)
	// Output: 1 <nil>
}
