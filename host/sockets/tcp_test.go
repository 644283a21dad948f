package sockets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/io"
)

// tcpIn is a socket in each state, with what a guest needs to try it.
func tcpIn(g guest, f wasisockets.IPAddressFamily, state string) *TCPSocket {
	g.t.Helper()
	switch state {
	case "unbound":
		return g.tcp(f)
	case "bind-in-progress":
		s := g.tcp(f)
		g.must(s.StartBind(bg, network{}, loopback(f, 0)))
		return s
	case "bound":
		s := g.tcp(f)
		g.must(bind(s, loopback(f, 0)))
		return s
	case "listen-in-progress":
		s := tcpIn(g, f, "bound")
		g.must(s.StartListen(bg))
		return s
	case "listening":
		s, _ := g.listener(f)
		return s
	case "connect-in-progress":
		_, a := g.listener(f)
		s := g.tcp(f)
		g.must(s.StartConnect(bg, network{}, a))
		return s
	case "connected":
		c, _ := g.pair(f)
		return c.socket
	case "accepted":
		_, s := g.pair(f)
		return s.socket
	case "closed":
		s := g.tcp(f)
		if _, err := connect(s, closedPort(g, f)); codeName(err) != "connection-refused" {
			g.t.Fatal(err)
		}
		return s
	}
	panic(state)
}

// closedPort is an address at which nobody listens, as long as the test runs.
func closedPort(g guest, f wasisockets.IPAddressFamily) wasisockets.IPSocketAddress {
	s := tcpIn(g, f, "bound")
	a, err := s.LocalAddress(bg)
	g.must(err)
	return a
}

// TestTCPMethodsByState: what each method answers in each state (of which the
// method's own success is tested elsewhere).
func TestTCPMethodsByState(t *testing.T) {
	states := []string{"unbound", "bind-in-progress", "bound", "listen-in-progress", "listening", "connect-in-progress", "connected", "accepted", "closed"}
	const (
		ok       = "ok"
		state    = "invalid-state"
		idle     = "not-in-progress"
		conflict = "concurrency-conflict"
		block    = "would-block"
		skip     = ""
	)
	for _, c := range []struct {
		method string
		call   func(g guest, f wasisockets.IPAddressFamily, s *TCPSocket) error
		want   []string
	}{
		{"start-bind", func(_ guest, f wasisockets.IPAddressFamily, s *TCPSocket) error {
			return s.StartBind(bg, network{}, loopback(f, 0))
		}, []string{ok, conflict, state, conflict, state, conflict, state, state, state}},
		{"finish-bind", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error { return s.FinishBind(bg) },
			[]string{idle, ok, idle, idle, idle, idle, idle, idle, idle}},
		{"start-connect", func(g guest, f wasisockets.IPAddressFamily, s *TCPSocket) error {
			_, a := g.listener(f)
			return s.StartConnect(bg, network{}, a)
		}, []string{ok, conflict, ok, conflict, state, conflict, state, state, state}},
		{"finish-connect", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			_, err := s.FinishConnect(bg)
			return err
		},
			[]string{idle, idle, idle, idle, idle, skip, idle, idle, idle}},
		{"start-listen", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error { return s.StartListen(bg) },
			[]string{state, conflict, ok, conflict, state, conflict, state, state, state}},
		{"finish-listen", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error { return s.FinishListen(bg) },
			[]string{idle, idle, idle, ok, idle, idle, idle, idle, idle}},
		{"accept", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error { _, err := s.Accept(bg); return err },
			[]string{state, state, state, state, block, state, state, state, state}},
		{"shutdown", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			return s.Shutdown(bg, wasisockets.ShutdownTypeBoth)
		}, []string{state, state, state, state, state, state, ok, ok, state}},
		{"local-address", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			_, err := s.LocalAddress(bg)
			return err
		},
			[]string{state, state, ok, ok, ok, ok, ok, ok, state}},
		{"remote-address", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			_, err := s.RemoteAddress(bg)
			return err
		},
			[]string{state, state, state, state, state, state, ok, ok, state}},
		{"set-listen-backlog-size", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			return s.SetListenBacklogSize(bg, 32)
		},
			[]string{ok, ok, ok, ok, ok, state, state, state, state}},
		{"hop-limit", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error { _, err := s.HopLimit(bg); return err },
			[]string{ok, ok, ok, ok, ok, ok, ok, ok, state}},
		{"set-keep-alive-enabled", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			return s.SetKeepAliveEnabled(bg, true)
		},
			[]string{ok, ok, ok, ok, ok, ok, ok, ok, state}},
		{"set-send-buffer-size", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			return s.SetSendBufferSize(bg, 16000)
		},
			[]string{ok, ok, ok, ok, ok, ok, ok, ok, state}},
		{"receive-buffer-size", func(_ guest, _ wasisockets.IPAddressFamily, s *TCPSocket) error {
			_, err := s.ReceiveBufferSize(bg)
			return err
		},
			[]string{ok, ok, ok, ok, ok, ok, ok, ok, state}},
	} {
		eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
			for i, in := range states {
				t.Run(c.method+" "+in, func(t *testing.T) {
					g := newGuest(t)
					if got := codeName(c.call(g, f, tcpIn(g, f, in))); got != c.want[i] && c.want[i] != skip {
						t.Errorf("%s, want %s", got, c.want[i])
					}
				})
			}
		})
	}
}

