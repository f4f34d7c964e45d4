package planner

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// modify plans INSERT, UPDATE and DELETE: a path that yields the rows, and ModifyTable on top.
func (r *root) modify() (*path, error) {
	q := r.q
	rte := q.RTable[q.ResultRelation-1]
	if rte.Kind != query.RTERelation {
		return nil, pgerr.Internal("target of %d is no table", q.CommandType)
	}
	t, err := r.g.facts.table(rte.Relid)
	if err != nil {
		return nil, err
	}
	r.g.relids[rte.Relid] = true
	mt := &plan.ModifyTable{Operation: q.CommandType, ResultRel: q.ResultRelation, CanSetTag: q.CanSetTag}
	switch q.CommandType {
	case query.CmdInsert:
		r.insertTargets(t)
	case query.CmdUpdate:
		for _, te := range q.TargetList {
			if !te.Resjunk {
				mt.UpdateCols = append(mt.UpdateCols, te.Resno)
			}
		}
		for i, te := range r.tlist { // positions count columns from here on
			c := *te
			c.Resno = i + 1
			r.tlist[i] = &c
		}
	}
	in, err := r.selectPath()
	if err != nil {
		return nil, err
	}
	p := &path{kind: pathModify, outer: in, modify: mt, rows: in.rows, startup: in.startup, total: in.total, rel: in.rel}
	if len(q.ReturningList) == 0 {
		p.rows = 0
	}
	return p, nil
}

// insertTargets fills the target list up to one column for each attribute of the table, in order.
func (r *root) insertTargets(t *tableInfo) {
	given := map[int]*query.TargetEntry{}
	for _, te := range r.tlist {
		given[te.Resno] = te
	}
	out := make([]*query.TargetEntry, len(t.desc.Attrs))
	for i := range t.desc.Attrs {
		a := &t.desc.Attrs[i]
		te := given[i+1]
		switch {
		case a.Dropped:
			te = &query.TargetEntry{Expr: nullConst(query.Result{ResType: 23, ResTypmod: -1})}
		case te == nil:
			te = &query.TargetEntry{Expr: nullConst(query.Result{ResType: a.Type, ResTypmod: a.Typmod, ResCollation: a.Collation})}
		}
		c := *te
		c.Resno, c.Resname = i+1, a.Name
		out[i] = &c
	}
	r.tlist = out
}

// onConflict finds the arbiter indexes of ON CONFLICT and plans its action.
func (r *root) onConflict(oc *query.OnConflictExpr, t *tableInfo, b *builder) (*plan.OnConflict, error) {
	out := &plan.OnConflict{Action: oc.Action, ExclRel: oc.ExclRelIndex + b.offset}
	arb, err := r.arbiters(oc, t)
	if err != nil {
		return nil, err
	}
	out.Arbiters = arb
	fix := func(e query.Expr) query.Expr { return b.scanExpr(e) }
	out.Set = mapTargets(oc.Set, fix)
	if oc.Where != nil {
		out.Where = fix(oc.Where)
	}
	return out, nil
}

