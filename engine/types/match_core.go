package types

import "fmt"

// MatchModule reports why a core module of type have cannot stand where want is
// expected.
func MatchModule(have, want *Module) error {
	if have == want {
		return nil
	}
	type key struct{ module, name string }
	given := make(map[key]*CoreExtern, len(want.Imports))
	for k := range want.Imports {
		im := &want.Imports[k]
		given[key{im.Module, im.Name}] = &im.Type
	}
	for k := range have.Imports {
		need := &have.Imports[k]
		g := given[key{need.Module, need.Name}]
		if g == nil {
			return fmt.Errorf("missing expected import `%s::%s`", need.Module, need.Name)
		}
		if err := MatchCore(g, &need.Type); err != nil {
			return in(err, "type mismatch in import `%s::%s`", need.Module, need.Name)
		}
	}
	exports := make(map[string]*CoreExtern, len(have.Exports))
	for k := range have.Exports {
		exports[have.Exports[k].Name] = &have.Exports[k].Type
	}
	for k := range want.Exports {
		w := &want.Exports[k]
		h := exports[w.Name]
		if h == nil {
			return fmt.Errorf("missing expected export `%s`", w.Name)
		}
		if err := MatchCore(h, &w.Type); err != nil {
			return in(err, "type mismatch in export `%s`", w.Name)
		}
	}
	return nil
}

// MatchCore reports why a core definition of type have cannot be imported as want.
func MatchCore(have, want *CoreExtern) error {
	if have.Sort != want.Sort {
		return fmt.Errorf("expected %s, found %s", want.Sort, have.Sort)
	}
	switch want.Sort {
	case CoreFunc:
		if !have.Func.Equal(want.Func) {
			return fmt.Errorf("expected: %s, found: %s", want.Func.text(), have.Func.text())
		}
	case CoreTag:
		if !have.Func.Equal(want.Func) {
			return fmt.Errorf("expected tag: %s, found: %s", want.Func.text(), have.Func.text())
		}
	case CoreTable:
		if have.Table.Elem != want.Table.Elem {
			return fmt.Errorf("expected table element type %s, found %s", want.Table.Elem, have.Table.Elem)
		}
		if !have.Table.Limits.within(&want.Table.Limits) {
			return fmt.Errorf("mismatch in table limits")
		}
	case CoreMemory:
		switch {
		case have.Memory.Shared != want.Memory.Shared:
			return fmt.Errorf("mismatch in the shared flag for memories")
		case have.Memory.Is64 != want.Memory.Is64:
			return fmt.Errorf("mismatch in index type used for memories")
		case !have.Memory.within(want.Memory):
			return fmt.Errorf("mismatch in memory limits")
		}
	case CoreGlobal:
		switch {
		case have.Mutable != want.Mutable:
			return fmt.Errorf("global types differ in mutability")
		case have.Global != want.Global:
			return fmt.Errorf("expected global type %s, found %s", want.Global, have.Global)
		}
	}
	return nil
}

// within reports whether what has limits l may be imported with limits want.
func (l *CoreLimits) within(want *CoreLimits) bool {
	return l.Min >= want.Min && (!want.HasMax || l.HasMax && l.Max <= want.Max) &&
		l.Is64 == want.Is64 && l.PageSizeLog2 == want.PageSizeLog2
}

// text writes the type as the text format does: (func (param i32) (result i32)).
func (f *CoreFuncType) text() string {
	s := "(func"
	list := func(what string, ts []ValType) {
		if len(ts) == 0 {
			return
		}
		s += " (" + what
		for _, t := range ts {
			s += " " + t.String()
		}
		s += ")"
	}
	list("param", f.Params)
	list("result", f.Results)
	return s + ")"
}
