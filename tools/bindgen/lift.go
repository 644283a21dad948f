package bindgen

import (
	"fmt"

	"github.com/godwit-runtime/godwit/engine/types"
)

// op is a direction of a generated function on a shape.
type op uint8

const (
	opLoad  op = iota // from memory (spec: load)
	opRange           // a list from its pointer and length (spec: load_list_from_range)
	opLift            // from flat values (spec: lift_flat)
	opStore           // into memory (spec: store)
	opAlloc           // a list into fresh memory (spec: store_list_into_range)
	opLower           // into flat values (spec: lower_flat)
)

var opNames = [...]string{opLoad: "load", opRange: "loadRange", opLift: "lift", opStore: "store", opAlloc: "alloc", opLower: "lower"}

type need struct {
	op op
	s  *shape
}

// call returns the name of the function for op on s and makes sure that it is generated.
func (g *generator) call(o op, s *shape) string {
	n := need{o, s}
	name, ok := g.needed[n]
	if !ok {
		name = g.funcNames.pick(opNames[o] + s.name)
		g.needed[n] = name
		g.queue = append(g.queue, n)
	}
	return name
}

// from is the extra argument of functions that lift resources of a guest.
func (s *shape) from() string {
	if s.guest {
		return ", from"
	}
	return ""
}

func (s *shape) fromParam() string {
	if s.guest {
		return ", from guest"
	}
	return ""
}

// at prints ptr+off.
func at(ptr string, off uint32) string {
	if off == 0 {
		return ptr
	}
	return fmt.Sprintf("%s+%d", ptr, off)
}

// slot prints stack[i] or the like.
func slot(stack string, i int) string { return fmt.Sprintf("%s[%d]", stack, i) }

// slots prints stack[i:].
func slots(stack string, i int) string {
	if i == 0 {
		return stack
	}
	return fmt.Sprintf("%s[%d:]", stack, i)
}

// loadInt prints the load of an unsigned integer of size bytes.
func loadInt(size uint32, ptr string, off uint32) string {
	if size == 1 {
		return fmt.Sprintf("mem[%s]", at(ptr, off))
	}
	return fmt.Sprintf("binary.LittleEndian.Uint%d(mem[%s:])", size*8, at(ptr, off))
}

// load is an expression for the value of shape s at mem[ptr+off:].
func (g *generator) load(s *shape, ptr string, off uint32) string {
	n := loadInt(s.size, ptr, off)
	switch s.kind {
	case types.Bool:
		return n + " != 0"
	case types.U8, types.U16, types.U32, types.U64:
		return n
	case types.S8, types.S16, types.S32, types.S64:
		return s.goType + "(" + n + ")"
	case types.F32, types.F64, types.Char:
		return "abi.Lift" + s.name + "(" + n + ")"
	case types.String, types.List, types.Map:
		return g.loadRange(s, loadInt(4, ptr, off), loadInt(4, ptr, off+4), false)
	case types.Flags:
		return flagsExpr(s, n)
	case types.Enum, types.Own, types.Borrow:
		return g.liftInt(s, n)
	}
	return fmt.Sprintf("%s(cx, mem, %s%s)", g.call(opLoad, s), at(ptr, off), s.from())
}

// loadRange is an expression for a string or list at a range of memory. view
// makes a list<u8> a view instead of a copy.
func (g *generator) loadRange(s *shape, ptr, length string, view bool) string {
	switch {
	case s.kind == types.String:
		return fmt.Sprintf("cx.LoadStringFromRange(%s, %s)", ptr, length)
	case s.goType == "[]byte" && view:
		return fmt.Sprintf("cx.ViewBytes(%s, %s)", ptr, length)
	case s.goType == "[]byte":
		return fmt.Sprintf("cx.LoadBytes(%s, %s)", ptr, length)
	}
	return fmt.Sprintf("%s(cx, %s, %s%s)", g.call(opRange, s), ptr, length, s.from())
}

// lift is an expression for the value of shape s in the flat values stack[i:].
func (g *generator) lift(s *shape, stack string, i int, view bool) string {
	v := slot(stack, i)
	switch s.kind {
	case types.Bool:
		return "uint32(" + v + ") != 0"
	case types.U64:
		return v
	case types.U8, types.U16, types.U32, types.S8, types.S16, types.S32, types.S64:
		return s.goType + "(" + v + ")"
	case types.F64:
		return "abi.LiftF64(" + v + ")"
	case types.F32, types.Char:
		return "abi.Lift" + s.name + "(uint32(" + v + "))"
	case types.String, types.List, types.Map:
		return g.loadRange(s, "uint32("+v+")", "uint32("+slot(stack, i+1)+")", view)
	case types.Flags:
		return flagsExpr(s, v)
	case types.Enum, types.Own, types.Borrow:
		return g.liftInt(s, "uint32("+v+")")
	}
	return fmt.Sprintf("%s(cx, %s%s)", g.call(opLift, s), slots(stack, i), s.from())
}

// liftInt is an expression for an enum or handle of one integer.
func (g *generator) liftInt(s *shape, n string) string {
	if s.kind == types.Enum {
		return fmt.Sprintf("%s(abi.LiftCase(uint32(%s), %d))", s.goType, n, len(s.wire.Labels))
	}
	return fmt.Sprintf("%s(cx, %s%s)", g.call(opLift, s), n, s.from())
}

