package bindgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/godwit-runtime/godwit/wit"
)

// lookup finds the Go declaration that def means in unit u.
func (g *generator) lookup(u *unit, def *wit.TypeDef) (*named, error) {
	def = followUses(def)
	s := importSide
	if u.side == exportSide && def.Interface != nil && (def.Interface == u.iface || u.plan.unitOf(def.Interface, exportSide) != nil) {
		s = exportSide
	}
	if n := u.plan.named[namedKey{def, s}]; n != nil {
		return n, nil
	}
	if def.Interface != nil {
		p, err := g.planFor(def.Interface.Package)
		if err != nil {
			return nil, err
		}
		if p != nil {
			if n := p.named[namedKey{def, importSide}]; n != nil {
				return n, nil
			}
			if n := p.named[namedKey{def, exportSide}]; n != nil {
				return n, nil
			}
		}
		return nil, fmt.Errorf("%s uses %s.%s of %s, for which there are no bindings: add it to Options.Bound", u.goName, def.Interface.Name, def.Name, packageID(def.Interface.Package))
	}
	return nil, fmt.Errorf("%s uses type %s, which no interface declares", u.goName, def.Name)
}

// qualify is the Go name of n as written in the generated package.
func (g *generator) qualify(n *named, name string) string {
	if n.unit.plan == g.out {
		return name
	}
	return g.packageName(n.unit.plan.target) + "." + name
}

// packageName is the name under which the generated package imports another.
func (g *generator) packageName(t Target) string {
	name := t.Package
	for _, other := range g.opts.Bound {
		if other.Package == t.Package && other.ImportPath < t.ImportPath {
			name += "2"
		}
	}
	return name
}

// goPrimitives are the Go types of the WIT types without structure.
var goPrimitives = map[wit.Kind]string{
	wit.KindBool: "bool", wit.KindS8: "int8", wit.KindU8: "uint8",
	wit.KindS16: "int16", wit.KindU16: "uint16", wit.KindS32: "int32",
	wit.KindU32: "uint32", wit.KindS64: "int64", wit.KindU64: "uint64",
	wit.KindF32: "float32", wit.KindF64: "float64", wit.KindChar: "rune",
	wit.KindString: "string",
}

// maxTuple is the largest N of abi.TupleN.
const maxTuple = 16

// goType is the Go type of t in unit u. A nil t is abi.Unit.
func (g *generator) goType(u *unit, t *wit.Type) (string, error) {
	if t == nil {
		return "abi.Unit", nil
	}
	if p, ok := goPrimitives[t.Kind]; ok {
		return p, nil
	}
	switch t.Kind {
	case wit.KindRef, wit.KindOwn, wit.KindBorrow:
		n, err := g.lookup(u, t.Def)
		if err != nil {
			return "", err
		}
		name := g.qualify(n, n.goName)
		if r, err := g.lookup(u, origin(t.Def)); err == nil && r.guest() {
			name = "*" + name
		}
		return name, nil
	case wit.KindAlias:
		if t.Elem != nil {
			return g.goType(u, t.Elem)
		}
		return g.goType(u, &wit.Type{Kind: wit.KindOwn, Def: t.Def})
	case wit.KindList:
		if t.Elem.Kind == wit.KindU8 {
			return "[]byte", nil
		}
		return g.generic(u, "[]", t.Elem)
	case wit.KindFixedList:
		return g.generic(u, "["+strconv.FormatUint(uint64(t.Len), 10)+"]", t.Elem)
	case wit.KindOption:
		return g.generic(u, "abi.Option", t.Elem)
	case wit.KindResult:
		return g.generic(u, "abi.Result", t.OK, t.Err)
	case wit.KindMap:
		e, err := g.generic(u, "abi.Tuple2", t.Key, t.Elem)
		return "[]" + e, err
	case wit.KindTuple:
		if len(t.Fields) > maxTuple {
			return "", fmt.Errorf("%s: a tuple of %d elements; at most %d are generated: use a record", u.goName, len(t.Fields), maxTuple)
		}
		elems := make([]*wit.Type, len(t.Fields))
		for i, f := range t.Fields {
			elems[i] = f.Type
		}
		return g.generic(u, "abi.Tuple"+strconv.Itoa(len(elems)), elems...)
	case wit.KindStream, wit.KindFuture:
		return "", fmt.Errorf("%s: streams and futures are not generated yet", u.goName)
	case wit.KindErrorContext:
		return "", fmt.Errorf("%s: error-context is not generated yet", u.goName)
	}
	return "", fmt.Errorf("%s: no Go type for WIT kind %d", u.goName, t.Kind)
}

// generic is prefix applied to the Go types of args.
func (g *generator) generic(u *unit, prefix string, args ...*wit.Type) (string, error) {
	names := make([]string, len(args))
	for i, a := range args {
		var err error
		if names[i], err = g.goType(u, a); err != nil {
			return "", err
		}
	}
	if strings.HasPrefix(prefix, "[") {
		return prefix + names[0], nil
	}
	return prefix + "[" + strings.Join(names, ", ") + "]", nil
}

// isBytes reports whether t is list<u8>, by whatever name.
func isBytes(t *wit.Type) bool {
	t = bare(t)
	return t != nil && t.Kind == wit.KindList && bare(t.Elem).Kind == wit.KindU8
}

// errorType is the Go type of the error value of a function's result, and
// whether that is a generated type with an Error method; otherwise it is an
// abi.ResultError of the payload's type.
func (g *generator) errorType(fn *function) (name string, own bool, err error) {
	if fn.err != nil && fn.err.Kind == wit.KindRef {
		n, err := g.lookup(fn.unit, origin(fn.err.Def))
		if err == nil && n.isError {
			return g.qualify(n, n.goName), true, nil
		}
	}
	payload, err := g.goType(fn.unit, fn.err)
	return "abi.ResultError[" + payload + "]", false, err
}
