package sockets

import (
	"net/netip"

	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
)

func familyOf(f wasisockets.IPAddressFamily) ossocket.Family {
	if f == wasisockets.IPAddressFamilyIPv6 {
		return ossocket.IPv6
	}
	return ossocket.IPv4
}

// addrOf is a as the host has it. It may be invalid for its use.
func addrOf(a wasisockets.IPSocketAddress) ossocket.Addr {
	if a.Tag == wasisockets.IPSocketAddressIPv4 {
		v := a.IPv4.Address
		return ossocket.Addr{IP: netip.AddrFrom4([4]byte{v.F0, v.F1, v.F2, v.F3}), Port: a.IPv4.Port}
	}
	v := a.IPv6.Address
	var b [16]byte
	for i, n := range [8]uint16{v.F0, v.F1, v.F2, v.F3, v.F4, v.F5, v.F6, v.F7} {
		b[2*i], b[2*i+1] = byte(n>>8), byte(n)
	}
	return ossocket.Addr{IP: netip.AddrFrom16(b), Port: a.IPv6.Port, Scope: a.IPv6.ScopeID}
}

// addressOf is a as the guest has it.
func addressOf(a ossocket.Addr) wasisockets.IPSocketAddress {
	ip := ipAddressOf(a.IP)
	if ip.Tag == wasisockets.IPAddressIPv4 {
		return wasisockets.IPSocketAddress{
			Tag:  wasisockets.IPSocketAddressIPv4,
			IPv4: wasisockets.IPv4SocketAddress{Port: a.Port, Address: ip.IPv4},
		}
	}
	return wasisockets.IPSocketAddress{
		Tag:  wasisockets.IPSocketAddressIPv6,
		IPv6: wasisockets.IPv6SocketAddress{Port: a.Port, Address: ip.IPv6, ScopeID: a.Scope},
	}
}

func ipAddressOf(ip netip.Addr) wasisockets.IPAddress {
	if ip.Is4() {
		b := ip.As4()
		return wasisockets.IPAddress{Tag: wasisockets.IPAddressIPv4, IPv4: wasisockets.IPv4Address{F0: b[0], F1: b[1], F2: b[2], F3: b[3]}}
	}
	b := ip.As16()
	n := func(i int) uint16 { return uint16(b[2*i])<<8 | uint16(b[2*i+1]) }
	return wasisockets.IPAddress{Tag: wasisockets.IPAddressIPv6, IPv6: wasisockets.IPv6Address{
		F0: n(0), F1: n(1), F2: n(2), F3: n(3), F4: n(4), F5: n(5), F6: n(6), F7: n(7),
	}}
}

var (
	broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	// compatible are the IPv6 addresses with an IPv4 one at the end, deprecated:
	// systems differ in what they do with them.
	compatible = netip.MustParsePrefix("::/96")
)

// isOf says whether a socket of the family may use a. IPv4 addresses in the
// clothes of IPv6 are of neither.
func isOf(a ossocket.Addr, f ossocket.Family) bool {
	if f == ossocket.IPv4 {
		return a.IP.Is4()
	}
	return a.IP.Is6() && !a.IP.Is4In6() &&
		(!compatible.Contains(a.IP) || a.IP.IsUnspecified() || a.IP.IsLoopback())
}

func isUnicast(a ossocket.Addr) bool { return !a.IP.IsMulticast() && a.IP != broadcast }

// isRemote says whether a may be the other end.
func isRemote(a ossocket.Addr) bool { return !a.IP.IsUnspecified() && a.Port != 0 }
