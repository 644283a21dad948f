package bindgen

import (
	"fmt"

	"github.com/godwit-runtime/godwit/wit"
)

// nameUnitAPI names what a unit declares beside its types, and its functions.
func (p *plan) nameUnitAPI(u *unit) error {
	if u.side == importSide {
		u.link = p.scope.pick("Link"+u.goName, "Link"+u.goName+"Interface")
	} else {
		u.caller = p.scope.pick(u.goName+"Export", u.goName+"Caller")
		u.find = p.scope.pick("Find"+u.goName, "Find"+u.goName+"Export")
	}
	for _, n := range u.declared {
		if n.def.Type.Kind != wit.KindResource {
			continue
		}
		if u.side == importSide {
			n.typeVar = p.scope.pick(n.goName+"Type", n.goName+"ResourceType")
		} else {
			n.typeVar = unexport(n.goName) + "Type"
		}
	}
	free := newScope() // methods of the host interface or the caller
	methods := make(map[*named]*scope)
	for _, f := range u.funcs {
		if f.Async {
			return fmt.Errorf("%s: async functions are not generated yet", u.wireOf(f))
		}
		fn := &function{unit: u, def: f, wire: wireName(f)}
		fn.ok, fn.err, fn.split = splitResult(f)
		if f.Kind == wit.Freestanding {
			fn.goName = free.pick(camel(f.Name))
			fn.ident = p.scope.pick(u.goName + fn.goName)
		} else {
			fn.res = p.named[namedKey{origin(f.Resource), u.side}]
			if fn.res == nil {
				return fmt.Errorf("%s: its resource %s is not declared in the interface", u.wireOf(f), f.Resource.Name)
			}
			fn.nameOnResource(p, free, methods)
		}
		fn.nameParams()
		u.bindings = append(u.bindings, fn)
	}
	if u.side == importSide && free.used() {
		u.host = p.scope.pick(u.goName+"Host", u.goName+"InterfaceHost")
	}
	return nil
}

func (s *scope) used() bool { return len(s.taken) > 0 }

// nameOnResource names a constructor, static or method.
func (fn *function) nameOnResource(p *plan, free *scope, methods map[*named]*scope) {
	res, name := fn.res.goName, camel(fn.def.Name)
	switch fn.def.Kind {
	case wit.Constructor:
		fn.goName = free.pick("New"+res, "Construct"+res)
		fn.ident = p.scope.pick(fn.goName, "Construct"+res)
	case wit.Static:
		fn.goName = free.pick(res+name, res+"Static"+name)
		fn.ident = p.scope.pick(res+name, res+"Static"+name)
	default:
		s := methods[fn.res]
		if s == nil {
			s = newScope("Drop")
			methods[fn.res] = s
		}
		fn.goName = s.pick(name, name+"Method")
		fn.ident = p.scope.pick(res+name, res+"Method"+name)
	}
}

func (fn *function) nameParams() {
	s := newScope()
	for _, prm := range fn.def.Params {
		fn.params = append(fn.params, s.param(prm.Name))
	}
}

// wireName is the name of a function in an instance type (spec: plainname).
func wireName(f *wit.Func) string {
	switch f.Kind {
	case wit.Method:
		return "[method]" + f.Resource.Name + "." + f.Name
	case wit.Static:
		return "[static]" + f.Resource.Name + "." + f.Name
	case wit.Constructor:
		return "[constructor]" + f.Resource.Name
	}
	return f.Name
}

// wireOf names a function in messages.
func (u *unit) wireOf(f *wit.Func) string {
	if u.wire == "" {
		return wireName(f)
	}
	return u.wire + "#" + wireName(f)
}

// nameParts names the cases and fields of a unit's types, after the names that
// stand alone: a constant gives way to a type.
func (p *plan) nameParts(u *unit) {
	for _, n := range u.declared {
		t := n.def.Type
		switch t.Kind {
		case wit.KindRecord:
			s := newScope("Error", "String")
			for _, f := range t.Fields {
				n.fields = append(n.fields, s.pick(camel(f.Name), camel(f.Name)+"Field"))
			}
		case wit.KindVariant:
			n.tag = p.scope.pick(n.goName+"Tag", n.goName+"TagType")
			s := newScope("Error", "String", "Tag")
			for _, c := range t.Cases {
				n.fields = append(n.fields, s.pick(camel(c.Name), camel(c.Name)+"Case"))
				n.cases = append(n.cases, p.constant(n, c))
			}
		case wit.KindEnum, wit.KindFlags:
			for _, c := range t.Cases {
				n.cases = append(n.cases, p.constant(n, c))
			}
		}
	}
}

func (p *plan) constant(n *named, c wit.Case) string {
	return p.scope.pick(n.goName+camel(c.Name), n.goName+"Case"+camel(c.Name))
}
