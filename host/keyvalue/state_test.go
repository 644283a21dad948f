package keyvalue_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	draft "github.com/godwit-runtime/godwit/bindings/draft/wasikeyvalue"
	draft2 "github.com/godwit-runtime/godwit/bindings/draft2/wasikeyvalue"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/memory"
)

// guest is what an instance sees of a store in memory, through both drafts.
type guest struct {
	t       *testing.T
	ctx     context.Context
	state   *keyvalue.State
	d1      keyvalue.Draft
	d2      keyvalue.Draft2
	budget  *io.Budget
	reports []string
}

func newGuest(t *testing.T, c keyvalue.Config) *guest {
	t.Helper()
	if c.Buckets == nil {
		b, err := memory.New(memory.Config{}).Bucket("app", "default")
		if err != nil {
			t.Fatal(err)
		}
		c.Buckets = map[string]keyvalue.Bucket{"default": b, "theirs": nil}
	}
	g := &guest{t: t, ctx: t.Context(), budget: io.NewBudget(1 << 20)}
	g.state = c.NewState(g.ctx, g.budget, func(err error) { g.reports = append(g.reports, err.Error()) })
	g.d1, g.d2 = keyvalue.Draft{State: g.state}, keyvalue.Draft2{State: g.state}
	return g
}

func (g *guest) open1() draft.Bucket {
	g.t.Helper()
	b, err := g.d1.Open(g.ctx, "default")
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

func (g *guest) open2() draft2.Bucket {
	g.t.Helper()
	b, err := g.d2.Open(g.ctx, "default")
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

// say is an error of either draft, as text.
func say(err error) string {
	switch e := err.(type) {
	case nil:
		return "ok"
	case draft.Error:
		return strings.TrimSpace(e.Tag.String() + " " + e.Other)
	case draft2.Error:
		return strings.TrimSpace(e.Tag.String() + " " + e.Other)
	case draft2.CasError:
		return strings.TrimSpace(e.Tag.String() + " " + e.StoreError.Other)
	}
	return "trap: " + err.Error()
}

func TestOpen(t *testing.T) {
	none := map[string]keyvalue.Bucket{}
	for _, c := range []struct {
		name    string
		buckets map[string]keyvalue.Bucket
		open    string
		want    string
		report  string // part of what the operator is told; "" for nothing
	}{
		{"a store that is granted", nil, "default", "ok", ""},
		{"a store that is not there", nil, "other", "no-such-store", `there is no key-value store "other"; pass --keyvalue other=`},
		{"a store of another guest", nil, "theirs", "access-denied", `store "theirs" is not granted; pass --keyvalue theirs=`},
		{"the empty name", nil, "", "no-such-store", `there is no key-value store ""`},
		{"a name that cannot be", nil, "a b\n", "no-such-store", `there is no key-value store "a b\n"`},
		{"no stores at all", none, "default", "access-denied", `store "default" is not granted; pass --keyvalue default=bolt:./data.db`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t, keyvalue.Config{Buckets: c.buckets})
			_, err1 := g.d1.Open(g.ctx, c.open)
			_, err2 := g.d2.Open(g.ctx, c.open)
			if say(err1) != c.want || say(err2) != c.want {
				t.Errorf("the guest is told %s and %s, wanted %s", say(err1), say(err2), c.want)
			}
			switch {
			case c.report == "" && len(g.reports) > 0, c.report != "" && (len(g.reports) != 1 || !strings.Contains(g.reports[0], c.report)):
				t.Errorf("the operator is told %q, wanted one line with %q", g.reports, c.report)
			}
			if strings.Contains(strings.Join(g.reports, ""), "\n") {
				t.Error("the guest writes lines into the operator's log")
			}
		})
	}
}

// A guest in a loop does not fill the operator's log.
func TestReportsAreFew(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	for i := range 1000 {
		_, _ = g.d2.Open(g.ctx, strconv.Itoa(i))
	}
	if len(g.reports) > 10 {
		t.Errorf("%d reports", len(g.reports))
	}
}

