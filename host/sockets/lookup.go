package sockets

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/netpolicy"
)

const (
	// maxLookups is how many lookups of one instance are under way at once.
	maxLookups = 8
	// lookupTime is how long one may take.
	lookupTime = 30 * time.Second
	// maxAddresses is how many addresses of one name a guest gets, and lookupSize
	// about what a stream of them takes.
	maxAddresses = 64
	lookupSize   = 2 << 10
	// maxNamed is how many pairs of address and name an instance has remembered,
	// and namedSize about what one takes.
	maxNamed  = 1024
	namedSize = 128
)

// ResolveAddressStream is the resource resolve-address-stream.
type ResolveAddressStream struct {
	state  *State
	name   string // "" for an address
	done   io.Latch
	cancel context.CancelFunc
	// What was found. They are set before done is.
	addrs []netip.Addr
	err   error

	next int
}

// ResolveAddresses implements wasisockets.IPNameLookupHost.
func (s *State) ResolveAddresses(_ context.Context, _ wasisockets.Network, text string) (wasisockets.ResolveAddressStream, error) {
	if s.Network == nil || s.Network.Policy == nil {
		return nil, s.deny("lookup", lookupDenial(text))
	}
	r := &ResolveAddressStream{state: s, cancel: func() {}}
	if addr, ok := parseAddr(text); ok {
		r.addrs = []netip.Addr{addr}
		r.done.Set()
		return r, nil
	}
	name, ok := asciiName(text)
	if !ok {
		return nil, wasisockets.ErrorCodeInvalidArgument
	}
	if !s.Network.LookupNames && !s.Network.Policy.Names(name) {
		return nil, s.deny(name, lookupDenial(name))
	}
	if !s.startLookup() {
		return nil, wasisockets.ErrorCodeTemporaryResolverFailure
	}
	if err := s.Budget.Take(lookupSize); err != nil {
		s.endLookup()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, lookupTime)
	r.name, r.cancel = name, cancel
	go func() {
		defer s.endLookup()
		defer cancel()
		r.resolve(ctx)
		r.done.Set()
	}()
	return r, nil
}

func (s *State) startLookup() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.lookups >= maxLookups {
		return false
	}
	s.lookups++
	return true
}

func (s *State) endLookup() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups--
}

// resolve asks the resolver.
func (r *ResolveAddressStream) resolve(ctx context.Context) {
	n := r.state.Network
	var resolver Resolver = net.DefaultResolver
	if n.Resolver != nil {
		resolver = n.Resolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", r.name)
	if err != nil {
		r.err = resolverError(err)
		return
	}
	private := netip.Addr{}
	for _, addr := range found {
		addr = addr.Unmap().WithZone("")
		switch {
		case n.Policy.BlockPrivate && !netpolicy.IsPublic(addr):
			private = addr // a guest does not find out what the host's network has
		case len(r.addrs) < maxAddresses && !slices.Contains(r.addrs, addr):
			r.addrs = append(r.addrs, addr)
		}
	}
	switch {
	case len(r.addrs) > 0:
	case private.IsValid():
		r.err = r.state.deny(r.name, privateName{r.name, private})
	default:
		r.err = wasisockets.ErrorCodeNameUnresolvable
	}
}

func resolverError(err error) error {
	var d *net.DNSError
	switch {
	case errors.As(err, &d) && d.IsNotFound:
		return wasisockets.ErrorCodeNameUnresolvable
	case errors.As(err, &d) && !d.IsTimeout && !d.IsTemporary:
		return wasisockets.ErrorCodePermanentResolverFailure
	}
	return wasisockets.ErrorCodeTemporaryResolverFailure
}

// ResolveNextAddress implements wasisockets.ResolveAddressStream.
func (r *ResolveAddressStream) ResolveNextAddress(context.Context) (abi.Option[wasisockets.IPAddress], error) {
	none := abi.None[wasisockets.IPAddress]()
	switch {
	case !r.done.Ready():
		return none, wasisockets.ErrorCodeWouldBlock
	case r.err != nil:
		return none, r.err
	case r.next == len(r.addrs):
		return none, nil
	}
	addr := r.addrs[r.next]
	if err := r.state.remember(addr, r.name); err != nil {
		return none, err
	}
	r.next++
	return abi.Some(ipAddressOf(addr)), nil
}

// remember notes that the guest got addr for name, so that what the policy
// allows to the name is allowed to the address.
func (s *State) remember(addr netip.Addr, name string) error {
	if name == "" || !s.Network.Policy.Names(name) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.names[addr], name) || s.named >= maxNamed {
		return nil
	}
	if err := s.Budget.Take(namedSize + len(name)); err != nil {
		return err
	}
	if s.names == nil {
		s.names = map[netip.Addr][]string{}
	}
	s.named++
	s.names[addr] = append(s.names[addr], name)
	return nil
}

// namesOf is the names that addr was given for.
func (s *State) namesOf(addr netip.Addr) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[addr]
}

// Subscribe implements wasisockets.ResolveAddressStream.
func (r *ResolveAddressStream) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&r.done), nil
}

// Drop implements wasisockets.ResolveAddressStream: a lookup under way is given up.
func (r *ResolveAddressStream) Drop(context.Context) {
	r.cancel()
	if r.name != "" {
		r.state.Budget.Give(lookupSize)
	}
}

// lookupDenial is a name that may not be looked up.
type lookupDenial string

func (d lookupDenial) Error() string {
	const most = 64
	name := string(d)
	if len(name) > most {
		name = name[:most] + "…"
	}
	return "lookup of the name " + name + " denied; pass --allow-socket tcp://" + name +
		":PORT to allow it and connections there, or -S allow-ip-name-lookup to allow every name"
}

// privateName is a name that leads to a private address only.
type privateName struct {
	name string
	addr netip.Addr
}

func (e privateName) Error() string {
	return "lookup of the name " + e.name + " denied: its address " + e.addr.String() +
		" is private; leave out --block-private to allow it"
}
