package buffer

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/internal/invariants"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/wal"
)

// RelInfo is what a change needs to know of the relation.
type RelInfo struct {
	File   ids.RelFile
	Logged bool // false for unlogged and temporary relations: pages change, no record is written
}

// MaxPages is how many pages one change can hold.
const MaxPages = 32

// Change is one atomic change of up to MaxPages pages and the record that repeats it. From Begin to Commit
// the process is in a critical section: nothing may fail, all checks (room, visibility) come before. Pages are
// latched exclusively by the caller before Page and until after Commit.
type Change struct {
	pool    *Pool
	slot    *stats.Slot
	kind    wal.Kind
	xid     ids.Xid
	logged  bool
	n       int
	pages   [MaxPages]changedPage
	payload []byte
	rec     wal.Builder
}

type changedPage struct {
	buf   Buf
	ops   []byte
	image bool
	// before is the page as it was, with invariants only.
	before []byte
}

func newChange(p *Pool) *Change { return &Change{pool: p} }

// Begin starts a change and enters the critical section.
func (p *Pool) Begin(slot *stats.Slot, kind wal.Kind, xid ids.Xid, rel RelInfo) *Change {
	if l := p.started(slot, rel.File); l != nil {
		p = l
	}
	slot.EnterCritical()
	c := p.changes.Get().(*Change)
	c.slot, c.kind, c.xid, c.logged, c.n, c.payload = slot, kind, xid, rel.Logged, 0, nil
	return c
}

// Page adds a page to the change, or finds it again. Its relation is the buffer's own.
func (c *Change) Page(b Buf) PageChange {
	for i := range c.n {
		if c.pages[i].buf.id == b.id {
			return PageChange{c, i}
		}
	}
	if c.n == MaxPages {
		panic(pgerr.Internal("a change of more than %d pages", MaxPages).WithSeverity(pgerr.Panic))
	}
	pg := &c.pages[c.n]
	pg.buf, pg.ops, pg.image = b, pg.ops[:0], false
	if invariants.Enabled {
		pg.before = append(pg.before[:0], b.Page()...)
	}
	c.n++
	return PageChange{c, c.n - 1}
}

// Payload sets the logical payload, which redo of pages does not need. b is copied at Commit.
func (c *Change) Payload(b []byte) { c.payload = b }

// Commit inserts the record, sets the pages' LSNs, leaves them dirty, and leaves the critical section. It returns
// the record's end, 0 when not logged. The caller still holds latches and pins. The Change must not be used again.
func (c *Change) Commit() ids.LSN {
	p := c.pool
	if p.opts.Critical != nil {
		p.opts.Critical(c.kind)
	}
	if invariants.Enabled {
		c.checkRedo()
	}
	for i := range c.n {
		if pg := &c.pages[i]; len(pg.ops) > 0 || pg.image {
			p.markDirty(c.slot, pg.buf.id, c.logged)
		}
	}
	var end ids.LSN
	if l := p.Log(); c.logged && l != nil {
		end = c.insert(l)
	} else if c.logged {
		c.predateLog()
	}
	slot := c.slot
	for i := range c.n {
		c.pages[i].buf = Buf{}
	}
	c.slot, c.payload = nil, nil
	p.changes.Put(c)
	slot.LeaveCritical()
	return end
}

// predateLog gives the pages of a cluster that is being made, which has no log yet, the oldest LSN: they are logged relations all the same, whose
// first change or hint must log an image. 0 is for pages that are never logged.
func (c *Change) predateLog() {
	for i := range c.n {
		if pg := c.pages[i].buf.Page(); pg.LSN() == 0 {
			pg.SetLSN(1)
		}
	}
}

// insert adds the record to the log and sets the page LSNs.
func (c *Change) insert(l *wal.Log) ids.LSN {
	c.rec.Slot = c.slot
	for {
		redo := l.Redo()
		images := l.FullPageWrites()
		c.rec.Reset(c.kind, c.xid)
		fpi := 0
		for i := range c.n {
			if c.addPage(l, &c.pages[i], images, redo) {
				fpi++
			}
		}
		if len(c.payload) > 0 {
			c.rec.Payload(c.payload)
		}
		end, ok := l.Insert(&c.rec, redo)
		if !ok {
			continue // a checkpoint began meanwhile: decide again about images
		}
		c.slot.CountWAL(fpi, c.rec.Size())
		for i := range c.n {
			if pg := &c.pages[i]; len(pg.ops) > 0 || pg.image {
				pg.buf.Page().SetLSN(end)
			}
		}
		return end
	}
}

// addPage adds operations or, when the page needs one or it is shorter, the image of a page.
func (c *Change) addPage(l *wal.Log, pg *changedPage, images bool, redo ids.LSN) (image bool) {
	if len(pg.ops) == 0 && !pg.image {
		return false
	}
	b := pg.buf
	t := b.desc().tag()
	p := b.Page()
	if !pg.image && !(images && p.LSN() <= redo && !page.Rebuilds(pg.ops)) {
		_, hole := p.Hole()
		if len(pg.ops) <= page.ImageHeaderSize+page.Size-hole {
			c.rec.Page(t.rel, t.fork, t.block, pg.ops)
			return false
		}
	}
	l.AddImage(&c.rec, t.rel, t.fork, t.block, p)
	return true
}

