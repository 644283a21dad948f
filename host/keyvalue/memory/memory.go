// Package memory keeps key-value stores in the memory of this process. They are
// gone when it ends.
//
// It may import host/keyvalue and nothing else of this module.
package memory

import (
	"bytes"
	"context"
	"sort"
	"strings"
	"sync"

	"github.com/godwit-runtime/godwit/host/keyvalue"
)

// DefaultMaxBytes is the default of Config.MaxBytes.
const DefaultMaxBytes = 64 << 20

// Config configures a Store. The zero value is good.
type Config struct {
	// MaxBytes bounds each bucket: what keys and values take, and what it takes
	// to hold them. 0 means DefaultMaxBytes.
	MaxBytes int64
}

// Store is a key-value store in memory.
type Store struct {
	max     int64
	mu      sync.Mutex
	closed  bool
	buckets map[[2]string]*bucket
}

// New returns an empty Store.
func New(c Config) *Store {
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	return &Store{max: c.MaxBytes, buckets: map[[2]string]*bucket{}}
}

// Bucket implements keyvalue.Store.
func (s *Store) Bucket(namespace, name string) (keyvalue.Bucket, error) {
	for _, n := range []string{namespace, name} {
		if err := keyvalue.CheckName(n); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, keyvalue.ErrClosed
	}
	id := [2]string{namespace, name}
	b := s.buckets[id]
	if b == nil {
		b = &bucket{max: s.max, entries: map[string]*entry{}}
		s.buckets[id] = b
	}
	return b, nil
}

// Close implements keyvalue.Store: the data is gone.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, b := range s.buckets {
		b.close()
	}
	s.buckets = nil
	return nil
}

// bucket implements keyvalue.Bucket and keyvalue.Watcher.
type bucket struct {
	keyvalue.Feed
	max int64

	mu      sync.RWMutex
	closed  bool
	entries map[string]*entry
	// order has the entries by serial, for listings: a cursor is the serial of
	// the last key of a page. Entries that were deleted stay in it until they are
	// half of it.
	order    []*entry
	dead     int // entries in order that were deleted
	serial   uint64
	revision uint64
	used     int64
}

type entry struct {
	key      string
	value    []byte // never changed in place
	serial   uint64 // of the key, from when it was made
	revision uint64 // of the value
	deleted  bool
}

// entrySize is about what an entry takes beside its key and value.
const entrySize = 160

// lock locks b for writing, unless ctx is done or b is closed.
func (b *bucket) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return keyvalue.ErrClosed
	}
	return nil
}

func (b *bucket) rlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.RLock()
	if b.closed {
		b.mu.RUnlock()
		return keyvalue.ErrClosed
	}
	return nil
}

func (b *bucket) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.entries, b.order = nil, nil
	b.Feed.Close()
}

// value is what key has. b is locked.
func (b *bucket) value(key string) keyvalue.Value {
	if e := b.entries[key]; e != nil {
		return keyvalue.Value{Found: true, Data: e.value}
	}
	return keyvalue.Value{}
}

// put sets key to value, which b keeps. b is locked for writing.
func (b *bucket) put(key string, value []byte) error {
	e := b.entries[key]
	grow := int64(len(value))
	if e != nil {
		grow -= int64(len(e.value))
	} else {
		grow += int64(len(key)) + entrySize
	}
	if grow > 0 && b.used+grow > b.max {
		return &keyvalue.LimitError{What: "bucket in memory", Unit: "bytes", Got: b.used + grow, Limit: b.max,
			Fix: "delete keys, raise its max-size, or keep it in a file"}
	}
	if e == nil {
		b.serial++
		e = &entry{key: strings.Clone(key), serial: b.serial}
		b.entries[e.key] = e
		b.order = append(b.order, e)
	}
	b.used += grow
	b.revision++
	e.value, e.revision = value, b.revision
	b.Publish(keyvalue.Event{Key: e.key, Value: value})
	return nil
}

// remove deletes key. b is locked for writing.
func (b *bucket) remove(key string) {
	e := b.entries[key]
	if e == nil {
		return
	}
	delete(b.entries, key)
	b.used -= int64(len(e.key)) + int64(len(e.value)) + entrySize
	b.Publish(keyvalue.Event{Key: e.key, Deleted: true})
	e.deleted, e.key, e.value = true, "", nil
	if b.dead++; b.dead > 64 && b.dead > len(b.order)/2 {
		b.compact()
	}
}