// flagsExpr is an expression for flags of one integer.
func flagsExpr(s *shape, n string) string { return s.goType + "(" + maskFlags(s, n) + ")" }

// maskFlags drops the bits without a label (spec: unpack_flags_from_int).
func maskFlags(s *shape, n string) string {
	labels := len(s.wire.Labels)
	if labels == flagBits(labels) {
		return n
	}
	return fmt.Sprintf("%s & %#x", n, uint64(1)<<labels-1)
}

// printLift prints the function for a need of the lifting direction.
func (g *generator) printLift(w *printer, n need) {
	s, name := n.s, g.needed[n]
	switch {
	case s.kind == types.Own || s.kind == types.Borrow:
		g.printLiftHandle(w, name, s)
	case n.op == opRange:
		g.printLoadRange(w, name, s)
	case n.op == opLoad:
		w.p("func %s(cx *abi.Context, mem []byte, ptr uint32%s) (v %s) {", name, s.fromParam(), s.goType)
		g.printLoadBody(w, s)
		w.p("return v\n}\n")
	default:
		w.p("func %s(cx *abi.Context, stack []uint64%s) (v %s) {", name, s.fromParam(), s.goType)
		g.printLiftBody(w, s)
		w.p("return v\n}\n")
	}
}

func (g *generator) printLiftHandle(w *printer, name string, s *shape) {
	kind := "Own"
	if s.kind == types.Borrow {
		kind = "Borrow"
	}
	w.p("func %s(cx *abi.Context, handle uint32%s) %s {", name, s.fromParam(), s.goType)
	if s.guest {
		u := s.named.unit
		w.p("rep := cx.Handles.Lift%s(from.%s.%s, handle)", kind, guestField(u), s.named.typeVar)
		w.p("return &%s{export: from.%s, inst: from.inst, rep: rep}", s.named.goName, guestField(u))
		w.p("}\n")
		return
	}
	w.p("v, ok := cx.Handles.Lift%s(%s, handle).Object.(%s)", kind, g.qualify(s.named, s.named.typeVar), s.goType)
	w.p("if !ok {\nabi.TrapObject(%q)\n}", s.named.wirePath())
	w.p("return v\n}\n")
}

func (g *generator) printLoadRange(w *printer, name string, s *shape) {
	w.p("func %s(cx *abi.Context, ptr, length uint32%s) %s {", name, s.fromParam(), s.goType)
	w.p("cx.CheckList(ptr, length, %d, %d)", s.elem.size, s.elem.align)
	w.p("if length == 0 { return nil }")
	w.p("mem := cx.Memory.Bytes()")
	w.p("v := make(%s, length)", s.goType)
	w.p("for i := range v {")
	w.p("v[i] = %s", g.load(s.elem, "ptr", 0))
	w.p("ptr += %d", s.elem.size)
	w.p("}\nreturn v\n}\n")
}

// payload is the index of a variant's payload among the parts of a shape.
const payload = -1

// printLoadBody prints the load of a composite's parts from mem[ptr:].
func (g *generator) printLoadBody(w *printer, s *shape) {
	if s.kind == types.FixedList {
		w.p("for i := range v {")
		w.p("v[i] = %s", g.load(s.elem, "ptr", 0))
		w.p("ptr += %d\n}", s.elem.size)
		return
	}
	disc := ""
	if s.discriminant != 0 {
		disc = loadInt(s.discriminant, "ptr", 0)
	}
	g.printParts(w, s, disc, func(p *shape, i int) string { return g.load(p, "ptr", s.offset(i)) })
}

// printLiftBody prints the lift of a composite's parts from stack.
func (g *generator) printLiftBody(w *printer, s *shape) {
	if s.kind == types.FixedList {
		w.p("for i := range v {")
		w.p("v[i] = %s", g.lift(s.elem, "stack", 0, false))
		w.p("stack = stack[%d:]\n}", s.elem.flat)
		return
	}
	g.printParts(w, s, "stack[0]", func(p *shape, i int) string { return g.lift(p, "stack", s.flatOffset(i), false) })
}

// printParts prints the assignment of every part of v. get is an expression for
// field i of a record or tuple, or for the payload of a variant.
func (g *generator) printParts(w *printer, s *shape, disc string, get func(p *shape, i int) string) {
	switch s.kind {
	case types.Record, types.Tuple:
		for i, p := range s.fields {
			w.p("v.%s = %s", s.parts[i], get(p, i))
		}
	case types.Option:
		w.p("if abi.LiftCase(uint32(%s), 2) == 1 {\nv.Some = true", disc)
		w.p("v.Value = %s\n}", get(s.elem, payload))
	case types.Result:
		w.p("if abi.LiftCase(uint32(%s), 2) == 1 {\nv.IsErr = true", disc)
		if s.err != nil {
			w.p("v.Err = %s", get(s.err, payload))
		}
		if s.ok != nil {
			w.p("} else {\nv.OK = %s", get(s.ok, payload))
		}
		w.p("}")
	case types.Variant:
		w.p("v.Tag = %s(abi.LiftCase(uint32(%s), %d))", g.qualify(s.named, s.named.tag), disc, len(s.fields))
		if !s.hasPayload() {
			return
		}
		w.p("switch v.Tag {")
		for i, p := range s.fields {
			if p != nil {
				w.p("case %s:\nv.%s = %s", g.qualify(s.named, s.named.cases[i]), s.parts[i], get(p, payload))
			}
		}
		w.p("}")
	}
}
