package http

import (
	"context"
	"fmt"
	gohttp "net/http"
	"slices"
	"strconv"
	"strings"

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

// field is one line; value is never changed in place.
type field struct {
	name  string
	value []byte
}

func (f field) size() int { return len(f.name) + len(f.value) + fieldOverhead }

// Fields is the resource fields: headers or trailers. A view shares the lines of
// the message that it belongs to, is immutable, and may outlive the message.
type Fields struct {
	state   *State
	lines   *lines
	view    bool // immutable
	dropped bool
}

// lines are what one or several Fields hold. They are charged until the last of
// these is dropped.
type lines struct {
	entries []field
	size    int // charged to the budget
	holders int
}

var (
	errInvalidSyntax = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorInvalidSyntax}
	errForbidden     = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorForbidden}
	errImmutable     = wasihttp.HeaderError{Tag: wasihttp.HeaderErrorImmutable}
)

func (s *State) newFields() *Fields { return &Fields{state: s, lines: &lines{holders: 1}} }

// NewFields implements wasihttp.TypesHost.
func (s *State) NewFields(context.Context) (wasihttp.Fields, error) { return s.newFields(), nil }

// FieldsFromList implements wasihttp.TypesHost.
func (s *State) FieldsFromList(ctx context.Context, entries []abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue]) (wasihttp.Fields, error) {
	f := s.newFields()
	for _, e := range entries {
		if err := f.check(e.F0, e.F1); err != nil {
			f.Drop(ctx)
			return nil, err
		}
		if err := f.add(field{name: e.F0, value: e.F1}); err != nil {
			f.Drop(ctx)
			return nil, err
		}
	}
	return f, nil
}

// incomingFields makes the Fields of a message from the network. Names come in
// lower case, sorted: net/http keeps neither case nor order.
func (s *State) incomingFields(h gohttp.Header) (*Fields, error) {
	f := s.newFields()
	names := make([]string, 0, len(h))
	for name := range h {
		if !isForbidden(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		lower := strings.ToLower(name)
		for _, v := range h[name] {
			e := field{name: lower, value: []byte(v)}
			if err := s.Budget.Take(e.size()); err != nil {
				return nil, err
			}
			f.lines.entries = append(f.lines.entries, e)
			f.lines.size += e.size()
		}
	}
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
			values = append(values, e.value)
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

// Set implements wasihttp.Fields.
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
		if err := f.add(field{name: name, value: v}); err != nil {
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
	return f.add(field{name: name, value: slices.Clone(value)})
}

// Entries implements wasihttp.Fields.
func (f *Fields) Entries(context.Context) ([]abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue], error) {
	out := make([]abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue], len(f.lines.entries))
	for i, e := range f.lines.entries {
		out[i] = abi.Tuple2[wasihttp.FieldName, wasihttp.FieldValue]{F0: e.name, F1: e.value}
	}
	return out, nil
}

// Clone implements wasihttp.Fields.
func (f *Fields) Clone(context.Context) (wasihttp.Fields, error) {
	if err := f.state.Budget.Take(f.lines.size); err != nil {
		return nil, err
	}
	return &Fields{state: f.state, lines: &lines{entries: slices.Clone(f.lines.entries), size: f.lines.size, holders: 1}}, nil
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

// own returns what a message made of f keeps: f itself, or a copy of a view,
// whose entries belong to another message.
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
	for _, e := range f.lines.entries {
		if !isForbidden(e.name) {
			name := gohttp.CanonicalHeaderKey(e.name)
			h[name] = append(h[name], string(e.value))
		}
	}
}

// copyTrailerTo is copyTo for what may stand in a trailer, with prefix before
// each name: never what says where a message ends.
func (f *Fields) copyTrailerTo(h gohttp.Header, prefix string) {
	for _, e := range f.lines.entries {
		name := gohttp.CanonicalHeaderKey(e.name)
		if isTrailer(name) {
			h[prefix+name] = append(h[prefix+name], string(e.value))
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
		v, err := strconv.ParseUint(string(e.value), 10, 63)
		if err != nil || declared && v != n {
			return 0, true, false
		}
		n, declared = v, true
	}
	return n, declared, true
}
