package abi

import "fmt"

// trapf makes a Trap; it is for the way out, never for a path that goes on.
func trapf(format string, args ...any) *Trap {
	return &Trap{Message: fmt.Sprintf(format, args...)}
}

// What a range of memory is of; it decides the wording of traps.
type rangeOf uint8

const (
	ofPointer rangeOf = iota // spilled parameters or a result
	ofString
	ofList
)

// The reference tests word a violation after who notices it: the host, or code
// between two components. Index 0 is the host's.
var (
	trapUnaligned = [2]*Trap{
		{Message: "unaligned pointer"},
		{Message: "wasm trap: unaligned pointer"},
	}
	trapReallocUnaligned = [2]*Trap{
		{Message: "realloc return: result not aligned"},
		{Message: "wasm trap: unaligned pointer"},
	}
	trapOutOfBounds = [3][2]*Trap{
		ofPointer: {
			{Message: "pointer out of bounds of memory"},
			{Message: "wasm trap: pointer out of bounds of memory"},
		},
		ofString: {
			{Message: "string pointer/length out of bounds of memory"},
			{Message: "wasm trap: string content out-of-bounds"},
		},
		ofList: {
			{Message: "list pointer/length out of bounds of memory"},
			{Message: "wasm trap: list content out-of-bounds"},
		},
	}
	trapReallocOutOfBounds = [3][2]*Trap{
		ofPointer: {
			{Message: "realloc return: beyond end of memory"},
			{Message: "wasm trap: pointer out of bounds of memory"},
		},
		ofString: {
			{Message: "realloc return: beyond end of memory"},
			{Message: "wasm trap: string content out-of-bounds"},
		},
		ofList: {
			{Message: "realloc return: beyond end of memory"},
			{Message: "wasm trap: list content out-of-bounds"},
		},
	}
	trapNoMemory  = &Trap{Message: "the canonical option `memory` is required and missing"}
	trapNoRealloc = &Trap{Message: "the canonical option `realloc` is required and missing"}
	trapCase      = &Trap{Message: "invalid variant discriminant"}
	trapChar      = &Trap{Message: "invalid `char` bit pattern"}
)

func (cx *Context) side() int {
	if cx.Between {
		return 1
	}
	return 0
}
