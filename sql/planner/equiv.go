package planner

import (
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// eclass is a set of expressions that are equal in every row of the final result. It yields join clauses between any
// two of its relations, restrictions to a constant, and the identity of sort orders.
type eclass struct {
	families []ids.Oid // btree families by whose equality the members are equal
	coll     ids.Oid
	members  []*ecMember
	sources  []*rinfo
	hasConst bool
	konst    *ecMember
	merged   *eclass // the class that took this one over
	volatile bool
	sortref  int // of a volatile sort expression
	cache    map[[2]*ecMember]*rinfo
	made     bool
}

type ecMember struct {
	expr    query.Expr
	rels    relset
	typ     ids.Oid // operator input type
	isConst bool
}

func (ec *eclass) final() *eclass {
	for ec.merged != nil {
		ec = ec.merged
	}
	return ec
}

func exprColl(e query.Expr) ids.Oid { return e.Collation() }

// addEquivalence notes left = right; false when the classes cannot hold it.
func (r *root) addEquivalence(ri *rinfo) bool {
	info := r.g.facts.op(ri.opno)
	fams := make([]ids.Oid, len(ri.merge))
	for i, m := range ri.merge {
		fams[i] = m.family
	}
	coll := ri.clause.(*query.OpExpr).InputCollid
	if !r.strictOp(info) {
		return false
	}
	left, right := ri.left, ri.right
	lc, lm := r.findMember(left, info.left, fams, coll)
	rc, rm := r.findMember(right, info.right, fams, coll)
	ri.leftEC, ri.rightEC = lc, rc
	switch {
	case lc != nil && rc != nil && lc == rc:
		lc.sources = append(lc.sources, ri)
	case lc != nil && rc != nil:
		for _, m := range rc.members {
			r.joinClass(lc, m)
		}
		lc.sources = append(append(lc.sources, rc.sources...), ri)
		rc.merged = lc
		r.dropClass(rc)
	case lc != nil:
		r.joinClass(lc, r.newMember(right, info.right))
		lc.sources = append(lc.sources, ri)
	case rc != nil:
		r.joinClass(rc, r.newMember(left, info.left))
		rc.sources = append(rc.sources, ri)
	default:
		ec := &eclass{families: fams, coll: coll, sources: []*rinfo{ri}}
		r.joinClass(ec, r.newMember(left, info.left))
		r.joinClass(ec, r.newMember(right, info.right))
		r.ecs = append(r.ecs, ec)
	}
	_, _ = lm, rm
	return true
}

func (r *root) strictOp(info *opInfo) bool {
	if info == nil {
		return false
	}
	p := r.g.facts.proc(info.fn)
	return p != nil && p.strict
}

func (r *root) dropClass(ec *eclass) {
	for i, e := range r.ecs {
		if e == ec {
			r.ecs = append(r.ecs[:i:i], r.ecs[i+1:]...)
			return
		}
	}
}

func (r *root) newMember(e query.Expr, typ ids.Oid) *ecMember {
	m := &ecMember{expr: e, rels: r.exprRels(e), typ: typ}
	m.isConst = m.rels.empty() && rowIndependent(e)
	return m
}

// rowIndependent reports whether e has the same value in every row of the level: no columns, aggregates, window functions or
// set-returning calls.
func rowIndependent(e query.Expr) bool {
	ok := true
	walkExpr(e, func(n query.Expr) bool {
		switch x := n.(type) {
		case *query.Var, *query.Aggref, *query.GroupingFunc, *query.WindowFunc, *plan.SubPlan:
			ok = false
		case *query.FuncExpr:
			ok = ok && !x.RetSet
		case *query.OpExpr:
			ok = ok && !x.RetSet
		}
		return ok
	})
	return ok
}

func (r *root) joinClass(ec *eclass, m *ecMember) {
	ec.members = append(ec.members, m)
	if m.isConst && !ec.hasConst {
		ec.hasConst, ec.konst = true, m
	}
}

// findMember looks for the class that holds e as a value of typ under one of fams.
func (r *root) findMember(e query.Expr, typ ids.Oid, fams []ids.Oid, coll ids.Oid) (*eclass, *ecMember) {
	for _, ec := range r.ecs {
		if ec.volatile || ec.coll != coll || !sameFamilies(ec.families, fams) {
			continue
		}
		for _, m := range ec.members {
			if m.typ == typ && exprEqual(m.expr, e) {
				return ec, m
			}
		}
	}
	return nil, nil
}

func sameFamilies(a, b []ids.Oid) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// finishClasses turns what the classes say of single relations into restrictions, and notes which columns joins will
// need. It runs once, after the join tree is taken apart.
func (r *root) finishClasses() {
	for _, ec := range r.ecs {
		if ec.made {
			continue
		}
		ec.made = true
		if ec.hasConst {
			r.constClass(ec)
			continue
		}
		r.columnClass(ec)
	}
}

// constClass yields member = constant for each member; two different constants become a condition that is checked once.
func (r *root) constClass(ec *eclass) {
	if len(ec.members) == 2 && len(ec.sources) == 1 {
		r.placeDerived(ec.sources[0])
		return
	}
	for _, m := range ec.members {
		if m == ec.konst {
			continue
		}
		ri := r.derive(ec, m, ec.konst)
		if ri == nil { // no such cross-type operator: keep what was written
			for _, s := range ec.sources {
				r.placeDerived(s)
			}
			return
		}
		r.placeDerived(ri)
	}
}

func (r *root) placeDerived(ri *rinfo) {
	if ri.relids.empty() {
		r.where = append(r.where, ri)
		return
	}
	r.place(ri)
}

// columnClass yields restrictions between members of one relation, and keeps the rest for joins.
func (r *root) columnClass(ec *eclass) {
	last := map[relset]*ecMember{}
	var all relset
	for _, m := range ec.members {
		all = all.union(m.rels)
		if m.rels.count() != 1 {
			continue
		}
		if prev := last[m.rels]; prev != nil {
			if ri := r.derive(ec, prev, m); ri != nil {
				r.place(ri)
			} else {
				for _, s := range ec.sources {
					r.place(s)
				}
				ec.members = nil
				return
			}
		}
		last[m.rels] = m
	}
	for _, m := range ec.members {
		r.addNeeded(m.expr, all)
		for _, i := range m.rels.members() {
			if b := r.rels[i]; b != nil && all.count() > 1 {
				b.hasECs = true
			}
		}
	}
}

// derive makes a = b from the class; nil when the families have no such operator.
func (r *root) derive(ec *eclass, a, b *ecMember) *rinfo {
	key := [2]*ecMember{a, b}
	if ri, ok := ec.cache[key]; ok {
		return ri
	}
	for _, s := range ec.sources { // prefer a clause as it was written
		if s.left != nil && (exprEqual(s.left, a.expr) && exprEqual(s.right, b.expr) || exprEqual(s.left, b.expr) && exprEqual(s.right, a.expr)) {
			r.cacheDerived(ec, key, s)
			return s
		}
	}
	for _, fam := range ec.families {
		op := r.g.facts.famOp(fam, a.typ, b.typ, strategyEq)
		if op == 0 {
			continue
		}
		info := r.g.facts.op(op)
		e := &query.OpExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, OpNo: op, FuncID: info.fn, InputCollid: ec.coll, Args: []query.Expr{a.expr, b.expr}, Location: -1}
		ri := &rinfo{clause: e, pushedDown: true, ec: ec, leftEC: ec, rightEC: ec}
		ri.relids = a.rels.union(b.rels)
		ri.required = ri.relids
		r.analyzeClause(ri)
		r.cacheDerived(ec, key, ri)
		return ri
	}
	r.cacheDerived(ec, key, nil)
	return nil
}

