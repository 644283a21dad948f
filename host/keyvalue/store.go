// Package keyvalue implements wasi:keyvalue: stores of keys and values, atomic
// operations, batches, and the watch on a store.
//
// A Store is a backend; the packages below this one implement it, and all of
// them pass the suite in storetest. A State is what one instance has of
// wasi:keyvalue. Two incompatible drafts are in use, 0.2.0-draft and
// 0.2.0-draft2: draft.go and draft2.go are their faces, and both go through the
// one body in state.go, which keeps the limits.
//
// It may import bindings, engine packages and host/io, and must not import
// package host, another subject or a backend.
package keyvalue

import (
	"context"
	"errors"
	"fmt"
)

// Store is a backend: memory, a file, a server. It is safe for concurrent use.
type Store interface {
	// Bucket returns the bucket called name in a namespace, which is that of one
	// application. Both are names as CheckName has them. The bucket need not
	// exist, and nothing is read or written yet. Two calls with the same names
	// return the same data.
	Bucket(namespace, name string) (Bucket, error)
	// Close ends the store. Operations under way end, with an error or without.
	Close() error
}

// Bucket is a set of keys with their values. It is safe for concurrent use, and
// whoever writes to it reads afterwards what was written: an operation that
// returned nil is seen by every later one, of any user of the store.
//
// An error is a *LimitError, a *NumberError or ErrCursor if the caller caused
// it; every other one is a failure of the store, after which an operation that
// writes may have had its effect or not.
//
// A value that an operation is given is read only until it returns. A value that
// it returns must not be changed.
type Bucket interface {
	Get(ctx context.Context, key string) (Value, error)
	Set(ctx context.Context, key string, value []byte) error
	// Delete is not an error if there is no such key.
	Delete(ctx context.Context, key string) error
	Exists(ctx context.Context, key string) (bool, error)

	// Keys returns about limit keys, in no particular order, from a cursor on: 0,
	// or that of the page before. A key that is there for all of a listing is
	// listed, at least once.
	Keys(ctx context.Context, cursor uint64, limit int) (Page, error)

	// GetMany has a Value for each of keys. It is a *LimitError if together they
	// have more than limit bytes.
	GetMany(ctx context.Context, keys []string, limit int64) ([]Value, error)
	// SetMany sets pairs in their order. If it fails, some may be set.
	SetMany(ctx context.Context, pairs []Pair) error
	// DeleteMany deletes keys. If it fails, some may be deleted.
	DeleteMany(ctx context.Context, keys []string) error

	// Increment adds delta to a number in decimal notation (see ParseNumber) and
	// returns the sum. A key that is not there counts as 0.
	Increment(ctx context.Context, key string, delta int64) (int64, error)

	// Snapshot returns what Swap compares with.
	Snapshot(ctx context.Context, key string) (Snapshot, error)
	// Swap sets key if it has not changed since old was taken, and says whether
	// it did. A value that changed and changed back may pass for unchanged.
	Swap(ctx context.Context, key string, old Snapshot, value []byte) (bool, error)
}

// Watcher is a Bucket that can be watched.
type Watcher interface {
	// Watch calls event for each change from now on, one at a time and for each
	// key in the order in which they happened, until ctx is done or the store is
	// lost for good. ready is called once changes are seen. Of several changes
	// of one key in short order only the last may be seen, and none of those made
	// while a connection is lost. event must not block for long: it may hold up
	// those who write. A bucket that cannot be watched after all has the error
	// ErrUnwatchable.
	Watch(ctx context.Context, ready func(), event func(Event)) error
}

// Value is what a key has.
type Value struct {
	Found bool // or else there is no such key
	Data  []byte
}

// Pair is a key and the value to set.
type Pair struct {
	Key   string
	Value []byte
}

// Page is a part of the keys of a bucket.
type Page struct {
	Keys []string
	// Cursor is where the next page begins; 0 means that this is the last one.
	Cursor uint64
}

// Snapshot is the state of a key at one moment.
type Snapshot struct {
	Value
	// Revision is the backend's own; 0 where it compares values.
	Revision uint64
}

// Event is a change of a key.
type Event struct {
	Key     string
	Deleted bool
	Value   []byte // of a key that was set; it must not be changed
}

// MaxName is the longest name of a namespace or a bucket, in bytes.
const MaxName = 64

// CheckName says what is wrong with the name of a namespace or a bucket. What a
// name may have is what every backend can put in the names of its own things:
// letters, digits, and . _ - except at the beginning.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("name %q has %d bytes; it has 1 to %d", name, len(name), MaxName)
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case (c == '.' || c == '_' || c == '-') && i > 0:
		default:
			return fmt.Errorf("name %q: %q may not be in it, or not at byte %d; it has letters, digits, and . _ - except at the beginning", name, c, i)
		}
	}
	return nil
}

// ErrCursor is the error of a listing from a cursor that no page gave.
var ErrCursor = errors.New("the cursor is not one that a listing of this store gave; list from the beginning")

// ErrUnwatchable is the error of a watch on a bucket whose store does not tell of
// changes.
var ErrUnwatchable = errors.New("the bucket cannot be watched")

// ErrClosed is the error of an operation on a store that is closed.
var ErrClosed = errors.New("the store is closed")
