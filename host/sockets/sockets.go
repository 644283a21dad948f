// Package sockets implements wasi:sockets: TCP, UDP and the lookup of names, on
// the sockets of the operating system. A guest reaches only the addresses that
// the policy of its network allows; without a network it gets access-denied.
//
//	Network, State      what is granted, and what one instance holds of it (sockets.go)
//	ParsePolicy         the patterns of addresses (policy.go)
//	TCPSocket           tcp-socket (tcp.go, tcp_connect.go, options.go), and its streams (stream.go)
//	UDPSocket           udp-socket, and its datagram streams (udp.go, datagrams.go)
//	resolve-addresses   names (lookup.go, name.go)
//
// It implements wasi:sockets@0.2.12. It may import bindings, engine packages,
// host/io, host/netpolicy and host/internal, and must not import package host or
// another subject.
package sockets

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

// DefaultMaxSockets is the default of Network.MaxSockets. The streams of so many
// connections stay within the host memory that an instance has by default.
const DefaultMaxSockets = 64

// Network is the network that guests see. It is safe for concurrent use by
// every instance of a process.
type Network struct {
	// Policy says which addresses they reach and are reached at. See ParsePolicy.
	Policy *netpolicy.Policy
	// LookupNames allows the lookup of every name; without it, only the names
	// that a pattern of the Policy has are looked up.
	LookupNames bool
	// Resolver looks names up; nil means the system's.
	Resolver Resolver
	// MaxSockets bounds the sockets that one instance has at once; 0 means
	// DefaultMaxSockets.
	MaxSockets int
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config configures a State. The zero value refuses everything.
type Config struct {
	// Network is what the instance sees; nil is nothing.
	Network *Network
	// Budget is charged for stream buffers.
	Budget *io.Budget
	// Denied, if not nil, is told what is denied, once each.
	Denied func(err error)
}

// State is what wasi:sockets holds for one instance. Its methods are the
// functions of the interface. It serves one goroutine, that of the guest, but
// Close may be called from any.
type State struct {
	Config
	ctx     context.Context // ends with the instance, and with it every lookup
	cancel  context.CancelFunc
	denials netpolicy.Denials

	mu      sync.Mutex
	sockets map[*socket]struct{} // that are open
	closed  bool
	lookups int                     // under way
	names   map[netip.Addr][]string // of the addresses that were given for them
	named   int                     // entries of names
}

// NewState returns the State of a new instance, which lives at most as long as ctx.
func NewState(ctx context.Context, c Config) *State {
	s := &State{Config: c, ctx: ctx, cancel: func() {}}
	s.denials.Tell = c.Denied
	if c.Network != nil {
		s.ctx, s.cancel = context.WithCancel(ctx)
	}
	return s
}

// lingerTime is how long an instance that ended waits for the system to take
// what it had written before.
const lingerTime = 2 * time.Second

// Close closes every socket and ends every lookup. What the guest had written to
// streams that it ended still goes out, unless the context is done or the other
// end does not take it.
func (s *State) Close() {
	open := s.open()
	if s.ctx.Err() == nil {
		deadline := time.Now().Add(lingerTime)
		for _, k := range open {
			k.linger(deadline)
		}
	}
	s.cancel()
	for _, k := range open {
		k.abort()
	}
}

// open is the sockets that are open; there will be no more.
func (s *State) open() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	open := make([]*socket, 0, len(s.sockets))
	for k := range s.sockets {
		open = append(open, k)
	}
	return open
}

// socket is a socket of the system that an instance holds. It is closed when
// nothing refers to it any more.
type socket struct {
	*ossocket.Socket
	state *State
	// state.mu guards these.
	refs    int         // of resources and goroutines
	conn    *connection // once it is connected
	charged int         // of the instance's budget
}

// adopt makes a socket of the instance of one that open makes.
func (s *State) adopt(open func() (*ossocket.Socket, error)) (*socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.Network.MaxSockets
	if limit <= 0 {
		limit = DefaultMaxSockets
	}
	if s.closed || len(s.sockets) >= limit {
		return nil, wasisockets.ErrorCodeNewSocketLimit
	}
	sys, err := open()
	if err != nil {
		return nil, errorCode(err)
	}
	k := &socket{Socket: sys, state: s, refs: 1}
	if s.sockets == nil {
		s.sockets = map[*socket]struct{}{}
	}
	s.sockets[k] = struct{}{}
	return k, nil
}

func (k *socket) retain() {
	k.state.mu.Lock()
	defer k.state.mu.Unlock()
	k.refs++
}

func (k *socket) release() {
	k.state.mu.Lock()
	defer k.state.mu.Unlock()
	if k.refs--; k.refs == 0 {
		delete(k.state.sockets, k)
		k.Close()
		k.state.Budget.Give(k.charged)
	}
}

// charge takes n bytes of the instance's budget for as long as the socket lives,
// and says whether there were so many.
func (k *socket) charge(n int) bool {
	k.state.mu.Lock()
	defer k.state.mu.Unlock()
	if k.state.Budget.Take(n) != nil {
		return false
	}
	k.charged += n
	return true
}

// connection is what the socket has for its streams, or nil.
func (k *socket) connection() *connection {
	k.state.mu.Lock()
	defer k.state.mu.Unlock()
	return k.conn
}

// linger waits until what the guest had written is gone.
func (k *socket) linger(deadline time.Time) {
	c := k.connection()
	if c == nil {
		return
	}
	if ended, ok := c.out.Finished(); ended && ok {
		k.SetWriteDeadline(deadline)
		<-c.sent
	}
}

// abort ends the socket whoever still refers to it.
func (k *socket) abort() {
	k.Close()
	if c := k.connection(); c != nil {
		c.abort()
	}
}

// network is the resource network: the instance's own.
type network struct{}

func (network) Drop(context.Context) {}

// InstanceNetwork implements wasisockets.InstanceNetworkHost.
func (s *State) InstanceNetwork(context.Context) (wasisockets.Network, error) { return network{}, nil }

// NetworkErrorCode implements wasisockets.NetworkHost.
func (s *State) NetworkErrorCode(_ context.Context, e wasiio.Error) (abi.Option[wasisockets.ErrorCode], error) {
	var code wasisockets.ErrorCode
	if cause := io.Cause(e); cause != nil && errors.As(cause, &code) {
		return abi.Some(code), nil
	}
	return abi.None[wasisockets.ErrorCode](), nil
}

// Link defines wasi:sockets in l; state picks the State of the calling instance.
func Link(l *engine.Linker, state func(cx *abi.Context) *State) error {
	return errors.Join(
		wasisockets.LinkNetwork(l, func(cx *abi.Context) wasisockets.NetworkHost { return state(cx) }),
		wasisockets.LinkInstanceNetwork(l, func(cx *abi.Context) wasisockets.InstanceNetworkHost { return state(cx) }),
		wasisockets.LinkTCP(l),
		wasisockets.LinkTCPCreateSocket(l, func(cx *abi.Context) wasisockets.TCPCreateSocketHost { return state(cx) }),
		wasisockets.LinkUDP(l),
		wasisockets.LinkUDPCreateSocket(l, func(cx *abi.Context) wasisockets.UDPCreateSocketHost { return state(cx) }),
		wasisockets.LinkIPNameLookup(l, func(cx *abi.Context) wasisockets.IPNameLookupHost { return state(cx) }),
	)
}
