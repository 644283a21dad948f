package ossocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func open(domain, typ int) (int, error) {
	return unix.Socket(domain, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

func accept(fd int) (int, error) {
	nfd, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return nfd, err
}

// Disconnect undoes Connect on a UDP socket. It stays bound.
func (s *Socket) Disconnect() error {
	before, err := s.LocalAddr()
	if err != nil {
		return err
	}
	err = s.control(func(fd int) error {
		to := unix.RawSockaddr{Family: unix.AF_UNSPEC}
		_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
		if errno != 0 {
			return errno
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A port that the system had chosen is given back with the association.
	if after, err := s.LocalAddr(); err != nil || after.Port != 0 {
		return err
	}
	return s.Bind(Addr{IP: s.bound.IP, Port: before.Port, Scope: s.bound.Scope})
}

const (
	inheritsOptions = true
	bufferFactor    = 2 // what getsockopt gives includes room for bookkeeping
)

var names = [options]name{
	KeepAlive:         {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	KeepAliveIdle:     {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
	KeepAliveInterval: {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	KeepAliveCount:    {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	ReceiveBuffer:     {unix.SOL_SOCKET, unix.SO_RCVBUF},
	SendBuffer:        {unix.SOL_SOCKET, unix.SO_SNDBUF},
}
