package planner

import (
	"math"
	"slices"

	"gompho/internal/ids"
	"gompho/sql/query"
)

// joinPaths offers the ways to join outer and inner as join type jt. For JoinRight the preserved side is inner.
func (r *root) joinPaths(j, outer, inner *rel, jt query.JoinType, infos []*rinfo, sj *specialJoin) {
	if r.lateralInto(inner, outer) {
		return
	}
	jc := &joinCase{r: r, j: j, outer: outer, inner: inner, jt: jt, infos: infos, sj: sj}
	jc.innerUnique = r.innerUnique(inner, outer, infos, jt)
	jc.split()
	jc.nestLoops()
	if !r.lateralInto(outer, inner) {
		jc.hashJoins()
		jc.mergeJoins()
	}
}

// joinCase is one pairing of sides and join type.
type joinCase struct {
	r            *root
	j            *rel
	outer, inner *rel
	jt           query.JoinType
	infos        []*rinfo
	sj           *specialJoin
	innerUnique  bool
	eq           []*rinfo // equalities between the sides usable for hashing or merging
}

// split finds the equality conditions between the sides. Those above an outer join cannot serve as its own condition.
func (jc *joinCase) split() {
	for _, ri := range jc.infos {
		if !ri.canJoin || jc.isOuter() && ri.pushedDown {
			continue
		}
		o, i := jc.outer.relids, jc.inner.relids
		if ri.leftRelids.subsetOf(o) && ri.rightRels.subsetOf(i) || ri.leftRelids.subsetOf(i) && ri.rightRels.subsetOf(o) {
			jc.eq = append(jc.eq, ri)
		}
	}
}

func (jc *joinCase) isOuter() bool {
	return jc.jt == query.JoinLeft || jc.jt == query.JoinRight || jc.jt == query.JoinFull || jc.jt == query.JoinAnti
}

// innerUnique reports whether at most one inner row matches an outer row: some unique index is pinned by equalities.
func (r *root) innerUnique(inner, outer *rel, infos []*rinfo, jt query.JoinType) bool {
	if inner.relids.count() != 1 || inner.table == nil {
		return false
	}
	var cols []int
	for _, ri := range append(infos[:len(infos):len(infos)], inner.restrict...) {
		if ri.left == nil || len(ri.merge) == 0 || jt != query.JoinInner && ri.pushedDown && !ri.relids.subsetOf(inner.relids) {
			continue
		}
		l, rr := stripRelabel(ri.left), stripRelabel(ri.right)
		if v, ok := l.(*query.Var); ok && v.Varno == inner.rti && !ri.rightRels.overlaps(inner.relids) {
			cols = append(cols, v.Varattno)
		}
		if v, ok := rr.(*query.Var); ok && v.Varno == inner.rti && !ri.leftRelids.overlaps(inner.relids) {
			cols = append(cols, v.Varattno)
		}
	}
	for _, ix := range inner.table.indexes {
		if !ix.unique || !ix.immediate || ix.pred != nil {
			continue
		}
		all := true
		for c := 0; c < ix.nkeys; c++ {
			found := false
			for _, a := range cols {
				found = found || a == ix.keys[c] && a != 0
			}
			all = all && found
		}
		if all {
			return true
		}
	}
	return false
}

// nestLoops pairs outer paths with inner paths, parameterized ones and materialized ones among them.
func (jc *joinCase) nestLoops() {
	if jc.jt == query.JoinRight || jc.jt == query.JoinFull {
		return
	}
	r := jc.r
	for _, op := range jc.outer.paths {
		if !op.reqOuter.empty() && op.reqOuter.overlaps(jc.inner.relids) {
			continue
		}
		if op != jc.outer.cheapest && op != jc.outer.cheapestStart && len(op.keys) == 0 && op.reqOuter.empty() {
			continue
		}
		for _, ip := range jc.inner.paths {
			need := ip.reqOuter.minus(jc.outer.relids)
			if need != ip.reqOuter || ip.reqOuter.empty() {
				if ip.reqOuter.empty() && ip != jc.inner.cheapest && ip != jc.inner.cheapestStart {
					continue
				}
				jc.nestLoop(op, ip)
				if m := r.memoize(jc, op, ip); m != nil {
					jc.nestLoop(op, m)
				}
			}
		}
		c := r.g.facts.costs()
		if ip := jc.inner.cheapest; ip != nil && ip.reqOuter.empty() && c.Material && ip.kind != pathMaterial && ip.kind != pathCTE {
			m := &path{kind: pathMaterial, rel: jc.inner, outer: ip}
			r.costMaterial(m, ip)
			jc.nestLoop(op, m)
		}
	}
}

