package conformance

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/godwit-runtime/godwit"

// lattice says what each package may import of this module. The first pattern
// that matches a package holds for it; a package that matches none fails, so
// that a new folder is a decision. "x/..." matches x and all below it.
var lattice = []struct {
	pkg string
	may []string
}{
	{"engine/types", nil},
	{"engine/wat", nil},
	{"engine/component", []string{"engine/types", "engine/abi"}},
	{"engine/abi", []string{"engine/types"}},
	{"engine/canon", []string{"engine/abi", "engine/types"}},
	{"engine/core", []string{"engine/types"}},
	{"engine", []string{"engine/types", "engine/component", "engine/abi", "engine/canon", "engine/core"}},
	{"wit", []string{"engine/types"}},
	{"bindings/...", []string{"engine", "engine/abi", "engine/types", "bindings/..."}},
	{"host/server", []string{"host/...", "bindings/...", "engine", "engine/abi", "engine/types"}},
	{"host/internal/...", []string{"engine/abi", "engine/types"}},
	{"host/netpolicy", nil},
	{"host/keyvalue", []string{"host/io", "bindings/...", "engine", "engine/abi", "engine/types"}},
	{"host/keyvalue/...", []string{"host/keyvalue"}},
	{"host/*", []string{"host/*", "host/internal/...", "bindings/...", "engine", "engine/abi", "engine/types"}},
	{"host", []string{"host/*", "bindings/...", "engine", "engine/abi", "engine/types"}},
	{"tools/bindgen", []string{"wit", "engine/types", "engine/abi"}},
	{"tools/bindgen/...", []string{"tools/bindgen/...", "wit", "engine", "engine/abi", "engine/types"}},
	{"conformance/wast", []string{"engine", "engine/wat", "engine/abi", "engine/types", "engine/component", "host"}},
	{"conformance/...", []string{"..."}},
	{"cmd/...", []string{"engine", "engine/abi", "engine/types", "engine/component", "engine/wat", "wit", "host", "host/...", "bindings/...", "tools/bindgen", "conformance/wast", "cmd/..."}},
	{"examples/...", []string{"engine", "engine/abi", "engine/types", "host", "host/server", "examples/..."}},
}

// foreign says which packages alone may import a package from outside.
var foreign = []struct {
	pkg  string
	only []string
}{
	{"github.com/tetratelabs/wazero", []string{"engine/core"}},
	{"github.com/spf13/cobra", []string{"cmd/..."}},
	{"go.bytecodealliance.org", nil},
	{"go.etcd.io/bbolt", []string{"host/keyvalue/bolt"}},
	{"github.com/redis/go-redis", []string{"host/keyvalue/redis"}},
	{"github.com/nats-io/nats.go", []string{"host/keyvalue/nats"}},
	{"github.com/nats-io/nats-server", []string{"host/keyvalue/storetest/servers"}},
	{"github.com/BurntSushi/toml", []string{"host/config"}},
	{"github.com/joho/godotenv", []string{"host/config"}},
	{"github.com/google/go-cmp", nil},
	{"net/http", []string{"host", "host/...", "cmd/...", "conformance/...", "examples/..."}},
}

type goPackage struct {
	dir   string // from the root, with slashes
	doc   string
	files []*goFile
}

type goFile struct {
	name      string // from the root
	imports   []string
	test      bool
	generated bool
	lines     int
	ast       *ast.File
}

var fset = token.NewFileSet()

// source reads every Go file of the module.
func source(t *testing.T) map[string]*goPackage {
	t.Helper()
	root := ".."
	pkgs := map[string]*goPackage{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); p != root && (strings.HasPrefix(n, ".") || n == "testdata" || n == "node_modules" || n == "target") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); p != root && err == nil {
				return filepath.SkipDir // a module of its own, such as the source of a guest
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		return addFile(pkgs, p, filepath.ToSlash(rel))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 10 {
		t.Fatalf("found %d packages: the test looks in the wrong place", len(pkgs))
	}
	return pkgs
}

