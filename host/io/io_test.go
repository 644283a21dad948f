package io

import (
	"bytes"
	"context"
	"errors"
	goio "io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

var bg = context.Background()

func tag(err error) string {
	var se wasiio.StreamError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &se):
		return se.Tag.String()
	}
	return "trap: " + err.Error()
}

func readAll(t *testing.T, in wasiio.InputStream) (string, error) {
	t.Helper()
	var b strings.Builder
	for {
		part, err := in.BlockingRead(bg, 1<<40)
		b.Write(part)
		if err != nil {
			return b.String(), err
		}
	}
}

// goroutines waits for the number of goroutines to come back to n.
func goroutines(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, had %d\n%s", runtime.NumGoroutine(), n, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestInputGivesAllBytesThenClosed(t *testing.T) {
	before := runtime.NumGoroutine()
	want := strings.Repeat("0123456789abcdef", 20000)
	b := NewBudget(BufferSize)
	in := NewInput(strings.NewReader(want), InputConfig{Budget: b})
	got, err := readAll(t, in)
	if got != want || tag(err) != "closed" {
		t.Fatalf("%d bytes of %d, %s", len(got), len(want), tag(err))
	}
	if b.Used() != 0 {
		t.Fatalf("%d bytes still charged", b.Used())
	}
	in.Drop(bg)
	goroutines(t, before)
}

func TestInputNonBlockingReadReturnsEmptyUntilBytesCome(t *testing.T) {
	r, w := goio.Pipe()
	in := NewInput(r, InputConfig{})
	for range 3 {
		if b, err := in.Read(bg, 10); len(b) != 0 || err != nil {
			t.Fatalf("%q %v", b, err)
		}
	}
	p, _ := in.Subscribe(bg)
	if ok, _ := p.Ready(bg); ok {
		t.Fatal("ready without bytes")
	}
	go func() { _, _ = w.Write([]byte("hello")) }()
	if err := p.Block(bg); err != nil {
		t.Fatal(err)
	}
	if b, err := in.Read(bg, 3); string(b) != "hel" || err != nil {
		t.Fatalf("%q %v", b, err)
	}
	if n, err := in.Skip(bg, 1<<60); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if b, err := in.Read(bg, 0); len(b) != 0 || err != nil {
		t.Fatalf("read of 0 bytes: %q %v", b, err)
	}
	_ = w.CloseWithError(errors.New("cable cut"))
	_ = p.Block(bg)
	_, err := in.Read(bg, 1)
	if tag(err) != "last-operation-failed" {
		t.Fatal(tag(err))
	}
	s, _ := err.(wasiio.StreamError).LastOperationFailed.ToDebugString(bg)
	if s != "cable cut" {
		t.Fatal(s)
	}
	if _, err := in.Read(bg, 1); tag(err) != "closed" {
		t.Fatalf("after the failure: %s", tag(err))
	}
}

