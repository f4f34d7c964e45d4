package check

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// Problem is something wrong.
type Problem struct {
	Relation string
	Block    ids.BlockNumber  // ids.InvalidBlock: of the relation as a whole
	Offset   ids.OffsetNumber // 0: of the page
	Text     string
}

// String prints the problem in one line.
func (p Problem) String() string {
	switch {
	case p.Block == ids.InvalidBlock:
		return fmt.Sprintf("%s: %s", p.Relation, p.Text)
	case p.Offset == 0:
		return fmt.Sprintf("%s, block %d: %s", p.Relation, p.Block, p.Text)
	}
	return fmt.Sprintf("%s, block %d, item %d: %s", p.Relation, p.Block, p.Offset, p.Text)
}

// Report receives problems.
type Report func(Problem)

// tables is the state of one check of a table.
type tables struct {
	tx     *mvcc.Session
	r      *heap.Rel
	report Report
	proj   *tuple.Projection
	out    []types.Datum
	ext    fetcher
	oldest ids.Xid
	next   ids.Xid
	vm     freespace.VM
	blk    ids.BlockNumber
}

type fetcher struct {
	tx *mvcc.Session
	r  *heap.Rel
}

// Fetch implements tuple.Detoaster.
func (f fetcher) Fetch(p tuple.Pointer) ([]byte, error) {
	if f.r.Toast == nil {
		return nil, fmt.Errorf("out-of-line value in a table without toast table")
	}
	return f.r.Toast.Fetch(f.tx, p)
}

// Heap checks a table.
func Heap(tx *mvcc.Session, r *heap.Rel, report Report) error {
	cols := make([]int, len(r.Desc.Attrs))
	for i := range cols {
		cols[i] = i
	}
	m := tx.Manager()
	c := tables{tx: tx, r: r, report: report, proj: r.Layout().Project(cols), out: make([]types.Datum, len(cols)),
		ext: fetcher{tx, r}, oldest: m.OldestXmin(r.DB), next: m.NextXid(), vm: r.VisibilityMap()}
	defer func() { c.vm.Close() }()
	n, err := r.Blocks()
	if err != nil {
		return err
	}
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		if err := tx.Slot().CheckInterrupts(); err != nil {
			return err
		}
		if err := c.page(blk); err != nil {
			return err
		}
	}
	return nil
}

func (c *tables) badf(off ids.OffsetNumber, format string, args ...any) {
	c.report(Problem{c.r.Name, c.blk, off, fmt.Sprintf(format, args...)})
}

func (c *tables) page(blk ids.BlockNumber) error {
	c.blk = blk
	bits, err := c.vm.Status(c.tx.Slot(), blk)
	if err != nil {
		return err
	}
	b, err := c.r.Env.Pool.Read(c.tx.Slot(), c.r.File, ids.MainFork, blk, nil)
	if err != nil {
		c.badf(0, "%v", err)
		return nil
	}
	b.Lock(buffer.Share)
	pg := append(page.Page(nil), b.Page()...)
	b.UnlockRelease()
	if err := page.Check(pg); err != nil {
		c.badf(0, "%v", err)
		return nil
	}
	if bits&freespace.AllVisible != 0 && !pg.HasFlag(page.AllVisible) {
		c.badf(0, "all-visible in the map, but not on the page")
	}
	if bits == freespace.AllFrozen {
		c.badf(0, "all-frozen but not all-visible in the map")
	}
	if n := pg.MaxOffset(); n > heap.MaxTuplesPerPage {
		c.badf(0, "%d line pointers", n)
		return nil
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		switch id := pg.ItemID(off); {
		case id.IsRedirected():
			c.redirect(pg, off, id.Redirect())
		case id.IsDead() && pg.HasFlag(page.AllVisible):
			c.badf(off, "dead line pointer on an all-visible page")
		case id.IsNormal():
			c.version(pg, off, bits)
		}
	}
	return nil
}

