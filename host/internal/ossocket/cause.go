package ossocket

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Cause is what an error means, the same on every system.
type Cause uint8

// The causes.
const (
	Unknown Cause = iota
	Denied
	NotSupported
	InvalidArgument
	OutOfMemory
	TimedOut
	WouldBlock
	InvalidState // not connected, connected already, no destination
	SocketLimit
	AddressNotBindable
	AddressInUse
	Unreachable
	Refused
	Reset
	Aborted
	Broken // written to after the other end, or this one, had closed
	TooLarge
)

// CauseOf is the cause of an error of this package, or of one of package net.
func CauseOf(err error) Cause {
	var errno syscall.Errno
	switch {
	case err == nil:
		return Unknown
	case errors.Is(err, ErrWouldBlock):
		return WouldBlock
	case errors.Is(err, ErrNotSupported):
		return NotSupported
	case errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	case errors.Is(err, os.ErrClosed), errors.Is(err, net.ErrClosed):
		return Broken
	case errors.As(err, &errno):
		return causes[errno]
	}
	return Unknown
}
