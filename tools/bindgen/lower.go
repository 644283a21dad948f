package bindgen

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/godwit-runtime/godwit/engine/types"
)

// inst is the extra argument of functions that lower resources of a guest.
func (s *shape) inst() string {
	if s.guest {
		return ", inst"
	}
	return ""
}

func (s *shape) instParam() string {
	if s.guest {
		return ", inst *engine.Instance"
	}
	return ""
}

// bits is an expression for the unsigned integer of size bytes that a value of
// one flat integer or float becomes, or "" when it has more than that.
func (g *generator) bits(s *shape, v string) string {
	switch s.kind {
	case types.Bool:
		return "abi.LowerBool(" + v + ")"
	case types.U8, types.U16, types.U32, types.U64:
		return v
	case types.S8, types.S16, types.S32, types.S64:
		return fmt.Sprintf("uint%d(%s)", s.size*8, v)
	case types.F32, types.F64, types.Char:
		return "abi.Lower" + s.name + "(" + v + ")"
	case types.Flags:
		return maskFlags(s, fmt.Sprintf("uint%d(%s)", s.size*8, v))
	case types.Enum:
		return fmt.Sprintf("uint%d(abi.LowerCase(uint32(%s), %d))", s.size*8, v, len(s.wire.Labels))
	case types.Own, types.Borrow:
		return fmt.Sprintf("%s(cx, %s%s)", g.call(opLower, s), v, s.inst())
	}
	return ""
}

// storeInt prints the store of an unsigned integer.
func storeInt(w *printer, size uint32, ptr string, off uint32, v string) {
	if size == 1 {
		w.p("mem[%s] = %s", at(ptr, off), v)
		return
	}
	w.p("binary.LittleEndian.PutUint%d(mem[%s:], %s)", size*8, at(ptr, off), v)
}

// store prints the store of v, of shape s, at mem[ptr+off:]. Where it can call
// realloc it fetches mem anew.
func (g *generator) store(w *printer, s *shape, ptr string, off uint32, v string) {
	if n := g.bits(s, v); n != "" {
		storeInt(w, s.size, ptr, off, n)
		return
	}
	switch {
	case s.kind == types.String:
		w.p("mem = cx.StoreString(%s, %s)", at(ptr, off), v)
	case s.goType == "[]byte":
		w.p("mem = cx.StoreBytes(%s, %s)", at(ptr, off), v)
	case s.allocates:
		w.p("mem = %s(cx, mem, %s, %s%s)", g.call(opStore, s), at(ptr, off), v, s.inst())
	default:
		w.p("%s(cx, mem, %s, %s%s)", g.call(opStore, s), at(ptr, off), v, s.inst())
	}
}

var memName = regexp.MustCompile(`\bmem\b`)

// trimMem reports whether code reads mem; when it does not, it removes the
// assignments that fetch it anew.
func trimMem(code string) (text string, usesMem bool) {
	trimmed := strings.ReplaceAll(code, "mem = ", "")
	if memName.MatchString(trimmed) {
		return code, true
	}
	return trimmed, false
}

// lower prints the lowering of v, of shape s, to the flat values stack[i:].
func (g *generator) lower(w *printer, s *shape, stack string, i int, v string) {
	n := g.bits(s, v)
	switch {
	case s.kind == types.S8 || s.kind == types.S16:
		w.p("%s = uint64(uint32(%s))", slot(stack, i), v)
	case s.kind == types.U64:
		w.p("%s = %s", slot(stack, i), v)
	case n != "":
		w.p("%s = uint64(%s)", slot(stack, i), n)
	case s.kind == types.String:
		w.p("cx.LowerString(%s, %s)", slots(stack, i), v)
	case s.goType == "[]byte":
		w.p("cx.LowerBytes(%s, %s)", slots(stack, i), v)
	default:
		w.p("%s(cx, %s, %s%s)", g.call(opLower, s), slots(stack, i), v, s.inst())
	}
}

// printLower prints the function for a need of the lowering direction.
func (g *generator) printLower(w *printer, n need) {
	s, name := n.s, g.needed[n]
	switch {
	case s.kind == types.Own || s.kind == types.Borrow:
		g.printLowerHandle(w, name, s)
	case n.op == opAlloc:
		g.printAlloc(w, name, s)
	case n.op == opStore:
		result := ""
		if s.allocates {
			result = "[]byte "
		}
		w.p("func %s(cx *abi.Context, mem []byte, ptr uint32, v %s%s) %s{", name, s.goType, s.instParam(), result)
		g.printStoreBody(w, s)
		if s.allocates {
			w.p("return mem")
		}
		w.p("}\n")
	default:
		w.p("func %s(cx *abi.Context, stack []uint64, v %s%s) {", name, s.goType, s.instParam())
		g.printLowerBody(w, s)
		w.p("}\n")
	}
}

