package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/server"
)

// BenchmarkWarmStart is the time from starting a process to its first response,
// with compiled code in its cache.
func BenchmarkWarmStart(b *testing.B) {
	for _, g := range benchmarked {
		if g.name != "hello" && g.name != "javascript" {
			continue
		}
		b.Run(g.name, func(b *testing.B) {
			if _, err := os.Stat(g.file); err != nil {
				b.Skipf("%v: build it first", err)
			}
			dir := b.TempDir()
			once := func() *process {
				p := start(b, "--no-cache=false", "--cache-dir", dir, g.file)
				resp, err := http.Get(p.url + g.target)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != 200 {
					b.Fatalf("status %d", resp.StatusCode)
				}
				return p
			}
			end := func(p *process) time.Duration {
				_ = p.cmd.Process.Kill()
				_ = p.cmd.Wait()
				return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
			}
			end(once()) // fills the cache
			cpu := time.Duration(0)
			for b.Loop() {
				p := once()
				b.StopTimer()
				cpu += end(p)
				b.StartTimer()
			}
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkIdleApplications loads many small applications, asks each once, and
// reports what one takes afterwards. Those of "one code" differ in data alone.
func BenchmarkIdleApplications(b *testing.B) {
	hello, err := os.ReadFile("../examples/hello/hello.wasm")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, replace string
		applications  int
	}{
		{"one code", "from godwit", 1000},
		{"a code each", "incoming_handler_handle", 200}, // in the names of functions
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				idleApplications(b, hello, c.replace, c.applications)
			}
		})
	}
}

func idleApplications(b *testing.B, wasm []byte, replace string, n int) {
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close(ctx)
	l := e.NewLinker()
	if err := host.Link(l, host.Config{}); err != nil {
		b.Fatal(err)
	}
	var all []http.Handler
	add := func(k int) {
		own := bytes.ReplaceAll(wasm, []byte(replace), fmt.Appendf(nil, "%0*d", len(replace), k))
		if bytes.Equal(own, wasm) {
			b.Fatalf("%q is not in the component", replace)
		}
		c, err := e.Compile(ctx, own)
		if err != nil {
			b.Fatal(err)
		}
		ln, err := l.Link(ctx, c)
		if err != nil {
			b.Fatal(err)
		}
		guest, err := server.NewComponent(ln, engine.InstanceConfig{})
		if err != nil {
			b.Fatal(err)
		}
		h := server.New(guest, server.Config{})
		ask(b, h, "GET", "/", "")
		all = append(all, h)
	}
	add(n) // what all share
	heap, resident := memoryInUse()
	for k := range n {
		add(k)
	}
	time.Sleep(engine.DefaultIdleTimeout + time.Second) // for instances that wait to be used again
	heap2, resident2 := memoryInUse()
	b.ReportMetric(float64(heap2-heap)/1024/float64(n), "heap-KiB/app")
	if resident > 0 {
		b.ReportMetric(float64(resident2-resident)/1024/float64(n), "resident-KiB/app")
	}
	runtime.KeepAlive(all)
}

// memoryInUse is the Go heap, and what this process has in memory in all, or 0
// where that is not known.
func memoryInUse() (heap, resident int) {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return int(m.HeapAlloc), 0
	}
	pages, _ := strconv.Atoi(string(bytes.Fields(statm)[1]))
	return int(m.HeapAlloc), pages * os.Getpagesize()
}
