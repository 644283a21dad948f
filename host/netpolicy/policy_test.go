package netpolicy

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

var (
	https     = &Scheme{Name: "https", Port: 443, What: "request to", Flag: "--allow"}
	plain     = &Scheme{Name: "http", Port: 80, What: "request to", Flag: "--allow"}
	tcp       = &Scheme{Name: "tcp", What: "connection to", Flag: "--allow"}
	tcpListen = &Scheme{Name: "tcp-listen", Local: true, What: "listening on", Flag: "--allow"}

	schemes = []*Scheme{https, plain, tcp, tcpListen}
)

// target is the target that a URL names.
func target(t *testing.T, s string) Target {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	out := Target{Scheme: find(schemes, u.Scheme), Host: strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))}
	out.Port = out.Scheme.Port
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		out.Port = uint16(n)
	}
	return out
}

func parse(t *testing.T, patterns string) *Policy {
	t.Helper()
	p, err := Parse(schemes, strings.Fields(patterns))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		allow string // separated by spaces
		url   string
		addr  string // what the host resolves to; "" when it need not
		block bool
		want  bool
	}{
		{"", "https://example.com/", "", false, false},
		{"*", "http://anything:1234/", "10.0.0.1", false, true},
		{"https://example.com", "https://example.com/", "93.184.216.34", false, true},
		{"https://example.com", "https://EXAMPLE.com./", "93.184.216.34", false, true},
		{"https://example.com", "https://example.com:8443/", "", false, false},
		{"https://example.com", "http://example.com/", "", false, false},
		{"https://example.com", "https://example.com.evil.org/", "", false, false},
		{"https://example.com:*", "https://example.com:8443/", "1.1.1.1", false, true},
		{"*://example.com:80", "http://example.com/", "1.1.1.1", false, true},
		{"https://*.example.com", "https://a.b.example.com/", "1.1.1.1", false, true},
		{"https://*.example.com", "https://example.com/", "", false, false},
		{"https://*.example.com", "https://notexample.com/", "", false, false},
		{"http://10.1.0.0/16:*", "http://10.1.2.3:99/", "", false, true},
		{"http://10.1.0.0/16:*", "http://10.2.2.3:99/", "", false, false},
		{"http://10.1.0.0/16:*", "http://db.internal:99/", "10.1.9.9", false, true},
		{"http://10.1.0.0/16:*", "http://db.internal:99/", "10.2.9.9", false, false},
		{"http://10.1.0.0/16:*", "http://[::ffff:10.1.2.3]:99/", "", false, true},
		{"http://[2001:db8::/32]", "http://[2001:db8::7]/", "", false, true},
		{"http://[::1]:8080", "http://[::1]:8080/", "", false, true},
		{"http://127.0.0.1", "http://127.0.0.1/", "", false, true},
		{"http://127.0.0.1", "http://localhost/", "127.0.0.1", false, true},
		{"*", "http://127.0.0.1/", "", true, false},
		{"*", "http://[::ffff:127.0.0.1]/", "", true, false},
		{"*", "http://169.254.169.254/", "", true, false},
		{"*", "http://rebind.evil/", "192.168.0.1", true, false},
		{"*", "http://rebind.evil/", "fd00::1", true, false},
		{"*", "http://rebind.evil/", "64:ff9b::7f00:1", true, false},
		{"*", "http://rebind.evil/", "100.64.0.1", true, false},
		{"*", "http://rebind.evil/", "0.0.0.0", true, false},
		{"*", "http://rebind.evil/", "fe80::1%eth0", true, false},
		{"*", "http://good/", "8.8.8.8", true, true},
		{"*", "http://good/", "2606:4700::1111", true, true},
		{"https://a.org http://b.org:1", "http://b.org:1/", "8.8.8.8", false, true},
	} {
		name := c.allow + " asked for " + c.url + " at " + c.addr
		t.Run(name, func(t *testing.T) {
			p := parse(t, c.allow)
			p.BlockPrivate = c.block
			to := target(t, c.url)
			d := p.Check(to)
			if d == nil && c.addr != "" {
				d = p.CheckAddr(to, netip.MustParseAddr(c.addr))
			}
			if (d == nil) != c.want {
				t.Fatal(d)
			}
			flag := "--allow " + to.Scheme.Name + "://"
			if c.block {
				flag = "--block-private"
			}
			if d != nil && !strings.Contains(d.Error(), flag) {
				t.Fatalf("the denial does not name the flag: %v", d)
			}
		})
	}
}

