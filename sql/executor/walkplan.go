package executor

import (
	"gompho/sql/plan"
	"gompho/sql/query"
)

// WalkPlan calls node for every node of a statement, those of subplans too, and expr for every expression of theirs.
func WalkPlan(st *plan.Statement, node func(plan.Node), expr func(query.Expr)) {
	var walk func(p plan.Node)
	walk = func(p plan.Node) {
		if p == nil {
			return
		}
		node(p)
		planExprs(p, expr)
		planChildren(p, walk)
	}
	walk(st.Root)
	for _, d := range st.SubPlans {
		if d != nil {
			walk(d.Root)
		}
	}
}
