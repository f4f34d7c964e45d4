package planner

import (
	"math"
	"strings"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Default selectivities where statistics say nothing, as PostgreSQL has them.
const (
	defaultEqSel     = 0.005
	defaultIneqSel   = 1.0 / 3
	defaultRangeSel  = 0.005
	defaultMatchSel  = 0.005
	defaultDistinct  = 200
	defaultUnkSel    = 0.005
	defaultNotUnkSel = 1 - defaultUnkSel
)

func clampSel(s float64) float64 { return math.Min(1, math.Max(0, s)) }

// listSelectivity is the fraction of rows that pass all of infos, pairing range conditions on one expression.
func (r *root) listSelectivity(infos []*rinfo, within relset, jt query.JoinType, sj *specialJoin) float64 {
	s := 1.0
	var ranges []rangePair
	for _, ri := range infos {
		cs := r.infoSel(ri, jt, sj)
		if !r.noteRange(&ranges, ri, cs) {
			s *= cs
		}
	}
	for _, rp := range ranges {
		s *= rp.selectivity()
	}
	return s
}

type rangePair struct {
	expr           query.Expr
	hasLo, hasHi   bool
	lo, hi, nullOK float64
}

func (rp *rangePair) selectivity() float64 {
	switch {
	case rp.hasLo && rp.hasHi:
		if rp.lo == defaultIneqSel || rp.hi == defaultIneqSel {
			return defaultRangeSel
		}
		s := rp.hi + rp.lo - 1 + rp.nullOK
		if s <= 0 {
			if s < -0.01 {
				return defaultRangeSel
			}
			return 1e-10
		}
		return s
	case rp.hasLo:
		return rp.lo
	}
	return rp.hi
}

func (r *root) noteRange(ranges *[]rangePair, ri *rinfo, sel float64) bool {
	if ri.left == nil || ri.relids.count() != 1 {
		return false
	}
	info := r.g.facts.op(ri.opno)
	if info == nil || info.restrict != "scalarltsel" && info.restrict != "scalarlesel" && info.restrict != "scalargtsel" && info.restrict != "scalargesel" {
		return false
	}
	e, isLo := ri.left, info.restrict == "scalargtsel" || info.restrict == "scalargesel"
	if ri.leftRelids.empty() {
		e, isLo = ri.right, !isLo
	} else if !ri.rightRels.empty() {
		return false
	}
	for i := range *ranges {
		rp := &(*ranges)[i]
		if exprEqual(rp.expr, e) {
			rp.note(isLo, sel)
			return true
		}
	}
	rp := rangePair{expr: e, nullOK: r.varStats(e).nullFrac()}
	rp.note(isLo, sel)
	*ranges = append(*ranges, rp)
	return true
}

func (rp *rangePair) note(lo bool, sel float64) {
	switch {
	case lo && (!rp.hasLo || sel < rp.lo):
		rp.hasLo, rp.lo = true, sel
	case !lo && (!rp.hasHi || sel < rp.hi):
		rp.hasHi, rp.hi = true, sel
	}
}

func (r *root) infoSel(ri *rinfo, jt query.JoinType, sj *specialJoin) float64 {
	if jt == query.JoinInner && ri.selDone {
		return ri.sel
	}
	s := r.clauseSel(ri.clause, jt, sj)
	if jt == query.JoinInner {
		ri.sel, ri.selDone = s, true
	}
	return s
}

// clauseSel is the fraction of rows for which e is true.
func (r *root) clauseSel(e query.Expr, jt query.JoinType, sj *specialJoin) float64 {
	switch x := e.(type) {
	case *query.Const:
		if x.Value.IsTrue() {
			return 1
		}
		return 0
	case *query.Param:
		if c := r.estimateExpr(x); c != nil {
			return r.clauseSel(c, jt, sj)
		}
		return 0.5
	case *query.Var:
		return r.boolVarSel(x)
	case *query.BoolExpr:
		return r.boolSel(x, jt, sj)
	case *query.OpExpr:
		return r.opSel(x, jt, sj)
	case *query.DistinctExpr:
		eq := r.opSel(&x.OpExpr, jt, sj)
		return clampSel(1 - eq)
	case *query.ScalarArrayOpExpr:
		return r.arrayOpSel(x)
	case *query.NullTest:
		return r.nullTestSel(x)
	case *query.BooleanTest:
		return r.boolTestSel(x)
	case *query.RelabelType:
		return r.clauseSel(x.Arg, jt, sj)
	case *query.RowCompareExpr: // by the first column
		return r.opSel(&query.OpExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, OpNo: x.Opnos[0], InputCollid: x.InputCollids[0],
			Args: []query.Expr{x.Largs[0], x.Rargs[0]}}, jt, sj)
	case *query.FuncExpr:
		if p := r.g.facts.proc(x.FuncID); p != nil && (p.name == "starts_with" || p.name == "textlike") {
			return defaultMatchSel
		}
		return 1.0 / 3
	case *plan.SubPlan, *query.SubLink:
		return 0.5
	case *query.CurrentOfExpr:
		if n := r.rels[x.Varno]; n != nil && n.tuples > 0 {
			return 1 / n.tuples
		}
	}
	return 0.5
}

