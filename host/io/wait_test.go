package io

import (
	"bytes"
	"testing"
	"time"
)

func woken(w *Waiter) bool {
	select {
	case <-w.Woken():
		return true
	default:
		return false
	}
}

func TestWaiterIsWokenNowOrLater(t *testing.T) {
	w := NewWaiter()
	defer w.Recycle()
	w.Wake()
	w.Wake()
	if !woken(w) || woken(w) {
		t.Error("two wakes before a wait are not one")
	}
	w.WakeAfter(time.Hour)
	w.WakeAfter(time.Millisecond)
	select {
	case <-w.Woken():
	case <-time.After(10 * time.Second):
		t.Error("the later of two calls of WakeAfter does not count")
	}
}

func TestRecycledWaiterHasNoAlarm(t *testing.T) {
	w := NewWaiter()
	w.Wake()
	w.WakeAfter(time.Millisecond)
	w.Recycle()
	if next := NewWaiter(); woken(next) {
		t.Error("a wake for its last user is left for the next")
	}
	alarm := NewWaiter()
	alarm.WakeAfter(2 * time.Millisecond) // after the other
	<-alarm.Woken()
	if woken(w) {
		t.Error("the alarm of its last user was still set")
	}
}

// Buffers are used again: what was in one must not come out of the next stream.
func TestBufferOfAStreamIsNotSeenInAnother(t *testing.T) {
	secret := bytes.Repeat([]byte("secret"), BufferSize/6)
	for range 50 {
		p := NewPipe(PipeConfig{})
		if err := p.Write(bg, secret); err != nil {
			t.Fatal(err)
		}
		for {
			b, err := p.Next()
			if err != nil || len(b) == 0 {
				break
			}
			p.Advance(len(b))
		}
		p.Finish(nil)
		next := NewPipe(PipeConfig{})
		_ = next.Write(bg, []byte("x"))
		if b, _ := next.Next(); string(b) != "x" {
			t.Fatalf("a pipe gives %.20q", b)
		}
		in := NewInput(bytes.NewReader([]byte("y")), InputConfig{})
		if b, err := in.BlockingRead(bg, BufferSize); err != nil || string(b) != "y" {
			t.Fatalf("an input gives %.20q, %v", b, err)
		}
		in.Drop(bg)
	}
}

// A reader that is busy comes by itself: it is not woken for each write.
func TestPipeWakesOnlyAReaderThatWaits(t *testing.T) {
	w := NewWaiter()
	defer w.Recycle()
	p := NewPipe(PipeConfig{Reader: w})
	write := func(n int) { _ = p.Write(bg, make([]byte, n)) }
	for _, c := range []struct {
		name string
		do   func()
		want bool
	}{
		{"few bytes for a reader that has not begun", func() { write(1) }, false},
		{"much", func() { write(eager) }, true},
		{"more", func() { write(1) }, false},
		{"few for one that has bytes", func() { _, _ = p.Next(); write(1) }, false},
		{"the first for one that has found none", func() { b, _ := p.Next(); p.Advance(len(b)); _, _ = p.Next(); write(1) }, true},
		{"the second", func() { write(1) }, false},
		{"the end", func() { p.Finish(nil) }, true},
	} {
		c.do()
		if got := woken(w); got != c.want {
			t.Errorf("%s: woken is %v", c.name, got)
		}
	}
}
