package planner

import (
	"math"

	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// upper plans everything above scan and join and returns the path of the whole level.
func (r *root) upper() (*path, error) {
	q := r.q
	if q.CommandType == query.CmdInsert || q.CommandType == query.CmdUpdate || q.CommandType == query.CmdDelete {
		return r.modify()
	}
	if q.CommandType == query.CmdMerge {
		return nil, pgerr.NotSupported("MERGE is not supported")
	}
	return r.selectPath()
}

// selectPath plans a SELECT, or the part of a data-modifying statement that yields its rows.
func (r *root) selectPath() (*path, error) {
	q := r.q
	r.limitFraction()
	var in *rel
	var err error
	if q.SetOperations != nil {
		in, err = r.setOperations()
		if err != nil {
			return nil, err
		}
	} else {
		r.havingToWhere()
		var extra []query.Expr
		if q.HavingQual != nil {
			extra = append(extra, q.HavingQual)
		}
		for _, w := range q.WindowClause {
			extra = append(extra, nonNil(w.StartOffset, w.EndOffset)...)
		}
		if in, err = r.scanJoin(r.tlist, extra); err != nil {
			return nil, err
		}
		if q.HasAggs || len(q.GroupClause) > 0 || len(q.GroupingSets) > 0 || q.HavingQual != nil {
			if in, err = r.grouping(r.setsBeforeGroups(in)); err != nil {
				return nil, err
			}
		}
		if q.HasWindowFuncs {
			in = r.windows(in)
		}
	}
	in = r.projectAll(in)
	if len(q.DistinctClause) > 0 {
		in = r.distinct(in)
	}
	if len(r.sortKeys) > 0 {
		in = r.ordered(in)
	}
	p := r.fractional(in.paths, r.tupleFrac)
	if len(q.RowMarks) > 0 {
		p = r.lockRows(p)
	}
	p = r.postponed(p)
	if q.LimitCount != nil || q.LimitOffset != nil {
		p = r.limit(p)
	}
	return p, nil
}

func nonNil(es ...query.Expr) []query.Expr {
	var out []query.Expr
	for _, e := range es {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

// limitFraction notes how many rows LIMIT lets through, which favours paths that start quickly.
func (r *root) limitFraction() {
	q := r.q
	if q.LimitCount == nil {
		return
	}
	rows := 0.0
	c := r.estimateExpr(q.LimitCount)
	switch {
	case c == nil:
		rows = 0.10
	case c.Value.IsNull():
		return
	default:
		rows = math.Max(1, float64(c.Value.Int()))
	}
	if q.LimitOffset != nil {
		if o := r.estimateExpr(q.LimitOffset); o != nil && !o.Value.IsNull() && rows >= 1 {
			rows += math.Max(0, float64(o.Value.Int()))
		}
	}
	if rows >= 1 {
		r.limitRows = rows
	}
	if r.tupleFrac == 0 || rows >= 1 && (r.tupleFrac < 1 || rows < r.tupleFrac) {
		r.tupleFrac = rows
	}
}

// havingToWhere moves conditions of HAVING that speak only of grouping columns to WHERE.
func (r *root) havingToWhere() {
	q := r.q
	if q.HavingQual == nil || len(q.GroupClause) == 0 || len(q.GroupingSets) > 0 {
		return
	}
	var keep, move []query.Expr
	for _, h := range andList(q.HavingQual) {
		if hasAgg(h) || r.volatileExpr(h) || hasSubPlan(h) {
			keep = append(keep, h)
		} else {
			move = append(move, h)
		}
	}
	if len(move) > 0 {
		q.HavingQual = makeAnd(keep)
		q.JoinTree = &query.FromExpr{FromList: q.JoinTree.FromList, Quals: makeAnd(append(andList(q.JoinTree.Quals), move...))}
	}
}

func hasSubPlan(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool { _, ok := n.(*plan.SubPlan); return ok })
}

func hasAgg(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool {
		switch n.(type) {
		case *query.Aggref, *query.GroupingFunc:
			return true
		}
		return false
	})
}

func hasWindow(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool { _, ok := n.(*query.WindowFunc); return ok })
}

