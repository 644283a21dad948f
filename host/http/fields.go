package http

import (
	"context"
	"fmt"
	gohttp "net/http"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// DefaultMaxFields is the size limit of one Fields, where each entry counts
// its name, its value and fieldOverhead.
const DefaultMaxFields = 128 << 10

const fieldOverhead = 32

// FieldsTooLargeError traps a guest that makes a Fields larger than the limit:
// the interface has no error case for it.
type FieldsTooLargeError struct{ Limit int }

func (e *FieldsTooLargeError) Error() string {
	return fmt.Sprintf("header fields of more than %d bytes; send less, or raise the limit with --max-fields", e.Limit)
}

// field is one line.
type field struct{ name, value string }

func (f field) size() int { return len(f.name) + len(f.value) + fieldOverhead }

// Fields is the resource fields: headers or trailers. A view shares the lines of
// the message that it belongs to, is immutable, and may outlive the message.
type Fields struct {
	state   *State
	lines   *lines
	made    lines // its own, if it is no view
	view    bool  // immutable
	dropped bool
}

// lines are what one or several Fields hold. They are charged until the last of
// these is dropped.
type lines struct {
	entries []field
	size    int // charged to the budget
	holders int
}

// bytesOf is s without a copy, for what only reads: the lowering of a result.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// stringOf is b without a copy; nobody may change b any more.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

var (
	errInvalidSyntax = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorInvalidSyntax}
	errForbidden     = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorForbidden}
	errImmutable     = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorImmutable}
)

func (s *State) newFields() *Fields {
	f := &Fields{state: s, made: lines{holders: 1}}
	f.lines = &f.made
	return f
}

// NewFields implements wasihttp.TypesHost.
func (s *State) NewFields(context.Context) (wasihttp.Fields, error) { return s.newFields(), nil }

// FieldsFromList implements wasihttp.TypesHost. It keeps the values: those in a
// list are lifted into memory of their own, unlike a list that is a parameter.
func (s *State) FieldsFromList(ctx context.Context, entries []abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue]) (wasihttp.Fields, error) {
	f := s.newFields()
	for _, e := range entries {
		if err := f.check(e.F0, e.F1); err != nil {
			f.Drop(ctx)
			return nil, err
		}
		if err := f.add(field{name: e.F0, value: stringOf(e.F1)}); err != nil {
			f.Drop(ctx)
			return nil, err
		}
	}
	return f, nil
}

// incomingFields makes the Fields of a message from the network. Names come in
// lower case, sorted: net/http keeps neither case nor order. The values are
// those of h.
func (s *State) incomingFields(h gohttp.Header) (*Fields, error) {
	f := s.newFields()
	count, size := 0, 0
	for name, values := range h {
		if isForbidden(name) {
			continue
		}
		for _, v := range values {
			count++
			size += field{name, v}.size()
		}
	}
	if err := s.Budget.Take(size); err != nil {
		return nil, err
	}
	l := f.lines
	l.size, l.entries = size, make([]field, 0, count)
	for name, values := range h {
		if isForbidden(name) {
			continue
		}
		lower := lowerName(name)
		for _, v := range values {
			l.entries = append(l.entries, field{lower, v})
		}
	}
	slices.SortStableFunc(l.entries, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return f, nil
}

// add appends e within the limits; an error traps.
func (f *Fields) add(e field) error {
	if f.lines.size+e.size() > f.state.maxFields() {
		return &FieldsTooLargeError{Limit: f.state.maxFields()}
	}
	if err := f.state.Budget.Take(e.size()); err != nil {
		return err
	}
	f.lines.size += e.size()
	f.lines.entries = append(f.lines.entries, e)
	return nil
}

// check is the error of setting name to value, without regard to immutability.
func (f *Fields) check(name string, value []byte) error {
	switch {
	case !isToken(name) || !isFieldValue(value):
		return errInvalidSyntax
	case isForbidden(name):
		return errForbidden
	}
	return nil
}

// Get implements wasihttp.Fields.
func (f *Fields) Get(_ context.Context, name wasihttp.FieldName) (values []wasihttp.FieldValue, err error) {
	for _, e := range f.lines.entries {
		if strings.EqualFold(e.name, name) {
			values = append(values, bytesOf(e.value))
		}
	}
	return values, nil
}

// Has implements wasihttp.Fields.
func (f *Fields) Has(_ context.Context, name wasihttp.FieldName) (bool, error) {
	for _, e := range f.lines.entries {
		if strings.EqualFold(e.name, name) {
			return true, nil
		}
	}
	return false, nil
}

// Set implements wasihttp.Fields. It keeps the values; see FieldsFromList.
func (f *Fields) Set(_ context.Context, name wasihttp.FieldName, values []wasihttp.FieldValue) error {
	if err := f.check(name, nil); err != nil {
		return err
	}
	for _, v := range values {
		if !isFieldValue(v) {
			return errInvalidSyntax
		}
	}
	if f.view {
		return errImmutable
	}
	f.remove(name)
	for _, v := range values {
		if err := f.add(field{name: name, value: stringOf(v)}); err != nil {
			return err
		}
	}
	return nil
}

// Delete implements wasihttp.Fields.
func (f *Fields) Delete(_ context.Context, name wasihttp.FieldName) error {
	if err := f.check(name, nil); err != nil {
		return err
	}
	if f.view {
		return errImmutable
	}
	f.remove(name)
	return nil
}

func (f *Fields) remove(name string) {
	freed := 0
	f.lines.entries = slices.DeleteFunc(f.lines.entries, func(e field) bool {
		same := strings.EqualFold(e.name, name)
		if same {
			freed += e.size()
		}
		return same
	})
	f.lines.size -= freed
	f.state.Budget.Give(freed)
}

// Append implements wasihttp.Fields.
func (f *Fields) Append(_ context.Context, name wasihttp.FieldName, value wasihttp.FieldValue) error {
	if err := f.check(name, value); err != nil {
		return err
	}
	if f.view {
		return errImmutable
	}
	return f.add(field{name: name, value: string(value)})
}

// Entries implements wasihttp.Fields.
func (f *Fields) Entries(context.Context) ([]abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue], error) {
	entries := f.lines.entries
	out := make([]abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue], len(entries))
	for i, e := range entries {
		out[i] = abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue]{F0: e.name, F1: bytesOf(e.value)}
	}
	return out, nil
}

