package keyvalue

import (
	"context"
	"sync"
)

// Feed passes changes on to those who watch a bucket in this process. A backend
// whose every write goes through this process watches with it. The zero Feed is
// ready for use.
type Feed struct {
	mu       sync.RWMutex
	watchers map[*func(Event)]struct{}
	closed   chan struct{} // nil before the first watch
	ended    bool
}

// Watch implements Watcher.
func (f *Feed) Watch(ctx context.Context, ready func(), event func(Event)) error {
	var mu sync.Mutex // one event at a time
	one := func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			event(e)
		}
	}
	f.mu.Lock()
	if f.ended {
		f.mu.Unlock()
		return ErrClosed
	}
	if f.watchers == nil {
		f.watchers, f.closed = map[*func(Event)]struct{}{}, make(chan struct{})
	}
	f.watchers[&one] = struct{}{}
	closed := f.closed
	f.mu.Unlock()
	ready()
	err := ErrClosed
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-closed:
	}
	f.mu.Lock()
	delete(f.watchers, &one)
	f.mu.Unlock()
	return err
}

// Close ends every watch, those to come as well.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed != nil && !f.ended {
		close(f.closed)
	}
	f.ended = true
}

// Watched says whether anybody watches, so that an event need be made.
func (f *Feed) Watched() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.watchers) > 0
}

// Publish passes e on. Calls for one key are made in the order of its changes.
func (f *Feed) Publish(e Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for w := range f.watchers {
		(*w)(e)
	}
}