func (r *root) cacheDerived(ec *eclass, key [2]*ecMember, ri *rinfo) {
	if ec.cache == nil {
		ec.cache = map[[2]*ecMember]*rinfo{}
	}
	if ri != nil {
		ri.ec, ri.leftEC, ri.rightEC = ec, ec, ec
	}
	ec.cache[key] = ri
}

// classClauses lists the equalities that the classes imply between outer and inner, one for each class that is not
// enforced inside one of the sides already.
func (r *root) classClauses(outer, inner relset) []*rinfo {
	var out []*rinfo
	for _, ec := range r.ecs {
		if ec.hasConst || ec.volatile || len(ec.members) < 2 {
			continue
		}
		out = append(out, r.classJoin(ec, outer, inner)...)
	}
	return out
}

func (r *root) classJoin(ec *eclass, outer, inner relset) []*rinfo {
	var om, im, fresh []*ecMember
	for _, m := range ec.members {
		switch {
		case m.rels.empty():
		case m.rels.subsetOf(outer):
			om = append(om, m)
		case m.rels.subsetOf(inner):
			im = append(im, m)
		case m.rels.subsetOf(outer.union(inner)):
			fresh = append(fresh, m)
		}
	}
	var out []*rinfo
	if len(om) > 0 && len(im) > 0 {
		if ri := r.bestPair(ec, om, im); ri != nil {
			out = append(out, ri)
		}
	}
	old := append(om, im...)
	for _, f := range fresh { // members that span both sides become computable only here
		if len(old) > 0 {
			if ri := r.derive(ec, old[0], f); ri != nil {
				out = append(out, ri)
			}
		}
		old = append(old, f)
	}
	return out
}

// bestPair picks the clause between two sides, plain columns first.
func (r *root) bestPair(ec *eclass, om, im []*ecMember) *rinfo {
	var best *rinfo
	score := -1
	for _, a := range om {
		for _, b := range im {
			ri := r.derive(ec, a, b)
			if ri == nil {
				continue
			}
			s := 0
			if isVar(a.expr) {
				s++
			}
			if isVar(b.expr) {
				s++
			}
			if ri.hashable {
				s++
			}
			if s > score {
				best, score = ri, s
			}
		}
	}
	return best
}

func isVar(e query.Expr) bool { _, ok := stripRelabel(e).(*query.Var); return ok }

func stripRelabel(e query.Expr) query.Expr {
	for {
		rl, ok := e.(*query.RelabelType)
		if !ok {
			return e
		}
		e = rl.Arg
	}
}

// classFor finds or makes the class of a sort or merge expression.
func (r *root) classFor(e query.Expr, fams []ids.Oid, typ, coll ids.Oid, sortref int) *eclass {
	volatile := r.volatileExpr(e)
	if !volatile {
		if ec, _ := r.findMember(e, typ, fams, coll); ec != nil {
			return ec
		}
	} else {
		for _, ec := range r.ecs {
			if ec.volatile && ec.sortref == sortref && sortref != 0 {
				return ec
			}
		}
	}
	ec := &eclass{families: fams, coll: coll, volatile: volatile, sortref: sortref, made: true}
	r.joinClass(ec, r.newMember(e, typ))
	ec.hasConst = ec.hasConst && !volatile
	r.ecs = append(r.ecs, ec)
	return ec
}
