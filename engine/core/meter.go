package core

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Meter measures how long the core code of one component instance runs, with the
// host functions that it calls if they are prompt, and without the others. Compiled
// code is not preempted, so this is the CPU time that it takes, but for what the
// operating system gives to others.
type Meter struct {
	limit time.Duration // 0: none
	since atomic.Int64  // when the code that runs now began; 0 while none does
	used  atomic.Int64  // by what ran before
}

// NewMeter makes a Meter that ends code that runs longer than limit in all; 0 is
// no limit.
func NewMeter(limit time.Duration) *Meter { return &Meter{limit: limit} }

// CPUTime is how long core code has run.
func (m *Meter) CPUTime() time.Duration {
	used := time.Duration(m.used.Load())
	if since := m.since.Load(); since != 0 {
		used += time.Duration(clock() - since)
	}
	return used
}

// Reset forgets what was used.
func (m *Meter) Reset() {
	m.since.Store(0)
	m.used.Store(0)
}

var epoch = time.Now()

// clock is monotonic time in nanoseconds, and never 0.
func clock() int64 { return int64(time.Since(epoch)) | 1 }

// enter and leave are where core code begins and ends to run; one goroutine
// calls them. enter is false when some runs already: a prompt host function calls
// back into the guest.
func (m *Meter) enter() bool {
	if m.since.Load() != 0 {
		return false
	}
	m.since.Store(clock())
	return true
}

func (m *Meter) leave() {
	if since := m.since.Load(); since != 0 {
		m.since.Store(0)
		m.used.Store(m.used.Load() + clock() - since)
	}
}

// CPUTimeError is why a guest that used more CPU time than it may was ended.
type CPUTimeError struct{ Limit time.Duration }

func (e *CPUTimeError) Error() string {
	return fmt.Sprintf("the guest's code ran longer than its limit of %v; raise the limit", e.Limit)
}

func (m *Meter) check() error {
	if m.limit > 0 && m.CPUTime() > m.limit {
		return &CPUTimeError{Limit: m.limit}
	}
	return nil
}
