package planner

import (
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// agg builds grouping: the input gets the grouping expressions as columns, then Agg computes the target list.
func (b *builder) agg(p *path) built {
	if p.kind == pathMinMax {
		return b.minMaxResult(p)
	}
	if p.agg.split == plan.AggFinal {
		return b.finalAgg(p)
	}
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	_, x = b.aggOver(p, x)
	return x
}

// finalAgg builds the second step of a parallel aggregation and what lies below it. Both steps are described over the rows
// that are aggregated.
func (b *builder) finalAgg(p *path) built {
	g := p.outer
	x := b.build(g.outer.outer)
	if b.err != nil {
		return x
	}
	n, y := b.aggOver(p, x)
	part := &plan.Agg{Strategy: n.Strategy, Split: plan.AggPartial, NumGroups: g.outer.agg.numGroups, GroupCols: n.GroupCols, GroupOps: n.GroupOps, Colls: n.Colls}
	part.Left = n.Left
	fill(part, g.outer)
	gn := &plan.Gather{Workers: g.workers}
	gn.Left = part
	fill(gn, g)
	n.Split, n.Left = plan.AggFinal, gn
	return y
}

// aggOver builds the Agg node of a path over x.
func (b *builder) aggOver(p *path, x built) (*plan.Agg, built) {
	tl := p.tlist
	source := b.r.tlist
	if p.agg.aggs == nil && p.quals == nil {
		source = tl
	}
	x, pos, ops, colls := b.groupColumns(x, p.agg.groupBy, source)
	n := &plan.Agg{Strategy: p.agg.strategy, NumGroups: p.agg.numGroups, GroupCols: pos, GroupOps: ops, Colls: colls, GroupingSets: p.agg.sets}
	n.Left = x.node
	fill(n, p)
	af := &aggFixer{b: b, cols: x.cols, n: n}
	for _, a := range p.agg.aggs {
		af.add(a)
	}
	if len(p.agg.sets) > 0 {
		af.groupRefs = p.agg.groupBy
	}
	for _, g := range p.agg.groupBy {
		n.GroupRefs = append(n.GroupRefs, g.TLESortGroupRef)
	}
	out := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Resno, c.Expr = i+1, af.fix(te.Expr)
		out[i] = &c
	}
	n.TargetList = out
	n.Qual = af.fix(makeAnd(p.quals))
	return n, built{n, columnsOf(tl)}
}

// aggFixer resolves expressions above grouping: aggregates stay, everything else must be a grouping column.
type aggFixer struct {
	b         *builder
	cols      []column
	n         *plan.Agg
	orig      []*query.Aggref
	groupRefs []*query.SortGroupClause
}

func (f *aggFixer) add(a *query.Aggref) {
	c := *a
	c.Args = make([]*query.TargetEntry, len(a.Args))
	for i, te := range a.Args {
		t := *te
		t.Expr = f.b.fix(te.Expr, f.cols, nil)
		c.Args[i] = &t
	}
	c.AggDirectArgs = nil
	for _, e := range a.AggDirectArgs {
		c.AggDirectArgs = append(c.AggDirectArgs, f.b.fix(e, f.cols, nil))
	}
	c.AggFilter = f.b.fix(a.AggFilter, f.cols, nil)
	f.orig = append(f.orig, a)
	f.n.Aggs = append(f.n.Aggs, &c)
}

func (f *aggFixer) fix(e query.Expr) query.Expr {
	if e == nil {
		return nil
	}
	return mutateExpr(e, func(x query.Expr) query.Expr {
		switch a := x.(type) {
		case *query.Aggref:
			for i, o := range f.orig {
				if exprEqual(o, a) {
					return f.n.Aggs[i]
				}
			}
			f.b.fail("aggregate not found in plan")
			return a
		case *query.GroupingFunc:
			return a
		case *query.Const, *query.Param, *query.CaseTestExpr:
			return x
		}
		if i := findColumn(f.cols, x); i >= 0 {
			return colVar(query.OuterVar, i, x)
		}
		if v, ok := x.(*query.Var); ok {
			if v.Varno < 0 && v.Varno >= query.IndexVar {
				return v
			}
			if f.b.outer.has(max(v.Varno, 0)) {
				return f.b.paramFor(v)
			}
			f.b.fail("variable %d/%d not found below aggregation", v.Varno, v.Varattno)
			return v
		}
		return nil
	})
}

