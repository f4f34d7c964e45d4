package executor

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Model tests: nodes over random rows against plain loops, in batches of random size, with memory that suffices and that does not.

type modelRun struct {
	*testing.T
	rnd  *rand.Rand
	env  *Env
	size int
}

func eachModel(t *testing.T, rounds int, f func(m *modelRun)) {
	for _, mem := range []int64{4 << 20, 20 << 10} {
		for seed := range uint64(rounds) {
			t.Run(fmt.Sprintf("mem=%d/seed=%d", mem, seed), func(t *testing.T) {
				m := &modelRun{T: t, rnd: rand.New(rand.NewPCG(seed, uint64(mem))), env: testEnv(t, mem)}
				m.size = []int{1, 3, 100, BatchSize}[m.rnd.IntN(4)]
				f(m)
			})
		}
	}
}

// random makes rows of an int4 and a text column, with NULLs, of which many are equal.
func (m *modelRun) random(n, keys int) *table {
	tb := &table{typs: []ids.Oid{int4Oid, textOid, int8Oid}}
	for i := range n {
		k, s := types.Int(int64(m.rnd.IntN(keys))), types.String(strings.Repeat("k", m.rnd.IntN(4))+fmt.Sprint(m.rnd.IntN(keys)))
		if m.rnd.IntN(15) == 0 {
			k = types.Null
		}
		if m.rnd.IntN(15) == 0 {
			s = types.Null
		}
		tb.rows = append(tb.rows, []types.Datum{k, s, types.Int(int64(i))})
	}
	return tb
}

func (tb *table) strings() []string {
	var out []string
	for _, r := range tb.rows {
		out = append(out, rowString(r))
	}
	return out
}

func TestSortModel(t *testing.T) {
	eachModel(t, 12, func(m *modelRun) {
		tb := m.random(m.rnd.IntN(3000), 40)
		desc, first := m.rnd.IntN(2) == 0, m.rnd.IntN(2) == 0
		keys := []plan.SortKey{{Col: 2, Desc: desc, NullsFirst: first}, {Col: 1, NullsFirst: !first}}
		want := slices.Clone(tb.rows)
		slices.SortStableFunc(want, func(a, b []types.Datum) int {
			if c := modelOrder(a[1], b[1], desc, first, func(a, b types.Datum) int { return cmp.Compare(a.Str(), b.Str()) }); c != 0 {
				return c
			}
			return modelOrder(a[0], b[0], false, !first, func(a, b types.Datum) int { return cmp.Compare(a.Int(), b.Int()) })
		})
		s := &plan.Sort{Keys: keys}
		s.Left = tb.scan()
		sameRows(m.T, "sort", runPlan(m, m.env, s, m.size), (&table{rows: want}).strings())
		n := m.rnd.IntN(50)
		l := &plan.Limit{Count: konst(int8Oid, types.Int(int64(n)))}
		l.Left = s
		sameRows(m.T, "first rows", runPlan(m, m.env, l, m.size), (&table{rows: want[:min(n, len(want))]}).strings())
	})
}

func modelOrder(a, b types.Datum, desc, nullsFirst bool, cmp func(a, b types.Datum) int) int {
	if a.IsNull() || b.IsNull() {
		return nullOrder(a.IsNull(), b.IsNull(), nullsFirst)
	}
	c := cmp(a, b)
	if desc {
		return -c
	}
	return c
}

// joinModel joins by loops: equal first columns and, with extra, the outer row number below the inner one.
func joinModel(l, r *table, typ query.JoinType, extra bool) []string {
	var out []string
	nulls := make([]types.Datum, 3)
	for i := range nulls {
		nulls[i] = types.Null
	}
	seen := make([]bool, len(r.rows))
	for _, a := range l.rows {
		hit := false
		for j, b := range r.rows {
			if a[0].IsNull() || b[0].IsNull() || a[0].Int() != b[0].Int() || extra && a[2].Int() >= b[2].Int() {
				continue
			}
			seen[j] = true
			if (typ == query.JoinSemi && hit) || typ == query.JoinAnti {
				hit = true
				continue
			}
			hit = true
			out = append(out, rowString(append(slices.Clone(a), b...)))
		}
		if !hit && (typ == query.JoinLeft || typ == query.JoinFull || typ == query.JoinAnti) {
			out = append(out, rowString(append(slices.Clone(a), nulls...)))
		}
	}
	if typ == query.JoinRight || typ == query.JoinFull {
		for j, b := range r.rows {
			if !seen[j] {
				out = append(out, rowString(append(slices.Clone(nulls), b...)))
			}
		}
	}
	return out
}

