package ossocket

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// causes has the errors of Winsock.
var causes = map[syscall.Errno]Cause{
	windows.WSAEACCES:          Denied,
	windows.WSAEOPNOTSUPP:      NotSupported,
	windows.WSAENOPROTOOPT:     NotSupported,
	windows.WSAEPROTONOSUPPORT: NotSupported,
	windows.WSAEPROTOTYPE:      NotSupported,
	windows.WSAESOCKTNOSUPPORT: NotSupported,
	windows.WSAEPFNOSUPPORT:    NotSupported,
	windows.WSAEAFNOSUPPORT:    NotSupported,
	windows.WSAEINVAL:          InvalidArgument,
	windows.WSAEFAULT:          InvalidArgument,
	windows.WSAENOBUFS:         OutOfMemory,
	windows.WSAETIMEDOUT:       TimedOut,
	windows.WSAEWOULDBLOCK:     WouldBlock,
	windows.WSAEINTR:           WouldBlock,
	windows.WSAEISCONN:         InvalidState,
	windows.WSAENOTCONN:        InvalidState,
	windows.WSAEDESTADDRREQ:    InvalidState,
	windows.WSAEMFILE:          SocketLimit,
	windows.WSAEADDRNOTAVAIL:   AddressNotBindable,
	windows.WSAEADDRINUSE:      AddressInUse,
	windows.WSAEHOSTUNREACH:    Unreachable,
	windows.WSAEHOSTDOWN:       Unreachable,
	windows.WSAENETUNREACH:     Unreachable,
	windows.WSAENETDOWN:        Unreachable,
	windows.WSAECONNREFUSED:    Refused,
	windows.WSAECONNRESET:      Reset,
	windows.WSAENETRESET:       Reset,
	windows.WSAECONNABORTED:    Aborted,
	windows.WSAESHUTDOWN:       Broken,
	windows.WSAENOTSOCK:        Broken,
	windows.WSAEMSGSIZE:        TooLarge,
}
