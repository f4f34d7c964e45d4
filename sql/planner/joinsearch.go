package planner

import (
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// greedyAbove is the number of items above which join orders are searched greedily instead of exhaustively.
const greedyAbove = 11

// searchJoins finds the best ways to join the items.
func (r *root) searchJoins(items []joinItem) (*rel, error) {
	var rels []*rel
	for _, it := range items {
		var x *rel
		var err error
		if it.list != nil {
			x, err = r.searchJoins(it.list)
		} else {
			x = r.rels[it.rti]
		}
		if err != nil {
			return nil, err
		}
		rels = append(rels, x)
	}
	if len(rels) == 1 {
		return rels[0], nil
	}
	search := r.levelSearch
	if len(rels) > greedyAbove {
		search = r.greedySearch
	}
	j, err := search(rels)
	if err == nil && len(j.paths) == 0 {
		return nil, pgerr.NotSupported("FULL JOIN is only supported with merge-joinable or hash-joinable join conditions")
	}
	return j, err
}

// levelSearch is dynamic programming: level n holds the best joins of n items.
func (r *root) levelSearch(initial []*rel) (*rel, error) {
	levels := make([][]*rel, len(initial)+1)
	levels[1] = initial
	for n := 2; n <= len(initial); n++ {
		if err := r.joinLevel(levels, n, true); err != nil {
			return nil, err
		}
		if len(levels[n]) == 0 { // conditions connect nothing here: allow products
			if err := r.joinLevel(levels, n, false); err != nil {
				return nil, err
			}
		}
		for _, j := range levels[n] {
			j.setCheapest()
		}
	}
	last := levels[len(initial)]
	if len(last) != 1 {
		return nil, pgerr.Internal("failed to build any %d-way joins", len(initial))
	}
	return last[0], nil
}

func (r *root) joinLevel(levels [][]*rel, n int, needClause bool) error {
	add := func(j *rel) {
		if j == nil {
			return
		}
		for _, o := range levels[n] {
			if o == j {
				return
			}
		}
		levels[n] = append(levels[n], j)
	}
	for k := 1; k <= n/2; k++ {
		for _, a := range levels[n-k] {
			if err := r.g.facts.interrupted(); err != nil {
				return err
			}
			linked := r.hasLink(a)
			for _, b := range levels[k] {
				if a.relids.overlaps(b.relids) || n-k == k && a.relids.first() > b.relids.first() {
					continue
				}
				if needClause && linked && !r.connected(a, b) {
					continue
				}
				if needClause && !linked && k > 1 {
					continue
				}
				add(r.joinRel(a, b))
			}
		}
	}
	return nil
}

// hasLink reports whether any join condition or order constraint mentions a.
func (r *root) hasLink(a *rel) bool {
	for _, i := range a.relids.members() {
		b := r.rels[i]
		if b == nil {
			continue
		}
		for _, ri := range b.joins {
			if !ri.required.subsetOf(a.relids) {
				return true
			}
		}
		if b.hasECs || !b.lateral.empty() {
			return true
		}
	}
	for _, sj := range r.sjs {
		if sj.minLeft.overlaps(a.relids) || sj.minRight.overlaps(a.relids) {
			if !sj.minLeft.union(sj.minRight).subsetOf(a.relids) {
				return true
			}
		}
	}
	return false
}

// connected reports whether a condition, class, lateral reference or order constraint links a and b.
func (r *root) connected(a, b *rel) bool {
	for _, i := range a.relids.members() {
		x := r.rels[i]
		if x == nil {
			continue
		}
		if x.lateral.overlaps(b.relids) {
			return true
		}
		for _, ri := range x.joins {
			if ri.relids.overlaps(b.relids) {
				return true
			}
		}
	}
	for _, i := range b.relids.members() {
		if x := r.rels[i]; x != nil && x.lateral.overlaps(a.relids) {
			return true
		}
	}
	for _, ec := range r.ecs {
		if ec.hasConst || len(ec.members) < 2 {
			continue
		}
		inA, inB := false, false
		for _, m := range ec.members {
			if m.rels.empty() {
				continue
			}
			inA = inA || m.rels.subsetOf(a.relids)
			inB = inB || m.rels.subsetOf(b.relids)
		}
		if inA && inB {
			return true
		}
	}
	for _, sj := range r.sjs {
		if sj.minLeft.overlaps(a.relids) && sj.minRight.overlaps(b.relids) || sj.minLeft.overlaps(b.relids) && sj.minRight.overlaps(a.relids) {
			return true
		}
	}
	return false
}

// greedySearch joins the pair with the fewest rows again and again.
func (r *root) greedySearch(rels []*rel) (*rel, error) {
	rels = append([]*rel(nil), rels...)
	joined := map[[2]*rel]*rel{} // what was tried before; nil where the order is not allowed
	for len(rels) > 1 {
		var best *rel
		bi, bj := -1, -1
		for pass := 0; pass < 2 && best == nil; pass++ {
			for i := range rels {
				for j := i + 1; j < len(rels); j++ {
					if pass == 0 && !r.connected(rels[i], rels[j]) {
						continue
					}
					pair := [2]*rel{rels[i], rels[j]}
					x, tried := joined[pair]
					if !tried {
						if err := r.g.facts.interrupted(); err != nil {
							return nil, err
						}
						x = r.joinRel(rels[i], rels[j])
						joined[pair] = x
					}
					if x != nil && (best == nil || x.rows < best.rows) {
						best, bi, bj = x, i, j
					}
				}
			}
		}
		if best == nil {
			return nil, pgerr.Internal("no legal join order found")
		}
		best.setCheapest()
		rels[bi] = best
		rels = append(rels[:bj], rels[bj+1:]...)
	}
	return rels[0], nil
}

// joinRel makes or finds the join of a and b and offers its paths; nil when the order is not allowed.
func (r *root) joinRel(a, b *rel) *rel {
	sj, reversed, ok := r.legalJoin(a, b)
	if !ok {
		return nil
	}
	if reversed {
		a, b = b, a
	}
	jt := query.JoinInner
	if sj != nil {
		jt = sj.jointype
	}
	ids := a.relids.union(b.relids)
	infos := r.joinInfos(a, b)
	j := r.joinRels[ids]
	if j == nil {
		j = &rel{relids: ids}
		j.rows = r.joinRows(a, b, infos, jt, sj)
		r.joinTarget(j)
		for _, i := range ids.members() {
			if x := r.rels[i]; x != nil {
				j.lateral = j.lateral.union(x.lateral)
			}
		}
		j.lateral = j.lateral.minus(ids)
		r.joinRels[ids] = j
	}
	switch jt {
	case query.JoinInner:
		r.joinPaths(j, a, b, query.JoinInner, infos, sj)
		r.joinPaths(j, b, a, query.JoinInner, infos, sj)
	case query.JoinLeft, query.JoinAnti:
		r.joinPaths(j, a, b, jt, infos, sj)
		if jt == query.JoinLeft {
			r.joinPaths(j, b, a, query.JoinRight, infos, sj)
		}
	case query.JoinFull:
		r.joinPaths(j, a, b, jt, infos, sj)
		r.joinPaths(j, b, a, jt, infos, sj)
	case query.JoinSemi:
		if sj.minLeft.subsetOf(a.relids) && sj.minRight.subsetOf(b.relids) {
			r.joinPaths(j, a, b, query.JoinSemi, infos, sj)
		}
		r.uniqueSemi(j, a, b, infos, sj)
	}
	return j
}

// legalJoin checks the order constraints; sj is the outer, semi or anti join that joining a and b performs.
func (r *root) legalJoin(a, b *rel) (match *specialJoin, reversed, ok bool) {
	ids := a.relids.union(b.relids)
	for _, sj := range r.sjs {
		if !sj.minRight.overlaps(ids) {
			continue
		}
		whole := sj.minLeft.union(sj.minRight)
		if whole.subsetOf(a.relids) || whole.subsetOf(b.relids) {
			continue // done already
		}
		if ids.subsetOf(sj.minRight) || !sj.minLeft.overlaps(ids) && ids.subsetOf(sj.synRight) {
			continue // inside the right side
		}
		switch {
		case sj.minLeft.subsetOf(a.relids) && sj.minRight.subsetOf(b.relids):
			if match != nil {
				return nil, false, false
			}
			match, reversed = sj, false
		case sj.minLeft.subsetOf(b.relids) && sj.minRight.subsetOf(a.relids):
			if match != nil {
				return nil, false, false
			}
			match, reversed = sj, true
		case !sj.minRight.overlaps(a.relids) && !sj.minRight.overlaps(b.relids):
		case !sj.minLeft.overlaps(ids) && sj.minRight.subsetOf(ids) && ids.subsetOf(sj.synRight.union(sj.minRight)):
		default:
			if sj.minRight.overlaps(a.relids) && sj.minRight.overlaps(b.relids) && !sj.minLeft.overlaps(ids) && ids.subsetOf(sj.synRight) {
				continue
			}
			return nil, false, false
		}
		// The right side must be joined with nothing but itself before.
		if match == sj {
			inner := b
			if reversed {
				inner = a
			}
			if !inner.relids.subsetOf(sj.synRight) && sj.jointype != query.JoinInner {
				return nil, false, false
			}
		}
	}
	// Lateral references: the referenced side must be outer.
	if r.lateralInto(a, b) && r.lateralInto(b, a) {
		return nil, false, false
	}
	if match != nil && match.jointype == query.JoinFull && (r.lateralInto(a, b) || r.lateralInto(b, a)) {
		return nil, false, false
	}
	return match, reversed, true
}

// lateralInto reports whether inner reads columns of outer laterally.
func (r *root) lateralInto(outer, inner *rel) bool { return inner.lateral.overlaps(outer.relids) }

// joinInfos lists the conditions to be checked where a and b are joined.
func (r *root) joinInfos(a, b *rel) []*rinfo {
	ids := a.relids.union(b.relids)
	var out []*rinfo
	seen := map[*rinfo]bool{}
	for _, side := range []*rel{a, b} {
		for _, i := range side.relids.members() {
			x := r.rels[i]
			if x == nil {
				continue
			}
			for _, ri := range x.joins {
				if !seen[ri] && ri.required.subsetOf(ids) && !ri.required.subsetOf(a.relids) && !ri.required.subsetOf(b.relids) {
					seen[ri] = true
					out = append(out, ri)
				}
			}
		}
	}
	for _, ri := range r.classClauses(a.relids, b.relids) {
		if !seen[ri] {
			seen[ri] = true
			out = append(out, ri)
		}
	}
	return out
}

// joinTarget lists the columns of a join that are still needed above it.
func (r *root) joinTarget(j *rel) {
	w := 0.0
	for _, i := range j.relids.members() {
		b := r.rels[i]
		if b == nil {
			continue
		}
		for _, e := range b.target {
			v := e.(*query.Var)
			if !r.needed[varKey{v.Varno, v.Varattno}].subsetOf(j.relids) {
				j.target = append(j.target, e)
				w += r.exprWidth(e)
			}
		}
	}
	j.width = int(w)
}
