package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/query"
	"gompho/types"
)

// Rewrite makes an analyzed statement ready for planning: views become subqueries (or, as targets, their base table),
// defaults take the place of DEFAULT and of missing columns. A utility statement comes back as it is. q is not
// changed. Stored generated columns have no entry in target lists: the executor computes them.
func Rewrite(s *Session, q *query.Query) (out []*query.Query, err error) {
	defer catch(&err)
	if q.CommandType == query.CmdUtility {
		return []*query.Query{q}, nil
	}
	r := &rewriter{state: begin(s)}
	return []*query.Query{r.query(q)}, nil
}

type rewriter struct {
	*state
	active []ids.Oid // views being expanded
}

func (r *rewriter) query(q *query.Query) *query.Query {
	r.enter()
	defer r.leave()
	q = r.modifyingCTEs(q)
	if q.CommandType != query.CmdSelect {
		q = r.target(q, false)
	}
	return r.expand(q)
}

// modifyingCTEs rewrites the data-changing statements of WITH.
func (r *rewriter) modifyingCTEs(q *query.Query) *query.Query {
	if !q.HasModifyingCTE {
		return q
	}
	c := *q
	c.CTEList = append([]*query.CommonTableExpr(nil), q.CTEList...)
	for i, t := range c.CTEList {
		if t.Query.CommandType == query.CmdSelect {
			continue
		}
		d := *t
		d.Query = r.query(t.Query)
		c.CTEList[i] = &d
	}
	return &c
}

// target rewrites the target list of a data-changing statement, and the whole statement when its target is a view.
// cascaded says that an outer view's check option extends to the views below it.
func (r *rewriter) target(q *query.Query, cascaded bool) *query.Query {
	rel := r.relationOf(q.RTable[q.ResultRelation-1])
	for _, rule := range rel.Rules {
		if rule.EvType != '1' && rule.EvEnabled != 'D' {
			fail(pgerr.NotSupported("rules on table \"%s\" are not supported", rel.Name))
		}
	}
	c := *q
	switch q.CommandType {
	case query.CmdInsert:
		r.insertDefaults(&c, rel)
	case query.CmdUpdate:
		c.TargetList = r.targetList(&c, rel, r.splitMultiAssign(q.TargetList), query.CmdUpdate, nil)
	case query.CmdMerge:
		c.MergeActions = append([]*query.MergeAction(nil), q.MergeActions...)
		for i, a := range c.MergeActions {
			if a.CommandType == query.CmdInsert || a.CommandType == query.CmdUpdate {
				d := *a
				c.Override = a.Override
				d.TargetList = r.targetList(&c, rel, r.splitMultiAssign(a.TargetList), a.CommandType, nil)
				c.MergeActions[i] = &d
			}
		}
		c.Override = q.Override
	}
	if oc := q.OnConflict; oc != nil && oc.Action == query.OnConflictUpdate {
		d := *oc
		d.Set = r.targetList(&c, rel, r.splitMultiAssign(oc.Set), query.CmdUpdate, nil)
		c.OnConflict = &d
	}
	if rel.Kind == 'v' {
		return r.throughView(&c, rel, cascaded)
	}
	return &c
}

// valuesOf finds the multi-row VALUES of an INSERT; 0 when there is none.
func valuesOf(q *query.Query) int {
	if len(q.JoinTree.FromList) != 1 {
		return 0
	}
	ref, ok := q.JoinTree.FromList[0].(*query.RangeTblRef)
	if !ok || q.RTable[ref.RTIndex-1].Kind != query.RTEValues {
		return 0
	}
	return ref.RTIndex
}

func (r *rewriter) insertDefaults(q *query.Query, rel *catalog.Relation) {
	vi := valuesOf(q)
	if vi == 0 {
		q.TargetList = r.targetList(q, rel, q.TargetList, query.CmdInsert, nil)
		return
	}
	old := q.TargetList
	v := &valuesUse{index: vi, rte: q.RTable[vi-1], unused: map[int]bool{}}
	q.TargetList = r.targetList(q, rel, old, query.CmdInsert, v)
	r.valuesDefaults(q, rel, old, v)
}

// valuesUse is the VALUES entry that an INSERT takes its columns from. unused are columns of it whose values are not
// wanted after all.
type valuesUse struct {
	index  int
	rte    *query.RangeTblEntry
	unused map[int]bool
}

