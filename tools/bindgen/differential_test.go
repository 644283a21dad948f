package bindgen_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/tools/bindgen/internal/values"
)

// The tests of this file hold generated shims against an abi.Codec: what the
// canonical ABI means must not depend on which of the two does it. Both get the
// same memory, flat values, handles and answers of realloc, and must agree on
// everything that a guest or the host could see.

// machine is what a guest's side of one call consists of.
type machine struct {
	mem     []byte
	next    uint32
	realloc byte // how it behaves
	log     []string
	handles []handle // by number
}

// handle is an entry of the handle table; object is nil when it is free.
type handle struct {
	object *node
	lends  int
	borrow bool
}

// How realloc behaves.
const (
	reallocGood      = iota
	reallocMoves     // the memory moves with each call
	reallocUnaligned // at the third call
	reallocBeyond    // at the second call
	reallocKinds
)

func (m *machine) Bytes() []byte { return m.mem }

func (m *machine) Realloc(_ context.Context, old, oldSize, align, newSize uint32) uint32 {
	m.log = append(m.log, fmt.Sprintf("realloc %d %d %d %d", old, oldSize, align, newSize))
	ptr := (m.next + align - 1) / align * align
	m.next = ptr + newSize
	if grow := int(m.next) - len(m.mem); grow > 0 || m.realloc == reallocMoves {
		moved := append([]byte(nil), m.mem...)
		m.mem = append(moved, make([]byte, max(grow, 0))...)
	}
	copy(m.mem[ptr:m.next], m.mem[old:old+oldSize])
	switch {
	case m.realloc == reallocUnaligned && len(m.log) > 2:
		return ptr | 1
	case m.realloc == reallocBeyond && len(m.log) > 1:
		return uint32(len(m.mem)) - newSize/2
	}
	return ptr
}

func (m *machine) get(rt *types.Resource, h uint32) *handle {
	if rt != values.NodeType || uint64(h) >= uint64(len(m.handles)) || m.handles[h].object == nil {
		panic(&abi.Trap{Message: fmt.Sprintf("unknown handle %d", h)})
	}
	return &m.handles[h]
}

func (m *machine) LiftOwn(rt *types.Resource, h uint32) abi.Rep {
	m.log = append(m.log, fmt.Sprint("lift own ", h))
	e := m.get(rt, h)
	if e.lends > 0 || e.borrow {
		panic(&abi.Trap{Message: "a borrow, or borrowed"})
	}
	object := e.object
	*e = handle{}
	return abi.Rep{Object: object}
}

func (m *machine) LiftBorrow(rt *types.Resource, h uint32) abi.Rep {
	m.log = append(m.log, fmt.Sprint("lift borrow ", h))
	e := m.get(rt, h)
	e.lends++
	return abi.Rep{Object: e.object}
}

func (m *machine) lower(rep abi.Rep, borrow bool) uint32 {
	m.handles = append(m.handles, handle{object: rep.Object.(*node), borrow: borrow})
	h := uint32(len(m.handles) - 1)
	m.log = append(m.log, fmt.Sprintf("lower %s as %d, borrow %v", m.handles[h].object.name, h, borrow))
	return h
}

func (m *machine) LowerOwn(_ *types.Resource, rep abi.Rep) uint32    { return m.lower(rep, false) }
func (m *machine) LowerBorrow(_ *types.Resource, rep abi.Rep) uint32 { return m.lower(rep, true) }
func (m *machine) LiftAsync(*types.Type, uint32) any                 { panic("no stream in this world") }
func (m *machine) LowerAsync(*types.Type, any) uint32                { panic("no stream in this world") }

func (m *machine) copy() *machine {
	c := *m
	c.mem = append([]byte(nil), m.mem...)
	c.log = nil
	c.handles = append([]handle(nil), m.handles...)
	return &c
}

func (m *machine) context(e abi.Encoding) *abi.Context {
	// The two charge a different amount for a value; what the limit does has its
	// own tests. Memory is small enough for any value in it.
	return &abi.Context{Ctx: context.Background(), Memory: m, Realloc: m, Encoding: e, Handles: m, LiftLimit: 1 << 40}
}

// importCase is one call of a host function.
type importCase struct {
	fn       uint16 // which function
	seed     uint64 // of values
	encoding byte
	realloc  byte
	cut      byte   // memory ends cut-1 bytes before the end of what is in use
	damage   []byte // what is overwritten: see spoil
}

