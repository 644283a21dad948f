package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"testing"
)

func TestGeneratedCodeIsCurrent(t *testing.T) {
	const root = "../../.."
	files, err := outputs(root)
	if err != nil {
		t.Fatal(err)
	}
	dirs := map[string]bool{}
	for name, want := range files {
		dirs[path.Dir(name)] = true
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%s is not there: run go generate ./tools/bindgen", name)
		} else if !bytes.Equal(have, want) {
			t.Errorf("%s is out of date: run go generate ./tools/bindgen", name)
		}
	}
	for dir := range dirs {
		have, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range have {
			if name := path.Join(dir, filepath.Base(f)); files[name] == nil {
				t.Errorf("%s is generated no more: run go generate ./tools/bindgen", name)
			}
		}
	}
}