func (r *root) arbiters(oc *query.OnConflictExpr, t *tableInfo) ([]ids.Oid, error) {
	if oc.Constraint != 0 {
		return []ids.Oid{oc.Constraint}, nil // the builder of facts resolves it to its index
	}
	if len(oc.ArbiterElems) == 0 {
		return nil, nil
	}
	var out []ids.Oid
	for _, ix := range t.indexes {
		if ix.unique && r.infers(ix, oc) {
			out = append(out, ix.oid)
		}
	}
	if len(out) == 0 {
		return nil, pgerr.New(pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
	}
	return out, nil
}

// infers reports whether an index has just the columns of the conflict target, and a predicate that its WHERE implies.
func (r *root) infers(ix *indexInfo, oc *query.OnConflictExpr) bool {
	rti := r.q.ResultRelation
	matched := 0
	b := &rel{rti: rti, table: ix.table}
	for _, el := range oc.ArbiterElems {
		hit := false
		for c := 0; c < ix.nkeys; c++ {
			if r.matchesColumn(b, ix, c, el.Expr) && (el.InferColl == 0 || el.InferColl == ix.collations[c]) {
				hit = true
			}
		}
		if !hit {
			return false
		}
		matched++
	}
	for c := 0; c < ix.nkeys; c++ { // and no key column that the target does not name
		hit := false
		for _, el := range oc.ArbiterElems {
			hit = hit || r.matchesColumn(b, ix, c, el.Expr)
		}
		if !hit {
			return false
		}
	}
	if ix.pred == nil {
		return true
	}
	var infos []*rinfo
	for _, q := range andList(oc.ArbiterWhere) {
		f := &folder{r: r}
		infos = append(infos, &rinfo{clause: f.fold(q)})
	}
	return r.predicateImplied(ix.pred.forRel(rti), infos)
}

// minMaxResult is how plain min and max aggregates are answered from indexes: one init plan each.
type minMaxResult struct {
	params []int
	cost   float64
}

// minMax answers min(x), max(x) over one table by the first row of an index scan, when every aggregate is one of these.
func (r *root) minMax(in *rel, aggs []*query.Aggref) *minMaxResult {
	q := r.q
	if len(aggs) == 0 || r.allBase.count() != 1 || len(q.RowMarks) > 0 || len(q.CTEList) > 0 || r.hasNestedRefs() {
		return nil
	}
	b := r.rels[r.allBase.first()]
	if b == nil || b.table == nil || len(b.table.indexes) == 0 || b.dummy || len(r.where) > 0 {
		return nil
	}
	type task struct {
		agg *query.Aggref
		op  ids.Oid
	}
	var tasks []task
	for _, a := range aggs {
		if len(a.Args) != 1 || len(a.AggOrder) > 0 || len(a.AggDistinct) > 0 || a.AggFilter != nil || a.AggKind != 'n' {
			return nil
		}
		op := r.g.facts.aggSortOp(a.AggFnOid)
		e := a.Args[0].Expr
		if op == 0 || r.volatileExpr(e) || !r.indexed(b, e) {
			return nil
		}
		tasks = append(tasks, task{a, op})
	}
	res := &minMaxResult{}
	type planned struct {
		def   *plan.SubPlanDef
		param int
	}
	var all []planned
	for _, t := range tasks {
		e := t.agg.Args[0].Expr
		info := r.g.facts.op(t.op)
		var nullsFirst bool
		for _, m := range r.g.facts.families(t.op) {
			nullsFirst = m.strategy == strategyGt
		}
		sub := *r.q
		te := &query.TargetEntry{Expr: e, Resno: 1, Ressortgroupref: 1}
		sub.TargetList = []*query.TargetEntry{te}
		sub.SortClause = []*query.SortGroupClause{{TLESortGroupRef: 1, SortOp: t.op, NullsFirst: nullsFirst}}
		notNull := &query.NullTest{Result: query.Result{ResType: boolOid, ResTypmod: -1}, Arg: e, Location: -1}
		sub.JoinTree = &query.FromExpr{FromList: q.JoinTree.FromList, Quals: makeAnd(append(andList(q.JoinTree.Quals), notNull))}
		sub.HasAggs, sub.HavingQual = false, nil
		sub.LimitCount = &query.Const{Result: query.Result{ResType: 20, ResTypmod: -1}, Value: intDatum(1), Location: -1}
		_ = info
		s, p, err := r.g.planQuery(&sub, r.parent, 1, nil)
		if err != nil || s.lv.ext != nil {
			return nil
		}
		node, _, err := newBuilder(s).top(p)
		if err != nil {
			return nil
		}
		res.cost += p.total
		all = append(all, planned{&plan.SubPlanDef{Root: node, SubLink: query.ExprSublink, InitPlan: true}, 0})
	}
	// Compare with the ordinary plan before anything is registered.
	plain := &path{}
	r.costAgg(plain, in.cheapest, plan.AggPlain, aggs, 0, 1, nil)
	if res.cost >= plain.total {
		return nil
	}
	for i, pl := range all {
		pl.param = r.g.newParam(tasks[i].agg.Type())
		pl.def.SetParams = []int{pl.param}
		r.g.subplans = append(r.g.subplans, pl.def)
		pl.def.Name = initPlanName(len(r.g.subplans), pl.param)
		r.initPlans = append(r.initPlans, len(r.g.subplans)-1)
		res.params = append(res.params, pl.param)
	}
	return res
}

// hasNestedRefs reports whether the level reads exec params of outer levels, which a private copy would not share.
func (r *root) hasNestedRefs() bool { return len(r.lv.ext) > 0 || len(r.initPlans) > 0 }
