// Package wat turns the text format into the binary one. It is not written yet.
//
// It imports nothing of this module.
package wat

import "errors"

// Assemble is not implemented yet.
func Assemble(name string, text []byte) ([]byte, error) {
	return nil, errors.New("the text format is not implemented yet")
}
