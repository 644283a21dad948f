// Package storetest is the suite that every key-value backend passes: what
// package keyvalue promises of a Store and its Buckets, under many writers,
// large and odd data, faults and reopening.
//
// It may import host/keyvalue and nothing else of this module.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
)

// Backend is what the suite needs of a backend.
type Backend struct {
	// Open opens a store, the same one each time in one test. The suite closes it.
	Open func(t *testing.T) keyvalue.Store
	// Volatile says that data is gone when the store is closed.
	Volatile bool
	// Break opens a store, the same as Open, that can be made to fail: after
	// fail, nothing of it answers until mend. It is nil if nothing can come
	// between the store and its data.
	Break func(t *testing.T) (s keyvalue.Store, fail, mend func())
	// Timeout is in what time an operation ends when the store does not answer.
	Timeout time.Duration
	// Weight divides the number of keys and rounds, for slow stores; 0 is 1.
	Weight int
}

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	b.Weight = max(b.Weight, 1)
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *Backend)
	}{
		{"a value is what was set last", testValues},
		{"values are bytes", testBinary},
		{"keys are any text", testOddKeys},
		{"keys are long", testLongKeys},
		{"values are large", testLarge},
		{"namespaces and names are apart", testNamespaces},
		{"names are checked", testNames},
		{"a listing has every key", testListing},
		{"a listing survives changes", testListingUnderChanges},
		{"a wrong cursor does no harm", testWrongCursor},
		{"a batch is positional", testBatch},
		{"increments", testIncrement},
		{"increments need a number", testNumbers},
		{"no increment is lost", testConcurrentIncrement},
		{"a swap needs what it saw", testSwap},
		{"no swap is lost", testConcurrentSwap},
		{"many writers", testWriters},
		{"a context that is done", testDone},
		{"a store that is closed", testClosed},
		{"data survives reopening", testReopen},
		{"a store that fails, and recovers", testFault},
		{"changes are seen", testWatch},
		{"a watch on a store that is closed", testWatchClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, &b) })
	}
}

// A store may be one that was used before: each test has a namespace of its own.
var (
	run        = time.Now().UnixNano()
	namespaces atomic.Int64
)

func newNamespace() string {
	return fmt.Sprintf("t%x-%d", run, namespaces.Add(1))
}

func (b *Backend) open(t *testing.T) keyvalue.Store {
	t.Helper()
	s := b.Open(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// bucket is an empty bucket.
func (b *Backend) bucket(t *testing.T) *tester {
	t.Helper()
	return bucketOf(t, b.open(t), newNamespace())
}

func bucketOf(t *testing.T, s keyvalue.Store, namespace string) *tester {
	t.Helper()
	bucket, err := s.Bucket(namespace, "default")
	if err != nil {
		t.Fatal(err)
	}
	return &tester{t: t, Bucket: bucket, ctx: t.Context()}
}

// tester is a bucket whose operations must not fail.
type tester struct {
	keyvalue.Bucket
	t   *testing.T
	ctx context.Context
}

func (b *tester) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tester) set(key, value string) {
	b.t.Helper()
	b.must(b.Set(b.ctx, key, []byte(value)))
}

func (b *tester) delete(key string) {
	b.t.Helper()
	b.must(b.Delete(b.ctx, key))
}

// missing stands for a key that is not there.
const missing = "\x00missing"

func text(v keyvalue.Value) string {
	if !v.Found {
		return missing
	}
	return string(v.Data)
}

func (b *tester) get(key string) string {
	b.t.Helper()
	v, err := b.Get(b.ctx, key)
	b.must(err)
	return text(v)
}

// want fails unless key has value, or is missing, as every way of asking says.
func (b *tester) want(key, value string) {
	b.t.Helper()
	if got := b.get(key); got != value {
		b.t.Errorf("key %.60q has %.60q, wanted %.60q", key, got, value)
	}
	found, err := b.Exists(b.ctx, key)
	b.must(err)
	if found != (value != missing) {
		b.t.Errorf("key %.60q exists: %v, but has %.60q", key, found, value)
	}
}

func (b *tester) increment(key string, delta int64) int64 {
	b.t.Helper()
	n, err := b.Increment(b.ctx, key, delta)
	b.must(err)
	return n
}

func (b *tester) snapshot(key string) keyvalue.Snapshot {
	b.t.Helper()
	s, err := b.Snapshot(b.ctx, key)
	b.must(err)
	return s
}

func (b *tester) swap(key string, old keyvalue.Snapshot, value string) bool {
	b.t.Helper()
	ok, err := b.Swap(b.ctx, key, old, []byte(value))
	b.must(err)
	return ok
}

// list lists all keys, in pages of limit, and calls between after each.
func (b *tester) list(limit int, between func()) []string {
	b.t.Helper()
	var all []string
	cursor := uint64(0)
	for pages := 0; ; pages++ {
		p, err := b.Keys(b.ctx, cursor, limit)
		b.must(err)
		all = append(all, p.Keys...)
		if p.Cursor == 0 {
			return all
		}
		if pages > 10_000 {
			b.t.Fatal("the listing does not end")
		}
		cursor = p.Cursor
		if between != nil {
			between()
		}
	}
}

// wantKeys fails unless got has each of want, and nothing else.
func wantKeys(t *testing.T, got, want []string) {
	t.Helper()
	listed := map[string]bool{}
	for _, k := range got {
		listed[k] = true
	}
	for _, k := range want {
		if !listed[k] {
			t.Errorf("key %.60q is not in the listing", k)
		}
		delete(listed, k)
	}
	for k := range listed {
		t.Errorf("key %.60q is in the listing", k)
	}
}

func testValues(t *testing.T, b *Backend) {
	s := b.bucket(t)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"never set", func() {}, missing},
		{"deleted, and never set", func() { s.delete("k") }, missing},
		{"set", func() { s.set("k", "one") }, "one"},
		{"set again", func() { s.set("k", "two, which is longer") }, "two, which is longer"},
		{"set to nothing", func() { s.set("k", "") }, ""},
		{"deleted", func() { s.delete("k") }, missing},
		{"deleted again", func() { s.delete("k") }, missing},
		{"set after that", func() { s.set("k", "three") }, "three"},
		{"another key set", func() { s.set("kk", "other") }, "three"},
		{"another key deleted", func() { s.delete("kk") }, "three"},
	} {
		step.do()
		if got := s.get("k"); got != step.want {
			t.Errorf("%s: the value is %q, wanted %q", step.name, got, step.want)
		}
		s.want("k", step.want)
	}
	value := []byte("mine")
	s.must(s.Set(s.ctx, "k", value))
	copy(value, "your")
	s.want("k", "mine")
}

