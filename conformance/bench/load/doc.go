// Command load measures HTTP servers through sockets: what a guest costs beside
// a bare net/http handler that answers the same bytes, how latency holds beside
// guests that loop, how soon a process answers. `make bench-http` runs it.
//
//	go run ./conformance/bench/load -godwit bin/godwit [flags] [case …]
//
// Without cases it runs all of them; -list says what there is. Servers are
// processes of their own and take turns, round by round, so that what else the
// machine does falls on all of them. Figures are medians over the rounds.
//
//	main.go       flags, and which cases run
//	cases.go      what is asked for, and what it is compared with
//	run.go        a case: servers started, rounds in turn
//	client.go     the load: connections that ask again and again
//	wire.go       as much of HTTP/1.1 as a client under a clock needs
//	process.go    the servers as processes; what they use (usage_*.go)
//	bare.go       the baseline
//	beside.go     latency beside guests that loop
//	inprocess.go  guests that loop, without sockets: deadlines, the collector
//	start.go      from a process's start to its first answer
//	histogram.go  latencies in bounded memory
//	report.go     the figures, as text or JSON
//
// The load is generated on the same machine as the servers, and so takes time
// from them. It is kept small: one goroutine a connection over a plain socket, a
// request that is made once and written in one piece, a response that is read
// into one buffer and compared in place, without net/http and without allocating.
// Each connection sends its next request when it has the answer to the last (a
// closed loop), unless it is paced: then a latency counts from the instant at
// which its request was due, so that a server that stalls is not spared the
// requests that it kept from being sent.
//
// It may import everything; nothing may import it.
package main
