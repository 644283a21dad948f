package ossocket

import (
	"io"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Socket is one socket. Its methods may be called from several goroutines.
//
// Go's own poller takes no sockets that it did not make, so that those who wait
// poll for it, each for pollSlice at a time.
type Socket struct {
	family Family
	kind   Kind
	bound  Addr

	mu       sync.Mutex
	handle   windows.Handle
	users    int // calls that use handle
	closed   bool
	readEnd  bool // ShutdownRead was called
	deadline time.Time
}

// pollSlice is how long closing may take to end a call that waits.
const pollSlice = 50 * time.Millisecond

var startup = sync.OnceValue(func() error {
	var d windows.WSAData
	return windows.WSAStartup(0x202, &d)
})

// What golang.org/x/sys/windows does not have of Winsock.
var (
	winsock         = windows.NewLazySystemDLL("ws2_32.dll")
	procAccept      = winsock.NewProc("accept")
	procPoll        = winsock.NewProc("WSAPoll")
	procIoctlsocket = winsock.NewProc("ioctlsocket")
)

const (
	fionbio  = 0x8004667e
	soError  = 0x1007
	pollIn   = 0x0300
	pollOut  = 0x0010
	noHandle = ^uintptr(0)
	maxChunk = 0x7fffffff // of one call
)

// Open makes a socket.
func Open(family Family, kind Kind) (*Socket, error) {
	if err := startup(); err != nil {
		return nil, err
	}
	domain, typ, proto := windows.AF_INET, windows.SOCK_STREAM, windows.IPPROTO_TCP
	if family == IPv6 {
		domain = windows.AF_INET6
	}
	if kind == UDP {
		typ, proto = windows.SOCK_DGRAM, windows.IPPROTO_UDP
	}
	h, err := windows.WSASocket(int32(domain), int32(typ), int32(proto), nil, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(family, kind, h)
	if err != nil {
		return nil, err
	}
	if family == IPv6 {
		if err := windows.SetsockoptInt(h, windows.IPPROTO_IPV6, windows.IPV6_V6ONLY, 1); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// newSocket prepares a fresh handle.
func newSocket(family Family, kind Kind, h windows.Handle) (*Socket, error) {
	s := &Socket{family: family, kind: kind, handle: h}
	on := uint32(1)
	if r, _, err := procIoctlsocket.Call(uintptr(h), fionbio, uintptr(unsafe.Pointer(&on))); int32(r) != 0 {
		s.Close()
		return nil, err
	}
	if kind == TCP {
		_ = windows.SetsockoptInt(h, windows.IPPROTO_TCP, windows.TCP_NODELAY, 1)
	}
	return s, nil
}

// control runs f on the handle, which stays open as long.
func (s *Socket) control(f func(h windows.Handle) error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return os.ErrClosed
	}
	s.users++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.users--
		s.release()
	}()
	return f(s.handle)
}

// release closes the handle once nobody uses it. It is called with mu held.
func (s *Socket) release() {
	if s.closed && s.users == 0 {
		_ = windows.Closesocket(s.handle)
	}
}

// Close ends the socket and every call that waits for it.
func (s *Socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.release()
	}
}

func (s *Socket) sockaddr(a Addr) windows.Sockaddr {
	if s.family == IPv6 {
		return &windows.SockaddrInet6{Port: int(a.Port), ZoneId: a.Scope, Addr: a.IP.As16()}
	}
	return &windows.SockaddrInet4{Port: int(a.Port), Addr: a.IP.As4()}
}

func addrOf(sa windows.Sockaddr) Addr {
	switch sa := sa.(type) {
	case *windows.SockaddrInet4:
		return Addr{IP: netip.AddrFrom4(sa.Addr), Port: uint16(sa.Port)}
	case *windows.SockaddrInet6:
		return Addr{IP: netip.AddrFrom16(sa.Addr), Port: uint16(sa.Port), Scope: sa.ZoneId}
	}
	return Addr{}
}

// Bind gives the socket a local address.
func (s *Socket) Bind(a Addr) error {
	err := s.control(func(h windows.Handle) error { return windows.Bind(h, s.sockaddr(a)) })
	if err == windows.WSAENOBUFS { // out of ports
		return windows.WSAEADDRINUSE
	}
	if err == nil {
		s.bound = a
	}
	return err
}

// LocalAddr is the address of this end; the zero port is an unbound socket's.
func (s *Socket) LocalAddr() (a Addr, err error) {
	err = s.control(func(h windows.Handle) error {
		sa, err := windows.Getsockname(h)
		if err == windows.WSAEINVAL { // not bound
			return nil
		}
		a = addrOf(sa)
		return err
	})
	return a, err
}

// RemoteAddr is the address of the other end.
func (s *Socket) RemoteAddr() (a Addr, err error) {
	err = s.control(func(h windows.Handle) error {
		sa, err := windows.Getpeername(h)
		a = addrOf(sa)
		return err
	})
	return a, err
}

// Connect starts to connect; ConnectResult says how it went. On a UDP socket it
// is done at once: only datagrams of that address come in from then on.
func (s *Socket) Connect(a Addr) error {
	err := s.control(func(h windows.Handle) error { return windows.Connect(h, s.sockaddr(a)) })
	if err == windows.WSAEWOULDBLOCK || err == windows.WSAEINPROGRESS {
		return nil
	}
	return err
}

// Disconnect undoes Connect on a UDP socket. It stays bound.
func (s *Socket) Disconnect() error {
	null := Addr{IP: netip.IPv4Unspecified()}
	if s.family == IPv6 {
		null.IP = netip.IPv6Unspecified()
	}
	_ = s.Connect(null)
	if _, err := s.RemoteAddr(); err == nil {
		return ErrNotSupported
	}
	return nil
}

// ConnectResult is the outcome of Connect, or ErrWouldBlock.
func (s *Socket) ConnectResult() error {
	if !s.Ready(Writable) {
		return ErrWouldBlock
	}
	n, err := s.getsockopt(name{windows.SOL_SOCKET, soError})
	if err == nil && n != 0 {
		err = syscall.Errno(n)
	}
	return err
}

// Listen makes the socket accept connections; a second call changes the backlog.
func (s *Socket) Listen(backlog int) error {
	return s.control(func(h windows.Handle) error { return windows.Listen(h, backlog) })
}

// Accept takes a connection, or returns ErrWouldBlock.
func (s *Socket) Accept() (c *Socket, err error) {
	err = s.control(func(h windows.Handle) error {
		r, _, err := procAccept.Call(uintptr(h), 0, 0)
		switch {
		case r != noHandle:
		case err == windows.WSAECONNRESET:
			return windows.WSAECONNABORTED
		default:
			return wouldBlock(err)
		}
		c, err = newSocket(s.family, s.kind, windows.Handle(r))
		return err
	})
	if err != nil {
		return nil, err
	}
	_ = windows.SetHandleInformation(c.handle, windows.HANDLE_FLAG_INHERIT, 0)
	return c, nil
}

// Receive takes a datagram, or returns ErrWouldBlock.
func (s *Socket) Receive(p []byte) (n int, from Addr, err error) {
	err = s.control(func(h windows.Handle) error {
		var sa windows.Sockaddr
		var err error
		n, sa, err = windows.Recvfrom(h, p, 0)
		from = addrOf(sa)
		return wouldBlock(err)
	})
	return max(n, 0), from, err
}

// Send sends a datagram, or returns ErrWouldBlock. The zero Addr is that of the
// other end.
func (s *Socket) Send(p []byte, to Addr) error {
	return s.control(func(h windows.Handle) error {
		if to.IP.IsValid() {
			return wouldBlock(windows.Sendto(h, p, 0, s.sockaddr(to)))
		}
		var n uint32
		return wouldBlock(windows.WSASend(h, bufferOf(p), 1, &n, 0, nil, nil))
	})
}

func bufferOf(p []byte) *windows.WSABuf {
	return &windows.WSABuf{Len: uint32(min(len(p), maxChunk)), Buf: unsafe.SliceData(p)}
}

func wouldBlock(err error) error {
	if err == windows.WSAEWOULDBLOCK {
		return ErrWouldBlock
	}
	return err
}

// Read implements io.Reader on a connection.
func (s *Socket) Read(p []byte) (int, error) {
	for {
		var n, flags uint32
		err := s.control(func(h windows.Handle) error {
			return wouldBlock(windows.WSARecv(h, bufferOf(p), 1, &n, &flags, nil, nil))
		})
		switch {
		case err == ErrWouldBlock:
			if err := s.wait(Readable, func() bool { return s.readEnd }); err != nil {
				return 0, err
			}
		case err == nil && n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return int(n), err
		}
	}
}

// Write implements io.Writer on a connection.
func (s *Socket) Write(p []byte) (done int, err error) {
	for done < len(p) {
		var n uint32
		err := s.control(func(h windows.Handle) error {
			return wouldBlock(windows.WSASend(h, bufferOf(p[done:]), 1, &n, 0, nil, nil))
		})
		if err == ErrWouldBlock {
			err = s.wait(Writable, func() bool { return !s.deadline.IsZero() && time.Now().After(s.deadline) })
		}
		if err != nil {
			return done, err
		}
		done += int(n)
	}
	return done, nil
}

// SetWriteDeadline bounds Write on a connection.
func (s *Socket) SetWriteDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
}

