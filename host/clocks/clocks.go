// Package clocks implements wasi:clocks: the monotonic clock with pollables
// that end at an instant, and the wall clock. Both can be replaced for tests.
//
// It implements wasi:clocks@0.2.12. It may import bindings, engine packages and
// host/io, and must not import package host or another subject.
package clocks

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiclocks"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// Clock is where an instance gets time from.
type Clock interface {
	// Wall is the time of day.
	Wall() time.Time
	// Monotonic is the time since a fixed moment; it never goes back.
	Monotonic() time.Duration
	// AfterFunc calls f on another goroutine once Monotonic has advanced by d;
	// stop keeps it from being called if it has not been.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// System is the clock of the machine.
var System Clock = system{}

type system struct{}

// start makes monotonic instants small and says nothing about the machine's uptime.
var start = time.Now().Add(-time.Second)

func (system) Wall() time.Time          { return time.Now() }
func (system) Monotonic() time.Duration { return time.Since(start) }
func (system) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// Link defines wasi:clocks in l; clock picks the clock of the calling instance.
func Link(l *engine.Linker, clock func(cx *abi.Context) Clock) error {
	return errors.Join(
		wasiclocks.LinkMonotonicClock(l, func(cx *abi.Context) wasiclocks.MonotonicClockHost {
			return Monotonic{Clock: clock(cx)}
		}),
		wasiclocks.LinkWallClock(l, func(cx *abi.Context) wasiclocks.WallClockHost {
			return Wall{Clock: clock(cx)}
		}),
		wasiclocks.LinkTimezone(l, func(*abi.Context) wasiclocks.TimezoneHost { return UTC{} }),
	)
}

// UTC implements wasi:clocks/timezone: where the host is, is not told.
type UTC struct{}

// Display implements wasiclocks.TimezoneHost.
func (UTC) Display(context.Context, wasiclocks.Datetime) (wasiclocks.TimezoneDisplay, error) {
	return wasiclocks.TimezoneDisplay{Name: "UTC"}, nil
}

// UtcOffset implements wasiclocks.TimezoneHost.
func (UTC) UtcOffset(context.Context, wasiclocks.Datetime) (int32, error) { return 0, nil }

// Wall implements wasi:clocks/wall-clock.
type Wall struct{ Clock Clock }

// Now implements wasiclocks.WallClockHost.
func (w Wall) Now(context.Context) (wasiclocks.Datetime, error) {
	t := w.Clock.Wall()
	s := t.Unix()
	if s < 0 { // a datetime cannot say a time before 1970
		return wasiclocks.Datetime{}, nil
	}
	return wasiclocks.Datetime{Seconds: uint64(s), Nanoseconds: uint32(t.Nanosecond())}, nil
}

// Resolution implements wasiclocks.WallClockHost.
func (Wall) Resolution(context.Context) (wasiclocks.Datetime, error) {
	return wasiclocks.Datetime{Nanoseconds: 1}, nil
}

// Monotonic implements wasi:clocks/monotonic-clock.
type Monotonic struct{ Clock Clock }

// Now implements wasiclocks.MonotonicClockHost.
func (m Monotonic) Now(context.Context) (wasiclocks.Instant, error) {
	return instant(m.Clock), nil
}

func instant(c Clock) uint64 { return uint64(max(c.Monotonic(), 0)) }

// Resolution implements wasiclocks.MonotonicClockHost.
func (Monotonic) Resolution(context.Context) (wasiclocks.Duration, error) { return 1, nil }

// SubscribeInstant implements wasiclocks.MonotonicClockHost.
func (m Monotonic) SubscribeInstant(_ context.Context, when wasiclocks.Instant) (wasiio.Pollable, error) {
	return io.NewPollable(&alarm{clock: m.Clock, when: when}), nil
}

// SubscribeDuration implements wasiclocks.MonotonicClockHost.
func (m Monotonic) SubscribeDuration(_ context.Context, when wasiclocks.Duration) (wasiio.Pollable, error) {
	now := instant(m.Clock)
	at := now + when
	if at < now { // beyond the last instant there is
		at = math.MaxUint64
	}
	return io.NewPollable(&alarm{clock: m.Clock, when: at}), nil
}

// alarm is the event of an instant. Its timer runs only while somebody watches.
type alarm struct {
	clock  Clock
	when   uint64
	signal io.Signal
	mu     sync.Mutex
	stop   func() bool // of the timer that runs, or nil
}

// Ready implements io.Event.
func (a *alarm) Ready() bool { return instant(a.clock) >= a.when }

// Watch implements io.Event.
func (a *alarm) Watch(w *io.Waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.signal.Watch(w)
	if a.stop == nil {
		a.arm()
	}
}

// Unwatch implements io.Event.
func (a *alarm) Unwatch(w *io.Waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.signal.Unwatch(w) && a.stop != nil {
		a.stop()
		a.stop = nil
	}
}

// arm starts the timer. It is called with a.mu held.
func (a *alarm) arm() {
	var left uint64
	if now := instant(a.clock); a.when > now {
		left = min(a.when-now, math.MaxInt64)
	}
	a.stop = a.clock.AfterFunc(time.Duration(left), a.ring)
}

// ring wakes those who watch, and starts again when the timer was early.
func (a *alarm) ring() {
	a.mu.Lock()
	if a.stop != nil && !a.Ready() {
		a.arm()
		a.mu.Unlock()
		return
	}
	a.mu.Unlock()
	a.signal.Notify()
}
