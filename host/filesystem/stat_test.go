package filesystem

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiclocks"
	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

func TestStat(t *testing.T) {
	w := grant(t, false, map[string]string{
		"f": "content", "d/": "", "lf": "-> f", "ld": "-> d", "ln": "-> n", "up": "-> ..", "abs": "-> /etc",
	})
	if err := os.Link(filepath.Join(w.path, "f"), filepath.Join(w.path, "f2")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		flags wasifilesystem.PathFlags
		want  string // type or error-code
		size  uint64
	}{
		{"f", 0, "regular-file", 7},
		{"f", follow, "regular-file", 7},
		{"d", 0, "directory", 0},
		{"d/", 0, "directory", 0},
		{".", 0, "directory", 0},
		{"d/..", 0, "directory", 0},
		{"lf", 0, "symbolic-link", 1},
		{"lf", follow, "regular-file", 7},
		{"ld", 0, "symbolic-link", 1},
		{"ld/", 0, "directory", 0},
		{"ld/../f", 0, "regular-file", 7},
		{"ln", 0, "symbolic-link", 1},
		{"ln", follow, "no-entry", 0},
		{"up", 0, "symbolic-link", 2},
		{"up", follow, "not-permitted", 0},
		{"up/x", 0, "not-permitted", 0},
		{"abs", follow, "not-permitted", 0},
		{"f/", 0, "not-directory", 0},
		{"lf/", 0, "not-directory", 0},
		{"n", 0, "no-entry", 0},
		{"", 0, "no-entry", 0},
		{"..", 0, "not-permitted", 0},
		{"/", 0, "not-permitted", 0},
		{"/etc/passwd", follow, "not-permitted", 0},
	} {
		got, err := w.dir.StatAt(bg, c.flags, c.path)
		s := code(err)
		if err == nil {
			s = got.Type.String()
			if c.want != "directory" && got.Size != c.size {
				t.Errorf("%s: %d bytes, wanted %d", c.path, got.Size, c.size)
			}
		}
		if s != c.want {
			t.Errorf("%q (flags %d): got %s, wanted %s", c.path, c.flags, s, c.want)
		}
		// The hash is of the same thing, or fails the same.
		if _, err := w.dir.MetadataHashAt(bg, c.flags, c.path); (err == nil) != (got.Type != 0) || err != nil && code(err) != c.want {
			t.Errorf("%q: metadata-hash-at: %s, wanted %s", c.path, code(err), c.want)
		}
	}
	open, err := w.open(t, "f", 0, readFlag).Stat(bg)
	at, err2 := w.dir.StatAt(bg, 0, "f")
	if err != nil || err2 != nil || open != at {
		t.Errorf("stat and stat-at differ: %v %v, %v %v", open, at, err, err2)
	}
	if runtime.GOOS != "windows" && open.LinkCount != 2 {
		t.Errorf("%d links, wanted 2", open.LinkCount)
	}
	now := uint64(time.Now().Unix())
	if m := open.DataModificationTimestamp; !m.Some || m.Value.Seconds > now || m.Value.Seconds < now-3600 {
		t.Errorf("modified at %v, now it is %d", m, now)
	}
	if dir, err := w.dir.Stat(bg); err != nil || dir.Type != wasifilesystem.DescriptorTypeDirectory {
		t.Errorf("the preopen: %v %v", dir.Type, err)
	}
}

func at(seconds uint64, ns uint32) wasifilesystem.NewTimestamp {
	return wasifilesystem.NewTimestamp{
		Tag:       wasifilesystem.NewTimestampTimestamp,
		Timestamp: wasiclocks.Datetime{Seconds: seconds, Nanoseconds: ns},
	}
}

var (
	keep = wasifilesystem.NewTimestamp{Tag: wasifilesystem.NewTimestampNoChange}
	now  = wasifilesystem.NewTimestamp{Tag: wasifilesystem.NewTimestampNow}
)

