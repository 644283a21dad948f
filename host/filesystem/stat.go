package filesystem

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io/fs"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiclocks"
	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Stat implements wasifilesystem.Descriptor.
func (d *descriptor) Stat(context.Context) (wasifilesystem.DescriptorStat, error) {
	info, err := d.handle.info()
	if err != nil {
		return wasifilesystem.DescriptorStat{}, codeOf(err)
	}
	return statOf(info), nil
}

// StatAt implements wasifilesystem.Descriptor.
func (d *descriptor) StatAt(_ context.Context, pathFlags wasifilesystem.PathFlags, path string) (wasifilesystem.DescriptorStat, error) {
	h, err := d.directory(path)
	if err != nil {
		return wasifilesystem.DescriptorStat{}, err
	}
	info, err := h.stat(pathFlags, path)
	if err != nil {
		return wasifilesystem.DescriptorStat{}, codeOf(err)
	}
	return statOf(info), nil
}

// MetadataHash implements wasifilesystem.Descriptor.
func (d *descriptor) MetadataHash(context.Context) (wasifilesystem.MetadataHashValue, error) {
	info, err := d.handle.info()
	if err != nil {
		return wasifilesystem.MetadataHashValue{}, codeOf(err)
	}
	return hashOf(info), nil
}

// MetadataHashAt implements wasifilesystem.Descriptor.
func (d *descriptor) MetadataHashAt(_ context.Context, pathFlags wasifilesystem.PathFlags, path string) (wasifilesystem.MetadataHashValue, error) {
	h, err := d.directory(path)
	if err != nil {
		return wasifilesystem.MetadataHashValue{}, err
	}
	info, err := h.stat(pathFlags, path)
	if err != nil {
		return wasifilesystem.MetadataHashValue{}, codeOf(err)
	}
	return hashOf(info), nil
}

// system is what the system says of a file that fs.FileInfo does not.
type system struct {
	device, inode, links uint64
	accessed, changed    time.Time // zero: the system does not say
}

func statOf(info fs.FileInfo) wasifilesystem.DescriptorStat {
	s := systemOf(info)
	return wasifilesystem.DescriptorStat{
		Type:                      typeOf(info.Mode()),
		LinkCount:                 s.links,
		Size:                      uint64(info.Size()),
		DataAccessTimestamp:       datetime(s.accessed),
		DataModificationTimestamp: datetime(info.ModTime()),
		StatusChangeTimestamp:     datetime(s.changed),
	}
}

// datetime is none for an instant that the type does not have.
func datetime(t time.Time) abi.Option[wasiclocks.Datetime] {
	if t.IsZero() || t.Unix() < 0 {
		return abi.None[wasiclocks.Datetime]()
	}
	return abi.Some(wasiclocks.Datetime{Seconds: uint64(t.Unix()), Nanoseconds: uint32(t.Nanosecond())})
}

// typeOf is the descriptor-type of a mode.
func typeOf(mode fs.FileMode) wasifilesystem.DescriptorType {
	switch mode.Type() {
	case 0:
		return wasifilesystem.DescriptorTypeRegularFile
	case fs.ModeDir:
		return wasifilesystem.DescriptorTypeDirectory
	case fs.ModeSymlink:
		return wasifilesystem.DescriptorTypeSymbolicLink
	case fs.ModeNamedPipe:
		return wasifilesystem.DescriptorTypeFifo
	case fs.ModeSocket:
		return wasifilesystem.DescriptorTypeSocket
	case fs.ModeDevice:
		return wasifilesystem.DescriptorTypeBlockDevice
	case fs.ModeDevice | fs.ModeCharDevice:
		return wasifilesystem.DescriptorTypeCharacterDevice
	}
	return wasifilesystem.DescriptorTypeUnknown
}

// hashOf is the metadata-hash. Its lower half says which file it is, whatever
// becomes of it: preview 1 programs get it as the inode's number. The upper half
// changes with the file.
func hashOf(info fs.FileInfo) wasifilesystem.MetadataHashValue {
	s := systemOf(info)
	var b [48]byte
	binary.LittleEndian.PutUint64(b[0:], s.device)
	binary.LittleEndian.PutUint64(b[8:], s.inode)
	binary.LittleEndian.PutUint64(b[16:], uint64(info.Size()))
	binary.LittleEndian.PutUint64(b[24:], uint64(info.ModTime().UnixNano()))
	binary.LittleEndian.PutUint64(b[32:], uint64(s.changed.UnixNano()))
	identity, content := sha256.Sum256(b[:16]), sha256.Sum256(b[:])
	return wasifilesystem.MetadataHashValue{
		Lower: binary.LittleEndian.Uint64(identity[:]),
		Upper: binary.LittleEndian.Uint64(content[:]),
	}
}
