package planner

import (
	"math"
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// builder turns the chosen path of one level into plan nodes. Each node is built together with the expressions that its
// output columns hold, in the level's own terms; a parent's expressions are resolved against these.
type builder struct {
	r      *root
	offset int // of this level's entries in the flat range table
	// outer: relations whose rows are at hand as parameters while the inner side of a nested loop is built.
	outer relset
	// params wait for the nested loop that supplies them.
	params []nestParam
	// pendingNode is the scan node whose output is being put together.
	pendingNode plan.Node
	child       *child // being built: columns of its parent's entry are its own
	err         error
}

type nestParam struct {
	id   int
	expr query.Expr
}

// built is a node with its output columns.
type built struct {
	node plan.Node
	cols []column
}

type column struct {
	expr query.Expr
	ref  int // sort-group reference
}

func newBuilder(r *root) *builder {
	b := &builder{r: r, offset: len(r.g.flat)}
	r.g.flat = append(r.g.flat, r.q.RTable...)
	return b
}

// top builds the level's plan. The visible columns come first in the root's output, in the order returned.
func (b *builder) top(p *path) (plan.Node, []*query.TargetEntry, error) {
	out := b.build(p)
	if b.err != nil {
		return nil, nil, b.err
	}
	exists := len(b.r.tlist) == 0 && b.r.q.CommandType == query.CmdSelect // nobody looks at the columns
	if p.kind != pathModify && !exists && !b.matches(out, b.r.tlist) {
		out = b.result(out, b.r.tlist)
	}
	if b.err != nil {
		return nil, nil, b.err
	}
	if len(b.r.initPlans) > 0 {
		base := out.node.Base()
		base.InitPlans = append(append([]int(nil), b.r.initPlans...), base.InitPlans...)
	}
	for id := range b.r.lv.ext {
		base := out.node.Base()
		base.ExtParams = append(base.ExtParams, id)
	}
	var cols []*query.TargetEntry
	list := b.r.tlist
	if p.kind == pathModify {
		list = b.r.q.ReturningList
	}
	for _, te := range list {
		if !te.Resjunk {
			cols = append(cols, te)
		}
	}
	return out.node, cols, nil
}

// matches reports whether the columns are just those of the target list.
func (b *builder) matches(x built, tl []*query.TargetEntry) bool {
	if len(x.cols) != len(tl) {
		return false
	}
	for i, te := range tl {
		if !exprEqual(x.cols[i].expr, te.Expr) {
			return false
		}
	}
	return true
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = pgerr.Internal(format, args...)
	}
}

func fill(n plan.Node, p *path) {
	base := n.Base()
	base.StartupCost, base.TotalCost, base.Rows = finite(p.startup), finite(p.total), math.Max(p.rows, 0)
	if p.rel != nil {
		base.Width = p.rel.width
	}
}

func columnsOf(tl []*query.TargetEntry) []column {
	out := make([]column, len(tl))
	for i, te := range tl {
		out[i] = column{te.Expr, te.Ressortgroupref}
	}
	return out
}

func (b *builder) build(p *path) built {
	if b.err != nil {
		return built{}
	}
	switch p.kind {
	case pathSeqScan, pathIndexScan, pathIndexOnly, pathBitmapHeap, pathTid, pathTidRange, pathFunction, pathValues, pathCTE, pathWorkTable:
		return b.scan(p, nil)
	case pathSubquery:
		return b.subquery(p, nil)
	case pathResult:
		return b.resultPath(p, nil)
	case pathNestLoop, pathMergeJoin, pathHashJoin:
		return b.join(p, nil)
	case pathMaterial, pathMemoize:
		return b.keep(p)
	case pathSort, pathIncSort:
		return b.sort(p)
	case pathUniqueRows:
		return b.uniqueRows(p)
	case pathProject:
		return b.project(p)
	case pathProjectSet:
		return b.projectSet(p)
	case pathAgg, pathMinMax:
		return b.agg(p)
	case pathWindow:
		return b.window(p, p.tlist)
	case pathUnique:
		return b.unique(p)
	case pathSetOp:
		return b.setOp(p)
	case pathAppend:
		return b.appendPath(p)
	case pathRecursive:
		return b.recursive(p)
	case pathLockRows:
		return b.lockRows(p)
	case pathLimit:
		return b.limit(p)
	case pathGather:
		return b.gather(p, nil)
	case pathModify:
		return b.modify(p)
	case pathInherit:
		return b.inherit(p, nil)
	}
	b.fail("unknown path kind %d", p.kind)
	return built{}
}

