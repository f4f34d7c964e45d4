package planner

import (
	"gompho/internal/ids"
	"gompho/sql/query"
)

type keyOrder uint8

const (
	keysEqual keyOrder = iota
	keysBetter1
	keysBetter2
	keysDifferent
)

func sameKey(a, b *pathkey) bool {
	return a.ec.final() == b.ec.final() && a.desc == b.desc && a.nullsFirst == b.nullsFirst && a.family == b.family
}

// compareKeys tells which of two orders serves more: a longer one contains its prefixes.
func compareKeys(a, b []*pathkey) keyOrder {
	n := min(len(a), len(b))
	for i := 0; i < n; i++ {
		if !sameKey(a[i], b[i]) {
			return keysDifferent
		}
	}
	switch {
	case len(a) > len(b):
		return keysBetter1
	case len(b) > len(a):
		return keysBetter2
	}
	return keysEqual
}

// contained reports whether rows ordered by have are ordered by want.
func contained(want, have []*pathkey) bool {
	c := compareKeys(want, have)
	return c == keysEqual || c == keysBetter2
}

// commonKeys counts the leading keys of want that have supplies.
func commonKeys(want, have []*pathkey) int {
	n := 0
	for n < len(want) && n < len(have) && sameKey(want[n], have[n]) {
		n++
	}
	return n
}

// makeKey makes the pathkey of an expression sorted by operator op; nil when op is no btree ordering operator.
func (r *root) makeKey(e query.Expr, op ids.Oid, nullsFirst bool, sortref int) *pathkey {
	for _, m := range r.g.facts.families(op) {
		if m.strategy != strategyLt && m.strategy != strategyGt {
			continue
		}
		eq := r.g.facts.famOp(m.family, m.left, m.right, strategyEq)
		var fams []ids.Oid
		for _, f := range r.g.facts.families(eq) {
			if f.strategy == strategyEq {
				fams = append(fams, f.family)
			}
		}
		ec := r.classFor(e, fams, m.left, e.Collation(), sortref)
		return &pathkey{ec: ec, family: m.family, desc: m.strategy == strategyGt, nullsFirst: nullsFirst}
	}
	return nil
}

// keysFor makes the pathkeys of sort clauses over a target list, without those that are redundant: constants, repeats.
func (r *root) keysFor(clauses []*query.SortGroupClause, tl []*query.TargetEntry) []*pathkey {
	var out []*pathkey
	for _, c := range clauses {
		te := targetByRef(tl, c.TLESortGroupRef)
		if te == nil || c.SortOp == 0 {
			return nil
		}
		k := r.makeKey(te.Expr, c.SortOp, c.NullsFirst, c.TLESortGroupRef)
		if k == nil {
			return nil
		}
		if !redundant(k, out) {
			out = append(out, k)
		}
	}
	return out
}

func redundant(k *pathkey, keys []*pathkey) bool {
	if k.ec.hasConst && !k.ec.volatile {
		return true
	}
	for _, o := range keys {
		if o.ec.final() == k.ec.final() {
			return true
		}
	}
	return false
}

func targetByRef(tl []*query.TargetEntry, ref int) *query.TargetEntry {
	for _, te := range tl {
		if te.Ressortgroupref == ref {
			return te
		}
	}
	return nil
}

// indexKeys is the order of an index scan.
func (r *root) indexKeys(b *rel, ix *indexInfo, backward bool) []*pathkey {
	var out []*pathkey
	for col := 0; col < ix.nkeys; col++ {
		var e query.Expr
		if att := ix.keys[col]; att > 0 {
			e = r.columnVar(b, att)
		} else if ix.exprs[col] != nil {
			e = ix.exprs[col].forRel(b.rti)
		}
		if b.as != nil {
			e = b.as.up(e)
		}
		desc, nf := ix.desc[col], ix.nullsFirst[col]
		if backward {
			desc, nf = !desc, !nf
		}
		typ := ix.inputTypes[col]
		eq := r.g.facts.famOp(ix.families[col], typ, typ, strategyEq)
		ec := r.lookupClass(e, eq, typ)
		if ec == nil {
			break // nobody cares for this order
		}
		k := &pathkey{ec: ec, family: ix.families[col], desc: desc, nullsFirst: nf}
		if !redundant(k, out) {
			out = append(out, k)
		}
	}
	return out
}