// nestLoop costs and offers one nested loop.
func (jc *joinCase) nestLoop(op, ip *path) {
	r := jc.r
	c := r.g.facts.costs()
	req := op.reqOuter.union(ip.reqOuter.minus(jc.outer.relids)).minus(jc.j.relids)
	if !jc.sensibleParam(req) {
		return
	}
	p := &path{kind: pathNestLoop, outer: op, inner: ip, jointype: jc.jt, innerUnique: jc.innerUnique, keys: op.keys, reqOuter: req}
	p.clauses = jc.pendingInfos(ip)
	if !c.NestLoop {
		p.startup += disableCost
	}
	rs, rt := r.rescanCost(ip)
	p.startup += op.startup + ip.startup
	run := op.total - op.startup
	orows := math.Max(op.rows, 1)
	innerRun, reRun := ip.total-ip.startup, rt-rs
	if orows > 1 {
		run += (orows - 1) * rs
	}
	q := r.infosCost(p.clauses)
	p.startup += q.startup
	var tuples float64
	if jc.jt == query.JoinSemi || jc.jt == query.JoinAnti || jc.innerUnique {
		frac, matches := jc.semiFactors(ip)
		scan := 2.0 / (matches + 1)
		matched := math.Round(orows * frac)
		unmatched := orows - matched
		if len(p.clauses) == 0 && isIndexKind(ip.kind) && !ip.reqOuter.empty() { // a row without partner costs little
			tuples = matched * ip.rows * scan
			run += innerRun * scan
			if matched > 1 {
				run += (matched - 1) * reRun * scan
			}
			run += unmatched * reRun / math.Max(ip.rows, 1)
		} else {
			run += innerRun
			tuples = matched*ip.rows*scan + unmatched*ip.rows
			if unmatched >= 1 {
				unmatched--
			} else {
				matched--
			}
			run += math.Max(0, matched) * reRun * scan
			run += math.Max(0, unmatched) * reRun
		}
	} else {
		run += innerRun
		if orows > 1 {
			run += (orows - 1) * reRun
		}
		tuples = orows * ip.rows
	}
	run += (c.CPUTuple + q.perRow) * tuples
	p.rows = jc.rowsFor(req, p)
	p.total = p.startup + run + 0*p.rows
	jc.j.addPath(p)
}

func isIndexKind(k pathKind) bool {
	return k == pathIndexScan || k == pathIndexOnly || k == pathBitmapHeap
}

// sensibleParam keeps only parameterizations that a join above can supply at once.
func (jc *joinCase) sensibleParam(req relset) bool {
	if req.empty() {
		return true
	}
	if req.subsetOf(jc.j.lateral) {
		return true
	}
	// A join above may supply the rest; do not let these pile up.
	return req.count() <= 2
}

func (jc *joinCase) rowsFor(req relset, p *path) float64 {
	if req.empty() {
		return jc.j.rows
	}
	s := p.outer.rows * p.inner.rows
	return clampRows(math.Min(jc.j.rows, math.Max(1, s*jc.r.listSelectivity(p.clauses, relset{}, query.JoinInner, nil))))
}

// pendingInfos lists the conditions that the inner path does not enforce itself.
func (jc *joinCase) pendingInfos(ip *path) []*rinfo {
	base := ip
	for base.kind == pathMemoize || base.kind == pathMaterial {
		base = base.outer
	}
	if base.reqOuter.empty() {
		return jc.infos
	}
	var out []*rinfo
	done := jc.enforced(base)
	for _, ri := range jc.infos {
		ok := false
		for _, d := range done {
			if d == ri || exprEqual(d.clause, ri.clause) || d.ec != nil && d.ec == ri.ec && !jc.isOuter() {
				ok = true
			}
		}
		if !ok {
			out = append(out, ri)
		}
	}
	return out
}

// enforced lists the join conditions that a parameterized path checks.
func (jc *joinCase) enforced(p *path) []*rinfo {
	if p.kind == pathBitmapHeap || p.kind == pathIndexScan || p.kind == pathIndexOnly {
		return p.clauses
	}
	if p.kind == pathInherit {
		return jc.enforcedByAll(p)
	}
	return nil
}

