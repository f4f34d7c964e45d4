package analyzer

import (
	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/query"
)

// notUpdatable says why a view's query rules out changing its base table through it; "" when it does not.
func notUpdatable(q *query.Query) string {
	switch {
	case len(q.DistinctClause) > 0:
		return "Views containing DISTINCT are not automatically updatable."
	case len(q.GroupClause) > 0 || len(q.GroupingSets) > 0:
		return "Views containing GROUP BY are not automatically updatable."
	case q.HavingQual != nil:
		return "Views containing HAVING are not automatically updatable."
	case q.SetOperations != nil:
		return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable."
	case len(q.CTEList) > 0:
		return "Views containing WITH are not automatically updatable."
	case q.LimitOffset != nil || q.LimitCount != nil:
		return "Views containing LIMIT or OFFSET are not automatically updatable."
	case q.HasAggs:
		return "Views that return aggregate functions are not automatically updatable."
	case q.HasWindowFuncs:
		return "Views that return window functions are not automatically updatable."
	case q.HasTargetSRFs:
		return "Views that return set-returning functions are not automatically updatable."
	}
	const single = "Views that do not select from a single table or view are not automatically updatable."
	if len(q.JoinTree.FromList) != 1 {
		return single
	}
	ref, ok := q.JoinTree.FromList[0].(*query.RangeTblRef)
	if !ok {
		return single
	}
	rte := q.RTable[ref.RTIndex-1]
	if rte.Kind != query.RTERelation || rte.Relkind != 'r' && rte.Relkind != 'f' && rte.Relkind != 'v' && rte.Relkind != 'p' {
		return single
	}
	if rte.TableSample != nil {
		return "Views containing TABLESAMPLE are not automatically updatable."
	}
	return ""
}

// columnNotUpdatable says why one column of a view cannot be assigned to; "" when it can.
func columnNotUpdatable(t *query.TargetEntry, base int) string {
	v, ok := t.Expr.(*query.Var)
	if t.Resjunk || !ok || v.Varno != base || v.Varlevelsup != 0 {
		return "View columns that are not columns of their base relation are not updatable."
	}
	if v.Varattno < 0 {
		return "View columns that refer to system columns are not updatable."
	}
	if v.Varattno == 0 {
		return "View columns that return whole-row references are not updatable."
	}
	return ""
}

func updatableColumns(q *query.Query, base int) bool {
	for _, t := range q.TargetList {
		if columnNotUpdatable(t, base) == "" {
			return true
		}
	}
	return false
}

func viewNotUpdatable(cmd query.CommandType, name, detail string) {
	var e *pgerr.Error
	word := ""
	switch cmd {
	case query.CmdInsert:
		e, word = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot insert into view \"%s\"", name), "INSERT"
	case query.CmdUpdate:
		e, word = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot update view \"%s\"", name), "UPDATE"
	default:
		e, word = pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot delete from view \"%s\"", name), "DELETE"
	}
	verb := map[string]string{"INSERT": "inserting into the view", "UPDATE": "updating the view", "DELETE": "deleting from the view"}[word]
	fail(e.WithDetail("%s", detail).WithHint("To enable %s, provide an INSTEAD OF %s trigger or an unconditional ON %s DO INSTEAD rule.", verb, word, word))
}

// viewTarget is the replacement of a view by its base table in a data-changing statement.
type viewTarget struct {
	*rewriter
	q       *query.Query
	rel     *catalog.Relation
	body    *query.Query
	oldRT   int
	newRT   int
	baseRT  int // the base table's index in body
	oldExcl int
	newExcl int
}

// throughView turns a change of a view into a change of its base table.
func (r *rewriter) throughView(q *query.Query, rel *catalog.Relation, cascaded bool) *query.Query {
	body := r.viewBody(rel, locks.NoLock, true)
	if why := notUpdatable(body); why != "" {
		viewNotUpdatable(q.CommandType, rel.Name, why)
	}
	t := &viewTarget{rewriter: r, q: query.Copy(q), rel: rel, body: body, oldRT: q.ResultRelation}
	t.baseRT = body.JoinTree.FromList[0].(*query.RangeTblRef).RTIndex
	if q.CommandType != query.CmdDelete {
		if !updatableColumns(body, t.baseRT) {
			viewNotUpdatable(q.CommandType, rel.Name, "Views that have no updatable columns are not automatically updatable.")
		}
		t.checkColumns()
	}
	t.addBase()
	t.replaceVars()
	cascaded = t.conditions(cascaded)
	t.q.ResultRelation = t.newRT
	return r.target(t.q, cascaded)
}

func (t *viewTarget) column(att int) *query.TargetEntry {
	return t.body.TargetList[att-1]
}

// checkColumns refuses assignments to columns that are not the base table's.
func (t *viewTarget) checkColumns() {
	lists := [][]*query.TargetEntry{t.q.TargetList}
	words := []string{"insert into"}
	if t.q.CommandType == query.CmdUpdate {
		words[0] = "update"
	}
	if t.q.OnConflict != nil {
		lists, words = append(lists, t.q.OnConflict.Set), append(words, "update")
	}
	for i, l := range lists {
		for _, e := range l {
			if e.Resjunk {
				continue
			}
			c := t.column(e.Resno)
			if why := columnNotUpdatable(c, t.baseRT); why != "" {
				fail(pgerr.New(pgerr.FeatureNotSupported, "cannot %s column \"%s\" of view \"%s\"", words[i], c.Resname, t.rel.Name).
					WithDetail("%s", why))
			}
		}
	}
}

