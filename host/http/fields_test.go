package http

import (
	"context"
	"errors"
	"fmt"
	gohttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

var bg = context.Background()

type entry = abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue]

func list(f wasihttp.Fields) string {
	var b strings.Builder
	entries, _ := f.Entries(bg)
	for _, e := range entries {
		fmt.Fprintf(&b, "%s=%s;", e.F0, e.F1)
	}
	return b.String()
}

func errName(err error) string {
	var he wasihttp.HeaderError
	var ec wasihttp.ErrorCode
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &he):
		return he.Tag.String()
	case errors.As(err, &ec):
		return ec.Tag.String()
	case err == error(errUnit):
		return "err"
	}
	return "trap"
}

func TestFields(t *testing.T) {
	vals := func(s ...string) (out []wasihttp.FieldValue) {
		for _, v := range s {
			out = append(out, []byte(v))
		}
		return out
	}
	for _, c := range []struct {
		name string
		do   func(f wasihttp.Fields) error
		err  string
		want string
	}{
		{"append keeps case and order", func(f wasihttp.Fields) error { return f.Append(bg, "X-b", []byte("2")) }, "ok", "a=1;A=2;X-b=2;"},
		{"set replaces regardless of case", func(f wasihttp.Fields) error { return f.Set(bg, "a", vals("3", "4")) }, "ok", "a=3;a=4;"},
		{"set to nothing deletes", func(f wasihttp.Fields) error { return f.Set(bg, "a", nil) }, "ok", ""},
		{"delete regardless of case", func(f wasihttp.Fields) error { return f.Delete(bg, "a") }, "ok", ""},
		{"delete of an absent name", func(f wasihttp.Fields) error { return f.Delete(bg, "zz") }, "ok", "a=1;A=2;"},
		{"an empty name", func(f wasihttp.Fields) error { return f.Append(bg, "", nil) }, "invalid-syntax", "a=1;A=2;"},
		{"a name with a space", func(f wasihttp.Fields) error { return f.Set(bg, "a b", nil) }, "invalid-syntax", "a=1;A=2;"},
		{"a name with a colon, deleted", func(f wasihttp.Fields) error { return f.Delete(bg, "a:") }, "invalid-syntax", "a=1;A=2;"},
		{"a value with a line break", func(f wasihttp.Fields) error { return f.Append(bg, "b", []byte("x\r\ny: z")) }, "invalid-syntax", "a=1;A=2;"},
		{"one of several values with a NUL", func(f wasihttp.Fields) error { return f.Set(bg, "a", vals("ok", "\x00")) }, "invalid-syntax", "a=1;A=2;"},
		{"a value with bytes above ASCII and a tab", func(f wasihttp.Fields) error { return f.Set(bg, "a", vals("\t\xff")) }, "ok", "a=\t\xff;"},
		{"a name of the connection", func(f wasihttp.Fields) error { return f.Append(bg, "Transfer-Encoding", []byte("chunked")) }, "forbidden", "a=1;A=2;"},
		{"host", func(f wasihttp.Fields) error { return f.Set(bg, "HOST", vals("h")) }, "forbidden", "a=1;A=2;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewState(bg, Config{Budget: io.NewBudget(1 << 20)})
			f, err := s.FieldsFromList(bg, []entry{{F0: "a", F1: []byte("1")}, {F0: "A", F1: []byte("2")}})
			if err != nil {
				t.Fatal(err)
			}
			view := f.(*Fields).immutable()
			clone, _ := f.Clone(bg)
			want := "immutable"
			if c.err != "ok" {
				want = c.err
			}
			if got := errName(c.do(view)); got != want {
				t.Errorf("on an immutable view: %s, want %s", got, want)
			}
			if got := errName(c.do(f)); got != c.err || list(f) != c.want {
				t.Errorf("%s %q, want %s %q", got, list(f), c.err, c.want)
			}
			if list(clone) != "a=1;A=2;" {
				t.Errorf("the clone changed with it: %q", list(clone))
			}
			f.Drop(bg)
			view.Drop(bg)
			clone.Drop(bg)
			if s.Budget.Used() != 0 {
				t.Errorf("%d bytes still charged", s.Budget.Used())
			}
		})
	}
}

func TestFieldsFromListRejects(t *testing.T) {
	s := NewState(bg, Config{})
	for _, c := range []struct{ name, field, value, want string }{
		{"a forbidden name", "Connection", "close", "forbidden"},
		{"an invalid name", "é", "", "invalid-syntax"},
		{"an invalid value", "a", "\n", "invalid-syntax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.FieldsFromList(bg, []entry{{F0: c.field, F1: []byte(c.value)}}); errName(err) != c.want {
				t.Fatal(err)
			}
		})
	}
}

