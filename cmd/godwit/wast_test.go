package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wastRun runs godwit wast and returns its output and exit code.
func wastRun(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = f
	code = run(append([]string{"wast"}, args...))
	os.Stdout = stdout
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b), code
}

func TestWastReportsAndItsExitCodeSaysWhetherAllIsAsExpected(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := write("good.wast", "(component)")
	bad := write("bad.wast", "(component)\n(assert_invalid (component) \"never\")")
	listed := write("listed.txt", "bad.wast:2  it is a lie\n")
	stale := write("stale.txt", "good.wast:1  it was a lie\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"all pass", []string{good}, 0, "1 of 1 commands pass"},
		{"one fails", []string{bad}, exitFailure, "bad.wast:2:1: assert_invalid\n    wanted  an error with \"never\"\n    got     no error"},
		{"one is expected to fail", []string{"--expect", listed, bad}, 0, "1 of 2 commands pass, 1 is expected to fail"},
		{"one passes unexpectedly", []string{"--expect", stale, good}, exitFailure, "passes, and was expected to fail: it was a lie"},
		{"both engines", []string{"--engine", "both", good}, 0, "on the interpreter engine"},
		{"no such engine", []string{"--engine", "x", good}, exitUsage, ""},
		{"no such format", []string{"--format", "x", good}, exitUsage, ""},
		{"no such file", []string{filepath.Join(dir, "x")}, exitFailure, ""},
		{"no list", []string{"--expect", filepath.Join(dir, "x"), good}, exitFailure, ""},
		{"nothing to run", nil, exitUsage, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := wastRun(t, c.args...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d; output:\n%s\nwant in it: %s", code, c.code, out, c.want)
			}
		})
	}
}

func TestWastWritesJSON(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x.wast")
	if err := os.WriteFile(p, []byte("(component)"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := wastRun(t, "--format", "json", "--engine", "both", p)
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(out)))
	for n := 0; ; n++ {
		var r struct {
			Engine        string
			Passed, Total int
			Cases         []struct{ Script, Command, Status string }
		}
		if err := d.Decode(&r); err != nil {
			if n != 2 {
				t.Errorf("%d reports, then %v", n, err)
			}
			return
		}
		if r.Passed != 1 || r.Total != 1 || len(r.Cases) != 1 || r.Cases[0].Script != "x.wast" || r.Cases[0].Status != "pass" {
			t.Errorf("report %+v", r)
		}
	}
}
