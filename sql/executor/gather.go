package executor

import (
	"gompho/sql/plan"
	"gompho/types"
)

// gatherNode collects the rows of a part of the plan that may run in parallel. The session runs it by itself.
type gatherNode struct{ oneChild }

func (ex *Exec) makeGather(p *plan.Gather) (node, error) {
	n := &gatherNode{}
	return n, n.setupChild(ex, &p.Plan)
}

func (n *gatherNode) next(max int) (*types.Batch, error) { return n.over(n.child, max) }
