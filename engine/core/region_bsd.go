//go:build unix && !linux && (amd64 || arm64 || riscv64 || ppc64 || ppc64le || s390x || loong64 || mips64 || mips64le)

package core

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

func noHugePages([]byte) {}

// scanned is what a region remembers of a scan, on Linux.
type scanned struct{}

// touched calls f for all of the first size bytes: which were written is not known.
func (r *region) touched(size uint64, f func(from, to uint64) bool) { f(0, size) }

// imageFile: images are copied on this platform.
type imageFile struct{ view []byte }

func newImageFile(uint64, []segment) *imageFile { return nil }

func (f *imageFile) close() {}

func (r *region) mapFile(*imageFile) error { return errors.ErrUnsupported }

// forget makes all pages zeros.
func (r *region) forget() error {
	if r.open == 0 {
		return nil
	}
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(&r.all[0]), uintptr(r.open),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_FIXED)
	return err
}
