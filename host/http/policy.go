package http

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Policy says where guests may send requests. The zero value allows nothing.
//
// A pattern is scheme://host:port.
//
//   - everything
//     https://api.example.com    one host, at the scheme's port
//     http://db.internal:8081    one host and port
//     https://*.example.com      every name below example.com, not itself
//     *://*:*                    everything, spelled out; each part may be *
//     http://10.1.0.0/16:*       every address in a network, also one that a name resolves to
//     https://[2001:db8::/32]    the same for IPv6
type Policy struct {
	rules []rule
	// BlockPrivate refuses addresses that are not on the public internet,
	// whatever the patterns allow. It is checked on the address dialed, so that
	// no name resolves around it.
	BlockPrivate bool
}

type rule struct {
	scheme string // "" any
	port   string // "" any
	any    bool   // any host
	suffix string // ".example.com"
	host   string // "example.com"
	prefix netip.Prefix
}

// ParsePolicy makes a Policy of patterns.
func ParsePolicy(patterns []string) (*Policy, error) {
	p := &Policy{}
	for _, s := range patterns {
		r, err := parseRule(s)
		if err != nil {
			return nil, fmt.Errorf("--allow-outbound %s: %w", s, err)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func parseRule(s string) (r rule, err error) {
	if s == "*" {
		return rule{any: true}, nil
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return r, fmt.Errorf("not of the form scheme://host:port, such as https://%s", s)
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https":
		r.scheme = scheme
	case "*":
	default:
		return r, fmt.Errorf("scheme %q is not http, https or *", scheme)
	}
	host, port, err := splitPattern(rest)
	if err != nil {
		return r, err
	}
	switch {
	case port == "*":
	case port != "":
		if !isPort(port, port) || strings.Trim(port, "0123456789") != "" {
			return r, fmt.Errorf("port %q is not a number or *", port)
		}
		r.port = port
	case r.scheme != "":
		r.port = defaultPort(r.scheme)
	default:
		return r, fmt.Errorf("no port: it has no default without a scheme; write %s:*", s)
	}
	return r, r.setHost(host)
}

// splitPattern takes host:port apart, where host may be [v6] or [v6/n].
func splitPattern(s string) (host, port string, err error) {
	if strings.HasPrefix(s, "[") {
		host, rest, ok := strings.Cut(s[1:], "]")
		if !ok {
			return "", "", fmt.Errorf("no ] after the address")
		}
		if rest != "" && rest[0] != ':' {
			return "", "", fmt.Errorf("%q after the address is not a port", rest)
		}
		return host, strings.TrimPrefix(rest, ":"), nil
	}
	host, port, ok := strings.Cut(s, ":")
	if ok && port == "" || strings.Contains(port, ":") {
		return "", "", fmt.Errorf("port %q is not a number or *; an IPv6 address goes in brackets", port)
	}
	return host, port, nil
}

func (r *rule) setHost(host string) error {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.Contains(host, "/") {
		prefix, err := netip.ParsePrefix(host)
		if err != nil {
			return fmt.Errorf("%q is not a network in CIDR form; a pattern has no path", host)
		}
		r.prefix = prefix.Masked()
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		r.prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	switch {
	case host == "*":
		r.any = true
	case strings.HasPrefix(host, "*."):
		r.suffix = host[1:]
	default:
		r.host = host
	}
	if name := r.suffix + r.host; !r.any && (name == "" || name == "." || strings.ContainsAny(name, "*?#@ ")) {
		return fmt.Errorf("%q is not a host name; * stands for any host, or alone for the first label", host)
	}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// target is where a request goes.
type target struct{ scheme, host, port string }

func targetOf(u *url.URL) target {
	t := target{scheme: u.Scheme, host: strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port: u.Port()}
	if t.port == "" {
		t.port = defaultPort(t.scheme)
	}
	return t
}

func (t target) String() string { return t.scheme + "://" + net.JoinHostPort(t.host, t.port) }

// literal is the address that t names without a look-up.
func (t target) literal() (netip.Addr, bool) {
	addr, err := netip.ParseAddr(t.host)
	return addr.Unmap(), err == nil
}

func (r *rule) onWay(t target) bool {
	return (r.scheme == "" || r.scheme == t.scheme) && (r.port == "" || r.port == t.port)
}

func (r *rule) named(t target) bool {
	switch {
	case r.any:
		return true
	case r.suffix != "":
		return strings.HasSuffix(t.host, r.suffix) && len(t.host) > len(r.suffix)
	case r.host != "":
		return r.host == t.host
	}
	return false
}

// check says before any look-up whether a request may go to t; nil may still be
// refused by checkAddr.
func (p *Policy) check(t target) error {
	addr, literal := t.literal()
	if literal {
		return p.checkAddr(t, addr)
	}
	for i := range p.rules {
		// A network may be where the name leads.
		if r := &p.rules[i]; r.onWay(t) && (r.named(t) || r.prefix.IsValid()) {
			return nil
		}
	}
	return &DeniedError{Target: t.String()}
}

// checkAddr says whether a request to t may go to addr.
func (p *Policy) checkAddr(t target, addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if p.BlockPrivate && !isPublic(addr) {
		return &DeniedError{Target: t.String(), Addr: addr, Private: true}
	}
	for i := range p.rules {
		r := &p.rules[i]
		if r.onWay(t) && (r.named(t) || r.prefix.IsValid() && r.prefix.Contains(addr)) {
			return nil
		}
	}
	return &DeniedError{Target: t.String(), Addr: addr}
}

// DeniedError is an outbound request that the Policy does not allow.
type DeniedError struct {
	Target  string     // scheme://host:port
	Addr    netip.Addr // where it led, if that was looked at
	Private bool       // Addr is not public, and those are blocked
}

func (e *DeniedError) Error() string {
	to := e.Target
	if e.Addr.IsValid() && !strings.Contains(to, e.Addr.String()) {
		to += " (" + e.Addr.String() + ")"
	}
	if e.Private {
		return "outbound request to " + to + " denied: the address is private; leave out --block-private to allow it"
	}
	return "outbound request to " + to + " denied; pass --allow-outbound " + e.Target + " to allow it"
}

// special are the networks that are neither public nor known to netip.
var special = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// isPublic says whether addr is on the public internet. Addresses that carry
// another one inside (NAT64, 6to4, Teredo) do not count.
func isPublic(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range special {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
