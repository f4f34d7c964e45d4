package planner

import (
	"math"
	"sort"

	"gompho/internal/ids"
	"gompho/sql/query"
)

// indexExpr is an expression or predicate of an index, stored over range-table entry 1 of its table.
type indexExpr struct {
	expr   query.Expr
	cached map[int]query.Expr
}

// forRel returns the expression over range-table entry rti.
func (x *indexExpr) forRel(rti int) query.Expr {
	if rti == 1 {
		return x.expr
	}
	return mutateExpr(x.expr, func(e query.Expr) query.Expr {
		if v, ok := e.(*query.Var); ok && v.Varno == 1 {
			c := *v
			c.Varno = rti
			return &c
		}
		return nil
	})
}

// indexMatch is a condition that a btree column can answer.
type indexMatch struct {
	info     *rinfo
	column   int // from 0
	strategy int // 0 IS NULL, -1 IS NOT NULL
	op       ids.Oid
	array    bool
	value    query.Expr // of the other side, over other relations only
	orig     query.Expr // the condition as it is over the table
	rowRest  []*indexMatch
	lossy    bool
	also     *indexMatch // a second condition on the column from the same clause
}

// indexPaths offers all index and bitmap paths of a base table.
func (r *root) indexPaths(b *rel) {
	var bitmaps []*bitmapPath
	joinInfos := r.indexJoinInfos(b)
	for _, ix := range b.table.indexes {
		if ix.pred != nil && !r.predicateImplied(ix.pred.forRel(b.rti), b.restrict) {
			continue
		}
		own := r.matchAll(b, ix, b.restrict)
		r.plainIndexPaths(b, ix, own, relset{})
		if len(own) > 0 {
			bitmaps = append(bitmaps, r.bitmapIndex(b, ix, own, relset{}))
		}
		r.paramIndexPaths(b, ix, own, joinInfos)
	}
	bitmaps = append(bitmaps, r.orBitmaps(b)...)
	if len(bitmaps) > 0 {
		r.bitmapHeapPath(b, r.chooseBitmaps(b, bitmaps), relset{})
	}
}

// indexJoinInfos lists the join conditions that could give an index of b its values.
func (r *root) indexJoinInfos(b *rel) []*rinfo {
	var out []*rinfo
	for _, ri := range b.joins {
		if ri.relids.overlaps(b.relids) && r.movableTo(ri, b) {
			out = append(out, ri)
		}
	}
	if b.hasECs {
		for _, ec := range r.ecs {
			if ec.hasConst || ec.volatile || len(ec.members) < 2 {
				continue
			}
			out = append(out, r.classInfosFor(ec, b)...)
		}
	}
	if b.as != nil {
		for i, ri := range out {
			out[i] = b.as.info(r, ri, b.as.of)
		}
	}
	return out
}

func (r *root) classInfosFor(ec *eclass, b *rel) []*rinfo {
	var out []*rinfo
	for _, m := range ec.members {
		e := m.expr
		if b.as != nil {
			e = b.as.translate(e, b.as.of)
		}
		if m.rels != b.relids || !r.indexed(b, e) {
			continue
		}
		for _, o := range ec.members {
			if o == m || o.rels.empty() || o.rels.overlaps(b.relids) {
				continue
			}
			if r.g.facts.interrupted() != nil { // basePaths of the next relation returns it
				return out
			}
			if ri := r.derive(ec, m, o); ri != nil {
				out = append(out, ri)
			}
		}
	}
	return out
}

func (r *root) indexed(b *rel, e query.Expr) bool {
	for _, ix := range b.table.indexes {
		for c := 0; c < ix.nkeys; c++ {
			if r.matchesColumn(b, ix, c, e) {
				return true
			}
		}
	}
	return false
}

// movableTo reports whether a join condition may be checked while b is scanned with the other relations' values as
// parameters: not if b would be on the preserved side of the outer join that the condition belongs to.
func (r *root) movableTo(ri *rinfo, b *rel) bool {
	for _, sj := range r.sjs {
		if sj.jointype != query.JoinLeft && sj.jointype != query.JoinFull && sj.jointype != query.JoinAnti {
			continue
		}
		if sj.jointype == query.JoinFull && (sj.minLeft.overlaps(b.relids) || sj.minRight.overlaps(b.relids)) {
			return false
		}
		if !ri.pushedDown && ri.leakyOuter && sj.synLeft.overlaps(b.relids) && ri.relids.overlaps(sj.synRight) {
			return false
		}
		// A condition from above the outer join must not move below its nullable side.
		if sj.minRight.overlaps(b.relids) && ri.pushedDown && !ri.relids.subsetOf(sj.synRight) {
			return false
		}
	}
	return true
}