func hasSRF(e query.Expr) bool {
	return query.FindExpr(e, func(n query.Node) bool {
		switch x := n.(type) {
		case *query.FuncExpr:
			return x.RetSet
		case *query.OpExpr:
			return x.RetSet
		}
		return false
	})
}

// collectAggs lists the different aggregate calls of expressions.
func collectAggs(exprs []query.Expr) []*query.Aggref {
	var out []*query.Aggref
	for _, e := range exprs {
		walkExpr(e, func(n query.Expr) bool {
			a, ok := n.(*query.Aggref)
			if !ok {
				return true
			}
			for _, o := range out {
				if exprEqual(o, a) {
					return false
				}
			}
			out = append(out, a)
			return false
		})
	}
	return out
}

// groupTarget is what grouping yields: the final list, or its parts where windows or set-returning functions come after it.
func (r *root) groupTarget() []*query.TargetEntry {
	late := r.q.HasWindowFuncs
	for _, te := range r.tlist {
		late = late || hasSRF(te.Expr) && !refersTo(r.q.GroupClause, te.Ressortgroupref)
	}
	if !late {
		return r.tlist
	}
	return r.windowInput(r.q.GroupClause)
}

// refersTo reports whether one of the clauses is about the target with that reference.
func refersTo(clauses []*query.SortGroupClause, ref int) bool {
	for _, c := range clauses {
		if ref > 0 && c.TLESortGroupRef == ref {
			return true
		}
	}
	return false
}

// setsBeforeGroups computes the set-returning functions by which rows are grouped.
func (r *root) setsBeforeGroups(in *rel) *rel {
	tl := make([]*query.TargetEntry, 0, len(in.target)+1)
	for i, e := range in.target {
		tl = append(tl, &query.TargetEntry{Expr: e, Resno: i + 1})
	}
	sets := false
	for _, te := range r.tlist {
		if hasSRF(te.Expr) && refersTo(r.q.GroupClause, te.Ressortgroupref) {
			tl = append(tl, &query.TargetEntry{Expr: te.Expr, Resno: len(tl) + 1, Ressortgroupref: te.Ressortgroupref})
			sets = true
		}
	}
	if !sets {
		return in
	}
	out := &rel{relids: in.relids, width: in.width, lateral: in.lateral, target: targetExprs(tl)}
	for _, p := range in.paths {
		n := r.project(p, tl)
		n.rel, out.rows = out, n.rows
		out.paths = append(out.paths, n)
	}
	out.setCheapest()
	return out
}

// windowInput lists what the windows need: grouping, partition and order expressions, and the leaves of the rest. Set-returning
// functions are among it only where one of the clauses in early is about them.
func (r *root) windowInput(early []*query.SortGroupClause) []*query.TargetEntry {
	var out []*query.TargetEntry
	add := func(e query.Expr, ref int) {
		for _, te := range out {
			if exprEqual(te.Expr, e) {
				if te.Ressortgroupref == 0 {
					te.Ressortgroupref = ref
				}
				return
			}
		}
		out = append(out, &query.TargetEntry{Expr: e, Resno: len(out) + 1, Ressortgroupref: ref})
	}
	var leaves func(e query.Expr)
	leaves = func(e query.Expr) {
		walkExpr(e, func(n query.Expr) bool {
			switch n.(type) {
			case *query.Var, *query.Aggref, *query.GroupingFunc:
				add(n, 0)
				return false
			}
			for _, te := range out {
				if te.Ressortgroupref > 0 && exprEqual(te.Expr, n) {
					return false
				}
			}
			return true
		})
	}
	for _, te := range r.tlist {
		if te.Ressortgroupref > 0 && !hasWindow(te.Expr) && (!hasSRF(te.Expr) || refersTo(early, te.Ressortgroupref)) {
			add(te.Expr, te.Ressortgroupref)
		}
	}
	for _, te := range r.tlist {
		leaves(te.Expr)
	}
	for _, w := range r.q.WindowClause {
		for _, e := range nonNil(w.StartOffset, w.EndOffset) {
			leaves(e)
		}
	}
	return out
}

