package types

// Equal reports whether two value types are the same type: the same structure,
// with the same resources.
func (t *Type) Equal(u *Type) bool {
	if t == u {
		return true
	}
	if t == nil || u == nil || t.Kind != u.Kind || t.Len != u.Len || t.Resource != u.Resource ||
		len(t.Fields) != len(u.Fields) || len(t.Cases) != len(u.Cases) || len(t.Labels) != len(u.Labels) {
		return false
	}
	for k := range t.Labels {
		if t.Labels[k] != u.Labels[k] {
			return false
		}
	}
	for k := range t.Fields {
		if t.Fields[k].Name != u.Fields[k].Name || !t.Fields[k].Type.Equal(u.Fields[k].Type) {
			return false
		}
	}
	for k := range t.Cases {
		if t.Cases[k].Name != u.Cases[k].Name || !t.Cases[k].Type.Equal(u.Cases[k].Type) {
			return false
		}
	}
	return t.Elem.Equal(u.Elem) && t.Key.Equal(u.Key) && t.OK.Equal(u.OK) && t.Err.Equal(u.Err)
}

// Equal reports whether two function types are the same, names of parameters
// included.
func (f *Func) Equal(g *Func) bool {
	if f == g {
		return true
	}
	if f == nil || g == nil || f.Async != g.Async || len(f.Params) != len(g.Params) || !f.Result.Equal(g.Result) {
		return false
	}
	for k := range f.Params {
		if f.Params[k].Name != g.Params[k].Name || !f.Params[k].Type.Equal(g.Params[k].Type) {
			return false
		}
	}
	return true
}

// Equal reports whether two core function types are the same.
func (f *CoreFuncType) Equal(g *CoreFuncType) bool {
	if f == nil || g == nil {
		return f == g
	}
	return equalValTypes(f.Params, g.Params) && equalValTypes(f.Results, g.Results)
}

func equalValTypes(a, b []ValType) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}
