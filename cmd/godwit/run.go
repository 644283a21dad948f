package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/godwit-runtime/godwit/bindings/p2/wasicli"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func runCommand() *cobra.Command {
	var ef engineFlags
	var gf grantFlags
	var invoke string
	c := &cobra.Command{
		Use:   "run FILE [ARGS]",
		Short: "Run a component that exports wasi:cli/run, or one function of a component",
		Long: `Run a component that exports wasi:cli/run as a program. Its arguments are FILE
and ARGS, its input and output those of this process. The exit code is the
guest's own, or 134 when it traps. SIGINT and SIGTERM end the guest.

With --invoke, one exported function is called instead, and its result printed;
arguments and result are written in WAVE: --invoke 'add(1, 2)', or
--invoke 'acme:math/ops#add(1, 2)' for a function of an interface.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := gf.config()
			if err != nil {
				return err
			}
			limits, err := gf.instance()
			if err != nil {
				return err
			}
			cfg.Args, cfg.Stdin, cfg.Stdout, cfg.Stderr = args, os.Stdin, os.Stdout, os.Stderr
			cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil)) // of what the guest is denied
			cfg.Terminals = cli.Terminals{Stdin: isTerminal(os.Stdin), Stdout: isTerminal(os.Stdout), Stderr: isTerminal(os.Stderr)}
			p := &program{path: args[0], cfg: cfg, data: &gf.dataFlags, limits: limits, invoke: invoke}
			return p.run(c.Context(), &ef)
		},
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringVar(&invoke, "invoke", "", "call the exported function NAME(ARGS) instead of wasi:cli/run, and print its result")
	ef.add(c)
	gf.add(c)
	return c
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// program is a component that is run once.
type program struct {
	path   string
	cfg    host.Config
	data   *dataFlags
	limits engine.InstanceConfig
	invoke string // "": it is a command
}

func (p *program) run(ctx context.Context, ef *engineFlags) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	err := p.toEnd(ctx, ef)
	var ended *interrupted
	if err != nil && errors.As(context.Cause(ctx), &ended) {
		return &exitError{code: ended.exitCode()}
	}
	return err
}

// toEnd runs the program until it ends, or ctx does.
func (p *program) toEnd(ctx context.Context, ef *engineFlags) error {
	e, err := ef.engine(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return failed(err)
	}
	defer e.Close(context.WithoutCancel(ctx))
	ln, err := compileAndLink(ctx, e, p.path, p.cfg)
	if err != nil {
		return err
	}
	enter, err := p.entry(ln)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", p.path, err))
	}
	stores, err := p.data.openStores(p.path)
	if err != nil {
		return err
	}
	defer stores.close()
	p.cfg.KeyValue.Buckets = stores.buckets
	st := p.cfg.NewState(ctx)
	defer st.Close()
	p.limits.Host = st
	inst, err := ln.Instantiate(ctx, p.limits)
	var code int
	if err == nil {
		code, err = enter(ctx, inst)
		_ = inst.Close(context.WithoutCancel(ctx))
	} else {
		code, err = cli.ExitCode(err)
	}
	if code == 0 && err == nil {
		return nil
	}
	return &exitError{code: code, err: withBacktrace(err)}
}

// entry finds what is to be called.
func (p *program) entry(ln *engine.Linked) (func(context.Context, *engine.Instance) (code int, err error), error) {
	if p.invoke != "" {
		return invocation(ln, p.invoke, os.Stdout)
	}
	program, err := wasicli.FindRun(ln)
	if err != nil {
		return nil, fmt.Errorf("%w; to call another export, pass --invoke", err)
	}
	return func(ctx context.Context, inst *engine.Instance) (int, error) { return cli.Run(ctx, program, inst) }, nil
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

func (i *interrupted) Error() string { return i.signal.String() }

// exitCode is what shells make of an end by the signal.
func (i *interrupted) exitCode() int {
	if n, ok := i.signal.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailure
}

// interruptible returns a context that the first SIGINT or SIGTERM ends, with an
// interrupted as its cause. The second ends the process, as it does without a handler.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			cancel(&interrupted{s})
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, func() { cancel(nil) }
}

// withBacktrace adds the core functions that were active when a guest trapped.
func withBacktrace(err error) error {
	var trap *engine.Trap
	if errors.As(err, &trap) {
		for _, f := range trap.Backtrace {
			err = fmt.Errorf("%w\n    %s", err, f)
		}
	}
	return err
}
