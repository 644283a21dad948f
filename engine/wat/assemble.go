package wat

import "errors"

// Assemble turns the text of one core module or component into its binary. Name
// stands before the position in errors, which are *Error. The text is
// (module …), (component …), or the fields of a module without the parentheses
// around them.
func Assemble(name string, text []byte) (binary []byte, err error) {
	nodes, err := read(name, text)
	if err != nil {
		return nil, err
	}
	_ = nodes
	return nil, errors.New("the text format is not implemented yet")
}
