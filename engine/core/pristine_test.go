package core

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// writable is a module whose state can be changed in every way that is undone.
// Its memory has pages and a data segment that begins at 64 and is as long as
// data; its start function writes too.
func writable(t testing.TB, pages, data int) []byte {
	t.Helper()
	return assemble(t, fmt.Sprintf(`(module (memory (export "m") %d) (data (i32.const 64) "%s")
		(global $a (export "a") (mut i32) (i32.const 7)) (global $b (mut i64) (i64.const 8))
		(global $c (mut f64) (f64.const 9)) (global $fixed i32 (i32.const 10))
		(table 2 2 funcref) (elem (i32.const 0) $start)
		(func $start (i32.store (i32.const 32) (i32.const 0x55aa55aa)) (global.set $b (i64.const 80)))
		(start $start)
		(func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
		(func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
		(func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
		(func (export "size") (result i32) memory.size)
		(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
		(func (export "globals") (param i64)
			(global.set $a (i32.wrap_i64 (local.get 0))) (global.set $b (local.get 0))
			(global.set $c (f64.reinterpret_i64 (local.get 0))))
		(func (export "stack") (param i64 i32) (result i64) (local i64 i64 i64 i64)
			(local.set 2 (i64.xor (local.get 0) (i64.extend_i32_u (local.get 1))))
			(if (local.get 1) (then (drop (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1))))))
			(local.get 2))
		(func $deep (param i64 i32) (result i64)
			(if (result i64) (local.get 1)
				(then (i64.add (local.get 0) (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))
				(else (local.get 0)))))`, pages, strings.Repeat("godwit. ", data/8)))
}

// twins are instances of one module: the first has a snapshot and follows it.
func twins(t testing.TB, k Kind, b []byte) (first *Instance, more func() *Instance) {
	t.Helper()
	m, err := newRuntime(t, k).CompileModule(context.Background(), ModuleSpec{Name: "test", Bytes: b, Engine: k})
	if err != nil {
		t.Fatal(err)
	}
	var s *Snapshot
	more = func() *Instance {
		i, err := m.Instantiate(context.Background(), &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = i.Close(context.Background()) })
		if s == nil {
			if s = i.Snapshot(); s == nil {
				t.Fatal("there is no snapshot of the instance")
			}
		}
		if !i.Follow(s) {
			t.Fatal("an instance does not follow the snapshot of another")
		}
		return i
	}
	return more(), more
}

func call(t testing.TB, i *Instance, name string, args ...uint64) uint64 {
	t.Helper()
	s := append(args, 0)
	if err := i.Func(name).Call(context.Background(), s); err != nil {
		t.Fatal(name, err)
	}
	return s[0]
}

// differs says how an instance differs from a new one.
func differs(t testing.TB, i, fresh *Instance) string {
	t.Helper()
	switch {
	case call(t, i, "size") != call(t, fresh, "size"):
		return fmt.Sprintf("it has %d pages", call(t, i, "size"))
	case !bytes.Equal(i.Memory("m").Bytes(), fresh.Memory("m").Bytes()):
		return "its memory is another"
	case i.budget.used.Load() != fresh.budget.used.Load():
		return fmt.Sprintf("%d bytes are charged", i.budget.used.Load())
	}
	for k, g := range fresh.mutableGlobals() {
		if v := i.mutableGlobals()[k].Get(); v != g.Get() {
			return fmt.Sprintf("global %d is %d", k, v)
		}
	}
	if err := i.Func("load").Call(context.Background(), []uint64{uint64(len(i.mem.buf))}); err == nil {
		return "it reads past its memory"
	}
	return ""
}

