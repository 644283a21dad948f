package io

import (
	"context"
	"errors"
	goio "io"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// ErrUnfinished is what the reader of a Pipe gets when the guest gave up its
// end without finishing.
var ErrUnfinished = errors.New("the guest dropped the body without finishing it")

// errReaderGone is what the guest gets when the host reads no more.
var errReaderGone = errors.New("the other end of the stream is gone")

// PipeConfig configures a Pipe. The zero value is good.
type PipeConfig struct {
	// Budget is charged for the buffer.
	Budget *Budget
	// Limit, if not nil, is asked with the length of all writes including the
	// one to come; its error is the stream's failure.
	Limit func(total uint64) error
	// Reader is woken when the reader has something to do: it waits and there are
	// bytes, or there is much to read, or the guest has ended. Nil is a Waiter of
	// the pipe's own, for Read.
	Reader *Waiter
}

// Pipe is an output-stream whose bytes the host reads: the guest writes into a
// bounded buffer, and waits while it is full. Flushing needs nothing: the host
// takes what is there as fast as it can, also after the guest has ended.
type Pipe struct {
	cfg PipeConfig

	mu       sync.Mutex
	room     Signal // for the guest
	ring     *ring
	starving bool   // the reader has found nothing to read
	total    uint64 // bytes ever written
	finished error  // set once the guest is done: io.EOF, or why it broke off
	gone     error  // set once the host reads no more
	told     bool   // the guest has seen gone
}

// NewPipe returns an empty Pipe.
func NewPipe(cfg PipeConfig) *Pipe {
	p := &Pipe{}
	p.Init(cfg)
	return p
}

// Init makes the zero Pipe an empty one.
func (p *Pipe) Init(cfg PipeConfig) {
	p.cfg = cfg
	if cfg.Reader == nil {
		p.cfg.Reader = &Waiter{woken: make(chan struct{}, 1)}
	}
}

// permit is how much the guest may write now. It is called with p.mu held.
func (p *Pipe) permit() (uint64, error) {
	switch {
	case p.finished != nil:
		return 0, closed()
	case p.gone != nil && p.told:
		return 0, closed()
	case p.gone != nil:
		p.told = true
		return 0, failed(p.gone)
	case p.ring == nil:
		return BufferSize, nil
	}
	return uint64(p.ring.room()), nil
}

// CheckWrite implements wasiio.OutputStream.
func (p *Pipe) CheckWrite(context.Context) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.permit()
}

// Write implements wasiio.OutputStream.
func (p *Pipe) Write(_ context.Context, contents []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	permit, err := p.permit()
	if err != nil {
		return err
	}
	if uint64(len(contents)) > permit {
		return errWriteTooLong(uint64(len(contents)), permit)
	}
	return p.write(contents)
}

// write appends to the buffer, which has room. It is called with p.mu held.
func (p *Pipe) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if p.cfg.Limit != nil {
		if err := p.cfg.Limit(p.total + uint64(len(b))); err != nil {
			p.gone, p.told = err, true
			p.cfg.Reader.Wake()
			return failed(err)
		}
	}
	if p.ring == nil {
		if err := p.cfg.Budget.Take(BufferSize); err != nil {
			return err
		}
		p.ring = newRing()
	}
	before := p.ring.n
	p.ring.write(b)
	p.total += uint64(len(b))
	// A reader that does not wait comes by itself; one that has not begun to read
	// need not for a few bytes, of which the guest may have more.
	if p.starving || before < eager && p.ring.n >= eager {
		p.starving = false
		p.cfg.Reader.Wake()
	}
	return nil
}

// eager is how many bytes are worth waking a reader that has not asked for any.
const eager = 4 << 10

// BlockingWriteAndFlush implements wasiio.OutputStream.
func (p *Pipe) BlockingWriteAndFlush(ctx context.Context, contents []byte) error {
	if len(contents) > MaxBlockingWrite {
		return errBlockingWriteTooLong(uint64(len(contents)))
	}
	for {
		p.mu.Lock()
		permit, err := p.permit()
		if err == nil {
			n := min(permit, uint64(len(contents)))
			err = p.write(contents[:n])
			contents = contents[n:]
		}
		p.mu.Unlock()
		if err != nil || len(contents) == 0 {
			return err
		}
		if err := Wait(ctx, p); err != nil {
			return err
		}
	}
}

// Flush implements wasiio.OutputStream.
func (p *Pipe) Flush(ctx context.Context) error {
	_, err := p.CheckWrite(ctx)
	return err
}

// BlockingFlush implements wasiio.OutputStream.
func (p *Pipe) BlockingFlush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Flush(ctx)
}

// Subscribe implements wasiio.OutputStream.
func (p *Pipe) Subscribe(context.Context) (wasiio.Pollable, error) { return NewPollable(p), nil }

