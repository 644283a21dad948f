//go:build !windows && !plan9

package ossocket

import "syscall"

// causes has the system's errors of sockets.
var causes = map[syscall.Errno]Cause{
	syscall.EACCES:          Denied,
	syscall.EPERM:           Denied,
	syscall.EOPNOTSUPP:      NotSupported,
	syscall.ENOPROTOOPT:     NotSupported,
	syscall.EPROTONOSUPPORT: NotSupported,
	syscall.EPROTOTYPE:      NotSupported,
	syscall.EAFNOSUPPORT:    NotSupported,
	syscall.EINVAL:          InvalidArgument,
	syscall.ENOMEM:          OutOfMemory,
	syscall.ENOBUFS:         OutOfMemory,
	syscall.ETIMEDOUT:       TimedOut,
	syscall.EAGAIN:          WouldBlock,
	syscall.EINTR:           WouldBlock,
	syscall.EISCONN:         InvalidState,
	syscall.ENOTCONN:        InvalidState,
	syscall.EDESTADDRREQ:    InvalidState,
	syscall.EMFILE:          SocketLimit,
	syscall.ENFILE:          SocketLimit,
	syscall.EADDRNOTAVAIL:   AddressNotBindable,
	syscall.EADDRINUSE:      AddressInUse,
	syscall.EHOSTUNREACH:    Unreachable,
	syscall.ENETUNREACH:     Unreachable,
	syscall.ENETDOWN:        Unreachable,
	syscall.ECONNREFUSED:    Refused,
	syscall.ECONNRESET:      Reset,
	syscall.ENETRESET:       Reset,
	syscall.ECONNABORTED:    Aborted,
	syscall.EPIPE:           Broken,
	syscall.EBADF:           Broken,
	syscall.EMSGSIZE:        TooLarge,
}
