//go:build !windows

package http

import "syscall"

// The system's errors of connections, by what they mean.
var (
	errnoRefused    = []error{syscall.ECONNREFUSED}
	errnoUnroutable = []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH}
	errnoReset      = []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED}
)