func testBinary(t *testing.T, b *Backend) {
	s := b.bucket(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, v := range []string{"\x00", "\x00\x00", "\xff\xfe", "a\r\n", "\r\n$-1\r\n", string(every), "\x80", "nil", "0"} {
		key := strconv.Itoa(i)
		s.set(key, v)
		s.want(key, v)
		if got := s.snapshot(key); text(got.Value) != v {
			t.Errorf("the snapshot has %q, wanted %q", got.Data, v)
		}
		if !s.swap(key, s.snapshot(key), v+"+") {
			t.Errorf("value %q: an unchanged value was not swapped", v)
		}
		s.want(key, v+"+")
	}
}

// oddKeys are what some backend could take for something else.
var oddKeys = []string{
	"", " ", "\x00", "a\x00b", "a\x00", "\n", "a\r\nb", "\t", "0", "-1", "*", "a*", "?", "[a-z]", "[", "]", "^", "\\", "\\*",
	">", "a.>", "a.*", ".", "..", "...", "a.b", ".a", "a.", "a..b", "=", "=41", "A", "a", "a=2Eb", "=2E", "a b",
	"{", "}", "{a}b", "{}", ":", "a:b", "::", "/", "a/b", "../x", "%", "%00", "%2E", "$KV", "_", "-", "k", "s",
	"ä", "a\u0308", "é", "日本語", "🦆", "\u202e", "\ufeff", "\U0010ffff", "godwit", "null", "true",
	"'", "\"", "`", "<", "&", "#", "@", "!", "|", ";", "(", ")", ",",
	strings.Repeat("k", keyvalue.DefaultMaxKey), strings.Repeat("*", keyvalue.DefaultMaxKey), strings.Repeat("ä", keyvalue.DefaultMaxKey/2),
}

func testOddKeys(t *testing.T, b *Backend) {
	s := b.bucket(t)
	for i, k := range oddKeys {
		s.want(k, missing)
		s.set(k, strconv.Itoa(i))
	}
	for i, k := range oddKeys {
		s.want(k, strconv.Itoa(i))
	}
	wantKeys(t, s.list(7, nil), oddKeys)
	values, err := s.GetMany(s.ctx, oddKeys, 1<<20)
	s.must(err)
	for i, v := range values {
		if text(v) != strconv.Itoa(i) {
			t.Errorf("key %.60q: the batch has %q, wanted %d", oddKeys[i], text(v), i)
		}
	}
	for i, k := range oddKeys {
		if n := s.increment(k, 1); n != int64(i)+1 {
			t.Errorf("key %.60q: the sum is %d, wanted %d", k, n, i+1)
		}
		if !s.swap(k, s.snapshot(k), "x") {
			t.Errorf("key %.60q was not swapped", k)
		}
	}
	for _, k := range oddKeys[:len(oddKeys)/2] {
		s.delete(k)
	}
	s.must(s.DeleteMany(s.ctx, oddKeys[len(oddKeys)/2:len(oddKeys)-1]))
	wantKeys(t, s.list(7, nil), oddKeys[len(oddKeys)-1:])
}

// A key that is too long for the store is refused, by whatever operation, and does
// no harm.
func testLongKeys(t *testing.T, b *Backend) {
	s := b.bucket(t)
	s.set("k", "kept")
	for _, n := range []int{1 << 10, 1<<10 + 1, 4 << 10, 32<<10 - 1, 32 << 10, 100 << 10} {
		key := strings.Repeat("=", n)
		refused := 0
		for _, o := range operations(s.Bucket, key, keyvalue.Snapshot{}) {
			err := o.do(s.ctx)
			var limit *keyvalue.LimitError
			if errors.As(err, &limit) {
				refused++
			} else if err != nil {
				var number *keyvalue.NumberError // "set" is none
				if !errors.As(err, &number) {
					t.Errorf("%s of a key of %d bytes: %v", o.name, n, err)
				}
			}
		}
		if refused > 0 && n <= keyvalue.DefaultMaxKey {
			t.Errorf("a key of %d bytes is refused", n)
		}
		if v, err := s.Get(s.ctx, key); err == nil && v.Found {
			t.Errorf("a key of %d bytes is there after it was deleted", n)
		}
		s.want("k", "kept")
	}
}

// noise is n bytes that do not compress.
func noise(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, seed))
	v := make([]byte, n)
	for i := range v {
		v[i] = byte(r.Uint32())
	}
	return string(v)
}

