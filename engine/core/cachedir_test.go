package core

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const cached = `(module (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))`

// runCached compiles with a cache and calls what was compiled.
func runCached(t *testing.T, dir string) {
	t.Helper()
	r, err := NewRuntime(t.Context(), Config{Engine: Compiler, CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	m, err := compile(t, r, Compiler, cached)
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Instantiate(t.Context(), &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close(t.Context())
	if got := call(t, i, "run", 41); got != 42 {
		t.Errorf("run(41) is %d", got)
	}
}

func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestADamagedCacheIsReplaced(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	runCached(t, dir)
	files := filesIn(t, dir)
	if len(files) != 1 {
		t.Fatalf("the cache has %v", files)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"cut short":   good[:len(good)/2],
		"empty":       {},
		"other bytes": []byte(strings.Repeat("x", len(good))),
		"one bit": func() []byte {
			b := append([]byte{}, good...)
			b[len(b)/2] ^= 1
			return b
		}(),
	} {
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		runCached(t, dir)
		if b, err := os.ReadFile(files[0]); err != nil || string(b) != string(good) {
			t.Errorf("%s: the file was not replaced (%v)", name, err)
		}
	}
}

func TestACacheThatOthersCanWriteIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean little here")
	}
	for _, c := range []struct {
		name string
		dir  func(dir string) string
	}{
		{"the directory", func(dir string) string { return dir }},
		{"wazero's directory in it", func(dir string) string { return filepath.Join(dir, "wazero-x") }},
	} {
		dir := filepath.Join(t.TempDir(), "cache")
		if err := os.MkdirAll(c.dir(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(c.dir(dir), 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := NewRuntime(t.Context(), Config{CacheDir: dir}); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for k, name := range []string{"oldest", "older", "newer", "newest"} {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f, now, now.Add(time.Duration(k-10)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	left := func() string {
		entries, _ := os.ReadDir(dir)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	if err := trimCacheDir(dir, 400); err != nil || left() != "newer newest older oldest" {
		t.Errorf("within the bound: left is %s (%v)", left(), err)
	}
	if err := trimCacheDir(dir, 300); err != nil || left() != "newer newest" {
		t.Errorf("over the bound: left is %s (%v)", left(), err)
	}
}

func TestTwoRuntimesShareACache(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	dir := filepath.Join(t.TempDir(), "cache")
	done := make(chan bool)
	for range 4 {
		go func() {
			defer func() { done <- true }()
			for range 5 {
				runCached(t, dir)
			}
		}()
	}
	for range 4 {
		<-done
	}
	if files := filesIn(t, dir); len(files) != 1 {
		t.Errorf("the cache has %v", files)
	}
}