func (r *root) boolSel(x *query.BoolExpr, jt query.JoinType, sj *specialJoin) float64 {
	switch x.Op {
	case query.NotExpr:
		return clampSel(1 - r.clauseSel(x.Args[0], jt, sj))
	case query.AndExpr:
		infos := make([]*rinfo, len(x.Args))
		for i, a := range x.Args {
			infos[i] = &rinfo{clause: a, relids: r.exprRels(a)}
			r.analyzeClause(infos[i])
		}
		return r.listSelectivity(infos, relset{}, jt, sj)
	}
	s := 0.0
	for _, a := range x.Args {
		t := r.clauseSel(a, jt, sj)
		s += t - s*t
	}
	return clampSel(s)
}

// varInfo is what is known of an expression that is a column, or is like one.
type varInfo struct {
	rel    *rel
	st     *colStats
	unique bool
	isBool bool
}

func (v varInfo) nullFrac() float64 {
	if v.st != nil {
		return v.st.nullFrac
	}
	return 0
}

func (v varInfo) rows() float64 {
	if v.rel != nil {
		return math.Max(v.rel.tuples, 1)
	}
	return 1000
}

// distinct estimates the number of different values; known is false for a default.
func (v varInfo) distinct() (n float64, known bool) {
	rows := v.rows()
	switch {
	case v.unique:
		return math.Max(1, rows*(1-v.nullFrac())), true
	case v.st != nil && v.st.distinct > 0:
		return math.Min(v.st.distinct, rows), true
	case v.st != nil && v.st.distinct < 0:
		return math.Max(1, math.Round(-v.st.distinct*rows)), true
	case v.isBool:
		return 2, true
	case rows < defaultDistinct:
		return rows, false
	}
	return defaultDistinct, false
}

func (r *root) varStats(e query.Expr) varInfo {
	e = stripRelabel(e)
	var vi varInfo
	vi.isBool = e.Type() == boolOid
	rels := r.exprRels(e)
	if rels.count() == 1 {
		vi.rel = r.rels[rels.first()]
	}
	v, ok := e.(*query.Var)
	if !ok || v.Varlevelsup != 0 || v.Varno <= 0 {
		vi.exprIndexStats(r, e)
		return vi
	}
	b := r.rels[v.Varno]
	if b == nil {
		return vi
	}
	switch {
	case b.table != nil && v.Varattno > 0:
		vi.st = r.g.facts.stats(b.table.oid, v.Varattno)
		for _, ix := range b.table.indexes {
			if ix.unique && ix.nkeys == 1 && ix.keys[0] == v.Varattno && ix.pred == nil {
				vi.unique = true
			}
		}
	case b.table != nil && v.Varattno == query.CtidAttr:
		vi.unique = true
	case b.subroot != nil && v.Varattno > 0 && v.Varattno <= len(b.subroot.tlist):
		sub := b.subroot
		te := sub.tlist[v.Varattno-1]
		if sv, ok := stripRelabel(te.Expr).(*query.Var); ok && sv.Varlevelsup == 0 && sub.q.SetOperations == nil && sv.Varno > 0 {
			inner := sub.varStats(sv)
			vi.st = inner.st
			vi.unique = inner.unique && len(sub.q.GroupClause) == 0 && sub.allBase.count() == 1
		}
		if te.Ressortgroupref > 0 && (len(sub.q.DistinctClause) == 1 && sub.q.DistinctClause[0].TLESortGroupRef == te.Ressortgroupref ||
			len(sub.q.GroupClause) == 1 && sub.q.GroupClause[0].TLESortGroupRef == te.Ressortgroupref) {
			vi.unique = true
		}
	}
	return vi
}

