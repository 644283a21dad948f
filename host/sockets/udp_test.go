package sockets

import (
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
)

var none = abi.None[wasisockets.IPSocketAddress]()

func TestUDPMethodsByState(t *testing.T) {
	states := []string{"unbound", "bind-in-progress", "bound", "streaming", "connected"}
	const (
		ok       = "ok"
		state    = "invalid-state"
		idle     = "not-in-progress"
		conflict = "concurrency-conflict"
	)
	for _, c := range []struct {
		method string
		call   func(f wasisockets.IPAddressFamily, u *UDPSocket) error
		want   []string
	}{
		{"start-bind", func(f wasisockets.IPAddressFamily, u *UDPSocket) error {
			return u.StartBind(bg, network{}, loopback(f, 0))
		},
			[]string{ok, conflict, state, state, state}},
		{"finish-bind", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { return u.FinishBind(bg) },
			[]string{idle, ok, idle, idle, idle}},
		{"stream", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { _, err := u.Stream(bg, none); return err },
			[]string{state, state, ok, ok, ""}}, // not every system lets go of a peer
		{"stream to a peer", func(f wasisockets.IPAddressFamily, u *UDPSocket) error {
			_, err := u.Stream(bg, some(loopback(f, 9)))
			return err
		},
			[]string{state, state, ok, ok, ok}},
		{"local-address", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { _, err := u.LocalAddress(bg); return err },
			[]string{state, state, ok, ok, ok}},
		{"remote-address", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { _, err := u.RemoteAddress(bg); return err },
			[]string{state, state, state, state, ok}},
		{"unicast-hop-limit", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { _, err := u.UnicastHopLimit(bg); return err },
			[]string{ok, ok, ok, ok, ok}},
		{"set-unicast-hop-limit", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { return u.SetUnicastHopLimit(bg, 255) },
			[]string{ok, ok, ok, ok, ok}},
		{"set-receive-buffer-size", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { return u.SetReceiveBufferSize(bg, 16000) },
			[]string{ok, ok, ok, ok, ok}},
		{"send-buffer-size", func(_ wasisockets.IPAddressFamily, u *UDPSocket) error { _, err := u.SendBufferSize(bg); return err },
			[]string{ok, ok, ok, ok, ok}},
	} {
		eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
			for i, in := range states {
				t.Run(c.method+" "+in, func(t *testing.T) {
					g := newGuest(t)
					u := g.udp(f)
					switch in {
					case "bind-in-progress":
						g.must(u.StartBind(bg, network{}, loopback(f, 0)))
					case "bound", "streaming", "connected":
						g.must(bind(u, loopback(f, 0)))
					}
					switch in {
					case "streaming":
						_, err := u.Stream(bg, none)
						g.must(err)
					case "connected":
						_, err := u.Stream(bg, some(loopback(f, 10)))
						g.must(err)
					}
					if family, _ := u.AddressFamily(bg); family != f {
						t.Error(family)
					}
					if p, _ := u.Subscribe(bg); p == nil {
						t.Error("no pollable")
					} else if ready, _ := p.Ready(bg); !ready {
						t.Error("not ready: no operation of a UDP socket takes long")
					}
					if got := codeName(c.call(f, u)); c.want[i] != "" && got != c.want[i] {
						t.Errorf("%s, want %s", got, c.want[i])
					}
				})
			}
		})
	}
}

func TestUDPOptions(t *testing.T) {
	g := newGuest(t)
	u := g.udp(v4)
	for name, err := range map[string]error{
		"hops": u.SetUnicastHopLimit(bg, 0), "receive": u.SetReceiveBufferSize(bg, 0), "send": u.SetSendBufferSize(bg, 0),
	} {
		if codeName(err) != "invalid-argument" {
			t.Errorf("%s of 0: %v", name, err)
		}
	}
	g.must(u.SetUnicastHopLimit(bg, 42))
	g.must(u.SetReceiveBufferSize(bg, 0x10000))
	g.must(u.SetSendBufferSize(bg, 1<<63))
	hops, _ := u.UnicastHopLimit(bg)
	size, _ := u.ReceiveBufferSize(bg)
	if hops != 42 || size != 0x10000 {
		t.Fatal(hops, size)
	}
}

