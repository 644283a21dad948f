//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ossocket

import (
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is one socket. Its methods may be called from several goroutines.
type Socket struct {
	family Family
	kind   Kind
	bound  Addr // what Bind was given

	mu sync.Mutex
	fd int // before the poller has it; then, and once closed, -1
	// The poller takes a socket when it connects or listens: some systems lose
	// events that were asked for before.
	file *os.File
	raw  syscall.RawConn
}

// Open makes a socket.
func Open(family Family, kind Kind) (*Socket, error) {
	domain, typ := unix.AF_INET, unix.SOCK_STREAM
	if family == IPv6 {
		domain = unix.AF_INET6
	}
	if kind == UDP {
		typ = unix.SOCK_DGRAM
	}
	fd, err := open(domain, typ)
	if err != nil {
		return nil, err
	}
	s := &Socket{family: family, kind: kind, fd: fd}
	if family == IPv6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil && kind == TCP {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil && kind == UDP {
		err = s.attach()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// attach gives the socket to Go's poller.
func (s *Socket) attach() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return nil
	}
	if s.fd < 0 {
		return os.ErrClosed
	}
	file := os.NewFile(uintptr(s.fd), "socket")
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	s.fd, s.file, s.raw = -1, file, raw
	return nil
}

// control runs f on the descriptor, which stays open as long.
func (s *Socket) control(f func(fd int) error) error {
	s.mu.Lock()
	raw := s.raw
	if raw == nil {
		defer s.mu.Unlock()
		if s.fd < 0 {
			return os.ErrClosed
		}
		return f(s.fd)
	}
	s.mu.Unlock()
	var err error
	if raw.Control(func(fd uintptr) { err = f(int(fd)) }) != nil {
		return os.ErrClosed
	}
	return err
}

// Close ends the socket and every call that waits for it.
func (s *Socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
	} else if s.fd >= 0 {
		_ = unix.Close(s.fd)
		s.fd = -1
	}
}

// sockaddr is a as the system has it.
func (s *Socket) sockaddr(a Addr) unix.Sockaddr {
	if s.family == IPv6 {
		return &unix.SockaddrInet6{Port: int(a.Port), ZoneId: a.Scope, Addr: a.IP.As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port), Addr: a.IP.As4()}
}

func addrOf(sa unix.Sockaddr) Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return Addr{IP: netip.AddrFrom4(sa.Addr), Port: uint16(sa.Port)}
	case *unix.SockaddrInet6:
		return Addr{IP: netip.AddrFrom16(sa.Addr), Port: uint16(sa.Port), Scope: sa.ZoneId}
	}
	return Addr{}
}

// Bind gives the socket a local address. A connection of an earlier one that
// waits out its end does not hold the address.
func (s *Socket) Bind(a Addr) error {
	err := s.control(func(fd int) error {
		if s.kind == TCP {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
				return err
			}
		}
		return unix.Bind(fd, s.sockaddr(a))
	})
	if err == nil {
		s.bound = a
	}
	return err
}

// LocalAddr is the address of this end; the zero port is an unbound socket's.
func (s *Socket) LocalAddr() (a Addr, err error) {
	err = s.control(func(fd int) error {
		sa, err := unix.Getsockname(fd)
		a = addrOf(sa)
		return err
	})
	return a, err
}

// RemoteAddr is the address of the other end.
func (s *Socket) RemoteAddr() (a Addr, err error) {
	err = s.control(func(fd int) error {
		sa, err := unix.Getpeername(fd)
		a = addrOf(sa)
		return err
	})
	return a, err
}

// Connect starts to connect; ConnectResult says how it went. On a UDP socket it
// is done at once: only datagrams of that address come in from then on.
func (s *Socket) Connect(a Addr) error {
	err := s.control(func(fd int) error { return connect(fd, s.sockaddr(a)) })
	if err != nil {
		return err
	}
	return s.attach()
}

func connect(fd int, sa unix.Sockaddr) error {
	switch err := unix.Connect(fd, sa); err {
	case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
		return nil
	default:
		return err
	}
}

// ConnectResult is the outcome of Connect, or ErrWouldBlock.
func (s *Socket) ConnectResult() error {
	if !s.Ready(Writable) {
		return ErrWouldBlock
	}
	return s.control(func(fd int) error {
		n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && n != 0 {
			err = syscall.Errno(n)
		}
		return err
	})
}