// joinTargets gives all columns of both sides; of semi joins only the outer ones can be compared.
func joinTargets(typ query.JoinType) []*query.TargetEntry {
	l := []query.Expr{outer(1, int4Oid), outer(2, textOid), outer(3, int8Oid)}
	if typ != query.JoinSemi {
		l = append(l, inner(1, int4Oid), inner(2, textOid), inner(3, int8Oid))
	}
	return targets(l...)
}

func firstThree(rows []string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.Join(strings.SplitN(r, ",", 4)[:3], ","))
	}
	return out
}

func TestJoinModel(t *testing.T) {
	const fnInt8Lt ids.Oid = 469
	eachModel(t, 14, func(m *modelRun) {
		l, r := m.random(m.rnd.IntN(400), 60), m.random(m.rnd.IntN(900), 60)
		for _, typ := range []query.JoinType{query.JoinInner, query.JoinLeft, query.JoinRight, query.JoinFull, query.JoinSemi, query.JoinAnti} {
			for _, extra := range []bool{false, true} {
				want := joinModel(l, r, typ, extra)
				if typ == query.JoinSemi {
					want = firstThree(want)
				}
				want = sorted(want)
				j := plan.Join{JoinType: typ}
				if extra {
					j.Joinqual = op(fnInt8Lt, boolOid, outer(3, int8Oid), inner(3, int8Oid))
				}
				name := fmt.Sprintf("join type %d extra %v", typ, extra)
				sameRows(m.T, "hash "+name, sorted(runPlan(m, m.env, hashJoinPlan(l, r, j), m.size)), want)
				sameRows(m.T, "merge "+name, sorted(runPlan(m, m.env, mergeJoinPlan(l, r, j), m.size)), want)
				if typ != query.JoinRight && typ != query.JoinFull {
					sameRows(m.T, "loop "+name, sorted(runPlan(m, m.env, loopPlan(l, r, j), m.size)), want)
				}
			}
		}
	})
}

func hashJoinPlan(l, r *table, j plan.Join) plan.Node {
	h := &plan.Hash{}
	h.Left = r.scan()
	n := &plan.HashJoin{Join: j, OuterKeys: []query.Expr{outer(1, int4Oid)}, InnerKeys: []query.Expr{inner(1, int4Oid)}}
	n.Left, n.Right, n.TargetList = l.scan(), h, joinTargets(j.JoinType)
	return n
}

func mergeJoinPlan(l, r *table, j plan.Join) plan.Node {
	sort := func(tb *table) plan.Node {
		s := &plan.Sort{Keys: []plan.SortKey{{Col: 1}}}
		s.Left = tb.scan()
		return s
	}
	n := &plan.MergeJoin{Join: j, MergeClauses: []query.Expr{op(fnInt4Eq, boolOid, outer(1, int4Oid), inner(1, int4Oid))},
		Keys: []plan.SortKey{{}}}
	n.Left, n.Right, n.TargetList = sort(l), sort(r), joinTargets(j.JoinType)
	return n
}

// loopPlan is a nested loop whose inner side is kept in memory; the key condition is part of the join condition.
func loopPlan(l, r *table, j plan.Join) plan.Node {
	m := &plan.Material{}
	m.Left = r.scan()
	key := query.Expr(op(fnInt4Eq, boolOid, outer(1, int4Oid), inner(1, int4Oid)))
	if j.Joinqual != nil {
		key = &query.BoolExpr{Result: res(boolOid), Op: query.AndExpr, Args: []query.Expr{key, j.Joinqual}}
	}
	j.Joinqual = key
	n := &plan.NestLoop{Join: j}
	n.Left, n.Right, n.TargetList = l.scan(), m, joinTargets(j.JoinType)
	return n
}

// TestMemoizeModel joins through a parameter and a cache of the inner side.
func TestMemoizeModel(t *testing.T) {
	eachModel(t, 8, func(m *modelRun) {
		l, r := m.random(200, 20), m.random(100, 20)
		p := &query.Param{Result: res(int4Oid), Kind: query.ParamExec, ID: 0}
		s := r.scan().(*plan.ValuesScan)
		s.Qual = op(fnInt4Eq, boolOid, &query.Var{Result: res(int4Oid), Varno: 1, Varattno: 1}, p)
		mem := &plan.Memoize{Keys: []query.Expr{p}}
		mem.Left = s
		n := &plan.NestLoop{Params: []plan.NestParam{{ID: 0, Var: outer(1, int4Oid)}}}
		n.Left, n.Right, n.TargetList = l.scan(), mem, joinTargets(query.JoinInner)
		sameRows(m.T, "memoize", sorted(runPlan(m, m.env, n, m.size)), sorted(joinModel(l, r, query.JoinInner, false)))
	})
}

