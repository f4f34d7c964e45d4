package executor

import (
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/storage/heap"
	"gompho/types"
)

// epqState tells the scans of a re-check which rows stand for their tables: PostgreSQL's EvalPlanQual. The row that somebody else
// has changed is replaced by its latest version, those of the other tables stay what they were.
type epqState struct {
	tids map[int]ids.TID // by range-table index; an invalid TID stands for no row
	recs map[int]types.Datum
}

// row returns the row that stands for a table.
func (e *epqState) row(rti int) (tid ids.TID, known bool) {
	tid, known = e.tids[rti]
	return tid, known
}

// record returns the row that stands for a scan which is not a table's.
func (e *epqState) record(rti int) (d types.Datum, known bool) {
	d, known = e.recs[rti]
	return d, known
}

// rechecker runs the subtree of a node again over chosen rows.
type rechecker struct {
	parent *Exec
	p      plan.Node
	marks  []plan.RowMark
	ex     *Exec
	reads  []int // exec params that the subtree depends on
}

// run gives the row that the subtree makes of the chosen rows: of range-table entry rti the version at tid, of the other marked entries the
// rows that position pos of in names. nil: the row no longer qualifies. The batch is valid until the next run.
func (r *rechecker) run(rti int, tid ids.TID, in *types.Batch, pos int, locked map[int]ids.TID) (*types.Batch, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	e := r.ex.epq
	clear(e.tids)
	clear(e.recs)
	for _, m := range r.marks {
		if m.RTI == rti {
			continue
		}
		switch {
		case m.NoRow:
			e.tids[m.RTI], e.recs[m.RTI] = ids.TID{}, types.Null
			for _, c := range m.Children {
				e.tids[c] = ids.TID{}
			}
		case len(m.Children) > 0:
			r.markChildren(e, m, in, pos)
		case m.CtidCol > 0:
			d := in.Cols[m.CtidCol-1].Get(pos)
			e.tids[m.RTI] = ids.TID{}
			if !d.IsNull() {
				e.tids[m.RTI] = ids.UnpackTID(d.Word())
			}
		case m.WholeCol > 0:
			e.recs[m.RTI] = in.Cols[m.WholeCol-1].Get(pos)
		}
	}
	for k, t := range locked {
		e.tids[k] = t
	}
	if rti > 0 {
		e.tids[rti] = tid
	}
	r.ex.clock++
	r.ex.epoch = r.ex.clock
	if err := r.ex.root.rescan(); err != nil {
		return nil, err
	}
	return r.ex.root.next(1)
}

// markChildren lets the row of one of the tables stand for all of them.
func (r *rechecker) markChildren(e *epqState, m plan.RowMark, in *types.Batch, pos int) {
	for _, c := range m.Children {
		e.tids[c] = ids.TID{}
	}
	d, oid := in.Cols[m.CtidCol-1].Get(pos), in.Cols[m.TableOidCol-1].Get(pos)
	if d.IsNull() || oid.IsNull() {
		return
	}
	for _, c := range m.Children {
		if r.parent.st.RTable[c-1].Relid == oid.Oid() {
			e.tids[c] = ids.UnpackTID(d.Word())
		}
	}
}

// prepare makes the run state of the re-check, with the values that params have now.
func (r *rechecker) prepare() error {
	p := r.parent
	if r.ex == nil {
		ex := &Exec{env: p.env, st: p.st, epq: &epqState{tids: map[int]ids.TID{}, recs: map[int]types.Datum{}}}
		if err := ex.alloc(p.params, p.snap); err != nil {
			return err
		}
		ex.cid = p.cid
		if err := r.shareWith(ex); err != nil {
			return err
		}
		root, err := ex.build(r.p)
		if err != nil {
			return err
		}
		ex.root = root
		r.ex, r.reads = ex, ex.dependsOn(r.p)
	}
	r.ex.params, r.ex.snap, r.ex.cid = p.params, p.snap, p.cid
	for id := range p.execs {
		if r.ex.pending[id] != nil {
			continue
		}
		if p.pending[id] != nil {
			// Init plans of other parts of the plan must not run now: one may read the WITH query that this re-check is within.
			if !slices.Contains(r.reads, id) {
				continue
			}
			if err := p.runInitPlan(id); err != nil {
				return err
			}
		}
		r.ex.execs[id] = p.execs[id]
		r.ex.clock++
		r.ex.versions[id] = r.ex.clock
	}
	for _, ip := range r.ex.inits {
		if !ip.def.CTE {
			ip.arm()
		}
	}
	return nil
}

