package bindgen

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/wit"
)

const (
	maxFlatParams  = 16 // spec: MAX_FLAT_PARAMS
	maxFlatResults = 1  // spec: MAX_FLAT_RESULTS
)

// funcShape is a function as the canonical ABI sees it (spec: flatten_functype).
type funcShape struct {
	*function
	sig     *signature
	params  []*shape
	tuple   *shape // of the parameters in memory
	flat    int    // number of flat parameters before spilling
	spilled bool   // the parameters are in memory
	result  *shape // the whole result, nil when there is none
	out     bool   // the result is in memory
}

func (g *generator) funcShape(fn *function) (*funcShape, error) {
	f := &funcShape{function: fn, tuple: &shape{}}
	var err error
	if f.sig, err = g.signature(fn); err != nil {
		return nil, err
	}
	f.tuple.align = 1
	for _, p := range fn.def.Params {
		s, err := g.shape(fn.unit, p.Type)
		if err != nil {
			return nil, err
		}
		f.params = append(f.params, s)
		f.flat += s.flat
		f.tuple.size = alignTo(f.tuple.size, s.align) + s.size
		f.tuple.align = max(f.tuple.align, s.align)
	}
	f.tuple.fields = f.params
	f.tuple.size = alignTo(f.tuple.size, f.tuple.align)
	f.spilled = f.flat > maxFlatParams
	if fn.def.Result != nil {
		if f.result, err = g.shape(fn.unit, fn.def.Result); err != nil {
			return nil, err
		}
		f.out = f.result.flat > maxFlatResults
	}
	return f, nil
}

// linkImports prints a unit's Link function, its shims and the types of its functions.
func (g *generator) linkImports(w *printer, u *unit) error {
	var funcs []*funcShape
	for _, fn := range u.bindings {
		f, err := g.funcShape(fn)
		if err != nil {
			return fmt.Errorf("%s: %w", u.wireOf(fn.def), err)
		}
		funcs = append(funcs, f)
	}
	if err := g.printLink(w, u, funcs); err != nil {
		return err
	}
	if len(funcs) > 0 {
		w.p("var (")
		for _, f := range funcs {
			w.p("func%s = %s", f.ident, g.funcType(f, nil))
		}
		w.p(")\n")
	}
	for _, f := range funcs {
		g.printShim(w, f)
	}
	return nil
}

// printLink prints the function that defines a unit's interface in a Linker.
func (g *generator) printLink(w *printer, u *unit, funcs []*funcShape) error {
	name := u.wire
	if name == "" {
		name = "the root of world " + u.world.Name
	}
	param := ""
	if u.host != "" {
		param = ", host func(cx *abi.Context) " + u.host
		w.p("// %s defines %s in l. On each call of a function that is not a method,", u.link, name)
		w.p("// host picks the implementation for the calling instance.")
	} else {
		w.p("// %s defines %s in l.", u.link, name)
	}
	w.p("func %s(l *engine.Linker%s) error {", u.link, param)
	w.p("return l.Define(&engine.HostInterface{\nName: %q,", u.wire)
	if err := g.printLinkTypes(w, u); err != nil {
		return err
	}
	if len(funcs) > 0 {
		w.p("Funcs: []engine.HostFunc{")
		for _, f := range funcs {
			call := "import" + f.ident
			if f.def.Kind != wit.Method {
				call = fmt.Sprintf("func(cx *abi.Context, stack []uint64) { import%s(cx, host(cx), stack) }", f.ident)
			}
			w.p("{Name: %q, Type: func%s, Call: %s},", f.wire, f.ident, call)
		}
		w.p("},")
	}
	w.p("})\n}\n")
	return nil
}

// printLinkTypes prints the resources and types of a unit, used ones included:
// a component may refer to either through this interface.
func (g *generator) printLinkTypes(w *printer, u *unit) error {
	var resources, named printer
	for _, def := range u.types {
		n, err := g.lookup(u, origin(def))
		if err == nil && n.def.Type.Kind == wit.KindResource {
			goType := g.qualify(n, n.goName)
			resources.p("{Name: %q, Type: %s, Drop: func(ctx context.Context, object any) { object.(%s).Drop(ctx) }},", def.Name, g.qualify(n, n.typeVar), goType)
			continue
		}
		s, err := g.shape(u, &wit.Type{Kind: wit.KindRef, Def: def})
		if err != nil {
			return fmt.Errorf("%s: type %s: %w", u.goName, def.Name, err)
		}
		named.p("{Name: %q, Type: %s},", def.Name, g.typeVar(s, nil))
	}
	if resources.Len() > 0 {
		w.p("Resources: []engine.HostResource{\n%s},", resources.String())
	}
	if named.Len() > 0 {
		w.p("Types: []engine.HostType{\n%s},", named.String())
	}
	return nil
}

