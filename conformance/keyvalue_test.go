package conformance

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/config"
	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/bolt"
	"github.com/godwit-runtime/godwit/host/keyvalue/memory"
	"github.com/godwit-runtime/godwit/host/keyvalue/nats"
	"github.com/godwit-runtime/godwit/host/keyvalue/redis"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest/servers"
	"github.com/godwit-runtime/godwit/host/server"
)

const (
	counterGuest = "../examples/counter/counter.wasm"
	notesJS      = "../examples/notes-js/notes-js.wasm"
	storeGuest   = "../conformance/guests/store/store.wasm"

	notesJSTarget = "examples/notes-js/notes-js.wasm"
)

// backends are the key-value stores that guests may have without knowing it.
var backends = []struct {
	name string
	open func(t testing.TB) (keyvalue.Store, error)
}{
	{"memory", func(testing.TB) (keyvalue.Store, error) { return memory.New(memory.Config{}), nil }},
	{"bolt", func(t testing.TB) (keyvalue.Store, error) {
		return bolt.Open(bolt.Config{Path: filepath.Join(t.TempDir(), "data.db")})
	}},
	{"redis", func(t testing.TB) (keyvalue.Store, error) {
		return redis.Open(redis.Config{URL: "redis://" + servers.Redis(t, servers.RedisConfig{}) + "?timeout=60s"})
	}},
	{"nats", func(t testing.TB) (keyvalue.Store, error) {
		return nats.Open(nats.Config{URL: "nats://" + servers.NATS(t, servers.NATSConfig{}) + "?timeout=60s"})
	}},
}

// openBucket opens the bucket "default" of an empty store.
func openBucket(t testing.TB, open func(t testing.TB) (keyvalue.Store, error)) keyvalue.Bucket {
	t.Helper()
	store, err := open(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b, err := store.Bucket("conformance", "default")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withBucket is a server's configuration that grants one bucket.
func withBucket(b keyvalue.Bucket) server.Config {
	return server.Config{
		Timeout: 2 * time.Minute,
		Host:    host.Config{KeyValue: keyvalue.Config{Buckets: map[string]keyvalue.Bucket{"default": b, "theirs": nil}}},
	}
}

// stateful is a guest that keeps what it is told in a store. Those of one list
// give the same answers, whatever they are written in.
type stateful struct {
	name, file string
	make       string // what make builds it by, when it is not committed
	path       string // where its routes begin
}

var (
	counterGuests = []stateful{
		{name: "C", file: counterGuest},
		{name: "JavaScript", file: notesJS, make: notesJSTarget, path: "/counters"},
	}
	notesGuests = []stateful{
		{name: "Rust", file: "../examples/notes/notes.wasm"},
		{name: "JavaScript", file: notesJS, make: notesJSTarget},
	}
)

// onStateful serves each guest of a list with each store.
func onStateful(t *testing.T, list []stateful, f func(t *testing.T, g *stateful, s *served)) {
	for k := range list {
		g := &list[k]
		t.Run(g.name, func(t *testing.T) {
			skipUnlessBuilt(t, g.file, g.make)
			onBackends(t, g.file, func(t *testing.T, s *served) { f(t, g, s) })
		})
	}
}

// onBackends serves a guest with each store.
func onBackends(t *testing.T, path string, f func(t *testing.T, s *served)) {
	t.Helper()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			bucket := openBucket(t, b.open)
			f(t, serve(t, link(t, engine.Auto, path), 0, withBucket(bucket)))
		})
	}
}

// ask makes a request that must be answered.
func (s *served) ask(t testing.TB, method, path, body string) (status int, answer string) {
	t.Helper()
	status, _, answer = s.request(t, method, path, body, nil)
	return status, answer
}

// script is what the store guest does, line by line, and what it answers. The
// lines of one script share an instance; the store lasts.
type script struct {
	name, path string
	lines      [][2]string
}

