package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
)

func testIncrement(t *testing.T, b *Backend) {
	s := b.bucket(t)
	for _, step := range []struct{ delta, want int64 }{
		{1, 1}, {41, 42}, {0, 42}, {-50, -8}, {8, 0}, {math.MaxInt64, math.MaxInt64}, {-math.MaxInt64, 0},
		{math.MinInt64, math.MinInt64}, {math.MaxInt64, -1}, {1, 0},
	} {
		if n := s.increment("n", step.delta); n != step.want {
			t.Fatalf("%+d makes %d, wanted %d", step.delta, n, step.want)
		}
		s.want("n", strconv.FormatInt(step.want, 10))
	}
	if n := s.increment("zero", 0); n != 0 {
		t.Errorf("0 added to nothing is %d", n)
	}
	s.want("zero", "0")
	s.set("text", "-12")
	if n := s.increment("text", 2); n != -10 {
		t.Errorf("2 added to the text -12 is %d", n)
	}
	s.delete("n")
	if n := s.increment("n", 5); n != 5 {
		t.Errorf("a number that was deleted begins with %d, wanted 5", n)
	}
}

func testNumbers(t *testing.T, b *Backend) {
	s := b.bucket(t)
	const most, least = "9223372036854775807", "-9223372036854775808"
	for _, c := range []struct {
		value    string
		delta    int64
		overflow bool
	}{
		{"", 1, false}, {"x", 1, false}, {" 1", 1, false}, {"1 ", 1, false}, {"+1", 1, false}, {"01", 1, false}, {"-0", 1, false},
		{"1.0", 1, false}, {"1e3", 1, false}, {"0x10", 1, false}, {"1_000", 1, false}, {"--1", 1, false}, {"\x01\x00\x00\x00\x00\x00\x00\x00", 1, false},
		{"9223372036854775808", -1, false}, {"-9223372036854775809", 1, false}, {"184467440737095516150", 1, false},
		{most, 1, true}, {most, math.MaxInt64, true}, {least, -1, true}, {least, math.MinInt64, true}, {"-1", math.MinInt64, true},
	} {
		s.set("n", c.value)
		_, err := s.Increment(s.ctx, "n", c.delta)
		var number *keyvalue.NumberError
		if !errors.As(err, &number) {
			t.Errorf("%q %+d: %v, wanted a NumberError", c.value, c.delta, err)
		} else if number.Overflow != c.overflow && c.overflow {
			t.Errorf("%q %+d: %v, wanted an overflow", c.value, c.delta, err)
		}
		s.want("n", c.value)
	}
	s.set("n", most)
	if n := s.increment("n", 0); n != math.MaxInt64 {
		t.Error(n)
	}
}

// workers runs f on n goroutines and waits for them.
func workers(n int, f func(worker int)) {
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { f(w) })
	}
	wg.Wait()
}

func testConcurrentIncrement(t *testing.T, b *Backend) {
	s := b.bucket(t)
	const clients = 64
	rounds := max(40/b.Weight, 3)
	var seen sync.Map
	workers(clients, func(int) {
		for range rounds {
			n, err := s.Increment(s.ctx, "n", 1)
			if err != nil {
				t.Error(err)
				return
			}
			if _, twice := seen.LoadOrStore(n, true); twice {
				t.Errorf("two increments made %d", n)
			}
		}
	})
	s.want("n", strconv.Itoa(clients*rounds))
}