// ShutdownRead ends reading: a Read under way and all later ones return at once.
func (s *Socket) ShutdownRead() {
	s.mu.Lock()
	s.readEnd = true
	s.mu.Unlock()
	_ = s.control(func(h windows.Handle) error { return windows.Shutdown(h, windows.SHUT_RD) })
}

// ShutdownWrite tells the other end that no more comes.
func (s *Socket) ShutdownWrite() {
	_ = s.control(func(h windows.Handle) error { return windows.Shutdown(h, windows.SHUT_WR) })
}

// Ready says whether Wait would end at once.
func (s *Socket) Ready(d Direction) bool {
	ready, err := s.poll(d, 0)
	return ready || err != nil
}

// Wait returns when the socket is ready, or closed.
func (s *Socket) Wait(d Direction) error { return s.wait(d, nil) }

// wait returns when the socket is ready, closed, or, with mu held, over.
func (s *Socket) wait(d Direction, over func() bool) error {
	for {
		if ready, err := s.poll(d, pollSlice); ready || err != nil {
			return err
		}
		if over == nil {
			continue
		}
		s.mu.Lock()
		end := over()
		s.mu.Unlock()
		if end {
			return os.ErrDeadlineExceeded
		}
	}
}

func (s *Socket) poll(d Direction, timeout time.Duration) (ready bool, err error) {
	err = s.control(func(h windows.Handle) error {
		p := struct {
			handle          windows.Handle
			events, revents int16
		}{h, pollIn, 0}
		if d == Writable {
			p.events = pollOut
		}
		r, _, err := procPoll.Call(uintptr(unsafe.Pointer(&p)), 1, uintptr(timeout.Milliseconds()))
		if int32(r) < 0 {
			return err
		}
		ready = r > 0
		return nil
	})
	return ready, err
}

