package wat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wazero ships the scripts of the core specification's own tests and, for each,
// a list of its modules in binary form, made by another assembler (wabt).
func specScripts(t *testing.T) []string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Skipf("the scripts are in the module of wazero, which the go command does not find: %v", err)
	}
	pattern := filepath.Join(strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest", "*", "testdata", "*.wast")
	scripts, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) == 0 {
		t.Skipf("no scripts are at %s", pattern)
	}
	return scripts
}

// scriptName is the folder of a script's features and its file.
func scriptName(path string) string {
	return filepath.Base(filepath.Dir(filepath.Dir(path))) + "/" + filepath.Base(path)
}

// specModule is a (module …) of a script, whatever the script expects of it.
type specModule struct {
	at        string // script:line
	line      int
	form      string // "", binary or quote
	asserted  bool   // to be wrong in some way
	malformed string // what the script says is wrong with the text
	node      *node
}

func specModules(t *testing.T, path string) (out []specModule) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := read(path, text)
	if err != nil {
		t.Fatal(err)
	}
	for k := range nodes {
		n := &nodes[k]
		m := specModule{}
		if strings.HasPrefix(n.head(), "assert_") && len(n.nodes) > 2 {
			m.asserted = true
			if n.is("assert_malformed") {
				m.malformed = n.nodes[2].text
			}
			n = &n.nodes[1]
		}
		if !n.is("module") {
			continue
		}
		m.node, m.line = n, int(n.line)
		m.at = fmt.Sprintf("%s:%d", scriptName(path), n.line)
		c := cursor{nodes: n.nodes, at: 1}
		c.id()
		if e := c.peek(); e != nil && e.kind == word {
			m.form = e.text
		}
		out = append(out, m)
	}
	return out
}

func (m *specModule) assemble() ([]byte, error) {
	r := (&parser{name: m.at}).module(m.node)
	return r.Binary, r.Err
}

// outdated has the modules whose text has another form or meaning today.
func outdated(m *specModule) string {
	switch {
	case m.malformed == "i32 constant" || m.malformed == "i32 constant out of range":
		return "with memory64 a size or an offset of more than 32 bits is well-formed"
	case m.at == "v1/data.wast:5" || m.at == "v1/elem.wast:4":
		return "before segments had identifiers, the one in a segment was that of its memory or table"
	}
	return ""
}

func TestScriptsOfTheSpecification(t *testing.T) {
	assembled, refused, skipped := 0, 0, 0
	for _, path := range specScripts(t) {
		for _, m := range specModules(t, path) {
			if m.form == "binary" {
				continue
			}
			_, err := m.assemble()
			switch {
			case outdated(&m) != "":
				skipped++
				if (err == nil) != (m.malformed != "") {
					t.Errorf("%s: %v, although %s", m.at, err, outdated(&m))
				}
			case m.malformed != "":
				refused++
				if err == nil {
					t.Errorf("%s: assembled, but is malformed: %s", m.at, m.malformed)
				}
			default:
				assembled++
				if err != nil {
					t.Error(err)
				}
			}
		}
	}
	t.Logf("%d modules assembled, %d refused, %d outdated", assembled, refused, skipped)
}