func (vi *varInfo) exprIndexStats(r *root, e query.Expr) {
	if vi.rel == nil || vi.rel.table == nil {
		return
	}
	for _, ix := range vi.rel.table.indexes {
		for i := 0; i < ix.nkeys; i++ {
			if ix.exprs[i] == nil || !exprEqual(ix.exprs[i].forRel(vi.rel.rti), e) {
				continue
			}
			if st := r.g.facts.stats(ix.oid, i+1); st != nil {
				vi.st = st
			}
			vi.unique = vi.unique || ix.unique && ix.nkeys == 1 && ix.pred == nil
		}
	}
}

func (r *root) boolVarSel(v *query.Var) float64 {
	vi := r.varStats(v)
	if vi.st == nil {
		return 0.5
	}
	for i, m := range vi.st.mcv {
		if m.Bool() {
			return vi.st.mcvFreq[i]
		}
	}
	if len(vi.st.mcv) == 1 {
		return clampSel(1 - vi.st.mcvFreq[0] - vi.st.nullFrac)
	}
	return 0.5
}

func (r *root) nullTestSel(x *query.NullTest) float64 {
	vi := r.varStats(x.Arg)
	if vi.st != nil {
		if x.IsNull {
			return vi.st.nullFrac
		}
		return 1 - vi.st.nullFrac
	}
	if x.IsNull {
		return defaultUnkSel
	}
	return defaultNotUnkSel
}

func (r *root) boolTestSel(x *query.BooleanTest) float64 {
	nf := r.varStats(x.Arg).nullFrac()
	t := r.clauseSel(x.Arg, query.JoinInner, nil)
	switch x.Test {
	case query.IsTrue:
		return t
	case query.IsNotTrue:
		return clampSel(1 - t)
	case query.IsFalse:
		return clampSel(1 - t - nf)
	case query.IsNotFalse:
		return clampSel(t + nf)
	case query.IsUnknown:
		return math.Max(nf, 0)
	}
	return clampSel(1 - nf)
}

// opSel is the selectivity of a binary operator: a join of two relations, or a restriction of one by a value.
func (r *root) opSel(x *query.OpExpr, jt query.JoinType, sj *specialJoin) float64 {
	info := r.g.facts.op(x.OpNo)
	if info == nil || len(x.Args) != 2 {
		return 0.5
	}
	lr, rr := r.exprRels(x.Args[0]), r.exprRels(x.Args[1])
	if !lr.empty() && !rr.empty() && !lr.overlaps(rr) {
		return r.joinSel(info, x, jt, sj)
	}
	val, col, flipped := x.Args[1], x.Args[0], false
	if lr.empty() && !rr.empty() {
		val, col, flipped = col, val, true
	}
	c := r.estimateExpr(val)
	switch info.restrict {
	case "eqsel":
		return r.eqSel(info, col, c, flipped, x.InputCollid)
	case "neqsel":
		vi := r.varStats(col)
		neg := r.g.facts.op(info.negator)
		if neg == nil {
			return 1 - defaultEqSel
		}
		return clampSel(1 - r.eqSel(neg, col, c, flipped, x.InputCollid) - vi.nullFrac())
	case "scalarltsel", "scalarlesel", "scalargtsel", "scalargesel":
		return r.ineqSel(info, col, c, flipped, x.InputCollid)
	case "likesel", "regexeqsel", "prefixsel", "iclikesel", "icregexeqsel", "matchingsel":
		return r.matchSel(x, info, col, c, false)
	case "nlikesel", "regexnesel", "icnlikesel", "icregexnesel":
		return r.matchSel(x, info, col, c, true)
	case "contsel", "areasel", "positionsel", "arraycontsel":
		return 0.005
	case "":
		return 0.5
	}
	return 0.1
}