// minMaxResult builds the Result that reads min and max from init plans.
func (b *builder) minMaxResult(p *path) built {
	fix := func(e query.Expr) query.Expr {
		if e == nil {
			return nil
		}
		return mutateExpr(e, func(x query.Expr) query.Expr {
			a, ok := x.(*query.Aggref)
			if !ok {
				return nil
			}
			for i, o := range p.agg.aggs {
				if exprEqual(o, a) {
					return &query.Param{Result: a.Result, Kind: query.ParamExec, ID: p.minmax[i], Location: -1}
				}
			}
			return nil
		})
	}
	n := &plan.Result{}
	fill(n, p)
	n.OneTimeQual = fix(makeAnd(p.quals))
	for i, te := range p.tlist {
		c := *te
		c.Resno, c.Expr = i+1, fix(te.Expr)
		n.TargetList = append(n.TargetList, &c)
	}
	return built{n, columnsOf(p.tlist)}
}

// window builds a WindowAgg that computes tl.
func (b *builder) window(p *path, tl []*query.TargetEntry) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	w := p.window.clause
	n := &plan.WindowAgg{WinRef: w.WinRef, FrameOptions: w.FrameOptions, StartInRange: w.StartInRangeFn, EndInRange: w.EndInRangeFn, InRangeAsc: w.InRangeAsc, InRangeNF: w.InRangeNulls1st}
	x, n.PartCols, n.PartOps, n.PartColls = b.groupColumns(x, w.PartitionClause, b.r.tlist)
	x, n.OrdCols, n.OrdOps, n.OrdColls = b.groupColumns(x, w.OrderClause, b.r.tlist)
	if b.err != nil {
		return x
	}
	for i, o := range w.OrderClause {
		desc := false
		for _, m := range b.r.g.facts.families(o.SortOp) {
			desc = m.strategy == strategyGt
		}
		n.OrdKeys = append(n.OrdKeys, plan.SortKey{Col: n.OrdCols[i], Op: o.SortOp, Collation: n.OrdColls[i], Desc: desc, NullsFirst: o.NullsFirst})
	}
	n.StartOffset, n.EndOffset = b.fix(w.StartOffset, x.cols, nil), b.fix(w.EndOffset, x.cols, nil)
	n.Left = x.node
	fill(n, p)
	var fixed []*query.WindowFunc
	for _, f := range p.window.funcs {
		c := *f
		c.Args = nil
		for _, a := range f.Args {
			c.Args = append(c.Args, b.fix(a, x.cols, nil))
		}
		c.AggFilter = b.fix(f.AggFilter, x.cols, nil)
		fixed = append(fixed, &c)
	}
	n.Funcs = fixed
	for i, te := range tl {
		c := *te
		c.Resno = i + 1
		c.Expr = mutateExpr(te.Expr, func(e query.Expr) query.Expr {
			if _, ok := e.(*query.WindowFunc); !ok || findColumn(x.cols, e) >= 0 {
				return nil
			}
			for k, f := range p.window.funcs {
				if exprEqual(e, f) {
					return fixed[k]
				}
			}
			return nil
		})
		c.Expr = b.fixRef(c.Expr, te.Ressortgroupref, x.cols, nil)
		n.TargetList = append(n.TargetList, &c)
	}
	return built{n, columnsOf(tl)}
}