// project computes a target list on top of a path, in the node below where that can project by itself.
func (b *builder) project(p *path) built {
	in := p.outer
	switch in.kind {
	case pathSeqScan, pathIndexScan, pathIndexOnly, pathBitmapHeap, pathTid, pathTidRange, pathFunction, pathValues, pathCTE, pathWorkTable:
		x := b.scan(in, p.tlist)
		return x
	case pathResult:
		return b.resultPath(in, p.tlist)
	case pathNestLoop, pathMergeJoin, pathHashJoin:
		return b.join(in, p.tlist)
	case pathSubquery:
		return b.subquery(in, p.tlist)
	case pathWindow:
		return b.window(in, p.tlist)
	case pathInherit:
		if in.pushesDown(p.tlist) {
			return b.inherit(in, p.tlist)
		}
	case pathGather:
		if b.r.parallelSafe(targetExprs(p.tlist)...) {
			return b.gather(in, p.tlist)
		}
	}
	x := b.build(in)
	if b.err != nil || len(p.tlist) == 0 || b.matches(x, p.tlist) {
		return x
	}
	return b.result(x, p.tlist)
}

// inScan lets a scan of a table that passes its columns on compute tl; false when it cannot.
func (b *builder) inScan(x built, tl []*query.TargetEntry) bool {
	var s *plan.Scan
	switch n := x.node.(type) {
	case *plan.SeqScan:
		s = &n.Scan
	case *plan.IndexScan:
		s = &n.Scan
	case *plan.BitmapHeapScan:
		s = &n.Scan
	default:
		return false
	}
	if s.TargetList != nil {
		return false
	}
	for _, te := range tl {
		ok := true
		walkExpr(te.Expr, func(e query.Expr) bool {
			switch v := e.(type) {
			case *query.Var:
				ok = ok && v.Varattno > 0 && v.Varlevelsup == 0 && b.flatIndex(v.Varno) == s.ScanRelID && slices.Contains(s.ScanCols, v.Varattno)
			case *query.Aggref, *query.WindowFunc, *query.GroupingFunc, *query.CurrentOfExpr:
				ok = false
			}
			return ok
		})
		if !ok || hasSRF(te.Expr) {
			return false
		}
	}
	s.TargetList = b.scanTargets(tl)
	return true
}

// result puts a Result node that computes tl over x.
func (b *builder) result(x built, tl []*query.TargetEntry) built {
	if b.inScan(x, tl) {
		return built{x.node, columnsOf(tl)}
	}
	n := &plan.Result{}
	n.Left = x.node
	in := x.node.Base()
	n.StartupCost, n.TotalCost, n.Rows, n.Width = in.StartupCost, in.TotalCost, in.Rows, in.Width
	n.TargetList = b.fixTargets(tl, x.cols, nil)
	return built{n, columnsOf(tl)}
}

// fixTargets resolves a target list against child columns.
func (b *builder) fixTargets(tl []*query.TargetEntry, outer, inner []column) []*query.TargetEntry {
	out := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Resno = i + 1
		c.Expr = b.fixRef(te.Expr, te.Ressortgroupref, outer, inner)
		out[i] = &c
	}
	return out
}

func (b *builder) fixRef(e query.Expr, ref int, outer, inner []column) query.Expr {
	if ref > 0 { // a volatile sort column is known by its reference only
		for i, c := range outer {
			if c.ref == ref && exprEqual(c.expr, e) {
				return colVar(query.OuterVar, i, e)
			}
		}
	}
	return b.fix(e, outer, inner)
}

func colVar(side, i int, e query.Expr) *query.Var {
	return &query.Var{Result: query.Result{ResType: e.Type(), ResTypmod: e.Typmod(), ResCollation: e.Collation()}, Varno: side, Varattno: i + 1, Location: -1}
}

// fix replaces in e whatever the children's columns hold; what is left must not contain columns of this level.
func (b *builder) fix(e query.Expr, outer, inner []column) query.Expr {
	if e == nil {
		return nil
	}
	return mutateExpr(e, func(x query.Expr) query.Expr {
		switch x.(type) {
		case *query.Const, *query.Param, *query.CaseTestExpr:
			return x
		}
		for i, c := range outer {
			if exprEqual(c.expr, x) {
				return colVar(query.OuterVar, i, x)
			}
		}
		for i, c := range inner {
			if exprEqual(c.expr, x) {
				return colVar(query.InnerVar, i, x)
			}
		}
		if v, ok := x.(*query.Var); ok {
			if v.Varno < 0 && v.Varno >= query.IndexVar {
				return v
			}
			if b.outer.has(max(v.Varno, 0)) {
				return b.paramFor(v)
			}
			b.fail("variable %d/%d not found in subplan target list", v.Varno, v.Varattno)
			return v
		}
		return nil
	})
}

