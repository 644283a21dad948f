package filesystem

import (
	"context"
	"math"
	"os"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// descriptor is the resource descriptor: a file or a directory.
type descriptor struct {
	files   *Files
	preopen *Preopen // that it is beneath
	handle  *handle
	// flags has read and write as they were opened. Of a directory write never
	// is, and mutate-directory is only reported.
	flags wasifilesystem.DescriptorFlags
}

// Drop implements wasifilesystem.Descriptor.
func (d *descriptor) Drop(context.Context) { d.handle.release() }

// file returns the open file, when it is one with all of the flags.
func (d *descriptor) file(flags wasifilesystem.DescriptorFlags) (*os.File, error) {
	if d.handle.root != nil || d.flags&flags != flags {
		return nil, wasifilesystem.ErrorCodeBadDescriptor
	}
	return d.handle.file, nil
}

// writable returns the open file when it may be changed.
func (d *descriptor) writable() (*os.File, error) {
	if d.handle.root == nil && d.preopen.ReadOnly {
		return nil, d.files.deniedReadOnly(d.preopen)
	}
	return d.file(wasifilesystem.DescriptorFlagsWrite)
}

// open is the open file or directory, for what both have.
func (d *descriptor) open() (*os.File, error) {
	if d.handle.root != nil {
		f, err := d.handle.self()
		return f, result(err)
	}
	return d.handle.file, nil
}

// directory returns the directory in which a path is to be resolved.
func (d *descriptor) directory(path string) (*handle, error) {
	if d.handle.root == nil {
		return nil, wasifilesystem.ErrorCodeNotDirectory
	}
	return d.handle, checkPath(path)
}

// mutable returns the directory in which a path is to be resolved in order to
// change something.
func (d *descriptor) mutable(path string) (*handle, error) {
	h, err := d.directory(path)
	if err == nil && d.preopen.ReadOnly {
		err = d.files.deniedReadOnly(d.preopen)
	}
	return h, err
}

// ReadViaStream implements wasifilesystem.Descriptor.
func (d *descriptor) ReadViaStream(_ context.Context, offset uint64) (wasiio.InputStream, error) {
	if d.handle.root != nil {
		return nil, wasifilesystem.ErrorCodeIsDirectory
	}
	if _, err := d.file(wasifilesystem.DescriptorFlagsRead); err != nil {
		return nil, err
	}
	return &input{handle: d.handle.share(), offset: offset}, nil
}

// WriteViaStream implements wasifilesystem.Descriptor.
func (d *descriptor) WriteViaStream(_ context.Context, offset uint64) (wasiio.OutputStream, error) {
	if _, err := d.writable(); err != nil {
		return nil, err
	}
	return newOutput(d.handle.share(), offset, false), nil
}

// AppendViaStream implements wasifilesystem.Descriptor.
func (d *descriptor) AppendViaStream(context.Context) (wasiio.OutputStream, error) {
	if _, err := d.writable(); err != nil {
		return nil, err
	}
	return newOutput(d.handle.share(), 0, true), nil
}

// Read implements wasifilesystem.Descriptor. It reads no more at once than a
// buffer's size.
func (d *descriptor) Read(ctx context.Context, length, offset uint64) (out abi.Tuple2[[]byte, bool], err error) {
	if _, err := d.file(wasifilesystem.DescriptorFlagsRead); err != nil {
		return out, err
	}
	out.F0, out.F1, err = d.handle.readAt(ctx, length, offset)
	return out, err
}

// Write implements wasifilesystem.Descriptor.
func (d *descriptor) Write(ctx context.Context, buffer []byte, offset uint64) (uint64, error) {
	if _, err := d.writable(); err != nil {
		return 0, err
	}
	n, err := d.handle.writeAt(ctx, buffer, offset)
	if n > 0 && ctx.Err() == nil {
		return uint64(n), nil // the next write has the error
	}
	return uint64(n), err
}

// Advise implements wasifilesystem.Descriptor.
func (d *descriptor) Advise(_ context.Context, offset, length uint64, advice wasifilesystem.Advice) error {
	f, err := d.file(0)
	if err != nil {
		return err
	}
	if offset > math.MaxInt64 || length > math.MaxInt64 {
		return wasifilesystem.ErrorCodeInvalid
	}
	return result(advise(f, int64(offset), int64(length), advice))
}

// SyncData implements wasifilesystem.Descriptor.
func (d *descriptor) SyncData(context.Context) error { return d.sync(datasync) }

// Sync implements wasifilesystem.Descriptor.
func (d *descriptor) Sync(context.Context) error { return d.sync((*os.File).Sync) }

// sync does nothing for what cannot have been changed.
func (d *descriptor) sync(how func(*os.File) error) error {
	if d.preopen.ReadOnly {
		return nil
	}
	f, err := d.open()
	if err != nil {
		return err
	}
	if !syncsUnwritable && d.flags&wasifilesystem.DescriptorFlagsWrite == 0 {
		return nil
	}
	return result(how(f))
}

// GetFlags implements wasifilesystem.Descriptor.
func (d *descriptor) GetFlags(context.Context) (wasifilesystem.DescriptorFlags, error) {
	return d.flags, nil
}

// GetType implements wasifilesystem.Descriptor.
func (d *descriptor) GetType(context.Context) (wasifilesystem.DescriptorType, error) {
	if d.handle.root != nil {
		return wasifilesystem.DescriptorTypeDirectory, nil
	}
	return wasifilesystem.DescriptorTypeRegularFile, nil // no other is opened
}

// SetSize implements wasifilesystem.Descriptor.
func (d *descriptor) SetSize(_ context.Context, size uint64) error {
	f, err := d.writable()
	if err == wasifilesystem.ErrorCodeBadDescriptor && d.handle.root == nil {
		return wasifilesystem.ErrorCodeInvalid // as ftruncate has it for a file that is only to be read
	}
	if err != nil {
		return err
	}
	if size > math.MaxInt64 {
		return wasifilesystem.ErrorCodeFileTooLarge
	}
	return result(f.Truncate(int64(size)))
}

// ReadDirectory implements wasifilesystem.Descriptor.
func (d *descriptor) ReadDirectory(context.Context) (wasifilesystem.DirectoryEntryStream, error) {
	if d.handle.root == nil {
		return nil, wasifilesystem.ErrorCodeBadDescriptor
	}
	return d.files.entries(d.handle.root)
}

// IsSameObject implements wasifilesystem.Descriptor.
func (d *descriptor) IsSameObject(_ context.Context, other wasifilesystem.Descriptor) (bool, error) {
	o, ok := other.(*descriptor)
	if !ok {
		return false, nil
	}
	if d.handle == o.handle {
		return true, nil
	}
	a, err := d.handle.info()
	if err != nil {
		return false, nil
	}
	b, err := o.handle.info()
	return err == nil && os.SameFile(a, b), nil
}

// readAt reads up to length bytes, and says whether the file ends there. The
// bytes are valid until the next operation of the instance.
func (h *handle) readAt(ctx context.Context, length, offset uint64) (b []byte, end bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if offset > math.MaxInt64 {
		return nil, false, wasifilesystem.ErrorCodeInvalid
	}
	b, err = h.files.buffer(length)
	if err != nil || len(b) == 0 {
		return nil, false, err
	}
	n, err := h.file.ReadAt(b, int64(offset))
	if n == 0 && err != nil && !atEnd(err) {
		return nil, false, codeOf(err)
	}
	return b[:n], atEnd(err), nil
}

// writeAt writes b, in parts between which the call can be cancelled.
func (h *handle) writeAt(ctx context.Context, b []byte, offset uint64) (n int, err error) {
	if offset > math.MaxInt64-uint64(len(b)) {
		return 0, wasifilesystem.ErrorCodeInvalid
	}
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		part := b[n:min(len(b), n+writePart)]
		m, err := h.file.WriteAt(part, int64(offset)+int64(n))
		n += m
		if err != nil || n == len(b) {
			return n, result(err)
		}
	}
}

// writePart is the most that is written without a look at whether the call is
// cancelled.
const writePart = 16 * io.BufferSize
