package planner

import (
	"math"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Options say how a plan will be used.
type Options struct {
	// Params are the values of $1... that the plan is for, and for no others. Nil plans generically.
	Params []types.Datum
	// ParamTypes are the types of $1....
	ParamTypes []ids.Oid
	// Cursor: only part of the rows may be fetched; cursor_tuple_fraction applies.
	Cursor bool
	// Scroll: the plan must be able to run backwards; the root materializes when it cannot.
	Scroll bool
}

// plan makes the plan of an analyzed, rewritten statement.
func planStatement(f facts, q *query.Query, opt Options) (*plan.Statement, error) {
	g := &glob{facts: f, relids: map[ids.Oid]bool{}, names: map[string]int{}}
	for i, d := range opt.Params {
		t := ids.Oid(0)
		if i < len(opt.ParamTypes) {
			t = opt.ParamTypes[i]
		}
		if t == 0 {
			g.boundExt = append(g.boundExt, nil)
			continue
		}
		g.boundExt = append(g.boundExt, &query.Const{Result: query.Result{ResType: t, ResTypmod: -1}, Value: d, Location: -1})
	}
	frac := 0.0
	if opt.Cursor {
		frac = f.costs().CursorTupleFraction
		if frac >= 1 {
			frac = 0
		}
	}
	g.parallel = g.mayRunParallel(q, opt)
	r, p, err := g.planQuery(q, nil, frac, nil)
	if err != nil {
		return nil, err
	}
	b := newBuilder(r)
	node, cols, err := b.top(p)
	if err != nil {
		return nil, err
	}
	st := &plan.Statement{
		CommandType: q.CommandType, Root: node, RTable: g.flat, SubPlans: g.subplans, ParamExecTypes: g.paramTypes,
		ParamTypes: opt.ParamTypes, HasReturning: len(q.ReturningList) > 0, HasModifyCTE: q.HasModifyingCTE, CanSetTag: q.CanSetTag,
		ResultCols: cols, RowMarks: g.rowMarks, ResultRels: g.resultRels, IndexLocks: g.indexLocks, Sizes: g.sizes,
		ReadOnly: q.CommandType == query.CmdSelect && !q.HasModifyingCTE && len(q.RowMarks) == 0,
	}
	for oid := range g.relids {
		st.Relids = append(st.Relids, oid)
	}
	return st, nil
}

// planQuery plans one query level and returns its chosen path. frac is the fraction (or number, >= 1) of rows wanted.
func (g *glob) planQuery(q *query.Query, parent *root, frac float64, setup func(*root)) (*root, *path, error) {
	c := *q
	r := &root{g: g, parent: parent, q: &c, tupleFrac: frac, limitRows: -1, wtParam: -1, needed: map[varKey]relset{}, joinRels: map[relset]*rel{}}
	r.q.RTable = append([]*query.RangeTblEntry(nil), q.RTable...)
	if len(r.q.RTable) >= maxRelations {
		return nil, nil, pgerr.New(pgerr.StatementTooComplex, "too many range table entries")
	}
	r.parallel = g.parallel && parent == nil
	if setup != nil {
		setup(r)
	}
	if err := r.planCTEs(); err != nil {
		return nil, nil, err
	}
	if err := r.preprocess(); err != nil {
		return nil, nil, err
	}
	p, err := r.upper()
	if err != nil {
		return nil, nil, err
	}
	return r, p, nil
}

// preprocess brings the query into the form that path search works on.
func (r *root) preprocess() error {
	if r.q.JoinTree == nil {
		r.q.JoinTree = &query.FromExpr{}
	}
	if r.q.CommandType != query.CmdInsert || len(r.q.JoinTree.FromList) > 0 {
		r.flattenJoinAliases()
		r.pullUpSublinks()
		r.pullUpAll()
	}
	r.replaceOuterVars()
	if err := r.processExprs(); err != nil {
		return err
	}
	r.reduceOuterJoins()
	if err := r.setTargets(); err != nil {
		return err
	}
	r.dropUselessJoins()
	return nil
}

// processExprs folds constants and plans the subselects of every expression of the level.
func (r *root) processExprs() error {
	var first error
	process := func(e query.Expr, isQual bool) query.Expr {
		if e == nil || first != nil {
			return e
		}
		e, err := r.foldExpr(e)
		if err == nil {
			e, err = r.planSubLinks(e, isQual)
		}
		first = err
		return e
	}
	do := func(e query.Expr) query.Expr { return process(e, false) }
	doQual := func(e query.Expr) query.Expr { return process(e, true) }
	q := r.q
	q.TargetList = mapTargets(q.TargetList, do)
	q.ReturningList = mapTargets(q.ReturningList, do)
	q.HavingQual = doQual(q.HavingQual)
	q.LimitOffset, q.LimitCount = do(q.LimitOffset), do(q.LimitCount)
	q.JoinTree = mapJoinQuals(q.JoinTree, doQual).(*query.FromExpr)
	if oc := q.OnConflict; oc != nil {
		c := *oc
		c.Set = mapTargets(oc.Set, do)
		c.Where = doQual(oc.Where)
		q.OnConflict = &c
	}
	for i, w := range q.WindowClause {
		c := *w
		c.StartOffset, c.EndOffset = do(w.StartOffset), do(w.EndOffset)
		q.WindowClause[i] = &c
	}
	for i, rte := range q.RTable {
		if rte.Kind != query.RTEFunction && rte.Kind != query.RTEValues {
			continue
		}
		c := *rte
		c.Functions = nil
		for _, f := range rte.Functions {
			fc := *f
			fc.FuncExpr = do(f.FuncExpr)
			c.Functions = append(c.Functions, &fc)
		}
		if rte.ValuesLists != nil {
			c.ValuesLists = make([][]query.Expr, len(rte.ValuesLists))
			for j, row := range rte.ValuesLists {
				nr := make([]query.Expr, len(row))
				for k, e := range row {
					nr[k] = do(e)
				}
				c.ValuesLists[j] = nr
			}
		}
		q.RTable[i] = &c
	}
	return first
}

func mapTargets(tl []*query.TargetEntry, f func(query.Expr) query.Expr) []*query.TargetEntry {
	if tl == nil {
		return nil
	}
	out := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Expr = f(te.Expr)
		out[i] = &c
	}
	return out
}

