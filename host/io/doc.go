// Package io implements wasi:io: pollables that truly wait, input streams over
// a Go io.Reader, output streams over a Go io.Writer, and pipes between a guest
// and the host, each with a bounded buffer. The other subjects of package host
// build their streams and pollables from it.
//
//	Event, Pollable     something to wait for; wasi:io/poll (wait.go, poll.go)
//	Input               input-stream over a Reader that may block (input.go)
//	Output              output-stream over a Writer that does not (output.go)
//	Pipe                output-stream of the guest that the host reads (pipe.go)
//	Budget              what the host may allocate for one instance (budget.go)
//	Error               wasi:io/error (error.go)
//
// It implements wasi:io@0.2.12. It may import bindings and engine packages, and
// must not import package host, another subject or net/http.
package io
