package io

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Event is something that a guest can wait for: readable bytes, room to write,
// an instant, a response.
type Event interface {
	// Ready says whether waiting would end at once. It never blocks.
	Ready() bool
	// Watch makes the event wake w each time that Ready may have become true,
	// until as many calls of Unwatch.
	Watch(w *Waiter)
	Unwatch(w *Waiter)
}

// Waiter is a goroutine that waits for events. A wake may be spurious: the one
// who waits looks at Ready again.
type Waiter struct {
	woken chan struct{}
	turn  atomic.Uint64 // changes when a wake to come counts no more
}

var waiters = sync.Pool{New: func() any { return &Waiter{woken: make(chan struct{}, 1)} }}

// NewWaiter returns a Waiter, for one goroutine that waits in its own way. Once
// it does so no more, it may Recycle it.
func NewWaiter() *Waiter {
	w := waiters.Get().(*Waiter)
	select {
	case <-w.woken: // for the last user
	default:
	}
	return w
}

// Recycle lets w be used again. A wake that is still to come, from those who know
// it, is a spurious one for whom it serves next.
func (w *Waiter) Recycle() {
	w.turn.Add(1)
	waiters.Put(w)
}

// Woken receives a value after a Wake.
func (w *Waiter) Woken() <-chan struct{} { return w.woken }

// Wake ends the wait under way, or the next one.
func (w *Waiter) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// WakeAfter wakes once d has passed. Of several calls the last counts.
func (w *Waiter) WakeAfter(d time.Duration) {
	late.add(lateWake{w, w.turn.Add(1), time.Now().Add(d)})
}

// lateWakes are the wakes to come, of all Waiters. Most count no more when their
// time comes, and to set and stop a timer for each takes longer than what it is for.
type lateWakes struct {
	mu    sync.Mutex
	wakes []lateWake
	timer *time.Timer
	next  time.Time // when it fires; zero while it does not
}

type lateWake struct {
	w    *Waiter
	turn uint64
	at   time.Time
}

var late lateWakes

func (l *lateWakes) add(wake lateWake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes = append(l.wakes, wake)
	l.fireAt(wake.at)
}

// fireAt sees to it that the timer fires at a time, or earlier.
func (l *lateWakes) fireAt(at time.Time) {
	switch {
	case !l.next.IsZero() && !at.Before(l.next):
		return
	case l.timer == nil:
		l.timer = time.AfterFunc(time.Until(at), l.fire)
	default:
		l.timer.Reset(time.Until(at))
	}
	l.next = at
}

// fire wakes those whose time has come, and forgets those that do not count.
func (l *lateWakes) fire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.next = time.Time{}
	wakes := l.wakes
	l.wakes = wakes[:0]
	for _, wake := range wakes {
		switch {
		case wake.turn != wake.w.turn.Load():
		case wake.at.After(now):
			l.wakes = append(l.wakes, wake)
			l.fireAt(wake.at)
		default:
			wake.w.Wake()
		}
	}
	clear(wakes[len(l.wakes):])
}

// Signal is the set of those who wait for one state. The owner of the state
// changes it, unlocks, and then notifies.
type Signal struct {
	mu      sync.Mutex
	waiters map[*Waiter]int // how often each watches
}

// Watch adds w.
func (s *Signal) Watch(w *Waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiters == nil {
		s.waiters = map[*Waiter]int{}
	}
	s.waiters[w]++
}

// Unwatch removes w, and says whether nobody watches any more.
func (s *Signal) Unwatch(w *Waiter) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiters[w]--; s.waiters[w] <= 0 {
		delete(s.waiters, w)
	}
	return len(s.waiters) == 0
}

// Notify wakes everyone who watches.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.waiters {
		w.Wake()
	}
}

// Wait blocks until e is ready; it returns ctx.Err() when ctx is done before.
func Wait(ctx context.Context, e Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.Ready() {
		return nil
	}
	w := waiters.Get().(*Waiter)
	e.Watch(w)
	defer func() {
		e.Unwatch(w)
		waiters.Put(w)
	}()
	for !e.Ready() {
		select {
		case <-w.woken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Latch is an Event that becomes ready once and stays so.
type Latch struct {
	signal Signal
	mu     sync.Mutex
	set    bool
}

// Set makes the latch ready.
func (l *Latch) Set() {
	l.mu.Lock()
	l.set = true
	l.mu.Unlock()
	l.signal.Notify()
}

// Ready implements Event.
func (l *Latch) Ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set
}

// Watch implements Event.
func (l *Latch) Watch(w *Waiter) { l.signal.Watch(w) }

// Unwatch implements Event.
func (l *Latch) Unwatch(w *Waiter) { l.signal.Unwatch(w) }

// Always is an Event that is ready.
type Always struct{}

// Ready implements Event.
func (Always) Ready() bool { return true }

// Watch implements Event.
func (Always) Watch(*Waiter) {}

// Unwatch implements Event.
func (Always) Unwatch(*Waiter) {}
