// Package sockets implements wasi:sockets by refusing: creating a socket and
// looking up a name fail with access-denied, so that no socket exists whose
// methods a guest could call.
//
// It implements wasi:sockets@0.2.12. It may import bindings and engine packages,
// and must not import package host or another subject.
package sockets

import (
	"context"
	"errors"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Link defines wasi:sockets in l.
func Link(l *engine.Linker) error {
	return errors.Join(
		wasisockets.LinkNetwork(l, func(*abi.Context) wasisockets.NetworkHost { return Refuse{} }),
		wasisockets.LinkInstanceNetwork(l, func(*abi.Context) wasisockets.InstanceNetworkHost { return Refuse{} }),
		wasisockets.LinkTCP(l),
		wasisockets.LinkTCPCreateSocket(l, func(*abi.Context) wasisockets.TCPCreateSocketHost { return Refuse{} }),
		wasisockets.LinkUDP(l),
		wasisockets.LinkUDPCreateSocket(l, func(*abi.Context) wasisockets.UDPCreateSocketHost { return Refuse{} }),
		wasisockets.LinkIPNameLookup(l, func(*abi.Context) wasisockets.IPNameLookupHost { return Refuse{} }),
	)
}

// Refuse implements the functions of wasi:sockets.
type Refuse struct{}

// network is the handle of a network on which nothing is permitted.
type network struct{}

func (network) Drop(context.Context) {}

// InstanceNetwork implements wasisockets.InstanceNetworkHost.
func (Refuse) InstanceNetwork(context.Context) (wasisockets.Network, error) { return network{}, nil }

// NetworkErrorCode implements wasisockets.NetworkHost: no stream is a socket's.
func (Refuse) NetworkErrorCode(context.Context, wasiio.Error) (abi.Option[wasisockets.ErrorCode], error) {
	return abi.None[wasisockets.ErrorCode](), nil
}

// CreateTCPSocket implements wasisockets.TCPCreateSocketHost.
func (Refuse) CreateTCPSocket(context.Context, wasisockets.IPAddressFamily) (wasisockets.TCPSocket, error) {
	return nil, wasisockets.ErrorCodeAccessDenied
}

// CreateUDPSocket implements wasisockets.UDPCreateSocketHost.
func (Refuse) CreateUDPSocket(context.Context, wasisockets.IPAddressFamily) (wasisockets.UDPSocket, error) {
	return nil, wasisockets.ErrorCodeAccessDenied
}

// ResolveAddresses implements wasisockets.IPNameLookupHost.
func (Refuse) ResolveAddresses(context.Context, wasisockets.Network, string) (wasisockets.ResolveAddressStream, error) {
	return nil, wasisockets.ErrorCodeAccessDenied
}
