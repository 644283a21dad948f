package abi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/types"
)

// fakeMemory is a linear memory with a bump allocator that keeps a log. It
// moves on every growth, so that a stale slice shows.
type fakeMemory struct {
	mem      []byte
	next     uint32
	reallocs [][4]uint32
	answer   func(size, align uint32) uint32 // nil: bump
}

func newFakeMemory(size int) *fakeMemory {
	m := &fakeMemory{mem: make([]byte, size), next: 16}
	for i := range m.mem {
		m.mem[i] = 0xaa
	}
	return m
}

func (m *fakeMemory) Bytes() []byte { return m.mem }

func (m *fakeMemory) Realloc(_ context.Context, old, oldSize, align, newSize uint32) uint32 {
	m.reallocs = append(m.reallocs, [4]uint32{old, oldSize, align, newSize})
	if m.answer != nil {
		return m.answer(newSize, align)
	}
	ptr := (m.next + align - 1) / align * align
	m.next = ptr + newSize
	if int(m.next) > len(m.mem) {
		m.mem = append(append(make([]byte, 0, 2*int(m.next)), m.mem...), make([]byte, 2*int(m.next)-len(m.mem))...)
	}
	copy(m.mem[ptr:ptr+newSize], m.mem[old:old+oldSize])
	return ptr
}

func (m *fakeMemory) context(e Encoding) *Context {
	return &Context{Ctx: context.Background(), Memory: m, Realloc: m, Encoding: e, Handles: fakeHandles{}}
}

// fakeHandles numbers a handle one above the representation.
type fakeHandles struct{}

func (fakeHandles) LiftOwn(_ *types.Resource, h uint32) Rep    { return Rep{Number: h - 1} }
func (fakeHandles) LiftBorrow(_ *types.Resource, h uint32) Rep { return Rep{Number: h - 1} }
func (fakeHandles) LowerOwn(_ *types.Resource, r Rep) uint32   { return r.Number + 1 }
func (fakeHandles) LowerBorrow(_ *types.Resource, r Rep) uint32 {
	return r.Number + 1
}
func (fakeHandles) LiftAsync(_ *types.Type, h uint32) any { return fmt.Sprint("end ", h) }
func (fakeHandles) LowerAsync(_ *types.Type, v any) uint32 {
	var h uint32
	_, _ = fmt.Sscanf(v.(string), "end %d", &h)
	return h
}

// trapOf returns the trap that f ends with, nil when it does not trap.
func trapOf(f func()) (t *Trap) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Trap:
			t = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

func wantTrap(t *testing.T, message string, f func()) {
	t.Helper()
	tr := trapOf(f)
	if tr == nil {
		t.Fatalf("no trap, want %q", message)
	}
	if !strings.Contains(tr.Error(), message) {
		t.Fatalf("trap %q, want %q", tr.Error(), message)
	}
}

func mustCodec(t testing.TB, ft *types.Func) *Codec {
	t.Helper()
	c, err := NewCodec(ft)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Short forms for types.
func list(t *types.Type) *types.Type { return &types.Type{Kind: types.List, Elem: t} }
func fixed(t *types.Type, n uint32) *types.Type {
	return &types.Type{Kind: types.FixedList, Elem: t, Len: n}
}
func option(t *types.Type) *types.Type { return &types.Type{Kind: types.Option, Elem: t} }
func result(ok, err *types.Type) *types.Type {
	return &types.Type{Kind: types.Result, OK: ok, Err: err}
}
func tupleOf(ts ...*types.Type) *types.Type {
	t := &types.Type{Kind: types.Tuple}
	for _, f := range ts {
		t.Fields = append(t.Fields, types.Field{Type: f})
	}
	return t
}
func recordOf(ts ...*types.Type) *types.Type {
	t := tupleOf(ts...)
	t.Kind = types.Record
	for i := range t.Fields {
		t.Fields[i].Name = fmt.Sprintf("l%d", i)
	}
	return t
}
func variantOf(ts ...*types.Type) *types.Type {
	t := &types.Type{Kind: types.Variant}
	for i, c := range ts {
		t.Cases = append(t.Cases, types.Case{Name: fmt.Sprintf("l%d", i), Type: c})
	}
	return t
}
func labels(k types.Kind, n int) *types.Type {
	t := &types.Type{Kind: k}
	for i := range n {
		t.Labels = append(t.Labels, fmt.Sprintf("l%d", i))
	}
	return t
}
func mapOf(k, v *types.Type) *types.Type { return &types.Type{Kind: types.Map, Key: k, Elem: v} }

func funcOf(r *types.Type, params ...*types.Type) *types.Func {
	ft := &types.Func{Result: r}
	for i, p := range params {
		ft.Params = append(ft.Params, types.Field{Name: fmt.Sprintf("p%d", i), Type: p})
	}
	return ft
}

func valueError(t *testing.T, err error) *ValueError {
	t.Helper()
	var v *ValueError
	if !errors.As(err, &v) {
		t.Fatalf("error %v is no *ValueError", err)
	}
	return v
}
