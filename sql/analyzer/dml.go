package analyzer

import (
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

func (p *state) insertStmt(n *ast.InsertStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdInsert, CanSetTag: true, Override: query.OverridingKind(n.Override)}
	p.isInsert = true
	p.withClause(q, n.WithClause)
	perms := query.PermInsert
	if n.OnConflictClause != nil && n.OnConflictClause.Action == ast.OnconflictUpdate {
		perms |= query.PermUpdate
	}
	q.ResultRelation = p.setTarget(n.Relation, false, false, perms)
	cols := p.insertColumns(n.Cols)
	var exprs []query.Expr
	s := n.SelectStmt
	switch {
	case s == nil:
	case len(s.ValuesLists) == 0 || len(s.SortClause) > 0 || s.LimitOffset != nil || s.LimitCount != nil ||
		len(s.LockingClause) > 0 || s.WithClause != nil:
		exprs = p.insertSelect(s, n.Cols, cols)
	case len(s.ValuesLists) > 1:
		exprs = p.insertValues(s, n.Cols, cols)
	default:
		row := p.exprList(s.ValuesLists[0], exprValuesSingle, true)
		exprs = p.insertRow(row, n.Cols, cols, false)
	}
	rte := p.targetNS.rte
	for i, e := range exprs {
		q.TargetList = append(q.TargetList, &query.TargetEntry{Expr: e, Resno: cols[i].att, Resname: cols[i].name})
		rte.InsertedCols = addColumn(rte.InsertedCols, cols[i].att)
	}
	if n.OnConflictClause != nil || len(n.ReturningList) > 0 {
		p.namespace = []*nsItem{p.targetNS}
		p.targetNS.relVisible, p.targetNS.colsVisible = true, true
	}
	if n.OnConflictClause != nil {
		q.OnConflict = p.onConflict(n.OnConflictClause)
	}
	q.ReturningList = p.returning(n.ReturningList)
	p.finish(q, nil)
	p.assignQueryCollations(q)
	return q
}

// insertColumn is a target column of INSERT.
type insertColumn struct {
	name string
	att  int
	ind  []ast.Node
	loc  int32
}

func (p *state) insertColumns(list []*ast.ResTarget) []insertColumn {
	var out []insertColumn
	if len(list) == 0 {
		for i := range p.targetRel.Desc.Attrs {
			if a := &p.targetRel.Desc.Attrs[i]; !a.Dropped {
				out = append(out, insertColumn{name: a.Name, att: i + 1, loc: -1})
			}
		}
		return out
	}
	whole := map[int]bool{}
	part := map[int]bool{}
	for _, c := range list {
		att := p.targetColumn(c, false)
		if whole[att] || part[att] && len(c.Indirection) == 0 {
			failAt(c.Location, pgerr.DuplicateColumn, "column \"%s\" specified more than once", c.Name)
		}
		if len(c.Indirection) == 0 {
			whole[att] = true
		} else {
			part[att] = true
		}
		out = append(out, insertColumn{name: c.Name, att: att, ind: c.Indirection, loc: c.Location})
	}
	return out
}

