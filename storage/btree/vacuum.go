package btree

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/types"
	"gompho/wal"
)

// vacuuming is the state of one pass over an index.
type vacuuming struct {
	ix     *Index
	tx     *mvcc.Session
	slot   *stats.Slot
	dead   func(ids.TID) bool // nil: only count
	delay  func(cost int) error
	cycle  uint16
	oldest ids.Xid
	st     *VacuumStats
	offs   []ids.OffsetNumber
}

// Costs of a page, in PostgreSQL's default units, as the delay functions of vacuum count them.
const (
	costHit   = 1
	costDirty = 20
)

// BulkDelete removes the entries whose tid is dead and adds to st. delay is called for every page with its cost.
func (ix *Index) BulkDelete(tx *mvcc.Session, dead func(ids.TID) bool, delay func(cost int) error, st *VacuumStats) error {
	return ix.pass(tx, dead, delay, st)
}

// VacuumCleanup ends a vacuum of the index. When BulkDelete was not called it goes through the index only if deleted pages, a twentieth of it or more,
// wait for being used again: as many as the last vacuum left.
func (ix *Index) VacuumCleanup(tx *mvcc.Session, delay func(cost int) error, st *VacuumStats) error {
	if !st.scanned {
		left, err := ix.deletedPages(tx.Slot())
		if err != nil {
			return err
		}
		n, err := ix.Env.Pool.Blocks(ix.File, ids.MainFork)
		if err != nil || left <= n/cleanupShare {
			return err
		}
		if err := ix.pass(tx, nil, delay, st); err != nil {
			return err
		}
	}
	return ix.noteDeleted(tx.Slot(), st.DeletedNow-min(st.DeletedNow, st.PagesFree))
}

// cleanupShare: see VacuumCleanup.
const cleanupShare = 20

// deletedPages returns how many deleted pages the last vacuum left that could not be used again yet.
func (ix *Index) deletedPages(slot *stats.Slot) (ids.BlockNumber, error) {
	b, err := ix.readLocked(slot, metaBlock, buffer.Share)
	if err != nil {
		return 0, err
	}
	defer b.UnlockRelease()
	return ids.BlockNumber(le.Uint32(b.Page()[metaDeleted:])), nil
}

// noteDeleted stores what deletedPages returns.
func (ix *Index) noteDeleted(slot *stats.Slot, n ids.BlockNumber) error {
	if was, err := ix.deletedPages(slot); err != nil || was == n {
		return err
	}
	b, err := ix.readLocked(slot, metaBlock, buffer.Exclusive)
	if err != nil {
		return err
	}
	defer b.UnlockRelease()
	c := ix.Env.Pool.Begin(slot, wal.BtreeVacuum, 0, ix.info())
	c.Page(b).Overwrite(metaDeleted, le.AppendUint32(nil, uint32(n)))
	c.Commit()
	return nil
}

// pass goes through the file in the order of blocks. A split that happens meanwhile may move entries to a block already passed: it marks both
// halves with this vacuum's cycle id, and who finds such a page follows its right link back.
func (ix *Index) pass(tx *mvcc.Session, dead func(ids.TID) bool, delay func(int) error, st *VacuumStats) error {
	removed, deleted := st.Removed, st.PagesDeleted
	*st = VacuumStats{Removed: removed, PagesDeleted: deleted, scanned: true}
	defer func() { st.DeletedNow += st.PagesDeleted - deleted }()
	v := vacuuming{ix: ix, tx: tx, slot: tx.Slot(), dead: dead, delay: delay, st: st, oldest: tx.Manager().OldestXmin(0)}
	v.cycle = ix.Env.BeginIndexVacuum(ix.File)
	defer ix.Env.EndIndexVacuum(ix.File)
	for blk := metaBlock + 1; ; {
		n, err := ix.Env.Pool.Blocks(ix.File, ids.MainFork)
		if err != nil {
			return err
		}
		st.Pages = n
		if blk >= n {
			return nil
		}
		for ; blk < n; blk++ {
			if err := v.page(blk); err != nil {
				return err
			}
		}
	}
}

