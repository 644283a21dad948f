package wast

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine"
)

var update = flag.Bool("update", false, "write the table of results into conformance/README.md anew")

// The official tests of the Component Model, as they are expected to be: a
// change of these numbers is a change of the suite.
const (
	suiteScripts  = 63
	suiteCommands = 1425
)

// suite is the directory of the official tests. They are not part of this
// project: GODWIT_COMPONENT_MODEL names a checkout of them, of the repository
// WebAssembly/component-model.
func suite(t *testing.T) string {
	t.Helper()
	named := os.Getenv("GODWIT_COMPONENT_MODEL")
	root := named
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "conformance", "component-model")
	}
	for _, dir := range []string{filepath.Join(root, "test"), root} {
		if st, err := os.Stat(filepath.Join(dir, "validation")); err == nil && st.IsDir() {
			return dir
		}
	}
	if named != "" {
		t.Fatalf("GODWIT_COMPONENT_MODEL=%s has no test/validation in it: it must name a checkout of WebAssembly/component-model", named)
	}
	t.Skip("the official tests are not here: set GODWIT_COMPONENT_MODEL to a checkout of WebAssembly/component-model")
	return ""
}

func componentModelExpectations(t *testing.T) *Expectations {
	t.Helper()
	f, err := os.Open("component-model.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e, err := ReadExpectations(f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// suiteEngines are the ways to run core code on this machine.
func suiteEngines(t *testing.T) []engine.Kind {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	if e.Kind() == engine.Interpreter {
		return []engine.Kind{engine.Interpreter}
	}
	return []engine.Kind{engine.Auto, engine.Interpreter}
}

func TestComponentModelSuite(t *testing.T) {
	dir := suite(t)
	list := componentModelExpectations(t)
	var reports []*Report
	for _, k := range suiteEngines(t) {
		r, err := Run(t.Context(), Config{Engine: k}, dir)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
		t.Run(r.Engine, func(t *testing.T) {
			for _, w := range list.Apply(r) {
				t.Error(w)
			}
			for _, c := range r.Failures() {
				t.Errorf("%s:%d: %s\n    wanted  %s\n    got     %s", c.Script, c.Line, c.Command, c.Wanted, c.Got)
			}
			all := r.Summary().All
			if r.Scripts != suiteScripts || all.Total != suiteCommands || all.Passed != suiteCommands-list.Len() {
				t.Errorf("%d scripts with %d commands, of which %d pass; want %d with %d, of which all but the %d listed",
					r.Scripts, all.Total, all.Passed, suiteScripts, suiteCommands, list.Len())
			}
		})
	}
	if len(reports) == 2 {
		checkTable(t, reports)
	}
}

const (
	readme     = "../README.md"
	tableBegin = "<!-- results: written by make conformance-table -->\n"
	tableEnd   = "<!-- end of results -->\n"
)

// checkTable compares the results with those in README.md, or writes them there.
func checkTable(t *testing.T, reports []*Report) {
	var b bytes.Buffer
	for _, r := range reports {
		s := r.Summary()
		fmt.Fprintf(&b, "\nOn the %s, %d scripts with %d commands in %.1f s; passed of all:\n\n",
			r.Engine, r.Scripts, s.All.Total, r.Time.Seconds())
		if err := s.Markdown(&b); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteByte('\n')
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), tableBegin)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatal(errors.New("README.md has no place for the results"))
	}
	if *update {
		err := os.WriteFile(readme, []byte(before+tableBegin+b.String()+tableEnd+after), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if rows(old) != rows(b.String()) {
		t.Error("the results in conformance/README.md are not these: run make conformance-table")
	}
}

// rows are the lines of tables: the times beside them differ from run to run.
func rows(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "|") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
