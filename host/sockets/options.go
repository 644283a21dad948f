package sockets

import (
	"context"
	"math"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiclocks"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
)

// Bounds of options. A value beyond them is brought within, as WASI says. Those
// of keep-alive are Linux's, the narrowest there are.
const (
	maxKeepAliveSeconds = math.MaxInt16
	maxKeepAliveCount   = math.MaxInt8
	maxBuffer           = 4 << 20 // memory of the kernel, of which a guest may have so much
)

// options are the methods of both kinds of socket that read and set options.
type options struct {
	socket *socket
	family wasisockets.IPAddressFamily
	closed bool // a connection that failed: there is no socket to speak of
}

func (o *options) get(opt ossocket.Option) (uint64, error) {
	if o.closed {
		return 0, wasisockets.ErrorCodeInvalidState
	}
	v, err := o.socket.Option(opt)
	if err != nil {
		return 0, errorCode(err)
	}
	return uint64(max(v, 0)), nil
}

// set sets an option to value, or to most if that is less.
func (o *options) set(opt ossocket.Option, value, most uint64) error {
	switch {
	case value == 0:
		return wasisockets.ErrorCodeInvalidArgument
	case o.closed:
		return wasisockets.ErrorCodeInvalidState
	}
	return errorCode(o.socket.SetOption(opt, int(min(value, most))))
}

// ReceiveBufferSize implements wasisockets.TCPSocket and UDPSocket.
func (o *options) ReceiveBufferSize(context.Context) (uint64, error) {
	return o.get(ossocket.ReceiveBuffer)
}

// SetReceiveBufferSize implements wasisockets.TCPSocket and UDPSocket.
func (o *options) SetReceiveBufferSize(_ context.Context, value uint64) error {
	return o.set(ossocket.ReceiveBuffer, value, maxBuffer)
}

// SendBufferSize implements wasisockets.TCPSocket and UDPSocket.
func (o *options) SendBufferSize(context.Context) (uint64, error) { return o.get(ossocket.SendBuffer) }

// SetSendBufferSize implements wasisockets.TCPSocket and UDPSocket.
func (o *options) SetSendBufferSize(_ context.Context, value uint64) error {
	return o.set(ossocket.SendBuffer, value, maxBuffer)
}

func (o *options) hopLimit() (uint8, error) {
	v, err := o.get(ossocket.HopLimit)
	return uint8(min(v, math.MaxUint8)), err
}

func (o *options) setHopLimit(value uint8) error {
	return o.set(ossocket.HopLimit, uint64(value), math.MaxUint8)
}

// KeepAliveEnabled implements wasisockets.TCPSocket.
func (t *TCPSocket) KeepAliveEnabled(context.Context) (bool, error) {
	v, err := t.get(ossocket.KeepAlive)
	return v != 0, err
}

// SetKeepAliveEnabled implements wasisockets.TCPSocket.
func (t *TCPSocket) SetKeepAliveEnabled(_ context.Context, value bool) error {
	on := 0
	switch {
	case t.closed:
		return wasisockets.ErrorCodeInvalidState
	case value:
		on = 1
	}
	return errorCode(t.socket.SetOption(ossocket.KeepAlive, on))
}

// seconds is a duration in whole seconds, rounded up.
func seconds(d wasiclocks.Duration) uint64 {
	n := uint64(d) / uint64(time.Second)
	if uint64(d)%uint64(time.Second) != 0 {
		n++
	}
	return n
}

func (t *TCPSocket) duration(opt ossocket.Option) (wasiclocks.Duration, error) {
	v, err := t.get(opt)
	return wasiclocks.Duration(v * uint64(time.Second)), err
}

// KeepAliveIdleTime implements wasisockets.TCPSocket.
func (t *TCPSocket) KeepAliveIdleTime(context.Context) (wasiclocks.Duration, error) {
	return t.duration(ossocket.KeepAliveIdle)
}

// SetKeepAliveIdleTime implements wasisockets.TCPSocket.
func (t *TCPSocket) SetKeepAliveIdleTime(_ context.Context, value wasiclocks.Duration) error {
	return t.set(ossocket.KeepAliveIdle, seconds(value), maxKeepAliveSeconds)
}

// KeepAliveInterval implements wasisockets.TCPSocket.
func (t *TCPSocket) KeepAliveInterval(context.Context) (wasiclocks.Duration, error) {
	return t.duration(ossocket.KeepAliveInterval)
}

// SetKeepAliveInterval implements wasisockets.TCPSocket.
func (t *TCPSocket) SetKeepAliveInterval(_ context.Context, value wasiclocks.Duration) error {
	return t.set(ossocket.KeepAliveInterval, seconds(value), maxKeepAliveSeconds)
}

// KeepAliveCount implements wasisockets.TCPSocket.
func (t *TCPSocket) KeepAliveCount(context.Context) (uint32, error) {
	v, err := t.get(ossocket.KeepAliveCount)
	return uint32(v), err
}

// SetKeepAliveCount implements wasisockets.TCPSocket.
func (t *TCPSocket) SetKeepAliveCount(_ context.Context, value uint32) error {
	return t.set(ossocket.KeepAliveCount, uint64(value), maxKeepAliveCount)
}

// HopLimit implements wasisockets.TCPSocket.
func (t *TCPSocket) HopLimit(context.Context) (uint8, error) { return t.hopLimit() }

// SetHopLimit implements wasisockets.TCPSocket.
func (t *TCPSocket) SetHopLimit(_ context.Context, value uint8) error { return t.setHopLimit(value) }
