//go:build unix && (amd64 || arm64 || riscv64 || ppc64 || ppc64le || s390x || loong64 || mips64 || mips64le)

package core

import (
	"golang.org/x/sys/unix"
)

// region is address space set aside for a memory. Its first pages, as many as
// the memory ever had, can be used; the rest costs nothing.
type region struct {
	all  []byte
	open uint64 // how many bytes can be used
	last scanned
}

// reserve sets address space aside; it returns nil when the system has none.
func reserve(size uint64) *region {
	if size == 0 || size > 1<<40 {
		return nil
	}
	size = (size + wasmPage - 1) &^ (wasmPage - 1)
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	noHugePages(b)
	return &region{all: b}
}

// grow returns the first size bytes, or nil.
func (r *region) grow(size uint64) []byte {
	if size > uint64(len(r.all)) {
		return nil
	}
	if size > r.open {
		if err := unix.Mprotect(r.all[r.open:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
			return nil
		}
		r.open = size
	}
	return r.all[:size:size]
}

func (r *region) release() {
	_ = unix.Munmap(r.all)
	r.all = nil
}