// shareWith lets the re-check read what WITH queries that change data have returned to the statement: they run once.
func (r *rechecker) shareWith(ex *Exec) error {
	for id, d := range r.parent.st.SubPlans {
		if d == nil || !d.ModifyCTE {
			continue
		}
		p, err := r.parent.subplan(id)
		if err != nil {
			return err
		}
		ex.setSubplan(id, p)
	}
	return nil
}

func (r *rechecker) close() {
	if r.ex != nil && r.ex.root != nil {
		r.ex.root.close()
	}
}

func concurrentUpdate() error {
	return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to concurrent update")
}

func concurrentDelete() error {
	return pgerr.New(pgerr.TRSerializationFailure, "could not serialize access due to concurrent delete")
}

func modifiedByTrigger(verb string) error {
	return pgerr.New(pgerr.TriggeredDataChangeViolation,
		"tuple to be %s was already modified by an operation triggered by the current command", verb).
		WithHint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")
}

// lockRows locks the rows that come by.
type lockRows struct {
	oneChild
	marks   []lockMark
	recheck rechecker
	sel2    []int32
	view    types.Batch
	own     ownBatch
	locked  map[int]ids.TID
}

// lockMark is one table whose rows are locked.
type lockMark struct {
	plan.RowMark
	rel  *heap.Rel
	rels map[ids.Oid]childMark // of tables that one mark stands for
}

type childMark struct {
	rti int
	rel *heap.Rel
}

func (ex *Exec) makeLockRows(p *plan.LockRows) (node, error) {
	n := &lockRows{recheck: rechecker{parent: ex, p: p.Left, marks: p.Marks}, locked: map[int]ids.TID{}}
	if err := n.setupChild(ex, &p.Plan); err != nil {
		return nil, err
	}
	for _, m := range p.Marks {
		lm := lockMark{RowMark: m}
		if m.Strength != 0 && len(m.Children) > 0 {
			lm.rels = map[ids.Oid]childMark{}
			for _, c := range m.Children {
				rel, err := ex.env.relation(ex.st.RTable[c-1].Relid)
				if err != nil {
					return nil, err
				}
				lm.rels[rel.Oid] = childMark{c, rel.Heap}
			}
		} else if m.Strength != 0 {
			rel, err := ex.env.relation(ex.st.RTable[m.RTI-1].Relid)
			if err != nil {
				return nil, err
			}
			lm.rel = rel.Heap
		}
		n.marks = append(n.marks, lm)
	}
	return n, nil
}

func (n *lockRows) next(max int) (*types.Batch, error) {
	for {
		b, err := n.child.next(max)
		if b == nil || err != nil {
			return nil, err
		}
		n.sel2 = n.sel2[:0]
		n.own.release()
		for i := range b.Rows() {
			pos := b.Row(i)
			ok, err := n.lock(&b, pos)
			if err != nil {
				return nil, err
			}
			if ok {
				n.sel2 = append(n.sel2, int32(pos))
			}
		}
		if len(n.sel2) == 0 {
			continue
		}
		n.view = types.Batch{Cols: b.Cols, N: b.N, Sel: n.sel2}
		return n.run(&n.view)
	}
}

