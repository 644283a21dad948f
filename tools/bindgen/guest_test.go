package bindgen_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/engine/types"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// This file makes a component that exports world everything. Its core functions
// show the host what they were called with, in memory, and return what the
// host, meanwhile, put there.

// Where the guest keeps what, in its memory of one page times guestPages.
const (
	guestPages   = 4
	argsAt       = 64     // flat parameters, eight bytes each
	flatResultAt = 256    // flat result
	handlesAt    = 272    // of freshHandles new resources
	logAt        = 1024   // calls of realloc, four words each
	heapAt       = 32768  // what realloc gives out
	answersAt    = 131072 // for the host to put results
	memoryEnd    = guestPages * 65536

	freshHandles = 8
	firstRep     = 900
)

// The core functions of every guest. reset(n, delta) makes memory as new and
// realloc add delta to the n-th answer.
const guestCore = `
  (memory (export "memory") %d)
  (global $next (mut i32) (i32.const 0))
  (global $log (mut i32) (i32.const 0))
  (global $bad (mut i32) (i32.const 0))
  (global $delta (mut i32) (i32.const 0))
  (func (export "reset") (param i32 i32)
    (memory.fill (i32.const 0) (i32.const 0) (i32.mul (memory.size) (i32.const 65536)))
    (global.set $next (i32.const %d))
    (global.set $log (i32.const %d))
    (global.set $bad (local.get 0))
    (global.set $delta (local.get 1)))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local i32)
    (i32.store (global.get $log) (local.get 0))
    (i32.store offset=4 (global.get $log) (local.get 1))
    (i32.store offset=8 (global.get $log) (local.get 2))
    (i32.store offset=12 (global.get $log) (local.get 3))
    (global.set $log (i32.add (global.get $log) (i32.const 16)))
    (local.set 4 (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get 4) (local.get 3)))
    (memory.copy (local.get 4) (local.get 0) (local.get 1))
    (global.set $bad (i32.sub (global.get $bad) (i32.const 1)))
    (if (i32.eqz (global.get $bad)) (then (local.set 4 (i32.add (local.get 4) (global.get $delta)))))
    (local.get 4))
`

// guestText is a component that exports each of hosts, with strings in encoding.
func guestText(encoding string, hosts ...*engine.HostInterface) string {
	var b strings.Builder
	b.WriteString("(component\n  (import \"probe\" (func $probe))\n")
	for i, hi := range hosts {
		fmt.Fprintf(&b, "  (component $C%d\n    (import \"probe\" (func $probe))\n", i)
		writeGuest(&b, encoding, hi)
		fmt.Fprintf(&b, "  )\n  (instance $c%d (instantiate $C%d (with \"probe\" (func $probe))))\n  (export %q (instance $c%d))\n", i, i, hi.Name, i)
	}
	b.WriteString(")\n")
	return b.String()
}

