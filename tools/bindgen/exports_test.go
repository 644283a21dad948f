package bindgen_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/tools/bindgen/internal/values"
)

// The tests of this file hold generated callers of a guest against
// engine.Func.Call, which goes through an abi.Codec.

// callers are the exports of world everything of one guest, in both forms.
type callers struct {
	guest *guest
	funcs []export
	node  *export // the constructor
}

// export is a function of the guest.
type export struct {
	iface, name string
	dynamic     *engine.Func
	caller      reflect.Value // *values.ValuesExport or *values.ResourcesExport
	result      *abi.Codec    // of the result alone
	resources   bool
}

var encodings = [...]string{abi.UTF8: "utf8", abi.UTF16: "utf16", abi.Latin1UTF16: "latin1+utf16"}

// newCallers makes a guest for each string encoding.
func newCallers(t testing.TB) (all [len(encodings)]*callers) {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	hosts := hostInterfaces(t, &host{})
	for i, encoding := range encodings {
		g := newGuest(t, e, encoding, hosts...)
		c := &callers{guest: g}
		v, err1 := values.FindValues(g.linked)
		r, err2 := values.FindResources(g.linked)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for k, hi := range hosts {
			caller := []reflect.Value{reflect.ValueOf(v), reflect.ValueOf(r)}[k]
			for _, f := range hi.Funcs {
				x := export{iface: hi.Name, name: f.Name, dynamic: g.find(t, hi.Name, f.Name), caller: caller, resources: len(hi.Resources) > 0}
				if x.result, err = abi.NewCodec(&types.Func{Result: x.dynamic.Type().Result}); err != nil {
					t.Fatal(err)
				}
				c.funcs = append(c.funcs, x)
				if f.Name == "[constructor]node" {
					c.node = &c.funcs[len(c.funcs)-1]
				}
			}
		}
		all[i] = c
	}
	return all
}

// exportCase is one call of a guest.
type exportCase struct {
	fn       uint16
	seed     uint64 // of values
	encoding byte
	realloc  byte   // the call of realloc that goes wrong, and how
	cut      byte   // 1: the result ends where memory does, 2: beyond
	damage   []byte // to the result: see spoil
}

// answer puts a result where the guest will return it from. It is called by
// the guest, with its parameters in memory.
func (c exportCase) answer(mem []byte, e abi.Encoding, x *export, v abi.Value) {
	r := x.dynamic.Type().Result
	if r == nil {
		return
	}
	m := &machine{mem: mem, next: answersAt}
	cx := m.context(e)
	cx.Handles = fresh{mem}
	stack := make([]uint64, 1)
	var out uint32
	if inMemory := abi.FlatCount(r) > abi.MaxFlatResults; inMemory {
		if out = m.Realloc(cx.Ctx, 0, 0, abi.Align(r), abi.Size(r)); c.cut > 0 {
			out = (memoryEnd - abi.Size(r)) &^ (abi.Align(r) - 1)
		}
		x.result.LowerResult(cx, v, stack, out)
		if stack[0] = uint64(out); c.cut > 1 {
			stack[0] += uint64(abi.Align(r))
		}
	} else {
		x.result.LowerResult(cx, v, stack, 0)
	}
	spoil(mem[answersAt:min(m.next, memoryEnd)], stack, c.damage)
	binary.LittleEndian.PutUint64(mem[flatResultAt:], stack[0])
}

// fresh gives out the handles that the guest made before it called the host.
type fresh struct{ mem []byte }

func (f fresh) LowerOwn(_ *types.Resource, rep abi.Rep) uint32 {
	return binary.LittleEndian.Uint32(f.mem[handlesAt+4*(rep.Number%freshHandles):])
}
func (f fresh) LowerBorrow(*types.Resource, abi.Rep) uint32 { panic("a result has no borrow") }
func (f fresh) LiftOwn(*types.Resource, uint32) abi.Rep     { panic("nothing is lifted here") }
func (f fresh) LiftBorrow(*types.Resource, uint32) abi.Rep  { panic("nothing is lifted here") }
func (f fresh) LiftAsync(*types.Type, uint32) any           { panic("no stream in this world") }
func (f fresh) LowerAsync(*types.Type, any) uint32          { panic("no stream in this world") }

// called is what can be seen of a call.
type called struct {
	err, result string
	seen        string // memory as the guest's function found it
	after       string // memory when the call was over
}

// run makes one call, by static or dynamic code, on a new instance.
func (c exportCase) run(t *testing.T, all *callers, x *export, static bool) (o called) {
	g, ctx := all.guest, context.Background()
	inst := g.instantiate(t)
	defer func() { _ = inst.Close(ctx) }()
	e := abi.Encoding(c.encoding)
	reset := func(n, delta uint32) {
		if _, err := g.reset[x.iface].Call(ctx, inst, n, delta); err != nil {
			t.Fatal(err)
		}
	}
	var memory abi.Memory
	m := &maker{Rand: rand.New(rand.NewPCG(c.seed, 0))}
	ft := x.dynamic.Type()

	next := uint32(firstRep)
	var passed []abi.Resource
	m.resource = func(rt *types.Type) abi.Resource {
		next++
		reset(0, 0)
		g.probe = func(cx *abi.Context) {
			exportCase{}.answer(cx.Memory.Bytes(), e, all.node, abi.Resource{Type: rt.Resource, Own: true, Rep: abi.Rep{Number: next}})
		}
		own, object, err := all.newNode(ctx, inst, static)
		if err != nil {
			t.Fatal(err)
		}
		r := abi.Resource{Type: rt.Resource, Own: rt.Kind == types.Own, Rep: abi.Rep{Number: own.Rep.Number, Object: object}}
		passed = append(passed, r)
		return r
	}
	args := make([]abi.Value, len(ft.Params))
	for i := range args {
		args[i] = m.value(ft.Params[i].Type)
	}
	m.resource = func(rt *types.Type) abi.Resource {
		next++
		return abi.Resource{Type: rt.Resource, Own: true, Rep: abi.Rep{Number: next}}
	}
	var answer abi.Value
	if ft.Result != nil {
		answer = m.value(ft.Result)
	}
	reset(uint32(c.realloc>>2), [...]uint32{0, 1, memoryEnd, 1 << 31}[c.realloc&3])
	g.probe = func(cx *abi.Context) {
		memory = cx.Memory
		o.seen = string(cx.Memory.Bytes())
		c.answer(cx.Memory.Bytes(), e, x, answer)
	}
	result, err := all.call(ctx, x, inst, args, static)
	if err != nil {
		o.err = err.Error()
		var internal *engine.InternalError
		if errors.As(err, &internal) {
			t.Errorf("%v\n%s", err, internal.Stack)
		}
	} else {
		o.result = show(result)
		checkGone(t, passed)
	}
	if memory != nil {
		o.after = string(memory.Bytes())
	}
	return o
}

