// Package cli implements wasi:cli: environment and arguments, standard streams,
// exit, and terminals, and runs a component that exports
// wasi:cli/run.
//
// It implements wasi:cli@0.2.12. It may import bindings, engine packages and
// host/io, and must not import package host or another subject.
package cli

import (
	"context"
	"errors"
	"fmt"
	goio "io"

	"github.com/godwit-runtime/godwit/bindings/p2/wasicli"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/io"
)

// ExitError is the cause of the trap that ends a guest which calls exit.
type ExitError struct{ Code uint8 }

func (e *ExitError) Error() string { return fmt.Sprintf("the guest exited with code %d", e.Code) }

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// Terminals says which of the standard streams are terminals.
type Terminals struct{ Stdin, Stdout, Stderr bool }

// Command is what one instance sees of wasi:cli.
type Command struct {
	Env  []Variable
	Args []string
	// Stdin is read ahead; nil is an input that has ended.
	Stdin goio.Reader
	// Stdout and Stderr get the guest's writes as they come; nil discards them.
	Stdout, Stderr goio.Writer
	Terminals      Terminals
	// Budget is charged for stream buffers.
	Budget *io.Budget

	stdin *io.Input // made by the first get-stdin, shared by all
}

// Close ends what the instance holds. A Read of Stdin that is under way goes
// on: nothing can interrupt it.
func (c *Command) Close() {
	if c.stdin != nil {
		c.stdin.Drop(context.Background())
	}
}

// Link defines wasi:cli in l; command picks the Command of the calling instance.
func Link(l *engine.Linker, command func(cx *abi.Context) *Command) error {
	return errors.Join(
		wasicli.LinkEnvironment(l, func(cx *abi.Context) wasicli.EnvironmentHost { return command(cx) }),
		wasicli.LinkExit(l, func(cx *abi.Context) wasicli.ExitHost { return command(cx) }),
		wasicli.LinkStdin(l, func(cx *abi.Context) wasicli.StdinHost { return command(cx) }),
		wasicli.LinkStdout(l, func(cx *abi.Context) wasicli.StdoutHost { return command(cx) }),
		wasicli.LinkStderr(l, func(cx *abi.Context) wasicli.StderrHost { return command(cx) }),
		wasicli.LinkTerminalInput(l),
		wasicli.LinkTerminalOutput(l),
		wasicli.LinkTerminalStdin(l, func(cx *abi.Context) wasicli.TerminalStdinHost { return command(cx) }),
		wasicli.LinkTerminalStdout(l, func(cx *abi.Context) wasicli.TerminalStdoutHost { return command(cx) }),
		wasicli.LinkTerminalStderr(l, func(cx *abi.Context) wasicli.TerminalStderrHost { return command(cx) }),
	)
}

// GetEnvironment implements wasicli.EnvironmentHost.
func (c *Command) GetEnvironment(context.Context) ([]abi.Tuple2[string, string], error) {
	env := make([]abi.Tuple2[string, string], len(c.Env))
	for i, v := range c.Env {
		env[i] = abi.Tuple2[string, string]{F0: v.Name, F1: v.Value}
	}
	return env, nil
}

// GetArguments implements wasicli.EnvironmentHost.
func (c *Command) GetArguments(context.Context) ([]string, error) { return c.Args, nil }

// InitialCwd implements wasicli.EnvironmentHost.
func (c *Command) InitialCwd(context.Context) (abi.Option[string], error) {
	return abi.None[string](), nil
}

// Exit implements wasicli.ExitHost.
func (c *Command) Exit(_ context.Context, status abi.Result[abi.Unit, abi.Unit]) error {
	if status.IsErr {
		return &ExitError{Code: 1}
	}
	return &ExitError{Code: 0}
}

// ExitWithCode implements wasicli.ExitHost.
func (c *Command) ExitWithCode(_ context.Context, code uint8) error { return &ExitError{Code: code} }

// stdinStream is one of the handles of the one standard input: dropping it does
// not lose what was read ahead.
type stdinStream struct{ *io.Input }

// Drop implements wasiio.InputStream.
func (stdinStream) Drop(context.Context) {}

// GetStdin implements wasicli.StdinHost.
func (c *Command) GetStdin(context.Context) (wasiio.InputStream, error) {
	if c.Stdin == nil {
		return io.Empty(), nil
	}
	if c.stdin == nil {
		c.stdin = io.NewInput(c.Stdin, io.InputConfig{Budget: c.Budget})
	}
	return stdinStream{c.stdin}, nil
}

// GetStdout implements wasicli.StdoutHost.
func (c *Command) GetStdout(context.Context) (wasiio.OutputStream, error) {
	return output(c.Stdout), nil
}

// GetStderr implements wasicli.StderrHost.
func (c *Command) GetStderr(context.Context) (wasiio.OutputStream, error) {
	return output(c.Stderr), nil
}

func output(w goio.Writer) *io.Output {
	if w == nil {
		w = goio.Discard
	}
	return io.NewOutput(w)
}

// terminal is the handle of a terminal; there is nothing to do with one yet.
type terminal struct{}

func (terminal) Drop(context.Context) {}

// GetTerminalStdin implements wasicli.TerminalStdinHost.
func (c *Command) GetTerminalStdin(context.Context) (abi.Option[wasicli.TerminalInput], error) {
	if !c.Terminals.Stdin {
		return abi.None[wasicli.TerminalInput](), nil
	}
	return abi.Some[wasicli.TerminalInput](terminal{}), nil
}

// GetTerminalStdout implements wasicli.TerminalStdoutHost.
func (c *Command) GetTerminalStdout(context.Context) (abi.Option[wasicli.TerminalOutput], error) {
	return terminalOutput(c.Terminals.Stdout), nil
}

// GetTerminalStderr implements wasicli.TerminalStderrHost.
func (c *Command) GetTerminalStderr(context.Context) (abi.Option[wasicli.TerminalOutput], error) {
	return terminalOutput(c.Terminals.Stderr), nil
}

func terminalOutput(is bool) abi.Option[wasicli.TerminalOutput] {
	if !is {
		return abi.None[wasicli.TerminalOutput]()
	}
	return abi.Some[wasicli.TerminalOutput](terminal{})
}

// Run calls what the component exports as wasi:cli/run and returns its exit
// code. The error is nil unless the guest trapped for another reason than exit.
func Run(ctx context.Context, run *wasicli.RunExport, inst *engine.Instance) (code int, err error) {
	return ExitCode(run.Run(ctx, inst))
}

// ExitCode turns the error of a call into an exit code; 134 is that of a trap.
// The error is nil unless the guest trapped for another reason than exit.
func ExitCode(err error) (code int, trap error) {
	var exit *ExitError
	var failed abi.ResultError[abi.Unit]
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return int(exit.Code), nil
	case errors.As(err, &failed):
		return 1, nil
	}
	return 134, err
}
