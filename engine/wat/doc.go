// Package wat is a placeholder until branch wat2 lands.
package wat

import "errors"

// Assemble is not implemented yet.
func Assemble(name string, text []byte) ([]byte, error) {
	return nil, errors.New("the text format is not implemented yet")
}