// eachMemory runs a test with each way that memories are kept and images too.
func eachMemory(t *testing.T, f func(t *testing.T, k Kind, b []byte)) {
	t.Helper()
	small, large := writable(t, 2, 1<<10), writable(t, 40, 1<<20)
	onBoth(t, func(t *testing.T, k Kind) {
		for _, regions := range []bool{true, false} {
			for _, how := range []struct {
				name          string
				scans, faults bool
			}{{"scan after faults", true, true}, {"scan", true, false}, {"no scan", false, false}} {
				useRegions, useScan, useFaults = regions, how.scans, how.faults
				name := fmt.Sprintf("regions=%v %s", regions, how.name)
				t.Run(name+" small", func(t *testing.T) { f(t, k, small) })
				t.Run(name+" large", func(t *testing.T) { f(t, k, large) })
			}
		}
		useRegions, useScan, useFaults = true, true, true
	})
}

// What is written first on another thread, with no fault on this one, is seen.
func TestResetUndoesWhatAnotherThreadWrote(t *testing.T) {
	eachMemory(t, func(t *testing.T, k Kind, b []byte) {
		i, more := twins(t, k, b)
		fresh := more()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for at := uint64(0); at+8 <= uint64(len(fresh.mem.buf)); at += 20_000 {
			for _, first := range []uint64{at, 0} { // a page, and then one that is known
				done := make(chan struct{})
				go func() {
					runtime.LockOSThread() // and the thread ends
					call(t, i, "store", first, ^at)
					close(done)
				}()
				<-done
				if !i.Reset() {
					t.Fatal("it cannot be reset")
				}
				if d := differs(t, i, fresh); d != "" {
					t.Fatalf("at %d: %s", first, d)
				}
			}
		}
	})
}

func TestResetUndoesEveryChange(t *testing.T) {
	changes := []struct {
		name string
		do   func(t *testing.T, i *Instance)
	}{
		{"nothing", func(*testing.T, *Instance) {}},
		{"a byte of data", func(t *testing.T, i *Instance) { call(t, i, "fill", 64, 1, 1) }},
		{"what the start function wrote", func(t *testing.T, i *Instance) { call(t, i, "store", 32, 0) }},
		{"a byte of zeros", func(t *testing.T, i *Instance) { call(t, i, "fill", 100_000, 1, 1) }},
		{"all of memory", func(t *testing.T, i *Instance) { call(t, i, "fill", 0, 0xee, uint64(len(i.mem.buf))) }},
		{"globals", func(t *testing.T, i *Instance) { call(t, i, "globals", 0x1234567890) }},
		{"one page more", func(t *testing.T, i *Instance) { call(t, i, "grow", 1) }},
		{"many pages more, written", func(t *testing.T, i *Instance) {
			call(t, i, "grow", 100)
			call(t, i, "fill", 0, 0xee, uint64(len(i.mem.buf)))
		}},
		{"pages far apart", func(t *testing.T, i *Instance) {
			call(t, i, "grow", 30)
			for at := uint64(0); at < uint64(len(i.mem.buf)); at += 12288 {
				call(t, i, "store", at, at)
			}
		}},
	}
	eachMemory(t, func(t *testing.T, k Kind, b []byte) {
		i, more := twins(t, k, b)
		fresh := more()
		for range 2 {
			for _, c := range changes {
				c.do(t, i)
				if !i.Reset() {
					t.Fatalf("after %s: it cannot be reset", c.name)
				}
				if d := differs(t, i, fresh); d != "" {
					t.Errorf("after %s: %s", c.name, d)
				}
			}
		}
	})
}

