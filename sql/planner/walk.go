package planner

import "gompho/sql/query"

// walkExpr visits e and the expressions below it, not the subselects of SubLinks; f returns false to stop going down.
func walkExpr(e query.Expr, f func(query.Expr) bool) {
	if e == nil {
		return
	}
	query.WalkExpr(e, func(n query.Node) bool {
		if x, ok := n.(query.Expr); ok {
			return f(x)
		}
		return true
	})
}

// mutateExpr copies e with the parts that f replaces; f returns nil to look further down.
func mutateExpr(e query.Expr, f func(query.Expr) query.Expr) query.Expr {
	return query.Mutate(e, func(x query.Expr) query.Expr {
		if r := f(x); r != nil {
			return r
		}
		return x
	})
}

// mutateExprLevels is mutateExpr that enters subselects and tells how many levels down it is.
func mutateExprLevels(e query.Expr, _ int, f func(query.Expr, int) query.Expr) query.Expr {
	return query.MutateLevels(e, func(x query.Expr, level int) query.Expr {
		if r := f(x, level); r != nil {
			return r
		}
		return x
	})
}

// mutateLevels is mutateExprLevels over all expressions of a query.
func mutateLevels(q *query.Query, _ int, f func(query.Expr, int) query.Expr) *query.Query {
	return query.MutateQueryLevels(q, func(x query.Expr, level int) query.Expr {
		if r := f(x, level); r != nil {
			return r
		}
		return x
	})
}

func mutateChildren(e query.Expr, f func(query.Expr) query.Expr) query.Expr {
	return query.MutateChildren(e, f)
}

func exprEqual(a, b query.Expr) bool { return a == b || query.Equal(a, b) }

// forEachExpr visits every expression of a query and of the queries in it.
func forEachExpr(q *query.Query, f func(query.Expr)) {
	query.Walk(q, func(n query.Node) bool {
		if e, ok := n.(query.Expr); ok {
			if _, sub := e.(*query.SubLink); !sub {
				f(e)
				return hasSubLink(e)
			}
		}
		return true
	})
}

// forEachOuterVar visits the columns of the directly containing level that q mentions.
func forEachOuterVar(q *query.Query, f func(*query.Var)) {
	query.WalkLevels(q, func(n query.Node, level int) bool {
		if v, ok := n.(*query.Var); ok && v.Varlevelsup == level+1 {
			f(v)
		}
		return true
	})
}

// refersOuterCTE reports whether q reads a WITH query of a level outside of it.
func refersOuterCTE(q *query.Query) bool {
	found := false
	walkQueries(q, 0, func(q *query.Query, level int) {
		for _, rte := range q.RTable {
			if rte.Kind == query.RTECTE && rte.CTELevelsUp > level {
				found = true
			}
		}
	})
	return found
}

// walkQueries visits q and all queries inside it with their depth.
func walkQueries(q *query.Query, level int, f func(*query.Query, int)) {
	f(q, level)
	sub := func(s *query.Query) {
		if s != nil {
			walkQueries(s, level+1, f)
		}
	}
	for _, rte := range q.RTable {
		sub(rte.Subquery)
	}
	for _, c := range q.CTEList {
		sub(c.Query)
	}
	w := query.Walker{SkipRTable: false, Visit: func(n query.Node, _ int) bool {
		if s, ok := n.(*query.SubLink); ok {
			sub(s.Subselect)
		}
		return true
	}}
	w.Walk(q)
}

// shiftCTELevels adds n to the level of every reference from inside q to a WITH query outside of it.
func shiftCTELevels(q *query.Query, n int) {
	walkQueries(q, 0, func(s *query.Query, level int) {
		for i, rte := range s.RTable {
			if rte.Kind == query.RTECTE && rte.CTELevelsUp > level {
				c := *rte
				c.CTELevelsUp += n
				s.RTable[i] = &c
			}
		}
	})
}