// grouping plans GROUP BY, aggregates and HAVING.
func (r *root) grouping(in *rel) (*rel, error) {
	q := r.q
	target := r.groupTarget()
	exprs := targetExprs(target)
	having := andList(q.HavingQual)
	aggs := collectAggs(append(exprs, having...))
	out := &rel{relids: in.relids, width: in.width, target: nil}
	sets, ngroups, err := r.expandSets(in)
	if err != nil {
		return nil, err
	}
	canHash, canSort := true, true
	for _, g := range q.GroupClause {
		canHash = canHash && g.Hashable
		canSort = canSort && g.SortOp != 0
	}
	for _, a := range aggs {
		if len(a.AggOrder) > 0 || len(a.AggDistinct) > 0 || a.AggKind != 'n' {
			canHash = false
		}
	}
	add := func(strategy plan.AggStrategy, inp *path) {
		p := &path{kind: pathAgg, outer: inp, tlist: target, quals: having}
		p.agg = &aggStep{strategy: strategy, groupBy: q.GroupClause, aggs: aggs, numGroups: ngroups, sets: sets}
		r.costAgg(p, inp, strategy, aggs, len(q.GroupClause), ngroups, having)
		if strategy == plan.AggSorted {
			p.keys = inp.keys
		}
		out.addPath(p)
	}
	switch {
	case len(sets) > 0:
		add(plan.AggMixed, in.cheapest)
	case len(q.GroupClause) == 0:
		if mm := r.minMax(in, aggs); mm != nil {
			p := &path{kind: pathMinMax, tlist: target, quals: having, rows: 1, agg: &aggStep{aggs: aggs}, minmax: mm.params, startup: mm.cost, total: mm.cost + 0.01}
			out.addPath(p)
		}
		add(plan.AggPlain, in.cheapest)
		r.parallelAgg(in, out, plan.AggPlain, &aggStep{strategy: plan.AggPlain, aggs: aggs, numGroups: 1}, target, having)
	default:
		if canSort || !canHash {
			for _, inp := range in.paths {
				if !inp.reqOuter.empty() {
					continue
				}
				if inp == in.cheapest || contained(r.groupKeys, inp.keys) || commonKeys(r.groupKeys, inp.keys) > 0 {
					add(plan.AggSorted, r.sortPath(r.withTargets(inp, r.groupExprs()), r.groupKeys, -1))
				}
			}
		}
		if canHash {
			add(plan.AggHashed, in.cheapest)
			r.parallelAgg(in, out, plan.AggHashed, &aggStep{strategy: plan.AggHashed, groupBy: q.GroupClause, aggs: aggs, numGroups: ngroups}, target, having)
		}
	}
	out.rows = ngroups
	out.setCheapest()
	if len(out.paths) == 0 {
		return nil, pgerr.NotSupported("could not implement GROUP BY").
			WithDetail("Some of the datatypes only support hashing, while others only support sorting.")
	}
	return out, nil
}

func (r *root) groupExprs() []query.Expr {
	var out []query.Expr
	for _, g := range r.q.GroupClause {
		if te := targetByRef(r.tlist, g.TLESortGroupRef); te != nil {
			out = append(out, te.Expr)
		}
	}
	return out
}

func targetExprs(tl []*query.TargetEntry) []query.Expr {
	out := make([]query.Expr, len(tl))
	for i, te := range tl {
		out[i] = te.Expr
	}
	return out
}

// withTargets leaves a path as it is: the builder computes sort expressions that its columns do not hold.
func (r *root) withTargets(p *path, _ []query.Expr) *path { return p }