// semiFactors estimates the fraction of outer rows with a match, and the matches of each.
func (jc *joinCase) semiFactors(ip *path) (frac, matches float64) {
	r := jc.r
	var own []*rinfo
	for _, ri := range jc.infos {
		if !jc.isOuter() || !ri.pushedDown {
			own = append(own, ri)
		}
	}
	inner := jc.inner.rows
	sj := jc.sj
	if sj == nil || sj.jointype == query.JoinInner {
		sj = &specialJoin{jointype: query.JoinSemi, minLeft: jc.outer.relids, minRight: jc.inner.relids, synLeft: jc.outer.relids, synRight: jc.inner.relids}
	}
	if jc.jt != query.JoinSemi && jc.jt != query.JoinAnti {
		// As PostgreSQL: of other joins the selectivity among all pairs counts.
		return r.listSelectivity(own, relset{}, query.JoinInner, nil), math.Max(1, inner)
	}
	frac = r.listSelectivity(own, relset{}, query.JoinSemi, sj)
	n := r.listSelectivity(own, relset{}, query.JoinInner, nil) * inner
	if frac > 0 {
		matches = math.Max(1, n/frac)
	} else {
		matches = 1
	}
	return frac, matches
}

// memoize caches a parameterized inner path by its parameters, where outer values repeat.
func (r *root) memoize(jc *joinCase, op, ip *path) *path {
	c := r.g.facts.costs()
	if !c.Memoize || ip.reqOuter.empty() || !isIndexKind(ip.kind) || op.rows < 2 || !ip.reqOuter.subsetOf(jc.outer.relids) {
		return nil
	}
	if (jc.jt == query.JoinSemi || jc.jt == query.JoinAnti) && !jc.innerUnique {
		return nil
	}
	var keys []query.Expr
	var ops []ids.Oid
	for _, ri := range ip.clauses {
		if ri.relids.subsetOf(jc.inner.relids) {
			continue
		}
		if ri.left == nil || !ri.hashable || len(ri.merge) == 0 {
			return nil
		}
		e := ri.left
		if ri.leftRelids.overlaps(jc.inner.relids) {
			e = ri.right
		}
		info := r.g.facts.op(ri.opno)
		if info.left != info.right || r.volatileExpr(e) {
			return nil
		}
		keys = append(keys, e)
		ops = append(ops, ri.opno)
	}
	if len(keys) == 0 {
		return nil
	}
	p := &path{kind: pathMemoize, rel: jc.inner, outer: ip, reqOuter: ip.reqOuter, memoKeys: keys, memoOps: ops, rows: ip.rows, clauses: ip.clauses, keys: ip.keys}
	nd := math.Max(1, r.numGroups(keys, op.rows))
	fit := math.Max(1, c.WorkMem*c.HashMemMultiplier/(ip.rows*float64(jc.inner.width+32)+64))
	if r.guessesGroups(keys) {
		nd = op.rows
	}
	kept := math.Min(fit, nd) / nd
	hit := math.Max(0, kept-nd/op.rows)
	p.startup, p.total = ip.startup+c.CPUTuple, ip.total+c.CPUTuple
	p.again.startup = ip.startup*(1-hit) + c.CPUTuple
	p.again.total = ip.total*(1-hit) + c.CPUOperator*(2+ip.rows) + (1-kept)*(c.CPUTuple+10*c.CPUOperator*ip.rows)
	return p
}

// guessesGroups reports whether there are no statistics to tell how many different values expressions have.
func (r *root) guessesGroups(exprs []query.Expr) bool {
	for _, e := range exprs {
		if _, known := r.varStats(e).distinct(); known {
			return false
		}
	}
	return true
}

// hashJoins offers hash joins by all equalities.
func (jc *joinCase) hashJoins() {
	var hc []*rinfo
	for _, ri := range jc.eq {
		if ri.hashable {
			hc = append(hc, ri)
		}
	}
	if len(hc) == 0 || jc.inner.cheapest == nil || !jc.inner.cheapest.reqOuter.empty() {
		return
	}
	seen := map[*path]bool{}
	for _, op := range []*path{jc.outer.cheapest, jc.outer.cheapestStart} {
		if op != nil && op.reqOuter.empty() && !seen[op] {
			seen[op] = true
			jc.hashJoin(op, jc.inner.cheapest, hc)
		}
	}
}

