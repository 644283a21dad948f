package sockets

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// UDPSocket is the resource udp-socket.
type UDPSocket struct {
	options
	binding bool // start-bind was called, finish-bind not yet
	bound   bool
	listens bool // it may receive datagrams of everyone
	remote  ossocket.Addr
	peers   peers
	// generation tells the streams of the last call of stream, which are the
	// only ones that work.
	generation int
	readable   readiness
	writable   readiness
}

// CreateUDPSocket implements wasisockets.UDPCreateSocketHost.
func (s *State) CreateUDPSocket(_ context.Context, family wasisockets.IPAddressFamily) (wasisockets.UDPSocket, error) {
	if err := s.permitKind(ossocket.UDP); err != nil {
		return nil, err
	}
	k, err := s.adopt(func() (*ossocket.Socket, error) { return ossocket.Open(familyOf(family), ossocket.UDP) })
	if err != nil {
		return nil, err
	}
	u := &UDPSocket{options: options{socket: k, family: family}}
	u.readable = readiness{socket: k, pending: always(ossocket.Readable)}
	u.writable = readiness{socket: k, pending: always(ossocket.Writable)}
	return u, nil
}

func always(d ossocket.Direction) func() (ossocket.Direction, bool) {
	return func() (ossocket.Direction, bool) { return d, true }
}

// StartBind implements wasisockets.UDPSocket.
func (u *UDPSocket) StartBind(_ context.Context, _ wasisockets.Network, local wasisockets.IPSocketAddress) error {
	a := addrOf(local)
	switch {
	case u.binding:
		return wasisockets.ErrorCodeConcurrencyConflict
	case u.bound:
		return wasisockets.ErrorCodeInvalidState
	case !isOf(a, familyOf(u.family)):
		return wasisockets.ErrorCodeInvalidArgument
	}
	s := u.socket.state
	if err := s.permitBind(schemeUDPListen, a); err != nil {
		return err
	}
	if err := u.socket.Bind(a); err != nil {
		return bindError(err)
	}
	chosen, err := u.socket.LocalAddr()
	if err != nil {
		return errorCode(err)
	}
	u.listens = s.Network.Policy.Allows(schemeUDPListen, chosen.AddrPort())
	u.binding = true
	return nil
}

// FinishBind implements wasisockets.UDPSocket.
func (u *UDPSocket) FinishBind(context.Context) error {
	if !u.binding {
		return wasisockets.ErrorCodeNotInProgress
	}
	u.binding, u.bound = false, true
	return nil
}

type datagramStreams = abi.Tuple2[wasisockets.IncomingDatagramStream, wasisockets.OutgoingDatagramStream]

// Stream implements wasisockets.UDPSocket.
func (u *UDPSocket) Stream(_ context.Context, remote abi.Option[wasisockets.IPSocketAddress]) (out datagramStreams, _ error) {
	if !u.bound {
		return out, wasisockets.ErrorCodeInvalidState
	}
	if err := u.associate(remote); err != nil {
		return out, err
	}
	u.generation++
	u.socket.retain()
	u.socket.retain()
	out.F0 = &IncomingDatagramStream{u, u.generation}
	out.F1 = &OutgoingDatagramStream{socket: u, generation: u.generation}
	return out, nil
}

// associate makes remote the only peer, or lets go of the one there is.
func (u *UDPSocket) associate(remote abi.Option[wasisockets.IPSocketAddress]) error {
	if !remote.Some {
		if !u.remote.IP.IsValid() {
			return nil
		}
		u.remote = ossocket.Addr{}
		return errorCode(u.socket.Disconnect())
	}
	a := addrOf(remote.Value)
	if err := u.permitSend(a); err != nil {
		return err
	}
	err := u.socket.Connect(a)
	if ossocket.CauseOf(err) == ossocket.InvalidArgument && u.remote.IP.IsValid() {
		// Another way out than for the peer before: Linux wants to be told twice.
		if err = u.socket.Disconnect(); err == nil {
			err = u.socket.Connect(a)
		}
	}
	u.remote = ossocket.Addr{}
	if err == nil {
		u.remote = a
	}
	return connectError(err)
}