func TestTCPReadinessByState(t *testing.T) {
	g := newGuest(t)
	for _, state := range []string{"unbound", "bind-in-progress", "bound", "listen-in-progress", "connected", "closed"} {
		p, err := tcpIn(g, v4, state).Subscribe(bg)
		g.must(err)
		if ready, _ := p.Ready(bg); !ready {
			t.Errorf("%s: not ready", state)
		}
	}
	l, a := g.listener(v4)
	p, _ := l.Subscribe(bg) // once for the life of the socket
	if ready, _ := p.Ready(bg); ready {
		t.Error("ready to accept, and nobody there")
	}
	if is, _ := l.IsListening(bg); !is {
		t.Error("not listening")
	}
	_, err := connect(g.tcp(v4), a)
	g.must(err)
	ctx, cancel := context.WithTimeout(bg, 5*time.Second)
	defer cancel()
	g.must(p.Block(ctx))
	got, err := l.Accept(bg)
	g.must(err)
	if f, _ := got.F0.AddressFamily(bg); f != v4 {
		t.Error(f)
	}
	if ready, _ := p.Ready(bg); ready {
		t.Error("ready again, and nobody there")
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	const mapped = "[::ffff:127.0.0.1]:80"
	for _, c := range []struct {
		op     string
		family wasisockets.IPAddressFamily
		addr   string
		want   string
	}{
		{"bind", v4, "[::1]:0", "invalid-argument"},
		{"bind", v6, "127.0.0.1:0", "invalid-argument"},
		{"bind", v6, "[::ffff:127.0.0.1]:0", "invalid-argument"},
		{"bind", v6, "[::127.0.0.1]:0", "invalid-argument"},
		{"bind", v4, "255.255.255.255:0", "invalid-argument"},
		{"bind", v4, "224.254.0.0:0", "invalid-argument"},
		{"bind", v6, "[ff00::]:0", "invalid-argument"},
		{"bind", v4, "192.0.2.0:0", "address-not-bindable"},
		{"connect", v4, "[::1]:80", "invalid-argument"},
		{"connect", v6, "127.0.0.1:80", "invalid-argument"},
		{"connect", v6, mapped, "invalid-argument"},
		{"connect", v4, "0.0.0.0:80", "invalid-argument"},
		{"connect", v6, "[::]:80", "invalid-argument"},
		{"connect", v4, "127.0.0.1:0", "invalid-argument"},
		{"connect", v4, "255.255.255.255:80", "invalid-argument"},
		{"connect", v4, "224.254.0.0:80", "invalid-argument"},
		{"connect", v6, "[ff00::]:80", "invalid-argument"},
		{"udp-bind", v4, "[::1]:0", "invalid-argument"},
		{"udp-bind", v6, "[::ffff:127.0.0.1]:0", "invalid-argument"},
		{"udp-bind", v4, "192.0.2.0:0", "address-not-bindable"},
		{"stream", v4, "[::1]:80", "invalid-argument"},
		{"stream", v6, mapped, "invalid-argument"},
		{"stream", v4, "0.0.0.0:80", "invalid-argument"},
		{"stream", v4, "127.0.0.1:0", "invalid-argument"},
		{"send", v4, "[::1]:80", "invalid-argument"},
		{"send", v6, mapped, "invalid-argument"},
		{"send", v4, "0.0.0.0:80", "invalid-argument"},
		{"send", v4, "127.0.0.1:0", "invalid-argument"},
	} {
		t.Run(fmt.Sprint(c.op, " ", c.family, " ", c.addr), func(t *testing.T) {
			g := newGuest(t)
			err := func() (err error) {
				switch c.op {
				case "bind":
					return bind(g.tcp(c.family), addr(c.addr))
				case "connect":
					s := g.tcp(c.family)
					if _, err := connect(s, addr(c.addr)); codeName(err) != c.want {
						return err
					}
					_, err = connect(s, addr(c.addr)) // an argument leaves the socket as it was
					return err
				case "udp-bind":
					return bind(g.udp(c.family), addr(c.addr))
				}
				u, _ := g.boundUDP(c.family)
				if c.op == "stream" {
					_, err = u.Stream(bg, some(addr(c.addr)))
					return err
				}
				s, err := u.Stream(bg, none)
				g.must(err)
				_, err = send(s.F1, datagram("x", addr(c.addr)))
				return err
			}()
			if codeName(err) != c.want {
				t.Fatal(err)
			}
		})
	}
}

func TestTCPBind(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		l, a := g.listener(f)
		if portOf(a) == 0 {
			t.Fatal("no port was chosen")
		}
		if err := bind(g.tcp(f), a); codeName(err) != "address-in-use" {
			t.Fatal(err)
		}
		// The connection's end waits; the address can be had all the same.
		c, err := connect(g.tcp(f), a)
		g.must(err)
		got, err := accept(l)
		g.must(err)
		g.must(got.F2.BlockingWriteZeroesAndFlush(bg, 10))
		end{got.F0.(*TCPSocket), got.F1, got.F2}.drop()
		l.Drop(bg)
		if _, err := readAll(c.F0); streamTag(err) != "closed" {
			t.Fatal(err)
		}
		again := g.tcp(f)
		g.must(bind(again, a))
		g.must(listen(again))
		if b, _ := again.LocalAddress(bg); b != a {
			t.Fatal(b)
		}
	})
}

