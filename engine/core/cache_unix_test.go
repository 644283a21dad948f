//go:build unix

package core

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asRoot skips a test that gives files away.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user")
	}
}

func TestADirectoryThatOthersCanWriteIsNotUsed(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string) error
		want    []string // in the log
	}{
		{"group-writable", func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o770) }, []string{"mode 0770", "chmod 700 DIR"}},
		{"writable by all", func(_ *testing.T, dir string) error { return os.Chmod(dir, 0o777) }, []string{"mode 0777", "chmod 700 DIR"}},
		{"of another user", func(t *testing.T, dir string) error { asRoot(t); return os.Chown(dir, 4711, -1) }, []string{"user 4711", "chown -R 0 DIR"}},
		{"a symbolic link", func(_ *testing.T, dir string) error {
			return errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir))
		}, []string{"symbolic link"}},
		{"in one that all can write", func(_ *testing.T, dir string) error { return os.Chmod(filepath.Dir(dir), 0o777) }, []string{"chmod o-w PARENT"}},
		{"a file", func(_ *testing.T, dir string) error {
			return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600))
		}, []string{"not a directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := c.prepare(t, dir); err != nil {
				t.Fatal(err)
			}
			r, log := cachedRuntime(t, dir, 0)
			if r.store != nil {
				t.Error("the directory is used")
			}
			for _, w := range c.want {
				w = strings.NewReplacer("DIR", dir, "PARENT", filepath.Dir(dir)).Replace(w)
				if !strings.Contains(log.String(), w) {
					t.Errorf("the log does not say %q: %s", w, log)
				}
			}
			if got := answer(t, r, compileOn(t, r, answering(t, 1, "A"))); got != 66 {
				t.Errorf("got %d, want 66", got)
			}
		})
	}
}

func TestAFileThatOthersCanWriteIsNotUsed(t *testing.T) {
	b := answering(t, 1, "A")
	for _, c := range []struct {
		name   string
		change func(t *testing.T, path string) error
		want   string // in the log
	}{
		{"group-writable", func(_ *testing.T, p string) error { return os.Chmod(p, 0o660) }, "mode 0660"},
		{"writable by all", func(_ *testing.T, p string) error { return os.Chmod(p, 0o606) }, "mode 0606"},
		{"of another user", func(t *testing.T, p string) error { asRoot(t); return os.Chown(p, 4711, -1) }, "user 4711"},
		{"a symbolic link", func(_ *testing.T, p string) error {
			return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p))
		}, "symbolic link"},
		{"a pipe", func(_ *testing.T, p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, "no regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			r, _ := cachedRuntime(t, dir, 0)
			compileOn(t, r, b)
			paths, _ := entries(t, dir)
			if len(paths) != 1 {
				t.Fatal(paths)
			}
			if err := c.change(t, paths[0]); err != nil {
				t.Fatal(err)
			}
			fresh, log := cachedRuntime(t, dir, 0)
			if got := answer(t, fresh, compileOn(t, fresh, b)); got != 66 {
				t.Errorf("got %d, want 66", got)
			}
			if !strings.Contains(log.String(), c.want) || !strings.Contains(log.String(), "removed") {
				t.Errorf("the log does not say %q: %s", c.want, log)
			}
			st, err := os.Lstat(paths[0])
			if err != nil || !st.Mode().IsRegular() || st.Mode().Perm() != 0o600 {
				t.Errorf("the entry was not replaced: %v, %v", st, err)
			}
		})
	}
}