// targetColumn finds a column of the target by name.
func (p *state) targetColumn(c *ast.ResTarget, systemOK bool) int {
	att := int(p.targetRel.AttNum(c.Name))
	if att == 0 || att < 0 && !systemOK {
		failAt(c.Location, pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", c.Name, p.targetRel.Name)
	}
	return att
}

// insertRow converts a row of values to the target columns. With strip, assignments to parts of columns leave only the
// value for the part.
func (p *state) insertRow(row []query.Expr, given []*ast.ResTarget, cols []insertColumn, strip bool) []query.Expr {
	if len(row) > len(cols) {
		failAt(exprLoc(row[len(cols)]), pgerr.SyntaxError, "INSERT has more expressions than target columns")
	}
	if len(given) > 0 && len(row) < len(cols) {
		e := pgerr.New(pgerr.SyntaxError, "INSERT has more target columns than expressions").At(int(cols[len(row)].loc))
		if len(row) == 1 && rowWidth(row[0]) == len(cols) {
			e.WithHint("The insertion source is a row expression containing the same number of columns expected by the INSERT. Did you accidentally use extra parentheses?")
		}
		fail(e)
	}
	out := make([]query.Expr, len(row))
	for i, e := range row {
		c := &cols[i]
		e = p.assignedExpr(e, exprInsertTarget, c.name, c.att, c.ind, c.loc)
		for strip {
			if f, ok := e.(*query.FieldStore); ok {
				e = f.Newvals[0]
			} else if r, ok := e.(*query.SubscriptingRef); ok && r.RefAssgnExpr != nil {
				e = r.RefAssgnExpr
			} else {
				break
			}
		}
		out[i] = e
	}
	return out
}

func rowWidth(e query.Expr) int {
	if r, ok := e.(*query.RowExpr); ok {
		return len(r.Args)
	}
	return -1
}

func (p *state) insertSelect(s *ast.SelectStmt, given []*ast.ResTarget, cols []insertColumn) []query.Expr {
	sub := newState(p.analysis, p)
	sub.resolveUnknowns = false
	sq := sub.statement(s)
	it := p.addSubquery(sq, &query.Alias{Name: "*SELECT*"}, false, false)
	p.joinList = append(p.joinList, &query.RangeTblRef{RTIndex: it.rtindex})
	var row []query.Expr
	for _, t := range visibleTargets(sq.TargetList) {
		e := t.Expr
		if e.Type() == unknownOid {
			switch c := e.(type) {
			case *query.Const:
				d := *c
				row = append(row, &d)
				continue
			case *query.Param:
				row = append(row, c)
				continue
			}
		}
		row = append(row, &query.Var{Result: result(e.Type(), e.Typmod(), e.Collation()), Varno: it.rtindex, Varattno: t.Resno,
			Location: exprLoc(e)})
	}
	return p.insertRow(row, given, cols, false)
}

func (p *state) insertValues(s *ast.SelectStmt, given []*ast.ResTarget, cols []insertColumn) []query.Expr {
	lists := make([][]query.Expr, len(s.ValuesLists))
	for i, r := range s.ValuesLists {
		lists[i] = p.exprList(r, exprValues, true)
		if len(lists[i]) != len(lists[0]) {
			failAt(exprsLoc(lists[i]), pgerr.SyntaxError, "VALUES lists must all be the same length")
		}
		lists[i] = p.insertRow(lists[i], given, cols, true)
		p.assignListCollations(lists[i])
	}
	n := len(lists[0])
	typs, mods, colls := make([]ids.Oid, n), make([]int32, n), make([]ids.Oid, n)
	for i, e := range lists[0] {
		typs[i], mods[i] = e.Type(), e.Typmod()
	}
	it := p.addValues(lists, typs, mods, colls, nil, p.valuesLateral(lists), true)
	p.joinList = append(p.joinList, &query.RangeTblRef{RTIndex: it.rtindex})
	vars, _ := expandItem(it, 0, -1)
	return p.insertRow(vars, given, cols, false)
}

// onConflict analyzes ON CONFLICT; the namespace holds the target alone.
func (p *state) onConflict(c *ast.OnConflictClause) *query.OnConflictExpr {
	oc := &query.OnConflictExpr{Action: query.OnConflictAction(c.Action)}
	var excl *nsItem
	update := c.Action == ast.OnconflictUpdate
	if update {
		excl = p.addRelation(p.targetRel, locks.RowExclusive, &query.Alias{Name: "excluded"}, false, false)
		excl.rte.Relkind = 'c'
		excl.rte.RequiredPerms = 0
		oc.ExclRelIndex = excl.rtindex
	}
	if update && c.Infer == nil {
		fail(pgerr.New(pgerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
			WithHint("For example, ON CONFLICT (column_name).").At(int(c.Location)))
	}
	if p.targetRel.Oid < ids.FirstNormalOid {
		failAt(c.Location, pgerr.FeatureNotSupported, "ON CONFLICT is not supported with system catalog tables")
	}
	if c.Infer != nil {
		p.arbiter(oc, c.Infer)
	}
	if update {
		p.isInsert = false
		p.namespace = append(p.namespace, excl)
		oc.Set = p.updateTargets(c.TargetList)
		oc.Where = p.whereClause(c.WhereClause, exprWhere, "WHERE")
		p.namespace = p.namespace[:len(p.namespace)-1]
	}
	return oc
}

func (p *state) arbiter(oc *query.OnConflictExpr, c *ast.InferClause) {
	saved := p.namespace
	t := p.targetNS
	t.relVisible = false
	for _, e := range c.IndexElems {
		oc.ArbiterElems = append(oc.ArbiterElems, p.inferElem(e, c.Location))
	}
	if c.WhereClause != nil {
		oc.ArbiterWhere = p.whereClause(c.WhereClause, exprIndexPredicate, "WHERE")
	}
	t.relVisible = true
	p.namespace = saved
	if c.Conname == "" {
		return
	}
	for _, k := range must(p.cat.ConstraintsOf(p.targetRel.Oid)) {
		if k.Conname == c.Conname {
			oc.Constraint = k.Oid
			for _, a := range k.Conkey {
				t.rte.SelectedCols = addColumn(t.rte.SelectedCols, int(a))
			}
			t.rte.RequiredPerms |= query.PermSelect
			return
		}
	}
	fail(pgerr.New(pgerr.UndefinedObject, "constraint \"%s\" for table \"%s\" does not exist", c.Conname, p.targetRel.Name))
}

func (p *state) inferElem(e *ast.IndexElem, loc int32) *query.InferenceElem {
	if e.Ordering != ast.SortbyDefault {
		failAt(loc, pgerr.InvalidColumnReference, "ASC/DESC is not allowed in ON CONFLICT clause")
	}
	if e.NullsOrdering != ast.SortbyNullsDefault {
		failAt(loc, pgerr.InvalidColumnReference, "NULLS FIRST/LAST is not allowed in ON CONFLICT clause")
	}
	n := e.Expr
	if n == nil {
		n = &ast.ColumnRef{Fields: []ast.Node{ast.Str(e.Name)}, Location: loc}
	}
	r := &query.InferenceElem{Expr: p.expr(n, exprIndexExpression)}
	if len(e.Collation) > 0 {
		r.InferColl = p.lookupCollation(e.Collation, exprLoc(r.Expr))
	}
	if len(e.Opclass) > 0 {
		r.InferOpcls = p.lookupOpClass(btreeAm, e.Opclass)
	}
	return r
}

func (p *state) returning(list []*ast.ResTarget) []*query.TargetEntry {
	if len(list) == 0 {
		return nil
	}
	saved := p.nextResno
	p.nextResno = 1
	out := p.targetList(list, exprReturning)
	if len(out) == 0 {
		failAt(list[0].Location, pgerr.SyntaxError, "RETURNING must have at least one column")
	}
	p.markOrigins(out)
	if p.resolveUnknowns {
		p.resolveUnknownTargets(out)
	}
	p.nextResno = saved
	return out
}

func (p *state) updateStmt(n *ast.UpdateStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdUpdate, CanSetTag: true}
	p.withClause(q, n.WithClause)
	q.ResultRelation = p.setTarget(n.Relation, n.Relation.Inh, true, query.PermUpdate)
	p.fromBesideTarget(n.FromClause)
	where := p.whereClause(n.WhereClause, exprWhere, "WHERE")
	q.ReturningList = p.returning(n.ReturningList)
	q.TargetList = p.updateTargets(n.TargetList)
	p.finish(q, where)
	p.assignQueryCollations(q)
	return q
}

// fromBesideTarget analyzes a FROM list whose subqueries must not refer to the target.
func (p *state) fromBesideTarget(items []ast.Node) {
	t := p.targetNS
	t.lateralOnly, t.lateralOK = true, false
	p.fromClause(items)
	t.lateralOnly, t.lateralOK = false, true
}

func (p *state) updateTargets(list []*ast.ResTarget) []*query.TargetEntry {
	out := p.targetList(list, exprUpdateSource)
	rte := p.targetNS.rte
	p.nextResno = max(p.nextResno, len(p.targetRel.Desc.Attrs)+1)
	for i, t := range out {
		if t.Resjunk {
			t.Resno = p.nextResno
			p.nextResno++
			t.Resname = ""
			continue
		}
		r := list[i]
		att := p.targetColumn(r, true)
		t.Expr = p.assignedExpr(t.Expr, exprUpdateTarget, r.Name, att, r.Indirection, r.Location)
		t.Resno, t.Resname = att, r.Name
		rte.UpdatedCols = addColumn(rte.UpdatedCols, att)
	}
	return out
}

// multiAssign takes one column of the source of SET (a, b) = ...
func (p *state) multiAssign(m *ast.MultiAssignRef) query.Expr {
	if m.Colno == 1 {
		p.startMultiAssign(m)
	}
	last := p.multiAssigns[len(p.multiAssigns)-1]
	if s, ok := last.Expr.(*query.SubLink); ok {
		c := visibleTargets(s.Subselect.TargetList)[m.Colno-1].Expr
		return &query.Param{Result: result(c.Type(), c.Typmod(), c.Collation()), Kind: query.ParamMultiExpr,
			ID: s.SubLinkID<<16 | int(m.Colno), Location: exprLoc(c)}
	}
	row := last.Expr.(*query.RowExpr)
	if m.Colno == m.Ncolumns {
		p.multiAssigns = p.multiAssigns[:len(p.multiAssigns)-1]
	}
	return row.Args[m.Colno-1]
}

func (p *state) startMultiAssign(m *ast.MultiAssignRef) {
	add := func(e query.Expr) {
		p.multiAssigns = append(p.multiAssigns, &query.TargetEntry{Expr: e, Resjunk: true})
	}
	switch s := m.Source.(type) {
	case *ast.SubLink:
		if s.SubLinkType != ast.ExprSublink {
			break
		}
		c := *s
		c.SubLinkType = ast.MultiexprSublink
		l := p.exprNode(&c).(*query.SubLink)
		if len(visibleTargets(l.Subselect.TargetList)) != int(m.Ncolumns) {
			failAt(s.Location, pgerr.SyntaxError, "number of columns does not match number of values")
		}
		add(l)
		l.SubLinkID = len(p.multiAssigns)
		return
	case *ast.RowExpr:
		r := p.rowExpr(s, true).(*query.RowExpr)
		if len(r.Args) != int(m.Ncolumns) {
			failAt(s.Location, pgerr.SyntaxError, "number of columns does not match number of values")
		}
		add(r)
		return
	}
	failAt(rawLoc(m.Source), pgerr.FeatureNotSupported, "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression")
}

func (p *state) deleteStmt(n *ast.DeleteStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdDelete, CanSetTag: true}
	p.withClause(q, n.WithClause)
	q.ResultRelation = p.setTarget(n.Relation, n.Relation.Inh, true, query.PermDelete)
	p.fromBesideTarget(n.UsingClause)
	where := p.whereClause(n.WhereClause, exprWhere, "WHERE")
	q.ReturningList = p.returning(n.ReturningList)
	p.finish(q, where)
	p.assignQueryCollations(q)
	return q
}

