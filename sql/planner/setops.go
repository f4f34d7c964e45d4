package planner

import (
	"fmt"
	"math"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

func intDatum(v int64) types.Datum { return types.Int(v) }

func initPlanName(n, param int) string { return fmt.Sprintf("InitPlan %d (returns $%d)", n, param) }

// setOperations plans UNION, INTERSECT and EXCEPT, and WITH RECURSIVE's union.
func (r *root) setOperations() (*rel, error) {
	r.rels = make([]*rel, len(r.q.RTable)+1)
	top := r.q.SetOperations.(*query.SetOperationStmt)
	var p *path
	var err error
	if r.wtParam >= 0 {
		p, err = r.recursiveUnion(top)
	} else {
		p, err = r.setOpTree(top, top.ColTypes, top.ColTypmods, top.ColColls)
	}
	if err != nil {
		return nil, err
	}
	out := &rel{rows: p.rows, width: 32}
	tl := make([]*query.TargetEntry, len(r.tlist))
	// The level's target list has columns of the leftmost arm; the output takes their place by position.
	for i, te := range r.tlist {
		c := *te
		tl[i] = &c
	}
	if len(tl) > len(p.tlist) {
		tl = tl[:len(p.tlist)]
	}
	for i := range p.tlist {
		if i < len(tl) {
			tl[i].Expr = p.tlist[i].Expr
		}
	}
	r.tlist = mapSetTargets(r.tlist, p.tlist)
	out.addPath(p)
	out.setCheapest()
	r.sortKeys = r.keysFor(r.q.SortClause, r.tlist)
	return out, nil
}

// mapSetTargets rewrites the level's target list over the set operation's output columns.
func mapSetTargets(tl, out []*query.TargetEntry) []*query.TargetEntry {
	res := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		if i < len(out) {
			c.Expr = out[i].Expr
		}
		res[i] = &c
	}
	return res
}

// colTypes are the column types that a set operation's result must have.
func (r *root) setOpTree(n query.SetOpNode, ts []ids.Oid, mods []int32, colls []ids.Oid) (*path, error) {
	if ref, ok := n.(*query.RangeTblRef); ok {
		return r.setArm(ref, ts, mods, colls)
	}
	s := n.(*query.SetOperationStmt)
	if s.Op == query.SetOpUnion {
		return r.union(s, ts, mods, colls)
	}
	return r.intersectExcept(s, ts, mods, colls)
}

// setArm plans one SELECT of a set operation and coerces its columns.
func (r *root) setArm(ref *query.RangeTblRef, ts []ids.Oid, mods []int32, colls []ids.Oid) (*path, error) {
	rte := r.q.RTable[ref.RTIndex-1]
	b := &rel{relids: single(ref.RTIndex), rti: ref.RTIndex, rte: rte}
	r.rels[ref.RTIndex] = b
	sub, p, err := r.g.planQuery(rte.Subquery, r, 0, nil)
	if err != nil {
		return nil, err
	}
	b.subroot, b.subpath = sub, p
	b.rows, b.tuples = p.rows, p.rows
	b.width = 32
	if p.rel != nil {
		b.width = p.rel.width
	}
	out := &path{kind: pathSubquery, rel: b, outer: p, subroot: sub, rows: p.rows, startup: p.startup, total: p.total}
	i := 0
	for _, te := range rte.Subquery.TargetList {
		if te.Resjunk {
			continue
		}
		v := &query.Var{Result: query.Result{ResType: te.Expr.Type(), ResTypmod: te.Expr.Typmod(), ResCollation: te.Expr.Collation()}, Varno: ref.RTIndex, Varattno: te.Resno, Location: -1}
		var e query.Expr = v
		if i < len(ts) && v.ResType != ts[i] { // the analyzer coerced the arm; what is left is a relabel
			e = &query.RelabelType{Result: query.Result{ResType: ts[i], ResTypmod: mods[i], ResCollation: colls[i]}, Arg: v, Format: query.CoerceImplicitCast, Location: -1}
		}
		i++
		out.tlist = append(out.tlist, &query.TargetEntry{Expr: e, Resno: i, Resname: te.Resname})
		b.target = append(b.target, v)
	}
	return out, nil
}

