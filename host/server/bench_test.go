package server

import (
	goio "io"
	"log/slog"
	gohttp "net/http"
	"net/http/httptest"
	"testing"

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

// BenchmarkComponent is a request to a real guest in a pristine instance.
func BenchmarkComponent(b *testing.B) {
	g := component(b, engine.Auto, "../../examples/hello/hello.wasm", 64<<20)
	h := New(g, Config{Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w)
		}
	}
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
