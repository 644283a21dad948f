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
		err = x.why(fmt.Errorf("response body: %w", err))
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
	start := func() {
		if !started {
			started = true
			x.w.WriteHeader(resp.Status())
		}
	}
	err = x.copyBody(pipe, start, bodyAllowed(resp.Status()))
	if err == nil && resp.CopyTrailer(x.w.Header(), gohttp.TrailerPrefix) {
		// Else net/http gives a body that it still has whole a length instead of
		// trailers.
		err = x.flush()
	}
	if x.unblocked() && err == nil {
		err = errWrite // what net/http still holds back cannot be written any more
	}
	return started, err
}

// await waits for the guest's response, or why there is none. Informational
// responses are sent as they come.
func (x *exchange) await() (*http.OutgoingResponse, error) {
	out := x.state.HTTP.Outparam()
	for {
		if m := out.TakeInformational(); m != nil {
			x.inform(m)
		}
		ended, _ := x.guestEnded() // looked at first: what it has set is set by then
		resp, settled, err := out.Response()
		var unset http.NotSetError
		switch {
		case settled && errors.As(err, &unset):
			return nil, x.why(err)
		case settled:
			return resp, err
		case ended:
			return nil, x.why(unset)
		}
		if err := x.wait(); err != nil {
			return nil, err
		}
	}
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
	x.unblockWrites() // net/http sends these at once
	x.stalls.writing.begin()
	x.w.WriteHeader(m.Status)
	x.stalls.writing.end()
	x.unblocked()
	clear(h)
}

// why is why the guest broke off, if it is known, or else err.
func (x *exchange) why(err error) error {
	if x.ctx.Err() != nil {
		if cause := context.Cause(x.ctx); cause != errAnswered {
			return cause
		}
	}
	if _, outcome := x.guestEnded(); outcome != nil {
		return outcome
	}
	return err
}

// unsent is how many bytes of a body net/http holds back before it writes to the
// connection, and may block.
const unsent = 2 << 10

// copyBody sends what the guest writes until it finishes. It calls start before
// it sends anything.
func (x *exchange) copyBody(pipe *io.Pipe, start func(), send bool) error {
	var (
		pending = true    // there is something to flush, the header at first
		due     time.Time // when it is to be; zero until there is nothing to write
		sent    int
	)
	for {
		b, err := pipe.Next()
		switch {
		case len(b) > 0:
			start()
			if sent += len(b); sent > unsent {
				x.unblockWrites()
			}
			if send {
				if err := x.write(b); err != nil {
					return err
				}
			}
			pipe.Advance(len(b))
			pending = true
			continue
		case err == goio.EOF:
			start()
			return nil
		case err != nil:
			return err
		}
		if pending && due.IsZero() {
			due = time.Now().Add(flushDelay)
			x.news.WakeAfter(flushDelay)
		}
		if err := x.wait(); err != nil {
			return err
		}
		if pending && !time.Now().Before(due) {
			pending, due = false, time.Time{}
			start()
			if err := x.flush(); err != nil {
				return err
			}
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
	x.unblockWrites()
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
