package executor

import (
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/types"
)

func badPartial() error { return pgerr.Internal("partial aggregation without its second step") }

// Parallel aggregation: a node for the second step, in the session, aggregates its own share of the rows and then takes over what the
// workers' copies of it have accumulated. States are handed over as they are. A worker that has used up its memory ends early,
// leaving blocks to the others; the session, before it begins to put rows aside, takes over all groups that the workers have
// found, so that a group is either in memory or aside.

// aggInput returns the plan of the rows that an aggregation reads.
func aggInput(p *plan.Agg) (plan.Node, *plan.Gather, error) {
	switch p.Split {
	case plan.AggComplete:
		return p.Left, nil, nil
	case plan.AggFinal:
		if g, ok := p.Left.(*plan.Gather); ok {
			if part, ok := g.Left.(*plan.Agg); ok && part.Split == plan.AggPartial {
				return part.Left, g, nil
			}
		}
	}
	return nil, nil, badPartial()
}

// mergeable reports whether the states of all aggregates can be taken over.
func (n *aggNode) mergeable() bool {
	if n.p.GroupingSets != nil || n.run1.n != nil || n.sets == nil && len(n.extra) > 0 {
		return false
	}
	for _, f := range n.fns {
		if f.ordered || f.agg.NoMerge || len(f.direct) > 0 {
			return false
		}
	}
	return true
}

// hire starts the workers.
func (n *aggNode) hire() error {
	if n.crew == nil {
		return nil
	}
	if !n.mergeable() {
		n.crew.want = 0
	}
	return n.crew.start(func(w *Exec) (node, error) { return w.makeAgg(n.p) }, func(_ *Exec, own node) error {
		return own.(*aggNode).loadShare()
	})
}

// loadShare aggregates rows until there are none, or no memory.
func (n *aggNode) loadShare() error {
	defer n.child.close()
	var none rowStore
	for {
		b, err := n.child.next(BatchSize)
		if b == nil || err != nil {
			return err
		}
		if n.sets == nil {
			err = n.plainBatch(b, &none)
		} else {
			err = n.feed(b, n.sets)
		}
		if err != nil || n.sets != nil && n.sets[0].full {
			return err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
}

// takeOver waits for the workers and adds what they have accumulated; it does nothing when that has been done.
func (n *aggNode) takeOver() error {
	if n.crew == nil || n.crew.team == nil {
		return nil
	}
	launched := n.crew.Launched
	if err := n.crew.wait(); err != nil {
		return err
	}
	groups := 0.0
	for _, own := range n.crew.nodes[:launched] {
		w := own.(*aggNode)
		if n.sets != nil {
			groups += float64(len(w.sets[0].table.hashes))
		} else {
			groups++
		}
		if err := n.merge(w); err != nil {
			return err
		}
		w.clearGroups()
	}
	n.crew.nodes = nil
	n.showSteps(groups, float64(launched))
	return nil
}

// showSteps sets the counters of the nodes that have no run state of their own: the first step and the Gather.
func (n *aggNode) showSteps(groups, workers float64) {
	if !n.ex.opts.Instrument {
		return
	}
	own := 1.0
	if n.sets != nil {
		own = float64(len(n.sets[0].table.hashes))
	}
	g := n.p.Left.(*plan.Gather)
	all, part := n.ex.instrumentation(g), n.ex.instrumentation(g.Left)
	all.Node = n
	all.Loops, all.Rows = all.Loops+1, all.Rows+groups+own
	part.Loops, part.Rows = part.Loops+workers+1, part.Rows+groups+own
	for _, i := range []*Instrumentation{all, part} {
		i.Total += n.crew.took
	}
}

func (n *aggNode) merge(w *aggNode) error {
	if n.sets != nil {
		return n.sets[0].merge(w.sets[0], n.nChild)
	}
	if len(w.plain) == 0 {
		return nil
	}
	if len(n.plain) == 0 {
		if err := n.beginPlain(-1); err != nil {
			return err
		}
	}
	for i := range n.plain {
		if err := n.plain[i].acc.Merge(w.plain[i].acc); err != nil {
			return err
		}
	}
	n.held.set(&n.ex.env.pool, sizeOf(n.plain))
	return nil
}

// merge adds the groups of another set.
func (s *groupSet) merge(w *groupSet, nChild int) error {
	t := &w.table
	cols := make([]*types.Vector, nChild)
	stored := newBatch(t.store.kinds, 0)
	for c, in := range t.cols {
		cols[in] = stored.Cols[c]
	}
	b := &types.Batch{Cols: cols}
	for first := 0; first < len(t.hashes); first += BatchSize {
		k := min(BatchSize, len(t.hashes)-first)
		t.store.fill(stored, uint32(first), k)
		b.N = k
		for i := range k {
			g, fresh := s.table.find(b, i, t.hashes[first+i])
			if fresh {
				if err := s.addGroup(i); err != nil {
					return err
				}
			}
			if err := s.mergeGroup(g, w, uint32(first+i)); err != nil {
				return err
			}
		}
		accs, _ := s.grown()
		s.held.set(s.table.store.pool, int(accs)+16*len(s.fast)*len(s.table.hashes))
		if err := s.n.ex.env.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
	return nil
}

func (s *groupSet) mergeGroup(g uint32, w *groupSet, from uint32) error {
	for i, f := range s.n.fns {
		if f.fast == fastNone {
			if err := s.states[i][g].acc.Merge(w.states[i][from].acc); err != nil {
				return err
			}
			continue
		}
		if !s.fast[i].merge(g, &w.fast[i], from) {
			return outOfRange(64)
		}
	}
	return nil
}

// merge adds a group of another state; false when a sum overflows.
func (a *fastAgg) merge(g uint32, o *fastAgg, from uint32) bool {
	if a.kind <= fastCount {
		a.n[g] += o.n[from]
		return true
	}
	if o.n[from] == 0 {
		return true
	}
	v := types.Vector{W: o.w[from : from+1]}
	ok := a.one(g, &v, 0)
	a.n[g] += o.n[from] - 1
	return ok
}
