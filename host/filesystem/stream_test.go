package filesystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/host/io"
)

// tag is the case of a stream-error, "ok", or what traps the guest.
func tag(err error) string {
	var se wasiio.StreamError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &se):
		return se.Tag.String()
	}
	return "trap: " + err.Error()
}

// pattern is n bytes that say where they are.
func pattern(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%09d\n", b.Len())
	}
	return b.String()[:n]
}

func TestRead(t *testing.T) {
	const size = io.BufferSize + 1000
	content := pattern(size)
	w := grant(t, false, map[string]string{"f": content})
	f := w.open(t, "f", 0, readFlag)
	for _, c := range []struct {
		name           string
		length, offset uint64
		n              int
		end            bool
		want           string
	}{
		{"the beginning", 10, 0, 10, false, "ok"},
		{"the middle", 100, 5000, 100, false, "ok"},
		{"to the last byte", 1000, io.BufferSize, 1000, false, "ok"},
		{"past the last byte", 2000, io.BufferSize, 1000, true, "ok"},
		{"more than is read at once", 1 << 40, 0, io.BufferSize, false, "ok"},
		{"everything there could be", 1<<64 - 1, 0, io.BufferSize, false, "ok"},
		{"at the end", 10, size, 0, true, "ok"},
		{"after the end", 10, size + 12345, 0, true, "ok"},
		{"nothing", 0, 0, 0, false, "ok"},
		{"at the last offset there is", 1, 1<<63 - 1, 0, true, "ok invalid"},
		{"at an offset that is none", 1, 1 << 63, 0, false, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.Read(bg, c.length, c.offset)
			if !strings.Contains(c.want, code(err)) {
				t.Fatalf("got %s, wanted %s", code(err), c.want)
			}
			if err != nil {
				return
			}
			if len(got.F0) != c.n || got.F1 != c.end {
				t.Errorf("%d bytes, end %t; wanted %d, %t", len(got.F0), got.F1, c.n, c.end)
			}
			if c.n > 0 && string(got.F0) != content[c.offset:][:c.n] {
				t.Error("the bytes are others")
			}
		})
	}
}

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name   string
		data   string
		offset uint64
		want   string // error-code, or the file afterwards
	}{
		{"over the beginning", "XY", 0, "XYntent"},
		{"over the end", "XYZ", 6, "contenXYZ"},
		{"at the end", "XY", 7, "contentXY"},
		{"after the end", "X", 9, "content\x00\x00X"},
		{"nothing", "", 3, "content"},
		{"at an offset that is none", "X", 1 << 63, "invalid"},
		{"across the last offset there is", "XY", 1<<63 - 1, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := grant(t, false, map[string]string{"f": "content"})
			f := w.open(t, "f", 0, writeFlag)
			n, err := f.Write(bg, []byte(c.data), c.offset)
			got := code(err)
			if err == nil {
				got = w.content(t, "f")
				if n != uint64(len(c.data)) {
					t.Errorf("%d of %d bytes", n, len(c.data))
				}
			}
			if got != c.want {
				t.Errorf("got %q, wanted %q", got, c.want)
			}
		})
	}
	t.Run("more than is written at once", func(t *testing.T) {
		w := grant(t, false, map[string]string{"f": ""})
		data := pattern(3*writePart + 17)
		n, err := w.open(t, "f", 0, writeFlag).Write(bg, []byte(data), 0)
		if n != uint64(len(data)) || err != nil || w.content(t, "f") != data {
			t.Errorf("%d of %d bytes, %v", n, len(data), err)
		}
	})
}

func TestSetSize(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "content"})
	f := w.open(t, "f", 0, writeFlag)
	for _, c := range []struct {
		size uint64
		want string
	}{
		{4, "cont"}, {6, "cont\x00\x00"}, {0, ""}, {1 << 63, "file-too-large"}, {1<<64 - 1, "file-too-large"},
	} {
		got := code(f.SetSize(bg, c.size))
		if got == "ok" {
			got = w.content(t, "f")
		}
		if got != c.want {
			t.Errorf("%d: got %q, wanted %q", c.size, got, c.want)
		}
	}
}

// readStream reads a stream to its end, in parts of up to part bytes.
func readStream(t *testing.T, in wasiio.InputStream, part uint64) string {
	t.Helper()
	var b strings.Builder
	for {
		bytes, err := in.BlockingRead(bg, part)
		if err != nil {
			if tag(err) != "closed" {
				t.Fatal(tag(err))
			}
			return b.String()
		}
		b.Write(bytes)
	}
}