func testLarge(t *testing.T, b *Backend) {
	s := b.bucket(t)
	for i, n := range []int{1 << 10, 4095, 4096, 64 << 10, keyvalue.DefaultMaxValue - 1, keyvalue.DefaultMaxValue} {
		v, w := noise(n, uint64(i)), noise(n, 100+uint64(i))
		s.set("large", v)
		s.want("large", v)
		if !s.swap("large", s.snapshot("large"), w) {
			t.Errorf("a value of %d bytes was not swapped", n)
		}
		s.want("large", w)
	}
	v := noise(keyvalue.DefaultMaxValue, 7)
	var pairs []keyvalue.Pair
	var keys []string
	for i := range 4 {
		keys = append(keys, strconv.Itoa(i))
		pairs = append(pairs, keyvalue.Pair{Key: keys[i], Value: []byte(v)})
	}
	s.must(s.SetMany(s.ctx, pairs))
	got, err := s.GetMany(s.ctx, keys, 4*keyvalue.DefaultMaxValue)
	s.must(err)
	for i := range got {
		if text(got[i]) != v {
			t.Errorf("value %d of the batch has %d bytes that are not those set", i, len(got[i].Data))
		}
	}
}

func testNamespaces(t *testing.T, b *Backend) {
	store := b.open(t)
	ns := newNamespace()
	var names [][2]string
	for _, n := range []string{"a", "a.b", "a-b", "A", "b"} {
		for _, m := range []string{"default", "default.x", "b"} {
			names = append(names, [2]string{ns + n, m})
		}
	}
	buckets := make([]*tester, len(names))
	for i, n := range names {
		bucket, err := store.Bucket(n[0], n[1])
		if err != nil {
			t.Fatal(err)
		}
		buckets[i] = &tester{t: t, Bucket: bucket, ctx: t.Context()}
		buckets[i].set("k", strings.Join(n[:], "/"))
		buckets[i].set("x.k", "")
		buckets[i].set("only"+strconv.Itoa(i), "")
	}
	for i, n := range names {
		buckets[i].want("k", strings.Join(n[:], "/"))
		wantKeys(t, buckets[i].list(2, nil), []string{"k", "x.k", "only" + strconv.Itoa(i)})
	}
	again := bucketOf(t, store, names[0][0])
	again.want("k", strings.Join(names[0][:], "/"))
}

func testNames(t *testing.T, b *Backend) {
	store := b.open(t)
	for _, bad := range []string{"", ".", "-a", "a/b", "a b", "a\x00", "ä", "*", ">", "a:b", strings.Repeat("a", keyvalue.MaxName+1)} {
		if _, err := store.Bucket(bad, "default"); err == nil {
			t.Errorf("%q is a namespace", bad)
		}
		if _, err := store.Bucket("ns", bad); err == nil {
			t.Errorf("%q is the name of a bucket", bad)
		}
	}
}