func (r *root) eqSel(info *opInfo, col query.Expr, c *query.Const, flipped bool, coll ids.Oid) float64 {
	vi := r.varStats(col)
	if c != nil && c.Value.IsNull() {
		return 0
	}
	nd, _ := vi.distinct()
	if vi.unique && vi.rel != nil {
		return 1 / math.Max(vi.rows(), 1)
	}
	if vi.st == nil {
		if vi.isBool {
			return 0.5
		}
		return clampSel(1 / nd)
	}
	sum := 0.0
	for i, m := range vi.st.mcv {
		sum += vi.st.mcvFreq[i]
		if c != nil {
			if t, ok := r.compare(info, m, c, col.Type(), flipped, coll); ok && t {
				return vi.st.mcvFreq[i]
			}
		}
	}
	rest := clampSel(1 - sum - vi.st.nullFrac)
	if c == nil { // an unknown value: any of the distinct ones
		return clampSel((1 - vi.st.nullFrac) / math.Max(nd, 1))
	}
	others := nd - float64(len(vi.st.mcv))
	s := rest
	if others > 1 {
		s /= others
	}
	if n := len(vi.st.mcvFreq); n > 0 && s > vi.st.mcvFreq[n-1] {
		s = vi.st.mcvFreq[n-1]
	}
	return clampSel(s)
}

// compare evaluates m op c (c op m when flipped).
func (r *root) compare(info *opInfo, m types.Datum, c *query.Const, mtype ids.Oid, flipped bool, coll ids.Oid) (bool, bool) {
	args, ts := []types.Datum{m, c.Value}, []ids.Oid{mtype, c.Type()}
	if flipped {
		args[0], args[1], ts[0], ts[1] = args[1], args[0], ts[1], ts[0]
	}
	d, ok, err := r.g.facts.call(info.fn, coll, args, ts, boolOid)
	return d.IsTrue(), ok && err == nil
}

func (r *root) ineqSel(info *opInfo, col query.Expr, c *query.Const, flipped bool, coll ids.Oid) float64 {
	vi := r.varStats(col)
	if c == nil {
		return defaultIneqSel
	}
	if c.Value.IsNull() {
		return 0
	}
	if v, ok := stripRelabel(col).(*query.Var); ok && v.Varattno == query.CtidAttr && vi.rel != nil && vi.rel.table != nil && c.Type() == types.TIDOid {
		return tidSel(vi.rel, c, strings.HasPrefix(info.restrict, "scalargt") != flipped)
	}
	if vi.st == nil {
		return defaultIneqSel
	}
	var mcvSel, mcvSum float64
	for i, m := range vi.st.mcv {
		mcvSum += vi.st.mcvFreq[i]
		if t, ok := r.compare(info, m, c, col.Type(), flipped, coll); ok && t {
			mcvSel += vi.st.mcvFreq[i]
		}
	}
	h := r.histogramSel(info, vi.st, c, col.Type(), flipped, coll)
	if h < 0 {
		if len(vi.st.mcv) == 0 {
			return defaultIneqSel
		}
		h = 0.5
	}
	return clampSel(mcvSel + h*clampSel(1-vi.st.nullFrac-mcvSum))
}

