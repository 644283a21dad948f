package bindgen

import (
	"fmt"
	"strings"

	"github.com/godwit-runtime/godwit/wit"
)

// exportUnits are the export units that declare resources: the fields of guest.
func (g *generator) exportUnits() []*unit {
	var units []*unit
	for _, u := range g.out.units {
		if len(u.guestResources()) > 0 {
			units = append(units, u)
		}
	}
	return units
}

// guestResources are the resources that a unit's guest implements.
func (u *unit) guestResources() []*named {
	var res []*named
	for _, n := range u.declared {
		if n.guest() {
			res = append(res, n)
		}
	}
	return res
}

// guestField is the field of guest, and of callers that need it, with u's caller.
func guestField(u *unit) string { return unexport(u.goName) + "Export" }

// printGuest prints the type that says where lifted resources live.
func (g *generator) printGuest(w *printer) {
	units := g.exportUnits()
	if len(units) == 0 {
		return
	}
	w.p("// guest is the instance that a call was made on, and the callers of the")
	w.p("// resources that it may return.")
	w.p("type guest struct {\ninst *engine.Instance")
	for _, u := range units {
		w.p("%s *%s", guestField(u), u.caller)
	}
	w.p("}\n")
}

// linkExports prints a unit's caller: the struct, its Find function, its
// methods and the resources of the guest.
func (g *generator) linkExports(w *printer, u *unit) error {
	var funcs []*funcShape
	for _, fn := range u.bindings {
		f, err := g.funcShape(fn)
		if err != nil {
			return fmt.Errorf("%s: %w", u.wireOf(fn.def), err)
		}
		funcs = append(funcs, f)
	}
	g.findNeeds(u, funcs)
	g.printCaller(w, u, funcs)
	g.printFind(w, u, funcs)
	for _, n := range u.guestResources() {
		g.printGuestResource(w, u, n)
	}
	for _, f := range funcs {
		g.printCall(w, f)
	}
	return nil
}

// findNeeds finds the other units whose guest resources u's functions mention.
func (g *generator) findNeeds(u *unit, funcs []*funcShape) {
	seen := make(map[*shape]bool)
	has := make(map[*unit]bool)
	var visit func(s *shape)
	visit = func(s *shape) {
		if s == nil || seen[s] || !s.guest {
			return
		}
		seen[s] = true
		if s.named != nil && s.named.guest() {
			has[s.named.unit] = true
		}
		for _, p := range append([]*shape{s.elem, s.ok, s.err}, s.fields...) {
			visit(p)
		}
	}
	for _, f := range funcs {
		for _, p := range append([]*shape{f.result}, f.params...) {
			visit(p)
		}
	}
	for _, other := range g.out.units {
		if other != u && has[other] {
			u.needs = append(u.needs, other)
		}
	}
}

func (g *generator) printCaller(w *printer, u *unit, funcs []*funcShape) {
	what := "calls what a guest exports as " + u.wire
	if u.wire == "" {
		what = "calls the functions that a guest of world " + u.world.Name + " exports at its root"
	}
	w.p("// %s %s. It serves every instance of the component that it was found in.", u.caller, what)
	if docs := strings.TrimSpace(u.docs); docs != "" {
		w.p("//")
		w.docs(docs, "")
	}
	w.p("type %s struct {", u.caller)
	for _, n := range u.guestResources() {
		w.p("%s *types.Resource", n.typeVar)
	}
	for _, other := range u.needs {
		w.p("%s *%s", guestField(other), other.caller)
	}
	for _, f := range funcs {
		w.p("%s *engine.Func", f.field())
	}
	w.p("}\n")
}

// field is the caller's field with the engine's function.
func (f *function) field() string { return "func" + f.ident }

// resource is the expression, within a Find function, for a guest resource's identity.
func (l *locals) resource(n *named) string {
	if n.unit == l.unit {
		return "x." + n.typeVar
	}
	return "x." + guestField(n.unit) + "." + n.typeVar
}

func (g *generator) printFind(w *printer, u *unit, funcs []*funcShape) {
	w.p("// %s finds the export in a component and checks the types of its functions.", u.find)
	w.p("func %s(l *engine.Linked) (*%s, error) {", u.find, u.caller)
	w.p("exported, err := l.Interface(%q)", u.wire)
	w.p("if err != nil { return nil, err }")
	w.p("x := &%s{}", u.caller)
	for _, n := range u.guestResources() {
		w.p("if x.%s, err = exported.Resource(%q); err != nil { return nil, err }", n.typeVar, n.def.Name)
	}
	for _, other := range u.needs {
		w.p("if x.%s, err = %s(l); err != nil { return nil, err }", guestField(other), other.find)
	}
	l := &locals{w: w, unit: u, has: make(map[*shape]bool)}
	for _, f := range funcs {
		typ := g.funcType(f, l)
		w.p("if x.%s, err = exported.Func(%q, %s); err != nil { return nil, err }", f.field(), f.wire, typ)
	}
	w.p("return x, nil\n}\n")
	if len(u.guestResources())+len(u.needs) == 0 {
		return
	}
	w.p("func (x *%s) guest(inst *engine.Instance) guest {", u.caller)
	w.p("return guest{inst: inst,")
	if len(u.guestResources()) > 0 {
		w.p("%s: x,", guestField(u))
	}
	for _, other := range u.needs {
		w.p("%s: x.%s,", guestField(other), guestField(other))
	}
	w.p("}\n}\n")
}

