package main

import (
	"fmt"
	"os"
	"time"

	"github.com/godwit-runtime/godwit/conformance/wast"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/spf13/cobra"
)

func wastCommand() *cobra.Command {
	var (
		kind, format, expect string
		timeout              time.Duration
		quiet                bool
	)
	c := &cobra.Command{
		Use:   "wast PATH…",
		Short: "Run test scripts (.wast), such as the official tests of the Component Model",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			kinds, err := engineKinds(kind)
			if err != nil {
				return err
			}
			if format != "text" && format != "json" {
				return usagef("--format %q: it is text or json", format)
			}
			list, err := readExpectations(expect)
			if err != nil {
				return failed(err)
			}
			cfg := wast.Config{Timeout: timeout}
			if !quiet {
				cfg.Began, cfg.Ended = progress()
			}
			bad := 0
			for _, k := range kinds {
				cfg.Engine = k
				n, err := runScripts(c, cfg, list, format, args)
				if err != nil {
					return failed(err)
				}
				bad += n
			}
			if bad > 0 {
				return &exitError{code: exitFailure}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&kind, "engine", "auto", "how core code runs: auto, compiler, interpreter, or both for the first and the last")
	f.StringVar(&format, "format", "text", "output: text, or json for every command and its outcome")
	f.StringVar(&expect, "expect", "", "file with the cases that are expected to fail: SCRIPT:LINE, two spaces, REASON on each line")
	f.DurationVar(&timeout, "timeout", wast.DefaultTimeout, "how long one script may take")
	f.BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	return c
}

func engineKinds(s string) ([]engine.Kind, error) {
	switch s {
	case "auto":
		return []engine.Kind{engine.Auto}, nil
	case "compiler":
		return []engine.Kind{engine.Compiler}, nil
	case "interpreter":
		return []engine.Kind{engine.Interpreter}, nil
	case "both":
		return []engine.Kind{engine.Auto, engine.Interpreter}, nil
	}
	return nil, usagef("--engine %q: it is auto, compiler, interpreter or both", s)
}

func readExpectations(path string) (*wast.Expectations, error) {
	if path == "" {
		return &wast.Expectations{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return wast.ReadExpectations(f)
}

// progress shows on a terminal which script runs.
func progress() (began func(script string, k, of int), ended func(script string, cases []wast.Case)) {
	st, err := os.Stderr.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return nil, nil
	}
	const clearLine = "\r\x1b[K"
	began = func(script string, k, of int) { fmt.Fprintf(os.Stderr, "%s%d/%d %s", clearLine, k+1, of, script) }
	ended = func(string, []wast.Case) { fmt.Fprint(os.Stderr, clearLine) }
	return began, ended
}

// runScripts runs the scripts on one engine and writes the report. It returns
// how much is not as it should be.
func runScripts(c *cobra.Command, cfg wast.Config, list *wast.Expectations, format string, paths []string) (int, error) {
	r, err := wast.Run(c.Context(), cfg, paths...)
	if err != nil {
		return 0, err
	}
	wrong := list.Apply(r)
	write := r.Text
	if format == "json" {
		write = r.JSON
	}
	if err := write(c.OutOrStdout()); err != nil {
		return 0, err
	}
	for _, w := range wrong {
		fmt.Fprintln(os.Stderr, w)
	}
	return len(wrong) + len(r.Failures()), nil
}
