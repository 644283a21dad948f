package sockets

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/io"
)

// resolver answers from a function.
type resolver func(ctx context.Context, host string) ([]netip.Addr, error)

func (r resolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return r(ctx, host)
}

func resolveBy(r resolver) grant { return func(c *Config) { c.Network.Resolver = r } }

// answer gives the same addresses for each name.
func answer(addrs ...string) grant {
	return resolveBy(func(context.Context, string) (out []netip.Addr, _ error) {
		for _, a := range addrs {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	})
}

func fail(err error) grant {
	return resolveBy(func(context.Context, string) ([]netip.Addr, error) { return nil, err })
}

func lookupAll(c *Config) { c.Network.LookupNames = true }

// lookup resolves a name to its end.
func (g guest) lookup(name string) (out []string, err error) {
	r, err := g.ResolveAddresses(bg, network{}, name)
	if err != nil {
		return nil, err
	}
	defer r.Drop(bg)
	p, _ := r.Subscribe(bg)
	for {
		var next wasisockets.IPAddress
		ended := false
		err := await(p, func() error {
			o, err := r.ResolveNextAddress(bg)
			next, ended = o.Value, !o.Some
			return err
		})
		if err != nil || ended {
			return out, err
		}
		a := wasisockets.IPSocketAddress{Tag: wasisockets.IPSocketAddressTag(next.Tag)}
		a.IPv4.Address, a.IPv6.Address = next.IPv4, next.IPv6
		out = append(out, addrOf(a).IP.String())
	}
}

func TestLookupOfLocalhost(t *testing.T) {
	g := newGuest(t, lookupAll)
	got, err := g.lookup("localhost")
	if err != nil || !slices.Contains(got, "127.0.0.1") && !slices.Contains(got, "::1") {
		t.Fatal(got, err)
	}
}

func TestLookup(t *testing.T) {
	dns := func(e net.DNSError) error { return &e }
	for _, c := range []struct {
		name   string
		grants []grant
		lookup string
		want   string // addresses, or an error code
	}{
		{"every address, once", []grant{lookupAll, answer("10.0.0.1", "2001:db8::1", "10.0.0.1")}, "a.example", "10.0.0.1 2001:db8::1"},
		{"IPv4 in the clothes of IPv6", []grant{lookupAll, answer("::ffff:10.0.0.1")}, "a.example", "10.0.0.1"},
		{"private ones are not told where they are blocked", []grant{lookupAll, blockPrivate, answer("10.0.0.1", "8.8.8.8")}, "a.example", "8.8.8.8"},
		{"nor that there are any", []grant{lookupAll, blockPrivate, answer("10.0.0.1")}, "a.example", "access-denied"},
		{"no address", []grant{lookupAll, answer()}, "a.example", "name-unresolvable"},
		{"no such name", []grant{lookupAll, fail(dns(net.DNSError{IsNotFound: true}))}, "a.example", "name-unresolvable"},
		{"no answer", []grant{lookupAll, fail(dns(net.DNSError{IsTimeout: true}))}, "a.example", "temporary-resolver-failure"},
		{"no server for now", []grant{lookupAll, fail(dns(net.DNSError{IsTemporary: true}))}, "a.example", "temporary-resolver-failure"},
		{"a refusal", []grant{lookupAll, fail(dns(net.DNSError{}))}, "a.example", "permanent-resolver-failure"},
		{"given up", []grant{lookupAll, fail(context.DeadlineExceeded)}, "a.example", "temporary-resolver-failure"},
		{"a name that a pattern has", []grant{allow("tcp://a.example:1"), answer("10.0.0.1")}, "A.Example.", "10.0.0.1"},
		{"a name that no pattern has", []grant{allow("tcp://a.example:1"), answer("10.0.0.1")}, "b.example", "access-denied"},
		{"patterns without a name allow no lookup", []grant{allow("*", "tcp://*:*", "udp://10.0.0.0/8:*"), answer("10.0.0.1")}, "a.example", "access-denied"},
		{"an address", []grant{allow("tcp://10.0.0.1:1"), fail(nil)}, "127.0.0.1", "127.0.0.1"},
		{"an IPv6 address", []grant{fail(nil)}, "DEAD:BEEF::0", "dead:beef::"},
		{"one in brackets", []grant{fail(nil)}, "[::]", "::"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := newGuest(t, c.grants...).lookup(c.lookup)
			text := strings.Join(got, " ")
			if err != nil {
				text = codeName(err)
			}
			if text != c.want {
				t.Fatalf("%s, want %s", text, c.want)
			}
		})
	}
}

