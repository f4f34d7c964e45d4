package planner

import (
	"cmp"
	"math"
	"slices"

	"gompho/sql/plan"
	"gompho/sql/query"
)

// The cost formulas follow PostgreSQL's documented model: pages read at seq_page_cost or random_page_cost, rows at
// cpu_tuple_cost, index entries at cpu_index_tuple_cost, operators at cpu_operator_cost times pg_proc.procost.

// evalCost is the cost of evaluating an expression: once, and for each row.
type evalCost struct{ startup, perRow float64 }

func (c evalCost) plus(d evalCost) evalCost {
	return evalCost{c.startup + d.startup, c.perRow + d.perRow}
}

// exprCost estimates an expression.
func (r *root) exprCost(e query.Expr) evalCost {
	var c evalCost
	if e == nil {
		return c
	}
	op := r.g.facts.costs().CPUOperator
	walkExpr(e, func(n query.Expr) bool {
		switch x := n.(type) {
		case *query.FuncExpr:
			c.perRow += op * r.procCost(x.FuncID)
		case *query.OpExpr:
			c.perRow += op * r.procCost(x.FuncID)
		case *query.DistinctExpr:
			c.perRow += op * r.procCost(x.FuncID)
		case *query.NullIfExpr:
			c.perRow += op * r.procCost(x.FuncID)
		case *query.ScalarArrayOpExpr:
			c.perRow += op * r.procCost(x.FuncID) * r.arrayLen(x.Args[1]) * 0.5
		case *query.CoerceViaIO:
			c.perRow += 2 * op
		case *query.ArrayCoerceExpr:
			c.perRow += 10 * op
		case *query.RowCompareExpr:
			c.perRow += op * float64(len(x.Opnos))
		case *plan.SubPlan:
			def := r.g.subplans[x.PlanID]
			p := def.Root.Base()
			if x.UseHash {
				c.startup += p.TotalCost + op*p.Rows
				c.perRow += op
			} else if x.SubLinkType == query.ExistsSublink {
				c.perRow += p.StartupCost + (p.TotalCost-p.StartupCost)/math.Max(p.Rows, 1)
			} else if x.SubLinkType == query.AllSublink || x.SubLinkType == query.AnySublink {
				c.perRow += p.StartupCost + 0.5*(p.TotalCost-p.StartupCost) + 0.5*p.Rows*op
			} else {
				c.perRow += p.TotalCost
			}
		}
		return true
	})
	return c
}

// orderQuals puts cheap conditions first.
func (r *root) orderQuals(list []query.Expr) []query.Expr {
	if len(list) < 2 {
		return list
	}
	type costed struct {
		e    query.Expr
		cost float64
	}
	l := make([]costed, len(list))
	for i, e := range list {
		l[i] = costed{e, r.exprCost(e).perRow}
	}
	slices.SortStableFunc(l, func(a, b costed) int { return cmp.Compare(a.cost, b.cost) })
	out := make([]query.Expr, len(l))
	for i := range l {
		out[i] = l[i].e
	}
	return out
}

func (r *root) infosCost(infos []*rinfo) evalCost {
	var c evalCost
	for _, ri := range infos {
		c = c.plus(r.exprCost(ri.clause))
	}
	return c
}

func (r *root) tlistCost(tl []*query.TargetEntry) evalCost {
	var c evalCost
	for _, te := range tl {
		c = c.plus(r.exprCost(te.Expr))
	}
	return c
}

func clampRows(n float64) float64 {
	if n <= 1 || math.IsNaN(n) {
		return 1
	}
	if n > 1e100 {
		return 1e100
	}
	return math.Round(n)
}

func (r *root) costSeqScan(p *path, b *rel) {
	c := r.g.facts.costs()
	q := r.infosCost(b.restrict)
	p.startup = q.startup
	run := c.SeqPage*b.pages + (c.CPUTuple+q.perRow)*b.tuples
	if !c.SeqScan {
		p.startup += disableCost
	}
	p.rows = b.rows
	p.total = p.startup + run
}

