package analyzer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// subQuery analyzes a statement inside another one.
func (p *state) subQuery(n ast.Stmt, cte *query.CommonTableExpr, locked, resolveUnknowns bool) *query.Query {
	s := newState(p.analysis, p)
	s.parentCTE, s.lockedFromParent, s.resolveUnknowns = cte, locked, resolveUnknowns
	return s.statement(n)
}

// selectStmt analyzes a SELECT, VALUES or set operation.
func (p *state) selectStmt(n *ast.SelectStmt) *query.Query {
	p.enter()
	defer p.leave()
	switch {
	case len(n.ValuesLists) > 0:
		return p.valuesStmt(n)
	case n.Op != ast.SetopNone:
		return p.setOpStmt(n)
	}
	return p.plainSelect(n)
}

func (p *state) plainSelect(n *ast.SelectStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdSelect, CanSetTag: true}
	p.withClause(q, n.WithClause)
	if n.IntoClause != nil {
		failAt(n.IntoClause.Rel.Location, pgerr.SyntaxError, "SELECT ... INTO is not allowed here")
	}
	p.locking = n.LockingClause
	p.windowDefs = n.WindowClause[:len(n.WindowClause):len(n.WindowClause)]
	p.fromClause(n.FromClause)
	q.TargetList = p.targetList(n.TargetList, exprSelectTarget)
	p.markOrigins(q.TargetList)
	where := p.whereClause(n.WhereClause, exprWhere, "WHERE")
	q.HavingQual = p.whereClause(n.HavingClause, exprHaving, "HAVING")
	q.SortClause = p.sortClause(n.SortClause, &q.TargetList, exprOrderBy, false)
	q.GroupClause, q.GroupingSets = p.groupClause(n.GroupClause, &q.TargetList, q.SortClause, exprGroupBy, false)
	q.GroupDistinct = n.GroupDistinct
	switch {
	case n.DistinctClause == nil:
	case n.DistinctClause[0] == nil:
		q.DistinctClause = p.distinctClause(&q.TargetList, q.SortClause, false)
	default:
		q.DistinctClause = p.distinctOn(n.DistinctClause, &q.TargetList, q.SortClause)
		q.HasDistinctOn = true
	}
	p.limits(q, n)
	q.WindowClause = p.windows(&q.TargetList)
	if p.resolveUnknowns {
		p.resolveUnknownTargets(q.TargetList)
	}
	p.finish(q, where)
	for _, l := range n.LockingClause {
		p.lockingClause(q, l, false)
	}
	p.assignQueryCollations(q)
	p.checkAggregates(q)
	return q
}

// finish moves what the level has collected into the query.
func (p *state) finish(q *query.Query, where query.Expr) {
	q.RTable = p.rtable
	q.JoinTree = &query.FromExpr{FromList: p.joinList, Quals: where}
	q.HasSubLinks, q.HasWindowFuncs, q.HasTargetSRFs, q.HasAggs = p.hasSubLinks, p.hasWindowFuncs, p.hasTargetSRFs, p.hasAggs
}

// limits analyzes OFFSET and LIMIT.
func (p *state) limits(q *query.Query, n *ast.SelectStmt) {
	q.LimitOffset = p.limit(n.LimitOffset, exprOffset, "OFFSET", false)
	ties := n.LimitOption == ast.LimitOptionWithTies
	q.LimitCount = p.limit(n.LimitCount, exprLimit, "LIMIT", ties)
	q.WithTies = ties
}

func (p *state) limit(n ast.Node, k exprKind, what string, ties bool) query.Expr {
	if n == nil {
		return nil
	}
	e := p.coerceSpecific(p.expr(n, k), int8Oid, -1, what)
	p.noVars(e, what)
	if c, ok := n.(*ast.AConst); ok && ties && c.Isnull {
		fail(pgerr.New(pgerr.InvalidRowCountInLimitClause, "row count cannot be null in FETCH FIRST ... WITH TIES clause"))
	}
	return e
}

