package filesystem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/host/io"
)

func TestOpenFilesAreBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(w *world) (interface{ close() }, error)
	}{
		{"files", func(w *world) (interface{ close() }, error) {
			d, err := w.dir.OpenAt(bg, 0, "f", 0, readFlag)
			return dropper{d}, err
		}},
		{"directories", func(w *world) (interface{ close() }, error) {
			d, err := w.dir.OpenAt(bg, 0, "d", directory, readFlag)
			return dropper{d}, err
		}},
		{"streams of a directory", func(w *world) (interface{ close() }, error) {
			s, err := w.dir.ReadDirectory(bg)
			return dropper{s}, err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []error
			w := grantPath(t, grow(t, map[string]string{"f": "", "d/": ""}), false, Config{
				MaxOpen: 5, Denied: func(err error) { told = append(told, err) },
			})
			var open []interface{ close() }
			for range 5 {
				h, err := c.open(w)
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, h)
			}
			for range 3 {
				if _, err := c.open(w); code(err) != "insufficient-memory" {
					t.Errorf("one more: %s", code(err))
				}
			}
			if len(told) != 1 || !strings.Contains(told[0].Error(), "--max-open-files") {
				t.Errorf("the operator was told %v, wanted one line that names the flag", told)
			}
			if _, err := w.dir.Stat(bg); err != nil {
				t.Errorf("what is open does not work any more: %v", err)
			}
			open[2].close()
			if _, err := c.open(w); err != nil {
				t.Errorf("after one was closed: %v", err)
			}
		})
	}
}

type dropper struct {
	r interface{ Drop(context.Context) }
}

func (d dropper) close() { d.r.Drop(bg) }

// All instances together cannot use up what the process may have open.
func TestInstancesLeaveFilesToTheProcess(t *testing.T) {
	w := grant(t, false, map[string]string{"f": ""})
	most := maxInProcess()
	openInProcess.Add(most - perHandle)
	defer openInProcess.Add(perHandle - most)
	f := w.open(t, "f", 0, readFlag)
	if _, err := w.dir.OpenAt(bg, 0, "f", 0, readFlag); code(err) != "insufficient-memory" {
		t.Errorf("beyond the bound: %s", code(err))
	}
	f.Drop(bg)
	w.open(t, "f", 0, readFlag).Drop(bg)
}

func TestNothingIsLeftOpenOrCounted(t *testing.T) {
	before := openInProcess.Load()
	budget := io.NewBudget(1 << 20)
	w := grantPath(t, grow(t, tree()), false, Config{Budget: budget})
	f := w.open(t, "f", 0, readFlag|writeFlag)
	d := w.open(t, "d", directory, readFlag)
	in, _ := f.ReadViaStream(bg, 0)
	out, _ := f.WriteViaStream(bg, 0)
	list, err := d.ReadDirectory(bg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read(bg, 1); err != nil {
		t.Fatal(err)
	}
	if err := d.UnlinkFileAt(bg, "g"); err != nil { // opens d as a file, too
		t.Fatal(err)
	}
	// Failures leave nothing either.
	for _, path := range []string{"n", "..", "loop", "f/", "out"} {
		_, _ = w.dir.OpenAt(bg, follow, path, directory, readFlag)
		_, _ = w.dir.OpenAt(bg, follow, path, create|excl, writeFlag)
	}
	list.Drop(bg)
	w.files.Close()
	if n := openInProcess.Load(); n != before {
		t.Errorf("%d counted as open, were %d", n, before)
	}
	if len(w.files.open) != 0 {
		t.Errorf("%d handles are open", len(w.files.open))
	}
	if budget.Used() != 0 {
		t.Errorf("%d bytes are charged", budget.Used())
	}
	// A guest's handles that are used or dropped after the end find nothing open.
	for name, err := range map[string]error{
		"read":     second(f.Read(bg, 1, 0)),
		"write":    second(f.Write(bg, []byte("x"), 0)),
		"open-at":  second(w.dir.OpenAt(bg, 0, "f", 0, readFlag)),
		"stat":     second(f.Stat(bg)),
		"set-size": f.SetSize(bg, 1),
	} {
		if code(err) != "bad-descriptor" {
			t.Errorf("%s after the end: %s", name, code(err))
		}
	}
	for _, r := range []interface{ Drop(context.Context) }{f, d, in, out, w.dir} {
		r.Drop(bg)
	}
	if n := openInProcess.Load(); n != before {
		t.Errorf("%d counted as open, were %d", n, before)
	}
}

func TestBudgetStopsBuffers(t *testing.T) {
	var over *io.BudgetError
	w := grantPath(t, grow(t, tree()), false, Config{Budget: io.NewBudget(entriesCost - 1)})
	if _, err := w.dir.ReadDirectory(bg); !errors.As(err, &over) {
		t.Errorf("a stream of a directory: %v", err)
	}
	f := w.open(t, "f", 0, readFlag)
	if _, err := f.Read(bg, 1, 0); !errors.As(err, &over) {
		t.Errorf("read: %v", err)
	}
	if n := len(w.files.open); n != 2 {
		t.Errorf("%d handles are open, wanted the preopen's and the file's", n)
	}
}

// Thousands of streams of one file cost one buffer, and of a directory what they
// are charged.
func TestManyStreamsCostLittle(t *testing.T) {
	budget := io.NewBudget(io.BufferSize)
	w := grantPath(t, grow(t, tree()), false, Config{Budget: budget})
	f := w.open(t, "f", 0, readFlag|writeFlag)
	for range 5000 {
		in, err := f.ReadViaStream(bg, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Read(bg, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := f.AppendViaStream(bg); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.files.open); n != 2 {
		t.Errorf("%d handles are open, wanted the preopen's and the file's", n)
	}
}

// A large directory is read entry by entry.
func TestLargeDirectory(t *testing.T) {
	const many = 1000
	w := grant(t, false, nil)
	for i := range many {
		w.open(t, fmt.Sprintf("%04d-%s", i, strings.Repeat("é", 100)), create, writeFlag).Drop(bg)
	}
	s, err := w.dir.ReadDirectory(bg)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for {
		e, err := s.ReadDirectoryEntry(bg)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Some {
			break
		}
		seen[e.Value.Name] = e.Value.Type == wasifilesystem.DescriptorTypeRegularFile
	}
	if len(seen) != many {
		t.Errorf("%d of %d entries", len(seen), many)
	}
}
