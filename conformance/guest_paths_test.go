package conformance

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// builderPath matches what a guest has only from the machine that built it: the
// folders that people and CI build in, and those of package managers; cargo's for a
// registry have the name of its host and a hash. A guest may well name /etc or
// /usr/share. Compilers put strings next to each other with nothing between, so a
// match can begin anywhere.
var builderPath = regexp.MustCompile(`/(root|home|work|Users|usr/src)/|[A-Za-z]:\\Users\\|\.cargo/|[\w.-]+-[0-9a-f]{16}/|registry/src/|node_modules/`)

// TestGuestPaths holds the committed guests to name nothing of where they were built.
func TestGuestPaths(t *testing.T) {
	// The guests that are not committed are listed there: other people's tools make
	// them, with what those tools have in them.
	b, err := os.ReadFile("../.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Fields(string(b))
	found := 0
	for _, folder := range []string{"../examples", "guests"} {
		err := filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "target") {
				return filepath.SkipDir
			}
			if d.IsDir() || filepath.Ext(p) != ".wasm" {
				return nil
			}
			rel := filepath.ToSlash(filepath.Join("conformance", p))
			for _, line := range ignored {
				if line == "/"+rel {
					return nil
				}
			}
			wasm, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			found++
			for _, at := range builderPath.FindAllIndex(wasm, -1) {
				t.Errorf("%s holds %q", rel, wasm[max(at[0]-20, 0):min(at[1]+60, len(wasm))])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 10 {
		t.Fatalf("found %d guests: the test looks in the wrong place", found)
	}
}
