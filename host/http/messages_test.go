package http

import (
	"errors"
	gohttp "net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

func TestGettersGiveWhatWasSet(t *testing.T) {
	s := NewState(bg, Config{})
	f, _ := s.FieldsFromList(bg, []entry{{F0: "a", F1: []byte("1")}})
	q, _ := s.NewOutgoingRequest(bg, f)
	if m, _ := q.Method(bg); m.Tag != wasihttp.MethodGet {
		t.Error(m)
	}
	for _, o := range []func() (abi.Option[string], error){
		func() (abi.Option[string], error) { return q.PathWithQuery(bg) },
		func() (abi.Option[string], error) { return q.Authority(bg) },
	} {
		if v, _ := o(); v.Some {
			t.Error("set without being set", v)
		}
	}
	_ = q.SetMethod(bg, wasihttp.Method{Tag: wasihttp.MethodOther, Other: "PURGE"})
	_ = q.SetPathWithQuery(bg, abi.Some("/p"))
	_ = q.SetAuthority(bg, abi.Some("h:1"))
	_ = q.SetScheme(bg, abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeHTTPS}))
	m, _ := q.Method(bg)
	p, _ := q.PathWithQuery(bg)
	a, _ := q.Authority(bg)
	sc, _ := q.Scheme(bg)
	h, _ := q.Headers(bg)
	if m.Other != "PURGE" || p.Value != "/p" || a.Value != "h:1" || sc.Value.Tag != wasihttp.SchemeHTTPS || list(h) != "a=1;" {
		t.Error(m, p, a, sc, list(h))
	}
	if err := h.Append(bg, "b", nil); errName(err) != "immutable" {
		t.Error(err)
	}

	o, _ := s.NewRequestOptions(bg)
	for name, d := range map[string]struct {
		set func(abi.Option[uint64]) error
		get func() (abi.Option[uint64], error)
	}{
		"connect":       {func(d abi.Option[uint64]) error { return o.SetConnectTimeout(bg, d) }, func() (abi.Option[uint64], error) { return o.ConnectTimeout(bg) }},
		"first byte":    {func(d abi.Option[uint64]) error { return o.SetFirstByteTimeout(bg, d) }, func() (abi.Option[uint64], error) { return o.FirstByteTimeout(bg) }},
		"between bytes": {func(d abi.Option[uint64]) error { return o.SetBetweenBytesTimeout(bg, d) }, func() (abi.Option[uint64], error) { return o.BetweenBytesTimeout(bg) }},
	} {
		if v, _ := d.get(); v.Some {
			t.Errorf("%s: set without being set", name)
		}
		if err := d.set(abi.Some[uint64](uint64(len(name)))); err != nil {
			t.Error(err)
		}
		if v, _ := d.get(); v.Value != uint64(len(name)) {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestHeadersOfAMessageCanMakeAnother(t *testing.T) {
	s := NewState(bg, Config{})
	in, err := s.NewIncomingRequest(httptest.NewRequest("GET", "/", nil), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = in.headers.add(field{name: "x", value: []byte("1")})
	view, _ := in.Headers(bg)
	r, err := s.NewOutgoingResponse(bg, view) // a proxy passes them on
	if err != nil {
		t.Fatal(err)
	}
	in.Drop(bg)
	h := gohttp.Header{}
	if ok := r.(*OutgoingResponse).CopyHeader(h); !ok || h.Get("X") != "1" {
		t.Fatal(h, ok)
	}
}

func TestTrailersNeverSayWhereAMessageEnds(t *testing.T) {
	s := NewState(bg, Config{})
	f, _ := s.FieldsFromList(bg, []entry{{F0: "content-length", F1: []byte("1")}, {F0: "trailer", F1: []byte("x")}, {F0: "x-sum", F1: []byte("2")}})
	h := gohttp.Header{}
	f.(*Fields).copyTrailerTo(h, "T:")
	if len(h) != 1 || h["T:X-Sum"][0] != "2" {
		t.Fatal(h)
	}
}

func TestOutparamIsSettledOnce(t *testing.T) {
	s := NewState(bg, Config{})
	p := NewOutparam()
	f, _ := s.NewFields(bg)
	r, _ := s.NewOutgoingResponse(bg, f)
	_ = r.SetStatusCode(bg, 404)
	if err := s.ResponseOutparamSet(bg, p, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: r}); err != nil {
		t.Fatal(err)
	}
	p.Drop(bg)
	<-p.Done()
	if got, err := p.Response(); err != nil || got.Status() != 404 || got.BodyPipe() != nil {
		t.Fatal(got, err)
	}
	p = NewOutparam()
	p.Drop(bg)
	var unset NotSetError
	if _, err := p.Response(); !errors.As(err, &unset) {
		t.Fatal(err)
	}
}

func TestOperatorIsToldOfEachTargetOnce(t *testing.T) {
	told := 0
	s := NewState(bg, Config{Denied: func(error) { told++ }})
	for i := range 100 {
		_, err := handle(s, newOutgoing(s, wasihttp.MethodGet, "h"+strings.Repeat("x", i/10), "/"), nil)
		if errName(err) != "HTTP-request-denied" {
			t.Fatal(err)
		}
	}
	if told != 8 {
		t.Fatal(told)
	}
}

func TestPipeOfADroppedResponseFailsItsWriter(t *testing.T) {
	s := NewState(bg, Config{})
	f, _ := s.NewFields(bg)
	r, _ := s.NewOutgoingResponse(bg, f)
	b, _ := r.Body(bg)
	w, _ := b.Write(bg)
	r.Drop(bg)
	if err := w.BlockingWriteAndFlush(bg, []byte("x")); err == nil {
		t.Fatal("written to nobody")
	}
}

// TestBodyOfADroppedMessageHoldsNoBuffer: its handle, which the guest may keep,
// is not charged.
func TestBodyOfADroppedMessageHoldsNoBuffer(t *testing.T) {
	budget := io.NewBudget(1 << 20)
	s := NewState(bg, Config{Budget: budget})
	var kept []wasihttp.OutgoingBody
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 256 {
		f, _ := s.NewFields(bg)
		q, _ := s.NewOutgoingRequest(bg, f)
		b, _ := q.Body(bg)
		w, _ := b.Write(bg)
		if err := w.Write(bg, []byte("x")); err != nil {
			t.Fatal(err)
		}
		w.Drop(bg)
		q.Drop(bg)
		kept = append(kept, b)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); budget.Used() != 0 || grown > 64*io.BufferSize {
		t.Fatalf("%d bytes are charged, the heap grew by %d", budget.Used(), grown)
	}
	runtime.KeepAlive(kept)
}
