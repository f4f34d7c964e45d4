package planner

import (
	"slices"
	"sort"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// scanBase prepares what all scans have: conditions, and the columns to decode.
type scanBase struct {
	b     *builder
	p     *path
	rel   *rel
	quals []query.Expr
	tl    []*query.TargetEntry
}

// scan builds a scan of a base relation; tl is the target list to compute, nil for the columns needed above.
func (b *builder) scan(p *path, tl []*query.TargetEntry) built {
	s := &scanBase{b: b, p: p, rel: p.base(), tl: tl}
	for _, ri := range s.rel.restrict {
		if c, ok := ri.clause.(*query.Const); !ok || !c.Value.IsTrue() {
			s.quals = append(s.quals, ri.clause)
		}
	}
	s.quals = s.b.r.orderQuals(s.quals)
	switch p.kind {
	case pathSeqScan:
		n := &plan.SeqScan{}
		n.Parallel = p.workers
		return s.finish(n, &n.Scan)
	case pathIndexScan, pathIndexOnly:
		return s.indexScan()
	case pathBitmapHeap:
		return s.bitmapHeap()
	case pathTid:
		return s.tid()
	case pathTidRange:
		n := &plan.TidRangeScan{}
		for _, ri := range s.p.tidQuals {
			n.TidRangeQuals = append(n.TidRangeQuals, b.scanExpr(ri.clause))
		}
		s.dropQuals(s.p.tidQuals)
		return s.finish(n, &n.Scan)
	case pathFunction:
		return s.function()
	case pathValues:
		n := &plan.ValuesScan{}
		for _, row := range s.rel.rte.ValuesLists {
			out := make([]query.Expr, len(row))
			for i, e := range row {
				out[i] = b.scanExpr(e)
			}
			n.ValuesLists = append(n.ValuesLists, out)
		}
		return s.finish(n, &n.Scan)
	case pathCTE:
		n := &plan.CteScan{PlanID: s.rel.cte.planID}
		return s.finish(n, &n.Scan)
	}
	n := &plan.WorkTableScan{WTParam: s.rel.cte.wt}
	return s.finish(n, &n.Scan)
}

func (p *path) base() *rel { return p.rel }

// finish sets target list, condition and decoded columns.
func (s *scanBase) finish(n plan.Node, sc *plan.Scan) built {
	b := s.b
	b.pendingNode = n
	sc.ScanRelID = b.relIndex(s.rel)
	fill(n, s.p)
	sc.Qual = b.scanExpr(makeAnd(s.quals))
	return s.output(sc, func(e query.Expr) query.Expr { return b.scanExpr(e) })
}

// output lists the columns to decode; without a target list of its own the scan passes them through.
func (s *scanBase) output(sc *plan.Scan, fix func(query.Expr) query.Expr) built {
	b := s.b
	atts := map[int]bool{}
	whole := false
	note := func(e query.Expr) {
		walkExpr(e, func(x query.Expr) bool {
			if v, ok := x.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno == s.rel.rti {
				if v.Varattno == 0 {
					whole = true
				} else {
					atts[v.Varattno] = true
				}
			}
			return true
		})
	}
	targets := s.rel.target
	if s.tl != nil {
		targets = targetExprs(s.tl)
	}
	for _, e := range targets {
		note(e)
	}
	for _, q := range s.quals {
		note(q)
	}
	if whole {
		for i := 1; i <= b.columnCount(s.rel); i++ {
			if s.rel.table == nil || !s.rel.table.desc.Attrs[i-1].Dropped {
				atts[i] = true
			}
		}
	}
	for a := range atts {
		sc.ScanCols = append(sc.ScanCols, a)
	}
	sort.Ints(sc.ScanCols)
	tl := s.tl
	if tl == nil {
		if !whole && s.passesColumns(sc) {
			cols := make([]column, len(sc.ScanCols))
			for i, a := range sc.ScanCols {
				cols[i] = column{expr: s.scanVar(a)}
			}
			return built{s.node(sc), cols}
		}
		for i, e := range targets {
			tl = append(tl, &query.TargetEntry{Expr: e, Resno: i + 1})
		}
	}
	if !whole && s.passesColumns(sc) && s.passThrough(sc.ScanCols, tl) {
		return built{s.node(sc), columnsOf(tl)}
	}
	sc.TargetList = make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Resno, c.Expr = i+1, fix(te.Expr)
		sc.TargetList[i] = &c
	}
	return built{s.node(sc), columnsOf(tl)}
}

