package filesystem

import (
	"context"
	"errors"
	"fmt"
	goio "io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/host/io"
)

var bg = context.Background()

// Short names for what every test says.
const (
	readFlag   = wasifilesystem.DescriptorFlagsRead
	writeFlag  = wasifilesystem.DescriptorFlagsWrite
	mutateFlag = wasifilesystem.DescriptorFlagsMutateDirectory
	follow     = wasifilesystem.PathFlagsSymlinkFollow
	create     = wasifilesystem.OpenFlagsCreate
	excl       = wasifilesystem.OpenFlagsExclusive
	trunc      = wasifilesystem.OpenFlagsTruncate
	directory  = wasifilesystem.OpenFlagsDirectory
)

// code is the name of an error-code, "ok", or what traps the guest.
func code(err error) string {
	var c wasifilesystem.ErrorCode
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &c):
		return c.String()
	}
	return "trap: " + err.Error()
}

// grow makes files ("name": content), directories ("name/") and symbolic links
// ("name": "-> target") in a new directory.
func grow(t testing.TB, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range tree {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err = os.Symlink(target, path); err != nil && runtime.GOOS == "windows" {
				t.Skipf("this system does not let us make a symbolic link: %v", err)
			}
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// world is a directory of the host, granted to a guest.
type world struct {
	path  string // the host's
	files *Files
	dir   wasifilesystem.Descriptor
}

func grant(t testing.TB, readOnly bool, tree map[string]string) *world {
	t.Helper()
	return grantPath(t, grow(t, tree), readOnly, Config{})
}

func grantPath(t testing.TB, path string, readOnly bool, c Config) *world {
	t.Helper()
	p, err := OpenPreopen(path, "/", readOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Root.Close() })
	c.Preopens = []Preopen{p}
	w := &world{path: path, files: New(c)}
	t.Cleanup(w.files.Close)
	dirs, err := w.files.GetDirectories(bg)
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	w.dir = dirs[0].F0
	return w
}

// open opens a path that must open.
func (w *world) open(t testing.TB, path string, o wasifilesystem.OpenFlags, f wasifilesystem.DescriptorFlags) wasifilesystem.Descriptor {
	t.Helper()
	d, err := w.dir.OpenAt(bg, follow, path, o, f)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	return d
}

// content is that of a file of the host's.
func (w *world) content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.path, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGuestWithoutPreopensHasNoDirectories(t *testing.T) {
	dirs, err := New(Config{}).GetDirectories(bg)
	if len(dirs) != 0 || err != nil {
		t.Fatal(dirs, err)
	}
}

func TestPreopensComeInOrderWithTheirNames(t *testing.T) {
	var c Config
	for i, name := range []string{"/data", ".", "/data"} {
		p, err := OpenPreopen(t.TempDir(), name, i == 1)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Root.Close()
		c.Preopens = append(c.Preopens, p)
	}
	fs := New(c)
	defer fs.Close()
	var got []string
	for range 2 { // each call gives handles of its own
		dirs, err := fs.GetDirectories(bg)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dirs {
			flags, _ := d.F0.GetFlags(bg)
			typ, _ := d.F0.GetType(bg)
			got = append(got, fmt.Sprint(d.F1, flags, typ))
			if err := d.F0.CreateDirectoryAt(bg, "x"); d.F1 == "." && code(err) != "not-permitted" {
				t.Errorf("the read-only one: %s", code(err))
			}
			d.F0.Drop(bg)
		}
	}
	rw, ro := fmt.Sprint(readFlag|mutateFlag), fmt.Sprint(readFlag)
	once := []string{"/data" + rw + " directory", "." + ro + " directory", "/data" + rw + " directory"}
	if want := append(once, once...); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestParsePreopen(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x", "x:ro", "a::b"} {
		if runtime.GOOS != "windows" {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
		} else if name == "x" {
			_ = os.Mkdir(filepath.Join(dir, name), 0o755)
		}
	}
	_ = os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
	t.Chdir(dir)
	for _, c := range []struct {
		text, guest string
		readOnly    bool
		err         string
		posix       bool
	}{
		{text: "x", guest: "x"},
		{text: ".", guest: "."},
		{text: "x::/data", guest: "/data"},
		{text: "x:ro", guest: "x", readOnly: true},
		{text: "x::/data:ro", guest: "/data", readOnly: true},
		{text: "x:ro::/data", guest: "/data", posix: true},
		{text: "x:ro:ro", guest: "x:ro", readOnly: true, posix: true},
		{text: "x::a::b", guest: "a::b"},
		{text: dir + "::/", guest: "/"},
		{text: "", err: "not of the form"},
		{text: ":ro", err: "not of the form"},
		{text: "::/data", err: "not of the form"},
		{text: "x::", err: "not of the form"},
		{text: "missing", err: "missing"},
		{text: "file", err: "not a directory"},
	} {
		t.Run(c.text, func(t *testing.T) {
			if c.posix && runtime.GOOS == "windows" {
				t.Skip("such a name is none on Windows")
			}
			p, err := ParsePreopen(c.text)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, wanted an error with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer p.Root.Close()
			if p.Guest != c.guest || p.ReadOnly != c.readOnly {
				t.Errorf("got %q read-only %t, wanted %q %t", p.Guest, p.ReadOnly, c.guest, c.readOnly)
			}
		})
	}
}

func TestErrorCodeOfStreamErrors(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "x"})
	f := w.open(t, "f", 0, readFlag)
	in, err := f.ReadViaStream(bg, 1<<63)
	if err != nil {
		t.Fatal(err)
	}
	_, failed := in.BlockingRead(bg, 1)
	var se wasiio.StreamError
	if !errors.As(failed, &se) || se.LastOperationFailed == nil {
		t.Fatal(failed)
	}
	_, dirErr := os.ReadFile(w.path)
	for _, c := range []struct {
		name string
		err  wasiio.Error
		want string
	}{
		{"of a file's stream", se.LastOperationFailed, "invalid"},
		{"of a standard stream that is a directory", io.NewError(dirErr), "is-directory"},
		{"of something else", io.NewError(goio.ErrUnexpectedEOF), "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == "is-directory" && runtime.GOOS == "windows" {
				t.Skip("Windows does not say so")
			}
			got, err := w.files.FilesystemErrorCode(bg, c.err)
			if err != nil {
				t.Fatal(err)
			}
			s := "none"
			if got.Some {
				s = got.Value.String()
			}
			if s != c.want {
				t.Errorf("got %s, wanted %s", s, c.want)
			}
		})
	}
	if text, _ := se.LastOperationFailed.ToDebugString(bg); strings.Contains(text, w.path) {
		t.Errorf("the error tells the guest the host's path: %s", text)
	}
}
