package planner

import (
	"fmt"
	"math"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// outerRef is a column of this level that a nested query reads through an exec param.
type outerRef struct {
	expr query.Expr
	id   int
}

// levelState is the part of a root that nested levels write to.
type levelState struct {
	pending []outerRef   // columns of this level that the nested query being planned reads
	ext     map[int]bool // exec params that this level or one inside it reads, set by an outer level
}

// replaceOuterVars makes columns of outer levels into exec params.
func (r *root) replaceOuterVars() {
	if r.parent == nil {
		return
	}
	r.q = query.MutateQuery(r.q, func(e query.Expr) query.Expr {
		return mutateExpr(e, func(x query.Expr) query.Expr {
			switch v := x.(type) {
			case *query.Var:
				if v.Varlevelsup > 0 {
					c := *v
					c.Varlevelsup = 0
					return r.outerParam(v.Varlevelsup, &c)
				}
			case *query.Aggref:
				if v.AggLevelsUp > 0 {
					up := v.AggLevelsUp
					c := liftExpr(v, -up).(*query.Aggref)
					cc := *c
					cc.AggLevelsUp = 0
					return r.outerParam(up, &cc)
				}
			}
			return nil
		})
	}, nil)
}

// outerParam returns the exec param that carries expr, an expression of the level up levels outward.
func (r *root) outerParam(up int, expr query.Expr) *query.Param {
	owner := r
	for i := 0; i < up; i++ {
		owner = owner.parent
	}
	id := -1
	for _, o := range owner.lv.pending {
		if exprEqual(o.expr, expr) {
			id = o.id
		}
	}
	if id < 0 {
		id = r.g.newParam(expr.Type())
		owner.lv.pending = append(owner.lv.pending, outerRef{expr, id})
	}
	for l := r; l != owner; l = l.parent {
		l.noteExt(id)
	}
	return &query.Param{Result: query.Result{ResType: expr.Type(), ResTypmod: expr.Typmod(), ResCollation: expr.Collation()}, Kind: query.ParamExec, ID: id, Location: -1}
}

func (r *root) noteExt(id int) {
	if r.lv.ext == nil {
		r.lv.ext = map[int]bool{}
	}
	r.lv.ext[id] = true
}

// takePending returns the columns of this level that the nested query just planned reads.
func (r *root) takePending() []outerRef {
	p := r.lv.pending
	r.lv.pending = nil
	return p
}

// planNested plans a query inside this level and builds its plan tree.
func (r *root) planNested(q *query.Query, frac float64) (*root, *path, plan.Node, []outerRef, error) {
	saved := r.takePending()
	sub, p, err := r.g.planQuery(q, r, frac, nil)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	node, _, err := newBuilder(sub).top(p)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	refs := r.takePending()
	r.lv.pending = saved
	return sub, p, node, refs, nil
}

// dependsOutside reports whether the nested level reads params that this level does not set from refs.
func dependsOutside(sub *root, refs []outerRef) bool {
	for id := range sub.lv.ext {
		own := false
		for _, o := range refs {
			own = own || o.id == id
		}
		if !own {
			return true
		}
	}
	return false
}

// planSubLinks plans the subselects in an expression. isQual: the expression is a condition, where NULL counts as false.
func (r *root) planSubLinks(e query.Expr, isQual bool) (query.Expr, error) {
	if !hasSubLink(e) {
		return e, nil
	}
	var first error
	var rec func(e query.Expr, qual bool) query.Expr
	rec = func(e query.Expr, qual bool) query.Expr {
		if first != nil {
			return e
		}
		switch x := e.(type) {
		case *query.SubLink:
			test := x.Testexpr
			if test != nil {
				test = rec(test, false)
			}
			out, err := r.planSubLink(x, test, qual)
			if err != nil {
				first = err
				return e
			}
			return out
		case *query.BoolExpr:
			return mutateChildren(x, func(c query.Expr) query.Expr { return rec(c, qual && x.Op != query.NotExpr) })
		}
		return mutateChildren(e, func(c query.Expr) query.Expr { return rec(c, false) })
	}
	out := rec(e, isQual)
	return out, first
}

func (r *root) planSubLink(s *query.SubLink, test query.Expr, qual bool) (query.Expr, error) {
	sub := s.Subselect
	frac := 0.0
	switch s.SubLinkType {
	case query.ExistsSublink:
		frac = 1
		sub = simplifyExists(sub)
	case query.AllSublink, query.AnySublink:
		frac = 0.5
	case query.MultiExprSublink:
		return nil, pgerr.NotSupported("UPDATE ... SET (columns) = (subselect)")
	}
	nested, p, node, refs, err := r.planNested(sub, frac)
	if err != nil {
		return nil, err
	}
	def := &plan.SubPlanDef{Root: node, SubLink: s.SubLinkType}
	r.g.subplans = append(r.g.subplans, def)
	id := len(r.g.subplans) - 1
	correlated := len(refs) > 0 || dependsOutside(nested, refs)
	if !correlated && (s.SubLinkType == query.ExistsSublink || s.SubLinkType == query.ExprSublink || s.SubLinkType == query.ArraySublink) {
		def.InitPlan = true
		param := r.g.newParam(s.Type())
		def.SetParams = []int{param}
		def.Name = fmt.Sprintf("InitPlan %d (returns $%d)", id+1, param)
		r.initPlans = append(r.initPlans, id)
		return &query.Param{Result: s.Result, Kind: query.ParamExec, ID: param, Location: s.Location}, nil
	}
	if !correlated && s.SubLinkType == query.RowCompareSublink {
		return r.rowCompareInit(def, id, s, test, sub)
	}
	def.Name = fmt.Sprintf("SubPlan %d", id+1)
	sp := &plan.SubPlan{Result: s.Result, SubLinkType: s.SubLinkType, PlanID: id, Testexpr: test, UnknownEqFalse: qual}
	r.bindTest(sp, sub)
	for _, o := range refs {
		sp.ParParams = append(sp.ParParams, o.id)
		arg, err := r.planSubLinks(o.expr, false)
		if err != nil {
			return nil, err
		}
		sp.Args = append(sp.Args, arg)
	}
	r.considerHash(sp, p, correlated)
	if !correlated && !sp.UseHash {
		def.Root = keepRows(node)
	}
	return sp, nil
}

// keepRows puts a Material over a subselect that runs for each row and always yields the same.
func keepRows(n plan.Node) plan.Node {
	switch n.(type) {
	case *plan.Material, *plan.Sort, *plan.CteScan, *plan.FunctionScan, *plan.WorkTableScan:
		return n
	}
	m := &plan.Material{}
	m.Plan.StartupCost, m.TotalCost, m.Rows, m.Width = n.Base().StartupCost, n.Base().TotalCost, n.Base().Rows, n.Base().Width
	m.Left, m.ExtParams = n, n.Base().ExtParams
	return m
}

// simplifyExists drops what does not matter to EXISTS: the target list, ORDER BY, DISTINCT.
func simplifyExists(q *query.Query) *query.Query {
	if q.CommandType != query.CmdSelect || q.SetOperations != nil || q.HasAggs || len(q.GroupingSets) > 0 || q.HasWindowFuncs ||
		q.HasTargetSRFs || q.HasModifyingCTE || q.HavingQual != nil || q.LimitOffset != nil || len(q.RowMarks) > 0 {
		return q
	}
	if q.LimitCount != nil && !positiveConst(q.LimitCount) {
		return q
	}
	c := *q
	c.TargetList, c.GroupClause, c.WindowClause, c.DistinctClause, c.SortClause, c.LimitCount = nil, nil, nil, nil, nil, nil
	return &c
}

// bindTest gives each column of the subselect an exec param and puts these into the comparison.
func (r *root) bindTest(sp *plan.SubPlan, sub *query.Query) {
	if sp.Testexpr == nil {
		return
	}
	byCol := map[int]int{}
	for _, te := range sub.TargetList {
		if te.Resjunk {
			continue
		}
		id := r.g.newParam(te.Expr.Type())
		sp.ParamIDs = append(sp.ParamIDs, id)
		byCol[te.Resno] = id
	}
	sp.Testexpr = mutateExpr(sp.Testexpr, func(e query.Expr) query.Expr {
		if p, ok := e.(*query.Param); ok && p.Kind == query.ParamSublink {
			return &query.Param{Result: p.Result, Kind: query.ParamExec, ID: byCol[p.ID], Location: -1}
		}
		return nil
	})
}

// rowCompareInit runs an uncorrelated row subselect once; the comparison reads its columns as params.
func (r *root) rowCompareInit(def *plan.SubPlanDef, id int, s *query.SubLink, test query.Expr, sub *query.Query) (query.Expr, error) {
	tmp := &plan.SubPlan{Testexpr: test}
	r.bindTest(tmp, sub)
	def.InitPlan = true
	def.SetParams = tmp.ParamIDs
	def.Name = fmt.Sprintf("InitPlan %d (returns $%d)", id+1, tmp.ParamIDs[0])
	r.initPlans = append(r.initPlans, id)
	return tmp.Testexpr, nil
}

// considerHash decides whether x IN (subselect) probes a hash table of the subselect's rows.
func (r *root) considerHash(sp *plan.SubPlan, p *path, correlated bool) {
	if correlated || sp.SubLinkType != query.AnySublink {
		return
	}
	c := r.g.facts.costs()
	width := 32.0
	if p.rel != nil {
		width += float64(p.rel.width)
	}
	if p.rows*width > c.WorkMem*c.HashMemMultiplier {
		return
	}
	var left []query.Expr
	var ops []ids.Oid
	for _, q := range andList(sp.Testexpr) {
		op, ok := q.(*query.OpExpr)
		if !ok || len(op.Args) != 2 {
			return
		}
		info := r.g.facts.op(op.OpNo)
		if info == nil || !info.canHash || !r.strictFunc(op.FuncID) || r.volatileExpr(op.Args[0]) {
			return
		}
		if pr, ok := stripRelabel(op.Args[1]).(*query.Param); !ok || pr.Kind != query.ParamExec {
			return
		}
		left = append(left, op.Args[0])
		ops = append(ops, op.OpNo)
	}
	sp.UseHash, sp.HashLeft, sp.HashOps = true, left, ops
}

// planCTEs plans the WITH queries of this level, or decides to inline them.
func (r *root) planCTEs() error {
	if len(r.q.CTEList) == 0 {
		return nil
	}
	r.ctePlans = map[*query.CommonTableExpr]*ctePlan{}
	r.inlineCTEs()
	for _, c := range r.q.CTEList {
		if r.ctePlans[c] != nil || c.Query.CommandType == query.CmdSelect && c.RefCount == 0 {
			continue
		}
		if err := r.planCTE(c); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) planCTE(c *query.CommonTableExpr) error {
	cp := &ctePlan{wt: -1}
	r.ctePlans[c] = cp
	saved := r.takePending()
	sub, p, err := r.g.planQuery(c.Query, r, 0, func(s *root) {
		if c.Recursive {
			s.wtParam = r.g.newParam(0)
			cp.wt = s.wtParam
		}
	})
	if err != nil {
		return err
	}
	node, _, err := newBuilder(sub).top(p)
	if err != nil {
		return err
	}
	r.lv.pending = append(saved, r.takePending()...)
	cp.rows, cp.tlist = p.rows, sub.tlist
	if c.Query.CommandType != query.CmdSelect {
		cp.tlist = c.Query.ReturningList
	}
	r.g.subplans = append(r.g.subplans, &plan.SubPlanDef{Root: node, SubLink: query.CTESublink, CTE: true,
		ModifyCTE: c.Query.CommandType != query.CmdSelect, Name: "CTE " + c.CTEName})
	cp.planID = len(r.g.subplans) - 1
	r.initPlans = append(r.initPlans, cp.planID)
	return nil
}

// inlineCTEs puts WITH queries that are read once, and have no side effects, where they are read.
func (r *root) inlineCTEs() {
	for i := range r.q.CTEList {
		c := r.q.CTEList[i] // of the current copy: queries inlined before are in it
		if c.Recursive || c.Materialized == query.CTEMaterializeAlways || c.Query.CommandType != query.CmdSelect || c.RefCount == 0 ||
			c.RefCount > 1 && c.Materialized != query.CTEMaterializeNever || r.queryVolatility(c.Query) == 'v' ||
			len(c.Query.RowMarks) > 0 || c.Query.HasModifyingCTE {
			continue
		}
		name, body := c.CTEName, c.Query
		r.q = query.Copy(r.q)
		walkQueries(r.q, 0, func(s *query.Query, level int) {
			for i, rte := range s.RTable {
				if rte.Kind != query.RTECTE || rte.CTEName != name || rte.CTELevelsUp != level || rte.SelfReference {
					continue
				}
				n := *rte
				n.Kind = query.RTESubquery
				n.Subquery = query.Copy(body)
				if level > 0 {
					n.Subquery = deepen(n.Subquery, level)
				}
				s.RTable[i] = &n
			}
		})
		for i, k := range r.q.CTEList {
			if k.CTEName == name {
				dead := *k
				dead.RefCount = 0
				r.q.CTEList[i] = &dead
			}
		}
	}
}

// deepen moves a query n levels further in: its outward references grow by n.
func deepen(q *query.Query, n int) *query.Query {
	out := mutateLevels(q, 0, func(e query.Expr, level int) query.Expr {
		if v, ok := e.(*query.Var); ok && v.Varlevelsup > level {
			c := *v
			c.Varlevelsup += n
			return &c
		}
		return nil
	})
	shiftCTELevels(out, n)
	return out
}

// findCTE finds the plan of the WITH query that an entry reads, and the root whose level defines it.
func (r *root) findCTE(rte *query.RangeTblEntry) (*ctePlan, error) {
	l := r
	for i := 0; i < rte.CTELevelsUp && l != nil; i++ {
		l = l.parent
	}
	if l != nil {
		for _, c := range l.q.CTEList {
			if c.CTEName == rte.CTEName {
				if cp := l.ctePlans[c]; cp != nil {
					return cp, nil
				}
			}
		}
		for c, cp := range l.ctePlans {
			if c.CTEName == rte.CTEName {
				return cp, nil
			}
		}
	}
	return nil, pgerr.Internal("could not find plan for CTE %q", rte.CTEName)
}

func (r *root) cteRows(b *rel) float64 {
	cp, err := r.findCTE(b.rte)
	if err != nil {
		return 1000
	}
	b.cte = cp
	if b.rte.SelfReference {
		return math.Max(1, r.workTableRows(b.rte)*10)
	}
	return cp.rows
}

// workTableRows is the estimate of the non-recursive term, which the recursive union's root notes.
func (r *root) workTableRows(rte *query.RangeTblEntry) float64 {
	l := r
	for i := 0; i < rte.CTELevelsUp-1 && l != nil; i++ {
		l = l.parent
	}
	if l == nil {
		return 1
	}
	return l.wtRows
}

// planSubqueryRel plans a subquery in FROM.
func (r *root) planSubqueryRel(b *rel) error {
	sub := b.rte.Subquery
	if sub == nil {
		return pgerr.Internal("subquery of range table entry %d is gone", b.rti)
	}
	sub = r.pushQuals(b, sub)
	saved := r.takePending()
	frac := 0.0
	if len(r.q.RTable) == 1 && !r.q.HasAggs && len(r.q.GroupClause) == 0 && len(r.q.DistinctClause) == 0 && len(r.q.SortClause) == 0 {
		frac = r.tupleFrac
	}
	subroot, p, err := r.g.planQuery(sub, r, frac, nil)
	if err != nil {
		return err
	}
	refs := r.takePending()
	r.lv.pending = saved
	b.subroot, b.subpath = subroot, p
	for _, o := range refs {
		b.lateralRefs = append(b.lateralRefs, o)
	}
	return nil
}

// pushQuals moves restrictions on a subquery's output into the subquery where that cannot change its result.
func (r *root) pushQuals(b *rel, sub *query.Query) *query.Query {
	if sub.LimitCount != nil || sub.LimitOffset != nil || sub.HasWindowFuncs || sub.HasTargetSRFs || len(sub.GroupingSets) > 0 ||
		sub.HasDistinctOn || sub.CommandType != query.CmdSelect || len(sub.RowMarks) > 0 || sub.HasForUpdate || b.rte.Security {
		return sub
	}
	if sub.SetOperations != nil && !unionAllOnly(sub.SetOperations) {
		return sub
	}
	var kept []*rinfo
	copied := false
	for _, ri := range b.restrict {
		if !r.pushable(b, ri, sub) {
			kept = append(kept, ri)
			continue
		}
		if !copied {
			sub = query.Copy(sub)
			copied = true
		}
		r.pushInto(sub, ri.clause, b.rti)
	}
	b.restrict = kept
	return sub
}

func unionAllOnly(n query.SetOpNode) bool {
	s, ok := n.(*query.SetOperationStmt)
	if !ok {
		return true
	}
	return s.Op == query.SetOpUnion && s.All && unionAllOnly(s.Larg) && unionAllOnly(s.Rarg)
}

func (r *root) pushable(b *rel, ri *rinfo, sub *query.Query) bool {
	if r.volatileExpr(ri.clause) {
		return false
	}
	ok := true
	walkExpr(ri.clause, func(e query.Expr) bool {
		switch v := e.(type) {
		case *query.Var:
			if v.Varattno <= 0 || v.Varattno > len(sub.TargetList) {
				ok = false
			} else if te := sub.TargetList[v.Varattno-1]; r.volatileExpr(te.Expr) {
				ok = false
			}
		case *plan.SubPlan, *query.SubLink:
			ok = false
		}
		return ok
	})
	if sub.SetOperations != nil && ok { // the arms' columns must have the union's types
		for _, rte := range sub.RTable {
			if rte.Kind == query.RTESubquery && rte.Subquery != nil && (rte.Subquery.SetOperations != nil || !r.armPushable(rte.Subquery, sub)) {
				return false
			}
		}
	}
	return ok
}

func (r *root) armPushable(arm, sub *query.Query) bool {
	if arm.LimitCount != nil || arm.LimitOffset != nil || arm.HasWindowFuncs || arm.HasTargetSRFs || len(arm.GroupingSets) > 0 || arm.HasDistinctOn {
		return false
	}
	for i, te := range sub.TargetList {
		if i >= len(arm.TargetList) || arm.TargetList[i].Expr.Type() != te.Expr.Type() || r.volatileExpr(arm.TargetList[i].Expr) {
			return false
		}
	}
	return true
}

// pushInto adds a condition on the output of sub, which is a private copy, to it.
func (r *root) pushInto(sub *query.Query, clause query.Expr, rti int) {
	if sub.SetOperations != nil {
		for _, rte := range sub.RTable {
			if rte.Kind == query.RTESubquery && rte.Subquery != nil {
				r.pushInto(rte.Subquery, clause, rti)
			}
		}
		return
	}
	e := mutateExpr(clause, func(x query.Expr) query.Expr {
		if v, ok := x.(*query.Var); ok && v.Varno == rti && v.Varlevelsup == 0 {
			return sub.TargetList[v.Varattno-1].Expr
		}
		if p, ok := x.(*query.Param); ok {
			return p
		}
		return nil
	})
	if sub.HasAggs || len(sub.GroupClause) > 0 || sub.HavingQual != nil {
		sub.HavingQual = makeAnd(append(andList(sub.HavingQual), e))
		return
	}
	sub.JoinTree = &query.FromExpr{FromList: sub.JoinTree.FromList, Quals: makeAnd(append(andList(sub.JoinTree.Quals), e))}
}

// subqueryKeys translates the order of a subquery's output into this level's terms.
func (r *root) subqueryKeys(b *rel) []*pathkey {
	var out []*pathkey
	for _, k := range b.subpath.keys {
		var found *pathkey
		for _, m := range k.ec.final().members {
			for _, te := range b.subroot.tlist {
				if te.Resjunk || !exprEqual(stripRelabel(te.Expr), stripRelabel(m.expr)) || found != nil {
					continue
				}
				v := &query.Var{Result: query.Result{ResType: te.Expr.Type(), ResTypmod: te.Expr.Typmod(), ResCollation: te.Expr.Collation()}, Varno: b.rti, Varattno: te.Resno, Location: -1}
				eq := r.g.facts.famOp(k.family, m.typ, m.typ, strategyEq)
				if ec := r.lookupClass(v, eq, m.typ); ec != nil {
					found = &pathkey{ec: ec, family: k.family, desc: k.desc, nullsFirst: k.nullsFirst}
				}
			}
		}
		if found == nil {
			break
		}
		out = append(out, found)
	}
	return out
}
