package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine/abi"
)

var bg = context.Background()

func TestExitCodes(t *testing.T) {
	c := &Command{}
	boom := errors.New("unreachable executed")
	for _, k := range []struct {
		name string
		err  error
		code int
		fail error
	}{
		{"run that returns ok", nil, 0, nil},
		{"run that returns an error", abi.ResultError[abi.Unit]{}, 1, nil},
		{"exit with ok", c.Exit(bg, abi.Result[abi.Unit, abi.Unit]{}), 0, nil},
		{"exit with an error", c.Exit(bg, abi.Result[abi.Unit, abi.Unit]{IsErr: true}), 1, nil},
		{"exit with a code, inside of a trap", &abi.Trap{Message: "host function failed", Err: c.ExitWithCode(bg, 42)}, 42, nil},
		{"a trap", boom, 134, boom},
	} {
		t.Run(k.name, func(t *testing.T) {
			if code, err := ExitCode(k.err); code != k.code || err != k.fail {
				t.Fatal(code, err)
			}
		})
	}
}

func TestStandardStreams(t *testing.T) {
	var out, errs bytes.Buffer
	c := &Command{Stdin: strings.NewReader("input"), Stdout: &out, Stderr: &errs}
	defer c.Close()
	w, _ := c.GetStdout(bg)
	_ = w.BlockingWriteAndFlush(bg, []byte("to out"))
	w.Drop(bg)
	w, _ = c.GetStdout(bg) // a second handle works after the first was dropped
	_ = w.BlockingWriteAndFlush(bg, []byte(" again"))
	w, _ = c.GetStderr(bg)
	_ = w.BlockingWriteAndFlush(bg, []byte("to err"))
	if out.String() != "to out again" || errs.String() != "to err" {
		t.Fatal(out.String(), errs.String())
	}
	in, _ := c.GetStdin(bg)
	b, err := in.BlockingRead(bg, 2)
	if string(b) != "in" || err != nil {
		t.Fatal(string(b), err)
	}
	in.Drop(bg)
	in, _ = c.GetStdin(bg) // and reads on where the first stopped
	if b, err := in.BlockingRead(bg, 100); string(b) != "put" || err != nil {
		t.Fatal(string(b), err)
	}
}

func TestZeroCommandGrantsNothing(t *testing.T) {
	c := &Command{}
	env, _ := c.GetEnvironment(bg)
	args, _ := c.GetArguments(bg)
	cwd, _ := c.InitialCwd(bg)
	term, _ := c.GetTerminalStdout(bg)
	if len(env) != 0 || len(args) != 0 || cwd.Some || term.Some {
		t.Fatal(env, args, cwd, term)
	}
	in, _ := c.GetStdin(bg)
	var se wasiio.StreamError
	if _, err := in.BlockingRead(bg, 1); !errors.As(err, &se) || se.Tag != wasiio.StreamErrorClosed {
		t.Fatal(err)
	}
	out, _ := c.GetStdout(bg)
	if err := out.BlockingWriteAndFlush(bg, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func TestEnvironmentKeepsItsOrder(t *testing.T) {
	c := &Command{Env: []Variable{{"B", "1"}, {"A", "2"}}, Args: []string{"app", "x"}}
	env, _ := c.GetEnvironment(bg)
	args, _ := c.GetArguments(bg)
	if s := fmt.Sprint(env, args); s != "[{B 1} {A 2}] [app x]" {
		t.Fatal(s)
	}
}
