package core

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// answering is a module whose function f returns n plus the byte that its data
// begins with.
func answering(t testing.TB, n int, data string) []byte {
	t.Helper()
	return assemble(t, fmt.Sprintf(`(module (memory 1) (data (i32.const 8) %q)
		(func (export "f") (result i32) (i32.add (i32.const %d) (i32.load8_u (i32.const 8)))))`, data, n))
}

// cachedRuntime is a Runtime with a directory, and what it logs.
func cachedRuntime(t testing.TB, dir string, size int64) (*Runtime, *bytes.Buffer) {
	t.Helper()
	if !hasCompiler() {
		t.Skip("no compiler for this platform: nothing is kept")
	}
	var log bytes.Buffer
	r, err := NewRuntime(context.Background(), Config{Engine: Compiler, CacheDir: dir, CacheSize: size, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r, &log
}

func compileOn(t testing.TB, r *Runtime, b []byte) *Module {
	t.Helper()
	m, err := r.CompileModule(context.Background(), ModuleSpec{Name: "test", Bytes: b, Engine: r.Engine()})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answer is what f of a module returns.
func answer(t testing.TB, r *Runtime, m *Module) uint64 {
	t.Helper()
	ctx := context.Background()
	i, err := m.Instantiate(ctx, &Host{}, nil, InstanceConfig{Budget: r.NewBudget(0), Meter: NewMeter(0)})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close(ctx)
	return call(t, i, "f")
}

// entries are the files of compiled code in a directory, and other is what else
// is there.
func entries(t testing.TB, dir string) (paths, other []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if isEntryName(f.Name()) {
			paths = append(paths, filepath.Join(dir, f.Name()))
		} else {
			other = append(other, f.Name())
		}
	}
	return paths, other
}

func TestModulesThatDifferInDataShareCode(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		ctx, r := context.Background(), newRuntime(t, k)
		a, b, other := compileOn(t, r, answering(t, 100, "A")), compileOn(t, r, answering(t, 100, "BC")), compileOn(t, r, answering(t, 200, "A"))
		if a.compiled != b.compiled || a.compiled == other.compiled {
			t.Error("code is shared by others than modules that differ in data alone")
		}
		for _, c := range []struct {
			m    *Module
			want uint64
		}{{a, 165}, {b, 166}, {other, 265}} {
			if got := answer(t, r, c.m); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		}
		for range 2 { // closing twice is closing once
			if err := a.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := answer(t, r, b); got != 166 {
			t.Errorf("after the other was closed: got %d, want 166", got)
		}
		_, _ = b.Close(ctx), other.Close(ctx)
		if len(r.codes) != 0 {
			t.Errorf("%d codes are kept that nobody uses", len(r.codes))
		}
		if got := answer(t, r, compileOn(t, r, answering(t, 100, "D"))); got != 168 {
			t.Errorf("compiled again: got %d, want 168", got)
		}
	})
}

func TestConcurrentCompilesAreOne(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		r := newRuntime(t, k)
		spec := ModuleSpec{Name: "test", Bytes: answering(t, 1, "A"), Engine: k}
		broken := ModuleSpec{Bytes: assemble(t, `(module (func (result i32) i64.const 1))`), Engine: k}
		var compiled sync.Map
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() {
				m, err := r.CompileModule(context.Background(), spec)
				if err != nil {
					t.Error(err)
					return
				}
				compiled.Store(m.compiled, m)
				s := broken
				s.Name, s.Offset = "mine", n+1
				if _, err := r.CompileModule(context.Background(), s); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%#x", n+1)) {
					t.Errorf("an invalid module: got error %v, want one that names offset %#x", err, n+1)
				}
			})
		}
		wg.Wait()
		n := 0
		compiled.Range(func(_, _ any) bool { n++; return true })
		if n != 1 || len(r.codes) != 1 {
			t.Errorf("16 compiled one module %d times, and %d codes are there", n, len(r.codes))
		}
	})
}

