package io

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"syscall"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// MaxBlockingWrite is the most that blocking-write-and-flush takes at once.
const MaxBlockingWrite = 4096

var zeroes [MaxBlockingWrite]byte

// errWriteTooLong traps a guest that writes more than check-write permitted.
func errWriteTooLong(n, permit uint64) error {
	return fmt.Errorf("write of %d bytes where check-write permits %d", n, permit)
}

func errBlockingWriteTooLong(n uint64) error {
	return fmt.Errorf("blocking write of %d bytes at once; the most is %d", n, MaxBlockingWrite)
}

// Output is an output-stream over a Writer that does not block for long, such
// as a log. Every write goes straight through.
type Output struct {
	w      goio.Writer
	closed bool
}

// NewOutput returns an output-stream that writes to w.
func NewOutput(w goio.Writer) *Output { return &Output{w: w} }

// CheckWrite implements wasiio.OutputStream.
func (o *Output) CheckWrite(context.Context) (uint64, error) {
	if o.closed {
		return 0, closed()
	}
	return BufferSize, nil
}

// Write implements wasiio.OutputStream.
func (o *Output) Write(_ context.Context, contents []byte) error {
	if o.closed {
		return closed()
	}
	if len(contents) > BufferSize {
		return errWriteTooLong(uint64(len(contents)), BufferSize)
	}
	if _, err := o.w.Write(contents); err != nil {
		o.closed = true
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, goio.ErrClosedPipe) {
			return closed() // nobody reads it any more
		}
		return failed(err)
	}
	return nil
}

// BlockingWriteAndFlush implements wasiio.OutputStream.
func (o *Output) BlockingWriteAndFlush(ctx context.Context, contents []byte) error {
	if len(contents) > MaxBlockingWrite {
		return errBlockingWriteTooLong(uint64(len(contents)))
	}
	return o.Write(ctx, contents)
}

// Flush implements wasiio.OutputStream.
func (o *Output) Flush(context.Context) error {
	if o.closed {
		return closed()
	}
	return nil
}

// BlockingFlush implements wasiio.OutputStream.
func (o *Output) BlockingFlush(ctx context.Context) error { return o.Flush(ctx) }

// Subscribe implements wasiio.OutputStream.
func (o *Output) Subscribe(context.Context) (wasiio.Pollable, error) {
	return NewPollable(Always{}), nil
}

// WriteZeroes implements wasiio.OutputStream.
func (o *Output) WriteZeroes(ctx context.Context, length uint64) error {
	return writeZeroes(ctx, o, length, BufferSize)
}

// BlockingWriteZeroesAndFlush implements wasiio.OutputStream.
func (o *Output) BlockingWriteZeroesAndFlush(ctx context.Context, length uint64) error {
	if length > MaxBlockingWrite {
		return errBlockingWriteTooLong(length)
	}
	return o.Write(ctx, zeroes[:length])
}

// Splice implements wasiio.OutputStream.
func (o *Output) Splice(ctx context.Context, src wasiio.InputStream, length uint64) (uint64, error) {
	return splice(ctx, o, src.Read, length)
}

// BlockingSplice implements wasiio.OutputStream.
func (o *Output) BlockingSplice(ctx context.Context, src wasiio.InputStream, length uint64) (uint64, error) {
	return splice(ctx, o, src.BlockingRead, length)
}

// Drop implements wasiio.OutputStream.
func (o *Output) Drop(context.Context) { o.closed = true }

// writeZeroes writes length zeroes, of which at most permit are permitted.
func writeZeroes(ctx context.Context, o wasiio.OutputStream, length, permit uint64) error {
	if length > permit {
		return errWriteTooLong(length, permit)
	}
	for {
		n := min(length, uint64(len(zeroes)))
		if err := o.Write(ctx, zeroes[:n]); err != nil {
			return err
		}
		if length -= n; length == 0 {
			return nil
		}
	}
}

// splice moves up to length bytes that read gives to o.
func splice(ctx context.Context, o wasiio.OutputStream, read func(context.Context, uint64) ([]byte, error), length uint64) (uint64, error) {
	permit, err := o.CheckWrite(ctx)
	if err != nil {
		return 0, err
	}
	n := min(permit, length)
	if n == 0 {
		return 0, nil
	}
	b, err := read(ctx, n)
	if err != nil {
		return 0, err
	}
	return uint64(len(b)), o.Write(ctx, b)
}