// passesColumns reports whether the scan without a target list yields just the columns of ScanCols: a scan of a table does; one
// of a function, a subquery and the like yields all columns.
func (s *scanBase) passesColumns(sc *plan.Scan) bool {
	switch s.p.kind {
	case pathIndexOnly:
		return false
	case pathSeqScan, pathIndexScan, pathBitmapHeap, pathTid, pathTidRange:
		return true
	}
	n := s.b.columnCount(s.rel)
	return len(sc.ScanCols) == n && (n == 0 || sc.ScanCols[0] == 1 && sc.ScanCols[n-1] == n)
}

// passThrough reports whether the target list is just the decoded columns.
func (s *scanBase) passThrough(cols []int, tl []*query.TargetEntry) bool {
	if len(cols) != len(tl) {
		return false
	}
	for i, te := range tl {
		v, ok := te.Expr.(*query.Var)
		if !ok || v.Varattno != cols[i] || v.Varno != s.rel.rti {
			return false
		}
	}
	return true
}

// scanVar finds the column as the query writes it, so that types agree.
func (s *scanBase) scanVar(att int) query.Expr {
	var found query.Expr
	look := func(e query.Expr) {
		walkExpr(e, func(x query.Expr) bool {
			if v, ok := x.(*query.Var); ok && v.Varno == s.rel.rti && v.Varattno == att && found == nil {
				found = v
			}
			return found == nil
		})
	}
	for _, e := range s.rel.target {
		look(e)
	}
	for _, q := range s.quals {
		look(q)
	}
	return found
}

func (s *scanBase) node(sc *plan.Scan) plan.Node { return s.b.pendingNode }

func (b *builder) columnCount(r *rel) int {
	if r.table != nil {
		return len(r.table.desc.Attrs)
	}
	if r.subroot != nil {
		return visible(r.subroot.q.TargetList)
	}
	if r.rte.Eref != nil {
		return len(r.rte.Eref.Colnames)
	}
	return len(r.rte.ColTypes)
}

func visible(tl []*query.TargetEntry) int {
	n := 0
	for _, te := range tl {
		if !te.Resjunk {
			n++
		}
	}
	return n
}

// indexConds turns matches into conditions on index columns.
func (b *builder) indexConds(conds []*indexMatch) []plan.IndexCond {
	var out []plan.IndexCond
	for _, m := range conds {
		out = append(out, b.indexCond(m))
	}
	return out
}

func (b *builder) indexCond(m *indexMatch) plan.IndexCond {
	c := plan.IndexCond{Column: m.column + 1, Strategy: m.strategy, Op: m.op, Array: m.array}
	if m.value != nil {
		c.Value = b.scanExpr(m.value)
		if info := b.r.g.facts.op(m.op); info != nil {
			c.Func, c.RightTyp = info.fn, info.right
		}
	}
	for _, rest := range m.rowRest {
		c.RowRest = append(c.RowRest, b.indexCond(rest))
	}
	return c
}

// withoutEnforced drops the conditions that the index scan checks exactly.
func (s *scanBase) withoutEnforced(conds []*indexMatch) {
	var out []query.Expr
	for _, q := range s.quals {
		done := false
		for _, m := range conds {
			done = done || m.info.clause == q && !m.lossy
		}
		if !done {
			out = append(out, q)
		}
	}
	for _, m := range conds { // a join condition that the index answers only roughly is checked here
		if m.lossy && !m.info.relids.subsetOf(s.rel.relids) {
			out = append(out, m.orig)
		}
	}
	s.quals = out
}

