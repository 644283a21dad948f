package server

import (
	"context"
	"errors"
	"log/slog"
	gohttp "net/http"
	"strings"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/http"
)

// statusOf is the status for a request that failed before its headers; answer
// is false when nobody is there to get it.
func statusOf(err error) (status int, answer bool) {
	var code wasihttp.ErrorCode
	switch {
	case errors.Is(err, errClientGone):
		return 0, false
	case errors.Is(err, errTimeout):
		return gohttp.StatusGatewayTimeout, true
	case errors.Is(err, errClientStalled):
		return gohttp.StatusRequestTimeout, true
	case errors.Is(err, errShutdown):
		return gohttp.StatusServiceUnavailable, true
	case errors.As(err, &code):
		return statusOfCode(code), true
	}
	return gohttp.StatusInternalServerError, true
}

// statusOfCode is the status for an error code that the guest set as its answer:
// what a gateway says when the way onward fails, 500 otherwise.
func statusOfCode(code wasihttp.ErrorCode) int {
	switch code.Tag {
	case wasihttp.ErrorCodeDNSTimeout, wasihttp.ErrorCodeConnectionTimeout, wasihttp.ErrorCodeConnectionReadTimeout,
		wasihttp.ErrorCodeConnectionWriteTimeout, wasihttp.ErrorCodeHTTPResponseTimeout:
		return gohttp.StatusGatewayTimeout
	case wasihttp.ErrorCodeDNSError, wasihttp.ErrorCodeDestinationNotFound, wasihttp.ErrorCodeDestinationUnavailable,
		wasihttp.ErrorCodeDestinationIPUnroutable, wasihttp.ErrorCodeConnectionRefused, wasihttp.ErrorCodeConnectionTerminated,
		wasihttp.ErrorCodeTLSProtocolError, wasihttp.ErrorCodeTLSCertificateError, wasihttp.ErrorCodeTLSAlertReceived,
		wasihttp.ErrorCodeHTTPResponseIncomplete, wasihttp.ErrorCodeHTTPProtocolError:
		return gohttp.StatusBadGateway
	case wasihttp.ErrorCodeHTTPRequestBodySize:
		return gohttp.StatusRequestEntityTooLarge
	}
	return gohttp.StatusInternalServerError
}

// log writes the operator's line about a failure of x; only the first counts.
func (x *exchange) log(err error) {
	x.logged.Do(func() {
		if cause := context.Cause(x.causeContext()); cause != nil && !errors.Is(cause, errAnswered) {
			err = cause // the guest's trap is only its consequence
		}
		l := lineOf(err)
		x.h.log.LogAttrs(context.Background(), l.level, l.message, append([]slog.Attr{
			slog.String("request", x.name()),
			slog.String("method", x.r.Method),
			slog.String("path", clip(x.r.URL.Path, 256)),
			slog.String("error", l.err),
		}, append(x.cpuTime(), l.more...)...)...)
	})
}

// served logs a request whose guest came to its end, for those who want to know.
func (x *exchange) served() {
	if x.h.log.Enabled(context.Background(), slog.LevelDebug) {
		x.h.log.LogAttrs(context.Background(), slog.LevelDebug, "request served",
			slog.String("request", x.name()),
			slog.String("method", x.r.Method),
			slog.String("path", clip(x.r.URL.Path, 256)),
			slog.Duration("cpu", time.Duration(x.cpu.Load())))
	}
}

// cpuTime is how long the guest's code ran, if that is known by now.
func (x *exchange) cpuTime() []slog.Attr {
	if n := x.cpu.Load(); n > 0 {
		return []slog.Attr{slog.Duration("cpu", time.Duration(n))}
	}
	return nil
}

// line is what the operator reads about a failure.
type line struct {
	level   slog.Level
	message string
	err     string
	more    []slog.Attr
}

func lineOf(err error) line {
	l := line{level: slog.LevelError, message: "request failed", err: err.Error()}
	var (
		exit     *cli.ExitError
		code     wasihttp.ErrorCode
		unset    http.NotSetError
		trap     *engine.Trap
		internal *engine.InternalError
		panicked *panicError
	)
	switch {
	case errors.Is(err, errClientGone), errors.Is(err, errWrite):
		l.level, l.message = slog.LevelInfo, "request given up"
	case errors.As(err, &exit):
		l.message, l.err = "guest exited", exit.Error()
	case errors.As(err, &unset):
		l.message = "guest gave no response"
	case errors.As(err, &trap):
		l.message = "guest trapped"
		if at := backtrace(trap); at != "" {
			l.more = append(l.more, slog.String("at", at))
		}
	case errors.As(err, &internal):
		l.message = "defect of the host"
		l.more = append(l.more, slog.String("stack", string(internal.Stack)))
	case errors.As(err, &panicked):
		l.message = "defect of the host"
		l.more = append(l.more, slog.String("stack", string(panicked.stack)))
	case errors.As(err, &code):
		l.message = "guest answered with an error"
	}
	return l
}

// backtrace is the innermost frames of a trap, on one line.
func backtrace(t *engine.Trap) string {
	const most = 8
	var b strings.Builder
	for i, f := range t.Backtrace {
		if i == most {
			b.WriteString(" < …")
			break
		}
		if i > 0 {
			b.WriteString(" < ")
		}
		b.WriteString(clip(f.String(), 128))
	}
	return b.String()
}

// causeContext is the guest's context, or one that never ends before there is one.
func (x *exchange) causeContext() context.Context {
	if x.ctx == nil {
		return context.Background()
	}
	return x.ctx
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