// printShim prints the function that a guest's import calls.
func (g *generator) printShim(w *printer, f *funcShape) {
	host := ""
	if f.def.Kind != wit.Method {
		host = "host " + f.unit.host + ", "
	}
	w.p("// import%s is the host's side of %s (spec: canon_lower).", f.ident, f.unit.wireOf(f.def))
	w.p("func import%s(cx *abi.Context, %sstack []uint64) {", f.ident, host)
	args := g.printLiftParams(w, f)
	recv := "host"
	if f.def.Kind == wit.Method {
		recv, args = args[0], args[1:]
	}
	rets := "err"
	if f.sig.result != "" {
		rets = "ret, err"
	}
	w.p("%s := %s.%s(%s)", rets, recv, f.goName, strings.Join(append([]string{"cx.Ctx"}, args...), ", "))
	if f.split {
		g.printSplitResult(w, f)
	} else {
		w.p("if err != nil {\nabi.TrapHost(err, %q)\n}", f.unit.wireOf(f.def))
		if f.result != nil {
			var body printer
			if f.out {
				g.storeLast(&body, f.result, 0, "ret")
			} else {
				g.lower(&body, f.result, "stack", 0, "ret")
			}
			_, usesMem := trimMem(body.String())
			g.printOutPointer(w, f, usesMem)
			w.WriteString(body.String())
		}
	}
	w.p("}\n")
}

// printLiftParams prints the lifting of every parameter (spec: lift_flat_values)
// and returns the names of the variables.
func (g *generator) printLiftParams(w *printer, f *funcShape) []string {
	var args []string
	if f.spilled {
		w.p("mem, ptr := cx.Memory.Bytes(), uint32(stack[0])")
		w.p("cx.CheckRange(ptr, %d, %d)", f.tuple.size, f.tuple.align)
	}
	for i, s := range f.params {
		name := f.function.params[i]
		if i == 0 && f.def.Kind == wit.Method {
			name = "self"
		}
		args = append(args, name)
		switch {
		case f.spilled && s.goType == "[]byte":
			off := f.tuple.offset(i)
			w.p("%s := %s", name, g.loadRange(s, loadInt(4, "ptr", off), loadInt(4, "ptr", off+4), true))
		case f.spilled:
			w.p("%s := %s", name, g.load(s, "ptr", f.tuple.offset(i)))
		default:
			w.p("%s := %s", name, g.lift(s, "stack", f.tuple.flatOffset(i), true))
		}
	}
	return args
}

// printOutPointer prints the check of the pointer to where the result goes.
func (g *generator) printOutPointer(w *printer, f *funcShape, usesMem bool) {
	if !f.out {
		return
	}
	n, assign := f.flat, ":="
	if f.spilled {
		n, assign = 1, "="
	}
	w.p("ptr %s uint32(stack[%d])", assign, n)
	w.p("cx.CheckRange(ptr, %d, %d)", f.result.size, f.result.align)
	if usesMem {
		w.p("mem %s cx.Memory.Bytes()", assign)
	}
}

// printSplitResult prints the lowering of a result that is a value and an error.
func (g *generator) printSplitResult(w *printer, f *funcShape) {
	r := f.result
	g.printOutPointer(w, f, true)
	w.p("if err != nil {")
	failed := "e"
	if !f.sig.errOwn {
		failed = "e.Value"
	}
	if r.err == nil {
		w.p("abi.AsError[%s](err, %q)", f.sig.errName, f.unit.wireOf(f.def))
	} else {
		w.p("e := abi.AsError[%s](err, %q)", f.sig.errName, f.unit.wireOf(f.def))
	}
	if !f.out {
		w.p("stack[0] = 1\nreturn\n}\nstack[0] = 0")
		return
	}
	w.p("mem[ptr] = 1")
	if r.err != nil {
		g.storeLast(w, r.err, r.payloadAt, failed)
	}
	w.p("return\n}\nmem[ptr] = 0")
	if r.ok != nil {
		g.storeLast(w, r.ok, r.payloadAt, "ret")
	}
}

// storeLast prints a store after which mem is not needed.
func (g *generator) storeLast(w *printer, s *shape, off uint32, v string) {
	var b printer
	g.store(&b, s, "ptr", off, v)
	w.WriteString(strings.TrimPrefix(b.String(), "mem = "))
}
