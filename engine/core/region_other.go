//go:build !(unix && (amd64 || arm64 || riscv64 || ppc64 || ppc64le || s390x || loong64 || mips64 || mips64le))

package core

import "errors"

// region: memories are on the Go heap on this platform.
type region struct {
	all  []byte
	open uint64
}

func reserve(uint64) *region { return nil }

func (r *region) grow(uint64) []byte { return nil }

func (r *region) release() {}

func (r *region) touched(size uint64, f func(from, to uint64) bool) { f(0, size) }

type imageFile struct{ view []byte }

func newImageFile(uint64, []segment) *imageFile { return nil }

func (f *imageFile) close() {}

func (r *region) mapFile(*imageFile) error { return errors.ErrUnsupported }

func (r *region) forget() error { return errors.ErrUnsupported }