// matchAll finds, for each key column in order, the conditions it can answer. Columns after a gap still count: the
// index filters by them.
func (r *root) matchAll(b *rel, ix *indexInfo, infos []*rinfo) []*indexMatch {
	var out []*indexMatch
	for col := 0; col < ix.nkeys; col++ {
		for _, ri := range infos {
			for m := r.matchClause(b, ix, col, ri); m != nil; m = m.also {
				out = append(out, m)
			}
		}
	}
	return out
}

// matchesColumn reports whether e is the index column.
func (r *root) matchesColumn(b *rel, ix *indexInfo, col int, e query.Expr) bool {
	if ix.keys[col] != 0 {
		v, ok := stripRelabel(e).(*query.Var)
		return ok && v.Varlevelsup == 0 && v.Varno == b.rti && v.Varattno == ix.keys[col]
	}
	return exprEqual(stripRelabel(e), stripRelabel(ix.exprs[col].forRel(b.rti)))
}

func (r *root) matchClause(b *rel, ix *indexInfo, col int, ri *rinfo) *indexMatch {
	switch x := ri.clause.(type) {
	case *query.OpExpr:
		if ri.left == nil {
			return r.matchBool(b, ix, col, ri, x, true)
		}
		if r.matchesColumn(b, ix, col, ri.left) && !ri.rightRels.overlaps(b.relids) && !r.volatileExpr(ri.right) {
			if m := r.matchOp(ix, col, ri, ri.opno, ri.right, x.InputCollid); m != nil {
				return m
			}
			return r.matchPattern(b, ix, col, ri, x)
		}
		if r.matchesColumn(b, ix, col, ri.right) && !ri.leftRelids.overlaps(b.relids) && !r.volatileExpr(ri.left) {
			if com := r.commutator(ri.opno); com != 0 {
				m := r.matchOp(ix, col, ri, com, ri.left, x.InputCollid)
				if m != nil { // shown with the column on the left
					c := *x
					c.OpNo, c.Args = com, []query.Expr{ri.right, ri.left}
					if o := r.g.facts.op(com); o != nil {
						c.FuncID = o.fn
					}
					m.orig = &c
				}
				return m
			}
		}
		if m := r.matchPattern(b, ix, col, ri, x); m != nil {
			return m
		}
		return r.matchBool(b, ix, col, ri, x, true)
	case *query.ScalarArrayOpExpr:
		if x.UseOr && r.matchesColumn(b, ix, col, x.Args[0]) && !r.exprRels(x.Args[1]).overlaps(b.relids) && !r.volatileExpr(x.Args[1]) {
			m := r.matchOp(ix, col, ri, x.OpNo, x.Args[1], x.InputCollid)
			if m != nil {
				m.array = true
			}
			return m
		}
	case *query.NullTest:
		if !x.Argisrow && r.matchesColumn(b, ix, col, x.Arg) {
			m := &indexMatch{info: ri, column: col, orig: x}
			if !x.IsNull {
				m.strategy = -1
			}
			return m
		}
	case *query.RowCompareExpr:
		return r.matchRow(b, ix, col, ri, x)
	case *query.Var, *query.BoolExpr, *query.BooleanTest:
		return r.matchBool(b, ix, col, ri, ri.clause, true)
	}
	return nil
}

func (r *root) matchOp(ix *indexInfo, col int, ri *rinfo, op ids.Oid, value query.Expr, coll ids.Oid) *indexMatch {
	if ix.collations[col] != 0 && coll != 0 && ix.collations[col] != coll && coll != defaultCollation && ix.collations[col] != defaultCollation {
		return nil
	}
	for _, m := range r.g.facts.families(op) {
		if m.family == ix.families[col] && m.left == ix.inputTypes[col] {
			return &indexMatch{info: ri, column: col, strategy: m.strategy, op: op, value: value, orig: ri.clause}
		}
		// varchar columns are compared by text's operators through a relabel.
		if m.family == ix.families[col] && r.binaryCompatible(ix.inputTypes[col], m.left) {
			return &indexMatch{info: ri, column: col, strategy: m.strategy, op: op, value: value, orig: ri.clause}
		}
	}
	return nil
}

func (r *root) binaryCompatible(a, b ids.Oid) bool {
	return a == 25 && b == 1043 || a == 1043 && b == 25 || a == b
}

