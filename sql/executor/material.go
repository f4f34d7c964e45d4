package executor

import (
	"gompho/sql/plan"
	"gompho/types"
)

// rowBuffer keeps rows in the order in which they came, in memory or, when they outgrow work_mem, on a temporary file.
// Readers are positions in it.
type rowBuffer struct {
	ex    *Exec
	kinds []types.Kind
	store rowStore // all rows, or those read last from the file
	tape  *tape
	n     int // rows in all
	base  int // number of the first row of store, while reading from the file
	enc   []byte
}

func (r *rowBuffer) init(ex *Exec, kinds []types.Kind) {
	r.ex, r.kinds = ex, kinds
	r.store.init(&ex.env.pool, kinds)
}

func (r *rowBuffer) add(b *types.Batch) error {
	r.n += b.Rows()
	if r.tape != nil {
		for i := range b.Rows() {
			r.enc = encodeBatchRow(r.enc[:0], 0, b.Cols[:len(r.kinds)], b.Row(i))
			if err := r.tape.writeRow(r.enc); err != nil {
				return err
			}
		}
		return nil
	}
	r.store.appendBatch(b)
	if r.store.used() > r.ex.env.workMem() {
		return r.spill()
	}
	return nil
}

func (r *rowBuffer) spill() error {
	r.tape = newTape(r.ex)
	for i := range r.store.n {
		r.enc = r.store.encodeRow(r.enc[:0], 0, uint32(i))
		if err := r.tape.writeRow(r.enc); err != nil {
			return err
		}
	}
	r.store.reset()
	r.base = r.n
	return nil
}

// read fills out with at most max rows from position pos on, and returns how many.
func (r *rowBuffer) read(pos, max int, out *types.Batch) (int, error) {
	if pos >= r.n {
		return 0, nil
	}
	if r.tape == nil {
		n := min(max, r.n-pos)
		r.store.fill(out, uint32(pos), n)
		return n, nil
	}
	if pos < r.base || pos >= r.base+r.store.n {
		if err := r.load(pos, max); err != nil {
			return 0, err
		}
	}
	n := min(max, r.base+r.store.n-pos)
	r.store.fill(out, uint32(pos-r.base), n)
	return n, nil
}

// load reads rows from pos on into memory. Reading goes on where it stopped, or from the start.
func (r *rowBuffer) load(pos, max int) error {
	next := r.base + r.store.n
	if !r.tape.reading || pos < next {
		if err := r.tape.rewind(); err != nil {
			return err
		}
		next = 0
	}
	r.store.reset()
	for ; next < pos; next++ {
		if _, err := r.tape.readRow(); err != nil {
			return err
		}
	}
	r.base = pos
	for r.store.n < max {
		row, err := r.tape.readRow()
		if err != nil {
			return err
		}
		if row == nil {
			return nil
		}
		r.store.appendEncoded(row)
	}
	return nil
}

func (r *rowBuffer) reset() {
	r.store.reset()
	if r.tape != nil {
		r.tape.close()
		r.tape = nil
	}
	r.n, r.base = 0, 0
}

// materialNode keeps its input for rescans. It reads no more than it is asked for.
type materialNode struct {
	oneChild
	buf   rowBuffer
	keep  keeper
	pos   int
	ended bool // the input was read to its end
	batch *types.Batch
}

func (ex *Exec) makeMaterial(p *plan.Material) (node, error) {
	n := &materialNode{}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	n.keep = keeper{ex: ex, p: p}
	kinds, err := ex.env.kinds(n.child.types())
	if err != nil {
		return nil, err
	}
	n.buf.init(ex, kinds)
	n.batch = newBatch(kinds, 0)
	return n, nil
}

func (n *materialNode) next(max int) (*types.Batch, error) {
	for {
		if n.pos < n.buf.n && (n.ended || n.buf.tape == nil) {
			k, err := n.buf.read(n.pos, max, n.batch)
			if err != nil {
				return nil, err
			}
			n.pos += k
			return n.run(n.batch)
		}
		if n.ended {
			return nil, nil
		}
		ask := max
		if n.buf.tape != nil {
			// A file is written to its end before it is read.
			ask = BatchSize
		}
		if !n.keep.full {
			n.keep.filled()
		}
		b, err := n.child.next(ask)
		if err != nil {
			return nil, err
		}
		if b == nil {
			n.ended = true
			n.child.close()
			continue
		}
		if err := n.buf.add(b); err != nil {
			return nil, err
		}
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
	}
}

func (n *materialNode) rescan() error {
	n.pos = 0
	if n.keep.valid() {
		return nil
	}
	n.buf.reset()
	n.ended, n.keep.full = false, false
	return n.oneChild.rescan()
}