// expandSets turns grouping sets into lists of positions in the GROUP BY list, and estimates the number of groups.
func (r *root) expandSets(in *rel) ([][]int, float64, error) {
	q := r.q
	if len(q.GroupingSets) == 0 {
		if len(q.GroupClause) == 0 {
			return nil, 1, nil
		}
		return nil, r.numGroups(r.groupExprs(), in.rows), nil
	}
	pos := map[int]int{}
	for i, g := range q.GroupClause {
		pos[g.TLESortGroupRef] = i
	}
	refs := [][]int{{}}
	for _, gs := range q.GroupingSets {
		var next [][]int
		for _, a := range refs {
			for _, b := range setsOf(gs) {
				next = append(next, unionRefs(a, b))
			}
		}
		refs = next
		if len(refs) > 4096 {
			return nil, 0, pgerr.New(pgerr.StatementTooComplex, "too many grouping sets present (maximum 4096)")
		}
	}
	if q.GroupDistinct {
		refs = distinctSets(refs)
	}
	total := 0.0
	exprs := r.groupExprs()
	sets := make([][]int, len(refs))
	for i, s := range refs {
		var es []query.Expr
		sets[i] = []int{}
		for _, ref := range s {
			sets[i] = append(sets[i], pos[ref])
			es = append(es, exprs[pos[ref]])
		}
		total += r.numGroups(es, in.rows)
	}
	return sets, clampRows(total), nil
}

func setsOf(g *query.GroupingSet) [][]int {
	switch g.Kind {
	case query.GroupingSetEmpty:
		return [][]int{{}}
	case query.GroupingSetSimple:
		return [][]int{g.Refs}
	case query.GroupingSetRollup:
		out := [][]int{}
		for n := len(g.Content); n >= 0; n-- {
			var s []int
			for _, c := range g.Content[:n] {
				s = unionRefs(s, c.Refs)
			}
			out = append(out, s)
		}
		return out
	case query.GroupingSetCube:
		out := [][]int{}
		n := len(g.Content)
		for mask := (1 << n) - 1; mask >= 0; mask-- {
			var s []int
			for i, c := range g.Content {
				if mask&(1<<(n-1-i)) != 0 {
					s = unionRefs(s, c.Refs)
				}
			}
			out = append(out, s)
		}
		return out
	}
	var out [][]int
	for _, c := range g.Content {
		out = append(out, setsOf(c)...)
	}
	return out
}

func unionRefs(a, b []int) []int {
	out := append([]int{}, a...)
next:
	for _, x := range b {
		for _, y := range out {
			if x == y {
				continue next
			}
		}
		out = append(out, x)
	}
	return out
}

func distinctSets(sets [][]int) [][]int {
	var out [][]int
next:
	for _, s := range sets {
		for _, o := range out {
			if len(o) == len(s) && len(unionRefs(o, s)) == len(o) {
				continue next
			}
		}
		out = append(out, s)
	}
	return out
}

// windows plans the window functions, one WindowAgg for each window, in an order that shares sorts.
func (r *root) windows(in *rel) *rel {
	q := r.q
	early := q.GroupClause[:len(q.GroupClause):len(q.GroupClause)]
	for _, w := range q.WindowClause {
		early = append(append(early, w.PartitionClause...), w.OrderClause...)
	}
	input := r.windowInput(early)
	p := in.cheapest
	if r.windowKeys != nil {
		for _, c := range in.paths {
			if c.reqOuter.empty() && contained(r.windowKeys, c.keys) && c.total < p.total*1.2 {
				p = c
			}
		}
	}
	if !sameTargets(p.tlist, input) {
		p = r.project(p, input)
	}
	have := append([]*query.TargetEntry(nil), input...)
	for _, w := range q.WindowClause {
		funcs := windowFuncs(r.tlist, w.WinRef)
		if len(funcs) == 0 {
			continue
		}
		clauses := append(w.PartitionClause[:len(w.PartitionClause):len(w.PartitionClause)], w.OrderClause...)
		keys := r.keysFor(clauses, r.tlist)
		if len(keys) > 0 {
			p = r.sortPath(p, keys, -1)
		}
		for _, f := range funcs {
			have = append(have, &query.TargetEntry{Expr: f, Resno: len(have) + 1})
		}
		tl := append([]*query.TargetEntry(nil), have...)
		n := &path{kind: pathWindow, rel: in, outer: p, tlist: tl, keys: p.keys, rows: p.rows, window: &windowStep{clause: w, funcs: funcs, keys: keys}}
		c := r.g.facts.costs()
		n.startup = p.startup
		n.total = p.total + p.rows*(c.CPUOperator*float64(len(funcs)+len(clauses))+c.CPUTuple)
		p = n
	}
	out := &rel{relids: in.relids, rows: p.rows, width: in.width}
	out.addPath(p)
	out.setCheapest()
	return out
}

