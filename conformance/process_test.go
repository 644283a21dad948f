package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/godwit-runtime/godwit/engine/wat"
)

// buildDir is where the command is built; "" before it is.
var buildDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "godwit")
	if err != nil {
		return "", err
	}
	buildDir = dir
	bin := filepath.Join(dir, "godwit.exe") // Windows wants the suffix
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/godwit").CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

// command is the path of the command, built for the tests that need a process
// to look at.
func command(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// process is a running `godwit serve`.
type process struct {
	cmd    *exec.Cmd
	url    string
	stderr *lines // after the ready line
}

// start runs `godwit serve` on a free port until the test ends.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	cmd := exec.Command(command(t), append([]string{"serve", "--addr", "127.0.0.1:0", "--no-cache"}, args...)...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := bufio.NewReader(pipe)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("no ready line: %q, %v", line, err)
	}
	m := regexp.MustCompile(`^Serving HTTP on (http://\S+)/\n$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the ready line is %q", line)
	}
	p := &process{cmd: cmd, url: m[1], stderr: &lines{}}
	go io.Copy(p.stderr, r)
	return p
}

func TestServeSaysWhyItDoesNotStart(t *testing.T) {
	hello, err := os.ReadFile("../examples/hello/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) []byte {
		b, err := wat.Assemble("test", []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	at := func(offset int, b ...byte) []byte {
		c := bytes.Clone(hello)
		copy(c[offset:], b)
		return c
	}
	const failure, usage = 1, 2
	cases := []struct {
		name string
		file []byte   // nil: there is none
		args []string // FILE stands for its path
		code int
		// want is the first line of what the command says, without the path.
		want string
	}{
		{"no such file", nil, nil, failure, `no such file or directory`},
		{"an empty file", []byte{}, nil, failure, `this is not a WebAssembly file: it does not start with \\0asm`},
		{"a file of something else", []byte("#!/bin/sh\n"), nil, failure, `this is not a WebAssembly file`},
		{"a file cut off in its header", hello[:6], nil, failure, `unexpected end.* \(at offset 0x6\)`},
		{"a file cut off in the middle", hello[:len(hello)/2], nil, failure, `unexpected end.* \(at offset 0x[0-9a-f]+\)`},
		{"a file cut off before its last byte", hello[:len(hello)-1], nil, failure, `unexpected end.* \(at offset 0x[0-9a-f]+\)`},
		{"a type that is none", at(300, 0xff, 0xff, 0xff, 0xff), nil, failure, `type\[\d+\]: .* \(at offset 0x[0-9a-f]+\)`},
		{"an unknown version", at(4, 0xee), nil, failure, `version`},
		{"a core module", text(`(module (func (export "f")))`), nil, failure, `core module.*component`},
		{"a core module of preview 1", text(`(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))`), nil, failure, `core module for WASI preview 1, not a component\. Make a component of it:`},
		{"a component that exports no handler", text(`(component)`), nil, failure, `does not export wasi:http/incoming-handler.*; it exports nothing`},
		{"an import that no host has", text(`(component (import "acme:clock/time@1.0.0" (instance (export "now" (func (result u64))))))`), nil, failure,
			`import acme:clock/time@1\.0\.0 is not granted; not a WASI interface; link it with your own host`},
		{"an import of another type", text(`(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u32))))))`), nil, failure,
			`import wasi:random/random@0\.2\.0: get-random-u64 has another type here: the component wants .*u32.*, the host has .*u64`},
		{"an address that is none", hello, []string{"--addr", "127.0.0.1:99999", "FILE"}, failure, `--addr 127\.0\.0\.1:99999: .*invalid port`},
		{"no file named", hello, []string{"--addr", "127.0.0.1:0"}, usage, `.*see godwit serve --help`},
		{"an unknown flag", hello, []string{"--no-such-flag", "FILE"}, usage, `unknown flag: --no-such-flag \(see godwit serve --help\)`},
		{"a timeout that is none", hello, []string{"-W", "timeout=soon", "FILE"}, usage, `-W timeout=soon: the timeout is a duration such as 10s`},
		{"a pattern that is none", hello, []string{"--allow-outbound", "ftp://x", "FILE"}, usage, `--allow-outbound ftp://x: .*ftp`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "guest.wasm")
			if c.file != nil {
				if err := os.WriteFile(path, c.file, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.args == nil {
				c.args = []string{"FILE"}
			}
			args := []string{"serve", "--no-cache"}
			for _, a := range c.args {
				args = append(args, strings.ReplaceAll(a, "FILE", path))
			}
			out, err := exec.Command(command(t), args...).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("%v, wanted exit code %d", err, c.code)
			}
			first, _, _ := strings.Cut(string(out), "\n")
			first = strings.ReplaceAll(first, path, "FILE")
			if !strings.HasPrefix(first, "godwit: ") || !regexp.MustCompile(c.want).MatchString(first) {
				t.Errorf("it says %q, wanted %s", first, c.want)
			}
			if strings.Contains(string(out), "goroutine ") {
				t.Errorf("it panics:\n%s", out)
			}
		})
	}
}

func TestServeLogsFailedRequestsInTheFormAskedFor(t *testing.T) {
	for _, form := range []string{"text", "json"} {
		t.Run(form, func(t *testing.T) {
			p := start(t, "--log-format", form, torture)
			resp, err := http.Post(p.url+"/trap", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 500 {
				t.Errorf("status %d", resp.StatusCode)
			}
			got := p.stderr.settled(1)
			if len(got) != 1 {
				t.Fatalf("the operator got %q, wanted one line", got)
			}
			if form == "text" {
				if want := regexp.MustCompile(`^time=\S+ level=ERROR msg="guest trapped" request=0 method=POST path=/trap error=".*unreachable.*" cpu=\S+ at=".+"$`); !want.MatchString(got[0]) {
					t.Errorf("the line is %s", got[0])
				}
				return
			}
			var line struct{ Level, Msg, Request, Path, Error string }
			if err := json.Unmarshal([]byte(got[0]), &line); err != nil {
				t.Fatal(err, got)
			}
			if line.Level != "ERROR" || line.Msg != "guest trapped" || line.Request != "0" || line.Path != "/trap" || !strings.Contains(line.Error, "unreachable") {
				t.Errorf("the line is %+v", line)
			}
		})
	}
}