func TestReadViaStream(t *testing.T) {
	content := pattern(2*io.BufferSize + 1000)
	w := grant(t, false, map[string]string{"f": content})
	f := w.open(t, "f", 0, readFlag)
	for _, offset := range []uint64{0, 1, io.BufferSize, 2*io.BufferSize + 999, 2*io.BufferSize + 1000, 1 << 40} {
		for _, part := range []uint64{1000, 4096, 1 << 50} {
			in, err := f.ReadViaStream(bg, offset)
			if err != nil {
				t.Fatal(err)
			}
			want := content[min(offset, uint64(len(content))):]
			if got := readStream(t, in, part); got != want {
				t.Errorf("from %d in parts of %d: %d bytes, wanted %d", offset, part, len(got), len(want))
			}
			in.Drop(bg)
		}
	}
}

func TestReadStreamSteps(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "0123456789"})
	f := w.open(t, "f", 0, readFlag)
	in, err := f.ReadViaStream(bg, 1)
	if err != nil {
		t.Fatal(err)
	}
	f.Drop(bg) // the stream outlives its descriptor
	p, err := in.Subscribe(bg)
	if err != nil {
		t.Fatal(err)
	}
	if ready, _ := p.Ready(bg); !ready {
		t.Error("a file is always ready")
	}
	for _, c := range []struct {
		name string
		do   func() (string, error)
		want string
	}{
		{"read of nothing", func() (string, error) { b, err := in.Read(bg, 0); return string(b), err }, ""},
		{"read", func() (string, error) { b, err := in.Read(bg, 2); return string(b), err }, "12"},
		{"skip", func() (string, error) { n, err := in.Skip(bg, 3); return fmt.Sprint(n), err }, "3"},
		{"blocking read", func() (string, error) { b, err := in.BlockingRead(bg, 1); return string(b), err }, "6"},
		{"blocking skip past the end", func() (string, error) { n, err := in.BlockingSkip(bg, 1<<60); return fmt.Sprint(n), err }, "3"},
		{"read at the end", func() (string, error) { _, err := in.Read(bg, 1); return tag(err), nil }, "closed"},
		{"read of nothing at the end", func() (string, error) { b, err := in.Read(bg, 0); return string(b), err }, ""},
		{"read once the file has grown", func() (string, error) {
			if err := os.WriteFile(filepath.Join(w.path, "f"), []byte("0123456789+"), 0o600); err != nil {
				return "", err
			}
			b, err := in.Read(bg, 5)
			return string(b), err
		}, "+"},
	} {
		if got, err := c.do(); got != c.want || err != nil {
			t.Errorf("%s: got %q %v, wanted %q", c.name, got, err, c.want)
		}
	}
	in.Drop(bg)
}

func TestReadStreamReportsAFailureOnce(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "x"})
	in, err := w.open(t, "f", 0, readFlag).ReadViaStream(bg, 1<<64-1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"last-operation-failed", "closed", "closed"} {
		if _, err := in.Read(bg, 1); tag(err) != want {
			t.Errorf("%d: got %s, wanted %s", i, tag(err), want)
		}
	}
}

func TestWriteStreams(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "content"})
	f := w.open(t, "f", 0, writeFlag|readFlag)
	at, err := f.WriteViaStream(bg, 2)
	if err != nil {
		t.Fatal(err)
	}
	end, err := f.AppendViaStream(bg)
	if err != nil {
		t.Fatal(err)
	}
	f.Drop(bg) // streams outlive their descriptor
	for i, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return at.Write(bg, []byte("XY")) }, "coXYent"},
		{func() error { return end.BlockingWriteAndFlush(bg, []byte("!")) }, "coXYent!"},
		{func() error { return at.Write(bg, []byte("Z")) }, "coXYZnt!"},
		{func() error { return at.BlockingWriteZeroesAndFlush(bg, 5) }, "coXYZ\x00\x00\x00\x00\x00"},
		{func() error { return end.Write(bg, []byte("+")) }, "coXYZ\x00\x00\x00\x00\x00+"},
		{func() error { return at.Flush(bg) }, "coXYZ\x00\x00\x00\x00\x00+"},
	} {
		if err := step.do(); err != nil || w.content(t, "f") != step.want {
			t.Fatalf("step %d: %v, the file has %q, wanted %q", i, err, w.content(t, "f"), step.want)
		}
	}
	at.Drop(bg)
	end.Drop(bg)
	if _, err := at.CheckWrite(bg); tag(err) != "closed" {
		t.Errorf("a stream that is dropped: %s", tag(err))
	}
}

func TestSpliceCopiesAFile(t *testing.T) {
	content := pattern(300_000)
	w := grant(t, false, map[string]string{"from": content})
	in, _ := w.open(t, "from", 0, readFlag).ReadViaStream(bg, 0)
	out, _ := w.open(t, "to", create, writeFlag).WriteViaStream(bg, 0)
	for {
		if _, err := out.BlockingSplice(bg, in, 1<<40); err != nil {
			if tag(err) != "closed" {
				t.Fatal(tag(err))
			}
			break
		}
	}
	if w.content(t, "to") != content {
		t.Error("the copy is another")
	}
}

