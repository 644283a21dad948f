package filesystem

import (
	"os"
	"sync/atomic"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// handle is an open file or directory. Descriptors and streams share it, each
// with a reference; the last that lets go closes it.
type handle struct {
	files *Files
	refs  int
	// file is the open file. Of a directory it is open only once it was needed.
	file *os.File
	// root is the directory; nil of a file.
	root *os.Root
	// lent says that root belongs to a Preopen.
	lent bool
}

// lend returns a handle of the root of a Preopen. It is closed with the instance.
func (fs *Files) lend(root *os.Root) *handle {
	h := &handle{files: fs, refs: 1, root: root, lent: true}
	fs.track(h)
	return h
}

// hold returns a handle of a file or directory that acquire has counted.
func (fs *Files) hold(file *os.File, root *os.Root) *handle {
	h := &handle{files: fs, refs: 1, file: file, root: root}
	fs.track(h)
	return h
}

func (fs *Files) track(h *handle) {
	if fs.open == nil {
		fs.open = map[*handle]struct{}{}
	}
	fs.open[h] = struct{}{}
}

// share returns h with one reference more.
func (h *handle) share() *handle {
	h.refs++
	return h
}

// release gives a reference back.
func (h *handle) release() {
	if h.refs--; h.refs == 0 {
		h.close()
	}
}

// close closes what is open. Later operations fail with bad-descriptor.
func (h *handle) close() {
	if _, open := h.files.open[h]; !open {
		return
	}
	delete(h.files.open, h)
	if h.file != nil {
		_ = h.file.Close()
	}
	if h.root != nil && !h.lent {
		_ = h.root.Close()
	}
	if !h.lent {
		h.files.relinquish()
	}
}

// self is the directory as an open file.
func (h *handle) self() (*os.File, error) {
	if h.file == nil {
		f, err := h.root.OpenFile(".", os.O_RDONLY|oNonblock|oDirectory, 0)
		if err != nil {
			return nil, err
		}
		h.file = f
	}
	return h.file, nil
}

// openInProcess counts the handles of all instances: together they get half of
// what the process may have open, so that they cannot keep the server from
// accepting connections. A directory counts as the two that it may need.
var openInProcess atomic.Int64

const perHandle = 2

// acquire counts a handle that is about to be opened, or denies it.
func (fs *Files) acquire() error {
	if fs.closed {
		return wasifilesystem.ErrorCodeBadDescriptor
	}
	if len(fs.open)-len(fs.preopens) >= fs.cfg.MaxOpen {
		if !fs.toldMaxOpen && fs.cfg.Denied != nil {
			fs.toldMaxOpen = true
			fs.cfg.Denied(&MaxOpenError{Max: fs.cfg.MaxOpen})
		}
		return wasifilesystem.ErrorCodeInsufficientMemory
	}
	if openInProcess.Add(perHandle) > maxInProcess() {
		openInProcess.Add(-perHandle)
		return wasifilesystem.ErrorCodeInsufficientMemory
	}
	return nil
}

// relinquish undoes acquire.
func (*Files) relinquish() { openInProcess.Add(-perHandle) }
