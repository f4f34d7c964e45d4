package deparse

import (
	"strconv"
	"strings"

	"gompho/internal/pgerr"
	"gompho/sql/query"
)

func itoa(n int) string { return strconv.Itoa(n) }

// queryLevel prints a query one level further in. colsVisible says that the output columns' names matter to what is around.
func (p *printer) queryLevel(q *query.Query, names []string, colsVisible, isRule bool) {
	saved := *p
	p.prefix = p.prefix && isRule || len(p.levels) > 0 || len(q.RTable) != 1
	p.levels = append([]*level{p.queryNames(q, isRule)}, p.levels...)
	p.windows, p.windowTL, p.inGroupBy = nil, nil, false
	switch q.CommandType {
	case query.CmdSelect:
		p.selectQuery(q, names, colsVisible)
	default:
		panic(bailout{pgerr.NotSupported("deparsing of data-changing statements is not supported")})
	}
	buf := p.buf
	*p = saved
	p.buf = buf
}

// subquery prints a query in the same text at the current indentation.
func (p *printer) subquery(q *query.Query, colsVisible bool) {
	p.queryLevel(q, nil, colsVisible, false)
}

func (p *printer) selectQuery(q *query.Query, names []string, colsVisible bool) {
	p.with(q)
	p.windows, p.windowTL = q.WindowClause, q.TargetList
	byNumber := q.SetOperations != nil
	if byNumber {
		p.setOp(q.SetOperations, q, names, colsVisible)
	} else {
		p.basicSelect(q, names, colsVisible)
	}
	if len(q.SortClause) > 0 {
		p.keyword(" ORDER BY ", -indentStd, indentStd, 1)
		p.orderBy(q.SortClause, q.TargetList, byNumber)
	}
	if q.LimitOffset != nil {
		p.keyword(" OFFSET ", -indentStd, indentStd, 0)
		p.expr(q.LimitOffset, false)
	}
	if q.LimitCount != nil {
		p.limit(q)
	}
	if q.HasForUpdate {
		p.rowMarks(q)
	}
}

func (p *printer) limit(q *query.Query) {
	if q.WithTies {
		p.keyword(" FETCH FIRST ", -indentStd, indentStd, 0)
		p.str("(")
		p.expr(q.LimitCount, false)
		p.str(") ROWS WITH TIES")
		return
	}
	p.keyword(" LIMIT ", -indentStd, indentStd, 0)
	if c, ok := q.LimitCount.(*query.Const); ok && c.Value.IsNull() {
		p.str("ALL")
		return
	}
	p.expr(q.LimitCount, false)
}

func (p *printer) rowMarks(q *query.Query) {
	words := [...]string{"", " FOR KEY SHARE", " FOR SHARE", " FOR NO KEY UPDATE", " FOR UPDATE"}
	for _, m := range q.RowMarks {
		if m.PushedDown {
			continue
		}
		p.keyword(words[m.Strength], -indentStd, indentStd, 0)
		p.str(" OF ")
		p.ident(p.levels[0].names[m.RTI-1])
		switch m.WaitPolicy {
		case query.LockWaitError:
			p.str(" NOWAIT")
		case query.LockWaitSkip:
			p.str(" SKIP LOCKED")
		}
	}
}

func (p *printer) with(q *query.Query) {
	if len(q.CTEList) == 0 {
		return
	}
	if p.pretty() {
		p.indent += indentStd
		p.str(" ")
	}
	sep := "WITH "
	if q.HasRecursive {
		sep = "WITH RECURSIVE "
	}
	for _, c := range q.CTEList {
		p.str(sep)
		p.ident(c.CTEName)
		if len(c.AliasCols) > 0 {
			p.str("(")
			for i, n := range c.AliasCols {
				if i > 0 {
					p.str(", ")
				}
				p.ident(n)
			}
			p.str(")")
		}
		p.str(" AS ")
		switch c.Materialized {
		case query.CTEMaterializeAlways:
			p.str("MATERIALIZED ")
		case query.CTEMaterializeNever:
			p.str("NOT MATERIALIZED ")
		}
		p.str("(")
		if p.pretty() {
			p.keyword("", 0, 0, 0)
		}
		p.subquery(c.Query, true)
		if p.pretty() {
			p.keyword("", 0, 0, 0)
		}
		p.str(")")
		sep = ", "
	}
	if p.pretty() {
		p.indent -= indentStd
		p.keyword("", 0, 0, 0)
	} else {
		p.str(" ")
	}
}