const defaultCollation = 100

// matchBool takes a boolean column, NOT column or column IS TRUE as column = constant.
func (r *root) matchBool(b *rel, ix *indexInfo, col int, ri *rinfo, e query.Expr, want bool) *indexMatch {
	if ix.inputTypes[col] != boolOid {
		return nil
	}
	switch x := e.(type) {
	case *query.BoolExpr:
		if x.Op != query.NotExpr {
			return nil
		}
		return r.matchBool(b, ix, col, ri, x.Args[0], !want)
	case *query.BooleanTest:
		if x.Test == query.IsTrue || x.Test == query.IsFalse {
			return r.matchBool(b, ix, col, ri, x.Arg, want == (x.Test == query.IsTrue))
		}
		return nil
	}
	if !r.matchesColumn(b, ix, col, e) {
		return nil
	}
	op := r.g.facts.famOp(ix.families[col], boolOid, boolOid, strategyEq)
	return &indexMatch{info: ri, column: col, strategy: strategyEq, op: op, value: boolConst(want), orig: ri.clause}
}

// matchRow takes (a, b) < (x, y) on consecutive columns.
func (r *root) matchRow(b *rel, ix *indexInfo, col int, ri *rinfo, x *query.RowCompareExpr) *indexMatch {
	if x.Cmptype == 6 || x.Cmptype == strategyEq || len(x.Largs) == 0 {
		return nil
	}
	var first *indexMatch
	for i := range x.Largs {
		c := col + i
		if c >= ix.nkeys || !r.matchesColumn(b, ix, c, x.Largs[i]) || r.exprRels(x.Rargs[i]).overlaps(b.relids) ||
			r.volatileExpr(x.Rargs[i]) || ix.desc[c] != ix.desc[col] {
			break
		}
		m := r.matchOp(ix, c, ri, x.Opnos[i], x.Rargs[i], x.InputCollids[i])
		if m == nil {
			break
		}
		if first == nil {
			first = m
		} else {
			first.rowRest = append(first.rowRest, m)
		}
	}
	if first != nil && len(first.rowRest)+1 < len(x.Largs) {
		// Only a prefix matches: scan by it inclusively and re-check the rows.
		first.lossy = true
		if first.strategy == strategyLt {
			first.strategy = strategyLe
		} else if first.strategy == strategyGt {
			first.strategy = strategyGe
		}
		first.rowRest = nil
	}
	return first
}

// plainIndexPaths offers scans of one index with the given conditions, forward and backward where the order is of use.
func (r *root) plainIndexPaths(b *rel, ix *indexInfo, conds []*indexMatch, reqOuter relset) {
	only := r.coveredBy(b, ix, conds)
	keys := r.indexKeys(b, ix, false)
	useful := r.usefulKeys(b, keys)
	var plain, arrays []*indexMatch
	for _, m := range conds {
		if m.array {
			arrays = append(arrays, m)
		} else {
			plain = append(plain, m)
		}
	}
	back := r.usefulKeys(b, r.indexKeys(b, ix, true))
	if len(conds) == 0 && len(useful) == 0 && len(back) == 0 && !only && ix.pred == nil {
		return
	}
	add := func(cs []*indexMatch, ks []*pathkey, back bool) {
		r.addIndexPath(b, ix, cs, ks, back, only, reqOuter)
		if only { // an index-only scan may cost more than a plain one when few pages are all-visible
			r.addIndexPath(b, ix, cs, ks, back, false, reqOuter)
		}
	}
	ordered := true
	for _, m := range arrays {
		if m.column > 0 {
			ordered = false
		}
	}
	if ordered || len(useful) == 0 {
		add(conds, pick(useful, ordered), false)
	} else {
		add(conds, nil, false)
		if len(plain) > 0 || len(useful) > 0 || len(back) > 0 {
			add(plain, useful, false)
		}
	}
	if len(back) > 0 {
		if ordered {
			add(conds, back, true)
		} else {
			add(plain, back, true)
		}
	}
}

func pick(keys []*pathkey, ok bool) []*pathkey {
	if ok {
		return keys
	}
	return nil
}