func TestLookupOfWhatIsNoName(t *testing.T) {
	g := newGuest(t, lookupAll, fail(nil))
	for _, name := range []string{
		"", " ", ".", "a..b", "a.b<&>", "127.0.0.1:80", "[::]:80", "[1.2.3.4]", "http://example.com/", "a b", "-a", "a-", "127.1", "1",
		"0x7f.0x1", "fe80::1%eth0", "\xff", "a\x00b", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "ab", strings.Repeat("ü", 2000),
	} {
		if _, err := g.ResolveAddresses(bg, network{}, name); codeName(err) != "invalid-argument" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNamesThatAreNotASCII(t *testing.T) {
	for name, want := range map[string]string{
		"münchen.de":    "xn--mnchen-3ya.de",
		"MÜNCHEN.de":    "xn--mnchen-3ya.de",
		"bücher.tld":    "xn--bcher-kva.tld",
		"他们为什么不说中文":     "xn--ihqwcrb4cv8a8dqg056pqjye",
		"3年b組金八先生":      "xn--3b-ww4c5e180e575a65lsy2b",
		"例え.テスト":        "xn--r8jz45g.xn--zckzah",
		"plain.example": "plain.example",
		"_srv._tcp.a":   "_srv._tcp.a",
	} {
		if got, _ := asciiName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestConnectionToANameThatWasLookedUp: the address is allowed because of the
// name, at the port of the pattern only, and only to who looked it up.
func TestConnectionToANameThatWasLookedUp(t *testing.T) {
	server := newGuest(t)
	_, a := server.listener(v4)
	_, other := server.listener(v4)
	port := strings.TrimPrefix(addrOf(a).String(), "127.0.0.1:")
	o := &told{}
	g := newGuest(t, allow("tcp://db.internal:"+port), answer("127.0.0.1"), tellTo(o))
	if _, err := connect(g.tcp(v4), a); codeName(err) != "access-denied" {
		t.Fatal("before it was looked up:", err)
	}
	o.one(t)
	o.lines = nil
	if got, err := g.lookup("db.internal"); len(got) != 1 || err != nil {
		t.Fatal(got, err)
	}
	if _, err := connect(g.tcp(v4), a); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(g.tcp(v4), other); codeName(err) != "access-denied" {
		t.Fatal("to another port:", err)
	}
	if line := o.one(t); !strings.Contains(line, "tcp://db.internal:") || !strings.Contains(line, "127.0.0.1") {
		t.Fatal(line)
	}
	u, err := g.CreateUDPSocket(bg, v4)
	if codeName(err) != "access-denied" {
		t.Fatal("by UDP:", u, err)
	}
}

// TestRebindingDoesNotGetAroundTheBlock: a name that leads elsewhere the second
// time is of no use.
func TestRebindingDoesNotGetAroundTheBlock(t *testing.T) {
	server := newGuest(t)
	_, a := server.listener(v4)
	g := newGuest(t, allow("tcp://*.evil.example:*"), blockPrivate, answer("127.0.0.1"))
	if got, err := g.lookup("x.evil.example"); codeName(err) != "access-denied" {
		t.Fatal(got, err)
	}
	if _, err := connect(g.tcp(v4), a); codeName(err) != "access-denied" {
		t.Fatal(err)
	}
}

func TestLookupIsCancelled(t *testing.T) {
	for name, cancel := range map[string]func(g guest, r wasisockets.ResolveAddressStream){
		"by dropping it":                  func(_ guest, r wasisockets.ResolveAddressStream) { r.Drop(bg) },
		"by the end of the instance":      func(g guest, _ wasisockets.ResolveAddressStream) { g.Close() },
		"by dropping it after it is over": func(g guest, r wasisockets.ResolveAddressStream) { g.Close(); r.Drop(bg) },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			g := newGuest(t, lookupAll, resolveBy(func(ctx context.Context, _ string) ([]netip.Addr, error) {
				<-ctx.Done()
				ended <- ctx.Err()
				return nil, ctx.Err()
			}))
			r, err := g.ResolveAddresses(bg, network{}, "slow.example")
			g.must(err)
			if _, err := r.ResolveNextAddress(bg); codeName(err) != "would-block" {
				t.Fatal(err)
			}
			cancel(g, r)
			select {
			case err := <-ended:
				if err != context.Canceled {
					t.Fatal(err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("it goes on")
			}
		})
	}
}

func TestLookupsAreLimited(t *testing.T) {
	release := make(chan struct{})
	var n atomic.Int32
	g := newGuest(t, lookupAll, resolveBy(func(ctx context.Context, _ string) ([]netip.Addr, error) {
		n.Add(1)
		<-release // does not look at its context, as some resolvers do not
		return nil, nil
	}))
	for range maxLookups {
		r, err := g.ResolveAddresses(bg, network{}, "slow.example")
		g.must(err)
		r.Drop(bg) // frees nothing: the resolver is still at it
	}
	if _, err := g.ResolveAddresses(bg, network{}, "slow.example"); codeName(err) != "temporary-resolver-failure" {
		t.Fatal(err)
	}
	close(release)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := g.ResolveAddresses(bg, network{}, "slow.example"); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("lookups that ended still count")
		}
	}
}

func TestStreamsOfAddressesAreCharged(t *testing.T) {
	budget := io.NewBudget(2*lookupSize + 1)
	g := newGuest(t, lookupAll, answer("10.0.0.1"), func(c *Config) { c.Budget = budget })
	one := must1(g.ResolveAddresses(bg, network{}, "a.example"))
	two := must1(g.ResolveAddresses(bg, network{}, "a.example"))
	var over *io.BudgetError
	if _, err := g.ResolveAddresses(bg, network{}, "a.example"); !errors.As(err, &over) {
		t.Fatal(err)
	}
	one.Drop(bg)
	two.Drop(bg)
	if budget.Used() != 0 {
		t.Fatal(budget.Used())
	}
}

func TestRememberedNamesAreBoundedAndCharged(t *testing.T) {
	budget := io.NewBudget(10 << 20)
	g := newGuest(t, allow("tcp://*.example:1"), func(c *Config) { c.Budget = budget })
	for i := range 3 * maxNamed {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		g.must(g.remember(a, "a.example"))
		g.must(g.remember(a, "a.example"))
		g.must(g.remember(a, "unnamed"))
	}
	if len(g.names) != maxNamed || budget.Used() != maxNamed*int64(namedSize+len("a.example")) {
		t.Fatal(len(g.names), budget.Used())
	}
}
