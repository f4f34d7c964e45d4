package analyzer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// collStrength says how binding an expression's collation is.
type collStrength uint8

const (
	collNone collStrength = iota
	collImplicit
	collConflict
	collExplicit
)

// collState is the collation that the expressions seen so far agree on.
type collState struct {
	*analysis
	coll, coll2 ids.Oid
	strength    collStrength
	loc, loc2   int32
}

// assignQueryCollations gives every expression of a query its collation; subqueries have theirs already.
func (p *state) assignQueryCollations(q *query.Query) {
	for _, t := range q.TargetList {
		p.assignExprCollations(t.Expr)
	}
	for _, t := range q.ReturningList {
		p.assignExprCollations(t.Expr)
	}
	if q.JoinTree != nil {
		p.assignJoinCollations(q.JoinTree)
	}
	p.assignExprCollations(q.HavingQual)
	p.assignExprCollations(q.LimitOffset)
	p.assignExprCollations(q.LimitCount)
	for _, w := range q.WindowClause {
		p.assignExprCollations(w.StartOffset)
		p.assignExprCollations(w.EndOffset)
	}
	if c := q.OnConflict; c != nil {
		for _, e := range c.ArbiterElems {
			p.assignExprCollations(e.Expr)
		}
		p.assignExprCollations(c.ArbiterWhere)
		for _, t := range c.Set {
			p.assignExprCollations(t.Expr)
		}
		p.assignExprCollations(c.Where)
	}
	for _, a := range q.MergeActions {
		p.assignExprCollations(a.Qual)
		for _, t := range a.TargetList {
			p.assignExprCollations(t.Expr)
		}
	}
}

func (p *state) assignJoinCollations(n query.JoinNode) {
	switch n := n.(type) {
	case *query.FromExpr:
		for _, x := range n.FromList {
			p.assignJoinCollations(x)
		}
		p.assignExprCollations(n.Quals)
	case *query.JoinExpr:
		p.assignJoinCollations(n.Larg)
		p.assignJoinCollations(n.Rarg)
		p.assignExprCollations(n.Quals)
	}
}

// assignExprCollations works on one independent expression; nil is allowed.
func (p *state) assignExprCollations(e query.Expr) {
	if e == nil {
		return
	}
	switch e.(type) {
	case *query.Var, *query.Const, *query.Param, *query.SetToDefault:
		return
	}
	c := collState{analysis: p.analysis, loc: -1}
	c.visit(e)
}

func (p *state) assignListCollations(list []query.Expr) {
	for _, e := range list {
		p.assignExprCollations(e)
	}
}

// commonCollation finds the collation that expressions share; a conflict is an error unless noneOK.
func (p *state) commonCollation(list []query.Expr, noneOK bool) ids.Oid {
	c := collState{analysis: p.analysis, loc: -1}
	for _, e := range list {
		c.visit(e)
	}
	if c.strength == collConflict {
		if noneOK {
			return 0
		}
		fail(pgerr.New(pgerr.CollationMismatch, "collation mismatch between implicit collations \"%s\" and \"%s\"",
			p.collationName(c.coll), p.collationName(c.coll2)).
			WithHint("You can choose the collation by applying the COLLATE clause to one or both expressions.").At(int(c.loc2)))
	}
	return c.coll
}

func (a *analysis) collationName(oid ids.Oid) string {
	if c := must(a.cat.Collation(oid)); c != nil {
		return c.Collname
	}
	return ""
}

// visit assigns collations in e and merges its collation into the state of its siblings.
func (c *collState) visit(e query.Expr) {
	if e == nil {
		return
	}
	switch n := e.(type) {
	case *query.Var, *query.Const, *query.Param, *query.CoerceToDomainValue, *query.CaseTestExpr, *query.SetToDefault,
		*query.CurrentOfExpr:
		if coll := e.Collation(); coll != 0 {
			c.merge(coll, collImplicit, exprLoc(e), 0, -1)
		}
	case *query.OpExpr:
		c.visitCall(e, n.Args)
	case *query.FuncExpr:
		c.visitCall(e, n.Args)
	case *query.BoolExpr:
		c.visitCall(e, n.Args)
	default:
		c.visitOther(e)
	}
}

// visitCall is visit for the common nodes whose children are a list of arguments.
func (c *collState) visitCall(e query.Expr, args []query.Expr) {
	c.enter()
	in := collState{analysis: c.analysis, loc: -1}
	for _, a := range args {
		in.visit(a)
	}
	c.leave()
	c.finish(e, &in)
}

// finish gives a node the collation of its children, if its type has one, and passes it on.
func (c *collState) finish(e query.Expr, in *collState) {
	coll, strength, loc := ids.Oid(0), collNone, int32(-1)
	if t := c.typeCollation(e.Type()); t != 0 {
		if in.strength > collNone {
			coll, strength, loc = in.coll, in.strength, in.loc
		} else {
			coll, strength, loc = t, collImplicit, exprLoc(e)
		}
	}
	setCollation(e, coll, strength == collConflict)
	setInputCollation(e, in.coll, in.strength == collConflict)
	c.merge(coll, strength, loc, in.coll2, in.loc2)
}