func (g *generator) printLowerHandle(w *printer, name string, s *shape) {
	kind := "Own"
	if s.kind == types.Borrow {
		kind = "Borrow"
	}
	w.p("func %s(cx *abi.Context, v %s%s) uint32 {", name, s.goType, s.instParam())
	if s.guest {
		w.p("if v == nil || v.gone || v.inst != inst {\nabi.TrapGone(%q)\n}", s.named.wirePath())
		if kind == "Own" {
			w.p("v.gone = true")
		}
		w.p("return cx.Handles.Lower%s(v.export.%s, v.rep)", kind, s.named.typeVar)
	} else {
		w.p("if v == nil {\nabi.TrapGone(%q)\n}", s.named.wirePath())
		w.p("return cx.Handles.Lower%s(%s, abi.Rep{Object: v})", kind, g.qualify(s.named, s.named.typeVar))
	}
	w.p("}\n")
}

// printAlloc prints the function that lowers a list into fresh memory.
func (g *generator) printAlloc(w *printer, name string, s *shape) {
	e := s.elem
	w.p("func %s(cx *abi.Context, v %s%s) uint32 {", name, s.goType, s.instParam())
	w.p("list := cx.AllocateList(len(v), %d, %d)", e.size, e.align)
	var body printer
	g.store(&body, e, "ptr", 0, "v[i]")
	text, usesMem := trimMem(body.String())
	w.p("ptr := list")
	if usesMem {
		w.p("mem := cx.Memory.Bytes()")
	}
	w.p("for i := range v {")
	w.WriteString(text)
	w.p("ptr += %d", e.size)
	w.p("}\nreturn list\n}\n")
}

// put prints the lowering of one part of a composite; i is as in printParts.
type put func(p *shape, i int, v string)

// printStoreBody prints the stores of v's parts to mem[ptr:].
func (g *generator) printStoreBody(w *printer, s *shape) {
	switch s.kind {
	case types.List, types.Map:
		w.p("list := %s(cx, v%s)", g.call(opAlloc, s), s.inst())
		w.p("mem = cx.Memory.Bytes()")
		storeInt(w, 4, "ptr", 0, "list")
		storeInt(w, 4, "ptr", 4, "uint32(len(v))")
		return
	case types.FixedList:
		w.p("for i := range v {")
		g.store(w, s.elem, "ptr", 0, "v[i]")
		w.p("ptr += %d\n}", s.elem.size)
		return
	}
	disc := func(v string) { storeInt(w, s.discriminant, "ptr", 0, v) }
	g.printUnparts(w, s, disc, false, func(p *shape, i int, v string) {
		if p != nil {
			g.store(w, p, "ptr", s.offset(i), v)
		}
	})
}

// printLowerBody prints the lowering of v's parts to stack. Flat values behind
// a case's payload are zero.
func (g *generator) printLowerBody(w *printer, s *shape) {
	switch s.kind {
	case types.List, types.Map:
		w.p("stack[0] = uint64(%s(cx, v%s))", g.call(opAlloc, s), s.inst())
		w.p("stack[1] = uint64(len(v))")
		return
	case types.FixedList:
		w.p("for i := range v {")
		g.lower(w, s.elem, "stack", 0, "v[i]")
		w.p("stack = stack[%d:]\n}", s.elem.flat)
		return
	}
	disc := func(v string) { w.p("stack[0] = uint64(%s)", v) }
	g.printUnparts(w, s, disc, true, func(p *shape, i int, v string) {
		used := 1
		if p != nil {
			g.lower(w, p, "stack", s.flatOffset(i), v)
			used += p.flat
		}
		if i == payload && used < s.flat {
			w.p("clear(stack[%d:%d])", used, s.flat)
		}
	})
}

// printUnparts prints the lowering of every part of v: disc that of the
// discriminant, part that of a field or payload (p is nil when a case has none,
// which is of interest only when clears is set).
func (g *generator) printUnparts(w *printer, s *shape, disc func(v string), clears bool, part put) {
	switch s.kind {
	case types.Record, types.Tuple:
		for i, p := range s.fields {
			part(p, i, "v."+s.parts[i])
		}
	case types.Option:
		w.p("if v.Some {")
		disc("1")
		part(s.elem, payload, "v.Value")
		w.p("} else {")
		disc("0")
		part(nil, payload, "")
		w.p("}")
	case types.Result:
		w.p("if v.IsErr {")
		disc("1")
		part(s.err, payload, "v.Err")
		w.p("} else {")
		disc("0")
		part(s.ok, payload, "v.OK")
		w.p("}")
	case types.Variant:
		g.printUnvariant(w, s, disc, clears, part)
	}
}

func (g *generator) printUnvariant(w *printer, s *shape, disc func(v string), clears bool, part put) {
	disc(fmt.Sprintf("uint%d(abi.LowerCase(uint32(v.Tag), %d))", s.discriminant*8, len(s.fields)))
	if !s.hasPayload() {
		return
	}
	w.p("switch v.Tag {")
	for i, p := range s.fields {
		if p != nil {
			w.p("case %s:", g.qualify(s.named, s.named.cases[i]))
			part(p, payload, "v."+s.parts[i])
		}
	}
	if clears {
		w.p("default:")
		part(nil, payload, "")
	}
	w.p("}")
}
