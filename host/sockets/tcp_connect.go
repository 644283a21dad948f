package sockets

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// StartConnect implements wasisockets.TCPSocket. The policy is asked about the
// very address that is connected to; whatever name it came from does not matter
// any more.
func (t *TCPSocket) StartConnect(_ context.Context, _ wasisockets.Network, remote wasisockets.IPSocketAddress) error {
	a := addrOf(remote)
	switch {
	case t.inProgress():
		return wasisockets.ErrorCodeConcurrencyConflict
	case t.state != tcpUnbound && t.state != tcpBound:
		return wasisockets.ErrorCodeInvalidState
	case !isOf(a, familyOf(t.family)) || !isUnicast(a) || !isRemote(a):
		return wasisockets.ErrorCodeInvalidArgument
	}
	if err := t.socket.state.permit(schemeTCP, a); err != nil {
		return err
	}
	t.failed, t.remote = t.socket.Connect(a), a
	t.state = tcpConnectInProgress
	return nil
}

type streams = abi.Tuple2[wasiio.InputStream, wasiio.OutputStream]

// FinishConnect implements wasisockets.TCPSocket.
func (t *TCPSocket) FinishConnect(context.Context) (out streams, _ error) {
	if t.state != tcpConnectInProgress {
		return out, wasisockets.ErrorCodeNotInProgress
	}
	err := t.failed
	if err == nil {
		if !t.readable.Ready() {
			return out, wasisockets.ErrorCodeWouldBlock
		}
		err = t.socket.ConnectResult()
	}
	if err != nil {
		t.closed, t.state = true, tcpClosed
		return out, connectError(err)
	}
	out.F0, out.F1 = t.connect()
	return out, nil
}

// connect makes the streams of a socket that has a connection.
func (t *TCPSocket) connect() (wasiio.InputStream, wasiio.OutputStream) {
	t.state = tcpConnected
	c := newConnection(t.socket)
	return inputStream{c.in, c}, outputStream{c.out, c}
}
