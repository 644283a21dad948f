package canon

import (
	"context"
	"sync"
	"time"
)

// life is the context of the threads of a store: they outlive the call that they
// began in. It ends with the context of a call that is under way, or when the
// store is closed; deadline and values are those of the call under way.
type life struct {
	done chan struct{}

	mu   sync.Mutex
	call context.Context // under way; nil: none
	err  error
}

func newLife() *life { return &life{done: make(chan struct{})} }

// enter begins a call from the host. leave ends it, and reports whether the life
// goes on.
func (l *life) enter(ctx context.Context) (leave func() bool) {
	l.mu.Lock()
	l.call = ctx
	l.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { l.end(ctx.Err()) })
	return func() bool {
		alive := stop()
		l.mu.Lock()
		l.call = nil
		l.mu.Unlock()
		return alive
	}
}

func (l *life) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		close(l.done)
	}
}

func (l *life) current() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.call
}

// Done implements context.Context.
func (l *life) Done() <-chan struct{} { return l.done }

// Err implements context.Context.
func (l *life) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Deadline implements context.Context.
func (l *life) Deadline() (time.Time, bool) {
	if c := l.current(); c != nil {
		return c.Deadline()
	}
	return time.Time{}, false
}

// Value implements context.Context.
func (l *life) Value(key any) any {
	if c := l.current(); c != nil {
		return c.Value(key)
	}
	return nil
}