func TestUDPBindOfATakenAddress(t *testing.T) {
	g := newGuest(t)
	_, a := g.boundUDP(v4)
	if err := bind(g.udp(v4), a); codeName(err) != "address-in-use" {
		t.Fatal(err)
	}
}

func TestUDPEcho(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		server, serverAddr := g.boundUDP(f)
		client, clientAddr := g.boundUDP(f)
		s, err := server.Stream(bg, none)
		g.must(err)
		c, err := client.Stream(bg, some(serverAddr))
		g.must(err)
		long := strings.Repeat("x", 60000)
		if f == v4 {
			long = strings.Repeat("x", 65507) // the most there is
		}
		for _, text := range []string{"hello", "", long} {
			if n, err := send(c.F1, datagram(text)); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			got, err := receive(s.F0, 1)
			g.must(err)
			if string(got[0].Data) != text || got[0].RemoteAddress != clientAddr {
				t.Fatal(len(got[0].Data), got[0].RemoteAddress)
			}
			if n, err := send(s.F1, datagram(string(got[0].Data), got[0].RemoteAddress)); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if got, err = receive(c.F0, 10); err != nil || string(got[0].Data) != text || got[0].RemoteAddress != serverAddr {
				t.Fatal(got, err)
			}
		}
		if got, err := c.F0.Receive(bg, 10); len(got) != 0 || err != nil {
			t.Fatal("would-block is an empty list", got, err)
		}
		if p, _ := c.F0.Subscribe(bg); p == nil {
			t.Fatal()
		} else if ready, _ := p.Ready(bg); ready {
			t.Fatal("ready, and nothing there")
		}
	})
}

func TestSendOfDatagrams(t *testing.T) {
	g := newGuest(t)
	sink, sinkAddr := g.boundUDP(v4)
	in, err := sink.Stream(bg, none)
	g.must(err)
	u, _ := g.boundUDP(v4)
	for _, c := range []struct {
		name      string
		connected bool
		check     bool
		datagrams []wasisockets.OutgoingDatagram
		want      string
		sent      uint64
	}{
		{"nothing", true, false, nil, "ok", 0},
		{"without a permit", true, false, []wasisockets.OutgoingDatagram{datagram("x")}, "trap: send of 1 datagrams where check-send permits 0", 0},
		{"more than permitted", true, true, make([]wasisockets.OutgoingDatagram, maxDatagrams+1), "trap: send of 17 datagrams where check-send permits 16", 0},
		{"several", true, true, []wasisockets.OutgoingDatagram{datagram("1"), datagram("2", sinkAddr)}, "ok", 2},
		{"to nobody", false, true, []wasisockets.OutgoingDatagram{datagram("x")}, "invalid-argument", 0},
		{"to another than the peer", true, true, []wasisockets.OutgoingDatagram{datagram("x", loopback(v4, 9))}, "invalid-argument", 0},
		{"too large", true, true, []wasisockets.OutgoingDatagram{{Data: make([]byte, 65508)}}, "datagram-too-large", 0},
		{"larger than there is", true, true, []wasisockets.OutgoingDatagram{{Data: make([]byte, 1<<20)}}, "datagram-too-large", 0},
		{"an error after the first", true, true, []wasisockets.OutgoingDatagram{datagram("1"), {Data: make([]byte, 1<<20)}, datagram("3")}, "ok", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := none
			if c.connected {
				to = some(sinkAddr)
			}
			s, err := u.Stream(bg, to)
			g.must(err)
			if c.check {
				n, err := s.F1.CheckSend(bg)
				if n != maxDatagrams || err != nil {
					t.Fatal(n, err)
				}
			}
			n, err := s.F1.Send(bg, c.datagrams)
			if codeName(err) != c.want || n != c.sent {
				t.Fatal(n, err)
			}
			for i := range c.sent {
				got, err := receive(in.F0, 1)
				if err != nil || string(got[0].Data) != string(c.datagrams[i].Data) {
					t.Fatal(got, err)
				}
			}
		})
	}
}