func testSwap(t *testing.T, b *Backend) {
	s := b.bucket(t)
	none := s.snapshot("k")
	if none.Found {
		t.Fatal("a key that was never set has a value")
	}
	for _, c := range []struct {
		name   string
		before func() // what is there when the snapshot is taken
		change func()
		ok     bool
	}{
		{"nothing, unchanged", func() { s.delete("k") }, func() {}, true},
		{"nothing, then set", func() { s.delete("k") }, func() { s.set("k", "b") }, false},
		{"nothing, then set to nothing", func() { s.delete("k") }, func() { s.set("k", "") }, false},
		{"nothing, then another key set", func() { s.delete("k") }, func() { s.set("other", "b") }, true},
		{"a value, unchanged", func() { s.set("k", "a") }, func() {}, true},
		{"a value, then another", func() { s.set("k", "a") }, func() { s.set("k", "b") }, false},
		{"a value, then a longer one", func() { s.set("k", "a") }, func() { s.set("k", "aa") }, false},
		{"a value, then deleted", func() { s.set("k", "a") }, func() { s.delete("k") }, false},
		{"an empty value, then deleted", func() { s.set("k", "") }, func() { s.delete("k") }, false},
		{"an empty value, unchanged", func() { s.set("k", "") }, func() {}, true},
		{"a number, then incremented", func() { s.set("k", "1") }, func() { s.increment("k", 1) }, false},
		{"a value, then swapped", func() { s.set("k", "a") }, func() { s.swap("k", s.snapshot("k"), "b") }, false},
	} {
		c.before()
		old := s.snapshot("k")
		c.change()
		now := s.get("k")
		if ok := s.swap("k", old, "new"); ok != c.ok {
			t.Errorf("%s: swapped: %v, wanted %v", c.name, ok, c.ok)
		}
		if c.ok {
			now = "new"
		}
		s.want("k", now)
		if !c.ok && !s.swap("k", s.snapshot("k"), "second try") {
			t.Errorf("%s: a new snapshot is no good either", c.name)
		}
	}
}

func testConcurrentSwap(t *testing.T, b *Backend) {
	s := b.bucket(t)
	const clients = 8
	rounds := max(20/b.Weight, 2)
	workers(clients, func(int) {
		for range rounds {
			for {
				old, err := s.Snapshot(s.ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				n, err := keyvalue.Add("n", old.Value, 1)
				if err != nil {
					t.Error(err)
					return
				}
				ok, err := s.Swap(s.ctx, "n", old, keyvalue.FormatNumber(n))
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					break
				}
			}
		}
	})
	s.want("n", strconv.Itoa(clients*rounds))
}

