package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// onBoth runs a test on the compiler, where there is one, and the interpreter.
func onBoth(t *testing.T, f func(t *testing.T, k Kind)) {
	t.Helper()
	for _, k := range []Kind{Compiler, Interpreter} {
		t.Run(k.String(), func(t *testing.T) { f(t, k) })
	}
}

// endless are functions that do not return by themselves.
var endless = []struct{ name, text string }{
	{"an empty loop", `(func (export "run") (loop br 0))`},
	{"a loop that takes values", `(func (export "run") (local i32)
		i32.const 1 i64.const 2
		loop (param i32 i64) (result i32) drop drop i32.const 3 i64.const 4 br 0 end drop)`},
	{"a loop in a loop that ends", `(func (export "run") (local $i i32)
		(loop $outer
			(local.set $i (i32.const 3))
			(loop $inner
				(local.set $i (i32.sub (local.get $i) (i32.const 1)))
				(br_if $inner (local.get $i)))
			(br $outer)))`},
	{"a loop in a function of many", `(func (export "run") (local $i i32)
		` + strings.Repeat("(loop (br_if 0 (i32.const 0)))\n", maxLoops) + `
		(loop $outer (loop $inner (br_if $inner (local.get $i)) (br $outer))))`},
	{"a loop continued by br_table", `(func (export "run")
		(loop $outer (block $b (loop $inner (br_table $b $inner $outer (i32.const 2))))))`},
	{"a loop around a loop in an if", `(func (export "run")
		(loop $outer (if (i32.const 1) (then (block (loop $inner (br $outer)))) (else unreachable))))`},
	{"a tail call of itself", `(func $f (export "run") return_call $f)`},
	{"tail calls in turns", `(func $f (export "run") return_call $g) (func $g return_call $f)`},
	{"an indirect tail call", `(table 1 funcref) (elem (i32.const 0) $f)
		(func $f (export "run") (return_call_indirect (i32.const 0)))`},
	{"calls without recursion", `(func $leaf) (func $f call $leaf call $leaf)
		(func (export "run") (loop call $f br 0))`},
	{"recursion that branches", `(func $f (export "run") (call $g (i32.const 60)))
		(func $g (param i32) (if (local.get 0) (then
			(call $g (i32.sub (local.get 0) (i32.const 1)))
			(call $g (i32.sub (local.get 0) (i32.const 1))))))`},
	{"filling memory", `(memory 1024)
		(func (export "run") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000)) br 0))`},
	{"copying memory up", `(memory 1024)
		(func (export "run") (loop (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x3ffffff)) br 0))`},
	{"copying memory down", `(memory 1024)
		(func (export "run") (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 0x3ffffff)) br 0))`},
	{"filling a table", `(table 100000 funcref)
		(func (export "run") (loop (table.fill 0 (i32.const 0) (ref.null func) (i32.const 100000)) br 0))`},
	{"copying a table", `(table 100000 funcref)
		(func (export "run") (loop (table.copy 0 0 (i32.const 0) (i32.const 1) (i32.const 99999)) br 0))`},
	{"initialising memory", `(memory 1) (data "0123456789")
		(func (export "run") (loop (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 10)) br 0))`},
	{"growing memory in vain", `(memory 1 1)
		(func (export "run") (loop (drop (memory.grow (i32.const 1))) br 0))`},
	{"waiting for ever", `(memory 1 1 shared)
		(func (export "run") (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))`},
	{"waiting long", `(memory 1 1 shared)
		(func (export "run") (drop (memory.atomic.wait64 (i32.const 0) (i64.const 0) (i64.const 3600000000000))))`},
}

func TestADeadlineEndsWhatDoesNotEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		for _, tt := range endless {
			t.Run(tt.name, func(t *testing.T) {
				f := instantiate(t, k, assemble(t, "(module "+tt.text+")"), InstanceConfig{}).Func("run")
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
				defer cancel()
				start := time.Now()
				err := f.Call(ctx, nil)
				var trap *Trap
				if !errors.As(err, &trap) || !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("the call returned %v", err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				for _, frame := range trap.Backtrace {
					if frame.Module != "test" {
						t.Errorf("the backtrace has %v, which is not the guest's", frame)
					}
				}
			})
		}
	})
}