// addBase adds the base table to the range table with the view's rights turned into rights on the table's columns.
func (t *viewTarget) addBase() {
	q := t.q
	view := q.RTable[t.oldRT-1]
	base := query.Copy(t.body.RTable[t.baseRT-1])
	must(t.cat.LockRelation(base.Relid, locks.RowExclusive))
	base.Rellockmode = uint8(locks.RowExclusive)
	base.InFrom = view.InFrom
	base.RequiredPerms = view.RequiredPerms
	base.SelectedCols = t.baseColumns(base.SelectedCols, view.SelectedCols)
	base.InsertedCols = t.baseColumns(nil, view.InsertedCols)
	base.UpdatedCols = t.baseColumns(nil, view.UpdatedCols)
	q.RTable = append(q.RTable, base)
	t.newRT = len(q.RTable)
	if oc := q.OnConflict; oc != nil && oc.ExclRelIndex != 0 {
		t.oldExcl = oc.ExclRelIndex
		rel := t.relationOf(base)
		excl := &query.RangeTblEntry{Kind: query.RTERelation, Alias: &query.Alias{Name: "excluded"}, Relid: base.Relid,
			Relkind: 'c', Rellockmode: uint8(locks.RowExclusive)}
		excl.Eref = aliasesOf(rel.Desc, excl.Alias, "excluded")
		q.RTable = append(q.RTable, excl)
		t.newExcl = len(q.RTable)
		oc.ExclRelIndex = t.newExcl
	}
}

func (t *viewTarget) baseColumns(have, cols []int16) []int16 {
	for _, c := range cols {
		if c <= 0 || int(c) > len(t.body.TargetList) {
			continue
		}
		if v, ok := t.column(int(c)).Expr.(*query.Var); ok && v.Varno == t.baseRT {
			have = addColumn(have, v.Varattno)
		}
	}
	return have
}

// rebase moves an expression of the view's query to a range-table index of the statement, level levels further in.
func (t *viewTarget) rebase(e query.Expr, rt, level int) query.Expr {
	e = query.MutateLevels(e, func(x query.Expr, l int) query.Expr {
		if v, ok := x.(*query.Var); ok && v.Varlevelsup == l && v.Varno == t.baseRT {
			c := *v
			c.Varno, c.Varnosyn, c.Varattnosyn = rt, 0, 0
			return &c
		}
		return x
	})
	return query.IncrementLevels(e, level, 0)
}

// replaceVars puts the base table's columns in place of the view's.
func (t *viewTarget) replaceVars() {
	q := query.MutateQueryLevels(t.q, func(e query.Expr, level int) query.Expr {
		v, ok := e.(*query.Var)
		if !ok || v.Varlevelsup != level {
			return e
		}
		rt := 0
		switch {
		case v.Varno == t.oldRT:
			rt = t.newRT
		case v.Varno == t.oldExcl && t.oldExcl != 0:
			rt = t.newExcl
		default:
			return e
		}
		if v.Varattno > 0 {
			return t.rebase(t.column(v.Varattno).Expr, rt, level)
		}
		if v.Varattno < 0 {
			return e
		}
		row := &query.RowExpr{Result: v.Result, Format: query.CoerceImplicitCast, Location: v.Location}
		for _, c := range visibleTargets(t.body.TargetList) {
			row.Args = append(row.Args, t.rebase(c.Expr, rt, level))
			row.Colnames = append(row.Colnames, c.Resname)
		}
		return row
	})
	c := *q
	for i, n := range c.JoinTree.FromList {
		c.JoinTree.FromList[i] = t.replaceRef(n)
	}
	t.renumber(c.TargetList)
	if c.OnConflict != nil {
		t.renumber(c.OnConflict.Set)
	}
	t.q = &c
}

func (t *viewTarget) replaceRef(n query.JoinNode) query.JoinNode {
	switch n := n.(type) {
	case *query.RangeTblRef:
		if n.RTIndex == t.oldRT {
			return &query.RangeTblRef{RTIndex: t.newRT}
		}
	case *query.JoinExpr:
		n.Larg, n.Rarg = t.replaceRef(n.Larg), t.replaceRef(n.Rarg)
	}
	return n
}

// renumber gives assignments the base table's column numbers.
func (t *viewTarget) renumber(list []*query.TargetEntry) {
	for _, e := range list {
		if !e.Resjunk {
			e.Resno = t.column(e.Resno).Expr.(*query.Var).Varattno
		}
	}
}

// conditions adds the view's WHERE to the statement's, and its check option; the answer is whether views below are
// checked too.
func (t *viewTarget) conditions(cascaded bool) bool {
	quals := t.body.JoinTree.Quals
	q := t.q
	if quals != nil && q.CommandType != query.CmdInsert {
		e := t.rebase(quals, t.newRT, 0)
		if q.JoinTree.Quals != nil {
			e = &query.BoolExpr{Result: boolResult(), Op: query.AndExpr, Args: []query.Expr{q.JoinTree.Quals, e}, Location: -1}
		}
		q.JoinTree = &query.FromExpr{FromList: q.JoinTree.FromList, Quals: e}
	}
	q.HasSubLinks = q.HasSubLinks || t.body.HasSubLinks
	if q.CommandType == query.CmdDelete {
		return false
	}
	opt, has := t.rel.Option("check_option")
	all := cascaded || has && opt == "cascaded"
	if (has || cascaded) && quals != nil {
		w := &query.WithCheckOption{RelName: t.rel.Name, Qual: t.rebase(quals, t.newRT, 0), Cascaded: all}
		q.WithCheckOptions = append([]*query.WithCheckOption{w}, q.WithCheckOptions...)
	}
	return all
}

// NotUpdatable says why changes of a view with this query do not go through to a table; empty when they do.
func NotUpdatable(q *query.Query) string { return notUpdatable(q) }
