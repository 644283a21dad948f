// Package wast runs the scripts (.wast) that the official tests of the Component
// Model are written in, and reports what came out against what they ask for. It
// owns the list of expected failures and the table of results; the command is
// `godwit wast`.
//
// A command passes when it does what the script says and, where it must fail,
// fails for the reason that the script gives: the message that it expects must
// be in the error.
//
// It may import engine and its packages, and host; it must not import wazero or
// cmd.
package wast

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/wat"
)

// DefaultTimeout is how long a script may take unless the Config says otherwise.
const DefaultTimeout = 30 * time.Second

// Config says how scripts are run. The zero value is good.
type Config struct {
	Engine  engine.Kind
	Timeout time.Duration // of a script; 0 means DefaultTimeout
	// Began is called before each script, Ended after it; both may be nil.
	Began func(script string, k, of int)
	Ended func(script string, cases []Case)
}

// Case is the outcome of one command of a script.
type Case struct {
	Script       string // its path below the root that was given
	Line, Column int
	Command      string // as in scripts: assert_return, component definition
	Passed       bool
	Wanted, Got  string // of one that did not pass
	// Reason is why a failure is expected, "" when it is not; see Expectations.
	Reason string
}

// Find lists the scripts under the paths, files or directories. The name of each
// is its path below the directory that was given, with slashes, or the name of the file.
func Find(paths []string) (names, files []string, err error) {
	for _, root := range paths {
		st, err := os.Stat(root)
		if err != nil {
			return nil, nil, err
		}
		if !st.IsDir() {
			names, files = append(names, filepath.Base(root)), append(files, root)
			continue
		}
		err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(p) != ".wast" {
				return err
			}
			rel, err := filepath.Rel(root, p)
			names, files = append(names, filepath.ToSlash(rel)), append(files, p)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if len(files) == 0 {
		return nil, nil, errors.New("there are no .wast files here")
	}
	return names, files, nil
}

// Run runs the scripts under the paths, one after the other. An error is one of
// reading the files, or of ctx; what the scripts find is in the Report.
func Run(ctx context.Context, c Config, paths ...string) (*Report, error) {
	names, files, err := Find(paths)
	if err != nil {
		return nil, err
	}
	kind, err := resolve(ctx, c.Engine)
	if err != nil {
		return nil, err
	}
	r := &Report{Engine: kind.String()}
	start := time.Now()
	for k, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if c.Began != nil {
			c.Began(names[k], k, len(files))
		}
		cases := runScript(ctx, c, names[k], text)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.Ended != nil {
			c.Ended(names[k], cases)
		}
		r.Scripts++
		r.Cases = append(r.Cases, cases...)
	}
	r.Time = time.Since(start)
	slices.SortStableFunc(r.Cases, func(a, b Case) int { return compareScripts(a.Script, b.Script) })
	return r, nil
}

// resolve says how an engine of a kind runs core code on this machine.
func resolve(ctx context.Context, k engine.Kind) (engine.Kind, error) {
	e, err := engine.New(ctx, engine.Config{Kind: k})
	if err != nil {
		return k, err
	}
	return e.Kind(), e.Close(ctx)
}

// runScript carries out a script within its time. One that does not come back is
// left behind: its engine is never closed, and what it has not done has failed.
func runScript(ctx context.Context, c Config, name string, text []byte) []Case {
	s, err := wat.ReadScript(name, text)
	if err != nil {
		return []Case{unread(name, err)}
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the script took longer than %v", timeout))
	defer cancel()
	done := make(chan outcome, len(s.Commands))
	go func() {
		defer close(done)
		execute(ctx, c.Engine, s, done)
	}()
	cases := make([]Case, len(s.Commands))
	for k := range s.Commands {
		cmd := &s.Commands[k]
		cases[k] = Case{Script: name, Line: cmd.Line, Column: cmd.Column, Command: commandName(cmd), Wanted: wanted(cmd)}
	}
	settle(cases, done, timeout+grace)
	return cases
}

// grace is what a script gets beyond its time: a guest that runs is ended then,
// and that takes it a moment.
const grace = 5 * time.Second

// settle takes the outcomes of the cases in order, and gives up after a while.
func settle(cases []Case, done <-chan outcome, limit time.Duration) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for k := range cases {
		o := outcome{err: errors.New("not reached: the script is stuck, or ended before")}
		select {
		case got, ok := <-done:
			if ok {
				o = got
			}
		case <-late.C:
			late.Reset(0) // for those that follow, too
		}
		cases[k].settle(o)
	}
}

// unread is the case of a script that cannot be read.
func unread(name string, err error) Case {
	c := Case{Script: name, Line: 1, Column: 1, Command: "script", Wanted: "a script", Got: err.Error()}
	var at *wat.Error
	if errors.As(err, &at) {
		c.Line, c.Column, c.Got = at.Line, at.Column, at.Message
	}
	return c
}

func (c *Case) settle(o outcome) {
	if o.err == nil {
		c.Passed, c.Wanted = true, ""
		return
	}
	c.Got = o.err.Error()
}

// commandName is what the summaries call a command.
func commandName(c *wat.Command) string {
	noun := "component"
	if c.Module != nil && c.Module.Core {
		noun = "module"
	}
	switch {
	case c.Kind == wat.Define:
		return noun + " definition"
	case c.Kind == wat.Instantiate && c.Module == nil:
		return noun + " instance"
	case c.Kind == wat.Instantiate:
		return noun
	}
	return string(c.Kind)
}

// wanted says what a command is to do, for the report of one that does not.
func wanted(c *wat.Command) string {
	switch c.Kind {
	case wat.Define:
		return "a valid " + commandNoun(c.Module)
	case wat.Instantiate:
		return "an instance"
	case wat.Invoke, wat.Get:
		return "a result"
	case wat.AssertReturn:
		return writeConsts(c.Want)
	case wat.AssertException:
		return "an exception"
	case wat.Register:
		return "an instance to register"
	}
	return fmt.Sprintf("an error with %q", c.Message)
}

func commandNoun(m *wat.Module) string {
	if m.Core {
		return "module"
	}
	return "component"
}
