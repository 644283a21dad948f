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
	if f.watchers == nil {
		f.watchers = map[*func(Event)]struct{}{}
	}
	f.watchers[&one] = struct{}{}
	f.mu.Unlock()
	ready()
	<-ctx.Done()
	f.mu.Lock()
	delete(f.watchers, &one)
	f.mu.Unlock()
	return ctx.Err()
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