// pagesFetched is the Mackert-Lohman estimate of the pages read for n rows of a table of t pages with a cache of b pages.
func pagesFetched(n, t, b float64) float64 {
	t = math.Max(t, 1)
	b = math.Max(math.Ceil(b), 1)
	if t <= b {
		return math.Min(math.Ceil((2*t*n)/(2*t+n)), t)
	}
	lim := (2 * t * b) / (2*t - b)
	if n <= lim {
		return math.Ceil((2 * t * n) / (2*t + n))
	}
	return math.Ceil(b + (n-lim)*(t-b)/t)
}

// costIndexScan fills costs of an index path whose conditions select sel of the index entries; loops is how often an
// outer relation repeats it.
func (r *root) costIndexScan(p *path, b *rel, ix *indexInfo, conds []*indexMatch, filter []*rinfo, sel, loops float64, only bool) (indexTotal float64) {
	c := r.g.facts.costs()
	if only && !c.IndexOnlyScan || !only && !c.IndexScan {
		p.startup += disableCost
	}
	entries := clampRows(sel * b.tuples)
	startup, itotal, corr := r.costBtree(b, ix, conds, sel, loops)
	run := itotal - startup
	fetched := entries
	var maxIO, minIO float64
	visFactor := 1.0
	if only {
		visFactor = 1 - b.allVis
	}
	if loops > 1 {
		pf := pagesFetched(fetched*loops, b.pages, c.EffectiveCacheSize)
		maxIO = math.Ceil(pf*visFactor) * c.RandomPage / loops
		pf = pagesFetched(math.Ceil(sel*b.pages)*loops, b.pages, c.EffectiveCacheSize)
		minIO = math.Ceil(pf*visFactor) * c.RandomPage / loops
	} else {
		pf := math.Ceil(pagesFetched(fetched, b.pages, c.EffectiveCacheSize) * visFactor)
		maxIO = pf * c.RandomPage
		pf = math.Ceil(math.Ceil(sel*b.pages) * visFactor)
		if pf > 0 {
			minIO = c.RandomPage + (pf-1)*c.SeqPage
		}
	}
	csq := corr * corr
	run += maxIO + csq*(minIO-maxIO)
	q := r.infosCost(filter)
	startup += q.startup
	run += fetched * (c.CPUTuple + q.perRow)
	p.startup += startup
	p.total = p.startup + run
	return itotal
}

// costBtree is the cost within a btree: descent, leaf pages, entries; and the correlation of its order with the table's.
func (r *root) costBtree(b *rel, ix *indexInfo, conds []*indexMatch, sel, loops float64) (startup, total, corr float64) {
	c := r.g.facts.costs()
	bound := 1.0
	eqPrefix := 0
	for _, m := range conds {
		if m.column == eqPrefix && (m.strategy == strategyEq || m.strategy == 0) {
			eqPrefix++
		}
	}
	var bounds []*indexMatch
	for _, m := range conds {
		if m.column <= eqPrefix {
			bounds = append(bounds, m)
		}
	}
	boundInfos := r.withPredicate(b, ix, condInfos(bounds))
	scans := 1.0
	for _, m := range conds {
		if m.array {
			scans *= math.Max(1, r.arrayLen(m.value))
		}
	}
	if len(boundInfos) > 0 {
		bound = r.listSelectivity(boundInfos, b.relids, query.JoinInner, nil)
	}
	entries := bound * b.tuples
	if ix.unique && eqPrefix >= ix.nkeys && scans == 1 {
		entries = 1
	}
	entries = math.Max(1, math.Round(math.Min(entries, ix.tuples)/scans))
	leaf := 1.0
	if ix.pages > 1 && ix.tuples > 1 {
		leaf = math.Ceil(entries * ix.pages / ix.tuples)
	}
	pages := leaf * scans
	var io float64
	if loops*scans > 1 {
		io = pagesFetched(pages*loops, math.Max(ix.pages, 1), c.EffectiveCacheSize) * c.RandomPage / loops
	} else {
		io = pages * c.RandomPage
	}
	total = io
	nq := float64(len(conds))
	total += entries * scans * (c.CPUIndexTuple + nq*c.CPUOperator)
	if ix.tuples > 1 {
		d := math.Ceil(math.Log2(ix.tuples)) * c.CPUOperator
		startup += d
		total += scans * d
	}
	d := (ix.height + 1) * 50 * c.CPUOperator
	startup += d
	total += scans * d
	if len(ix.keys) > 0 && ix.keys[0] > 0 {
		if st := r.g.facts.stats(ix.table.oid, ix.keys[0]); st != nil && st.hasCorr {
			corr = st.corr
			if ix.nkeys > 1 {
				corr *= 0.75
			}
		}
	}
	return startup, total, corr
}

