package server

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/keyvalue"
)

// Watcher passes changes of key-value stores on to a component that exports
// wasi:keyvalue/watcher, each to an instance of its own.
type Watcher struct {
	linked   *engine.Linked
	export   *keyvalue.WatcherExport
	instance engine.InstanceConfig
}

// NewWatcher finds the export. Instances are made with c, except for its Host. The Watcher is nil if linked has none.
func NewWatcher(linked *engine.Linked, c engine.InstanceConfig) (*Watcher, error) {
	export, err := keyvalue.FindWatcher(linked)
	if err != nil || export == nil {
		return nil, err
	}
	return &Watcher{linked: linked, export: export, instance: c}, nil
}

// Run watches every store that c grants, until ctx is done. Changes of one store
// are passed on one after the other. A guest that is slower than they come gets
// those that a queue has room for; the operator's log says how many it did not
// get. Each instance may take c.Timeout.
func (w *Watcher) Run(ctx context.Context, c Config) {
	log := c.Log
	if log == nil {
		log = slog.Default()
	}
	r := &watching{
		Watcher: w, cfg: c, log: log,
		stdout: newLineSink("stdout", c.Stdout, c.Output, log),
		stderr: newLineSink("stderr", c.Stderr, c.Output, log),
	}
	var wg sync.WaitGroup
	for name, b := range c.Host.KeyValue.Buckets {
		if b == nil {
			continue
		}
		q := &eventQueue{bucket: b, log: log.With(slog.String("store", name)), filled: make(chan struct{}, 1)}
		wg.Go(func() { r.watch(ctx, q) })
		wg.Go(func() { r.notify(ctx, q) })
	}
	wg.Wait()
}

// watching is one Run.
type watching struct {
	*Watcher
	cfg            Config
	log            *slog.Logger
	stdout, stderr *lineSink
	lastID         atomic.Uint64
}

// The limits on what waits for the guest, for each store.
const (
	maxEvents     = 1000
	maxEventBytes = 8 << 20
)

// eventQueue holds the changes of one store that the guest has not been told.
type eventQueue struct {
	bucket keyvalue.Bucket
	log    *slog.Logger
	filled chan struct{} // has one when there may be events

	mu     sync.Mutex
	events []keyvalue.Event
	bytes  int
	lost   int
}

func size(e keyvalue.Event) int { return len(e.Key) + len(e.Value) }

// add is called by the store; it never waits.
func (q *eventQueue) add(e keyvalue.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) >= maxEvents || q.bytes+size(e) > maxEventBytes {
		q.lost++
		return
	}
	q.events = append(q.events, e)
	q.bytes += size(e)
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// take returns the next event, if there is one.
func (q *eventQueue) take() (e keyvalue.Event, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lost > 0 {
		q.log.Warn("the guest is slower than the store changes; it was not told of some changes", slog.Int("changes", q.lost))
		q.lost = 0
	}
	if len(q.events) == 0 {
		return e, false
	}
	e = q.events[0]
	q.events = q.events[1:]
	if len(q.events) == 0 {
		q.events = nil // gives back the array
	}
	q.bytes -= size(e)
	return e, true
}

// watch fills q until ctx is done, beginning again when the store is lost.
func (r *watching) watch(ctx context.Context, q *eventQueue) {
	watcher, ok := q.bucket.(keyvalue.Watcher)
	if !ok {
		q.log.Error("the store cannot be watched; the guest is not told of changes")
		return
	}
	const least, most = 100 * time.Millisecond, 30 * time.Second
	for wait := least; ; wait = min(2*wait, most) {
		err := watcher.Watch(ctx, func() { wait = least }, q.add)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, keyvalue.ErrUnwatchable), errors.Is(err, keyvalue.ErrClosed):
			q.log.Error("the store cannot be watched; the guest is not told of changes", slog.Any("error", err))
			return
		}
		q.log.Warn("the watch on the store was lost; it begins again", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// notify tells the guest of what is in q until ctx is done.
func (r *watching) notify(ctx context.Context, q *eventQueue) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.filled:
		}
		for ctx.Err() == nil {
			e, ok := q.take()
			if !ok {
				break
			}
			r.tell(ctx, q, e)
		}
	}
}

// tell tells a fresh instance of e, and the operator of its failure.
func (r *watching) tell(ctx context.Context, q *eventQueue, e keyvalue.Event) {
	id := r.lastID.Add(1) - 1
	if r.cfg.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, r.cfg.Timeout, errTimeout)
		defer stop()
	}
	err := r.call(ctx, id, q.bucket, e)
	if err == nil {
		return
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the guest's trap is only its consequence
	}
	l := lineOf(err)
	q.log.LogAttrs(context.Background(), l.level, "the guest failed at a change of the store", append([]slog.Attr{
		slog.String("request", requestOf(id)),
		slog.String("key", clip(e.Key, 256)),
		slog.String("error", l.err),
	}, l.more...)...)
}

// notification is what stands before the number of one in output and log.
const notification = "watch-"

func requestOf(id uint64) string { return notification + strconv.FormatUint(id, 10) }

func (r *watching) call(ctx context.Context, id uint64, b keyvalue.Bucket, e keyvalue.Event) (err error) {
	c := r.cfg.Host
	stdout, stderr := lineWriter{what: notification}, lineWriter{what: notification}
	c.Stdout, c.Stderr = r.stdout.open(&stdout, id), r.stderr.open(&stderr, id)
	c.Log = r.log.With(slog.String("request", requestOf(id)))
	st := c.NewState(ctx)
	defer func() {
		st.Close()
		stdout.flush()
		stderr.flush()
	}()
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	limits := r.instance
	limits.Host = st
	inst, err := r.linked.Instantiate(ctx, limits)
	if err != nil {
		return err
	}
	// The guest's context may be done; closing must not depend on it.
	defer inst.Close(context.WithoutCancel(ctx))
	return r.export.Notify(ctx, inst, st.KeyValue(), b, e)
}