// setColumns are the output columns of an Append or SetOp: Vars of range-table index 0, which the builder resolves by position.
func (r *root) setColumns(ts []ids.Oid, mods []int32, colls []ids.Oid, from []*query.TargetEntry, serial int) []*query.TargetEntry {
	out := make([]*query.TargetEntry, len(ts))
	for i := range ts {
		out[i] = &query.TargetEntry{Resno: i + 1, Expr: &query.Var{Result: query.Result{ResType: ts[i], ResTypmod: mods[i], ResCollation: colls[i]}, Varno: setVarno - serial, Varattno: i + 1, Location: -1}}
		if i < len(from) {
			out[i].Resname = from[i].Resname
		}
	}
	return out
}

// setVarno and below number the outputs of set operations within a level.
const setVarno = -100

func (r *root) union(s *query.SetOperationStmt, ts []ids.Oid, mods []int32, colls []ids.Oid) (*path, error) {
	var arms []*path
	var gather func(n query.SetOpNode) error
	gather = func(n query.SetOpNode) error {
		if u, ok := n.(*query.SetOperationStmt); ok && u.Op == query.SetOpUnion && (u.All == s.All || !s.All) && sameOids(u.ColTypes, ts) {
			if err := gather(u.Larg); err != nil {
				return err
			}
			return gather(u.Rarg)
		}
		p, err := r.setOpTree(n, ts, mods, colls)
		if err == nil {
			arms = append(arms, p)
		}
		return err
	}
	if err := gather(s.Larg); err != nil {
		return nil, err
	}
	if err := gather(s.Rarg); err != nil {
		return nil, err
	}
	r.setSerial++
	app := &path{kind: pathAppend, children: arms, rel: &rel{width: 32}, tlist: r.setColumns(ts, mods, colls, arms[0].tlist, r.setSerial)}
	for i, a := range arms {
		if i == 0 {
			app.startup = a.startup
		}
		app.total += a.total
		app.rows += a.rows
		app.rel.width = max(app.rel.width, a.rel.width)
	}
	if s.All {
		return app, nil
	}
	return r.distinctSet(app, s.GroupClauses), nil
}

func sameOids(a, b []ids.Oid) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// distinctSet makes the rows of a path distinct, by hashing when every column can be hashed.
func (r *root) distinctSet(in *path, groups []*query.SortGroupClause) *path {
	n := clampRows(in.rows)
	tl := numberRefs(in.tlist)
	in.tlist = tl
	gs := positionClauses(groups)
	hash := true
	for _, g := range groups {
		hash = hash && g.Hashable
	}
	if hash {
		p := &path{kind: pathAgg, rel: in.rel, outer: in, tlist: tl, agg: &aggStep{strategy: plan.AggHashed, groupBy: gs, numGroups: n}}
		r.costAgg(p, in, plan.AggHashed, nil, len(gs), n, nil)
		return p
	}
	s := r.sortPath(in, r.keysFor(gs, tl), -1)
	return &path{kind: pathUnique, rel: in.rel, outer: s, keys: s.keys, tlist: tl, rows: n, startup: s.startup, total: s.total + s.rows*r.g.facts.costs().CPUOperator, setop: &setopStep{groups: gs}}
}

func numberRefs(tl []*query.TargetEntry) []*query.TargetEntry {
	out := make([]*query.TargetEntry, len(tl))
	for i, te := range tl {
		c := *te
		c.Ressortgroupref = i + 1
		out[i] = &c
	}
	return out
}

func positionClauses(groups []*query.SortGroupClause) []*query.SortGroupClause {
	out := make([]*query.SortGroupClause, len(groups))
	for i, g := range groups {
		c := *g
		c.TLESortGroupRef = i + 1
		out[i] = &c
	}
	return out
}