func (p *printer) basicSelect(q *query.Query, names []string, colsVisible bool) {
	if p.pretty() {
		p.indent += indentStd
		p.str(" ")
	}
	if v := simpleValues(q, names); v != nil {
		p.values(v.ValuesLists)
		return
	}
	p.str("SELECT")
	switch {
	case len(q.DistinctClause) == 0:
	case q.HasDistinctOn:
		p.str(" DISTINCT ON (")
		for i, s := range q.DistinctClause {
			if i > 0 {
				p.str(", ")
			}
			p.sortColumn(s.TLESortGroupRef, q.TargetList, false)
		}
		p.str(")")
	default:
		p.str(" DISTINCT")
	}
	p.targets(q.TargetList, names, colsVisible)
	p.from(q, " FROM ")
	if q.JoinTree != nil && q.JoinTree.Quals != nil {
		p.keyword(" WHERE ", -indentStd, indentStd, 1)
		p.expr(q.JoinTree.Quals, false)
	}
	if len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 {
		p.groupBy(q)
	}
	if q.HavingQual != nil {
		p.keyword(" HAVING ", -indentStd, indentStd, 0)
		p.expr(q.HavingQual, false)
	}
	p.windowClause(q)
}

func (p *printer) groupBy(q *query.Query) {
	p.keyword(" GROUP BY ", -indentStd, indentStd, 1)
	if q.GroupDistinct {
		p.str("DISTINCT ")
	}
	p.inGroupBy = true
	if len(q.GroupingSets) == 0 {
		for i, g := range q.GroupClause {
			if i > 0 {
				p.str(", ")
			}
			p.sortColumn(g.TLESortGroupRef, q.TargetList, false)
		}
	} else {
		for i, g := range q.GroupingSets {
			if i > 0 {
				p.str(", ")
			}
			p.groupingSet(g, q.TargetList, true)
		}
	}
	p.inGroupBy = false
}

func (p *printer) groupingSet(g *query.GroupingSet, tl []*query.TargetEntry, omitParens bool) {
	switch g.Kind {
	case query.GroupingSetEmpty:
		p.str("()")
		return
	case query.GroupingSetSimple:
		paren := !omitParens || len(g.Refs) != 1
		if paren {
			p.str("(")
		}
		for i, r := range g.Refs {
			if i > 0 {
				p.str(", ")
			}
			p.sortColumn(r, tl, false)
		}
		if paren {
			p.str(")")
		}
		return
	case query.GroupingSetRollup:
		p.str("ROLLUP(")
	case query.GroupingSetCube:
		p.str("CUBE(")
	default:
		p.str("GROUPING SETS (")
	}
	for i, c := range g.Content {
		if i > 0 {
			p.str(", ")
		}
		p.groupingSet(c, tl, g.Kind != query.GroupingSetSets)
	}
	p.str(")")
}

// simpleValues returns the VALUES of a query that is nothing else.
func simpleValues(q *query.Query, names []string) *query.RangeTblEntry {
	var v *query.RangeTblEntry
	for _, rte := range q.RTable {
		switch {
		case rte.Kind == query.RTEValues && rte.InFrom && v == nil:
			v = rte
		case rte.Kind == query.RTERelation && !rte.InFrom:
		default:
			return nil
		}
	}
	if v == nil || len(q.TargetList) != len(v.Eref.Colnames) {
		return nil
	}
	for i, t := range q.TargetList {
		name := t.Resname
		if i < len(names) {
			name = names[i]
		}
		if t.Resjunk || name != v.Eref.Colnames[i] {
			return nil
		}
	}
	return v
}

