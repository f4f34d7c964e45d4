package analyzer

import (
	"slices"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

func targetByRef(ref int, list []*query.TargetEntry) *query.TargetEntry {
	for _, t := range list {
		if t.Ressortgroupref == ref {
			return t
		}
	}
	fail(pgerr.Internal("ORDER/GROUP BY expression not found in targetlist"))
	return nil
}

// assignRef gives an output column a number that sort and group clauses name it by.
func assignRef(t *query.TargetEntry, list []*query.TargetEntry) int {
	if t.Ressortgroupref == 0 {
		m := 0
		for _, x := range list {
			m = max(m, x.Ressortgroupref)
		}
		t.Ressortgroupref = m + 1
	}
	return t.Ressortgroupref
}

// findTarget92 finds or makes the output column that an item of ORDER BY, GROUP BY or DISTINCT ON means by SQL92's rules:
// an output name, a position, or an expression.
func (p *state) findTarget92(n ast.Node, list *[]*query.TargetEntry, k exprKind) *query.TargetEntry {
	switch n := n.(type) {
	case *ast.ColumnRef:
		if len(n.Fields) != 1 {
			break
		}
		s, ok := n.Fields[0].(*ast.String)
		if !ok {
			break
		}
		if k == exprGroupBy && p.column(s.Sval, true, n.Location) != nil {
			break
		}
		var found *query.TargetEntry
		for _, t := range *list {
			if t.Resjunk || t.Resname != s.Sval {
				continue
			}
			if found == nil {
				found = t
			} else if !query.Equal(found.Expr, t.Expr) {
				failAt(n.Location, pgerr.AmbiguousColumn, "%s \"%s\" is ambiguous", k, s.Sval)
			}
		}
		if found != nil {
			p.checkTarget92(found, k)
			return found
		}
	case *ast.AConst:
		i, ok := n.Val.(*ast.Integer)
		if !ok {
			failAt(n.Location, pgerr.SyntaxError, "non-integer constant in %s", k)
		}
		pos := 0
		for _, t := range *list {
			if t.Resjunk {
				continue
			}
			if pos++; pos == int(i.Ival) {
				p.checkTarget92(t, k)
				return t
			}
		}
		failAt(n.Location, pgerr.InvalidColumnReference, "%s position %d is not in select list", k, i.Ival)
	}
	return p.findTarget99(n, list, k)
}

// checkTarget92 refuses aggregates and window functions in GROUP BY by name or position.
func (p *state) checkTarget92(t *query.TargetEntry, k exprKind) {
	if k != exprGroupBy {
		return
	}
	if p.hasAggs {
		if loc, ok := aggOfLevel(t.Expr, 0); ok {
			failAt(loc, pgerr.GroupingError, "aggregate functions are not allowed in %s", k)
		}
	}
	if p.hasWindowFuncs {
		if loc, ok := windowFuncIn(t.Expr); ok {
			failAt(loc, pgerr.WindowingError, "window functions are not allowed in %s", k)
		}
	}
}

func aggOfLevel(e query.Expr, lvl int) (int32, bool) {
	loc, found := int32(-1), false
	query.Find(e, func(n query.Node, level int) bool {
		if a, ok := n.(*query.Aggref); ok && a.AggLevelsUp-level == lvl {
			loc, found = a.Location, true
		}
		if g, ok := n.(*query.GroupingFunc); ok && g.AggLevelsUp-level == lvl {
			loc, found = g.Location, true
		}
		return found
	})
	return loc, found
}

func windowFuncIn(e query.Expr) (int32, bool) {
	loc, found := int32(-1), false
	query.FindExpr(e, func(n query.Node) bool {
		if w, ok := n.(*query.WindowFunc); ok {
			loc, found = w.Location, true
		}
		return found
	})
	return loc, found
}

// findTarget99 finds the output column equal to an expression, or adds one.
func (p *state) findTarget99(n ast.Node, list *[]*query.TargetEntry, k exprKind) *query.TargetEntry {
	e := p.expr(n, k)
	for _, t := range *list {
		if query.Equal(e, stripImplicit(t.Expr)) {
			return t
		}
	}
	t := p.targetEntry(n, e, k, "", true)
	*list = append(*list, t)
	return t
}

// stripImplicit removes coercions that were not written.
func stripImplicit(e query.Expr) query.Expr {
	switch n := e.(type) {
	case *query.FuncExpr:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Args[0])
		}
	case *query.RelabelType:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.CoerceViaIO:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.ArrayCoerceExpr:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.ConvertRowtypeExpr:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	case *query.CoerceToDomain:
		if n.Format == query.CoerceImplicitCast {
			return stripImplicit(n.Arg)
		}
	}
	return e
}