// binaries has the binary of each module of a script that an assembler has
// listed, by the line of the module.
func binaries(t *testing.T, listing string) map[int][]byte {
	t.Helper()
	b, err := os.ReadFile(listing)
	if err != nil {
		t.Fatal(err)
	}
	var script struct {
		Commands []struct {
			Filename string
			Line     int
		}
	}
	if err := json.Unmarshal(b, &script); err != nil {
		t.Fatal(err)
	}
	out := map[int][]byte{}
	for _, c := range script.Commands {
		if !strings.HasSuffix(c.Filename, ".wasm") {
			continue
		}
		if out[c.Line], err = os.ReadFile(filepath.Join(filepath.Dir(listing), c.Filename)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// without drops the sections of a module that have one of some kinds.
func without(t *testing.T, module []byte, kinds ...byte) []byte {
	t.Helper()
	out := bytes.Clone(module[:8])
	for _, s := range sections(t, module) {
		if bytes.IndexByte(kinds, s.id) < 0 {
			out = appendSection(out, s.id, s.body)
		}
	}
	return out
}

// wabt writes these otherwise. Both ways mean the same.
var otherwiseInWabt = map[string]string{
	"v1/if.wast:3":    "an empty (else) is left out",
	"v2/if.wast:3":    "an empty (else) is left out",
	"v2/block.wast:3": "(type x) of a block gives way to a short form",
	"v2/loop.wast:3":  "(type x) of a block gives way to a short form",
}

func TestBinariesAreThoseOfWabt(t *testing.T) {
	compared := 0
	for _, path := range specScripts(t) {
		wabt := binaries(t, strings.TrimSuffix(path, ".wast")+".json")
		for _, m := range specModules(t, path) {
			got, err := m.assemble()
			want := wabt[m.line]
			if err != nil || want == nil || m.asserted || m.form == "binary" {
				continue
			}
			// wabt writes no names, and has a shorter form of segments for (table 0).
			got, want = without(t, got, 0, 9), without(t, want, 0, 9)
			if _, known := otherwiseInWabt[m.at]; known == bytes.Equal(got, want) {
				t.Errorf("%s:\ngot  %x\nwabt %x", m.at, got, want)
			}
			compared++
		}
	}
	if compared < 2400 {
		t.Errorf("compared %d modules: the lists of wabt are not understood", compared)
	}
	t.Logf("%d modules", compared)
}

// The names of the parameters of a type go to a subsection that only wasm-tools has.
const nameParams = 12

// otherwiseInWasmTools has scripts in which wasm-tools is of another opinion than
// the specification.
var otherwiseInWasmTools = map[string]string{
	"type-rec.wast": "an inline signature never means a type in (rec …), not even if it is alone there",
}

// GODWIT_WASM_TOOLS names a wasm-tools command to compare with. GODWIT_CORE_SPEC
// adds a folder of scripts, such as the tests of the newest specification.
func TestBinariesAreThoseOfWasmTools(t *testing.T) {
	tool := os.Getenv("GODWIT_WASM_TOOLS")
	if tool == "" {
		t.Skip("GODWIT_WASM_TOOLS does not name a wasm-tools command to compare with")
	}
	scripts := specScripts(t)
	if dir := os.Getenv("GODWIT_CORE_SPEC"); dir != "" {
		for _, pattern := range []string{"*.wast", "*/*.wast"} {
			more, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			scripts = append(scripts, more...)
		}
	}
	compared := 0
	for k, path := range scripts {
		out := filepath.Join(t.TempDir(), fmt.Sprint(k))
		if err := os.Mkdir(out, 0o700); err != nil {
			t.Fatal(err)
		}
		listing := filepath.Join(out, "list.json")
		b, err := exec.CommandContext(t.Context(), tool, "json-from-wast", "--output", listing, "--wasm-dir", out, path).CombinedOutput()
		if err != nil {
			t.Logf("%s: wasm-tools does not read it: %.300s", scriptName(path), b)
			continue
		}
		theirs := binaries(t, listing)
		for _, m := range specModules(t, path) {
			got, err := m.assemble()
			if err != nil || theirs[m.line] == nil || m.form == "binary" {
				continue
			}
			compared++
			if _, known := otherwiseInWasmTools[filepath.Base(path)]; !known && !bytes.Equal(got, withoutParamNames(t, theirs[m.line])) {
				t.Errorf("%s:\ngot        %x\nwasm-tools %x", m.at, got, theirs[m.line])
			}
		}
	}
	t.Logf("%d modules", compared)
}

// withoutParamNames drops that subsection, and a section of names that has no other.
func withoutParamNames(t *testing.T, module []byte) []byte {
	t.Helper()
	out := bytes.Clone(module[:8])
	for _, s := range sections(t, module) {
		prefix := appendName(nil, "name")
		if s.id == 0 && bytes.HasPrefix(s.body, prefix) {
			names := append([]byte("\x00asm\x01\x00\x00\x00"), s.body[len(prefix):]...)
			names = without(t, names, nameParams)
			s.body = append(prefix, names[8:]...)
			if len(names) == 8 {
				continue
			}
		}
		out = appendSection(out, s.id, s.body)
	}
	return out
}
