package sockets

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/bindings/p2/wasisockets"
	"github.com/godwit-runtime/godwit/host/internal/ossocket"
	"github.com/godwit-runtime/godwit/host/io"
)

const (
	// maxDatagram is the longest datagram that there can be.
	maxDatagram = 64 << 10
	// maxDatagrams is how many are received or sent at once.
	maxDatagrams = 16
	// maxForeign is how many datagrams that the guest may not see are thrown
	// away in one call.
	maxForeign = 64
)

var datagramBuffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// IncomingDatagramStream is the resource incoming-datagram-stream. Datagrams
// wait in the system's buffer, which bounds them.
type IncomingDatagramStream struct {
	socket     *UDPSocket
	generation int
}

// Receive implements wasisockets.IncomingDatagramStream.
func (r *IncomingDatagramStream) Receive(_ context.Context, most uint64) (out []wasisockets.IncomingDatagram, _ error) {
	u := r.socket
	if r.generation != u.generation {
		return nil, wasisockets.ErrorCodeInvalidState
	}
	buf := datagramBuffers.Get().(*[maxDatagram]byte)
	defer datagramBuffers.Put(buf)
	size, foreign := 0, 0
	for uint64(len(out)) < min(most, maxDatagrams) && size < maxDatagram && foreign < maxForeign {
		n, from, err := u.socket.Receive(buf[:])
		switch {
		case err == ossocket.ErrWouldBlock, err != nil && len(out) > 0:
			return out, nil
		case err != nil:
			return nil, errorCode(err)
		case !u.permitReceive(from):
			foreign++
		default:
			out = append(out, wasisockets.IncomingDatagram{Data: bytes.Clone(buf[:n]), RemoteAddress: addressOf(from)})
			size += n
		}
	}
	return out, nil
}

// Subscribe implements wasisockets.IncomingDatagramStream.
func (r *IncomingDatagramStream) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&r.socket.readable), nil
}

// Drop implements wasisockets.IncomingDatagramStream.
func (r *IncomingDatagramStream) Drop(context.Context) { r.socket.socket.release() }

// OutgoingDatagramStream is the resource outgoing-datagram-stream.
type OutgoingDatagramStream struct {
	socket     *UDPSocket
	generation int
	permit     int // of the last check-send
}

// CheckSend implements wasisockets.OutgoingDatagramStream.
func (w *OutgoingDatagramStream) CheckSend(context.Context) (uint64, error) {
	w.permit = 0
	if w.generation != w.socket.generation {
		return 0, wasisockets.ErrorCodeInvalidState
	}
	if w.socket.writable.Ready() {
		w.permit = maxDatagrams
	}
	return uint64(w.permit), nil
}

// Send implements wasisockets.OutgoingDatagramStream.
func (w *OutgoingDatagramStream) Send(_ context.Context, datagrams []wasisockets.OutgoingDatagram) (uint64, error) {
	if len(datagrams) == 0 {
		return 0, nil
	}
	if len(datagrams) > w.permit {
		return 0, fmt.Errorf("send of %d datagrams where check-send permits %d", len(datagrams), w.permit)
	}
	w.permit = 0
	if w.generation != w.socket.generation {
		return 0, wasisockets.ErrorCodeInvalidState
	}
	for i := range datagrams {
		if err := w.send(&datagrams[i]); err != nil {
			if i > 0 || err == ossocket.ErrWouldBlock {
				return uint64(i), nil
			}
			return 0, errorCode(err)
		}
	}
	return uint64(len(datagrams)), nil
}

func (w *OutgoingDatagramStream) send(d *wasisockets.OutgoingDatagram) error {
	u := w.socket
	if len(d.Data) >= maxDatagram {
		return wasisockets.ErrorCodeDatagramTooLarge
	}
	if !d.RemoteAddress.Some {
		if !u.remote.IP.IsValid() {
			return wasisockets.ErrorCodeInvalidArgument
		}
		return u.socket.Send(d.Data, ossocket.Addr{})
	}
	to := addrOf(d.RemoteAddress.Value)
	if u.remote.IP.IsValid() {
		if to != u.remote {
			return wasisockets.ErrorCodeInvalidArgument
		}
		return u.socket.Send(d.Data, ossocket.Addr{})
	}
	if err := u.permitSend(to); err != nil {
		return err
	}
	return u.socket.Send(d.Data, to)
}

// Subscribe implements wasisockets.OutgoingDatagramStream.
func (w *OutgoingDatagramStream) Subscribe(context.Context) (wasiio.Pollable, error) {
	return io.NewPollable(&w.socket.writable), nil
}

// Drop implements wasisockets.OutgoingDatagramStream.
func (w *OutgoingDatagramStream) Drop(context.Context) { w.socket.socket.release() }