func aggref(fn ids.Oid, ret ids.Oid, args ...query.Expr) *query.Aggref {
	a := &query.Aggref{Result: res(ret), AggFnOid: fn, AggKind: 'n', AggStar: len(args) == 0}
	for i, e := range args {
		a.Args = append(a.Args, &query.TargetEntry{Expr: e, Resno: i + 1})
	}
	return a
}

// aggModel groups by the first column: count(*), count(text), sum(int8 row number), min(text).
func aggModel(tb *table) []string {
	type group struct {
		n, texts, sum int64
		low           types.Datum
	}
	groups := map[string]*group{}
	for _, r := range tb.rows {
		k := rowString(r[:1])
		g := groups[k]
		if g == nil {
			g = &group{low: types.Null}
			groups[k] = g
		}
		g.n++
		g.sum += r[2].Int()
		if !r[1].IsNull() {
			g.texts++
			if g.low.IsNull() || r[1].Str() < g.low.Str() {
				g.low = r[1]
			}
		}
	}
	var out []string
	for k, g := range groups {
		out = append(out, fmt.Sprintf("%s,%d,%d,%d,%s", k, g.n, g.texts, g.sum, rowString([]types.Datum{g.low})))
	}
	return out
}

func TestAggModel(t *testing.T) {
	const countAny, countStar, minText ids.Oid = 2147, 2803, 2145
	const sumInt4 ids.Oid = 2108
	eachModel(t, 12, func(m *modelRun) {
		tb := m.random(m.rnd.IntN(3000), []int{3, 2000}[m.rnd.IntN(2)])
		for _, r := range tb.rows {
			r[2] = types.Int(r[2].Int() % 100)
		}
		narrow := &table{typs: []ids.Oid{int4Oid, textOid, int4Oid}, rows: tb.rows}
		want := sorted(aggModel(tb))
		for _, strategy := range []plan.AggStrategy{plan.AggHashed, plan.AggSorted} {
			a := &plan.Agg{Strategy: strategy, GroupCols: []int{1}, Aggs: []*query.Aggref{
				aggref(countStar, int8Oid), aggref(countAny, int8Oid, outer(2, textOid)),
				aggref(sumInt4, int8Oid, outer(3, int4Oid)), aggref(minText, textOid, outer(2, textOid))}}
			a.Left = narrow.scan()
			if strategy == plan.AggSorted {
				s := &plan.Sort{Keys: []plan.SortKey{{Col: 1}}}
				s.Left = narrow.scan()
				a.Left = s
			}
			a.TargetList = targets(outer(1, int4Oid), a.Aggs[0], a.Aggs[1], a.Aggs[2], a.Aggs[3])
			sameRows(m.T, fmt.Sprintf("strategy %d", strategy), sorted(runPlan(m, m.env, a, m.size)), want)
		}
	})
}

func TestSetOpAndUniqueModel(t *testing.T) {
	eachModel(t, 8, func(m *modelRun) {
		tb := &table{typs: []ids.Oid{int4Oid, int4Oid}}
		var left, right [5000]int64
		for range m.rnd.IntN(6000) {
			k, side := m.rnd.IntN(5000), m.rnd.IntN(2)
			if len(tb.rows)%2 == 0 {
				k %= 20
			}
			tb.rows = append(tb.rows, []types.Datum{types.Int(int64(k)), types.Int(int64(side))})
			if side == 0 {
				left[k]++
			} else {
				right[k]++
			}
		}
		for _, all := range []bool{false, true} {
			for _, o := range []query.SetOp{query.SetOpIntersect, query.SetOpExcept} {
				var want []string
				for k := range left {
					for range setOpTimes(o, all, left[k], right[k]) {
						want = append(want, fmt.Sprint(k))
					}
				}
				for _, hashed := range []bool{true, false} {
					n := &plan.SetOp{Op: o, All: all, Hashed: hashed, Cols: []int{1}, FlagCol: 2}
					by := &plan.Sort{Keys: []plan.SortKey{{Col: 2}}} // the left side's rows come first
					if !hashed {
						by.Keys = []plan.SortKey{{Col: 1}, {Col: 2}}
					}
					by.Left = tb.scan()
					n.Left, n.TargetList = by, pass(int4Oid)
					sameRows(m.T, "set operation", sorted(runPlan(m, m.env, n, m.size)), sorted(want))
				}
			}
		}
	})
}

func setOpTimes(o query.SetOp, all bool, l, r int64) int64 {
	switch {
	case o == query.SetOpIntersect && all:
		return min(l, r)
	case o == query.SetOpIntersect:
		return min(l, r, 1)
	case all:
		return max(0, l-r)
	case l > 0 && r == 0:
		return 1
	}
	return 0
}