func (s *Socket) getsockopt(n name) (v int, err error) {
	err = s.control(func(h windows.Handle) error {
		v, err = windows.GetsockoptInt(h, n.level, n.opt)
		return err
	})
	return v, err
}

func (s *Socket) setsockopt(n name, v int) error {
	return s.control(func(h windows.Handle) error { return windows.SetsockoptInt(h, n.level, n.opt, v) })
}

const (
	inheritsOptions = true
	bufferFactor    = 1
)

var hopLimit = [...]name{
	IPv4: {windows.IPPROTO_IP, windows.IP_TTL},
	IPv6: {windows.IPPROTO_IPV6, windows.IPV6_UNICAST_HOPS},
}

var names = [options]name{
	KeepAlive:         {windows.SOL_SOCKET, windows.SO_KEEPALIVE},
	KeepAliveIdle:     {windows.IPPROTO_TCP, windows.TCP_KEEPIDLE},
	KeepAliveInterval: {windows.IPPROTO_TCP, windows.TCP_KEEPINTVL},
	KeepAliveCount:    {windows.IPPROTO_TCP, windows.TCP_KEEPCNT},
	ReceiveBuffer:     {windows.SOL_SOCKET, windows.SO_RCVBUF},
	SendBuffer:        {windows.SOL_SOCKET, windows.SO_SNDBUF},
}
