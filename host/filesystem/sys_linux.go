package filesystem

import (
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

const (
	oDatasync = unix.O_DSYNC
	utimeOmit = unix.UTIME_OMIT
)

func statTimes(st *syscall.Stat_t) (accessed, changed syscall.Timespec) { return st.Atim, st.Ctim }

// setTimes sets the times of an open file or directory.
func setTimes(f *os.File, accessed, modified time.Time) error {
	times := timespecs(accessed, modified)
	// Without a path, the call is on the file itself; package unix has no function for that.
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, f.Fd(), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	runtime.KeepAlive(f)
	if errno != 0 {
		return errno
	}
	return nil
}

// datasync writes the data of a file to disk.
func datasync(f *os.File) error {
	defer runtime.KeepAlive(f)
	return again(func() error { return unix.Fdatasync(int(f.Fd())) })
}

var advices = [...]int{
	wasifilesystem.AdviceNormal:     unix.FADV_NORMAL,
	wasifilesystem.AdviceSequential: unix.FADV_SEQUENTIAL,
	wasifilesystem.AdviceRandom:     unix.FADV_RANDOM,
	wasifilesystem.AdviceWillNeed:   unix.FADV_WILLNEED,
	wasifilesystem.AdviceDontNeed:   unix.FADV_DONTNEED,
	wasifilesystem.AdviceNoReuse:    unix.FADV_NOREUSE,
}

// advise tells the system how a file will be used.
func advise(f *os.File, offset, length int64, advice wasifilesystem.Advice) error {
	defer runtime.KeepAlive(f)
	return unix.Fadvise(int(f.Fd()), offset, length, advices[advice])
}

// appendTo writes to the end of a file, whoever else does so too.
func appendTo(f *os.File, b []byte) (n int, err error) {
	defer runtime.KeepAlive(f)
	err = again(func() (err error) {
		n, err = unix.Pwritev2(int(f.Fd()), [][]byte{b}, 0, unix.RWF_APPEND)
		return err
	})
	if err == unix.ENOSYS || err == unix.EOPNOTSUPP {
		return appendAtEnd(f, b)
	}
	return max(n, 0), err
}
