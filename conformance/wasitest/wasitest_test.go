package wasitest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godwit-runtime/godwit/bindings/p2/wasicli"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/filesystem"
)

// suite names the variable that says where the programs are: a folder for each
// language, in which each program has its specification beside it.
const suite = "GODWIT_WASI_TESTSUITE"

// timeout ends a program that hangs.
const timeout = 2 * time.Minute

//go:embed expect.txt
var expectations string

// expected are the reasons for which tests do not pass, by engine and test.
func expected(t *testing.T) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	for n, line := range strings.Split(expectations, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 3 {
			t.Fatalf("expect.txt:%d: a line is: engine or *, test, reason", n+1)
		}
		reasons[f[0]+" "+f[1]] = strings.Join(f[2:], " ")
	}
	return reasons
}

// specification says how to run a program and what is to come of it, as the
// suite's doc/specification.md has it.
type specification struct {
	Args     []string          `json:"args"`
	Env      map[string]string `json:"env"`
	Root     string            `json:"root"`
	ExitCode int               `json:"exit_code"`
	Stdout   *string           `json:"stdout"`
	Stderr   *string           `json:"stderr"`
	// Operations is the form that is not understood here: it is for servers.
	Operations json.RawMessage `json:"operations"`
}

func readSpecification(program string) (spec specification, err error) {
	b, err := os.ReadFile(strings.TrimSuffix(program, ".wasm") + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return spec, nil
	}
	if err != nil {
		return spec, err
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		return spec, err
	}
	if spec.Operations != nil {
		return spec, errors.New("its specification has operations, which this runner does not understand")
	}
	return spec, nil
}

func TestSuite(t *testing.T) {
	root := os.Getenv(suite)
	if root == "" {
		t.Skipf("%s is not set; it names a folder of components made by components.sh", suite)
	}
	programs, err := filepath.Glob(filepath.Join(root, "*", "*.wasm"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("%s=%s has no programs (%v)", suite, root, err)
	}
	reasons := expected(t)
	for _, kind := range []engine.Kind{engine.Compiler, engine.Interpreter} {
		t.Run(kind.String(), func(t *testing.T) {
			r := newRunner(t, kind)
			passed, tested := 0, map[string]bool{}
			for _, program := range programs {
				rel, err := filepath.Rel(root, program)
				if err != nil {
					t.Fatal(err)
				}
				name := strings.TrimSuffix(filepath.ToSlash(rel), ".wasm")
				reason, known := reasons[kind.String()+" "+name]
				if !known {
					reason, known = reasons["* "+name]
				}
				tested[name] = true
				t.Run(name, func(t *testing.T) {
					err := r.run(t, program)
					switch {
					case err == nil && known:
						t.Errorf("it passes, though expect.txt says: %s", reason)
					case err != nil && !known:
						t.Error(err)
					case err == nil:
						passed++
					}
				})
			}
			for key := range reasons {
				if _, name, _ := strings.Cut(key, " "); !tested[name] {
					t.Errorf("expect.txt has %s, which is no test of the suite", name)
				}
			}
			t.Logf("%d of %d pass", passed, len(programs))
		})
	}
}

// runner runs programs on one engine.
type runner struct {
	engine *engine.Engine
	linker *engine.Linker
}

func newRunner(t *testing.T, kind engine.Kind) *runner {
	t.Helper()
	ctx := context.Background()
	e, err := engine.New(ctx, engine.Config{Kind: kind})
	if err != nil {
		t.Skipf("there is no such engine here: %v", err)
	}
	t.Cleanup(func() { _ = e.Close(ctx) })
	r := &runner{engine: e, linker: e.NewLinker()}
	if err := host.Link(r.linker, host.Config{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs a program as its specification says; the error is how the outcome differs.
func (r *runner) run(t *testing.T, program string) error {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	spec, err := readSpecification(program)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	c, err := r.engine.Compile(ctx, b)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	ln, err := r.linker.Link(ctx, c)
	if err != nil {
		return err
	}
	command, err := wasicli.FindRun(ln)
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	cfg := host.Config{Args: append([]string{filepath.Base(program)}, spec.Args...), Stdout: &stdout, Stderr: &stderr}
	for name, value := range spec.Env {
		cfg.Env = append(cfg.Env, cli.Variable{Name: name, Value: value})
	}
	if spec.Root != "" {
		p, err := rootCopy(t, filepath.Join(filepath.Dir(program), spec.Root))
		if err != nil {
			return err
		}
		defer p.Root.Close()
		cfg.Dirs = []filesystem.Preopen{p}
	}
	st := cfg.NewState(ctx)
	defer st.Close()
	inst, err := ln.Instantiate(ctx, engine.InstanceConfig{Host: st})
	if err != nil {
		return err
	}
	code, err := cli.Run(ctx, command, inst)
	err = errors.Join(err, inst.Close(ctx))
	switch {
	case code != spec.ExitCode || err != nil:
		return fmt.Errorf("exit code %d (%v), wanted %d\nstderr: %s", code, err, spec.ExitCode, &stderr)
	case spec.Stdout != nil && stdout.String() != *spec.Stdout:
		return fmt.Errorf("stdout is %q, wanted %q", &stdout, *spec.Stdout)
	case spec.Stderr != nil && stderr.String() != *spec.Stderr:
		return fmt.Errorf("stderr is %q, wanted %q", &stderr, *spec.Stderr)
	}
	return nil
}

// rootCopy makes a copy of the directory that programs share, for one of them.
func rootCopy(t *testing.T, dir string) (filesystem.Preopen, error) {
	to := t.TempDir()
	if _, err := os.Stat(dir); err == nil { // git has no empty directories
		if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
			return filesystem.Preopen{}, err
		}
	}
	return filesystem.OpenPreopen(to, "/", false)
}
