// Command godwit runs WebAssembly components: it serves HTTP with them, runs
// them as programs, and says what they need.
//
// It owns flags and wiring only; what they configure is in the packages engine,
// host, host/server, wit and tools/bindgen. Nothing may import it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes; a guest's own exit code is passed on.
const (
	exitFailure = 1
	exitUsage   = 2
)

// exitError ends the command with a code. Err may be nil: nothing to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	// When nobody reads standard output any more, that is the guest's to hear and
	// no reason for a server to end.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	root := &cobra.Command{
		Use:           "godwit",
		Short:         "Run WebAssembly components: HTTP servers and programs, sandboxed",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), runCommand(), inspectCommand(), bindgenCommand(), wastCommand())
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(c, err)
	})
	c, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		// What cobra itself finds wrong: an unknown command, wrong arguments.
		errors.As(usageError(c, err), &exit)
	}
	if exit.err != nil {
		fmt.Fprintln(os.Stderr, "godwit:", exit.err)
	}
	return exit.code
}

func usageError(c *cobra.Command, err error) error {
	return &exitError{code: exitUsage, err: fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
}

// failed makes an error end the command with the code for failures.
func failed(err error) error {
	var exit *exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return &exitError{code: exitFailure, err: err}
}

func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return v
}