// What a request wrote must be nowhere that the next one could come by.
func TestNoSecretSurvivesAReset(t *testing.T) {
	const secret = 0x5ec4e75ec4e75ec4
	pattern := binary.LittleEndian.AppendUint64(nil, secret)
	eachMemory(t, func(t *testing.T, k Kind, b []byte) {
		i, _ := twins(t, k, b)
		f := i.Func("stack")
		for range 3 {
			call(t, i, "grow", 20)
			for at := uint64(0); at+8 <= uint64(len(i.mem.buf)); at += 512 {
				call(t, i, "store", at, secret)
			}
			call(t, i, "globals", secret)
			if err := f.Call(context.Background(), []uint64{secret, 50}); err != nil {
				t.Fatal(err)
			}
			if k == Compiler && !bytes.Contains(f.call.stack.Bytes(), pattern) {
				t.Fatal("the secret is not on the stack, so that the test shows nothing of it")
			}
			before := i.mem.buf
			if f.Reset(); !i.Reset() {
				t.Fatal("it cannot be reset")
			}
			whole := i.mem.buf
			if i.mem.region != nil {
				whole = i.mem.region.all[:i.mem.region.open]
			} else {
				whole = before[:cap(before)]
			}
			if at := bytes.Index(whole, pattern); at >= 0 {
				t.Errorf("the secret is in memory at %#x", at)
			}
			for k, g := range i.mutableGlobals() {
				if g.Get() == secret || g.Get() == secret&0xffffffff {
					t.Errorf("the secret is in global %d", k)
				}
			}
			if f.call.stack.IsValid() && bytes.Contains(f.call.stack.Bytes(), pattern) {
				t.Error("the secret is on the stack")
			}
			call(t, i, "grow", 20)
			if bytes.Contains(i.Memory("m").Bytes(), pattern) {
				t.Error("the secret is in memory that grew again")
			}
			if !i.Reset() {
				t.Fatal("it cannot be reset")
			}
		}
	})
}

func TestWhatCannotBeUndoneIsNotReset(t *testing.T) {
	for name, text := range map[string]string{
		"table.set":          `(table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))`,
		"table.grow":         `(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 0))))`,
		"table.fill":         `(table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 0)))`,
		"table.copy":         `(table 1 funcref) (func (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0)))`,
		"table.init":         `(table 1 funcref) (elem func) (func (table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 0)))`,
		"elem.drop":          `(elem func) (func (elem.drop 0))`,
		"data.drop":          `(memory 1) (data "x") (func (data.drop 0))`,
		"a vector":           `(global (mut v128) (v128.const i64x2 0 0)) (func)`,
		"a reference":        `(global (mut funcref) (ref.null func)) (func)`,
		"a shared memory":    `(memory 1 1 shared) (func)`,
		"a call of the host": `(import "m" "f" (func $f)) (func $s call $f) (start $s)`,
	} {
		onBoth(t, func(t *testing.T, k Kind) {
			r := newRuntime(t, k)
			spec := ModuleSpec{Name: "test", Engine: k, Bytes: assemble(t, "(module "+text+")")}
			host := &Host{}
			if strings.Contains(text, "import") {
				spec.Imports = []Ref{{Instance: -1}}
				var err error
				if host, err = r.CompileHost(t.Context(), k, []HostFunc{{Name: "f", Call: func(context.Context, []uint64) {}}}); err != nil {
					t.Fatal(err)
				}
			}
			m, err := r.CompileModule(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			i, err := m.Instantiate(t.Context(), host, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
			if err != nil {
				t.Fatal(err)
			}
			if i.Snapshot() != nil || i.Reset() {
				t.Errorf("an instance with %s can be reset", name)
			}
		})
	}
}

func TestAnInstanceInAnotherStateDoesNotFollow(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		for _, change := range []func(i *Instance){
			func(i *Instance) { call(t, i, "fill", 64, 1, 1) },
			func(i *Instance) { call(t, i, "fill", 100_000, 1, 1) },
			func(i *Instance) { call(t, i, "globals", 1) },
			func(i *Instance) { call(t, i, "grow", 1) },
		} {
			first, more := twins(t, k, writable(t, 2, 1<<10))
			other := more()
			change(other)
			if other.Follow(first.pristine.Snapshot) {
				t.Error("it follows")
			}
		}
	})
}

func TestGrowthCanBeUndoneWithThisWazero(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		r := newRuntime(t, k)
		if !r.proveShrink(k) {
			t.Error("it cannot: is this another version?")
		}
	})
}