// page does one block, and blocks before it to which a split moved entries of it.
func (v *vacuuming) page(scan ids.BlockNumber) error {
	for blk := scan; blk != 0; {
		if err := v.slot.CheckInterrupts(); err != nil {
			return err
		}
		cost := costHit
		back, dirtied, err := v.one(blk, scan)
		if err != nil {
			return err
		}
		if dirtied {
			cost += costDirty
		}
		if v.delay != nil {
			if err := v.delay(cost); err != nil {
				return err
			}
		}
		blk = back
	}
	return nil
}

// one does one page and returns the page to go back to, 0 for none.
func (v *vacuuming) one(blk, scan ids.BlockNumber) (back ids.BlockNumber, dirtied bool, err error) {
	b, err := v.ix.read(v.slot, blk)
	if err != nil {
		return 0, false, err
	}
	defer b.Release()
	b.Lock(buffer.Exclusive)
	n := nodeOf(b)
	switch {
	case n.IsNew() || n.valid() && n.isDeleted():
		free := v.ix.recyclable(v.oldest, n)
		b.Unlock()
		if blk != scan {
			return 0, false, nil
		}
		v.st.DeletedNow++
		if free {
			v.st.PagesFree++
			return 0, false, v.ix.fsm().RecordFree(v.slot, blk)
		}
		return 0, false, nil
	case !n.valid():
		b.Unlock()
		return 0, false, v.ix.damaged(blk, "not an index page")
	case !n.isLeaf():
		b.Unlock()
		return 0, false, nil
	}
	if blk != scan && n.cycle() != v.cycle {
		b.Unlock()
		return 0, false, nil // not of a split since this vacuum began: it was or will be met in its place
	}
	if n.cycle() == v.cycle && n.next() != 0 && n.next() < scan {
		back = n.next()
	}
	dirtied = v.deleteFrom(b)
	empty := n.first() > n.MaxOffset()
	v.st.Tuples += float64(n.MaxOffset()) - float64(n.first()) + 1
	b.Unlock()
	if empty && v.dead != nil {
		deleted, err := v.ix.deletePage(v.tx, b)
		if err != nil {
			return 0, dirtied, err
		}
		if deleted {
			v.st.PagesDeleted++
		}
	}
	return back, dirtied, nil
}

// deleteFrom removes the dead entries of a latched leaf.
func (v *vacuuming) deleteFrom(b buffer.Buf) bool {
	if v.dead == nil {
		return false
	}
	n := nodeOf(b)
	v.offs = v.offs[:0]
	for off := n.first(); off <= n.MaxOffset(); off++ {
		if v.dead(item(n.Item(off)).tid()) {
			v.offs = append(v.offs, off)
		}
	}
	v.ix.deleteItems(v.slot, b, v.offs, wal.BtreeVacuum)
	v.st.Removed += float64(len(v.offs))
	return len(v.offs) > 0
}

// deletePage takes an empty leaf, pinned and not latched, out of the tree: one change of its neighbours and its parent. The key space goes to
// the right neighbour, so that must have the same parent; a page that is the last child of its parent stays. The page itself keeps its links for those who
// are on the way to it, and is used again when they must be gone.
func (ix *Index) deletePage(tx *mvcc.Session, b buffer.Buf) (bool, error) {
	slot := tx.Slot()
	b.Lock(buffer.Share)
	n := nodeOf(b)
	if !n.canDelete() {
		b.Unlock()
		return false, nil
	}
	left := n.prev()
	high := append(item(nil), n.Item(1)...)
	b.Unlock()

	// The way down to the page, by its high key: it is the last key that belongs there.
	key := ix.pivotKey(high)
	var p path
	lb, err := ix.descend(slot, &key, 0, buffer.Share, &p)
	if err != nil {
		return false, err
	}
	lb.UnlockRelease()
	if p.n == 0 {
		return false, nil
	}
	d := deletion{ix: ix, tx: tx, b: b, path: p}
	defer d.release()
	ok, err := d.latch(left)
	if err != nil || !ok {
		return false, err
	}
	d.apply()
	return true, nil
}