// compact takes deleted entries out of order, in a new array: readers have no
// part of it, since they hold the lock.
func (b *bucket) compact() {
	order := make([]*entry, 0, len(b.entries)+len(b.entries)/4)
	for _, e := range b.order {
		if !e.deleted {
			order = append(order, e)
		}
	}
	b.order, b.dead = order, 0
}

// Get implements keyvalue.Bucket.
func (b *bucket) Get(ctx context.Context, key string) (v keyvalue.Value, err error) {
	if err := b.rlock(ctx); err != nil {
		return v, err
	}
	defer b.mu.RUnlock()
	return b.value(key), nil
}

// Set implements keyvalue.Bucket.
func (b *bucket) Set(ctx context.Context, key string, value []byte) error {
	value = bytes.Clone(value)
	if err := b.lock(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	return b.put(key, value)
}

// Delete implements keyvalue.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := b.lock(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	b.remove(key)
	return nil
}

// Exists implements keyvalue.Bucket.
func (b *bucket) Exists(ctx context.Context, key string) (bool, error) {
	v, err := b.Get(ctx, key)
	return v.Found, err
}

// Keys implements keyvalue.Bucket.
func (b *bucket) Keys(ctx context.Context, cursor uint64, limit int) (p keyvalue.Page, err error) {
	if err := b.rlock(ctx); err != nil {
		return p, err
	}
	defer b.mu.RUnlock()
	i := sort.Search(len(b.order), func(i int) bool { return b.order[i].serial > cursor })
	for ; i < len(b.order); i++ {
		e := b.order[i]
		if e.deleted {
			continue
		}
		if len(p.Keys) == limit {
			p.Cursor = cursor
			break
		}
		p.Keys = append(p.Keys, e.key)
		cursor = e.serial
	}
	return p, nil
}

// GetMany implements keyvalue.Bucket.
func (b *bucket) GetMany(ctx context.Context, keys []string, limit int64) ([]keyvalue.Value, error) {
	if err := b.rlock(ctx); err != nil {
		return nil, err
	}
	defer b.mu.RUnlock()
	values := make([]keyvalue.Value, len(keys))
	total := int64(0)
	for i, k := range keys {
		values[i] = b.value(k)
		if total += int64(len(values[i].Data)); total > limit {
			return nil, keyvalue.BatchError(total, limit)
		}
	}
	return values, nil
}

// SetMany implements keyvalue.Bucket.
func (b *bucket) SetMany(ctx context.Context, pairs []keyvalue.Pair) error {
	if err := b.lock(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	for _, p := range pairs {
		if err := b.put(p.Key, bytes.Clone(p.Value)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteMany implements keyvalue.Bucket.
func (b *bucket) DeleteMany(ctx context.Context, keys []string) error {
	if err := b.lock(ctx); err != nil {
		return err
	}
	defer b.mu.Unlock()
	for _, k := range keys {
		b.remove(k)
	}
	return nil
}

// Increment implements keyvalue.Bucket.
func (b *bucket) Increment(ctx context.Context, key string, delta int64) (int64, error) {
	if err := b.lock(ctx); err != nil {
		return 0, err
	}
	defer b.mu.Unlock()
	n, err := keyvalue.Add(key, b.value(key), delta)
	if err != nil {
		return 0, err
	}
	return n, b.put(key, keyvalue.FormatNumber(n))
}

// Snapshot implements keyvalue.Bucket.
func (b *bucket) Snapshot(ctx context.Context, key string) (s keyvalue.Snapshot, err error) {
	if err := b.rlock(ctx); err != nil {
		return s, err
	}
	defer b.mu.RUnlock()
	if e := b.entries[key]; e != nil {
		s.Found, s.Data, s.Revision = true, e.value, e.revision
	}
	return s, nil
}

// Swap implements keyvalue.Bucket.
func (b *bucket) Swap(ctx context.Context, key string, old keyvalue.Snapshot, value []byte) (bool, error) {
	value = bytes.Clone(value)
	if err := b.lock(ctx); err != nil {
		return false, err
	}
	defer b.mu.Unlock()
	revision := uint64(0)
	if e := b.entries[key]; e != nil {
		revision = e.revision
	}
	if revision != old.Revision {
		return false, nil
	}
	err := b.put(key, value)
	return err == nil, err
}
