// Package bolt keeps key-value stores in one file, through bbolt. It needs no
// server, and one process has the file open at a time.
//
// What was acknowledged is on the disk: it is there after a crash of the process
// or the machine. Writers that come at the same time share a commit (commit.go).
//
// A bucket is two buckets of bbolt. "k", a NUL, the namespace, a NUL and the name
// make the first one's; in it, 0 and the key lead to the key's serial number in 8
// bytes and the value. The second one's begins with "s" instead of "k"; in it, the
// serial number leads to the key. It makes the cursor of a listing a number that
// stays good whatever is deleted in between.
//
// It may import host/keyvalue and bbolt, and nothing else of this module.
package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"go.etcd.io/bbolt"
)

// The default of Config.MaxSize, and the least that it may be.
const (
	DefaultMaxSize = 1 << 30
	MinMaxSize     = 8 << 20
)

// Config configures a Store.
type Config struct {
	// Path is the file. It is made, readable by its owner alone, if it is not
	// there; its directory must be.
	Path string
	// MaxSize bounds the file, in bytes; 0 means DefaultMaxSize. A part of it is
	// kept free, so that a full store can still delete.
	MaxSize int64
}

// Store is a key-value store in a file.
type Store struct {
	db      *bbolt.DB
	cfg     Config
	queue   chan *write
	closing chan struct{}
	done    chan struct{} // closed when the committer has ended
	once    sync.Once
	failed  error // once set, every write ends with it; of the committer alone

	mu      sync.Mutex
	buckets map[string]*bucket // by name of the first bbolt bucket
}

// The bucket that says what the file is, its one key, and the value that this
// package writes and reads.
var (
	metaBucket = []byte("godwit")
	formatKey  = []byte("format")
	format     = []byte("keyvalue 1")
)

// Open opens the store in a file. The error says so if another process has it open.
func Open(c Config) (*Store, error) {
	if c.MaxSize <= 0 {
		c.MaxSize = DefaultMaxSize
	}
	if c.MaxSize < MinMaxSize {
		return nil, fmt.Errorf("%s: a maximum size of %d bytes is too small; it is at least %d", c.Path, c.MaxSize, MinMaxSize)
	}
	db, err := bbolt.Open(c.Path, 0o600, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: bbolt.FreelistMapType,
		// The list of free pages is worked out when the file is opened, instead of
		// being written with each commit.
		NoFreelistSync: true,
		MaxSize:        int(min(c.MaxSize, maxInt)),
	})
	if err == nil {
		if err = check(db); err != nil {
			_ = db.Close()
		}
	}
	switch {
	case errors.Is(err, bbolt.ErrTimeout):
		return nil, fmt.Errorf("%s: another process has it open; a file serves one process at a time", c.Path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w; make its directory first", err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	db.AllocSize = growth
	s := &Store{
		db:      db,
		cfg:     c,
		queue:   make(chan *write, maxBatch),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		buckets: map[string]*bucket{},
	}
	go s.commits()
	return s, nil
}

// growth is by how much the file grows at a time.
const growth = 1 << 20

const maxInt = int64(^uint(0) >> 1)

// check makes sure that the file is of this package.
func check(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		if m := tx.Bucket(metaBucket); m != nil {
			if f := m.Get(formatKey); !bytes.Equal(f, format) {
				return fmt.Errorf("it has the format %q, and this version of godwit reads %q", f, format)
			}
			return nil
		}
		if k, _ := tx.Cursor().First(); k != nil {
			return errors.New("it is a bbolt file of another program")
		}
		m, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return m.Put(formatKey, format)
	})
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
	id := namespace + "\x00" + name
	b := s.buckets[id]
	if b == nil { // one for each, so that a watch sees what every user writes
		b = &bucket{store: s, values: []byte("k\x00" + id), serials: []byte("s\x00" + id)}
		s.buckets[id] = b
	}
	return b, nil
}

// Close implements keyvalue.Store. Writes under way are finished first.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.done
	s.mu.Lock()
	for _, b := range s.buckets {
		b.Feed.Close()
	}
	s.mu.Unlock()
	return s.db.Close()
}

// bucket implements keyvalue.Bucket and keyvalue.Watcher.
type bucket struct {
	keyvalue.Feed
	store           *Store
	values, serials []byte // names of the bbolt buckets
}