func testWriters(t *testing.T, b *Backend) {
	s := b.bucket(t)
	const clients = 32
	rounds := max(30/b.Weight, 3)
	workers(clients, func(w int) {
		for i := range rounds {
			key, value := fmt.Sprintf("%d/%d", w, i), noise(200, uint64(w*1000+i))
			if err := s.Set(s.ctx, key, []byte(value)); err != nil {
				t.Error(err)
				return
			}
			v, err := s.Get(s.ctx, key)
			if err != nil || text(v) != value {
				t.Errorf("%s does not read what it wrote: %v", key, err)
				return
			}
			if err := s.Set(s.ctx, "shared", []byte(value)); err != nil {
				t.Error(err)
				return
			}
			if i%3 == 0 {
				if err := s.Delete(s.ctx, key); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	var want []string
	for w := range clients {
		for i := range rounds {
			key, value := fmt.Sprintf("%d/%d", w, i), missing
			if i%3 != 0 {
				value = noise(200, uint64(w*1000+i))
				want = append(want, key)
			}
			if got := s.get(key); got != value {
				t.Errorf("%s has %d bytes, not what was written last", key, len(got))
			}
		}
	}
	wantKeys(t, s.list(100, nil), append(want, "shared"))
}

// testFault breaks the store under writers. Each operation ends in time, what was
// acknowledged is there afterwards, and the store recovers by itself.
func testFault(t *testing.T, b *Backend) {
	if b.Break == nil {
		t.Skip("nothing comes between the store and its data")
	}
	store, fail, mend := b.Break(t)
	t.Cleanup(func() { _ = store.Close() })
	s := bucketOf(t, store, newNamespace())
	const clients = 8
	var (
		acked, tried [clients]atomic.Int64
		errs         atomic.Int64
		wg           sync.WaitGroup
	)
	s.set("before", "kept")
	ctx, stop := context.WithCancel(s.ctx)
	for w := range clients {
		wg.Go(func() {
			key := "n" + strconv.Itoa(w)
			for ctx.Err() == nil {
				tried[w].Add(1)
				start := time.Now()
				_, err := s.Increment(s.ctx, key, 1)
				if took := time.Since(start); took > b.Timeout+5*time.Second {
					t.Errorf("an operation took %v, and the timeout is %v", took, b.Timeout)
				}
				if err == nil {
					acked[w].Add(1)
				} else {
					errs.Add(1)
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	for range 3 {
		time.Sleep(50 * time.Millisecond)
		before := errs.Load()
		fail()
		eventually(t, b.Timeout+5*time.Second, "nothing fails in a store that is broken", func() bool { return errs.Load() > before })
		mend()
		eventually(t, 20*time.Second, "the store does not recover", func() bool {
			ctx, cancel := context.WithTimeout(s.ctx, 2*time.Second)
			defer cancel()
			return s.Set(ctx, "probe", nil) == nil
		})
	}
	stop()
	wg.Wait()
	s.want("before", "kept")
	for w := range clients {
		n := s.increment("n"+strconv.Itoa(w), 0)
		if n < acked[w].Load() || n > tried[w].Load() {
			t.Errorf("client %d: the number is %d after %d increments that were acknowledged of %d", w, n, acked[w].Load(), tried[w].Load())
		}
	}
}

// A watch on a store that is closed ends.
func testWatchClosed(t *testing.T, b *Backend) {
	store := b.open(t)
	s := bucketOf(t, store, newNamespace())
	w, ok := s.Bucket.(keyvalue.Watcher)
	if !ok {
		t.Skip("it cannot be watched")
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.Watch(s.ctx, func() { close(ready) }, func(keyvalue.Event) {}) }()
	select {
	case <-ready:
		s.must(store.Close())
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it ends without an error")
			}
		case <-time.After(20 * time.Second):
			t.Error("it goes on")
		}
	case err := <-ended:
		if !errors.Is(err, keyvalue.ErrUnwatchable) {
			t.Error(err)
		}
	}
}

// eventually waits until f.
func eventually(t *testing.T, in time.Duration, otherwise string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(in); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(otherwise)
		}
	}
}

func testWatch(t *testing.T, b *Backend) {
	store := b.open(t)
	s := bucketOf(t, store, newNamespace())
	w, ok := s.Bucket.(keyvalue.Watcher)
	if !ok {
		t.Skip("it cannot be watched")
	}
	s.set("before", "not seen")
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var (
		mu   sync.Mutex
		last = map[string]string{} // what the last event of a key said
	)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- w.Watch(ctx, func() { close(ready) }, func(e keyvalue.Event) {
			mu.Lock()
			defer mu.Unlock()
			last[e.Key] = text(keyvalue.Value{Found: !e.Deleted, Data: e.Value})
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		if errors.Is(err, keyvalue.ErrUnwatchable) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	for i, k := range oddKeys {
		s.set(k, strconv.Itoa(i))
	}
	s.set("a", "again")
	s.increment("n", 7)
	s.swap("swapped", s.snapshot("swapped"), "value")
	s.must(s.SetMany(s.ctx, []keyvalue.Pair{{Key: "many", Value: []byte("1")}, {Key: "gone"}}))
	s.delete("gone")
	bucketOf(t, store, newNamespace()).set("elsewhere", "not seen")

	want := map[string]string{}
	for i, k := range oddKeys {
		want[k] = strconv.Itoa(i)
	}
	want["a"], want["n"], want["swapped"], want["many"], want["gone"] = "again", "7", "value", "1", missing
	differ := ""
	eventually(t, 10*time.Second, "not all changes were seen", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for k, v := range want {
			if got, seen := last[k]; !seen || got != v {
				differ = fmt.Sprintf("%.60q: %.60q, wanted %.60q", k, got, v)
				return false
			}
		}
		differ = ""
		return true
	})
	mu.Lock()
	if len(last) != len(want) {
		t.Errorf("%d keys changed, and events named %d: %.300v", len(want), len(last), last)
	}
	mu.Unlock()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the watch does not end with its context", differ)
	}
}
