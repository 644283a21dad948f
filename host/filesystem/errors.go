package filesystem

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// The texts of errors that os.Root has no value or number for.
const (
	escapes      = "path escapes from parent"
	notDirectory = "not a directory"
)

// codeOf is the error-code for an error of the system.
func codeOf(err error) wasifilesystem.ErrorCode {
	var code wasifilesystem.ErrorCode
	if errors.As(err, &code) {
		return code
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return codeOfErrno(errno)
	}
	if e := inner(err); e != nil {
		switch e.Error() {
		case escapes:
			return wasifilesystem.ErrorCodeNotPermitted
		case notDirectory:
			return wasifilesystem.ErrorCodeNotDirectory
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wasifilesystem.ErrorCodeNoEntry
	case errors.Is(err, fs.ErrExist):
		return wasifilesystem.ErrorCodeExist
	case errors.Is(err, fs.ErrPermission):
		return wasifilesystem.ErrorCodeAccess
	case errors.Is(err, fs.ErrClosed):
		return wasifilesystem.ErrorCodeBadDescriptor
	case errors.Is(err, fs.ErrInvalid):
		return wasifilesystem.ErrorCodeInvalid
	case errors.Is(err, errors.ErrUnsupported):
		return wasifilesystem.ErrorCodeUnsupported
	}
	return wasifilesystem.ErrorCodeIO
}

// inner is the error that a PathError or LinkError is about.
func inner(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return nil
}

// result is what a method returns for an error of the system, or nil.
func result(err error) error {
	if err == nil {
		return nil
	}
	return codeOf(err)
}
