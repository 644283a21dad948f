package io

import (
	"context"
	goio "io"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// InputConfig configures an Input. The zero value is good.
type InputConfig struct {
	// Budget is charged for the buffer.
	Budget *Budget
	// Error makes what the guest sees of a failed read; nil leaves it as it is.
	Error func(err error) error
	// Interrupt ends a Read of the source. Close calls it when one is under way.
	Interrupt func()
	// Stop is called once when the stream is closed or dropped before the
	// source has ended, also while a Read is under way.
	Stop func()
	// End is called once, when the source has given its last byte or error,
	// before those who wait are woken.
	End func(err error)
}

// Input is an input-stream over a Reader that may block. One goroutine reads
// ahead into a bounded buffer; it starts at the first use and ends with the
// source, Drop or Close.
type Input struct {
	cfg InputConfig
	src goio.Reader

	mu       sync.Mutex
	more     sync.Cond // on mu: there is room, or nobody reads any more
	signal   Signal
	ring     *ring
	lent     int   // bytes at the start of ring that the last Read returned
	err      error // what ended the source; io.EOF when it just ended
	told     bool  // the guest has seen err
	closed   bool
	draining bool
	reading  bool          // a Read of src is under way
	done     chan struct{} // not nil once the pump has started; closed when it has ended
}

// NewInput returns an input-stream that reads src.
func NewInput(src goio.Reader, cfg InputConfig) *Input {
	in := &Input{cfg: cfg, src: src}
	in.more.L = &in.mu
	return in
}

// Empty returns an input-stream that has ended.
func Empty() *Input {
	in := NewInput(nil, InputConfig{})
	in.err = goio.EOF
	return in
}

// start makes the pump run. It is called with in.mu held.
func (in *Input) start() error {
	if in.done != nil || in.err != nil || in.closed {
		return nil
	}
	if err := in.cfg.Budget.Take(BufferSize); err != nil {
		return err
	}
	in.ring = newRing()
	in.done = make(chan struct{})
	go in.pump()
	return nil
}

// pump reads the source until it ends or nobody wants more.
func (in *Input) pump() {
	defer close(in.done)
	idle := 0
	in.mu.Lock()
	for {
		for in.ring.room() == 0 && !in.closed && !in.draining {
			in.more.Wait()
		}
		if in.closed {
			in.release()
			in.mu.Unlock()
			return
		}
		if in.draining {
			in.ring.start, in.ring.n, in.lent = 0, 0, 0
		}
		in.ring.rewind()
		seg := in.ring.free()
		in.reading = true
		in.mu.Unlock()
		n, err := in.src.Read(seg)
		if n == 0 && err == nil {
			if idle++; idle > 100 {
				err = goio.ErrNoProgress
			}
		} else {
			idle = 0
		}
		if err != nil && in.cfg.End != nil {
			in.cfg.End(err)
		}
		in.mu.Lock()
		in.reading = false
		in.ring.commit(n)
		if err == nil {
			in.mu.Unlock()
			in.signal.Notify()
			in.mu.Lock()
			continue
		}
		in.err = err
		if in.closed || in.ring.n == 0 {
			in.release()
		}
		in.mu.Unlock()
		in.signal.Notify()
		return
	}
}

// release gives the buffer back. It is called with in.mu held, when the pump
// does not use it.
func (in *Input) release() {
	if in.ring == nil {
		return
	}
	if in.lent == 0 { // else a guest may be copying from it
		in.ring.recycle()
	}
	in.ring, in.lent = nil, 0
	in.cfg.Budget.Give(BufferSize)
}

// settle takes back what the last Read lent. It is called with in.mu held, at
// the start of each operation of the guest.
func (in *Input) settle() {
	if in.lent > 0 {
		in.ring.advance(in.lent)
		in.lent = 0
		in.more.Signal()
	}
	if in.err != nil && in.ring != nil && in.ring.n == 0 {
		in.release()
	}
}

// take returns up to n buffered bytes without copying them; they are valid
// until the next operation.
func (in *Input) take(n uint64) ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settle()
	if in.closed {
		return nil, closed()
	}
	if in.ring != nil && in.ring.n > 0 {
		b := in.ring.data()
		b = b[:min(uint64(len(b)), n)]
		in.lent = len(b)
		return b, nil
	}
	if in.err != nil {
		return nil, in.tell()
	}
	return nil, in.start()
}

// tell is the stream error for what ended the source. It is called with in.mu held.
func (in *Input) tell() error {
	if in.err == goio.EOF || in.told {
		return closed()
	}
	in.told = true
	if in.cfg.Error != nil {
		return failed(in.cfg.Error(in.err))
	}
	return failed(in.err)
}

// Ready implements Event: there are bytes, or there will be none.
func (in *Input) Ready() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settle()
	return in.closed || in.err != nil || in.ring != nil && in.ring.n > 0
}

// Watch implements Event.
func (in *Input) Watch(w *Waiter) { in.signal.Watch(w) }

// Unwatch implements Event.
func (in *Input) Unwatch(w *Waiter) { in.signal.Unwatch(w) }

// Read implements wasiio.InputStream. The bytes are valid until the next
// operation on the stream.
func (in *Input) Read(_ context.Context, length uint64) ([]byte, error) { return in.take(length) }

// BlockingRead implements wasiio.InputStream.
func (in *Input) BlockingRead(ctx context.Context, length uint64) ([]byte, error) {
	b, err := in.take(length)
	if err != nil || len(b) > 0 || length == 0 {
		return b, err
	}
	if err := Wait(ctx, in); err != nil {
		return nil, err
	}
	return in.take(length)
}

// Skip implements wasiio.InputStream.
func (in *Input) Skip(_ context.Context, length uint64) (uint64, error) {
	b, err := in.take(length)
	return uint64(len(b)), err
}

// BlockingSkip implements wasiio.InputStream.
func (in *Input) BlockingSkip(ctx context.Context, length uint64) (uint64, error) {
	b, err := in.BlockingRead(ctx, length)
	return uint64(len(b)), err
}

// Subscribe implements wasiio.InputStream.
func (in *Input) Subscribe(context.Context) (wasiio.Pollable, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.settle()
	if err := in.start(); err != nil {
		return nil, err
	}
	return NewPollable(in), nil
}

// Drain throws away what is left and reads the source to its end, for those
// who wait for what comes after it (see InputConfig.End).
func (in *Input) Drain() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.draining = true
	if in.err != nil && in.ring != nil {
		in.lent = 0
		in.release()
	}
	in.more.Signal()
	return in.start()
}

// Drop implements wasiio.InputStream.
func (in *Input) Drop(context.Context) {
	in.mu.Lock()
	in.settle()
	in.mu.Unlock()
	in.Abandon()
}

// Abandon ends the stream from the host's side without waiting.
func (in *Input) Abandon() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.close()
}

// Close ends the stream from the host's side, interrupts a Read of the source
// and waits until the source is not used any more.
func (in *Input) Close() {
	in.mu.Lock()
	in.close()
	done, reading := in.done, in.reading
	in.mu.Unlock()
	if reading && in.cfg.Interrupt != nil {
		in.cfg.Interrupt()
	}
	if done != nil {
		<-done
	}
}

// close is called with in.mu held.
func (in *Input) close() {
	if in.closed {
		return
	}
	in.closed = true
	if in.err != nil { // else the pump, if there is one, does it
		in.release()
	} else if in.cfg.Stop != nil {
		in.cfg.Stop()
	}
	in.more.Signal()
	in.signal.Notify()
}
