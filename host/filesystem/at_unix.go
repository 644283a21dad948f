//go:build linux || darwin || freebsd

package filesystem

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// This file has what os.Root has no operation for. os.Root finds and opens the
// directory of a path's last component; the system's call is then given that
// directory and the component, which is a name or ".", and does not follow it.
// So it happens in that very directory, whatever becomes of the path meanwhile.

// place is the last component of a path in its directory.
type place struct {
	dir   *os.File
	owned bool // dir was opened for the place
	name  string
	slash bool // a slash follows: what is there must be a directory
}

func (h *handle) place(path string) (place, error) {
	dir, name, slash := splitPath(path)
	p := place{name: name, slash: slash}
	var err error
	if dir == "." {
		p.dir, err = h.self()
	} else {
		p.owned = true
		p.dir, err = h.root.OpenFile(dir, os.O_RDONLY|oNonblock|oDirectory, 0)
	}
	return p, err
}

func (p *place) close() {
	if p.owned {
		_ = p.dir.Close()
	}
	runtime.KeepAlive(p.dir)
}

// fd is the directory's. It is good until close.
func (p *place) fd() int { return int(p.dir.Fd()) }

// mode is that of what is there.
func (p *place) mode() (uint32, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstatat(p.fd(), p.name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return uint32(st.Mode) & unix.S_IFMT, err
}

// checkSlash refuses what is no directory where a slash follows. Systems differ
// in whether they follow a link then: here it is never followed.
func (p *place) checkSlash() error {
	if !p.slash {
		return nil
	}
	mode, err := p.mode()
	if err == nil && mode != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	return err
}

// again calls f until it is not interrupted.
func again(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// openNoFollow opens a file or a directory, but not what a symbolic link refers to.
func (h *handle) openNoFollow(path string, flag int, perm fs.FileMode) (*os.File, error) {
	p, err := h.place(path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	var fd int
	err = again(func() (err error) {
		fd, err = unix.Openat(p.fd(), p.name, flag|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(perm))
		return err
	})
	if err == unix.EMLINK { // as FreeBSD says it
		err = unix.ELOOP
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// removeDirectory removes an empty directory.
func (h *handle) removeDirectory(path string) error {
	p, err := h.place(path)
	if err != nil {
		return err
	}
	defer p.close()
	if err := h.checkLink(&p, path); err != nil {
		return err
	}
	return again(func() error { return unix.Unlinkat(p.fd(), p.name, unix.AT_REMOVEDIR) })
}

// unlink removes what is not a directory.
func (h *handle) unlink(path string) error {
	p, err := h.place(path)
	if err != nil {
		return err
	}
	defer p.close()
	if err := h.checkLink(&p, path); err != nil {
		return err
	}
	err = again(func() error { return unix.Unlinkat(p.fd(), p.name, 0) })
	if err == unix.EPERM { // what POSIX has for a directory
		if mode, e := p.mode(); e == nil && mode == unix.S_IFDIR {
			err = unix.EISDIR
		}
	}
	return err
}

// checkLink is checkSlash for one path. A link that leads out of the root is
// that error, before it is none of a directory.
func (h *handle) checkLink(p *place, path string) error {
	err := p.checkSlash()
	if err == unix.ENOTDIR {
		if _, e := h.root.Stat(path); e != nil {
			return e
		}
	}
	return err
}

// onTwo does an operation on two paths.
func onTwo(from *handle, oldPath string, to *handle, newPath string, do func(a, b *place) error) error {
	a, err := from.place(oldPath)
	if err != nil {
		return err
	}
	defer a.close()
	b, err := to.place(newPath)
	if err != nil {
		return err
	}
	defer b.close()
	if err := from.checkLink(&a, oldPath); err != nil {
		return err
	}
	return do(&a, &b)
}

// rename moves what is at oldPath to newPath.
func rename(from *handle, oldPath string, to *handle, newPath string) error {
	return onTwo(from, oldPath, to, newPath, func(a, b *place) error {
		if b.slash {
			// Only a directory can go where a slash follows.
			mode, err := a.mode()
			if err == nil && mode != unix.S_IFDIR {
				err = unix.ENOTDIR
			}
			if err != nil {
				return err
			}
			if err := to.checkLink(b, newPath); err != nil && err != unix.ENOENT {
				return err
			}
		}
		return again(func() error { return unix.Renameat(a.fd(), a.name, b.fd(), b.name) })
	})
}

// link makes another name of a file.
func link(from *handle, oldPath string, to *handle, newPath string) error {
	return onTwo(from, oldPath, to, newPath, func(a, b *place) error {
		if b.slash {
			// No directory can be made so: it is there already, or cannot be.
			if err := to.checkLink(b, newPath); err != nil {
				return err
			}
			return unix.EEXIST
		}
		return again(func() error { return unix.Linkat(a.fd(), a.name, b.fd(), b.name, 0) })
	})
}

// setTimesNoFollow sets the times of what is at a path, be it a symbolic link.
func (h *handle) setTimesNoFollow(path string, accessed, modified time.Time) error {
	p, err := h.place(path)
	if err != nil {
		return err
	}
	defer p.close()
	if p.slash {
		return h.root.Chtimes(path, accessed, modified)
	}
	times := timespecs(accessed, modified)
	return again(func() error {
		return unix.UtimesNanoAt(p.fd(), p.name, times[:], unix.AT_SYMLINK_NOFOLLOW)
	})
}

// timespecs are times for the system; a zero one is left as it is.
func timespecs(accessed, modified time.Time) (out [2]unix.Timespec) {
	for i, t := range [2]time.Time{accessed, modified} {
		if t.IsZero() {
			out[i].Nsec = utimeOmit
		} else {
			out[i] = unix.NsecToTimespec(t.UnixNano())
		}
	}
	return out
}

const (
	oNonblock  = unix.O_NONBLOCK | unix.O_NOCTTY
	oDirectory = unix.O_DIRECTORY
	// syncsUnwritable: what is only open for reading can be synchronised too.
	syncsUnwritable = true
)

// systemOf returns what the system says of a file.
func systemOf(info fs.FileInfo) system {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return system{links: 1}
	}
	s := system{device: uint64(st.Dev), inode: uint64(st.Ino), links: uint64(st.Nlink)}
	a, c := statTimes(st)
	s.accessed, s.changed = time.Unix(a.Unix()), time.Unix(c.Unix())
	return s
}

// appendAtEnd appends on a system that has no call for it.
func appendAtEnd(f *os.File, b []byte) (int, error) {
	appending.Lock()
	defer appending.Unlock()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return f.WriteAt(b, info.Size())
}