var scripts = []script{
	{"stores", "/draft", [][2]string{
		{"get a", "error no bucket is open"},
		{"open other", "error no-such-store"},
		{"open theirs", "error access-denied"},
		{"open default", "ok"},
	}},
	{"values", "/draft", [][2]string{
		{"open default", "ok"},
		{"get a", "none"}, {"exists a", "false"}, {"delete a", "ok"},
		{"set a 1", "ok"}, {"get a", "1"}, {"exists a", "true"},
		{"set a -", "ok"}, {"get a", "-"}, {"exists a", "true"},
		{`set a \x00\xff\x0d\x0a`, "ok"}, {"get a", `\x00\xff\x0d\x0a`},
		{"set - empty-key", "ok"}, {"get -", "empty-key"},
		{`set a\x20b.>*\xc3\xa4 odd`, "ok"}, {`get a\x20b.>*\xc3\xa4`, "odd"},
		{"delete a", "ok"}, {"get a", "none"},
	}},
	{"the other draft has the same values", "/draft2", [][2]string{
		{"open other", "error no-such-store"},
		{"open theirs", "error access-denied"},
		{"open default", "ok"},
		{"get a", "none"}, {"get -", "empty-key"}, {`get a\x20b.>*\xc3\xa4`, "odd"},
		{"keys", `2 - a\x20b.>*\xc3\xa4`},
		{"set a 2", "ok"}, {"get a", "2"}, {"exists a", "true"},
		{`delete a\x20b.>*\xc3\xa4`, "ok"}, {"delete -", "ok"}, {"delete a", "ok"},
		{"keys", "0 "},
	}},
	{"increments without a sign", "/draft", [][2]string{
		{"open default", "ok"},
		{"increment n 0", "0"}, {"increment n 5", "5"}, {"get n", "5"}, {"increment n 37", "42"},
		{"set n text", "ok"}, {"increment n 1", `error key "n": its value is not a whole number in decimal notation`}, {"get n", "text"},
		{"increment m 9223372036854775807", "9223372036854775807"},
		{"increment m 1", `error key "m": the sum is not a number of 64 bits with a sign`},
		{"increment m 9223372036854775808", `error key "m": the sum is not a number of 64 bits with a sign`},
		{"get m", "9223372036854775807"},
		{"delete-many n m", "ok"},
	}},
	{"increments with a sign", "/draft2", [][2]string{
		{"open default", "ok"},
		{"increment n -5", "-5"}, {"increment n 7", "2"}, {"get n", "2"},
		{"increment n -9223372036854775807", "-9223372036854775805"},
		{"increment n -9223372036854775807", `error key "n": the sum is not a number of 64 bits with a sign`},
		{"get n", "-9223372036854775805"},
		{"delete n", "ok"},
	}},
	{"compare and swap", "/draft2", [][2]string{
		{"open default", "ok"},
		{"cas k", "ok"}, {"current", "none"}, {"swap 1", "ok"}, {"get k", "1"},
		{"cas k", "ok"}, {"set k 2", "ok"}, {"current", "1"}, {"swap 3", "error cas-failed"}, {"get k", "2"},
		{"current", "2"}, {"swap 3", "ok"}, {"get k", "3"},
		{"cas k", "ok"}, {"delete k", "ok"}, {"swap 4", "error cas-failed"}, {"current", "none"}, {"swap 4", "ok"}, {"get k", "4"},
		{"swap 5", "error no cas is open"},
		{"cas new", "ok"}, {"set new -", "ok"}, {"swap 1", "error cas-failed"}, {"current", "-"}, {"swap 1", "ok"},
		{"delete-many k new", "ok"},
	}},
	{"batches", "/draft", batch},
	{"batches of the other draft", "/draft2", batch},
	{"what is left", "/draft", [][2]string{{"open default", "ok"}, {"keys", "0 "}}},
}

var batch = [][2]string{
	{"open default", "ok"},
	{"set-many a 1 b - c 3 a 4", "ok"},
	{"get-many c x a b c", "c=3 none a=4 b=- c=3"},
	{"keys", "3 a b c"},
	{"delete-many a x a", "ok"},
	{"get-many a b", "none b=-"},
	{"delete-many b c", "ok"},
}

// run runs a script and compares the answers.
func (c script) run(t *testing.T, s *served) {
	t.Helper()
	var body strings.Builder
	for _, l := range c.lines {
		body.WriteString(l[0] + "\n")
	}
	_, answer := s.ask(t, "POST", c.path, body.String())
	got := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
	if len(got) != len(c.lines) {
		t.Fatalf("%d answers for %d lines: %q, %q", len(got), len(c.lines), answer, s.log.take())
	}
	for i, l := range c.lines {
		if got[i] != l[1] {
			t.Errorf("line %d, %s: %s; wanted %s", i+1, l[0], got[i], l[1])
		}
	}
}

