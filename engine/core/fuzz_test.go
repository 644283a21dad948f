package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// importsOf wires the imports of a module in some way; it fails where the
// rewriter would, later.
func importsOf(b []byte) []Ref {
	r := &reader{b: b, p: len(header)}
	for r.more() {
		id, body := r.byte(), r.sub()
		if id == secImport {
			return make([]Ref, body.count())
		}
	}
	return nil
}

// withoutCustom is a module without its custom sections: wazero is strict with
// their contents, the specification is not.
func withoutCustom(b []byte) []byte {
	r := &reader{b: b, p: min(len(header), len(b))}
	out := append([]byte{}, b[:r.p]...)
	for r.more() {
		id, body := r.byte(), r.sub()
		if r.err != nil {
			return b
		}
		if id != secCustom {
			out = appendSection(out, id, body.b)
		}
	}
	return out
}

// plausible says whether no section claims to hold more than it can: wazero
// believes it, and takes its time. The rewriter does not get that far.
func plausible(b []byte) bool {
	if _, _, err := rewrite(&ModuleSpec{Name: "test", Engine: Compiler, Bytes: b, Imports: importsOf(b)}); err != nil &&
		(strings.Contains(err.Error(), "length out of bounds") || strings.Contains(err.Error(), "unexpected end")) {
		return false
	}
	r := &reader{b: b, p: min(len(header), len(b))}
	for r.more() {
		if id, body := r.byte(), r.sub(); id != secCustom && id != secStart {
			body.count()
			if body.err != nil {
				return false
			}
		}
	}
	return true
}

// FuzzRewrite checks that a module is valid after rewriting if and only if it is
// valid before. Nothing of it runs.
func FuzzRewrite(f *testing.F) {
	files, err := filepath.Glob("testdata/kernels/*.wat")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(assemble(f, string(text)))
	}
	for _, e := range endless {
		f.Add(assemble(f, "(module "+e.text+")"))
	}
	f.Add(assemble(f, bulk))
	for _, leaves := range []string{ // values too many at the end of what becomes a loop
		`(func (export "run") call 0 i32.const 1)`,
		`(func (export "run") (loop i32.const 1))`,
		`(func (export "run") (loop call 0 i32.const 1))`,
		`(func (export "run") (result i32) (loop (result i32) call 0 drop i32.const 1 i32.const 2))`,
	} {
		f.Add(assemble(f, "(module "+leaves+")"))
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(maxPages).
		WithCoreFeatures(features|experimental.CoreFeaturesExceptionHandling))
	defer rt.Close(ctx)
	compiles := func(b []byte) (err error) {
		defer func() { // wazero panics on some invalid modules
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		m, err := rt.CompileModule(ctx, b)
		if err != nil {
			return err
		}
		return m.Close(ctx)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if b = withoutCustom(b); !plausible(b) {
			return
		}
		before := compiles(b)
		for _, rem := range []bool{false, true} {
			rewriteRem = rem
			for _, k := range []Kind{Compiler, Interpreter} {
				out, info, err := rewrite(&ModuleSpec{Name: "test", Engine: k, Bytes: b, Imports: importsOf(b)})
				var unsupported *UnsupportedError
				if errors.As(err, &unsupported) || info.exceptions && k == Compiler {
					continue
				}
				if err == nil {
					err = compiles(out)
				}
				if (before == nil) != (err == nil) {
					t.Fatalf("on %v (rem %v): before rewriting %v, after it %v", k, rem, before, err)
				}
			}
		}
	})
}
