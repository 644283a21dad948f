package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/host/cli"
)

// invocation reads a call such as add(1, 2) or acme:math/ops#add(1, 2), and
// returns what makes it and prints the result to out.
func invocation(ln *engine.Linked, call string, out io.Writer) (func(context.Context, *engine.Instance) (int, error), error) {
	open := strings.IndexByte(call, '(')
	if open < 0 {
		return nil, usagef("--invoke %q: it is NAME(ARGS), such as add(1, 2), or run() when there are none", call)
	}
	iface, name := "", call[:open]
	if k := strings.LastIndexByte(name, '#'); k >= 0 {
		iface, name = name[:k], name[k+1:]
	}
	x, err := ln.Interface(iface)
	if err != nil {
		return nil, fmt.Errorf("--invoke: %w", err)
	}
	f, err := x.Func(name, nil)
	if err != nil {
		return nil, fmt.Errorf("--invoke: %w", err)
	}
	args, err := abi.ParseArgs(f.Type().Params, call[open:])
	if err != nil {
		return nil, usagef("--invoke: the arguments %s: %w; %s is a %s", call[open:], err, name, f.Type())
	}
	return func(ctx context.Context, inst *engine.Instance) (int, error) {
		v, err := f.Call(ctx, inst, args...)
		if err != nil {
			return cli.ExitCode(err)
		}
		if t := f.Type().Result; t != nil {
			_, err = fmt.Fprintln(out, abi.Format(t, v))
		}
		return exitOf(err), err
	}, nil
}

// exitOf is the exit code for a failure of this process's own.
func exitOf(err error) int {
	if err != nil {
		return exitFailure
	}
	return 0
}