func TestBoundSocketConnectsFromItsAddress(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		l, a := g.listener(f)
		s := tcpIn(g, f, "bound")
		from, err := s.LocalAddress(bg)
		g.must(err)
		_, err = connect(s, a)
		g.must(err)
		got, err := accept(l)
		g.must(err)
		if r, err := got.F0.RemoteAddress(bg); r != from || err != nil {
			t.Fatal(r, err)
		}
		if r, err := s.RemoteAddress(bg); r != a || err != nil {
			t.Fatal(r, err)
		}
	})
}

func TestTCPOptions(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		s := g.tcp(f)
		second := uint64(time.Second)
		type option struct {
			name string
			get  func() (uint64, error)
			set  func(uint64) error
		}
		all := []option{
			{"idle-time", func() (uint64, error) { return s.KeepAliveIdleTime(bg) }, func(v uint64) error { return s.SetKeepAliveIdleTime(bg, v) }},
			{"interval", func() (uint64, error) { return s.KeepAliveInterval(bg) }, func(v uint64) error { return s.SetKeepAliveInterval(bg, v) }},
			{"count", func() (uint64, error) { v, err := s.KeepAliveCount(bg); return uint64(v), err },
				func(v uint64) error { return s.SetKeepAliveCount(bg, uint32(v)) }},
			{"hop-limit", func() (uint64, error) { v, err := s.HopLimit(bg); return uint64(v), err },
				func(v uint64) error { return s.SetHopLimit(bg, uint8(v)) }},
			{"receive-buffer", func() (uint64, error) { return s.ReceiveBufferSize(bg) }, func(v uint64) error { return s.SetReceiveBufferSize(bg, v) }},
			{"send-buffer", func() (uint64, error) { return s.SendBufferSize(bg) }, func(v uint64) error { return s.SetSendBufferSize(bg, v) }},
			{"backlog", func() (uint64, error) { return 1, nil }, func(v uint64) error { return s.SetListenBacklogSize(bg, v) }},
		}
		for _, o := range all {
			if v, err := o.get(); v == 0 || err != nil {
				t.Errorf("%s: default %d, %v", o.name, v, err)
			}
			if err := o.set(0); codeName(err) != "invalid-argument" {
				t.Errorf("%s of 0: %v", o.name, err)
			}
			for _, v := range []uint64{1, math.MaxUint64} { // brought within bounds
				if err := o.set(v); err != nil {
					t.Errorf("%s of %d: %v", o.name, v, err)
				}
			}
		}
		for _, c := range []struct {
			o         option
			set, want uint64
		}{
			{all[0], 42 * second, 42 * second}, {all[0], 1, second}, {all[0], math.MaxUint64, maxKeepAliveSeconds * second},
			{all[1], 42 * second, 42 * second}, {all[1], second + 1, 2 * second},
			{all[2], 42, 42}, {all[2], math.MaxUint32, maxKeepAliveCount}, {all[3], 42, 42},
			{all[4], 0x10000, 0x10000}, {all[5], 0x10000, 0x10000},
		} {
			g.must(c.o.set(c.set))
			if v, err := c.o.get(); v != c.want || err != nil {
				t.Errorf("%s set to %d: %d, %v", c.o.name, c.set, v, err)
			}
		}
		for _, on := range []bool{true, false} {
			g.must(s.SetKeepAliveEnabled(bg, on))
			if v, err := s.KeepAliveEnabled(bg); v != on || err != nil {
				t.Errorf("keep-alive: %v, %v", v, err)
			}
		}
	})
}