func (p *printer) values(lists [][]query.Expr) {
	p.str("VALUES ")
	for i, l := range lists {
		if i > 0 {
			p.str(", ")
		}
		p.str("(")
		for k, e := range l {
			if k > 0 {
				p.str(",")
			}
			p.toplevel(e, false)
		}
		p.str(")")
	}
}

func (p *printer) targets(list []*query.TargetEntry, names []string, colsVisible bool) {
	sep := " "
	col := 0
	multiline := false
	for _, t := range list {
		if t.Resjunk {
			continue
		}
		p.str(sep)
		sep = ", "
		col++
		text := p.capture(func() { p.target(t, col, names, colsVisible) })
		if p.pretty() && p.wrap >= 0 {
			start := 0
			if strings.HasPrefix(text, "\n") {
				p.trimSpaces()
				start = 1
			} else if col > 1 && (p.lineLength()+len(text) > p.wrap || multiline) {
				p.keyword("", -indentStd, indentStd, indentVar)
			}
			multiline = strings.Contains(text[start:], "\n")
		}
		p.str(text)
	}
}

func (p *printer) target(t *query.TargetEntry, col int, names []string, colsVisible bool) {
	own := ""
	known := true
	if v, ok := t.Expr.(*query.Var); ok {
		own, known = p.variable(v, 0, true)
	} else {
		p.expr(t.Expr, true)
		own, known = "?column?", !colsVisible
	}
	name := t.Resname
	if col <= len(names) {
		name = names[col-1]
	}
	if name != "" && (!known || own != name) {
		p.str(" AS ")
		p.ident(name)
	}
}

func (p *printer) setOp(n query.SetOpNode, q *query.Query, names []string, colsVisible bool) {
	ref, ok := n.(*query.RangeTblRef)
	if ok {
		sub := q.RTable[ref.RTIndex-1].Subquery
		paren := len(sub.CTEList) > 0 || len(sub.SortClause) > 0 || len(sub.RowMarks) > 0 || sub.LimitOffset != nil ||
			sub.LimitCount != nil
		if paren {
			p.str("(")
		}
		p.queryLevel(sub, names, colsVisible, false)
		if paren {
			p.str(")")
		}
		return
	}
	op := n.(*query.SetOperationStmt)
	paren := false
	if l, ok := op.Larg.(*query.SetOperationStmt); ok {
		paren = op.Op != l.Op || op.All != l.All
	}
	sub := 0
	if paren {
		p.str("(")
		sub = indentStd
		p.keyword("", sub, 0, 0)
	}
	p.setOp(op.Larg, q, names, colsVisible)
	switch {
	case paren:
		p.keyword(") ", -sub, 0, 0)
	case p.pretty():
		p.keyword("", -sub, 0, 0)
	default:
		p.str(" ")
	}
	p.str([...]string{"", "UNION ", "INTERSECT ", "EXCEPT "}[op.Op])
	if op.All {
		p.str("ALL ")
	}
	_, paren = op.Rarg.(*query.SetOperationStmt)
	sub = 0
	if paren {
		p.str("(")
		sub = indentStd
	}
	p.keyword("", sub, 0, 0)
	p.setOp(op.Rarg, q, names, false)
	if p.pretty() {
		p.indent -= sub
	}
	if paren {
		p.keyword(")", 0, 0, 0)
	}
}

func targetByRef(ref int, list []*query.TargetEntry) *query.TargetEntry {
	for _, t := range list {
		if t.Ressortgroupref == ref {
			return t
		}
	}
	return nil
}

// sortColumn prints a column of ORDER BY, GROUP BY and the like, and returns its expression.
func (p *printer) sortColumn(ref int, list []*query.TargetEntry, byNumber bool) query.Expr {
	t := targetByRef(ref, list)
	if t == nil {
		p.str("?")
		return nil
	}
	switch e := t.Expr.(type) {
	case *query.Const:
		if !byNumber {
			p.constant(e, 1)
			return e
		}
	case *query.Var:
		if !byNumber {
			p.expr(e, true)
			return e
		}
	}
	if byNumber {
		p.str(itoa(t.Resno))
		return t.Expr
	}
	paren := !p.parens()
	switch t.Expr.(type) {
	case *query.FuncExpr, *query.Aggref, *query.WindowFunc:
		paren = true
	}
	if paren {
		p.str("(")
	}
	p.expr(t.Expr, true)
	if paren {
		p.str(")")
	}
	return t.Expr
}