func testListing(t *testing.T, b *Backend) {
	s := b.bucket(t)
	wantKeys(t, s.list(10, nil), nil)
	var want []string
	n := 3000 / b.Weight
	for i := 0; i < n; i += 500 {
		var pairs []keyvalue.Pair
		for j := i; j < min(i+500, n); j++ {
			k := fmt.Sprintf("key/%d", j*7919%n)
			want = append(want, k)
			pairs = append(pairs, keyvalue.Pair{Key: k, Value: []byte("v")})
		}
		s.must(s.SetMany(s.ctx, pairs))
	}
	for _, limit := range []int{1, 100, 499, n, n + 1} {
		if limit == 1 && n > 500 {
			continue
		}
		wantKeys(t, s.list(limit, nil), want)
	}
	s.set(want[0], "again")
	s.delete(want[1])
	wantKeys(t, s.list(100, nil), append([]string{want[0]}, want[2:]...))
}

// A program that deletes what a page lists must still see the next pages.
func testListingUnderChanges(t *testing.T, b *Backend) {
	s := b.bucket(t)
	n := 600 / b.Weight
	var stays, goes []string
	var pairs []keyvalue.Pair
	for i := range n {
		k := "stays/" + strconv.Itoa(i)
		if i%2 == 0 {
			k = "goes/" + strconv.Itoa(i)
			goes = append(goes, k)
		} else {
			stays = append(stays, k)
		}
		pairs = append(pairs, keyvalue.Pair{Key: k})
	}
	s.must(s.SetMany(s.ctx, pairs))
	made := 0
	got := s.list(25, func() {
		for range 20 {
			if len(goes) > 0 {
				s.delete(goes[0])
				goes = goes[1:]
			}
		}
		if made++; made <= 10 {
			s.set("made/"+strconv.Itoa(made), "")
			s.set(stays[made], "rewritten")
		}
	})
	listed := map[string]bool{}
	for _, k := range got {
		listed[k] = true
	}
	for _, k := range stays {
		if !listed[k] {
			t.Errorf("%s was there all the time, and is not in the listing", k)
		}
	}
}

func testWrongCursor(t *testing.T, b *Backend) {
	s := b.bucket(t)
	for i := range 30 {
		s.set(strconv.Itoa(i), "")
	}
	for _, c := range []uint64{1, 2, 29, 31, 1 << 20, 1 << 50, 1<<50 + 1, 16383 << 50, math.MaxUint64 - 1, math.MaxUint64} {
		if _, err := s.Keys(s.ctx, c, 10); err != nil && !errors.Is(err, keyvalue.ErrCursor) {
			t.Errorf("cursor %d: %v", c, err)
		}
	}
	if got := s.list(10, nil); len(got) < 30 {
		t.Errorf("after that, %d keys are listed", len(got))
	}
}

func testBatch(t *testing.T, b *Backend) {
	s := b.bucket(t)
	pair := func(k, v string) keyvalue.Pair { return keyvalue.Pair{Key: k, Value: []byte(v)} }
	s.must(s.SetMany(s.ctx, []keyvalue.Pair{pair("a", "first"), pair("b", ""), pair("c", "3"), pair("a", "last")}))
	check := func(keys []string, want ...string) {
		t.Helper()
		got, err := s.GetMany(s.ctx, keys, 1<<20)
		s.must(err)
		if len(got) != len(want) {
			t.Fatalf("%d values for %d keys", len(got), len(keys))
		}
		for i := range got {
			if text(got[i]) != want[i] {
				t.Errorf("position %d, key %q: %q, wanted %q", i, keys[i], text(got[i]), want[i])
			}
		}
	}
	check([]string{"a", "x", "b", "c", "a", "x"}, "last", missing, "", "3", "last", missing)
	s.must(s.DeleteMany(s.ctx, []string{"a", "x", "a"}))
	check([]string{"c", "b", "a"}, "3", "", missing)
	check(nil)
	s.must(s.SetMany(s.ctx, nil))
	s.must(s.DeleteMany(s.ctx, nil))

	s.must(s.SetMany(s.ctx, []keyvalue.Pair{pair("p", "12345"), pair("q", "12345")}))
	for _, c := range []struct {
		limit int64
		ok    bool
	}{{10, true}, {9, false}, {5, false}, {4, false}, {0, false}} {
		_, err := s.GetMany(s.ctx, []string{"p", "q"}, c.limit)
		var limit *keyvalue.LimitError
		if c.ok != (err == nil) || !c.ok && !errors.As(err, &limit) {
			t.Errorf("10 bytes where %d may be: %v", c.limit, err)
		}
	}
	// A batch where one value is nearly all of it.
	s.must(s.SetMany(s.ctx, []keyvalue.Pair{pair("p", noise(90_000, 1)), pair("q", "q")}))
	check([]string{"q", "p", "q", "none"}, "q", noise(90_000, 1), "q", missing)
}

