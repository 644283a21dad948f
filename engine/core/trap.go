package core

import (
	"context"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero/sys"
)

// Trap is the error of core code that did not return.
type Trap struct {
	// Message is "wasm trap: …" in the words of the specification's tests when
	// the core code trapped, else what ended it.
	Message   string
	Backtrace []Frame // innermost first; may be cut short
	// Err is what a host function panicked with or why the context ended; nil
	// for a trap of core code.
	Err error
}

func (t *Trap) Error() string { return t.Message }

// Unwrap returns Err.
func (t *Trap) Unwrap() error { return t.Err }

// Frame is a core function that was active when a trap occurred.
type Frame struct {
	Module string
	Func   string // its name, or $ and its index, and its type
}

func (f Frame) String() string { return f.Module + "!" + f.Func }

// wordings translates wazero's messages to the tests' wording.
var wordings = map[string]string{
	"stack overflow":                "call stack exhausted",
	"invalid table access":          "undefined element",
	"invalid conversion to integer": "invalid conversion to integer",
	"unreachable":                   "wasm `unreachable` instruction executed",
	"uncaught exception":            "uncaught exception",
}

const (
	trapPrefix  = "wasm error: "
	tracePrefix = "\nwasm stack trace:"
	goPrefix    = "\n\nGo runtime stack trace:"
	startPrefix = "start function["
	startSuffix = "] failed: "
)

// trap makes a Trap of the error of a call made with ctx. wazero reports by
// text: a first line, then a stack trace of core functions.
func trap(ctx context.Context, err error) error {
	var inner *Trap
	var exit *sys.ExitError
	var panicked *HostPanic
	switch {
	case errors.As(err, &inner) && inner.Backtrace != nil:
		return err
	case errors.As(err, &exit) && ctx.Err() != nil:
		return ended(ctx.Err(), context.Cause(ctx))
	case errors.As(err, &exit):
		return &Trap{Message: "the instance is closed", Err: err}
	}
	text, _, _ := strings.Cut(err.Error(), goPrefix)
	head, trace, _ := strings.Cut(text, tracePrefix)
	if start, rest, ok := strings.Cut(head, startSuffix); ok && strings.HasPrefix(start, startPrefix) {
		head = rest
	}
	if inner != nil {
		return &Trap{Message: inner.Message, Backtrace: frames(trace), Err: inner.Err}
	}
	t := &Trap{Backtrace: frames(trace)}
	// The compiler reports this one without the prefix and the trace.
	if head == "stack overflow" {
		head = trapPrefix + head
	}
	if what, ok := strings.CutPrefix(head, trapPrefix); ok {
		if w, ok := wordings[what]; ok {
			what = w
		}
		t.Message = "wasm trap: " + what
		return t
	}
	if errors.As(err, &panicked) {
		t.Message, t.Err = panicked.Error(), panicked
		return t
	}
	// What the host function panicked with is wrapped in wazero's text.
	if t.Err = errors.Unwrap(err); t.Err == nil {
		t.Err = err
	}
	t.Message = strings.TrimSuffix(head, " (recovered by wazero)")
	return t
}

// frames reads wazero's stack trace: "module.func(types) types" to a line, the
// module being the name that rewriting gave it.
func frames(trace string) []Frame {
	var out []Frame
	for line := range strings.SplitSeq(trace, "\n\t") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "...") { // as many as wazero keeps
			continue
		}
		module, fn, ok := strings.Cut(line, ".")
		if !ok {
			module, fn = "", line
		}
		if module == fuelModule && strings.HasPrefix(fn, fuelCheck+"(") {
			continue // it is no function of the guest's
		}
		out = append(out, Frame{Module: module, Func: fn})
	}
	return out
}
