package check

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// Extract computes the columns of an index from rows of its table.
type Extract struct {
	Cols []int // the table's columns, from 0, that Row needs
	// Row puts the index's columns into out; false: the row has no entry (partial indexes). nil: the index's columns are Cols.
	Row func(row, out []types.Datum) (bool, error)
}

func (x *Extract) row(row, out []types.Datum) (bool, error) {
	if x.Row == nil {
		copy(out, row)
		return true, nil
	}
	return x.Row(row, out)
}

// entries is the state of one check of an index's entries against the table.
type entries struct {
	tx     *mvcc.Session
	ix     *btree.Index
	x      *Extract
	report Report
	proj   *tuple.Projection
	oldest ids.Xid
	blocks ids.BlockNumber
	pg     page.Page // a copy of block blk of the table
	blk    ids.BlockNumber
	row    []types.Datum
	out    []types.Datum
	ext    tuple.Detoaster
}

// Index checks an index by itself, and that every entry leads to a row version of its table with the same key. With x nil the keys are
// not compared; without a table in ix neither is anything else of it.
func Index(tx *mvcc.Session, ix *btree.Index, x *Extract, report Report) error {
	e := &entries{tx: tx, ix: ix, x: x, report: report, oldest: tx.Manager().OldestXmin(0), blk: ids.InvalidBlock}
	if ix.Heap != nil {
		var err error
		if e.blocks, err = ix.Heap.Blocks(); err != nil {
			return err
		}
		if x != nil {
			e.proj = ix.Heap.Layout().Project(x.Cols)
			e.row, e.out = make([]types.Datum, len(x.Cols)), make([]types.Datum, len(ix.Desc.Attrs))
			e.ext = fetcher{tx, ix.Heap, map[ids.Oid]bool{}}
		}
	}
	return ix.Verify(tx.Slot(), func(blk ids.BlockNumber, text string) {
		report(Problem{ix.Name, blk, 0, text})
	}, func(blk ids.BlockNumber, off ids.OffsetNumber, vals []types.Datum, tid ids.TID) {
		if ix.Heap != nil {
			e.entry(blk, off, vals, tid)
		}
	})
}

// entry checks one entry of the index, item off of block blk.
func (e *entries) entry(blk ids.BlockNumber, off ids.OffsetNumber, vals []types.Datum, tid ids.TID) {
	bad := func(format string, args ...any) {
		e.report(Problem{e.ix.Name, blk, off, fmt.Sprintf(format, args...)})
	}
	if !e.read(tid.Block) {
		bad("entry for %v, but block %d of table %s cannot be read", tid, tid.Block, e.ix.Heap.Name)
		return
	}
	if tid.Offset < 1 || tid.Offset > e.pg.MaxOffset() || !e.pg.ItemID(tid.Offset).IsUsed() {
		bad("entry for %v, where table %s has nothing", tid, e.ix.Heap.Name)
		return
	}
	if id := e.pg.ItemID(tid.Offset); id.IsNormal() && len(e.pg.Item(tid.Offset)) >= tuple.HeaderSize && tuple.Header(e.pg.Item(tid.Offset)).IsHeapOnly() {
		bad("entry for %v, which is heap-only in table %s", tid, e.ix.Heap.Name)
		return
	}
	tup := e.live(tid.Offset)
	if tup == nil || e.x == nil {
		return
	}
	if err := e.proj.Deform(tup, e.row, nil, e.ext); err != nil {
		return // the table's own check says so
	}
	switch ok, err := e.x.row(e.row, e.out); {
	case err != nil:
		bad("cannot compute the key of row %v of table %s: %v", tid, e.ix.Heap.Name, err)
	case !ok:
		bad("entry for row %v of table %s, which the index's predicate leaves out", tid, e.ix.Heap.Name)
	case !e.ix.SameKey(vals, e.out):
		bad("entry for row %v of table %s has another key than the row", tid, e.ix.Heap.Name)
	}
}

// read makes pg a copy of a block of the table.
func (e *entries) read(blk ids.BlockNumber) bool {
	if blk == e.blk {
		return true
	}
	e.blk = ids.InvalidBlock
	if blk >= e.blocks {
		return false
	}
	b, err := e.ix.Heap.Env.Pool.Read(e.tx.Slot(), e.ix.Heap.File, ids.MainFork, blk, nil)
	if err != nil {
		return false
	}
	b.Lock(buffer.Share)
	e.pg = append(e.pg[:0], b.Page()...)
	b.UnlockRelease()
	if page.Check(e.pg) != nil {
		return false
	}
	e.blk = blk
	return true
}

// live returns the version of the HOT chain that begins at off which is alive, nil if none is. All versions of a chain have the same keys.
func (e *entries) live(off ids.OffsetNumber) []byte {
	for range heap.MaxTuplesPerPage {
		if off < 1 || off > e.pg.MaxOffset() {
			return nil
		}
		id := e.pg.ItemID(off)
		if id.IsRedirected() {
			off = id.Redirect()
			continue
		}
		if !id.IsNormal() || id.Len() < tuple.HeaderSize {
			return nil
		}
		tup := e.pg.Item(off)
		h := tuple.Header(tup)
		if v, _, _ := e.tx.VacuumStatus(h, e.oldest); v == mvcc.VacuumLive {
			return tup
		}
		if !h.IsHotUpdated() || h.Ctid().Block != e.blk {
			return nil
		}
		off = h.Ctid().Offset
	}
	return nil
}

// Complete checks that every row that must have an entry in ix has one.
func Complete(tx *mvcc.Session, ix *btree.Index, x *Extract, report Report) error {
	s, err := heap.BeginBuildScan(tx, ix.Heap, x.Cols)
	if err != nil {
		return err
	}
	defer s.Close()
	const rows = 256
	b, tids, live := s.NewBatch(rows), make([]ids.TID, rows), make([]bool, rows)
	row, out := make([]types.Datum, len(x.Cols)), make([]types.Datum, len(ix.Desc.Attrs))
	for {
		n, err := s.NextBatch(rows, b, tids, live)
		if err != nil {
			// A damaged row ends the search for missing entries; the table's own check says where it is.
			report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("cannot compare with table %s: %v", ix.Heap.Name, err)})
			return tx.Slot().CheckInterrupts()
		}
		if n == 0 {
			return nil
		}
		for i := range n {
			if !live[i] {
				continue
			}
			for k := range x.Cols {
				row[k] = b.Cols[k].Get(i)
			}
			if ok, err := x.row(row, out); err != nil {
				report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("cannot compute the key of row %v of table %s: %v", tids[i], ix.Heap.Name, err)})
				continue
			} else if !ok {
				continue
			}
			found, err := ix.Contains(tx.Slot(), out, tids[i])
			if err != nil {
				return err
			}
			if !found {
				report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("no entry for row %v of table %s", tids[i], ix.Heap.Name)})
			}
		}
	}
}