func TestFieldsGetAndHas(t *testing.T) {
	s := NewState(bg, Config{})
	f, _ := s.FieldsFromList(bg, []entry{{F0: "A", F1: nil}, {F0: "a", F1: []byte("2")}})
	if v, _ := f.Get(bg, "a"); len(v) != 2 || len(v[0]) != 0 || string(v[1]) != "2" {
		t.Fatalf("%q", v)
	}
	if ok, _ := f.Has(bg, "a b"); ok {
		t.Fatal("a name that cannot be")
	}
	if v, _ := f.Get(bg, "b"); len(v) != 0 {
		t.Fatal(v)
	}
}

func TestFieldsLimits(t *testing.T) {
	grow := func(s *State) (err error) {
		f, _ := s.NewFields(bg)
		for i := 0; i < 1e6 && err == nil; i++ {
			err = f.Append(bg, "name", make([]byte, 0))
		}
		return err
	}
	var tooLarge *FieldsTooLargeError
	if err := grow(NewState(bg, Config{MaxFields: 1000})); !errors.As(err, &tooLarge) || tooLarge.Limit != 1000 {
		t.Fatal(err)
	}
	var budget *io.BudgetError
	if err := grow(NewState(bg, Config{Budget: io.NewBudget(1000)})); !errors.As(err, &budget) {
		t.Fatal(err)
	}
	s := NewState(bg, Config{Budget: io.NewBudget(1000)})
	f, _ := s.NewFields(bg)
	_ = f.Append(bg, "a", make([]byte, 0, 1))
	for range 100 {
		c, err := f.Clone(bg)
		if err != nil {
			if !errors.As(err, &budget) {
				t.Fatal(err)
			}
			return
		}
		_ = c
	}
	t.Fatal("clones are not charged")
}

func TestAppendCopiesTheGuestsMemory(t *testing.T) {
	f, _ := NewState(bg, Config{}).NewFields(bg)
	memory := []byte("value")
	_ = f.Append(bg, "a", memory)
	copy(memory, "XXXXX")
	if list(f) != "a=value;" {
		t.Fatal(list(f))
	}
}

// A message and its views share entries: each sees what the owner has, and
// nothing that a guest does to a copy changes the message.
func TestCopiesOfAViewAreTheirOwn(t *testing.T) {
	s := NewState(bg, Config{})
	q := s.NewIncomingRequest(requestWith("A", "1"), nil, nil)
	view, _ := q.Headers(bg)
	c, _ := view.Clone(bg)
	if err := c.Set(bg, "a", []wasihttp.FieldValue{[]byte("2")}); err != nil {
		t.Fatal(err)
	}
	again, _ := q.Headers(bg)
	if got := list(view) + list(c) + list(again); got != "a=1;a=2;a=1;" {
		t.Fatal(got)
	}
	for name, err := range map[string]error{"set": view.Set(bg, "b", nil), "append": view.Append(bg, "b", nil), "delete": view.Delete(bg, "a")} {
		if errName(err) != "immutable" {
			t.Errorf("%s of a view: %v", name, err)
		}
	}
}

func requestWith(name string, values ...string) *gohttp.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header[name] = values
	return r
}

// What the guest says twice must not be one value in memory that the second
// changes, nor must a field that comes to its name's others.
func TestFieldsOfOneNameStayApart(t *testing.T) {
	s := NewState(bg, Config{})
	f := s.newFields()
	for _, e := range []field{{"a", "1"}, {"b", "2"}, {"A", "3"}, {"c", "4"}, {"a", "5"}} {
		if err := f.add(e); err != nil {
			t.Fatal(err)
		}
	}
	h := gohttp.Header{}
	f.copyTo(h)
	if got := fmt.Sprint(h); got != "map[A:[1 3 5] B:[2] C:[4]]" {
		t.Fatal(got)
	}
}

func TestIncomingFieldsLeaveOutTheConnections(t *testing.T) {
	s := NewState(bg, Config{})
	f, err := s.incomingFields(gohttp.Header{"Connection": {"x"}, "B": {"2", "1"}, "Accept": {"*"}, "Upgrade": {"h2c"}})
	if err != nil || list(f) != "accept=*;b=2;b=1;" {
		t.Fatal(list(f), err)
	}
}

