package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// names are the files, directories (with a slash) and links (with their target)
// beneath a directory of the host.
func names(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		name = filepath.ToSlash(name)
		if info.IsDir() {
			name += "/"
		}
		if info.Mode()&os.ModeSymlink != 0 {
			target, _ := os.Readlink(path)
			name += "->" + filepath.ToSlash(target)
		}
		out = append(out, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// small is a tree of few things: a file, a directory with a file, an empty one,
// and links to each of them and upwards.
func small() map[string]string {
	return map[string]string{
		"f": "content", "d/g": "inner", "e/": "",
		"lf": "-> f", "ld": "-> d", "le": "-> e", "ln": "-> n", "up": "-> ..",
	}
}

const smallNames = "d/ d/g e/ f ld->d le->e lf->f ln->n up->.."

type dir = wasifilesystem.Descriptor

func mkdir(path string) func(dir) error {
	return func(d dir) error { return d.CreateDirectoryAt(bg, path) }
}

func rmdir(path string) func(dir) error {
	return func(d dir) error { return d.RemoveDirectoryAt(bg, path) }
}

func unlink(path string) func(dir) error {
	return func(d dir) error { return d.UnlinkFileAt(bg, path) }
}

func move(from, to string) func(dir) error {
	return func(d dir) error { return d.RenameAt(bg, from, d, to) }
}

func hardLink(from, to string) func(dir) error {
	return func(d dir) error { return d.LinkAt(bg, 0, from, d, to) }
}

func symlink(target, path string) func(dir) error {
	return func(d dir) error { return d.SymlinkAt(bg, target, path) }
}

const same = smallNames

// changes has what each operation does to small: the error-code, and with ok what
// is there afterwards.
var changes = []struct {
	name string
	do   func(dir) error
	want string // error-codes, one of which it is, or "ok"
	then string
}{
	{"make a directory", mkdir("n"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n/ up->.."},
	{"make a directory in one", mkdir("d/n"), "ok", "d/ d/g d/n/ e/ f ld->d le->e lf->f ln->n up->.."},
	{"make a directory through a link", mkdir("ld/n"), "ok", "d/ d/g d/n/ e/ f ld->d le->e lf->f ln->n up->.."},
	{"make a directory with slashes", mkdir("n//"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n/ up->.."},
	{"make a directory that is there", mkdir("d"), "exist", same},
	{"make a directory where a file is", mkdir("f"), "exist", same},
	{"make a directory where a link is", mkdir("ln"), "exist", same},
	{"make a directory in nothing", mkdir("n/n"), "no-entry", same},
	{"make a directory in a file", mkdir("f/n"), "not-directory", same},
	{"make no directory", mkdir(""), "no-entry", same},
	{"make the directory itself", mkdir("."), "exist", same},
	{"make a directory upwards", mkdir("../n"), "not-permitted", same},
	{"make the directory above", mkdir(".."), "not-permitted", same},
	{"make the root", mkdir("/"), "not-permitted", same},
	{"make a directory through a link upwards", mkdir("up/n"), "not-permitted", same},

	{"remove a directory", rmdir("e"), "ok", "d/ d/g f ld->d le->e lf->f ln->n up->.."},
	{"remove a directory with a slash", rmdir("e/"), "ok", "d/ d/g f ld->d le->e lf->f ln->n up->.."},
	{"remove a directory with slashes", rmdir("e////"), "ok", "d/ d/g f ld->d le->e lf->f ln->n up->.."},
	{"remove a directory by a detour", rmdir("d/../e"), "ok", "d/ d/g f ld->d le->e lf->f ln->n up->.."},
	{"remove a directory with content", rmdir("d"), "not-empty", same},
	{"remove a file as directory", rmdir("f"), "not-directory", same},
	{"remove a file with a slash as directory", rmdir("f/"), "not-directory", same},
	{"remove a link as directory", rmdir("le"), "not-directory", same},
	{"remove a link with a slash as directory", rmdir("le/"), "not-directory", same},
	{"remove nothing as directory", rmdir("n"), "no-entry", same},
	{"remove the directory itself", rmdir("."), "invalid access", same},
	{"remove the directory itself by a detour", rmdir("d/.."), "invalid access", same},
	{"remove the directory above", rmdir(".."), "not-permitted", same},
	{"remove the root", rmdir("/"), "not-permitted", same},
	{"remove a directory upwards", rmdir("d/../../e"), "not-permitted", same},
	{"remove a directory through a link upwards", rmdir("up/e"), "not-permitted", same},
	{"remove a link upwards with a slash", rmdir("up/"), "not-permitted", same},

	{"unlink a file", unlink("f"), "ok", "d/ d/g e/ ld->d le->e lf->f ln->n up->.."},
	{"unlink a file through a link", unlink("ld/g"), "ok", "d/ e/ f ld->d le->e lf->f ln->n up->.."},
	{"unlink a link", unlink("lf"), "ok", "d/ d/g e/ f ld->d le->e ln->n up->.."},
	{"unlink a link to a directory", unlink("ld"), "ok", "d/ d/g e/ f le->e lf->f ln->n up->.."},
	{"unlink a link upwards", unlink("up"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n"},
	{"unlink a file with a slash", unlink("f/"), "not-directory", same},
	{"unlink a link with a slash", unlink("lf/"), "not-directory", same},
	{"unlink a directory", unlink("e"), "is-directory", same},
	{"unlink a directory with a slash", unlink("e/"), "is-directory", same},
	{"unlink the directory itself", unlink("."), "is-directory", same},
	{"unlink nothing", unlink("n"), "no-entry", same},
	{"unlink no path", unlink(""), "no-entry", same},
	{"unlink the directory above", unlink(".."), "not-permitted", same},
	{"unlink upwards", unlink("../f"), "not-permitted", same},
	{"unlink through a link upwards", unlink("up/f"), "not-permitted", same},
	{"unlink an absolute path", unlink("/etc/passwd"), "not-permitted", same},

	{"rename a file", move("f", "n"), "ok", "d/ d/g e/ ld->d le->e lf->f ln->n n up->.."},
	{"rename a file over a file", move("f", "d/g"), "ok", "d/ d/g e/ ld->d le->e lf->f ln->n up->.."},
	{"rename a file over a link", move("f", "lf"), "ok", "d/ d/g e/ ld->d le->e lf ln->n up->.."},
	{"rename a file to itself", move("f", "f"), "ok", same},
	{"rename a file over a directory", move("f", "e"), "is-directory exist", same},
	{"rename a file to a name with a slash", move("f", "n/"), "not-directory", same},
	{"rename a file with a slash", move("f/", "n"), "not-directory", same},
	{"rename a link", move("lf", "n"), "ok", "d/ d/g e/ f ld->d le->e ln->n n->f up->.."},
	{"rename a link with a slash", move("ld/", "n"), "not-directory", same},
	{"rename a directory", move("d", "n"), "ok", "e/ f ld->d le->e lf->f ln->n n/ n/g up->.."},
	{"rename a directory with slashes", move("d/", "n/"), "ok", "e/ f ld->d le->e lf->f ln->n n/ n/g up->.."},
	{"rename a directory over an empty one", move("d", "e"), "ok exist", "e/ e/g f ld->d le->e lf->f ln->n up->.."},
	{"rename a directory over one with content", move("e", "d"), "not-empty exist", same},
	{"rename a directory over a file", move("d", "f"), "not-directory access", same},
	{"rename a directory into itself", move("d", "d/n"), "invalid access", same},
	{"rename nothing", move("n", "m"), "no-entry", same},
	{"rename into nothing", move("f", "n/n"), "no-entry", same},
	{"rename the directory itself", move(".", "n"), "busy invalid access", same},
	{"rename to the directory itself", move("d", "."), "busy invalid access exist not-empty", same},
	{"rename upwards", move("f", "../n"), "not-permitted", same},
	{"rename from above", move("../f", "n"), "not-permitted", same},
	{"rename through a link upwards", move("f", "up/n"), "not-permitted", same},
	{"rename to an absolute path", move("f", "/tmp/n"), "not-permitted", same},
	{"rename to no path", move("f", ""), "no-entry", same},

	{"link a file", hardLink("f", "n"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n up->.."},
	{"link a file in a directory", hardLink("d/g", "e/n"), "ok", "d/ d/g e/ e/n f ld->d le->e lf->f ln->n up->.."},
	{"link a link, not what it refers to", hardLink("lf", "n"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n->f up->.."},
	{"link a dangling link", hardLink("ln", "m"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n m->n up->.."},
	{"link a directory", hardLink("d", "n"), "not-permitted", same},
	{"link the directory itself", hardLink(".", "n"), "not-permitted", same},
	{"link where a file is", hardLink("f", "d/g"), "exist", same},
	{"link to itself", hardLink("f", "f"), "exist", same},
	{"link where a dangling link is", hardLink("f", "ln"), "exist", same},
	{"link where a directory is", hardLink("f", "e"), "exist", same},
	{"link a file with a slash", hardLink("f/", "n"), "not-directory", same},
	{"link to a name with a slash", hardLink("f", "n/"), "no-entry", same},
	{"link to a directory with a slash", hardLink("f", "e/"), "exist", same},
	{"link nothing", hardLink("n", "m"), "no-entry", same},
	{"link no path", hardLink("", "n"), "no-entry", same},
	{"link to no path", hardLink("f", ""), "no-entry", same},
	{"link from above", hardLink("../f", "n"), "not-permitted", same},
	{"link upwards", hardLink("f", "../n"), "not-permitted", same},
	{"link through a link upwards", hardLink("up/f", "n"), "not-permitted", same},
	{"link an absolute path", hardLink("/etc/hosts", "n"), "not-permitted", same},
	{"link what a link refers to", func(d dir) error { return d.LinkAt(bg, follow, "lf", d, "n") }, "invalid", same},

	{"make a link", symlink("d/g", "n"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n->d/g up->.."},
	{"make a link upwards", symlink("../../x", "n"), "ok", "d/ d/g e/ f ld->d le->e lf->f ln->n n->../../x up->.."},
	{"make a link where a file is", symlink("x", "f"), "exist", same},
	{"make a link where a dangling link is", symlink("x", "ln"), "exist", same},
	{"make a link with a slash", symlink("x", "n/"), "no-entry", same},
	{"make a link where a directory is, with a slash", symlink("x", "e/"), "exist", same},
	{"make a link where a file is, with a slash", symlink("x", "f/"), "not-directory", same},
	{"make an absolute link", symlink("/etc/passwd", "n"), "not-permitted", same},
	{"make a link to nothing", symlink("", "n"), "no-entry", same},
	{"make a link above", symlink("x", "../n"), "not-permitted", same},
	{"make a link through a link upwards", symlink("x", "up/n"), "not-permitted", same},
	{"make a long link", symlink(strings.Repeat("x/", 3000), "n"), "name-too-long", same},
}

func TestChangesOfDirectories(t *testing.T) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			w := grant(t, false, small())
			got := code(c.do(w.dir))
			if !slices.Contains(strings.Fields(c.want), got) {
				t.Fatalf("got %s, wanted %s", got, c.want)
			}
			if runtime.GOOS == "linux" && got != strings.Fields(c.want)[0] {
				t.Errorf("got %s, wanted %s, as Linux has it", got, c.want)
			}
			want := smallNames
			if got == "ok" {
				want = c.then
			}
			if then := names(t, w.path); then != want {
				t.Errorf("there is\n%s, wanted\n%s", then, want)
			}
		})
	}
}

// Renaming and linking go from one directory that is open to another.
func TestRenameAndLinkBetweenDirectories(t *testing.T) {
	if !betweenDirectories {
		t.Skip("this system has no call for it")
	}
	w := grant(t, false, small())
	d, e := w.open(t, "d", directory, readFlag), w.open(t, "e", directory, readFlag)
	for _, err := range []error{
		d.LinkAt(bg, 0, "g", e, "h"),
		e.RenameAt(bg, "h", w.dir, "n"),
		w.dir.RenameAt(bg, "f", d, "f"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := names(t, w.path), "d/ d/f d/g e/ ld->d le->e lf->f ln->n n up->.."; got != want {
		t.Errorf("there is\n%s, wanted\n%s", got, want)
	}
	for name, err := range map[string]error{
		"out of a directory":  d.RenameAt(bg, "../n", e, "n"),
		"out of the other":    d.RenameAt(bg, "g", e, "../n"),
		"a link out of one":   d.LinkAt(bg, 0, "../n", e, "n"),
		"a link to the other": d.LinkAt(bg, 0, "g", e, "../m"),
	} {
		if code(err) != "not-permitted" {
			t.Errorf("%s: %s", name, code(err))
		}
	}
}

func TestReadlinkAt(t *testing.T) {
	w := grant(t, false, map[string]string{
		"f": "", "d/up": "-> ../f", "ld": "-> d", "abs": "-> /etc/passwd", "out": "-> ../../x", "far": "-> " + strings.Repeat("x/", 300) + "x",
	})
	for _, c := range []struct{ path, want string }{
		{"d/up", "../f"},
		{"ld/up", "../f"},
		{"out", "../../x"},
		{"far", strings.Repeat("x/", 300) + "x"},
		{"abs", "not-permitted"},
		{"f", "invalid"},
		{"d", "invalid"},
		{".", "invalid"},
		{"n", "no-entry"},
		{"", "no-entry"},
		{"..", "not-permitted"},
		{"out/x", "not-permitted"},
		{"/etc/localtime", "not-permitted"},
	} {
		got, err := w.dir.ReadlinkAt(bg, c.path)
		if err != nil {
			got = code(err)
		}
		if filepath.ToSlash(got) != c.want {
			t.Errorf("%q: got %s, wanted %s", c.path, got, c.want)
		}
	}
}

func TestReadDirectory(t *testing.T) {
	w := grant(t, false, small())
	list := func(d wasifilesystem.Descriptor) string {
		t.Helper()
		s, err := d.ReadDirectory(bg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Drop(bg)
		var out []string
		for {
			e, err := s.ReadDirectoryEntry(bg)
			if err != nil {
				t.Fatal(err)
			}
			if !e.Some {
				break
			}
			out = append(out, fmt.Sprintf("%s:%s", e.Value.Name, e.Value.Type))
		}
		if e, err := s.ReadDirectoryEntry(bg); e.Some || err != nil {
			t.Errorf("after the end: %v %v", e, err)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	want := "d:directory e:directory f:regular-file ld:symbolic-link le:symbolic-link lf:symbolic-link ln:symbolic-link up:symbolic-link"
	for range 2 { // each stream begins at the beginning
		if got := list(w.dir); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := list(w.open(t, "d", directory, readFlag)); got != "g:regular-file" {
		t.Error(got)
	}
	if got := list(w.open(t, "e", directory, readFlag)); got != "" {
		t.Error(got)
	}
}

func TestStreamsOfADirectoryDoNotInterfere(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("file-%03d", i)] = ""
	}
	w := grant(t, false, files)
	a, errA := w.dir.ReadDirectory(bg)
	b, errB := w.dir.ReadDirectory(bg)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	got := [2]map[string]bool{{}, {}}
	for n := 0; ; n++ {
		s, seen := a, got[0]
		if n%3 == 0 {
			s, seen = b, got[1]
		}
		e, err := s.ReadDirectoryEntry(bg)
		if err != nil {
			t.Fatal(err)
		}
		if e.Some {
			seen[e.Value.Name] = true
		} else if len(got[0]) == 300 && len(got[1]) == 300 {
			break
		}
		if n > 2000 {
			t.Fatalf("%d and %d entries of 300", len(got[0]), len(got[1]))
		}
	}
}
