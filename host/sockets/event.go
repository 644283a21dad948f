package sockets

import (
	"sync"

	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

// readiness is the Event of a socket that becomes readable or writable. While
// somebody watches it and it is not ready, one goroutine waits for the system.
type readiness struct {
	socket *socket
	// pending is what there is to wait for; false is nothing: it is ready.
	pending func() (ossocket.Direction, bool)

	signal io.Signal

	mu      sync.Mutex
	watched int
	waiting bool
}

// Ready implements io.Event.
func (r *readiness) Ready() bool {
	d, pending := r.pending()
	if !pending || r.socket.Ready(d) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait(d) // what had been waited for may have been taken meanwhile
	return false
}

// wait sees to it that there is a goroutine that waits. It is called with r.mu held.
func (r *readiness) wait(d ossocket.Direction) {
	if r.watched == 0 || r.waiting {
		return
	}
	r.waiting = true
	go func() {
		_ = r.socket.Wait(d) // an error is the socket's end, which Ready sees too
		r.mu.Lock()
		r.waiting = false
		r.mu.Unlock()
		r.signal.Notify()
	}()
}

// Watch implements io.Event.
func (r *readiness) Watch(w *io.Waiter) {
	r.signal.Watch(w)
	d, pending := r.pending()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched++
	if pending {
		r.wait(d)
	}
}

// Unwatch implements io.Event.
func (r *readiness) Unwatch(w *io.Waiter) {
	r.signal.Unwatch(w)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched--
}
