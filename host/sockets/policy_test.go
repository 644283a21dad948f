package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/io"
)

// told collects what the operator is told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (o *told) tell(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, err.Error())
}

// one is the only line.
func (o *told) one(t *testing.T) string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.lines) != 1 {
		t.Fatalf("the operator is told %q, want one line", o.lines)
	}
	return o.lines[0]
}

func tellTo(o *told) grant { return func(c *Config) { c.Denied = o.tell } }

func blockPrivate(c *Config) { c.Network.Policy.BlockPrivate = true }

func noNetwork(c *Config) { c.Network = nil }

func TestWithoutANetworkEverythingIsDenied(t *testing.T) {
	for name, f := range map[string]func(g guest) error{
		"--allow-socket tcp://HOST:PORT": func(g guest) error { _, err := g.CreateTCPSocket(bg, v4); return err },
		"--allow-socket udp://HOST:PORT": func(g guest) error { _, err := g.CreateUDPSocket(bg, v6); return err },
		"-S allow-ip-name-lookup":        func(g guest) error { _, err := g.ResolveAddresses(bg, network{}, "localhost"); return err },
	} {
		o := &told{}
		g := newGuest(t, noNetwork, tellTo(o))
		if n, err := g.InstanceNetwork(bg); n == nil || err != nil {
			t.Fatal(n, err)
		}
		for range 3 {
			if err := f(g); codeName(err) != "access-denied" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if line := o.one(t); !strings.Contains(line, name) {
			t.Errorf("%q does not name %s", line, name)
		}
	}
}

// TestDenialOfAnAddress: each is denied, the operator is told once, and with the
// pattern that the line names it works.
func TestDenialOfAnAddress(t *testing.T) {
	for _, c := range []struct {
		name    string
		pattern string // which does not allow it
		do      func(g guest) error
	}{
		{"connect", "tcp://10.0.0.0/8:*", func(g guest) error {
			l, err := net.Listen("tcp", "127.0.0.1:"+fmt.Sprint(freePort))
			g.must(err)
			defer l.Close()
			_, err = connect(g.tcp(v4), addr(l.Addr().String()))
			return err
		}},
		{"connect, udp is not tcp", "udp://127.0.0.1:* tcp://10.0.0.1:1", func(g guest) error {
			l, err := net.Listen("tcp", "127.0.0.1:"+fmt.Sprint(freePort))
			g.must(err)
			defer l.Close()
			_, err = connect(g.tcp(v4), addr(l.Addr().String()))
			return err
		}},
		{"bind to a port", "tcp://*:*", func(g guest) error { return bind(g.tcp(v4), loopback(v4, freePort)) }},
		{"listen at a chosen port", "tcp://*:*", func(g guest) error {
			s := g.tcp(v4)
			g.must(bind(s, loopback(v4, 0)))
			return listen(s)
		}},
		{"listen everywhere", "tcp-listen://127.0.0.1:*", func(g guest) error { return bind(g.tcp(v4), addr(fmt.Sprint("0.0.0.0:", freePort))) }},
		{"bind to a UDP port", "udp://*:*", func(g guest) error { return bind(g.udp(v4), loopback(v4, freePort)) }},
		{"stream to a peer", "udp://127.0.0.1:1", func(g guest) error {
			u := g.udp(v4)
			g.must(bind(u, loopback(v4, 0)))
			_, err := u.Stream(bg, some(loopback(v4, freePort)))
			return err
		}},
		{"send", "udp-listen://127.0.0.1:*", func(g guest) error {
			u := g.udp(v4)
			g.must(bind(u, loopback(v4, 0)))
			s, err := u.Stream(bg, none)
			g.must(err)
			_, err = send(s.F1, datagram("x", loopback(v4, freePort)))
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			freePort = unusedPort(t)
			o := &told{}
			patterns := strings.Fields(c.pattern)
			g := newGuest(t, allow(patterns...), tellTo(o))
			if err := c.do(g); codeName(err) != "access-denied" {
				t.Fatal(err)
			}
			_, hint, ok := strings.Cut(o.one(t), "--allow-socket ")
			hint, _, _ = strings.Cut(hint, " ")
			if !ok {
				t.Fatal(o.lines)
			}
			if c.name == "listen at a chosen port" { // another one the next time
				hint = hint[:strings.LastIndex(hint, ":")] + ":*"
			}
			if err := c.do(newGuest(t, allow(append(patterns, hint)...))); err != nil {
				t.Fatalf("with %s: %v", hint, err)
			}
		})
	}
}

var freePort uint16

// unusedPort is a port that nobody uses just now.
func unusedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

func TestPrivateAddressesAreBlocked(t *testing.T) {
	o := &told{}
	g := newGuest(t, blockPrivate, tellTo(o))
	_, a := g.listener(v4) // to be reached is another matter
	if _, err := connect(g.tcp(v4), a); codeName(err) != "access-denied" {
		t.Fatal(err)
	}
	if line := o.one(t); !strings.Contains(line, "--block-private") {
		t.Fatal(line)
	}
	u, _ := g.boundUDP(v4)
	if _, err := u.Stream(bg, some(a)); codeName(err) != "access-denied" {
		t.Fatal(err)
	}
}

func TestDatagramsOfThoseNotAllowedAreNotSeen(t *testing.T) {
	friend, foe := newGuest(t), newGuest(t)
	from, fromAddr := friend.boundUDP(v4)
	other, _ := foe.boundUDP(v4)
	g := newGuest(t, allow("udp://"+addrOf(fromAddr).String()))
	u, at := g.boundUDP(v4)
	in, err := u.Stream(bg, none)
	g.must(err)
	for _, s := range []*UDPSocket{other, other, from} {
		out, err := s.Stream(bg, some(at))
		g.must(err)
		_, err = send(out.F1, datagram("x"))
		g.must(err)
	}
	got, err := receive(in.F0, 10)
	if err != nil || len(got) != 1 || got[0].RemoteAddress != fromAddr {
		t.Fatal(got, err)
	}
}

func TestListeningUDPSocketAnswersWhoSpokeToIt(t *testing.T) {
	o := &told{}
	g := newGuest(t, allow("udp-listen://127.0.0.1:*"), tellTo(o))
	server, at := g.boundUDP(v4)
	s, err := server.Stream(bg, none)
	g.must(err)
	c := newGuest(t)
	client, clientAddr := c.boundUDP(v4)
	out, err := client.Stream(bg, some(at))
	g.must(err)
	if _, err := send(s.F1, datagram("unasked", clientAddr)); codeName(err) != "access-denied" {
		t.Fatal(err)
	}
	_, err = send(out.F1, datagram("ping"))
	g.must(err)
	got, err := receive(s.F0, 1)
	g.must(err)
	if n, err := send(s.F1, datagram("pong", got[0].RemoteAddress)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if got, err := receive(out.F0, 1); err != nil || string(got[0].Data) != "pong" {
		t.Fatal(got, err)
	}
}

func TestPeersAreBounded(t *testing.T) {
	budget := io.NewBudget(1 << 20)
	g := newGuest(t, func(c *Config) { c.Budget = budget })
	u, _ := g.boundUDP(v4)
	for i := range 3 * maxPeers {
		a := addrOf(loopback(v4, uint16(i+1)))
		if !u.peers.has(a) {
			u.remember(a)
		}
	}
	if len(u.peers.known) != maxPeers || len(u.peers.order) != maxPeers || budget.Used() != maxPeers*peerSize {
		t.Fatal(len(u.peers.known), len(u.peers.order), budget.Used())
	}
	if u.peers.has(addrOf(loopback(v4, 1))) || !u.peers.has(addrOf(loopback(v4, 3*maxPeers))) {
		t.Fatal("the oldest is not the one forgotten")
	}
	u.Drop(bg)
	if budget.Used() != 0 {
		t.Fatal(budget.Used())
	}
}

func TestSocketsAreLimited(t *testing.T) {
	g := newGuest(t, func(c *Config) { c.Network.MaxSockets = 3 })
	l, a := g.listener(v4)
	c, err := g.CreateTCPSocket(bg, v4)
	g.must(err)
	_, err = g.CreateUDPSocket(bg, v4)
	g.must(err)
	for _, err := range []error{
		func() error { _, err := g.CreateTCPSocket(bg, v4); return err }(),
		func() error { _, err := g.CreateUDPSocket(bg, v4); return err }(),
	} {
		if codeName(err) != "new-socket-limit" {
			t.Fatal(err)
		}
	}
	if _, err := connect(c.(*TCPSocket), a); err != nil {
		t.Fatal(err)
	}
	if _, err := accept(l); codeName(err) != "new-socket-limit" {
		t.Fatal(err)
	}
	c.Drop(bg) // its streams hold it
	if _, err := g.CreateTCPSocket(bg, v4); codeName(err) != "new-socket-limit" {
		t.Fatal(err)
	}
}

func TestDroppedSocketsMakeRoom(t *testing.T) {
	budget := io.NewBudget(1 << 20)
	g := newGuest(t, func(c *Config) { c.Network.MaxSockets, c.Budget = 3, budget })
	for range 50 { // more than there are
		client, server := g.pair(v4)
		g.must(client.out.BlockingWriteAndFlush(bg, []byte("x")))
		_, err := server.in.BlockingRead(bg, 1)
		g.must(err)
		client.drop()
		server.drop()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			g.mu.Lock()
			n := len(g.sockets)
			g.mu.Unlock()
			if n == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d sockets are still open", n)
			}
		}
	}
	for end := time.Now().Add(5 * time.Second); budget.Used() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes are still charged", budget.Used())
		}
	}
}