func (s *scanBase) origQuals(conds []*indexMatch) []query.Expr {
	var out []query.Expr
	seen := map[query.Expr]bool{}
	for _, m := range conds {
		if !seen[m.orig] {
			seen[m.orig] = true
			out = append(out, s.b.scanExpr(m.orig))
		}
	}
	return out
}

func (s *scanBase) indexScan() built {
	b, p := s.b, s.p
	s.withoutEnforced(p.indexConds)
	s.dropImplied(p.index)
	b.r.g.useIndex(p.index.oid, s.rel.rte)
	conds := b.indexConds(p.indexConds)
	orig := s.origQuals(p.indexConds)
	if p.kind == pathIndexScan {
		n := &plan.IndexScan{IndexID: p.index.oid, IndexQual: conds, IndexQualOrig: orig, Backward: p.backward}
		return s.finish(n, &n.Scan)
	}
	n := &plan.IndexOnlyScan{IndexID: p.index.oid, IndexQual: conds, IndexQualOrig: orig, Backward: p.backward, IndexCols: p.index.keys}
	b.pendingNode = n
	n.ScanRelID = b.relIndex(s.rel)
	fill(n, p)
	toIndex := func(e query.Expr) query.Expr {
		return mutateExpr(b.scanExpr(e), func(x query.Expr) query.Expr {
			v, ok := x.(*query.Var)
			if !ok || v.Varno != n.ScanRelID {
				return nil
			}
			for i, k := range p.index.keys {
				if k == v.Varattno {
					c := *v
					c.Varno, c.Varattno = query.IndexVar, i+1
					return &c
				}
			}
			b.fail("column %d is not in index", v.Varattno)
			return v
		})
	}
	if q := makeAnd(s.quals); q != nil {
		n.Qual = toIndex(q)
	}
	return s.output(&n.Scan, toIndex)
}

// dropImplied drops conditions that a partial index's predicate guarantees.
func (s *scanBase) dropImplied(ix *indexInfo) {
	if ix.pred == nil || s.b.r.rechecksRows() {
		return
	}
	var out []query.Expr
	parts := andList(ix.pred.forRel(s.rel.rti))
next:
	for _, q := range s.quals {
		for _, part := range parts {
			if exprEqual(part, q) {
				continue next
			}
		}
		out = append(out, q)
	}
	s.quals = out
}

// rechecksRows reports whether rows may be looked at again after a concurrent update: then an index guarantees nothing.
func (r *root) rechecksRows() bool {
	return r.q.CommandType == query.CmdUpdate || r.q.CommandType == query.CmdDelete || r.q.CommandType == query.CmdMerge || len(r.q.RowMarks) > 0
}

func (s *scanBase) bitmapHeap() built {
	b := s.b
	n := &plan.BitmapHeapScan{}
	left, exact := s.bitmapTree(s.p.bitmap)
	n.Left = left
	recheck := s.recheck(s.p.bitmap)
	if exact {
		var out []query.Expr
		parts := s.bitmapPredicate(s.p.bitmap)
		recheck = append(recheck, parts...)
		for _, q := range s.quals {
			done := slices.ContainsFunc(parts, func(e query.Expr) bool { return exprEqual(e, q) })
			for _, m := range s.p.bitmap.allConds() {
				done = done || m.info.clause == q && !m.lossy
			}
			if len(s.p.bitmap.or) > 0 {
				for _, ri := range s.p.bitmap.infos {
					done = done || ri.clause == q
				}
			}
			if !done {
				out = append(out, q)
			}
		}
		s.quals = out
	}
	recheck = slices.DeleteFunc(recheck, func(e query.Expr) bool { return slices.Contains(s.quals, e) })
	for _, e := range recheck {
		n.BitmapQualOrig = append(n.BitmapQualOrig, b.scanExpr(e))
	}
	// Re-checked columns must be decoded.
	saved := s.quals
	x := s.finishBitmap(n, recheck)
	s.quals = saved
	return x
}