// PageChange is one page within a change. Each method changes the page and adds the operation to the record.
// A method that does not fit the page (no room, wrong offset) is a bug: it panics, and the server crashes.
type PageChange struct {
	c *Change
	i int
}

func (pc PageChange) entry() *changedPage { return &pc.c.pages[pc.i] }

// Page returns the page with the changes so far.
func (pc PageChange) Page() page.Page { return pc.entry().buf.Page() }

func (pc PageChange) must(ok bool, op page.Op) {
	if !ok {
		t := pc.entry().buf.desc().tag()
		panic(pgerr.Internal("page operation %s does not fit block %d of relation %d", op, t.block, t.rel.Rel).
			WithDetail("%s", fmt.Sprint(page.Check(pc.Page()))).WithSeverity(pgerr.Panic))
	}
}

// Init empties the page, with a special space of special bytes. As the first operation it makes redo independent
// of the page's old content.
func (pc PageChange) Init(special int, flags uint16) {
	e := pc.entry()
	e.buf.Page().Init(special, flags)
	e.ops = page.AppendInit(e.ops[:0], special, flags)
}

// InsertItem puts an item at line pointer off, unused or next new; 0 takes the first free one. It returns the line pointer.
func (pc PageChange) InsertItem(off ids.OffsetNumber, item []byte) ids.OffsetNumber {
	e := pc.entry()
	off = e.buf.Page().InsertItem(off, item)
	pc.must(off != 0, page.OpInsert)
	e.ops = page.AppendInsert(e.ops, off, item)
	return off
}

// InsertItemShift inserts before line pointer off and shifts it and the following ones up (btree).
func (pc PageChange) InsertItemShift(off ids.OffsetNumber, item []byte) {
	e := pc.entry()
	pc.must(e.buf.Page().InsertItemShift(off, item), page.OpInsertShift)
	e.ops = page.AppendInsertShift(e.ops, off, item)
}

// ReplaceItem gives an item new bytes of any length that fits.
func (pc PageChange) ReplaceItem(off ids.OffsetNumber, item []byte) {
	e := pc.entry()
	pc.must(e.buf.Page().ReplaceItem(off, item), page.OpReplace)
	e.ops = page.AppendReplace(e.ops, off, item)
}

// Overwrite writes bytes at a position of the page at or after page.HeaderSize.
func (pc PageChange) Overwrite(pos int, b []byte) {
	e := pc.entry()
	pc.must(pos >= page.HeaderSize && pos+len(b) <= page.Size, page.OpOverwrite)
	copy(e.buf.Page()[pos:], b)
	e.ops = page.AppendOverwrite(e.ops, pos, b)
}

// SetItem makes a line pointer LPUnused, LPDead or LPRedirect (to target).
func (pc PageChange) SetItem(off ids.OffsetNumber, lpflags int, target ids.OffsetNumber) {
	e := pc.entry()
	pc.must(e.buf.Page().SetItem(off, lpflags, target), page.OpSetItem)
	e.ops = page.AppendSetItem(e.ops, off, lpflags, target)
}

// DeleteItems removes line pointers (ascending), shifts the rest down and compacts (btree).
func (pc PageChange) DeleteItems(offs []ids.OffsetNumber) {
	e := pc.entry()
	pc.must(e.buf.Page().DeleteItems(offs), page.OpDeleteItems)
	e.ops = page.AppendDeleteItems(e.ops, offs)
}

// Compact joins the free space; line pointers keep their numbers (heap).
func (pc PageChange) Compact() {
	e := pc.entry()
	e.buf.Page().Compact()
	e.ops = page.AppendCompact(e.ops)
}

// TruncateItems gives back unused line pointers at the end.
func (pc PageChange) TruncateItems() {
	e := pc.entry()
	e.buf.Page().TruncateItems()
	e.ops = page.AppendTruncateItems(e.ops)
}

// SetFlags sets all page flags.
func (pc PageChange) SetFlags(flags uint16) {
	e := pc.entry()
	e.buf.Page().SetFlags(flags)
	e.ops = page.AppendSetFlags(e.ops, flags)
}

// SetPruneXid sets the page's prune hint.
func (pc PageChange) SetPruneXid(x ids.Xid) {
	e := pc.entry()
	e.buf.Page().SetPruneXid(x)
	e.ops = page.AppendSetPruneXid(e.ops, x)
}

// SetBounds sets lower and upper, for pages whose content is not items.
func (pc PageChange) SetBounds(lower, upper int) {
	e := pc.entry()
	pc.must(e.buf.Page().SetBounds(lower, upper), page.OpSetBounds)
	e.ops = page.AppendSetBounds(e.ops, lower, upper)
}

// FullImage logs the whole page as it is at Commit instead of operations: for pages that the caller filled itself
// (under the exclusive latch, after Begin) or changed beyond description.
func (pc PageChange) FullImage() { pc.entry().image = true }
