package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// onConflict is what an INSERT does about rows whose key is there already.
type onConflict struct {
	n        *modifyTable
	update   bool
	arbiters map[*targetIndex]bool
	any      bool // every unique index is an arbiter
	sc       scope
	in       types.Batch // existing row's attributes, then the proposed row's
	sets     []conflictSet
	where    expr
	strength mvcc.LockStrength
	existing *types.Batch
	fetcher  *heap.Fetcher
	rows     *types.Batch // the proposed rows
}

type conflictSet struct {
	att int // from 0
	e   expr
}

func (n *modifyTable) newOnConflict(p *plan.OnConflict) (*onConflict, error) {
	c := &onConflict{n: n, update: p.Action == query.OnConflictUpdate, arbiters: map[*targetIndex]bool{}, any: len(p.Arbiters) == 0}
	for _, oid := range p.Arbiters {
		found := false
		for _, ix := range n.target.indexes {
			same, err := n.isArbiter(ix, oid)
			if err != nil {
				return nil, err
			}
			if same {
				c.arbiters[ix] = true
				found = true
				if !ix.Immediate {
					return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState,
						"ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters")
				}
			}
		}
		if !found {
			return nil, pgerr.New(pgerr.WrongObjectType, "constraint in ON CONFLICT clause has no associated index")
		}
	}
	if !c.update {
		return c, nil
	}
	natts := len(n.rel.Desc.Attrs)
	c.sc.ex = n.ex
	comp := &compiler{ex: n.ex, sc: &c.sc,
		column: func(v *query.Var) (int, error) {
			if v.Varattno < 1 || v.Varattno > len(n.root.Desc.Attrs) {
				return 0, badVar(v)
			}
			at := n.column(v.Varattno - 1)
			switch {
			case at < 0:
			case v.Varno == n.p.ResultRel:
				return at, nil
			case v.Varno == p.ExclRel:
				return natts + at, nil
			}
			return 0, badVar(v)
		},
		wholeRow: func(*query.Var) (*rowShape, error) { return relationShape(n.rel.Desc, n.rel.RowType), nil }}
	c.strength = mvcc.LockNoKeyExclusive
	for _, te := range p.Set {
		if te.Resjunk {
			continue
		}
		e, err := comp.compile(te.Expr)
		if err != nil {
			return nil, err
		}
		at := n.column(te.Resno - 1)
		c.sets = append(c.sets, conflictSet{at, e})
		if contains(n.rel.Heap.KeyAttrs, at) {
			c.strength = mvcc.LockExclusive
		}
	}
	var err error
	if p.Where != nil {
		c.where, err = comp.compile(p.Where)
	}
	c.existing = newBatch(n.target.kinds, 1)
	return c, err
}

// arbiter reports whether a conflict in ix leads to the ON CONFLICT action.
func (c *onConflict) arbiter(ix *targetIndex) bool {
	return ix.Unique && (c.any || c.arbiters[ix])
}

// insertOrElse stores the rows of b one by one, or does the ON CONFLICT action for those whose key is there.
func (n *modifyTable) insertOrElse(b *types.Batch) error {
	n.target.sc.begin(b)
	b, err := n.target.generate(b)
	if err != nil {
		return err
	}
	c := n.conflict
	c.rows = b
	resetBatch(n.rows, b.N)
	n.rows.N = b.N
	for i := range b.Rows() {
		pos := b.Row(i)
		if err := n.verifyOne(b, pos); err != nil {
			return err
		}
		ok, err := c.put(b, pos)
		if err != nil {
			return err
		}
		if ok {
			n.sel = append(n.sel, int32(pos))
		}
	}
	return nil
}

func (n *modifyTable) verifyOne(b *types.Batch, pos int) error {
	n.single.Cols, n.single.N = b.Cols, b.N
	n.pos1[0] = int32(pos)
	n.single.Sel = n.pos1[:]
	n.target.sc.in = b
	if len(n.checks) > 0 {
		if err := n.checkProposed(b, pos); err != nil {
			return err
		}
	}
	_, err := n.target.verify(&n.single)
	n.target.sc.in = b
	return err
}

// put stores the row at position pos or does the action; false when neither changed anything.
func (c *onConflict) put(b *types.Batch, pos int) (bool, error) {
	n, t, tx := c.n, c.n.target, c.n.ex.env.Tx
	for {
		if err := n.ex.env.Slot.CheckInterrupts(); err != nil {
			return false, err
		}
		t.sc.in = b
		tid, found, err := c.find(pos)
		if err != nil {
			return false, err
		}
		if found {
			if !c.update {
				return false, c.checkVisible(tid)
			}
			done, ok, err := c.change(b, pos, tid)
			if done || err != nil {
				return ok, err
			}
			continue
		}
		token, err := tx.BeginSpeculative()
		if err != nil {
			return false, err
		}
		tid, clash, err := c.speculate(b, pos, token)
		tx.EndSpeculative()
		if err != nil {
			return false, err
		}
		if clash {
			continue
		}
		n.tids[pos] = tid
		for a, v := range n.rows.Cols {
			v.Set(pos, b.Cols[a].Get(pos))
		}
		return true, nil
	}
}

