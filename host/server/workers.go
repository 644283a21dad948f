package server

import (
	"sync/atomic"
	"time"
)

// workers runs guests on goroutines that have run others before: a guest needs
// more stack than a goroutine begins with, and growing it takes longer than all
// else that is done for a short request. Nothing of a request is kept in one.
type workers struct {
	idle  chan *exchange // what an idle goroutine receives is its next
	count atomic.Int32   // of idle goroutines
}

const (
	// maxIdleWorkers is how many goroutines wait for another guest.
	maxIdleWorkers = 64
	// workerIdleTime is how long each does.
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
	timeout := time.NewTimer(workerIdleTime)
	defer timeout.Stop()
	for {
		x.runGuest()
		x = nil // what it holds is garbage while this goroutine waits
		if w.count.Add(1) > maxIdleWorkers {
			w.count.Add(-1)
			return
		}
		timeout.Reset(workerIdleTime)
		select {
		case x = <-w.idle:
		case <-timeout.C:
		}
		w.count.Add(-1)
		if x == nil {
			return
		}
	}
}