func TestStreamBuffersAreCharged(t *testing.T) {
	g := newGuest(t, func(c *Config) { c.Budget = io.NewBudget(io.BufferSize + 1) })
	client, server := g.pair(v4)
	g.must(client.out.Write(bg, []byte("x")))
	var budget *io.BudgetError
	if _, err := server.in.Read(bg, 1); !errors.As(err, &budget) {
		t.Fatal(err)
	}
}

// TestCloseEndsWhatIsUnderWay: with a connection half made, a listener that is
// waited for, a stream that is read and one whose other end does not take what
// is written.
func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	g := newGuest(t, func(c *Config) { c.Network.MaxSockets = 300 })
	full, a := g.listener(v4)
	g.must(full.SetListenBacklogSize(bg, 1))
	var half *TCPSocket
	for range 50 {
		half = g.tcp(v4)
		g.must(half.StartConnect(bg, network{}, a))
		time.Sleep(time.Millisecond)
		if ready, _ := must1(half.Subscribe(bg)).Ready(bg); !ready {
			break
		}
	}
	l, _ := g.listener(v4)
	client, server := g.pair(v4)
	ended := make(chan error, 4)
	wait := func(s *TCPSocket) { ended <- must1(s.Subscribe(bg)).Block(bg) }
	go wait(l)
	go wait(half)
	go func() { _, err := client.in.BlockingRead(bg, 1); ended <- err }()
	go func() {
		var err error
		for err == nil {
			err = server.out.BlockingWriteAndFlush(bg, make([]byte, 4096))
		}
		ended <- err
	}()
	go func() { // so that the write above waits
		time.Sleep(50 * time.Millisecond)
		g.Close()
	}()
	for range 4 {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("something goes on after Close")
		}
	}
	if _, err := g.CreateTCPSocket(bg, v4); codeName(err) != "new-socket-limit" {
		t.Fatal("a socket of an instance that has ended:", err)
	}
	g.Close()
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestCloseSendsWhatWasWritten: a program that ends its streams and then itself
// has sent it all, as it has anywhere else.
func TestCloseSendsWhatWasWritten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newGuest(t)
	s := g.tcp(v4)
	c, err := connect(s, addr(l.Addr().String()))
	g.must(err)
	n, _ := c.F1.CheckWrite(bg)
	g.must(s.SetSendBufferSize(bg, 1024))
	g.must(c.F1.Write(bg, make([]byte, n)))
	end{s, c.F0, c.F1}.drop()
	got := make(chan int, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // Close waits
		total := 0
		for b := make([]byte, 1<<16); ; {
			n, err := conn.Read(b)
			if total += n; err != nil {
				got <- total
				return
			}
		}
	}()
	g.Close()
	if total := <-got; uint64(total) != n {
		t.Fatalf("%d of %d bytes came", total, n)
	}
}

func TestParsePolicyRejects(t *testing.T) {
	for pattern, want := range map[string]string{
		"localhost:80":             "such as tcp://localhost:80",
		"http://example.com":       "tcp, udp, tcp-listen, udp-listen or *",
		"tcp://example.com":        "tcp://example.com:PORT",
		"tcp-listen://localhost:1": "an address of this machine",
	} {
		if _, err := ParsePolicy([]string{pattern}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--allow-socket "+pattern) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}

func TestWithoutOneKind(t *testing.T) {
	p, err := ParsePolicy([]string{"*", "tcp://a:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		g        guest
		tcp, udp string
	}{
		{newGuest(t, func(c *Config) { c.Network.Policy = WithoutTCP(p) }), "access-denied", "ok"},
		{newGuest(t, func(c *Config) { c.Network.Policy = WithoutUDP(p) }), "ok", "access-denied"},
	} {
		_, tcp := c.g.CreateTCPSocket(bg, wasisockets.IPAddressFamilyIPv4)
		_, udp := c.g.CreateUDPSocket(bg, wasisockets.IPAddressFamilyIPv4)
		if codeName(tcp) != c.tcp || codeName(udp) != c.udp {
			t.Error(tcp, udp)
		}
	}
}
