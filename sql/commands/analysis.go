package commands

import (
	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/parser"
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

// source turns an analyzed expression over the columns of rel back into a raw one, by way of its text.
func (c *Context) source(e query.Expr, rel *catalog.Relation) (ast.Node, error) {
	text, err := deparse.Expr(c.S.Cat, c.typeEnv(), e, rel, false)
	if err != nil {
		return nil, err
	}
	return parser.ParseExpr(text)
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
