package core

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
)

// A codeStore keeps compiled code in a directory, a file for each code (cache_entry.go).
//
// wazero has a cache in a directory too, but trusts what is there: it reads the
// file that has the name it works out, without a look at who may write it, and
// checks only part of it. Nor does it bound its size. So wazero is given a
// directory of this process alone, which is empty but for the moment in which it
// loads a module. In that moment the one file that it will look for is there,
// checked before. That it was read is checked afterwards: else wazero has
// compiled the skeleton, which is not the module.
//
// What wazero calls the file is seen when the code is made, by letting it compile
// the skeleton, and kept in the entry.
//
// Entries are written elsewhere and moved into place, so that other processes see
// all of one or nothing. One that is removed while another process loads it stays
// for as long as that has it linked.
type codeStore struct {
	dir   string
	limit int64 // of all entries together, in bytes
	log   *slog.Logger
	cache wazero.CompilationCache // of the Runtime's compiler

	mu     sync.Mutex
	handed string // the directory in which wazero looks; not there but while it does
	own    string // the directory that it is in, of this store alone
}

// CacheError is a directory for compiled code that is not trusted.
type CacheError struct {
	Path string
	Why  string
	Mend string
}

func (e *CacheError) Error() string { return fmt.Sprintf("%s: %s; %s", e.Path, e.Why, e.Mend) }

// DefaultCacheSize bounds the directory of compiled code unless the embedder
// says otherwise.
const DefaultCacheSize = 1 << 30

// maxScratchAge is how old the files of a process that did not remove them are
// when another does.
const maxScratchAge = 24 * time.Hour

const scratchPattern = "tmp-*"

// openStore opens the directory dir, and makes it if it is not there.
func openStore(dir string, limit int64, log *slog.Logger) (*codeStore, error) {
	if limit <= 0 {
		limit = DefaultCacheSize
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := trustedDir(dir); err != nil {
		return nil, err
	}
	s := &codeStore{dir: dir, limit: limit, log: log}
	if s.own, err = os.MkdirTemp(dir, scratchPattern); err != nil {
		return nil, err
	}
	// Only its name is wanted until there is something in it.
	defer s.clear()
	if s.cache, s.handed, err = newWazeroCache(s.own); err != nil {
		return nil, err
	}
	s.evict()
	return s, nil
}

// newWazeroCache makes a cache of wazero's and says in which directory it keeps
// its files.
func newWazeroCache(dir string) (c wazero.CompilationCache, files string, err error) {
	if c, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
		return nil, "", err
	}
	name, err := onlyFile(dir)
	return c, filepath.Join(dir, name), err
}

// onlyFile is the name of the one file in a directory.
func onlyFile(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("%s has %d files instead of one", dir, len(files))
	}
	if err != nil {
		return "", err
	}
	return files[0].Name(), nil
}

func (s *codeStore) close(ctx context.Context) error {
	return s.cache.Close(ctx)
}

func (s *codeStore) warn(what string, err error) {
	s.log.Warn("compile cache: "+what, "error", err)
}

func (s *codeStore) path(k codeKey) string { return filepath.Join(s.dir, hex.EncodeToString(k[:])) }

// load makes c what its entry says. It is false when there is none, or none that
// is good.
func (s *codeStore) load(ctx context.Context, l loop, c *code) bool {
	path := s.path(c.key)
	e, err := readEntry(path, c.key)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err == nil {
		err = s.hand(ctx, l, path, e, c)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.warn("an entry is not used, and removed", err)
			_ = os.Remove(path)
		}
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // by which evict knows what was used last
	return true
}