func windowFuncs(tl []*query.TargetEntry, ref int) []*query.WindowFunc {
	var out []*query.WindowFunc
	for _, te := range tl {
		walkExpr(te.Expr, func(n query.Expr) bool {
			f, ok := n.(*query.WindowFunc)
			if !ok || f.WinRef != ref {
				return true
			}
			for _, o := range out {
				if exprEqual(o, f) {
					return false
				}
			}
			out = append(out, f)
			return false
		})
	}
	return out
}

func sameTargets(a, b []*query.TargetEntry) bool {
	if len(a) != len(b) || a == nil {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !exprEqual(a[i].Expr, b[i].Expr) {
			return false
		}
	}
	return true
}

func (r *root) project(in *path, tl []*query.TargetEntry) *path {
	c := r.tlistCost(tl)
	kind := pathProject
	rows := in.rows
	for _, te := range tl {
		if hasSRF(te.Expr) {
			kind = pathProjectSet
		}
	}
	if kind == pathProjectSet {
		f := 1.0
		for _, te := range tl {
			walkExpr(te.Expr, func(e query.Expr) bool { f = math.Max(f, r.setRows(e)); return true })
		}
		rows = clampRows(rows * f)
	}
	return &path{kind: kind, rel: in.rel, outer: in, tlist: tl, keys: in.keys, rows: rows, reqOuter: in.reqOuter,
		startup: in.startup + c.startup, total: in.total + c.startup + c.perRow*rows}
}

// projectAll makes every path of a relation yield the final target list, except what is left for after the sort.
func (r *root) projectAll(in *rel) *rel {
	tl := r.sortTarget()
	out := &rel{relids: in.relids, rows: in.rows, width: in.width, lateral: in.lateral}
	w := 0.0
	for _, te := range tl {
		w += r.exprWidth(te.Expr)
	}
	out.width = int(w)
	for _, p := range in.paths {
		if !p.reqOuter.empty() && len(in.paths) > 1 && p != in.cheapest {
			continue
		}
		n := p
		if !sameTargets(p.tlist, tl) {
			n = r.project(p, tl)
		}
		n.rel = out
		out.paths = append(out.paths, n)
		out.rows = n.rows
	}
	out.setCheapest()
	return out
}

// sortTarget is the target list to be computed before ORDER BY; volatile, set-returning and, under LIMIT, subselect
// columns that the order does not need come after it.
func (r *root) sortTarget() []*query.TargetEntry {
	if len(r.sortKeys) == 0 || len(r.q.DistinctClause) > 0 || r.q.SetOperations != nil {
		return r.tlist
	}
	late := false
	for _, te := range r.tlist {
		if r.isLate(te) {
			late = true
		}
	}
	if !late {
		return r.tlist
	}
	var out []*query.TargetEntry
	add := func(e query.Expr, ref int) {
		for _, te := range out {
			if exprEqual(te.Expr, e) && te.Ressortgroupref == ref {
				return
			}
		}
		out = append(out, &query.TargetEntry{Expr: e, Resno: len(out) + 1, Ressortgroupref: ref})
	}
	for _, te := range r.tlist {
		if !r.isLate(te) {
			add(te.Expr, te.Ressortgroupref)
		}
	}
	for _, te := range r.tlist {
		if !r.isLate(te) {
			continue
		}
		walkExpr(te.Expr, func(n query.Expr) bool {
			switch n.(type) {
			case *query.Var, *query.Aggref, *query.GroupingFunc, *query.WindowFunc:
				for _, o := range out {
					if exprEqual(o.Expr, n) {
						return false
					}
				}
				add(n, 0)
				return false
			}
			return true
		})
	}
	return out
}

func (r *root) isLate(te *query.TargetEntry) bool {
	if te.Ressortgroupref > 0 || te.Resjunk {
		return false
	}
	return r.volatileExpr(te.Expr) || hasSRF(te.Expr) || r.q.LimitCount != nil && hasSubPlan(te.Expr)
}

// postponed computes the columns that were left for after the sort.
func (r *root) postponed(p *path) *path {
	if sameTargets(r.outputOf(p), r.tlist) {
		return p
	}
	return r.project(p, r.tlist)
}

