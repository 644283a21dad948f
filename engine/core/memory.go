package core

import (
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// DefaultMemoryLimit bounds the memory of a component instance unless the
// embedder says otherwise.
const DefaultMemoryLimit = 256 << 20

// wasmPage is the size of a page of linear memory.
const wasmPage = 1 << 16

// Budget bounds the bytes that the memories and tables of one component
// instance take together. What it gives out is taken from its Runtime's too. It
// is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
	all   *Budget // of the Runtime; nil: no bound
}

// NewBudget makes a Budget of limit bytes; 0 means DefaultMemoryLimit.
func (r *Runtime) NewBudget(limit uint64) *Budget {
	b := newBudget(limit)
	b.all = r.budget
	return b
}

func newBudget(limit uint64) *Budget {
	if limit == 0 {
		limit = DefaultMemoryLimit
	}
	return &Budget{limit: int64(min(limit, 1<<62))}
}

// BudgetError is a demand for more memory than a Budget has left.
type BudgetError struct {
	Need, Used, Limit int64
	// All says that it is the limit of all instances together.
	All bool
}

func (e *BudgetError) Error() string {
	if e.All {
		return fmt.Sprintf("%d bytes are more than the memory limit of %d for all instances allows (%d in use); raise it, or run fewer at once",
			e.Need, e.Limit, e.Used)
	}
	return fmt.Sprintf("%d bytes are more than the memory limit of %d allows (%d in use); raise the limit", e.Need, e.Limit, e.Used)
}

func (b *Budget) take(n int64) error {
	if b.used.Add(n) > b.limit {
		used := b.used.Add(-n)
		return &BudgetError{Need: n, Used: used, Limit: b.limit, All: b.all == b}
	}
	if b.all == nil || b.all == b {
		return nil
	}
	if err := b.all.take(n); err != nil {
		b.used.Add(-n)
		return err
	}
	return nil
}

func (b *Budget) give(n int64) {
	b.used.Add(-n)
	if b.all != nil && b.all != b {
		b.all.give(n)
	}
}

// Take charges for memory of the host that the guest causes to be allocated.
func (b *Budget) Take(n int64) error { return b.take(n) }

// Give gives back what was taken.
func (b *Budget) Give(n int64) { b.give(n) }

// linearMemory is a memory: a region of address space that it grows in, without
// moving, or where there is none a slice on the Go heap. What is charged is its
// size. An Instance owns it, and releases it when it is closed.
type linearMemory struct {
	budget  *Budget
	max     uint64
	region  *region // nil on the heap
	buf     []byte  // all of it, as it is now
	charged int64
	image   *image // what the region maps, copy on write; nil: nothing
}

// useRegions says whether memories get a region. Tests set it.
var useRegions = true

// newMemory makes a memory of pages, before wazero asks for it: wazero cannot take
// no for an answer. limit is the most bytes that it may have.
func newMemory(b *Budget, pages uint32, limit uint64, shared bool) (*linearMemory, error) {
	size := uint64(pages) * wasmPage
	limit = min(limit, max(size, uint64(b.limit)))
	if shared {
		size = limit // it cannot move
	}
	if err := b.take(int64(size)); err != nil {
		return nil, err
	}
	m := &linearMemory{budget: b, max: limit, charged: int64(size)}
	if useRegions && !shared {
		if r := reserve(limit); r != nil {
			if m.buf = r.grow(size); m.buf != nil {
				m.region = r
				return m, nil
			}
			r.release()
		}
	}
	m.buf = make([]byte, size)
	return m, nil
}

// memoryAllocator hands wazero a memory that there is.
type memoryAllocator struct{ m *linearMemory }

// Allocate is called by wazero once, for the memory that a module has.
func (a memoryAllocator) Allocate(_, _ uint64) experimental.LinearMemory { return a.m }

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
	switch {
	case m.region != nil:
		buf := m.region.grow(size)
		if buf == nil {
			m.budget.give(grow)
			m.charged -= grow
			return nil
		}
		m.buf = buf
	case size > uint64(cap(m.buf)):
		// A quarter more than was asked for, so that a guest that grows page by
		// page does not copy each time.
		next := make([]byte, size, min(size+size/4, m.max))
		copy(next, m.buf)
		m.buf = next
	default:
		m.buf = m.buf[:size]
	}
	return m.buf
}

// Free is called by wazero when an importer of the memory is closed, too, even
// with calls under way. It is not what releases the memory.
func (m *linearMemory) Free() {}

// release ends the memory.
func (m *linearMemory) release() {
	m.budget.give(m.charged)
	m.charged, m.buf = 0, nil
	if m.region != nil {
		m.region.release()
		m.region = nil
	}
}
