package commands

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/tuple"
	"gompho/types"
)

// VACUUM FULL and CLUSTER copy what anybody may still see: rows that are visible to all as such, the others with the transactions that made them, and
// versions that were replaced or deleted so lately that a snapshot sees them. A transaction with an old snapshot finds what it would have found. The copies
// of a row's versions lead to one another as the versions did: so a version is copied after that which replaced it.

// copyVersions copies a table.
func (r *rewriter) copyVersions() error {
	tx, h := r.a.c.S.Tx, r.before.Heap
	oldest := tx.Manager().OldestXmin(h.DB)
	if h.Temp {
		oldest = tx.TempHorizon()
	}
	list, err := r.findDying(oldest)
	if err != nil {
		return err
	}
	r.moved = make(map[ids.TID]ids.TID, len(list))
	for i := range list {
		r.moved[list[i].next] = ids.TID{}
	}
	if r.a.order != nil {
		err = r.copyOrdered(oldest)
	} else {
		err = r.copyAll(oldest)
	}
	r.as = nil
	if err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	return r.copyDying(list)
}

// emptyRow makes a row of the old table, all of it NULL.
func (r *rewriter) emptyRow() []types.Datum {
	row := make([]types.Datum, len(r.before.Desc.Attrs))
	for i := range row {
		row[i] = types.Null
	}
	return row
}

// keep returns what the copy of a row that is there now keeps, nil if everybody sees it. A row of a catalog always keeps who made it: by that the built-in ones
// are known that nobody has changed.
func (r *rewriter) keep(h tuple.Header, oldest ids.Xid) *heap.Version {
	x := h.Xmin()
	if !h.XminFrozen() && x.IsNormal() && x >= oldest {
		return &heap.Version{Xmin: x}
	}
	if isCatalog(r.before.Oid) && x.IsNormal() {
		return &heap.Version{Xmin: x, Frozen: true}
	}
	return nil
}

