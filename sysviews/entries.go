package sysviews

import (
	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/session"
)

// Entries returns the functions of this package.
func Entries() []functions.Entry {
	var out []functions.Entry
	for _, f := range [][]functions.Entry{sequenceEntries(), lockEntries(), advisoryEntries(), activityEntries(), backendEntries(), settingEntries(), xactEntries(),
		serverEntries(), logEntries(), counterEntries(), inspectEntries(), walInspectEntries(), progressEntries(), walEntries(), controlEntries(), statementEntries(), stepEntries(), memoryEntries()} {
		out = append(out, f...)
	}
	return out
}

// sessionOf returns the session that a function is called in.
func sessionOf(c *functions.Call) (*session.Session, error) {
	e, ok := c.Env.(interface{ Self() *session.Session })
	if !ok || e.Self() == nil {
		return nil, pgerr.NotSupported("this function needs a session")
	}
	return e.Self(), nil
}
