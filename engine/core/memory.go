package core

import (
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// DefaultMemoryLimit bounds the memory of a component instance unless the
// embedder says otherwise.
const DefaultMemoryLimit = 256 << 20

// Budget bounds the bytes that the memories and tables of one component
// instance take together. It is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget makes a Budget of limit bytes; 0 means DefaultMemoryLimit.
func NewBudget(limit uint64) *Budget {
	if limit == 0 {
		limit = DefaultMemoryLimit
	}
	return &Budget{limit: int64(min(limit, 1<<62))}
}

// BudgetError is a demand for more memory than a Budget has left.
type BudgetError struct{ Need, Used, Limit int64 }

func (e *BudgetError) Error() string {
	return fmt.Sprintf("%d bytes are more than the memory limit of %d allows (%d in use); raise the limit", e.Need, e.Limit, e.Used)
}

func (b *Budget) fits(n int64) error {
	if used := b.used.Load(); n > b.limit-used {
		return &BudgetError{Need: n, Used: used, Limit: b.limit}
	}
	return nil
}

func (b *Budget) take(n int64) error {
	if b.used.Add(n) > b.limit {
		used := b.used.Add(-n)
		return &BudgetError{Need: n, Used: used, Limit: b.limit}
	}
	return nil
}

func (b *Budget) give(n int64) { b.used.Add(-n) }

// Allocate is called by wazero for each memory that is instantiated.
func (b *Budget) Allocate(capacity, maximum uint64) experimental.LinearMemory {
	return &linearMemory{budget: b, max: maximum, buf: make([]byte, 0, capacity)}
}

// linearMemory is a memory on the Go heap. What is charged is its size, rounded
// up to what growing in steps allocates.
type linearMemory struct {
	budget  *Budget
	max     uint64
	buf     []byte
	charged int64
}

// Reallocate makes the memory size bytes long; nil makes memory.grow return −1.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.max {
		return nil
	}
	grow := int64(size) - m.charged
	if grow > 0 {
		if m.budget.take(grow) != nil {
			return nil
		}
		m.charged += grow
	}
	if size > uint64(cap(m.buf)) {
		// A quarter more than was asked for, so that a guest that grows page by
		// page does not copy each time.
		next := make([]byte, size, min(size+size/4, m.max))
		copy(next, m.buf)
		m.buf = next
	}
	m.buf = m.buf[:size]
	return m.buf
}

// Free is called when an importer of the memory is closed too: the buffer stays
// until nothing refers to it.
func (m *linearMemory) Free() {
	m.budget.give(m.charged)
	m.charged = 0
}