// histogramSel is the fraction of the histogram that satisfies the comparison, -1 without a histogram.
func (r *root) histogramSel(info *opInfo, st *colStats, c *query.Const, t ids.Oid, flipped bool, coll ids.Oid) float64 {
	n := len(st.histogram)
	if n < 2 {
		return -1
	}
	lo, hi := 0, n // count the bounds on the true side: the histogram ascends, so truth changes once
	first, ok := r.compare(info, st.histogram[0], c, t, flipped, coll)
	if !ok {
		return -1
	}
	last, _ := r.compare(info, st.histogram[n-1], c, t, flipped, coll)
	if first && last {
		return 1 - 0.0001
	}
	if !first && !last {
		return 0.0001
	}
	for lo < hi {
		mid := (lo + hi) / 2
		v, _ := r.compare(info, st.histogram[mid], c, t, flipped, coll)
		if v == first {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	// Bounds lo-1 and lo enclose the value.
	frac := 0.5
	if a, aok := scalar(t, st.histogram[lo-1]); aok {
		b, _ := scalar(t, st.histogram[lo])
		if v, vok := scalar(c.Type(), c.Value); vok && b > a {
			frac = math.Min(1, math.Max(0, (v-a)/(b-a)))
		}
	}
	below := (float64(lo-1) + frac) / float64(n-1)
	if !first {
		below = 1 - below
	}
	return math.Min(1-0.0001, math.Max(0.0001, below))
}

// scalar maps a value to a number on which distances make sense.
func scalar(t ids.Oid, d types.Datum) (float64, bool) {
	switch t {
	case 20, 21, 23, 1082, 1083, 1114, 1184:
		return float64(d.Int()), true
	case 26, 28, 3220:
		return float64(d.Word()), true
	case 700, 701:
		return d.Float(), true
	case 25, 1042, 1043, 19:
		v, scale := 0.0, 1.0
		b := d.Bytes()
		for i := 0; i < len(b) && i < 8; i++ {
			scale /= 256
			v += float64(b[i]) * scale
		}
		return v, true
	}
	return 0, false
}

func (r *root) arrayOpSel(x *query.ScalarArrayOpExpr) float64 {
	c := r.estimateExpr(x.Args[1])
	info := r.g.facts.op(x.OpNo)
	if info == nil {
		return 0.5
	}
	op := &query.OpExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, OpNo: x.OpNo, FuncID: x.FuncID, InputCollid: x.InputCollid}
	var elems []query.Expr
	if c != nil && !c.Value.IsNull() {
		at := r.g.facts.typ(x.Args[1].Type())
		if at == nil || at.ElemType == nil {
			return 0.5
		}
		for _, d := range types.DecodeArray(c.Value, at.ElemType).Elems {
			elems = append(elems, &query.Const{Result: query.Result{ResType: at.ElemType.Oid, ResTypmod: -1}, Value: d})
		}
	} else if arr, ok := x.Args[1].(*query.ArrayExpr); ok {
		elems = arr.Elements
	} else {
		op.Args = []query.Expr{x.Args[0], &query.Param{Result: query.Result{ResType: info.right, ResTypmod: -1}, Kind: query.ParamExec}}
		s1 := r.opSel(op, query.JoinInner, nil)
		if x.UseOr {
			return clampSel(1 - math.Pow(1-s1, 10))
		}
		return clampSel(math.Pow(s1, 10))
	}
	s, disjoint := 0.0, 0.0
	if !x.UseOr {
		s, disjoint = 1, 1
	}
	for _, e := range elems {
		op.Args = []query.Expr{x.Args[0], e}
		s1 := r.opSel(op, query.JoinInner, nil)
		if x.UseOr {
			s += s1 - s*s1
			disjoint += s1
		} else {
			s *= s1
		}
	}
	if x.UseOr && info.restrict == "eqsel" && disjoint <= 1 {
		return disjoint
	}
	return clampSel(s)
}

// arrayLen estimates the number of elements of an array expression.
func (r *root) arrayLen(e query.Expr) float64 {
	if c := r.estimateExpr(e); c != nil {
		if c.Value.IsNull() {
			return 0
		}
		if at := r.g.facts.typ(e.Type()); at != nil && at.ElemType != nil {
			return float64(len(types.DecodeArray(c.Value, at.ElemType).Elems))
		}
	}
	if a, ok := stripRelabel(e).(*query.ArrayExpr); ok {
		return float64(len(a.Elements))
	}
	return 10
}

func (r *root) joinSel(info *opInfo, x *query.OpExpr, jt query.JoinType, sj *specialJoin) float64 {
	switch info.join {
	case "eqjoinsel":
		return r.eqJoinSel(x, jt, sj)
	case "neqjoinsel":
		if jt == query.JoinSemi || jt == query.JoinAnti {
			return clampSel(1 - r.varStats(x.Args[0]).nullFrac())
		}
		return clampSel(1 - r.eqJoinSel(x, jt, sj))
	case "scalarltjoinsel", "scalarlejoinsel", "scalargtjoinsel", "scalargejoinsel":
		return defaultIneqSel
	case "likejoinsel", "regexeqjoinsel":
		return defaultMatchSel
	}
	return 0.5
}

func (r *root) eqJoinSel(x *query.OpExpr, jt query.JoinType, sj *specialJoin) float64 {
	a, b := r.varStats(x.Args[0]), r.varStats(x.Args[1])
	if (jt == query.JoinSemi || jt == query.JoinAnti) && sj != nil {
		if r.exprRels(x.Args[0]).subsetOf(sj.minRight) {
			a, b = b, a
		}
		na, ak := a.distinct()
		nb, bk := b.distinct()
		if b.rel != nil && nb >= math.Max(b.rel.rows, 1) {
			nb, bk = math.Max(b.rel.rows, 1), true
		}
		if !ak || !bk {
			return 0.5 * (1 - a.nullFrac())
		}
		if na <= nb {
			return 1 - a.nullFrac()
		}
		return nb / na * (1 - a.nullFrac())
	}
	na, _ := a.distinct()
	nb, _ := b.distinct()
	if m, ok := r.mcvJoin(x, a.st, b.st, na, nb); ok {
		return m
	}
	return clampSel((1 - a.nullFrac()) * (1 - b.nullFrac()) / math.Max(1, math.Max(na, nb)))
}

// mcvJoin matches the most common values of both sides and assumes the rest to be spread evenly.
func (r *root) mcvJoin(x *query.OpExpr, a, b *colStats, na, nb float64) (float64, bool) {
	if a == nil || b == nil || len(a.mcv) == 0 || len(b.mcv) == 0 || len(a.mcv)*len(b.mcv) > 10000 {
		return 0, false
	}
	info := r.g.facts.op(x.OpNo)
	var match, ma, mb float64
	used := make([]bool, len(b.mcv))
	hits := 0.0
	sumA, sumB := 0.0, 0.0
	for _, f := range b.mcvFreq {
		sumB += f
	}
	for i, va := range a.mcv {
		sumA += a.mcvFreq[i]
		for j, vb := range b.mcv {
			if used[j] {
				continue
			}
			c := &query.Const{Result: query.Result{ResType: x.Args[1].Type()}, Value: vb}
			if t, ok := r.compare(info, va, c, x.Args[0].Type(), false, x.InputCollid); ok && t {
				used[j] = true
				hits++
				match += a.mcvFreq[i] * b.mcvFreq[j]
				ma += a.mcvFreq[i]
				mb += b.mcvFreq[j]
				break
			}
		}
	}
	restA, restB := clampSel(1-a.nullFrac-sumA), clampSel(1-b.nullFrac-sumB)
	unA, unB := clampSel(sumA-ma), clampSel(sumB-mb)
	s1 := match
	if nb > float64(len(b.mcv)) {
		s1 += unA * restB / (nb - float64(len(b.mcv)))
	}
	if nb > hits {
		s1 += restA * (restB + unB) / (nb - hits)
	}
	s2 := match
	if na > float64(len(a.mcv)) {
		s2 += unB * restA / (na - float64(len(a.mcv)))
	}
	if na > hits {
		s2 += restB * (restA + unA) / (na - hits)
	}
	return clampSel(math.Min(s1, s2)), true
}