// shims are the functions of world everything, bound to one host, each with its codec.
type shims struct {
	host   *host
	funcs  []engine.HostFunc
	codecs []*abi.Codec
}

func newShims(t testing.TB) *shims {
	s := &shims{host: &host{}}
	for _, hi := range hostInterfaces(t, s.host) {
		for _, f := range hi.Funcs {
			c, err := abi.NewCodec(f.Type)
			if err != nil {
				t.Fatal(err)
			}
			s.funcs, s.codecs = append(s.funcs, f), append(s.codecs, c)
		}
	}
	return s
}

// spoil overwrites bytes of memory and flat values: each three bytes of damage
// are a position and a value.
func spoil(mem []byte, stack []uint64, damage []byte) {
	for ; len(damage) >= 3; damage = damage[3:] {
		at, v := int(binary.LittleEndian.Uint16(damage)), damage[2]
		if i := at >> 1; at&1 == 0 && i < 8*len(stack) {
			stack[i/8] ^= uint64(v) << (i % 8 * 8)
		} else if len(mem) > 0 {
			mem[i%len(mem)] ^= v
		}
	}
}

// hostInterfaces are the imports of world everything, bound to x.
func hostInterfaces(t testing.TB, x *host) []*engine.HostInterface {
	l := new(engine.Engine).NewLinker()
	for _, err := range []error{
		values.LinkValues(l, func(*abi.Context) values.ValuesHost { return x }),
		values.LinkResources(l, func(*abi.Context) values.ResourcesHost { return x }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return []*engine.HostInterface{l.Provides("test:values/values@1.0.0"), l.Provides("test:values/resources@1.0.0")}
}

// outcome is all that can be seen of a call.
type outcome struct {
	trap   string
	given  string // what the host got
	result uint64 // the flat one
	log    []string
	mem    string
	owned  string // the handle table
}

// run makes the call and gathers its outcome. A panic that is no trap goes on.
func (m *machine) run(stack []uint64, flatResult bool, call func(stack []uint64) []abi.Value) (o outcome) {
	stack = append([]uint64(nil), stack...)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *abi.Trap:
			o.trap = r.Error()
		default:
			panic(r)
		}
		o.log = m.log
		o.mem = fmt.Sprintf("%x", m.mem)
		o.owned = fmt.Sprint(m.handles)
	}()
	o.given = show(call(stack)...)
	if flatResult {
		o.result = stack[0]
	}
	return o
}

func (o outcome) compare(t *testing.T, static outcome) {
	t.Helper()
	for _, c := range []struct{ what, static, dynamic string }{
		{"trap", static.trap, o.trap},
		{"what the host was given", static.given, o.given},
		{"flat result", fmt.Sprintf("%#x", static.result), fmt.Sprintf("%#x", o.result)},
		{"calls of realloc and handles", fmt.Sprintf("%q", static.log), fmt.Sprintf("%q", o.log)},
		{"memory", static.mem, o.mem},
		{"handle table", static.owned, o.owned},
	} {
		if c.static != c.dynamic {
			t.Errorf("%s\n static %s\ndynamic %s", c.what, c.static, c.dynamic)
		}
	}
}

// prepare makes what the guest passes: a machine with lowered values, damaged
// as the case has it, and the flat values.
func (c importCase) prepare(m *maker, ft *types.Func, codec *abi.Codec, x *host) (*machine, []uint64) {
	guest := &machine{mem: make([]byte, 64), next: 16, handles: []handle{{}}}
	for i := range 3 {
		guest.handles = append(guest.handles, handle{object: &node{host: x, name: fmt.Sprint("old ", i)}})
	}
	m.resource = func(t *types.Type) abi.Resource {
		return abi.Resource{Type: t.Resource, Own: t.Kind == types.Own, Rep: abi.Rep{Object: &node{host: x, name: fmt.Sprint("new ", m.IntN(100))}}}
	}
	stack := make([]uint64, abi.MaxFlatParams+2)
	for i := range stack {
		stack[i] = m.Uint64() // what a call before left there
	}
	args := make([]abi.Value, len(ft.Params))
	for i := range args {
		args[i] = m.value(ft.Params[i].Type)
	}
	codec.LowerParams(guest.context(abi.Encoding(c.encoding)), args, stack)
	// What was lowered as a borrow is the guest's own, lent to the host.
	for i := range guest.handles {
		guest.handles[i].borrow = false
	}
	core := abi.FlattenFunc(ft, abi.Lower)
	if n := len(core.Params); ft.Result != nil && len(core.Results) == 0 {
		stack[n-1] = uint64(guest.Realloc(context.Background(), 0, 0, abi.Align(ft.Result), abi.Size(ft.Result)))
	}
	for i, p := range core.Params {
		if p == types.I32 || p == types.F32Core {
			// Half of a slot means nothing then.
			stack[i] = stack[i]&0xffffffff | uint64(m.Uint32())<<32
		}
	}
	spoil(guest.mem, stack, c.damage)
	if c.cut > 0 {
		guest.mem = guest.mem[:max(0, int(guest.next)-int(c.cut-1))]
		guest.next = uint32(len(guest.mem))
	}
	guest.realloc = c.realloc % reallocKinds
	return guest, stack
}

