package server

import (
	goio "io"
	gohttp "net/http"
	"strings"
	"time"
)

// body is what the guest reads as the request's body.
func (x *exchange) body() goio.Reader {
	body := stallReader{x}
	if limit := x.h.cfg.MaxBody; limit > 0 {
		return &limitedBody{src: body, left: limit, limit: limit}
	}
	return body
}

// limitedBody fails when a body is longer than the limit. It is unlike
// http.MaxBytesReader in that it leaves the response alone, which belongs to
// another goroutine.
type limitedBody struct {
	src         goio.Reader
	left, limit int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.src.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = &gohttp.MaxBytesError{Limit: b.limit}
	}
	b.left -= int64(n)
	return n, err
}

// interruptRead ends a Read of the body that is under way.
func (x *exchange) interruptRead() {
	if x.rc.SetReadDeadline(past) != nil { // not a connection of net/http
		_ = x.r.Body.Close()
	}
}

const (
	// maxDrain is how much of a body that the guest left unread is read to keep
	// the connection, the same as net/http takes.
	maxDrain = 256 << 10
	// drainTime is how long that may take: it is for what has already come.
	drainTime = 5 * time.Millisecond
)

// endBody ends the reading of the request's body before the handler returns.
//
// A full-duplex HTTP/1 connection in net/http (1.26) looks for the end of the
// body once the handler has returned, and then either reads the next request
// from the middle of this one's body (when that look failed), or panics (when it
// succeeded, since it then waits for the client on two goroutines). So a
// connection whose body is not at its end by now is not used again.
func (x *exchange) endBody() {
	if x.state.HTTP.StopBody() || x.r.ProtoMajor != 1 || x.r.Body == gohttp.NoBody {
		return
	}
	if x.drain() {
		return
	}
	closeAfterReply(x.w)
	_ = x.rc.SetReadDeadline(past) // nobody is to wait for the rest
}

// drain reads what has come of the rest of the body, and says whether that was all.
func (x *exchange) drain() bool {
	if strings.EqualFold(x.r.Header.Get("Expect"), "100-continue") {
		return false // net/http closes such a connection anyway
	}
	if x.rc.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return false
	}
	_, err := goio.CopyN(goio.Discard, x.r.Body, maxDrain)
	return err == goio.EOF
}

// closeAfterReply makes net/http close the connection once the response is
// complete. After the header was sent, the only way there is through a body that
// is longer than permitted.
func closeAfterReply(w gohttp.ResponseWriter) {
	one := goio.NopCloser(strings.NewReader("x"))
	_, _ = gohttp.MaxBytesReader(w, one, 0).Read(make([]byte, 1))
}