func testDone(t *testing.T, b *Backend) {
	s := b.bucket(t)
	s.set("k", "1")
	old := s.snapshot("k")
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for _, c := range operations(s.Bucket, "k", old) {
		if err := c.do(ctx); err == nil {
			t.Errorf("%s works with a context that is done", c.name)
		}
	}
	s.want("k", "1")
	// The end of a context in the middle of a write leaves nothing half done.
	for i := range 50 {
		ctx, cancel := context.WithTimeout(s.ctx, time.Duration(i)*20*time.Microsecond)
		err := s.Set(ctx, "half", bytes.Repeat([]byte{byte(i)}, 1000))
		cancel()
		v := s.get("half")
		if v != missing && (len(v) != 1000 || strings.Trim(v, v[:1]) != "") {
			t.Fatalf("after a Set that ended with %v the key has %d bytes", err, len(v))
		}
	}
}

type operation struct {
	name string
	do   func(ctx context.Context) error
}

// operations are one of each, on a key.
func operations(b keyvalue.Bucket, key string, old keyvalue.Snapshot) []operation {
	return []operation{
		{"Get", func(ctx context.Context) error { _, err := b.Get(ctx, key); return err }},
		{"Exists", func(ctx context.Context) error { _, err := b.Exists(ctx, key); return err }},
		{"Keys", func(ctx context.Context) error { _, err := b.Keys(ctx, 0, 10); return err }},
		{"GetMany", func(ctx context.Context) error { _, err := b.GetMany(ctx, []string{key}, 100); return err }},
		{"Snapshot", func(ctx context.Context) error { _, err := b.Snapshot(ctx, key); return err }},
		{"Set", func(ctx context.Context) error { return b.Set(ctx, key, []byte("set")) }},
		{"SetMany", func(ctx context.Context) error {
			return b.SetMany(ctx, []keyvalue.Pair{{Key: key, Value: []byte("set")}})
		}},
		{"Increment", func(ctx context.Context) error { _, err := b.Increment(ctx, key, 1); return err }},
		{"Swap", func(ctx context.Context) error { _, err := b.Swap(ctx, key, old, []byte("swap")); return err }},
		{"DeleteMany", func(ctx context.Context) error { return b.DeleteMany(ctx, []string{key}) }},
		{"Delete", func(ctx context.Context) error { return b.Delete(ctx, key) }},
	}
}

func testClosed(t *testing.T, b *Backend) {
	store := b.open(t)
	s := bucketOf(t, store, newNamespace())
	s.set("k", "1")
	old := s.snapshot("k")
	var wg sync.WaitGroup
	for range 8 { // under way while the store is closed: they end
		wg.Go(func() {
			for s.Set(s.ctx, "busy", nil) == nil {
			}
		})
	}
	time.Sleep(5 * time.Millisecond)
	s.must(store.Close())
	wg.Wait()
	for _, c := range operations(s.Bucket, "k", old) {
		if err := c.do(s.ctx); err == nil {
			t.Errorf("%s works on a store that is closed", c.name)
		}
	}
	_ = store.Close() // again
}

func testReopen(t *testing.T, b *Backend) {
	if b.Volatile {
		t.Skip("its data is gone when it is closed")
	}
	store := b.open(t)
	ns := newNamespace()
	s := bucketOf(t, store, ns)
	var keys []string
	for i := range 20 {
		keys = append(keys, strconv.Itoa(i))
		s.set(keys[i], noise(i*100, uint64(i)))
	}
	s.increment("n", 41)
	s.delete(keys[0])
	old := s.snapshot(keys[1])
	s.must(store.Close())

	s = bucketOf(t, b.open(t), ns)
	s.want(keys[0], missing)
	for i := 1; i < 20; i++ {
		s.want(keys[i], noise(i*100, uint64(i)))
	}
	if n := s.increment("n", 1); n != 42 {
		t.Errorf("the sum is %d, wanted 42", n)
	}
	if !s.swap(keys[1], old, "swapped") {
		t.Error("a snapshot from before the store was opened again is not good")
	}
	s.set("new", "")
	want := append([]string{"n", "new"}, keys[1:]...)
	sort.Strings(want)
	wantKeys(t, s.list(5, nil), want)
}