func (b *builder) unique(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	groups, tl := b.r.q.DistinctClause, b.r.tlist
	if p.setop != nil {
		groups, tl = p.setop.groups, p.tlist
	}
	n := &plan.Unique{}
	x, n.Cols, n.Ops, n.Colls = b.groupColumns(x, groups, tl)
	n.Left = x.node
	fill(n, p)
	return built{n, x.cols}
}

// exactly makes the columns of x just those of tl.
func (b *builder) exactly(x built, tl []*query.TargetEntry) built {
	if b.err != nil || b.matches(x, tl) {
		return x
	}
	return b.result(x, tl)
}

func (b *builder) appendPath(p *path) built {
	n := &plan.Append{}
	for _, c := range p.children {
		x := b.build(c)
		if b.err != nil {
			return x
		}
		if c.tlist != nil {
			x = b.exactly(x, c.tlist)
		}
		n.Children = append(n.Children, x.node)
	}
	fill(n, p)
	return built{n, columnsOf(p.tlist)}
}

func (b *builder) setOp(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	s := p.setop
	n := &plan.SetOp{Op: s.op, All: s.all, Hashed: s.hashed, FlagCol: s.flag}
	for i, g := range s.groups {
		n.Cols = append(n.Cols, i+1)
		n.Ops = append(n.Ops, g.EqOp)
		c := ids.Oid(0)
		if i < len(s.colls) {
			c = s.colls[i]
		}
		n.Colls = append(n.Colls, c)
	}
	n.Left = x.node
	fill(n, p)
	return built{n, columnsOf(p.tlist)}
}

func (b *builder) recursive(p *path) built {
	l := b.build(p.outer)
	if b.err == nil && p.outer.tlist != nil {
		l = b.exactly(l, p.outer.tlist)
	}
	r := b.build(p.inner)
	if b.err == nil && p.inner.tlist != nil {
		r = b.exactly(r, p.inner.tlist)
	}
	if b.err != nil {
		return l
	}
	n := &plan.RecursiveUnion{WTParam: p.setop.wt}
	n.Left, n.Right = l.node, r.node
	if !p.setop.all {
		for i, g := range p.setop.groups {
			n.DupCols = append(n.DupCols, i+1)
			n.DupOps = append(n.DupOps, g.EqOp)
			n.Colls = append(n.Colls, p.setop.colls[i])
		}
	}
	fill(n, p)
	return built{n, columnsOf(p.tlist)}
}

// projectSet computes set-returning functions. Where one stands inside another expression, the functions come first,
// innermost in a node of their own, and the rest is computed above.
func (b *builder) projectSet(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	return b.setLevels(x, p.tlist, p)
}

func (b *builder) setLevels(x built, tl []*query.TargetEntry, p *path) built {
	var nested []query.Expr // set-returning calls that are not the whole of a column
	for _, te := range tl {
		walkExpr(te.Expr, func(e query.Expr) bool {
			if findColumn(x.cols, e) >= 0 {
				return false // computed below
			}
			if isSRF(e) && e != te.Expr {
				inner := false
				for _, a := range srfArgs(e) {
					inner = inner || hasSRF(a)
				}
				if !inner && findExpr(nested, e) < 0 {
					nested = append(nested, e)
				}
			}
			return true
		})
	}
	sets := false
	for _, te := range tl {
		sets = sets || b.stillSet(te.Expr, x.cols)
	}
	if !sets {
		return b.result(x, tl)
	}
	if len(nested) > 0 {
		var low []*query.TargetEntry
		for i, c := range x.cols {
			low = append(low, &query.TargetEntry{Expr: c.expr, Resno: i + 1, Ressortgroupref: c.ref})
		}
		for _, e := range nested {
			low = append(low, &query.TargetEntry{Expr: e, Resno: len(low) + 1, Resjunk: true})
		}
		for _, te := range tl { // plain calls run in step with the nested ones
			if isSRF(te.Expr) && findColumn(x.cols, te.Expr) < 0 && !nestedArgs(te.Expr) {
				low = append(low, &query.TargetEntry{Expr: te.Expr, Resno: len(low) + 1, Ressortgroupref: te.Ressortgroupref})
			}
		}
		x = b.projectSetNode(x, low, p)
		more := false
		for _, te := range tl {
			more = more || b.stillSet(te.Expr, x.cols)
		}
		if !more {
			return b.result(x, tl)
		}
		return b.setLevels(x, replaceComputed(tl, x.cols), p)
	}
	return b.projectSetNode(x, tl, p)
}

