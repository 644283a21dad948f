package server

import (
	"context"
	"errors"
	goio "io"
	"log/slog"
	gohttp "net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/http"
	"github.com/godwit-runtime/godwit/host/io"
)

// Guest is what answers requests: a linked component (see Component), or in
// tests a Go program that speaks the same interfaces.
type Guest interface {
	// Instantiate makes a fresh instance whose host is st.
	Instantiate(ctx context.Context, st *host.State) (Instance, error)
}

// Instance answers one request.
type Instance interface {
	Handle(ctx context.Context, request wasihttp.IncomingRequest, out wasihttp.ResponseOutparam) error
	Close(ctx context.Context) error
}

// Config configures a Handler. The zero value is good.
type Config struct {
	// Host is what each instance is granted; its Stdout and Stderr are replaced by
	// those below, and what it would report goes to Log.
	Host host.Config
	// Timeout bounds the whole of one request and its guest; 0 is no bound.
	Timeout time.Duration
	// ClientTimeout bounds how long a client may let the guest wait: for the next
	// bytes of a request that it sends, or to take the next of the response.
	// Waiting for the guest does not count. 0 means DefaultClientTimeout; below 0
	// there is no bound.
	ClientTimeout time.Duration
	// MaxConcurrent bounds the instances that live at once; 0 is no bound. A
	// request beyond it waits up to QueueWait and is then answered 503.
	MaxConcurrent int
	QueueWait     time.Duration
	// MaxBody bounds a request's body in bytes; 0 is no bound.
	MaxBody int64
	// Log gets one line for each request that fails; nil is slog.Default.
	Log *slog.Logger
	// Stdout and Stderr get the guest's output; nil discards it.
	Stdout, Stderr goio.Writer
	// Output is the form of the guest's output.
	Output OutputForm
}

// Handler answers each request with a fresh instance of a guest. It is safe for
// concurrent use.
type Handler struct {
	guest  Guest
	cfg    Config
	log    *slog.Logger
	slots  chan struct{} // nil: no bound
	lastID atomic.Uint64
	stdout *lineSink
	stderr *lineSink
	guests workers

	mu    sync.Mutex
	live  int           // instances
	idle  chan struct{} // closed when live is 0 and somebody waits
	first *exchange     // of those under way, a list
	ticks *time.Timer   // nil: no exchange is watched
}

// New returns a Handler.
func New(g Guest, c Config) *Handler {
	h := &Handler{guest: g, cfg: c, log: c.Log}
	h.guests.idle = make(chan *exchange)
	if h.log == nil {
		h.log = slog.Default()
	}
	if c.ClientTimeout == 0 {
		h.cfg.ClientTimeout = DefaultClientTimeout
	}
	if c.MaxConcurrent > 0 {
		h.slots = make(chan struct{}, c.MaxConcurrent)
	}
	h.stdout = newLineSink("stdout", c.Stdout, c.Output, h.log)
	h.stderr = newLineSink("stderr", c.Stderr, c.Output, h.log)
	return h
}

// Causes of the end of a guest's context.
var (
	errTimeout       = errors.New("the request took longer than the timeout; raise it with -W timeout=")
	errClientGone    = errors.New("the client went away")
	errClientStalled = errors.New("the client took longer than the client timeout to send its request or to take the response; raise it with --client-timeout")
	errShutdown      = errors.New("the server is shutting down")
	errAnswered      = errors.New("the request is over")
)

// exchange is one request on its way through a Handler. It is made anew for each:
// what is used again for others (Waiter, stream buffers) holds nothing of one.
type exchange struct {
	h       *Handler
	next    *exchange // of h's, with h.mu held
	prev    *exchange
	id      uint64
	w       gohttp.ResponseWriter
	rc      gohttp.ResponseController
	r       *gohttp.Request
	base    context.Context // of the values of r's, without its end
	ctx     context.Context // ends early only by timeout, loss of the client or shutdown
	cancel  context.CancelCauseFunc
	parts   atomic.Int32 // of the guest and the handler, those not over
	state   *host.State
	request *http.IncomingRequest
	news    *io.Waiter // wakes the handler: the guest has something for it
	logged  sync.Once
	cpu     atomic.Int64 // nanoseconds that the guest's code ran

	stdout, stderr lineWriter
	stopTimer      func()
	stalls         stalls
	stopUnblocking func() bool // see unblockWrites; nil before
	unbound        sync.Once

	mu      sync.Mutex
	ended   bool  // the guest
	outcome error // how; valid once ended
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w gohttp.ResponseWriter, r *gohttp.Request) {
	x := &exchange{h: h, w: w, rc: *gohttp.NewResponseController(w), r: r, id: h.lastID.Add(1) - 1}
	defer x.boundFlush()
	if h.cfg.MaxBody > 0 && r.ContentLength > h.cfg.MaxBody {
		x.refuse(gohttp.StatusRequestEntityTooLarge, "the request's body is longer than the limit; raise it with --max-body")
		return
	}
	if !h.acquire(r.Context()) {
		if r.Context().Err() == nil {
			w.Header().Set("Retry-After", "1")
			x.refuse(gohttp.StatusServiceUnavailable, "too many requests at once; raise the limit with --max-concurrent-requests")
		}
		return
	}
	x.serve()
}

