package abi

import (
	"errors"
	"fmt"
)

// This file is what generated bindings call where a host function, or a caller
// of the guest, did something wrong.

func (e ResultError[E]) Error() string {
	if _, ok := any(e.Value).(Unit); ok {
		return "the function returned an error"
	}
	return fmt.Sprintf("the function returned the error %v", e.Value)
}

// AsError returns the error value of function's WIT result that a host function
// returned as err. Any other error traps the guest.
func AsError[E error](err error, function string) E {
	if e, ok := err.(E); ok {
		return e
	}
	var e E
	if !errors.As(err, &e) {
		TrapHost(err, function)
	}
	return e
}

// TrapHost traps because the host's function failed. A trap that the host
// returned stays as it is.
func TrapHost(err error, function string) {
	var t *Trap
	if errors.As(err, &t) {
		panic(t)
	}
	panic(&Trap{Message: "host function " + function + " failed", Err: err})
}

// TrapObject traps because the representation behind a handle does not
// implement resource's Go interface: the host gave out a wrong object.
func TrapObject(resource string) {
	panic(&Trap{Message: "the host's object does not implement resource " + resource})
}

// GoneError is the error of using a resource that is nil, was dropped or passed
// on, or belongs to another instance.
func GoneError(resource string) error {
	return &Trap{Message: "resource " + resource + " is nil, gone or of another instance"}
}

// TrapGone traps with GoneError.
func TrapGone(resource string) { panic(GoneError(resource)) }
