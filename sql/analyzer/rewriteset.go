package analyzer

import (
	"slices"

	"gompho/internal/ids"
	"gompho/sql/query"
)

// convertArms puts the conversions of set operations' columns into the queries below: after it each arm gives exactly the
// types that the operation above it has. The stored form of a query has them only where a literal was converted.
func (r *rewriter) convertArms(q *query.Query) *query.Query {
	s, ok := q.SetOperations.(*query.SetOperationStmt)
	if !ok || !r.armsDiffer(q, s, s.ColTypes) {
		return q
	}
	c := *q
	c.RTable = slices.Clone(q.RTable)
	top := *s
	a := &armConverter{rewriter: r, q: &c}
	top.Larg, top.Rarg = a.arm(s.Larg, s.ColTypes), a.arm(s.Rarg, s.ColTypes)
	c.SetOperations = &top
	return &c
}

func (r *rewriter) armsDiffer(q *query.Query, n query.SetOpNode, want []ids.Oid) bool {
	switch n := n.(type) {
	case *query.RangeTblRef:
		for i, t := range visibleTargets(q.RTable[n.RTIndex-1].Subquery.TargetList) {
			if t.Expr.Type() != want[i] {
				return true
			}
		}
	case *query.SetOperationStmt:
		return !slices.Equal(n.ColTypes, want) || r.armsDiffer(q, n.Larg, n.ColTypes) || r.armsDiffer(q, n.Rarg, n.ColTypes)
	}
	return false
}

type armConverter struct {
	*rewriter
	q *query.Query
}

// arm returns the node with its columns converted to want.
func (a *armConverter) arm(n query.SetOpNode, want []ids.Oid) query.SetOpNode {
	switch n := n.(type) {
	case *query.RangeTblRef:
		rte := *a.q.RTable[n.RTIndex-1]
		if w := a.wrap(rte.Subquery, want); w != nil {
			rte.Subquery = w
			a.q.RTable[n.RTIndex-1] = &rte
		}
		return n
	case *query.SetOperationStmt:
		c := *n
		c.Larg, c.Rarg = a.arm(n.Larg, n.ColTypes), a.arm(n.Rarg, n.ColTypes)
		if slices.Equal(n.ColTypes, want) {
			return &c
		}
		sub := a.separate(&c)
		a.q.RTable = append(a.q.RTable, &query.RangeTblEntry{Kind: query.RTESubquery, Subquery: a.wrap(sub, want),
			Eref: &query.Alias{Name: "*SELECT* " + itoa(len(a.q.RTable)+1), Colnames: targetNames(sub)}})
		return &query.RangeTblRef{RTIndex: len(a.q.RTable)}
	}
	return n
}

func targetNames(q *query.Query) []string {
	var out []string
	for _, t := range visibleTargets(q.TargetList) {
		out = append(out, t.Resname)
	}
	return out
}

// separate makes a query of its own of an inner set operation.
func (a *armConverter) separate(n *query.SetOperationStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdSelect, JoinTree: &query.FromExpr{}}
	var move func(n query.SetOpNode) query.SetOpNode
	move = func(n query.SetOpNode) query.SetOpNode {
		if s, ok := n.(*query.SetOperationStmt); ok {
			c := *s
			c.Larg, c.Rarg = move(s.Larg), move(s.Rarg)
			return &c
		}
		q.RTable = append(q.RTable, a.q.RTable[n.(*query.RangeTblRef).RTIndex-1])
		return &query.RangeTblRef{RTIndex: len(q.RTable)}
	}
	q.SetOperations = move(n)
	for i, t := range visibleTargets(q.RTable[0].Subquery.TargetList) {
		q.TargetList = append(q.TargetList, &query.TargetEntry{Resno: i + 1, Resname: t.Resname, Expr: &query.Var{
			Result: result(n.ColTypes[i], n.ColTypmods[i], n.ColColls[i]), Varno: 1, Varattno: t.Resno, Location: -1}})
	}
	return q
}

// wrap makes SELECT conversions FROM (q); nil when no column needs one.
func (a *armConverter) wrap(q *query.Query, want []ids.Oid) *query.Query {
	cols := visibleTargets(q.TargetList)
	differ := false
	for i, t := range cols {
		differ = differ || t.Expr.Type() != want[i]
	}
	if !differ {
		return nil
	}
	names := targetNames(q)
	w := &query.Query{CommandType: query.CmdSelect, JoinTree: &query.FromExpr{FromList: []query.JoinNode{&query.RangeTblRef{RTIndex: 1}}}}
	// Variables of outer levels in q are one level further away now.
	inner := query.IncrementQueryLevels(q, 1, 1)
	w.RTable = []*query.RangeTblEntry{{Kind: query.RTESubquery, Subquery: inner, InFrom: true,
		Eref: &query.Alias{Name: "*SELECT*", Colnames: names}}}
	for i, t := range cols {
		var e query.Expr = &query.Var{Result: result(t.Expr.Type(), t.Expr.Typmod(), t.Expr.Collation()), Varno: 1,
			Varattno: t.Resno, Location: -1}
		if e.Type() != want[i] {
			e = a.toCommon(e, want[i], "UNION")
			a.assignExprCollations(e)
		}
		w.TargetList = append(w.TargetList, &query.TargetEntry{Expr: e, Resno: i + 1, Resname: t.Resname})
	}
	return w
}
