package backend

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/types"
)

// explain runs EXPLAIN.
func (e *engine) explain(u *UtilityContext, st *ast.ExplainStmt, params []types.Datum) ([]string, error) {
	return nil, pgerr.NotSupported("EXPLAIN is not supported")
}