func mapJoinQuals(n query.JoinNode, f func(query.Expr) query.Expr) query.JoinNode {
	switch x := n.(type) {
	case *query.FromExpr:
		out := &query.FromExpr{Quals: f(x.Quals)}
		for _, c := range x.FromList {
			out.FromList = append(out.FromList, mapJoinQuals(c, f))
		}
		return out
	case *query.JoinExpr:
		out := *x
		out.Larg, out.Rarg, out.Quals = mapJoinQuals(x.Larg, f), mapJoinQuals(x.Rarg, f), f(x.Quals)
		return &out
	}
	return n
}

// setTargets fixes the target list that the scans and joins must feed: the query's own, with what LockRows, ModifyTable
// and RETURNING need besides.
func (r *root) setTargets() error {
	r.tlist = append([]*query.TargetEntry(nil), r.q.TargetList...)
	r.junk = junkCols{ctid: map[int]int{}, tableoid: map[int]int{}, whole: map[int]int{}}
	q := r.q
	switch q.CommandType {
	case query.CmdUpdate, query.CmdDelete:
		if q.CommandType == query.CmdDelete {
			r.tlist = nil
		}
		r.addJunk(q.ResultRelation, "ctid")
	}
	for _, m := range q.RowMarks {
		if r.q.RTable[m.RTI-1].Kind == query.RTERelation {
			r.addJunk(m.RTI, "ctid")
		}
	}
	if q.CommandType == query.CmdUpdate || q.CommandType == query.CmdDelete || len(q.RowMarks) > 0 {
		kept := keptRels(q.JoinTree)
		for i, rte := range q.RTable { // rows of other tables are re-fetched by ctid when a row must be checked again, others come along whole
			rti := i + 1
			switch {
			case rti == q.ResultRelation || !kept.has(rti):
			case rte.Kind == query.RTERelation:
				r.addJunk(rti, "ctid")
			case rte.Kind != query.RTEJoin && rte.Kind != query.RTEResult:
				v := &query.Var{Result: query.Result{ResType: types.RecordOid, ResTypmod: -1}, Varno: rti, Location: -1}
				r.junk.whole[rti] = r.addTarget(v)
			}
		}
	}
	if q.CommandType != query.CmdSelect && q.CommandType != query.CmdInsert {
		for _, te := range q.ReturningList { // columns of joined tables
			walkExpr(te.Expr, func(n query.Expr) bool {
				if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno != q.ResultRelation && v.Varno > 0 {
					r.addTarget(v)
				}
				return true
			})
		}
	}
	return nil
}