func TestWhoWaitsForACompilationCanStop(t *testing.T) {
	r := newRuntime(t, Interpreter)
	spec := ModuleSpec{Name: "test", Bytes: answering(t, 1, "A"), Engine: Interpreter}
	key, _, err := keyOf(&spec)
	if err != nil {
		t.Fatal(err)
	}
	underWay := &code{key: key, users: 1, done: make(chan struct{})}
	r.codes[key] = underWay
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.CompileModule(ctx, spec); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	underWay.err = errors.New("the first one's context ended")
	delete(r.codes, key)
	close(underWay.done)
	if got := answer(t, r, compileOn(t, r, spec.Bytes)); got != 66 {
		t.Errorf("after the first had failed: got %d, want 66", got)
	}
}

func TestCodeIsKeptAndLoaded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "cache")
	modules := kernels(t)
	want := map[string]uint64{}
	first, log := cachedRuntime(t, dir, 0)
	for name, b := range modules {
		i, err := compileOn(t, first, b).Instantiate(context.Background(), &Host{}, nil, InstanceConfig{Budget: first.NewBudget(0), Meter: NewMeter(0)})
		if err != nil {
			t.Fatal(err)
		}
		want[name] = call(t, i, "run", 12)
	}
	before, other := entries(t, dir)
	if len(before) != len(modules) || len(other) != 0 {
		t.Fatalf("%d modules left %d entries and %q", len(modules), len(before), other)
	}
	stats := map[string]fs.FileInfo{}
	for _, p := range before {
		stats[p], _ = os.Stat(p)
	}
	second, log2 := cachedRuntime(t, dir, 0)
	for name, b := range modules {
		m := compileOn(t, second, b)
		i, err := m.Instantiate(context.Background(), &Host{}, nil, InstanceConfig{Budget: second.NewBudget(0), Meter: NewMeter(0)})
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, i, "run", 12); got != want[name] {
			t.Errorf("%s: loaded code returns %d, compiled code %d", name, got, want[name])
		}
	}
	after, other := entries(t, dir)
	if len(after) != len(before) || len(other) != 0 {
		t.Errorf("loading changed %d entries to %d, and left %q", len(before), len(after), other)
	}
	for _, p := range after {
		if st, err := os.Stat(p); err != nil || !os.SameFile(st, stats[p]) {
			t.Errorf("%s was written again: %v", p, err)
		}
	}
	if log.Len()+log2.Len() != 0 {
		t.Errorf("the log has %s%s", log, log2)
	}
}

// TestDamagedEntriesAreNotUsed changes an entry in every part.
func TestDamagedEntriesAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	r, _ := cachedRuntime(t, dir, 0)
	b := answering(t, 1, "A")
	compileOn(t, r, b)
	paths, _ := entries(t, dir)
	good, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	compileOn(t, r, answering(t, 2, "A"))
	all, _ := entries(t, dir)
	another := all[0]
	if another == paths[0] {
		another = all[1]
	}
	otherEntry, err := os.ReadFile(another)
	if err != nil {
		t.Fatal(err)
	}
	type damage struct {
		name  string
		bytes []byte
	}
	damages := []damage{
		{"empty", nil},
		{"the entry of another module", otherEntry},
		{"twice the entry", append(bytes.Clone(good), good...)},
		{"made for another processor", resigned(t, dir, b, func(e *entry) { e.name = strings.Repeat("0", len(e.name)) })},
		{"a name outside", resigned(t, dir, b, func(e *entry) { e.name = "../" + e.name })},
		{"no name", resigned(t, dir, b, func(e *entry) { e.name = "" })},
	}
	for _, n := range []int{1, footerSize - 1, footerSize, len(good) / 2, len(good) - footerSize, len(good) - 1} {
		damages = append(damages, damage{fmt.Sprintf("cut to %d of %d bytes", n, len(good)), good[:n]})
	}
	for at := 0; at < len(good); at += 1 + len(good)/24 {
		flipped := bytes.Clone(good)
		flipped[at] ^= 1 << (at % 8)
		damages = append(damages, damage{fmt.Sprintf("bit %d of byte %d of %d flipped", at%8, at, len(good)), flipped})
	}
	for at := len(good) - footerSize + 7; at < len(good); at += 8 {
		flipped := bytes.Clone(good)
		flipped[at] ^= 0x80
		damages = append(damages, damage{fmt.Sprintf("bit 7 of byte %d of the footer flipped", at-len(good)+footerSize), flipped})
	}
	for _, d := range damages {
		if err := os.WriteFile(paths[0], d.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		fresh, log := cachedRuntime(t, dir, 0)
		if got := answer(t, fresh, compileOn(t, fresh, b)); got != 66 {
			t.Errorf("%s: got %d, want 66", d.name, got)
		}
		if !strings.Contains(log.String(), "not used, and removed") {
			t.Errorf("%s: the log has %q", d.name, log)
		}
		if now, err := os.ReadFile(paths[0]); err != nil || len(now) != len(good) {
			t.Errorf("%s: the entry was not replaced: %v", d.name, err)
		}
		_ = fresh.Close(context.Background())
	}
}