func (p *printer) orderBy(sort []*query.SortGroupClause, list []*query.TargetEntry, byNumber bool) {
	for i, s := range sort {
		if i > 0 {
			p.str(", ")
		}
		e := p.sortColumn(s.TLESortGroupRef, list, byNumber)
		if e == nil {
			continue
		}
		lt, gt := p.sortOperators(e.Type())
		switch s.SortOp {
		case lt:
			if s.NullsFirst {
				p.str(" NULLS FIRST")
			}
		case gt:
			p.str(" DESC")
			if !s.NullsFirst {
				p.str(" NULLS LAST")
			}
		default:
			p.str(" USING " + p.operatorName(s.SortOp))
			if s.NullsFirst {
				p.str(" NULLS FIRST")
			} else {
				p.str(" NULLS LAST")
			}
		}
	}
}

func (p *printer) windowClause(q *query.Query) {
	first := true
	for _, w := range q.WindowClause {
		if w.Name == "" {
			continue
		}
		if first {
			p.keyword(" WINDOW ", -indentStd, indentStd, 1)
			first = false
		} else {
			p.str(", ")
		}
		p.ident(w.Name)
		p.str(" AS ")
		p.windowSpec(w, q.TargetList)
	}
}

func (p *printer) windowSpec(w *query.WindowClause, list []*query.TargetEntry) {
	space := ""
	part := func(s string) {
		p.str(space + s)
		space = " "
	}
	p.str("(")
	if w.Refname != "" {
		part("")
		p.ident(w.Refname)
	}
	if len(w.PartitionClause) > 0 && w.Refname == "" {
		part("PARTITION BY ")
		for i, s := range w.PartitionClause {
			if i > 0 {
				p.str(", ")
			}
			p.sortColumn(s.TLESortGroupRef, list, false)
		}
	}
	if len(w.OrderClause) > 0 && !w.CopiedOrder {
		part("ORDER BY ")
		p.orderBy(w.OrderClause, list, false)
	}
	if w.FrameOptions&query.FrameNonDefault != 0 {
		part("")
		p.frame(w)
	}
	p.str(")")
}

func (p *printer) frame(w *query.WindowClause) {
	o := w.FrameOptions
	switch {
	case o&query.FrameRange != 0:
		p.str("RANGE ")
	case o&query.FrameRows != 0:
		p.str("ROWS ")
	default:
		p.str("GROUPS ")
	}
	if o&query.FrameBetween != 0 {
		p.str("BETWEEN ")
	}
	bound := func(unbPre, cur, unbFol, pre int, e query.Expr) {
		switch {
		case o&unbPre != 0:
			p.str("UNBOUNDED PRECEDING ")
		case o&unbFol != 0:
			p.str("UNBOUNDED FOLLOWING ")
		case o&cur != 0:
			p.str("CURRENT ROW ")
		default:
			p.expr(e, false)
			if o&pre != 0 {
				p.str(" PRECEDING ")
			} else {
				p.str(" FOLLOWING ")
			}
		}
	}
	bound(query.FrameStartUnboundedPreceding, query.FrameStartCurrentRow, 0, query.FrameStartOffsetPreceding, w.StartOffset)
	if o&query.FrameBetween != 0 {
		p.str("AND ")
		bound(0, query.FrameEndCurrentRow, query.FrameEndUnboundedFollowing, query.FrameEndOffsetPreceding, w.EndOffset)
	}
	switch {
	case o&query.FrameExcludeCurrentRow != 0:
		p.str("EXCLUDE CURRENT ROW ")
	case o&query.FrameExcludeGroup != 0:
		p.str("EXCLUDE GROUP ")
	case o&query.FrameExcludeTies != 0:
		p.str("EXCLUDE TIES ")
	}
	p.trimSpaces()
}
