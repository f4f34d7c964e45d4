package pgerr

import (
	"errors"
	"io/fs"
	"syscall"
)

// FileCode is the SQLSTATE of an error that an operation on a file ended with, as PostgreSQL tells it.
func FileCode(err error) Code {
	switch {
	case IsNoSpace(err):
		return DiskFull
	case errors.Is(err, fs.ErrNotExist):
		return UndefinedFile
	case errors.Is(err, fs.ErrExist):
		return DuplicateFile
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return InsufficientPrivilege
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return InsufficientResources
	case errors.Is(err, syscall.ENOMEM):
		return OutOfMemory
	}
	return IoError
}

// IsNoSpace reports whether an operation on a file failed because there is no room: a full file system, or a quota.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
