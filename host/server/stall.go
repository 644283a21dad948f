package server

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultClientTimeout is the default of Config.ClientTimeout.
const DefaultClientTimeout = time.Minute

// stalls ends an exchange whose client lets it wait: for the next bytes of the
// request, or to take the next of the response. Without it, a client that does
// either slowly enough holds an instance for as long as it likes.
//
// The calls that wait only count; a timer looks at each of its ticks whether one
// has been under way since the last, so that they cost next to nothing.
type stalls struct {
	once    sync.Once // of watch
	x       *exchange
	after   time.Duration
	timer   *time.Timer
	over    atomic.Bool
	reading waiting
	writing waiting
}

// waiting is a call that may wait for the client. Its count is odd while it is
// under way.
type waiting struct {
	count atomic.Uint32
	seen  uint32 // at the last tick; that of the timer alone
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

// watch starts to look, unless the configuration says never to. It is called
// before each call that may wait for the client: most exchanges have none. The
// timer is set once more than a tick ends, so that a client has between one and
// two of them.
func (s *stalls) watch(x *exchange) {
	s.once.Do(func() {
		_ = x.rc.SetWriteDeadline(time.Time{}) // that of the connection's last request
		if x.h.cfg.ClientTimeout < 0 {
			return
		}
		s.x, s.after = x, or(x.h.cfg.ClientTimeout, DefaultClientTimeout)
		s.timer = time.AfterFunc(math.MaxInt64, s.tick)
		s.timer.Reset(s.after) // now that tick sees it
	})
}

func (s *stalls) tick() {
	if s.over.Load() {
		return
	}
	if s.reading.stuck() || s.writing.stuck() {
		s.x.cancel(errClientStalled)
		return
	}
	s.timer.Reset(s.after)
}

// stop ends looking.
func (s *stalls) stop() {
	if s.timer != nil {
		s.over.Store(true)
		s.timer.Stop()
	}
}

// boundFlush bounds what net/http still does with the response once the handler
// has returned.
func (s *stalls) boundFlush(x *exchange) {
	if after := x.h.cfg.ClientTimeout; after >= 0 {
		_ = x.rc.SetWriteDeadline(time.Now().Add(or(after, DefaultClientTimeout)))
	}
}

// stallReader counts the reads of a body.
type stallReader struct{ x *exchange }

func (r stallReader) Read(p []byte) (int, error) {
	s := &r.x.stalls
	s.watch(r.x)
	s.reading.begin()
	defer s.reading.end()
	return r.x.r.Body.Read(p)
}
