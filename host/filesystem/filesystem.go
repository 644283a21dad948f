// Package filesystem implements wasi:filesystem without any directory: a guest
// that asks gets an empty list of preopens, so that no descriptor exists whose
// methods it could call.
//
// It implements wasi:filesystem@0.2.12. It may import bindings and engine
// packages, and must not import package host or another subject.
package filesystem

import (
	"context"
	"errors"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
	"github.com/godwit-runtime/godwit/bindings/p2/wasiio"
	"github.com/godwit-runtime/godwit/engine"
	"github.com/godwit-runtime/godwit/engine/abi"
)

// Link defines wasi:filesystem in l.
func Link(l *engine.Linker) error {
	return errors.Join(
		wasifilesystem.LinkPreopens(l, func(*abi.Context) wasifilesystem.PreopensHost { return Files{} }),
		wasifilesystem.LinkTypes(l, func(*abi.Context) wasifilesystem.TypesHost { return Files{} }),
	)
}

// Files implements the functions of wasi:filesystem.
type Files struct{}

// GetDirectories implements wasifilesystem.PreopensHost.
func (Files) GetDirectories(context.Context) ([]abi.Tuple2[wasifilesystem.Descriptor, string], error) {
	return nil, nil
}

// FilesystemErrorCode implements wasifilesystem.TypesHost: no error of a stream
// is one of a file.
func (Files) FilesystemErrorCode(context.Context, wasiio.Error) (abi.Option[wasifilesystem.ErrorCode], error) {
	return abi.None[wasifilesystem.ErrorCode](), nil
}