// checkGone checks that what the guest was given, and nothing that it was lent,
// is not to be used again. Dynamic values leave that to their user.
func checkGone(t *testing.T, passed []abi.Resource) {
	t.Helper()
	for _, r := range passed {
		if n, ok := r.Rep.Object.(*values.ExportedNode); ok {
			if gone := reflect.ValueOf(n).Elem().FieldByName("gone").Bool(); gone != r.Own {
				t.Errorf("a resource passed with own %v is gone: %v", r.Own, gone)
			}
		}
	}
}

// call calls x, by static or dynamic code.
func (all *callers) call(ctx context.Context, x *export, inst *engine.Instance, args []abi.Value, static bool) (abi.Value, error) {
	if !static {
		return x.dynamic.Call(ctx, inst, args...)
	}
	recv := x.caller
	if strings.HasPrefix(x.name, "[method]") {
		recv = reflect.ValueOf(args[0].(abi.Resource).Rep.Object)
	}
	method := recv.MethodByName(methodName(x.name))
	return invoke(ctx, method, x.dynamic.Type(), inst, args)
}

// newNode makes a resource of the guest, as value and, by static code, as object.
func (all *callers) newNode(ctx context.Context, inst *engine.Instance, static bool) (own abi.Resource, object any, err error) {
	if static {
		n, err := all.node.caller.Interface().(*values.ResourcesExport).NewExportedNode(ctx, inst, "a name")
		if err != nil {
			return own, nil, err
		}
		return abi.Resource{Rep: repOf(reflect.ValueOf(n))}, n, nil
	}
	v, err := all.call(ctx, all.node, inst, []abi.Value{"a name"}, false)
	if err != nil {
		return own, nil, err
	}
	return v.(abi.Resource), nil, nil
}

// check runs one case both ways.
func (c exportCase) check(t *testing.T, all [len(encodings)]*callers) {
	t.Helper()
	c.encoding %= byte(len(encodings))
	c.cut %= 3
	guest := all[c.encoding]
	x := &guest.funcs[int(c.fn)%len(guest.funcs)]
	dynamic, static := c.run(t, guest, x, false), c.run(t, guest, x, true)
	for _, p := range []struct{ what, static, dynamic string }{
		{"error", static.err, dynamic.err},
		{"result", static.result, dynamic.result},
		{"memory as the guest found it", static.seen, dynamic.seen},
		{"memory after the call", static.after, dynamic.after},
	} {
		switch {
		case p.static == p.dynamic:
		case strings.HasPrefix(p.what, "memory"):
			t.Errorf("%s: %s", p.what, difference(p.static, p.dynamic))
		default:
			t.Errorf("%s\n static %s\ndynamic %s", p.what, p.static, p.dynamic)
		}
	}
	if t.Failed() {
		t.Fatalf("function %s, case %+v", x.name, c)
	}
}

// difference says where two memories differ first.
func difference(static, dynamic string) string {
	for i := range min(len(static), len(dynamic)) {
		if static[i] != dynamic[i] {
			end := min(i+32, len(static), len(dynamic))
			return fmt.Sprintf("at %d static %x, dynamic %x", i, static[i:end], dynamic[i:end])
		}
	}
	return fmt.Sprintf("%d and %d bytes", len(static), len(dynamic))
}

func TestCallersAgreeWithCodec(t *testing.T) {
	all := newCallers(t)
	for i, f := range all[0].funcs {
		c := exportCase{fn: uint16(i)}
		t.Run(f.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			for k := range 6 {
				c.seed, c.encoding = r.Uint64(), byte(k)
				c.check(t, all)
				with := c
				with.realloc = byte(4 + k)
				with.check(t, all)
				with = c
				with.cut = byte(k/3) + 1
				with.check(t, all)
				with = c
				with.damage = damages(r)
				with.check(t, all)
			}
		})
	}
}

// FuzzCallersAgreeWithCodec calls an export of a guest by generated code, and on
// dynamic values.
func FuzzCallersAgreeWithCodec(f *testing.F) {
	all := newCallers(f)
	r := rand.New(rand.NewPCG(8, 8))
	for i := range all[0].funcs {
		f.Add(uint16(i), uint64(i), byte(i), byte(0), byte(0), damages(r))
	}
	f.Fuzz(func(t *testing.T, fn uint16, seed uint64, encoding, realloc, cut byte, damage []byte) {
		exportCase{fn, seed, encoding, realloc, cut, damage}.check(t, all)
	})
}
