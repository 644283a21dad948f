// Package server serves HTTP with a component that exports
// wasi:http/incoming-handler: Handler is an http.Handler that gives each
// request an instance of its own, Server puts it on a listener.
//
//	handler.go   the life of a request: limits, instance, answer
//	guest.go     the guest's side of it, on its own goroutine
//	body.go      the request's body, and its end
//	respond.go   sending what the guest writes
//	stall.go     clients that let it wait
//	status.go    what a failure is to the client and to the operator
//	output.go    the guest's stdout and stderr as lines
//	watch.go     changes of key-value stores, for a guest that exports a watcher
//	server.go    listening, HTTP/1.1 and HTTP/2, draining
//
// It may import package host and what that may import. It must not import
// wazero or a backend of a store.
package server
