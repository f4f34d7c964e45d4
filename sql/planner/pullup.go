package planner

import (
	"gompho/sql/query"
)

// pullUpAll merges simple subqueries into their parent, so that their tables take part in one join search.
func (r *root) pullUpAll() {
	tried := map[int]bool{}
	for {
		rti, nullable := r.findPullable(r.q.JoinTree, false, tried)
		if rti == 0 {
			return
		}
		tried[rti] = true
		r.pullUpOne(rti, nullable)
	}
}

// findPullable looks for a subquery of the join tree that may be merged; nullable tells whether an outer join can turn its
// columns to NULL.
func (r *root) findPullable(n query.JoinNode, nullable bool, tried map[int]bool) (int, bool) {
	switch x := n.(type) {
	case *query.RangeTblRef:
		rte := r.q.RTable[x.RTIndex-1]
		if !tried[x.RTIndex] && rte.Kind == query.RTESubquery && rte.Subquery != nil && !rte.Security && simpleSubquery(rte.Subquery) &&
			!(rte.Lateral && nullable) && r.pullableTargets(rte.Subquery, nullable) && len(r.q.RTable)+len(rte.Subquery.RTable)+4 < maxRelations {
			return x.RTIndex, nullable
		}
	case *query.FromExpr:
		for _, f := range x.FromList {
			if rti, nl := r.findPullable(f, nullable, tried); rti != 0 {
				return rti, nl
			}
		}
	case *query.JoinExpr:
		left := nullable || x.JoinType == query.JoinRight || x.JoinType == query.JoinFull
		right := nullable || x.JoinType == query.JoinLeft || x.JoinType == query.JoinFull || x.JoinType == query.JoinAnti
		if rti, nl := r.findPullable(x.Larg, left, tried); rti != 0 {
			return rti, nl
		}
		return r.findPullable(x.Rarg, right, tried)
	}
	return 0, false
}

// pullUpOne merges the subquery of range-table entry rti into the query.
func (r *root) pullUpOne(rti int, nullable bool) {
	rte := r.q.RTable[rti-1]
	// Subselects of its WHERE become joins while it is still by itself.
	child := &root{g: r.g, parent: r.parent, q: query.Copy(rte.Subquery)}
	child.flattenJoinAliases()
	child.pullUpSublinks()
	offset := len(r.q.RTable)
	sub := liftQuery(offsetQuery(child.q, offset))
	r.q.RTable = append(r.q.RTable, sub.RTable...)
	r.q.HasSubLinks = r.q.HasSubLinks || sub.HasSubLinks
	if rte.Lateral {
		for i, e := range r.q.RTable[offset:] {
			if e.Kind != query.RTERelation && e.Kind != query.RTEJoin {
				c := *e
				c.Lateral = true
				r.q.RTable[offset+i] = &c
			}
		}
	}
	var with query.JoinNode = sub.JoinTree
	if len(sub.JoinTree.FromList) == 1 && sub.JoinTree.Quals == nil {
		with = sub.JoinTree.FromList[0]
	}
	r.q.JoinTree = replaceRef(r.q.JoinTree, rti, with).(*query.FromExpr)
	done := *rte // nothing refers to it any more; kept for its place, permissions and locks
	done.Subquery = nil
	r.q.RTable[rti-1] = &done
	r.replaceVars(rti, sub.TargetList)
}

func replaceRef(n query.JoinNode, rti int, with query.JoinNode) query.JoinNode {
	switch x := n.(type) {
	case *query.RangeTblRef:
		if x.RTIndex == rti {
			return with
		}
	case *query.FromExpr:
		out := &query.FromExpr{Quals: x.Quals}
		for _, f := range x.FromList {
			out.FromList = append(out.FromList, replaceRef(f, rti, with))
		}
		return out
	case *query.JoinExpr:
		out := *x
		out.Larg, out.Rarg = replaceRef(x.Larg, rti, with), replaceRef(x.Rarg, rti, with)
		return &out
	}
	return n
}

// flattenJoinAliases replaces columns of joins by what they stand for.
func (r *root) flattenJoinAliases() {
	for {
		again := false
		for i, rte := range r.q.RTable {
			if rte.Kind != query.RTEJoin || len(rte.JoinAliasVars) == 0 || !mentions(r.q, i+1) {
				continue
			}
			vars := rte.JoinAliasVars
			r.q = replaceLevelVars(r.q, i+1, func(v *query.Var) query.Expr {
				if v.Varattno > 0 && v.Varattno <= len(vars) {
					return vars[v.Varattno-1]
				}
				if v.Varattno == 0 {
					row := &query.RowExpr{Result: v.Result, Format: query.CoerceImplicitCast, Location: -1}
					row.Args = append(row.Args, vars...)
					row.Colnames = rte.Eref.Colnames
					return row
				}
				return nil
			})
			again = true
		}
		if !again {
			return
		}
	}
}

// mentions reports whether a column of rti is used outside the join alias lists.
func mentions(q *query.Query, rti int) bool {
	found := false
	w := query.Walker{Subqueries: true, SkipJoinAliases: true, Visit: func(n query.Node, level int) bool {
		if v, ok := n.(*query.Var); ok && v.Varno == rti && v.Varlevelsup == level {
			found = true
		}
		return !found
	}}
	w.Walk(q)
	return found
}