// keptRels lists the base relations whose rows are part of the join's rows, those that semi joins found among them: not those that anti joins only test.
func keptRels(n query.JoinNode) relset {
	var s relset
	switch x := n.(type) {
	case *query.RangeTblRef:
		return single(x.RTIndex)
	case *query.FromExpr:
		for _, f := range x.FromList {
			s = s.union(keptRels(f))
		}
	case *query.JoinExpr:
		s = keptRels(x.Larg)
		if x.JoinType != query.JoinAnti {
			s = s.union(keptRels(x.Rarg))
		}
	}
	return s
}

// testedRels lists the base relations that anti joins found no row of.
func testedRels(n query.JoinNode) relset {
	var s relset
	switch x := n.(type) {
	case *query.FromExpr:
		for _, f := range x.FromList {
			s = s.union(testedRels(f))
		}
	case *query.JoinExpr:
		s = testedRels(x.Larg)
		if x.JoinType == query.JoinAnti {
			return s.union(joinRels(x.Rarg))
		}
		s = s.union(testedRels(x.Rarg))
	}
	return s
}

func (r *root) addTarget(e query.Expr) int {
	for _, te := range r.tlist {
		if te.Resjunk && exprEqual(te.Expr, e) {
			return te.Resno
		}
	}
	te := &query.TargetEntry{Expr: e, Resno: len(r.tlist) + 1, Resjunk: true}
	r.tlist = append(r.tlist, te)
	return te.Resno
}

func (r *root) addJunk(rti int, what string) {
	if r.junk.ctid[rti] == 0 {
		v := &query.Var{Result: query.Result{ResType: types.TIDOid, ResTypmod: -1}, Varno: rti, Varattno: query.CtidAttr, Location: -1}
		r.junk.ctid[rti] = r.addTarget(v)
		if t, err := r.g.facts.table(r.q.RTable[rti-1].Relid); err == nil && r.q.RTable[rti-1].Inh && (t.kind == 'p' || t.hasSubclass) {
			oid := &query.Var{Result: query.Result{ResType: types.OidOid, ResTypmod: -1}, Varno: rti, Varattno: query.TableOidAttr, Location: -1}
			r.junk.tableoid[rti] = r.addTarget(oid)
		}
	}
}

