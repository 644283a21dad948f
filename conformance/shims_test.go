package conformance

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// Guests answer in the same way when calls go through the tables of their shims,
// as they are written, and not past them, as the engine has it where it can.
func TestGuestsAnswerRightThroughTheirShims(t *testing.T) {
	onFilesOfGuests(t, func(t *testing.T, file string) string {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, shims := disguised(t, b)
		if shims != 1 {
			t.Fatalf("%s has %d shims", file, shims)
		}
		out := filepath.Join(t.TempDir(), filepath.Base(file))
		if err := os.WriteFile(out, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return out
	}, answersRight)
}

// disguised gives each shim in a component a global, which nothing uses: the
// engine does not take it for a shim then.
func disguised(t *testing.T, b []byte) (out []byte, shims int) {
	const (
		coreModule    = 1 // sections of a component
		export        = 7 // sections of a core module
		global        = "\x06\x06\x01\x7f\x00\x41\x00\x0b"
		exportedTable = "\x08$imports\x01\x00" // as wit-component names it
	)
	out = append(out, b[:8]...)
	eachSection(t, b, func(id byte, body []byte) {
		if id == coreModule && bytes.Contains(body, []byte(exportedTable)) {
			module := append([]byte(nil), body[:8]...)
			eachSection(t, body, func(id byte, s []byte) {
				if id == export {
					module = append(module, global...)
				}
				module = append(binary.AppendUvarint(append(module, id), uint64(len(s))), s...)
			})
			body = module
			shims++
		}
		out = append(binary.AppendUvarint(append(out, id), uint64(len(body))), body...)
	})
	return out, shims
}

// eachSection calls f for each section of a component or core module.
func eachSection(t *testing.T, b []byte, f func(id byte, body []byte)) {
	for b = b[8:]; len(b) > 0; {
		size, n := binary.Uvarint(b[1:])
		if n <= 0 || size > uint64(len(b)-1-n) {
			t.Fatal("a section is cut off")
		}
		f(b[0], b[1+n:][:size])
		b = b[1+n:][size:]
	}
}
