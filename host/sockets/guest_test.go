package sockets

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

var bg = context.Background()

const (
	v4 = wasisockets.IPAddressFamilyIPv4
	v6 = wasisockets.IPAddressFamilyIPv6
)

// codeName is the name of the error code that a guest got, "ok", or the text of
// what traps it.
func codeName(err error) string {
	var code wasisockets.ErrorCode
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &code):
		return code.String()
	}
	return "trap: " + err.Error()
}

// addr is the address that text has, such as 127.0.0.1:80.
func addr(text string) wasisockets.IPSocketAddress {
	ap := netip.MustParseAddrPort(text)
	a := addressOf(ossocket.Addr{IP: ap.Addr(), Port: ap.Port()})
	if ap.Addr().Is4In6() {
		a.Tag = wasisockets.IPSocketAddressIPv6
	}
	return a
}

func portOf(a wasisockets.IPSocketAddress) uint16 { return addrOf(a).Port }

func loopback(f wasisockets.IPAddressFamily, port uint16) wasisockets.IPSocketAddress {
	ip := netip.MustParseAddr("127.0.0.1")
	if f == v6 {
		ip = netip.IPv6Loopback()
	}
	return addressOf(ossocket.Addr{IP: ip, Port: port})
}

// guest does what a guest does, on an instance that is granted the patterns.
type guest struct {
	*State
	t *testing.T
}

type grant func(*Config)

func allow(patterns ...string) grant {
	return func(c *Config) {
		p, err := ParsePolicy(patterns)
		if err != nil {
			panic(err)
		}
		p.BlockPrivate = c.Network.Policy != nil && c.Network.Policy.BlockPrivate
		c.Network.Policy = p
	}
}

// newGuest is a guest that is allowed everything, unless the grants say else.
func newGuest(t *testing.T, grants ...grant) guest {
	t.Helper()
	before := runtime.NumGoroutine()
	c := Config{Network: &Network{}, Budget: io.NewBudget(16 << 20)}
	allow("*")(&c)
	for _, g := range grants {
		g(&c)
	}
	s := NewState(bg, c)
	t.Cleanup(func() {
		s.Close()
		for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				buf := make([]byte, 1<<16)
				t.Fatalf("%d goroutines, had %d\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for k := range s.sockets { // those that the guest did not drop
			if _, err := k.LocalAddr(); err == nil {
				t.Error("a socket outlived its instance")
			}
		}
	})
	return guest{s, t}
}

func (g guest) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g guest) tcp(f wasisockets.IPAddressFamily) *TCPSocket {
	g.t.Helper()
	s, err := g.CreateTCPSocket(bg, f)
	g.must(err)
	return s.(*TCPSocket)
}

func (g guest) udp(f wasisockets.IPAddressFamily) *UDPSocket {
	g.t.Helper()
	s, err := g.CreateUDPSocket(bg, f)
	g.must(err)
	return s.(*UDPSocket)
}

// await calls op until it does not say would-block, and waits in between.
func await(p wasiio.Pollable, op func() error) error {
	ctx, cancel := context.WithTimeout(bg, 10*time.Second)
	defer cancel()
	for {
		err := op()
		if codeName(err) != "would-block" {
			return err
		}
		if err := p.Block(ctx); err != nil {
			return err
		}
	}
}

func bind(s interface {
	StartBind(context.Context, wasisockets.Network, wasisockets.IPSocketAddress) error
	FinishBind(context.Context) error
}, a wasisockets.IPSocketAddress) error {
	if err := s.StartBind(bg, network{}, a); err != nil {
		return err
	}
	return s.FinishBind(bg)
}

func listen(s *TCPSocket) error {
	if err := s.StartListen(bg); err != nil {
		return err
	}
	return s.FinishListen(bg)
}

func connect(s *TCPSocket, a wasisockets.IPSocketAddress) (out streams, err error) {
	if err := s.StartConnect(bg, network{}, a); err != nil {
		return out, err
	}
	p, _ := s.Subscribe(bg)
	err = await(p, func() (err error) { out, err = s.FinishConnect(bg); return err })
	return out, err
}

