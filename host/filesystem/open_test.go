package filesystem

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// tree has one of everything that a path can lead to.
func tree() map[string]string {
	return map[string]string{
		"f":           "content",
		"d/g":         "inner",
		"d/e/":        "",
		"to-f":        "-> f",
		"to-d":        "-> d",
		"d/up":        "-> ../f",
		"d/to-root":   "-> ..",
		"twice":       "-> to-f",
		"out":         "-> ..",
		"out-deep":    "-> d/../../x",
		"absolute":    "-> /etc/hosts",
		"dangling":    "-> nothing",
		"loop":        "-> loop",
		"loop-a":      "-> loop-b",
		"loop-b":      "-> loop-a",
		"to-f-slash":  "-> f/",
		"to-d-slash":  "-> d/",
		"through-out": "-> out/x",
	}
}

var long = strings.Repeat("x", 300)

// opens has what open-at makes of the paths of tree.
var opens = []struct {
	name      string
	path      string
	pathFlags wasifilesystem.PathFlags
	openFlags wasifilesystem.OpenFlags
	flags     wasifilesystem.DescriptorFlags
	want      string // error-code, or type and flags
}{
	{"a file to read", "f", 0, 0, readFlag, "regular-file r"},
	{"a file to write", "f", 0, 0, writeFlag, "regular-file w"},
	{"a file to do both", "f", 0, 0, readFlag | writeFlag, "regular-file rw"},
	{"no flags are read", "f", 0, 0, 0, "regular-file r"},
	{"a file in a directory", "d/g", 0, 0, readFlag, "regular-file r"},
	{"dots and slashes", "d/.//e/../../d/./g", 0, 0, readFlag, "regular-file r"},
	{"a directory", "d", 0, 0, readFlag, "directory r"},
	{"a directory with a slash", "d/", 0, 0, readFlag, "directory r"},
	{"a directory with slashes", "d///", 0, directory, readFlag, "directory r"},
	{"a directory as directory", "d", 0, directory, 0, "directory r"},
	{"a directory to be changed", "d", 0, directory, mutateFlag, "directory rm"},
	{"the directory itself", ".", 0, directory, readFlag | mutateFlag, "directory rm"},
	{"the directory itself by a detour", "d/..", 0, 0, readFlag, "directory r"},
	{"mutate-directory is not for files", "f", 0, 0, readFlag | mutateFlag, "regular-file r"},
	{"a directory to write", "d", 0, 0, writeFlag, "is-directory"},
	{"a directory as directory to write", "d", 0, directory, writeFlag, "is-directory"},
	{"a file as directory", "f", 0, directory, readFlag, "not-directory"},
	{"a file with a slash", "f/", 0, 0, readFlag, "not-directory"},
	{"beneath a file", "f/g", 0, 0, readFlag, "not-directory"},
	{"a file and dot", "f/.", 0, 0, readFlag, "not-directory"},
	{"a file and dots", "f/..", 0, 0, readFlag, "not-directory"},
	{"nothing", "n", 0, 0, readFlag, "no-entry"},
	{"nothing as directory", "n", 0, directory, readFlag, "no-entry"},
	{"beneath nothing", "n/f", 0, 0, readFlag, "no-entry"},
	{"beneath nothing and out of it", "n/../f", 0, 0, readFlag, "no-entry"},

	{"create", "n", 0, create, readFlag | writeFlag, "regular-file rw"},
	{"what is created is written", "n", 0, create, 0, "regular-file rw"},
	{"what is created to be written is not read", "n", 0, create, writeFlag, "regular-file w"},
	{"create what is there", "f", 0, create, writeFlag, "regular-file w"},
	{"create exclusively", "n", 0, create | excl, writeFlag, "regular-file w"},
	{"create exclusively what is there", "f", 0, create | excl, writeFlag, "exist"},
	{"create exclusively where a link is", "to-f", follow, create | excl, writeFlag, "exist"},
	{"create exclusively where a dangling link is", "dangling", follow, create | excl, writeFlag, "exist"},
	{"exclusive without create", "f", 0, excl, readFlag, "regular-file r"},
	{"create in nothing", "n/f", 0, create, writeFlag, "no-entry"},
	{"create with a slash", "n/", 0, create, writeFlag, "no-entry"},
	{"create a directory that way", "n", 0, create | directory, readFlag, "invalid"},
	{"truncate a directory", "d", 0, trunc | directory, readFlag, "invalid"},
	{"exclusive directory", "d", 0, excl | directory, readFlag, "invalid"},
	{"create where a directory is", "d", 0, create, writeFlag, "is-directory"},
	{"create where a directory is, exclusively", "d", 0, create | excl, writeFlag, "exist"},
	{"truncate", "f", 0, trunc, writeFlag, "regular-file w"},
	{"truncating is writing", "f", 0, trunc, readFlag, "regular-file rw"},
	{"create through a dangling link", "dangling", follow, create, writeFlag, "regular-file w"},

	{"a link", "to-f", 0, 0, readFlag, "loop"},
	{"a link, followed", "to-f", follow, 0, readFlag, "regular-file r"},
	{"a link to a link", "twice", follow, 0, readFlag, "regular-file r"},
	{"a link to a directory", "to-d", 0, 0, readFlag, "loop"},
	{"a link to a directory, as directory", "to-d", 0, directory, readFlag, "loop"},
	{"a link to a directory, followed", "to-d", follow, directory, readFlag, "directory r"},
	{"a link to a directory, with a slash", "to-d/", 0, 0, readFlag, "directory r"},
	{"a link to a directory with a slash of its own", "to-d-slash", follow, 0, readFlag, "directory r"},
	{"a link to a file, with a slash", "to-f/", 0, 0, readFlag, "not-directory"},
	{"a link to a file with a slash of its own", "to-f-slash", follow, 0, readFlag, "not-directory"},
	{"a link to a file, as directory", "to-f", follow, directory, readFlag, "not-directory"},
	{"a link on the way is always followed", "to-d/g", 0, 0, readFlag, "regular-file r"},
	{"a link on the way to a file", "to-f/g", 0, 0, readFlag, "not-directory"},
	{"a link upwards that stays inside", "d/up", follow, 0, readFlag, "regular-file r"},
	{"a link upwards on the way", "d/to-root/d/g", 0, 0, readFlag, "regular-file r"},
	{"a dangling link", "dangling", follow, 0, readFlag, "no-entry"},
	{"a link to itself", "loop", follow, 0, readFlag, "loop"},
	{"a link to itself, not followed", "loop", 0, 0, readFlag, "loop"},
	{"links in a circle", "loop-a", follow, directory, readFlag, "loop"},
	{"links in a circle on the way", "loop-a/x", 0, 0, readFlag, "loop"},

	{"no path", "", 0, 0, readFlag, "no-entry"},
	{"the root", "/", 0, 0, readFlag, "not-permitted"},
	{"an absolute path", "/f", 0, 0, readFlag, "not-permitted"},
	{"upwards", "..", 0, 0, readFlag, "not-permitted"},
	{"upwards, as directory", "..", 0, directory, readFlag, "not-permitted"},
	{"upwards with a slash", "../", 0, 0, readFlag, "not-permitted"},
	{"upwards from within", "d/../..", 0, 0, readFlag, "not-permitted"},
	{"upwards to create", "../n", 0, create, writeFlag, "not-permitted"},
	{"upwards through a link", "d/to-root/..", 0, 0, readFlag, "not-permitted"},
	{"a link upwards", "out", follow, 0, readFlag, "not-permitted"},
	{"a link upwards, as directory", "out", follow, directory, readFlag, "not-permitted"},
	{"a link upwards, not followed", "out", 0, 0, readFlag, "loop"},
	{"a link upwards, with a slash", "out/", 0, 0, readFlag, "not-permitted"},
	{"a link upwards on the way", "out/f", 0, 0, readFlag, "not-permitted"},
	{"a link upwards from within", "out-deep", follow, create, writeFlag, "not-permitted"},
	{"a link through a link upwards", "through-out", follow, 0, readFlag, "not-permitted"},
	{"an absolute link", "absolute", follow, 0, readFlag, "not-permitted"},
	{"an absolute link to write", "absolute", follow, create | trunc, writeFlag, "not-permitted"},
	{"a zero byte", "f\x00", 0, 0, readFlag, "invalid"},
	{"a zero byte on the way", "d\x00/g", 0, 0, readFlag, "invalid"},
	{"a long name", long, 0, 0, readFlag, "name-too-long"},
	{"a long name on the way", long + "/f", 0, 0, readFlag, "name-too-long"},
	{"a long name to create", long, 0, create, writeFlag, "name-too-long"},
	{"a long path", strings.Repeat("d/../", 1000) + "f", 0, 0, readFlag, "name-too-long"},
	{"a path as long as can be", strings.Repeat("./", 2047) + "f", 0, 0, readFlag, "regular-file r"},
	{"a path that is not Unicode", "\xff", 0, 0, readFlag, "no-entry"},
}