func (s *scanBase) finishBitmap(n *plan.BitmapHeapScan, recheck []query.Expr) built {
	b := s.b
	b.pendingNode = n
	n.ScanRelID = b.relIndex(s.rel)
	fill(n, s.p)
	n.Qual = b.scanExpr(makeAnd(s.quals))
	s.quals = append(s.quals[:len(s.quals):len(s.quals)], recheck...)
	return s.output(&n.Scan, func(e query.Expr) query.Expr { return b.scanExpr(e) })
}

func (bp *bitmapPath) allConds() []*indexMatch {
	out := append([]*indexMatch(nil), bp.conds...)
	for _, c := range bp.and {
		if len(c.or) == 0 {
			out = append(out, c.allConds()...)
		}
	}
	return out
}

// bitmapPredicate lists what the predicates of the partial indexes in a bitmap guarantee.
func (s *scanBase) bitmapPredicate(bp *bitmapPath) []query.Expr {
	var out []query.Expr
	if s.b.r.rechecksRows() {
		return nil
	}
	if bp.index != nil && bp.index.pred != nil {
		for _, part := range andList(bp.index.pred.forRel(s.rel.rti)) {
			if !slices.ContainsFunc(bp.infos, func(ri *rinfo) bool { return exprEqual(ri.clause, part) }) {
				out = append(out, part)
			}
		}
	}
	for _, c := range bp.and {
		out = append(out, s.bitmapPredicate(c)...)
	}
	return out
}

// recheck lists the conditions that the bitmap stands for.
func (s *scanBase) recheck(bp *bitmapPath) []query.Expr {
	var out []query.Expr
	seen := map[*rinfo]bool{}
	for _, ri := range bp.infos {
		if !seen[ri] {
			seen[ri] = true
			out = append(out, ri.clause)
		}
	}
	return out
}

func (s *scanBase) bitmapTree(bp *bitmapPath) (plan.Node, bool) {
	b := s.b
	children := func(list []*bitmapPath) ([]plan.Node, bool) {
		var out []plan.Node
		all := true
		for _, c := range list {
			n, exact := s.bitmapTree(c)
			out = append(out, n)
			all = all && exact
		}
		return out, all
	}
	switch {
	case len(bp.and) > 0:
		c, exact := children(bp.and)
		n := &plan.BitmapAnd{Children: c}
		n.TotalCost, n.Rows = bp.cost, bp.sel*s.rel.tuples
		return n, exact
	case len(bp.or) > 0:
		c, exact := children(bp.or)
		n := &plan.BitmapOr{Children: c}
		n.TotalCost, n.Rows = bp.cost, bp.sel*s.rel.tuples
		for _, arm := range bp.or { // an arm may have conditions that its index does not check
			exact = exact && len(arm.infos) > 0
		}
		return n, exact && s.orExact(bp)
	}
	b.r.g.useIndex(bp.index.oid, s.rel.rte)
	n := &plan.BitmapIndexScan{IndexID: bp.index.oid, IndexQual: b.indexConds(bp.conds), IndexQualOrig: s.origQuals(bp.conds)}
	n.ScanRelID = b.relIndex(s.rel)
	n.TotalCost, n.Rows = bp.cost, bp.sel*s.rel.tuples
	return n, true
}

// orExact reports whether every arm's indexes check all of the arm's conditions.
func (s *scanBase) orExact(bp *bitmapPath) bool {
	for _, ri := range bp.infos {
		for i, arm := range ri.orParts {
			if i >= len(bp.or) {
				return false
			}
			for _, cond := range arm {
				found := false
				for _, m := range bp.or[i].conds {
					found = found || m.info == cond && !m.lossy
				}
				if !found {
					return false
				}
			}
		}
	}
	return true
}

