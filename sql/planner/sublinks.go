package planner

import (
	"gompho/sql/query"
)

// pullUpSublinks turns EXISTS and IN subselects that stand at the top of WHERE or of an inner join's condition into semi
// joins, their negations (EXISTS only) into anti joins.
func (r *root) pullUpSublinks() {
	if !r.q.HasSubLinks {
		return
	}
	q := *r.q
	r.q = &q
	r.q.RTable = append([]*query.RangeTblEntry(nil), q.RTable...)
	r.q.JoinTree = r.sublinksOf(q.JoinTree).(*query.FromExpr)
}

func (r *root) sublinksOf(n query.JoinNode) query.JoinNode {
	switch x := n.(type) {
	case *query.FromExpr:
		var inner query.JoinNode
		from := &query.FromExpr{}
		for _, f := range x.FromList {
			from.FromList = append(from.FromList, r.sublinksOf(f))
		}
		if x.Quals == nil {
			return from
		}
		avail := joinRels(from)
		if len(from.FromList) == 1 {
			inner = from.FromList[0]
		} else {
			inner = from
		}
		quals, top := r.sublinkQuals(andList(x.Quals), inner, avail)
		if top == inner {
			from.Quals = makeAnd(quals)
			return from
		}
		return &query.FromExpr{FromList: []query.JoinNode{top}, Quals: makeAnd(quals)}
	case *query.JoinExpr:
		out := *x
		out.Larg, out.Rarg = r.sublinksOf(x.Larg), r.sublinksOf(x.Rarg)
		if x.JoinType == query.JoinInner && x.Quals != nil {
			avail := joinRels(&out)
			quals, top := r.sublinkQuals(andList(x.Quals), &out, avail)
			out.Quals = makeAnd(quals)
			return top
		}
		return &out
	}
	return n
}

// sublinkQuals wraps top in a semi or anti join for each condition that can become one, and returns the other conditions.
func (r *root) sublinkQuals(quals []query.Expr, top query.JoinNode, avail relset) ([]query.Expr, query.JoinNode) {
	var rest []query.Expr
	for _, q := range quals {
		var j *query.JoinExpr
		switch x := q.(type) {
		case *query.SubLink:
			switch x.SubLinkType {
			case query.ExistsSublink:
				j = r.existsJoin(x, false, avail)
			case query.AnySublink:
				j = r.anyJoin(x, avail)
			}
		case *query.BoolExpr:
			if x.Op == query.NotExpr {
				if s, ok := x.Args[0].(*query.SubLink); ok && s.SubLinkType == query.ExistsSublink {
					j = r.existsJoin(s, true, avail)
				}
			}
		}
		if j == nil {
			rest = append(rest, q)
			continue
		}
		j.Larg = top
		j.Rarg = r.sublinksOf(j.Rarg)
		top = j
	}
	return rest, top
}

// anyJoin makes a semi join of x IN (subselect); nil when it cannot: the subselect refers to this level, or the condition does
// not refer to available relations.
func (r *root) anyJoin(s *query.SubLink, avail relset) *query.JoinExpr {
	if refersOut(s.Subselect) || hasSubLink(s.Testexpr) || r.volatileExpr(s.Testexpr) || len(r.q.RTable)+1 >= maxRelations {
		return nil
	}
	rels := r.exprRels(s.Testexpr)
	if rels.empty() || !rels.subsetOf(avail) {
		return nil
	}
	r.q.RTable = append(r.q.RTable, &query.RangeTblEntry{
		Kind: query.RTESubquery, Subquery: s.Subselect, Eref: &query.Alias{Name: "ANY_subquery", Colnames: targetNames(s.Subselect)},
	})
	rti := len(r.q.RTable)
	quals := mutateExpr(s.Testexpr, func(e query.Expr) query.Expr {
		p, ok := e.(*query.Param)
		if !ok || p.Kind != query.ParamSublink {
			return nil
		}
		return &query.Var{Result: p.Result, Varno: rti, Varattno: p.ID, Location: -1}
	})
	return &query.JoinExpr{JoinType: query.JoinSemi, Rarg: &query.RangeTblRef{RTIndex: rti}, Quals: quals}
}

func targetNames(q *query.Query) []string {
	var out []string
	for _, te := range q.TargetList {
		if !te.Resjunk {
			out = append(out, te.Resname)
		}
	}
	return out
}

