package conformance

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/redis"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest/servers"
	"github.com/godwit-runtime/godwit/host/server"
)

const (
	watchGuest      = "../conformance/guests/watch/watch.wasm"
	watchDraftGuest = "../conformance/guests/watchdraft/watchdraft.wasm"
)

// watched is a guest that is told of changes in a bucket.
type watched struct {
	t      testing.TB
	bucket keyvalue.Bucket
	log    *lines
}

// watch runs a guest's watcher on a bucket until the test ends.
func watch(t testing.TB, path string, bucket keyvalue.Bucket, timeout time.Duration) *watched {
	t.Helper()
	w, err := server.NewWatcher(link(t, engine.Auto, path), engine.InstanceConfig{})
	if err != nil || w == nil {
		t.Fatal(w, err)
	}
	out := &watched{t: t, bucket: bucket, log: &lines{}}
	cfg := withBucket(bucket)
	cfg.Timeout = timeout
	cfg.Log = slog.New(slog.NewTextHandler(out.log, nil))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, cfg)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	// It watches once it has told the guest of something.
	for end := time.Now().Add(20 * time.Second); !out.has("out/ready", "x"); time.Sleep(10 * time.Millisecond) {
		out.set("in/ready", "x")
		if time.Now().After(end) {
			t.Fatalf("the guest is told of nothing; %q", out.log.take())
		}
	}
	return out
}

func (w *watched) set(key, value string) {
	w.t.Helper()
	if err := w.bucket.Set(context.Background(), key, []byte(value)); err != nil {
		w.t.Fatal(err)
	}
}

// has says whether a key has a value; "" is none.
func (w *watched) has(key, value string) bool {
	w.t.Helper()
	v, err := w.bucket.Get(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Found == (value != "") && string(v.Data) == value
}

func (w *watched) soon(key, value string) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !w.has(key, value); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s never gets %q; %q", key, value, w.log.take())
		}
	}
}

func (w *watched) says(text string) {
	w.t.Helper()
	if err := w.log.await(regexp.MustCompile(regexp.QuoteMeta(text))); err != nil {
		w.t.Error(err)
	}
}

// Each draft's guest is told what is set and deleted, by whomever, and goes on
// after it has failed.
func TestWatchersAreTold(t *testing.T) {
	for _, backend := range backends {
		for _, guest := range []string{watchGuest, watchDraftGuest} {
			t.Run(fmt.Sprint(backend.name, strings.TrimPrefix(guest, "../conformance/guests")), func(t *testing.T) {
				open := backend.open
				if backend.name == "redis" { // which tells of changes only if it is told to
					open = func(t testing.TB) (keyvalue.Store, error) {
						return redis.Open(redis.Config{URL: "redis://" + servers.Redis(t, servers.RedisConfig{Args: []string{"--notify-keyspace-events", "KA"}})})
					}
				}
				w := watch(t, guest, openBucket(t, open), 500*time.Millisecond)
				w.set("elsewhere", "x")
				w.set("in/a", "1")
				w.soon("out/a", "1")
				w.set("in/b", "\x00\xff")
				w.soon("out/b", "\x00\xff")
				w.set("in/trap", "x")
				w.says("unreachable")
				w.set("in/loop", "x")
				w.says("-W timeout=")
				if err := w.bucket.Delete(context.Background(), "in/a"); err != nil {
					t.Fatal(err)
				}
				w.soon("out/a", "")
				if !w.has("elsewhere", "x") || !w.has("out/b", "\x00\xff") {
					t.Error("what was not deleted is gone")
				}
			})
		}
	}
}

// A guest that is slow does not hold up those who write, and gets to know of
// what there is room for; the operator, of how much there was not.
func TestSlowWatcher(t *testing.T) {
	w := watch(t, watchGuest, openBucket(t, backends[0].open), 3*time.Second)
	w.set("in/loop", "")
	time.Sleep(50 * time.Millisecond)
	start := time.Now()
	large := string(bytes.Repeat([]byte("x"), 100_000))
	for i := range 200 {
		w.set(fmt.Sprintf("in/%d", i), large)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("writing takes %v while the guest is busy", took)
	}
	w.says("not told of some changes")
	w.soon("out/0", large)
}

// What is not a watcher is not one.
func TestGuestThatDoesNotWatch(t *testing.T) {
	if w, err := server.NewWatcher(link(t, engine.Auto, counterGuest), engine.InstanceConfig{}); w != nil || err != nil {
		t.Error(w, err)
	}
}

func TestStoreThatCannotBeWatched(t *testing.T) {
	for name, bucket := range map[string]keyvalue.Bucket{
		"it has no watch": struct{ keyvalue.Bucket }{openBucket(t, backends[0].open)},
		"it cannot now":   unwatchable{openBucket(t, backends[0].open)},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := server.NewWatcher(link(t, engine.Auto, watchGuest), engine.InstanceConfig{})
			if err != nil {
				t.Fatal(err)
			}
			log := &lines{}
			cfg := withBucket(bucket)
			cfg.Log = slog.New(slog.NewTextHandler(log, nil))
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			w.Run(ctx, cfg)
			if got := log.take(); len(got) != 1 || !strings.Contains(got[0], "cannot be watched") {
				t.Errorf("the operator is told %q", got)
			}
		})
	}
}

type unwatchable struct{ keyvalue.Bucket }

func (unwatchable) Watch(context.Context, func(), func(keyvalue.Event)) error {
	return fmt.Errorf("%w: for a test", keyvalue.ErrUnwatchable)
}
