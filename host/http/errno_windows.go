package http

import "syscall"

// The system's errors of connections (Winsock), by what they mean.
var (
	errnoRefused    = []error{syscall.Errno(10061)}
	errnoUnroutable = []error{syscall.Errno(10051), syscall.Errno(10065)}
	errnoReset      = []error{syscall.Errno(10054), syscall.Errno(10053)}
)