func (r *root) intersectExcept(s *query.SetOperationStmt, ts []ids.Oid, mods []int32, colls []ids.Oid) (*path, error) {
	l, err := r.setOpTree(s.Larg, ts, mods, colls)
	if err != nil {
		return nil, err
	}
	rt, err := r.setOpTree(s.Rarg, ts, mods, colls)
	if err != nil {
		return nil, err
	}
	flag := func(p *path, v int64) *path {
		c := &query.Const{Result: query.Result{ResType: 23, ResTypmod: -1}, Value: intDatum(v), Location: -1}
		tl := append(append([]*query.TargetEntry(nil), p.tlist...), &query.TargetEntry{Expr: c, Resno: len(p.tlist) + 1, Resname: "flag", Resjunk: true})
		n := *p
		if p.kind == pathSubquery {
			n.tlist = tl
			return &n
		}
		return r.project(p, tl)
	}
	r.setSerial++
	cols := r.setColumns(append(append([]ids.Oid(nil), ts...), 23), append(append([]int32(nil), mods...), -1), append(append([]ids.Oid(nil), colls...), 0), l.tlist, r.setSerial)
	app := &path{kind: pathAppend, children: []*path{flag(l, 0), flag(rt, 1)}, rel: &rel{width: 36}, rows: l.rows + rt.rows, startup: l.startup, total: l.total + rt.total, tlist: numberRefs(cols)}
	gs := positionClauses(s.GroupClauses)
	hash := true
	for _, g := range gs {
		hash = hash && g.Hashable
	}
	// The hash table has one entry for each distinct row of the left side, and does not go to disk.
	c := r.g.facts.costs()
	const entry = 24 // beside the columns
	hash = hash && c.HashAgg && l.rows*float64(app.rel.width+entry) <= c.WorkMem*c.HashMemMultiplier
	in := app
	if !hash {
		in = r.sortPath(app, r.keysFor(append(gs[:len(gs):len(gs)], &query.SortGroupClause{TLESortGroupRef: len(cols), SortOp: int4LtOp, EqOp: int4EqOp}), app.tlist), -1)
	}
	p := &path{kind: pathSetOp, rel: app.rel, outer: in, tlist: app.tlist[:len(ts)], startup: in.total, setop: &setopStep{op: s.Op, all: s.All, hashed: hash, groups: gs, colls: colls, flag: len(cols)}}
	p.rows = l.rows
	if s.Op == query.SetOpIntersect {
		p.rows = math.Min(l.rows, rt.rows)
	}
	p.total = in.total + in.rows*c.CPUOperator*float64(len(gs))
	return p, nil
}

const (
	int4LtOp = 97
	int4EqOp = 96
)

// recursiveUnion plans WITH RECURSIVE: the non-recursive term, then the recursive one over the working table.
func (r *root) recursiveUnion(s *query.SetOperationStmt) (*path, error) {
	l, err := r.setOpTree(s.Larg, s.ColTypes, s.ColTypmods, s.ColColls)
	if err != nil {
		return nil, err
	}
	r.wtRows = l.rows
	rt, err := r.setOpTree(s.Rarg, s.ColTypes, s.ColTypmods, s.ColColls)
	if err != nil {
		return nil, err
	}
	r.setSerial++
	p := &path{kind: pathRecursive, rel: &rel{width: 32}, outer: l, inner: rt, rows: l.rows + 10*rt.rows, startup: l.startup}
	p.tlist = r.setColumns(s.ColTypes, s.ColTypmods, s.ColColls, l.tlist, r.setSerial)
	p.total = l.total + 10*rt.total + p.rows*r.g.facts.costs().CPUTuple
	p.setop = &setopStep{all: s.All, groups: positionClauses(s.GroupClauses), colls: s.ColColls, wt: r.wtParam}
	return p, nil
}