// outputOf finds the target list that a path yields.
func (r *root) outputOf(p *path) []*query.TargetEntry {
	for p != nil {
		if p.tlist != nil {
			return p.tlist
		}
		p = p.outer
	}
	return nil
}

func (r *root) distinct(in *rel) *rel {
	q := r.q
	out := &rel{relids: in.relids, width: in.width}
	var exprs []query.Expr
	canHash, canSort := !q.HasDistinctOn, true
	for _, d := range q.DistinctClause {
		exprs = append(exprs, targetByRef(r.tlist, d.TLESortGroupRef).Expr)
		canHash = canHash && d.Hashable
		canSort = canSort && d.SortOp != 0
	}
	n := r.numGroups(exprs, in.rows)
	if q.HasAggs || len(q.GroupClause) > 0 {
		n = in.rows
	}
	c := r.g.facts.costs()
	if canSort {
		keys := r.distinctKeys
		if q.HasDistinctOn && len(r.sortKeys) > len(keys) || contained(keys, r.sortKeys) {
			keys = r.sortKeys
		}
		for _, inp := range in.paths {
			if !inp.reqOuter.empty() || inp != in.cheapest && !contained(keys, inp.keys) {
				continue
			}
			s := r.sortPath(inp, keys, -1)
			p := &path{kind: pathUnique, outer: s, keys: s.keys, rows: n, startup: s.startup, total: s.total + c.CPUOperator*s.rows*float64(len(exprs))}
			out.addPath(p)
		}
	}
	if canHash && in.cheapest != nil {
		inp := in.cheapest
		p := &path{kind: pathAgg, outer: inp, tlist: r.tlist, agg: &aggStep{strategy: plan.AggHashed, groupBy: q.DistinctClause, numGroups: n}}
		r.costAgg(p, inp, plan.AggHashed, nil, len(exprs), n, nil)
		out.addPath(p)
	}
	out.rows = n
	out.setCheapest()
	return out
}

func (r *root) ordered(in *rel) *rel {
	out := &rel{relids: in.relids, rows: in.rows, width: in.width}
	bound := -1.0
	if r.limitRows >= 1 && len(r.q.RowMarks) == 0 {
		bound = r.limitRows
	}
	for _, inp := range in.paths {
		if !inp.reqOuter.empty() && len(in.paths) > 1 {
			continue
		}
		if inp != in.cheapest && commonKeys(r.sortKeys, inp.keys) == 0 {
			continue
		}
		p := r.sortPath(inp, r.sortKeys, bound)
		if p == inp {
			c := *inp
			p = &c
		}
		out.addPath(p)
	}
	out.setCheapest()
	return out
}

func (r *root) lockRows(in *path) *path {
	p := &path{kind: pathLockRows, rel: in.rel, outer: in, rows: in.rows, startup: in.startup}
	p.total = in.total + in.rows*r.g.facts.costs().CPUTuple
	return p
}

func (r *root) limit(in *path) *path {
	p := &path{kind: pathLimit, rel: in.rel, outer: in, keys: in.keys, rows: in.rows, startup: in.startup, total: in.total}
	off, cnt := 0.0, -1.0
	if r.q.LimitOffset != nil {
		off = in.rows * 0.1
		if c := r.estimateExpr(r.q.LimitOffset); c != nil && !c.Value.IsNull() {
			off = math.Max(0, float64(c.Value.Int()))
		}
	}
	if r.q.LimitCount != nil {
		cnt = in.rows * 0.1
		if c := r.estimateExpr(r.q.LimitCount); c != nil {
			cnt = -1
			if !c.Value.IsNull() {
				cnt = math.Max(0, float64(c.Value.Int()))
			}
		}
	}
	run := in.total - in.startup
	off = math.Min(off, in.rows)
	if in.rows > 0 {
		p.startup += run * off / in.rows
	}
	p.rows = clampRows(in.rows - off)
	if cnt >= 0 && cnt < p.rows {
		if in.rows > 0 {
			p.total = p.startup + run*cnt/in.rows
		}
		p.rows = clampRows(cnt)
	}
	return p
}