func (jc *joinCase) hashJoin(op, ip *path, hc []*rinfo) {
	r := jc.r
	c := r.g.facts.costs()
	jt := jc.jt
	p := &path{kind: pathHashJoin, outer: op, inner: ip, jointype: jt, clauses: jc.infos, hashClauses: hc, innerUnique: jc.innerUnique}
	if !c.HashJoin {
		p.startup += disableCost
	}
	nk := float64(len(hc))
	p.startup += op.startup + ip.total + (c.CPUOperator*nk+c.CPUTuple)*ip.rows
	run := op.total - op.startup + c.CPUOperator*nk*op.rows
	bytes := ip.rows * float64(jc.inner.width+40)
	if mem := c.WorkMem * c.HashMemMultiplier; bytes > mem { // batches go to disk and back
		ipages := math.Ceil(bytes / 8192)
		opages := math.Ceil(op.rows * float64(jc.outer.width+40) / 8192)
		p.startup += c.SeqPage * ipages
		run += c.SeqPage * (ipages + 2*opages)
	}
	bucket := jc.bucketSize(hc)
	hq := r.infosCost(hc)
	all := r.infosCost(notIn(jc.infos, hc))
	p.startup += hq.startup + all.startup
	var tuples float64
	if jt == query.JoinSemi || jt == query.JoinAnti || jc.innerUnique {
		frac, matches := jc.semiFactors(ip)
		matched := math.Round(op.rows * frac)
		run += hq.perRow * matched * clampRows(ip.rows*bucket*2/(matches+1)) * 0.5
		run += hq.perRow * (op.rows - matched) * clampRows(ip.rows/math.Max(1, ip.rows)) * 0.05
		tuples = matched
		if jt == query.JoinAnti {
			tuples = op.rows - matched
		}
	} else {
		run += hq.perRow * op.rows * clampRows(ip.rows*bucket) * 0.5
		tuples = clampRows(op.rows * ip.rows * r.listSelectivity(hc, relset{}, query.JoinInner, nil))
	}
	run += (c.CPUTuple + all.perRow) * tuples
	p.rows = jc.j.rows
	p.total = p.startup + run
	jc.j.addPath(p)
}

// bucketSize is the fraction of the inner rows that fall into one bucket.
func (jc *joinCase) bucketSize(hc []*rinfo) float64 {
	best := 1.0
	for _, ri := range hc {
		e := ri.right
		if ri.leftRelids.subsetOf(jc.inner.relids) {
			e = ri.left
		}
		vi := jc.r.varStats(e)
		nd, _ := vi.distinct()
		nd = math.Max(1, math.Min(nd, math.Max(jc.inner.rows, 1)))
		f := 1 / nd
		if vi.st != nil && len(vi.st.mcvFreq) > 0 {
			f = math.Max(f, vi.st.mcvFreq[0])
		}
		best = math.Min(best, f)
	}
	return math.Max(best, 1e-6)
}

// mergeJoins offers merge joins: both sides sorted, or in an order they have already.
func (jc *joinCase) mergeJoins() {
	r := jc.r
	var mc []*rinfo
	for _, ri := range jc.eq {
		if len(ri.merge) > 0 {
			jc.r.cacheClasses(ri)
			if ri.leftEC != nil && ri.rightEC != nil {
				mc = append(mc, ri)
			}
		}
	}
	if jc.jt == query.JoinFull && len(mc) == 0 && jc.constantOnly() {
		// Without columns to sort by all rows are of one group, and the condition decides about all pairs.
		if op, ip := jc.outer.cheapest, jc.inner.cheapest; op != nil && ip != nil && op.reqOuter.empty() && ip.reqOuter.empty() {
			jc.mergeJoin(op, ip, nil, nil, nil)
		}
		return
	}
	if len(mc) == 0 || jc.jt == query.JoinFull && len(mc) < len(jc.ownInfos()) {
		return
	}
	outerKeys := r.mergeSortKeys(jc, mc)
	for i := range outerKeys { // each class first once
		keys := append([]*pathkey{outerKeys[i]}, append(append([]*pathkey(nil), outerKeys[:i]...), outerKeys[i+1:]...)...)
		jc.sortedMerge(jc.outer.cheapest, keys, mc)
		if i > 3 {
			break
		}
	}
	for _, op := range jc.outer.paths { // an order that an outer path has
		if len(op.keys) == 0 || !op.reqOuter.empty() {
			continue
		}
		jc.presortedMerge(op, mc)
	}
}

