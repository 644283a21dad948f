package component

import "github.com/godwit-runtime/godwit/engine/types"

// This file keeps types from being used in imports and exports before they have
// a name there themselves (Explainer.md, "External Visibility of Types").

// visible are the types that have a name. Each import or export of a type makes
// a type of its own, so that it is known by its pointer.
type visible struct {
	values    map[*types.Type]bool
	resources map[*types.Resource]bool
}

// value reports whether t may be mentioned: what is a definition with members of
// its own must have a name.
func (v visible) value(t *types.Type) bool {
	if t == nil {
		return true
	}
	switch t.Kind {
	case types.Record, types.Variant, types.Enum, types.Flags:
		return v.values[t]
	case types.Own, types.Borrow:
		return v.resources[t.Resource]
	}
	return v.values[t] || v.members(t)
}

// members reports whether what t is made of may be mentioned.
func (v visible) members(t *types.Type) bool {
	for _, f := range t.Fields {
		if !v.value(f.Type) {
			return false
		}
	}
	for _, c := range t.Cases {
		if !v.value(c.Type) {
			return false
		}
	}
	if t.Resource != nil && !v.resources[t.Resource] {
		return false
	}
	return v.value(t.Elem) && v.value(t.Key) && v.value(t.OK) && v.value(t.Err)
}

func (v visible) fn(f *types.Func) bool {
	for _, p := range f.Params {
		if !v.value(p.Type) {
			return false
		}
	}
	return v.value(f.Result)
}

func (v visible) def(d *types.Def) bool {
	switch {
	case d.Value != nil:
		return v.members(d.Value)
	case d.Func != nil:
		return v.fn(d.Func)
	case d.Instance != nil:
		for _, e := range d.Instance.Exports {
			if !v.mentioned(e.Extern) {
				return false
			}
		}
	}
	return true
}

// mentioned reports whether what an instance type exports may be mentioned.
func (v visible) mentioned(e types.Extern) bool {
	switch e.Sort {
	case types.SortFunc:
		return v.fn(e.Func)
	case types.SortValue:
		return v.value(e.Value)
	case types.SortType:
		return e.Type.Def == nil || v.def(e.Type.Def)
	case types.SortInstance:
		return v.def(&types.Def{Instance: e.Instance})
	}
	return true
}

// publish checks that what s imports or exports mentions only types with names,
// and gives names to the types that it brings.
func (s *scope) publish(e types.Extern, imported bool) bool {
	if s.kind == inInstanceType {
		return true
	}
	named := s.exportNamed
	if imported {
		named = s.importNamed
	}
	switch e.Sort {
	case types.SortType:
		r := e.Type.Resource
		if e.Type.Def != nil {
			if !named.def(e.Type.Def) {
				return false
			}
			r = e.Type.Def.Resource
			if e.Type.Def.Value != nil {
				set(&s.exportNamed.values, e.Type.Def.Value, true)
				if imported {
					set(&s.importNamed.values, e.Type.Def.Value, true)
				}
			}
		}
		if r != nil {
			set(&s.exportNamed.resources, r, true)
			if imported {
				set(&s.importNamed.resources, r, true)
			}
		}
		return true
	case types.SortInstance:
		for _, x := range e.Instance.Exports {
			if !s.publish(x.Extern, imported) {
				return false
			}
		}
		return true
	case types.SortFunc:
		return named.fn(e.Func)
	case types.SortValue:
		return named.value(e.Value)
	}
	return true
}