// existsJoin makes a semi or anti join of [NOT] EXISTS: the subselect must be a simple join whose WHERE refers to both sides.
func (r *root) existsJoin(s *query.SubLink, not bool, avail relset) *query.JoinExpr {
	sub := s.Subselect
	if sub.CommandType != query.CmdSelect || sub.SetOperations != nil || sub.HasAggs || len(sub.GroupingSets) > 0 ||
		sub.HasWindowFuncs || sub.HasTargetSRFs || sub.HasForUpdate || sub.HavingQual != nil || len(sub.CTEList) > 0 ||
		sub.LimitOffset != nil || sub.LimitCount != nil && !positiveConst(sub.LimitCount) || len(sub.JoinTree.FromList) == 0 {
		return nil
	}
	where := sub.JoinTree.Quals
	if where == nil || r.volatileExpr(where) || len(r.q.RTable)+len(sub.RTable) >= maxRelations {
		return nil
	}
	c := *query.Copy(sub)
	c.JoinTree = &query.FromExpr{FromList: c.JoinTree.FromList}
	c.TargetList, c.SortClause, c.DistinctClause, c.GroupClause = nil, nil, nil, nil
	c.LimitCount = nil
	if refersOut(&c) { // only WHERE may refer to the outer level
		return nil
	}
	if exprRefersBeyond(where) {
		return nil
	}
	offset := len(r.q.RTable)
	moved := offsetQuery(&c, offset)
	where = mutateExprLevels(where, 0, func(e query.Expr, level int) query.Expr {
		v, ok := e.(*query.Var)
		if !ok || v.Varlevelsup < level {
			return nil
		}
		n := *v
		if v.Varlevelsup == level {
			n.Varno += offset
		} else {
			n.Varlevelsup--
		}
		return &n
	})
	rels := r.exprRels(where)
	var inner relset
	for i := range moved.RTable {
		inner = inner.add(offset + i + 1)
	}
	if !rels.overlaps(inner) || !rels.overlaps(avail) || !rels.minus(inner).subsetOf(avail) {
		return nil
	}
	r.q.RTable = append(r.q.RTable, moved.RTable...)
	jt := query.JoinSemi
	if not {
		jt = query.JoinAnti
	}
	var rarg query.JoinNode = moved.JoinTree
	if len(moved.JoinTree.FromList) == 1 {
		rarg = moved.JoinTree.FromList[0]
	}
	return &query.JoinExpr{JoinType: jt, Rarg: rarg, Quals: where}
}

func positiveConst(e query.Expr) bool {
	c, ok := e.(*query.Const)
	return ok && !c.Value.IsNull() && c.Value.Int() > 0
}

// refersOut reports whether q refers to columns of the level that contains it, or further out.
func refersOut(q *query.Query) bool {
	found := false
	mutateLevels(q, 0, func(e query.Expr, level int) query.Expr {
		switch v := e.(type) {
		case *query.Var:
			found = found || v.Varlevelsup > level
		case *query.Aggref:
			found = found || v.AggLevelsUp > level
		}
		return nil
	})
	return found || refersOuterCTE(q)
}

// exprRefersBeyond reports whether e refers further out than the directly containing level.
func exprRefersBeyond(e query.Expr) bool {
	found := false
	mutateExprLevels(e, 0, func(e query.Expr, level int) query.Expr {
		switch v := e.(type) {
		case *query.Var:
			found = found || v.Varlevelsup > level+1
		case *query.Aggref:
			found = found || v.AggLevelsUp > level
		}
		return nil
	})
	return found
}

// joinRels lists the base relations below a join tree item.
func joinRels(n query.JoinNode) relset {
	var s relset
	switch x := n.(type) {
	case *query.RangeTblRef:
		return single(x.RTIndex)
	case *query.FromExpr:
		for _, f := range x.FromList {
			s = s.union(joinRels(f))
		}
	case *query.JoinExpr:
		s = joinRels(x.Larg).union(joinRels(x.Rarg))
	}
	return s
}

func makeAnd(quals []query.Expr) query.Expr {
	switch len(quals) {
	case 0:
		return nil
	case 1:
		return quals[0]
	}
	return &query.BoolExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, Op: query.AndExpr, Args: quals, Location: -1}
}

func hasSubLink(e query.Expr) bool {
	found := false
	walkExpr(e, func(n query.Expr) bool {
		if _, ok := n.(*query.SubLink); ok {
			found = true
		}
		return !found
	})
	return found
}
