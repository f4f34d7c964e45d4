package analyzer

import (
	"slices"

	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// checkAggregates verifies that a grouped query uses ungrouped columns only inside aggregates, and fills in GROUPING's
// references.
func (p *state) checkAggregates(q *query.Query) {
	if len(q.GroupClause) == 0 && len(q.GroupingSets) == 0 && !p.hasAggs && q.HavingQual == nil {
		return
	}
	g := &groupCheck{state: p, q: q}
	for _, c := range q.GroupClause {
		t := targetByRef(c.TLESortGroupRef, q.TargetList)
		e := p.flattenJoins(q, t.Expr)
		g.exprs = append(g.exprs, e)
		g.refs = append(g.refs, c.TLESortGroupRef)
	}
	g.common = g.commonVars(q)
	if p.selfRecursiveAggs(q) {
		loc := int32(-1)
		query.FindExpr(q, func(n query.Node) bool {
			if a, ok := n.(*query.Aggref); ok {
				loc = a.Location
			}
			return loc >= 0
		})
		failAt(loc, pgerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term")
	}
	for _, t := range q.TargetList {
		g.check(t.Expr)
	}
	if q.HavingQual != nil {
		g.check(q.HavingQual)
	}
}

func (p *state) selfRecursiveAggs(q *query.Query) bool {
	if !p.hasAggs {
		return false
	}
	for _, r := range q.RTable {
		if r.Kind == query.RTECTE && r.SelfReference {
			return true
		}
	}
	return false
}

// flattenJoins replaces the columns of joins by what they stand for.
func (p *state) flattenJoins(q *query.Query, e query.Expr) query.Expr {
	if !slices.ContainsFunc(q.RTable, func(r *query.RangeTblEntry) bool { return r.Kind == query.RTEJoin }) {
		return e
	}
	return query.FlattenJoinAliases(q.RTable, e)
}

type groupCheck struct {
	*state
	q        *query.Query
	exprs    []query.Expr
	refs     []int
	common   []query.Expr // grouped columns that are in every grouping set
	inDirect bool
	pkOK     map[int]bool
}

// commonVars are the plain columns that all grouping sets contain.
func (g *groupCheck) commonVars(q *query.Query) []query.Expr {
	var in map[int]bool
	if len(q.GroupingSets) > 0 {
		in = commonRefs(q.GroupingSets)
	}
	var out []query.Expr
	for i, e := range g.exprs {
		if _, ok := e.(*query.Var); ok && (in == nil || in[g.refs[i]]) {
			out = append(out, e)
		}
	}
	return out
}

// commonRefs returns the columns in every grouping set; an item contributes to all sets what each of its own sets has.
func commonRefs(items []*query.GroupingSet) map[int]bool {
	out := map[int]bool{}
	for _, s := range items {
		for r := range alwaysRefs(s) {
			out[r] = true
		}
	}
	return out
}

// alwaysRefs are the columns in each of the sets that an item of GROUP BY stands for.
func alwaysRefs(s *query.GroupingSet) map[int]bool {
	out := map[int]bool{}
	switch s.Kind {
	case query.GroupingSetSimple:
		for _, r := range s.Refs {
			out[r] = true
		}
	case query.GroupingSetSets:
		for i, c := range s.Content {
			in := alwaysRefs(c)
			if i == 0 {
				out = in
				continue
			}
			for r := range out {
				if !in[r] {
					delete(out, r)
				}
			}
		}
	}
	return out
}

// check walks an expression of the grouped level.
func (g *groupCheck) check(e query.Expr) {
	g.walk(g.flattenJoins(g.q, e), 0)
}

func (g *groupCheck) walk(n query.Node, level int) {
	switch x := n.(type) {
	case nil:
		return
	case *query.Const, *query.Param:
		return
	case *query.Aggref:
		if x.AggLevelsUp == level {
			// Its arguments are evaluated over the ungrouped rows; only direct arguments see the groups.
			old := g.inDirect
			g.inDirect = true
			for _, d := range x.AggDirectArgs {
				g.walk(d, level)
			}
			g.inDirect = old
			return
		}
		if x.AggLevelsUp > level {
			return
		}
	case *query.GroupingFunc:
		if x.AggLevelsUp == level {
			g.groupingRefs(x)
			return
		}
		if x.AggLevelsUp > level {
			return
		}
	case *query.Query:
		// Only reached from SubLinks and range tables: one level further in.
		g.subquery(x, level+1)
		return
	}
	if e, ok := n.(query.Expr); ok && g.isGrouped(e, level) {
		return
	}
	if v, ok := n.(*query.Var); ok {
		if v.Varlevelsup == level {
			g.ungrouped(v, level)
		}
		return
	}
	first := true
	w := query.Walker{Subqueries: true, Visit: func(c query.Node, _ int) bool {
		if first {
			first = false
			return true
		}
		g.walk(c, level)
		return false
	}}
	w.Walk(n)
}

func (g *groupCheck) subquery(q *query.Query, level int) {
	first := true
	w := query.Walker{Subqueries: true, SkipJoinAliases: true, Visit: func(c query.Node, _ int) bool {
		if first {
			first = false
			return true
		}
		g.walk(c, level)
		return false
	}}
	w.Walk(q)
}

func (g *groupCheck) isGrouped(e query.Expr, level int) bool {
	for i := range g.exprs {
		x := g.exprs[i]
		if level > 0 {
			x = query.IncrementLevels(x, level, 0)
		}
		if query.Equal(e, x) {
			return true
		}
	}
	return false
}

func (g *groupCheck) ungrouped(v *query.Var, level int) {
	rte := g.q.RTable[v.Varno-1]
	if rte.Kind == query.RTERelation && g.functionallyDependent(v, rte) {
		return
	}
	name := rteColumn(g.state, rte, v.Varattno)
	if level > 0 {
		failAt(v.Location, pgerr.GroupingError, "subquery uses ungrouped column \"%s.%s\" from outer query", rte.Eref.Name, name)
	}
	e := pgerr.New(pgerr.GroupingError, "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate function",
		rte.Eref.Name, name).At(int(v.Location))
	if g.inDirect {
		e.WithDetail("Direct arguments of an ordered-set aggregate must use only grouped columns.")
	}
	fail(e)
}

// rteColumn is the name of a column of an entry, for messages.
func rteColumn(p *state, rte *query.RangeTblEntry, att int) string {
	switch {
	case att == 0:
		return "*"
	case att < 0:
		return systemColumns[-att-1].name
	}
	return rte.Eref.Colnames[att-1]
}

// functionallyDependent reports whether the table's primary key is grouped by, so that its other columns are determined.
func (g *groupCheck) functionallyDependent(v *query.Var, rte *query.RangeTblEntry) bool {
	if ok, seen := g.pkOK[v.Varno]; seen {
		return ok
	}
	ok := false
	for _, c := range must(g.cat.ConstraintsOf(rte.Relid)) {
		if c.Contype != 'p' || c.Condeferrable {
			continue
		}
		ok = len(c.Conkey) > 0
		for _, k := range c.Conkey {
			if !slices.ContainsFunc(g.common, func(e query.Expr) bool {
				w := e.(*query.Var)
				return w.Varno == v.Varno && w.Varlevelsup == 0 && w.Varattno == int(k)
			}) {
				ok = false
			}
		}
		if ok {
			g.q.ConstraintDeps = append(g.q.ConstraintDeps, c.Oid)
		}
	}
	if g.pkOK == nil {
		g.pkOK = map[int]bool{}
	}
	g.pkOK[v.Varno] = ok
	return ok
}

// groupingRefs matches the arguments of GROUPING to the grouped expressions.
func (g *groupCheck) groupingRefs(x *query.GroupingFunc) {
	x.Refs = x.Refs[:0]
	for _, a := range x.Args {
		e := g.flattenJoins(g.q, a)
		found := 0
		for i := range g.exprs {
			if query.Equal(e, query.IncrementLevels(g.exprs[i], x.AggLevelsUp, 0)) {
				found = g.refs[i]
				break
			}
		}
		if found == 0 {
			failAt(exprLoc(a), pgerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level")
		}
		x.Refs = append(x.Refs, found)
	}
}
