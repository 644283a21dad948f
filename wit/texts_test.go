package wit

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write the texts and the golden files anew")

// upstream is where the published definitions are during development.
var upstream = flag.String("upstream", "../../shared/wit", "folder with the published WIT definitions")

// textLine is a set of packages that depend on each other: dirs are paths in
// the published definitions and under wasi/.
type textLine struct {
	from, to string
	dirs     []string
}

var textLines = []textLine{
	{"0.2.12", "wasi/0.2.12", []string{"io", "clocks", "random", "cli", "filesystem", "sockets", "http"}},
	{"0.3.0", "wasi/0.3.0", []string{"clocks", "random", "cli", "filesystem", "sockets", "http"}},
	{"keyvalue-0.2.0-draft", "wasi/keyvalue-0.2.0-draft", []string{"."}},
	{"keyvalue-0.2.0-draft2", "wasi/keyvalue-0.2.0-draft2", []string{"."}},
	{"config-0.2.0-rc.1", "wasi/config-0.2.0-rc.1", []string{"."}},
}

func (l textLine) paths(root string) []string {
	var ps []string
	for _, d := range l.dirs {
		ps = append(ps, path.Join(root, d))
	}
	return ps
}

// published reads a line of the published definitions, with all features.
func (l textLine) published(t testing.TB) *Resolve {
	t.Helper()
	if _, err := os.Stat(*upstream); err != nil {
		t.Skipf("the published definitions are not at %s", *upstream)
	}
	r, err := Config{AllFeatures: true}.ParseFS(os.DirFS(*upstream), l.paths(l.from)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forgetDocs clears what the texts leave out on purpose.
func forgetDocs(r *Resolve) {
	for _, p := range r.Packages {
		p.Docs = ""
		for _, i := range p.Interfaces {
			i.forgetDocs()
		}
		for _, w := range p.Worlds {
			w.Docs = ""
			forgetTypeDocs(w.Types)
			for _, items := range [][]WorldItem{w.Imports, w.Exports} {
				for n := range items {
					items[n].Docs = ""
					if items[n].Func != nil {
						items[n].Func.Docs = ""
					} else {
						items[n].Interface.forgetDocs()
					}
				}
			}
		}
	}
}

func (i *Interface) forgetDocs() {
	i.Docs = ""
	forgetTypeDocs(i.Types)
	for _, f := range i.Funcs {
		f.Docs = ""
	}
}

func forgetTypeDocs(defs []*TypeDef) {
	for _, d := range defs {
		d.Docs = ""
		for n := range d.Type.Fields {
			d.Type.Fields[n].Docs = ""
		}
		for n := range d.Type.Cases {
			d.Type.Cases[n].Docs = ""
		}
	}
}

func TestTextsDeclareWhatThePublishedDefinitionsDeclare(t *testing.T) {
	for _, line := range textLines {
		t.Run(line.to, func(t *testing.T) {
			want := line.published(t)
			if *update {
				line.write(t, want)
			}
			var texts fs.FS = Texts
			if *update {
				texts = os.DirFS(".")
			}
			got, err := Config{AllFeatures: true}.ParseFS(texts, line.paths(line.to)...)
			if err != nil {
				t.Fatal(err)
			}
			forgetDocs(want)
			sameModel(t, got, want)
		})
	}
}

// write prints the packages of a line into the folder wasi, a file for each.
func (l textLine) write(t *testing.T, r *Resolve) {
	for n, dir := range l.paths(l.to) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		pkg := r.Root
		if len(l.dirs) > 1 {
			pkg = r.Package("wasi:" + l.dirs[n] + "@" + l.from)
		}
		var b bytes.Buffer
		if err := (Printer{OmitDocs: true}).Package(&b, pkg); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path.Join(dir, pkg.Name+".wit"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// printed is all of r, for messages.
func printed(t testing.TB, r *Resolve) string {
	t.Helper()
	var b bytes.Buffer
	if err := (Printer{}).Resolve(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	g, w := bytes.Split([]byte(got), []byte("\n")), bytes.Split([]byte(want), []byte("\n"))
	for n := range min(len(g), len(w)) {
		if !bytes.Equal(g[n], w[n]) {
			return "got  " + string(g[n]) + "\nwant " + string(w[n])
		}
	}
	return "the printed texts are the same up to the end of the shorter one"
}

// The texts must be readable without the published definitions, and without
// features.
func TestTextsRead(t *testing.T) {
	for _, line := range textLines {
		t.Run(line.to, func(t *testing.T) {
			for _, c := range []Config{{}, {AllFeatures: true}} {
				r, err := c.ParseFS(Texts, line.paths(line.to)...)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Packages) != len(line.dirs) {
					t.Errorf("there are %d packages, want %d", len(r.Packages), len(line.dirs))
				}
			}
		})
	}
}

func TestPublishedDefinitionsPrintAndReadBackTheSame(t *testing.T) {
	for _, line := range textLines {
		t.Run(line.to, func(t *testing.T) {
			want := line.published(t)
			text := printed(t, want)
			got, err := Config{AllFeatures: true}.Parse("printed.wit", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			sameModel(t, got, want)
		})
	}
}

// sameModel compares two models. Their packages may be in another order, when
// both are dependency orders.
func sameModel(t testing.TB, got, want *Resolve) {
	t.Helper()
	if len(got.Packages) != len(want.Packages) {
		t.Fatalf("there are %d packages, want %d", len(got.Packages), len(want.Packages))
	}
	for _, w := range want.Packages {
		g := got.Package(w.ID())
		if g == nil {
			t.Errorf("package %s is not there", w.ID())
		} else if !reflect.DeepEqual(g, w) {
			t.Errorf("package %s differs:\n%s", w.ID(), firstDifference(printed(t, got), printed(t, want)))
		}
	}
}
