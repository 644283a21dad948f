package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// asCommand is the variable that makes the test's binary be godwit.
const asCommand = "GODWIT_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// godwit is the command with arguments, as a process.
func godwit(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = append(os.Environ(), asCommand+"=1")
	return c
}

// outcome runs the command to its end.
func outcome(t *testing.T, c *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	return outcomeOf(t, c, func(*os.Process) {})
}

// outcomeOf does something with the process once it has started.
func outcomeOf(t *testing.T, c *exec.Cmd, started func(p *os.Process)) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	started(c.Process)
	late := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer late.Stop()
	_ = c.Wait()
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// programText is a component whose run is a core function, which may exit with a
// code.
const programText = `(component
  (import "wasi:cli/exit@0.2.0" (instance $cli (export "exit-with-code" (func (param "status-code" u8)))))
  (core func $exit (canon lower (func $cli "exit-with-code")))
  (core module $m
    (import "" "exit" (func $exit (param i32)))
    (func (export "run") (result i32) %s))
  (core instance $i (instantiate $m (with "" (instance (export "exit" (func $exit))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))`

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func programFile(t *testing.T, body string) string {
	t.Helper()
	return write(t, "program.wat", fmt.Sprintf(programText, body))
}

func TestRunPassesOnHowTheGuestEnds(t *testing.T) {
	for _, c := range []struct {
		name, body string
		code       int
		stderr     string // part of it; "" for nothing at all
	}{
		{"success", "(i32.const 0)", 0, ""},
		{"failure", "(i32.const 1)", 1, ""},
		{"an exit code", "(call $exit (i32.const 42)) (i32.const 0)", 42, ""},
		{"an exit with 0", "(call $exit (i32.const 0)) (i32.const 1)", 0, ""},
		{"a trap", "unreachable", 134, "unreachable"},
		{"a call stack without end", "(call 1)", 134, "call stack exhausted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := outcome(t, godwit(t, "run", programFile(t, c.body)))
			if code != c.code || out != "" {
				t.Errorf("exit code %d, printed %q; wanted %d", code, out, c.code)
			}
			if c.stderr == "" && errs != "" || !strings.Contains(errs, c.stderr) {
				t.Errorf("stderr is %q, wanted %q", errs, c.stderr)
			}
		})
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	file, dir := write(t, "file", "x"), t.TempDir()
	good := programFile(t, "(i32.const 0)")
	library := write(t, "library.wat", `(component
	  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
	  (core instance $i (instantiate $m))
	  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))`)
	preview1 := write(t, "old.wasm", "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02\x1d\x01\x16wasi_snapshot_preview1\x01f\x00\x00")
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"no file", []string{"run"}, 2, "requires at least 1 arg"},
		{"a file that is not there", []string{"run", filepath.Join(dir, "none.wasm")}, 1, "none.wasm"},
		{"a directory", []string{"run", dir}, 1, "is a directory"},
		{"a file that is something else", []string{"run", file}, 1, "not a WebAssembly file"},
		{"a module of preview 1", []string{"run", preview1}, 1, "wasm-tools component new old.wasm --adapt wasi_snapshot_preview1="},
		{"a component that is no program", []string{"run", library}, 1, "does not export wasi:cli/run"},
		{"a flag that there is not", []string{"run", "--nonsense", good}, 2, "--nonsense"},
		{"a directory that is not there", []string{"run", "--dir", "none", good}, 2, "--dir: "},
		{"a directory that is a file", []string{"run", "--dir", file, good}, 2, "is not a directory"},
		{"a directory without a name", []string{"run", "--dir", "::/x", good}, 2, "HOST[::GUEST][:ro]"},
		{"a limit of nothing", []string{"run", "--max-open-files", "0", good}, 2, "--max-open-files"},
		{"a call without parentheses", []string{"run", "--invoke", "add", library}, 2, "NAME(ARGS)"},
		{"a call of what there is not", []string{"run", "--invoke", "sub(1)", library}, 1, "it exports add"},
		{"a call with too few arguments", []string{"run", "--invoke", "add(1)", library}, 2, "missing argument b"},
		{"a call with a wrong argument", []string{"run", "--invoke", "add(1, x)", library}, 2, "at byte 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errs := outcome(t, godwit(t, c.args...))
			if code != c.code || !strings.Contains(errs, c.stderr) || !strings.HasPrefix(errs, "godwit: ") {
				t.Errorf("exit code %d, stderr %q; wanted %d, %q", code, errs, c.code, c.stderr)
			}
		})
	}
	t.Run("a call that is right", func(t *testing.T) {
		if code, out, errs := outcome(t, godwit(t, "run", "--invoke", "add(40, 2)", library)); code != 0 || out != "42\n" {
			t.Errorf("exit code %d, printed %q, %q", code, out, errs)
		}
	})
}

const wordCount = "../../examples/wc/wc.wasm"

func TestRunGrantsDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("one two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wasm, err := filepath.Abs(wordCount)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"none", []string{"run", wasm, "f"}, 1, ""},
		{"under its own name", []string{"run", "--dir", ".", wasm, "f"}, 0, " f\n"},
		{"under another name", []string{"run", "--dir", ".::/data", wasm, "/data/f"}, 0, " /data/f\n"},
		{"to be read", []string{"run", "--dir=.::/data:ro", wasm, "/data/f"}, 0, " /data/f\n"},
		{"that another name does not lead to", []string{"run", "--dir", ".::/data", wasm, "/other/f"}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := godwit(t, c.args...)
			g.Dir = dir
			code, out, errs := outcome(t, g)
			if code != c.code || !strings.HasSuffix(out, c.want) || c.code == 0 && !strings.HasPrefix(out, "       1        2        8") {
				t.Errorf("exit code %d, printed %q, %q; wanted %d, %q", code, out, errs, c.code, c.want)
			}
		})
	}
}

func TestRunStreamsStandardInput(t *testing.T) {
	g := godwit(t, "run", wordCount)
	g.Stdin = strings.NewReader(strings.Repeat("some words\n", 100_000))
	if code, out, errs := outcome(t, g); code != 0 || out != fmt.Sprintf("%8d %8d %8d \n", 100_000, 200_000, 1_100_000) {
		t.Errorf("exit code %d, printed %q, %q", code, out, errs)
	}
}

// A guest that writes to a pipe that nobody reads hears of it; the process does
// not die of it.
func TestBrokenPipeIsTheGuestsToHandle(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	g := godwit(t, "run", wordCount)
	g.Stdin, g.Stdout = strings.NewReader("some words\n"), w
	if err := g.Run(); err != nil {
		t.Errorf("%v; wanted success, as wc does not look", err)
	}
}

// A signal ends a guest that computes, and one that waits for input.
func TestSignalEndsTheGuest(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal to send")
	}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"that computes, compiled", []string{"run", programFile(t, "(loop (br 0)) unreachable")}},
		{"that computes, interpreted", []string{"run", "--engine", "interpreter", programFile(t, "(loop (br 0)) unreachable")}},
		{"that waits for input", []string{"run", wordCount}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := godwit(t, c.args...)
			in, err := g.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			code, _, errs := outcomeOf(t, g, func(p *os.Process) {
				time.Sleep(time.Second) // it ends well even if the guest has not begun by then
				_ = p.Signal(os.Interrupt)
			})
			if code != 130 || errs != "" {
				t.Errorf("exit code %d, stderr %q; wanted 130 and nothing", code, errs)
			}
		})
	}
}
