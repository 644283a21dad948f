//go:build unix

package filesystem

import (
	"math"
	"sync"
	"syscall"
)

// maxInProcess is how many files all instances may have open together: half of
// what the process may.
var maxInProcess = sync.OnceValue(func() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt64
	}
	return int64(min(uint64(limit.Cur), math.MaxInt64) / 2)
})
