package server

import (
	"sync/atomic"
	"time"
)

// DefaultClientTimeout is the default of Config.ClientTimeout.
const DefaultClientTimeout = time.Minute

// stalls counts the calls of an exchange that wait for its client: for the next
// bytes of the request, or to take the next of the response. Without a bound on
// them, a client that does either slowly enough holds an instance for as long as
// it likes.
//
// They only count. While exchanges are under way the handler looks at all of
// them at each of its ticks, and ends those in which one call has been under way
// since the last.
type stalls struct{ reading, writing waiting }

// waiting is a call that may wait for the client. Its count is odd while it is
// under way.
type waiting struct {
	count atomic.Uint32
	seen  uint32 // at the last tick; Handler.mu guards it
}

func (w *waiting) begin() { w.count.Add(1) }
func (w *waiting) end()   { w.count.Add(1) }

// stuck says whether the same call was under way at the last tick.
func (w *waiting) stuck() bool {
	n := w.count.Load()
	stuck := n&1 == 1 && n == w.seen
	w.seen = n
	return stuck
}

// watchClients sees to it that there are ticks. It is called with h.mu held.
func (h *Handler) watchClients() {
	if h.ticks == nil && h.cfg.ClientTimeout > 0 {
		h.ticks = time.AfterFunc(h.cfg.ClientTimeout, h.tick)
	}
}

// tick ends the exchanges whose clients stall: these have between one tick and two.
func (h *Handler) tick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for x := h.first; x != nil; x = x.next {
		reading, writing := x.stalls.reading.stuck(), x.stalls.writing.stuck()
		if reading || writing {
			x.cancel(errClientStalled)
		}
	}
	if h.first == nil {
		h.ticks = nil
		return
	}
	h.ticks.Reset(h.cfg.ClientTimeout)
}

// boundFlush bounds what net/http still does with the response once the handler
// has returned. The bound stays with the connection: see unbind.
func (x *exchange) boundFlush() {
	if after := x.h.cfg.ClientTimeout; after > 0 {
		_ = x.rc.SetWriteDeadline(time.Now().Add(after))
	}
}

// unbind removes the bound of the connection's last request. It is called before
// whatever writes to the connection: most exchanges have all of that in the flush,
// which has a bound of its own.
func (x *exchange) unbind() {
	x.unbound.Do(func() { _ = x.rc.SetWriteDeadline(time.Time{}) })
}

// stallReader counts the reads of a body.
type stallReader struct{ x *exchange }

func (r stallReader) Read(p []byte) (int, error) {
	r.x.unbind() // the first one may send "100 Continue"
	r.x.stalls.reading.begin()
	defer r.x.stalls.reading.end()
	return r.x.r.Body.Read(p)
}