// paramFor gives a column of an outer relation an exec param that a nested loop will set.
func (b *builder) paramFor(v *query.Var) query.Expr {
	id := -1
	for _, p := range b.params {
		if exprEqual(p.expr, v) {
			id = p.id
		}
	}
	if id < 0 {
		id = b.r.g.newParam(v.ResType)
		b.params = append(b.params, nestParam{id, v})
	}
	return &query.Param{Result: v.Result, Kind: query.ParamExec, ID: id, Location: -1}
}

// scanExpr moves an expression of a scan into the flat range table; columns of outer relations become params.
func (b *builder) scanExpr(e query.Expr) query.Expr {
	if e == nil {
		return nil
	}
	return mutateExpr(e, func(x query.Expr) query.Expr {
		switch v := x.(type) {
		case *query.Var:
			if v.Varno <= 0 {
				return v
			}
			if b.outer.has(v.Varno) {
				return b.paramFor(v)
			}
			c := *v
			c.Varno += b.offset
			if b.child != nil && v.Varno == b.child.rel.rti {
				c.Varno = b.child.flat
			}
			return &c
		case *query.CurrentOfExpr:
			c := *v
			c.Varno += b.offset
			return &c
		}
		return nil
	})
}

func (b *builder) scanTargets(tl []*query.TargetEntry) []*query.TargetEntry {
	out := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Resno = i + 1
		c.Expr = b.scanExpr(te.Expr)
		out[i] = &c
	}
	return out
}

// gather builds a Gather; tl is the target list for its workers to compute, nil for the columns needed above.
func (b *builder) gather(p *path, tl []*query.TargetEntry) built {
	in := p.outer
	if tl != nil {
		in = &path{kind: pathProject, rel: in.rel, outer: in, tlist: tl}
	}
	x := b.build(in)
	if b.err != nil {
		return x
	}
	n := &plan.Gather{Workers: p.workers}
	n.Left = x.node
	fill(n, p)
	return built{n, x.cols}
}

// keep builds Material and Memoize.
func (b *builder) keep(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	if p.kind == pathMaterial {
		n := &plan.Material{}
		n.Left = x.node
		fill(n, p)
		return built{n, x.cols}
	}
	n := &plan.Memoize{HashOps: p.memoOps}
	n.Left = x.node
	for _, k := range p.memoKeys {
		n.Keys = append(n.Keys, b.fix(k, nil, nil))
		n.Colls = append(n.Colls, k.Collation())
	}
	fill(n, p)
	return built{n, x.cols}
}

// sort builds Sort and IncrementalSort, computing sort expressions that the input does not hold.
func (b *builder) sort(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	return b.sortOver(p, x)
}

// sortOver sorts x.
func (b *builder) sortOver(p *path, x built) built {
	keys, x := b.sortKeys(p.keys, x)
	var n plan.Node
	s := plan.Sort{Keys: keys}
	s.Left = x.node
	if p.kind == pathIncSort {
		n = &plan.IncrementalSort{Sort: s, Presorted: p.presort}
	} else {
		n = &s
	}
	fill(n, p)
	return built{n, x.cols}
}

// sortKeys finds or computes the column of each key.
func (b *builder) sortKeys(keys []*pathkey, x built) ([]plan.SortKey, built) {
	var out []plan.SortKey
	for _, k := range keys {
		col, m := b.keyColumn(k, x.cols)
		if col < 0 {
			if m = b.computable(k, x.cols); m == nil {
				b.fail("could not find pathkey item to sort")
				return nil, x
			}
			tl := make([]*query.TargetEntry, 0, len(x.cols)+1)
			for i, c := range x.cols {
				tl = append(tl, &query.TargetEntry{Expr: c.expr, Resno: i + 1, Ressortgroupref: c.ref})
			}
			tl = append(tl, &query.TargetEntry{Expr: m.expr, Resno: len(tl) + 1, Resjunk: true})
			x = b.result(x, tl)
			col = len(tl) - 1
		}
		strategy := strategyLt
		if k.desc {
			strategy = strategyGt
		}
		op := b.r.g.facts.famOp(k.family, m.typ, m.typ, strategy)
		out = append(out, plan.SortKey{Col: col + 1, Op: op, Collation: m.expr.Collation(), Desc: k.desc, NullsFirst: k.nullsFirst})
	}
	return out, x
}

func (b *builder) keyColumn(k *pathkey, cols []column) (int, *ecMember) {
	ec := k.ec.final()
	for _, m := range ec.members {
		if m.isConst && !ec.volatile && len(ec.members) > 1 {
			continue
		}
		for i, c := range cols {
			if ec.volatile && (c.ref != ec.sortref || ec.sortref == 0) {
				continue
			}
			if exprEqual(c.expr, m.expr) || exprEqual(stripRelabel(c.expr), stripRelabel(m.expr)) {
				return i, m
			}
		}
	}
	return -1, nil
}

