// Package http implements wasi:http: the types of requests, responses, fields
// and bodies, and the outgoing handler, over net/http. Bodies stream both ways
// through the bounded buffers of host/io.
//
//	State               what one instance holds (state.go)
//	Fields              headers and trailers (fields.go, syntax.go)
//	IncomingRequest, Outparam, OutgoingResponse    a request that the guest answers
//	OutgoingRequest, FutureIncomingResponse, IncomingResponse    a request that the guest makes
//	IncomingBody, OutgoingBody                     bodies and trailers
//	Client              where guests may send requests (client.go, policy.go, dial.go)
//
// It implements wasi:http@0.2.12. It may import bindings, engine packages,
// host/io and host/netpolicy, and must not import package host or another subject.
package http