func TestOpenAt(t *testing.T) {
	for _, c := range opens {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.HasPrefix(c.name, "a long name") {
				t.Skip("Windows has no error of its own for it")
			}
			w := grant(t, false, tree())
			d, err := w.dir.OpenAt(bg, c.pathFlags, c.path, c.openFlags, c.flags)
			got := code(err)
			if err == nil {
				got = describe(t, d)
				d.Drop(bg)
			}
			if got != c.want {
				t.Errorf("got %s, wanted %s", got, c.want)
			}
			if n := len(w.files.open); n != 1 {
				t.Errorf("%d handles are open besides the root", n-1)
			}
		})
	}
}

// describe writes type and flags of a descriptor.
func describe(t *testing.T, d wasifilesystem.Descriptor) string {
	t.Helper()
	typ, err := d.GetType(bg)
	if err != nil {
		t.Fatal(err)
	}
	flags, err := d.GetFlags(bg)
	if err != nil {
		t.Fatal(err)
	}
	s := typ.String() + " "
	for _, f := range []struct {
		flag wasifilesystem.DescriptorFlags
		text string
	}{
		{readFlag, "r"}, {writeFlag, "w"}, {mutateFlag, "m"},
		{wasifilesystem.DescriptorFlagsFileIntegritySync, "s"},
		{wasifilesystem.DescriptorFlagsDataIntegritySync, "d"},
		{wasifilesystem.DescriptorFlagsRequestedWriteSync, "q"},
	} {
		if flags&f.flag != 0 {
			s += f.text
		}
	}
	return s
}