func TestADeadlineEndsAStartFunction(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		m, err := newRuntime(t, k).CompileModule(context.Background(), ModuleSpec{
			Name: "test", Engine: k, Bytes: assemble(t, `(module (func $f (loop br 0)) (start $f))`)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		_, err = m.Instantiate(ctx, &Host{}, nil, InstanceConfig{Budget: newBudget(0), Meter: NewMeter(0)})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("instantiating returned %v", err)
		}
	})
}

func TestTheCauseOfCancellationIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		f := instantiate(t, k, assemble(t, `(module (func (export "run") (loop br 0)))`), InstanceConfig{}).Func("run")
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(20*time.Millisecond, func() { cancel(errors.New("enough")) })
		err := f.Call(ctx, nil)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "enough") {
			t.Errorf("the call returned %v", err)
		}
		if err := f.Call(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("a call with a context that is done returned %v", err)
		}
	})
}

func TestCPUTimeIsMeasuredAndBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		meter := NewMeter(30 * time.Millisecond)
		f := instantiate(t, k, assemble(t, `(module (func (export "run") (loop br 0)))`), InstanceConfig{Meter: meter}).Func("run")
		err := f.Call(context.Background(), nil)
		var over *CPUTimeError
		if !errors.As(err, &over) {
			t.Errorf("the call returned %v", err)
		}
		if used := meter.CPUTime(); used < 30*time.Millisecond {
			t.Errorf("%v of CPU time were measured", used)
		}
	})
}

// A guest that does nothing but call the host uses little fuel.
func TestCallsOfTheHostEnd(t *testing.T) {
	const took = time.Millisecond
	for _, tt := range []struct {
		name    string
		prompt  bool
		timeout time.Duration
		limit   time.Duration
		want    error // of the type
	}{
		{"at the deadline", false, 20 * time.Millisecond, 0, context.DeadlineExceeded},
		{"at the deadline, prompt ones", true, 20 * time.Millisecond, 0, context.DeadlineExceeded},
		{"when the CPU time is used up, prompt ones", true, time.Minute, 20 * time.Millisecond, &CPUTimeError{}},
		{"not for CPU time that the others took", false, 100 * time.Millisecond, 20 * time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, k Kind) {
				calls := 0
				f := HostFunc{Name: "f", Prompt: tt.prompt, Call: func(context.Context, []uint64) {
					calls++
					for start := time.Now(); time.Since(start) < took; {
					}
				}}
				i := instantiateWith(t, k, f, `(module (import "m" "f" (func $f)) (func (export "run") (loop (call $f) (br 0))))`, NewMeter(tt.limit))
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				err := i.Func("run").Call(ctx, nil)
				var used *CPUTimeError
				if errors.As(err, &used) != errors.As(tt.want, &used) || !errors.As(tt.want, &used) && !errors.Is(err, tt.want) {
					t.Errorf("it ended with %v", err)
				}
				if calls > 2000 {
					t.Errorf("it was ended after %d calls", calls)
				}
			})
		})
	}
}

