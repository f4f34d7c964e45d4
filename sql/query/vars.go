package query

// IncrementLevels returns n's expression with the levels of everything that refers to a Query at least minLevel levels
// outside raised by delta: for putting an expression into a subselect (delta 1) or lifting one out (-1).
func IncrementLevels(e Expr, delta, minLevel int) Expr {
	if delta == 0 {
		return e
	}
	return MutateLevels(e, levelShift(delta, minLevel))
}

// IncrementQueryLevels does the same to a Query whose own expressions are at level 0; minLevel is usually 1. It
// also adjusts references to WITH queries outside.
func IncrementQueryLevels(q *Query, delta, minLevel int) *Query {
	if delta == 0 {
		return q
	}
	q = MutateQueryLevels(q, levelShift(delta, minLevel))
	return shiftCTERefs(q, delta, minLevel)
}

func levelShift(delta, minLevel int) func(Expr, int) Expr {
	return func(e Expr, level int) Expr {
		switch n := e.(type) {
		case *Var:
			if n.Varlevelsup >= level+minLevel {
				c := *n
				c.Varlevelsup += delta
				return &c
			}
		case *Aggref:
			if n.AggLevelsUp >= level+minLevel {
				c := *(mutateWide(n, func(a Expr) Expr {
					return MutateLevels(a, func(x Expr, l int) Expr { return levelShift(delta, minLevel)(x, l+level) })
				}, nil).(*Aggref))
				c.AggLevelsUp += delta
				return &c
			}
		case *GroupingFunc:
			if n.AggLevelsUp >= level+minLevel {
				c := *n
				c.AggLevelsUp += delta
				return &c
			}
		}
		return e
	}
}

// shiftCTERefs copies q with CTELevelsUp of references that leave q raised by delta.
func shiftCTERefs(q *Query, delta, minLevel int) *Query {
	has := Find(q, func(n Node, level int) bool {
		r, ok := n.(*RangeTblEntry)
		return ok && r.Kind == RTECTE && r.CTELevelsUp >= level+minLevel
	})
	if !has {
		return q
	}
	q = Copy(q)
	WalkLevels(q, func(n Node, level int) bool {
		if r, ok := n.(*RangeTblEntry); ok && r.Kind == RTECTE && r.CTELevelsUp >= level+minLevel {
			r.CTELevelsUp += delta
		}
		return true
	})
	return q
}

// ContainVarsOfLevel reports whether n refers to a column of the Query level levels outside.
func ContainVarsOfLevel(n Node, level int) bool {
	return Find(n, func(n Node, l int) bool {
		v, ok := n.(*Var)
		return ok && v.Varlevelsup == l+level
	})
}

// FlattenJoinAliases replaces the variables of joins in e (which is of the level that rtable belongs to) by what they
// stand for; a whole-row variable of a join becomes a row. e may contain subselects.
func FlattenJoinAliases(rtable []*RangeTblEntry, e Expr) Expr {
	var f func(e Expr, level int) Expr
	f = func(e Expr, level int) Expr {
		v, ok := e.(*Var)
		if !ok || v.Varlevelsup != level || v.Varno < 1 || v.Varno > len(rtable) {
			return e
		}
		rte := rtable[v.Varno-1]
		if rte.Kind != RTEJoin {
			return e
		}
		up := func(x Expr) Expr {
			return MutateLevels(IncrementLevels(x, level, 0), func(y Expr, l int) Expr { return f(y, level+l) })
		}
		if v.Varattno > 0 {
			return up(rte.JoinAliasVars[v.Varattno-1])
		}
		row := &RowExpr{Result: v.Result, Format: CoerceImplicitCast, Location: v.Location}
		for i, x := range rte.JoinAliasVars {
			if x != nil {
				row.Args = append(row.Args, up(x))
				row.Colnames = append(row.Colnames, rte.Eref.Colnames[i])
			}
		}
		return row
	}
	return MutateLevels(e, f)
}