// find looks for a row that is there with the key of the row at pos in an arbiter.
func (c *onConflict) find(pos int) (ids.TID, bool, error) {
	t := c.n.target
	for _, ix := range t.indexes {
		if !c.arbiter(ix) {
			continue
		}
		ok, err := t.keyOf(ix, pos)
		if err != nil {
			return ids.TID{}, false, err
		}
		if !ok {
			continue
		}
		tid, found, err := ix.Btree.FindConflict(c.n.ex.env.Tx, ix.vals, ids.TID{}, true)
		if found || err != nil {
			return tid, found, err
		}
	}
	return ids.TID{}, false, nil
}

// speculate inserts the row so that it can be taken back when somebody else was faster.
func (c *onConflict) speculate(b *types.Batch, pos int, token uint32) (tid ids.TID, clash bool, err error) {
	n, t := c.n, c.n.target
	for a, v := range b.Cols[:len(n.vals)] {
		n.vals[a] = v.Get(pos)
	}
	tid, err = heap.Insert(n.ex.env.Tx, n.rel.Heap, n.vals, n.ex.cid, heap.InsertOpts{SpecToken: token})
	if err != nil {
		return tid, false, err
	}
	if err := t.indexRow(pos, tid, c.arbiter, &clash); err != nil {
		return tid, false, err
	}
	if clash {
		return tid, true, heap.AbortSpeculative(n.ex.env.Tx, n.rel.Heap, tid)
	}
	t.inserted(tid)
	return tid, false, heap.FinishSpeculative(n.ex.env.Tx, n.rel.Heap, tid)
}

func (c *onConflict) fetch() *heap.Fetcher {
	if c.fetcher == nil {
		cols := make([]int, len(c.n.rel.Desc.Attrs))
		for i := range cols {
			cols[i] = i
		}
		c.fetcher = heap.NewFetcher(c.n.ex.env.Tx, c.n.rel.Heap, cols)
	}
	return c.fetcher
}

// checkVisible fails in Repeatable Read when the row that is in the way is none that the snapshot sees.
func (c *onConflict) checkVisible(tid ids.TID) error {
	tx := c.n.ex.env.Tx
	if !tx.Isolation().UsesOneSnapshot() {
		return nil
	}
	f := c.fetch()
	defer f.Unpin()
	seen, err := f.Version(tid, c.n.ex.snap)
	if err != nil || seen {
		return err
	}
	found, err := f.Version(tid, nil)
	if err != nil {
		return err
	}
	// A row of this very command is another matter.
	if found && tx.IsCurrent(f.Header().Xmin()) {
		return nil
	}
	return concurrentUpdate()
}

// change does DO UPDATE on the row at tid. done is false when the row went away: look again.
func (c *onConflict) change(b *types.Batch, pos int, tid ids.TID) (done, ok bool, err error) {
	n, tx := c.n, c.n.ex.env.Tx
	res, _, err := heap.LockTuple(tx, n.rel.Heap, tid, n.ex.cid, c.strength, heap.WaitBlock, false)
	if err != nil {
		return true, false, err
	}
	switch res {
	case heap.Ok:
	case heap.Invisible, heap.SelfModified:
		return true, false, c.invisible(tid)
	case heap.Updated, heap.Deleted:
		if tx.Isolation().UsesOneSnapshot() {
			if res == heap.Deleted {
				return true, false, concurrentDelete()
			}
			return true, false, concurrentUpdate()
		}
		return false, false, nil
	default:
		return true, false, pgerr.Internal("unrecognized result %d of locking a row", res)
	}
	if err := c.checkVisible(tid); err != nil {
		return true, false, err
	}
	f := c.fetch()
	f.ResetArena()
	found, err := f.Version(tid, nil)
	if err == nil && !found {
		err = pgerr.Internal("failed to fetch conflicting tuple")
	}
	if err == nil {
		err = f.Values(n.vals)
	}
	if t := n.target.triggers; err == nil && t != nil && len(t.upd) > 0 {
		n.old = n.old[:0]
		for _, v := range n.vals {
			n.old = append(n.old, v.Clone())
		}
		n.oldMine = tx.IsCurrent(f.Header().Xmin())
	}
	f.Unpin()
	if err != nil {
		return true, false, err
	}
	ok, err = c.apply(b, pos, tid)
	return true, ok, err
}

func (c *onConflict) invisible(tid ids.TID) error {
	return pgerr.New(pgerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
		WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
}

// apply computes the new version of the locked row, whose values are in vals, and stores it.
func (c *onConflict) apply(b *types.Batch, pos int, tid ids.TID) (bool, error) {
	n := c.n
	// The existing row stands at position pos too, so that one position does for both.
	resetBatch(c.existing, pos+1)
	for a, v := range c.existing.Cols {
		v.Set(pos, n.vals[a])
	}
	c.in.Cols = append(append(c.in.Cols[:0], c.existing.Cols...), b.Cols[:len(n.vals)]...)
	c.in.N = b.N
	c.sc.begin(&c.in)
	if c.where != nil {
		d, err := c.where.scalar(pos)
		if err != nil || !d.IsTrue() {
			return false, err
		}
	}
	for _, s := range c.sets {
		d, err := s.e.scalar(pos)
		if err != nil {
			return false, err
		}
		n.vals[s.att] = d.Clone()
	}
	for a, v := range n.rows.Cols {
		v.Set(pos, n.vals[a].Clone())
	}
	info, res, _, err := n.store(tid, pos)
	if err != nil {
		return false, err
	}
	if res != heap.Ok {
		return false, pgerr.Internal("unrecognized result %d of updating a locked row", res)
	}
	n.tids[pos] = info.TID
	return true, nil
}
