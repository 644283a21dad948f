// Package ossocket is the sockets of the operating system, step by step: open,
// bind, connect or listen, accept, with options readable and writable at each
// step, which package net has no functions for. No call blocks but Read, Write
// and Wait, and those end when the socket is closed.
//
//	Socket              one socket (socket_unix.go, socket_windows.go)
//	Option              its options (options.go)
//	Cause               what an error of the system means (cause.go)
//
// On Unix the goroutines that wait are those of Go's own poller. A system that
// is neither Unix nor Windows has no sockets here: Open says so.
//
// It imports nothing of this module.
package ossocket

import (
	"errors"
	"net/netip"
	"strconv"
)

// Family is an address family.
type Family uint8

// The families. A socket of IPv6 carries no IPv4.
const (
	IPv4 Family = iota
	IPv6
)

// Kind is a kind of socket.
type Kind uint8

// The kinds.
const (
	TCP Kind = iota
	UDP
)

// Addr is the address of one end.
type Addr struct {
	IP    netip.Addr // without a zone
	Port  uint16
	Scope uint32 // of IPv6
}

// AddrPort is a without its scope.
func (a Addr) AddrPort() netip.AddrPort { return netip.AddrPortFrom(a.IP, a.Port) }

// String is for tests and logs.
func (a Addr) String() string {
	s := a.AddrPort().String()
	if a.Scope != 0 {
		s += " scope " + strconv.FormatUint(uint64(a.Scope), 10)
	}
	return s
}

// Direction is what to wait for.
type Direction uint8

// The directions. A listening socket with a connection to accept is readable; a
// connecting one that is done, with whatever outcome, is writable.
const (
	Readable Direction = iota
	Writable
)

// Errors that are not the system's.
var (
	// ErrWouldBlock is the error of an operation that cannot be done at once.
	ErrWouldBlock = errors.New("the operation would block")
	// ErrNotSupported is the error of what this system does not have.
	ErrNotSupported = errors.New("this system does not support it")
)