func (p *state) mergeStmt(n *ast.MergeStmt) *query.Query {
	q := &query.Query{CommandType: query.CmdMerge, CanSetTag: true}
	p.withClause(q, n.WithClause)
	if q.HasRecursive {
		fail(pgerr.New(pgerr.SyntaxError, "WITH RECURSIVE is not supported for MERGE statement"))
	}
	var perms uint32
	final := map[bool]bool{}
	for _, w := range n.MergeWhenClauses {
		if final[w.Matched] {
			fail(pgerr.New(pgerr.SyntaxError, "unreachable WHEN clause specified after unconditional WHEN clause"))
		}
		final[w.Matched] = w.Condition == nil
		switch w.CommandType {
		case ast.CmdInsert:
			perms |= query.PermInsert
			q.MergeOuter = true
		case ast.CmdUpdate:
			perms |= query.PermUpdate
		case ast.CmdDelete:
			perms |= query.PermDelete
		}
		q.MergeOuter = q.MergeOuter || !w.Matched
	}
	q.ResultRelation = p.setTarget(n.Relation, n.Relation.Inh, false, perms)
	rel := p.targetRel
	if rel.Kind != 'r' && rel.Kind != 'p' {
		e := pgerr.New(pgerr.WrongObjectType, "cannot execute MERGE on relation \"%s\"", rel.Name)
		fail(e.WithDetail("This operation is not supported for %s.", relkindWords(rel.Kind)))
	}
	src, _, ns := p.fromItem(n.SourceRelation)
	t := p.targetNS
	if slices.ContainsFunc(ns, func(x *nsItem) bool { return x.relVisible && x.names.Name == t.names.Name }) {
		fail(pgerr.New(pgerr.DuplicateAlias, "name \"%s\" specified more than once", t.names.Name).
			WithDetail("The name is used both as MERGE target table and data source."))
	}
	t.relVisible, t.colsVisible = true, true
	j := &query.JoinExpr{Larg: src, Rarg: &query.RangeTblRef{RTIndex: q.ResultRelation}}
	if q.MergeOuter {
		j.JoinType = query.JoinLeft
	}
	p.namespace = append([]*nsItem{t}, ns...)
	setLateral(p.namespace, false, true)
	j.Quals = p.whereClause(n.JoinCondition, exprJoinOn, "JOIN/ON")
	for _, w := range n.MergeWhenClauses {
		q.MergeActions = append(q.MergeActions, p.mergeAction(w, ns))
	}
	p.joinList = []query.JoinNode{j}
	p.finish(q, nil)
	p.assignQueryCollations(q)
	return q
}