// printGuestResource prints the Go type of a resource that a guest implements.
func (g *generator) printGuestResource(w *printer, u *unit, n *named) {
	w.docsOf(n.goName, "the resource "+n.wirePath()+" of a guest. It belongs to the instance that\n// returned it and must be dropped, or passed on where the guest takes ownership", n.def.Docs)
	w.p("type %s struct {", n.goName)
	w.p("export *%s\ninst *engine.Instance\nrep abi.Rep\ngone bool // dropped or passed on\n}\n", u.caller)
	w.p("// Drop runs the guest's destructor. It does nothing when the resource was dropped or passed on.")
	w.p("func (r *%s) Drop(ctx context.Context) error {", n.goName)
	w.p("if r.gone { return nil }")
	w.p("r.gone = true")
	w.p("return r.inst.DropResource(ctx, r.export.%s, r.rep)\n}\n", n.typeVar)
}

// printCall prints the method that calls an exported function.
func (g *generator) printCall(w *printer, f *funcShape) {
	u := f.unit
	method := f.def.Kind == wit.Method
	results := "(err error)"
	if f.sig.result != "" {
		results = "(ret " + f.sig.result + ", err error)"
	}
	switch {
	case strings.TrimSpace(f.def.Docs) != "":
		w.docs(f.def.Docs, "")
	case f.split:
		w.p("// %s calls %s; its error result is %s, any other error is a trap or a failed call.", f.goName, f.wire, withArticle(f.sig.errName))
	default:
		w.p("// %s calls %s.", f.goName, f.wire)
	}
	fail := "err"
	if f.sig.result != "" {
		fail = "ret, err"
	}
	if method {
		w.p("func (r *%s) %s(%s) %s {", f.res.goName, f.goName, f.sig.params, results)
		w.p("if r.gone { return %s }", strings.TrimSuffix(fail, "err")+fmt.Sprintf("abi.GoneError(%q)", f.res.wirePath()))
		w.p("x, inst := r.export, r.inst")
	} else {
		params := strings.Replace(f.sig.params, "ctx context.Context", "ctx context.Context, inst *engine.Instance", 1)
		w.p("func (x *%s) %s(%s) %s {", u.caller, f.goName, params, results)
	}
	w.p("call, err := x.%s.Enter(ctx, inst)", f.field())
	w.p("if err != nil { return %s }", fail)
	w.p("defer call.Exit(&err)")
	g.printLowerParams(w, f)
	w.p("call.Run()")
	g.printLiftResult(w, f)
	w.p("call.PostReturn()")
	w.p("return %s\n}\n", fail)
}

// printLowerParams prints the lowering of every parameter (spec: lower_flat_values).
func (g *generator) printLowerParams(w *printer, f *funcShape) {
	usesStack := len(f.params) > 0 || f.result != nil
	usesContext := f.spilled || f.out || f.result != nil && g.needsContext(f.result)
	for _, s := range f.params {
		usesContext = usesContext || g.needsContext(s)
	}
	if usesContext {
		w.p("cx := call.Context()")
	}
	if usesStack {
		w.p("stack := call.Stack()")
	}
	if f.spilled {
		w.p("ptr := cx.Allocate(%d, %d)", f.tuple.size, f.tuple.align)
	}
	var stores printer
	for i, s := range f.params {
		name := f.function.params[i]
		if i == 0 && f.def.Kind == wit.Method {
			name = "r"
		}
		if f.spilled {
			g.store(&stores, s, "ptr", f.tuple.offset(i), name)
		} else {
			g.lower(w, s, "stack", f.tuple.flatOffset(i), name)
		}
	}
	if f.spilled {
		text, usesMem := trimMem(stores.String())
		if usesMem {
			w.p("mem := cx.Memory.Bytes()")
		}
		w.WriteString(text)
		w.p("stack[0] = uint64(ptr)")
	}
}

// needsContext reports whether lifting or lowering s on the stack mentions cx.
func (g *generator) needsContext(s *shape) bool {
	return g.bits(s, "v") == "" || s.named != nil && (s.named.def.Type.Kind == wit.KindResource)
}

// printLiftResult prints the lifting of the result.
func (g *generator) printLiftResult(w *printer, f *funcShape) {
	r := f.result
	if r == nil {
		return
	}
	if r.guest {
		w.p("from := x.guest(inst)")
	}
	value := ""
	if f.out {
		w.p("out := uint32(stack[0])")
		w.p("cx.CheckRange(out, %d, %d)", r.size, r.align)
		value = g.load(r, "out", 0)
		if memName.MatchString(value) {
			w.p("resultMem := cx.Memory.Bytes()")
			value = memName.ReplaceAllString(value, "resultMem")
		}
	} else {
		value = g.lift(r, "stack", 0, false)
	}
	if !f.split {
		w.p("ret = %s", value)
		return
	}
	w.p("result := %s", value)
	failed := "result.Err"
	if !f.sig.errOwn {
		failed = f.sig.errName + "{Value: result.Err}"
	}
	w.p("if result.IsErr {\nerr = %s", failed)
	if r.ok != nil {
		w.p("} else {\nret = result.OK")
	}
	w.p("}")
}
