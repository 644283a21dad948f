//go:build unix

package core

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownedAlone checks that nobody else can write to a directory.
func ownedAlone(dir string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, who could put code there that this process runs", dir, st.Uid)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s can be written to by others, who could put code there that this process runs: chmod go-w %s", dir, dir)
	}
	return nil
}