func relkindWords(k byte) string {
	switch k {
	case 'v':
		return "views"
	case 'm':
		return "materialized views"
	case 'f':
		return "foreign tables"
	case 'S':
		return "sequences"
	}
	return "relations of this kind"
}

func (p *state) mergeAction(w *ast.MergeWhenClause, source []*nsItem) *query.MergeAction {
	a := &query.MergeAction{Matched: w.Matched, Override: query.OverridingKind(w.Override)}
	p.namespace = slices.Clone(source)
	if w.Matched {
		p.namespace = append([]*nsItem{p.targetNS}, source...)
	}
	a.Qual = p.whereClause(w.Condition, exprMergeWhen, "WHEN")
	rte := p.targetNS.rte
	switch w.CommandType {
	case ast.CmdInsert:
		a.CommandType = query.CmdInsert
		p.isInsert = true
		cols := p.insertColumns(w.TargetList)
		if w.Values == nil {
			break
		}
		row := p.exprList(w.Values, exprValuesSingle, true)
		row = p.insertRow(row, w.TargetList, cols, false)
		for i, e := range row {
			a.TargetList = append(a.TargetList, &query.TargetEntry{Expr: e, Resno: cols[i].att, Resname: cols[i].name})
			rte.InsertedCols = addColumn(rte.InsertedCols, cols[i].att)
		}
	case ast.CmdUpdate:
		a.CommandType = query.CmdUpdate
		p.isInsert = false
		a.TargetList = p.updateTargets(w.TargetList)
	case ast.CmdDelete:
		a.CommandType = query.CmdDelete
	}
	return a
}
