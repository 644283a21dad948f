package io

import (
	"fmt"
	"sync/atomic"
)

// Budget bounds the host memory that one instance causes to be allocated:
// stream buffers, header fields and the like. A nil Budget is unlimited.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a Budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// BudgetError is the error of an instance that wants more host memory than its
// Budget has. It traps the guest.
type BudgetError struct{ Limit, Used, Want int64 }

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the guest holds %d bytes of host memory (streams, header fields) and wants %d more than its limit of %d; drop streams and fields sooner, or raise the limit with --max-host-memory",
		e.Used, e.Want, e.Limit)
}

// Take charges n bytes, or returns a *BudgetError and charges nothing.
func (b *Budget) Take(n int) error {
	if b == nil {
		return nil
	}
	if used := b.used.Add(int64(n)); used > b.limit {
		b.used.Add(int64(-n))
		return &BudgetError{Limit: b.limit, Used: used - int64(n), Want: int64(n)}
	}
	return nil
}

// Give returns n bytes that were taken.
func (b *Budget) Give(n int) {
	if b != nil {
		b.used.Add(int64(-n))
	}
}

// Used is how many bytes are taken.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}
