package deparse

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// Plan prints the expressions of a plan for EXPLAIN.
type Plan struct {
	// Special returns what a variable of an upper node stands for, in terms of variables of range-table entries; nil for
	// a variable that is such a one itself.
	Special func(v *query.Var) query.Expr
	// Param returns the text of a parameter; false for "$n". print gives the text of an expression.
	Param func(n *query.Param, print func(query.Expr) string) (string, bool)
	// Other returns the text of a node of the plan package.
	Other func(e query.Expr, print func(query.Expr) string) string

	used   []int // in the order of naming
	cat    *catalog.Session
	env    types.Env
	names  *level
	rtable []*query.RangeTblEntry
}

// NewPlan makes the printer of a plan. used are the range-table entries that the plan scans, in the order in which they choose their names, nil for all: only these
// take part in the choice of names.
func NewPlan(cat *catalog.Session, env types.Env, rtable []*query.RangeTblEntry, used []int) (d *Plan, err error) {
	defer catch(&err)
	d = &Plan{cat: cat, env: env, rtable: rtable, used: used}
	p := newPrinter(cat, env, prettyParen)
	p.plan = d
	d.names = &level{rtable: rtable}
	p.nameTables(d.names, nil)
	p.nameColumns(d.names)
	return d, nil
}

// Name returns the name that a range-table entry (from 1) goes by in expressions.
func (d *Plan) Name(rti int) string {
	if rti < 1 || rti > len(d.names.names) {
		return ""
	}
	return d.names.names[rti-1]
}

// Expr returns the text of an expression. prefix qualifies every column; implicit shows coercions that were not written.
func (d *Plan) Expr(e query.Expr, prefix, implicit bool) (s string, err error) {
	defer catch(&err)
	p := newPrinter(d.cat, d.env, 0)
	p.plan = d
	p.levels = []*level{d.names}
	p.prefix = prefix
	p.expr(e, implicit)
	return p.buf.String(), nil
}

// OrderBy returns the decoration of a sort key in EXPLAIN: "", " DESC", " NULLS FIRST", " COLLATE x" and so on.
func (d *Plan) OrderBy(e query.Expr, coll ids.Oid, desc, nullsFirst bool) (s string, err error) {
	defer catch(&err)
	p := newPrinter(d.cat, d.env, 0)
	if coll != 0 && coll != 100 {
		s += " COLLATE " + p.collationName(coll)
	}
	if desc {
		s += " DESC"
		if !nullsFirst {
			s += " NULLS LAST"
		}
	} else if nullsFirst {
		s += " NULLS FIRST"
	}
	return s, nil
}