func TestAssociationOfAUDPSocketChanges(t *testing.T) {
	eachFamily(t, func(t *testing.T, f wasisockets.IPAddressFamily) {
		g := newGuest(t)
		u := g.udp(f)
		unspecified := addr("0.0.0.0:0")
		if f == v6 {
			unspecified = addr("[::]:0")
		}
		g.must(bind(u, unspecified))
		before, _ := u.LocalAddress(bg)
		one, two := loopback(f, 4321), loopback(f, 4320)
		for _, to := range []abi.Option[wasisockets.IPSocketAddress]{none, none, some(one), some(one), some(two), none, some(one)} {
			_, err := u.Stream(bg, to)
			g.must(err)
			got, err := u.RemoteAddress(bg)
			if to.Some && (got != to.Value || err != nil) || !to.Some && codeName(err) != "invalid-state" {
				t.Fatal(to, got, err)
			}
			if after, err := u.LocalAddress(bg); portOf(after) != portOf(before) || err != nil {
				t.Fatalf("the port changed from %d to %d: %v", portOf(before), portOf(after), err)
			}
		}
	})
}

func TestOnlyTheStreamsOfTheLastAssociationWork(t *testing.T) {
	g := newGuest(t)
	u, _ := g.boundUDP(v4)
	old, err := u.Stream(bg, none)
	g.must(err)
	_, err = u.Stream(bg, none)
	g.must(err)
	if _, err := old.F0.Receive(bg, 1); codeName(err) != "invalid-state" {
		t.Fatal(err)
	}
	if _, err := old.F1.CheckSend(bg); codeName(err) != "invalid-state" {
		t.Fatal(err)
	}
}

func TestReceiveHasOnlyThePeersDatagrams(t *testing.T) {
	g := newGuest(t)
	u, at := g.boundUDP(v4)
	a, _ := g.boundUDP(v4)
	b, bAddr := g.boundUDP(v4)
	for _, d := range []struct {
		from *UDPSocket
		text string
	}{{a, "A"}, {b, "B"}, {a, "A"}} {
		s, err := d.from.Stream(bg, some(at))
		g.must(err)
		_, err = send(s.F1, datagram(d.text))
		g.must(err)
	}
	s, err := u.Stream(bg, some(bAddr)) // after they came
	g.must(err)
	got, err := receive(s.F0, 100)
	if err != nil || len(got) != 1 || string(got[0].Data) != "B" || got[0].RemoteAddress != bAddr {
		t.Fatal(got, err)
	}
}

func TestReceiveTellsThatThePeerIsGone(t *testing.T) {
	g := newGuest(t)
	gone, at := g.boundUDP(v4)
	gone.Drop(bg)
	u, _ := g.boundUDP(v4)
	s, err := u.Stream(bg, some(at))
	g.must(err)
	_, err = send(s.F1, datagram("hello"))
	g.must(err)
	if _, err := receive(s.F0, 1); codeName(err) != "connection-refused" && codeName(err) != "connection-reset" {
		t.Fatal(err)
	}
}

func TestReceiveIsBounded(t *testing.T) {
	g := newGuest(t)
	sink, at := g.boundUDP(v4)
	in, err := sink.Stream(bg, none)
	g.must(err)
	u, _ := g.boundUDP(v4)
	out, err := u.Stream(bg, some(at))
	g.must(err)
	for range 2 * maxDatagrams {
		if n, err := send(out.F1, datagram("x")); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	time.Sleep(5 * time.Millisecond)
	for _, c := range []struct{ most, want int }{{0, 0}, {3, 3}, {1 << 30, maxDatagrams}} {
		got, err := in.F0.Receive(bg, uint64(c.most))
		if err != nil || len(got) != c.want {
			t.Fatalf("%d of %d: %v", len(got), c.most, err)
		}
	}
}
