package http

import (
	gohttp "net/http"
	"net/http/httptest"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// BenchmarkAnswer is what the types of wasi:http cost one request: a guest that
// answers with a field and a body, and the host that takes both.
func BenchmarkAnswer(b *testing.B) {
	value, contents := []byte("text/plain"), []byte("hello")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = gohttp.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}}
	b.ReportAllocs()
	for b.Loop() {
		s := NewState(bg, Config{Budget: io.NewBudget(1 << 20)})
		q := s.NewIncomingRequest(r, nil, nil)
		p := s.Outparam()
		f, _ := s.NewFields(bg)
		_ = f.Append(bg, "content-type", value)
		resp, _ := s.NewOutgoingResponse(bg, f)
		body, _ := resp.Body(bg)
		_ = s.ResponseOutparamSet(bg, p, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: resp})
		w, _ := body.Write(bg)
		_ = w.BlockingWriteAndFlush(bg, contents)
		w.Drop(bg)
		if err := s.OutgoingBodyFinish(bg, body, abi.None[wasihttp.Trailers]()); err != nil {
			b.Fatal(err)
		}
		h := gohttp.Header{}
		got, _, _ := p.Response()
		got.CopyHeader(h)
		pipe := got.BodyPipe()
		part, _ := pipe.Next()
		pipe.Advance(len(part))
		q.Drop(bg)
		s.StopBody()
		s.Close()
	}
}

// BenchmarkFields is what it costs a guest to see the fields of a request.
func BenchmarkFields(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = gohttp.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}, "Accept-Encoding": {"gzip"}, "Cookie": {"a=b"}, "X-Request-Id": {"1"}}
	b.ReportAllocs()
	for b.Loop() {
		s := NewState(bg, Config{Budget: io.NewBudget(1 << 20)})
		q := s.NewIncomingRequest(r, nil, nil)
		f, _ := q.Headers(bg)
		if e, _ := f.Entries(bg); len(e) != 5 {
			b.Fatal(e)
		}
		f.Drop(bg)
		q.Drop(bg)
		s.Close()
	}
}