func TestAcceptedSocketHasTheOptionsOfItsListener(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("set after listen ", after), func(t *testing.T) {
			g := newGuest(t)
			l := tcpIn(g, v4, "bound")
			set := func(n uint8) {
				g.must(l.SetKeepAliveEnabled(bg, n == 42))
				g.must(l.SetKeepAliveIdleTime(bg, uint64(n)*uint64(time.Second)))
				g.must(l.SetKeepAliveCount(bg, uint32(n)))
				g.must(l.SetHopLimit(bg, n))
			}
			if !after {
				set(42)
			}
			g.must(listen(l))
			if after {
				set(42)
			}
			a, _ := l.LocalAddress(bg)
			_, err := connect(g.tcp(v4), a)
			g.must(err)
			got, err := accept(l)
			g.must(err)
			set(43) // which the accepted one does not see any more
			s := got.F0
			on, _ := s.KeepAliveEnabled(bg)
			idle, _ := s.KeepAliveIdleTime(bg)
			count, _ := s.KeepAliveCount(bg)
			hops, _ := s.HopLimit(bg)
			if !on || idle != 42*uint64(time.Second) || count != 42 || hops != 42 {
				t.Fatal(on, idle, count, hops)
			}
		})
	}
}

func TestTCPEcho(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		client, server := g.pair(f)
		const size = 1 << 20 // more than all buffers on the way
		go func() {
			for {
				if _, err := server.out.BlockingSplice(bg, server.in, 1<<20); err != nil {
					break
				}
			}
			server.drop()
		}()
		sent := make(chan error, 1)
		go func() {
			var err error
			for n := 0; n < size && err == nil; n += 4096 {
				err = client.out.BlockingWriteAndFlush(bg, []byte(strings.Repeat(string(rune('a'+n/4096%26)), 4096)))
			}
			client.out.Drop(bg)
			sent <- err
		}()
		got, err := readAll(client.in)
		if streamTag(err) != "closed" || len(got) != size {
			t.Fatal(len(got), err)
		}
		for n := 0; n < size; n += 4096 {
			if got[n] != byte('a'+n/4096%26) || got[n+4095] != got[n] {
				t.Fatalf("byte %d is %c", n, got[n])
			}
		}
		g.must(<-sent)
	})
}

