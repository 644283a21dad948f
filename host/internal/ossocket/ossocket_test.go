package ossocket

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
)

var loopback = map[Family]netip.Addr{IPv4: netip.MustParseAddr("127.0.0.1"), IPv6: netip.MustParseAddr("::1")}

// open makes a socket, or skips where the machine lacks the family.
func openSocket(t *testing.T, f Family, k Kind) *Socket {
	t.Helper()
	s, err := Open(f, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func eachFamily(t *testing.T, test func(t *testing.T, f Family)) {
	for f, name := range []string{"IPv4", "IPv6"} {
		t.Run(name, func(t *testing.T) {
			s := openSocket(t, Family(f), TCP)
			if err := s.Bind(Addr{IP: loopback[Family(f)]}); err != nil {
				t.Skipf("no %s loopback on this machine: %v", name, err)
			}
			test(t, Family(f))
		})
	}
}

// pair is a connection from one socket to another.
func pair(t *testing.T, f Family) (client, server *Socket) {
	t.Helper()
	l := openSocket(t, f, TCP)
	must(t, l.Bind(Addr{IP: loopback[f]}))
	must(t, l.Listen(8))
	if _, err := l.Accept(); err != ErrWouldBlock || l.Ready(Readable) {
		t.Fatal("a connection out of nowhere", err)
	}
	addr, err := l.LocalAddr()
	must(t, err)
	client = openSocket(t, f, TCP)
	must(t, client.Connect(addr))
	must(t, client.Wait(Writable))
	must(t, client.ConnectResult())
	must(t, l.Wait(Readable))
	server, err = l.Accept()
	must(t, err)
	t.Cleanup(server.Close)
	return client, server
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConnection(t *testing.T) {
	eachFamily(t, func(t *testing.T, f Family) {
		client, server := pair(t, f)
		local, _ := client.LocalAddr()
		remote, err := server.RemoteAddr()
		if err != nil || local != remote || local.Port == 0 {
			t.Fatal(local, remote, err)
		}
		if n, err := client.Write([]byte("hello")); n != 5 || err != nil {
			t.Fatal(n, err)
		}
		client.ShutdownWrite()
		if b, err := io.ReadAll(server); string(b) != "hello" || err != nil {
			t.Fatal(string(b), err)
		}
	})
}

func TestRefusedConnectionFailsWithoutWaiting(t *testing.T) {
	eachFamily(t, func(t *testing.T, f Family) {
		closed := openSocket(t, f, TCP)
		must(t, closed.Bind(Addr{IP: loopback[f]}))
		addr, _ := closed.LocalAddr()
		s := openSocket(t, f, TCP)
		err := s.Connect(addr)
		if err == nil {
			must(t, s.Wait(Writable))
			err = s.ConnectResult()
		}
		if CauseOf(err) != Refused {
			t.Fatal(err)
		}
	})
}

func TestCloseEndsThoseWhoWait(t *testing.T) {
	client, _ := pair(t, IPv4)
	u := openSocket(t, IPv4, UDP)
	must(t, u.Bind(Addr{IP: loopback[IPv4]}))
	ended := make(chan error, 3)
	go func() { _, err := client.Read(make([]byte, 1)); ended <- err }()
	go func() { ended <- u.Wait(Readable) }()
	go func() {
		var err error
		for err == nil { // until the buffers are full, and then it waits
			_, err = client.Write(make([]byte, 1<<20))
		}
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond)
	client.Close()
	u.Close()
	for range 3 {
		if err := <-ended; CauseOf(err) != Broken {
			t.Error(err)
		}
	}
	if _, err := client.LocalAddr(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	client.Close() // once more is no error
}

func TestShutdownOfReadingEndsAReadUnderWay(t *testing.T) {
	client, server := pair(t, IPv4)
	ended := make(chan int, 1)
	go func() { n, _ := client.Read(make([]byte, 1)); ended <- n }()
	time.Sleep(10 * time.Millisecond)
	client.ShutdownRead()
	if n := <-ended; n != 0 {
		t.Fatal(n)
	}
	_, _ = server.Write([]byte("late"))
	if n, err := client.Read(make([]byte, 4)); n != 0 || err == nil {
		t.Fatal(n, err)
	}
}

func TestDeadlineEndsAWrite(t *testing.T) {
	client, _ := pair(t, IPv4)
	client.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	var err error
	for err == nil {
		_, err = client.Write(make([]byte, 1<<20))
	}
	if CauseOf(err) != TimedOut {
		t.Fatal(err)
	}
}

func TestDatagrams(t *testing.T) {
	eachFamily(t, func(t *testing.T, f Family) {
		a, b := openSocket(t, f, UDP), openSocket(t, f, UDP)
		must(t, a.Bind(Addr{IP: loopback[f]}))
		must(t, b.Bind(Addr{IP: loopback[f]}))
		at, _ := a.LocalAddr()
		bt, _ := b.LocalAddr()
		buf := make([]byte, 100)
		if _, _, err := b.Receive(buf); err != ErrWouldBlock {
			t.Fatal(err)
		}
		must(t, a.Send([]byte("one"), bt))
		must(t, a.Send(nil, bt))
		must(t, a.Connect(bt))
		must(t, a.Send([]byte("two"), Addr{}))
		for _, want := range []string{"one", "", "two"} {
			must(t, b.Wait(Readable))
			if n, from, err := b.Receive(buf); string(buf[:n]) != want || from != at || err != nil {
				t.Fatal(string(buf[:n]), from, err)
			}
		}
		if CauseOf(a.Send(make([]byte, 1<<17), Addr{})) != TooLarge {
			t.Fatal("a datagram of 128 KiB went")
		}
	})
}

// TestDisconnectKeepsTheSocketBound also where the system chose the port, which
// Linux gives back with the association.
func TestDisconnectKeepsTheSocketBound(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "0.0.0.0"} {
		s := openSocket(t, IPv4, UDP)
		must(t, s.Bind(Addr{IP: netip.MustParseAddr(ip)}))
		before, _ := s.LocalAddr()
		must(t, s.Connect(Addr{IP: loopback[IPv4], Port: 9}))
		if err := s.Disconnect(); errors.Is(err, ErrNotSupported) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		after, err := s.LocalAddr()
		if runtime.GOOS == "windows" {
			after.IP = before.IP // it may keep the way it had to the peer
		}
		if after != before || err != nil {
			t.Errorf("%v became %v: %v", before, after, err)
		}
		if _, err := s.RemoteAddr(); err == nil {
			t.Error("still connected")
		}
		must(t, s.Connect(Addr{IP: loopback[IPv4], Port: 10}))
	}
}

func TestOptionsReadBackAndAreInherited(t *testing.T) {
	eachFamily(t, func(t *testing.T, f Family) {
		l := openSocket(t, f, TCP)
		must(t, l.Bind(Addr{IP: loopback[f]}))
		for o, v := range map[Option]int{
			KeepAlive: 1, KeepAliveIdle: 42, KeepAliveInterval: 43, KeepAliveCount: 7, HopLimit: 44, ReceiveBuffer: 0x10000, SendBuffer: 0x10000,
		} {
			if err := l.SetOption(o, v); CauseOf(err) == NotSupported {
				continue
			} else if err != nil {
				t.Fatal(o, err)
			}
			if got, err := l.Option(o); got != v || err != nil {
				t.Errorf("option %d: %d, %v", o, got, err)
			}
		}
		must(t, l.Listen(4))
		addr, _ := l.LocalAddr()
		c := openSocket(t, f, TCP)
		must(t, c.Connect(addr))
		must(t, l.Wait(Readable))
		s, err := l.Accept()
		must(t, err)
		defer s.Close()
		for o := KeepAlive; o <= HopLimit; o++ {
			want, err1 := l.Option(o)
			if got, err2 := s.Option(o); got != want || (err1 == nil) != (err2 == nil) {
				t.Errorf("option %d: %d of the listener, %d of the connection", o, want, got)
			}
		}
	})
}