// resigned is the entry of a module with a change that its checksum is right for.
func resigned(t *testing.T, dir string, b []byte, change func(*entry)) []byte {
	t.Helper()
	spec := ModuleSpec{Name: "test", Bytes: b, Engine: Compiler}
	key, _, err := keyOf(&spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, hex.EncodeToString(key[:]))
	e, err := readEntry(path, key)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	native := len(whole) - footerSize - len(e.skeleton) - len(e.info.append(nil)) - len(e.name)
	change(e)
	copied := filepath.Join(t.TempDir(), "entry")
	if err := os.WriteFile(copied, whole[:native], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.finish(copied); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	r, _ := cachedRuntime(t, dir, 0)
	compileOn(t, r, answering(t, 0, "A"))
	paths, _ := entries(t, dir)
	st, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	limit := 3*st.Size() + st.Size()/2
	size := func() (n int64) {
		paths, _ := entries(t, dir)
		for _, p := range paths {
			if st, err := os.Stat(p); err == nil {
				n += st.Size()
			}
		}
		return n
	}
	r, log := cachedRuntime(t, dir, limit)
	used := paths[0]
	for n := range 6 {
		compileOn(t, r, answering(t, 1000+n, "A"))
		// Time has passed, and the first was used again since.
		paths, _ = entries(t, dir)
		for _, p := range paths {
			if p != used {
				past := time.Now().Add(-time.Hour + time.Duration(n)*time.Minute)
				if st, err := os.Stat(p); err == nil && st.ModTime().After(past) {
					_ = os.Chtimes(p, past, past)
				}
			}
		}
		fresh, _ := cachedRuntime(t, dir, limit)
		compileOn(t, fresh, answering(t, 0, "A"))
		if got := size(); got > limit {
			t.Fatalf("%d bytes are there, the limit is %d", got, limit)
		}
	}
	if _, err := os.Stat(used); err != nil {
		t.Errorf("what was used last was removed: %v", err)
	}
	if len(paths) != 3 {
		t.Errorf("%d entries are there, 3 have room", len(paths))
	}
	small, log2 := cachedRuntime(t, dir, 100)
	if got := size(); got > 100 {
		t.Errorf("a lower limit leaves %d bytes", got)
	}
	if got := answer(t, small, compileOn(t, small, answering(t, 5, "A"))); got != 70 || size() != 0 {
		t.Errorf("with no room at all: got %d and %d bytes, want 70 and none", got, size())
	}
	if log.Len() != 0 || !strings.Contains(log2.String(), "more than the cache may have") {
		t.Errorf("the logs have %q and %q", log, log2)
	}
}

func TestACacheThatIsGoneIsNoReasonToFail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	r, log := cachedRuntime(t, dir, 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	m := compileOn(t, r, answering(t, 1, "A"))
	if got := answer(t, r, m); got != 66 {
		t.Errorf("got %d, want 66", got)
	}
	if !strings.Contains(log.String(), "compiled code is not kept") {
		t.Errorf("the log has %q", log)
	}
	if err := m.Close(context.Background()); err != nil || len(r.codes) != 0 {
		t.Errorf("closing leaves %d codes: %v", len(r.codes), err)
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * maxScratchAge)
	for name, at := range map[string]time.Time{"tmp-1": old, "tmp-2": time.Now(), "mine": old} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, name), 0o700), os.Chtimes(filepath.Join(dir, name), at, at)); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := cachedRuntime(t, dir, 0)
	compileOn(t, r, answering(t, 1, "A"))
	if _, other := entries(t, dir); !reflect.DeepEqual(other, []string{"mine", "tmp-2"}) {
		t.Errorf("beside the entry there are %q", other)
	}
}

