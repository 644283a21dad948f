package filesystem

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// maxPath bounds a path, in bytes. Each component costs system calls.
const maxPath = 4096

// checkPath refuses a path that no operation takes.
func checkPath(path string) error {
	switch {
	case path == "":
		return wasifilesystem.ErrorCodeNoEntry
	case len(path) > maxPath:
		return wasifilesystem.ErrorCodeNameTooLong
	case path[0] == '/':
		return wasifilesystem.ErrorCodeNotPermitted
	case strings.IndexByte(path, 0) >= 0:
		return wasifilesystem.ErrorCodeInvalid
	}
	return nil
}

// splitPath splits a path into the directory of its last component, and the
// component. The directory is a path that os.Root opens as a directory, or not
// at all; the component is a name or ".", never "..". Slashes at the end are
// left out: with them, what is there must be a directory.
func splitPath(path string) (dir, name string, slash bool) {
	trimmed := strings.TrimRight(path, "/")
	slash = len(trimmed) < len(path)
	name = trimmed[strings.LastIndexByte(trimmed, '/')+1:]
	if name == ".." {
		return asDirectory(trimmed), ".", true
	}
	if dir = trimmed[:len(trimmed)-len(name)]; dir == "" {
		return ".", name, slash
	}
	return asDirectory(dir), name, slash
}

// asDirectory is the path of the same directory, such that os.Root fails if it
// is none, without opening it.
func asDirectory(path string) string { return strings.TrimRight(path, "/") + "/." }

// CreateDirectoryAt implements wasifilesystem.Descriptor.
func (d *descriptor) CreateDirectoryAt(_ context.Context, path string) error {
	h, err := d.mutable(path)
	if err != nil {
		return err
	}
	return result(h.root.Mkdir(path, 0o777))
}

// RemoveDirectoryAt implements wasifilesystem.Descriptor.
func (d *descriptor) RemoveDirectoryAt(_ context.Context, path string) error {
	h, err := d.mutable(path)
	if err != nil {
		return err
	}
	return result(h.removeDirectory(path))
}

// UnlinkFileAt implements wasifilesystem.Descriptor.
func (d *descriptor) UnlinkFileAt(_ context.Context, path string) error {
	h, err := d.mutable(path)
	if err != nil {
		return err
	}
	return result(h.unlink(path))
}

// RenameAt implements wasifilesystem.Descriptor.
func (d *descriptor) RenameAt(_ context.Context, oldPath string, newDescriptor wasifilesystem.Descriptor, newPath string) error {
	from, to, err := d.both(oldPath, newDescriptor, newPath)
	if err != nil {
		return err
	}
	return result(rename(from, oldPath, to, newPath))
}

// LinkAt implements wasifilesystem.Descriptor. A link to what a symbolic link
// refers to is not made: no system does that without a race.
func (d *descriptor) LinkAt(_ context.Context, oldPathFlags wasifilesystem.PathFlags, oldPath string, newDescriptor wasifilesystem.Descriptor, newPath string) error {
	from, to, err := d.both(oldPath, newDescriptor, newPath)
	if err != nil {
		return err
	}
	if oldPathFlags&wasifilesystem.PathFlagsSymlinkFollow != 0 {
		return wasifilesystem.ErrorCodeInvalid
	}
	return result(link(from, oldPath, to, newPath))
}

// both returns the directories of an operation on two paths. Both must be
// mutable: a second name in a directory that may be changed would make a file
// of a read-only one writable.
func (d *descriptor) both(oldPath string, newDescriptor wasifilesystem.Descriptor, newPath string) (from, to *handle, err error) {
	if from, err = d.mutable(oldPath); err != nil {
		return nil, nil, err
	}
	o, ok := newDescriptor.(*descriptor)
	if !ok {
		return nil, nil, wasifilesystem.ErrorCodeBadDescriptor
	}
	to, err = o.mutable(newPath)
	return from, to, err
}

// SymlinkAt implements wasifilesystem.Descriptor.
func (d *descriptor) SymlinkAt(_ context.Context, oldPath, newPath string) error {
	h, err := d.mutable(newPath)
	if err != nil {
		return err
	}
	if err := checkPath(oldPath); err != nil {
		return err
	}
	if rooted(oldPath) {
		return wasifilesystem.ErrorCodeNotPermitted
	}
	return result(h.root.Symlink(oldPath, newPath))
}

// ReadlinkAt implements wasifilesystem.Descriptor.
func (d *descriptor) ReadlinkAt(_ context.Context, path string) (string, error) {
	h, err := d.directory(path)
	if err != nil {
		return "", err
	}
	target, err := h.root.Readlink(path)
	switch {
	case err != nil:
		return "", codeOf(err)
	case rooted(target):
		return "", wasifilesystem.ErrorCodeNotPermitted
	case !utf8.ValidString(target):
		return "", wasifilesystem.ErrorCodeIllegalByteSequence
	}
	return target, nil
}

// rooted says whether a link's target is not relative to where the link is.
func rooted(target string) bool {
	return filepath.VolumeName(target) != "" || target != "" && os.IsPathSeparator(target[0])
}

// stat returns what is at a path.
func (h *handle) stat(flags wasifilesystem.PathFlags, path string) (fs.FileInfo, error) {
	if flags&wasifilesystem.PathFlagsSymlinkFollow != 0 {
		return h.root.Stat(path)
	}
	return h.root.Lstat(path)
}

// info returns what is open.
func (h *handle) info() (fs.FileInfo, error) {
	if h.root != nil {
		return h.root.Stat(".")
	}
	return h.file.Stat()
}

// isSymlink says whether there is a symbolic link at the end of a path.
func isSymlink(info os.FileInfo) bool { return info.Mode()&fs.ModeSymlink != 0 }