// Clone implements wasihttp.Fields.
func (f *Fields) Clone(context.Context) (wasihttp.Fields, error) {
	if err := f.state.Budget.Take(f.lines.size); err != nil {
		return nil, err
	}
	c := f.state.newFields()
	c.lines.entries, c.lines.size = slices.Clone(f.lines.entries), f.lines.size
	return c, nil
}

// Drop implements wasihttp.Fields.
func (f *Fields) Drop(context.Context) {
	if f.dropped {
		return
	}
	f.dropped = true
	if f.lines.holders--; f.lines.holders == 0 {
		f.state.Budget.Give(f.lines.size)
	}
}

// immutable returns a view of f, for a message's headers function.
func (f *Fields) immutable() *Fields {
	f.lines.holders++
	return &Fields{state: f.state, lines: f.lines, view: true}
}

// own returns what a message made of f keeps: f itself, or a copy of what
// belongs to another message.
func (f *Fields) own(ctx context.Context) (*Fields, error) {
	if !f.view {
		return f, nil
	}
	c, err := f.Clone(ctx)
	if err != nil {
		return nil, err
	}
	return c.(*Fields), nil
}

// copyTo adds the entries to h, with names as net/http spells them.
func (f *Fields) copyTo(h gohttp.Header) {
	entries := f.lines.entries
	values := make([]string, len(entries)) // one array for all, as net/http does
	for i, e := range entries {
		if !isForbidden(e.name) {
			values[i] = e.value
			addTo(h, gohttp.CanonicalHeaderKey(e.name), values[i:i+1:i+1])
		}
	}
}

// addTo adds a value to h; value may be kept.
func addTo(h gohttp.Header, name string, value []string) {
	if have, ok := h[name]; ok {
		value = append(have, value...)
	}
	h[name] = value
}

// copyTrailerTo is copyTo for what may stand in a trailer, with prefix before
// each name: never what says where a message ends.
func (f *Fields) copyTrailerTo(h gohttp.Header, prefix string) {
	for _, e := range f.lines.entries {
		name := gohttp.CanonicalHeaderKey(e.name)
		if isTrailer(name) {
			addTo(h, prefix+name, []string{e.value})
		}
	}
}

// isTrailer says whether a field may stand in a trailer.
func isTrailer(canonical string) bool {
	return !isForbidden(canonical) && canonical != "Content-Length" && canonical != "Trailer"
}

// contentLength is what content-length declares; ok is false when it is not a
// number or there are several different ones.
func (f *Fields) contentLength() (n uint64, declared, ok bool) {
	for _, e := range f.lines.entries {
		if !strings.EqualFold(e.name, "content-length") {
			continue
		}
		v, err := strconv.ParseUint(e.value, 10, 63)
		if err != nil || declared && v != n {
			return 0, true, false
		}
		n, declared = v, true
	}
	return n, declared, true
}
