package core

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine/wat"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// assemble makes a module of text.
func assemble(t testing.TB, text string) []byte {
	t.Helper()
	b, err := wat.Assemble("test.wat", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newRuntime(t testing.TB, k Kind) *Runtime {
	t.Helper()
	if k == Compiler && !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	r, err := NewRuntime(context.Background(), Config{Engine: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// instantiate compiles and instantiates a module that imports nothing.
func instantiate(t testing.TB, k Kind, b []byte, c InstanceConfig) *Instance {
	t.Helper()
	m, err := newRuntime(t, k).CompileModule(context.Background(), ModuleSpec{Name: "test", Bytes: b, Engine: k})
	if err != nil {
		t.Fatal(err)
	}
	if c.Budget == nil {
		c.Budget = newBudget(0)
	}
	if c.Meter == nil {
		c.Meter = NewMeter(0)
	}
	i, err := m.Instantiate(context.Background(), &Host{}, nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// instantiateWith does so with a module that imports one function, f.
func instantiateWith(t testing.TB, k Kind, f HostFunc, text string, meter *Meter) *Instance {
	t.Helper()
	ctx := context.Background()
	r := newRuntime(t, k)
	host, err := r.CompileHost(ctx, k, []HostFunc{f})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.CompileModule(ctx, ModuleSpec{Name: "test", Engine: k, Bytes: assemble(t, text), Imports: []Ref{{Instance: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Instantiate(ctx, host, nil, InstanceConfig{Budget: newBudget(0), Meter: meter})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// kernels are the programs that fuel is measured on.
func kernels(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/kernels/*.wat")
	if err != nil || len(files) != 8 {
		t.Fatal(files, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".wat")] = assemble(t, string(text))
	}
	return out
}

// stockRuntime is wazero's compiler as it is.
func stockRuntime(t testing.TB) wazero.Runtime {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
	t.Cleanup(func() { _ = rt.Close(ctx) })
	return rt
}

// stock instantiates a module on rt.
func stock(t testing.TB, rt wazero.Runtime, b []byte) api.Module {
	t.Helper()
	m, err := rt.Instantiate(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plain is a module's function run on wazero as it is.
func plain(t testing.TB, b []byte) func(n uint64) uint64 {
	return runOf(t, stock(t, stockRuntime(t), b))
}

// runOf is the function run of a module of wazero.
func runOf(t testing.TB, m api.Module) func(n uint64) uint64 {
	f := m.ExportedFunction("run")
	return func(n uint64) uint64 {
		r, err := f.Call(context.Background(), n)
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
}

func fueled(t testing.TB, b []byte) func(n uint64) uint64 {
	t.Helper()
	f := instantiate(t, Compiler, b, InstanceConfig{}).Func("run")
	return func(n uint64) uint64 {
		s := []uint64{n}
		if err := f.Call(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		return s[0]
	}
}

func TestKernelsComputeTheSameWithFuel(t *testing.T) {
	if !hasCompiler() {
		t.Skip("no compiler for this platform")
	}
	for name, b := range kernels(t) {
		stock, fuel := plain(t, b), fueled(t, b)
		for n := range uint64(3) {
			if want, got := stock(n), fuel(n); got != want {
				t.Errorf("%s(%d) is %d with fuel, %d without", name, n, got, want)
			}
		}
	}
}

// BenchmarkFuel is what fuel costs: the ratio of each kernel's time with it to
// that without, measured in turns, and their geometric mean.
func BenchmarkFuel(b *testing.B) {
	if !hasCompiler() {
		b.Skip("no compiler for this platform")
	}
	logs := 0.0
	ks := kernels(b)
	for b.Loop() {
		logs = 0
		for name, k := range ks {
			stock, fuel := plain(b, k), fueled(b, k)
			ratio := ratioOf(func() { fuel(2) }, func() { stock(2) })
			logs += math.Log(ratio)
			b.ReportMetric(ratio, name)
		}
	}
	b.ReportMetric(math.Exp(logs/float64(len(ks))), "geomean")
	b.ReportMetric(0, "ns/op")
}

// ratioOf is the least time of f over that of g, run in turns: what else runs on
// the machine only ever adds time.
func ratioOf(f, g func()) float64 {
	least := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range 150 {
		for k, run := range []func(){f, g} {
			start := time.Now()
			run()
			least[k] = min(least[k], time.Since(start))
		}
	}
	return float64(least[0]) / float64(least[1])
}

// BenchmarkDeadline is how late guests are ended, in the median and at the 99th
// percentile, and how late a timer alone is on the same machine.
func BenchmarkDeadline(b *testing.B) {
	if !hasCompiler() {
		b.Skip("no compiler for this platform")
	}
	var late, timer []float64
	for b.Loop() {
		for _, e := range endless {
			f := instantiate(b, Compiler, assemble(b, "(module "+e.text+")"), InstanceConfig{}).Func("run")
			for range 10 {
				const wait = 5 * time.Millisecond
				ctx, cancel := context.WithTimeout(context.Background(), wait)
				start := time.Now()
				_ = f.Call(ctx, nil)
				late = append(late, float64(time.Since(start)-wait)/1e6)
				cancel()
				start = time.Now()
				time.Sleep(wait)
				timer = append(timer, float64(time.Since(start)-wait)/1e6)
			}
		}
	}
	slices.Sort(late)
	slices.Sort(timer)
	b.ReportMetric(late[len(late)/2], "median-ms")
	b.ReportMetric(late[len(late)*99/100], "p99-ms")
	b.ReportMetric(timer[len(timer)*99/100], "timer-p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkCollector is how long runtime.GC takes beside a guest in a loop, and
// without one.
func BenchmarkCollector(b *testing.B) {
	if !hasCompiler() {
		b.Skip("no compiler for this platform")
	}
	f := instantiate(b, Compiler, assemble(b, `(module (func (export "run") (loop br 0)))`), InstanceConfig{}).Func("run")
	collect := func() float64 {
		var took []float64
		for range 40 {
			start := time.Now()
			runtime.GC()
			took = append(took, float64(time.Since(start))/1e6)
			time.Sleep(time.Millisecond)
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	var beside, alone float64
	for b.Loop() {
		alone = collect()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- f.Call(ctx, nil) }()
		beside = collect()
		cancel()
		<-done
	}
	b.ReportMetric(beside, "median-ms")
	b.ReportMetric(alone, "alone-ms")
	b.ReportMetric(0, "ns/op")
}
