package core

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tetratelabs/wazero"
)

// An entry is compiled code as a file: what wazero wrote, as it is, and after it
// what wazero does not read:
//
//	native code, skeleton, info, name
//	the lengths of these four, 8 bytes each
//	the key, 32 bytes
//	CRC-32C of all that comes before, 4 bytes
//	entryMagic
//
// Numbers are little-endian. The checksum is against disks and other accidents;
// against people there is trustedFile.
type entry struct {
	key      codeKey
	name     string // of wazero's file
	skeleton []byte
	info     moduleInfo
}

const (
	entryMagic = "godwit\x00\x02"
	footerSize = 4*8 + len(codeKey{}) + 4 + len(entryMagic)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// make compiles a rewritten module in a directory of its own, scratch, and writes
// the entry to path.
func (e *entry) make(ctx context.Context, scratch, path string, b []byte) error {
	cache, files, err := newWazeroCache(scratch)
	if err != nil {
		return err
	}
	defer cache.Close(ctx)
	rt := wazero.NewRuntimeWithConfig(ctx, compilerConfig().WithCompilationCache(cache))
	defer rt.Close(ctx)
	if _, err := rt.CompileModule(ctx, b); err != nil {
		return err
	}
	native, err := onlyFile(files)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(files, native), path); err != nil {
		return err
	}
	if e.skeleton, err = skeleton(b, e.key); err != nil {
		return err
	}
	if _, err := rt.CompileModule(ctx, e.skeleton); err != nil {
		return err
	}
	if e.name, err = onlyFile(files); err != nil {
		return err
	}
	return e.finish(path)
}

// finish appends to wazero's file what makes an entry of it.
func (e *entry) finish(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	native, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	info := e.info.append(nil)
	b := slices.Concat(e.skeleton, info, []byte(e.name))
	for _, n := range []int{int(native), len(e.skeleton), len(info), len(e.name)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, e.key[:]...)
	_, _ = sum.Write(b)
	b = append(binary.LittleEndian.AppendUint32(b, sum.Sum32()), entryMagic...)
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Close()
}

// errDamaged is an entry that is not what was written.
var errDamaged = errors.New("it is damaged")

// readEntry reads an entry and checks all of it.
func readEntry(path string, key codeKey) (*entry, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	e := &entry{key: key}
	return e, e.read(f, st.Size())
}

func (e *entry) read(f io.ReaderAt, size int64) error {
	footer := make([]byte, footerSize)
	at := size - int64(footerSize)
	if at < 0 {
		return fmt.Errorf("%w: it is too short", errDamaged)
	}
	if _, err := f.ReadAt(footer, at); err != nil {
		return err
	}
	var parts [4]int64
	left := at
	for k := range parts {
		n := binary.LittleEndian.Uint64(footer[8*k:])
		if n > uint64(left) {
			return fmt.Errorf("%w: its parts are longer than it", errDamaged)
		}
		parts[k] = int64(n)
		left -= parts[k]
	}
	key, end := footer[32:64], footer[64:]
	switch {
	case string(end[4:]) != entryMagic || left != 0:
		return fmt.Errorf("%w: it has no proper end", errDamaged)
	case string(key) != string(e.key[:]):
		return fmt.Errorf("%w: it is of another module", errDamaged)
	}
	sum := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(f, 0, parts[0]), make([]byte, 256<<10)); err != nil {
		return err
	}
	rest := make([]byte, at-parts[0])
	if _, err := f.ReadAt(rest, parts[0]); err != nil {
		return err
	}
	_, _ = sum.Write(rest)
	_, _ = sum.Write(footer[:64])
	if binary.LittleEndian.Uint32(end) != sum.Sum32() {
		return fmt.Errorf("%w: wrong checksum", errDamaged)
	}
	e.skeleton = rest[:parts[1]:parts[1]]
	e.name = string(rest[parts[1]+parts[2]:])
	if e.name == "" || e.name[0] == '.' || filepath.Base(e.name) != e.name {
		return fmt.Errorf("%w: wrong name", errDamaged)
	}
	return e.info.read(rest[parts[1] : parts[1]+parts[2]])
}

// append appends what rewriting learned of a module.
func (i *moduleInfo) append(b []byte) []byte {
	flags := byte(0)
	for k, set := range []bool{i.resettable, i.shared, i.exceptions} {
		if set {
			flags |= 1 << k
		}
	}
	b = append(b, flags)
	for _, n := range []uint64{i.tableBytes, uint64(i.memories), uint64(i.minPages), uint64(i.maxPages), uint64(len(i.funcs)), uint64(len(i.globals)), uint64(len(i.tables))} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	for name := range i.funcs {
		b = appendString(b, name)
	}
	for _, name := range i.globals {
		b = appendString(b, name)
	}
	for name, index := range i.tables {
		b = appendU32(appendString(b, name), index)
	}
	return b
}

// read is the inverse of append.
func (i *moduleInfo) read(b []byte) error {
	const fixed = 1 + 7*8
	if len(b) < fixed {
		return fmt.Errorf("%w: it says too little of the module", errDamaged)
	}
	var n [7]uint64
	if err := binary.Read(bytes.NewReader(b[1:fixed]), binary.LittleEndian, &n); err != nil {
		return err
	}
	*i = moduleInfo{
		resettable: b[0]&1 != 0, shared: b[0]&2 != 0, exceptions: b[0]&4 != 0,
		tableBytes: n[0], memories: int(n[1]), minPages: uint32(n[2]), maxPages: uint32(n[3]),
		funcs: map[string]bool{}, tables: map[string]uint32{},
	}
	r := &reader{b: b[fixed:]}
	for range n[4] {
		if r.err != nil {
			break
		}
		i.funcs[r.string()] = true
	}
	for range n[5] {
		if r.err != nil {
			break
		}
		i.globals = append(i.globals, r.string())
	}
	for range n[6] {
		if r.err != nil {
			break
		}
		name := r.string()
		i.tables[name] = r.u32()
	}
	r.end()
	return r.err
}
