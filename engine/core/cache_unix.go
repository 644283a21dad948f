//go:build unix

package core

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Compiled code is run as it is: whoever can write it is who this process is. So
// a directory or a file that anybody else can write, or has made, is not used.

const elsewhere = "or name another directory"

// trustedDir checks a directory for entries, and that nobody can put another in
// its place.
func trustedDir(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		return &CacheError{Path: dir, Why: "it is a symbolic link", Mend: "name the directory that it leads to"}
	}
	if err := trusted(dir, st, "700"); err != nil {
		return err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	for up := filepath.Dir(dir); ; up = filepath.Dir(up) {
		st, err := os.Lstat(up)
		if err != nil {
			return err
		}
		if st.Mode().Perm()&0o002 != 0 && st.Mode()&fs.ModeSticky == 0 {
			return &CacheError{Path: up, Why: "anybody may replace what is in it, the compile cache too", Mend: "chmod o-w " + up + ", " + elsewhere}
		}
		if up == filepath.Dir(up) {
			return nil
		}
	}
}

// trusted checks owner and mode; wanted is the mode that mends it.
func trusted(path string, st fs.FileInfo, wanted string) error {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the owner of " + path + " is not known")
	}
	if uid := os.Geteuid(); int(sys.Uid) != uid {
		return &CacheError{Path: path, Why: fmt.Sprintf("it belongs to user %d and this is user %d", sys.Uid, uid),
			Mend: fmt.Sprintf("chown -R %d %s, %s", uid, path, elsewhere)}
	}
	if mode := st.Mode().Perm(); mode&0o022 != 0 {
		return &CacheError{Path: path, Why: fmt.Sprintf("others may write to it (mode %04o)", mode),
			Mend: fmt.Sprintf("chmod %s %s, %s", wanted, path, elsewhere)}
	}
	return nil
}

// openTrusted opens an entry.
func openTrusted(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &CacheError{Path: path, Why: "it is a symbolic link", Mend: "remove it"}
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &CacheError{Path: path, Why: "it is no regular file", Mend: "remove it"}
	}
	if err == nil {
		err = trusted(path, st, "600")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
