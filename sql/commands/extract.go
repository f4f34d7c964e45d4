package commands

import (
	"gompho/catalog"
	"gompho/sql/query"
	"gompho/types"
)

// IndexExtract returns how the columns of an index come from rows of its table: the table's columns that are needed, from 0, and a function that
// computes the index's columns from those; it answers false for a row that the predicate leaves out.
func IndexExtract(c *Context, rel *catalog.Relation, ix *catalog.Index) (cols []int, row func(row, out []types.Datum) (bool, error), err error) {
	b := &indexBuild{c: c, rel: rel, ix: ix}
	exprs, err := ix.Exprs()
	if err != nil {
		return nil, nil, err
	}
	pred, err := ix.Pred()
	if err != nil {
		return nil, nil, err
	}
	b.plan(exprs, pred)
	if err := b.compile(exprs, pred); err != nil {
		return nil, nil, err
	}
	return b.cols, func(row, out []types.Datum) (bool, error) {
		return b.valuesOf(func(i int) types.Datum { return row[i] }, out)
	}, nil
}

// compile prepares the evaluation of predicate and expressions.
func (b *indexBuild) compile(exprs []query.Expr, pred query.Expr) (err error) {
	var list []query.Expr
	if pred != nil {
		list, b.hasPred = append(list, pred), true
	}
	list = append(list, exprs...)
	if len(list) == 0 {
		return nil
	}
	if b.eval, err = b.c.compile(list, b.rel); err != nil {
		return err
	}
	b.results = make([]types.Datum, len(list))
	b.row = make([]types.Datum, len(b.rel.Desc.Attrs))
	for i := range b.row {
		b.row[i] = types.Null
	}
	return nil
}