func TestOpeningChangesWhatItSaysItDoes(t *testing.T) {
	for _, c := range []struct {
		name      string
		path      string
		openFlags wasifilesystem.OpenFlags
		file      string
		want      string
	}{
		{"opening to write keeps the content", "f", 0, "f", "content"},
		{"creating what is there keeps it", "f", create, "f", "content"},
		{"truncating empties it", "f", trunc, "f", ""},
		{"creating and truncating empties it", "f", create | trunc, "f", ""},
		{"truncating through a link empties the file", "to-f", trunc, "f", ""},
		{"creating makes an empty file", "d/n", create, "d/n", ""},
		{"creating through a dangling link makes its target", "dangling", create, "nothing", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := grant(t, false, tree())
			w.open(t, c.path, c.openFlags, writeFlag).Drop(bg)
			if got := w.content(t, c.file); got != c.want {
				t.Errorf("%s has %q, wanted %q", c.file, got, c.want)
			}
		})
	}
}

func TestSynchronousFilesAreWritten(t *testing.T) {
	for _, c := range []struct {
		flags wasifilesystem.DescriptorFlags
		want  string
	}{
		{wasifilesystem.DescriptorFlagsFileIntegritySync, "regular-file ws"},
		{wasifilesystem.DescriptorFlagsDataIntegritySync, "regular-file wd"},
		{wasifilesystem.DescriptorFlagsRequestedWriteSync, "regular-file wq"},
	} {
		w := grant(t, false, map[string]string{"f": ""})
		d := w.open(t, "f", 0, writeFlag|c.flags)
		if got := describe(t, d); got != c.want {
			t.Errorf("got %s, wanted %s", got, c.want)
		}
		if n, err := d.Write(bg, []byte("x"), 0); n != 1 || err != nil || w.content(t, "f") != "x" {
			t.Errorf("%s: wrote %d, %v", c.want, n, err)
		}
	}
}

// A directory that is opened is a world of its own, from which nothing leads up,
// though its parent be granted too.
func TestOpenedDirectoryIsARootOfItsOwn(t *testing.T) {
	w := grant(t, false, tree())
	d := w.open(t, "d", directory, readFlag)
	for _, c := range []struct{ path, want string }{
		{"g", "ok"}, {"e/../g", "ok"}, {"up", "not-permitted"}, {"to-root", "not-permitted"},
		{"..", "not-permitted"}, {"../d/g", "not-permitted"}, {"../f", "not-permitted"},
	} {
		if _, err := d.OpenAt(bg, follow, c.path, 0, readFlag); code(err) != c.want {
			t.Errorf("%s: got %s, wanted %s", c.path, code(err), c.want)
		}
	}
	// It stays the same directory when it is moved.
	if err := os.Rename(filepath.Join(w.path, "d"), filepath.Join(w.path, "moved")); err != nil {
		t.Skipf("this system does not move an open directory: %v", err)
	}
	f, err := d.OpenAt(bg, 0, "g", 0, readFlag)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Read(bg, 100, 0)
	if string(b.F0) != "inner" || err != nil {
		t.Fatalf("%q %v", b.F0, err)
	}
}