func (jc *joinCase) ownInfos() []*rinfo {
	var out []*rinfo
	for _, ri := range jc.infos {
		if !ri.pushedDown {
			out = append(out, ri)
		}
	}
	return out
}

// constantOnly reports whether the join's own condition is constant.
func (jc *joinCase) constantOnly() bool {
	for _, ri := range jc.ownInfos() {
		if _, ok := ri.clause.(*query.Const); !ok {
			return false
		}
	}
	return true
}

// cacheClasses finds the equivalence classes of a mergejoinable clause's sides.
func (r *root) cacheClasses(ri *rinfo) {
	info := r.g.facts.op(ri.opno)
	var fams []ids.Oid
	for _, m := range ri.merge {
		fams = append(fams, m.family)
	}
	coll := ri.clause.(*query.OpExpr).InputCollid
	if ri.leftEC == nil {
		ri.leftEC = r.classFor(ri.left, fams, info.left, coll, 0)
	}
	if ri.rightEC == nil {
		ri.rightEC = r.classFor(ri.right, fams, info.right, coll, 0)
	}
	ri.leftEC, ri.rightEC = ri.leftEC.final(), ri.rightEC.final()
}

func (jc *joinCase) outerEC(ri *rinfo) *eclass {
	if ri.leftRelids.subsetOf(jc.outer.relids) {
		return ri.leftEC
	}
	return ri.rightEC
}

func (jc *joinCase) innerEC(ri *rinfo) *eclass {
	if ri.leftRelids.subsetOf(jc.outer.relids) {
		return ri.rightEC
	}
	return ri.leftEC
}

func (r *root) mergeSortKeys(jc *joinCase, mc []*rinfo) []*pathkey {
	var keys []*pathkey
	// The order that the query wants comes first where it fits.
	for _, k := range r.sortKeys {
		for _, ri := range mc {
			if jc.outerEC(ri) == k.ec.final() && !redundant(k, keys) {
				keys = append(keys, k)
			}
		}
	}
	for _, ri := range mc {
		k := &pathkey{ec: jc.outerEC(ri), family: ri.merge[0].family}
		if !redundant(k, keys) {
			keys = append(keys, k)
		}
	}
	return keys
}

// alignMerge orders merge clauses by outer keys and derives the inner keys.
func (jc *joinCase) alignMerge(keys []*pathkey, mc []*rinfo) (clauses []*rinfo, used, inner []*pathkey) {
	for _, k := range keys {
		found := false
		for _, ri := range mc {
			if jc.outerEC(ri) != k.ec.final() || ri.merge[0].family != k.family {
				continue
			}
			ik := &pathkey{ec: jc.innerEC(ri), family: k.family, desc: k.desc, nullsFirst: k.nullsFirst}
			if found && redundant(ik, inner) {
				clauses = append(clauses, ri)
				used = append(used, k)
				continue
			}
			if found {
				continue
			}
			found = true
			clauses = append(clauses, ri)
			used = append(used, k)
			inner = append(inner, ik)
		}
		if !found {
			break
		}
	}
	return clauses, used, inner
}

func (jc *joinCase) sortedMerge(op *path, keys []*pathkey, mc []*rinfo) {
	clauses, used, inner := jc.alignMerge(keys, mc)
	if len(clauses) == 0 || jc.jt == query.JoinFull && len(clauses) < len(mc) || op == nil || !op.reqOuter.empty() ||
		jc.inner.cheapest == nil || !jc.inner.cheapest.reqOuter.empty() {
		return
	}
	ip := jc.bestOrdered(jc.inner, inner)
	jc.mergeJoin(jc.r.sortPath(op, dedupKeys(used), -1), ip, clauses, used, inner)
}

func dedupKeys(keys []*pathkey) []*pathkey {
	var out []*pathkey
	for _, k := range keys {
		if !redundant(k, out) {
			out = append(out, k)
		}
	}
	return out
}

// bestOrdered is the cheapest way to get a relation in an order.
func (jc *joinCase) bestOrdered(x *rel, keys []*pathkey) *path {
	best := jc.r.sortPath(x.cheapest, keys, -1)
	for _, p := range x.paths {
		if p.reqOuter.empty() && contained(keys, p.keys) && p.total < best.total {
			best = p
		}
	}
	return best
}

func (jc *joinCase) presortedMerge(op *path, mc []*rinfo) {
	clauses, used, inner := jc.alignMerge(op.keys, mc)
	if len(clauses) == 0 || jc.jt == query.JoinFull && len(clauses) < len(mc) || jc.inner.cheapest == nil || !jc.inner.cheapest.reqOuter.empty() {
		return
	}
	jc.mergeJoin(op, jc.bestOrdered(jc.inner, inner), clauses, used, inner)
}

