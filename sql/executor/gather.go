package executor

import (
	"gompho/sql/plan"
	"gompho/stats"
	"gompho/types"
)

// gatherNode collects the rows of a part of the plan that several processes run, the session among them, in any order.
type gatherNode struct {
	limited
	nodeBase
	p       *plan.Gather
	child   node // the session's own copy
	crew    *crew
	results chan *parcel
	spare   chan *parcel
	now     *parcel // being passed on, from row at
	at      int
	view    types.Batch
	rows    []int32
	started bool
	own     bool // the session's own copy has rows yet
	ended   bool
}

func (ex *Exec) makeGather(p *plan.Gather) (node, error) {
	if a, ok := p.Left.(*plan.Agg); ok && a.Split == plan.AggPartial {
		return nil, badPartial()
	}
	n := &gatherNode{p: p}
	var err error
	if n.child, err = ex.build(p.Left); err != nil {
		return nil, err
	}
	n.setup(ex, &p.Plan, n.child.types())
	n.crew = ex.newCrew(p.Left, p.Workers)
	n.source = n.fetch
	c := &compiler{ex: ex, sc: &n.sc, column: outerColumn(len(n.child.types()))}
	return n, n.stage.init(c, p.Qual, p.TargetList)
}

func (n *gatherNode) begin() error {
	n.started, n.own = true, true
	n.results, n.spare = make(chan *parcel, 2*n.p.Workers), make(chan *parcel, 4*n.p.Workers)
	return n.crew.start(func(w *Exec) (node, error) { return w.build(n.p.Left) }, n.work)
}

// work is what a worker does: it sends its rows until there are none, or the session has stopped it.
func (n *gatherNode) work(w *Exec, own node) error {
	defer own.close()
	slot := w.env.Slot
	for {
		b, err := own.next(BatchSize)
		if b == nil || err != nil {
			return err
		}
		var p *parcel
		select {
		case p = <-n.spare:
		default:
			p = &parcel{}
		}
		p.pack(b)
		for sent := false; !sent; {
			select {
			case n.results <- p:
				sent = true
			case <-slot.Wake():
				if err := slot.CheckInterrupts(); err != nil {
					return err
				}
			}
		}
	}
}

// fetch returns at most max rows of whoever has some.
func (n *gatherNode) fetch(max int) (*types.Batch, error) {
	if n.ended {
		return nil, nil
	}
	if !n.started {
		if err := n.begin(); err != nil {
			return nil, err
		}
	}
	for {
		if n.now != nil {
			if b := n.portion(max); b != nil {
				return b, nil
			}
		}
		select {
		case n.now = <-n.results:
			continue
		default:
		}
		if n.own && !n.failed() {
			b, err := n.child.next(max)
			if b != nil || err != nil {
				return b, err
			}
			n.own = false
		}
		if more, err := n.await(); !more || err != nil {
			return nil, err
		}
	}
}

func (n *gatherNode) failed() bool { return n.crew.team != nil && n.crew.team.Failed() }

// await waits until a worker sends rows; false when none will any more.
func (n *gatherNode) await() (bool, error) {
	if n.crew.team == nil {
		n.ended = true
		return false, nil
	}
	slot := n.ex.env.Slot
	defer slot.EndWait(slot.BeginWait(stats.IPCExecuteGather))
	for {
		select {
		case n.now = <-n.results:
			return true, nil
		case <-n.crew.team.Done():
			select {
			case n.now = <-n.results:
				return true, nil
			default:
			}
			n.ended = true
			return false, n.crew.wait()
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				return false, err
			}
		}
	}
}

// portion passes on rows of the parcel at hand; nil when there are no more.
func (n *gatherNode) portion(max int) *types.Batch {
	p := n.now
	left := p.b.N - n.at
	if left == 0 {
		n.now, n.at = nil, 0
		select {
		case n.spare <- p:
		default:
		}
		return nil
	}
	if n.at == 0 && left <= max {
		n.at = p.b.N
		return &p.b
	}
	n.rows = n.rows[:0]
	for i := range min(left, max) {
		n.rows = append(n.rows, int32(n.at+i))
	}
	n.at += len(n.rows)
	n.view = types.Batch{Cols: p.b.Cols, N: p.b.N, Sel: n.rows}
	return &n.view
}

func (n *gatherNode) rescan() error {
	n.limited.reset()
	n.rescanInit()
	n.crew.stop()
	n.now, n.at, n.started, n.ended = nil, 0, false, false
	return n.child.rescan()
}

func (n *gatherNode) close() {
	n.crew.stop()
	n.now, n.results, n.spare = nil, nil, nil
	n.ended = true
	n.limited.reset()
	n.child.close()
}