func accept(s *TCPSocket) (out accepted, err error) {
	p, _ := s.Subscribe(bg)
	err = await(p, func() (err error) { out, err = s.Accept(bg); return err })
	return out, err
}

// listener is a socket that listens on the loopback, and its address.
func (g guest) listener(f wasisockets.IPAddressFamily) (*TCPSocket, wasisockets.IPSocketAddress) {
	g.t.Helper()
	s := g.tcp(f)
	g.must(bind(s, loopback(f, 0)))
	g.must(listen(s))
	a, err := s.LocalAddress(bg)
	g.must(err)
	return s, a
}

// end is one end of a connection.
type end struct {
	socket *TCPSocket
	in     wasiio.InputStream
	out    wasiio.OutputStream
}

// pair is a connection from one socket to another.
func (g guest) pair(f wasisockets.IPAddressFamily) (client, server end) {
	g.t.Helper()
	l, a := g.listener(f)
	c := g.tcp(f)
	s, err := connect(c, a)
	g.must(err)
	got, err := accept(l)
	g.must(err)
	l.Drop(bg)
	return end{c, s.F0, s.F1}, end{got.F0.(*TCPSocket), got.F1, got.F2}
}

// drop gives up all of an end.
func (e end) drop() {
	e.in.Drop(bg)
	e.out.Drop(bg)
	e.socket.Drop(bg)
}

// streamTag is the case of a stream error.
func streamTag(err error) string {
	var se wasiio.StreamError
	if errors.As(err, &se) {
		return se.Tag.String()
	}
	return codeName(err)
}

// readAll reads until the stream ends.
func readAll(in wasiio.InputStream) ([]byte, error) {
	var all []byte
	for {
		b, err := in.BlockingRead(bg, 1<<20)
		all = append(all, b...)
		if err != nil {
			return all, err
		}
	}
}

// boundUDP is a UDP socket on the loopback, and its address.
func (g guest) boundUDP(f wasisockets.IPAddressFamily) (*UDPSocket, wasisockets.IPSocketAddress) {
	g.t.Helper()
	u := g.udp(f)
	g.must(bind(u, loopback(f, 0)))
	a, err := u.LocalAddress(bg)
	g.must(err)
	return u, a
}

func some(a wasisockets.IPSocketAddress) abi.Option[wasisockets.IPSocketAddress] { return abi.Some(a) }

func datagram(data string, to ...wasisockets.IPSocketAddress) wasisockets.OutgoingDatagram {
	d := wasisockets.OutgoingDatagram{Data: []byte(data)}
	if len(to) > 0 {
		d.RemoteAddress = some(to[0])
	}
	return d
}

func send(w wasisockets.OutgoingDatagramStream, datagrams ...wasisockets.OutgoingDatagram) (uint64, error) {
	if _, err := w.CheckSend(bg); err != nil {
		return 0, err
	}
	return w.Send(bg, datagrams)
}

// receive waits for datagrams.
func receive(r wasisockets.IncomingDatagramStream, most uint64) ([]wasisockets.IncomingDatagram, error) {
	ctx, cancel := context.WithTimeout(bg, 5*time.Second)
	defer cancel()
	p, _ := r.Subscribe(bg)
	for {
		out, err := r.Receive(bg, most)
		if err != nil || len(out) > 0 {
			return out, err
		}
		if err := p.Block(ctx); err != nil {
			return nil, err
		}
	}
}

// eachFamily runs test on each address family that this machine has.
func eachFamily(t *testing.T, test func(t *testing.T, f wasisockets.IPAddressFamily)) {
	for _, f := range []wasisockets.IPAddressFamily{v4, v6} {
		t.Run(f.String(), func(t *testing.T) {
			g := newGuest(t)
			if err := bind(g.tcp(f), loopback(f, 0)); err != nil {
				t.Skipf("no %s loopback on this machine: %v", f, err)
			}
			g.Close()
			test(t, f)
		})
	}
}