func addFile(pkgs map[string]*goPackage, file, rel string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(fset, rel, b, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(rel)
	p := pkgs[dir]
	if p == nil {
		p = &goPackage{dir: dir}
		pkgs[dir] = p
	}
	gf := &goFile{
		name:      rel,
		test:      strings.HasSuffix(rel, "_test.go"),
		generated: ast.IsGenerated(f),
		lines:     bytes.Count(b, []byte("\n")),
		ast:       f,
	}
	for _, im := range f.Imports {
		s, err := strconv.Unquote(im.Path.Value)
		if err != nil {
			return err
		}
		gf.imports = append(gf.imports, s)
	}
	if f.Doc != nil && !gf.test {
		p.doc += f.Doc.Text()
	}
	p.files = append(p.files, gf)
	return nil
}

func matches(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "..."); ok {
		base = strings.TrimSuffix(base, "/")
		return base == "" || pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	ok, _ := path.Match(pattern, pkg)
	return ok
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

func TestImportsFollowTheLattice(t *testing.T) {
	for dir, p := range source(t) {
		rule := -1
		for k := range lattice {
			if matches(lattice[k].pkg, dir) {
				rule = k
				break
			}
		}
		if rule < 0 {
			t.Errorf("%s is in no row of the lattice", dir)
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, im := range f.imports {
				if err := importAllowed(dir, im, lattice[rule].may); err != nil {
					t.Errorf("%s: %v", f.name, err)
				}
			}
		}
	}
}

func importAllowed(dir, im string, may []string) error {
	if own, ok := strings.CutPrefix(im, module+"/"); ok {
		if !matchesAny(may, own) {
			return fmt.Errorf("%s must not import %s", dir, own)
		}
		return nil
	}
	for _, r := range foreign {
		if (im == r.pkg || strings.HasPrefix(im, r.pkg+"/")) && !matchesAny(r.only, dir) {
			return fmt.Errorf("%s must not import %s", dir, im)
		}
	}
	return nil
}

// A test may import more than its package, but wazero stays behind engine/core
// even there.
func TestOnlyCoreKnowsWazero(t *testing.T) {
	for dir, p := range source(t) {
		for _, f := range p.files {
			for _, im := range f.imports {
				if strings.HasPrefix(im, "github.com/tetratelabs/wazero") && dir != "engine/core" {
					t.Errorf("%s imports %s", f.name, im)
				}
			}
		}
	}
}

const (
	maxFileLines = 800
	maxFuncLines = 100
)

func TestFilesAndFunctionsAreWithinTheirBudget(t *testing.T) {
	for _, p := range source(t) {
		for _, f := range p.files {
			if f.generated {
				continue
			}
			if f.lines > maxFileLines {
				t.Errorf("%s has %d lines, more than %d", f.name, f.lines, maxFileLines)
			}
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Body == nil || isDispatch(fn.Doc) {
					continue
				}
				if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFuncLines {
					t.Errorf("%s: %s has %d lines, more than %d", fset.Position(fn.Pos()), fn.Name.Name, n, maxFuncLines)
				}
			}
		}
	}
}

// isDispatch says whether a function is marked as one big switch.
func isDispatch(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if c.Text == "//godwit:dispatch" {
			return true
		}
	}
	return false
}

var saysWhatItImports = regexp.MustCompile(`(must not|may|must|can|does not)\s+import|imports?\s+nothing|nothing\s+may\s+import`)

func TestEveryPackageSaysWhatItOwnsAndImports(t *testing.T) {
	for dir, p := range source(t) {
		generated, onlyTests := true, true
		for _, f := range p.files {
			generated = generated && f.generated
			onlyTests = onlyTests && f.test
		}
		switch {
		case onlyTests:
		case p.doc == "":
			t.Errorf("%s has no package doc", dir)
		case !generated && !saysWhatItImports.MatchString(p.doc):
			t.Errorf("the package doc of %s does not say what it may or must not import", dir)
		}
	}
}

func TestGoModHasNoReplace(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^\s*replace\b`).Match(b) {
		t.Error("go.mod has a replace directive; the project builds on stock dependencies")
	}
}

// The README's table of folders is how a newcomer finds a file.
func TestReadmeNamesEveryTopFolder(t *testing.T) {
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		built := e.Name() == "bin" || e.Name() == "dist"
		if e.IsDir() && !built && !strings.HasPrefix(e.Name(), ".") && !bytes.Contains(b, []byte("`"+e.Name()+"/")) {
			missing = append(missing, e.Name())
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		t.Errorf("README.md does not name %s", strings.Join(missing, ", "))
	}
}