// endsOfConnections are the ways in which a connection ends, or half of it.
var endsOfConnections = map[string]func(t *testing.T, g guest, client, server end){
	"the other end shuts down": func(t *testing.T, g guest, client, server end) {
		g.must(server.socket.Shutdown(bg, wasisockets.ShutdownTypeBoth))
		p, _ := client.in.Subscribe(bg)
		g.must(p.Block(bg))
		for _, n := range []uint64{10, 0} { // not an empty list, which is "not yet"
			if _, err := client.in.Read(bg, n); streamTag(err) != "closed" {
				t.Fatal(n, err)
			}
		}
	},
	"receiving is shut down": func(t *testing.T, g guest, client, server end) {
		g.must(server.out.BlockingWriteAndFlush(bg, []byte("lost")))
		p, _ := client.in.Subscribe(bg)
		g.must(p.Block(bg))
		for range 2 { // once more has no effect
			g.must(client.socket.Shutdown(bg, wasisockets.ShutdownTypeReceive))
		}
		if _, err := client.in.Read(bg, 10); streamTag(err) != "closed" {
			t.Fatal(err)
		}
		g.must(client.out.BlockingWriteAndFlush(bg, []byte("x")))
		if b, err := server.in.BlockingRead(bg, 10); string(b) != "x" || err != nil {
			t.Fatal(b, err)
		}
	},
	"sending is shut down": func(t *testing.T, g guest, client, server end) {
		if n, err := client.out.CheckWrite(bg); n < 4096 || err != nil {
			t.Fatal(n, err)
		}
		g.must(client.socket.Shutdown(bg, wasisockets.ShutdownTypeSend))
		_, check := client.out.CheckWrite(bg)
		for _, err := range []error{client.out.Write(bg, []byte("x")), check, client.out.Flush(bg), client.out.BlockingFlush(bg)} {
			if streamTag(err) != "closed" {
				t.Fatal(err)
			}
		}
		if _, err := server.in.BlockingRead(bg, 1); streamTag(err) != "closed" {
			t.Fatal(err)
		}
		g.must(server.out.BlockingWriteAndFlush(bg, []byte("still")))
		if b, err := client.in.BlockingRead(bg, 10); string(b) != "still" || err != nil {
			t.Fatal(string(b), err)
		}
	},
	"a shutdown loses nothing": func(t *testing.T, g guest, client, server end) {
		g.must(client.socket.SetSendBufferSize(bg, 1024))
		n, _ := client.out.CheckWrite(bg)
		g.must(client.out.Write(bg, make([]byte, n)))
		g.must(client.socket.Shutdown(bg, wasisockets.ShutdownTypeSend))
		if got, err := readAll(server.in); uint64(len(got)) != n || streamTag(err) != "closed" {
			t.Fatal(len(got), err)
		}
	},
	"nor does dropping everything": func(t *testing.T, g guest, client, server end) {
		n, _ := client.out.CheckWrite(bg)
		g.must(client.out.Write(bg, make([]byte, n)))
		client.drop()
		if got, err := readAll(server.in); uint64(len(got)) != n || streamTag(err) != "closed" {
			t.Fatal(len(got), err)
		}
	},
	"the streams outlive the socket": func(t *testing.T, g guest, client, server end) {
		client.socket.Drop(bg)
		g.must(client.out.BlockingWriteAndFlush(bg, []byte("x")))
		if b, err := server.in.BlockingRead(bg, 1); string(b) != "x" || err != nil {
			t.Fatal(err)
		}
	},
	"the addresses outlive the connection": func(t *testing.T, g guest, client, server end) {
		before, err := client.socket.RemoteAddress(bg)
		g.must(err)
		server.drop()
		_, _ = readAll(client.in)
		g.must(client.socket.Shutdown(bg, wasisockets.ShutdownTypeBoth))
		time.Sleep(5 * time.Millisecond) // both sides have ended
		if a, err := client.socket.RemoteAddress(bg); a != before || err != nil {
			t.Fatal(a, err)
		}
		if _, err := client.socket.LocalAddress(bg); err != nil {
			t.Fatal(err)
		}
		g.must(client.socket.Shutdown(bg, wasisockets.ShutdownTypeBoth))
	},
	"writing to an end that is gone": func(t *testing.T, g guest, client, server end) {
		server.drop()
		var err error
		for range 1000 {
			if err = client.out.BlockingWriteAndFlush(bg, []byte("x")); err != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if tag := streamTag(err); tag != "closed" && tag != "last-operation-failed" {
			t.Fatal(err)
		}
		if err := client.out.Write(bg, []byte("x")); streamTag(err) != "closed" {
			t.Fatal(err)
		}
	},
}

func TestStreamsAndTheEndOfAConnection(t *testing.T) {
	for name, test := range endsOfConnections {
		t.Run(name, func(t *testing.T) {
			eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
				g := newGuest(t)
				client, server := g.pair(f)
				test(t, g, client, server)
			})
		})
	}
}