// canDelete reports whether the leaf is empty and not at the right end, where the tree grows.
func (n node) canDelete() bool {
	return n.isLeaf() && !n.isDeleted() && n.flags()&flagRoot == 0 && !n.isRightmost() && n.MaxOffset() == 1
}

// deletion is the plan of a page deletion: the pages that it latches, from left to right, then up.
type deletion struct {
	ix        *Index
	tx        *mvcc.Session
	b         buffer.Buf
	path      path
	left      buffer.Buf
	right     buffer.Buf
	parent    buffer.Buf
	parentOff ids.OffsetNumber
	locked    bool
}

func (d *deletion) release() {
	if d.locked {
		d.b.Unlock()
	}
	for _, b := range [...]buffer.Buf{d.left, d.right, d.parent} {
		if b.IsValid() {
			b.UnlockRelease()
		}
	}
}

// latch latches everything and sees whether the page can still be deleted.
func (d *deletion) latch(left ids.BlockNumber) (bool, error) {
	ix, slot := d.ix, d.tx.Slot()
	blk := d.b.Block()
	if left != 0 {
		b, err := ix.readLocked(slot, left, buffer.Exclusive)
		if err != nil {
			return false, err
		}
		d.left = b
		// After a split of the left neighbour the page next to ours is another one: leave it to the next vacuum.
		if n := nodeOf(b); n.isDeleted() || n.next() != blk {
			return false, nil
		}
	}
	d.b.Lock(buffer.Exclusive)
	d.locked = true
	n := nodeOf(d.b)
	if !n.canDelete() || n.prev() != left {
		return false, nil
	}
	var err error
	if d.right, err = ix.readLocked(slot, n.next(), buffer.Exclusive); err != nil {
		return false, err
	}
	if nodeOf(d.right).prev() != blk {
		return false, ix.damaged(n.next(), "left link does not match")
	}
	s := insertion{ix: ix, tx: d.tx, slot: slot, path: d.path}
	if d.parent, d.parentOff, err = ix.findParent(&s, blk, 0); err != nil {
		return false, err
	}
	pn := nodeOf(d.parent)
	return d.parentOff < pn.MaxOffset() && item(pn.Item(d.parentOff+1)).child() == d.right.Block(), nil
}

// apply unlinks the page. In the parent its item comes to point to the right neighbour, whose own item goes.
func (d *deletion) apply() {
	ix := d.ix
	c := ix.Env.Pool.Begin(d.tx.Slot(), wal.BtreeUnlink, d.tx.Xid(), ix.info())
	if d.left.IsValid() {
		sp := nodeOf(d.left).special()
		sp.next = d.right.Block()
		sp.put(c.Page(d.left))
	}
	sp := nodeOf(d.right).special()
	sp.prev = nodeOf(d.b).prev()
	sp.put(c.Page(d.right))
	pc := c.Page(d.parent)
	var child [4]byte
	le.PutUint32(child[:], uint32(d.right.Block()))
	pc.Overwrite(d.parent.Page().ItemPos(d.parentOff), child[:])
	pc.DeleteItems([]ids.OffsetNumber{d.parentOff + 1})
	ix.notePages(d.tx, d.b.Block(), d.right.Block())
	sp = nodeOf(d.b).special()
	sp.flags |= flagDeleted
	sp.safe = d.tx.Manager().NextXid()
	sp.put(c.Page(d.b))
	c.Commit()
}

// pivotKey makes a search key of a pivot.
func (ix *Index) pivotKey(it item) searchKey {
	vals := make([]types.Datum, ix.attrs(it))
	if ix.values(it, vals) != nil {
		vals = vals[:0]
	}
	k := ix.key(vals)
	k.tid, k.hasTID = it.pivotTID()
	k.pivot = true
	return k
}
