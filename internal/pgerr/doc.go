// Package pgerr is the one error type that reaches a client: SQLSTATE, message, detail, hint,
// position. An error gets its SQLSTATE where it is born; nobody matches errors by text.
//
//	return pgerr.New(pgerr.UndefinedTable, "relation %q does not exist", name).At(pos)
//
// Three kinds of wrong are kept apart: bad input is a *pgerr.Error; a bug is a panic (or
// InternalError where the caller must survive); a bad disk is DataCorrupted or IndexCorrupted.
package pgerr