func (jc *joinCase) mergeJoin(op, ip *path, mc []*rinfo, used, inner []*pathkey) {
	r := jc.r
	c := r.g.facts.costs()
	p := &path{kind: pathMergeJoin, outer: op, inner: ip, jointype: jc.jt, clauses: jc.infos, hashClauses: mc, mergeKeys: used, innerUnique: jc.innerUnique}
	if !c.MergeJoin {
		p.startup += disableCost
	}
	if jc.jt != query.JoinFull && jc.jt != query.JoinRight {
		p.keys = op.keys
	}
	mq := r.infosCost(mc)
	all := r.infosCost(notIn(jc.infos, mc))
	p.startup += op.startup + ip.startup + mq.startup + all.startup
	run := op.total - op.startup + ip.total - ip.startup
	matched := clampRows(op.rows * ip.rows * r.listSelectivity(mc, relset{}, query.JoinInner, nil))
	rescanned := math.Max(0, matched-ip.rows)
	if jc.innerUnique || jc.jt == query.JoinSemi || jc.jt == query.JoinAnti {
		rescanned = 0
	}
	if c.Material && rescanned > 0 && ip.kind != pathSort && ip.kind != pathMaterial || ip.kind == pathIndexScan && rescanned > 0 {
		m := &path{kind: pathMaterial, rel: jc.inner, outer: ip, keys: ip.keys}
		r.costMaterial(m, ip)
		p.inner = m
		run += m.total - ip.total
	}
	run += mq.perRow * (op.rows + ip.rows*(1+rescanned/math.Max(ip.rows, 1)))
	run += (c.CPUTuple + all.perRow) * matched
	p.rows = jc.j.rows
	p.total = p.startup + run
	jc.j.addPath(p)
}

// uniqueSemi offers a semi join as an inner join with the right side made unique.
func (r *root) uniqueSemi(j, a, b *rel, infos []*rinfo, sj *specialJoin) {
	if len(sj.semiRight) == 0 || !b.relids.subsetOf(sj.synRight) || !sj.synRight.subsetOf(b.relids) || b.cheapest == nil || !b.cheapest.reqOuter.empty() {
		return
	}
	before := j.rows
	if r.alreadyUnique(b, sj) {
		r.joinPaths(j, a, b, query.JoinInner, infos, sj)
		r.joinPaths(j, b, a, query.JoinInner, infos, sj)
		j.rows = before
		return
	}
	in := b.cheapest
	u := &path{kind: pathUniqueRows, outer: in, memoKeys: sj.semiRight, memoOps: sj.semiOps}
	n := r.numGroups(sj.semiRight, in.rows)
	c := r.g.facts.costs()
	u.rows = n
	u.startup = in.total + c.CPUOperator*in.rows*float64(len(sj.semiRight)) + c.CPUTuple*in.rows*0.5
	u.total = u.startup + n*c.CPUTuple
	ub := *b
	ub.rows = n
	u.rel = &ub
	ub.paths = []*path{u}
	ub.cheapest, ub.cheapestStart, ub.paramCheapest = u, u, nil
	r.joinPaths(j, a, &ub, query.JoinInner, infos, sj)
	r.joinPaths(j, &ub, a, query.JoinInner, infos, sj)
	j.rows = before
}

// alreadyUnique reports whether a unique index says that the right side of a semi join has no row twice.
func (r *root) alreadyUnique(b *rel, sj *specialJoin) bool {
	if b.table == nil || b.relids.count() != 1 {
		return false
	}
	for _, ix := range b.table.indexes {
		if !ix.unique || !ix.immediate || ix.pred != nil && !r.predicateImplied(ix.pred.forRel(b.rti), b.restrict) {
			continue
		}
		pinned := 0
		for c := 0; c < ix.nkeys; c++ {
			for i, e := range sj.semiRight {
				if ix.keys[c] > 0 && r.matchesColumn(b, ix, c, e) && slices.ContainsFunc(r.g.facts.families(sj.semiOps[i]), func(m famMember) bool {
					return m.family == ix.families[c] && m.strategy == strategyEq
				}) {
					pinned++
					break
				}
			}
		}
		if pinned == ix.nkeys {
			return true
		}
	}
	return false
}
