package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/godwit-runtime/godwit/bindings/p2/wasihttp"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/core"
	"github.com/godwit-runtime/godwit/host/cli"
	"github.com/godwit-runtime/godwit/host/http"
)

func TestOperatorsLine(t *testing.T) {
	frames := make([]core.Frame, 20)
	for i := range frames {
		frames[i] = core.Frame{Module: "m", Func: fmt.Sprint("f", i)}
	}
	for _, c := range []struct {
		name    string
		err     error
		message string
		text    string
		more    string
	}{
		{"a trap names its innermost frames", &engine.Trap{Message: "out of bounds", Backtrace: frames}, "guest trapped", "out of bounds", "at=m!f0 < m!f1 < m!f2 < m!f3 < m!f4 < m!f5 < m!f6 < m!f7 < …"},
		{"a trap without frames", &engine.Trap{Message: "unreachable"}, "guest trapped", "unreachable", ""},
		{"an exit hides the trap that carries it", &engine.Trap{Message: "host function failed", Err: &cli.ExitError{Code: 7}}, "guest exited", "the guest exited with code 7", ""},
		{"a defect has its stack", &engine.InternalError{Value: "nil map", Stack: []byte("main.go:1")}, "defect of the host", "panic in a host function: nil map", "stack=main.go:1"},
		{"no response", http.NotSetError{}, "guest gave no response", "the guest never set its response", ""},
		{"an error code", wasihttp.ErrorCode{Tag: wasihttp.ErrorCodeLoopDetected}, "guest answered with an error", "loop-detected", ""},
		{"anything else", errors.New("no memory"), "request failed", "no memory", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lineOf(c.err)
			var more []string
			for _, a := range l.more {
				more = append(more, a.String())
			}
			if l.level != slog.LevelError || l.message != c.message || l.err != c.text || strings.Join(more, " ") != c.more {
				t.Fatalf("%+v", l)
			}
		})
	}
	if l := lineOf(errClientGone); l.level != slog.LevelInfo {
		t.Fatal(l)
	}
}

func TestTimeoutOutranksTheTrapThatItCauses(t *testing.T) {
	log := &lockedBuffer{}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errTimeout)
	x := &exchange{h: New(nil, Config{Log: slog.New(slog.NewTextHandler(log, nil))}), r: newRequest(t, "GET", "http://h/"+strings.Repeat("x", 1000), ""), ctx: ctx}
	x.log(&engine.Trap{Message: "interrupted", Err: context.DeadlineExceeded})
	x.log(errors.New("second"))
	if s := log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "-W timeout=") || len(s) > 600 {
		t.Fatal(s)
	}
}
