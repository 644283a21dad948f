package sockets

import (
	"context"
	goio "io"

	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

// connection is what the streams of a connected socket share with it.
type connection struct {
	socket *socket
	in     *io.Input
	out    *io.Pipe
	sent   chan struct{} // closed when nothing more goes out
}

// newConnection makes the streams of k and starts to send what the guest writes.
// Both directions hold k until they have ended.
func newConnection(k *socket) *connection {
	c := &connection{
		socket: k,
		in:     io.NewInput(k, io.InputConfig{Budget: k.state.Budget, Error: errorCode}),
		out:    io.NewPipe(io.PipeConfig{Budget: k.state.Budget}),
		sent:   make(chan struct{}),
	}
	k.state.mu.Lock()
	k.conn = c
	k.refs += 2
	closed := k.state.closed
	k.state.mu.Unlock()
	go c.send()
	if closed { // Close has not seen it
		c.abort()
	}
	return c
}

// send gives the system what the guest writes, until either has enough.
func (c *connection) send() {
	defer c.socket.release()
	defer close(c.sent)
	for {
		b, err := c.out.Next()
		switch {
		case len(b) > 0:
			n, err := c.socket.Write(b)
			c.out.Advance(n)
			if err != nil {
				c.broken(err)
				return
			}
		case err == goio.EOF:
			c.socket.ShutdownWrite()
			return
		case err != nil:
			return
		default:
			<-c.out.More()
		}
	}
}

// broken ends the output stream because of err. What was written to an end that
// has closed is no failure, but the end of the stream.
func (c *connection) broken(err error) {
	if ossocket.CauseOf(err) == ossocket.Broken {
		c.out.Finish(err)
	}
	c.out.CloseRead(codeOf(err))
}

// shutdownReceive ends the input stream; what had come is lost.
func (c *connection) shutdownReceive() {
	c.in.Abandon()
	c.socket.ShutdownRead()
}

// shutdownSend ends the output stream; what was written still goes out.
func (c *connection) shutdownSend() { c.out.Finish(nil) }

// abort ends both streams; the socket is closed.
func (c *connection) abort() {
	c.in.Abandon()
	c.out.Finish(errAborted)
}

// errAborted is why a stream ends that the guest had not ended.
var errAborted = codes[ossocket.Aborted]

// inputStream is the input-stream of a connection.
type inputStream struct {
	*io.Input
	conn *connection
}

// Drop implements wasiio.InputStream.
func (s inputStream) Drop(context.Context) {
	s.conn.shutdownReceive()
	s.conn.socket.release()
}

// outputStream is the output-stream of a connection. Its flush is done when the
// system has all that was written.
type outputStream struct {
	*io.Pipe
	conn *connection
}

// BlockingWriteAndFlush implements wasiio.OutputStream.
func (s outputStream) BlockingWriteAndFlush(ctx context.Context, contents []byte) error {
	if err := s.Pipe.BlockingWriteAndFlush(ctx, contents); err != nil {
		return err
	}
	return s.BlockingFlush(ctx)
}

// BlockingWriteZeroesAndFlush implements wasiio.OutputStream.
func (s outputStream) BlockingWriteZeroesAndFlush(ctx context.Context, length uint64) error {
	if err := s.Pipe.BlockingWriteZeroesAndFlush(ctx, length); err != nil {
		return err
	}
	return s.BlockingFlush(ctx)
}

// BlockingFlush implements wasiio.OutputStream.
func (s outputStream) BlockingFlush(ctx context.Context) error {
	if err := io.Wait(ctx, s.Drained()); err != nil {
		return err
	}
	return s.Flush(ctx)
}

// Drop implements wasiio.OutputStream. What was written still goes out.
func (s outputStream) Drop(context.Context) { s.conn.shutdownSend() }
