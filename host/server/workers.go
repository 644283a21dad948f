package server

import (
	"sync/atomic"
	"time"
)

// workers runs guests on goroutines that have run others before: a guest needs
// more stack than a goroutine begins with, and growing it takes longer than all
// else that is done for a short request. Nothing of a request is kept in one.
type workers struct {
	idle    chan *exchange // what an idle goroutine receives is its next, or nil to end
	count   atomic.Int32   // of idle goroutines
	least   atomic.Int32   // about the least of them since the last tick
	ticking atomic.Bool
}

const (
	// maxIdleWorkers is how many goroutines wait for another guest.
	maxIdleWorkers = 64
	// workerIdleTime is how often those that were not needed since the last time end.
	workerIdleTime = time.Second
)

// run runs x's guest, and does not wait for it.
func (w *workers) run(x *exchange) {
	select {
	case w.idle <- x:
	default:
		go w.work(x)
	}
}

func (w *workers) work(x *exchange) {
	for {
		x.runGuest()
		x = nil // what it holds is garbage while this goroutine waits
		if w.count.Add(1) > maxIdleWorkers {
			w.count.Add(-1)
			return
		}
		w.startTicking()
		x = <-w.idle
		if n := w.count.Add(-1); n < w.least.Load() {
			w.least.Store(n)
		}
		if x == nil {
			return
		}
	}
}

// startTicking sees to it that idle goroutines end. No timer of their own does
// that: it would be set and stopped for each guest.
func (w *workers) startTicking() {
	if !w.ticking.Load() && w.ticking.CompareAndSwap(false, true) {
		time.AfterFunc(workerIdleTime, w.tick)
	}
}

func (w *workers) tick() {
	for range w.least.Swap(w.count.Load()) {
		select {
		case w.idle <- nil:
		default:
		}
	}
	w.ticking.Store(false)
	if w.count.Load() > 0 {
		w.startTicking()
	}
}
