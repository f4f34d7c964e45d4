package commands

import (
	"gompho/internal/pgerr"
	"gompho/sql/analyzer"
	"gompho/sql/query"
)

// analyzer returns the session as the analyzer wants it.
func (c *Context) analyzer() *analyzer.Session {
	return &analyzer.Session{Cat: c.S.Cat, Env: c.typeEnv(), OnNotice: func(e *pgerr.Error) {
		if c.S.Notice != nil {
			c.S.Notice(e)
		}
	}}
}

// visible returns the output columns of a query.
func visible(list []*query.TargetEntry) []*query.TargetEntry {
	out := make([]*query.TargetEntry, 0, len(list))
	for _, t := range list {
		if !t.Resjunk {
			out = append(out, t)
		}
	}
	return out
}
