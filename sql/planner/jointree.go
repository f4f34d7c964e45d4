package planner

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// joinItem is an item of the join problem: a base relation, or a list to be searched as a problem of its own.
type joinItem struct {
	rti  int
	list []joinItem
}

// deconstruct turns the join tree into restrictions, join clauses, equivalence classes and order constraints, and
// returns the list of items to be joined.
func (r *root) deconstruct() ([]joinItem, error) {
	d := &deconstructor{r: r}
	items, _ := d.recurse(r.q.JoinTree, false)
	return items, d.err
}

type deconstructor struct {
	r   *root
	err error
}

// mayLock rejects row locks on tables whose rows an outer join can turn to NULL.
func (d *deconstructor) mayLock(nullable relset) {
	words := [...]string{"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}
	for _, m := range d.r.q.RowMarks {
		if nullable.has(m.RTI) && d.err == nil {
			d.err = pgerr.NotSupported("%s cannot be applied to the nullable side of an outer join", words[m.Strength])
		}
	}
}

type nodeRels struct {
	all      relset
	nullable relset // relations that some outer join inside can make NULL
}

func (d *deconstructor) recurse(n query.JoinNode, belowOuter bool) ([]joinItem, nodeRels) {
	switch x := n.(type) {
	case *query.RangeTblRef:
		return []joinItem{{rti: x.RTIndex}}, nodeRels{all: single(x.RTIndex)}
	case *query.FromExpr:
		return d.fromList(x, belowOuter)
	case *query.JoinExpr:
		return d.join(x, belowOuter)
	}
	panic("planner: unknown join tree node")
}

func (d *deconstructor) fromList(x *query.FromExpr, belowOuter bool) ([]joinItem, nodeRels) {
	var items []joinItem
	var rels nodeRels
	limit := d.r.g.facts.costs().FromCollapseLimit
	for _, f := range x.FromList {
		sub, sr := d.recurse(f, belowOuter)
		rels.all = rels.all.union(sr.all)
		rels.nullable = rels.nullable.union(sr.nullable)
		if len(sub) <= 1 || len(items)+len(sub) <= limit {
			items = append(items, sub...)
		} else {
			items = append(items, joinItem{list: sub})
		}
	}
	for _, q := range andList(x.Quals) {
		d.distribute(q, rels, nil, belowOuter)
	}
	return items, rels
}

func (d *deconstructor) join(x *query.JoinExpr, belowOuter bool) ([]joinItem, nodeRels) {
	outerRight := x.JoinType != query.JoinInner && x.JoinType != query.JoinSemi
	li, lr := d.recurse(x.Larg, belowOuter || x.JoinType == query.JoinFull)
	ri, rr := d.recurse(x.Rarg, belowOuter || outerRight)
	rels := nodeRels{all: lr.all.union(rr.all), nullable: lr.nullable.union(rr.nullable)}
	quals := andList(x.Quals)
	if x.JoinType == query.JoinInner {
		for _, q := range quals {
			d.distribute(q, rels, nil, belowOuter)
		}
	} else {
		sj := d.specialJoin(x, lr, rr, quals)
		for _, q := range quals {
			d.distribute(q, rels, sj, belowOuter)
		}
		if x.JoinType == query.JoinSemi {
			d.r.semiUnique(sj, quals)
		}
		d.r.sjs = append(d.r.sjs, sj)
		switch x.JoinType {
		case query.JoinLeft:
			rels.nullable = rels.nullable.union(rr.all)
			d.mayLock(rr.all)
		case query.JoinFull:
			rels.nullable = rels.all
			d.mayLock(rels.all)
		}
	}
	limit := d.r.g.facts.costs().JoinCollapseLimit
	switch {
	case x.JoinType == query.JoinFull:
		return []joinItem{{list: []joinItem{wrapItems(li), wrapItems(ri)}}}, rels
	case len(li)+len(ri) <= limit:
		return append(li, ri...), rels
	}
	return []joinItem{wrapItems(li), wrapItems(ri)}, rels
}

func wrapItems(l []joinItem) joinItem {
	if len(l) == 1 {
		return l[0]
	}
	return joinItem{list: l}
}

// specialJoin decides which relations must have been joined before an outer, semi or anti join. Outer joins keep their
// whole syntactic sides; semi and anti joins need only the relations on the left that their condition mentions,
// with the whole of each outer join that could make one of them NULL.
func (d *deconstructor) specialJoin(x *query.JoinExpr, lr, rr nodeRels, quals []query.Expr) *specialJoin {
	sj := &specialJoin{jointype: x.JoinType, synLeft: lr.all, synRight: rr.all, minLeft: lr.all, minRight: rr.all}
	if x.JoinType != query.JoinSemi && x.JoinType != query.JoinAnti && x.JoinType != query.JoinLeft {
		return sj
	}
	var mentioned relset
	for _, q := range quals {
		mentioned = mentioned.union(d.r.exprRels(q))
	}
	left := mentioned.intersect(lr.all)
	if left.empty() || x.JoinType == query.JoinLeft && !d.strictOn(quals, left) {
		return sj
	}
	sj.minLeft = left
	d.r.closeOuter(&sj.minLeft)
	sj.minLeft = sj.minLeft.intersect(lr.all)
	// A lower outer join on the right stays whole: minRight is the syntactic right side already.
	return sj
}

// strictOn reports whether the conditions reject rows in which all of rels is NULL.
func (d *deconstructor) strictOn(quals []query.Expr, rels relset) bool {
	for _, q := range quals {
		if d.r.nonnullable(q, true).overlaps(rels) {
			return true
		}
	}
	return false
}

// closeOuter adds to s the sides of every outer join that can make a member of s NULL.
func (r *root) closeOuter(s *relset) {
	for again := true; again; {
		again = false
		for _, sj := range r.sjs {
			hit := (sj.jointype == query.JoinLeft || sj.jointype == query.JoinFull || sj.jointype == query.JoinAnti) && s.overlaps(sj.minRight) ||
				sj.jointype == query.JoinFull && s.overlaps(sj.minLeft)
			all := sj.minLeft.union(sj.minRight)
			if hit && !all.subsetOf(*s) {
				*s = s.union(all)
				again = true
			}
		}
	}
}

// distribute puts one condition where it is to be evaluated. sj is the outer, semi or anti join whose ON condition it is.
func (d *deconstructor) distribute(q query.Expr, at nodeRels, sj *specialJoin, belowOuter bool) {
	r := d.r
	if sj == nil && r.nullByAntiJoin(q) {
		return
	}
	rels := r.exprRels(q)
	ri := &rinfo{clause: q, relids: rels, required: rels, pushedDown: sj == nil}
	volatile := r.volatileExpr(q)
	if rels.empty() {
		if sj == nil && !volatile && !belowOuter {
			r.where = append(r.where, ri)
			return
		}
		// Below an outer join a condition without columns belongs to the join it stands at.
		ri.required = at.all
		if sj != nil && sj.jointype != query.JoinSemi {
			ri.required = sj.synLeft.union(sj.synRight)
		}
	}
	switch {
	case sj == nil:
		r.closeOuter(&ri.required)
	case sj.jointype == query.JoinSemi:
		if !rels.overlaps(sj.synLeft) || !rels.overlaps(sj.synRight) {
			r.closeOuter(&ri.required)
			if rels.subsetOf(sj.synLeft) && !rels.empty() || rels.subsetOf(sj.synRight) && !rels.empty() {
				ri.pushedDown = true
			}
		} else {
			ri.required = ri.required.union(sj.minLeft).union(sj.minRight)
		}
	case rels.subsetOf(sj.synRight) && sj.jointype != query.JoinFull && !rels.empty():
		// Only the nullable side: it can be filtered before the join.
		r.closeOuter(&ri.required)
		ri.pushedDown = true
	default:
		ri.required = sj.minLeft.union(sj.minRight).union(rels)
		ri.leakyOuter = true
		sj.minLeft = sj.minLeft.union(rels.intersect(sj.synLeft))
		ri.required = sj.minLeft.union(sj.minRight)
	}
	r.analyzeClause(ri)
	if len(ri.merge) > 0 && ri.canJoinEC() && !volatile {
		outerSafe := sj == nil || sj.jointype == query.JoinSemi || ri.pushedDown
		if outerSafe && ri.required == ri.relids && !d.insideNullable(ri, belowOuter) {
			if r.addEquivalence(ri) {
				return
			}
		}
	}
	r.place(ri)
}

// nullByAntiJoin reports whether q says column IS NULL of a column that an anti join below lets through as NULL only.
func (r *root) nullByAntiJoin(q query.Expr) bool {
	n, ok := q.(*query.NullTest)
	if !ok || !n.IsNull || n.Argisrow {
		return false
	}
	v, ok := stripRelabel(n.Arg).(*query.Var)
	if !ok || v.Varlevelsup > 0 {
		return false
	}
	for _, sj := range r.sjs {
		if sj.jointype == query.JoinAnti && sj.synRight.has(v.Varno) {
			return true
		}
	}
	return false
}

// insideNullable reports whether the condition sits below an outer join's nullable side, where an equality holds only
// for the rows that the join matches.
func (d *deconstructor) insideNullable(ri *rinfo, belowOuter bool) bool { return belowOuter }

// place hangs a finished condition on the relations that need it.
func (r *root) place(ri *rinfo) {
	if ri.required.count() == 1 {
		b := r.rels[ri.required.first()]
		b.restrict = append(b.restrict, ri)
		return
	}
	for _, i := range ri.required.members() {
		if b := r.rels[i]; b != nil {
			b.joins = append(b.joins, ri)
		}
	}
	r.addNeeded(ri.clause, ri.required)
}

// analyzeClause notes what joins and indexes can make of a condition.
func (r *root) analyzeClause(ri *rinfo) {
	if b, ok := ri.clause.(*query.BoolExpr); ok && b.Op == query.OrExpr {
		for _, arm := range b.Args {
			var infos []*rinfo
			for _, q := range andList(arm) {
				part := &rinfo{clause: q, relids: r.exprRels(q), pushedDown: ri.pushedDown}
				part.required = part.relids
				r.analyzeClause(part)
				infos = append(infos, part)
			}
			ri.orParts = append(ri.orParts, infos)
		}
		return
	}
	op, ok := ri.clause.(*query.OpExpr)
	if !ok || len(op.Args) != 2 || op.RetSet {
		return
	}
	ri.opno = op.OpNo
	ri.left, ri.right = op.Args[0], op.Args[1]
	ri.leftRelids, ri.rightRels = r.exprRels(ri.left), r.exprRels(ri.right)
	info := r.g.facts.op(op.OpNo)
	if info == nil {
		return
	}
	ri.canJoin = !ri.leftRelids.empty() && !ri.rightRels.empty() && !ri.leftRelids.overlaps(ri.rightRels)
	ri.hashable = info.canHash
	if info.canMerge {
		for _, m := range r.g.facts.families(op.OpNo) {
			if m.strategy == strategyEq {
				ri.merge = append(ri.merge, m)
			}
		}
	}
}

// canJoinEC reports whether an equality can found or join an equivalence class: column = column or column = constant.
func (ri *rinfo) canJoinEC() bool {
	return ri.left != nil && !exprEqual(ri.left, ri.right) && !(ri.leftRelids.empty() && ri.rightRels.empty())
}

// addNeeded notes that the columns of e must be available at the relations where.
func (r *root) addNeeded(e query.Expr, where relset) {
	walkExpr(e, func(n query.Expr) bool {
		if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno > 0 {
			k := varKey{v.Varno, v.Varattno}
			old, seen := r.needed[k]
			r.needed[k] = old.union(where)
			if !seen && r.rels[v.Varno] != nil {
				b := r.rels[v.Varno]
				b.target = append(b.target, v)
			}
		}
		return true
	})
}

// semiUnique notes the inner expressions and operators by which a semi join's right side could be made unique.
func (r *root) semiUnique(sj *specialJoin, quals []query.Expr) {
	for _, q := range quals {
		op, ok := q.(*query.OpExpr)
		if !ok || len(op.Args) != 2 {
			if !r.exprRels(q).overlaps(sj.synLeft) {
				continue
			}
			sj.semiOps, sj.semiRight = nil, nil
			return
		}
		l, rr := r.exprRels(op.Args[0]), r.exprRels(op.Args[1])
		if l.union(rr).subsetOf(sj.synRight) || l.union(rr).subsetOf(sj.synLeft) {
			continue
		}
		inner, opno := op.Args[1], op.OpNo
		if l.subsetOf(sj.synRight) && !l.empty() && !rr.overlaps(sj.synRight) {
			inner, opno = op.Args[0], r.commutator(op.OpNo)
		} else if !rr.subsetOf(sj.synRight) || rr.empty() || l.overlaps(sj.synRight) {
			sj.semiOps, sj.semiRight = nil, nil
			return
		}
		info := r.g.facts.op(opno)
		if info == nil || !info.canHash || info.left != info.right || r.volatileExpr(inner) {
			sj.semiOps, sj.semiRight = nil, nil
			return
		}
		sj.semiOps = append(sj.semiOps, opno)
		sj.semiRight = append(sj.semiRight, inner)
	}
}

func (r *root) commutator(op ids.Oid) ids.Oid {
	if info := r.g.facts.op(op); info != nil {
		return info.commutator
	}
	return 0
}

// andList splits a condition into its ANDed parts.
func andList(e query.Expr) []query.Expr {
	if e == nil {
		return nil
	}
	if b, ok := e.(*query.BoolExpr); ok && b.Op == query.AndExpr {
		var out []query.Expr
		for _, a := range b.Args {
			out = append(out, andList(a)...)
		}
		return out
	}
	if c, ok := e.(*query.Const); ok && c.Value.IsTrue() {
		return nil
	}
	return []query.Expr{e}
}

// exprRels lists the relations of this level that e mentions.
func (r *root) exprRels(e query.Expr) relset {
	var s relset
	walkExpr(e, func(n query.Expr) bool {
		if v, ok := n.(*query.Var); ok && v.Varlevelsup == 0 && v.Varno > 0 {
			s = s.add(v.Varno)
		}
		if c, ok := n.(*query.CurrentOfExpr); ok {
			s = s.add(c.Varno)
		}
		return true
	})
	return s
}