// scanJoin plans the FROM and WHERE part and returns its relation.
func (r *root) scanJoin(tl []*query.TargetEntry, extra []query.Expr) (*rel, error) {
	n := len(r.q.RTable) + 1
	r.rels = make([]*rel, n)
	base := joinRels(r.q.JoinTree)
	r.allBase = base
	if base.empty() {
		return r.resultRel(), nil
	}
	for _, i := range base.members() {
		rte := r.q.RTable[i-1]
		b := &rel{relids: single(i), rti: i, rte: rte}
		r.rels[i] = b
		if rte.Kind == query.RTERelation {
			r.g.relids[rte.Relid] = true
			t, err := r.g.facts.table(rte.Relid)
			if err != nil {
				return nil, err
			}
			b.table, b.tuples, b.pages, b.allVis = t, t.tuples, t.pages, t.allVisPct
		}
		b.lateral = r.lateralRefs(rte).minus(b.relids)
	}
	top := relset{}.add(0)
	for _, te := range tl {
		r.addNeeded(te.Expr, top)
	}
	for _, e := range extra {
		r.addNeeded(e, top)
	}
	for _, i := range base.members() { // columns that lateral items read must be there
		b := r.rels[i]
		if !b.lateral.empty() {
			r.lateralNeeded(b)
		}
	}
	items, err := r.deconstruct()
	if err != nil {
		return nil, err
	}
	r.finishClasses()
	r.upperKeys()
	for _, i := range base.members() {
		b := r.rels[i]
		r.pruneRestrict(b)
		if err := r.sizeBase(b); err != nil {
			return nil, err
		}
	}
	for _, i := range base.members() {
		if err := r.basePaths(r.rels[i]); err != nil {
			return nil, err
		}
		r.rels[i].setCheapest()
	}
	j, err := r.searchJoins(items)
	if err != nil {
		return nil, err
	}
	r.gatherPaths(j)
	if len(r.where) > 0 {
		j = r.guard(j)
	}
	return j, nil
}

// pruneRestrict drops conditions that are always true and notes one that is always false.
func (r *root) pruneRestrict(b *rel) {
	for _, ri := range b.restrict {
		if c, ok := ri.clause.(*query.Const); ok && !c.Value.IsTrue() {
			b.dummy = true
		}
	}
}

// resultRel is the relation of a query without FROM: one row.
func (r *root) resultRel() *rel {
	j := &rel{rows: 1}
	for _, q := range andList(r.q.JoinTree.Quals) {
		r.where = append(r.where, &rinfo{clause: q})
	}
	p := &path{kind: pathResult, rows: 1, total: r.g.facts.costs().CPUTuple}
	for _, ri := range r.where {
		p.quals = append(p.quals, ri.clause)
	}
	r.where = nil
	j.addPath(p)
	r.upperKeys()
	j.setCheapest()
	return j
}

// guard puts the conditions that depend on no column in front of a relation.
func (r *root) guard(j *rel) *rel {
	out := &rel{relids: j.relids, rows: j.rows, width: j.width, target: j.target, lateral: j.lateral}
	for _, in := range j.paths {
		p := &path{kind: pathResult, outer: in, rows: in.rows, startup: in.startup, total: in.total, keys: in.keys, reqOuter: in.reqOuter}
		for _, ri := range r.where {
			p.quals = append(p.quals, ri.clause)
			if c, ok := ri.clause.(*query.Const); ok && !c.Value.IsTrue() {
				p.rows, p.startup, p.total = 1, 0, 0
			}
		}
		out.addPath(p)
	}
	out.setCheapest()
	return out
}

func (r *root) lateralNeeded(b *rel) {
	note := func(e query.Expr) {
		walkExpr(e, func(n query.Expr) bool {
			if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno > 0 && v.Varno != b.rti {
				r.addNeeded(v, b.relids)
			}
			return true
		})
	}
	for _, f := range b.rte.Functions {
		note(f.FuncExpr)
	}
	for _, row := range b.rte.ValuesLists {
		for _, e := range row {
			note(e)
		}
	}
	if b.rte.Subquery != nil && b.rte.Lateral {
		forEachOuterVar(b.rte.Subquery, func(v *query.Var) {
			c := *v
			c.Varlevelsup = 0
			r.addNeeded(&c, b.relids)
		})
	}
}

// lateralRefs lists the relations of this level whose columns an item of FROM reads.
func (r *root) lateralRefs(rte *query.RangeTblEntry) relset {
	var s relset
	switch rte.Kind {
	case query.RTEFunction:
		for _, f := range rte.Functions {
			s = s.union(r.exprRels(f.FuncExpr))
		}
	case query.RTEValues:
		for _, row := range rte.ValuesLists {
			for _, e := range row {
				s = s.union(r.exprRels(e))
			}
		}
	case query.RTESubquery:
		if rte.Lateral {
			forEachOuterVar(rte.Subquery, func(v *query.Var) { s = s.add(v.Varno) })
		}
	}
	return s
}