// hand makes wazero load the entry in a file, and c what comes of it.
func (s *codeStore) hand(ctx context.Context, l loop, path string, e *entry, c *code) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.clear()
	if err := s.clear(); err != nil {
		return err
	}
	if err := os.MkdirAll(s.handed, 0o700); err != nil {
		return err
	}
	at := filepath.Join(s.handed, e.name)
	if err := linkOrCopy(path, at); err != nil {
		return err
	}
	before, err := os.Open(at) // open, so that no other file can be taken for it
	if err != nil {
		return err
	}
	defer before.Close()
	compiled, err := l.CompileModule(ctx, e.skeleton)
	if err != nil {
		return err
	}
	if err := onlyStill(s.handed, e.name, before); err != nil {
		_ = compiled.Close(ctx)
		return err
	}
	c.compiled, c.info = compiled, e.info
	return nil
}

func (s *codeStore) clear() error { return os.RemoveAll(s.own) }

// onlyStill says whether f is still what is called name in a directory, and
// nothing else is there.
func onlyStill(dir, name string, f *os.File) error {
	only, err := onlyFile(dir)
	if err != nil || only != name {
		return errors.Join(errors.New("it is of another processor or wazero"), err)
	}
	was, err := f.Stat()
	if err != nil {
		return err
	}
	is, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if !os.SameFile(was, is) {
		return errors.New("it is of another wazero")
	}
	return nil
}

// linkOrCopy makes file from known as to, too.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// compile compiles a rewritten module, keeps it, and makes c what was compiled.
// When it cannot be kept, kept is false without an error.
func (s *codeStore) compile(ctx context.Context, l loop, c *code, b []byte) (kept bool, err error) {
	scratch, err := os.MkdirTemp(s.dir, scratchPattern)
	if err != nil {
		s.warn("compiled code is not kept", err)
		return false, nil
	}
	defer os.RemoveAll(scratch)
	e := &entry{key: c.key, info: c.info}
	path := filepath.Join(scratch, "entry")
	err = e.make(ctx, scratch, path, b)
	if err == nil {
		err = s.hand(ctx, l, path, e, c)
	}
	if err != nil {
		if !isFileError(err) {
			return false, err
		}
		s.warn("compiled code is not kept", err)
		return false, nil
	}
	s.put(path, c.key)
	return true, nil
}

// without compiles a rewritten module that cannot be kept. wazero insists on
// writing what it compiles to its directory, which is not there; but it has it in
// memory then, where it finds it when asked again.
func (s *codeStore) without(ctx context.Context, l loop, c *code, b []byte) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.clear(); err != nil {
		return err
	}
	if c.compiled, err = l.CompileModule(ctx, b); err == nil || !isFileError(err) {
		return err
	}
	c.closes = 2
	c.compiled, err = l.CompileModule(ctx, b)
	return err
}

// put moves an entry into place.
func (s *codeStore) put(from string, k codeKey) {
	st, err := os.Stat(from)
	switch {
	case err != nil:
	case st.Size() > s.limit:
		err = fmt.Errorf("%d bytes are more than the cache may have (%d)", st.Size(), s.limit)
	default:
		err = os.Rename(from, s.path(k))
	}
	if err != nil {
		s.warn("compiled code is not kept", err)
		return
	}
	s.evict()
}

// evict removes the entries that were not used for the longest time, until the
// others are within the limit, and what processes left that ended without notice.
func (s *codeStore) evict() {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		s.warn("its size is not known", err)
		return
	}
	var entries []fs.FileInfo
	total := int64(0)
	for _, f := range files {
		st, err := f.Info()
		if err != nil {
			continue // another process has removed it
		}
		switch {
		case isEntryName(f.Name()):
			entries = append(entries, st)
			total += st.Size()
		case strings.HasPrefix(f.Name(), strings.TrimSuffix(scratchPattern, "*")) && time.Since(st.ModTime()) > maxScratchAge:
			_ = os.RemoveAll(filepath.Join(s.dir, f.Name()))
		}
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, st := range entries {
		if total <= s.limit {
			return
		}
		if err := os.Remove(filepath.Join(s.dir, st.Name())); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= st.Size()
		}
	}
}

func isEntryName(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == len(codeKey{})
}

// isFileError tells an error of the file system from one of a module.
func isFileError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link)
}
