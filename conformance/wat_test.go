package conformance

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/engine/component"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// officialTexts are the scripts of the official Component Model suite: of the
// checkout that GODWIT_COMPONENT_MODEL names, or of one beside this one.
func officialTexts(t *testing.T) (root string, files []string) {
	t.Helper()
	root = filepath.FromSlash("../../shared/conformance/component-model/test")
	if named := os.Getenv("GODWIT_COMPONENT_MODEL"); named != "" {
		root = filepath.Join(named, "test")
	}
	files, err := filepath.Glob(filepath.Join(root, "*", "*.wast"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("the official suite is not at %s", root)
	}
	return root, files
}

func readScript(t *testing.T, file string) *wat.Script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := wat.ReadScript(filepath.Base(file), text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOfficialTextsAssembleAndDecode(t *testing.T) {
	root, files := officialTexts(t)
	assembled := 0
	for _, file := range files {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			for _, c := range readScript(t, file).Commands {
				m := c.Module
				if m == nil || c.Kind == wat.AssertMalformed {
					continue
				}
				if m.Err != nil {
					t.Errorf("%d: %v", m.Line, m.Err)
					continue
				}
				assembled++
				if m.Core || c.Kind == wat.AssertInvalid {
					continue
				}
				if _, err := component.Decode(m.Binary); err != nil {
					t.Errorf("%s:%d: does not decode: %v", rel, m.Line, err)
				}
			}
		})
	}
	if assembled < 600 {
		t.Errorf("assembled %d components: the test looks in the wrong place", assembled)
	}
}

// foreignText says why wasm-tools does not read a script of the suite.
var foreignText = map[string]string{
	"async/cancellable.wast": "the word cancellable went with component-model#716, which this suite does not have yet",
}

// TestOfficialTextsAssembleAsWithWasmTools compares the binaries of the official
// suite, byte by byte and with their names, with those of wasm-tools: of the
// command that GODWIT_WASM_TOOLS names.
func TestOfficialTextsAssembleAsWithWasmTools(t *testing.T) {
	tool := os.Getenv("GODWIT_WASM_TOOLS")
	if tool == "" {
		t.Skip("GODWIT_WASM_TOOLS does not name a wasm-tools command to compare with")
	}
	root, files := officialTexts(t)
	compared := 0
	for _, file := range files {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		rel = filepath.ToSlash(rel)
		t.Run(rel, func(t *testing.T) {
			theirs, message := assembledByTool(t, tool, file)
			if theirs == nil {
				if why := foreignText[rel]; why != "" {
					t.Skip(why)
				}
				t.Fatalf("wasm-tools does not read it: %s", message)
			}
			for _, c := range readScript(t, file).Commands {
				if c.Module == nil {
					continue
				}
				want, ok := theirs[c.Module.Line]
				if !ok {
					continue // wasm-tools leaves quoted text as text
				}
				compared++
				if !bytes.Equal(c.Module.Binary, want) {
					t.Errorf("%d: assembled differently\nhere:       %x\nwasm-tools: %x", c.Module.Line, c.Module.Binary, want)
				}
			}
		})
	}
	if compared < 600 {
		t.Errorf("compared %d binaries: the output of wasm-tools is not understood", compared)
	}
}

// assembledByTool makes the binaries of a script, by line. They are nil if the
// tool does not read the script.
func assembledByTool(t *testing.T, tool, file string) (binaries map[int][]byte, message string) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "script.json")
	b, err := exec.CommandContext(t.Context(), tool, "json-from-wast", "--output", out, "--wasm-dir", dir, file).CombinedOutput()
	if err != nil {
		return nil, err.Error() + ": " + string(b)
	}
	var script struct {
		Commands []struct {
			Line     int
			Filename string
		}
	}
	if b, err = os.ReadFile(out); err == nil {
		err = json.Unmarshal(b, &script)
	}
	if err != nil {
		t.Fatal(err)
	}
	binaries = map[int][]byte{}
	for _, c := range script.Commands {
		if !strings.HasSuffix(c.Filename, ".wasm") {
			continue
		}
		if binaries[c.Line], err = os.ReadFile(filepath.Join(dir, c.Filename)); err != nil {
			t.Fatal(err)
		}
	}
	return binaries, ""
}