// lock locks the rows that position pos of *b names; false when the row is to be left out. When one was changed meanwhile, the row is
// computed anew, in a copy of the batch.
func (n *lockRows) lock(b **types.Batch, pos int) (bool, error) {
	clear(n.locked)
	changed := false
	for i := range n.marks {
		m := &n.marks[i]
		if m.Strength == 0 || m.CtidCol == 0 {
			continue
		}
		d := (*b).Cols[m.CtidCol-1].Get(pos)
		if d.IsNull() {
			continue // the row is the null-extended side of an outer join
		}
		rti := m.RTI
		if m.rels != nil {
			c, known := m.rels[(*b).Cols[m.TableOidCol-1].Get(pos).Oid()]
			if !known {
				continue
			}
			rti, m.rel = c.rti, c.rel
		}
		tid, moved, ok, err := n.lockOne(m, ids.UnpackTID(d.Word()))
		if err != nil || !ok {
			return false, err
		}
		changed = changed || moved
		n.locked[rti] = tid
	}
	if !changed {
		return true, nil
	}
	row, err := n.recheck.run(0, ids.TID{}, *b, pos, n.locked)
	if row == nil || err != nil {
		return false, err
	}
	*b = n.own.replace(*b, pos, row)
	return true, nil
}

func (n *lockRows) lockOne(m *lockMark, tid ids.TID) (at ids.TID, moved, ok bool, err error) {
	tx := n.ex.env.Tx
	strength := LockStrength(m.Strength)
	policy := heap.WaitPolicy(m.WaitPolicy)
	once := tx.Isolation().UsesOneSnapshot()
	var res heap.Result
	var fail heap.Failure
	at = tid
	if once {
		res, fail, err = heap.LockTuple(tx, m.rel, tid, n.ex.cid, strength, policy, true)
	} else {
		at, res, fail, err = heap.LockLatest(tx, m.rel, tid, n.ex.cid, strength, policy, nil)
	}
	if err != nil {
		return at, false, false, err
	}
	switch res {
	case heap.Ok:
		return at, fail.Traversed, true, nil
	case heap.WouldBlock, heap.SelfModified:
		return at, false, false, nil
	case heap.Updated, heap.Deleted:
		if once {
			return at, false, false, concurrentUpdate()
		}
		return at, false, false, nil
	case heap.Invisible:
		return at, false, false, pgerr.Internal("attempted to lock invisible tuple")
	}
	return at, false, false, pgerr.Internal("unrecognized result %d of locking a row", res)
}

func (n *lockRows) close() {
	n.own.release()
	n.recheck.close()
	n.oneChild.close()
}

// ownBatch is a copy of a batch in which single rows can be replaced.
type ownBatch struct {
	of    *types.Batch
	b     types.Batch
	vecs  []types.Vector
	bytes [][]byte
}

// replace puts the only row of by at position pos of b, which is copied first unless it is the copy already. Only
// by's columns are replaced.
func (o *ownBatch) replace(b *types.Batch, pos int, by *types.Batch) *types.Batch {
	if b != &o.b {
		o.copy(b)
	}
	from := by.Row(0)
	for c := range min(len(by.Cols), len(o.b.Cols)) {
		o.b.Cols[c].Set(pos, by.Cols[c].Get(from).Clone())
	}
	return &o.b
}

func (o *ownBatch) copy(b *types.Batch) {
	o.of = b
	if len(o.vecs) != len(b.Cols) {
		o.vecs = make([]types.Vector, len(b.Cols))
		o.b.Cols = make([]*types.Vector, len(b.Cols))
		for i := range o.vecs {
			o.b.Cols[i] = &o.vecs[i]
		}
	}
	for i, v := range b.Cols {
		w := &o.vecs[i]
		w.Kind = v.Kind
		w.Reset()
		w.Grow(b.N)
		w.Len = b.N
		for k := range b.Rows() {
			pos := b.Row(k)
			w.Set(pos, v.Get(pos))
		}
	}
	o.b.N, o.b.Sel = b.N, b.Sel
}

func (o *ownBatch) release() { o.of = nil }