// writeGuest writes the inside of the component that exports hi.
func writeGuest(b *strings.Builder, encoding string, hi *engine.HostInterface) {
	b.WriteString("    (core module $mem " + fmt.Sprintf(guestCore, guestPages, heapAt, logAt) + ")\n")
	b.WriteString("    (core instance $mem (instantiate $mem))\n")
	fmt.Fprintf(b, "    (core func $probe' (canon lower (func $probe) (memory (core memory $mem \"memory\"))))\n")
	names := map[any]string{}
	news := "    (core module $none (func (export \"new\") (param i32) (result i32) unreachable))\n    (core instance $none (instantiate $none))\n    (alias core export $none \"new\" (core func $new))\n"
	for _, r := range hi.Resources {
		fmt.Fprintf(b, "    (type $%s' (resource (rep i32)))\n", r.Name)
		news = fmt.Sprintf("    (core func $new (canon resource.new $%s'))\n", r.Name)
		fmt.Fprintf(b, "    (export $%s %q (type $%s'))\n", r.Name, r.Name, r.Name)
		names[r.Type] = "$" + r.Name
	}
	b.WriteString(news)
	for _, t := range hi.Types {
		if names[t.Type] != "" {
			continue
		}
		fmt.Fprintf(b, "    (type $%s' %s)\n    (export $%s %q (type $%s'))\n", t.Name, watType(names, t.Type), t.Name, t.Name, t.Name)
		names[t.Type] = "$" + t.Name
	}
	b.WriteString("    (core module $m\n      (import \"\" \"probe\" (func $probe))\n      (import \"\" \"new\" (func $new (param i32) (result i32)))\n      (import \"mem\" \"memory\" (memory 1))\n")
	for i, f := range hi.Funcs {
		writeCoreFunc(b, i, f.Type, len(hi.Resources) > 0)
	}
	b.WriteString("    )\n    (core instance $m (instantiate $m (with \"mem\" (instance $mem)) (with \"\" (instance (export \"probe\" (func $probe')) (export \"new\" (func $new))))))\n")
	for i, f := range hi.Funcs {
		fmt.Fprintf(b, "    (func (export %q)", f.Name)
		for _, p := range f.Type.Params {
			fmt.Fprintf(b, " (param %q %s)", p.Name, watRef(names, p.Type))
		}
		if f.Type.Result != nil {
			fmt.Fprintf(b, " (result %s)", watRef(names, f.Type.Result))
		}
		fmt.Fprintf(b, " (canon lift (core func $m \"f%d\") (memory (core memory $mem \"memory\")) (realloc (core func $mem \"realloc\")) string-encoding=%s))\n", i, encoding)
	}
	b.WriteString("    (func (export \"reset\") (param \"n\" u32) (param \"delta\" u32) (canon lift (core func $mem \"reset\")))\n")
}

// writeCoreFunc writes the core function of an export.
func writeCoreFunc(b *strings.Builder, n int, ft *types.Func, fresh bool) {
	core := abi.FlattenFunc(ft, abi.Lift)
	fmt.Fprintf(b, "      (func (export \"f%d\")", n)
	for _, p := range core.Params {
		fmt.Fprintf(b, " (param %s)", p)
	}
	for _, r := range core.Results {
		fmt.Fprintf(b, " (result %s)", r)
	}
	for i, p := range core.Params {
		fmt.Fprintf(b, "\n        (%s.store (i32.const %d) (local.get %d))", p, argsAt+8*i, i)
	}
	for i := range freshHandles {
		if fresh {
			fmt.Fprintf(b, "\n        (i32.store (i32.const %d) (call $new (i32.const %d)))", handlesAt+4*i, firstRep+i)
		}
	}
	b.WriteString("\n        (call $probe)")
	for _, r := range core.Results {
		fmt.Fprintf(b, "\n        (%s.load (i32.const %d))", r, flatResultAt)
	}
	b.WriteString(")\n")
}

// watRef is t in the text format, by name where it has one.
func watRef(names map[any]string, t *types.Type) string {
	if n := names[t]; n != "" {
		return n
	}
	return watType(names, t)
}

// watType is the definition of t in the text format.
//
//godwit:dispatch
func watType(names map[any]string, t *types.Type) string {
	var b strings.Builder
	ref := func(t *types.Type) string { return watRef(names, t) }
	switch t.Kind {
	case types.List:
		return "(list " + ref(t.Elem) + ")"
	case types.FixedList:
		return fmt.Sprintf("(list %s %d)", ref(t.Elem), t.Len)
	case types.Map:
		return "(map " + ref(t.Key) + " " + ref(t.Elem) + ")"
	case types.Option:
		return "(option " + ref(t.Elem) + ")"
	case types.Own:
		return "(own " + names[t.Resource] + ")"
	case types.Borrow:
		return "(borrow " + names[t.Resource] + ")"
	case types.Result:
		b.WriteString("(result")
		if t.OK != nil {
			b.WriteString(" " + ref(t.OK))
		}
		if t.Err != nil {
			b.WriteString(" (error " + ref(t.Err) + ")")
		}
	case types.Tuple:
		b.WriteString("(tuple")
		for _, f := range t.Fields {
			b.WriteString(" " + ref(f.Type))
		}
	case types.Record:
		b.WriteString("(record")
		for _, f := range t.Fields {
			fmt.Fprintf(&b, " (field %q %s)", f.Name, ref(f.Type))
		}
	case types.Variant:
		b.WriteString("(variant")
		for _, c := range t.Cases {
			fmt.Fprintf(&b, " (case %q", c.Name)
			if c.Type != nil {
				b.WriteString(" " + ref(c.Type))
			}
			b.WriteString(")")
		}
	case types.Enum, types.Flags:
		b.WriteString(map[types.Kind]string{types.Enum: "(enum", types.Flags: "(flags"}[t.Kind])
		for _, l := range t.Labels {
			fmt.Fprintf(&b, " %q", l)
		}
	default:
		return t.String()
	}
	return b.String() + ")"
}

