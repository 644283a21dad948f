package core

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Rewriting changes every loop, branch and return. These tests run random control
// flow with fuel and without.

// flow writes the text of a function whose result depends on the way through it.
// Each iteration of a loop is counted in $iterations, and the function returns when
// $left of them are done.
type flow struct {
	*rand.Rand
	out    strings.Builder
	labels []bool // of the open blocks, outermost first: whether a branch takes an i64
	size   int    // how many more statements there may be
	calls  int    // how many functions there are to call
}

func (f *flow) line(format string, args ...any) { fmt.Fprintf(&f.out, format+"\n", args...) }

// condition leaves an i32 on the stack, of some bits of $h.
func (f *flow) condition(mask int) {
	f.line("local.get $h i64.const %d i64.shr_u i32.wrap_i64 i32.const %d i32.and", f.IntN(60), mask)
}

func (f *flow) mix() {
	f.line("local.get $h i64.const %d i64.mul i64.const %d i64.add local.set $h", f.Int64N(1<<40)|1, f.Int64N(1<<40))
}

// within writes a block that has a label and statements of its own.
func (f *flow) within(head string, takes, gives bool) {
	f.line("%s", head)
	f.labels = append(f.labels, takes)
	if strings.HasPrefix(head, "loop") {
		if takes {
			f.line("local.set $h")
		}
		f.line("global.get $iterations i64.const 1 i64.add global.set $iterations")
		f.line("local.get $left i32.const 1 i32.sub local.tee $left i32.eqz if local.get $h return end")
	}
	f.statements()
	if strings.HasPrefix(head, "loop") && !takes {
		f.mix()
		f.condition(7)
		f.line("br_if 0")
	}
	if gives {
		f.line("local.get $h")
	}
	if strings.HasPrefix(head, "if") && f.IntN(2) == 0 {
		f.line("else")
		f.statements()
		if gives {
			f.line("local.get $h")
		}
	} else if gives && strings.HasPrefix(head, "if") {
		f.line("else local.get $h")
	}
	f.labels = f.labels[:len(f.labels)-1]
	f.line("end")
	if gives {
		f.line("local.set $h")
	}
}

func (f *flow) statements() {
	for range 1 + f.IntN(4) {
		if f.size--; f.size < 0 {
			return
		}
		f.mix()
		depth := f.IntN(len(f.labels))
		takes := f.labels[len(f.labels)-1-depth]
		switch n := f.IntN(16); {
		case n < 2:
			f.within("block", false, false)
		case n < 3:
			f.within("block (result i64)", true, true)
		case n < 6:
			f.within("loop", false, false)
		case n < 7:
			f.within("loop (result i64)", false, true)
		case n < 8:
			f.line("local.get $h")
			f.within("loop (param i64) (result i64)", true, true)
		case n < 9:
			f.condition(1)
			f.within("if", false, false)
		case n < 10:
			f.condition(1)
			f.within("if (result i64)", true, true)
		case n < 13:
			if takes {
				f.line("local.get $h")
			}
			f.condition(3)
			f.line("br_if %d", depth)
			if takes {
				f.line("drop")
			}
		case n < 14:
			f.condition(1)
			f.line("if")
			f.labels = append(f.labels, false)
			f.leave()
			f.labels = f.labels[:len(f.labels)-1]
			f.line("end")
		case n < 15 && f.calls > 0:
			f.line("local.get $h local.get $left call %d local.set $h", f.IntN(f.calls))
		default:
			f.line("i32.const %d i32.const 1 i32.const %d memory.fill", f.IntN(9000), []int{5, 6000}[f.IntN(2)])
		}
	}
}

// leave branches somewhere, whatever is the case.
func (f *flow) leave() {
	depth := f.IntN(len(f.labels))
	takes := f.labels[len(f.labels)-1-depth]
	if f.IntN(5) == 0 {
		f.line("local.get $h return")
		return
	}
	if takes {
		f.line("local.get $h")
	}
	if f.IntN(3) > 0 {
		f.line("br %d", depth)
		return
	}
	f.condition(3)
	f.line("br_table")
	for at, t := range f.labels {
		if t == takes {
			f.line("%d", len(f.labels)-1-at)
		}
	}
	f.line("%d", depth)
}

// flows is a module of some such functions, of which run calls the last again and
// again.
func flows(seed uint64) string {
	f := &flow{Rand: rand.New(rand.NewPCG(seed, 1))}
	f.line(`(module (memory 1) (global $iterations (export "iterations") (mut i64) (i64.const 0))`)
	for ; f.calls < 3; f.calls++ {
		f.line("(func (param $h i64) (param $left i32) (result i64)")
		f.labels, f.size = []bool{true}, 20
		f.statements()
		f.line("local.get $h)")
	}
	f.line(`(func (export "run") (param $n i32) (result i64) (local $h i64)
		(loop
			(local.set $h (call 2 (i64.add (local.get $h) (i64.extend_i32_u (local.get $n))) (i32.const 40)))
			(br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(local.get $h)))`)
	return f.out.String()
}

// checkFlows runs such a module with fuel and without.
func checkFlows(t *testing.T, seed, times uint64) {
	text := flows(seed)
	b := assemble(t, text)
	m := stock(t, stockRuntime(t), b)
	want := runOf(t, m)(times)
	iterations := m.ExportedGlobal("iterations").Get()
	for _, k := range []Kind{Compiler, Interpreter} {
		i := instantiate(t, k, b, InstanceConfig{})
		s := []uint64{times}
		if err := i.Func("run").Call(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		if s[0] != want {
			t.Fatalf("seed %d is %x with fuel on %v, %x without:\n%s", seed, s[0], k, want, text)
		}
		if got := i.mod.ExportedGlobal("iterations").Get(); got != iterations {
			t.Fatalf("seed %d: %d iterations with fuel on %v, %d without", seed, got, k, iterations)
		}
	}
}

func TestControlFlowIsTheSameWithFuel(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	for seed := range uint64(200) {
		checkFlows(t, seed, 20)
	}
}

func FuzzFlow(f *testing.F) {
	if !hasCompiler() {
		f.Skip("no compiler for this platform")
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkFlows(t, seed, 100) })
}

// fuelUsed is how much fuel such a module takes. With always, no loop counts it in
// a local.
func fuelUsed(t *testing.T, seed, times uint64, always bool) float64 {
	w, err := split(&ModuleSpec{Name: "test", Engine: Compiler, Bytes: assemble(t, flows(seed))})
	if err == nil {
		err = w.learn()
	}
	if err != nil {
		t.Fatal(err)
	}
	for k := range w.code.loops {
		w.code.loops[k].calls = w.code.loops[k].calls || always
	}
	if err := w.write(); err != nil {
		t.Fatal(err)
	}
	const portion = 5000
	used := quantum
	rt := stockRuntime(t)
	_, err = rt.NewHostModuleBuilder(fuelModule).NewFunctionBuilder().
		WithFunc(func() int64 { used += portion; return portion }).Export(fuelCheck).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	runOf(t, stock(t, rt, w.out))(times)
	return float64(used)
}

// A loop that counts fuel in a local takes as much as one that does not, whichever
// way it is left.
func TestNoWayOutOfALoopIsFree(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	for seed := range uint64(100) {
		const times = 2000
		want, got := fuelUsed(t, seed, times, true), fuelUsed(t, seed, times, false)
		if math.Abs(got-want) > want/20 {
			t.Errorf("seed %d uses %.0f of fuel, and %.0f when no loop counts it in a local:\n%s", seed, got, want, flows(seed))
		}
	}
}
