package sockets

import (
	"errors"
	"net/netip"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// The schemes of patterns for sockets.
var (
	schemeTCP       = &netpolicy.Scheme{Name: "tcp", What: "TCP connection to", Flag: "--allow-socket"}
	schemeUDP       = &netpolicy.Scheme{Name: "udp", What: "UDP datagrams to", Flag: "--allow-socket"}
	schemeTCPListen = &netpolicy.Scheme{Name: "tcp-listen", Local: true, What: "listening for TCP on", Flag: "--allow-socket"}
	schemeUDPListen = &netpolicy.Scheme{Name: "udp-listen", Local: true, What: "listening for UDP on", Flag: "--allow-socket"}

	schemes = []*netpolicy.Scheme{schemeTCP, schemeUDP, schemeTCPListen, schemeUDPListen}
)

// ParsePolicy makes a Policy of patterns:
//
//	tcp://db.internal:5432        to connect to; the name may be looked up
//	udp://10.0.0.0/8:53           to exchange datagrams with
//	tcp-listen://127.0.0.1:8080   to accept connections at
//	udp-listen://*:5353           to receive datagrams of everyone at, and answer them
//	*                             everything
func ParsePolicy(patterns []string) (*netpolicy.Policy, error) {
	return netpolicy.Parse(schemes, patterns)
}

// WithoutTCP is what p allows but for TCP.
func WithoutTCP(p *netpolicy.Policy) *netpolicy.Policy {
	return p.Without(schemeTCP, schemes).Without(schemeTCPListen, schemes)
}

// WithoutUDP is what p allows but for UDP.
func WithoutUDP(p *netpolicy.Policy) *netpolicy.Policy {
	return p.Without(schemeUDP, schemes).Without(schemeUDPListen, schemes)
}

var (
	errNoTCP = errors.New("TCP socket denied; pass --allow-socket tcp://HOST:PORT for where it may connect, tcp-listen://ADDRESS:PORT for where it may listen")
	errNoUDP = errors.New("UDP socket denied; pass --allow-socket udp://HOST:PORT for where it may send, udp-listen://ADDRESS:PORT for where it may listen")
)

// deny tells the operator of what is denied, and is what the guest sees of it.
func (s *State) deny(key string, err error) error {
	s.denials.Report(key, err)
	return wasisockets.ErrorCodeAccessDenied
}

func (s *State) denyAddr(d *netpolicy.Denial) error { return s.deny(d.Target.String(), d) }

// permitKind says whether a socket of the kind is of any use.
func (s *State) permitKind(k ossocket.Kind) error {
	if n := s.Network; n != nil && n.Policy != nil {
		if k == ossocket.TCP && (n.Policy.Has(schemeTCP) || n.Policy.Has(schemeTCPListen)) {
			return nil
		}
		if k == ossocket.UDP && (n.Policy.Has(schemeUDP) || n.Policy.Has(schemeUDPListen)) {
			return nil
		}
	}
	if k == ossocket.TCP {
		return s.deny("tcp", errNoTCP)
	}
	return s.deny("udp", errNoUDP)
}

// reaches says whether the policy allows addr, itself or by a name that it was
// given for.
func (s *State) reaches(scheme *netpolicy.Scheme, addr netip.AddrPort) bool {
	p := s.Network.Policy
	if p.Allows(scheme, addr) {
		return true
	}
	for _, name := range s.namesOf(addr.Addr()) {
		if p.CheckAddr(netpolicy.Target{Scheme: scheme, Host: name, Port: addr.Port()}, addr.Addr()) == nil {
			return true
		}
	}
	return false
}

// permit says whether the guest may reach addr, or be reached at it.
func (s *State) permit(scheme *netpolicy.Scheme, a ossocket.Addr) error {
	addr := a.AddrPort()
	if s.reaches(scheme, addr) {
		return nil
	}
	t := netpolicy.AddrTarget(scheme, addr)
	if names := s.namesOf(addr.Addr()); len(names) > 0 {
		t.Host = names[len(names)-1] // what the operator knows it by
	}
	d := s.Network.Policy.CheckAddr(t, addr.Addr())
	if d == nil {
		return nil
	}
	return s.denyAddr(d)
}

// permitBind says whether a socket may be bound to a. That a guest has a port
// which the system chose lets nobody reach it, so that it may as long as the
// kind of socket is allowed.
func (s *State) permitBind(listen *netpolicy.Scheme, a ossocket.Addr) error {
	if a.Port == 0 {
		return nil
	}
	return s.permit(listen, a)
}