func TestBothDraftsSeeOneStore(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	b1, b2 := g.open1(), g.open2()
	if err := b1.Set(g.ctx, "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	v, err := b2.Get(g.ctx, "k")
	if err != nil || string(v.Value) != "v" || !v.Some {
		t.Errorf("%+v, %v", v, err)
	}
	if n, err := g.d1.Increment(g.ctx, b1, "n", 40); n != 40 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := g.d2.Increment(g.ctx, b2, "n", 2); n != 42 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := b2.Delete(g.ctx, "k"); err != nil {
		t.Error(err)
	}
	if ok, err := b1.Exists(g.ctx, "k"); ok || err != nil {
		t.Errorf("a deleted key exists: %v, %v", ok, err)
	}
	if v, err := b1.Get(g.ctx, "k"); v.Some || err != nil {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestBatchIsPositional(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	b1, b2 := g.open1(), g.open2()
	type kv = abi.Tuple2[string, []byte]
	if err := g.d1.SetMany(g.ctx, b1, []kv{{F0: "a", F1: []byte("1")}, {F0: "b", F1: nil}}); err != nil {
		t.Fatal(err)
	}
	if err := g.d2.SetMany(g.ctx, b2, []kv{{F0: "c", F1: []byte("3")}}); err != nil {
		t.Fatal(err)
	}
	keys := []string{"b", "x", "c", "a", "c"}
	want := "[{true {b []}} {false { []}} {true {c [51]}} {true {a [49]}} {true {c [51]}}]"
	got1, err1 := g.d1.GetMany(g.ctx, b1, keys)
	got2, err2 := g.d2.GetMany(g.ctx, b2, keys)
	if fmt.Sprint(got1) != want || fmt.Sprint(got2) != want || err1 != nil || err2 != nil {
		t.Errorf("%v, %v\n%v, %v\nwanted %s", got1, err1, got2, err2, want)
	}
	if err := g.d1.DeleteMany(g.ctx, b1, []string{"a", "x"}); err != nil {
		t.Error(err)
	}
	if err := g.d2.DeleteMany(g.ctx, b2, []string{"b", "x"}); err != nil {
		t.Error(err)
	}
	if r, err := b1.ListKeys(g.ctx, abi.None[uint64]()); fmt.Sprint(r.Keys) != "[c]" || r.Cursor.Some || err != nil {
		t.Errorf("%v, %v", r, err)
	}
}

func TestListKeysPages(t *testing.T) {
	g := newGuest(t, keyvalue.Config{Limits: keyvalue.Limits{Page: 7}})
	b1, b2 := g.open1(), g.open2()
	for i := range 30 {
		if err := b1.Set(g.ctx, strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	seen1, seen2 := map[string]bool{}, map[string]bool{}
	c1, c2 := abi.None[uint64](), abi.None[string]()
	for page := 0; page == 0 || c1.Some; page++ {
		r, err := b1.ListKeys(g.ctx, c1)
		if err != nil || len(r.Keys) > 7 || page > 5 {
			t.Fatal(r, err)
		}
		for _, k := range r.Keys {
			seen1[k] = true
		}
		c1 = r.Cursor
	}
	for page := 0; page == 0 || c2.Some; page++ {
		r, err := b2.ListKeys(g.ctx, c2)
		if err != nil || len(r.Keys) > 7 || page > 5 {
			t.Fatal(r, err)
		}
		for _, k := range r.Keys {
			seen2[k] = true
		}
		c2 = r.Cursor
	}
	if len(seen1) != 30 || len(seen2) != 30 {
		t.Errorf("%d and %d keys are listed, wanted 30", len(seen1), len(seen2))
	}
	for _, wrong := range []string{"", "x", "-1", "0", "01", "1 ", "18446744073709551616"} {
		if _, err := b2.ListKeys(g.ctx, abi.Some(wrong)); !strings.Contains(say(err), "list from the beginning") {
			t.Errorf("cursor %q: %s", wrong, say(err))
		}
	}
}

func TestIncrementOfEachDraft(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	b1, b2 := g.open1(), g.open2()
	for _, c := range []struct {
		name  string
		start string
		do    func() (string, error)
		want  string
	}{
		{"draft adds without a sign", "1", func() (string, error) { n, err := g.d1.Increment(g.ctx, b1, "n", 2); return fmt.Sprint(n), err }, "3 ok"},
		{"draft adds what has no place", "1", func() (string, error) {
			n, err := g.d1.Increment(g.ctx, b1, "n", math.MaxInt64+1)
			return fmt.Sprint(n), err
		}, `0 other key "n": the sum is not a number of 64 bits with a sign`},
		{"draft has no number below 0", "-5", func() (string, error) { n, err := g.d1.Increment(g.ctx, b1, "n", 2); return fmt.Sprint(n), err },
			`0 other key "n": the sum is below 0, which this version of wasi:keyvalue cannot say`},
		{"draft comes from below 0", "-5", func() (string, error) { n, err := g.d1.Increment(g.ctx, b1, "n", 5); return fmt.Sprint(n), err }, "0 ok"},
		{"draft2 adds with a sign", "1", func() (string, error) { n, err := g.d2.Increment(g.ctx, b2, "n", -3); return fmt.Sprint(n), err }, "-2 ok"},
		{"draft2 adds to text", "one", func() (string, error) { n, err := g.d2.Increment(g.ctx, b2, "n", 1); return fmt.Sprint(n), err },
			`0 other key "n": its value is not a whole number in decimal notation`},
	} {
		if err := b1.Set(g.ctx, "n", []byte(c.start)); err != nil {
			t.Fatal(err)
		}
		n, err := c.do()
		if got := n + " " + say(err); got != c.want {
			t.Errorf("%s: %s, wanted %s", c.name, got, c.want)
		}
	}
}

func TestSwap(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	b := g.open2()
	cas, err := g.d2.CasNew(g.ctx, b, "k")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := cas.Current(g.ctx); v.Some || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	if err := b.Set(g.ctx, "k", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	// It does not change what the handle has seen.
	if v, err := cas.Current(g.ctx); v.Some || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	err = g.d2.Swap(g.ctx, cas, []byte("mine"))
	failed, ok := err.(draft2.CasError)
	if !ok || failed.Tag != draft2.CasErrorCasFailed || failed.CasFailed == nil {
		t.Fatal(say(err))
	}
	if v, err := failed.CasFailed.Current(g.ctx); string(v.Value) != "theirs" || err != nil {
		t.Errorf("the fresh handle has %q, %v", v.Value, err)
	}
	b.Drop(g.ctx) // the handle does not need the bucket's
	if err := g.d2.Swap(g.ctx, failed.CasFailed, []byte("mine")); err != nil {
		t.Error(say(err))
	}
	if v, err := g.open2().Get(g.ctx, "k"); string(v.Value) != "mine" || err != nil {
		t.Errorf("%q, %v", v.Value, err)
	}
}

// What a comparison holds is the guest's: counted while it lives, and no longer.
func TestComparisonsAreCharged(t *testing.T) {
	g := newGuest(t, keyvalue.Config{})
	b := g.open2()
	if err := b.Set(g.ctx, "k", make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	var held []draft2.Cas
	var err error
	for err == nil && len(held) < 100 {
		var c draft2.Cas
		if c, err = g.d2.CasNew(g.ctx, b, "k"); err == nil {
			held = append(held, c)
		}
	}
	var over *io.BudgetError
	if !errors.As(err, &over) || len(held) != 10 {
		t.Fatalf("after %d handles: %v", len(held), err)
	}
	ends := []func(c draft2.Cas){
		func(c draft2.Cas) { c.Drop(g.ctx) },
		func(c draft2.Cas) { // done, or failed
			if err, failed := g.d2.Swap(g.ctx, c, make([]byte, 10)).(draft2.CasError); failed {
				err.CasFailed.Drop(g.ctx)
			}
		},
		func(c draft2.Cas) { // fails, is refreshed, and then done
			err, _ := g.d2.Swap(g.ctx, c, nil).(draft2.CasError)
			_ = g.d2.Swap(g.ctx, err.CasFailed, nil)
		},
		func(c draft2.Cas) { _ = g.d2.Swap(g.ctx, c, make([]byte, 2<<20)) }, // an error of the store
	}
	for i, c := range held {
		ends[i%len(ends)](c)
	}
	if g.budget.Used() != 0 {
		t.Errorf("%d bytes are still charged", g.budget.Used())
	}
}

func TestLimits(t *testing.T) {
	g := newGuest(t, keyvalue.Config{Limits: keyvalue.Limits{Key: 10, Value: 100, Batch: 3, BatchBytes: 150, Handles: 4}})
	b1, b2 := g.open1(), g.open2()
	long := strings.Repeat("k", 11)
	type kv = abi.Tuple2[string, []byte]
	half := make([]byte, 80)
	if err := g.d1.SetMany(g.ctx, b1, []kv{{F0: "a", F1: half}}); err != nil {
		t.Fatal(err)
	}
	if err := b2.Set(g.ctx, "b", half); err != nil {
		t.Fatal(err)
	}
	const key, value = "the key has 11 bytes; the limit is 10", "the value has 101 bytes; the limit is 100"
	for _, c := range []struct {
		name string
		err  func() error
		want string
	}{
		{"get", func() error { _, err := b1.Get(g.ctx, long); return err }, key},
		{"set", func() error { return b2.Set(g.ctx, long, nil) }, key},
		{"delete", func() error { return b1.Delete(g.ctx, long) }, key},
		{"exists", func() error { _, err := b2.Exists(g.ctx, long); return err }, key},
		{"increment", func() error { _, err := g.d1.Increment(g.ctx, b1, long, 1); return err }, key},
		{"cas.new", func() error { _, err := g.d2.CasNew(g.ctx, b2, long); return err }, key},
		{"get-many", func() error { _, err := g.d1.GetMany(g.ctx, b1, []string{"a", long}); return err }, key},
		{"set-many", func() error { return g.d2.SetMany(g.ctx, b2, []kv{{F0: "a"}, {F0: long}}) }, key},
		{"delete-many", func() error { return g.d2.DeleteMany(g.ctx, b2, []string{long}) }, key},
		{"set, value", func() error { return b1.Set(g.ctx, "k", make([]byte, 101)) }, value},
		{"set-many, value", func() error { return g.d1.SetMany(g.ctx, b1, []kv{{F0: "k", F1: make([]byte, 101)}}) }, value},
		{"swap, value", func() error {
			c, err := g.d2.CasNew(g.ctx, b2, "k")
			if err != nil {
				return err
			}
			return g.d2.Swap(g.ctx, c, make([]byte, 101))
		}, value},
		{"get-many, keys", func() error { _, err := g.d1.GetMany(g.ctx, b1, []string{"", "", "", ""}); return err }, "the batch has 4 keys; the limit is 3"},
		{"set-many, keys", func() error { return g.d2.SetMany(g.ctx, b2, make([]kv, 4)) }, "the batch has 4 keys; the limit is 3"},
		{"delete-many, keys", func() error { return g.d1.DeleteMany(g.ctx, b1, make([]string, 4)) }, "the batch has 4 keys; the limit is 3"},
		{"get-many, bytes", func() error { _, err := g.d2.GetMany(g.ctx, b2, []string{"a", "b"}); return err }, "the batch has 160 bytes; the limit is 150"},
		{"set-many, bytes", func() error {
			return g.d1.SetMany(g.ctx, b1, []kv{{F0: "a", F1: half}, {F0: "b", F1: half}})
		}, "the batch has 160 bytes; the limit is 150"},
		{"handles", func() error {
			for range 2 {
				if _, err := g.d1.Open(g.ctx, "default"); err != nil {
					return fmt.Errorf("too soon: %s", say(err))
				}
			}
			_, err := g.d2.CasNew(g.ctx, b2, "k")
			return err
		}, "the instance has 5 buckets and cas handles open; the limit is 4"},
	} {
		if err := c.err(); !strings.Contains(say(err), c.want) {
			t.Errorf("%s: %s; wanted %s", c.name, say(err), c.want)
		}
	}
	b1.Drop(g.ctx)
	if _, err := g.d1.Open(g.ctx, "default"); err != nil {
		t.Errorf("after a handle was dropped: %s", say(err))
	}
	if len(g.reports) > 0 {
		t.Errorf("the operator is told of what the guest did: %q", g.reports)
	}
}

// broken is a bucket whose operations fail.
type broken struct {
	keyvalue.Bucket
	err error
}

func (b broken) Get(context.Context, string) (v keyvalue.Value, _ error) { return v, b.err }

// The guest is not told what only the operator may know.
func TestFailuresOfAStore(t *testing.T) {
	secret := errors.New("dial tcp 10.1.2.3:6379: connection refused")
	for _, c := range []struct {
		err         error
		guest       string
		toldSecrets bool // to the operator
	}{
		{secret, "other the store failed", true},
		{fmt.Errorf("%w: %w", secret, context.DeadlineExceeded), "other the store did not answer in time", true},
		{fmt.Errorf("store: %w", &keyvalue.NumberError{Key: "k"}), `other key "k": its value is not a whole number in decimal notation`, false},
	} {
		g := newGuest(t, keyvalue.Config{Buckets: map[string]keyvalue.Bucket{"default": broken{err: c.err}}})
		b1, b2 := g.open1(), g.open2()
		for range 3 {
			_, err1 := b1.Get(g.ctx, "k")
			_, err2 := b2.Get(g.ctx, "k")
			if say(err1) != c.guest || say(err2) != c.guest {
				t.Errorf("the guest is told %q and %q, wanted %q", say(err1), say(err2), c.guest)
			}
		}
		if told := len(g.reports) == 1 && strings.Contains(g.reports[0], "10.1.2.3"); told != c.toldSecrets || len(g.reports) > 1 {
			t.Errorf("the operator is told %q", g.reports)
		}
	}
	// An operation that ends because the instance does is nobody's failure.
	g := newGuest(t, keyvalue.Config{})
	ctx, cancel := context.WithCancel(g.ctx)
	s := keyvalue.Config{Buckets: map[string]keyvalue.Bucket{"default": broken{err: context.Canceled}}}.
		NewState(ctx, nil, func(err error) { g.reports = append(g.reports, err.Error()) })
	b, _ := keyvalue.Draft2{State: s}.Open(ctx, "default")
	cancel()
	if _, err := b.Get(ctx, "k"); say(err) != "other the instance is ending" || len(g.reports) > 0 {
		t.Errorf("%s; the operator is told %q", say(err), g.reports)
	}
}

func TestParseNumber(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 10, math.MaxInt64, math.MinInt64} {
		if got, err := keyvalue.ParseNumber("k", keyvalue.FormatNumber(n)); got != n || err != nil {
			t.Errorf("%d becomes %d, %v", n, got, err)
		}
	}
}

// FuzzCursor: a cursor that a guest makes up is an error, or begins somewhere.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "0", "1", "5", "18446744073709551615", "18446744073709551616", "-1", "+1", "1e3", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g := newGuest(t, keyvalue.Config{Limits: keyvalue.Limits{Page: 2}})
		b := g.open2()
		for i := range 5 {
			if err := b.Set(g.ctx, strconv.Itoa(i), nil); err != nil {
				t.Fatal(err)
			}
		}
		r, err := b.ListKeys(g.ctx, abi.Some(s))
		if (err == nil) != (s == canonical(s)) {
			t.Fatalf("%q: %v, %s", s, r, say(err))
		}
		if len(r.Keys) > 2 {
			t.Fatalf("%q: a page of %d keys", s, len(r.Keys))
		}
	})
}

// canonical is s as a listing would have written it.
func canonical(s string) string {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return "none"
	}
	return strconv.FormatUint(n, 10)
}

// FuzzNumber: what Increment takes for a number is what it would have written.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "+1", "01", "9223372036854775807", "-9223372036854775808", "", " 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		n, err := keyvalue.ParseNumber("k", v)
		if (err == nil) != (string(keyvalue.FormatNumber(n)) == string(v)) {
			t.Fatalf("%q: %d, %v", v, n, err)
		}
	})
}
