package executor

import (
	"time"

	"gompho/parallel"
	"gompho/sql/plan"
	"gompho/storage/heap"
	"gompho/types"
)

// crew are the workers that run copies of a part of the plan, each over its share of the blocks of the scans that are marked parallel.
//
// The session builds the run state of all copies, since only it may read the catalogs; a worker then runs its copy with a slot
// and a view of the transaction of its own. All else is shared: snapshot, parameters, functions.
type crew struct {
	ex    *Exec
	below plan.Node
	want  int
	team  *parallel.Team
	nodes []node
	execs []*Exec
	// Launched is how many workers were had.
	Launched int
	began    time.Time
	took     time.Duration
}

func (ex *Exec) newCrew(below plan.Node, want int) *crew {
	c := &crew{ex: ex, below: below, want: want}
	if !ex.worker {
		ex.crews = append(ex.crews, c)
	}
	return c
}

// start shares out the blocks anew and starts the workers: make builds a copy of the plan in an Exec, run runs it.
func (c *crew) start(make func(*Exec) (node, error), run func(w *Exec, n node) error) error {
	ex := c.ex
	if err := ex.shareBlocks(c.below); err != nil {
		return err
	}
	c.settle()
	c.nodes, c.execs, c.began = nil, nil, time.Now()
	env := ex.env
	if env.Procs == nil || env.MaxWorkers == nil {
		c.want = 0
	}
	mem := env.workMem()
	for range c.want {
		w := &Exec{env: env.forWorker(mem), st: ex.st, opts: ex.opts, params: ex.params, snap: ex.snap, cid: ex.cid, worker: true, blocks: ex.blocks}
		w.opts.Usage = false // what the workers use counts for the node that starts them
		if err := w.alloc(ex.params, ex.snap); err != nil {
			return err
		}
		n, err := make(w)
		if err != nil {
			return err
		}
		c.nodes, c.execs = append(c.nodes, n), append(c.execs, w)
	}
	if c.want == 0 {
		return nil
	}
	env.Func.DateStyle() // what the session's settings say about conversions is looked up before others need it
	c.team = parallel.Start(env.Procs, env.Slot, c.want, env.MaxWorkers(), func(w *parallel.Worker) error {
		x := c.execs[w.No]
		x.env.Slot, x.env.Tx = w.Slot, env.Tx.Worker(w.Slot)
		return run(x, c.nodes[w.No])
	})
	c.Launched = c.team.Size()
	return nil
}

// forWorker makes the environment of a worker.
func (e *Env) forWorker(mem int64) *Env {
	w := *e
	w.pool = blockPool{account: e.Slot.Account()}
	w.WorkMem = func() int64 { return mem }
	if e.HashFactor != nil { // settings are the session's
		factor := e.HashFactor()
		w.HashFactor = func() float64 { return factor }
	}
	return &w
}

// shareBlocks prepares the parallel scans below p.
func (ex *Exec) shareBlocks(p plan.Node) error {
	if s, ok := p.(*plan.SeqScan); ok && s.Parallel > 0 {
		rel, err := ex.env.relation(ex.st.RTable[s.ScanRelID-1].Relid)
		if err != nil {
			return err
		}
		if err := heap.ReadRelation(ex.env.Tx, rel.Heap, ex.snap); err != nil {
			return err
		}
		src, err := rel.Heap.NewBlockSource()
		if err != nil {
			return err
		}
		if ex.blocks == nil {
			ex.blocks = map[plan.Node]*heap.BlockSource{}
		}
		ex.blocks[p] = src
	}
	var err error
	planChildren(p, func(c plan.Node) {
		if err == nil {
			err = ex.shareBlocks(c)
		}
	})
	return err
}

// wait waits for the workers and takes over what they have measured.
func (c *crew) wait() error {
	if c.team == nil {
		return nil
	}
	t := c.team
	c.team = nil
	err := t.Wait()
	c.took = time.Since(c.began)
	c.measured()
	return err
}

// settle ends the accounts of what workers have held that run no more.
func (c *crew) settle() {
	for _, w := range c.execs {
		w.env.pool.drop()
	}
}

// stop ends the workers.
func (c *crew) stop() {
	if c == nil || c.team == nil {
		return
	}
	t := c.team
	c.team = nil
	t.Stop()
	c.measured()
}

func (c *crew) measured() {
	for _, w := range c.execs {
		for p, i := range w.instr {
			i.finish()
			c.ex.instrumentation(p).absorb(i)
		}
		w.instr = nil
	}
}

// absorb adds what a worker has measured of its copy of a node.
func (i *Instrumentation) absorb(o *Instrumentation) {
	if i == nil {
		return
	}
	i.finish()
	i.Loops += o.Loops
	i.Rows += o.Rows
	i.Startup += o.Startup
	i.Total += o.Total
	i.Removed += o.Removed
	i.RemovedJoin += o.RemovedJoin
	if i.Node == nil {
		i.Node = o.Node
	}
}

// abandon stops all workers when the session panics.
func (ex *Exec) abandon() {
	if r := recover(); r != nil {
		for _, c := range ex.crews {
			if c.team != nil {
				c.team.Interrupt()
			}
		}
		panic(r)
	}
}

// parcel is a batch on its way from a worker to the session: it owns its memory.
type parcel struct {
	b     types.Batch
	bytes []byte
}

// pack copies the rows of b that count.
func (p *parcel) pack(b *types.Batch) {
	n := b.Rows()
	if p.b.Cols == nil {
		for _, v := range b.Cols {
			p.b.Cols = append(p.b.Cols, &types.Vector{Kind: v.Kind})
		}
	}
	size := 0
	for _, v := range b.Cols {
		if v.Kind == types.BytesKind {
			for i := range n {
				if pos := b.Row(i); !v.IsNull(pos) {
					size += len(v.B[pos])
				}
			}
		}
	}
	if cap(p.bytes) < size {
		p.bytes = make([]byte, 0, size)
	}
	p.bytes = p.bytes[:0]
	resetBatch(&p.b, n)
	for c, v := range b.Cols {
		p.column(p.b.Cols[c], v, b, n)
	}
	p.b.N = n
}

func (p *parcel) column(out, v *types.Vector, b *types.Batch, n int) {
	for i := range n {
		pos := b.Row(i)
		switch {
		case v.IsNull(pos):
			out.SetNull(i)
		case v.Kind == types.WordKind:
			out.W[i] = v.W[pos]
		default:
			at := len(p.bytes)
			p.bytes = append(p.bytes, v.B[pos]...)
			out.B[i] = p.bytes[at:len(p.bytes):len(p.bytes)]
		}
	}
}
