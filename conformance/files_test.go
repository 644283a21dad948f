package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/filesystem"
)

// filesGuest is the program that tries to get more files than it was granted.
const filesGuest = "guests/files/files.wasm"

// do runs the program once and returns what it printed.
func (p *program) do(t testing.TB, cfg host.Config, args ...string) (code int, stdout string, trap error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cfg.Args, cfg.Stdout = append([]string{"guest"}, args...), &out
	st := cfg.NewState(ctx)
	defer st.Close()
	inst, err := p.linked.Instantiate(ctx, engine.InstanceConfig{Host: st})
	if err != nil {
		t.Fatal(err)
	}
	code, trap = cli.Run(ctx, p.run, inst)
	if err := inst.Close(ctx); err != nil {
		t.Error(err)
	}
	return code, out.String(), trap
}

// hostileTree makes a directory with a secret in it, and in that the directory
// that a guest is granted, with links that lead out of it.
func hostileTree(t *testing.T) (outside string, granted filesystem.Preopen) {
	t.Helper()
	outside = t.TempDir()
	in := filepath.Join(outside, "in")
	for _, err := range []error{
		os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600),
		os.MkdirAll(filepath.Join(in, "d"), 0o700),
		os.WriteFile(filepath.Join(in, "mine"), []byte("mine"), 0o600),
		os.Symlink("..", filepath.Join(in, "out")),
		os.Symlink("../..", filepath.Join(in, "d", "out")),
		os.Symlink(outside, filepath.Join(in, "absolute")),
		os.Symlink("d/out", filepath.Join(in, "chain")),
		os.Symlink("loop", filepath.Join(in, "loop")),
	} {
		if err != nil {
			t.Skipf("the tree cannot be made here: %v", err)
		}
	}
	p, err := filesystem.OpenPreopen(in, "/", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Root.Close() })
	return outside, p
}

// contents is a tree as text: names, modes, sizes and times.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// openFiles is how many files this process has open, or 0 where that is not known.
func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

func onPrograms(t *testing.T, path string, f func(t *testing.T, c *program)) {
	t.Helper()
	for _, k := range engines {
		t.Run(k.String(), func(t *testing.T) { f(t, newProgram(t, k, path)) })
	}
}

// Whatever a guest does with a path that leads out of its directory, it fails,
// and nothing changes, inside or outside.
func TestHostileGuestDoesNotEscape(t *testing.T) {
	onPrograms(t, filesGuest, func(t *testing.T, c *program) {
		outside, granted := hostileTree(t)
		was := contents(t, outside)
		paths := []string{
			"..", "../", "../.", "../secret", "./../secret", "d/../../secret", "d/./.././../secret", "../in/mine", "../in",
			"../../../../../../etc/passwd", "/", "/etc/passwd", "//etc/passwd", outside, outside + "/secret", outside + "/in/mine",
			"out/secret", "out/", "out/.", "out/in/mine", "d/out/secret", "d/out/in/../secret", "absolute/secret", "absolute/",
			"chain/secret", "chain/in/mine", "loop/secret", "d/../out/secret", "out/../../secret", "d/out/../secret",
		}
		code, out, trap := c.do(t, host.Config{Dirs: []filesystem.Preopen{granted}}, append([]string{"escape"}, paths...)...)
		if code != 0 || trap != nil {
			t.Fatalf("exit code %d, %v", code, trap)
		}
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if want := 17*len(paths) + 1; len(lines) != want {
			t.Errorf("%d attempts were reported, wanted %d", len(lines), want)
		}
		for _, line := range lines {
			outcome := line[strings.LastIndexByte(line, ' ')+1:]
			want := "not-permitted"
			switch {
			case strings.Contains(line, " loop/"):
				want = "loop"
			case line == "mkdir out/ exist", line == "mkdir absolute/ exist":
				want = "exist" // it does not matter what the link refers to
			case line == "rename-to out/ not-directory", line == "rename-to absolute/ not-directory":
				want = "not-directory" // what is moved is a file
			}
			if outcome != want {
				t.Errorf("%s; wanted %s", line, want)
			}
		}
		if now := contents(t, outside); now != was {
			t.Errorf("there was\n%sand is now\n%s", was, now)
		}
	})
}

func TestHostileGuestLeaksNothing(t *testing.T) {
	onPrograms(t, filesGuest, func(t *testing.T, c *program) {
		_, granted := hostileTree(t)
		cfg := host.Config{Dirs: []filesystem.Preopen{granted}, MaxOpenFiles: 300}
		before, goroutines := openFiles(), runtime.NumGoroutine()
		for _, k := range []struct {
			mode, want string
			code       int
		}{
			{"exhaust", "300 open, then  insufficient-memory\n", 0},
			{"forget", "", 134},
			{"sizes", "done\n", 0},
			{"exhaust", "300 open, then  insufficient-memory\n", 0},
		} {
			code, out, _ := c.do(t, cfg, k.mode)
			if code != k.code || out != k.want {
				t.Errorf("%s: exit code %d, printed %q; wanted %d, %q", k.mode, code, out, k.code, k.want)
			}
			if n := openFiles(); n != before {
				t.Errorf("%s: %d files are open after it, were %d", k.mode, n, before)
			}
		}
		for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines, were %d", runtime.NumGoroutine(), goroutines)
			}
		}
	})
}

func TestHostileGuestDoesNotWinRaces(t *testing.T) {
	onPrograms(t, filesGuest, func(t *testing.T, c *program) {
		outside, granted := hostileTree(t)
		in := filepath.Join(outside, "in")
		for _, err := range []error{
			os.MkdirAll(filepath.Join(in, "a", "d"), 0o700),
			os.WriteFile(filepath.Join(in, "a", "secret"), []byte("mine"), 0o600),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			p := filepath.Join(in, "p")
			for {
				for _, name := range []string{"a", "out", "absolute"} {
					n := filepath.Join(in, name)
					_ = os.Rename(n, p)
					runtime.Gosched()
					_ = os.Rename(p, n)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		var code int
		var out string
		var trap error
		for try := 0; try == 0 || try < 20 && out == "there was no race\n"; try++ { // a busy machine may give the turn too seldom
			code, out, trap = c.do(t, host.Config{Dirs: []filesystem.Preopen{granted}}, "race")
		}
		close(stop)
		wg.Wait()
		if code != 0 || trap != nil || out != "raced\n" {
			t.Errorf("exit code %d, %v, printed %q", code, trap, out)
		}
		list, err := os.ReadDir(outside)
		if err != nil || len(list) != 2 {
			t.Errorf("outside there is %v (%v), wanted what was there", list, err)
		}
	})
}
