package analyzer

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// withClause analyzes the WITH queries of a level.
func (p *state) withClause(q *query.Query, w *ast.WithClause) {
	if w == nil {
		return
	}
	q.HasRecursive = w.Recursive
	ctes := make([]*query.CommonTableExpr, len(w.Ctes))
	for i, c := range w.Ctes {
		for _, d := range w.Ctes[:i] {
			if d.Ctename == c.Ctename {
				failAt(c.Location, pgerr.DuplicateAlias, "WITH query name \"%s\" specified more than once", c.Ctename)
			}
		}
		if _, ok := c.Ctequery.(*ast.SelectStmt); !ok {
			if p.parent != nil {
				failAt(c.Location, pgerr.FeatureNotSupported, "WITH clause containing a data-modifying statement must be at the top level")
			}
			p.hasModifyingCTE = true
		}
		if c.SearchClause != nil {
			failAt(c.SearchClause.Location, pgerr.FeatureNotSupported, "SEARCH clause of WITH is not supported")
		}
		if c.CycleClause != nil {
			failAt(c.CycleClause.Location, pgerr.FeatureNotSupported, "CYCLE clause of WITH is not supported")
		}
		ctes[i] = &query.CommonTableExpr{CTEName: c.Ctename, AliasCols: c.Aliascolnames,
			Materialized: query.CTEMaterialize(c.Ctematerialized), Location: c.Location}
	}
	if w.Recursive {
		p.withRecursive(w, ctes)
	} else {
		p.futureCTEs = w.Ctes
		for i, c := range ctes {
			p.analyzeCTE(c, w.Ctes[i])
			p.ctes = append(p.ctes, c)
			p.futureCTEs = w.Ctes[i+1:]
		}
	}
	q.CTEList = ctes
	q.HasModifyingCTE = p.hasModifyingCTE
}

func (p *state) analyzeCTE(c *query.CommonTableExpr, raw *ast.CommonTableExpr) {
	q := p.subQuery(raw.Ctequery, c, false, true)
	if q.CommandType == query.CmdUtility {
		fail(pgerr.Internal("unexpected utility statement in WITH"))
	}
	q.CanSetTag = false
	list := q.TargetList
	if q.CommandType != query.CmdSelect {
		list = q.ReturningList
	}
	c.Query = q
	if !c.Recursive {
		p.cteColumns(c, list)
		return
	}
	for i, t := range visibleTargets(list) {
		p.checkRecursiveColumn(c, t.Expr, i)
	}
}

// checkRecursiveColumn compares a column of the whole recursive query with what its first term promised.
func (p *state) checkRecursiveColumn(c *query.CommonTableExpr, e query.Expr, i int) {
	if i >= len(c.ColTypes) {
		fail(pgerr.Internal("wrong number of output columns in WITH"))
	}
	if e.Type() != c.ColTypes[i] || e.Typmod() != c.ColTypmods[i] {
		fail(pgerr.New(pgerr.DatatypeMismatch, "recursive query \"%s\" column %d has type %s in non-recursive term but type %s overall",
			c.CTEName, i+1, p.cat.FormatType(c.ColTypes[i], c.ColTypmods[i]), p.cat.FormatType(e.Type(), e.Typmod())).
			WithHint("Cast the output of the non-recursive term to the correct type.").At(int(exprLoc(e))))
	}
	if e.Collation() != c.ColColls[i] {
		fail(pgerr.New(pgerr.CollationMismatch, "recursive query \"%s\" column %d has collation \"%s\" in non-recursive term but collation \"%s\" overall",
			c.CTEName, i+1, p.collationName(c.ColColls[i]), p.collationName(e.Collation())).
			WithHint("Use the COLLATE clause to set the collation of the non-recursive term.").At(int(exprLoc(e))))
	}
}

