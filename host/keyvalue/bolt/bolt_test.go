package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/host/keyvalue"
	"github.com/godwit-runtime/godwit/host/keyvalue/bolt"
	"github.com/godwit-runtime/godwit/host/keyvalue/storetest"
	"go.etcd.io/bbolt"
)

func open(t testing.TB, c bolt.Config) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	files := map[*testing.T]string{}
	storetest.Run(t, storetest.Backend{
		Open: func(t *testing.T) keyvalue.Store {
			if files[t] == "" {
				files[t] = filepath.Join(t.TempDir(), "data.db")
			}
			return open(t, bolt.Config{Path: files[t]})
		},
	})
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("text", strings.Repeat("not a database\n", 1000))
	write("short", "x")
	foreign, err := bbolt.Open(path("foreign"), 0o600, nil)
	if err == nil {
		err = foreign.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("theirs"))
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	foreign.Close()
	newer := open(t, bolt.Config{Path: path("newer")})
	newer.Close()
	db, err := bbolt.Open(path("newer"), 0o600, nil)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("godwit")).Put([]byte("format"), []byte("keyvalue 9"))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	open(t, bolt.Config{Path: path("busy")})

	for _, c := range []struct{ file, want string }{
		{"text", "invalid database"},
		{"short", "invalid database"},
		{"foreign", "bbolt file of another program"},
		{"newer", `"keyvalue 9"`},
		{"busy", "another process has it open"},
		{"none/data.db", "make its directory first"},
		{".", "is a directory"},
	} {
		s, err := bolt.Open(bolt.Config{Path: path(c.file)})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path(c.file)) {
			t.Errorf("%s: %v; wanted %q", c.file, err, c.want)
		}
	}
	if b, err := os.ReadFile(path("text")); err != nil || !strings.HasPrefix(string(b), "not a database") {
		t.Error("the file of another program was changed")
	}
}

func TestFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	open(t, bolt.Config{Path: path})
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if m := st.Mode().Perm(); m&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("its mode is %v", m)
	}
}

// A store at its bound refuses what is too much, and only that: what shares a
// commit with it is written, and so is all once there is room again.
func TestFileIsBounded(t *testing.T) {
	const limit = bolt.MinMaxSize
	path := filepath.Join(t.TempDir(), "data.db")
	s := open(t, bolt.Config{Path: path, MaxSize: limit})
	b, err := s.Bucket("app", "default")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for round := range 3 {
		n := 0
		for err = nil; err == nil; n++ {
			err = b.Set(ctx, strconv.Itoa(n), make([]byte, 40_000))
		}
		var full *keyvalue.LimitError
		if !errors.As(err, &full) || !strings.Contains(err.Error(), "max-size") {
			t.Fatal(err)
		}
		if n < 100 {
			t.Errorf("round %d: %d values of 40 KB fit", round, n)
		}
		if st, err := os.Stat(path); err != nil || st.Size() > limit {
			t.Errorf("the file has %d bytes, and its bound is %d: %v", st.Size(), limit, err)
		}
		if err := b.Delete(ctx, "1"); err != nil {
			t.Fatal(err)
		}
		small, large := make(chan error, 20), make(chan error, 20)
		for i := range 20 {
			go func() { large <- b.Set(ctx, "large"+strconv.Itoa(i), make([]byte, 200_000)) }()
			go func() { small <- b.Set(ctx, "0", []byte("small")) }()
		}
		for range 20 {
			if err := <-small; err != nil {
				t.Errorf("a write that fits: %v", err)
			}
			<-large
		}
		for i := range n {
			if err := b.Delete(ctx, strconv.Itoa(i)); err != nil {
				t.Fatalf("a full store refuses to delete: %v", err)
			}
		}
		for i := range 20 {
			if err := b.Delete(ctx, "large"+strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
