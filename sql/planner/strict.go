package planner

import (
	"gompho/sql/plan"
	"gompho/sql/query"
)

const boolOid = 16

// btree strategies
const (
	strategyLt = 1
	strategyLe = 2
	strategyEq = 3
	strategyGe = 4
	strategyGt = 5
)

// volatileExpr reports whether e calls a volatile function.
func (r *root) volatileExpr(e query.Expr) bool { return r.worstVolatility(e) == 'v' }

// worstVolatility returns 'i', 's' or 'v' for the most volatile function in e.
func (r *root) worstVolatility(e query.Expr) byte {
	worst := byte('i')
	note := func(v byte) {
		if v == 'v' || v == 's' && worst == 'i' {
			worst = v
		}
	}
	if e == nil {
		return worst
	}
	walkExpr(e, func(n query.Expr) bool {
		switch x := n.(type) {
		case *query.FuncExpr:
			note(r.volatility(x.FuncID))
		case *query.OpExpr:
			note(r.volatility(x.FuncID))
		case *query.DistinctExpr:
			note(r.volatility(x.FuncID))
		case *query.NullIfExpr:
			note(r.volatility(x.FuncID))
		case *query.ScalarArrayOpExpr:
			note(r.volatility(x.FuncID))
		case *query.CoerceViaIO, *query.SQLValueFunction, *query.CoerceToDomain:
			note('s')
		case *query.NextValueExpr:
			note('v')
		case *query.SubLink:
			note(r.queryVolatility(x.Subselect))
		}
		return worst != 'v'
	})
	return worst
}

func (r *root) queryVolatility(q *query.Query) byte {
	worst := byte('i')
	forEachExpr(q, func(e query.Expr) {
		if v := r.worstVolatility(e); v == 'v' || v == 's' && worst == 'i' {
			worst = v
		}
	})
	return worst
}

func (r *root) volatility(fn queryOid) byte {
	if p := r.g.facts.proc(fn); p != nil {
		return p.volatile
	}
	return 'v'
}

func (r *root) procCost(fn queryOid) float64 {
	if p := r.g.facts.proc(fn); p != nil {
		return p.cost
	}
	return 1
}

func (r *root) strictFunc(fn queryOid) bool {
	p := r.g.facts.proc(fn)
	return p != nil && p.strict
}

// nonnullable lists the relations such that e cannot be true (top) or not NULL when all their columns are NULL.
func (r *root) nonnullable(e query.Expr, top bool) relset {
	var s relset
	switch x := e.(type) {
	case *query.Var:
		if x.Varlevelsup == 0 {
			s = single(x.Varno)
		}
	case *query.FuncExpr:
		if r.strictFunc(x.FuncID) && !x.RetSet {
			s = r.nonnullableAny(x.Args)
		}
	case *query.OpExpr:
		if r.strictFunc(x.FuncID) && !x.RetSet {
			s = r.nonnullableAny(x.Args)
		}
	case *query.ScalarArrayOpExpr:
		if r.strictFunc(x.FuncID) {
			s = r.nonnullable(x.Args[0], false)
		}
	case *query.BoolExpr:
		s = r.nonnullableBool(x, top)
	case *query.RelabelType:
		s = r.nonnullable(x.Arg, top)
	case *query.CoerceViaIO:
		s = r.nonnullable(x.Arg, false)
	case *query.ArrayCoerceExpr:
		s = r.nonnullable(x.Arg, top)
	case *query.CollateExpr:
		s = r.nonnullable(x.Arg, top)
	case *query.NullTest:
		if top && !x.IsNull && !x.Argisrow {
			s = r.nonnullable(x.Arg, false)
		}
	case *query.BooleanTest:
		if top && (x.Test == query.IsTrue || x.Test == query.IsFalse || x.Test == query.IsNotUnknown) {
			s = r.nonnullable(x.Arg, false)
		}
	case *plan.SubPlan:
		if (top && x.SubLinkType == query.AnySublink || x.SubLinkType == query.RowCompareSublink) && x.Testexpr != nil {
			s = r.nonnullable(x.Testexpr, top)
		}
	case *query.SubLink:
		if (top && x.SubLinkType == query.AnySublink || x.SubLinkType == query.RowCompareSublink) && x.Testexpr != nil {
			s = r.nonnullable(x.Testexpr, top)
		}
	}
	return s
}

func (r *root) nonnullableAny(args []query.Expr) relset {
	var s relset
	for _, a := range args {
		s = s.union(r.nonnullable(a, false))
	}
	return s
}