func TestSetTimes(t *testing.T) {
	const began = 1000
	for _, c := range []struct {
		name               string
		accessed, modified wasifilesystem.NewTimestamp
		want               string
		a, m               uint64 // seconds; 0: now
	}{
		{"both", at(1, 0), at(2e9, 999_999_000), "ok", 1, 2e9},
		{"the access only", at(42, 0), keep, "ok", 42, began},
		{"the modification only", keep, at(42, 5000), "ok", began, 42},
		{"neither", keep, keep, "ok", began, began},
		{"now", now, now, "ok", 0, 0},
		{"now and never", now, keep, "ok", 0, began},
		{"a nanosecond too many", at(1, 1e9), keep, "invalid", began, began},
		{"a time that no system has", keep, at(1<<64-1, 0), "overflow", began, began},
		{"a time past the last", at(1<<63/1_000_000_000+1, 0), keep, "overflow", began, began},
	} {
		for how, set := range map[string]func(w *world) error{
			"an open file":        func(w *world) error { return w.open(t, "f", 0, readFlag).SetTimes(bg, c.accessed, c.modified) },
			"a path":              func(w *world) error { return w.dir.SetTimesAt(bg, 0, "f", c.accessed, c.modified) },
			"a path, followed":    func(w *world) error { return w.dir.SetTimesAt(bg, follow, "f", c.accessed, c.modified) },
			"a link to it":        func(w *world) error { return w.dir.SetTimesAt(bg, follow, "lf", c.accessed, c.modified) },
			"a path with detours": func(w *world) error { return w.dir.SetTimesAt(bg, 0, "d/.././f", c.accessed, c.modified) },
		} {
			t.Run(c.name+" of "+how, func(t *testing.T) {
				if runtime.GOOS == "windows" && how == "an open file" {
					t.Skip("Windows wants the file open for writing")
				}
				w := grant(t, false, map[string]string{"f": "x", "d/": "", "lf": "-> f"})
				if err := os.Chtimes(filepath.Join(w.path, "f"), time.Unix(began, 0), time.Unix(began, 0)); err != nil {
					t.Fatal(err)
				}
				if got := code(set(w)); got != c.want {
					t.Fatalf("got %s, wanted %s", got, c.want)
				}
				st, err := w.dir.StatAt(bg, 0, "f")
				if err != nil {
					t.Fatal(err)
				}
				for what, pair := range map[string][2]uint64{
					"accessed": {st.DataAccessTimestamp.Value.Seconds, c.a},
					"modified": {st.DataModificationTimestamp.Value.Seconds, c.m},
				} {
					got, want := pair[0], pair[1]
					if want == 0 {
						if age := uint64(time.Now().Unix()) - got; age > 3600 {
							t.Errorf("%s %d seconds ago, wanted now", what, age)
						}
					} else if got != want {
						t.Errorf("%s at %d, wanted %d", what, got, want)
					}
				}
				if ns := c.modified.Timestamp.Nanoseconds; c.want == "ok" && st.DataModificationTimestamp.Value.Nanoseconds/1000 != ns/1000 && c.m > 1 && c.m != began {
					t.Errorf("modified at %d ns, wanted %d", st.DataModificationTimestamp.Value.Nanoseconds, ns)
				}
			})
		}
	}
}

