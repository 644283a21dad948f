//go:build darwin || freebsd

package filesystem

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

const (
	oDatasync = os.O_SYNC
	utimeOmit = -2
)

func statTimes(st *syscall.Stat_t) (accessed, changed syscall.Timespec) {
	return st.Atimespec, st.Ctimespec
}

// setTimes sets the times of an open file or directory, to a microsecond.
func setTimes(f *os.File, accessed, modified time.Time) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if accessed.IsZero() {
		accessed = systemOf(info).accessed
	}
	if modified.IsZero() {
		modified = info.ModTime()
	}
	defer runtime.KeepAlive(f)
	return unix.Futimes(int(f.Fd()), []unix.Timeval{
		unix.NsecToTimeval(accessed.UnixNano()), unix.NsecToTimeval(modified.UnixNano()),
	})
}

// datasync writes the data of a file to disk, here with all else of it.
func datasync(f *os.File) error { return f.Sync() }

// advise tells the system nothing: advice may be ignored.
func advise(*os.File, int64, int64, wasifilesystem.Advice) error { return nil }

// appendTo writes to the end of a file.
func appendTo(f *os.File, b []byte) (int, error) { return appendAtEnd(f, b) }