func (s *scanBase) tid() built {
	b := s.b
	n := &plan.TidScan{}
	for _, ri := range s.p.tidQuals {
		switch x := ri.clause.(type) {
		case *query.OpExpr:
			v := ri.right
			if ri.leftRelids.empty() {
				v = ri.left
			}
			n.TidExprs, n.IsArray = append(n.TidExprs, b.scanExpr(v)), append(n.IsArray, false)
		case *query.ScalarArrayOpExpr:
			n.TidExprs, n.IsArray = append(n.TidExprs, b.scanExpr(x.Args[1])), append(n.IsArray, true)
		case *query.CurrentOfExpr:
			n.CurrentOf = b.scanExpr(x).(*query.CurrentOfExpr)
		}
	}
	s.dropQuals(s.p.tidQuals)
	return s.finish(n, &n.Scan)
}

// dropQuals takes conditions away that the scan ensures.
func (s *scanBase) dropQuals(infos []*rinfo) {
	var out []query.Expr
	for _, q := range s.quals {
		if !slices.ContainsFunc(infos, func(ri *rinfo) bool { return ri.clause == q }) {
			out = append(out, q)
		}
	}
	s.quals = out
}

func (s *scanBase) function() built {
	b := s.b
	n := &plan.FunctionScan{Ordinality: s.rel.rte.Ordinality}
	for _, f := range s.rel.rte.Functions {
		c := *f
		c.FuncExpr = b.scanExpr(f.FuncExpr)
		n.Functions = append(n.Functions, &c)
	}
	return s.finish(n, &n.Scan)
}

// subquery builds a subquery of FROM. Without conditions of its own it is the subquery's plan under other column names.
func (b *builder) subquery(p *path, tl []*query.TargetEntry) built {
	r := p.rel
	for _, o := range r.lateralRefs { // its lateral references are set by nested loops above
		if v, ok := o.expr.(*query.Var); ok && b.outer.has(v.Varno) {
			b.params = append(b.params, nestParam{o.id, v})
			continue
		}
		b.fail("lateral reference to %T is not available", o.expr)
	}
	node, _, err := newBuilder(p.subroot).top(p.outer)
	if err != nil {
		b.err = err
		return built{}
	}
	subTL := p.subroot.tlist
	if len(p.subroot.q.ReturningList) > 0 {
		subTL = p.subroot.q.ReturningList
	}
	s := &scanBase{b: b, p: p, rel: r, tl: tl}
	if s.tl == nil {
		s.tl = p.tlist
	}
	for _, ri := range r.restrict {
		s.quals = append(s.quals, ri.clause)
	}
	if len(s.quals) == 0 && !s.wantsRow() {
		cols := make([]column, len(subTL))
		for i, te := range subTL {
			cols[i] = column{expr: &query.Var{Result: query.Result{ResType: te.Expr.Type(), ResTypmod: te.Expr.Typmod(), ResCollation: te.Expr.Collation()}, Varno: r.rti, Varattno: i + 1, Location: -1}}
		}
		x := built{node, cols}
		if s.tl == nil || b.matches(x, s.tl) {
			return x
		}
		return b.result(x, s.tl)
	}
	n := &plan.SubqueryScan{Subplan: node}
	return s.finish(n, &n.Scan)
}

// wantsRow reports whether the target list mentions the row as a whole, which only a scan node can make.
func (s *scanBase) wantsRow() bool {
	targets := s.rel.target
	if s.tl != nil {
		targets = targetExprs(s.tl)
	}
	found := false
	for _, e := range targets {
		walkExpr(e, func(x query.Expr) bool {
			v, ok := x.(*query.Var)
			found = found || ok && v.Varlevelsup == 0 && v.Varno == s.rel.rti && v.Varattno == 0
			return !found
		})
	}
	return found
}