func (n *materialNode) close() {
	n.buf.reset()
	n.pos, n.ended, n.keep.full = 0, true, false
	n.oneChild.close()
}

// cteStore is the result of a WITH query, read by any number of scans.
type cteStore struct {
	p     *subplanState
	buf   rowBuffer
	begun bool
	ended bool
	at    uint64
	deps  []int
	known bool
}

// store returns the store of a WITH query's rows.
func (p *subplanState) store() (*cteStore, error) {
	if p.cte != nil {
		return p.cte, nil
	}
	kinds, err := p.ex.env.kinds(p.root.types())
	if err != nil {
		return nil, err
	}
	p.cte = &cteStore{p: p}
	p.cte.buf.init(p.ex, kinds)
	return p.cte, nil
}

// more asks the query for further rows; false at its end.
func (c *cteStore) more(max int) (bool, error) {
	if c.ended {
		return false, nil
	}
	if !c.begun {
		c.begun, c.at = true, c.p.ex.clock
		if err := c.p.start(); err != nil {
			return false, err
		}
	}
	if c.buf.tape != nil || c.p.def.ModifyCTE {
		max = BatchSize
	}
	if err := c.p.ex.env.Slot.CheckInterrupts(); err != nil {
		return false, err
	}
	b, err := c.p.root.next(max)
	if err != nil {
		return false, err
	}
	if b == nil {
		c.ended = true
		c.p.root.close()
		return false, nil
	}
	return true, c.buf.add(b)
}

func (c *cteStore) fillAll() error {
	for {
		ok, err := c.more(BatchSize)
		if !ok || err != nil {
			return err
		}
	}
}

// refresh empties the store if a param that the query reads has changed.
func (c *cteStore) refresh() {
	if !c.begun || c.p.def.ModifyCTE {
		return
	}
	if !c.known {
		c.deps, c.known = c.p.ex.dependsOn(c.p.def.Root), true
	}
	if c.p.ex.stale(c.deps, c.at) {
		c.reset()
	}
}

func (c *cteStore) reset() {
	c.buf.reset()
	c.begun, c.ended = false, false
}

// cteScan reads a WITH query.
type cteScan struct {
	nodeBase
	stage
	p     *subplanState
	store *cteStore
	pos   int
	batch *types.Batch
	done  bool
	rti   int
	sub   *types.Batch
}

func (ex *Exec) makeCteScan(p *plan.CteScan) (node, error) {
	sp, err := ex.subplan(p.PlanID)
	if err != nil {
		return nil, err
	}
	n := &cteScan{p: sp, rti: p.ScanRelID}
	if n.store, err = sp.store(); err != nil {
		return nil, err
	}
	outs := sp.root.types()
	n.setup(ex, &p.Plan, outs)
	n.batch = newBatch(n.store.buf.kinds, 0)
	return n, n.stage.init(rowsCompiler(ex, &n.sc, p.ScanRelID, outs, nil), p.Qual, p.TargetList)
}

func (n *cteScan) next(max int) (*types.Batch, error) {
	if e := n.ex.epq; e != nil {
		if rec, known := e.record(n.rti); known {
			return epqRecord(&n.stage, &n.sub, &n.done, rec, n.store.buf.kinds)
		}
	}
	n.defers = true
	for {
		if n.deferred != nil {
			return nil, n.takeDeferred()
		}
		buf := &n.store.buf
		if n.pos < buf.n && (buf.tape == nil || n.store.ended) {
			k, err := buf.read(n.pos, max, n.batch)
			if err != nil {
				return nil, err
			}
			n.pos += k
			out, err := n.run(n.batch)
			if err != nil {
				return nil, err
			}
			if out.Rows() > 0 {
				return out, nil
			}
			continue
		}
		ok, err := n.store.more(max)
		if err != nil {
			return nil, err
		}
		if !ok && n.pos >= buf.n {
			return nil, nil
		}
	}
}

// epqRecord gives the row that a re-check puts in the place of a scan that is not a table's.
func epqRecord(s *stage, sub **types.Batch, done *bool, rec types.Datum, kinds []types.Kind) (*types.Batch, error) {
	if *done || rec.IsNull() {
		return nil, nil
	}
	*done = true
	if *sub == nil {
		*sub = newBatch(kinds, 1)
	}
	recordRow(*sub, rec)
	out, err := s.run(*sub)
	if err != nil || out.Rows() == 0 {
		return nil, err
	}
	return out, nil
}

func (n *cteScan) rescan() error {
	n.rescanInit()
	n.pos, n.done, n.deferred = 0, false, nil
	n.store.refresh()
	return nil
}

