package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/conformance/calls"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/host/server"
)

// benchmarked are the guests whose requests are measured, with a request that
// leaves little to do but the way there and back.
var benchmarked = []struct{ name, file, method, target, body string }{
	{"hello", "../examples/hello/hello.wasm", "GET", "/", ""},
	{"echo", "../examples/echo/echo.wasm", "POST", "/", "to and fro"},
	{"events", "../examples/events/events.wasm", "GET", "/?n=1", ""},
	{"api", "../examples/api/api.wasm", "GET", "/greetings/Ada", ""},
	{"fanout", "../examples/fanout/fanout.wasm", "GET", "/", ""},
	{"torture", torture, "GET", "/", ""},
	{"legacy", "guests/legacy/legacy.wasm", "GET", "/", ""},
	{"go", "../examples/go/go.wasm", "GET", "/", ""},
	{"javascript", "../examples/javascript/javascript.wasm", "GET", "/", ""},
}

// answer is a ResponseWriter that counts what it is given.
type answer struct {
	header http.Header
	status int
	bytes  int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { a.bytes += len(b); return len(b), nil }
func (a *answer) Flush()                      {}

// ask lets h answer a request in this process.
func ask(b testing.TB, h http.Handler, method, target, body string) {
	req, err := http.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	a := &answer{header: http.Header{}}
	h.ServeHTTP(a, req)
	if a.status != 200 {
		b.Fatalf("status %d", a.status)
	}
}

// perCall is how long f takes, for a ratio.
func perCall(f func()) time.Duration {
	for n := 100; ; n *= 4 {
		start := time.Now()
		for range n {
			f()
		}
		if d := time.Since(start); d > 50*time.Millisecond {
			return d / time.Duration(n)
		}
	}
}

// BenchmarkRequest is a request on a fresh instance, without a socket. "x-bare"
// is how many times longer it takes than a net/http handler in Go that answers
// the same way.
func BenchmarkRequest(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(append(body, "Hello!\n"...))
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ask(b, bare, "GET", "/", "")
		}
	})
	for _, g := range benchmarked {
		for _, k := range engines {
			b.Run(g.name+"/"+k.String(), func(b *testing.B) {
				if _, err := os.Stat(g.file); err != nil {
					b.Skip("not built: see conformance/guests/guests.mk")
				}
				guest, err := server.NewComponent(link(b, k, g.file), engine.InstanceConfig{})
				if err != nil {
					b.Fatal(err)
				}
				h := server.New(guest, server.Config{Log: slog.New(slog.DiscardHandler)})
				baseline := perCall(func() { ask(b, bare, g.method, g.target, g.body) })
				b.ReportAllocs()
				for b.Loop() {
					ask(b, h, g.method, g.target, g.body)
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(baseline), "x-bare")
				if err := h.Wait(context.Background()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// echoHost is the host's side of the world calls.
type echoHost struct{}

func (echoHost) Nothing(context.Context) error { return nil }
func (echoHost) Scalars(_ context.Context, a uint32, b int64, c float64, d bool) (float64, error) {
	sum := float64(a) + float64(b) + c
	if d {
		sum++
	}
	return sum, nil
}
func (echoHost) Text(_ context.Context, s string) (string, error)                  { return s, nil }
func (echoHost) Bytes(_ context.Context, b []byte) ([]byte, error)                 { return b, nil }
func (echoHost) Numbers(_ context.Context, n []uint32) ([]uint32, error)           { return n, nil }
func (echoHost) Records(_ context.Context, r []calls.Entry) ([]calls.Entry, error) { return r, nil }

// linkCalls links the guest that gives back what it is given.
func linkCalls(t testing.TB, k engine.Kind) *engine.Linked {
	t.Helper()
	ctx := context.Background()
	wasm, err := os.ReadFile("guests/calls/calls.wasm")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(ctx, engine.Config{Kind: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(ctx) })
	c, err := e.Compile(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	l := e.NewLinker()
	if err := calls.LinkValues(l, func(*abi.Context) calls.ValuesHost { return echoHost{} }); err != nil {
		t.Fatal(err)
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return linked
}

// payload is what the functions of the world calls are given.
type payload struct {
	text    string
	bytes   []byte
	numbers []uint32
	records []calls.Entry
}

func newPayload() *payload {
	p := &payload{text: strings.Repeat("canonical ", 10), bytes: bytes.Repeat([]byte{1, 2, 3, 4}, 1<<12)}
	for i := range 100 {
		p.numbers = append(p.numbers, uint32(i))
	}
	for i := range 10 {
		p.records = append(p.records, calls.Entry{ID: uint64(i), Score: float64(i) / 3, Name: fmt.Sprint("entry ", i), Ok: i%2 == 0})
	}
	return p
}

// way is a kind of call that is measured.
type way struct {
	name  string
	calls int // of the boundary, for each call of f
	bytes int // that cross it, there and back
	f     func() error
}

// ways are the calls of one instance; the first error is that of a call that
// did not give back what it was given.
func ways(t testing.TB, k engine.Kind) []way {
	t.Helper()
	ctx := context.Background()
	linked := linkCalls(t, k)
	inst, err := linked.Instantiate(ctx, engine.InstanceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inst.Close(ctx) })
	values, err := calls.FindValues(linked)
	if err != nil {
		t.Fatal(err)
	}
	outward, err := calls.FindOutward(linked)
	if err != nil {
		t.Fatal(err)
	}
	p := newPayload()
	const times = 1000 // that the guest calls the host
	static := []way{
		{"in/nothing", 1, 0, func() error { return values.Nothing(ctx, inst) }},
		{"in/scalars", 1, 0, func() error {
			got, err := values.Scalars(ctx, inst, 1, -1, 0.5, true)
			return same(err, got, 1.5)
		}},
		{"in/string", 1, 2 * len(p.text), func() error {
			got, err := values.Text(ctx, inst, p.text)
			return same(err, got, p.text)
		}},
		{"in/bytes", 1, 2 * len(p.bytes), func() error {
			got, err := values.Bytes(ctx, inst, p.bytes)
			return same(err, len(got), len(p.bytes))
		}},
		{"in/numbers", 1, 8 * len(p.numbers), func() error {
			got, err := values.Numbers(ctx, inst, p.numbers)
			return same(err, len(got), len(p.numbers))
		}},
		{"in/records", 1, 0, func() error {
			got, err := values.Records(ctx, inst, p.records)
			return same(err, len(got), len(p.records))
		}},
		{"out/nothing", times, 0, func() error { return outward.Nothing(ctx, inst, times) }},
		{"out/scalars", times, 0, func() error { return outward.Scalars(ctx, inst, times) }},
		{"out/string", times, 2 * len(p.text) * times, func() error { return outward.Text(ctx, inst, times, p.text) }},
		{"out/bytes", times, 2 * len(p.bytes) * times, func() error { return outward.Bytes(ctx, inst, times, p.bytes) }},
	}
	return append(static, dynamicWays(t, linked, inst, p)...)
}

func same[T comparable](err error, got, want T) error {
	if err == nil && got != want {
		err = fmt.Errorf("got %v, wanted %v", got, want)
	}
	return err
}

// dynamicWays are the calls on dynamic values.
func dynamicWays(t testing.TB, linked *engine.Linked, inst *engine.Instance, p *payload) []way {
	t.Helper()
	x, err := linked.Interface("godwit:calls/values")
	if err != nil {
		t.Fatal(err)
	}
	var numbers, records abi.List
	for _, n := range p.numbers {
		numbers = append(numbers, n)
	}
	for _, r := range p.records {
		records = append(records, abi.Record{r.ID, r.Score, r.Name, r.Ok})
	}
	var all []way
	for _, d := range []struct {
		name, function string
		args           []abi.Value
		want           abi.Value
		bytes          int
	}{
		{"scalars", "scalars", []abi.Value{uint32(1), int64(-1), 0.5, true}, 1.5, 0},
		{"string", "text", []abi.Value{p.text}, p.text, 2 * len(p.text)},
		{"numbers", "numbers", []abi.Value{numbers}, numbers, 8 * len(p.numbers)},
		{"records", "records", []abi.Value{records}, records, 0},
	} {
		f, err := x.Func(d.function, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Call(context.Background(), inst, d.args...); err != nil || !reflect.DeepEqual(got, d.want) {
			t.Fatalf("%s: %v, %v", d.name, got, err)
		}
		all = append(all, way{"dynamic/" + d.name, 1, d.bytes, func() error {
			_, err := f.Call(context.Background(), inst, d.args...)
			return err
		}})
	}
	return all
}

// BenchmarkCall is what it costs to cross the boundary: "in" calls a guest
// through generated bindings, "dynamic" on dynamic values, "out" is a guest that
// calls the host, 1000 times for each operation.
func BenchmarkCall(b *testing.B) {
	for _, k := range engines {
		for _, w := range ways(b, k) {
			b.Run(w.name+"/"+k.String(), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(w.bytes))
				for b.Loop() {
					if err := w.f(); err != nil {
						b.Fatal(err)
					}
				}
				if w.calls > 1 {
					b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(w.calls), "ns/call")
				}
			})
		}
	}
}

// What the benchmarks measure gives the right answers.
func TestCallsGiveBackWhatTheyAreGiven(t *testing.T) {
	for _, k := range engines {
		for _, w := range ways(t, k) {
			if err := w.f(); err != nil {
				t.Errorf("%s on the %s: %v", w.name, k, err)
			}
		}
	}
}

// BenchmarkDecode is decoding and validation, BenchmarkCompile all that is done
// once for a file.
func BenchmarkDecode(b *testing.B) {
	for _, g := range benchmarked {
		b.Run(g.name, func(b *testing.B) {
			wasm := read(b, g.file)
			b.SetBytes(int64(len(wasm)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := component.Decode(wasm); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, g := range benchmarked {
		for _, k := range engines {
			b.Run(g.name+"/"+k.String(), func(b *testing.B) {
				wasm := read(b, g.file)
				ctx := context.Background()
				b.SetBytes(int64(len(wasm)))
				for b.Loop() {
					e, err := engine.New(ctx, engine.Config{Kind: k})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := e.Compile(ctx, wasm); err != nil {
						b.Fatal(err)
					}
					_ = e.Close(ctx)
				}
			})
		}
	}
}

// read reads a component that may have to be built.
func read(b *testing.B, file string) []byte {
	wasm, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		b.Skip("not built: see conformance/guests/guests.mk")
	}
	return wasm
}