// resultPath builds a Result: no input, or a guard in front of one.
func (b *builder) resultPath(p *path, tl []*query.TargetEntry) built {
	n := &plan.Result{}
	fill(n, p)
	if p.outer == nil {
		n.OneTimeQual = b.fix(makeAnd(p.quals), nil, nil)
		if tl == nil {
			if p.rel == nil || len(p.rel.target) == 0 {
				return built{n, nil}
			}
			// An empty relation: columns are there in name only.
			for i, e := range p.rel.target {
				n.TargetList = append(n.TargetList, &query.TargetEntry{Expr: nullConst(query.Result{ResType: e.Type(), ResTypmod: e.Typmod(), ResCollation: e.Collation()}), Resno: i + 1})
			}
			cols := make([]column, len(p.rel.target))
			for i, e := range p.rel.target {
				cols[i] = column{expr: e}
			}
			return built{n, cols}
		}
		if p.rel != nil && len(p.rel.target) > 0 {
			x := b.resultPath(p, nil)
			return b.result(x, tl)
		}
		n.TargetList = b.fixTargets(tl, nil, nil)
		return built{n, columnsOf(tl)}
	}
	if slices.ContainsFunc(p.quals, isFalse) {
		return b.noRows(p, tl)
	}
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	n.Left = x.node
	n.OneTimeQual = b.fix(makeAnd(p.quals), nil, nil)
	if tl == nil {
		return built{n, x.cols}
	}
	n.TargetList = b.fixTargets(tl, x.cols, nil)
	return built{n, columnsOf(tl)}
}

func isFalse(e query.Expr) bool {
	c, ok := e.(*query.Const)
	return ok && !c.Value.IsTrue()
}

// noRows builds what stands for a relation that is known to be empty: its columns are there in name only.
func (b *builder) noRows(p *path, tl []*query.TargetEntry) built {
	n := &plan.Result{OneTimeQual: boolConst(false)}
	fill(n, p)
	exprs := targetExprs(tl)
	cols := columnsOf(tl)
	if tl == nil {
		x := b.build(p.outer)
		if cols = x.cols; b.err != nil {
			return x
		}
		for _, c := range cols {
			exprs = append(exprs, c.expr)
		}
	}
	for i, e := range exprs {
		n.TargetList = append(n.TargetList, &query.TargetEntry{Expr: nullConst(query.Result{ResType: e.Type(), ResTypmod: e.Typmod(), ResCollation: e.Collation()}), Resno: i + 1})
	}
	return built{n, cols}
}

// join builds the three kinds of join.
func (b *builder) join(p *path, tl []*query.TargetEntry) built {
	outer := b.build(p.outer)
	saved := b.outer
	if p.kind == pathNestLoop {
		b.outer = b.outer.union(p.outer.rel.relids)
	}
	mark := len(b.params)
	inner := b.build(p.inner)
	b.outer = saved
	if b.err != nil {
		return built{}
	}
	j := plan.Join{JoinType: p.jointype, InnerUnique: p.innerUnique}
	var joinq, filter []query.Expr
	for _, ri := range p.clauses {
		if b.isHashClause(p, ri) {
			continue
		}
		if ri.pushedDown && (p.jointype == query.JoinLeft || p.jointype == query.JoinRight || p.jointype == query.JoinFull || p.jointype == query.JoinAnti) {
			filter = append(filter, ri.clause)
		} else {
			joinq = append(joinq, ri.clause)
		}
	}
	switch p.kind {
	case pathNestLoop:
		return b.nestLoop(p, j, outer, inner, joinq, filter, tl, mark)
	case pathHashJoin:
		return b.hashJoin(p, j, outer, inner, joinq, filter, tl)
	}
	return b.mergeJoin(p, j, outer, inner, joinq, filter, tl)
}

func (b *builder) isHashClause(p *path, ri *rinfo) bool {
	for _, h := range p.hashClauses {
		if h == ri {
			return true
		}
	}
	return false
}

// joinOutput sets target list and conditions of a join node.
func (b *builder) joinOutput(n plan.Node, j *plan.Join, p *path, outer, inner built, joinq, filter []query.Expr, tl []*query.TargetEntry) built {
	base := n.Base()
	fill(n, p)
	base.Left, base.Right = outer.node, inner.node
	j.Joinqual = b.fix(makeAnd(joinq), outer.cols, inner.cols)
	base.Qual = b.fix(makeAnd(filter), outer.cols, inner.cols)
	if tl == nil {
		for i, e := range p.rel.target {
			tl = append(tl, &query.TargetEntry{Expr: e, Resno: i + 1})
		}
	}
	base.TargetList = b.fixTargets(tl, outer.cols, inner.cols)
	return built{n, columnsOf(tl)}
}

