package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/redis"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest/servers"
)

const timeout = 500 * time.Millisecond

func open(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	addr := servers.Redis(t, servers.RedisConfig{Args: []string{"--notify-keyspace-events", "K$g"}})
	storetest.Run(t, storetest.Backend{
		Open: func(t *testing.T) keyvalue.Store { return open(t, "redis://"+addr+"/3?timeout=60s") },
		Break: func(t *testing.T) (keyvalue.Store, func(), func()) {
			p := servers.NewProxy(t, addr)
			return open(t, "redis://"+p.Addr+"/3?timeout="+timeout.String()), p.Fail, p.Mend
		},
		Timeout: timeout,
	})
}

func TestCluster(t *testing.T) {
	addr := servers.RedisCluster(t)
	storetest.Run(t, storetest.Backend{
		Open: func(t *testing.T) keyvalue.Store { return open(t, "redis://"+addr+"?cluster=true&timeout=60s") },
	})
}

// A cursor of a listing does not lead into a cluster with other nodes.
func TestCursorOfAnotherCluster(t *testing.T) {
	one, two := open(t, "redis://"+servers.RedisCluster(t)+"?cluster=true"), open(t, "redis://"+servers.RedisCluster(t)+"?cluster=true")
	cursors := [2]uint64{}
	buckets := [2]keyvalue.Bucket{}
	for i, s := range []*redis.Store{one, two} {
		b, err := s.Bucket("app", "default")
		if err != nil {
			t.Fatal(err)
		}
		for k := range 100 {
			if err := b.Set(t.Context(), strconv.Itoa(k), nil); err != nil {
				t.Fatal(err)
			}
		}
		p, err := b.Keys(t.Context(), 0, 5)
		if err != nil || p.Cursor == 0 {
			t.Fatal(p, err)
		}
		buckets[i], cursors[i] = b, p.Cursor
	}
	for i := range buckets {
		if p, err := buckets[i].Keys(t.Context(), cursors[1-i], 5); err != keyvalue.ErrCursor {
			t.Errorf("%v, %v", p, err)
		}
	}
}

// certificate is one for 127.0.0.1, signed by itself, as files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return servers.WriteFile(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		servers.WriteFile(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	addr := servers.Redis(t, servers.RedisConfig{Cert: cert, Key: key, CA: cert, Args: []string{"--requirepass", "secret"}})
	other, _ := certificate(t)
	for _, c := range []struct{ name, url, want string }{
		{"the right certificate", "rediss://:secret@" + addr + "?ca=" + cert, ""},
		{"another certificate", "rediss://:secret@" + addr + "?ca=" + other, "certificate"},
		{"the system's certificates", "rediss://:secret@" + addr, "certificate"},
		{"no TLS", "redis://:secret@" + addr + "?timeout=300ms", "EOF"},
		{"a wrong password", "rediss://:wrong@" + addr + "?ca=" + cert, "WRONGPASS"},
		{"no password", "rediss://" + addr + "?ca=" + cert, "NOAUTH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := open(t, c.url).Bucket("app", "default")
			if err != nil {
				t.Fatal(err)
			}
			err = b.Set(t.Context(), "k", nil)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, wanted %q", err, c.want)
			}
		})
	}
}

func TestURLs(t *testing.T) {
	empty := servers.WriteFile(t, "empty.pem", nil)
	for _, c := range []struct{ url, want string }{
		{"redis://localhost", ""},
		{"redis://user:secret@localhost:6379/2?timeout=1s&pool_size=5", ""},
		{"redis://localhost?cluster=true&addr=other:6379", ""},
		{"rediss://localhost?cluster=true", ""},
		{"", "redis://HOST"},
		{"localhost:6379", "redis://HOST"},
		{"http://localhost", "redis://HOST"},
		{"redis://", "redis://HOST"},
		{"redis://:secret@local host", "invalid"},
		{"redis://:secret@localhost:port", "invalid"},
		{"redis://:secret@localhost/db", "database"},
		{"redis://:secret@localhost?colour=red", "colour"},
		{"redis://:secret@localhost?timeout=soon", "timeout=soon is not a duration"},
		{"redis://:secret@localhost?timeout=-1s", "not a duration"},
		{"redis://:secret@localhost?cluster=maybe", "neither true nor false"},
		{"redis://:secret@localhost/1?cluster=true", "database 0"},
		{"redis://:secret@localhost?ca=" + empty, "rediss://"},
		{"rediss://:secret@localhost?ca=" + empty, "no certificates"},
		{"rediss://:secret@localhost?ca=/none/ca.pem", "no such file"},
	} {
		s, err := redis.Open(redis.Config{URL: c.url})
		if err == nil {
			_ = s.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, wanted %q", c.url, err, c.want)
		}
	}
}

// A watch on a server that does not tell of changes is an error that says what to do.
func TestWatchNeedsNotifications(t *testing.T) {
	b, err := open(t, "redis://"+servers.Redis(t, servers.RedisConfig{})).Bucket("app", "default")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = b.(keyvalue.Watcher).Watch(ctx, func() { t.Error("it watches") }, func(keyvalue.Event) {})
	if err == nil || !strings.Contains(err.Error(), "notify-keyspace-events") {
		t.Error(err)
	}
}

// Listings do not show what other programs keep on the server, and end.
func TestServerWithOtherData(t *testing.T) {
	s := open(t, "redis://"+servers.Redis(t, servers.RedisConfig{}))
	other, err := s.Bucket("other", "default")
	if err != nil {
		t.Fatal(err)
	}
	pairs := make([]keyvalue.Pair, 10_000)
	for i := range pairs {
		pairs[i].Key = strconv.Itoa(i)
	}
	if err := other.SetMany(t.Context(), pairs); err != nil {
		t.Fatal(err)
	}
	b, err := s.Bucket("app", "default")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := b.Set(t.Context(), "mine"+strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]bool{}
	pages := 0
	for cursor := uint64(0); pages == 0 || cursor != 0; pages++ {
		p, err := b.Keys(t.Context(), cursor, 10)
		if err != nil || pages > 1000 {
			t.Fatal(pages, err)
		}
		for _, k := range p.Keys {
			found[k] = true
		}
		cursor = p.Cursor
	}
	if len(found) != 20 {
		t.Errorf("%d keys are listed, wanted 20: %v", len(found), found)
	}
}

// A value that would take more memory than a batch may have is not even read.
func TestBatchOfHugeValues(t *testing.T) {
	b, err := open(t, "redis://"+servers.Redis(t, servers.RedisConfig{})).Bucket("app", "default")
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
		if err := b.Set(t.Context(), keys[i], make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.GetMany(t.Context(), keys, 8<<20); err == nil || !strings.Contains(err.Error(), "the batch has 20971520 bytes") {
		t.Error(err)
	}
	v, err := b.GetMany(t.Context(), keys, 20<<20)
	if err != nil || len(v[19].Data) != 1<<20 {
		t.Error(err)
	}
}
