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

// substitution is one walk. A type that several others refer to is replaced by
// one type, since a type is known by its pointer where names matter.
type substitution struct {
	s    Subst
	memo map[*Type]*Type
}

func (s Subst) walk() *substitution {
	return &substitution{s: s, memo: map[*Type]*Type{}}
}

func (w *substitution) value(t *Type) *Type {
	if t == nil || len(w.s) == 0 || t.simple() {
		return t
	}
	if u, ok := w.memo[t]; ok {
		return u
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

func (w *substitution) fields(fs []Field) (out []Field, changed bool) {
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

func (w *substitution) fn(f *Func) *Func {
	if f == nil || len(w.s) == 0 {
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

func (w *substitution) def(d *Def) *Def {
	if d == nil || len(w.s) == 0 {
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

func (w *substitution) extern(e Extern) Extern {
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

func (w *substitution) named(ns []Named) (out []Named, changed bool) {
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

func (w *substitution) instance(i *Instance) *Instance {
	if i == nil || len(w.s) == 0 {
		return i
	}
	exports, changed := w.named(i.Exports)
	if !changed {
		return i
	}
	return &Instance{Exports: exports}
}

func (w *substitution) component(c *Component) *Component {
	if c == nil || len(w.s) == 0 {
		return c
	}
	imports, a := w.named(c.Imports)
	exports, b := w.named(c.Exports)
	if !a && !b {
		return c
	}
	return &Component{Imports: imports, Exports: exports}
}