// check runs one case both ways.
func (c importCase) check(t *testing.T, s *shims) {
	t.Helper()
	n := int(c.fn) % len(s.funcs)
	x, f, codec := s.host, s.funcs[n], s.codecs[n]
	ft := f.Type
	c.encoding %= 3
	m := &maker{Rand: rand.New(rand.NewPCG(c.seed, 0))}
	dynamic, stack := c.prepare(m, ft, codec, x)
	static := dynamic.copy()
	dynamic.log = nil
	*x = host{ft: ft, wraps: m.IntN(2) == 0}
	if ft.Result != nil {
		x.result = m.value(ft.Result)
	}
	flatResult := len(abi.FlattenFunc(ft, abi.Lower).Results) > 0
	e := abi.Encoding(c.encoding)

	want := dynamic.run(stack, flatResult, func(stack []uint64) []abi.Value {
		cx := dynamic.context(e)
		args, out := codec.LiftParams(cx, stack)
		codec.LowerResult(cx, x.result, stack, out)
		return args
	})
	got := static.run(stack, flatResult, func(stack []uint64) []abi.Value {
		f.Call(static.context(e), stack)
		return x.args
	})
	want.compare(t, got)
	if t.Failed() {
		t.Fatalf("function %s, case %+v", f.Name, c)
	}
}

// damages is random damage near the beginning.
func damages(r *rand.Rand) []byte {
	b := make([]byte, 3+3*r.IntN(3))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for i := 1; i < len(b); i += 3 {
		b[i] &= 1
	}
	return b
}

// Bits that tell one wrong way to read a flat value from the right one: of a
// case or length, beyond a byte, beyond 16 bits, the sign.
var tellingBits = []struct{ at, bit byte }{{0, 1}, {0, 8}, {0, 0x80}, {1, 2}, {1, 0x80}, {2, 1}, {3, 0x80}}

func TestShimsAgreeWithCodec(t *testing.T) {
	s := newShims(t)
	for i, f := range s.funcs {
		c := importCase{fn: uint16(i)}
		t.Run(f.Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for k := range 60 {
				c.seed, c.encoding = r.Uint64(), byte(k)
				c.check(t, s)
				with := c
				with.realloc = byte(k) % reallocKinds
				with.check(t, s)
				with = c
				with.cut = byte(k%20) + 1
				with.check(t, s)
				with = c
				with.damage = damages(r)
				with.check(t, s)
			}
			for at := range len(abi.FlattenFunc(f.Type, abi.Lower).Params) {
				for _, b := range tellingBits {
					for range 4 {
						c.seed, c.encoding = r.Uint64(), byte(r.Uint32())
						c.damage = []byte{byte(at*8+int(b.at)) << 1, byte((at*8 + int(b.at)) >> 7), b.bit}
						c.check(t, s)
					}
				}
			}
		})
	}
}

// FuzzShimsAgreeWithCodec calls a host function through its generated shim, and
// on dynamic values.
func FuzzShimsAgreeWithCodec(f *testing.F) {
	s := newShims(f)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range s.funcs {
		f.Add(uint16(i), uint64(i), byte(i), byte(i), byte(0), damages(r))
	}
	f.Fuzz(func(t *testing.T, fn uint16, seed uint64, encoding, realloc, cut byte, damage []byte) {
		importCase{fn, seed, encoding, realloc, cut, damage}.check(t, s)
	})
}