func TestInputReadsAheadABoundedAmount(t *testing.T) {
	var taken int
	src := readerFunc(func(p []byte) (int, error) { taken += len(p); return len(p), nil })
	in := NewInput(src, InputConfig{})
	p, _ := in.Subscribe(bg)
	_ = p.Block(bg)
	time.Sleep(20 * time.Millisecond)
	in.Close() // waits for the pump, so that taken may be read
	if taken == 0 || taken > BufferSize {
		t.Fatalf("%d bytes read ahead", taken)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestInputEndsItsGoroutine(t *testing.T) {
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	for _, c := range []struct {
		name string
		end  func(in *Input)
	}{
		{"by drop, with the buffer full", func(in *Input) { in.Drop(bg) }},
		{"by close, with the buffer full", func(in *Input) { in.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			b := NewBudget(BufferSize)
			in := NewInput(endless, InputConfig{Budget: b})
			_, _ = in.BlockingRead(bg, 10)
			c.end(in)
			goroutines(t, before)
			if b.Used() != 0 {
				t.Fatalf("%d bytes still charged", b.Used())
			}
			if _, err := in.Read(bg, 1); tag(err) != "closed" {
				t.Fatal(tag(err))
			}
		})
	}
	t.Run("by interrupt of a read under way", func(t *testing.T) {
		before := runtime.NumGoroutine()
		r, w := goio.Pipe()
		in := NewInput(r, InputConfig{Interrupt: func() { _ = w.Close() }})
		_, _ = in.Read(bg, 1)
		time.Sleep(10 * time.Millisecond)
		in.Close()
		goroutines(t, before)
	})
}

func TestInputOfReaderThatGivesNothingFails(t *testing.T) {
	in := NewInput(readerFunc(func([]byte) (int, error) { return 0, nil }), InputConfig{})
	if _, err := in.BlockingRead(bg, 1); tag(err) != "last-operation-failed" {
		t.Fatal(tag(err))
	}
}

func TestBudgetStopsStreams(t *testing.T) {
	b := NewBudget(2*BufferSize + 1)
	never := func() *Input {
		r, _ := goio.Pipe()
		return NewInput(r, InputConfig{Budget: b})
	}
	for range 2 {
		if _, err := never().Read(bg, 1); err != nil {
			t.Fatal(err)
		}
	}
	var be *BudgetError
	if _, err := never().Read(bg, 1); !errors.As(err, &be) || be.Used != 2*BufferSize {
		t.Fatal(err)
	}
}

func TestDrainReachesTheEndWithoutReaders(t *testing.T) {
	ended := make(chan error, 1)
	in := NewInput(bytes.NewReader(make([]byte, 1<<20)), InputConfig{End: func(err error) { ended <- err }})
	_, _ = in.BlockingRead(bg, 5)
	if err := in.Drain(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != goio.EOF {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("not drained")
	}
	in.Drop(bg)
}

func TestPoll(t *testing.T) {
	set, unset := &Latch{}, &Latch{}
	set.Set()
	p := func(ls ...Event) (out []wasiio.Pollable) {
		for _, l := range ls {
			out = append(out, NewPollable(l))
		}
		return out
	}
	t.Run("an empty list traps", func(t *testing.T) {
		if _, err := (Poll{}).Poll(bg, nil); err == nil {
			t.Fatal("no error")
		}
	})
	t.Run("all that are ready are returned", func(t *testing.T) {
		got, err := (Poll{}).Poll(bg, p(unset, set, unset, Always{}))
		if err != nil || len(got) != 2 || got[0] != 1 || got[1] != 3 {
			t.Fatal(got, err)
		}
	})
	t.Run("it waits for the first, listed twice", func(t *testing.T) {
		l := &Latch{}
		time.AfterFunc(10*time.Millisecond, l.Set)
		got, err := (Poll{}).Poll(bg, p(unset, l, l))
		if err != nil || len(got) != 2 || got[0] != 1 {
			t.Fatal(got, err)
		}
		if len(l.signal.waiters) != 0 || len(unset.signal.waiters) != 0 {
			t.Fatal("waiters are left")
		}
	})
	t.Run("a done context ends it", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(bg, 10*time.Millisecond)
		defer cancel()
		if _, err := (Poll{}).Poll(ctx, p(unset)); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		if _, err := (Poll{}).Poll(ctx, p(set)); err != context.DeadlineExceeded {
			t.Fatalf("ready or not: %v", err)
		}
	})
	t.Run("a done context ends block and blocking reads and writes", func(t *testing.T) {
		ctx, cancel := context.WithCancel(bg)
		time.AfterFunc(10*time.Millisecond, cancel)
		if err := NewPollable(unset).Block(ctx); err != context.Canceled {
			t.Fatal(err)
		}
		r, _ := goio.Pipe()
		if _, err := NewInput(r, InputConfig{}).BlockingRead(ctx, 1); err != context.Canceled {
			t.Fatal(err)
		}
		pipe := NewPipe(PipeConfig{})
		_ = pipe.Write(bg, make([]byte, BufferSize))
		if err := pipe.BlockingWriteAndFlush(ctx, []byte("x")); err != context.Canceled {
			t.Fatal(err)
		}
	})
}

func TestPipeWriterWaitsForReader(t *testing.T) {
	p := NewPipe(PipeConfig{})
	const total = 3 << 20
	go func() {
		for sent := 0; sent < total; sent += MaxBlockingWrite {
			if err := p.BlockingWriteAndFlush(bg, bytes.Repeat([]byte{byte(sent >> 12)}, MaxBlockingWrite)); err != nil {
				t.Error(err)
				return
			}
		}
		p.Finish(nil)
	}()
	time.Sleep(20 * time.Millisecond)
	if n := p.Total(); n != BufferSize {
		t.Fatalf("%d bytes written with nobody reading", n)
	}
	got, err := goio.ReadAll(p)
	if err != nil || len(got) != total {
		t.Fatal(len(got), err)
	}
	for i := 0; i < total; i += MaxBlockingWrite {
		if got[i] != byte(i>>12) {
			t.Fatalf("wrong byte at %d", i)
		}
	}
}

func TestPipeWriteCases(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *Pipe) error
		want string
	}{
		{"write within the permit", func(p *Pipe) error { return p.Write(bg, make([]byte, BufferSize)) }, "ok"},
		{"write beyond the permit traps", func(p *Pipe) error { return p.Write(bg, make([]byte, BufferSize+1)) }, "trap"},
		{"blocking write of more than 4096 traps", func(p *Pipe) error { return p.BlockingWriteAndFlush(bg, make([]byte, 4097)) }, "trap"},
		{"blocking zeroes of more than 4096 trap", func(p *Pipe) error { return p.BlockingWriteZeroesAndFlush(bg, 4097) }, "trap"},
		{"zeroes within the permit", func(p *Pipe) error { return p.WriteZeroes(bg, BufferSize) }, "ok"},
		{"zeroes beyond the permit trap", func(p *Pipe) error { return p.WriteZeroes(bg, 1<<62) }, "trap"},
		{"after finish", func(p *Pipe) error { p.Finish(nil); return p.Write(bg, nil) }, "closed"},
		{"flush after finish", func(p *Pipe) error { p.Finish(nil); return p.BlockingFlush(bg) }, "closed"},
		{"first after the reader went", func(p *Pipe) error { p.CloseRead(nil); return p.Write(bg, []byte("x")) }, "last-operation-failed"},
		{"second after the reader went", func(p *Pipe) error { p.CloseRead(nil); _ = p.Flush(bg); return p.Flush(bg) }, "closed"},
		{"past the limit", func(p *Pipe) error { return p.Write(bg, make([]byte, 70)) }, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tag(c.do(NewPipe(PipeConfig{})))
			if got, _, _ := strings.Cut(got, ":"); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestPipeLimitFailsWriterAndReader(t *testing.T) {
	long := errors.New("too long")
	p := NewPipe(PipeConfig{Limit: func(n uint64) error {
		if n > 5 {
			return long
		}
		return nil
	}})
	if err := p.Write(bg, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(bg, []byte("!")); tag(err) != "last-operation-failed" {
		t.Fatal(tag(err))
	}
	got, err := goio.ReadAll(p)
	if string(got) != "hello" || err != long {
		t.Fatalf("%q %v", got, err)
	}
}

func TestPipeReaderGetsWhyTheGuestBrokeOff(t *testing.T) {
	b := NewBudget(BufferSize)
	p := NewPipe(PipeConfig{Budget: b})
	_ = p.Write(bg, []byte("part"))
	p.Finish(ErrUnfinished)
	p.Finish(nil)
	got, err := goio.ReadAll(p)
	if string(got) != "part" || err != ErrUnfinished {
		t.Fatalf("%q %v", got, err)
	}
	if b.Used() != 0 {
		t.Fatalf("%d bytes still charged", b.Used())
	}
}

func TestPipeCloseEndsABlockedReader(t *testing.T) {
	p := NewPipe(PipeConfig{})
	time.AfterFunc(10*time.Millisecond, func() { _ = p.Close() })
	if _, err := p.Read(make([]byte, 1)); err == nil {
		t.Fatal("no error")
	}
}

func TestSpliceMovesWhatBothSidesAllow(t *testing.T) {
	const total = 300 << 10
	in := NewInput(bytes.NewReader(bytes.Repeat([]byte("ab"), total/2)), InputConfig{})
	p := NewPipe(PipeConfig{})
	got := make(chan []byte)
	go func() { b, _ := goio.ReadAll(p); got <- b }()
	moved := uint64(0)
	for {
		n, err := p.BlockingSplice(bg, in, 1<<63)
		moved += n
		if err != nil {
			if tag(err) != "closed" {
				t.Fatal(tag(err))
			}
			break
		}
		if n > BufferSize {
			t.Fatal(n)
		}
	}
	p.Finish(nil)
	if b := <-got; len(b) != total || moved != total || !bytes.HasPrefix(b, []byte("abab")) {
		t.Fatal(len(b), moved)
	}
	if n, err := NewOutput(goio.Discard).Splice(bg, NewInput(strings.NewReader("x"), InputConfig{}), 0); n != 0 || err != nil {
		t.Fatal(n, err)
	}
}

func TestOutputReportsAFailureOnce(t *testing.T) {
	r, w := goio.Pipe()
	_ = r.CloseWithError(errors.New("disk full"))
	o := NewOutput(w)
	if n, err := o.CheckWrite(bg); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	if err := o.BlockingWriteAndFlush(bg, []byte("x")); tag(err) != "last-operation-failed" {
		t.Fatal(tag(err))
	}
	if _, err := o.CheckWrite(bg); tag(err) != "closed" {
		t.Fatal(tag(err))
	}
	r, w = goio.Pipe()
	_ = r.Close()
	o = NewOutput(w)
	for range 2 {
		if err := o.BlockingWriteAndFlush(bg, []byte("x")); tag(err) != "closed" {
			t.Fatalf("with nobody to read it: %s", tag(err))
		}
	}
	var b bytes.Buffer
	o = NewOutput(&b)
	if err := o.WriteZeroes(bg, 10000); err != nil || b.Len() != 10000 {
		t.Fatal(err, b.Len())
	}
}
