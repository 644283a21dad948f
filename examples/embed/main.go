// Command embed shows a Go program that hosts components of a world of its own:
// wit/plugin.wit. Package textplugin was generated from it; plugin.wasm is one
// such component, in C (guest/).
//
//	go run ./examples/embed README.md LICENSE
//
// It owns the host's side of the world: the logger. Nothing may import it.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
	"github.com/godwit-runtime/godwit/examples/embed/textplugin"
)

//go:embed plugin.wasm
var plugin []byte

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// run analyzes each file with an instance of the plugin.
func run(ctx context.Context, out io.Writer, files []string) error {
	e, err := engine.New(ctx, engine.Config{})
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	c, err := e.Compile(ctx, plugin)
	if err != nil {
		return err
	}
	l := e.NewLinker()
	// The logger of an instance is what the instance was given as its host.
	err = textplugin.LinkLogger(l, func(cx *abi.Context) textplugin.LoggerHost { return cx.Host.(*logger) })
	if err != nil {
		return err
	}
	linked, err := l.Link(ctx, c)
	if err != nil {
		return err
	}
	analysis, err := textplugin.FindAnalysis(linked)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := analyze(ctx, out, linked, analysis, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// analyze makes an instance for one file: what a plugin does to one, or to
// itself, is no matter to the next.
func analyze(ctx context.Context, out io.Writer, linked *engine.Linked, analysis *textplugin.AnalysisExport, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	inst, err := linked.Instantiate(ctx, engine.InstanceConfig{Host: &logger{out: out}, MemoryLimit: 64 << 20})
	if err != nil {
		return err
	}
	defer inst.Close(ctx)
	report, err := analysis.Analyze(ctx, inst, string(text), 3)
	var failure textplugin.Failure
	if errors.As(err, &failure) { // what the WIT says can go wrong; anything else is a trap
		if failure.Tag == textplugin.FailureTooManyWords {
			fmt.Fprintf(out, "%s: more than %d words\n", name, failure.TooManyWords)
		} else {
			fmt.Fprintf(out, "%s: %v\n", name, failure)
		}
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d words in %d lines; most of all", name, report.Words, report.Lines)
	for _, w := range report.Top {
		fmt.Fprintf(out, " %s (%d)", w.Text, w.Count)
	}
	fmt.Fprintln(out)
	return nil
}

// logger implements the interface that plugins import.
type logger struct{ out io.Writer }

// NewLog implements textplugin.LoggerHost.
func (l *logger) NewLog(_ context.Context, name string) (textplugin.Log, error) {
	return &log{out: l.out, name: name}, nil
}

// log implements the resource of that interface.
type log struct {
	out   io.Writer
	name  string
	lines uint32
}

func (l *log) Write(_ context.Context, level textplugin.Level, message string, fields []textplugin.Field) error {
	l.lines++
	fmt.Fprintf(l.out, "[%s] %s: %s", l.name, level, message)
	for _, f := range fields {
		fmt.Fprintf(l.out, " %s=%s", f.Key, f.Value)
	}
	fmt.Fprintln(l.out)
	return nil
}

func (l *log) Lines(context.Context) (uint32, error) { return l.lines, nil }

func (l *log) Drop(context.Context) {}
