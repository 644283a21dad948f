package http

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

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
			p, err := ParsePolicy(strings.Fields(c.allow))
			if err != nil {
				t.Fatal(err)
			}
			p.BlockPrivate = c.block
			u, err := url.Parse(c.url)
			if err != nil {
				t.Fatal(err)
			}
			err = p.check(targetOf(u))
			if err == nil && c.addr != "" {
				err = p.checkAddr(targetOf(u), netip.MustParseAddr(c.addr))
			}
			if (err == nil) != c.want {
				t.Fatal(err)
			}
			if err != nil && !c.block && !strings.Contains(err.Error(), "--allow-outbound "+targetOf(u).scheme+"://") {
				t.Fatalf("the error does not name the flag: %v", err)
			}
			if err != nil && c.block && !strings.Contains(err.Error(), "--block-private") {
				t.Fatalf("the error does not name the flag: %v", err)
			}
		})
	}
}

// TestDeniedErrorNamesAPatternThatWorks: who does what the line says gets through.
func TestDeniedErrorNamesAPatternThatWorks(t *testing.T) {
	for _, s := range []string{"https://example.com", "http://[::1]:81", "http://10.0.0.1", "https://example.com:8443"} {
		u, _ := url.Parse(s)
		err := (&Policy{}).check(targetOf(u))
		_, pattern, _ := strings.Cut(err.Error(), "--allow-outbound ")
		pattern, _, _ = strings.Cut(pattern, " ")
		p, err := ParsePolicy([]string{pattern})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(targetOf(u)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParsePolicyRejects(t *testing.T) {
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
	} {
		if _, err := ParsePolicy([]string{pattern}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}