// Appends of many instances, in one process and through descriptors of their
// own, do not overwrite each other.
func TestAppendsDoNotOverwriteEachOther(t *testing.T) {
	path := grow(t, map[string]string{"log": ""})
	const writers, lines = 8, 50
	line := func(g, n int) string { return fmt.Sprintf("%d/%d %s\n", g, n, strings.Repeat("x", 200)) }
	var wg sync.WaitGroup
	for g := range writers {
		w := grantPath(t, path, false, Config{})
		out, err := w.open(t, "log", 0, writeFlag).AppendViaStream(bg)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := range lines {
				if err := out.BlockingWriteAndFlush(bg, []byte(line(g, n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(filepath.Join(path, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for g := range writers {
		for n := range lines {
			if !bytes.Contains(b, []byte(line(g, n))) {
				t.Fatalf("line %d of writer %d is not there", n, g)
			}
		}
	}
}

func TestACancelledCallReadsAndWritesNoMore(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "content"})
	f := w.open(t, "f", 0, readFlag|writeFlag)
	in, _ := f.ReadViaStream(bg, 0)
	ctx, cancel := context.WithCancel(bg)
	cancel()
	for name, err := range map[string]error{
		"read":                   second(f.Read(ctx, 1, 0)),
		"write":                  second(f.Write(ctx, make([]byte, 2*writePart), 0)),
		"a stream's read":        second(in.Read(ctx, 1)),
		"a stream's read of 0":   second(in.Read(ctx, 0)),
		"a stream's skip":        second(in.BlockingSkip(ctx, 1)),
		"a stream's end of read": second(in.BlockingRead(ctx, 1)),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.content(t, "f") != "content" {
		t.Error("it was written all the same")
	}
}

// A disk that is full, or the like, is the guest's to handle. (/dev/full is none
// of its files, so the handle is made here.)
func TestAFailedWriteIsAnErrorCode(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	fs := New(Config{})
	defer fs.Close()
	if err := fs.acquire(); err != nil {
		t.Fatal(err)
	}
	d := &descriptor{files: fs, preopen: &Preopen{}, handle: fs.hold(full, nil), flags: writeFlag}
	if n, err := d.Write(bg, []byte("x"), 0); n != 0 || code(err) != "insufficient-space" {
		t.Errorf("write: %d, %s", n, code(err))
	}
	for name, open := range map[string]func() (wasiio.OutputStream, error){
		"write-via-stream":  func() (wasiio.OutputStream, error) { return d.WriteViaStream(bg, 0) },
		"append-via-stream": func() (wasiio.OutputStream, error) { return d.AppendViaStream(bg) },
	} {
		out, err := open()
		if err != nil {
			t.Fatal(err)
		}
		err = out.BlockingWriteAndFlush(bg, []byte("x"))
		var se wasiio.StreamError
		if !errors.As(err, &se) || se.LastOperationFailed == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, _ := fs.FilesystemErrorCode(bg, se.LastOperationFailed); got.Value.String() != "insufficient-space" {
			t.Errorf("%s: %v", name, got)
		}
		if err := out.Flush(bg); tag(err) != "closed" {
			t.Errorf("%s, after it failed: %s", name, tag(err))
		}
	}
}

func TestSyncAndAdvise(t *testing.T) {
	w := grant(t, false, map[string]string{"f": "content", "d/": ""})
	for _, path := range []string{"f", "d"} {
		d := w.open(t, path, 0, readFlag)
		if err := errors.Join(d.Sync(bg), d.SyncData(bg)); err != nil {
			t.Errorf("sync of %s: %v", path, err)
		}
	}
	if err := errors.Join(w.dir.Sync(bg), w.dir.SyncData(bg)); err != nil {
		t.Errorf("sync of a preopen: %v", err)
	}
	f := w.open(t, "f", 0, readFlag|writeFlag)
	for advice := wasifilesystem.AdviceNormal; advice <= wasifilesystem.AdviceNoReuse; advice++ {
		for _, c := range []struct {
			offset, length uint64
			want           string
		}{
			{0, 0, "ok"}, {0, 10, "ok"}, {5, 4096, "ok"}, {1 << 40, 1 << 40, "ok"},
			{1 << 63, 0, "invalid"}, {0, 1 << 63, "invalid"},
		} {
			if err := f.Advise(bg, c.offset, c.length, advice); code(err) != c.want {
				t.Errorf("%s of %d bytes at %d: %s", advice, c.length, c.offset, code(err))
			}
		}
	}
}
