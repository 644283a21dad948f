package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/godwit-runtime/godwit/bindings/p2/wasicli"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/spf13/cobra"
)

func runCommand() *cobra.Command {
	var ef engineFlags
	var gf grantFlags
	c := &cobra.Command{
		Use:   "run FILE [ARGS]",
		Short: "Run a component that exports wasi:cli/run",
		Long: `Run a component that exports wasi:cli/run as a program. Its arguments are FILE
and ARGS, its input and output those of this process. The exit code is the
guest's own, or 134 when it traps.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runProgram(c.Context(), &ef, &gf, args)
		},
	}
	c.Flags().SetInterspersed(false)
	ef.add(c)
	gf.add(c)
	return c
}

func runProgram(ctx context.Context, ef *engineFlags, gf *grantFlags, args []string) error {
	cfg, err := gf.config()
	if err != nil {
		return err
	}
	limit, err := gf.memoryLimit()
	if err != nil {
		return err
	}
	cfg.Args, cfg.Stdin, cfg.Stdout, cfg.Stderr = args, os.Stdin, os.Stdout, os.Stderr
	e, err := ef.engine(ctx)
	if err != nil {
		return failed(err)
	}
	defer e.Close(ctx)
	ln, err := compileAndLink(ctx, e, args[0], cfg)
	if err != nil {
		return err
	}
	program, err := wasicli.FindRun(ln)
	if err != nil {
		return failed(fmt.Errorf("%s: %w", args[0], err))
	}
	stores, err := gf.openStores(args[0])
	if err != nil {
		return err
	}
	defer stores.close()
	cfg.KeyValue.Buckets = stores.buckets
	ctx, cancel := context.WithCancel(untilSignal(ctx))
	defer cancel()
	st := cfg.NewState(ctx)
	defer st.Close()
	inst, err := ln.Instantiate(ctx, engine.InstanceConfig{Host: st, MemoryLimit: limit})
	if err != nil {
		return failed(err)
	}
	code, err := cli.Run(ctx, program, inst)
	_ = inst.Close(context.WithoutCancel(ctx))
	if code == 0 {
		return nil
	}
	return &exitError{code: code, err: withBacktrace(err)}
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