// column returns the number of the VALUES column that an expression is, 0 for none.
func (v *valuesUse) column(e query.Expr) int {
	if v == nil {
		return 0
	}
	if x, ok := e.(*query.Var); ok && x.Varno == v.index && x.Varlevelsup == 0 {
		return x.Varattno
	}
	return 0
}

// onlyDefaults reports whether every row has DEFAULT in a column.
func (v *valuesUse) onlyDefaults(col int) bool {
	if col == 0 {
		return false
	}
	for _, row := range v.rte.ValuesLists {
		if _, ok := row[col-1].(*query.SetToDefault); !ok {
			return false
		}
	}
	return true
}

// targetList puts the assignments of INSERT or UPDATE in the order of the table's columns, merges those to parts of one
// column, and fills in defaults.
func (r *rewriter) targetList(q *query.Query, rel *catalog.Relation, list []*query.TargetEntry, cmd query.CommandType,
	v *valuesUse) []*query.TargetEntry {
	byAtt := make([]*query.TargetEntry, len(rel.Desc.Attrs))
	var junk []*query.TargetEntry
	for _, t := range list {
		if t.Resjunk {
			junk = append(junk, t)
			continue
		}
		if t.Resno < 1 || t.Resno > len(byAtt) {
			fail(pgerr.Internal("bogus resno %d in targetlist", t.Resno))
		}
		byAtt[t.Resno-1] = mergeAssignment(t, byAtt[t.Resno-1], rel.Desc.Attrs[t.Resno-1].Name)
	}
	out := make([]*query.TargetEntry, 0, len(byAtt)+len(junk))
	for i := range byAtt {
		if rel.Desc.Attrs[i].Dropped {
			continue
		}
		if t := r.columnEntry(q, rel, i+1, byAtt[i], cmd, v); t != nil {
			out = append(out, t)
		}
	}
	next := len(byAtt) + 1
	for _, t := range junk {
		if t.Resno != next {
			c := *t
			c.Resno = next
			t = &c
		}
		out = append(out, t)
		next++
	}
	return out
}

