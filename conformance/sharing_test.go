package conformance

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/server"
)

// The JavaScript components of one toolchain that import and export the same
// are one program with different data: the engine, and what it read of the
// source. One that imports more has other code, with a function for each import.
const (
	javascriptGuest = "../examples/javascript/javascript.wasm"
	twinGuest       = "guests/twin/twin.wasm"
)

// cost is what a process pays to have one application more.
type cost struct {
	compile        time.Duration
	codes          int // core modules that were compiled
	heap, resident int // bytes, once its instances are gone; resident is 0 where that is not known
}

// costOfSecond loads two applications, asks each once, and says what the second
// cost.
func costOfSecond(t testing.TB, first, second string) cost {
	ctx, dir := context.Background(), t.TempDir()
	e, err := engine.New(ctx, engine.Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	var all []http.Handler
	load := func(path string) time.Duration {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		c, err := e.Compile(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		l := e.NewLinker()
		if err := host.Link(l, host.Config{}); err != nil {
			t.Fatal(err)
		}
		ln, err := l.Link(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		guest, err := server.NewComponent(ln, engine.InstanceConfig{})
		if err != nil {
			t.Fatal(err)
		}
		h := server.New(guest, server.Config{Log: slog.New(slog.DiscardHandler)})
		ask(t, h, "GET", "/", "")
		time.Sleep(engine.DefaultIdleTimeout + time.Second) // for instances that wait to be used again
		all = append(all, h)
		return took
	}
	load(first)
	codes := codesIn(t, dir)
	if codes == 0 {
		t.Skip("this platform has no compiler: there is nothing to share")
	}
	heap, resident := memoryInUse()
	c := cost{compile: load(second)}
	c.codes = codesIn(t, dir) - codes
	heap2, resident2 := memoryInUse()
	c.heap, c.resident = heap2-heap, resident2-resident
	runtime.KeepAlive(all)
	return c
}

// codesIn counts the compiled core modules in a cache.
func codesIn(t testing.TB, dir string) (n int) {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := hex.DecodeString(f.Name()); err == nil {
			n++
		}
	}
	return n
}

func skipUnlessJavaScript(t testing.TB) {
	skipUnlessBuilt(t, javascriptGuest, "examples/javascript/javascript.wasm")
	skipUnlessBuilt(t, twinGuest, "conformance/guests/twin/twin.wasm")
}

func TestSecondJavaScriptApplicationIsNotCompiled(t *testing.T) {
	skipUnlessJavaScript(t)
	c := costOfSecond(t, javascriptGuest, twinGuest)
	if c.codes != 0 {
		t.Errorf("%d core modules of the second were compiled", c.codes)
	}
	if most := 16 << 20; max(c.heap, c.resident) > most {
		t.Errorf("the second takes %d KiB of heap and %d KiB in all, wanted %d", c.heap>>10, c.resident>>10, most>>10)
	}
	t.Logf("%+v", c)
}

// BenchmarkSecondJavaScriptApplication is what a second application costs,
// after examples/javascript: one with the same imports, and one with more.
func BenchmarkSecondJavaScriptApplication(b *testing.B) {
	skipUnlessJavaScript(b)
	for _, c := range []stateful{
		{name: "same imports", file: twinGuest},
		{name: "more imports", file: notesJS, make: notesJSTarget},
	} {
		b.Run(c.name, func(b *testing.B) {
			skipUnlessBuilt(b, c.file, c.make)
			var sum cost
			for b.Loop() {
				one := costOfSecond(b, javascriptGuest, c.file)
				sum.compile += one.compile
				sum.codes += one.codes
				sum.heap += one.heap
				sum.resident += one.resident
			}
			n := float64(b.N)
			b.ReportMetric(float64(sum.compile.Milliseconds())/n, "compile-ms")
			b.ReportMetric(float64(sum.codes)/n, "compiled-modules")
			b.ReportMetric(float64(sum.heap)/(1<<20)/n, "heap-MiB")
			b.ReportMetric(float64(sum.resident)/(1<<20)/n, "resident-MiB")
		})
	}
}
