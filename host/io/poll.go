package io

import (
	"context"
	"errors"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Pollable is the resource pollable: an Event that guests hold.
type Pollable struct{ event Event }

// NewPollable returns a pollable that is ready when e is.
func NewPollable(e Event) *Pollable { return &Pollable{event: e} }

// Ready implements wasiio.Pollable.
func (p *Pollable) Ready(context.Context) (bool, error) { return p.event.Ready(), nil }

// Block implements wasiio.Pollable.
func (p *Pollable) Block(ctx context.Context) error { return Wait(ctx, p.event) }

// Drop implements wasiio.Pollable.
func (p *Pollable) Drop(context.Context) {}

// Poll implements the functions of wasi:io/poll.
type Poll struct{}

var (
	errPollNothing = errors.New("poll of an empty list of pollables never ends")
	errForeign     = errors.New("a pollable of another implementation cannot be polled here")
)

// Poll waits until at least one pollable is ready and returns the indices of all that are.
func (Poll) Poll(ctx context.Context, in []wasiio.Pollable) ([]uint32, error) {
	if len(in) == 0 {
		return nil, errPollNothing
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ready, err := readyOf(in)
	if err != nil || len(ready) > 0 {
		return ready, err
	}
	w := waiters.Get().(*Waiter)
	for _, p := range in {
		p.(*Pollable).event.Watch(w)
	}
	defer func() {
		for _, p := range in {
			p.(*Pollable).event.Unwatch(w)
		}
		waiters.Put(w)
	}()
	for {
		if ready, err := readyOf(in); err != nil || len(ready) > 0 {
			return ready, err
		}
		select {
		case <-w.woken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func readyOf(in []wasiio.Pollable) (ready []uint32, err error) {
	for i, p := range in {
		own, ok := p.(*Pollable)
		if !ok {
			return nil, errForeign
		}
		if own.event.Ready() {
			ready = append(ready, uint32(i))
		}
	}
	return ready, nil
}

// Link defines wasi:io/error, wasi:io/poll and wasi:io/streams in l. They need
// nothing of an instance.
func Link(l *engine.Linker) error {
	return errors.Join(
		wasiio.LinkError(l),
		wasiio.LinkPoll(l, func(*abi.Context) wasiio.PollHost { return Poll{} }),
		wasiio.LinkStreams(l),
	)
}
