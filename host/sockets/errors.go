package sockets

import (
	"errors"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
)

var codes = [...]wasisockets.ErrorCode{
	ossocket.Unknown:            wasisockets.ErrorCodeUnknown,
	ossocket.Denied:             wasisockets.ErrorCodeAccessDenied,
	ossocket.NotSupported:       wasisockets.ErrorCodeNotSupported,
	ossocket.InvalidArgument:    wasisockets.ErrorCodeInvalidArgument,
	ossocket.OutOfMemory:        wasisockets.ErrorCodeOutOfMemory,
	ossocket.TimedOut:           wasisockets.ErrorCodeTimeout,
	ossocket.WouldBlock:         wasisockets.ErrorCodeWouldBlock,
	ossocket.InvalidState:       wasisockets.ErrorCodeInvalidState,
	ossocket.SocketLimit:        wasisockets.ErrorCodeNewSocketLimit,
	ossocket.AddressNotBindable: wasisockets.ErrorCodeAddressNotBindable,
	ossocket.AddressInUse:       wasisockets.ErrorCodeAddressInUse,
	ossocket.Unreachable:        wasisockets.ErrorCodeRemoteUnreachable,
	ossocket.Refused:            wasisockets.ErrorCodeConnectionRefused,
	ossocket.Reset:              wasisockets.ErrorCodeConnectionReset,
	ossocket.Aborted:            wasisockets.ErrorCodeConnectionAborted,
	ossocket.Broken:             wasisockets.ErrorCodeConnectionAborted,
	ossocket.TooLarge:           wasisockets.ErrorCodeDatagramTooLarge,
}

// errorCode is what the guest sees of an error: it names nothing of the host.
func errorCode(err error) error {
	if err == nil {
		return nil
	}
	return codeOf(err)
}

func codeOf(err error) wasisockets.ErrorCode {
	var code wasisockets.ErrorCode
	if errors.As(err, &code) {
		return code
	}
	return codes[ossocket.CauseOf(err)]
}

// bindError is errorCode for an address to bind to.
func bindError(err error) error {
	if ossocket.CauseOf(err) == ossocket.NotSupported {
		return wasisockets.ErrorCodeInvalidArgument // an address that is not of the family
	}
	return errorCode(err)
}

// connectError is errorCode for an address to connect to.
func connectError(err error) error {
	switch ossocket.CauseOf(err) {
	case ossocket.AddressNotBindable, ossocket.WouldBlock: // what systems say when out of ports
		return wasisockets.ErrorCodeAddressInUse
	case ossocket.NotSupported:
		return wasisockets.ErrorCodeInvalidArgument
	}
	return errorCode(err)
}
