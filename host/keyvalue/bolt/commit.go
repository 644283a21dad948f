package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// A commit waits for the disk, and it waits as long for one write as for a
// hundred. So one goroutine commits, and each time it takes all writes that have
// come while it waited. A write that comes alone does not wait for others.

// The most writes, and bytes of keys and values, that share a commit.
const (
	maxBatch      = 1024
	maxBatchBytes = 16 << 20
)

// write is one operation that writes, on its way through the committer.
type write struct {
	bucket *bucket
	size   int // bytes that it adds, about; 0 if it only deletes
	run    func(w *write, tx *bbolt.Tx) error

	state   atomic.Int32
	events  []keyvalue.Event // to publish once it is committed
	refused error            // of an operation that wrote nothing
	err     error
	done    chan struct{}
}

// The states of a write. The committer takes it from waiting to taken, or the
// caller to abandoned: then nobody may touch what run refers to.
const (
	waiting = iota
	taken
	abandoned
)

// update commits what run does, or nothing of it if run returns an error. run may
// be called more than once. size is how many bytes it adds,
// about, and 0 if it only deletes.
func (b *bucket) update(ctx context.Context, size int, run func(w *write, tx *bbolt.Tx) error) error {
	s := b.store
	w := &write{bucket: b, size: size, run: run, done: make(chan struct{})}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return keyvalue.ErrClosed
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if w.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		<-w.done // it is being written, and will soon be on the disk
	case <-s.done: // it came into the queue too late
		if w.state.CompareAndSwap(waiting, abandoned) {
			return keyvalue.ErrClosed
		}
		<-w.done
	}
	if w.err == nil {
		return w.refused
	}
	return w.err
}

// commits is the committer. It ends when the store is closed and the queue is
// empty.
func (s *Store) commits() {
	defer close(s.done)
	batch := make([]*write, 0, maxBatch)
	for {
		select {
		case w := <-s.queue:
			batch = s.gather(append(batch[:0], w))
		case <-s.closing:
			if batch = s.gather(batch[:0]); len(batch) == 0 {
				return
			}
		}
		s.commit(batch)
		clear(batch)
	}
}

// gather adds what is in the queue to batch.
func (s *Store) gather(batch []*write) []*write {
	size := 0
	for _, w := range batch {
		size += w.size
	}
	for len(batch) < maxBatch && size < maxBatchBytes {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
			size += w.size
		default:
			return batch
		}
	}
	return batch
}

// commit commits the writes of batch together.
func (s *Store) commit(batch []*write) {
	n := 0
	for _, w := range batch {
		if w.state.CompareAndSwap(waiting, taken) {
			batch[n] = w
			n++
		}
	}
	if batch = batch[:n]; n == 0 {
		return
	}
	err := s.tryCommit(batch)
	var one *writeError
	if n > 1 && errors.As(err, &one) {
		// One that cannot be written must not be the loss of the others.
		for _, w := range batch {
			w.finish(s.tryCommit([]*write{w}))
		}
		return
	}
	for _, w := range batch {
		w.finish(err)
	}
}

// writeError is the failure of a commit because of what is written, not because
// of the disk: of its writes, some may be good.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// finish ends a write whose commit ended with err.
func (w *write) finish(err error) {
	w.err = err
	if err == nil {
		for _, e := range w.events {
			w.bucket.Publish(e)
		}
	}
	close(w.done)
}

// tryCommit is one transaction.
func (s *Store) tryCommit(batch []*write) (err error) {
	if s.failed != nil {
		return s.failed
	}
	defer func() {
		if r := recover(); r != nil { // bbolt panics on a file that is damaged
			s.failed = fmt.Errorf("%s is damaged: %v\n%s", s.cfg.Path, r, debug.Stack())
			err = s.failed
		}
	}()
	id := 0
	err = s.db.Update(func(tx *bbolt.Tx) error {
		id = tx.ID()
		room := s.room(tx)
		for _, w := range batch {
			w.events, w.refused = nil, nil
			if w.size > 0 && int64(w.size) > room {
				w.refused = s.full()
				continue
			}
			room -= int64(w.size)
			if err := w.run(w, tx); err != nil {
				return &writeError{err}
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return &writeError{s.full()}
	}
	// A disk that refuses the last page of a commit, the one that makes it valid,
	// may still have it: what it holds after a crash is not known, and building on
	// that could lose what is acknowledged later.
	var now int
	if view := s.db.View(func(tx *bbolt.Tx) error { now = tx.ID(); return nil }); view == nil && now >= id {
		s.failed = fmt.Errorf("%s: the disk failed in the middle of a commit: %w; start again once the disk is well", s.cfg.Path, err)
		return s.failed
	}
	return err
}

// room is how many bytes more may be written. bbolt never writes over what it
// has, so even a delete needs free pages: some are kept for that.
func (s *Store) room(tx *bbolt.Tx) int64 {
	free := s.db.Stats()
	used := tx.Size() - int64(free.FreePageN+free.PendingPageN)*int64(s.db.Info().PageSize)
	return s.cfg.MaxSize - 2*growth - min(s.cfg.MaxSize/8, 16<<20) - used
}

func (s *Store) full() error {
	return &keyvalue.LimitError{What: "file of the store", Unit: "bytes", Got: s.cfg.MaxSize, Limit: s.cfg.MaxSize,
		Fix: "delete keys, or raise its max-size"}
}