// valuesStmt analyzes VALUES standing as a query.
func (p *state) valuesStmt(n *ast.SelectStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdSelect, CanSetTag: true}
	p.withClause(q, n.WithClause)
	lists := p.valuesLists(n.ValuesLists, exprValues, false)
	width := len(lists[0])
	typs, mods, colls := make([]ids.Oid, width), make([]int32, width), make([]ids.Oid, width)
	for c := range width {
		col := make([]query.Expr, len(lists))
		for r := range lists {
			col[r] = lists[r][c]
		}
		typs[c] = p.commonType(col, "VALUES")
		for r := range lists {
			col[r] = p.toCommon(col[r], typs[c], "VALUES")
			lists[r][c] = col[r]
		}
		mods[c] = commonTypmod(col, typs[c])
		colls[c] = p.commonCollation(col, true)
	}
	it := p.addValues(lists, typs, mods, colls, nil, p.valuesLateral(lists), true)
	p.joinList = append(p.joinList, &query.RangeTblRef{RTIndex: it.rtindex})
	p.namespace = append(p.namespace, it)
	it.relVisible = true
	q.TargetList = p.expandItemTargets(it, 0, -1)
	q.SortClause = p.sortClause(n.SortClause, &q.TargetList, exprOrderBy, false)
	p.limits(q, n)
	if len(n.LockingClause) > 0 {
		fail(pgerr.New(pgerr.FeatureNotSupported, "%s cannot be applied to VALUES", lockWords(n.LockingClause[0].Strength)))
	}
	p.finish(q, nil)
	p.assignQueryCollations(q)
	return q
}

func (p *state) valuesLateral(lists [][]query.Expr) bool {
	if len(p.rtable) == 0 {
		return false
	}
	for _, l := range lists {
		for _, e := range l {
			if query.ContainVarsOfLevel(e, 0) {
				return true
			}
		}
	}
	return false
}

