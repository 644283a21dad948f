//go:build !windows

package filesystem

import (
	"syscall"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// codes has the errors of POSIX, by their numbers.
var codes = map[syscall.Errno]wasifilesystem.ErrorCode{
	syscall.EACCES:       wasifilesystem.ErrorCodeAccess,
	syscall.EAGAIN:       wasifilesystem.ErrorCodeWouldBlock,
	syscall.EALREADY:     wasifilesystem.ErrorCodeAlready,
	syscall.EBADF:        wasifilesystem.ErrorCodeBadDescriptor,
	syscall.EBUSY:        wasifilesystem.ErrorCodeBusy,
	syscall.EDEADLK:      wasifilesystem.ErrorCodeDeadlock,
	syscall.EDQUOT:       wasifilesystem.ErrorCodeQuota,
	syscall.EEXIST:       wasifilesystem.ErrorCodeExist,
	syscall.EFBIG:        wasifilesystem.ErrorCodeFileTooLarge,
	syscall.EILSEQ:       wasifilesystem.ErrorCodeIllegalByteSequence,
	syscall.EINPROGRESS:  wasifilesystem.ErrorCodeInProgress,
	syscall.EINTR:        wasifilesystem.ErrorCodeInterrupted,
	syscall.EINVAL:       wasifilesystem.ErrorCodeInvalid,
	syscall.EIO:          wasifilesystem.ErrorCodeIO,
	syscall.EISDIR:       wasifilesystem.ErrorCodeIsDirectory,
	syscall.ELOOP:        wasifilesystem.ErrorCodeLoop,
	syscall.EMLINK:       wasifilesystem.ErrorCodeTooManyLinks,
	syscall.EMSGSIZE:     wasifilesystem.ErrorCodeMessageSize,
	syscall.ENAMETOOLONG: wasifilesystem.ErrorCodeNameTooLong,
	syscall.ENODEV:       wasifilesystem.ErrorCodeNoDevice,
	syscall.ENOENT:       wasifilesystem.ErrorCodeNoEntry,
	syscall.ENOLCK:       wasifilesystem.ErrorCodeNoLock,
	syscall.ENOMEM:       wasifilesystem.ErrorCodeInsufficientMemory,
	syscall.EMFILE:       wasifilesystem.ErrorCodeInsufficientMemory, // there is no code of its own
	syscall.ENFILE:       wasifilesystem.ErrorCodeInsufficientMemory,
	syscall.ENOSPC:       wasifilesystem.ErrorCodeInsufficientSpace,
	syscall.ENOTDIR:      wasifilesystem.ErrorCodeNotDirectory,
	syscall.ENOTEMPTY:    wasifilesystem.ErrorCodeNotEmpty,
	syscall.ENOSYS:       wasifilesystem.ErrorCodeUnsupported,
	syscall.ENOTSUP:      wasifilesystem.ErrorCodeUnsupported,
	syscall.ENOTTY:       wasifilesystem.ErrorCodeNoTty,
	syscall.ENXIO:        wasifilesystem.ErrorCodeNoSuchDevice,
	syscall.EOVERFLOW:    wasifilesystem.ErrorCodeOverflow,
	syscall.EPERM:        wasifilesystem.ErrorCodeNotPermitted,
	syscall.EPIPE:        wasifilesystem.ErrorCodePipe,
	syscall.EROFS:        wasifilesystem.ErrorCodeReadOnly,
	syscall.ESPIPE:       wasifilesystem.ErrorCodeInvalidSeek,
	syscall.ETXTBSY:      wasifilesystem.ErrorCodeTextFileBusy,
	syscall.EXDEV:        wasifilesystem.ErrorCodeCrossDevice,
}

// codeOfErrno is the error-code for an error number.
func codeOfErrno(e syscall.Errno) wasifilesystem.ErrorCode {
	switch e {
	case syscall.EOPNOTSUPP: // the number of ENOTSUP on some systems
		return wasifilesystem.ErrorCodeUnsupported
	}
	if code, ok := codes[e]; ok {
		return code
	}
	return wasifilesystem.ErrorCodeIO
}
