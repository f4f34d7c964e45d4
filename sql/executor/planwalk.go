package executor

import (
	"slices"

	"gompho/sql/plan"
	"gompho/sql/query"
)

// planChildren calls f for the child nodes of p.
func planChildren(p plan.Node, f func(plan.Node)) {
	b := p.Base()
	if b.Left != nil {
		f(b.Left)
	}
	if b.Right != nil {
		f(b.Right)
	}
	switch p := p.(type) {
	case *plan.Append:
		for _, c := range p.Children {
			f(c)
		}
	case *plan.MergeAppend:
		for _, c := range p.Children {
			f(c)
		}
	case *plan.BitmapAnd:
		for _, c := range p.Children {
			f(c)
		}
	case *plan.BitmapOr:
		for _, c := range p.Children {
			f(c)
		}
	case *plan.SubqueryScan:
		f(p.Subplan)
	}
}

// planExprs calls f for the expressions of p itself.
func planExprs(p plan.Node, f func(query.Expr)) {
	list := func(l []query.Expr) {
		for _, e := range l {
			one(e, f)
		}
	}
	b := p.Base()
	for _, te := range b.TargetList {
		f(te.Expr)
	}
	one(b.Qual, f)
	conds := func(l []plan.IndexCond) {
		for _, c := range l {
			one(c.Value, f)
			for _, r := range c.RowRest {
				one(r.Value, f)
			}
		}
	}
	switch p := p.(type) {
	case *plan.Result:
		one(p.OneTimeQual, f)
	case *plan.IndexScan:
		conds(p.IndexQual)
	case *plan.IndexOnlyScan:
		conds(p.IndexQual)
	case *plan.BitmapIndexScan:
		conds(p.IndexQual)
	case *plan.BitmapHeapScan:
		list(p.BitmapQualOrig)
	case *plan.TidScan:
		list(p.TidExprs)
	case *plan.TidRangeScan:
		list(p.TidRangeQuals)
	case *plan.FunctionScan:
		for _, fn := range p.Functions {
			f(fn.FuncExpr)
		}
	case *plan.ValuesScan:
		for _, l := range p.ValuesLists {
			list(l)
		}
	case *plan.NestLoop:
		one(p.Joinqual, f)
	case *plan.MergeJoin:
		one(p.Joinqual, f)
		list(p.MergeClauses)
	case *plan.HashJoin:
		one(p.Joinqual, f)
		list(p.HashClauses)
		list(p.OuterKeys)
		list(p.InnerKeys)
	case *plan.Memoize:
		list(p.Keys)
	case *plan.Agg:
		for _, a := range p.Aggs {
			f(a)
		}
	case *plan.WindowAgg:
		one(p.StartOffset, f)
		one(p.EndOffset, f)
		for _, w := range p.Funcs {
			f(w)
		}
	case *plan.Limit:
		one(p.Offset, f)
		one(p.Count, f)
	case *plan.ModifyTable:
		for _, te := range p.Returning {
			f(te.Expr)
		}
		list(p.WithChecks)
		if oc := p.OnConflict; oc != nil {
			for _, te := range oc.Set {
				f(te.Expr)
			}
			one(oc.Where, f)
		}
	}
}

func one(e query.Expr, f func(query.Expr)) {
	if e != nil {
		f(e)
	}
}

// paramUse collects the exec params that plan subtrees read.
type paramUse struct {
	ex   *Exec
	used []int
	seen map[int]bool // subplans
}

// dependsOn returns the exec params that the subtree reads: a change of one makes rows kept from it wrong.
// Those that the subtree sets itself are among them, which costs only a needless refill.
func (ex *Exec) dependsOn(p plan.Node) []int {
	u := &paramUse{ex: ex, seen: map[int]bool{}}
	u.node(p)
	return u.used
}

func (u *paramUse) node(p plan.Node) {
	if p == nil {
		return
	}
	planExprs(p, u.expr)
	planChildren(p, u.node)
	switch p := p.(type) {
	case *plan.CteScan:
		u.subplan(p.PlanID)
	case *plan.WorkTableScan:
		u.add(p.WTParam)
	}
}

func (u *paramUse) subplan(id int) {
	if id >= 0 && id < len(u.ex.st.SubPlans) && !u.seen[id] {
		u.seen[id] = true
		u.node(u.ex.st.SubPlans[id].Root)
	}
}

func (u *paramUse) add(id int) {
	if !slices.Contains(u.used, id) {
		u.used = append(u.used, id)
	}
}

func (u *paramUse) expr(e query.Expr) {
	query.WalkExpr(e, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.Param:
			if n.Kind == query.ParamExec {
				u.add(n.ID)
				u.initPlanOf(n.ID)
			}
		case *plan.SubPlan:
			u.subplan(n.PlanID)
		}
		return true
	})
}

// initPlanOf adds what the init plan that sets a param depends on.
func (u *paramUse) initPlanOf(id int) {
	for i, d := range u.ex.st.SubPlans {
		if d != nil && d.InitPlan && slices.Contains(d.SetParams, id) {
			u.subplan(i)
		}
	}
}

// keeper remembers when a node filled its memory, to tell whether the rows may be read again.
type keeper struct {
	ex    *Exec
	p     plan.Node
	deps  []int
	known bool
	at    uint64
	full  bool
}

func (k *keeper) filled() { k.at, k.full = k.ex.clock, true }

// valid reports whether what was kept is still right.
func (k *keeper) valid() bool {
	if !k.full {
		return false
	}
	if !k.known {
		k.deps, k.known = k.ex.dependsOn(k.p), true
	}
	return k.at >= k.ex.epoch && !k.ex.stale(k.deps, k.at)
}
