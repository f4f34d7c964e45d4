package planner

import (
	"math"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// Parallel plans. A path is made partial by giving the sequential scan at the end of its outer sides to several processes, each of
// which reads a part of the blocks; everything else below the Gather is done in full by each. That is right for joins that keep or
// look up outer rows.

// mayRunParallel reports whether workers may be used for the statement at all: it only reads, and calls nothing that is unsafe.
func (g *glob) mayRunParallel(q *query.Query, opt Options) bool {
	if g.facts.costs().ParallelWorkers <= 0 || opt.Cursor || q.CommandType != query.CmdSelect || q.HasModifyingCTE {
		return false
	}
	ok := true
	walkQueries(q, 0, func(s *query.Query, _ int) {
		if s.CommandType != query.CmdSelect || len(s.RowMarks) > 0 || s.HasForUpdate {
			ok = false
		}
	})
	if !ok {
		return false
	}
	query.MutateQueryLevels(q, func(e query.Expr, _ int) query.Expr {
		if p := g.calledProc(e); p != nil && p.parallel == 'u' {
			ok = false
		}
		return e
	})
	return ok
}

// calledProc returns the function that the top of an expression calls, nil for none.
func (g *glob) calledProc(e query.Expr) *procInfo {
	if fn := calledFunc(e); fn != 0 {
		return g.facts.proc(fn)
	}
	return nil
}

func calledFunc(e query.Expr) ids.Oid {
	switch x := e.(type) {
	case *query.FuncExpr:
		return x.FuncID
	case *query.OpExpr:
		return x.FuncID
	case *query.DistinctExpr:
		return x.FuncID
	case *query.NullIfExpr:
		return x.FuncID
	case *query.ScalarArrayOpExpr:
		return x.FuncID
	case *query.Aggref:
		return x.AggFnOid
	}
	return 0
}

// parallelSafe reports whether a worker may evaluate an expression: built-in functions over plain types, which look at nothing but their arguments.
func (r *root) parallelSafe(exprs ...query.Expr) bool {
	ok := true
	for _, e := range exprs {
		walkExpr(e, func(n query.Expr) bool {
			switch x := n.(type) {
			case *query.Param:
				ok = ok && x.Kind == query.ParamExtern
			case *query.Const, *query.Var, *query.FuncExpr, *query.OpExpr, *query.DistinctExpr, *query.NullIfExpr, *query.ScalarArrayOpExpr,
				*query.BoolExpr, *query.NullTest, *query.BooleanTest, *query.RelabelType, *query.CaseExpr, *query.CaseTestExpr, *query.CoalesceExpr,
				*query.MinMaxExpr, *query.ArrayExpr, *query.Aggref, *query.RowCompareExpr, *query.CoerceViaIO:
			default:
				ok = false
			}
			if v, isVar := n.(*query.Var); isVar && v.Varattno == 0 {
				ok = false
			}
			if fn := calledFunc(n); fn != 0 {
				p := r.g.facts.proc(fn)
				ok = ok && fn < ids.FirstNormalOid && p != nil && p.parallel == 's' && !p.retset
			}
			ok = ok && plainType(n.Type())
			return ok
		})
	}
	return ok
}

// plainType reports whether values of a type can be read, written and compared without the catalogs.
func plainType(t ids.Oid) bool {
	switch t {
	case 16, 17, 18, 19, 20, 21, 23, 25, 26, 27, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3220,
		1000, 1001, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182, 1185, 1231, 2951:
		return true
	}
	return false
}

// scanWorkers is how many workers a table is worth: one from min_parallel_table_scan_size on, and one more each time it triples.
func (r *root) scanWorkers(pages float64) int {
	c := r.g.facts.costs()
	n := 0
	for size := math.Max(1, c.MinParallelTablePages); pages >= size && n < c.ParallelWorkers; size *= 3 {
		n++
	}
	return n
}

// divisor is by how much n workers divide the work; the session helps less the more workers it has to serve.
func divisor(n int) float64 {
	return float64(n) + math.Max(0, 1-0.3*float64(n))
}

// partial makes the share of a path that one of several processes does; nil when it cannot be shared.
func (r *root) partial(p *path) *path {
	if !p.reqOuter.empty() {
		return nil
	}
	switch p.kind {
	case pathSeqScan:
		return r.partialScan(p)
	case pathHashJoin, pathNestLoop:
		if p.jointype != query.JoinInner && p.jointype != query.JoinLeft && p.jointype != query.JoinSemi && p.jointype != query.JoinAnti {
			return nil
		}
		if !r.safeBelow(p.inner) || !r.safeInfos(p.clauses) {
			return nil
		}
		o := r.partial(p.outer)
		if o == nil {
			return nil
		}
		c := *p
		div := divisor(o.workers)
		c.outer, c.workers, c.rows = o, o.workers, clampRows(p.rows/div)
		c.startup = p.startup - p.outer.startup + o.startup
		own := math.Max(0, (p.total-p.startup)-(p.outer.total-p.outer.startup))
		c.total = c.startup + (o.total - o.startup) + own/div
		return &c
	}
	return nil
}

func (r *root) partialScan(p *path) *path {
	b := p.rel
	if b.table == nil || b.table.kind != 'r' && b.table.kind != 'm' || b.table.temp || !b.lateral.empty() || !r.safeInfos(b.restrict) || !r.parallelSafe(b.target...) {
		return nil
	}
	n := r.scanWorkers(b.pages)
	if n == 0 {
		return nil
	}
	c := *p
	disk := r.g.facts.costs().SeqPage * b.pages
	c.workers, c.rows = n, clampRows(p.rows/divisor(n))
	c.total = p.startup + disk + (p.total-p.startup-disk)/divisor(n)
	return &c
}

func (r *root) safeInfos(infos []*rinfo) bool {
	for _, ri := range infos {
		if !r.parallelSafe(ri.clause) {
			return false
		}
	}
	return true
}

// safeBelow reports whether each worker may run a whole path by itself.
func (r *root) safeBelow(p *path) bool {
	if p == nil {
		return true
	}
	switch p.kind {
	case pathSeqScan, pathIndexScan, pathIndexOnly, pathBitmapHeap:
		return p.rel.table != nil && !p.rel.table.temp && p.rel.lateral.empty() && r.safeInfos(p.rel.restrict) && r.safeInfos(p.clauses) && r.parallelSafe(p.rel.target...)
	case pathHashJoin, pathNestLoop, pathMergeJoin:
		return r.safeInfos(p.clauses) && r.safeBelow(p.outer) && r.safeBelow(p.inner)
	case pathMaterial, pathSort, pathMemoize:
		return r.safeBelow(p.outer)
	}
	return false
}

// gather collects the rows of a partial path.
func (r *root) gather(p *path, rows float64) *path {
	c := r.g.facts.costs()
	return &path{kind: pathGather, rel: p.rel, outer: p, workers: p.workers, rows: rows,
		startup: p.startup + c.ParallelSetup, total: p.total + c.ParallelSetup + c.ParallelTuple*rows}
}

// gatherPaths offers to run the scan and join part in parallel.
func (r *root) gatherPaths(j *rel) {
	if !r.parallel || j.cheapest == nil {
		return
	}
	if p := r.partial(j.cheapest); p != nil {
		g := r.gather(p, j.cheapest.rows)
		g.serial = j.cheapest
		j.addPath(g)
		g.rel = j
		j.setCheapest()
	}
}

// parallelAgg offers aggregation in two steps: by each process over its share of the rows, then over what they have found.
func (r *root) parallelAgg(in, out *rel, strategy plan.AggStrategy, step *aggStep, target []*query.TargetEntry, having []query.Expr) {
	serial := in.cheapest
	if serial != nil && serial.kind == pathGather {
		serial = serial.serial
	}
	if !r.parallel || serial == nil {
		return
	}
	for _, a := range step.aggs {
		if len(a.AggOrder) > 0 || len(a.AggDistinct) > 0 || a.AggKind != 'n' || !r.g.facts.aggCombines(a.AggFnOid) || !r.parallelSafe(a) {
			return
		}
	}
	if !r.parallelSafe(r.groupExprs()...) {
		return
	}
	part := r.partial(serial)
	if part == nil {
		return
	}
	groups := 1.0
	if strategy != plan.AggPlain {
		groups = r.numGroups(r.groupExprs(), part.rows)
	}
	p := &path{kind: pathAgg, rel: out, outer: part, workers: part.workers}
	r.costAgg(p, part, strategy, step.aggs, len(step.groupBy), groups, nil)
	ps := *step
	ps.split, ps.numGroups = plan.AggPartial, groups
	p.agg = &ps
	p.rows = groups
	g := r.gather(p, groups*float64(part.workers))
	fin := &path{kind: pathAgg, outer: g, tlist: target, quals: having}
	r.costAgg(fin, g, strategy, step.aggs, len(step.groupBy), step.numGroups, having)
	fs := *step
	fs.split = plan.AggFinal
	fin.agg = &fs
	out.addPath(fin)
}