// basePaths offers the paths of a base relation.
func (r *root) basePaths(b *rel) error {
	if err := r.g.facts.interrupted(); err != nil {
		return err
	}
	if b.dummy {
		b.rows = 1
		b.addPath(&path{kind: pathResult, rows: 1, quals: []query.Expr{boolConst(false)}})
		return nil
	}
	c := r.g.facts.costs()
	q := r.infosCost(b.restrict)
	simple := func(kind pathKind, per float64) *path {
		p := &path{kind: kind, rows: b.rows, reqOuter: b.lateral}
		p.startup = q.startup
		p.total = p.startup + (per+c.CPUTuple+q.perRow)*b.tuples
		return p
	}
	switch b.rte.Kind {
	case query.RTERelation:
		if b.isParent {
			return r.appendChildren(b)
		}
		p := &path{kind: pathSeqScan, reqOuter: b.lateral}
		r.costSeqScan(p, b)
		b.addPath(p)
		if b.rte.TableSample != nil { // every row must come by its place
			return nil
		}
		r.tidPaths(b)
		if b.table.kind == 'r' || b.table.kind == 'm' || b.table.kind == 't' {
			r.indexPaths(b)
		}
	case query.RTESubquery:
		p := simple(pathSubquery, 0)
		p.startup += b.subpath.startup
		p.total += b.subpath.total
		p.subroot, p.outer = b.subroot, b.subpath
		p.keys = r.subqueryKeys(b)
		b.addPath(p)
	case query.RTEFunction:
		p := simple(pathFunction, 0)
		cost := 0.0
		for _, f := range b.rte.Functions {
			ec := r.exprCost(f.FuncExpr)
			cost += ec.startup + ec.perRow
		}
		p.startup += cost
		p.total += cost
		b.addPath(p)
	case query.RTEValues:
		b.addPath(simple(pathValues, c.CPUOperator))
	case query.RTECTE:
		kind := pathCTE
		if b.rte.SelfReference {
			kind = pathWorkTable
		}
		b.addPath(simple(kind, c.CPUTuple))
	default:
		b.addPath(simple(pathResult, 0))
	}
	return nil
}

// upperKeys makes the orders that the steps above scan and join want.
func (r *root) upperKeys() {
	q := r.q
	if len(q.GroupClause) > 0 && len(q.GroupingSets) == 0 {
		r.groupKeys = r.keysFor(q.GroupClause, r.tlist)
	}
	if len(q.WindowClause) > 0 {
		w := q.WindowClause[0]
		r.windowKeys = r.keysFor(append(w.PartitionClause[:len(w.PartitionClause):len(w.PartitionClause)], w.OrderClause...), r.tlist)
	}
	if len(q.DistinctClause) > 0 {
		r.distinctKeys = r.keysFor(q.DistinctClause, r.tlist)
	}
	r.sortKeys = r.keysFor(q.SortClause, r.tlist)
	switch {
	case r.groupKeys != nil:
		r.wantKeys = r.groupKeys
	case r.windowKeys != nil:
		r.wantKeys = r.windowKeys
	case len(r.distinctKeys) > len(r.sortKeys):
		r.wantKeys = r.distinctKeys
	default:
		r.wantKeys = r.sortKeys
	}
}

// fractional picks the path that is cheapest for the fraction or number of rows wanted.
func (r *root) fractional(paths []*path, frac float64) *path {
	var best *path
	cost := func(p *path) float64 {
		f := frac
		if f >= 1 && p.rows > 0 {
			f = f / p.rows
		}
		if f <= 0 || f >= 1 {
			return p.total
		}
		return p.startup + f*(p.total-p.startup)
	}
	for _, p := range paths {
		if p.reqOuter.empty() && (best == nil || cost(p) < cost(best)*0.99999999) {
			best = p
		}
	}
	if best == nil && len(paths) > 0 {
		best = paths[0]
	}
	return best
}

func finite(f float64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 1e300
	}
	return f
}
