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
	// Host is what each instance is granted; its Stdout, Stderr and Log are
	// replaced by those below.
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

	mu        sync.Mutex
	live      int           // instances
	idle      chan struct{} // closed when live is 0 and somebody waits
	exchanges map[*exchange]struct{}
	ticks     *time.Timer // nil: no exchange is watched
}

// New returns a Handler.
func New(g Guest, c Config) *Handler {
	h := &Handler{guest: g, cfg: c, log: c.Log, exchanges: map[*exchange]struct{}{}}
	if h.log == nil {
		h.log = slog.Default()
	}
	if c.ClientTimeout == 0 {
		h.cfg.ClientTimeout = DefaultClientTimeout
	}
	if c.MaxConcurrent > 0 {
		h.slots = make(chan struct{}, c.MaxConcurrent)
	}
	h.cfg.Host.Log = h.log
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

// exchange is one request on its way through a Handler.
type exchange struct {
	h      *Handler
	id     string
	w      gohttp.ResponseWriter
	rc     *gohttp.ResponseController
	r      *gohttp.Request
	ctx    context.Context // ends early only by timeout, loss of the client or shutdown
	cancel context.CancelCauseFunc
	parts  atomic.Int32 // of the guest and the handler, those not over
	state  *host.State
	out    *http.Outparam
	ended  chan error // gets the outcome of the guest, once
	logged sync.Once
	cpu    atomic.Int64 // nanoseconds that the guest's code ran

	stopTimer func()
	stalls    stalls
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w gohttp.ResponseWriter, r *gohttp.Request) {
	x := &exchange{
		h: h, w: w, r: r,
		id:    strconv.FormatUint(h.lastID.Add(1)-1, 10),
		rc:    gohttp.NewResponseController(w),
		out:   http.NewOutparam(),
		ended: make(chan error, 1),
	}
	_ = x.rc.SetWriteDeadline(time.Time{}) // that of the connection's last request
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
	// The guest outlives the handler's context, which ends with the response.
	ctx := context.WithoutCancel(x.r.Context())
	x.stopTimer = func() {}
	if x.h.cfg.Timeout > 0 {
		ctx, x.stopTimer = context.WithTimeoutCause(ctx, x.h.cfg.Timeout, errTimeout)
	}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.parts.Store(2)
	defer x.over()
	clientGone := context.AfterFunc(x.r.Context(), func() { x.cancel(errClientGone) })
	defer clientGone()
	// Else HTTP/1 reads the whole request before the first byte of the response,
	// and an echo would stop. See endBody for what that asks of us.
	_ = x.rc.EnableFullDuplex()

	x.state = x.h.newState(x)
	request, err := x.state.HTTP.NewIncomingRequest(x.r, x.body(), x.interruptRead)
	x.h.enter(x)
	go x.runGuest(request, err)

	complete := x.answer()
	x.endBody()
	if !complete {
		x.cancel(errAnswered)
		panic(gohttp.ErrAbortHandler)
	}
}

// past is a deadline that ends reads and writes of a connection at once.
var past = time.Unix(1, 0)

// unblockWrites makes the end of x.ctx end a write to the client that blocks.
// done says whether it never did, and keeps it from touching the connection's
// next request.
func (x *exchange) unblockWrites() (done func() bool) {
	return context.AfterFunc(x.ctx, func() { _ = x.rc.SetWriteDeadline(past) })
}

// over ends one of the two parts of x; the last one releases its context.
func (x *exchange) over() {
	if x.parts.Add(-1) == 0 {
		x.h.forget(x)
		x.cancel(errAnswered)
		x.stopTimer()
	}
}

// newState is the host of x's instance.
func (h *Handler) newState(x *exchange) *host.State {
	c := h.cfg.Host
	c.Stdout, c.Stderr = h.stdout.open(x.id), h.stderr.open(x.id)
	c.Log = h.log.With(slog.String("request", x.id))
	return c.NewState(x.ctx)
}

// enter and leave count the instances.
func (h *Handler) enter(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live++
	h.exchanges[x] = struct{}{}
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
	delete(h.exchanges, x)
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
	for x := range h.exchanges {
		x.cancel(errShutdown)
	}
}