func (r *root) addIndexPath(b *rel, ix *indexInfo, conds []*indexMatch, keys []*pathkey, back, only bool, reqOuter relset) {
	p := &path{kind: pathIndexScan, index: ix, indexConds: conds, keys: keys, backward: back, reqOuter: reqOuter}
	if only {
		p.kind = pathIndexOnly
	}
	used := condInfos(conds)
	loops := 1.0
	if !reqOuter.empty() {
		loops = r.outerRows(reqOuter, b)
	}
	sel := r.listSelectivity(r.withPredicate(b, ix, used), b.relids, query.JoinInner, nil)
	filter := notIn(b.restrict, used)
	p.rel = b
	r.costIndexScan(p, b, ix, conds, filter, sel, loops, only)
	p.rows = b.rows
	if !reqOuter.empty() {
		extra := notIn(used, b.restrict)
		p.rows = clampRows(b.rows * r.listSelectivity(extra, b.relids, query.JoinInner, nil))
	}
	p.clauses = used
	b.addPath(p)
}

// condInfos lists the clauses that conditions come from.
func condInfos(conds []*indexMatch) []*rinfo {
	var out []*rinfo
	for i, m := range conds {
		if i == 0 || m.info != conds[i-1].info {
			out = append(out, m.info)
		}
	}
	return out
}

// withPredicate adds what a partial index's predicate says beyond infos: its entries satisfy that too.
func (r *root) withPredicate(b *rel, ix *indexInfo, infos []*rinfo) []*rinfo {
	if ix.pred == nil {
		return infos
	}
	out := infos[:len(infos):len(infos)]
next:
	for _, part := range andList(ix.pred.forRel(b.rti)) {
		for _, ri := range infos {
			if exprEqual(ri.clause, part) {
				continue next
			}
		}
		ri := &rinfo{clause: part, relids: b.relids}
		r.analyzeClause(ri)
		out = append(out, ri)
	}
	return out
}

