package filesystem

import (
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/godwit-runtime/godwit/bindings/p2/wasifilesystem"
)

// codes has the errors of Windows, by their numbers, and those that package
// syscall makes up for POSIX's.
var codes = map[syscall.Errno]wasifilesystem.ErrorCode{
	windows.ERROR_ACCESS_DENIED:           wasifilesystem.ErrorCodeAccess,
	windows.ERROR_SHARING_VIOLATION:       wasifilesystem.ErrorCodeAccess,
	windows.ERROR_LOCK_VIOLATION:          wasifilesystem.ErrorCodeBusy,
	windows.ERROR_BUSY:                    wasifilesystem.ErrorCodeBusy,
	windows.ERROR_NOT_READY:               wasifilesystem.ErrorCodeBusy,
	windows.ERROR_INVALID_HANDLE:          wasifilesystem.ErrorCodeBadDescriptor,
	windows.ERROR_ALREADY_EXISTS:          wasifilesystem.ErrorCodeExist,
	windows.ERROR_FILE_EXISTS:             wasifilesystem.ErrorCodeExist,
	windows.ERROR_FILE_TOO_LARGE:          wasifilesystem.ErrorCodeFileTooLarge,
	windows.ERROR_INVALID_PARAMETER:       wasifilesystem.ErrorCodeInvalid,
	windows.ERROR_NEGATIVE_SEEK:           wasifilesystem.ErrorCodeInvalid,
	windows.ERROR_NOT_A_REPARSE_POINT:     wasifilesystem.ErrorCodeInvalid,
	windows.ERROR_DIRECTORY_NOT_SUPPORTED: wasifilesystem.ErrorCodeIsDirectory,
	windows.ERROR_STOPPED_ON_SYMLINK:      wasifilesystem.ErrorCodeLoop,
	windows.ERROR_CANT_RESOLVE_FILENAME:   wasifilesystem.ErrorCodeLoop,
	windows.ERROR_TOO_MANY_LINKS:          wasifilesystem.ErrorCodeTooManyLinks,
	windows.ERROR_BUFFER_OVERFLOW:         wasifilesystem.ErrorCodeNameTooLong,
	windows.ERROR_FILENAME_EXCED_RANGE:    wasifilesystem.ErrorCodeNameTooLong,
	windows.ERROR_FILE_NOT_FOUND:          wasifilesystem.ErrorCodeNoEntry,
	windows.ERROR_PATH_NOT_FOUND:          wasifilesystem.ErrorCodeNoEntry,
	windows.ERROR_INVALID_NAME:            wasifilesystem.ErrorCodeNoEntry,
	windows.ERROR_NOT_ENOUGH_MEMORY:       wasifilesystem.ErrorCodeInsufficientMemory,
	windows.ERROR_OUTOFMEMORY:             wasifilesystem.ErrorCodeInsufficientMemory,
	windows.ERROR_TOO_MANY_OPEN_FILES:     wasifilesystem.ErrorCodeInsufficientMemory,
	windows.ERROR_DISK_FULL:               wasifilesystem.ErrorCodeInsufficientSpace,
	windows.ERROR_HANDLE_DISK_FULL:        wasifilesystem.ErrorCodeInsufficientSpace,
	windows.ERROR_DIRECTORY:               wasifilesystem.ErrorCodeNotDirectory,
	windows.ERROR_DIR_NOT_EMPTY:           wasifilesystem.ErrorCodeNotEmpty,
	windows.ERROR_NOT_SUPPORTED:           wasifilesystem.ErrorCodeUnsupported,
	windows.ERROR_INVALID_FUNCTION:        wasifilesystem.ErrorCodeUnsupported,
	windows.ERROR_PRIVILEGE_NOT_HELD:      wasifilesystem.ErrorCodeNotPermitted,
	windows.ERROR_BROKEN_PIPE:             wasifilesystem.ErrorCodePipe,
	windows.ERROR_WRITE_PROTECT:           wasifilesystem.ErrorCodeReadOnly,
	windows.ERROR_SEEK_ON_DEVICE:          wasifilesystem.ErrorCodeInvalidSeek,
	windows.ERROR_NOT_SAME_DEVICE:         wasifilesystem.ErrorCodeCrossDevice,
	syscall.EEXIST:                        wasifilesystem.ErrorCodeExist,
	syscall.EINVAL:                        wasifilesystem.ErrorCodeInvalid,
	syscall.EISDIR:                        wasifilesystem.ErrorCodeIsDirectory,
	syscall.ELOOP:                         wasifilesystem.ErrorCodeLoop,
	syscall.ENAMETOOLONG:                  wasifilesystem.ErrorCodeNameTooLong,
	syscall.ENOTEMPTY:                     wasifilesystem.ErrorCodeNotEmpty,
	syscall.EPERM:                         wasifilesystem.ErrorCodeNotPermitted,
}

// codeOfErrno is the error-code for an error number.
func codeOfErrno(e syscall.Errno) wasifilesystem.ErrorCode {
	if code, ok := codes[e]; ok {
		return code
	}
	return wasifilesystem.ErrorCodeIO
}
