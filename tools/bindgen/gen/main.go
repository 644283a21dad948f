// Command gen writes the bindings that are part of the project: bindings/ from
// the definitions in wit/, and those of tests and examples. It owns the list of
// what is generated from what; a test compares it with the files as they stand.
//
// It may import tools/bindgen and wit. Run it from the root of the repository:
// go run ./tools/bindgen/gen
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/godwit-runtime/godwit/tools/bindgen"
	"github.com/godwit-runtime/godwit/wit"
)

const modulePath = "github.com/godwit-runtime/godwit/"

// own are bindings of worlds in the repository: folder, directory of the WIT,
// package and world.
var own = []struct{ dir, wit, pkg, world string }{
	{"tools/bindgen/internal/names", "tools/bindgen/testdata/names", "test:names", "names"},
	{"tools/bindgen/internal/values", "tools/bindgen/testdata/values", "test:values@1.0.0", "everything"},
	{"conformance/calls", "conformance/guests/calls", "godwit:calls", "calls"},
	{"examples/embed/textplugin", "examples/embed/wit", "godwit:text-plugin@0.1.0", "text-plugin"},
}

func main() {
	files, err := outputs(".")
	if err == nil {
		err = write(files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// outputs returns every generated file by its path from root.
func outputs(root string) (map[string][]byte, error) {
	out := map[string][]byte{}
	add := func(dir string, o bindgen.Options) error {
		files, err := bindgen.Generate(o)
		for name, b := range files {
			out[path.Join(dir, name)] = b
		}
		return err
	}
	for _, t := range bindgen.Shipped() {
		r, err := wit.Config{AllFeatures: true}.ParseFS(wit.Texts, texts(t.WIT)...)
		if err != nil {
			return nil, err
		}
		dir := strings.TrimPrefix(t.ImportPath, modulePath)
		if err := add(dir, bindgen.Options{Resolve: r, Target: t, Bound: bindgen.Shipped()}); err != nil {
			return nil, err
		}
	}
	for _, o := range own {
		r, err := wit.ParseDir(filepath.Join(root, filepath.FromSlash(o.wit)))
		if err != nil {
			return nil, err
		}
		t := bindgen.Target{WIT: o.pkg, World: o.world, Package: path.Base(o.dir), ImportPath: modulePath + o.dir}
		if err := add(o.dir, bindgen.Options{Resolve: r, Target: t, Bound: bindgen.Shipped()}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// texts are the directories of wit.Texts that define the package id, last, and
// the packages that it may refer to.
func texts(id string) []string {
	name, version, _ := strings.Cut(id, "@")
	_, name, _ = strings.Cut(name, ":")
	line := path.Join("wasi", version)
	if strings.Contains(version, "-") {
		return []string{path.Join("wasi", name+"-"+version)}
	}
	root := path.Join(line, name)
	var dirs []string
	entries, _ := fs.ReadDir(wit.Texts, line)
	for _, e := range entries {
		if d := path.Join(line, e.Name()); d != root {
			dirs = append(dirs, d)
		}
	}
	return append(dirs, root)
}

// write replaces the generated files of each directory.
func write(files map[string][]byte) error {
	seen := map[string]bool{}
	for name := range files {
		dir := path.Dir(name)
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		old, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		for _, f := range old {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	for name, b := range files {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
