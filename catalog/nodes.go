package catalog

import (
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// Expression trees in catalog columns are the text that package query writes.

func decodeExpr(text string) (query.Expr, error) {
	return nil, pgerr.NotSupported("stored expressions are not supported")
}

func decodeExprs(text string) ([]query.Expr, error) {
	return nil, pgerr.NotSupported("stored expressions are not supported")
}

func decodeQuery(text string) (*query.Query, error) {
	return nil, pgerr.NotSupported("stored queries are not supported")
}