func (c *tables) redirect(pg page.Page, off, to ids.OffsetNumber) {
	if to < 1 || to > pg.MaxOffset() || !pg.ItemID(to).IsNormal() {
		c.badf(off, "redirected to line pointer %d, which has no row version", to)
		return
	}
	if it := pg.Item(to); len(it) >= tuple.HeaderSize && !tuple.Header(it).IsHeapOnly() {
		c.badf(off, "redirected to line pointer %d, which is not heap-only", to)
	}
}

// version checks one row version.
func (c *tables) version(pg page.Page, off ids.OffsetNumber, bits byte) {
	tup := pg.Item(off)
	h := tuple.Header(tup)
	if len(tup) < tuple.HeaderSize || h.Hoff() < tuple.HeaderSize || h.Hoff() > len(tup) || h.Hoff()%8 != 0 {
		c.badf(off, "header does not fit")
		return
	}
	if !c.ids(h, off) {
		return
	}
	if !h.XminFrozen() && c.tx.Manager().Status(h.Xmin()) == mvcc.Aborted {
		return // its transaction may have added columns too
	}
	if h.Natts() > len(c.r.Desc.Attrs) {
		c.badf(off, "%d attributes, the table has %d", h.Natts(), len(c.r.Desc.Attrs))
		return
	}
	c.chain(pg, off, h)
	v, _, _ := c.tx.VacuumStatus(h, c.oldest)
	if pg.HasFlag(page.AllVisible) && (v != mvcc.VacuumLive || !h.XminFrozen() && h.Xmin() >= c.oldest) {
		c.badf(off, "row version of transaction %d (verdict %d) on an all-visible page", h.Xmin(), v)
	}
	if bits&freespace.AllFrozen != 0 && !h.XminFrozen() {
		c.badf(off, "not frozen on an all-frozen page")
	}
	// What is dead to all may have lost its out-of-line values.
	var ext tuple.Detoaster = c.ext
	if v != mvcc.VacuumLive {
		ext = anything{}
	}
	if err := c.proj.Deform(tup, c.out, nil, ext); err != nil {
		c.badf(off, "%v", err)
	}
}

// anything stands for out-of-line values that need not be there.
type anything struct{}

// Fetch implements tuple.Detoaster.
func (anything) Fetch(tuple.Pointer) ([]byte, error) { return nil, nil }

// ids checks that the transactions named in a header have been.
func (c *tables) ids(h tuple.Header, off ids.OffsetNumber) bool {
	m := c.tx.Manager()
	if x := h.Xmin(); x >= c.next || x == 0 && !h.XminInvalid() {
		c.badf(off, "xmin %d, next transaction id is %d", x, c.next)
		return false
	}
	mask := h.Infomask()
	if mask&tuple.XmaxInvalid != 0 {
		return true
	}
	if mask&tuple.XmaxIsMulti != 0 {
		if h.Multi() >= m.NextMulti() {
			c.badf(off, "multixact %d, next is %d", h.Multi(), m.NextMulti())
			return false
		}
		ms, err := m.MultiMembers(h.Multi())
		if err != nil {
			c.badf(off, "multixact %d: %v", h.Multi(), err)
			return false
		}
		for _, mb := range ms {
			if mb.Xid >= c.next {
				c.badf(off, "member %d of multixact %d, next transaction id is %d", mb.Xid, h.Multi(), c.next)
			}
		}
		return true
	}
	if h.Xmax() >= c.next {
		c.badf(off, "xmax %d, next transaction id is %d", h.Xmax(), c.next)
		return false
	}
	return true
}