// sortClause analyzes ORDER BY; sql99 takes items as expressions only.
func (p *state) sortClause(items []*ast.SortBy, list *[]*query.TargetEntry, k exprKind, sql99 bool) []*query.SortGroupClause {
	var out []*query.SortGroupClause
	for _, s := range items {
		var t *query.TargetEntry
		if sql99 {
			t = p.findTarget99(s.Node, list, k)
		} else {
			t = p.findTarget92(s.Node, list, k)
		}
		out = p.addToSortList(t, out, *list, s)
	}
	return out
}

func (p *state) unknownToText(t *query.TargetEntry) ids.Oid {
	typ := t.Expr.Type()
	if typ == unknownOid {
		t.Expr = p.coerce(t.Expr, unknownOid, textOid, -1, implicitly, query.CoerceImplicitCast, -1)
		typ = textOid
	}
	return typ
}

// addToSortList adds an output column to a sort list unless it is there already.
func (p *state) addToSortList(t *query.TargetEntry, sort []*query.SortGroupClause, list []*query.TargetEntry,
	s *ast.SortBy) []*query.SortGroupClause {
	typ := p.unknownToText(t)
	loc := s.Location
	if loc < 0 {
		loc = rawLoc(s.Node)
	}
	var op, eq ids.Oid
	hashable, reverse := false, false
	switch s.SortbyDir {
	case ast.SortbyUsing:
		op, eq, hashable, reverse = p.sortUsing(s, typ, loc)
	case ast.SortbyDesc:
		o := p.sortOpsAt(typ, false, true, true, loc)
		op, eq, hashable, reverse = o.gt, o.eq, o.hashable, true
	default:
		o := p.sortOpsAt(typ, true, true, false, loc)
		op, eq, hashable = o.lt, o.eq, o.hashable
	}
	if p.inSortList(t, op, sort) {
		return sort
	}
	c := &query.SortGroupClause{TLESortGroupRef: assignRef(t, list), EqOp: eq, SortOp: op, Hashable: hashable}
	switch s.SortbyNulls {
	case ast.SortbyNullsDefault:
		c.NullsFirst = reverse
	case ast.SortbyNullsFirst:
		c.NullsFirst = true
	}
	return append(sort, c)
}

