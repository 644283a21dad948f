//go:build !unix

package filesystem

import "math"

// maxInProcess is how many files all instances may have open together: the
// system has no limit that others would run into.
func maxInProcess() int64 { return math.MaxInt64 }
