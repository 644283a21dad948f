//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ossocket

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func open(domain, typ int) (int, error) {
	// No other process may be started between socket and close-on-exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(domain, typ, 0)
	return prepare(fd, err)
}

func accept(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	nfd, _, err := unix.Accept(fd)
	return prepare(nfd, err)
}

func prepare(fd int, err error) (int, error) {
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Disconnect undoes Connect on a UDP socket. It stays bound.
func (s *Socket) Disconnect() error {
	if !s.bound.IP.IsUnspecified() {
		// These systems would widen the local address to every interface.
		return ErrNotSupported
	}
	null := s.sockaddr(Addr{IP: s.bound.IP})
	_ = s.control(func(fd int) error { return unix.Connect(fd, null) })
	if _, err := s.RemoteAddr(); err == nil {
		return ErrNotSupported
	}
	return nil
}

const bufferFactor = 1

var names = [options]name{
	KeepAlive:         {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	KeepAliveIdle:     {unix.IPPROTO_TCP, tcpKeepIdle},
	KeepAliveInterval: {unix.IPPROTO_TCP, tcpKeepInterval},
	KeepAliveCount:    {unix.IPPROTO_TCP, tcpKeepCount},
	ReceiveBuffer:     {unix.SOL_SOCKET, unix.SO_RCVBUF},
	SendBuffer:        {unix.SOL_SOCKET, unix.SO_SNDBUF},
}