func TestSetTimesOfLinksAndDirectories(t *testing.T) {
	if !betweenDirectories {
		t.Skip("this system does not set the times of a link")
	}
	w := grant(t, false, map[string]string{"f": "x", "d/": "", "lf": "-> f", "ln": "-> n", "up": "-> ..", "loop": "-> loop"})
	for _, c := range []struct {
		path  string
		flags wasifilesystem.PathFlags
		want  string
		sets  string // whose time that is
	}{
		{"lf", 0, "ok", "lf"},
		{"ln", 0, "ok", "ln"},
		{"up", 0, "ok", "up"},
		{"loop", 0, "ok", "loop"},
		{"d", 0, "ok", "d"},
		{"d/", follow, "ok", "d"},
		{".", 0, "ok", "."},
		{"ln", follow, "no-entry", ""},
		{"loop", follow, "loop", ""},
		{"up", follow, "not-permitted", ""},
		{"up/x", 0, "not-permitted", ""},
		{"..", 0, "not-permitted", ""},
		{"/", 0, "not-permitted", ""},
		{"n", 0, "no-entry", ""},
		{"", 0, "no-entry", ""},
		{"f/", 0, "not-directory", ""},
	} {
		if got := code(w.dir.SetTimesAt(bg, c.flags, c.path, keep, at(77, 0))); got != c.want {
			t.Errorf("%q (flags %d): got %s, wanted %s", c.path, c.flags, got, c.want)
			continue
		}
		if c.sets == "" {
			continue
		}
		st, err := w.dir.StatAt(bg, 0, c.sets)
		if err != nil || st.DataModificationTimestamp.Value.Seconds != 77 {
			t.Errorf("%q: the time of %s is %v (%v)", c.path, c.sets, st.DataModificationTimestamp, err)
		}
	}
	if st, _ := w.dir.StatAt(bg, 0, "f"); st.DataModificationTimestamp.Value.Seconds == 77 {
		t.Error("a link was followed")
	}
	for _, path := range []string{".", "d"} {
		d := w.open(t, path, directory, readFlag)
		if err := d.SetTimes(bg, at(5, 0), at(6, 0)); err != nil {
			t.Errorf("of the open directory %s: %v", path, err)
		}
		if st, _ := d.Stat(bg); st.DataModificationTimestamp.Value.Seconds != 6 {
			t.Errorf("of the open directory %s: %v", path, st.DataModificationTimestamp)
		}
	}
}

func TestIsSameObject(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "x", "g": "x", "d/": "", "lf": "-> f"})
	if err := os.Link(filepath.Join(w.path, "f"), filepath.Join(w.path, "f2")); err != nil {
		t.Fatal(err)
	}
	open := map[string]wasifilesystem.Descriptor{"root": w.dir}
	for _, path := range []string{"f", "f2", "g", "d", "lf", "."} {
		open[path] = w.open(t, path, 0, readFlag)
	}
	same := map[string]string{"f": "f", "f2": "f", "lf": "f", "g": "g", "d": "d", ".": "root", "root": "root"}
	for a, da := range open {
		for b, db := range open {
			if got, err := da.IsSameObject(bg, db); got != (same[a] == same[b]) || err != nil {
				t.Errorf("%s and %s: %t, %v", a, b, got, err)
			}
		}
	}
}

func TestMetadataHash(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "x", "g": "x"})
	hash := func(path string) wasifilesystem.MetadataHashValue {
		t.Helper()
		h, err := w.dir.MetadataHashAt(bg, 0, path)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	f := w.open(t, "f", 0, readFlag|writeFlag)
	before := hash("f")
	if open, err := f.MetadataHash(bg); open != before || err != nil {
		t.Errorf("metadata-hash is %v (%v), metadata-hash-at %v", open, err, before)
	}
	if hash("f") != before {
		t.Error("it changes by itself")
	}
	if g := hash("g"); runtime.GOOS != "windows" && g.Lower == before.Lower {
		t.Error("two files have one identity")
	}
	if _, err := f.Write(bg, []byte("xyz"), 0); err != nil {
		t.Fatal(err)
	}
	after := hash("f")
	if after.Upper == before.Upper {
		t.Error("the file was changed, and its hash is the same")
	}
	if after.Lower != before.Lower {
		t.Error("the file was changed, and its identity is another")
	}
	if err := w.dir.RenameAt(bg, "f", w.dir, "h"); err != nil {
		t.Fatal(err)
	}
	if hash("h").Lower != before.Lower {
		t.Error("the file was renamed, and its identity is another")
	}
}
