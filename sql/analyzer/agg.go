package analyzer

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// checkAggregateArgs checks the division of an aggregate's arguments into direct and aggregated ones.
func (p *state) checkAggregateArgs(c *call) {
	agg := must(p.cat.Aggregate(c.proc.Oid))
	if agg == nil {
		fail(pgerr.Internal("cache lookup failed for aggregate %d", c.proc.Oid))
	}
	c.aggKind = agg.Aggkind
	name := strings.Join(c.name, ".")
	f := c.fn
	if f == nil {
		f = &ast.FuncCall{}
		c.fn = f
	}
	if agg.Aggkind == 'n' {
		if f.AggWithinGroup {
			failAt(c.loc, pgerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name)
		}
		if len(c.args) == 0 && !f.AggStar {
			failAt(c.loc, pgerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", name)
		}
		return
	}
	if !f.AggWithinGroup {
		failAt(c.loc, pgerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", name)
	}
	if f.Over != nil {
		failAt(c.loc, pgerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", name)
	}
	p.checkOrderedSet(c, name, int(agg.Aggnumdirectargs))
}

func (p *state) checkOrderedSet(c *call, name string, catDirect int) {
	nagg := len(c.fn.AggOrder)
	ndirect := len(c.args) - nagg
	no := func(format string, args ...any) {
		fail(pgerr.New(pgerr.UndefinedFunction, "function %s does not exist", p.signature(c)).
			WithHint(format, args...).At(int(c.loc)))
	}
	plural := func(n int) string {
		if n == 1 {
			return ""
		}
		return "s"
	}
	if c.vaType == 0 {
		if ndirect != catDirect {
			no("There is an ordered-set aggregate %s, but it requires %d direct argument%s, not %d.", name, catDirect, plural(catDirect), ndirect)
		}
		return
	}
	pronargs := len(c.args)
	if c.cand.nvargs > 1 {
		pronargs -= c.cand.nvargs - 1
	}
	switch {
	case catDirect < pronargs:
		if ndirect != catDirect {
			no("There is an ordered-set aggregate %s, but it requires %d direct argument%s, not %d.", name, catDirect, plural(catDirect), ndirect)
		}
	case c.aggKind == 'h':
		if c.cand.nvargs != 2*nagg {
			no("To use the hypothetical-set aggregate %s, the number of hypothetical direct arguments (here %d) must match the number of ordering columns (here %d).",
				name, c.cand.nvargs-nagg, nagg)
		}
	case c.cand.nvargs <= nagg:
		no("There is an ordered-set aggregate %s, but it requires at least %d direct argument%s.", name, catDirect, plural(catDirect))
	}
}

// unifyHypothetical makes each hypothetical argument and its ordering column one type.
func (p *state) unifyHypothetical(c *call) {
	nagg := len(c.fn.AggOrder)
	ndirect := len(c.args) - nagg
	nHyp := ndirect - nagg
	if nHyp < 0 {
		fail(pgerr.Internal("incorrect number of arguments to hypothetical-set aggregate"))
	}
	for i := nHyp; i < ndirect; i++ {
		j := ndirect + i - nHyp
		if c.decl[i] != c.decl[j] {
			fail(pgerr.Internal("hypothetical-set aggregate has inconsistent declared argument types"))
		}
		if c.decl[i] != anyOid {
			continue
		}
		typ := p.commonType([]query.Expr{c.args[j], c.args[i]}, "WITHIN GROUP")
		typmod := commonTypmod([]query.Expr{c.args[j], c.args[i]}, typ)
		for _, k := range [2]int{i, j} {
			c.args[k] = p.coerceTo(c.args[k], c.actual[k], typ, typmod, implicitly, query.CoerceImplicitCast, -1)
			c.actual[k] = typ
			if c.args[k] == nil {
				fail(pgerr.Internal("could not convert hypothetical argument"))
			}
		}
	}
}

// buildAggregate makes the Aggref and settles which query level it belongs to.
func (p *state) buildAggregate(c *call, variadic bool) query.Expr {
	agg := must(p.cat.Aggregate(c.proc.Oid))
	a := &query.Aggref{Result: result(c.ret, -1, 0), AggFnOid: c.proc.Oid, AggStar: c.fn.AggStar, AggVariadic: variadic,
		AggKind: agg.Aggkind, AggTransType: agg.Aggtranstype, AggFilter: c.filter, Location: c.loc}
	if c.proc.Proretset {
		failAt(c.loc, pgerr.InvalidFunctionDefinition, "aggregates cannot return sets")
	}
	args, order := c.args, c.fn.AggOrder
	for _, x := range args {
		a.AggArgTypes = append(a.AggArgTypes, x.Type())
	}
	if agg.Aggkind != 'n' {
		n := len(args) - len(order)
		a.AggDirectArgs = args[:n:n]
		args = args[n:]
		for i, x := range args {
			t := &query.TargetEntry{Expr: x, Resno: i + 1}
			a.Args = append(a.Args, t)
			a.AggOrder = p.addToSortList(t, a.AggOrder, a.Args, order[i])
		}
	} else {
		for i, x := range args {
			a.Args = append(a.Args, &query.TargetEntry{Expr: x, Resno: i + 1})
		}
		p.aggregateOrder(a, c)
	}
	a.AggTransType = p.aggTransType(a, agg.Aggtranstype, c)
	p.checkAggregate(a, c)
	return a
}

// aggregateOrder analyzes ORDER BY and DISTINCT inside an aggregate's parentheses.
func (p *state) aggregateOrder(a *query.Aggref, c *call) {
	if len(c.fn.AggOrder) == 0 && !c.fn.AggDistinct {
		return
	}
	saved := p.nextResno
	p.nextResno = len(a.Args) + 1
	list := a.Args
	a.AggOrder = p.sortClause(c.fn.AggOrder, &list, exprOrderBy, true)
	if c.fn.AggDistinct {
		a.AggDistinct = p.distinctClause(&list, a.AggOrder, true)
		for _, s := range a.AggDistinct {
			if s.SortOp == 0 {
				x := targetByRef(s.TLESortGroupRef, list).Expr
				fail(pgerr.New(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", p.typeName(x.Type())).
					WithDetail("Aggregates with DISTINCT must be able to sort their inputs.").At(int(exprLoc(x))))
			}
		}
	}
	a.Args = list
	p.nextResno = saved
}

// aggTransType resolves a polymorphic transition type.
func (p *state) aggTransType(a *query.Aggref, declared ids.Oid, c *call) ids.Oid {
	if !isPolymorphic(declared) {
		return declared
	}
	decl := append([]ids.Oid(nil), c.proc.Proargtypes...)
	n := min(len(decl), len(a.AggArgTypes))
	return p.resolveGenerics(a.AggArgTypes[:n], decl[:n], declared, false)
}

// checkAggregate finds the level that an aggregate belongs to and whether it may stand where it does.
func (p *state) checkAggregate(a *query.Aggref, c *call) {
	lvl := p.aggregateLevel(a.AggDirectArgs, a.Args, a.AggFilter, c.loc)
	a.AggLevelsUp = lvl
	s := p.level(lvl)
	s.hasAggs = true
	s.checkAggPlace(a.Location, false)
}

// checkAggPlace refuses an aggregate (or GROUPING) where the level's current clause allows none.
func (p *state) checkAggPlace(loc int32, grouping bool) {
	what := "aggregate functions"
	if grouping {
		what = "grouping operations"
	}
	place := ""
	switch p.kind {
	case exprNone, exprOther, exprHaving, exprSelectTarget, exprOrderBy, exprDistinctOn, exprWindowPartition, exprWindowOrder:
		return
	case exprJoinOn, exprJoinUsing:
		place = "JOIN conditions"
	case exprFromSubselect:
		failAt(loc, pgerr.GroupingError, "%s are not allowed in FROM clause of their own query level", what)
	case exprFromFunction:
		place = "functions in FROM"
	case exprPolicy:
		place = "policy expressions"
	case exprWindowFrameRange:
		place = "window RANGE"
	case exprWindowFrameRows:
		place = "window ROWS"
	case exprWindowFrameGroups:
		place = "window GROUPS"
	case exprCheck, exprDomainCheck:
		place = "check constraints"
	case exprColumnDefault, exprFunctionDefault:
		place = "DEFAULT expressions"
	case exprIndexExpression:
		place = "index expressions"
	case exprIndexPredicate:
		place = "index predicates"
	case exprStatsExpression:
		place = "statistics expressions"
	case exprAlterColTransform:
		place = "transform expressions"
	case exprExecuteParameter:
		place = "EXECUTE parameters"
	case exprTriggerWhen:
		place = "trigger WHEN conditions"
	case exprPartitionBound:
		place = "partition bound"
	case exprPartitionExpression:
		place = "partition key expressions"
	case exprGeneratedColumn:
		place = "column generation expressions"
	case exprCallArgument:
		place = "CALL arguments"
	case exprCopyWhere:
		place = "COPY FROM WHERE conditions"
	case exprMergeWhen:
		place = "MERGE WHEN conditions"
	default:
		place = p.kind.String()
	}
	failAt(loc, pgerr.GroupingError, "%s are not allowed in %s", what, place)
}

// aggArgs is the walk over an aggregate's arguments that finds its level.
type aggArgs struct {
	minVar, minAgg int // -1: none
}

func (w *aggArgs) walk(n query.Node) {
	query.WalkLevels(n, func(n query.Node, level int) bool {
		switch n := n.(type) {
		case *query.Var:
			if l := n.Varlevelsup - level; l >= 0 && (w.minVar < 0 || l < w.minVar) {
				w.minVar = l
			}
		case *query.Aggref:
			if l := n.AggLevelsUp - level; l >= 0 && (w.minAgg < 0 || l < w.minAgg) {
				w.minAgg = l
			}
		case *query.GroupingFunc:
			if l := n.AggLevelsUp - level; l >= 0 && (w.minAgg < 0 || l < w.minAgg) {
				w.minAgg = l
			}
		case *query.FuncExpr:
			if level == 0 && n.RetSet {
				p := pgerr.New(pgerr.FeatureNotSupported, "aggregate function calls cannot contain set-returning function calls").
					WithHint("You might be able to move the set-returning function into a LATERAL FROM item.")
				fail(p.At(int(exprLoc(n))))
			}
		case *query.WindowFunc:
			if level == 0 {
				failAt(n.Location, pgerr.GroupingError, "aggregate function calls cannot contain window function calls")
			}
		}
		return true
	})
}

// aggregateLevel is the level of the innermost variable in the arguments; an aggregate of that level among them is an
// error.
func (p *state) aggregateLevel(direct []query.Expr, args []*query.TargetEntry, filter query.Expr, loc int32) int {
	w := aggArgs{-1, -1}
	for _, t := range args {
		w.walk(t.Expr)
	}
	if filter != nil {
		w.walk(filter)
	}
	lvl := w.minVar
	if lvl < 0 {
		lvl = max(w.minAgg, 0)
	} else if w.minAgg >= 0 && w.minAgg < lvl {
		lvl = w.minAgg
	}
	if w.minAgg == lvl {
		failAt(p.findAgg(args, filter, lvl), pgerr.GroupingError, "aggregate function calls cannot be nested")
	}
	if len(direct) > 0 {
		d := aggArgs{-1, -1}
		for _, e := range direct {
			d.walk(e)
		}
		if d.minVar >= 0 && d.minVar < lvl {
			failAt(exprsLoc(direct), pgerr.GroupingError, "outer-level aggregate cannot contain a lower-level variable in its direct arguments")
		}
		if d.minAgg >= 0 && d.minAgg <= lvl {
			failAt(exprsLoc(direct), pgerr.GroupingError, "aggregate function calls cannot be nested")
		}
	}
	return lvl
}

func (p *state) findAgg(args []*query.TargetEntry, filter query.Expr, lvl int) int32 {
	loc := int32(-1)
	look := func(n query.Node) {
		query.WalkLevels(n, func(n query.Node, level int) bool {
			if a, ok := n.(*query.Aggref); ok && loc < 0 && a.AggLevelsUp-level == lvl {
				loc = a.Location
			}
			return true
		})
	}
	for _, t := range args {
		look(t.Expr)
	}
	if filter != nil {
		look(filter)
	}
	return loc
}

// groupingFunc analyzes GROUPING(...); its arguments are matched to GROUP BY when that is known.
func (p *state) groupingFunc(g *ast.GroupingFunc) query.Expr {
	if len(g.Args) > 31 {
		failAt(g.Location, pgerr.TooManyArguments, "GROUPING must have fewer than 32 arguments")
	}
	n := &query.GroupingFunc{Result: result(int4Oid, -1, 0), Location: g.Location}
	var targets []*query.TargetEntry
	for _, a := range g.Args {
		e := p.expr(a, p.kind)
		n.Args = append(n.Args, e)
		targets = append(targets, &query.TargetEntry{Expr: e})
	}
	w := aggArgs{-1, -1}
	for _, t := range targets {
		w.walk(t.Expr)
	}
	n.AggLevelsUp = max(w.minVar, 0)
	s := p.level(n.AggLevelsUp)
	s.hasAggs = true
	s.checkAggPlace(g.Location, true)
	return n
}
