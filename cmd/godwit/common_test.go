package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestComponentIsReadInEitherFormat(t *testing.T) {
	binary := "\x00asm\x0d\x00\x01\x00"
	for _, c := range []struct{ name, file, content, want, err string }{
		{"binary", "a.wasm", binary, binary, ""},
		{"binary under the name of a text", "a.wat", binary, binary, ""},
		{"text", "a.wat", "(component)", binary, ""},
		{"text under another name", "a.wasm", "\n\t(component)", binary, ""},
		{"text behind comments", "a", ";; empty\n(; block ;) (component)", binary, ""},
		{"text behind a block comment", "a", "(; block ;) (component)", binary, ""},
		{"wrong text", "a.wat", "(component\n  (type))", "", "a.wat:2:3: expected a type at the end of (type …)"},
		{"neither", "a.wasm", "\x7fELF\x02\x01", "\x7fELF\x02\x01", ""},
		{"nothing", "a.wasm", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := readComponent(path)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error is %v, wanted %s", err, c.err)
				}
				return
			}
			if err != nil || !bytes.Equal(b, []byte(c.want)) {
				t.Errorf("read %q, %v; wanted %q", b, err, c.want)
			}
		})
	}
}