// Ready implements Event: the guest may write, or never more.
func (p *Pipe) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finished != nil || p.gone != nil || p.ring == nil || p.ring.room() > 0
}

// Watch implements Event.
func (p *Pipe) Watch(w *Waiter) { p.room.Watch(w) }

// Unwatch implements Event.
func (p *Pipe) Unwatch(w *Waiter) { p.room.Unwatch(w) }

// WriteZeroes implements wasiio.OutputStream.
func (p *Pipe) WriteZeroes(ctx context.Context, length uint64) error {
	permit, err := p.CheckWrite(ctx)
	if err != nil {
		return err
	}
	return writeZeroes(ctx, p, length, permit)
}

// BlockingWriteZeroesAndFlush implements wasiio.OutputStream.
func (p *Pipe) BlockingWriteZeroesAndFlush(ctx context.Context, length uint64) error {
	if length > MaxBlockingWrite {
		return errBlockingWriteTooLong(length)
	}
	return p.BlockingWriteAndFlush(ctx, zeroes[:length])
}

// Splice implements wasiio.OutputStream.
func (p *Pipe) Splice(ctx context.Context, src wasiio.InputStream, length uint64) (uint64, error) {
	return splice(ctx, p, src.Read, length)
}

// BlockingSplice implements wasiio.OutputStream.
func (p *Pipe) BlockingSplice(ctx context.Context, src wasiio.InputStream, length uint64) (uint64, error) {
	if err := Wait(ctx, p); err != nil {
		return 0, err
	}
	return splice(ctx, p, src.BlockingRead, length)
}

// Drop implements wasiio.OutputStream. What was written stays to be read; the
// owner of the pipe calls Finish.
func (p *Pipe) Drop(context.Context) {}

// Finish ends the guest's side. The reader gets what was written and then
// err, or io.EOF when err is nil. Only the first call counts.
func (p *Pipe) Finish(err error) {
	if err == nil {
		err = goio.EOF
	}
	p.mu.Lock()
	if p.finished == nil {
		p.finished = err
	}
	p.release()
	p.mu.Unlock()
	p.cfg.Reader.Wake()
	p.room.Notify()
}

// Total is how many bytes the guest has written.
func (p *Pipe) Total() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}

// Finished says whether the guest's side has ended, and whether with success.
func (p *Pipe) Finished() (ended, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finished != nil, p.finished == goio.EOF
}

// Drained is an Event that is ready when the host has taken all that was
// written, or takes no more.
func (p *Pipe) Drained() Event { return drained{p} }

type drained struct{ *Pipe }

// Ready implements Event.
func (d drained) Ready() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gone != nil || d.ring == nil || d.ring.n == 0
}

// Next returns bytes to read, without copying them; Advance then removes them.
// With no bytes and no error, there are none yet: wait on More. The error is
// io.EOF after the last byte, or what broke the stream off. It is for one reader.
func (p *Pipe) Next() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ring != nil && p.ring.n > 0 {
		return p.ring.data(), nil
	}
	if p.gone != nil {
		return nil, p.gone
	}
	p.starving = p.finished == nil
	return nil, p.finished
}

// Advance removes n of the bytes that Next returned.
func (p *Pipe) Advance(n int) {
	p.mu.Lock()
	if p.ring != nil {
		p.ring.advance(n)
		p.ring.rewind()
		p.release()
	}
	p.mu.Unlock()
	p.room.Notify()
}

// More receives a value when there may be more to read. It has one receiver.
func (p *Pipe) More() <-chan struct{} { return p.cfg.Reader.Woken() }

// Read implements io.Reader for one reader.
func (p *Pipe) Read(b []byte) (int, error) {
	for {
		part, err := p.Next()
		if len(part) > 0 {
			n := copy(b, part)
			p.Advance(n)
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		if len(b) == 0 {
			return 0, nil
		}
		<-p.More()
	}
}

// Close implements io.Closer: the host reads no more.
func (p *Pipe) Close() error {
	p.CloseRead(nil)
	return nil
}

// CloseRead ends the host's side; err, if not nil, is what the guest gets from
// its next operation. The buffer must not be in use.
func (p *Pipe) CloseRead(err error) {
	if err == nil {
		err = errReaderGone
	}
	p.mu.Lock()
	if p.gone == nil {
		p.gone = err
	}
	p.release()
	p.mu.Unlock()
	p.cfg.Reader.Wake()
	p.room.Notify()
}

// release gives the buffer back when nobody will use it again. It is called
// with p.mu held.
func (p *Pipe) release() {
	if p.ring == nil {
		return
	}
	drained := p.ring.n == 0 && p.finished != nil
	if !drained && p.gone == nil {
		return
	}
	if drained { // else the reader may still be copying from it
		p.ring.recycle()
	}
	p.ring = nil
	p.cfg.Budget.Give(BufferSize)
}