func TestNoPathIsRelativeToAFile(t *testing.T) {
	w := grant(t, false, tree())
	f := w.open(t, "f", 0, readFlag|writeFlag)
	for name, err := range map[string]error{
		"open-at":              second(f.OpenAt(bg, 0, ".", 0, readFlag)),
		"stat-at":              second(f.StatAt(bg, 0, "x")),
		"readlink-at":          second(f.ReadlinkAt(bg, "x")),
		"metadata-hash-at":     second(f.MetadataHashAt(bg, 0, "x")),
		"create-directory-at":  f.CreateDirectoryAt(bg, "x"),
		"remove-directory-at":  f.RemoveDirectoryAt(bg, "x"),
		"unlink-file-at":       f.UnlinkFileAt(bg, "x"),
		"symlink-at":           f.SymlinkAt(bg, "x", "y"),
		"rename-at":            f.RenameAt(bg, "x", w.dir, "y"),
		"rename-at, to a file": w.dir.RenameAt(bg, "d/g", f, "y"),
		"link-at":              f.LinkAt(bg, 0, "x", w.dir, "y"),
		"link-at, to a file":   w.dir.LinkAt(bg, 0, "d/g", f, "y"),
		"set-times-at":         f.SetTimesAt(bg, 0, "x", wasifilesystem.NewTimestamp{}, wasifilesystem.NewTimestamp{}),
	} {
		if code(err) != "not-directory" {
			t.Errorf("%s: got %s, wanted not-directory", name, code(err))
		}
	}
}

