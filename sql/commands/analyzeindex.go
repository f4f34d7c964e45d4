package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/storage/vacuum"
	"gompho/types"
)

// analyzeIndexes collects the statistics of the expressions of a table's indexes, from the rows of the table's sample, and puts
// the fractions of the rows that partial indexes hold into parts.
func (c *Context) analyzeIndexes(rel *catalog.Relation, cols []statColumn, s *vacuum.Sampled, parts map[ids.Oid]float64) error {
	for _, ix := range rel.Indexes {
		exprs, err := ix.Exprs()
		if err != nil {
			return err
		}
		pred, err := ix.Pred()
		if err != nil {
			return err
		}
		if len(exprs) == 0 && pred == nil {
			continue
		}
		if err := c.analyzeIndex(rel, ix, exprs, pred, cols, s, parts); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) analyzeIndex(rel *catalog.Relation, ix *catalog.Index, exprs []query.Expr, pred query.Expr, cols []statColumn,
	s *vacuum.Sampled, parts map[ids.Oid]float64) error {
	list := exprs[:len(exprs):len(exprs)]
	if pred != nil {
		list = append(list, pred)
	}
	eval, err := c.compile(list, rel)
	if err != nil {
		return err
	}
	row, out := make([]types.Datum, len(rel.Desc.Attrs)), make([]types.Datum, len(list))
	for i := range row {
		row[i] = types.Null
	}
	values := make([][]types.Datum, len(exprs))
	held := 0
	for _, r := range s.Rows {
		for i, k := range cols {
			row[k.att-1] = r[i]
		}
		if err := eval.Eval(row, out); err != nil {
			return err
		}
		if pred != nil && !out[len(exprs)].IsTrue() {
			continue
		}
		held++
		for i := range exprs {
			values[i] = append(values[i], out[i].Clone())
		}
	}
	part := float64(held) / float64(len(s.Rows))
	if pred != nil {
		parts[ix.Oid] = part
	}
	if held == 0 {
		return nil
	}
	index, err := c.S.Cat.Relation(ix.Oid)
	if index == nil || err != nil {
		return err
	}
	in := *s
	in.Live *= part
	target := int(c.S.Settings.Get("default_statistics_target").Int())
	n := 0
	for i, k := range ix.Keys {
		if k != 0 {
			continue
		}
		if err := c.analyzeColumn(index, statColumn{int16(i + 1), target}, &in, values[n]); err != nil {
			return err
		}
		n++
	}
	return nil
}