// copyAll copies the rows that are there now, as they lie.
func (r *rewriter) copyAll(oldest ids.Xid) error {
	tx, rel := r.a.c.S.Tx, r.before
	snap := tx.Register(tx.LatestSnapshot())
	defer tx.Unregister(snap)
	cols := liveColumns(rel.Desc)
	scan, err := heap.BeginScan(tx, rel.Heap, snap, heap.ScanOpts{Cols: append(cols[:len(cols):len(cols)], heap.AttrXmin)})
	if err != nil {
		return err
	}
	defer scan.Close()
	young := heap.NewFetcher(tx, rel.Heap, nil) // looks at the headers of those rows that may not be visible to all
	defer young.Close()
	b, row, tids := scan.NewBatch(rewriteBatch), r.emptyRow(), make([]ids.TID, rewriteBatch)
	for {
		n, err := scan.NextBatch(rewriteBatch, b, tids)
		if err != nil || n == 0 {
			return err
		}
		r.from = tids[n-1].Block
		for i := range n {
			for k, col := range cols {
				row[col] = b.Cols[k].Get(i)
			}
			r.as = nil
			if isCatalog(rel.Oid) || tx.Manager().WidenXid(uint32(b.Cols[len(cols)].Get(i).Word())) >= oldest {
				if found, err := young.Version(tids[i], nil); err != nil {
					return err
				} else if found {
					r.as, r.old = r.keep(young.Header(), oldest), tids[i]
				}
			}
			if err := r.row(row); err != nil {
				return err
			}
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
}

// copyOrdered is copyAll in the order of an index.
func (r *rewriter) copyOrdered(oldest ids.Xid) error {
	tx, rel := r.a.c.S.Tx, r.before
	snap := tx.Register(tx.LatestSnapshot())
	defer tx.Unregister(snap)
	cols := liveColumns(rel.Desc)
	fetch := heap.NewFetcher(tx, rel.Heap, cols)
	defer fetch.Close()
	scan := r.a.order.Btree.BeginScan(tx, btree.ScanOpts{})
	defer scan.Close()
	if err := scan.Rescan(nil); err != nil {
		return err
	}
	row, vals, tids := r.emptyRow(), make([]types.Datum, len(cols)), make([]ids.TID, rewriteBatch)
	for {
		n, err := scan.Next(tids, nil)
		if err != nil || n == 0 {
			return err
		}
		for _, tid := range tids[:n] {
			found, err := fetch.Index(tid, snap)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := fetch.Values(vals); err != nil {
				return err
			}
			for k, col := range cols {
				row[col] = vals[k]
			}
			r.as, r.old = r.keep(fetch.Header(), oldest), fetch.TID()
			if err := r.row(row); err != nil {
				return err
			}
		}
		if err := r.flush(); err != nil {
			return err
		}
		fetch.ResetArena()
	}
}

// findDying lists the versions that are not there any more for new snapshots but for older ones.
func (r *rewriter) findDying(oldest ids.Xid) (list []dyingVersion, err error) {
	tx, rel := r.a.c.S.Tx, r.before
	n, err := rel.Heap.Blocks()
	if err != nil {
		return nil, err
	}
	strategy := rel.Heap.Env.Pool.NewStrategy(buffer.BulkRead)
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		if err := tx.Slot().CheckInterrupts(); err != nil {
			return nil, err
		}
		if list, err = dying(tx, rel.Heap, blk, oldest, strategy, list); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// copyDying copies them.
func (r *rewriter) copyDying(list []dyingVersion) error {
	tx, rel := r.a.c.S.Tx, r.before
	if len(list) == 0 {
		return nil
	}
	c := dyingCopy{r: r, cols: liveColumns(rel.Desc), row: r.emptyRow(), at: make(map[ids.TID]int, len(list)), list: list}
	c.vals, c.fetch = make([]types.Datum, len(c.cols)), heap.NewFetcher(tx, rel.Heap, c.cols)
	defer c.fetch.Close()
	for i := range list {
		c.at[list[i].tid] = i
	}
	for i := range list {
		if err := c.chain(i); err != nil {
			return err
		}
	}
	r.as = nil
	return nil
}

// dyingCopy is the state of copyDying.
type dyingCopy struct {
	r     *rewriter
	cols  []int
	row   []types.Datum
	vals  []types.Datum
	fetch *heap.Fetcher
	list  []dyingVersion
	at    map[ids.TID]int // place in list
	path  []int
}

// chain copies a version and those that it leads to, the last of them first.
func (c *dyingCopy) chain(i int) error {
	c.path = c.path[:0]
	for !c.list[i].done {
		c.list[i].done = true
		c.path = append(c.path, i)
		next, ok := c.at[c.list[i].next]
		if !ok {
			break
		}
		i = next
	}
	for k := len(c.path) - 1; k >= 0; k-- {
		if err := c.copy(&c.list[c.path[k]]); err != nil {
			return err
		}
	}
	return nil
}

func (c *dyingCopy) copy(d *dyingVersion) error {
	r := c.r
	if err := r.a.c.S.Slot.CheckInterrupts(); err != nil {
		return err
	}
	found, err := c.fetch.Version(d.tid, nil)
	if err != nil || !found {
		return err
	}
	if err := c.fetch.Values(c.vals); err != nil {
		return err
	}
	for k, col := range c.cols {
		c.row[col] = c.vals[k]
	}
	if d.next.Offset == tuple.MovedPartitionsOffset {
		d.keep.Next = d.next
	} else if d.next != d.tid {
		d.keep.Next = r.moved[d.next]
	}
	r.as, r.old = &d.keep, d.tid
	r.a.dying++
	err = r.row(c.row)
	c.fetch.ResetArena()
	return err
}

// dyingVersion is one of copyDying.
type dyingVersion struct {
	tid, next ids.TID
	keep      heap.Version
	done      bool
}

// dying adds the versions of a block that somebody may see though they were deleted to out.
func dying(tx *mvcc.Session, r *heap.Rel, blk ids.BlockNumber, oldest ids.Xid, strategy *buffer.Strategy, out []dyingVersion) ([]dyingVersion, error) {
	b, err := r.Env.Pool.Read(tx.Slot(), r.File, ids.MainFork, blk, strategy)
	if err != nil {
		return nil, err
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	pg := b.Page()
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		if !pg.ItemID(off).IsNormal() {
			continue
		}
		h := tuple.Header(pg.Item(off))
		if v, _, _ := tx.VacuumStatus(h, oldest); v != mvcc.VacuumRecentlyDead && v != mvcc.VacuumDeleteInProgress {
			continue
		}
		d := dyingVersion{tid: ids.TID{Block: blk, Offset: off}, next: h.Ctid()}
		d.keep = heap.Version{Xmin: h.Xmin(), Xmax: tx.Manager().UpdateXid(h), KeysUpdated: h.Infomask2()&tuple.KeysUpdated != 0}
		if h.XminFrozen() || d.keep.Xmin < oldest {
			d.keep.Xmin = 0
		}
		out = append(out, d)
	}
	return out, nil
}
