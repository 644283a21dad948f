package sockets

import (
	"context"
	"math"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

// tcpState is a state of a tcp-socket. Binding and listening are done when they
// are started, and wait only for the guest to finish them.
type tcpState uint8

const (
	tcpUnbound tcpState = iota
	tcpBindInProgress
	tcpBound
	tcpListenInProgress
	tcpListening
	tcpConnectInProgress
	tcpConnected
	tcpClosed
)

// defaultBacklog is what a guest gets that asks for no other.
const defaultBacklog = 128

// TCPSocket is the resource tcp-socket.
type TCPSocket struct {
	options
	state    tcpState
	backlog  int
	failed   error         // why the connection could not even be started
	remote   ossocket.Addr // noted, since systems forget it when the connection ends
	readable readiness
}

// CreateTCPSocket implements wasisockets.TCPCreateSocketHost.
func (s *State) CreateTCPSocket(_ context.Context, family wasisockets.IPAddressFamily) (wasisockets.TCPSocket, error) {
	if err := s.permitKind(ossocket.TCP); err != nil {
		return nil, err
	}
	k, err := s.adopt(func() (*ossocket.Socket, error) { return ossocket.Open(familyOf(family), ossocket.TCP) })
	if err != nil {
		return nil, err
	}
	return newTCPSocket(k, family), nil
}

func newTCPSocket(k *socket, family wasisockets.IPAddressFamily) *TCPSocket {
	t := &TCPSocket{options: options{socket: k, family: family}, backlog: defaultBacklog}
	t.readable = readiness{socket: k, pending: t.pending}
	return t
}

// pending is what the guest waits for in t's state.
func (t *TCPSocket) pending() (ossocket.Direction, bool) {
	switch t.state {
	case tcpConnectInProgress:
		return ossocket.Writable, t.failed == nil
	case tcpListening:
		return ossocket.Readable, true
	}
	return 0, false
}

// inProgress says whether an operation was started and not finished.
func (t *TCPSocket) inProgress() bool {
	return t.state == tcpBindInProgress || t.state == tcpListenInProgress || t.state == tcpConnectInProgress
}

// StartBind implements wasisockets.TCPSocket.
func (t *TCPSocket) StartBind(_ context.Context, _ wasisockets.Network, local wasisockets.IPSocketAddress) error {
	a := addrOf(local)
	switch {
	case t.inProgress():
		return wasisockets.ErrorCodeConcurrencyConflict
	case t.state != tcpUnbound:
		return wasisockets.ErrorCodeInvalidState
	case !isOf(a, familyOf(t.family)) || !isUnicast(a):
		return wasisockets.ErrorCodeInvalidArgument
	}
	if err := t.socket.state.permitBind(schemeTCPListen, a); err != nil {
		return err
	}
	if err := t.socket.Bind(a); err != nil {
		return bindError(err)
	}
	t.state = tcpBindInProgress
	return nil
}

// FinishBind implements wasisockets.TCPSocket.
func (t *TCPSocket) FinishBind(context.Context) error {
	if t.state != tcpBindInProgress {
		return wasisockets.ErrorCodeNotInProgress
	}
	t.state = tcpBound
	return nil
}

// StartListen implements wasisockets.TCPSocket.
func (t *TCPSocket) StartListen(context.Context) error {
	switch {
	case t.inProgress():
		return wasisockets.ErrorCodeConcurrencyConflict
	case t.state != tcpBound:
		return wasisockets.ErrorCodeInvalidState
	}
	local, err := t.socket.LocalAddr()
	if err != nil {
		return errorCode(err)
	}
	if err := t.socket.state.permit(schemeTCPListen, local); err != nil {
		return err
	}
	if err := t.socket.Listen(t.backlog); err != nil {
		t.closed, t.state = true, tcpClosed
		return errorCode(err)
	}
	t.state = tcpListenInProgress
	return nil
}

// FinishListen implements wasisockets.TCPSocket.
func (t *TCPSocket) FinishListen(context.Context) error {
	if t.state != tcpListenInProgress {
		return wasisockets.ErrorCodeNotInProgress
	}
	t.state = tcpListening
	return nil
}

type accepted = abi.Tuple3[wasisockets.TCPSocket, wasiio.InputStream, wasiio.OutputStream]

// Accept implements wasisockets.TCPSocket.
func (t *TCPSocket) Accept(context.Context) (out accepted, _ error) {
	if t.state != tcpListening {
		return out, wasisockets.ErrorCodeInvalidState
	}
	k, err := t.socket.state.adopt(t.socket.Accept)
	if err != nil {
		return out, err
	}
	c := newTCPSocket(k, t.family)
	if c.remote, err = k.RemoteAddr(); err != nil { // it is gone already
		k.release()
		return out, wasisockets.ErrorCodeConnectionAborted
	}
	out.F0 = c
	out.F1, out.F2 = c.connect()
	return out, nil
}

// LocalAddress implements wasisockets.TCPSocket.
func (t *TCPSocket) LocalAddress(context.Context) (none wasisockets.IPSocketAddress, _ error) {
	if t.state < tcpBound || t.state == tcpClosed {
		return none, wasisockets.ErrorCodeInvalidState
	}
	a, err := t.socket.LocalAddr()
	if err != nil {
		return none, errorCode(err)
	}
	return addressOf(a), nil
}

// RemoteAddress implements wasisockets.TCPSocket.
func (t *TCPSocket) RemoteAddress(context.Context) (none wasisockets.IPSocketAddress, _ error) {
	if t.state != tcpConnected {
		return none, wasisockets.ErrorCodeInvalidState
	}
	return addressOf(t.remote), nil
}

// IsListening implements wasisockets.TCPSocket.
func (t *TCPSocket) IsListening(context.Context) (bool, error) { return t.state == tcpListening, nil }

// AddressFamily implements wasisockets.TCPSocket.
func (t *TCPSocket) AddressFamily(context.Context) (wasisockets.IPAddressFamily, error) {
	return t.family, nil
}

// SetListenBacklogSize implements wasisockets.TCPSocket.
func (t *TCPSocket) SetListenBacklogSize(_ context.Context, value uint64) error {
	switch {
	case value == 0:
		return wasisockets.ErrorCodeInvalidArgument
	case t.state >= tcpConnectInProgress:
		return wasisockets.ErrorCodeInvalidState
	}
	backlog := int(min(value, math.MaxInt32)) // the system bounds it further
	if t.state == tcpListening || t.state == tcpListenInProgress {
		if err := t.socket.Listen(backlog); err != nil {
			return wasisockets.ErrorCodeNotSupported
		}
	}
	t.backlog = backlog
	return nil
}

// Subscribe implements wasisockets.TCPSocket.
func (t *TCPSocket) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&t.readable), nil
}

// Shutdown implements wasisockets.TCPSocket.
func (t *TCPSocket) Shutdown(_ context.Context, how wasisockets.ShutdownType) error {
	if t.state != tcpConnected {
		return wasisockets.ErrorCodeInvalidState
	}
	c := t.socket.connection()
	if how == wasisockets.ShutdownTypeReceive || how == wasisockets.ShutdownTypeBoth {
		c.shutdownReceive()
	}
	if how == wasisockets.ShutdownTypeSend || how == wasisockets.ShutdownTypeBoth {
		c.shutdownSend()
	}
	return nil
}

// Drop implements wasisockets.TCPSocket. A connection lives on while its streams do.
func (t *TCPSocket) Drop(context.Context) { t.socket.release() }
