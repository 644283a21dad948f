package core

import "errors"

// A module whose native code is in the cache is given to wazero as a skeleton:
// the rewritten module with every function body replaced by the shortest one
// there is. The native code was made of the real bodies, which were validated
// then; what else wazero makes of a module does not depend on them. So it does
// not decode, validate and hash megabytes of code to find what it has no use
// for, nor keep them for as long as the module lives.
//
// wazero knows modules by the hash of their bytes. A custom section with the key
// of the code keeps skeletons of different modules apart.

// keySection is the name of that section.
const keySection = "godwit.code"

// emptyBody is a function body: its length, no locals, unreachable, end. It is
// valid whatever the function's type.
var emptyBody = []byte{3, 0, 0, opEnd}

// skeleton makes the skeleton of a rewritten module.
func skeleton(b []byte, key codeKey) ([]byte, error) {
	out := append([]byte(nil), b[:len(header)]...)
	r := &reader{b: b, p: len(header)}
	for r.more() {
		id := r.byte()
		body := r.sub()
		if id != secCode {
			out = appendSection(out, id, body.b)
			continue
		}
		n := body.count()
		code := appendU32(make([]byte, 0, n*len(emptyBody)+5), uint32(n))
		for range n {
			code = append(code, emptyBody...)
		}
		out = appendSection(out, secCode, code)
	}
	if r.err != nil {
		return nil, errors.New("the skeleton: " + r.err.Error())
	}
	return appendSection(out, secCustom, append(appendString(nil, keySection), key[:]...)), nil
}
