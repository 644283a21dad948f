//go:build linux || darwin || freebsd

package filesystem

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// openFiles is how many files this process has open, or 0 where that is not known.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// soon fails when f has not returned after a while: it hangs.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

func TestWhatIsNeitherFileNorDirectoryIsNotOpened(t *testing.T) {
	w := grant(t, false, map[string]string{"lp": "-> pipe", "d/": ""})
	if err := syscall.Mkfifo(filepath.Join(w.path, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(w.path) // a socket's path must be short
	if l, err := net.Listen("unix", "socket"); err == nil {
		defer l.Close()
	} else {
		t.Fatal(err)
	}
	_, _ = w.dir.OpenAt(bg, 0, "none", 0, readFlag) // opens the preopen as a file
	before := openFiles(t)
	for _, c := range []struct {
		path      string
		pathFlags wasifilesystem.PathFlags
		openFlags wasifilesystem.OpenFlags
		flags     wasifilesystem.DescriptorFlags
		want      string
	}{
		{"pipe", 0, 0, readFlag, "unsupported"},
		{"pipe", follow, 0, readFlag, "unsupported"},
		{"pipe", 0, 0, readFlag | writeFlag, "unsupported"},
		{"pipe", 0, 0, writeFlag, "no-such-device"}, // nobody reads it
		{"pipe", 0, create | trunc, writeFlag, "no-such-device"},
		{"pipe", 0, directory, readFlag, "not-directory"},
		{"pipe", follow, directory, readFlag, "not-directory"},
		{"pipe/", 0, 0, readFlag, "not-directory"},
		{"pipe/x", 0, create, writeFlag, "not-directory"},
		{"lp", follow, 0, readFlag, "unsupported"},
		{"lp/x", 0, 0, readFlag, "not-directory"},
		{"socket", 0, 0, readFlag, "no-such-device unsupported"},
	} {
		soon(t, "opening "+c.path, func() {
			_, err := w.dir.OpenAt(bg, c.pathFlags, c.path, c.openFlags, c.flags)
			if got := code(err); !strings.Contains(c.want, got) {
				t.Errorf("%s (%d %d %d): got %s, wanted %s", c.path, c.pathFlags, c.openFlags, c.flags, got, c.want)
			}
		})
	}
	for path, want := range map[string]string{"pipe": "fifo", "socket": "socket"} {
		if st, err := w.dir.StatAt(bg, 0, path); err != nil || st.Type.String() != want {
			t.Errorf("stat-at of %s: %v %v", path, st.Type, err)
		}
	}
	if n := openFiles(t); n != before {
		t.Errorf("%d files are open, were %d", n, before)
	}
}

func TestDevicesAreNotOpened(t *testing.T) {
	if _, err := os.Stat("/dev/null"); err != nil {
		t.Skip(err)
	}
	w := grantPath(t, "/dev", false, Config{})
	for _, flags := range []wasifilesystem.DescriptorFlags{readFlag, writeFlag} {
		if _, err := w.dir.OpenAt(bg, 0, "null", 0, flags); code(err) != "unsupported" {
			t.Errorf("flags %d: %s", flags, code(err))
		}
	}
	if st, err := w.dir.StatAt(bg, 0, "null"); err != nil || st.Type != wasifilesystem.DescriptorTypeCharacterDevice {
		t.Errorf("stat-at: %v %v", st.Type, err)
	}
}

// A guest that opens all it can gets what it is granted and no more, and gives
// everything back, whether it drops its handles or just ends.
func TestThousandsOfDescriptorsLeakNothing(t *testing.T) {
	path := grow(t, map[string]string{"f": "content", "d/g": ""})
	w := grantPath(t, path, false, Config{MaxOpen: 100})
	before := openFiles(t)
	for round := range 20 {
		files := New(w.files.cfg)
		dirs, err := files.GetDirectories(bg)
		if err != nil {
			t.Fatal(err)
		}
		dir := dirs[0].F0
		var open []wasifilesystem.Descriptor
		denied := 0
		for i := range 2000 {
			path, flags := "f", wasifilesystem.OpenFlags(0)
			if i%2 == 1 {
				path, flags = "d", directory
			}
			d, err := dir.OpenAt(bg, 0, path, flags, readFlag)
			switch code(err) {
			case "ok":
				open = append(open, d)
				if i%2 == 1 { // make it open what it opens when it is needed
					_ = d.RenameAt(bg, "g", d, "g")
				}
			case "insufficient-memory":
				denied++
			default:
				t.Fatal(code(err))
			}
		}
		if len(open) != 100 || denied != 1900 {
			t.Fatalf("%d were opened and %d denied", len(open), denied)
		}
		if n := openFiles(t); n > before+2*100+1 {
			t.Fatalf("%d files are open, were %d", n, before)
		}
		if round%2 == 0 {
			for _, d := range open {
				d.Drop(bg)
			}
			if n := openFiles(t); n > before+1 { // the preopen may be open as a file
				t.Errorf("%d files are open after all were dropped, were %d", n, before)
			}
		}
		files.Close()
		if n := openFiles(t); n != before {
			t.Fatalf("%d files are open at the end, were %d", n, before)
		}
	}
}

// While the guest works on a path, someone keeps putting something else in the
// place of each part of it: a link out of the directory, a pipe, another
// directory. Whatever the guest gets, it is never what is outside, and nothing
// outside changes.
func TestRacesLeadNowhere(t *testing.T) {
	outside := grow(t, map[string]string{"secret": "secret", "x/secret": "secret"})
	was := listing(t, outside)
	w := grant(t, false, map[string]string{"a/x/secret": "mine", "a/secret": "mine", "b/": ""})
	link := filepath.Join(w.path, "link")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(w.path, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		// Puts the directory, the link and the pipe at "p" in turn.
		p := filepath.Join(w.path, "p")
		for {
			for _, name := range []string{"a", "link", "pipe"} {
				n := filepath.Join(w.path, name)
				_ = os.Rename(n, p)
				runtime.Gosched()
				_ = os.Rename(p, n)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	got := map[string]int{}
	read := func(d wasifilesystem.Descriptor, err error) {
		if got[code(err)]++; err != nil {
			return
		}
		b, err := d.Read(bg, 100, 0)
		if string(b.F0) == "secret" {
			t.Errorf("the guest has read what is outside")
		}
		got[code(err)]++
		d.Drop(bg)
	}
	soon(t, "the guest", func() {
		// On a busy machine it can take a while until each has come out.
		raced := func() bool { return got["ok"] > 0 && got["not-permitted"] > 0 && got["no-entry"] > 0 }
		start := time.Now()
		for d := time.Since(start); d < time.Second || d < 15*time.Second && !raced(); d = time.Since(start) {
			read(w.dir.OpenAt(bg, follow, "p/secret", 0, readFlag))
			read(w.dir.OpenAt(bg, 0, "p/x/../x/secret", 0, readFlag))
			if d, err := w.dir.OpenAt(bg, follow, "p", directory, readFlag); err == nil {
				read(d.OpenAt(bg, 0, "secret", 0, readFlag))
				d.Drop(bg)
			}
			if d, err := w.dir.OpenAt(bg, 0, "p", 0, readFlag); err == nil {
				read(d.OpenAt(bg, 0, "x/secret", 0, readFlag))
				d.Drop(bg)
			}
			if d, err := w.dir.OpenAt(bg, 0, "p/made", create, writeFlag); err == nil {
				_, _ = d.Write(bg, []byte("made"), 0)
				d.Drop(bg)
			}
			for _, err := range []error{
				w.dir.UnlinkFileAt(bg, "p/made"),
				w.dir.CreateDirectoryAt(bg, "p/dir"),
				w.dir.RenameAt(bg, "p/dir", w.dir, "p/dir2"),
				w.dir.RemoveDirectoryAt(bg, "p/dir2"),
				w.dir.SymlinkAt(bg, "x", "p/sym"),
				w.dir.UnlinkFileAt(bg, "p/sym"),
				w.dir.LinkAt(bg, 0, "p/secret", w.dir, "b/got"),
				w.dir.SetTimesAt(bg, follow, "p/secret", keep, at(77, 0)),
				w.dir.SetTimesAt(bg, 0, "p/secret", keep, at(77, 0)),
			} {
				got[code(err)]++
			}
			if b, err := os.ReadFile(filepath.Join(w.path, "b/got")); err == nil && string(b) == "secret" {
				t.Error("the guest has made a name for what is outside")
			}
			_ = w.dir.UnlinkFileAt(bg, "b/got")
		}
	})
	close(stop)
	wg.Wait()
	if now := listing(t, outside); now != was {
		t.Errorf("outside there was\n%sand is now\n%s", was, now)
	}
	if n := openFiles(t); n > before+1 { // the preopen as a file
		t.Errorf("%d files are open, were %d", n, before)
	}
	if got["ok"] == 0 || got["not-permitted"] == 0 || got["no-entry"] == 0 {
		t.Errorf("the race did not take place: %v", got)
	}
	for c := range got {
		if strings.HasPrefix(c, "trap") || c == "io" {
			t.Errorf("unexpected outcome %s", c)
		}
	}
}

// Two guests with one directory: one moves a directory up and down while the
// other goes into it and back by dots.
func TestDotsOfAMovingDirectory(t *testing.T) {
	outside := grow(t, map[string]string{"in/a/b/c/f": "mine", "in/to/": "", "secret": "secret"})
	w := grantPath(t, filepath.Join(outside, "in"), false, Config{})
	mover := grantPath(t, filepath.Join(outside, "in"), false, Config{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = mover.dir.RenameAt(bg, "a/b", mover.dir, "b")
				_ = mover.dir.RenameAt(bg, "b", mover.dir, "a/b")
			}
		}
	})
	got := map[string]int{}
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		for _, path := range []string{"a/b/c/../../../secret", "a/b/c/../../../../secret", "b/c/../../../secret", "a/b/../../secret", "a/b/c/f"} {
			d, err := w.dir.OpenAt(bg, follow, path, 0, readFlag)
			got[path+" "+code(err)]++
			if err != nil {
				continue
			}
			if b, _ := d.Read(bg, 100, 0); string(b.F0) != "mine" {
				t.Fatalf("%s led to %q", path, b.F0)
			}
			d.Drop(bg)
		}
	}
	close(stop)
	wg.Wait()
	if got["a/b/c/f ok"] == 0 {
		t.Error(fmt.Sprint("the file was never there: ", got))
	}
}

func TestNamesThatAreNotUnicode(t *testing.T) {
	w := grant(t, false, map[string]string{"ok": ""})
	if err := os.WriteFile(filepath.Join(w.path, "bad\xff"), nil, 0o600); err != nil {
		t.Skipf("this system has no such names: %v", err)
	}
	if err := os.Symlink("to\xff", filepath.Join(w.path, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.dir.ReadlinkAt(bg, "link"); code(err) != "illegal-byte-sequence" {
		t.Errorf("readlink-at: %s", code(err))
	}
	s, err := w.dir.ReadDirectory(bg)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		e, err := s.ReadDirectoryEntry(bg)
		got = append(got, e.Value.Name+code(err))
	}
	if all := strings.Join(got, " "); strings.Count(all, "illegal-byte-sequence") != 1 || !strings.Contains(all, "okok") || !strings.Contains(all, "linkok") {
		t.Errorf("entries: %s", all)
	}
}