// valuesLists analyzes the rows of VALUES, which must be equally long.
func (p *state) valuesLists(raw [][]ast.Node, k exprKind, defaults bool) [][]query.Expr {
	lists := make([][]query.Expr, len(raw))
	for i, r := range raw {
		lists[i] = p.exprList(r, k, defaults)
		if len(lists[i]) != len(lists[0]) {
			failAt(exprsLoc(lists[i]), pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
	}
	return lists
}

// lockWords names a row-locking clause.
func lockWords(s ast.LockClauseStrength) string {
	return [...]string{"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[s]
}

// setOpStmt analyzes UNION, INTERSECT or EXCEPT.
func (p *state) setOpStmt(n *ast.SelectStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdSelect, CanSetTag: true}
	left := n
	for left.Op != ast.SetopNone {
		left = left.Larg
	}
	if left.IntoClause != nil {
		failAt(left.IntoClause.Rel.Location, pgerr.SyntaxError, "SELECT ... INTO is not allowed here")
	}
	if len(n.LockingClause) > 0 {
		fail(pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed with UNION/INTERSECT/EXCEPT", lockWords(n.LockingClause[0].Strength)))
	}
	p.withClause(q, n.WithClause)
	tree, _ := p.setOpNode(n, true)
	top := tree.(*query.SetOperationStmt)
	q.SetOperations = top
	ref := query.SetOpNode(top)
	for {
		s, ok := ref.(*query.SetOperationStmt)
		if !ok {
			break
		}
		ref = s.Larg
	}
	rti := ref.(*query.RangeTblRef).RTIndex
	p.setOpTargets(q, top, rti)
	p.setOpOrder(q, n)
	p.limits(q, n)
	p.finish(q, nil)
	q.JoinTree.FromList = nil
	p.assignQueryCollations(q)
	p.checkAggregates(q)
	return q
}

// setOpTargets makes the output columns: variables of the leftmost query with the columns' common types.
func (p *state) setOpTargets(q *query.Query, top *query.SetOperationStmt, rti int) {
	cols := visibleTargets(p.rtable[rti-1].Subquery.TargetList)
	for i, c := range cols {
		v := &query.Var{Result: result(top.ColTypes[i], top.ColTypmods[i], top.ColColls[i]), Varno: rti, Varattno: c.Resno,
			Location: exprLoc(c.Expr)}
		q.TargetList = append(q.TargetList, &query.TargetEntry{Expr: v, Resno: p.nextResno, Resname: c.Resname})
		p.nextResno++
	}
}

// setOpOrder analyzes ORDER BY of a set operation, which may name output columns only.
func (p *state) setOpOrder(q *query.Query, n *ast.SelectStmt) {
	rte := &query.RangeTblEntry{Kind: query.RTEJoin, Eref: &query.Alias{Name: "unnamed_join"}}
	it := &nsItem{names: rte.Eref, rte: rte, rtindex: len(p.rtable) + 1, colsVisible: true, lateralOK: true}
	for _, t := range q.TargetList {
		v := t.Expr.(*query.Var)
		rte.Eref.Colnames = append(rte.Eref.Colnames, t.Resname)
		it.cols = append(it.cols, nsColumn{varno: v.Varno, varattno: v.Varattno, typ: v.ResType, typmod: v.ResTypmod,
			coll: v.ResCollation, synno: v.Varno, synattno: v.Varattno})
	}
	saved, savedRT := p.namespace, len(p.rtable)
	p.rtable = append(p.rtable, rte)
	p.namespace = []*nsItem{it}
	cols := len(q.TargetList)
	q.SortClause = p.sortClause(n.SortClause, &q.TargetList, exprOrderBy, false)
	p.namespace = saved
	p.rtable = p.rtable[:savedRT]
	if len(q.TargetList) > cols {
		fail(pgerr.New(pgerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
			WithDetail("Only result column names can be used, not expressions or functions.").
			WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.").
			At(int(exprLoc(q.TargetList[cols].Expr))))
	}
}

// setOpNode analyzes a node of the tree of set operations and returns its columns.
func (p *state) setOpNode(n *ast.SelectStmt, top bool) (query.SetOpNode, []*query.TargetEntry) {
	p.enter()
	defer p.leave()
	if n.IntoClause != nil && !top {
		failAt(n.IntoClause.Rel.Location, pgerr.SyntaxError, "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT")
	}
	if len(n.LockingClause) > 0 {
		fail(pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed with UNION/INTERSECT/EXCEPT", lockWords(n.LockingClause[0].Strength)))
	}
	leaf := n.Op == ast.SetopNone ||
		!top && (len(n.SortClause) > 0 || n.LimitOffset != nil || n.LimitCount != nil || n.WithClause != nil)
	if leaf {
		return p.setOpLeaf(n)
	}
	return p.setOpInner(n, top)
}

func (p *state) setOpLeaf(n *ast.SelectStmt) (query.SetOpNode, []*query.TargetEntry) {
	sub := p.subQuery(n, nil, false, false)
	if len(p.namespace) > 0 && query.ContainVarsOfLevel(sub, 1) {
		loc := int32(-1)
		query.Find(sub, func(x query.Node, level int) bool {
			if v, ok := x.(*query.Var); ok && v.Varlevelsup == level+1 {
				loc = v.Location
				return true
			}
			return false
		})
		failAt(loc, pgerr.InvalidColumnReference, "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level")
	}
	name := "*SELECT* " + itoa(len(p.rtable)+1)
	it := p.addSubquery(sub, &query.Alias{Name: name}, false, false)
	return &query.RangeTblRef{RTIndex: it.rtindex}, visibleTargets(sub.TargetList)
}

func (p *state) setOpInner(n *ast.SelectStmt, top bool) (query.SetOpNode, []*query.TargetEntry) {
	op := &query.SetOperationStmt{Op: query.SetOp(n.Op), All: n.All}
	what := n.Op.String()
	var lt, rt []*query.TargetEntry
	op.Larg, lt = p.setOpNode(n.Larg, false)
	if top && p.parentCTE != nil && p.parentCTE.Recursive {
		p.recursiveColumns(op.Larg, lt)
	}
	op.Rarg, rt = p.setOpNode(n.Rarg, false)
	if len(lt) != len(rt) {
		loc := int32(-1)
		for _, t := range rt {
			if loc = exprLoc(t.Expr); loc >= 0 {
				break
			}
		}
		failAt(loc, pgerr.SyntaxError, "each %s query must have the same number of columns", what)
	}
	var out []*query.TargetEntry
	for i := range lt {
		out = append(out, p.setOpColumn(op, lt[i], rt[i], what))
	}
	return op, out
}

// setOpColumn settles one column's type and converts the literals that both sides have in it.
func (p *state) setOpColumn(op *query.SetOperationStmt, l, r *query.TargetEntry, what string) *query.TargetEntry {
	typ, best := p.commonTypeOf([]query.Expr{l.Expr, r.Expr}, what)
	loc := exprLoc(best)
	le, re := p.setOpSide(l, typ, what), p.setOpSide(r, typ, what)
	typmod := commonTypmod([]query.Expr{le, re}, typ)
	all := op.Op == query.SetOpUnion && op.All
	coll := p.commonCollation([]query.Expr{le, re}, all)
	op.ColTypes = append(op.ColTypes, typ)
	op.ColTypmods = append(op.ColTypmods, typmod)
	op.ColColls = append(op.ColColls, coll)
	if !all {
		o := p.sortOpsAt(typ, false, true, false, loc)
		op.GroupClauses = append(op.GroupClauses, &query.SortGroupClause{EqOp: o.eq, SortOp: o.lt, Hashable: o.hashable})
	}
	return &query.TargetEntry{Expr: &query.SetToDefault{Result: result(typ, typmod, coll), Location: loc}}
}

// setOpSide converts one side's column as far as its own query must know: literals. Other conversions are the planner's.
func (p *state) setOpSide(t *query.TargetEntry, typ ids.Oid, what string) query.Expr {
	if t.Expr.Type() != unknownOid {
		return p.toCommon(t.Expr, typ, what)
	}
	switch t.Expr.(type) {
	case *query.Const, *query.Param:
		t.Expr = p.toCommon(t.Expr, typ, what)
	}
	return t.Expr
}

// recursiveColumns gives a recursive WITH query the columns of its non-recursive term.
func (p *state) recursiveColumns(larg query.SetOpNode, cols []*query.TargetEntry) {
	ref := larg
	for {
		s, ok := ref.(*query.SetOperationStmt)
		if !ok {
			break
		}
		ref = s.Larg
	}
	left := p.rtable[ref.(*query.RangeTblRef).RTIndex-1].Subquery
	names := visibleTargets(left.TargetList)
	list := make([]*query.TargetEntry, len(cols))
	for i, c := range cols {
		list[i] = &query.TargetEntry{Expr: c.Expr, Resno: i + 1, Resname: names[i].Resname}
	}
	p.cteColumns(p.parentCTE, list)
}

// lockingClause applies FOR UPDATE and the like to the level's tables.
func (p *state) lockingClause(q *query.Query, l *ast.LockingClause, pushed bool) {
	p.checkLocking(q, l.Strength)
	if l.LockedRels == nil {
		for i, rte := range q.RTable {
			if rte.InFrom {
				p.lockEntry(q, rte, i+1, l, pushed)
			}
		}
		return
	}
	for _, rv := range l.LockedRels {
		if rv.Schemaname != "" || rv.Catalogname != "" {
			failAt(rv.Location, pgerr.SyntaxError, "%s must specify unqualified relation names", lockWords(l.Strength))
		}
		p.lockNamed(q, rv, l, pushed)
	}
}

func (p *state) lockNamed(q *query.Query, rv *ast.RangeVar, l *ast.LockingClause, pushed bool) {
	for i, rte := range q.RTable {
		if !rte.InFrom {
			continue
		}
		name := rte.Eref.Name
		if rte.Kind == query.RTEJoin {
			if rte.Alias == nil && rte.JoinUsing == nil {
				continue
			}
			if rte.Alias == nil {
				name = rte.JoinUsing.Name
			}
		}
		if name != rv.Relname {
			continue
		}
		switch rte.Kind {
		case query.RTERelation, query.RTESubquery:
			p.lockEntry(q, rte, i+1, l, pushed)
			return
		}
		what := map[query.RTEKind]string{query.RTEJoin: "a join", query.RTEFunction: "a function", query.RTEValues: "VALUES",
			query.RTECTE: "a WITH query"}[rte.Kind]
		failAt(rv.Location, pgerr.FeatureNotSupported, "%s cannot be applied to %s", lockWords(l.Strength), what)
	}
	failAt(rv.Location, pgerr.UndefinedTable, "relation \"%s\" in %s clause not found in FROM clause", rv.Relname, lockWords(l.Strength))
}

func (p *state) lockEntry(q *query.Query, rte *query.RangeTblEntry, rti int, l *ast.LockingClause, pushed bool) {
	switch rte.Kind {
	case query.RTERelation:
		applyLock(q, rti, l, pushed)
		rte.RequiredPerms |= query.PermUpdate
	case query.RTESubquery:
		applyLock(q, rti, l, pushed)
		all := *l
		all.LockedRels = nil
		p.lockingClause(rte.Subquery, &all, true)
	}
}

func applyLock(q *query.Query, rti int, l *ast.LockingClause, pushed bool) {
	if !pushed {
		q.HasForUpdate = true
	}
	for _, m := range q.RowMarks {
		if m.RTI == rti {
			m.Strength = max(m.Strength, query.LockStrength(l.Strength))
			m.WaitPolicy = max(m.WaitPolicy, query.LockWaitPolicy(l.WaitPolicy))
			m.PushedDown = m.PushedDown && pushed
			return
		}
	}
	q.RowMarks = append(q.RowMarks, &query.RowMarkClause{RTI: rti, Strength: query.LockStrength(l.Strength),
		WaitPolicy: query.LockWaitPolicy(l.WaitPolicy), PushedDown: pushed})
}

// checkLocking refuses row locks where rows cannot be told apart.
func (p *state) checkLocking(q *query.Query, s ast.LockClauseStrength) {
	bad := ""
	switch {
	case q.SetOperations != nil:
		bad = "UNION/INTERSECT/EXCEPT"
	case len(q.DistinctClause) > 0:
		bad = "DISTINCT clause"
	case len(q.GroupClause) > 0 || len(q.GroupingSets) > 0:
		bad = "GROUP BY clause"
	case q.HavingQual != nil:
		bad = "HAVING clause"
	case q.HasAggs:
		bad = "aggregate functions"
	case q.HasWindowFuncs:
		bad = "window functions"
	case q.HasTargetSRFs:
		bad = "set-returning functions in the target list"
	}
	if bad != "" {
		fail(pgerr.New(pgerr.FeatureNotSupported, "%s is not allowed with %s", lockWords(s), bad))
	}
}
