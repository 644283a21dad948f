package types

// Subst replaces resources by others: abstract ones by what they stand for. The
// zero value must be made before it is added to; a lookup follows chains.
type Subst map[*Resource]*Resource

// Resource returns what r stands for; r itself when nothing is known of it.
func (s Subst) Resource(r *Resource) *Resource {
	for range len(s) {
		next, ok := s[r]
		if !ok || next == r {
			return r
		}
		r = next
	}
	return r
}

// Type returns t with its resources replaced; t itself when it has none of them.
func (s Subst) Type(t *Type) *Type { return s.walk().value(t) }

// Func returns f with its resources replaced; f itself when it has none of them.
func (s Subst) Func(f *Func) *Func { return s.walk().fn(f) }

// Def returns d with its resources replaced.
func (s Subst) Def(d *Def) *Def { return s.walk().def(d) }

// Extern returns e with its resources replaced. What e introduces is replaced
// too when s says so.
func (s Subst) Extern(e Extern) Extern { return s.walk().extern(e) }

// Instance returns i with its resources replaced.
func (s Subst) Instance(i *Instance) *Instance { return s.walk().instance(i) }

// Component returns c with its resources replaced.
func (s Subst) Component(c *Component) *Component { return s.walk().component(c) }

// Substitution applies a Subst. A type that several others refer to is replaced
// by one type, since a type is known by its pointer where names matter.
type Substitution struct {
	s    Subst
	memo map[*Type]*Type
}

// Keeping returns a Substitution that replaces each type in memo by the type it
// has there, and keeps there what it replaces.
func (s Subst) Keeping(memo map[*Type]*Type) *Substitution {
	return &Substitution{s: s, memo: memo}
}

func (s Subst) walk() *Substitution { return s.Keeping(map[*Type]*Type{}) }

// Extern is Subst.Extern.
func (w *Substitution) Extern(e Extern) Extern { return w.extern(e) }

// Instance is Subst.Instance.
func (w *Substitution) Instance(i *Instance) *Instance { return w.instance(i) }

// idle reports whether there is nothing to replace.
func (w *Substitution) idle() bool { return len(w.s) == 0 && len(w.memo) == 0 }

func (w *Substitution) value(t *Type) *Type {
	if t == nil || w.idle() {
		return t
	}
	if u, ok := w.memo[t]; ok {
		return u
	}
	if t.simple() {
		return t
	}
	u := *t
	changed := false
	one := func(p **Type) {
		if v := w.value(*p); v != *p {
			*p, changed = v, true
		}
	}
	one(&u.Elem)
	one(&u.Key)
	one(&u.OK)
	one(&u.Err)
	if fs, ok := w.fields(t.Fields); ok {
		u.Fields, changed = fs, true
	}
	for k := range t.Cases {
		if v := w.value(t.Cases[k].Type); v != t.Cases[k].Type {
			if !changed || &u.Cases[0] == &t.Cases[0] {
				u.Cases = append([]Case(nil), u.Cases...)
			}
			u.Cases[k].Type, changed = v, true
		}
	}
	if t.Resource != nil {
		if r := w.s.Resource(t.Resource); r != t.Resource {
			u.Resource, changed = r, true
		}
	}
	out := t
	if changed {
		out = &u
	}
	w.memo[t] = out
	return out
}

// simple reports whether a type has no parts.
func (t *Type) simple() bool {
	switch t.Kind {
	case List, FixedList, Record, Tuple, Variant, Option, Result, Own, Borrow, Stream, Future, Map:
		return false
	}
	return true
}

func (w *Substitution) fields(fs []Field) (out []Field, changed bool) {
	for k := range fs {
		if v := w.value(fs[k].Type); v != fs[k].Type {
			if out == nil {
				out = append([]Field(nil), fs...)
			}
			out[k].Type = v
		}
	}
	return out, out != nil
}

func (w *Substitution) fn(f *Func) *Func {
	if f == nil || w.idle() {
		return f
	}
	params, changed := w.fields(f.Params)
	result := w.value(f.Result)
	if !changed && result == f.Result {
		return f
	}
	if !changed {
		params = f.Params
	}
	return &Func{Params: params, Result: result, Async: f.Async}
}

func (w *Substitution) def(d *Def) *Def {
	if d == nil || w.idle() {
		return d
	}
	u := Def{Value: w.value(d.Value), Func: w.fn(d.Func), Component: w.component(d.Component), Instance: w.instance(d.Instance)}
	if d.Resource != nil {
		u.Resource = w.s.Resource(d.Resource)
	}
	if u == *d {
		return d
	}
	return &u
}

func (w *Substitution) extern(e Extern) Extern {
	e.Func = w.fn(e.Func)
	e.Value = w.value(e.Value)
	e.Component = w.component(e.Component)
	e.Instance = w.instance(e.Instance)
	if e.Type != nil {
		b := Bound{Def: w.def(e.Type.Def)}
		if e.Type.Resource != nil {
			b.Resource = w.s.Resource(e.Type.Resource)
		}
		if b != *e.Type {
			e.Type = &b
		}
	}
	return e
}

func (w *Substitution) named(ns []Named) (out []Named, changed bool) {
	for k := range ns {
		if e := w.extern(ns[k].Extern); e != ns[k].Extern {
			if out == nil {
				out = append([]Named(nil), ns...)
			}
			out[k].Extern = e
		}
	}
	if out == nil {
		return ns, false
	}
	return out, true
}

func (w *Substitution) instance(i *Instance) *Instance {
	if i == nil || w.idle() {
		return i
	}
	exports, changed := w.named(i.Exports)
	if !changed {
		return i
	}
	return &Instance{Exports: exports}
}

func (w *Substitution) component(c *Component) *Component {
	if c == nil || w.idle() {
		return c
	}
	imports, a := w.named(c.Imports)
	exports, b := w.named(c.Exports)
	if !a && !b {
		return c
	}
	return &Component{Imports: imports, Exports: exports}
}
