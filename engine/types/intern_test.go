package types

import "testing"

func TestEqualTypesBecomeTheSame(t *testing.T) {
	r, s := &Resource{Name: "r"}, &Resource{Name: "r"}
	record := func(name string, of *Type) *Type { return &Type{Kind: Record, Fields: []Field{{name, of}}} }
	list := func(of *Type) *Type { return &Type{Kind: List, Elem: of} }
	for _, c := range []struct {
		name string
		a, b *Type
		same bool
	}{
		{"none", nil, nil, true},
		{"none and one", nil, TypeU8, false},
		{"scalars", TypeU8, &Type{Kind: U8}, true},
		{"kinds", TypeU8, TypeS8, false},
		{"parts", list(TypeU8), list(&Type{Kind: U8}), true},
		{"other parts", list(TypeU8), list(TypeS8), false},
		{"fields", record("a", list(TypeU8)), record("a", list(TypeU8)), true},
		{"names of fields", record("a", TypeU8), record("b", TypeU8), false},
		{"lengths", &Type{Kind: FixedList, Elem: TypeU8, Len: 1}, &Type{Kind: FixedList, Elem: TypeU8, Len: 2}, false},
		{"cases", &Type{Kind: Variant, Cases: []Case{{"a", nil}}}, &Type{Kind: Variant, Cases: []Case{{"a", TypeU8}}}, false},
		{"labels", &Type{Kind: Enum, Labels: []string{"a", "b"}}, &Type{Kind: Enum, Labels: []string{"ab"}}, false},
		{"one side of a result", &Type{Kind: Result, OK: TypeU8}, &Type{Kind: Result, Err: TypeU8}, false},
		{"resources", &Type{Kind: Own, Resource: r}, &Type{Kind: Own, Resource: r}, true},
		{"resources of one name", &Type{Kind: Own, Resource: r}, &Type{Kind: Own, Resource: s}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n Interner
			a, b := n.Type(c.a), n.Type(c.b)
			if (a == b) != c.same {
				t.Errorf("the same: %v", a == b)
			}
			if !a.Equal(c.a) || !b.Equal(c.b) {
				t.Errorf("%v became %v, %v became %v", c.a, a, c.b, b)
			}
			if n.Type(c.a) != a || n.Type(a) != a {
				t.Error("it is another one the second time")
			}
		})
	}
}

func TestFunctionsGetTheTypesThatStandForTheirs(t *testing.T) {
	var n Interner
	list := func() *Type { return &Type{Kind: List, Elem: TypeString} }
	f := &Func{Params: []Field{{"a", list()}}, Result: list(), Async: true}
	g := n.Func(f)
	if !g.Equal(f) || g.Result != g.Params[0].Type || g.Result != n.Type(list()) {
		t.Errorf("got %v", g)
	}
}

// Spelled out, this type would have 2^100 parts.
func TestSharedPartsAreVisitedOnce(t *testing.T) {
	deep := func() *Type {
		u := TypeU8
		for range 100 {
			u = &Type{Kind: Tuple, Fields: []Field{{"", u}, {"", u}}}
		}
		return u
	}
	var n Interner
	if n.Type(deep()) != n.Type(deep()) {
		t.Error("equal types are not the same")
	}
}
