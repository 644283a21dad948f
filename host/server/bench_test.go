package server

import (
	goio "io"
	"log/slog"
	gohttp "net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
)

// BenchmarkHello is what a request costs without the guest: state, goroutine,
// stream, response.
func BenchmarkHello(b *testing.B) {
	h := New(goGuest(hello), Config{Log: slog.New(slog.DiscardHandler)})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.Body.Len() != 5 {
				b.Error(w.Body)
				return
			}
		}
	})
}

// discard is a ResponseWriter that costs nothing.
type discard struct {
	header gohttp.Header
	status int
}

func (w *discard) Header() gohttp.Header            { return w.header }
func (w *discard) Write(b []byte) (int, error)      { return len(b), nil }
func (w *discard) WriteHeader(status int)           { w.status = status }
func (w *discard) Flush()                           {}
func (w *discard) EnableFullDuplex() error          { return nil }
func (w *discard) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkComponent is a request to a real guest in a pristine instance. It
// also reports the least time of ten requests in a row, on which what else runs
// on the machine has little influence.
func BenchmarkComponent(b *testing.B) {
	h := New(component(b, engine.Auto, "../../examples/hello/hello.wasm", 64<<20), Config{Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest("GET", "/", nil)
	w := &discard{header: gohttp.Header{}}
	least := time.Hour
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for range 10 {
			clear(w.header)
			h.ServeHTTP(w, r)
		}
		least = min(least, time.Since(start))
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64(least.Nanoseconds())/10, "least-ns/request")
}

// BenchmarkBesideLoops is how long requests of four clients take through a socket,
// alone and beside guests that do nothing but loop, as many as there are
// processors.
func BenchmarkBesideLoops(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	hello := component(b, engine.Auto, "../../examples/hello/hello.wasm", 64<<20)
	loop := component(b, engine.Auto, "../../conformance/guests/torture/torture.wasm", 64<<20)
	s := httptest.NewServer(New(hello, Config{Log: quiet}))
	defer s.Close()
	looping := New(loop, Config{Log: quiet, Timeout: 2 * time.Second})
	for b.Loop() {
		alone := times(b, s.URL, time.Second)
		for range runtime.GOMAXPROCS(0) {
			go looping.ServeHTTP(&discard{header: gohttp.Header{}}, httptest.NewRequest("POST", "/loop", nil))
		}
		time.Sleep(50 * time.Millisecond)
		beside := times(b, s.URL, time.Second)
		_ = looping.Wait(b.Context())
		for name, t := range map[string][]float64{"alone": alone, "beside": beside} {
			b.ReportMetric(t[len(t)/2], name+"-median-ms")
			b.ReportMetric(t[len(t)*99/100], name+"-p99-ms")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// times are those of requests made for a while, in milliseconds, sorted.
func times(b *testing.B, url string, d time.Duration) []float64 {
	var mu sync.Mutex
	var all []float64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
				start := time.Now()
				resp, err := gohttp.Get(url)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = goio.Copy(goio.Discard, resp.Body)
				_ = resp.Body.Close()
				mu.Lock()
				all = append(all, float64(time.Since(start))/1e6)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	slices.Sort(all)
	return all
}

// BenchmarkEcho is the throughput of a body through a guest and back, on a socket.
func BenchmarkEcho(b *testing.B) {
	s := httptest.NewServer(New(goGuest(echo), Config{Log: slog.New(slog.DiscardHandler)}))
	defer s.Close()
	const size = 64 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := gohttp.Post(s.URL, "application/octet-stream", goio.LimitReader(zeroReader{}, size))
		if err != nil {
			b.Fatal(err)
		}
		if n, err := goio.Copy(goio.Discard, resp.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
		_ = resp.Body.Close()
	}
}