func TestTheBudgetHoldsForMemoryAndIsGivenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		r, err := NewRuntime(t.Context(), Config{Engine: k, MemoryLimit: 30 << 16})
		if err != nil {
			t.Skip(err)
		}
		defer r.Close(t.Context())
		m, err := r.CompileModule(t.Context(), ModuleSpec{Name: "test", Engine: k, Bytes: writable(t, 10, 8)})
		if err != nil {
			t.Fatal(err)
		}
		instantiate := func() (*Instance, error) {
			return m.Instantiate(t.Context(), &Host{}, nil, InstanceConfig{Budget: r.NewBudget(20 << 16), Meter: NewMeter(0)})
		}
		a, err := instantiate()
		if err != nil {
			t.Fatal(err)
		}
		b, err := instantiate()
		if err != nil {
			t.Fatal(err)
		}
		if got := call(t, a, "grow", 11); api.DecodeI32(got) != -1 {
			t.Errorf("growth past the limit of the instance returned %d", got)
		}
		if got := call(t, a, "grow", 9); api.DecodeI32(got) != 10 {
			t.Errorf("growth within the limits returned %d", api.DecodeI32(got))
		}
		if got := call(t, b, "grow", 9); api.DecodeI32(got) != -1 {
			t.Errorf("growth past the limit of all instances returned %d", got)
		}
		if _, err := instantiate(); err == nil || !strings.Contains(err.Error(), "for all instances") {
			t.Errorf("another instance: %v", err)
		}
		_ = a.Close(t.Context())
		_ = b.Close(t.Context())
		if used := r.budget.used.Load(); used != 0 {
			t.Errorf("%d bytes are charged when all is closed", used)
		}
	})
}

// FuzzReset compares an instance that was used and reset with a new one.
func FuzzReset(f *testing.F) {
	f.Add([]byte("\x00\x10\x00\x00\x01"))
	f.Add([]byte("\x02\x01\x00\x00\x00\x01\x00\x00\xff\xff\x00\x00\x02\x00\xff"))
	f.Add([]byte("\x03\xff\xff\xff\xff\x00\x40\x00\x00\x01\x02\x05\x00\x00\x00\x01\x00\x00\x03\xff"))
	if !hasCompiler() {
		f.Skip("no compiler for this platform")
	}
	var used, fresh [2]*Instance
	for n, b := range [][]byte{writable(f, 2, 1<<10), writable(f, 24, 512<<10)} {
		first, more := twins(f, Compiler, b)
		used[n], fresh[n] = first, more()
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		for n, i := range used {
			// An operation is a byte that says which and four that are its argument.
			for b := ops; len(b) >= 5 && len(ops)-len(b) < 1<<12; b = b[5:] {
				arg := uint64(binary.LittleEndian.Uint32(b[1:]))
				size := uint64(len(i.mem.buf))
				switch b[0] % 5 {
				case 0:
					call(t, i, "store", arg%(size-8), ^arg)
				case 1:
					at := arg % size
					call(t, i, "fill", at, arg, min(arg>>4, size-at))
				case 2:
					call(t, i, "grow", arg%64)
				case 3:
					call(t, i, "globals", arg)
				case 4:
					call(t, i, "stack", arg, arg%100)
				}
			}
			if !i.Reset() {
				t.Fatal("it cannot be reset")
			}
			if d := differs(t, i, fresh[n]); d != "" {
				t.Fatal(d)
			}
		}
	})
}

// BenchmarkReset is what a reset costs after a few pages were written.
func BenchmarkReset(b *testing.B) {
	if !hasCompiler() {
		b.Skip("no compiler for this platform")
	}
	defer func() { useFaults = true }()
	for _, size := range []struct{ pages, data int }{{2, 4 << 10}, {20, 1 << 20}, {320, 12 << 20}} {
		for _, dirty := range []int{4, 16, 64} {
			for _, useFaults = range []bool{true, false} {
				i, _ := twins(b, Compiler, writable(b, size.pages, size.data))
				_ = allZero(i.mem.buf) // all of it is mapped, as when it was read
				b.Run(fmt.Sprintf("%dKiB/%dpages/faults=%v", size.data>>10, dirty, useFaults), func(b *testing.B) {
					for b.Loop() {
						for k := range dirty {
							i.mem.buf[k*(len(i.mem.buf)/dirty)]++
						}
						if !i.Reset() {
							b.Fatal("it cannot be reset")
						}
					}
				})
			}
		}
	}
}