func TestOutgoingRequestSetters(t *testing.T) {
	some := abi.Some[string]
	for _, c := range []struct {
		name string
		do   func(q wasihttp.OutgoingRequest) error
		want string
	}{
		{"a path with a query", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("/a%20b?c=d&e")) }, "ok"},
		{"no path", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, abi.None[string]()) }, "ok"},
		{"a query alone", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("?x")) }, "ok"},
		{"a path with a space", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("/a b")) }, "err"},
		{"a path with a line break", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("/a\r\nHost: b")) }, "err"},
		{"a fragment", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("/a#b")) }, "err"},
		{"a path without a slash", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("evil.com/")) }, "err"},
		{"a broken escape", func(q wasihttp.OutgoingRequest) error { return q.SetPathWithQuery(bg, some("/%zz")) }, "err"},
		{"host and port", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("example.com:8080")) }, "ok"},
		{"an IPv6 address", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("[::1]:80")) }, "ok"},
		{"an empty authority", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("")) }, "err"},
		{"a port beyond the last", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("h:65536")) }, "err"},
		{"a port that is no number", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("h:http")) }, "err"},
		{"an authority with a path", func(q wasihttp.OutgoingRequest) error { return q.SetAuthority(bg, some("h/p")) }, "err"},
		{"a method", func(q wasihttp.OutgoingRequest) error {
			return q.SetMethod(bg, wasihttp.Method{Tag: wasihttp.MethodOther, Other: "PURGE"})
		}, "ok"},
		{"a method with a space", func(q wasihttp.OutgoingRequest) error {
			return q.SetMethod(bg, wasihttp.Method{Tag: wasihttp.MethodOther, Other: "GET /x"})
		}, "err"},
		{"a scheme", func(q wasihttp.OutgoingRequest) error {
			return q.SetScheme(bg, abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeOther, Other: "ftp"}))
		}, "ok"},
		{"a scheme that begins with a digit", func(q wasihttp.OutgoingRequest) error {
			return q.SetScheme(bg, abi.Some(wasihttp.Scheme{Tag: wasihttp.SchemeOther, Other: "9p"}))
		}, "err"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewState(bg, Config{})
			f, _ := s.NewFields(bg)
			q, _ := s.NewOutgoingRequest(bg, f)
			if got := errName(c.do(q)); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestBodiesAreTakenOnceAndFinishedWithoutStream(t *testing.T) {
	s := NewState(bg, Config{})
	f, _ := s.NewFields(bg)
	r, _ := s.NewOutgoingResponse(bg, f)
	if got := errName(r.SetStatusCode(bg, 103)); got != "err" {
		t.Errorf("status 103: %s", got)
	}
	b, err := r.Body(bg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Body(bg); errName(err) != "err" {
		t.Errorf("a second body: %v", err)
	}
	w, _ := b.Write(bg)
	if _, err := b.Write(bg); errName(err) != "err" {
		t.Errorf("a second stream: %v", err)
	}
	if err := s.OutgoingBodyFinish(bg, b, abi.None[wasihttp.Trailers]()); errName(err) != "trap" {
		t.Errorf("finish with a live stream: %v", err)
	}
	w.Drop(bg)
	if err := s.OutgoingBodyFinish(bg, b, abi.None[wasihttp.Trailers]()); err != nil {
		t.Error(err)
	}
	bad, _ := s.FieldsFromList(bg, []entry{{F0: "content-length", F1: []byte("-1")}})
	r, _ = s.NewOutgoingResponse(bg, bad)
	if _, err := r.Body(bg); errName(err) != "err" {
		t.Errorf("a malformed content-length: %v", err)
	}
}

// TestViewOfAMessageThatIsGoneIsStillCharged: a guest that keeps the headers of
// messages which it drops holds the host's memory all the same.
func TestViewOfAMessageThatIsGoneIsStillCharged(t *testing.T) {
	budget := io.NewBudget(1 << 20)
	s := NewState(bg, Config{Budget: budget})
	f := s.newFields()
	if err := f.Append(bg, "x", make([]byte, 0, 1)); err != nil {
		t.Fatal(err)
	}
	size := budget.Used()
	q, _ := s.NewOutgoingRequest(bg, f)
	one, _ := q.Headers(bg)
	two, _ := q.Headers(bg)
	q.Drop(bg)
	one.Drop(bg)
	if size == 0 || budget.Used() != size {
		t.Fatalf("%d of %d bytes are charged", budget.Used(), size)
	}
	if has, _ := two.Has(bg, "x"); !has {
		t.Fatal("the view has lost its lines")
	}
	two.Drop(bg)
	if budget.Used() != 0 {
		t.Fatalf("%d bytes are charged for nothing", budget.Used())
	}
}
