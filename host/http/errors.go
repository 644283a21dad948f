package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	goio "io"
	"net"
	gohttp "net/http"
	"os"
	"strings"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

// errorCode is the error code of a failed round trip or read. What the guest
// sees names no address of the host's network.
func errorCode(err error) wasihttp.ErrorCode {
	var c wasihttp.ErrorCode
	if errors.As(err, &c) {
		return c
	}
	for _, f := range []func(error) (wasihttp.ErrorCode, bool){dnsCode, tlsCode, protocolCode, connectionCode} {
		if c, ok := f(err); ok {
			return c
		}
	}
	return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeInternalError, InternalError: abi.Some("the request failed")}
}

func dnsCode(err error) (c wasihttp.ErrorCode, ok bool) {
	var d *net.DNSError
	if !errors.As(err, &d) {
		return c, false
	}
	if d.IsTimeout {
		return code(wasihttp.ErrorCodeDNSTimeout), true
	}
	rcode := "SERVFAIL"
	if d.IsNotFound {
		rcode = "NXDOMAIN"
	}
	return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeDNSError, DNSError: wasihttp.DNSErrorPayload{Rcode: abi.Some(rcode)}}, true
}

func tlsCode(err error) (c wasihttp.ErrorCode, ok bool) {
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeTLSAlertReceived, TLSAlertReceived: wasihttp.TLSAlertReceivedPayload{
			AlertID: abi.Some(uint8(alert)), AlertMessage: abi.Some(alert.Error()),
		}}, true
	}
	var (
		verification *tls.CertificateVerificationError
		unknown      x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &verification), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return code(wasihttp.ErrorCodeTLSCertificateError), true
	case errors.As(err, &record), strings.Contains(err.Error(), "tls: "):
		return code(wasihttp.ErrorCodeTLSProtocolError), true
	}
	return c, false
}

// protocolCode knows the errors of net/http that have no type by their text.
func protocolCode(err error) (c wasihttp.ErrorCode, ok bool) {
	var protocol *gohttp.ProtocolError
	text := err.Error()
	switch {
	case errors.Is(err, io.ErrUnfinished):
		return code(wasihttp.ErrorCodeHTTPProtocolError), true
	case strings.Contains(text, "server response headers exceeded"), strings.Contains(text, "header list larger"):
		return code(wasihttp.ErrorCodeHTTPResponseHeaderSectionSize), true
	case errors.Is(err, gohttp.ErrSchemeMismatch), errors.As(err, &protocol),
		strings.Contains(text, "malformed"), strings.Contains(text, "http2: "):
		return code(wasihttp.ErrorCodeHTTPProtocolError), true
	case strings.Contains(text, "unsupported transfer encoding"):
		return code(wasihttp.ErrorCodeHTTPResponseTransferCoding), true
	case errors.Is(err, goio.ErrUnexpectedEOF):
		return code(wasihttp.ErrorCodeHTTPResponseIncomplete), true
	}
	return c, false
}

func connectionCode(err error) (c wasihttp.ErrorCode, ok bool) {
	var op *net.OpError
	dialing := errors.As(err, &op) && op.Op == "dial"
	var ne net.Error
	switch cause := ossocket.CauseOf(err); {
	case cause == ossocket.Refused:
		return code(wasihttp.ErrorCodeConnectionRefused), true
	case cause == ossocket.Unreachable:
		return code(wasihttp.ErrorCodeDestinationIPUnroutable), true
	case cause == ossocket.Reset, cause == ossocket.Aborted, cause == ossocket.Broken, errors.Is(err, goio.EOF):
		return code(wasihttp.ErrorCodeConnectionTerminated), true
	case errors.Is(err, context.Canceled):
		return code(wasihttp.ErrorCodeConnectionTerminated), true
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		if dialing {
			return code(wasihttp.ErrorCodeConnectionTimeout), true
		}
		return code(wasihttp.ErrorCodeConnectionReadTimeout), true
	case dialing:
		return code(wasihttp.ErrorCodeDestinationUnavailable), true
	}
	return c, false
}
