package bindgen

import (
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/wit"
)

// oneFunc is a package with one interface of one function.
func oneFunc(f *wit.Func) *wit.Resolve {
	p := &wit.Package{Namespace: "test", Name: "one"}
	i := &wit.Interface{Name: "thing", Package: p, Funcs: []*wit.Func{f}}
	p.Interfaces = []*wit.Interface{i}
	return &wit.Resolve{Packages: []*wit.Package{p}}
}

func TestGenerateSaysWhatItCannotDo(t *testing.T) {
	u8 := &wit.Type{Kind: wit.KindU8}
	takes := func(typ *wit.Type) *wit.Resolve {
		return oneFunc(&wit.Func{Name: "go", Params: []wit.Field{{Name: "v", Type: typ}}})
	}
	foreign := &wit.TypeDef{Name: "far", Type: &wit.Type{Kind: wit.KindEnum, Cases: []wit.Case{{Name: "a"}}}}
	foreign.Interface = &wit.Interface{Name: "away", Package: &wit.Package{Namespace: "test", Name: "other", Version: "1.0.0"}}
	target := Target{WIT: "test:one", Package: "one"}
	for _, c := range []struct {
		name    string
		resolve *wit.Resolve
		target  Target
		want    string
	}{
		{"no WIT", nil, target, "Options.Resolve is nil"},
		{"no Go package name", takes(u8), Target{WIT: "test:one"}, "Package is empty"},
		{"a package that is not there", takes(u8), Target{WIT: "test:two", Package: "two"}, `no WIT package "test:two"; there are: test:one`},
		{"a world that is not there", takes(u8), Target{WIT: "test:one", World: "w", Package: "one"}, `has no world "w"`},
		{"an export that is not there", takes(u8), Target{WIT: "test:one", Package: "one", Exports: []string{"x"}}, `no interface "x"`},
		{"an async function", oneFunc(&wit.Func{Name: "go", Async: true}), target, "test:one/thing#go: async functions are not generated yet"},
		{"a stream", takes(&wit.Type{Kind: wit.KindStream, Elem: u8}), target, "streams and futures are not generated yet"},
		{"a future in a list", takes(&wit.Type{Kind: wit.KindList, Elem: &wit.Type{Kind: wit.KindFuture}}), target, "streams and futures are not generated yet"},
		{"an error-context", takes(&wit.Type{Kind: wit.KindErrorContext}), target, "error-context is not generated yet"},
		{"a tuple that is too long", takes(&wit.Type{Kind: wit.KindTuple, Fields: make([]wit.Field, 17)}), target, "a tuple of 17 elements"},
		{"a type without bindings", takes(&wit.Type{Kind: wit.KindRef, Def: foreign}), target, "uses away.far of test:other@1.0.0, for which there are no bindings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Generate(Options{Resolve: c.resolve, Target: c.target})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}