// chain checks where a version leads to: when its updater has committed, the next version in a HOT chain is there.
func (c *tables) chain(pg page.Page, off ids.OffsetNumber, h tuple.Header) {
	if !h.IsHotUpdated() {
		return
	}
	next := h.Ctid()
	if next.Block != c.blk {
		c.badf(off, "HOT-updated to another page: %v", next)
		return
	}
	x := c.tx.Manager().UpdateXid(h)
	if x == 0 || c.tx.Manager().Status(x) != mvcc.Committed || !h.XminCommitted() && c.tx.Manager().Status(h.Xmin()) != mvcc.Committed {
		return // an update that came to nothing: its version may be gone and its place used again
	}
	if next.Offset < 1 || next.Offset > pg.MaxOffset() || !pg.ItemID(next.Offset).IsNormal() {
		c.badf(off, "HOT-updated to %v, where there is no row version", next)
		return
	}
	n := tuple.Header(pg.Item(next.Offset))
	if len(n) < tuple.HeaderSize || !n.IsHeapOnly() || n.Xmin() != x && !n.XminFrozen() {
		c.badf(off, "HOT-updated by %d to %v, which is not its successor", x, next)
	}
}

// Index checks an index by itself, and that every entry leads to a row version of its table.
func Index(tx *mvcc.Session, ix *btree.Index, report Report) error {
	var pages map[ids.BlockNumber][]uint8
	if ix.Heap != nil {
		var err error
		if pages, err = pointers(tx, ix.Heap); err != nil {
			return err
		}
	}
	return ix.Verify(tx.Slot(), func(blk ids.BlockNumber, text string) {
		report(Problem{ix.Name, blk, 0, text})
	}, func(_ []types.Datum, tid ids.TID) {
		if pages == nil {
			return
		}
		flags := pages[tid.Block]
		if tid.Offset < 1 || int(tid.Offset) > len(flags) || flags[tid.Offset-1] == page.LPUnused {
			report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("entry for %v, where table %s has nothing", tid, ix.Heap.Name)})
		} else if flags[tid.Offset-1] == heapOnly {
			report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("entry for %v, which is heap-only in table %s", tid, ix.Heap.Name)})
		}
	})
}

// heapOnly is pointers' code for a version that no index entry may point to.
const heapOnly = 255

// pointers returns, by block, the kinds of the table's line pointers.
func pointers(tx *mvcc.Session, r *heap.Rel) (map[ids.BlockNumber][]uint8, error) {
	out := map[ids.BlockNumber][]uint8{}
	n, err := r.Blocks()
	if err != nil {
		return nil, err
	}
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		b, err := r.Env.Pool.Read(tx.Slot(), r.File, ids.MainFork, blk, nil)
		if err != nil {
			continue // the table's check reports it
		}
		b.Lock(buffer.Share)
		pg := b.Page()
		flags := make([]uint8, pg.MaxOffset())
		for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
			id := pg.ItemID(off)
			flags[off-1] = uint8(id.Flags())
			if id.IsNormal() && tuple.Header(pg.Item(off)).IsHeapOnly() {
				flags[off-1] = heapOnly
			}
		}
		b.UnlockRelease()
		out[blk] = flags
	}
	return out, nil
}

// Complete checks that every row that must have an entry in ix has one. cols are the table's attributes that extract needs; it computes the index's
// columns from them, or says that the row has no entry (partial indexes). nil: the columns of the index are cols.
func Complete(tx *mvcc.Session, ix *btree.Index, cols []int, extract func(row, out []types.Datum) (bool, error), report Report) error {
	s, err := heap.BeginBuildScan(tx, ix.Heap, cols)
	if err != nil {
		return err
	}
	defer s.Close()
	const rows = 256
	b, tids, live := s.NewBatch(rows), make([]ids.TID, rows), make([]bool, rows)
	row, out := make([]types.Datum, len(cols)), make([]types.Datum, len(ix.Desc.Attrs))
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
			for k := range cols {
				row[k] = b.Cols[k].Get(i)
			}
			if extract == nil {
				copy(out, row)
			} else if ok, err := extract(row, out); err != nil {
				return err
			} else if !ok {
				continue
			}
			found, err := ix.Contains(tx.Slot(), out, tids[i])
			if err != nil {
				return err
			}
			if !found && live[i] {
				report(Problem{ix.Name, ids.InvalidBlock, 0, fmt.Sprintf("no entry for row %v of table %s", tids[i], ix.Heap.Name)})
			}
		}
	}
}
