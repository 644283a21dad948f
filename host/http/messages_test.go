package http

import (
	"errors"
	goio "io"
	gohttp "net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
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
	in := s.NewIncomingRequest(requestWith("X", "1"), nil, nil)
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
	p := s.Outparam()
	f, _ := s.NewFields(bg)
	r, _ := s.NewOutgoingResponse(bg, f)
	_ = r.SetStatusCode(bg, 404)
	if err := s.ResponseOutparamSet(bg, p, abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: r}); err != nil {
		t.Fatal(err)
	}
	p.Drop(bg)
	if got, settled, err := p.Response(); !settled || err != nil || got.Status() != 404 || got.BodyPipe() != nil {
		t.Fatal(got, err)
	}
	p = NewState(bg, Config{}).Outparam()
	if _, settled, _ := p.Response(); settled {
		t.Fatal("settled before anything was set")
	}
	p.Drop(bg)
	var unset NotSetError
	if _, settled, err := p.Response(); !settled || !errors.As(err, &unset) {
		t.Fatal(settled, err)
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

// A guest may go on after its answer has been sent, when nobody may read from the
// connection any more: it must neither get bytes nor wait for them.
func TestBodyThatIsTakenTooLateHasEnded(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := NewState(bg, Config{})
		r := requestWith("A", "1")
		r.Body = goio.NopCloser(strings.NewReader("body"))
		q := s.NewIncomingRequest(r, nil, nil)
		var b wasihttp.IncomingBody
		if !late {
			b, _ = q.Consume(bg)
		}
		if s.StopBody() {
			t.Error("a body that nobody read was read to its end")
		}
		if late {
			b, _ = q.Consume(bg)
		}
		in, _ := b.Stream(bg)
		if got, err := in.BlockingRead(bg, 10); err == nil {
			t.Errorf("late %v: read %q", late, got)
		}
		in.Drop(bg)
		f, err := s.IncomingBodyFinish(bg, b)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := f.Subscribe(bg)
		if ready, _ := p.Ready(bg); !ready {
			t.Fatalf("late %v: the guest waits for trailers that never come", late)
		}
		if got, _ := f.Get(bg); !got.Some || !got.Value.OK.IsErr {
			t.Errorf("late %v: trailers %+v", late, got)
		}
	}
}

func TestClosedStateStartsNoRequests(t *testing.T) {
	s := NewState(bg, Config{})
	before := s.outboundContext()
	s.Close()
	if before.Err() == nil || s.outboundContext().Err() == nil {
		t.Error("the context of outbound requests outlives the instance")
	}
	s = NewState(bg, Config{})
	s.Close()
	if s.outboundContext().Err() == nil {
		t.Error("a closed instance may make its first request")
	}
}

// The one who sends the answer is woken when there is something to do, and not
// for each piece of a short answer.
func TestAnswerWakesItsSender(t *testing.T) {
	cases := []struct {
		name string
		do   func(s *State, body wasihttp.OutgoingBody, w wasiio.OutputStream)
		now  bool // else a little later
	}{
		{"a body that has begun", func(*State, wasihttp.OutgoingBody, wasiio.OutputStream) {}, false},
		{"a few bytes", func(_ *State, _ wasihttp.OutgoingBody, w wasiio.OutputStream) { _ = w.Write(bg, make([]byte, 10)) }, false},
		{"many bytes", func(_ *State, _ wasihttp.OutgoingBody, w wasiio.OutputStream) { _ = w.Write(bg, make([]byte, 8<<10)) }, true},
		{"a whole body", func(s *State, b wasihttp.OutgoingBody, w wasiio.OutputStream) {
			w.Drop(bg)
			_ = s.OutgoingBodyFinish(bg, b, abi.None[wasihttp.Trailers]())
		}, true},
		{"a body given up", func(_ *State, b wasihttp.OutgoingBody, _ wasiio.OutputStream) { b.Drop(bg) }, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			waiter := io.NewWaiter()
			s := NewState(bg, Config{Answer: waiter})
			f, _ := s.NewFields(bg)
			r, _ := s.NewOutgoingResponse(bg, f)
			b, _ := r.Body(bg)
			w, _ := b.Write(bg)
			_ = s.ResponseOutparamSet(bg, s.Outparam(), abi.Result[wasihttp.OutgoingResponse, wasihttp.ErrorCode]{OK: r})
			c.do(s, b, w)
			if c.now {
				select {
				case <-waiter.Woken():
				default:
					t.Error("the sender sleeps on")
				}
				return
			}
			select {
			case <-waiter.Woken():
			case <-time.After(5 * time.Second):
				t.Error("the sender is never woken")
			}
		})
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
