package io

import (
	"context"

	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
)

// Error is the resource error: why a stream operation failed.
type Error struct{ err error }

// NewError returns the resource for err. The guest can read its text.
func NewError(err error) *Error { return &Error{err: err} }

// ToDebugString implements wasiio.Error.
func (e *Error) ToDebugString(context.Context) (string, error) { return e.err.Error(), nil }

// Drop implements wasiio.Error.
func (e *Error) Drop(context.Context) {}

// Unwrap returns the Go error, for functions such as http-error-code.
func (e *Error) Unwrap() error { return e.err }

// Cause returns the Go error behind a guest's error resource, or nil.
func Cause(e wasiio.Error) error {
	if own, ok := e.(*Error); ok {
		return own.err
	}
	return nil
}

// closed is the stream error of a stream that has ended or has failed before.
func closed() error { return wasiio.StreamError{Tag: wasiio.StreamErrorClosed} }

// failed is the stream error that carries err, once.
func failed(err error) error {
	return wasiio.StreamError{Tag: wasiio.StreamErrorLastOperationFailed, LastOperationFailed: NewError(err)}
}
