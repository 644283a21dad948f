package core

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/cpu"
)

// codeKey identifies compiled code: modules with equal keys are compiled to the
// same code, and differ at most in what is in their memory at first.
type codeKey [sha256.Size]byte

// wazeroModule is what compiles; wazeroVersion is the version in go.mod, for
// binaries that do not say what they were built of.
const (
	wazeroModule  = "github.com/tetratelabs/wazero"
	wazeroVersion = "v1.12.0"
)

// source is this package itself: code that was rewritten by another version of it
// is never run, without anybody having to remember a number. Its tests are there
// because a pattern cannot leave them out.
//
//go:embed *.go
var source embed.FS

// builder identifies what made the code: this package, wazero, Go, and the
// features of the processor that wazero makes use of.
var builder = sync.OnceValue(func() codeKey {
	h := sha256.New()
	fmt.Fprintln(h, wazeroVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu.X86, cpu.ARM64)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == wazeroModule {
				fmt.Fprintln(h, m.Version, m.Sum)
				if m.Replace != nil {
					fmt.Fprintln(h, m.Replace.Path, m.Replace.Version, m.Replace.Sum)
				}
			}
		}
	}
	files, _ := fs.Glob(source, "*.go")
	for _, name := range files {
		b, _ := source.ReadFile(name)
		fmt.Fprintln(h, name, len(b))
		h.Write(b)
	}
	return codeKey(h.Sum(nil))
})

// keyOf is the key of the code of a module, and the data that is not part of
// it. It is made of the module as it is, so that what is in the cache need not be
// rewritten to find it there.
func keyOf(s *ModuleSpec) (codeKey, []segment, error) {
	w, err := split(s)
	if err != nil {
		return codeKey{}, nil, err
	}
	h := sha256.New()
	made := builder()
	h.Write(made[:])
	b := appendString([]byte{byte(s.Engine)}, s.Name)
	b = appendU32(b, uint32(len(s.Imports)))
	for _, im := range s.Imports {
		b = binary.AppendVarint(b, int64(im.Instance))
		b = binary.AppendVarint(b, int64(im.Host))
		b = appendString(b, im.Name)
	}
	h.Write(b)
	part := func(id byte, b []byte) {
		h.Write(binary.LittleEndian.AppendUint64([]byte{id}, uint64(len(b))))
		h.Write(b)
	}
	part(secCustom, w.names)
	data, rest, ok := w.takeData()
	for id, r := range w.in {
		switch {
		case r == nil:
		case id == secData && ok:
			part(secCustom, rest) // not secData: what is left of data is not data
		default:
			part(byte(id), r.b)
		}
	}
	if !ok {
		data = nil
	}
	return codeKey(h.Sum(nil)), data, nil
}