// guest is a linked component as guestText makes it, and what its functions are called with.
type guest struct {
	linked *engine.Linked
	reset  map[string]*engine.Func // by interface
	// probe is called by every function of the guest with its memory.
	probe func(cx *abi.Context)
}

func newGuest(t testing.TB, e *engine.Engine, encoding string, hosts ...*engine.HostInterface) *guest {
	t.Helper()
	text := guestText(encoding, hosts...)
	b, err := wat.Assemble("guest.wat", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	c, err := e.Compile(t.Context(), b)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	g := &guest{reset: map[string]*engine.Func{}}
	l := e.NewLinker()
	probe := engine.HostFunc{Name: "probe", Type: &types.Func{}, Call: func(cx *abi.Context, _ []uint64) { g.probe(cx) }}
	if err := l.Define(&engine.HostInterface{Funcs: []engine.HostFunc{probe}}); err != nil {
		t.Fatal(err)
	}
	if g.linked, err = l.Link(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, hi := range hosts {
		g.reset[hi.Name] = g.find(t, hi.Name, "reset")
	}
	return g
}

func (g *guest) find(t testing.TB, iface, name string) *engine.Func {
	t.Helper()
	x, err := g.linked.Interface(iface)
	if err != nil {
		t.Fatal(err)
	}
	f, err := x.Func(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (g *guest) instantiate(t testing.TB) *engine.Instance {
	t.Helper()
	inst, err := g.linked.Instantiate(t.Context(), engine.InstanceConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

// methodNames are the generated methods whose names do not follow from WIT by
// upper case alone.
var methodNames = map[string]string{
	"[constructor]node": "NewExportedNode",
	"[static]node.find": "ExportedNodeFind",
	"[method]node.drop": "DropMethod",
}

// methodName is the name of the generated method for a function.
func methodName(wit string) string {
	if n, ok := methodNames[wit]; ok {
		return n
	}
	wit = strings.TrimPrefix(wit, "[method]node.")
	var b strings.Builder
	for word := range strings.SplitSeq(wit, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// invoke calls a generated method and returns its Go results as dynamic values.
func invoke(ctx context.Context, method reflect.Value, ft *types.Func, inst *engine.Instance, args []abi.Value) (abi.Value, error) {
	in := []reflect.Value{reflect.ValueOf(ctx)}
	at := 0
	if method.Type().NumIn() > 1 && method.Type().In(1) == reflect.TypeFor[*engine.Instance]() {
		in = append(in, reflect.ValueOf(inst))
	} else {
		at = 1 // self is the receiver
	}
	for i := at; i < len(args); i++ {
		a := reflect.New(method.Type().In(len(in))).Elem()
		toGo(ft.Params[i].Type, args[i], a)
		in = append(in, a)
	}
	out := method.Call(in)
	err, _ := out[len(out)-1].Interface().(error)
	switch r := ft.Result; {
	case r == nil:
		return nil, err
	case r.Kind == types.Result:
		var ok reflect.Value
		if len(out) > 1 {
			ok = out[0]
		}
		if v := splitValue(r, ok, err); v != nil {
			return v, nil
		}
		return nil, err
	case err != nil:
		return nil, err
	default:
		return fromGo(r, out[0]), nil
	}
}
