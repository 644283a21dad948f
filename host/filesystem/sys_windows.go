package filesystem

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// systemOf returns what the system says of a file. It gives no number of a file
// without opening it; the time of its creation is the next best.
func systemOf(info fs.FileInfo) system {
	s := system{links: 1}
	if d, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		s.accessed = time.Unix(0, d.LastAccessTime.Nanoseconds())
		s.inode = uint64(d.CreationTime.Nanoseconds())
	}
	return s
}

// setTimes sets the times of an open file or directory.
func setTimes(f *os.File, accessed, modified time.Time) error {
	defer runtime.KeepAlive(f)
	return windows.SetFileTime(windows.Handle(f.Fd()), nil, filetime(accessed), filetime(modified))
}

// filetime is a time for the system; nil leaves one as it is.
func filetime(t time.Time) *windows.Filetime {
	if t.IsZero() {
		return nil
	}
	ft := windows.NsecToFiletime(t.UnixNano())
	return &ft
}
