package filesystem

import (
	"context"
	"os"
	"unicode/utf8"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// entriesCost is what a stream of a directory is charged: the buffer that
// package os reads entries into.
const entriesCost = 16 << 10

// entries is a directory-entry-stream. It holds one entry at a time, however
// many the directory has.
type entries struct {
	files *Files
	dir   *handle
}

// entries opens a directory once more, so that streams do not interfere.
func (fs *Files) entries(root *os.Root) (*entries, error) {
	if err := fs.cfg.Budget.Take(entriesCost); err != nil {
		return nil, err
	}
	f, err := fs.openEntries(root)
	if err != nil {
		fs.cfg.Budget.Give(entriesCost)
		return nil, codeOf(err)
	}
	return &entries{files: fs, dir: fs.hold(f, nil)}, nil
}

func (fs *Files) openEntries(root *os.Root) (*os.File, error) {
	if err := fs.acquire(); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(".", os.O_RDONLY|oNonblock|oDirectory, 0)
	if err != nil {
		fs.relinquish()
		return nil, err
	}
	return f, nil
}

// ReadDirectoryEntry implements wasifilesystem.DirectoryEntryStream. An entry
// whose name is no Unicode is an error; the stream goes on after it.
func (e *entries) ReadDirectoryEntry(context.Context) (abi.Option[wasifilesystem.DirectoryEntry], error) {
	none := abi.None[wasifilesystem.DirectoryEntry]()
	list, err := e.dir.file.ReadDir(1)
	if len(list) == 0 {
		if err == nil || atEnd(err) {
			return none, nil
		}
		return none, codeOf(err)
	}
	name := list[0].Name()
	if !utf8.ValidString(name) {
		return none, wasifilesystem.ErrorCodeIllegalByteSequence
	}
	return abi.Some(wasifilesystem.DirectoryEntry{Type: typeOf(list[0].Type()), Name: name}), nil
}

// Drop implements wasifilesystem.DirectoryEntryStream.
func (e *entries) Drop(context.Context) {
	e.dir.release()
	e.files.cfg.Budget.Give(entriesCost)
}
