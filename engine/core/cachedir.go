package core

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The directory of the compile cache holds machine code that is run as it is, so
// it must be the user's own and writable by nobody else. wazero writes a file
// under another name and then renames it, so that two processes can share the
// directory, and checks the code in a file that it reads.

// maxCacheBytes bounds what the cache keeps; what is oldest goes first.
const maxCacheBytes = 2 << 30

// staleTemp is the age at which a file that was never finished is removed.
const staleTemp = time.Hour

// openCacheDir makes the directory if it is not there, and checks and trims it.
func openCacheDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := checkOwned(dir); err != nil {
		return err
	}
	return trimCacheDir(dir, maxCacheBytes)
}

// checkOwned checks a directory and the directories in it.
func checkOwned(dir string) error {
	dirs := []string{dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "wazero-") {
			dirs = append(dirs, filepath.Join(dir, e.Name()))
		}
	}
	for _, d := range dirs {
		info, err := os.Lstat(d)
		if err != nil {
			return err
		}
		switch {
		case d != dir && !info.IsDir():
			return fmt.Errorf("%s is not a directory; remove it", d)
		case d == dir && info.Mode()&fs.ModeSymlink != 0:
			if info, err = os.Stat(d); err != nil {
				return err
			}
		}
		if err := ownedAlone(d, info); err != nil {
			return err
		}
	}
	return nil
}

type cacheFile struct {
	path string
	info fs.FileInfo
}

// trimCacheDir removes what is too much. Another process may do the same.
func trimCacheDir(dir string, most int64) error {
	var files []cacheFile
	var total int64
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return nil // it has just been removed
		}
		if strings.HasSuffix(path, ".tmp") {
			if time.Since(info.ModTime()) > staleTemp {
				_ = os.Remove(path)
			}
			return nil
		}
		total += info.Size()
		files = append(files, cacheFile{path, info})
		return nil
	})
	if err != nil || total <= most {
		return err
	}
	slices.SortFunc(files, func(a, b cacheFile) int { return cmp.Compare(a.info.ModTime().UnixNano(), b.info.ModTime().UnixNano()) })
	for _, f := range files {
		if total <= most*3/4 {
			break
		}
		_ = os.Remove(f.path)
		total -= f.info.Size()
	}
	return nil
}

// damaged says whether wazero could not compile because of a file in the cache.
func damaged(err error) bool {
	return err != nil && strings.Contains(err.Error(), "compilationcache: ")
}

// clearCacheDir removes what is in the cache. wazero does not say which file it
// could not read.
func clearCacheDir(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	for _, f := range files {
		if e := os.Remove(f); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	return err
}
