package core

import "runtime"

// rewriteRem says whether this platform's compiler needs rem rewritten: that of
// wazero 1.12.0 for arm64 computes a wrong remainder.
var rewriteRem = runtime.GOARCH == "arm64"

// remCode is not written yet.
func remCode(r *reader) ([]byte, error) { return r.b, nil }