// A host function, prompt or not, that calls the guest back is not where its CPU
// time ends.
func TestCPUTimeGoesOnAfterACallBack(t *testing.T) {
	for _, prompt := range []bool{true, false} {
		t.Run(fmt.Sprintf("prompt=%v", prompt), func(t *testing.T) {
			onBoth(t, func(t *testing.T, k Kind) {
				var i *Instance
				f := HostFunc{Name: "f", Prompt: prompt, Call: func(ctx context.Context, _ []uint64) {
					if err := i.Func("back").Call(ctx, nil); err != nil {
						t.Error(err)
					}
				}}
				i = instantiateWith(t, k, f, `(module (import "m" "f" (func $f)) (func (export "back"))
					(func (export "run") (call $f) (loop (br 0))))`, NewMeter(20*time.Millisecond))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var used *CPUTimeError
				if err := i.Func("run").Call(ctx, nil); !errors.As(err, &used) {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

func TestRecursionExhaustsTheCallStack(t *testing.T) {
	for name, text := range map[string]string{
		"small frames": `(func $f (export "run") call $f)`,
		"big frames": `(func $f (export "run") (result i64) (local ` + strings.Repeat("i64 ", 1000) + `)
			(local.set 500 (call $f)) (local.get 500))`,
		"through a table": `(table 1 funcref) (elem (i32.const 0) $f) (func $f (export "run") (call_indirect (i32.const 0)))`,
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, k Kind) {
				i := instantiate(t, k, assemble(t, "(module "+text+")"), InstanceConfig{})
				f := i.Func("run")
				for range 2 {
					err := f.Call(context.Background(), make([]uint64, 1))
					if err == nil || err.Error() != "wasm trap: call stack exhausted" {
						t.Fatalf("the call returned %v", err)
					}
				}
				if used := i.budget.used.Load(); used != i.tables {
					t.Errorf("%d bytes are charged for when the call is over", used-i.tables)
				}
			})
		})
	}
}

func TestTheStackIsBoundedAndCharged(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	// It calls itself as often as it is told, works for a while, and returns.
	b := assemble(t, `(module (func $f (export "run") (param i32) (result i32) (local i32)
		(if (local.get 0)
			(then (return (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))))
		(loop (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 1000000))))
		(i32.const 0)))`)
	for _, tt := range []struct {
		name          string
		depth, budget uint64
		trap          bool
	}{
		{"a small one", 100, 100 << 10, false},
		{"one that the budget has room for", 20_000, 4 << 20, false},
		{"one that the budget has no room for", 20_000, 100 << 10, true},
		{"a huge one", 1_000_000, 1 << 40, true},
	} {
		i := instantiate(t, Compiler, b, InstanceConfig{Budget: newBudget(tt.budget)})
		f := i.Func("run")
		for range 2 {
			s := []uint64{tt.depth}
			err := f.Call(t.Context(), s)
			if tt.trap != (err != nil) || err != nil && err.Error() != "wasm trap: call stack exhausted" || err == nil && s[0] != tt.depth {
				t.Errorf("%s: %d %v", tt.name, s[0], err)
			}
			if used := i.budget.used.Load(); used != 0 {
				t.Errorf("%s: %d bytes are still charged for", tt.name, used)
			}
			if f.fn != nil && !f.call.stack.IsValid() {
				t.Fatal("the stack of wazero's compiler was not found: is this another version?")
			}
			if f.fn != nil && f.call.stack.Len() > 2*maxStack {
				t.Errorf("%s: a stack of %d bytes was kept", tt.name, f.call.stack.Len())
			}
		}
	}
}

func TestTheCollectorDoesNotWaitForAGuest(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	f := instantiate(t, Compiler, assemble(t, `(module (func (export "run") (loop br 0)))`), InstanceConfig{}).Func("run")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Call(ctx, nil) }()
	for range 3 {
		time.Sleep(5 * time.Millisecond)
		runtime.GC() // hangs when it has to wait
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What rewriting adds comes right after the module's own: what was invalid must
// not become valid, least of all a way to the fuel.
func TestIndicesPastTheEndStayInvalid(t *testing.T) {
	// \x.. is an index that is one too high.
	const typeSection = "\x01\x04\x01\x60\x00\x00"
	const funcSection = "\x03\x02\x01\x00"
	code := func(body string) string {
		return "\x0a" + string(rune(len(body)+4)) + "\x01" + string(rune(len(body)+2)) + "\x00" + body + "\x0b"
	}
	module := func(sections ...string) []byte { return []byte(string(header) + strings.Join(sections, "")) }
	for name, b := range map[string][]byte{
		"call":                 module(typeSection, funcSection, code("\x10\x01")),
		"return_call":          module(typeSection, funcSection, code("\x12\x01")),
		"ref.func":             module(typeSection, funcSection, code("\xd2\x01\x1a")),
		"global.get":           module(typeSection, funcSection, code("\x23\x00\x1a")),
		"global.set":           module(typeSection, funcSection, code("\x42\x00\x24\x00")),
		"local.get":            module(typeSection, funcSection, code("\x20\x00\x1a\x03\x40\x0b")),
		"block type":           module(typeSection, funcSection, code("\x02\x01\x1a\x0b")),
		"exported function":    module(typeSection, funcSection, "\x07\x05\x01\x01f\x00\x01", code("\x01")),
		"exported global":      module(typeSection, funcSection, "\x07\x05\x01\x01f\x03\x00", code("\x01")),
		"start":                module(typeSection, funcSection, "\x08\x01\x01", code("\x01")),
		"type of a function":   module(typeSection, "\x03\x02\x01\x01", code("\x01")),
		"type of an import":    module(typeSection, "\x02\x07\x01\x01m\x01n\x00\x01", funcSection, code("\x01")),
		"element":              module(typeSection, funcSection, "\x04\x04\x01\x70\x00\x01", "\x09\x07\x01\x00\x41\x00\x0b\x01\x01", code("\x01")),
		"section out of order": module(funcSection, typeSection, code("\x01")),
		"section twice":        module(typeSection, typeSection, funcSection, code("\x01")),
	} {
		onBoth(t, func(t *testing.T, k Kind) {
			spec := ModuleSpec{Name: "test", Engine: k, Bytes: b}
			if strings.Contains(name, "import") {
				spec.Imports = []Ref{{Instance: 0, Name: "x"}}
			}
			if _, err := newRuntime(t, k).CompileModule(context.Background(), spec); err == nil {
				t.Errorf("%s: the module compiled", name)
			}
		})
	}
}

// bulk has both bulk operations, and a sum of the memory to compare.
const bulk = `(module (memory (export "m") 80)
	(func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
	(func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))`

// Long bulk operations are done in pieces: that must not show.
func TestBulkOperationsInPieces(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	ctx := context.Background()
	b := assemble(t, bulk)
	i := instantiate(t, Compiler, b, InstanceConfig{})
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	plain, err := rt.Instantiate(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	size := uint64(80 << 16)
	for range 60 {
		op := []string{"fill", "copy"}[rnd.IntN(2)]
		n := rnd.Uint64N(4 * slice)
		dest := rnd.Uint64N(size)
		from := rnd.Uint64N(size)
		if rnd.IntN(2) == 0 { // close to each other, so that they overlap
			from = min(dest+rnd.Uint64N(2*slice), size-1)
			if rnd.IntN(2) == 0 {
				dest, from = from, dest
			}
		}
		if rnd.IntN(4) == 0 {
			n = min(n, size-max(dest, from)) // to the very end
		}
		_, want := plain.ExportedFunction(op).Call(ctx, dest, from, n)
		got := i.Func(op).Call(ctx, []uint64{dest, from, n})
		if (want == nil) != (got == nil) {
			t.Fatalf("%s(%#x, %#x, %#x) returned %v, and on wazero alone %v", op, dest, from, n, got, want)
		}
		if got != nil && got.Error() != "wasm trap: out of bounds memory access" {
			t.Fatal(got)
		}
		whole, _ := plain.Memory().Read(0, plain.Memory().Size())
		if !bytes.Equal(whole, i.Memory("m").Bytes()) {
			t.Fatalf("memory differs after %s(%#x, %#x, %#x)", op, dest, from, n)
		}
	}
}

func TestAtomicWaitsAnswerAsTheyWould(t *testing.T) {
	onBoth(t, func(t *testing.T, k Kind) {
		f := instantiate(t, k, assemble(t, `(module (memory 1 1 shared)
			(func (export "run") (param i32 i32 i64) (result i32)
				(memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2))))`), InstanceConfig{}).Func("run")
		for _, tt := range []struct {
			name                    string
			addr, expected, timeout uint64
			want                    uint64
			atLeast                 time.Duration
		}{
			{"another value", 0, 7, 1 << 40, 1, 0},
			{"no time", 0, 0, 0, 2, 0},
			{"less than a slice", 0, 0, 1000, 2, 0},
			{"several slices", 0, 0, 3*waitSlice + 1, 2, 3 * waitSlice},
		} {
			start := time.Now()
			s := []uint64{tt.addr, tt.expected, tt.timeout}
			if err := f.Call(context.Background(), s); err != nil || s[0] != tt.want {
				t.Errorf("%s: %d %v, not %d", tt.name, s[0], err, tt.want)
			}
			if took := time.Since(start); took < tt.atLeast {
				t.Errorf("%s took %v", tt.name, took)
			}
		}
		if err := f.Call(context.Background(), []uint64{1 << 16, 0, 0}); err == nil || !strings.Contains(err.Error(), "out of bounds") {
			t.Errorf("a wait outside of memory returned %v", err)
		}
	})
}

func TestBacktracesHaveTheNamesAndIndicesOfTheFile(t *testing.T) {
	// Function 0 is imported, 1 has a name, 2 has none.
	const text = `(module (import "m" "f" (func)) (func $inner unreachable) (func (export "run") call 1))`
	onBoth(t, func(t *testing.T, k Kind) {
		i := instantiateWith(t, k, HostFunc{Name: "f", Call: func(context.Context, []uint64) {}}, text, NewMeter(0))
		var trap *Trap
		if err := i.Func("run").Call(context.Background(), nil); !errors.As(err, &trap) {
			t.Fatal(err)
		}
		if len(trap.Backtrace) != 2 || trap.Backtrace[0].Func != "inner()" || trap.Backtrace[1].Func != "$2()" {
			t.Errorf("the backtrace is %v", trap.Backtrace)
		}
	})
}
