//go:build !linux && !darwin && !freebsd

package filesystem

import (
	"io/fs"
	"os"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// This file does with os.Root alone what at_unix.go has calls for. Nothing
// leaves the root here either, but between a look at what is there and the
// operation it may become something else of the same root.

const (
	oNonblock  = 0
	oDirectory = 0
	oDatasync  = os.O_SYNC
	// syncsUnwritable: what is only open for reading cannot be synchronised.
	syncsUnwritable = false
)

// openNoFollow opens a file or a directory, but not what a symbolic link refers to.
func (h *handle) openNoFollow(path string, flag int, perm fs.FileMode) (*os.File, error) {
	before, err := h.root.Lstat(path)
	if err == nil && isSymlink(before) {
		return nil, wasifilesystem.ErrorCodeLoop
	}
	f, openErr := h.root.OpenFile(path, flag, perm)
	if openErr != nil || err != nil {
		return f, openErr
	}
	after, err := f.Stat()
	if err != nil || !os.SameFile(before, after) {
		_ = f.Close()
		if err == nil {
			err = errMoved
		}
		return nil, err
	}
	return f, nil
}

// removeDirectory removes an empty directory.
func (h *handle) removeDirectory(path string) error {
	info, err := h.root.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return wasifilesystem.ErrorCodeNotDirectory
	}
	return h.root.Remove(path)
}

// unlink removes what is not a directory.
func (h *handle) unlink(path string) error {
	info, err := h.root.Lstat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return wasifilesystem.ErrorCodeIsDirectory
	}
	return h.root.Remove(path)
}

// rename moves what is at oldPath to newPath, beneath one directory.
func rename(from *handle, oldPath string, to *handle, newPath string) error {
	if from.root != to.root {
		return wasifilesystem.ErrorCodeUnsupported
	}
	return from.root.Rename(oldPath, newPath)
}

// link makes another name of a file, beneath one directory.
func link(from *handle, oldPath string, to *handle, newPath string) error {
	if from.root != to.root {
		return wasifilesystem.ErrorCodeUnsupported
	}
	info, err := from.root.Lstat(oldPath)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return wasifilesystem.ErrorCodeNotPermitted
	}
	return from.root.Link(oldPath, newPath)
}

// setTimesNoFollow sets the times of what is at a path, unless it is a symbolic link.
func (h *handle) setTimesNoFollow(path string, accessed, modified time.Time) error {
	info, err := h.root.Lstat(path)
	switch {
	case err != nil:
		return err
	case isSymlink(info):
		return wasifilesystem.ErrorCodeUnsupported
	}
	return h.root.Chtimes(path, accessed, modified)
}

// datasync writes the data of a file to disk, here with all else of it.
func datasync(f *os.File) error { return f.Sync() }

// advise tells the system nothing: advice may be ignored.
func advise(*os.File, int64, int64, wasifilesystem.Advice) error { return nil }

// appendTo writes to the end of a file.
func appendTo(f *os.File, b []byte) (int, error) {
	appending.Lock()
	defer appending.Unlock()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return f.WriteAt(b, info.Size())
}