// acquire takes a slot for an instance.
func (h *Handler) acquire(ctx context.Context) bool {
	if h.slots == nil {
		return true
	}
	select {
	case h.slots <- struct{}{}:
		return true
	default:
	}
	if h.cfg.QueueWait <= 0 {
		return false
	}
	t := time.NewTimer(h.cfg.QueueWait)
	defer t.Stop()
	select {
	case h.slots <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (h *Handler) release() {
	if h.slots != nil {
		<-h.slots
	}
}

// serve runs the guest on a goroutine of its own and sends what it answers.
// The guest may go on after the answer is complete, until the timeout.
func (x *exchange) serve() {
	// The guest outlives the handler's context, which ends with the response. That
	// one is watched where the handler waits: see wait.
	x.base = context.WithoutCancel(x.r.Context())
	ctx := x.base
	if x.h.cfg.Timeout > 0 {
		ctx, x.stopTimer = context.WithTimeoutCause(ctx, x.h.cfg.Timeout, errTimeout)
	}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.parts.Store(2)
	x.news = io.NewWaiter()
	defer x.over()
	x.state = x.newState()
	x.request = x.newRequest()
	x.h.enter(x)
	x.h.guests.run(x)

	complete := x.answer()
	x.endBody()
	if !complete {
		x.cancel(errAnswered)
		panic(gohttp.ErrAbortHandler)
	}
}

// newRequest is what the guest gets of the request.
func (x *exchange) newRequest() *http.IncomingRequest {
	if x.r.Body == nil || x.r.Body == gohttp.NoBody {
		return x.state.HTTP.NewIncomingRequest(x.r, nil, nil)
	}
	// Else HTTP/1 reads the whole request before the first byte of the response,
	// and an echo would stop. See endBody for what that asks of us.
	_ = x.rc.EnableFullDuplex()
	return x.state.HTTP.NewIncomingRequest(x.r, x.body(), x.interruptRead)
}

// wait blocks until there may be news of the guest. The error is why the guest
// is to end, or has been ended.
func (x *exchange) wait() error {
	select {
	case <-x.news.Woken():
		return nil
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	case <-x.r.Context().Done():
		x.cancel(errClientGone)
		return context.Cause(x.ctx)
	}
}

// past is a deadline that ends reads and writes of a connection at once.
var past = time.Unix(1, 0)

// unblockWrites makes the end of x.ctx end a write to the client that blocks. It
// is called before each that may.
func (x *exchange) unblockWrites() {
	if x.stopUnblocking == nil {
		x.unbind()
		x.stopUnblocking = context.AfterFunc(x.ctx, func() { _ = x.rc.SetWriteDeadline(past) })
	}
}

// unblocked says whether a write was ended in that way. It is called after the
// last that may, and keeps the end of x.ctx from touching the connection's next
// request.
func (x *exchange) unblocked() bool {
	stop := x.stopUnblocking
	x.stopUnblocking = nil
	return stop != nil && !stop()
}

// over ends one of the two parts of x; the last one releases what it uses.
func (x *exchange) over() {
	if x.parts.Add(-1) == 0 {
		x.h.forget(x)
		x.cancel(errAnswered)
		if x.stopTimer != nil {
			x.stopTimer()
		}
		x.news.Recycle()
	}
}

// end records how the guest has ended.
func (x *exchange) end(err error) {
	x.mu.Lock()
	x.ended, x.outcome = true, err
	x.mu.Unlock()
	x.news.Wake()
}

// guestEnded says whether the guest has ended, and how.
func (x *exchange) guestEnded() (ended bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended, x.outcome
}

// newState is the host of x's instance.
func (x *exchange) newState() *host.State {
	c := x.h.cfg.Host
	c.Stdout, c.Stderr = x.h.stdout.open(&x.stdout, x.id), x.h.stderr.open(&x.stderr, x.id)
	c.Report = x.report
	c.Answer = x.news
	return c.NewState(x.ctx)
}

// report tells the operator of what the guest was denied.
func (x *exchange) report(err error) {
	x.h.log.LogAttrs(x.base, slog.LevelWarn, err.Error(), slog.String("request", x.name()))
}

// name is x in the operator's log.
func (x *exchange) name() string { return strconv.FormatUint(x.id, 10) }

// enter and leave count the instances.
func (h *Handler) enter(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live++
	if x.next = h.first; x.next != nil {
		x.next.prev = x
	}
	h.first = x
	h.watchClients()
}

func (h *Handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live--; h.live == 0 && h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
}

// forget is for an exchange that is over.
func (h *Handler) forget(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x.next != nil {
		x.next.prev = x.prev
	}
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		h.first = x.next
	}
}

// Wait blocks until no instance lives, or ctx is done.
func (h *Handler) Wait(ctx context.Context) error {
	h.mu.Lock()
	if h.live == 0 {
		h.mu.Unlock()
		return nil
	}
	if h.idle == nil {
		h.idle = make(chan struct{})
	}
	idle := h.idle
	h.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Cancel ends every guest.
func (h *Handler) Cancel() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for x := h.first; x != nil; x = x.next {
		x.cancel(errShutdown)
	}
}
