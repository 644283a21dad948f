// Package filesystem implements wasi:filesystem over os.Root: a guest has the
// directories that it was granted, as preopens, and what is beneath them.
//
//	Preopen            a directory that guests are granted (preopen.go)
//	Files              what one instance uses of them (filesystem.go)
//	handle             an open file or directory, counted and shared (handle.go)
//	descriptor         the resource (descriptor.go; open.go, paths.go, times.go,
//	                   stat.go have its larger methods)
//	input, output      the streams of a file (stream.go)
//	entries            the stream of a directory (readdir.go)
//	codeOf             from the system's errors to error-code (errors.go)
//
// No path leads out of the directory that it is relative to: not by "..", not by
// a symbolic link, not by one that is put there while the path is resolved.
// os.Root resolves all of a path but its last component; where os.Root has no
// operation, at_unix.go does it on that component alone, without following a
// link, relative to the open directory that os.Root found. What is beneath a
// read-only Preopen cannot be changed: whatever would, fails with not-permitted.
//
// Only regular files and directories are opened, and those without waiting: a
// guest does not get at devices, and a pipe cannot hold it.
//
// The flag mutate-directory is reported as it was asked for, but a directory
// that is opened without it can be changed all the same when its Preopen can.
// The adapter that preview 1 programs are built with never sets it, so that a
// host that insisted could not run them.
//
// It implements wasi:filesystem@0.2.12. It may import bindings, engine packages
// and host/io, and must not import package host or another subject.
package filesystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// DefaultMaxOpen is the default of Config.MaxOpen.
const DefaultMaxOpen = 256

// Config is what one instance is granted. The zero value grants nothing.
type Config struct {
	Preopens []Preopen
	// MaxOpen bounds the files and directories that the instance has open at
	// once, streams of directories included; 0 means DefaultMaxOpen.
	MaxOpen int
	// Budget is charged for buffers.
	Budget *io.Budget
	// Denied, if not nil, hears of the first operation that a read-only Preopen
	// denies and of the first that MaxOpen denies.
	Denied func(error)
}

// ReadOnlyError is an operation that was denied because of a read-only Preopen.
type ReadOnlyError struct{ Guest string }

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("the guest tried to change what is in %s, which it may only read; to let it, grant the directory with --dir HOST::%s, without :ro", e.Guest, e.Guest)
}

// MaxOpenError is an operation that was denied because of Config.MaxOpen.
type MaxOpenError struct{ Max int }

func (e *MaxOpenError) Error() string {
	return fmt.Sprintf("the guest has %d files and directories open, its limit; it must close some, or raise the limit with --max-open-files", e.Max)
}

// Files is what one instance uses of the file system. Its methods, and those of
// the resources that it makes, are called one at a time, as an instance does.
type Files struct {
	cfg      Config
	preopens []*handle // made by the first get-directories
	open     map[*handle]struct{}
	buf      *buffer
	closed   bool

	toldReadOnly, toldMaxOpen bool
}

// New returns the Files of a new instance.
func New(c Config) *Files {
	if c.MaxOpen <= 0 {
		c.MaxOpen = DefaultMaxOpen
	}
	return &Files{cfg: c}
}

// Close closes everything that the instance has left open.
func (fs *Files) Close() {
	fs.closed = true
	for h := range fs.open {
		h.close()
	}
	fs.preopens = nil
	if fs.buf != nil {
		buffers.Put(fs.buf)
		fs.buf = nil
		fs.cfg.Budget.Give(io.BufferSize)
	}
}

// Link defines wasi:filesystem in l; files picks the Files of the calling instance.
func Link(l *engine.Linker, files func(cx *abi.Context) *Files) error {
	return errors.Join(
		wasifilesystem.LinkPreopens(l, func(cx *abi.Context) wasifilesystem.PreopensHost { return files(cx) }),
		wasifilesystem.LinkTypes(l, func(cx *abi.Context) wasifilesystem.TypesHost { return files(cx) }),
	)
}

// GetDirectories implements wasifilesystem.PreopensHost.
func (fs *Files) GetDirectories(context.Context) ([]abi.Tuple2[wasifilesystem.Descriptor, string], error) {
	if fs.preopens == nil && !fs.closed {
		fs.preopens = make([]*handle, len(fs.cfg.Preopens))
		for i, p := range fs.cfg.Preopens {
			fs.preopens[i] = fs.lend(p.Root)
		}
	}
	out := make([]abi.Tuple2[wasifilesystem.Descriptor, string], len(fs.preopens))
	for i, h := range fs.preopens {
		p := &fs.cfg.Preopens[i]
		flags := wasifilesystem.DescriptorFlagsRead
		if !p.ReadOnly {
			flags |= wasifilesystem.DescriptorFlagsMutateDirectory
		}
		out[i].F0 = &descriptor{files: fs, preopen: p, handle: h.share(), flags: flags}
		out[i].F1 = p.Guest
	}
	return out, nil
}

// FilesystemErrorCode implements wasifilesystem.TypesHost.
func (*Files) FilesystemErrorCode(_ context.Context, e wasiio.Error) (abi.Option[wasifilesystem.ErrorCode], error) {
	var code wasifilesystem.ErrorCode
	var path *os.PathError // of a standard stream that is a file
	switch err := io.Cause(e); {
	case errors.As(err, &code):
		return abi.Some(code), nil
	case errors.As(err, &path):
		return abi.Some(codeOf(err)), nil
	}
	return abi.None[wasifilesystem.ErrorCode](), nil
}

// deniedReadOnly is the error of what would change something beneath p.
func (fs *Files) deniedReadOnly(p *Preopen) error {
	if !fs.toldReadOnly && fs.cfg.Denied != nil {
		fs.toldReadOnly = true
		fs.cfg.Denied(&ReadOnlyError{Guest: p.Guest})
	}
	return wasifilesystem.ErrorCodeNotPermitted
}

// buffer is where reads put what they read, until it is in the guest's memory.
type buffer = [io.BufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// buffer returns the one buffer of the instance, up to n bytes of it. It is
// enough: what a call returns is in the guest's memory before the next begins.
func (fs *Files) buffer(n uint64) ([]byte, error) {
	if fs.buf == nil {
		if err := fs.cfg.Budget.Take(io.BufferSize); err != nil {
			return nil, err
		}
		fs.buf = buffers.Get().(*buffer)
	}
	return fs.buf[:min(n, io.BufferSize)], nil
}
