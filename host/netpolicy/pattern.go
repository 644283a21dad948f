package netpolicy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Parse makes a Policy of patterns. They are of the schemes given, or of any.
func Parse(schemes []*Scheme, patterns []string) (*Policy, error) {
	p := &Policy{}
	for _, s := range patterns {
		r, err := parseRule(schemes, s)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", schemes[0].Flag, s, err)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func parseRule(schemes []*Scheme, s string) (r rule, err error) {
	if s == "*" {
		return rule{any: true}, nil
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return r, fmt.Errorf("not of the form scheme://host:port, such as %s://%s", schemes[0].Name, s)
	}
	if scheme != "*" {
		if r.scheme = find(schemes, strings.ToLower(scheme)); r.scheme == nil {
			return r, fmt.Errorf("scheme %q is not %s", scheme, list(schemes))
		}
	}
	host, port, err := splitPattern(rest)
	if err != nil {
		return r, err
	}
	switch {
	case port == "*":
	case port != "":
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return r, fmt.Errorf("port %q is not a number or *", port)
		}
		r.port = uint16(n)
	case r.scheme == nil:
		return r, fmt.Errorf("no port: it has no default without a scheme; write %s:*", s)
	case r.scheme.Port == 0:
		return r, fmt.Errorf("no port: write %s:PORT, or %s:* for all", s, s)
	default:
		r.port = r.scheme.Port
	}
	return r, r.setHost(host)
}

func find(schemes []*Scheme, name string) *Scheme {
	for _, s := range schemes {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func list(schemes []*Scheme) string {
	var b strings.Builder
	for _, s := range schemes {
		b.WriteString(s.Name + ", ")
	}
	return strings.TrimSuffix(b.String(), ", ") + " or *"
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
	if !r.any && r.scheme != nil && r.scheme.Local {
		return fmt.Errorf("%q is a name; what a guest listens on is an address of this machine, a network or *", host)
	}
	return nil
}
