package wit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzParse checks that reading never panics and is quick, that an error is an
// *Error, and that what reads prints as what reads back the same.
func FuzzParse(f *testing.F) {
	err := fs.WalkDir(Texts, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := fs.ReadFile(Texts, name)
			f.Add(string(text))
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	all, err := os.ReadFile("testdata/print/all.wit")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(all))
	f.Add("package a:b; interface i { type t = list<u8, 4>; f: func(a: t) -> result<_, t>; }")
	f.Add("package a:b:c/d@1.0.0-x; world w { include v with { a as b } } world v { import a: func(); resource r; }")
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		r, err := Config{AllFeatures: true}.Parse("f.wit", text)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("reading %d bytes took %v", len(text), d)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || r != nil {
				t.Fatalf("error %T with result %v", err, r)
			}
			return
		}
		var b bytes.Buffer
		if err := (Printer{}).Resolve(&b, r); err != nil {
			t.Fatal(err)
		}
		again, err := Config{AllFeatures: true}.Parse("printed.wit", b.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		sameModel(t, again, r)
		var c Converter
		for _, p := range r.Packages {
			for _, w := range p.Worlds {
				component := c.World(w)
				if err := PrintExterns(&b, component.Imports, component.Exports); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkParseTexts(b *testing.B) {
	line := textLines[0]
	paths := line.paths(line.to)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFS(Texts, paths...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLargeFile(b *testing.B) {
	var s strings.Builder
	s.WriteString("package a:b; interface i {")
	s.WriteString(chain(400))
	for i := range 20_000 {
		fmt.Fprintf(&s, "\n/// Documentation.\nfn-%d: func(a: list<u8>, b: option<t1>) -> result<string>;", i)
	}
	s.WriteString("}")
	text := s.String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("large.wit", text); err != nil {
			b.Fatal(err)
		}
	}
}