// view runs f on the values, in a transaction that only reads. It is nil if the
// bucket has never been written to.
func (b *bucket) view(ctx context.Context, f func(tx *bbolt.Tx, values *bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := b.store.db.View(func(tx *bbolt.Tx) error {
		if values := tx.Bucket(b.values); values != nil {
			return f(tx, values)
		}
		return nil
	})
	if errors.Is(err, bbolt.ErrDatabaseNotOpen) {
		return keyvalue.ErrClosed
	}
	return err
}

// recordKey is key as bbolt has it, which takes no empty keys.
func recordKey(key string) []byte {
	k := make([]byte, 1+len(key))
	copy(k[1:], key)
	return k
}

// maxKey is the longest key that bbolt takes, without the byte before it.
const maxKey = bbolt.MaxKeySize - 1

const serialSize = 8

// entrySize is about what a key takes in the file beside its own bytes, twice,
// and its value.
const entrySize = 100

// record is what values has for key; it is valid only in the transaction.
func record(values *bbolt.Bucket, key []byte) (serial []byte, v keyvalue.Value, err error) {
	r := values.Get(key)
	if r == nil {
		return nil, v, nil
	}
	if len(r) < serialSize {
		return nil, v, fmt.Errorf("key %.100q has a record of %d bytes, less than its serial number takes", key[1:], len(r))
	}
	return r[:serialSize], keyvalue.Value{Found: true, Data: r[serialSize:]}, nil
}

// Get implements keyvalue.Bucket.
func (b *bucket) Get(ctx context.Context, key string) (v keyvalue.Value, err error) {
	err = b.view(ctx, func(_ *bbolt.Tx, values *bbolt.Bucket) (err error) {
		_, v, err = record(values, recordKey(key))
		v.Data = bytes.Clone(v.Data)
		return err
	})
	return v, err
}

// Exists implements keyvalue.Bucket.
func (b *bucket) Exists(ctx context.Context, key string) (found bool, err error) {
	err = b.view(ctx, func(_ *bbolt.Tx, values *bbolt.Bucket) error {
		_, v, err := record(values, recordKey(key))
		found = v.Found
		return err
	})
	return found, err
}

// GetMany implements keyvalue.Bucket.
func (b *bucket) GetMany(ctx context.Context, keys []string, limit int64) ([]keyvalue.Value, error) {
	out := make([]keyvalue.Value, len(keys))
	total := int64(0)
	err := b.view(ctx, func(_ *bbolt.Tx, values *bbolt.Bucket) error {
		for i, k := range keys {
			_, v, err := record(values, recordKey(k))
			if err != nil {
				return err
			}
			if total += int64(len(v.Data)); total > limit {
				return keyvalue.BatchError(total, limit)
			}
			v.Data = bytes.Clone(v.Data)
			out[i] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Keys implements keyvalue.Bucket.
func (b *bucket) Keys(ctx context.Context, cursor uint64, limit int) (p keyvalue.Page, err error) {
	err = b.view(ctx, func(tx *bbolt.Tx, _ *bbolt.Bucket) error {
		serials := tx.Bucket(b.serials)
		if serials == nil {
			return nil
		}
		c := serials.Cursor()
		var from [serialSize]byte
		binary.BigEndian.PutUint64(from[:], cursor)
		k, key := c.Seek(from[:])
		if cursor > 0 && bytes.Equal(k, from[:]) { // the last one of the page before
			k, key = c.Next()
		}
		for ; k != nil; k, key = c.Next() {
			if len(p.Keys) == limit {
				p.Cursor = cursor
				return nil
			}
			p.Keys = append(p.Keys, string(key))
			cursor = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return p, err
}

// Snapshot implements keyvalue.Bucket.
func (b *bucket) Snapshot(ctx context.Context, key string) (s keyvalue.Snapshot, err error) {
	s.Value, err = b.Get(ctx, key)
	return s, err
}

// put sets key to value in tx. Only a failure of bbolt is an error.
func (b *bucket) put(tx *bbolt.Tx, key string, value []byte) error {
	values, err := tx.CreateBucketIfNotExists(b.values)
	if err != nil {
		return err
	}
	k := recordKey(key)
	old, _, err := record(values, k)
	if err != nil {
		return err
	}
	r := make([]byte, serialSize+len(value))
	copy(r[serialSize:], value)
	if old != nil {
		copy(r, old)
		return values.Put(k, r)
	}
	serials, err := tx.CreateBucketIfNotExists(b.serials)
	if err != nil {
		return err
	}
	n, err := serials.NextSequence()
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint64(r, n)
	// Serials grow: the last page can be filled, instead of being split in half.
	serials.FillPercent = 0.9
	if err := serials.Put(r[:serialSize], []byte(key)); err != nil {
		return err
	}
	return values.Put(k, r)
}

// remove deletes key in tx, and says whether it was there.
func (b *bucket) remove(tx *bbolt.Tx, key string) (bool, error) {
	values := tx.Bucket(b.values)
	if values == nil {
		return false, nil
	}
	k := recordKey(key)
	serial, v, err := record(values, k)
	if err != nil || !v.Found {
		return false, err
	}
	if serials := tx.Bucket(b.serials); serials != nil {
		if err := serials.Delete(bytes.Clone(serial)); err != nil {
			return false, err
		}
	}
	return true, values.Delete(k)
}

// current is what key has in tx, which may write.
func (b *bucket) current(tx *bbolt.Tx, key string) (keyvalue.Value, error) {
	values := tx.Bucket(b.values)
	if values == nil {
		return keyvalue.Value{}, nil
	}
	_, v, err := record(values, recordKey(key))
	return v, err
}

// set is the event of a key that is set, if anybody watches.
func (w *write) set(b *bucket, key string, value []byte) {
	if b.Watched() {
		w.events = append(w.events, keyvalue.Event{Key: key, Value: bytes.Clone(value)})
	}
}

// Set implements keyvalue.Bucket.
func (b *bucket) Set(ctx context.Context, key string, value []byte) error {
	if err := keyvalue.CheckKey(key, maxKey); err != nil {
		return err
	}
	return b.update(ctx, entrySize+2*len(key)+len(value), func(w *write, tx *bbolt.Tx) error {
		w.set(b, key, value)
		return b.put(tx, key, value)
	})
}

// SetMany implements keyvalue.Bucket. All pairs are set, or none.
func (b *bucket) SetMany(ctx context.Context, pairs []keyvalue.Pair) error {
	size := 0
	for _, p := range pairs {
		if err := keyvalue.CheckKey(p.Key, maxKey); err != nil {
			return err
		}
		size += entrySize + 2*len(p.Key) + len(p.Value)
	}
	return b.update(ctx, size, func(w *write, tx *bbolt.Tx) error {
		for _, p := range pairs {
			w.set(b, p.Key, p.Value)
			if err := b.put(tx, p.Key, p.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements keyvalue.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	return b.DeleteMany(ctx, []string{key})
}

// DeleteMany implements keyvalue.Bucket. All keys are deleted, or none.
func (b *bucket) DeleteMany(ctx context.Context, keys []string) error {
	return b.update(ctx, 0, func(w *write, tx *bbolt.Tx) error {
		for _, k := range keys {
			was, err := b.remove(tx, k)
			if err != nil {
				return err
			}
			if was && b.Watched() {
				w.events = append(w.events, keyvalue.Event{Key: k, Deleted: true})
			}
		}
		return nil
	})
}

// Increment implements keyvalue.Bucket.
func (b *bucket) Increment(ctx context.Context, key string, delta int64) (n int64, err error) {
	if err := keyvalue.CheckKey(key, maxKey); err != nil {
		return 0, err
	}
	err = b.update(ctx, entrySize+2*len(key), func(w *write, tx *bbolt.Tx) error {
		v, err := b.current(tx, key)
		if err != nil {
			return err
		}
		n, err = keyvalue.Add(key, v, delta)
		if err != nil {
			w.refused = err
			return nil
		}
		text := keyvalue.FormatNumber(n)
		w.set(b, key, text)
		return b.put(tx, key, text)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Swap implements keyvalue.Bucket. It compares values.
func (b *bucket) Swap(ctx context.Context, key string, old keyvalue.Snapshot, value []byte) (swapped bool, err error) {
	if err := keyvalue.CheckKey(key, maxKey); err != nil {
		return false, err
	}
	err = b.update(ctx, entrySize+2*len(key)+len(value), func(w *write, tx *bbolt.Tx) error {
		v, err := b.current(tx, key)
		swapped = err == nil && v.Found == old.Found && bytes.Equal(v.Data, old.Data)
		if !swapped {
			return err
		}
		w.set(b, key, value)
		return b.put(tx, key, value)
	})
	return swapped && err == nil, err
}