// Listen makes the socket accept connections; a second call changes the backlog.
func (s *Socket) Listen(backlog int) error {
	if err := s.control(func(fd int) error { return unix.Listen(fd, backlog) }); err != nil {
		return err
	}
	return s.attach()
}

// Accept takes a connection, or returns ErrWouldBlock.
func (s *Socket) Accept() (*Socket, error) {
	c := &Socket{family: s.family, kind: s.kind, fd: -1}
	err := s.control(func(fd int) (err error) {
		for {
			if c.fd, err = accept(fd); err != unix.EINTR {
				return err
			}
		}
	})
	if err != nil {
		return nil, acceptError(err)
	}
	_ = unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	c.inherit(s)
	if err := c.attach(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// acceptError makes one of what systems say of a connection that ended before
// it was accepted.
func acceptError(err error) error {
	switch err {
	case unix.EAGAIN:
		return ErrWouldBlock
	case unix.ECONNRESET, unix.ENETRESET, unix.EHOSTUNREACH, unix.EHOSTDOWN, unix.ENETDOWN,
		unix.ENETUNREACH, unix.EPROTO, unix.ENOPROTOOPT, unix.EOPNOTSUPP:
		return unix.ECONNABORTED
	}
	return err
}

// Receive takes a datagram, or returns ErrWouldBlock.
func (s *Socket) Receive(p []byte) (n int, from Addr, err error) {
	err = s.control(func(fd int) error {
		for {
			var sa unix.Sockaddr
			var err error
			if n, sa, err = unix.Recvfrom(fd, p, 0); err != unix.EINTR {
				from = addrOf(sa)
				return err
			}
		}
	})
	return max(n, 0), from, wouldBlock(err)
}

// Send sends a datagram, or returns ErrWouldBlock. The zero Addr is that of the
// other end.
func (s *Socket) Send(p []byte, to Addr) error {
	var sa unix.Sockaddr
	if to.IP.IsValid() {
		sa = s.sockaddr(to)
	}
	return wouldBlock(s.control(func(fd int) (err error) {
		for {
			if err = unix.Sendto(fd, p, 0, sa); err != unix.EINTR {
				return err
			}
		}
	}))
}

func wouldBlock(err error) error {
	if err == unix.EAGAIN {
		return ErrWouldBlock
	}
	return err
}

// Read implements io.Reader on a connection.
func (s *Socket) Read(p []byte) (int, error) { return s.file.Read(p) }

// Write implements io.Writer on a connection.
func (s *Socket) Write(p []byte) (int, error) { return s.file.Write(p) }

// SetWriteDeadline bounds Write on a connection.
func (s *Socket) SetWriteDeadline(t time.Time) { _ = s.file.SetWriteDeadline(t) }

// ShutdownRead ends reading: a Read under way and all later ones return at once.
func (s *Socket) ShutdownRead() {
	_ = s.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
	_ = s.file.SetReadDeadline(time.Unix(1, 0))
}

// ShutdownWrite tells the other end that no more comes.
func (s *Socket) ShutdownWrite() {
	_ = s.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// Ready says whether Wait would end at once.
func (s *Socket) Ready(d Direction) bool {
	ready := true
	err := s.control(func(fd int) error { ready = poll(fd, d); return nil })
	return err != nil || ready
}

// Wait returns when the socket is ready, or closed.
func (s *Socket) Wait(d Direction) error {
	if err := s.attach(); err != nil {
		return err
	}
	wait := s.raw.Read
	if d == Writable {
		wait = s.raw.Write
	}
	if wait(func(fd uintptr) bool { return poll(int(fd), d) }) != nil {
		return os.ErrClosed
	}
	return nil
}

func poll(fd int, d Direction) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if d == Writable {
		p[0].Events = unix.POLLOUT
	}
	n, err := unix.Poll(p, 0)
	return n > 0 || err != nil && err != unix.EINTR && err != unix.EAGAIN
}

func (s *Socket) getsockopt(n name) (v int, err error) {
	err = s.control(func(fd int) error {
		v, err = unix.GetsockoptInt(fd, n.level, n.opt)
		return err
	})
	return v, err
}

func (s *Socket) setsockopt(n name, v int) error {
	return s.control(func(fd int) error { return unix.SetsockoptInt(fd, n.level, n.opt, v) })
}

var hopLimit = [...]name{
	IPv4: {unix.IPPROTO_IP, unix.IP_TTL},
	IPv6: {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
}