func (b *builder) nestLoop(p *path, j plan.Join, outer, inner built, joinq, filter []query.Expr, tl []*query.TargetEntry, mark int) built {
	n := &plan.NestLoop{Join: j}
	var rest []nestParam
	for i, np := range b.params {
		v, ok := np.expr.(*query.Var)
		col := findColumn(outer.cols, np.expr)
		if i >= mark && ok && col >= 0 && p.outer.rel.relids.has(v.Varno) {
			n.Params = append(n.Params, plan.NestParam{ID: np.id, Var: colVar(query.OuterVar, col, np.expr)})
			continue
		}
		rest = append(rest, np)
	}
	b.params = rest
	return b.joinOutput(n, &n.Join, p, outer, inner, joinq, filter, tl)
}

func (b *builder) hashJoin(p *path, j plan.Join, outer, inner built, joinq, filter []query.Expr, tl []*query.TargetEntry) built {
	n := &plan.HashJoin{Join: j}
	h := &plan.Hash{}
	h.Left = inner.node
	in := inner.node.Base()
	h.StartupCost, h.TotalCost, h.Rows, h.Width = in.TotalCost, in.TotalCost, in.Rows, in.Width
	for _, ri := range p.hashClauses {
		op := ri.clause.(*query.OpExpr)
		l, r, opno := ri.left, ri.right, ri.opno
		if !ri.leftRelids.subsetOf(p.outer.rel.relids) {
			l, r, opno = r, l, b.r.commutator(ri.opno)
		}
		fn := op.FuncID
		if opno != ri.opno {
			fn = b.r.g.facts.op(opno).fn
		}
		lo, ri2 := b.fix(l, outer.cols, nil), b.fix(r, nil, inner.cols)
		n.HashClauses = append(n.HashClauses, &query.OpExpr{Result: op.Result, OpNo: opno, FuncID: fn, InputCollid: op.InputCollid, Args: []query.Expr{lo, ri2}, Location: -1})
		n.HashOps = append(n.HashOps, opno)
		n.HashColls = append(n.HashColls, op.InputCollid)
		n.OuterKeys = append(n.OuterKeys, lo)
		n.InnerKeys = append(n.InnerKeys, ri2)
	}
	return b.joinOutput(n, &n.Join, p, outer, built{h, inner.cols}, joinq, filter, tl)
}

func (b *builder) mergeJoin(p *path, j plan.Join, outer, inner built, joinq, filter []query.Expr, tl []*query.TargetEntry) built {
	n := &plan.MergeJoin{Join: j}
	for i, ri := range p.hashClauses {
		op := ri.clause.(*query.OpExpr)
		l, r, opno := ri.left, ri.right, ri.opno
		if !ri.leftRelids.subsetOf(p.outer.rel.relids) {
			l, r, opno = r, l, b.r.commutator(ri.opno)
		}
		info := b.r.g.facts.op(opno)
		n.MergeClauses = append(n.MergeClauses, &query.OpExpr{Result: op.Result, OpNo: opno, FuncID: info.fn, InputCollid: op.InputCollid,
			Args: []query.Expr{b.fix(l, outer.cols, nil), b.fix(r, nil, inner.cols)}, Location: -1})
		k := p.mergeKeys[i]
		n.Keys = append(n.Keys, plan.SortKey{Op: b.orderOp(k, info), Collation: op.InputCollid, Desc: k.desc, NullsFirst: k.nullsFirst})
	}
	return b.joinOutput(n, &n.Join, p, outer, inner, joinq, filter, tl)
}

func (b *builder) orderOp(k *pathkey, info *opInfo) ids.Oid {
	s := strategyLt
	if k.desc {
		s = strategyGt
	}
	return b.r.g.facts.famOp(k.family, info.left, info.right, s)
}
