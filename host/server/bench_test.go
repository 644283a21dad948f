package server

import (
	goio "io"
	"log/slog"
	gohttp "net/http"
	"net/http/httptest"
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
