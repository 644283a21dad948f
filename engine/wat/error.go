package wat

import "fmt"

// Error is a text that is not WebAssembly text. Line and Column count from 1;
// Column counts bytes.
type Error struct {
	Name    string // of the text, as given
	Line    int
	Column  int
	Message string
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}
