package pgerr

import (
	"errors"
	"fmt"
	"strings"
)

// Code is a SQLSTATE: five characters.
type Code string

// Severity is the severity field of an error or notice.
type Severity string

const (
	Error_  Severity = "ERROR"
	Fatal   Severity = "FATAL"
	Panic   Severity = "PANIC"
	Warning Severity = "WARNING"
	Notice  Severity = "NOTICE"
	Info    Severity = "INFO"
	LogSev  Severity = "LOG"
	Debug   Severity = "DEBUG"
)

// Error is an error or notice with the fields of the wire protocol's ErrorResponse.
type Error struct {
	Severity Severity // empty means ERROR
	Code     Code
	Message  string
	Detail   string
	Hint     string
	// Position is the 1-based character (not byte) position in the statement, 0 when unknown.
	// While a statement is being analyzed it holds the byte offset plus one; the session converts.
	Position         int
	InternalPosition int
	InternalQuery    string
	Where            string
	Schema           string
	Table            string
	Column           string
	DataType         string
	Constraint       string
	// Routine is the function of PostgreSQL that raises the error, for the few errors that clients tell apart by it.
	Routine string
	// DetailLog is a detail for the server log only.
	DetailLog string
	cause     error
}

// format is fmt.Sprintf, but %q puts a name between quotes as PostgreSQL does, with nothing escaped.
func format(f string, args []any) string {
	return fmt.Sprintf(strings.ReplaceAll(f, "%q", `"%s"`), args...)
}

// New makes an ERROR with the given SQLSTATE.
func New(code Code, msg string, args ...any) *Error {
	if len(args) > 0 {
		msg = format(msg, args)
	}
	return &Error{Code: code, Message: msg}
}

// Internal makes an XX000 error, for a state that should not occur but must not end the server.
func Internal(msg string, args ...any) *Error { return New(InternalError, msg, args...) }

// NotSupported makes the 0A000 error of a feature that is not there; what names it.
func NotSupported(format string, args ...any) *Error {
	return New(FeatureNotSupported, format, args...)
}

// Wrap makes an error that keeps cause for errors.Is and errors.As.
func Wrap(cause error, code Code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.cause = cause
	return e
}

// Error implements error.
func (e *Error) Error() string {
	return string(e.Level()) + ": " + e.Message + " (SQLSTATE " + string(e.Code) + ")"
}

// Unwrap returns the cause, if any.
func (e *Error) Unwrap() error { return e.cause }

// Level returns the severity, ERROR when none was set.
func (e *Error) Level() Severity {
	if e.Severity == "" {
		return Error_
	}
	return e.Severity
}

// With* and At set one field and return e, so that an error reads as one expression.

// WithDetail sets the DETAIL.
func (e *Error) WithDetail(text string, args ...any) *Error {
	e.Detail = format(text, args)
	return e
}

// WithHint sets the HINT.
func (e *Error) WithHint(text string, args ...any) *Error {
	e.Hint = format(text, args)
	return e
}

// WithSeverity sets the severity.
func (e *Error) WithSeverity(s Severity) *Error { e.Severity = s; return e }

// WithTable sets the schema and table fields.
func (e *Error) WithTable(schema, table string) *Error { e.Schema, e.Table = schema, table; return e }

// WithColumn sets the column field.
func (e *Error) WithColumn(column string) *Error { e.Column = column; return e }

// WithConstraint sets the constraint field.
func (e *Error) WithConstraint(name string) *Error { e.Constraint = name; return e }

// WithDataType sets the data type field.
func (e *Error) WithDataType(name string) *Error { e.DataType = name; return e }

// WithWhere appends a line of context.
func (e *Error) WithWhere(format string, args ...any) *Error {
	if e.Where != "" {
		e.Where += "\n"
	}
	e.Where += fmt.Sprintf(format, args...)
	return e
}

// At sets the position from a byte offset in the statement; a negative offset means unknown.
func (e *Error) At(offset int) *Error {
	if offset >= 0 && e.Position == 0 {
		e.Position = offset + 1
	}
	return e
}

// From returns err as a *Error; an error of another kind becomes an internal error.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(err, InternalError, "%s", err.Error())
}

// Is reports whether err carries the SQLSTATE code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