func TestFilesAreNotDirectoriesNorTheOtherWayRound(t *testing.T) {
	w := grant(t, false, tree())
	f := w.open(t, "f", 0, readFlag|writeFlag)
	if _, err := f.ReadDirectory(bg); code(err) != "bad-descriptor" {
		t.Errorf("read-directory of a file: %s", code(err))
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"read":              {second(w.dir.Read(bg, 1, 0)), "bad-descriptor"},
		"write":             {second(w.dir.Write(bg, []byte("x"), 0)), "bad-descriptor"},
		"read-via-stream":   {second(w.dir.ReadViaStream(bg, 0)), "is-directory"},
		"write-via-stream":  {second(w.dir.WriteViaStream(bg, 0)), "bad-descriptor"},
		"append-via-stream": {second(w.dir.AppendViaStream(bg)), "bad-descriptor"},
		"set-size":          {w.dir.SetSize(bg, 0), "bad-descriptor"},
		"advise":            {w.dir.Advise(bg, 0, 0, wasifilesystem.AdviceNormal), "bad-descriptor"},
	} {
		if code(c.err) != c.want {
			t.Errorf("%s of a directory: got %s, wanted %s", name, code(c.err), c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Everything that changes something, by name; each works on tree.
var mutations = map[string]func(dir wasifilesystem.Descriptor) error{
	"open-at to write": func(dir wasifilesystem.Descriptor) error {
		return second(dir.OpenAt(bg, 0, "f", 0, writeFlag))
	},
	"open-at with create": func(dir wasifilesystem.Descriptor) error {
		return second(dir.OpenAt(bg, 0, "n", create, readFlag))
	},
	"open-at with create of what is there": func(dir wasifilesystem.Descriptor) error {
		return second(dir.OpenAt(bg, 0, "f", create, readFlag))
	},
	"open-at with truncate": func(dir wasifilesystem.Descriptor) error {
		return second(dir.OpenAt(bg, 0, "f", trunc, readFlag))
	},
	"open-at with mutate-directory": func(dir wasifilesystem.Descriptor) error {
		return second(dir.OpenAt(bg, 0, "d", directory, mutateFlag))
	},
	"create-directory-at": func(dir wasifilesystem.Descriptor) error { return dir.CreateDirectoryAt(bg, "n") },
	"remove-directory-at": func(dir wasifilesystem.Descriptor) error { return dir.RemoveDirectoryAt(bg, "d/e") },
	"unlink-file-at":      func(dir wasifilesystem.Descriptor) error { return dir.UnlinkFileAt(bg, "f") },
	"symlink-at":          func(dir wasifilesystem.Descriptor) error { return dir.SymlinkAt(bg, "f", "n") },
	"rename-at":           func(dir wasifilesystem.Descriptor) error { return dir.RenameAt(bg, "f", dir, "n") },
	"link-at":             func(dir wasifilesystem.Descriptor) error { return dir.LinkAt(bg, 0, "f", dir, "n") },
	"set-times-at": func(dir wasifilesystem.Descriptor) error {
		return dir.SetTimesAt(bg, 0, "f", wasifilesystem.NewTimestamp{Tag: wasifilesystem.NewTimestampNow}, wasifilesystem.NewTimestamp{})
	},
	"set-times of the directory": func(dir wasifilesystem.Descriptor) error {
		return dir.SetTimes(bg, wasifilesystem.NewTimestamp{Tag: wasifilesystem.NewTimestampNow}, wasifilesystem.NewTimestamp{})
	},
}

func TestReadOnlyPreopenIsNotChanged(t *testing.T) {
	for name, change := range mutations {
		t.Run(name, func(t *testing.T) {
			path := grow(t, map[string]string{"x/f": "content", "x/d/e/": "", "f": "content", "d/e/": ""})
			var told []error
			ro := grantPath(t, path, true, Config{Denied: func(err error) { told = append(told, err) }})
			before := listing(t, path)
			beneath, err := ro.dir.OpenAt(bg, 0, "x", directory, readFlag)
			if err != nil {
				t.Fatal(err)
			}
			for _, dir := range []wasifilesystem.Descriptor{ro.dir, beneath} {
				if err := change(dir); code(err) != "not-permitted" {
					t.Errorf("got %s, wanted not-permitted", code(err))
				}
			}
			if after := listing(t, path); after != before {
				t.Errorf("it was\n%sand is now\n%s", before, after)
			}
			if len(told) != 1 || !strings.Contains(told[0].Error(), "--dir") {
				t.Errorf("the operator was told %v, wanted one line that names the flag", told)
			}
			// And all of it is possible where it is permitted.
			if err := change(grantPath(t, path, false, Config{}).dir); err != nil {
				t.Errorf("in a directory that may be changed: %v", err)
			}
		})
	}
}

// listing is a directory as text: names, sizes and times of modification.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadOnlyFileIsNotChanged(t *testing.T) {
	w := grant(t, true, tree())
	f := w.open(t, "f", 0, readFlag)
	for name, err := range map[string]error{
		"write":             second(f.Write(bg, []byte("x"), 0)),
		"write-via-stream":  second(f.WriteViaStream(bg, 0)),
		"append-via-stream": second(f.AppendViaStream(bg)),
		"set-size":          f.SetSize(bg, 0),
		"set-times":         f.SetTimes(bg, wasifilesystem.NewTimestamp{Tag: wasifilesystem.NewTimestampNow}, wasifilesystem.NewTimestamp{}),
	} {
		if code(err) != "not-permitted" {
			t.Errorf("%s: got %s, wanted not-permitted", name, code(err))
		}
	}
	if err := f.Sync(bg); err != nil {
		t.Errorf("sync: %v", err)
	}
	if err := f.SyncData(bg); err != nil {
		t.Errorf("sync-data: %v", err)
	}
	if w.content(t, "f") != "content" {
		t.Error("it was changed")
	}
}

// A file of a directory that may only be read must not get a name in one that
// may be changed, nor may one be put there.
func TestNothingPassesBetweenReadOnlyAndOther(t *testing.T) {
	ro, rw := grant(t, true, tree()), grant(t, false, tree())
	for name, err := range map[string]error{
		"link out of it":   ro.dir.LinkAt(bg, 0, "f", rw.dir, "n"),
		"link into it":     rw.dir.LinkAt(bg, 0, "f", ro.dir, "n"),
		"rename out of it": ro.dir.RenameAt(bg, "f", rw.dir, "n"),
		"rename into it":   rw.dir.RenameAt(bg, "f", ro.dir, "n"),
	} {
		if code(err) != "not-permitted" {
			t.Errorf("%s: got %s, wanted not-permitted", name, code(err))
		}
	}
}

func TestFileIsUsedOnlyAsItWasOpened(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "content"})
	r, wr := w.open(t, "f", 0, readFlag), w.open(t, "f", 0, writeFlag)
	for name, err := range map[string]error{
		"write of one to read":             second(r.Write(bg, []byte("x"), 0)),
		"write-via-stream of one to read":  second(r.WriteViaStream(bg, 0)),
		"append-via-stream of one to read": second(r.AppendViaStream(bg)),
		"read of one to write":             second(wr.Read(bg, 1, 0)),
		"read-via-stream of one to write":  second(wr.ReadViaStream(bg, 0)),
	} {
		if code(err) != "bad-descriptor" {
			t.Errorf("%s: got %s, wanted bad-descriptor", name, code(err))
		}
	}
	if err := r.SetSize(bg, 1); code(err) != "invalid" {
		t.Errorf("set-size of one to read: got %s, wanted invalid, as ftruncate has it", code(err))
	}
	if w.content(t, "f") != "content" {
		t.Error("it was changed")
	}
}
