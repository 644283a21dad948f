package component

import (
	"errors"
	"fmt"
)

// Error is why bytes are not a valid component.
type Error struct {
	Offset int    // of the offending byte in the file
	Path   string // where in the component, such as "component[1] type[3]"; "" at the top
	Msg    string
}

func (e *Error) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s: %s (at offset %#x)", e.Path, e.Msg, e.Offset)
	}
	return fmt.Sprintf("%s (at offset %#x)", e.Msg, e.Offset)
}

// ErrCoreModule is returned for a core module.
var ErrCoreModule = errors.New("this is a core module, not a component; make one of it with `wasm-tools component new`")

// ErrNotWasm is returned for a file that does not start as WebAssembly does.
var ErrNotWasm = errors.New("this is not a WebAssembly file: it does not start with \\0asm")