func (p *state) sortUsing(s *ast.SortBy, typ ids.Oid, loc int32) (op, eq ids.Oid, hashable, reverse bool) {
	o := p.findOperator(s.UseOp, typ, typ, false, loc)
	if o.Oprresult == boolOid {
		eq, reverse = p.equalityFor(o.Oid)
	}
	if eq == 0 {
		fail(pgerr.New(pgerr.WrongObjectType, "operator %s is not a valid ordering operator", strings.Join(s.UseOp, ".")).
			WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families.").At(int(loc)))
	}
	return o.Oid, eq, p.hashableOp(eq, typ), reverse
}

// sortOpsAt is needSortOps with a position for the error.
func (p *state) sortOpsAt(typ ids.Oid, needLT, needEQ, needGT bool, loc int32) (o sortOps) {
	defer func() {
		if r := recover(); r != nil {
			if b, ok := r.(bailout); ok {
				b.err = positioned(loc, b.err)
				panic(b)
			}
			panic(r)
		}
	}()
	return p.needSortOps(typ, needLT, needEQ, needGT)
}

// inSortList reports whether a column is in a sort list with the operator (0: any) or its commutator.
func (p *state) inSortList(t *query.TargetEntry, op ids.Oid, sort []*query.SortGroupClause) bool {
	if t.Ressortgroupref == 0 {
		return false
	}
	for _, s := range sort {
		if s.TLESortGroupRef != t.Ressortgroupref {
			continue
		}
		if op == 0 || op == s.SortOp {
			return true
		}
		if o := must(p.cat.Operator(s.SortOp)); o != nil && o.Oprcom == op {
			return true
		}
	}
	return false
}

func (p *state) addToGroupList(t *query.TargetEntry, group []*query.SortGroupClause, list []*query.TargetEntry,
	loc int32) []*query.SortGroupClause {
	typ := p.unknownToText(t)
	if p.inSortList(t, 0, group) {
		return group
	}
	o := p.sortOpsAt(typ, false, true, false, loc)
	return append(group, &query.SortGroupClause{TLESortGroupRef: assignRef(t, list), EqOp: o.eq, SortOp: o.lt, Hashable: o.hashable})
}

// distinctClause makes the list of DISTINCT: the sort list first, then the other columns.
func (p *state) distinctClause(list *[]*query.TargetEntry, sort []*query.SortGroupClause, isAgg bool) []*query.SortGroupClause {
	var out []*query.SortGroupClause
	for _, s := range sort {
		t := targetByRef(s.TLESortGroupRef, *list)
		if t.Resjunk {
			msg := "for SELECT DISTINCT, ORDER BY expressions must appear in select list"
			if isAgg {
				msg = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
			}
			failAt(exprLoc(t.Expr), pgerr.InvalidColumnReference, "%s", msg)
		}
		c := *s
		out = append(out, &c)
	}
	for _, t := range *list {
		if !t.Resjunk {
			out = p.addToGroupList(t, out, *list, exprLoc(t.Expr))
		}
	}
	if len(out) == 0 {
		msg := "SELECT DISTINCT must have at least one column"
		if isAgg {
			msg = "an aggregate with DISTINCT must have at least one argument"
		}
		fail(pgerr.New(pgerr.SyntaxError, "%s", msg))
	}
	return out
}

func (p *state) distinctOn(items []ast.Node, list *[]*query.TargetEntry, sort []*query.SortGroupClause) []*query.SortGroupClause {
	var refs []int
	for _, n := range items {
		t := p.findTarget92(n, list, exprDistinctOn)
		refs = append(refs, assignRef(t, *list))
	}
	var out []*query.SortGroupClause
	skipped := false
	for _, s := range sort {
		if !slices.Contains(refs, s.TLESortGroupRef) {
			skipped = true
			continue
		}
		if skipped {
			loc := rawLoc(items[slices.Index(refs, s.TLESortGroupRef)])
			failAt(loc, pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		}
		c := *s
		out = append(out, &c)
	}
	for i, r := range refs {
		t := targetByRef(r, *list)
		if p.inSortList(t, 0, out) {
			continue
		}
		if skipped {
			failAt(rawLoc(items[i]), pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions")
		}
		out = p.addToGroupList(t, out, *list, rawLoc(items[i]))
	}
	return out
}

// grouping is GROUP BY under analysis.
type grouping struct {
	*state
	list  *[]*query.TargetEntry
	sort  []*query.SortGroupClause
	out   []*query.SortGroupClause
	kind  exprKind
	sql99 bool
}

// groupClause analyzes GROUP BY.
func (p *state) groupClause(items []ast.Node, list *[]*query.TargetEntry, sort []*query.SortGroupClause, k exprKind,
	sql99 bool) ([]*query.SortGroupClause, []*query.GroupingSet) {
	if len(items) == 0 {
		return nil, nil
	}
	g := &grouping{state: p, list: list, sort: sort, kind: k, sql99: sql99}
	flat, hasSets := flattenGroups(items, true)
	var sets []*query.GroupingSet
	if len(flat) == 0 {
		// GROUP BY () alone, or an empty row: one group of everything.
		return nil, []*query.GroupingSet{{Kind: query.GroupingSetEmpty}}
	}
	seen := map[int]bool{}
	for _, n := range flat {
		if s, ok := n.(*ast.GroupingSet); ok {
			sets = append(sets, g.set(s, true))
			continue
		}
		ref := g.item(n, true, seen)
		if ref != 0 && !seen[ref] {
			seen[ref] = true
			if hasSets {
				sets = append(sets, &query.GroupingSet{Kind: query.GroupingSetSimple, Refs: []int{ref}})
			}
		}
	}
	return g.out, sets
}

// flattenGroups dissolves unmarked rows at the top level, and nested GROUPING SETS.
func flattenGroups(items []ast.Node, top bool) ([]ast.Node, bool) {
	var out []ast.Node
	hasSets := false
	for _, n := range items {
		switch n := n.(type) {
		case *ast.RowExpr:
			if n.RowFormat == ast.CoerceImplicitCast {
				sub, h := flattenGroups(n.Args, top)
				out = append(out, sub...)
				hasSets = hasSets || h
				continue
			}
		case *ast.GroupingSet:
			hasSets = true
			if n.Kind == ast.GroupingSetEmpty && top && len(items) == 1 {
				continue
			}
		}
		out = append(out, n)
	}
	return out, hasSets
}

func (g *grouping) item(n ast.Node, top bool, seen map[int]bool) int {
	var t *query.TargetEntry
	if g.sql99 {
		t = g.findTarget99(n, g.list, g.kind)
	} else {
		t = g.findTarget92(n, g.list, g.kind)
	}
	if t.Ressortgroupref > 0 {
		if top && seen[t.Ressortgroupref] {
			return t.Ressortgroupref
		}
		if g.inSortList(t, 0, g.out) {
			return t.Ressortgroupref
		}
		for _, s := range g.sort {
			if s.TLESortGroupRef == t.Ressortgroupref {
				c := *s
				g.out = append(g.out, &c)
				return t.Ressortgroupref
			}
		}
	}
	g.out = g.addToGroupList(t, g.out, *g.list, rawLoc(n))
	return t.Ressortgroupref
}

func (g *grouping) set(s *ast.GroupingSet, top bool) *query.GroupingSet {
	r := &query.GroupingSet{Kind: query.GroupingSetKind(s.Kind)}
	if s.Kind == ast.GroupingSetCube && len(s.Content) > 12 {
		failAt(s.Location, pgerr.TooManyColumns, "CUBE is limited to 12 elements")
	}
	for _, n := range s.Content {
		switch n := n.(type) {
		case *ast.GroupingSet:
			sub := g.set(n, false)
			if s.Kind == ast.GroupingSetSets && sub.Kind == query.GroupingSetSets {
				r.Content = append(r.Content, sub.Content...)
				continue
			}
			r.Content = append(r.Content, sub)
		case *ast.RowExpr:
			if n.RowFormat == ast.CoerceImplicitCast {
				flat, _ := flattenGroups(n.Args, false)
				simple := &query.GroupingSet{Kind: query.GroupingSetSimple}
				for _, x := range flat {
					if ref := g.item(x, false, nil); !slices.Contains(simple.Refs, ref) {
						simple.Refs = append(simple.Refs, ref)
					}
				}
				r.Content = append(r.Content, simple)
				continue
			}
			r.Content = append(r.Content, g.simple(n))
		default:
			r.Content = append(r.Content, g.simple(n))
		}
	}
	return r
}

func (g *grouping) simple(n ast.Node) *query.GroupingSet {
	return &query.GroupingSet{Kind: query.GroupingSetSimple, Refs: []int{g.item(n, false, nil)}}
}
