package host

import (
	"context"
	"testing"
)

// BenchmarkState is what the state of an instance costs that uses nothing of it.
func BenchmarkState(b *testing.B) {
	c := Config{Report: func(error) {}}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		c.NewState(ctx).Close()
	}
}
