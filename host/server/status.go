package server

import (
	"context"
	"errors"
	"log/slog"
	gohttp "net/http"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
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
		level, message := slog.LevelError, "request failed"
		if cause := context.Cause(x.causeContext()); cause != nil && !errors.Is(cause, errAnswered) {
			err = cause // the guest's trap is only its consequence
		}
		var exit *cli.ExitError
		var code wasihttp.ErrorCode
		var unset http.NotSetError
		switch {
		case errors.Is(err, errClientGone), errors.Is(err, errWrite):
			level, message = slog.LevelInfo, "request given up"
		case errors.As(err, &exit):
			if exit.Code == 0 {
				level = slog.LevelInfo
			}
			message = "guest exited"
		case errors.As(err, &code):
			message = "guest answered with an error"
		case errors.As(err, &unset):
			message = "guest gave no response"
		}
		x.h.log.LogAttrs(context.Background(), level, message,
			slog.String("request", x.id),
			slog.String("method", x.r.Method),
			slog.String("path", clip(x.r.URL.Path, 256)),
			slog.String("error", err.Error()),
		)
	})
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