// computable finds a member of the key's class whose columns are all at hand.
func (b *builder) computable(k *pathkey, cols []column) *ecMember {
	for _, m := range k.ec.final().members {
		ok := true
		walkExpr(m.expr, func(e query.Expr) bool {
			for _, c := range cols {
				if exprEqual(c.expr, e) {
					return false
				}
			}
			if v, isv := e.(*query.Var); isv && v.Varlevelsup == 0 && !b.outer.has(max(v.Varno, 0)) {
				ok = false
			}
			return ok
		})
		if ok && !m.isConst {
			return m
		}
	}
	return nil
}

func (b *builder) uniqueRows(p *path) built {
	x := b.build(p.outer)
	if b.err != nil {
		return x
	}
	var tl []*query.TargetEntry
	for i, c := range x.cols {
		tl = append(tl, &query.TargetEntry{Expr: c.expr, Resno: i + 1, Ressortgroupref: c.ref})
	}
	n := &plan.Agg{Strategy: plan.AggHashed, NumGroups: p.rows}
	need := false
	for _, e := range p.memoKeys {
		if findColumn(x.cols, e) < 0 {
			tl = append(tl, &query.TargetEntry{Expr: e, Resno: len(tl) + 1, Resjunk: true})
			need = true
		}
	}
	if need {
		x = b.result(x, tl)
	}
	for i, e := range p.memoKeys {
		n.GroupCols = append(n.GroupCols, findColumn(x.cols, e)+1)
		n.GroupOps = append(n.GroupOps, p.memoOps[i])
		n.Colls = append(n.Colls, e.Collation())
	}
	n.Left = x.node
	// Only the key columns are determined. Above a semi join others are read to name the row that a re-check keeps: that of any of the equal ones.
	var keep []*query.TargetEntry
	for _, c := range n.GroupCols {
		keep = append(keep, &query.TargetEntry{Expr: x.cols[c-1].expr, Resno: len(keep) + 1})
	}
	for i, c := range x.cols {
		if !slices.Contains(n.GroupCols, i+1) && b.names(c.expr) {
			keep = append(keep, &query.TargetEntry{Expr: c.expr, Resno: len(keep) + 1})
		}
	}
	n.TargetList = b.fixTargets(keep, x.cols, nil)
	fill(n, p)
	return built{n, columnsOf(keep)}
}

// names reports whether a column is one by which a re-check names the row of a range-table entry.
func (b *builder) names(e query.Expr) bool {
	v, ok := e.(*query.Var)
	return ok && (v.Varattno <= 0 && (b.r.junk.ctid[v.Varno] != 0 || b.r.junk.whole[v.Varno] != 0))
}

func findColumn(cols []column, e query.Expr) int {
	for i, c := range cols {
		if exprEqual(c.expr, e) {
			return i
		}
	}
	return -1
}

// ensure makes sure that x holds every expression of need, computing what is missing, and returns their columns.
func (b *builder) ensure(x built, need []column) (built, []int) {
	pos := make([]int, len(need))
	missing := false
	var tl []*query.TargetEntry
	for i, c := range x.cols {
		tl = append(tl, &query.TargetEntry{Expr: c.expr, Resno: i + 1, Ressortgroupref: c.ref})
	}
	for i, nd := range need {
		pos[i] = -1
		for j, te := range tl {
			if exprEqual(te.Expr, nd.expr) && (te.Ressortgroupref == nd.ref || te.Ressortgroupref == 0 || !b.r.volatileExpr(nd.expr)) {
				pos[i] = j
				break
			}
		}
		if pos[i] < 0 {
			tl = append(tl, &query.TargetEntry{Expr: nd.expr, Resno: len(tl) + 1, Ressortgroupref: nd.ref, Resjunk: true})
			pos[i] = len(tl) - 1
			missing = true
		}
	}
	if missing {
		x = b.result(x, tl)
	}
	return x, pos
}

func (b *builder) groupColumns(x built, groups []*query.SortGroupClause, tl []*query.TargetEntry) (built, []int, []ids.Oid, []ids.Oid) {
	var need []column
	var ops, colls []ids.Oid
	for _, g := range groups {
		te := targetByRef(tl, g.TLESortGroupRef)
		if te == nil {
			b.fail("ORDER/GROUP BY expression not found in targetlist")
			return x, nil, nil, nil
		}
		need = append(need, column{te.Expr, te.Ressortgroupref})
		ops = append(ops, g.EqOp)
		colls = append(colls, te.Expr.Collation())
	}
	x, pos := b.ensure(x, need)
	for i := range pos {
		pos[i]++
	}
	return x, pos, ops, colls
}