func notIn(list, used []*rinfo) []*rinfo {
	var out []*rinfo
next:
	for _, a := range list {
		for _, u := range used {
			if a == u {
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

// outerRows estimates how often a parameterized scan is repeated.
func (r *root) outerRows(req relset, b *rel) float64 {
	n := 0.0
	for _, i := range req.members() {
		if o := r.rels[i]; o != nil && o.rows > 0 && (n == 0 || o.rows < n) {
			n = o.rows
		}
	}
	return math.Max(n, 1)
}

// paramIndexPaths offers scans whose values come from other relations.
func (r *root) paramIndexPaths(b *rel, ix *indexInfo, own []*indexMatch, joinInfos []*rinfo) {
	matches := r.matchAll(b, ix, joinInfos)
	if len(matches) == 0 {
		return
	}
	seen := map[relset]bool{}
	try := func(req relset) {
		req = req.minus(b.relids)
		if req.empty() || seen[req] || len(seen) > 12 {
			return
		}
		seen[req] = true
		var conds []*indexMatch
		for col := 0; col < ix.nkeys; col++ {
			for _, m := range own {
				if m.column == col {
					conds = append(conds, m)
				}
			}
			done := map[*eclass]bool{}
			for _, m := range matches {
				if m.column != col || !m.info.relids.minus(b.relids).subsetOf(req) || m.info.ec != nil && done[m.info.ec] {
					continue
				}
				if m.info.ec != nil {
					done[m.info.ec] = true
				}
				conds = append(conds, m)
			}
		}
		r.plainIndexPaths(b, ix, conds, req)
		r.bitmapHeapPath(b, r.bitmapIndex(b, ix, conds, req), req)
	}
	for _, m := range matches {
		try(m.info.relids)
	}
	for _, m := range matches {
		for _, n := range matches {
			if m.column < n.column {
				try(m.info.relids.union(n.info.relids))
			}
		}
	}
}

// coveredBy reports whether the index holds every column that the query needs of b.
func (r *root) coveredBy(b *rel, ix *indexInfo, conds []*indexMatch) bool {
	for _, e := range b.target {
		v, ok := e.(*query.Var)
		if !ok || !ix.holds(v.Varattno) {
			return false
		}
	}
	lossy := false
	for _, m := range conds {
		lossy = lossy || m.lossy
	}
	ok := !lossy
	var implied []query.Expr // what the index's predicate says need not be checked
	if ix.pred != nil && !r.rechecksRows() {
		implied = andList(ix.pred.forRel(b.rti))
	}
	for _, ri := range b.restrict {
		if ri.clause == nil || containsExpr(implied, ri.clause) {
			continue
		}
		walkExpr(ri.clause, func(n query.Expr) bool {
			if v, isv := n.(*query.Var); isv && v.Varlevelsup == 0 && v.Varno == b.rti && !ix.holds(v.Varattno) {
				ok = false
			}
			return ok
		})
	}
	return ok
}

func (ix *indexInfo) holds(att int) bool {
	if att <= 0 {
		return false
	}
	for _, k := range ix.keys {
		if k == att {
			return true
		}
	}
	return false
}

// predicateImplied reports whether the conditions imply a partial index's predicate: each of its parts is among them, or
// follows from a comparison with constants.
func (r *root) predicateImplied(pred query.Expr, infos []*rinfo) bool {
	for _, part := range andList(pred) {
		ok := false
		for _, ri := range infos {
			if exprEqual(ri.clause, part) || r.implies(ri.clause, part) {
				ok = true
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

// implies proves part from clause in the simple cases: IS NOT NULL from a strict operator, OR from one of its arms, and a
// comparison with a constant from a tighter one.
func (r *root) implies(clause, part query.Expr) bool {
	if t, ok := part.(*query.NullTest); ok && !t.IsNull && !t.Argisrow {
		if op, ok := clause.(*query.OpExpr); ok && r.strictFunc(op.FuncID) {
			for _, a := range op.Args {
				if exprEqual(stripRelabel(a), stripRelabel(t.Arg)) {
					return true
				}
			}
		}
		if op, ok := clause.(*query.ScalarArrayOpExpr); ok && r.strictFunc(op.FuncID) {
			return exprEqual(stripRelabel(op.Args[0]), stripRelabel(t.Arg))
		}
	}
	if o, ok := part.(*query.BoolExpr); ok && o.Op == query.OrExpr {
		for _, arm := range o.Args {
			if exprEqual(clause, arm) || r.implies(clause, arm) {
				return true
			}
		}
	}
	if o, ok := clause.(*query.BoolExpr); ok && o.Op == query.OrExpr {
		for _, arm := range o.Args {
			if !exprEqual(arm, part) && !r.implies(arm, part) {
				return false
			}
		}
		return true
	}
	a, aok := clause.(*query.OpExpr)
	b, bok := part.(*query.OpExpr)
	if !aok || !bok || len(a.Args) != 2 || len(b.Args) != 2 || !exprEqual(a.Args[0], b.Args[0]) {
		return false
	}
	ac, ok1 := a.Args[1].(*query.Const)
	bc, ok2 := b.Args[1].(*query.Const)
	if !ok1 || !ok2 || ac.Value.IsNull() || bc.Value.IsNull() {
		return false
	}
	for _, am := range r.g.facts.families(a.OpNo) {
		for _, bm := range r.g.facts.families(b.OpNo) {
			if am.family == bm.family && r.rangeImplies(am.family, am.strategy, bm.strategy, ac, bc, a.InputCollid) {
				return true
			}
		}
	}
	return false
}

// rangeImplies reports whether x <sa> ac implies x <sb> bc, by evaluating a comparison of the constants.
func (r *root) rangeImplies(fam ids.Oid, sa, sb int, ac, bc *query.Const, coll ids.Oid) bool {
	var need int
	switch {
	case sa == strategyEq:
		need = sb
	case (sa == strategyLt || sa == strategyLe) && (sb == strategyLt || sb == strategyLe):
		need = strategyLe
		if sa == strategyLe && sb == strategyLt {
			need = strategyLt
		}
	case (sa == strategyGt || sa == strategyGe) && (sb == strategyGt || sb == strategyGe):
		need = strategyGe
		if sa == strategyGe && sb == strategyGt {
			need = strategyGt
		}
	default:
		return false
	}
	op := r.g.facts.famOp(fam, ac.Type(), bc.Type(), need)
	if op == 0 {
		return false
	}
	t, ok := r.compare(r.g.facts.op(op), ac.Value, bc, ac.Type(), false, coll)
	return ok && t
}

// bitmapPath is a tree of index scans that yields a bitmap of TIDs.
type bitmapPath struct {
	index    *indexInfo
	conds    []*indexMatch
	and, or  []*bitmapPath
	sel      float64
	cost     float64
	infos    []*rinfo // conditions that the bitmap enforces
	reqOuter relset
}

func (r *root) bitmapIndex(b *rel, ix *indexInfo, conds []*indexMatch, req relset) *bitmapPath {
	bp := &bitmapPath{index: ix, conds: conds, reqOuter: req, infos: condInfos(conds)}
	bp.sel = r.listSelectivity(r.withPredicate(b, ix, bp.infos), b.relids, query.JoinInner, nil)
	loops := 1.0
	if !req.empty() {
		loops = r.outerRows(req, b)
	}
	_, bp.cost, _ = r.costBtree(b, ix, conds, bp.sel, loops)
	bp.cost += 0.1 * r.g.facts.costs().CPUOperator * bp.sel * b.tuples
	return bp
}

// orBitmaps makes a BitmapOr of each OR condition whose every arm some index answers.
func (r *root) orBitmaps(b *rel) []*bitmapPath {
	var out []*bitmapPath
	for _, ri := range b.restrict {
		if len(ri.orParts) == 0 {
			continue
		}
		or := &bitmapPath{infos: []*rinfo{ri}}
		for _, arm := range ri.orParts {
			best := r.bestArm(b, arm)
			if best == nil {
				or = nil
				break
			}
			or.or = append(or.or, best)
			or.sel += best.sel - or.sel*best.sel
			or.cost += best.cost + 100*r.g.facts.costs().CPUOperator
		}
		if or != nil {
			out = append(out, or)
		}
	}
	return out
}

func (r *root) bestArm(b *rel, arm []*rinfo) *bitmapPath {
	var best *bitmapPath
	for _, ix := range b.table.indexes {
		if ix.pred != nil && !r.predicateImplied(ix.pred.forRel(b.rti), append(arm[:len(arm):len(arm)], b.restrict...)) {
			continue
		}
		conds := r.matchAll(b, ix, arm)
		if len(conds) == 0 {
			continue
		}
		if bp := r.bitmapIndex(b, ix, conds, relset{}); best == nil || bp.sel < best.sel || bp.sel == best.sel && bp.cost < best.cost {
			best = bp
		}
	}
	return best
}

// chooseBitmaps ANDs bitmaps together as long as that lowers the cost of the heap scan.
func (r *root) chooseBitmaps(b *rel, bs []*bitmapPath) *bitmapPath {
	sort.SliceStable(bs, func(i, j int) bool { return r.bitmapHeapCost(b, bs[i], 1).total < r.bitmapHeapCost(b, bs[j], 1).total })
	best := bs[0]
	for _, o := range bs[1:] {
		if sharesInfo(best, o) {
			continue
		}
		and := &bitmapPath{sel: best.sel * o.sel, cost: best.cost + o.cost + 100*r.g.facts.costs().CPUOperator}
		and.infos = append(append(and.infos, best.infos...), o.infos...)
		if best.and != nil {
			and.and = append(append(and.and, best.and...), o)
		} else {
			and.and = []*bitmapPath{best, o}
		}
		if r.bitmapHeapCost(b, and, 1).total < r.bitmapHeapCost(b, best, 1).total {
			best = and
		}
	}
	return best
}

func sharesInfo(a, b *bitmapPath) bool {
	for _, x := range a.infos {
		for _, y := range b.infos {
			if x == y {
				return true
			}
		}
	}
	return false
}

func (r *root) bitmapHeapPath(b *rel, bp *bitmapPath, req relset) {
	loops := 1.0
	if !req.empty() {
		loops = r.outerRows(req, b)
	}
	p := r.bitmapHeapCost(b, bp, loops)
	p.reqOuter = req
	p.rows = b.rows
	if !req.empty() {
		p.rows = clampRows(b.rows * r.listSelectivity(notIn(bp.infos, b.restrict), b.relids, query.JoinInner, nil))
	}
	p.clauses = bp.infos
	b.addPath(p)
}

func (r *root) bitmapHeapCost(b *rel, bp *bitmapPath, loops float64) *path {
	c := r.g.facts.costs()
	p := &path{kind: pathBitmapHeap, rel: b, bitmap: bp}
	t := math.Max(b.pages, 1)
	tuples := clampRows(bp.sel * b.tuples)
	var pages float64
	if loops > 1 {
		pages = pagesFetched(tuples*loops, b.pages, c.EffectiveCacheSize) / loops
	} else {
		pages = (2 * t * tuples) / (2*t + tuples)
	}
	pages = math.Min(math.Max(1, math.Ceil(pages)), t)
	perPage := c.RandomPage
	if pages >= 2 {
		perPage = c.RandomPage - (c.RandomPage-c.SeqPage)*math.Sqrt(pages/t)
	}
	p.startup = bp.cost
	if !c.BitmapScan {
		p.startup += disableCost
	}
	q := r.infosCost(b.restrict)
	p.startup += q.startup
	p.total = p.startup + pages*perPage + tuples*(c.CPUTuple+q.perRow+c.CPUOperator)
	p.rows = b.rows
	return p
}
