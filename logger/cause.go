package logger

import (
	"errors"
	"strings"
	"syscall"
)

// cause is the operating system's part of an error, worded as in C.
func cause(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return err.Error()
	}
	s := no.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// fileError is a file of the log that cannot be used.
type fileError struct {
	what string
	err  error
}

func (e fileError) Error() string { return e.what + ": " + cause(e.err) }
func (e fileError) Unwrap() error { return e.err }
