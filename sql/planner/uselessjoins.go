package planner

import (
	"slices"

	"gompho/sql/query"
)

// dropUselessJoins removes left joins to a table of which nothing is used, when a unique index says that no row on the left
// finds more than one partner: they neither add rows nor take any away.
func (r *root) dropUselessJoins() {
	if r.q.CommandType == query.CmdInsert && len(r.q.JoinTree.FromList) == 0 {
		return
	}
	for {
		j := r.findUseless(r.q.JoinTree)
		if j == nil {
			return
		}
		rti := j.Rarg.(*query.RangeTblRef).RTIndex
		r.g.relids[r.q.RTable[rti-1].Relid] = true // the plan is void when the index goes
		r.q.JoinTree = without(r.q.JoinTree, j).(*query.FromExpr)
	}
}

func (r *root) findUseless(n query.JoinNode) *query.JoinExpr {
	switch x := n.(type) {
	case *query.FromExpr:
		for _, f := range x.FromList {
			if j := r.findUseless(f); j != nil {
				return j
			}
		}
	case *query.JoinExpr:
		if x.JoinType == query.JoinLeft && r.useless(x) {
			return x
		}
		if j := r.findUseless(x.Larg); j != nil {
			return j
		}
		return r.findUseless(x.Rarg)
	}
	return nil
}

// without returns the tree with join j replaced by its left side.
func without(n query.JoinNode, j *query.JoinExpr) query.JoinNode {
	switch x := n.(type) {
	case *query.FromExpr:
		out := &query.FromExpr{Quals: x.Quals}
		for _, f := range x.FromList {
			out.FromList = append(out.FromList, without(f, j))
		}
		return out
	case *query.JoinExpr:
		if x == j {
			return x.Larg
		}
		c := *x
		c.Larg, c.Rarg = without(x.Larg, j), without(x.Rarg, j)
		return &c
	}
	return n
}

func (r *root) useless(j *query.JoinExpr) bool {
	ref, ok := j.Rarg.(*query.RangeTblRef)
	if !ok {
		return false
	}
	rti := ref.RTIndex
	rte := r.q.RTable[rti-1]
	if rte.Kind != query.RTERelation || rti == r.q.ResultRelation || r.volatileExpr(j.Quals) || r.usedElsewhere(rti, j) {
		return false
	}
	for _, m := range r.q.RowMarks {
		if m.RTI == rti {
			return false
		}
	}
	if r.g.lockIndexes(rte) != nil {
		return false // and again with the error when the relation is planned
	}
	t, err := r.g.facts.table(rte.Relid)
	if err != nil || t.kind != 'r' && t.kind != 'm' {
		return false
	}
	for _, ix := range t.indexes {
		if ix.unique && ix.immediate && ix.pred == nil && r.pinsIndex(ix, rti, andList(j.Quals)) {
			return true
		}
	}
	return false
}

// pinsIndex reports whether equalities give every key column of an index one value for each row of the other side.
func (r *root) pinsIndex(ix *indexInfo, rti int, quals []query.Expr) bool {
	for c := 0; c < ix.nkeys; c++ {
		if ix.keys[c] <= 0 {
			return false
		}
		pinned := slices.ContainsFunc(quals, func(q query.Expr) bool {
			op, ok := q.(*query.OpExpr)
			if !ok || len(op.Args) != 2 {
				return false
			}
			column := func(e, other query.Expr) bool {
				v, ok := stripRelabel(e).(*query.Var)
				return ok && v.Varlevelsup == 0 && v.Varno == rti && v.Varattno == ix.keys[c] && !r.exprRels(other).has(rti)
			}
			if !column(op.Args[0], op.Args[1]) && !column(op.Args[1], op.Args[0]) {
				return false
			}
			return slices.ContainsFunc(r.g.facts.families(op.OpNo), func(m famMember) bool {
				return m.family == ix.families[c] && m.strategy == strategyEq
			})
		})
		if !pinned {
			return false
		}
	}
	return true
}

// usedElsewhere reports whether anything but the conditions of join j refers to a relation.
func (r *root) usedElsewhere(rti int, j *query.JoinExpr) bool {
	uses := func(exprs ...query.Expr) bool {
		return slices.ContainsFunc(exprs, func(e query.Expr) bool { return e != nil && r.exprRels(e).has(rti) })
	}
	q := r.q
	if uses(targetExprs(r.tlist)...) || uses(targetExprs(q.TargetList)...) || uses(targetExprs(q.ReturningList)...) || uses(q.HavingQual) {
		return true
	}
	for _, w := range q.WindowClause {
		if uses(w.StartOffset, w.EndOffset) {
			return true
		}
	}
	if q.OnConflict != nil && (uses(q.OnConflict.Where) || uses(targetExprs(q.OnConflict.Set)...)) {
		return true
	}
	for _, rte := range q.RTable {
		if r.lateralRefs(rte).has(rti) {
			return true
		}
	}
	var quals func(n query.JoinNode) bool
	quals = func(n query.JoinNode) bool {
		switch x := n.(type) {
		case *query.FromExpr:
			return uses(x.Quals) || slices.ContainsFunc(x.FromList, quals)
		case *query.JoinExpr:
			return x != j && uses(x.Quals) || quals(x.Larg) || quals(x.Rarg)
		}
		return false
	}
	return quals(q.JoinTree)
}