func (r *root) lookupClass(e query.Expr, eq, typ ids.Oid) *eclass {
	if e == nil || eq == 0 {
		return nil
	}
	e = stripRelabel(e)
	var fams []ids.Oid
	for _, f := range r.g.facts.families(eq) {
		if f.strategy == strategyEq {
			fams = append(fams, f.family)
		}
	}
	for _, ec := range r.ecs {
		if ec.volatile || !sameFamilies(ec.families, fams) {
			continue
		}
		for _, m := range ec.members {
			if (m.typ == typ || r.binaryCompatible(typ, m.typ)) && exprEqual(stripRelabel(m.expr), e) {
				return ec
			}
		}
	}
	return nil
}

func (r *root) columnVar(b *rel, att int) *query.Var {
	a := &b.table.desc.Attrs[att-1]
	return &query.Var{Result: query.Result{ResType: a.Type, ResTypmod: a.Typmod, ResCollation: a.Collation}, Varno: b.rti, Varattno: att, Location: -1}
}

// usefulKeys keeps the part of an order that a merge join, grouping or the final order can use.
func (r *root) usefulKeys(b *rel, keys []*pathkey) []*pathkey {
	n := 0
	for _, want := range [][]*pathkey{r.sortKeys, r.groupKeys, r.windowKeys, r.distinctKeys} {
		n = max(n, commonKeys(want, keys))
	}
	m := 0
	for _, k := range keys {
		if !r.mergeUseful(b, k) {
			break
		}
		m++
	}
	return keys[:max(n, m)]
}

func (r *root) mergeUseful(b *rel, k *pathkey) bool {
	ec := k.ec.final()
	if len(ec.members) > 1 && !ec.hasConst {
		for _, m := range ec.members {
			if !m.rels.empty() && !m.rels.overlaps(b.relids) {
				return true
			}
		}
	}
	for _, ri := range b.joins {
		if len(ri.merge) > 0 && (ri.leftEC != nil && ri.leftEC.final() == ec || ri.rightEC != nil && ri.rightEC.final() == ec) {
			return true
		}
	}
	return false
}

// sortPath sorts in, with the help of an order it has already.
func (r *root) sortPath(in *path, keys []*pathkey, bound float64) *path {
	if contained(keys, in.keys) {
		return in
	}
	p := &path{kind: pathSort, rel: in.rel, outer: in, keys: keys, reqOuter: in.reqOuter, tlist: in.tlist}
	width := 40
	if in.rel != nil {
		width = in.rel.width
	}
	r.costSort(p, in, in.rows, width, bound)
	if n := commonKeys(keys, in.keys); n > 0 && r.g.facts.costs().IncrementalSort {
		if q := r.incrementalSort(in, keys, n, width, bound); q.total < p.total || bound > 0 && q.startup < p.startup {
			return q
		}
	}
	return p
}

func (r *root) incrementalSort(in *path, keys []*pathkey, presorted, width int, bound float64) *path {
	var exprs []query.Expr
	for _, k := range keys[:presorted] {
		exprs = append(exprs, k.ec.final().members[0].expr)
	}
	groups := max(1, r.numGroups(exprs, in.rows))
	per := in.rows / groups
	one := &path{startup: 0, total: 0, rows: per}
	s := &path{}
	r.costSort(s, one, per, width, bound)
	p := &path{kind: pathIncSort, rel: in.rel, outer: in, keys: keys, presort: presorted, reqOuter: in.reqOuter, tlist: in.tlist, rows: in.rows}
	inRun := in.total - in.startup
	c := r.g.facts.costs()
	p.startup = in.startup + inRun/groups + s.startup
	p.total = p.startup + (s.total - s.startup) + (s.total+inRun/groups)*(groups-1) + in.rows*2*c.CPUTuple + 2*c.CPUTuple*groups
	return p
}
