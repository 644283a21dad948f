package nats_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/nats"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest/servers"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const timeout = 500 * time.Millisecond

func open(t testing.TB, url string) *nats.Store {
	t.Helper()
	s, err := nats.Open(nats.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func bucket(t testing.TB, url string) keyvalue.Bucket {
	t.Helper()
	b, err := open(t, url).Bucket("app", "default")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStore(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{})
	storetest.Run(t, storetest.Backend{
		Open: func(t *testing.T) keyvalue.Store { return open(t, "nats://"+addr+"/test?timeout=60s") },
		Break: func(t *testing.T) (keyvalue.Store, func(), func()) {
			p := servers.NewProxy(t, addr)
			return open(t, "nats://"+p.Addr+"/test?timeout="+timeout.String()), p.Fail, p.Mend
		},
		Timeout: timeout,
	})
}

// A stream with replicas: what was written is read, though they may be behind.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers are too much for a short test")
	}
	addr := servers.NATSCluster(t)
	storetest.Run(t, storetest.Backend{
		Open:   func(t *testing.T) keyvalue.Store { return open(t, "nats://"+addr+"?replicas=3&timeout=60s") },
		Weight: 10,
	})
}

func TestURLs(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{User: "me", Password: "secret"})
	for _, c := range []struct{ url, want string }{
		{"nats://me:secret@" + addr + "/bucket?timeout=10s&replicas=1&max-size=10000000", ""},
		{"nats://me:secret@" + addr, ""},
		{"", "nats://HOST"},
		{"nats://", "nats://HOST"},
		{"http://me:secret@host", "nats://HOST"},
		{"nats://me:secret@local host", "invalid"},
		{"nats://me:secret@host:port", "invalid"},
		{"nats://me:secret@host/a.b", "letters, digits"},
		{"nats://me:secret@host/a/b", "letters, digits"},
		{"nats://me:secret@host?colour=red", "colour is not an option"},
		{"nats://me:secret@host?timeout=0", "not a duration"},
		{"nats://me:secret@host?replicas=9", "from 1 to 5"},
		{"nats://me:secret@host?max-size=1M", "not a number of bytes"},
		{"nats://me:secret@host?creds=/none/x.creds", "no such file"},
		{"nats://me:secret@host?ca=/none/ca.pem", "no such file"},
	} {
		s, err := nats.Open(nats.Config{URL: c.url})
		if err == nil {
			b, _ := s.Bucket("app", "default")
			err = b.Set(t.Context(), "k", nil)
			_ = s.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, wanted %q", c.url, err, c.want)
		}
	}
}

// A server that is not there, or does not let us in, is an error of operations,
// and in time.
func TestServersThatDoNotServe(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{User: "me", Password: "secret"})
	for _, c := range []struct{ name, url, want string }{
		{"a wrong password", "nats://me:wrong@" + addr + "?timeout=1s", "uthorization"},
		{"no password", "nats://" + addr + "?timeout=1s", "uthorization"},
		{"nobody", "nats://127.0.0.1:1?timeout=1s", "no connection"},
		{"no TLS there", "nats+tls://me:secret@" + addr + "?timeout=1s", "no connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bucket(t, c.url)
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				start := time.Now()
				_, err := b.Get(t.Context(), "k")
				if took := time.Since(start); took > 8*time.Second {
					t.Errorf("it took %v", took)
				}
				if err == nil || strings.Contains(err.Error(), "secret") {
					t.Fatal(err)
				}
				if strings.Contains(err.Error(), c.want) {
					return
				}
				if time.Now().After(end) { // the reason is known once it was tried
					t.Fatalf("%v, wanted %q", err, c.want)
				}
			}
		})
	}
}

func TestValuesThatAreTooLargeForTheServer(t *testing.T) {
	b := bucket(t, "nats://"+servers.NATS(t, servers.NATSConfig{MaxPayload: 10_000}))
	ctx := t.Context()
	if err := b.Set(ctx, "k", make([]byte, 9_000)); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		b.Set(ctx, "k", make([]byte, 11_000)),
		b.SetMany(ctx, []keyvalue.Pair{{Key: "k", Value: make([]byte, 11_000)}}),
	} {
		var limit *keyvalue.LimitError
		if !errors.As(err, &limit) || limit.Limit != 10_000 || !strings.Contains(err.Error(), "max_payload") {
			t.Error(err)
		}
	}
	if v, err := b.Get(ctx, "k"); err != nil || len(v.Data) != 9_000 {
		t.Errorf("%d bytes, %v", len(v.Data), err)
	}
}

func TestBucketThatIsFull(t *testing.T) {
	b := bucket(t, "nats://"+servers.NATS(t, servers.NATSConfig{})+"?max-size=1000000")
	ctx := t.Context()
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		err = b.Set(ctx, strings.Repeat("k", n+1), make([]byte, 50_000))
	}
	var limit *keyvalue.LimitError
	if !errors.As(err, &limit) || n < 10 {
		t.Fatalf("after %d values: %v", n, err)
	}
	if err := b.Delete(ctx, "k"); err != nil {
		t.Errorf("a full bucket refuses to delete: %v", err)
	}
	if err := b.Set(ctx, "k", make([]byte, 40_000)); err != nil {
		t.Errorf("after something was deleted: %v", err)
	}
}

// The stream of another kind is not taken for a bucket.
func TestStreamOfAnotherKind(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{})
	conn, err := client.Connect("nats://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KV_theirs", Subjects: []string{"orders.>"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket(t, "nats://"+addr+"/theirs").Set(t.Context(), "k", nil); err == nil || !strings.Contains(err.Error(), "not a key-value bucket") {
		t.Error(err)
	}
}

// A bucket that is deleted under the store is made again.
func TestBucketThatIsDeleted(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{})
	b := bucket(t, "nats://"+addr+"/gone?timeout=1s")
	ctx := t.Context()
	if err := b.Set(ctx, "k", nil); err != nil {
		t.Fatal(err)
	}
	conn, err := client.Connect("nats://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		err = js.DeleteKeyValue(ctx, "gone")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Set(ctx, "k", nil); err == nil {
		t.Error("a write into nothing is acknowledged")
	}
	if err := b.Set(ctx, "k", nil); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

// Deleted keys leave a marker for a while; keys that were never there, none.
func TestMarkers(t *testing.T) {
	addr := servers.NATS(t, servers.NATSConfig{})
	b := bucket(t, "nats://"+addr+"/marks")
	ctx := t.Context()
	for range 3 {
		if err := b.Delete(ctx, "never"); err != nil {
			t.Fatal(err)
		}
		if err := b.Set(ctx, "k", nil); err != nil {
			t.Fatal(err)
		}
		if err := b.DeleteMany(ctx, []string{"k", "k", "never"}); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := client.Connect("nats://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(ctx, "KV_marks")
	if err != nil {
		t.Fatal(err)
	}
	if c := st.CachedInfo(); c.State.Msgs != 1 || !c.Config.AllowMsgTTL {
		t.Errorf("the stream has %d messages, wanted the marker of k; TTL: %v", c.State.Msgs, c.Config.AllowMsgTTL)
	}
	m, err := st.GetLastMsgForSubject(ctx, "$KV.marks.app.default.k")
	if err != nil || m.Header.Get("Nats-TTL") != "1h0m0s" {
		t.Errorf("%v, %v", m, err)
	}
}