func (c *collState) visitOther(e query.Expr) {
	c.enter()
	defer c.leave()
	coll, strength, loc := ids.Oid(0), collNone, int32(-1)
	in := collState{analysis: c.analysis, loc: -1}
	switch n := e.(type) {
	case *query.CollateExpr:
		in.visit(n.Arg)
		coll, strength, loc = n.ResCollation, collExplicit, n.Location
	case *query.FieldSelect:
		in.visit(n.Arg)
		if coll = n.ResCollation; coll != 0 {
			strength, loc = collImplicit, exprLoc(e)
		}
	case *query.RowExpr:
		for _, a := range n.Args {
			x := collState{analysis: c.analysis, loc: -1}
			x.visit(a)
		}
		return
	case *query.RowCompareExpr:
		c.rowCompare(n)
		return
	case *query.CoerceToDomain:
		in.visit(n.Arg)
		switch t := c.typeCollation(n.ResType); t {
		case 0:
		case defaultCollation:
			coll, strength, loc = in.coll, in.strength, in.loc
		default:
			coll, strength, loc = t, collImplicit, exprLoc(e)
		}
		n.ResCollation = coll
		if strength == collConflict {
			n.ResCollation = 0
		}
	default:
		c.general(e, &in)
		c.finish(e, &in)
		return
	}
	c.merge(coll, strength, loc, in.coll2, in.loc2)
}

func (c *collState) rowCompare(n *query.RowCompareExpr) {
	for i := range n.Largs {
		x := collState{analysis: c.analysis, loc: -1}
		x.visit(n.Largs[i])
		x.visit(n.Rargs[i])
		n.InputCollids[i] = x.coll
		if x.strength == collConflict {
			n.InputCollids[i] = 0
		}
	}
}

// general visits the children of a node whose collation comes from them.
func (c *collState) general(e query.Expr, in *collState) {
	alone := func(x query.Expr) {
		s := collState{analysis: c.analysis, loc: -1}
		s.visit(x)
	}
	switch n := e.(type) {
	case *query.Aggref:
		c.aggregate(n, in)
	case *query.WindowFunc:
		for _, a := range n.Args {
			in.visit(a)
		}
		alone(n.AggFilter)
	case *query.CaseExpr:
		for _, w := range n.Whens {
			in.visit(w.Expr)
			in.visit(w.Result)
		}
		in.visit(n.Defresult)
	case *query.SubscriptingRef:
		for _, x := range n.UpperIndexpr {
			alone(x)
		}
		for _, x := range n.LowerIndexpr {
			alone(x)
		}
		in.visit(n.RefExpr)
		in.visit(n.RefAssgnExpr)
	case *query.SubLink:
		in.visit(n.Testexpr)
		if q := n.Subselect; len(q.TargetList) > 0 && !q.TargetList[0].Resjunk {
			x := q.TargetList[0].Expr
			in.merge(x.Collation(), collImplicit, exprLoc(x), 0, -1)
		}
	case *query.ArrayCoerceExpr:
		in.visit(n.Arg)
		in.visit(n.Elemexpr)
	default:
		query.MutateChildren(e, func(x query.Expr) query.Expr {
			in.visit(x)
			return x
		})
	}
}

func (c *collState) aggregate(n *query.Aggref, in *collState) {
	alone := func(x query.Expr) {
		s := collState{analysis: c.analysis, loc: -1}
		s.visit(x)
	}
	if n.AggKind == 'n' {
		for _, t := range n.Args {
			if t.Resjunk {
				alone(t.Expr)
			} else {
				in.visit(t.Expr)
			}
		}
	} else {
		for _, d := range n.AggDirectArgs {
			in.visit(d)
		}
		for _, t := range n.Args {
			if n.AggKind == 'o' && len(n.Args) == 1 {
				in.visit(t.Expr)
			} else {
				alone(t.Expr)
			}
		}
	}
	alone(n.AggFilter)
}

func (c *collState) merge(coll ids.Oid, strength collStrength, loc int32, coll2 ids.Oid, loc2 int32) {
	switch {
	case strength > c.strength:
		c.coll, c.strength, c.loc = coll, strength, loc
		if strength == collConflict {
			c.coll2, c.loc2 = coll2, loc2
		}
	case strength < c.strength || coll == c.coll:
	case strength == collImplicit:
		if c.coll == defaultCollation {
			c.coll, c.loc = coll, loc
		} else if coll != defaultCollation {
			c.strength, c.coll2, c.loc2 = collConflict, coll, loc
		}
	case strength == collExplicit:
		failAt(loc, pgerr.CollationMismatch, "collation mismatch between explicit collations \"%s\" and \"%s\"",
			c.collationName(c.coll), c.collationName(coll))
	}
}

func setCollation(e query.Expr, coll ids.Oid, conflict bool) {
	if conflict {
		coll = 0
	}
	if s, ok := e.(interface{ SetCollation(ids.Oid) }); ok {
		s.SetCollation(coll)
	}
}

func setInputCollation(e query.Expr, coll ids.Oid, conflict bool) {
	if conflict {
		coll = 0
	}
	switch n := e.(type) {
	case *query.OpExpr:
		n.InputCollid = coll
	case *query.FuncExpr:
		n.InputCollid = coll
	case *query.DistinctExpr:
		n.InputCollid = coll
	case *query.NullIfExpr:
		n.InputCollid = coll
	case *query.ScalarArrayOpExpr:
		n.InputCollid = coll
	case *query.Aggref:
		n.InputCollid = coll
	case *query.WindowFunc:
		n.InputCollid = coll
	case *query.MinMaxExpr:
		n.InputCollid = coll
	}
}