func TestBusyPollingSeesWhatComes(t *testing.T) {
	g := newGuest(t)
	client, server := g.pair(v4)
	p, _ := server.in.Subscribe(bg)
	g.must(client.out.BlockingWriteAndFlush(bg, []byte("x")))
	for end := time.Now().Add(5 * time.Second); ; {
		if ready, _ := p.Ready(bg); ready {
			break
		}
		if time.Now().After(end) {
			t.Fatal("never ready")
		}
	}
	if b, err := server.in.Read(bg, 1); string(b) != "x" || err != nil {
		t.Fatal(b, err)
	}
}

func TestResetHasItsCode(t *testing.T) {
	g := newGuest(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	g.must(err)
	defer l.Close()
	s := g.tcp(v4)
	c, err := connect(s, addr(l.Addr().String()))
	g.must(err)
	peer, err := l.Accept()
	g.must(err)
	g.must(peer.(*net.TCPConn).SetLinger(0))
	g.must(peer.Close())
	_, err = readAll(c.F0)
	var se wasiio.StreamError
	if !errors.As(err, &se) || se.Tag != wasiio.StreamErrorLastOperationFailed {
		t.Fatal(err)
	}
	code, err := g.NetworkErrorCode(bg, se.LastOperationFailed)
	if err != nil || !code.Some || code.Value != wasisockets.ErrorCodeConnectionReset {
		t.Fatal(code, err)
	}
	if text, _ := se.LastOperationFailed.ToDebugString(bg); text != "connection-reset" {
		t.Fatal("the guest sees more than the code:", text)
	}
	if code, err := g.NetworkErrorCode(bg, io.NewError(errors.New("of another stream"))); code.Some || err != nil {
		t.Fatal(code, err)
	}
	if _, err := c.F0.Read(bg, 1); streamTag(err) != "closed" {
		t.Fatal("told twice:", err)
	}
}