// TestProcessesShareADirectory has several processes compile and load the same
// modules in one directory that has room for a few of them.
func TestProcessesShareADirectory(t *testing.T) {
	const modules = 12
	if dir := os.Getenv("GODWIT_TEST_CACHE"); dir != "" {
		for round := range 3 {
			r, log := cachedRuntime(t, dir, 20<<10)
			for _, n := range rand.Perm(modules) {
				if got := answer(t, r, compileOn(t, r, answering(t, n, "A"))); got != uint64(n)+65 {
					t.Errorf("round %d: got %d, want %d", round, got, n+65)
				}
			}
			if log.Len() > 0 {
				t.Errorf("round %d: the log has %s", round, log)
			}
			_ = r.Close(context.Background())
		}
		return
	}
	dir := t.TempDir()
	cachedRuntime(t, dir, 0) // skips where there is no compiler
	var wg sync.WaitGroup
	var foreign atomic.Bool
	for range 4 {
		wg.Go(func() {
			c := exec.Command(os.Args[0], "-test.run=^TestProcessesShareADirectory$", "-test.count=1")
			c.Env = append(os.Environ(), "GODWIT_TEST_CACHE="+dir)
			out, err := c.CombinedOutput()
			if errors.Is(err, syscall.ENOEXEC) {
				foreign.Store(true)
			} else if err != nil {
				t.Errorf("a process: %v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if foreign.Load() {
		t.Skip("this is another processor's program: starting one more needs qemu registered with the kernel (binfmt_misc)")
	}
	paths, other := entries(t, dir)
	if len(paths) == 0 || len(other) != 0 {
		t.Errorf("%d entries and %q are left", len(paths), other)
	}
	for _, p := range paths {
		key, _ := hex.DecodeString(filepath.Base(p))
		if _, err := readEntry(p, codeKey(key)); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestAllThatRewritingLearnsIsKept(t *testing.T) {
	in := moduleInfo{
		funcs: map[string]bool{"a": true, "": true}, tables: map[string]uint32{"t": 1}, globals: []string{"\x000", "\x001"}, resettable: true,
		tableBytes: 1 << 40, memories: 1, minPages: 2, maxPages: 3, shared: true, exceptions: true,
	}
	for k, v := 0, reflect.ValueOf(in); k < v.NumField(); k++ {
		if v.Field(k).IsZero() {
			t.Errorf("the test says nothing of field %s", v.Type().Field(k).Name)
		}
	}
	var out moduleInfo
	b := in.append(nil)
	if err := out.read(b); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("got %+v, %v, want %+v", out, err, in)
	}
	for n := range b {
		if err := out.read(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are read without an error", n, len(b))
		}
	}
}

func TestTheVersionOfWazeroIsThatOfTheModule(t *testing.T) {
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := wazeroModule + " " + wazeroVersion + "\n"; !strings.Contains(string(b), want) {
		t.Errorf("go.mod does not have %q: change wazeroVersion with it", want)
	}
}