// costSort is the cost of sorting rows of width bytes, bound > 0 when only that many are wanted.
func (r *root) costSort(p *path, in *path, rows float64, width int, bound float64) {
	c := r.g.facts.costs()
	startup, run := in.total, 0.0
	if !c.Sort {
		startup += disableCost
	}
	n := math.Max(rows, 2)
	cmp := 2 * c.CPUOperator
	bytes := n * float64(width+32)
	out, outBytes := n, bytes
	if bound > 0 && bound < n {
		out, outBytes = bound, bound*float64(width+32)
	}
	switch {
	case outBytes > c.WorkMem:
		pages := math.Ceil(bytes / 8192)
		runs := bytes / c.WorkMem
		order := math.Max(6, c.WorkMem/(8192*34))
		passes := 1.0
		if runs > order {
			passes = math.Ceil(math.Log(runs) / math.Log(order))
		}
		startup += cmp*n*math.Log2(n) + 2*pages*passes*(c.SeqPage*0.75+c.RandomPage*0.25)
	case n > 2*out || bytes > c.WorkMem:
		startup += cmp * n * math.Log2(2*out)
	default:
		startup += cmp * n * math.Log2(n)
	}
	run += c.CPUOperator * n
	p.startup, p.total, p.rows = startup, startup+run, rows
}

func (r *root) costMaterial(p, in *path) {
	c := r.g.facts.costs()
	p.startup = in.startup
	p.total = in.total + 2*c.CPUOperator*in.rows
	p.rows = in.rows
	if bytes := in.rows * float64(in.rel.width+32); bytes > c.WorkMem {
		p.total += c.SeqPage * math.Ceil(bytes/8192)
	}
}

// rescanCost is what running an inner path again costs.
func (r *root) rescanCost(p *path) (startup, total float64) {
	c := r.g.facts.costs()
	switch p.kind {
	case pathFunction, pathHashJoin:
		if p.kind == pathHashJoin {
			return p.startup, p.total
		}
		return 0, p.total - p.startup
	case pathMemoize:
		return p.again.startup, p.again.total
	case pathCTE, pathWorkTable:
		t := c.CPUTuple * p.rows
		return 0, t
	case pathMaterial, pathSort, pathIncSort:
		t := c.CPUOperator * p.rows
		if bytes := p.rows * float64(p.rel.width+32); bytes > c.WorkMem {
			t += c.SeqPage * math.Ceil(bytes/8192)
		}
		return 0, t
	}
	return p.startup, p.total
}

func (r *root) costAgg(p, in *path, strategy plan.AggStrategy, aggs []*query.Aggref, nkeys int, groups float64, having []query.Expr) {
	c := r.g.facts.costs()
	var trans, final float64
	for _, a := range aggs {
		trans += c.CPUOperator
		for _, te := range a.Args {
			trans += r.exprCost(te.Expr).perRow
		}
		final += c.CPUOperator
	}
	var startup, total float64
	switch strategy {
	case plan.AggPlain:
		startup = in.total + trans*in.rows + final
		total = startup + c.CPUTuple
		groups = 1
	case plan.AggSorted:
		startup = in.startup
		total = in.total + (trans+c.CPUOperator*float64(nkeys))*in.rows + (final+c.CPUTuple)*groups
	default:
		startup = in.total + (trans+c.CPUOperator*float64(nkeys))*in.rows
		if !c.HashAgg {
			startup += disableCost
		}
		total = startup + (final+c.CPUTuple)*groups
		width := 32.0
		if in.rel != nil {
			width += float64(in.rel.width) + 16*float64(len(aggs))
		}
		if mem := groups * width; mem > c.WorkMem*c.HashMemMultiplier {
			pages := math.Ceil(in.rows * width / 8192)
			startup += pages * c.RandomPage
			total += pages*c.RandomPage + pages*c.SeqPage
		}
	}
	for _, h := range having {
		q := r.exprCost(h)
		startup += q.startup
		total += q.startup + q.perRow*groups
		groups = clampRows(groups * r.clauseSel(h, query.JoinInner, nil))
	}
	p.startup, p.total, p.rows = startup, total, groups
}
