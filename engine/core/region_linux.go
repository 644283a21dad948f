//go:build linux && (amd64 || arm64 || riscv64 || ppc64 || ppc64le || s390x || loong64 || mips64 || mips64le)

package core

import (
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noHugePages keeps what a guest touches small: with a huge page, one byte costs
// clearing 2 MiB, and returning to the image as much.
func noHugePages(b []byte) { _ = unix.Madvise(b, unix.MADV_NOHUGEPAGE) }

// The interface of PAGEMAP_SCAN (Linux 6.7).
type (
	scanArg struct {
		size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
		inverted, mask, anyOf, returned                         uint64
	}
	scanRange struct{ start, end, categories uint64 }
)

const (
	pagemapScan = 0xc0606610

	pageFile    = 1 << 2
	pagePresent = 1 << 3
	pageSwapped = 1 << 4
	pageZero    = 1 << 5
)

// pagemap is where the pages of this process are looked up, or nil where the
// kernel cannot do that.
var pagemap = sync.OnceValue(func() *os.File {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	probe := make([]byte, 2*os.Getpagesize())
	var out [1]scanRange
	if _, _, ok := scan(f, uintptr(unsafe.Pointer(&probe[0]))&^uintptr(os.Getpagesize()-1), uint64(os.Getpagesize()), out[:]); !ok {
		_ = f.Close()
		return nil
	}
	return f
})

// scan finds pages that were written since they were mapped: they are no longer
// the file's, nor the kernel's page of zeros. done is how far it got.
func scan(f *os.File, start uintptr, size uint64, out []scanRange) (n int, done uint64, ok bool) {
	a := scanArg{
		size: uint64(unsafe.Sizeof(scanArg{})), start: uint64(start), end: uint64(start) + size,
		vec: uint64(uintptr(unsafe.Pointer(&out[0]))), vecLen: uint64(len(out)),
		inverted: pageFile | pageZero, mask: pageFile | pageZero,
		anyOf: pagePresent | pageSwapped, returned: pagePresent | pageSwapped,
	}
	r, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), pagemapScan, uintptr(unsafe.Pointer(&a)))
	return int(r), a.walkEnd - uint64(start), errno == 0
}

// scanned is what the last scan found. It holds as long as no thread of this
// process takes a page fault: a page that is written for the first time takes one.
// Most requests write the pages that those before have written, which stay; then
// the count of faults tells in half a microsecond what a scan takes several for, or
// some 20 when 12 MB have been read.
type scanned struct {
	faults  int64 // of the process, before the scan; 0: there is nothing to go by
	size    uint64
	written []scanRange
}

// maxRanges bounds what is remembered of a scan.
const maxRanges = maxCopyBack >> 12

// faultCount is how many page faults the process has taken, 0 if that is not known.
// Linux counts those of the kernel, on behalf of a thread, as well (since 5.9).
func faultCount() int64 {
	var u unix.Rusage
	if !useFaults || unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Minflt + u.Majflt
}

// touched calls f for each part of the first size bytes that was written since
// it was mapped, until f returns false.
func (r *region) touched(size uint64, f func(from, to uint64) bool) {
	p := pagemap()
	if p == nil || !useScan {
		f(0, size)
		return
	}
	base := uint64(uintptr(unsafe.Pointer(&r.all[0])))
	faults := faultCount()
	if r.last.faults == faults && faults != 0 && r.last.size == size {
		for _, x := range r.last.written {
			if !f(x.start-base, x.end-base) {
				return
			}
		}
		return
	}
	now := scanned{faults: faults, size: size, written: r.last.written[:0]}
	r.last.faults = 0 // until all is seen
	var found [64]scanRange
	for at := uint64(0); at < size; {
		n, done, ok := scan(p, uintptr(base+at), size-at, found[:])
		if !ok {
			f(at, size)
			return
		}
		if len(now.written)+n <= maxRanges {
			now.written = append(now.written, found[:n]...)
		} else {
			now.faults = 0
		}
		for _, x := range found[:n] {
			if !f(x.start-base, x.end-base) {
				return
			}
		}
		at += done
	}
	r.last = now
}

// imageFile holds an image for mapping.
type imageFile struct {
	fd   int
	view []byte // all of it, in whole pages, to be read
}

// newImageFile makes a file of end bytes, with segments in it, that nobody can
// change.
func newImageFile(end uint64, in []segment) *imageFile {
	page := uint64(os.Getpagesize())
	size := (end + page - 1) &^ (page - 1)
	fd, err := unix.MemfdCreate("godwit-image", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil
	}
	f := &imageFile{fd: fd}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		err = fillFile(fd, int(size), in)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		f.view, err = unix.Mmap(fd, 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
	}
	if err != nil {
		f.close()
		return nil
	}
	return f
}

// fillFile puts segments in a file by way of a mapping: there can be thousands.
func fillFile(fd, size int, in []segment) error {
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	fill(b, in)
	return unix.Munmap(b)
}

func (f *imageFile) close() {
	if f.view != nil {
		_ = unix.Munmap(f.view)
	}
	_ = unix.Close(f.fd)
}

// mapFile maps the file, copy on write, over the beginning of the region.
func (r *region) mapFile(f *imageFile) error {
	if uint64(len(f.view)) > r.open {
		return unix.EINVAL
	}
	r.last.faults = 0
	_, err := unix.MmapPtr(f.fd, 0, unsafe.Pointer(&r.all[0]), uintptr(len(f.view)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err == nil {
		noHugePages(r.all[:len(f.view)])
	}
	return err
}

// forget returns all pages to what is mapped there.
func (r *region) forget() error {
	r.last = scanned{}
	return unix.Madvise(r.all[:r.open], unix.MADV_DONTNEED)
}
