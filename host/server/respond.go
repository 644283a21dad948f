package server

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	gohttp "net/http"
	"time"

	"github.com/godwit-runtime/godwit/host/http"
	"github.com/godwit-runtime/godwit/host/io"
)

// flushDelay is how long written bytes wait for more before they are sent: a
// short response goes out in one piece, with its length, and a stream's
// events go out at once for all that people notice.
const flushDelay = time.Millisecond

var (
	errBadLength = errors.New("the guest set a malformed content-length, or one for a body it does not have")
	errWrite     = errors.New("the response could not be sent to the client")
)

// answer sends the guest's answer, or the status of its failure. It returns
// false when the connection must be aborted.
func (x *exchange) answer() (complete bool) {
	resp, err := x.await()
	if err != nil {
		return x.fail(err)
	}
	h := x.w.Header()
	if !resp.CopyHeader(h) {
		clear(h)
		return x.fail(errBadLength)
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // else net/http guesses one
	}
	if resp.BodyPipe() == nil {
		x.w.WriteHeader(resp.Status())
		return true
	}
	started, err := x.sendBody(resp)
	if err != nil {
		err = x.outcome(fmt.Errorf("response body: %w", err))
		if !started { // the client knows of nothing yet
			clear(h)
			return x.fail(err)
		}
		x.log(err)
		return false
	}
	return true
}

// sendBody sends status, header, body and trailers. They are started with the
// first bytes that the guest writes, or when it lets flushDelay go by: a guest
// that fails before has not answered yet.
func (x *exchange) sendBody(resp *http.OutgoingResponse) (started bool, err error) {
	pipe := resp.BodyPipe()
	defer pipe.CloseRead(nil)
	var stopUnblocking func() bool
	start := func() {
		if !started {
			started = true
			stopUnblocking = x.unblockWrites()
			x.w.WriteHeader(resp.Status())
		}
	}
	err = x.copyBody(pipe, start, bodyAllowed(resp.Status()))
	if err == nil && resp.CopyTrailer(x.w.Header(), gohttp.TrailerPrefix) {
		// Else net/http gives a body that it still has whole a length instead of
		// trailers.
		err = x.flush()
	}
	if started && !stopUnblocking() && err == nil {
		err = errWrite // what net/http still holds back cannot be written any more
	}
	return started, err
}

// await waits for the guest's response, or why there is none. Informational
// responses are sent as they come.
func (x *exchange) await() (*http.OutgoingResponse, error) {
	for waiting := true; waiting; {
		select {
		case m := <-x.out.Informational():
			x.inform(m)
		case <-x.out.Done():
			waiting = false
		case err := <-x.ended:
			x.ended <- err
			select {
			case <-x.out.Done():
				waiting = false
			default:
				return nil, x.outcome(http.NotSetError{})
			}
		case <-x.ctx.Done():
			return nil, context.Cause(x.ctx)
		}
	}
	resp, err := x.out.Response()
	var unset http.NotSetError
	if errors.As(err, &unset) {
		return nil, x.outcome(err)
	}
	return resp, err
}

// inform sends a 1xx response. Its header is its own: none of it is in the
// response that follows.
func (x *exchange) inform(m *http.Informational) {
	defer close(m.Sent)
	if !x.r.ProtoAtLeast(1, 1) {
		return // RFC 9110, 15.2: HTTP/1.0 does not know them
	}
	h := x.w.Header()
	for name, values := range m.Header {
		h[name] = values
	}
	stopUnblocking := x.unblockWrites() // net/http sends these at once
	x.stalls.writing.begin()
	x.w.WriteHeader(m.Status)
	x.stalls.writing.end()
	stopUnblocking()
	clear(h)
}

// outcome is why the guest broke off, if it is known, or else err.
func (x *exchange) outcome(err error) error {
	if x.ctx.Err() != nil {
		if cause := context.Cause(x.ctx); cause != errAnswered {
			return cause
		}
	}
	select {
	case guest := <-x.ended:
		x.ended <- guest
		if guest != nil {
			return guest
		}
	default:
	}
	return err
}

// copyBody sends what the guest writes until it finishes. It calls start before
// it sends anything.
func (x *exchange) copyBody(pipe *io.Pipe, start func(), send bool) error {
	flush := time.NewTimer(flushDelay)
	defer flush.Stop()
	pending := true // there is something to flush, the header at first
	for {
		b, err := pipe.Next()
		switch {
		case len(b) > 0:
			start()
			if send {
				if err := x.write(b); err != nil {
					return err
				}
			}
			pipe.Advance(len(b))
			if !pending {
				pending = true
				flush.Reset(flushDelay)
			}
			continue
		case err == goio.EOF:
			start()
			return nil
		case err != nil:
			return err
		}
		select {
		case <-pipe.More():
		case <-flush.C:
			pending = false
			start()
			if err := x.flush(); err != nil {
				return err
			}
		case <-x.ctx.Done():
			return context.Cause(x.ctx)
		}
	}
}

func (x *exchange) write(b []byte) error {
	x.stalls.writing.begin()
	defer x.stalls.writing.end()
	if _, err := x.w.Write(b); err != nil {
		return errWrite
	}
	return nil
}

// flush sends what net/http holds back.
func (x *exchange) flush() error {
	x.stalls.writing.begin()
	defer x.stalls.writing.end()
	if err := x.rc.Flush(); err != nil && !errors.Is(err, gohttp.ErrNotSupported) {
		return errWrite
	}
	return nil
}

// bodyAllowed says whether a response of this status has a body. (net/http
// leaves out the body of an answer to HEAD itself.)
func bodyAllowed(status int) bool {
	return status != gohttp.StatusNoContent && status != gohttp.StatusNotModified
}

// fail answers with the status for err, if the client still listens.
func (x *exchange) fail(err error) (complete bool) {
	x.log(err)
	status, answer := statusOf(err)
	if !answer {
		return false
	}
	plain(x.w, status)
	return true
}

// refuse answers a request that gets no instance.
func (x *exchange) refuse(status int, reason string) {
	x.log(errors.New(reason))
	plain(x.w, status)
}

// plain answers with nothing but the name of the status.
func plain(w gohttp.ResponseWriter, status int) {
	gohttp.Error(w, gohttp.StatusText(status), status)
}
