package clocks

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/host/io"
)

var bg = context.Background()

// manual is a clock that a test turns.
type manual struct {
	mu     sync.Mutex
	now    time.Duration
	timers map[*int]timer
}

type timer struct {
	at time.Duration
	f  func()
}

func (m *manual) Wall() time.Time { return time.Unix(100, 7).Add(m.Monotonic()) }

func (m *manual) Monotonic() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *manual) AfterFunc(d time.Duration, f func()) func() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timers == nil {
		m.timers = map[*int]timer{}
	}
	k := new(int)
	m.timers[k] = timer{at: m.now + d, f: f}
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, ok := m.timers[k]
		delete(m.timers, k)
		return ok
	}
}

func (m *manual) running() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.timers)
}

func (m *manual) turn(d time.Duration) {
	m.mu.Lock()
	m.now += d
	var due []func()
	for k, t := range m.timers {
		if t.at <= m.now {
			due = append(due, t.f)
			delete(m.timers, k)
		}
	}
	m.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestSubscriptions(t *testing.T) {
	m := &manual{now: 1000}
	c := Monotonic{Clock: m}
	for _, k := range []struct {
		name string
		p    func() (wasiio.Pollable, error)
		at   time.Duration // when it is ready; 0: at once
	}{
		{"an instant to come", func() (wasiio.Pollable, error) { return c.SubscribeInstant(bg, 1500) }, 1500},
		{"an instant gone by", func() (wasiio.Pollable, error) { return c.SubscribeInstant(bg, 10) }, 0},
		{"a duration", func() (wasiio.Pollable, error) { return c.SubscribeDuration(bg, 300) }, 1300},
		{"a duration of nothing", func() (wasiio.Pollable, error) { return c.SubscribeDuration(bg, 0) }, 0},
		{"a duration past the last instant", func() (wasiio.Pollable, error) { return c.SubscribeDuration(bg, math.MaxUint64) }, math.MaxInt64},
	} {
		t.Run(k.name, func(t *testing.T) {
			m.now = 1000
			p, err := k.p()
			if err != nil {
				t.Fatal(err)
			}
			if ready, _ := p.Ready(bg); ready != (k.at == 0) {
				t.Fatalf("ready: %v", ready)
			}
			if k.at == 0 || k.at == math.MaxInt64 {
				return
			}
			done := make(chan error, 1)
			go func() { done <- p.Block(bg) }()
			for m.running() == 0 {
				time.Sleep(time.Millisecond)
			}
			m.turn(k.at - 1000 - 1)
			select {
			case <-done:
				t.Fatal("too early")
			case <-time.After(5 * time.Millisecond):
			}
			m.turn(1)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if n := m.running(); n != 0 {
				t.Fatalf("%d timers run on", n)
			}
		})
	}
}

func TestGivenUpWaitStopsItsTimer(t *testing.T) {
	m := &manual{}
	p, _ := Monotonic{Clock: m}.SubscribeDuration(bg, 1000)
	ctx, cancel := context.WithTimeout(bg, 5*time.Millisecond)
	defer cancel()
	if _, err := (io.Poll{}).Poll(ctx, []wasiio.Pollable{p, p}); err != context.DeadlineExceeded {
		t.Fatal(err)
	}
	if n := m.running(); n != 0 {
		t.Fatalf("%d timers run on", n)
	}
}

// TestEarlyTimerIsSetAgain: a timer that fires before the clock is there does
// not end the wait, and does not hang it.
func TestEarlyTimerIsSetAgain(t *testing.T) {
	m := &manual{}
	p, _ := Monotonic{Clock: m}.SubscribeDuration(bg, 1000)
	done := make(chan error, 1)
	go func() { done <- p.Block(bg) }()
	for m.running() == 0 {
		time.Sleep(time.Millisecond)
	}
	m.mu.Lock()
	for k, t := range m.timers {
		t.at = 0
		m.timers[k] = t
	}
	m.mu.Unlock()
	m.turn(500)
	m.turn(500)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSystemClock(t *testing.T) {
	c := Monotonic{Clock: System}
	a, _ := c.Now(bg)
	p, _ := c.SubscribeDuration(bg, uint64(5*time.Millisecond))
	if err := p.Block(bg); err != nil {
		t.Fatal(err)
	}
	if b, _ := c.Now(bg); b-a < uint64(5*time.Millisecond) {
		t.Fatalf("%d ns passed", b-a)
	}
	w, _ := Wall{Clock: System}.Now(bg)
	if d := time.Since(time.Unix(int64(w.Seconds), int64(w.Nanoseconds))); d < 0 || d > time.Minute {
		t.Fatal(w)
	}
	if w, _ := (Wall{Clock: &manual{}}).Now(bg); w.Seconds != 100 || w.Nanoseconds != 7 {
		t.Fatal(w)
	}
}