func (b *builder) stillSet(e query.Expr, cols []column) bool {
	found := false
	walkExpr(e, func(x query.Expr) bool {
		if findColumn(cols, x) >= 0 {
			return false
		}
		found = found || isSRF(x)
		return !found
	})
	return found
}

// replaceComputed keeps a target list whose computed parts the columns hold; fix finds them by equality.
func replaceComputed(tl []*query.TargetEntry, _ []column) []*query.TargetEntry { return tl }

func nestedArgs(e query.Expr) bool {
	for _, a := range srfArgs(e) {
		if hasSRF(a) {
			return true
		}
	}
	return false
}

func isSRF(e query.Expr) bool {
	switch x := e.(type) {
	case *query.FuncExpr:
		return x.RetSet
	case *query.OpExpr:
		return x.RetSet
	}
	return false
}

func srfArgs(e query.Expr) []query.Expr {
	switch x := e.(type) {
	case *query.FuncExpr:
		return x.Args
	case *query.OpExpr:
		return x.Args
	}
	return nil
}

func findExpr(list []query.Expr, e query.Expr) int {
	for i, x := range list {
		if exprEqual(x, e) {
			return i
		}
	}
	return -1
}

func (b *builder) projectSetNode(x built, tl []*query.TargetEntry, p *path) built {
	n := &plan.ProjectSet{}
	n.Left = x.node
	fill(n, p)
	n.TargetList = b.fixTargets(tl, x.cols, nil)
	return built{n, columnsOf(tl)}
}

// lockRows locks the rows that are about to be returned; other tables' rows are re-fetched when one has changed.
func (b *builder) lockRows(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	n := &plan.LockRows{Marks: b.rowMarks(x.cols)}
	n.Left = x.node
	fill(n, p)
	b.r.g.rowMarks = append(b.r.g.rowMarks, n.Marks...)
	return built{n, x.cols}
}

func (b *builder) rowMarks(cols []column) []plan.RowMark {
	var out []plan.RowMark
	marked := map[int]bool{}
	for _, m := range b.r.q.RowMarks {
		if b.r.junk.ctid[m.RTI] == 0 || marked[m.RTI] {
			continue
		}
		marked[m.RTI] = true
		out = append(out, b.rowMark(plan.RowMark{RTI: m.RTI + b.offset, Strength: m.Strength, WaitPolicy: m.WaitPolicy}, m.RTI, cols))
	}
	for rti := range b.r.q.RTable {
		rti++
		switch {
		case b.r.junk.whole[rti] != 0:
			out = append(out, plan.RowMark{RTI: rti + b.offset, WholeCol: b.wholeColumn(rti, cols)})
		case b.r.junk.ctid[rti] != 0 && !marked[rti] && rti != b.r.q.ResultRelation:
			out = append(out, b.rowMark(plan.RowMark{RTI: rti + b.offset}, rti, cols))
		}
	}
	for _, rti := range testedRels(b.r.q.JoinTree).members() {
		out = append(out, plan.RowMark{RTI: rti + b.offset, NoRow: true, Children: b.childIndexes(rti)})
	}
	return out
}

// rowMark fills in where the row of an entry is named.
func (b *builder) rowMark(m plan.RowMark, rti int, cols []column) plan.RowMark {
	m.CtidCol = b.ctidColumn(rti, cols)
	if m.Children = b.childIndexes(rti); m.Children != nil {
		m.TableOidCol = b.sysColumn(rti, query.TableOidAttr, cols)
	}
	return m
}