// columnEntry decides what a column is set to; nil means nothing is said of it.
func (r *rewriter) columnEntry(q *query.Query, rel *catalog.Relation, att int, t *query.TargetEntry, cmd query.CommandType,
	v *valuesUse) *query.TargetEntry {
	a := &rel.Desc.Attrs[att-1]
	isDefault := false
	if t != nil {
		_, isDefault = t.Expr.(*query.SetToDefault)
	}
	apply := t == nil && cmd == query.CmdInsert || isDefault
	if cmd == query.CmdInsert {
		apply = r.insertRules(q, a, t, apply, v)
	} else if t != nil && !apply && (a.Identity == 'a' || a.Generated != 0) {
		e := pgerr.New(pgerr.GeneratedAlways, "column \"%s\" can only be updated to DEFAULT", a.Name)
		if a.Generated != 0 {
			fail(e.WithDetail("Column \"%s\" is a generated column.", a.Name))
		}
		fail(e.WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", a.Name))
	}
	if a.Generated != 0 {
		return nil
	}
	if !apply {
		return t
	}
	if rel.Kind == 'v' && isDefault && rel.Defaults[int16(att)] == "" {
		// The base table's default will do.
		return t
	}
	e := r.columnDefault(rel, att)
	if e == nil {
		if cmd == query.CmdInsert {
			return nil
		}
		e = r.nullOf(a)
	}
	return &query.TargetEntry{Expr: e, Resno: att, Resname: a.Name}
}

// insertRules applies the rules of identity and generated columns to INSERT; the answer says whether the default is used.
func (r *rewriter) insertRules(q *query.Query, a *types.Attr, t *query.TargetEntry, apply bool, v *valuesUse) bool {
	col := 0
	if t != nil {
		col = v.column(t.Expr)
	}
	if a.Identity == 'a' && !apply {
		switch {
		case q.Override == query.OverridingUserValue, q.Override != query.OverridingSystemValue && v.onlyDefaults(col):
			apply = true
		case q.Override != query.OverridingSystemValue:
			fail(pgerr.New(pgerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column \"%s\"", a.Name).
				WithDetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", a.Name).
				WithHint("Use OVERRIDING SYSTEM VALUE to override."))
		}
	}
	if a.Identity == 'd' && q.Override == query.OverridingUserValue {
		apply = true
	}
	if a.Generated != 0 && !apply {
		if !v.onlyDefaults(col) {
			fail(pgerr.New(pgerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column \"%s\"", a.Name).
				WithDetail("Column \"%s\" is a generated column.", a.Name))
		}
		apply = true
	}
	if apply && col != 0 {
		v.unused[col] = true
	}
	return apply
}

// mergeAssignment combines a second assignment to a column with the first: SET a[1] = x, a[2] = y.
func mergeAssignment(t, prior *query.TargetEntry, name string) *query.TargetEntry {
	if prior == nil {
		return t
	}
	var e query.Expr
	dom, isDom := t.Expr.(*query.CoerceToDomain)
	x, y := prior.Expr, t.Expr
	if isDom {
		if d, ok := x.(*query.CoerceToDomain); ok {
			x, y = d.Arg, dom.Arg
		}
	}
	switch s := y.(type) {
	case *query.FieldStore:
		if f, ok := x.(*query.FieldStore); ok && query.Equal(f.Arg, s.Arg) {
			c := *f
			c.Newvals = append(append([]query.Expr(nil), f.Newvals...), s.Newvals...)
			c.Fieldnums = append(append([]int(nil), f.Fieldnums...), s.Fieldnums...)
			e = &c
		} else if isStore(x) {
			c := *s
			c.Arg = x
			e = &c
		}
	case *query.SubscriptingRef:
		if s.RefAssgnExpr != nil && isStore(x) {
			c := *s
			c.RefExpr = x
			e = &c
		}
	}
	if e == nil {
		fail(pgerr.New(pgerr.SyntaxError, "multiple assignments to same column \"%s\"", name))
	}
	if isDom {
		d := *dom
		d.Arg = e
		e = &d
	}
	c := *t
	c.Expr = e
	return &c
}

func isStore(e query.Expr) bool {
	switch s := e.(type) {
	case *query.FieldStore:
		return true
	case *query.SubscriptingRef:
		return s.RefAssgnExpr != nil
	}
	return false
}

// DefaultOf returns the expression that gives a column its default value; nil when that is NULL.
func DefaultOf(s *Session, rel *catalog.Relation, att int) (e query.Expr, err error) {
	defer catch(&err)
	return (&rewriter{state: begin(s)}).columnDefault(rel, att), nil
}

func (r *rewriter) columnDefault(rel *catalog.Relation, att int) query.Expr {
	a := &rel.Desc.Attrs[att-1]
	if a.Identity != 0 {
		return &query.NextValueExpr{Result: result(a.Type, -1, 0), SeqID: r.identitySequence(rel.Oid, att)}
	}
	var e query.Expr
	if a.HasDef {
		e = must(rel.Default(int16(att)))
	}
	if e == nil && a.Type >= ids.FirstNormalOid {
		if t := r.typeRow(a.Type); t.Typdefaultbin != nil {
			e = must(query.DecodeExpr(*t.Typdefaultbin))
		}
	}
	if e == nil {
		return nil
	}
	t := e.Type()
	x := r.coerceTo(e, t, a.Type, a.Typmod, assigning, query.CoerceImplicitCast, -1)
	if x == nil {
		fail(pgerr.New(pgerr.DatatypeMismatch, "column \"%s\" is of type %s but default expression is of type %s", a.Name,
			r.typeName(a.Type), r.typeName(t)).WithHint("You will need to rewrite or cast the expression."))
	}
	return x
}

// identitySequence finds the sequence of an identity column.
func (r *rewriter) identitySequence(rel ids.Oid, att int) ids.Oid {
	rows := must(catalog.FetchAll[catalog.PgDepend](r.cat, catalog.PgDependReferenceIndex,
		catalog.OidKey(catalog.AttPgDependRefclassid, catalog.PgClassOid), catalog.OidKey(catalog.AttPgDependRefobjid, rel),
		catalog.IntKey(catalog.AttPgDependRefobjsubid, int64(att))))
	for _, d := range rows {
		if d.Classid == catalog.PgClassOid && d.Deptype == 'i' && d.Objsubid == 0 {
			if s := must(r.cat.Relation(d.Objid)); s != nil && s.Kind == 'S' {
				return s.Oid
			}
		}
	}
	fail(pgerr.Internal("no owned sequence found"))
	return 0
}

// nullOf is NULL as a value of a column.
func (r *rewriter) nullOf(a *types.Attr) query.Expr {
	base, mod := r.baseTypeMod(a.Type, a.Typmod)
	c := makeConst(base, mod, a.Collation, types.Null, -1)
	if base == a.Type {
		return c
	}
	return r.toDomain(c, base, mod, a.Type, implicitly, query.CoerceImplicitCast, -1, false)
}

// valuesDefaults replaces DEFAULT in the rows of VALUES.
func (r *rewriter) valuesDefaults(q *query.Query, rel *catalog.Relation, list []*query.TargetEntry, v *valuesUse) {
	attOf := map[int]int{}
	for _, t := range list {
		if c := v.column(t.Expr); c != 0 {
			attOf[c] = t.Resno
		}
	}
	var lists [][]query.Expr
	for i, row := range v.rte.ValuesLists {
		var out []query.Expr
		for k, e := range row {
			d, ok := e.(*query.SetToDefault)
			if !ok && !v.unused[k+1] {
				continue
			}
			if out == nil {
				out = append([]query.Expr(nil), row...)
			}
			out[k] = r.valueDefault(rel, attOf[k+1], e, d, v.unused[k+1])
		}
		if out != nil {
			if lists == nil {
				lists = append([][]query.Expr(nil), v.rte.ValuesLists...)
			}
			lists[i] = out
		}
	}
	if lists == nil {
		return
	}
	c := *v.rte
	c.ValuesLists = lists
	q.RTable = append([]*query.RangeTblEntry(nil), q.RTable...)
	q.RTable[v.index-1] = &c
}

func (r *rewriter) valueDefault(rel *catalog.Relation, att int, e query.Expr, d *query.SetToDefault, unused bool) query.Expr {
	if unused || d == nil {
		return makeConst(e.Type(), e.Typmod(), e.Collation(), types.Null, -1)
	}
	if att == 0 {
		fail(pgerr.Internal("cannot set value in column to DEFAULT"))
	}
	a := &rel.Desc.Attrs[att-1]
	if a.Generated == 0 {
		if x := r.columnDefault(rel, att); x != nil {
			return x
		}
	}
	if rel.Kind == 'v' {
		return d
	}
	return r.nullOf(a)
}

// expand replaces the views of a query and of its subqueries by their queries.
func (r *rewriter) expand(q *query.Query) *query.Query {
	if !needsExpansion(q) {
		return q
	}
	r.enter()
	defer r.leave()
	q = query.MutateQuery(q, r.expandExpr, r.expand)
	used := joinedEntries(q.JoinTree)
	for i, rte := range q.RTable {
		if rte.Kind == query.RTERelation && rte.Relkind == 'v' && used[i+1] {
			c := *q
			c.RTable = append([]*query.RangeTblEntry(nil), q.RTable...)
			c.RTable[i] = r.view(&c, i+1, rte)
			q = &c
		}
	}
	if q.SetOperations != nil {
		q = r.convertArms(q)
	}
	return q
}

// needsExpansion is a quick look for anything that could hold a view.
func needsExpansion(q *query.Query) bool {
	if q.HasSubLinks || len(q.CTEList) > 0 || q.SetOperations != nil {
		return true
	}
	for _, rte := range q.RTable {
		switch rte.Kind {
		case query.RTESubquery:
			return true
		case query.RTERelation:
			if rte.Relkind == 'v' {
				return true
			}
		}
	}
	return false
}

func (r *rewriter) expandExpr(e query.Expr) query.Expr {
	return query.Mutate(e, func(x query.Expr) query.Expr {
		s, ok := x.(*query.SubLink)
		if !ok {
			return x
		}
		c := *s
		c.Subselect = r.expand(s.Subselect)
		if s.Testexpr != nil {
			c.Testexpr = r.expandExpr(s.Testexpr)
		}
		if c.Subselect == s.Subselect && c.Testexpr == s.Testexpr {
			return x
		}
		return &c
	})
}

// joinedEntries is the set of range-table entries that a join tree refers to.
func joinedEntries(n query.JoinNode) map[int]bool {
	out := map[int]bool{}
	query.WalkExpr(n, func(n query.Node) bool {
		if x, ok := n.(*query.RangeTblRef); ok {
			out[x.RTIndex] = true
		}
		_, isExpr := n.(query.Expr)
		return !isExpr
	})
	return out
}

// view makes the subquery entry that stands for a view. Rights on the view are the caller's, on what is below the view's
// owner's.
func (r *rewriter) view(q *query.Query, rti int, rte *query.RangeTblEntry) *query.RangeTblEntry {
	rel := r.relationOf(rte)
	for _, o := range r.active {
		if o == rel.Oid {
			fail(pgerr.New(pgerr.InvalidObjectDefinition, "infinite recursion detected in rules for relation \"%s\"", rel.Name))
		}
	}
	mode := locks.NoLock
	for _, m := range q.RowMarks {
		if m.RTI == rti {
			mode = locks.RowShare
		}
	}
	body := r.viewBody(rel, mode, false)
	for i, m := range q.RowMarks {
		if m.RTI == rti {
			body = query.Copy(body)
			r.lockBody(body, m)
			q.RowMarks = append(append([]*query.RowMarkClause(nil), q.RowMarks[:i]...), q.RowMarks[i+1:]...)
			q.RowMarks = append(q.RowMarks, m)
			break
		}
	}
	r.active = append(r.active, rel.Oid)
	body = r.expand(body)
	r.active = r.active[:len(r.active)-1]
	c := *rte
	c.Kind = query.RTESubquery
	c.Subquery = body
	c.Inh = false
	c.TableSample = nil
	if v, ok := rel.Option("security_barrier"); ok && (v == "true" || v == "on") {
		c.Security = true
	}
	return &c
}

// StoredQuery returns the query of a materialized view, ready for planning and with its relations locked.
func StoredQuery(s *Session, rel *catalog.Relation) (q *query.Query, err error) {
	defer catch(&err)
	r := &rewriter{state: begin(s)}
	return r.expand(r.viewBody(rel, locks.NoLock, false)), nil
}

// viewBody returns the stored query of a view with its relations locked and its rights set to the owner's. mode, if not NoLock, is for the
// tables of its FROM clause; with open, the first table of it is left to the caller to lock.
func (r *rewriter) viewBody(rel *catalog.Relation, mode locks.Mode, open bool) *query.Query {
	q := must(rel.ViewQuery())
	if q == nil {
		fail(pgerr.Internal("view \"%s\" has no query", rel.Name))
	}
	invoker, _ := rel.Option("security_invoker")
	q = query.Copy(q)
	if mode != locks.NoLock {
		for rti := range joinedEntries(q.JoinTree) {
			q.RTable[rti-1].Rellockmode = uint8(mode)
		}
	}
	var first *query.RangeTblEntry
	if open && len(q.JoinTree.FromList) > 0 {
		if ref, ok := q.JoinTree.FromList[0].(*query.RangeTblRef); ok {
			first = q.RTable[ref.RTIndex-1]
		}
	}
	query.Walk(q, func(n query.Node) bool {
		rte, ok := n.(*query.RangeTblEntry)
		if !ok || rte.Kind != query.RTERelation {
			return true
		}
		if rte != first && must(r.cat.LockRelation(rte.Relid, locks.Mode(rte.Rellockmode))) == nil {
			fail(pgerr.Internal("could not open relation with OID %d", rte.Relid))
		}
		if invoker != "true" && invoker != "on" {
			rte.CheckAsUser = rel.Owner
		}
		return true
	})
	return q
}

// lockBody extends a row lock on a view to the tables in it.
func (r *rewriter) lockBody(q *query.Query, m *query.RowMarkClause) {
	for rti := range joinedEntries(q.JoinTree) {
		rte := q.RTable[rti-1]
		switch rte.Kind {
		case query.RTERelation:
			rte.RequiredPerms |= query.PermUpdate
		case query.RTESubquery:
			r.lockBody(rte.Subquery, m)
		default:
			continue
		}
		found := false
		for _, x := range q.RowMarks {
			if x.RTI == rti {
				x.Strength = max(x.Strength, m.Strength)
				x.WaitPolicy = max(x.WaitPolicy, m.WaitPolicy)
				found = true
			}
		}
		if !found {
			q.RowMarks = append(q.RowMarks, &query.RowMarkClause{RTI: rti, Strength: m.Strength, WaitPolicy: m.WaitPolicy, PushedDown: true})
		}
	}
}
