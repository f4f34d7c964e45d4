package analyzer

import "gompho/sql/query"

// splitMultiAssign turns SET (a, b) = (SELECT ...) into one scalar subselect for each column. The subselect is then
// evaluated once for each column, which shows only when it is volatile.
func (r *rewriter) splitMultiAssign(list []*query.TargetEntry) []*query.TargetEntry {
	var links []*query.SubLink
	for _, t := range list {
		if s, ok := t.Expr.(*query.SubLink); ok && t.Resjunk && s.SubLinkType == query.MultiExprSublink {
			links = append(links, s)
		}
	}
	if links == nil {
		return list
	}
	var out []*query.TargetEntry
	for _, t := range list {
		if s, ok := t.Expr.(*query.SubLink); ok && t.Resjunk && s.SubLinkType == query.MultiExprSublink {
			continue
		}
		c := *t
		c.Expr = query.Mutate(t.Expr, func(e query.Expr) query.Expr {
			prm, ok := e.(*query.Param)
			if !ok || prm.Kind != query.ParamMultiExpr {
				return e
			}
			for _, s := range links {
				if s.SubLinkID == prm.ID>>16 {
					return columnOfSubselect(s, prm)
				}
			}
			return e
		})
		out = append(out, &c)
	}
	return out
}

// columnOfSubselect makes (SELECT column FROM (subselect)).
func columnOfSubselect(s *query.SubLink, prm *query.Param) query.Expr {
	sub := query.IncrementQueryLevels(query.Copy(s.Subselect), 1, 1)
	col := visibleTargets(sub.TargetList)[prm.ID&0xffff-1]
	q := &query.Query{CommandType: query.CmdSelect, JoinTree: &query.FromExpr{FromList: []query.JoinNode{&query.RangeTblRef{RTIndex: 1}}}}
	q.RTable = []*query.RangeTblEntry{{Kind: query.RTESubquery, Subquery: sub, InFrom: true,
		Eref: &query.Alias{Name: "*SELECT*", Colnames: targetNames(sub)}}}
	q.TargetList = []*query.TargetEntry{{Expr: &query.Var{Result: prm.Result, Varno: 1, Varattno: col.Resno, Location: -1}, Resno: 1,
		Resname: col.Resname}}
	return &query.SubLink{Result: prm.Result, SubLinkType: query.ExprSublink, Subselect: q, Location: s.Location}
}
