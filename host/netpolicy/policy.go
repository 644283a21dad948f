// Package netpolicy says where guests may go on a network: a Policy is a list of
// patterns such as https://*.example.com or tcp://10.1.0.0/16:*, checked on the
// name before it is looked up and on the address before it is used. Outbound
// HTTP and sockets share it; each brings its own schemes.
//
//	Scheme      a way to a target: https, tcp, tcp-listen (policy.go)
//	Policy      what patterns allow (policy.go, pattern.go)
//	Target      what a guest asks for (policy.go)
//	IsPublic    which addresses are on the public internet (public.go)
//	Denial      what the guest may not, and Denials, which tells it once (denial.go)
//
// It imports nothing of this module.
package netpolicy

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Scheme is a way to reach a target, or to be reached. Schemes are compared by
// identity.
type Scheme struct {
	Name string
	// Port is the one of patterns without a port; 0 means that they need one.
	Port uint16
	// Local says that targets are addresses of this machine, to listen on.
	// BlockPrivate does not hold for them, and patterns for them have no names.
	Local bool
	// What is a target in messages: "outbound request to".
	What string
	// Flag takes patterns, in messages: "--allow-outbound".
	Flag string
}

// Target is where a guest wants to go.
type Target struct {
	Scheme *Scheme
	Host   string // a name, or an address without brackets
	Port   uint16
}

// String is the pattern that allows t.
func (t Target) String() string {
	return t.Scheme.Name + "://" + net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)))
}

// AddrTarget is the target at an address.
func AddrTarget(s *Scheme, addr netip.AddrPort) Target {
	return Target{Scheme: s, Host: addr.Addr().WithZone("").String(), Port: addr.Port()}
}

// Policy says where guests may go. The zero value allows nothing.
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
	// whatever the patterns allow. It is checked on the address used, so that
	// no name resolves around it.
	BlockPrivate bool
}

type rule struct {
	scheme *Scheme // nil any
	port   uint16  // 0 any
	any    bool    // any host
	suffix string  // ".example.com"
	host   string  // "example.com"
	prefix netip.Prefix
}

func (r *rule) onWay(s *Scheme, port uint16) bool {
	return (r.scheme == nil || r.scheme == s) && (r.port == 0 || r.port == port)
}

// names says whether the rule names a host, rather than any or a network.
func (r *rule) names(host string) bool {
	switch {
	case r.suffix != "":
		return strings.HasSuffix(host, r.suffix) && len(host) > len(r.suffix)
	case r.host != "":
		return r.host == host
	}
	return false
}

func (r *rule) hasAddr(addr netip.Addr) bool {
	return r.any || r.prefix.IsValid() && r.prefix.Contains(addr)
}

// IsEmpty says whether nothing is allowed.
func (p *Policy) IsEmpty() bool { return len(p.rules) == 0 }

// Has says whether some target of the scheme is allowed.
func (p *Policy) Has(s *Scheme) bool {
	for i := range p.rules {
		if p.rules[i].scheme == nil || p.rules[i].scheme == s {
			return true
		}
	}
	return false
}

// Without returns the policy that allows the same but for targets of the scheme.
func (p *Policy) Without(s *Scheme, all []*Scheme) *Policy {
	out := &Policy{BlockPrivate: p.BlockPrivate}
	for _, r := range p.rules {
		switch r.scheme {
		case s:
		case nil: // any scheme: all the others
			for _, other := range all {
				if other != s {
					r.scheme = other
					out.rules = append(out.rules, r)
				}
			}
		default:
			out.rules = append(out.rules, r)
		}
	}
	return out
}

// Names says whether a pattern names host, so that it may be looked up; those
// that are for any host or a network do not.
func (p *Policy) Names(host string) bool {
	for i := range p.rules {
		if p.rules[i].names(host) {
			return true
		}
	}
	return false
}

// Check says before any look-up whether a guest may go to t; nil may still be
// refused by CheckAddr.
func (p *Policy) Check(t Target) *Denial {
	if addr, err := netip.ParseAddr(t.Host); err == nil {
		return p.CheckAddr(t, addr)
	}
	for i := range p.rules {
		// A network may be where the name leads.
		if r := &p.rules[i]; r.onWay(t.Scheme, t.Port) && (r.any || r.names(t.Host) || r.prefix.IsValid()) {
			return nil
		}
	}
	return &Denial{Target: t}
}

// CheckAddr says whether t may be at addr.
func (p *Policy) CheckAddr(t Target, addr netip.Addr) *Denial {
	addr = addr.Unmap().WithZone("")
	if p.blocks(t.Scheme, addr) {
		return &Denial{Target: t, Addr: addr, Private: true}
	}
	for i := range p.rules {
		if r := &p.rules[i]; r.onWay(t.Scheme, t.Port) && (r.hasAddr(addr) || r.names(t.Host)) {
			return nil
		}
	}
	return &Denial{Target: t, Addr: addr}
}

// Allows is CheckAddr for a target that has no name. It allocates nothing.
func (p *Policy) Allows(s *Scheme, addr netip.AddrPort) bool {
	ip := addr.Addr().Unmap().WithZone("")
	if p.blocks(s, ip) {
		return false
	}
	for i := range p.rules {
		if r := &p.rules[i]; r.onWay(s, addr.Port()) && r.hasAddr(ip) {
			return true
		}
	}
	return false
}

func (p *Policy) blocks(s *Scheme, addr netip.Addr) bool {
	return p.BlockPrivate && !s.Local && !IsPublic(addr)
}
