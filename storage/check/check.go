package check

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/toast"
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
	values map[ids.Oid]bool // out-of-line values that any version refers to
}

// fetcher fetches out-of-line values and notes which.
type fetcher struct {
	tx   *mvcc.Session
	r    *heap.Rel
	seen map[ids.Oid]bool
}

// Fetch implements tuple.Detoaster.
func (f fetcher) Fetch(p tuple.Pointer) ([]byte, error) {
	f.seen[p.ValueID] = true
	if f.r.Toast == nil {
		return nil, fmt.Errorf("out-of-line value in a table without toast table")
	}
	return f.r.Toast.Fetch(f.tx, p)
}

// Heap checks a table with its maps, and that its out-of-line values are all there and no others.
func Heap(tx *mvcc.Session, r *heap.Rel, report Report) error {
	cols := make([]int, len(r.Desc.Attrs))
	for i := range cols {
		cols[i] = i
	}
	m := tx.Manager()
	values := map[ids.Oid]bool{}
	c := tables{values: values, tx: tx, r: r, report: report, proj: r.Layout().Project(cols), out: make([]types.Datum, len(cols)),
		ext: fetcher{tx, r, values}, oldest: m.OldestXmin(r.DB), next: m.NextXid(), vm: r.VisibilityMap()}
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
	if err := c.maps(n); err != nil {
		return err
	}
	if t, ok := r.Toast.(*toast.Table); ok {
		return c.orphans(t)
	}
	return nil
}

// maps checks what the maps say as a whole, of a table of n blocks.
func (c *tables) maps(n ids.BlockNumber) error {
	blk, err := c.vm.Beyond(c.tx.Slot(), n)
	if err != nil {
		return err
	}
	if c.blk = blk; blk != ids.InvalidBlock {
		c.badf(0, "marked in the visibility map, but the table has %d blocks", n)
	}
	return c.r.FreeSpaceMap().Verify(c.tx.Slot(), func(blk ids.BlockNumber, text string) {
		c.report(Problem{c.r.Name, blk, 0, "free space map: " + text})
	})
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
	if c.r.Logged && !pg.IsNew() && pg.LSN() == 0 {
		c.badf(0, "no log position, but the table is logged")
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
		ext = anything{c.values}
	}
	if err := c.proj.Deform(tup, c.out, nil, ext); err != nil {
		c.badf(off, "%v", err)
	}
}

// anything stands for out-of-line values that need not be there.
type anything struct{ seen map[ids.Oid]bool }

// Fetch implements tuple.Detoaster.
func (a anything) Fetch(p tuple.Pointer) ([]byte, error) {
	a.seen[p.ValueID] = true
	return nil, nil
}

// ids checks that the transactions named in a header have been.
func (c *tables) ids(h tuple.Header, off ids.OffsetNumber) bool {
	m := c.tx.Manager()
	if x := h.Xmin(); x >= c.next || x == 0 && !h.XminInvalid() {
		c.badf(off, "xmin %d, next transaction id is %d", x, c.next)
		return false
	}
	mask := h.Infomask()
	if x := h.Xmin(); !h.XminFrozen() && x >= m.OldestXid() {
		if st := m.Status(x); h.XminCommitted() && st != mvcc.Committed || h.XminInvalid() && st == mvcc.Committed {
			c.badf(off, "xmin %d: the hint bits %#x contradict the commit log", x, mask&tuple.XminFrozen)
			return false
		}
	}
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
	if x := h.Xmax(); mask&tuple.XmaxCommitted != 0 && x >= m.OldestXid() && m.Status(x) != mvcc.Committed {
		c.badf(off, "xmax %d: the hint bit for committed contradicts the commit log", x)
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