func TestKeyValueGuestGetsTheSameAnswersFromEveryBackend(t *testing.T) {
	onBackends(t, storeGuest, func(t *testing.T, s *served) {
		for _, c := range scripts {
			t.Run(c.name, func(t *testing.T) { c.run(t, s) })
		}
	})
}

func TestKeyValueGuestOnTheInterpreter(t *testing.T) {
	s := serve(t, link(t, engine.Interpreter, storeGuest), 0, withBucket(openBucket(t, backends[0].open)))
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) { c.run(t, s) })
	}
}

// A listing of more than one page, by cursors of either draft.
func TestKeyValueGuestListsManyKeys(t *testing.T) {
	onBackends(t, storeGuest, func(t *testing.T, s *served) {
		const n = 1200
		body := "open default\n"
		for i := 0; i < n; i += 100 {
			body += "set-many"
			for k := i; k < i+100; k++ {
				body += fmt.Sprintf(" key%04d v", k)
			}
			body += "\n"
		}
		_, answer := s.ask(t, "POST", "/draft2", body)
		if strings.Count(answer, "ok\n") != n/100+1 {
			t.Fatal(answer)
		}
		for _, path := range []string{"/draft", "/draft2"} {
			_, answer := s.ask(t, "POST", path, "open default\nkeys\n")
			words := strings.Fields(answer)
			if len(words) != n+2 || words[1] != strconv.Itoa(n) || words[2] != "key0000" || words[n+1] != "key1199" {
				t.Errorf("%s: %.200s", path, answer)
			}
		}
	})
}

func TestCountersLoseNothing(t *testing.T) {
	onStateful(t, counterGuests, func(t *testing.T, g *stateful, s *served) {
		const clients, requests = 64, 4
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		var seen sync.Map
		for range clients {
			wg.Go(func() {
				for range requests {
					resp, err := client.Post(s.url+g.path+"/visits", "", nil)
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("%d %q, %v", resp.StatusCode, b, err)
						return
					}
					if _, twice := seen.LoadOrStore(string(b), true); twice {
						t.Errorf("two requests got %q", b)
					}
				}
			})
		}
		wg.Wait()
		if _, answer := s.ask(t, "POST", g.path+"/visits", ""); answer != strconv.Itoa(clients*requests+1)+"\n" {
			t.Errorf("after %d requests the counter says %q; %q", clients*requests, answer, s.log.take())
		}
		if _, answer := s.ask(t, "POST", g.path+"/other", ""); answer != "1\n" {
			t.Errorf("another counter begins with %q", answer)
		}
	})
}

// A store that is not granted is said to the client in the guest's words, and to
// the operator with the flag.
func TestStoreThatIsNotGranted(t *testing.T) {
	s := serve(t, link(t, engine.Auto, counterGuest), 0, server.Config{})
	if status, answer := s.ask(t, "GET", "/", ""); status != 503 || answer != "the store \"default\" is not granted\n" {
		t.Errorf("%d %q", status, answer)
	}
	if log := s.log.settled(1); len(log) != 1 || !strings.Contains(log[0], "--keyvalue default=bolt:./data.db") {
		t.Errorf("the operator is told %q", log)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSettingsOfAGuest(t *testing.T) {
	settings, err := config.New([]config.Setting{{Key: "title", Value: "Shopping"}, {Key: "empty"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := withBucket(openBucket(t, backends[0].open))
	cfg.Host.Settings = settings
	s := serve(t, link(t, engine.Auto, storeGuest), 0, cfg)
	script{"settings", "/config", [][2]string{
		{"get title", "Shopping"}, {"get empty", "-"}, {"get none", "none"}, {"get -", "none"},
		{"get-all", "empty=- title=Shopping"},
	}}.run(t, s)
	s = serve(t, link(t, engine.Auto, storeGuest), 0, server.Config{})
	script{"no settings", "/config", [][2]string{{"get title", "none"}, {"get-all", ""}}}.run(t, s)
}