func (b *builder) ctidColumn(rti int, cols []column) int {
	return b.sysColumn(rti, query.CtidAttr, cols)
}

// sysColumn finds the junk column with a system column of an entry; 0: none.
func (b *builder) sysColumn(rti, att int, cols []column) int {
	for i, c := range cols {
		if v, ok := c.expr.(*query.Var); ok && v.Varno == rti && v.Varattno == att {
			return i + 1
		}
	}
	return 0
}

// wholeColumn finds the junk column with the row of an entry that is no table.
func (b *builder) wholeColumn(rti int, cols []column) int {
	for i, c := range cols {
		if v, ok := c.expr.(*query.Var); ok && v.Varno == rti && v.Varattno == 0 && v.Varlevelsup == 0 && v.ResType == types.RecordOid {
			return i + 1
		}
	}
	return 0
}

func (b *builder) limit(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	q := b.r.q
	n := &plan.Limit{Offset: b.fix(q.LimitOffset, nil, nil), Count: b.fix(q.LimitCount, nil, nil), WithTies: q.WithTies}
	if q.WithTies {
		x, n.TieCols, n.TieOps, n.TieColls = b.groupColumns(x, q.SortClause, b.r.tlist)
	}
	n.Left = x.node
	fill(n, p)
	return built{n, x.cols}
}

// modify builds ModifyTable over rows whose columns are just the level's target list.
func (b *builder) modify(p *path) built {
	x := b.build(p.outer)
	if b.err == nil {
		x = b.exactly(x, b.r.tlist)
	}
	if b.err != nil {
		return x
	}
	q := b.r.q
	n := p.modify
	n.Left = x.node
	n.ResultRel = q.ResultRelation + b.offset
	b.r.g.resultRels = append(b.r.g.resultRels, n.ResultRel)
	n.CtidCol = b.ctidColumn(q.ResultRelation, x.cols)
	if q.CommandType != query.CmdInsert {
		if n.ResultRels = b.childIndexes(q.ResultRelation); n.ResultRels != nil {
			n.TableOidCol = b.sysColumn(q.ResultRelation, query.TableOidAttr, x.cols)
			if len(n.ResultRels) == 0 {
				n.ResultRels, n.TableOidCol = nil, 0
			}
		}
	}
	if q.CommandType == query.CmdInsert {
		n.CtidCol = 0
	} else {
		n.RowMarks = b.rowMarks(x.cols)
	}
	fill(n, p)
	if q.OnConflict != nil {
		rte := q.RTable[q.ResultRelation-1]
		if len(q.OnConflict.ArbiterElems) > 0 {
			b.err = b.r.g.lockIndexes(rte)
		}
		t, err := b.r.g.facts.table(rte.Relid)
		if err == nil {
			n.OnConflict, err = b.r.onConflict(q.OnConflict, t, b)
		}
		if err != nil {
			b.err = err
			return built{}
		}
	}
	for _, w := range q.WithCheckOptions {
		n.WithChecks = append(n.WithChecks, b.scanExpr(w.Qual))
		n.WithCheckViews = append(n.WithCheckViews, w.RelName)
	}
	var cols []column
	for _, te := range q.ReturningList {
		c := *te
		c.Expr = b.returning(te.Expr, x.cols)
		n.Returning = append(n.Returning, &c)
		cols = append(cols, column{te.Expr, te.Ressortgroupref})
	}
	return built{n, cols}
}

// returning resolves RETURNING: the target's columns stay, those of other tables come from the child.
func (b *builder) returning(e query.Expr, cols []column) query.Expr {
	return mutateExpr(e, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok {
			return nil
		}
		if v.Varno == b.r.q.ResultRelation {
			c := *v
			c.Varno += b.offset
			return &c
		}
		if i := findColumn(cols, x); i >= 0 {
			return colVar(query.OuterVar, i, x)
		}
		b.fail("RETURNING column %d/%d not found", v.Varno, v.Varattno)
		return v
	})
}
