package filesystem

import (
	"context"
	"errors"
	goio "io"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/host/io"
)

func atEnd(err error) bool { return errors.Is(err, goio.EOF) }

// input is an input-stream of a file. It is always ready: what it reads is
// there, or is on its way from a disk. At the end it is closed, but a file that
// has grown since then goes on, as it does for read in POSIX.
type input struct {
	handle *handle
	offset uint64
	failed bool
}

// Read implements wasiio.InputStream. The bytes are valid until the next
// operation of the instance.
func (in *input) Read(ctx context.Context, length uint64) ([]byte, error) {
	if in.failed {
		return nil, wasiio.StreamError{Tag: wasiio.StreamErrorClosed}
	}
	if length == 0 {
		return nil, ctx.Err()
	}
	b, _, err := in.handle.readAt(ctx, length, in.offset)
	var code wasifilesystem.ErrorCode
	switch {
	case errors.As(err, &code):
		in.failed = true
		return nil, wasiio.StreamError{Tag: wasiio.StreamErrorLastOperationFailed, LastOperationFailed: io.NewError(code)}
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, wasiio.StreamError{Tag: wasiio.StreamErrorClosed}
	}
	in.offset += uint64(len(b))
	return b, nil
}

// BlockingRead implements wasiio.InputStream.
func (in *input) BlockingRead(ctx context.Context, length uint64) ([]byte, error) {
	return in.Read(ctx, length)
}

// Skip implements wasiio.InputStream.
func (in *input) Skip(ctx context.Context, length uint64) (uint64, error) {
	b, err := in.Read(ctx, length)
	return uint64(len(b)), err
}

// BlockingSkip implements wasiio.InputStream.
func (in *input) BlockingSkip(ctx context.Context, length uint64) (uint64, error) {
	return in.Skip(ctx, length)
}

// Subscribe implements wasiio.InputStream.
func (*input) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(io.Always{}), nil
}

// Drop implements wasiio.InputStream.
func (in *input) Drop(context.Context) { in.handle.release() }

// output is an output-stream of a file.
type output struct {
	*io.Output
	handle *handle
}

func newOutput(h *handle, offset uint64, appends bool) output {
	if appends {
		return output{io.NewOutput(appender{h}), h}
	}
	return output{io.NewOutput(&writer{h, offset}), h}
}

// Drop implements wasiio.OutputStream.
func (o output) Drop(ctx context.Context) {
	o.Output.Drop(ctx)
	o.handle.release()
}

// writer writes to a file from an offset on.
type writer struct {
	handle *handle
	offset uint64
}

// Write implements io.Writer. A stream writes no more at once than a buffer's
// size, so that there is nothing to cancel.
func (w *writer) Write(b []byte) (int, error) {
	n, err := w.handle.writeAt(context.Background(), b, w.offset)
	w.offset += uint64(n)
	return n, err
}

// appender writes to the end of a file, wherever that is by then.
type appender struct{ handle *handle }

// Write implements io.Writer.
func (a appender) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := appendTo(a.handle.file, b[n:])
		n += m
		if err != nil {
			return n, codeOf(err)
		}
		if m == 0 {
			return n, goio.ErrShortWrite
		}
	}
	return n, nil
}

// appending serialises appends on systems that have no call for them: writers of
// this process do not overwrite each other.
var appending sync.Mutex