// simpleSubquery reports whether a subquery is only a join with conditions.
func simpleSubquery(q *query.Query) bool {
	return q.CommandType == query.CmdSelect && q.SetOperations == nil && !q.HasAggs && !q.HasWindowFuncs && !q.HasTargetSRFs &&
		len(q.GroupClause) == 0 && len(q.GroupingSets) == 0 && q.HavingQual == nil && len(q.SortClause) == 0 &&
		len(q.DistinctClause) == 0 && q.LimitCount == nil && q.LimitOffset == nil && !q.HasForUpdate && len(q.RowMarks) == 0 &&
		len(q.CTEList) == 0 && len(q.JoinTree.FromList) > 0
}

// pullableTargets reports whether the subquery's output can be computed anywhere above it: nothing volatile, and below the
// nullable side of an outer join only columns, which an outer join turns to NULL by itself.
func (r *root) pullableTargets(q *query.Query, nullable bool) bool {
	for _, te := range q.TargetList {
		if r.volatileExpr(te.Expr) || hasSubLink(te.Expr) && nullable {
			return false
		}
		if nullable {
			v, ok := stripRelabel(te.Expr).(*query.Var)
			if !ok || v.Varlevelsup > 0 || v.Varattno == 0 {
				return false
			}
		}
	}
	return true
}

// replaceVars replaces the columns of range-table entry rti by the expressions of a target list, everywhere in the query.
func (r *root) replaceVars(rti int, tl []*query.TargetEntry) {
	sub := func(v *query.Var) query.Expr {
		if v.Varattno > 0 && v.Varattno <= len(tl) {
			return tl[v.Varattno-1].Expr
		}
		if v.Varattno == 0 {
			return wholeRow(v, tl)
		}
		return nil
	}
	r.q = replaceLevelVars(r.q, rti, sub)
}

func wholeRow(v *query.Var, tl []*query.TargetEntry) query.Expr {
	row := &query.RowExpr{Result: v.Result, Format: query.CoerceImplicitCast, Location: -1}
	for _, te := range tl {
		if te.Resjunk {
			continue
		}
		row.Args = append(row.Args, te.Expr)
		row.Colnames = append(row.Colnames, te.Resname)
	}
	return row
}

// replaceLevelVars replaces columns of rti of the query's own level, also where nested subqueries refer to them.
func replaceLevelVars(q *query.Query, rti int, sub func(*query.Var) query.Expr) *query.Query {
	return mutateLevels(q, 0, func(e query.Expr, level int) query.Expr {
		v, ok := e.(*query.Var)
		if !ok || v.Varlevelsup != level || v.Varno != rti {
			return nil
		}
		out := sub(v)
		if out != nil && level > 0 {
			out = liftExpr(out, level)
		}
		return out
	})
}

// liftExpr adds n levels to the columns of e that refer to its own level or outward.
func liftExpr(e query.Expr, n int) query.Expr {
	return mutateExprLevels(e, 0, func(e query.Expr, level int) query.Expr {
		switch v := e.(type) {
		case *query.Var:
			if v.Varlevelsup >= level {
				c := *v
				c.Varlevelsup += n
				return &c
			}
		case *query.Aggref:
			if v.AggLevelsUp >= level && level > 0 {
				c := *v
				c.AggLevelsUp += n
				return &c
			}
		}
		return nil
	})
}

// liftQuery moves a subquery's outward references one level nearer, as pulling it up requires.
func liftQuery(q *query.Query) *query.Query {
	out := mutateLevels(q, 0, func(e query.Expr, level int) query.Expr {
		switch v := e.(type) {
		case *query.Var:
			if v.Varlevelsup > level {
				c := *v
				c.Varlevelsup--
				return &c
			}
		case *query.Aggref:
			if v.AggLevelsUp > level {
				c := *v
				c.AggLevelsUp--
				return &c
			}
		}
		return nil
	})
	shiftCTELevels(out, -1)
	return out
}

// offsetQuery adds offset to the range-table indexes of the query's own level.
func offsetQuery(q *query.Query, offset int) *query.Query {
	q = mutateLevels(q, 0, func(e query.Expr, level int) query.Expr {
		switch v := e.(type) {
		case *query.Var:
			if v.Varlevelsup == level && v.Varno > 0 {
				c := *v
				c.Varno += offset
				return &c
			}
		case *query.CurrentOfExpr:
			if level == 0 {
				c := *v
				c.Varno += offset
				return &c
			}
		}
		return nil
	})
	q.JoinTree = offsetJoin(q.JoinTree, offset).(*query.FromExpr)
	marks := make([]*query.RowMarkClause, len(q.RowMarks))
	for i, m := range q.RowMarks {
		c := *m
		c.RTI += offset
		marks[i] = &c
	}
	q.RowMarks = marks
	return q
}

func offsetJoin(n query.JoinNode, offset int) query.JoinNode {
	switch x := n.(type) {
	case *query.RangeTblRef:
		return &query.RangeTblRef{RTIndex: x.RTIndex + offset}
	case *query.FromExpr:
		out := &query.FromExpr{Quals: x.Quals}
		for _, f := range x.FromList {
			out.FromList = append(out.FromList, offsetJoin(f, offset))
		}
		return out
	case *query.JoinExpr:
		out := *x
		out.Larg, out.Rarg = offsetJoin(x.Larg, offset), offsetJoin(x.Rarg, offset)
		if x.RTIndex > 0 {
			out.RTIndex = x.RTIndex + offset
		}
		return &out
	}
	return n
}