func (r *root) nonnullableBool(x *query.BoolExpr, top bool) relset {
	var s relset
	switch {
	case x.Op == query.NotExpr:
		return r.nonnullable(x.Args[0], false)
	case x.Op == query.AndExpr && top:
		for _, a := range x.Args {
			s = s.union(r.nonnullable(a, true))
		}
		return s
	}
	// OR at the top, and either operator below it: all arms must agree.
	for i, a := range x.Args {
		n := r.nonnullable(a, top && x.Op == query.OrExpr)
		if i == 0 {
			s = n
		} else {
			s = s.intersect(n)
		}
	}
	return s
}

// reduceOuterJoins turns outer joins into simpler ones where a strict condition above rejects the rows that only the outer
// join would add, and LEFT joins whose right side is required NULL into anti joins.
func (r *root) reduceOuterJoins() {
	r.q.JoinTree = r.reduce(r.q.JoinTree, relset{}, nil).(*query.FromExpr)
}

func (r *root) reduce(n query.JoinNode, nonnull relset, forcedNull []*query.Var) query.JoinNode {
	switch x := n.(type) {
	case *query.FromExpr:
		for _, q := range andList(x.Quals) {
			nonnull = nonnull.union(r.nonnullable(q, true))
			if v := nullTestVar(q); v != nil {
				forcedNull = append(forcedNull, v)
			}
		}
		out := &query.FromExpr{Quals: x.Quals}
		for _, f := range x.FromList {
			out.FromList = append(out.FromList, r.reduce(f, nonnull, forcedNull))
		}
		return out
	case *query.JoinExpr:
		return r.reduceJoin(x, nonnull, forcedNull)
	}
	return n
}

func nullTestVar(q query.Expr) *query.Var {
	if t, ok := q.(*query.NullTest); ok && t.IsNull && !t.Argisrow {
		if v, ok := t.Arg.(*query.Var); ok && v.Varlevelsup == 0 {
			return v
		}
	}
	return nil
}

func (r *root) reduceJoin(x *query.JoinExpr, nonnull relset, forcedNull []*query.Var) query.JoinNode {
	out := *x
	left, right := joinRels(x.Larg), joinRels(x.Rarg)
	switch out.JoinType {
	case query.JoinLeft:
		if nonnull.overlaps(right) {
			out.JoinType = query.JoinInner
		}
	case query.JoinRight:
		if nonnull.overlaps(left) {
			out.JoinType = query.JoinInner
		}
	case query.JoinFull:
		l, rr := nonnull.overlaps(left), nonnull.overlaps(right)
		switch {
		case l && rr:
			out.JoinType = query.JoinInner
		case l:
			out.JoinType = query.JoinLeft
		case rr:
			out.JoinType = query.JoinRight
		}
	}
	if out.JoinType == query.JoinRight {
		out.Larg, out.Rarg = out.Rarg, out.Larg
		left, right = right, left
		out.JoinType = query.JoinLeft
	}
	own := relset{}
	for _, q := range andList(out.Quals) {
		own = own.union(r.nonnullable(q, true))
	}
	if out.JoinType == query.JoinLeft {
		for _, v := range forcedNull {
			if right.has(v.Varno) && r.strictVar(andList(out.Quals), v) {
				out.JoinType = query.JoinAnti
			}
		}
	}
	pass := nonnull
	lp, rp := pass, pass
	lf, rf := forcedNull, forcedNull
	switch out.JoinType {
	case query.JoinInner, query.JoinSemi:
		lp, rp = pass.union(own), pass.union(own)
	case query.JoinLeft, query.JoinAnti:
		rp, rf = own, nil
		lf = dropVars(forcedNull, right)
	case query.JoinFull:
		lp, rp, lf, rf = relset{}, relset{}, nil, nil
	}
	out.Larg, out.Rarg = r.reduce(out.Larg, lp, lf), r.reduce(out.Rarg, rp, rf)
	return &out
}

func dropVars(vs []*query.Var, rels relset) []*query.Var {
	var out []*query.Var
	for _, v := range vs {
		if !rels.has(v.Varno) {
			out = append(out, v)
		}
	}
	return out
}

// strictVar reports whether the join's own condition forces v not to be NULL in a match.
func (r *root) strictVar(quals []query.Expr, v *query.Var) bool {
	for _, q := range quals {
		op, ok := q.(*query.OpExpr)
		if !ok || !r.strictFunc(op.FuncID) {
			continue
		}
		for _, a := range op.Args {
			if w, ok := stripRelabel(a).(*query.Var); ok && w.Varno == v.Varno && w.Varattno == v.Varattno && w.Varlevelsup == 0 {
				return true
			}
		}
	}
	return false
}