// permitSend says whether datagrams may go to a.
func (u *UDPSocket) permitSend(a ossocket.Addr) error {
	switch {
	case !isOf(a, familyOf(u.family)) || !isRemote(a):
		return wasisockets.ErrorCodeInvalidArgument
	case u.peers.has(a):
		return nil
	}
	if err := u.socket.state.permit(schemeUDP, a); err != nil {
		return err
	}
	u.remember(a)
	return nil
}

// permitReceive says whether the guest gets to see a datagram of a. Nobody is
// told of those that it does not: they are not the guest's doing.
func (u *UDPSocket) permitReceive(a ossocket.Addr) bool {
	s := u.socket.state
	switch {
	case u.remote.IP.IsValid() && a != u.remote:
		return false // of before there was a peer
	case u.peers.has(a):
	case s.reaches(schemeUDP, a.AddrPort()):
		u.remember(a)
	case !u.listens:
		return false
	case !s.Network.Policy.BlockPrivate || netpolicy.IsPublic(a.IP):
		u.remember(a) // who speaks to a listening socket may be answered
	}
	return true
}

const (
	// maxPeers is how many peers a socket remembers, and peerSize what one takes.
	maxPeers = 1024
	peerSize = 128
)

// remember notes that datagrams may go to a. Without memory for it, the policy
// is asked again.
func (u *UDPSocket) remember(a ossocket.Addr) {
	if len(u.peers.order) == maxPeers || u.socket.charge(peerSize) {
		u.peers.add(a)
	}
}

// peers are the addresses that a socket may send to, so far as is known: asking
// the policy for each datagram would take longer than to send it, and those who
// spoke to a socket first are in no policy.
type peers struct {
	known map[ossocket.Addr]struct{}
	order []ossocket.Addr // a ring, the oldest at next
	next  int
}

func (p *peers) has(a ossocket.Addr) bool {
	_, ok := p.known[a]
	return ok
}

// add forgets the oldest when there are too many.
func (p *peers) add(a ossocket.Addr) {
	if p.known == nil {
		p.known = map[ossocket.Addr]struct{}{}
	}
	if len(p.order) < maxPeers {
		p.order = append(p.order, a)
	} else {
		delete(p.known, p.order[p.next])
		p.order[p.next] = a
		p.next = (p.next + 1) % maxPeers
	}
	p.known[a] = struct{}{}
}

// LocalAddress implements wasisockets.UDPSocket.
func (u *UDPSocket) LocalAddress(context.Context) (none wasisockets.IPSocketAddress, _ error) {
	if !u.bound {
		return none, wasisockets.ErrorCodeInvalidState
	}
	a, err := u.socket.LocalAddr()
	if err != nil {
		return none, errorCode(err)
	}
	return addressOf(a), nil
}

// RemoteAddress implements wasisockets.UDPSocket.
func (u *UDPSocket) RemoteAddress(context.Context) (none wasisockets.IPSocketAddress, _ error) {
	if !u.remote.IP.IsValid() {
		return none, wasisockets.ErrorCodeInvalidState
	}
	return addressOf(u.remote), nil
}

// AddressFamily implements wasisockets.UDPSocket.
func (u *UDPSocket) AddressFamily(context.Context) (wasisockets.IPAddressFamily, error) {
	return u.family, nil
}

// UnicastHopLimit implements wasisockets.UDPSocket.
func (u *UDPSocket) UnicastHopLimit(context.Context) (uint8, error) { return u.hopLimit() }

// SetUnicastHopLimit implements wasisockets.UDPSocket.
func (u *UDPSocket) SetUnicastHopLimit(_ context.Context, value uint8) error {
	return u.setHopLimit(value)
}

// Subscribe implements wasisockets.UDPSocket: no operation of the socket itself
// is ever waited for.
func (u *UDPSocket) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(io.Always{}), nil
}

// Drop implements wasisockets.UDPSocket. The socket lives on while its streams do.
func (u *UDPSocket) Drop(context.Context) { u.socket.release() }
