package filesystem

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// opening is what open-at was asked for.
type opening struct {
	path       string
	follow     bool
	openFlags  wasifilesystem.OpenFlags
	flags      wasifilesystem.DescriptorFlags // as the descriptor is to report them
	read       bool
	write      bool
	truncating bool
}

// errMoved is the error of a directory that is another by the time it is opened.
var errMoved = errors.New("the directory has moved")

// attempts bounds how often a directory is opened that someone keeps moving.
const attempts = 8

// OpenAt implements wasifilesystem.Descriptor.
func (d *descriptor) OpenAt(_ context.Context, pathFlags wasifilesystem.PathFlags, path string, openFlags wasifilesystem.OpenFlags, flags wasifilesystem.DescriptorFlags) (wasifilesystem.Descriptor, error) {
	h, err := d.directory(path)
	if err != nil {
		return nil, err
	}
	const notOfDirectories = wasifilesystem.OpenFlagsCreate | wasifilesystem.OpenFlagsExclusive | wasifilesystem.OpenFlagsTruncate
	if openFlags&wasifilesystem.OpenFlagsDirectory != 0 && openFlags&notOfDirectories != 0 {
		return nil, wasifilesystem.ErrorCodeInvalid
	}
	o := newOpening(pathFlags, path, openFlags, flags)
	if d.preopen.ReadOnly && (o.write || flags&wasifilesystem.DescriptorFlagsMutateDirectory != 0) {
		return nil, d.files.deniedReadOnly(d.preopen)
	}
	if err := d.files.acquire(); err != nil {
		return nil, err
	}
	var file *os.File
	var root *os.Root
	for range attempts {
		if file, root, err = h.openAt(o); !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		d.files.relinquish()
		if errors.Is(err, errMoved) {
			return nil, wasifilesystem.ErrorCodeBusy
		}
		return nil, codeOf(err)
	}
	out := &descriptor{files: d.files, preopen: d.preopen, handle: d.files.hold(file, root), flags: o.flags}
	if root != nil {
		out.flags = wasifilesystem.DescriptorFlagsRead | flags&wasifilesystem.DescriptorFlagsMutateDirectory
	} else {
		out.flags &^= wasifilesystem.DescriptorFlagsMutateDirectory
	}
	return out, nil
}

func newOpening(pathFlags wasifilesystem.PathFlags, path string, openFlags wasifilesystem.OpenFlags, flags wasifilesystem.DescriptorFlags) opening {
	o := opening{
		path:       path,
		follow:     pathFlags&wasifilesystem.PathFlagsSymlinkFollow != 0,
		openFlags:  openFlags,
		truncating: openFlags&wasifilesystem.OpenFlagsTruncate != 0,
	}
	// What is created or truncated is written; what is not to be written is to
	// be read.
	o.write = flags&wasifilesystem.DescriptorFlagsWrite != 0 || openFlags&wasifilesystem.OpenFlagsCreate != 0 || o.truncating
	o.read = flags&wasifilesystem.DescriptorFlagsRead != 0 || flags&wasifilesystem.DescriptorFlagsWrite == 0
	o.flags = flags
	if o.write {
		o.flags |= wasifilesystem.DescriptorFlagsWrite
	}
	if o.read {
		o.flags |= wasifilesystem.DescriptorFlagsRead
	}
	return o
}

// system is the flags for the system's call.
func (o *opening) system() int {
	flag := os.O_RDONLY
	switch {
	case o.read && o.write:
		flag = os.O_RDWR
	case o.write:
		flag = os.O_WRONLY
	}
	if o.openFlags&wasifilesystem.OpenFlagsCreate != 0 {
		flag |= os.O_CREATE
		if o.openFlags&wasifilesystem.OpenFlagsExclusive != 0 {
			flag |= os.O_EXCL
		}
	}
	if o.truncating {
		flag |= os.O_TRUNC
	}
	switch {
	case o.flags&wasifilesystem.DescriptorFlagsFileIntegritySync != 0:
		flag |= os.O_SYNC
	case o.flags&wasifilesystem.DescriptorFlagsDataIntegritySync != 0:
		flag |= oDatasync
	}
	return flag | oNonblock
}

// openAt opens a file or a directory.
func (h *handle) openAt(o opening) (*os.File, *os.Root, error) {
	if o.openFlags&wasifilesystem.OpenFlagsDirectory != 0 {
		root, err := h.openDirectory(o, nil)
		return nil, root, err
	}
	// A slash at the end follows a link, and wants a directory.
	_, _, slash := splitPath(o.path)
	var f *os.File
	var err error
	if o.follow || slash {
		f, err = h.root.OpenFile(o.path, o.system(), 0o666)
	} else {
		f, err = h.openNoFollow(o.path, o.system(), 0o666)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, nil, nil
	}
	_ = f.Close()
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		root, err := h.openDirectory(o, info)
		return nil, root, err
	}
	return nil, nil, wasifilesystem.ErrorCodeUnsupported
}

// openDirectory opens a directory, which must be the one that info is of unless
// that is nil.
func (h *handle) openDirectory(o opening, info fs.FileInfo) (*os.Root, error) {
	_, _, slash := splitPath(o.path)
	if info == nil && !o.follow && !slash {
		var err error
		info, err = h.root.Lstat(o.path)
		switch {
		case err != nil:
			return nil, err
		case isSymlink(info):
			return nil, wasifilesystem.ErrorCodeLoop
		}
	}
	root, err := h.root.OpenRoot(asDirectory(o.path))
	if err != nil {
		return nil, err
	}
	if err := o.accepts(root, info); err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// accepts says whether an open directory is what was asked for.
func (o *opening) accepts(root *os.Root, info fs.FileInfo) error {
	if o.write {
		return wasifilesystem.ErrorCodeIsDirectory
	}
	if info == nil {
		return nil
	}
	opened, err := root.Stat(".")
	if err != nil {
		return err
	}
	if !os.SameFile(info, opened) {
		return errMoved
	}
	return nil
}