// TestDenialNamesAPatternThatWorks: who does what the line says gets through.
func TestDenialNamesAPatternThatWorks(t *testing.T) {
	for _, s := range []string{"https://example.com", "http://[::1]:81", "http://10.0.0.1", "https://example.com:8443", "tcp-listen://0.0.0.0:80"} {
		d := (&Policy{}).Check(target(t, s))
		_, pattern, _ := strings.Cut(d.Error(), "--allow ")
		pattern, _, _ = strings.Cut(pattern, " ")
		if d := parse(t, pattern).Check(target(t, s)); d != nil {
			t.Fatal(d)
		}
	}
}

func TestParseRejects(t *testing.T) {
	for pattern, want := range map[string]string{
		"example.com":              "such as https://example.com",
		"ftp://example.com":        "scheme",
		"https://":                 "host name",
		"https://example.com/a":    "no path",
		"https://exa*mple.com":     "host name",
		"https://*.*.com":          "host name",
		"https://h:port":           "port",
		"https://h:99999":          "port",
		"https://::1":              "brackets",
		"https://[::1":             "no ]",
		"https://10.0.0.0/33":      "CIDR",
		"*://example.com":          "no default",
		"https://user@example.com": "host name",
		"":                         "form",
		"https://h:0":              "port",
		"tcp://h":                  "write tcp://h:PORT",
		"tcp-listen://localhost:1": "an address of this machine",
	} {
		if _, err := Parse(schemes, []string{pattern}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

func TestAllowsWithoutAName(t *testing.T) {
	for _, c := range []struct {
		allow  string
		scheme *Scheme
		addr   string
		block  bool
		want   bool
	}{
		{"tcp://10.0.0.0/8:5432", tcp, "10.1.1.1:5432", false, true},
		{"tcp://10.0.0.0/8:5432", tcp, "10.1.1.1:5433", false, false},
		{"tcp://10.0.0.0/8:5432", tcpListen, "10.1.1.1:5432", false, false},
		{"tcp://db:5432", tcp, "10.1.1.1:5432", false, false},
		{"tcp://*:*", tcp, "[fe80::1%eth0]:1", false, true},
		{"*", tcp, "127.0.0.1:1", true, false},
		{"*", tcp, "8.8.8.8:53", true, true},
		{"*", tcpListen, "127.0.0.1:1", true, true}, // to be reached is not to reach out
		{"tcp-listen://*:80", tcpListen, "0.0.0.0:80", false, true},
		{"tcp-listen://127.0.0.1:*", tcpListen, "0.0.0.0:80", false, false},
	} {
		p := parse(t, c.allow)
		p.BlockPrivate = c.block
		addr := netip.MustParseAddrPort(c.addr)
		if got := p.Allows(c.scheme, addr); got != c.want {
			t.Errorf("%s: %s %s: %v", c.allow, c.scheme.Name, addr, got)
		}
		if got := p.CheckAddr(AddrTarget(c.scheme, addr), addr.Addr()) == nil; got != c.want {
			t.Errorf("%s: %s %s: CheckAddr says %v", c.allow, c.scheme.Name, addr, got)
		}
	}
	p := parse(t, "tcp://10.0.0.0/8:5432 tcp://*:80 https://example.com")
	addr := netip.MustParseAddrPort("192.168.1.1:22")
	if n := testing.AllocsPerRun(100, func() { p.Allows(tcp, addr) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamesAreThoseOfPatternsThatNameThem(t *testing.T) {
	p := parse(t, "tcp://db.internal:5432 tcp://*.example.com:* tcp://10.0.0.0/8:* *")
	for name, want := range map[string]bool{
		"db.internal": true, "a.example.com": true, "example.com": false, "other": false, "10.0.0.1": false,
	} {
		if got := p.Names(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWithoutAScheme(t *testing.T) {
	p := parse(t, "* tcp://a:1 https://b")
	p.BlockPrivate = true
	q := p.Without(tcp, schemes)
	if q.Has(tcp) || !q.Has(https) || !q.Has(tcpListen) || !q.BlockPrivate || q.Check(target(t, "https://c")) != nil {
		t.Fatalf("%+v", q)
	}
}

func TestOperatorIsToldOfEachDenialOnceAndNotOfAll(t *testing.T) {
	told := 0
	d := Denials{Tell: func(error) { told++ }}
	for i := range 100 {
		d.Report(strconv.Itoa(i/10), nil)
	}
	if told != maxDenials {
		t.Fatal(told)
	}
	(&Denials{}).Report("nobody listens", nil)
}