func (n *cteScan) close() {}

// recursiveUnion runs its left child once and its right child on what came last, until nothing more comes.
type recursiveUnion struct {
	nodeBase
	stage
	left, right node
	wtParam     int
	distinct    *distinctSet
	// work are the rows of the iteration before, which the right child reads; next those of the running one.
	work, nextRows rowBuffer
	inRight        bool
	begun          bool
	ended          bool
	kinds          []types.Kind
	sel            []int32
	view           types.Batch
}

func (ex *Exec) makeRecursiveUnion(p *plan.RecursiveUnion) (node, error) {
	n := &recursiveUnion{wtParam: p.WTParam}
	left, err := ex.build(p.Left)
	if err != nil {
		return nil, err
	}
	n.left = left
	if n.kinds, err = ex.env.kinds(left.types()); err != nil {
		return nil, err
	}
	n.work.init(ex, n.kinds)
	n.nextRows.init(ex, n.kinds)
	if ex.works == nil {
		ex.works = make(map[int]*recursiveUnion)
	}
	ex.works[p.WTParam] = n
	if n.right, err = ex.build(p.Right); err != nil {
		return nil, err
	}
	n.setup(ex, &p.Plan, left.types())
	if len(p.DupCols) > 0 {
		if n.distinct, err = ex.newDistinctSet(left.types(), p.DupCols, p.Colls); err != nil {
			return nil, err
		}
	}
	c := &compiler{ex: ex, sc: &n.sc, column: outerColumn(len(left.types()))}
	return n, n.stage.init(c, p.Qual, directTargets(p.TargetList, len(left.types())))
}

func (n *recursiveUnion) next(max int) (*types.Batch, error) {
	for !n.ended {
		child := n.left
		if n.inRight {
			child = n.right
		}
		b, err := child.next(max)
		if err != nil {
			return nil, err
		}
		if b == nil {
			if err := n.turn(); err != nil {
				return nil, err
			}
			continue
		}
		if n.distinct != nil {
			n.sel = n.distinct.fresh(b, n.sel)
			n.view = types.Batch{Cols: b.Cols, N: b.N, Sel: n.sel}
			if b = &n.view; len(n.sel) == 0 {
				continue
			}
		}
		if err := n.nextRows.add(b); err != nil {
			return nil, err
		}
		out, err := n.run(b)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
	return nil, nil
}

// turn begins the next iteration.
func (n *recursiveUnion) turn() error {
	if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
		return err
	}
	if n.nextRows.n == 0 {
		n.ended = true
		return nil
	}
	n.inRight = true
	n.work, n.nextRows = n.nextRows, n.work
	n.nextRows.reset()
	n.ex.clock++
	n.ex.versions[n.wtParam] = n.ex.clock
	return n.right.rescan()
}

func (n *recursiveUnion) rescan() error {
	n.rescanInit()
	n.clearState()
	if err := n.left.rescan(); err != nil {
		return err
	}
	return n.right.rescan()
}

func (n *recursiveUnion) clearState() {
	n.work.reset()
	n.nextRows.reset()
	if n.distinct != nil {
		n.distinct.reset()
	}
	n.inRight, n.ended, n.deferred = false, false, nil
}

func (n *recursiveUnion) close() {
	n.clearState()
	n.left.close()
	n.right.close()
}

// workTableScan reads the rows of the iteration before.
type workTableScan struct {
	nodeBase
	stage
	union *recursiveUnion
	pos   int
	batch *types.Batch
}

func (ex *Exec) makeWorkTableScan(p *plan.WorkTableScan) (node, error) {
	u := ex.works[p.WTParam]
	if u == nil {
		return nil, missingUnion()
	}
	n := &workTableScan{union: u, batch: newBatch(u.kinds, 0)}
	outs := u.left.types()
	n.setup(ex, &p.Plan, outs)
	return n, n.stage.init(rowsCompiler(ex, &n.sc, p.ScanRelID, outs, nil), p.Qual, p.TargetList)
}

func (n *workTableScan) next(max int) (*types.Batch, error) {
	n.defers = true
	for {
		if n.deferred != nil {
			return nil, n.takeDeferred()
		}
		k, err := n.union.work.read(n.pos, max, n.batch)
		if k == 0 || err != nil {
			return nil, err
		}
		n.pos += k
		out, err := n.run(n.batch)
		if err != nil {
			return nil, err
		}
		if out.Rows() > 0 {
			return out, nil
		}
	}
}

func (n *workTableScan) rescan() error {
	n.rescanInit()
	n.pos, n.deferred = 0, nil
	return nil
}

func (n *workTableScan) close() {}