// cteColumns records the output columns of a WITH query.
func (p *state) cteColumns(c *query.CommonTableExpr, list []*query.TargetEntry) {
	c.ColNames = append([]string(nil), c.AliasCols...)
	n := 0
	for _, t := range list {
		if t.Resjunk {
			continue
		}
		n++
		if n > len(c.ColNames) {
			c.ColNames = append(c.ColNames, t.Resname)
		}
		typ, mod, coll := t.Expr.Type(), t.Expr.Typmod(), t.Expr.Collation()
		if c.Recursive && typ == unknownOid {
			typ, mod, coll = textOid, -1, defaultCollation
		}
		c.ColTypes = append(c.ColTypes, typ)
		c.ColTypmods = append(c.ColTypmods, mod)
		c.ColColls = append(c.ColColls, coll)
	}
	if len(c.AliasCols) > n {
		failAt(c.Location, pgerr.InvalidColumnReference, "WITH query \"%s\" has %d columns available but %d columns specified",
			c.CTEName, n, len(c.AliasCols))
	}
}

// withRecursive analyzes WITH RECURSIVE: queries in the order of their dependencies.
func (p *state) withRecursive(w *ast.WithClause, ctes []*query.CommonTableExpr) {
	n := len(ctes)
	deps := make([]map[int]bool, n)
	for i, c := range w.Ctes {
		deps[i] = map[int]bool{}
		s := refScan{names: map[string]int{}}
		for k, d := range w.Ctes {
			s.names[d.Ctename] = k
		}
		s.found = func(k int, _ *ast.RangeVar) { deps[i][k] = true }
		s.scan(c.Ctequery)
		if deps[i][i] {
			ctes[i].Recursive = true
		}
	}
	order := p.sortCTEs(w, deps)
	for _, i := range order {
		if ctes[i].Recursive {
			p.checkRecursion(w.Ctes[i])
		}
	}
	p.ctes = append(p.ctes, ctes...)
	for _, i := range order {
		p.analyzeCTE(ctes[i], w.Ctes[i])
	}
}

// sortCTEs orders WITH queries so that each comes after those it refers to.
func (p *state) sortCTEs(w *ast.WithClause, deps []map[int]bool) []int {
	var order []int
	done := make([]bool, len(deps))
	for len(order) < len(deps) {
		next := -1
		for i := range deps {
			if done[i] {
				continue
			}
			ready := true
			for d := range deps[i] {
				ready = ready && (d == i || done[d])
			}
			if ready {
				next = i
				break
			}
		}
		if next < 0 {
			for i := range deps {
				if !done[i] {
					failAt(w.Ctes[i].Location, pgerr.FeatureNotSupported, "mutual recursion between WITH items is not implemented")
				}
			}
		}
		done[next] = true
		order = append(order, next)
	}
	return order
}

// checkRecursion verifies the form of a recursive WITH query: non-recursive term UNION [ALL] term with one reference.
func (p *state) checkRecursion(c *ast.CommonTableExpr) {
	s, ok := c.Ctequery.(*ast.SelectStmt)
	if !ok {
		failAt(c.Location, pgerr.InvalidRecursion, "recursive query \"%s\" must not contain data-modifying statements", c.Ctename)
	}
	if s.Op != ast.SetopUnion {
		failAt(c.Location, pgerr.InvalidRecursion, "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term", c.Ctename)
	}
	r := recursionCheck{name: c.Ctename}
	if s.WithClause != nil {
		for _, x := range s.WithClause.Ctes {
			r.context(inSubquery, x.Ctequery)
		}
	}
	switch {
	case len(s.SortClause) > 0:
		failAt(rawLoc(s.SortClause[0].Node), pgerr.FeatureNotSupported, "ORDER BY in a recursive query is not implemented")
	case s.LimitOffset != nil:
		failAt(rawLoc(s.LimitOffset), pgerr.FeatureNotSupported, "OFFSET in a recursive query is not implemented")
	case s.LimitCount != nil:
		failAt(rawLoc(s.LimitCount), pgerr.FeatureNotSupported, "LIMIT in a recursive query is not implemented")
	case len(s.LockingClause) > 0:
		fail(pgerr.New(pgerr.FeatureNotSupported, "FOR UPDATE/SHARE in a recursive query is not implemented"))
	}
	r.context(inNonRecursive, s.Larg)
	r.ctx = inNothing
	r.walk(s.Rarg)
	if r.count == 0 {
		fail(pgerr.Internal("missing recursive reference"))
	}
}
