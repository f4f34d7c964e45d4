package btree

import (
	"slices"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// Scan reads entries in the order of the index. It takes all matching entries of a leaf at once, under its latch, and then lets go of the page:
// between calls it holds nothing. It begins with Rescan. It belongs to one goroutine.
type Scan struct {
	ix    *Index
	tx    *mvcc.Session
	slot  *stats.Slot
	opts  ScanOpts
	conds conds
	key   searchKey
	proj  *tuple.Projection
	arena tuple.Arena
	vals  []types.Datum // of the item being checked
	need  int           // columns that the conditions look at

	items   []found
	bytes   []item // of items, in the arena, if columns are wanted
	pos     int    // next item to deliver
	given   int    // items[given-n:given] were delivered by the last Next
	from    int
	blk     ids.BlockNumber // the page that items come from
	lsn     ids.LSN
	next    ids.BlockNumber // the page to go to; 0 none
	killed  bool
	started bool
	done    bool
	probe   *heap.VisibilityProbe
	counts  *stats.RelPending // since the last Rescan
}

// few entries of a page are usual; room for more is made for all of the page at once.
const few = 2

// found is an entry that matches.
type found struct {
	tid     ids.TID
	off     ids.OffsetNumber
	dead    bool // to be killed
	visible bool // the row's page is all-visible
}

// BeginScan makes a scan.
func (ix *Index) BeginScan(tx *mvcc.Session, o ScanOpts) *Scan {
	s := &Scan{ix: ix, tx: tx, slot: tx.Slot(), opts: o, vals: make([]types.Datum, ix.nkeys)}
	s.proj = ix.layout.Project(o.Cols)
	if o.IndexOnly && ix.Heap != nil {
		s.probe = heap.NewVisibilityProbe(s.slot, ix.Heap)
	}
	return s
}

// Rescan starts (again) with new keys. The values are referred to until the next Rescan.
func (s *Scan) Rescan(keys []ScanKey) error {
	s.kill()
	s.items, s.pos, s.from, s.given = s.items[:0], 0, 0, 0
	s.started, s.done = false, false
	s.counts = s.ix.Counts(s.slot)
	s.conds.prepare(s.ix, keys, s.opts.Backward)
	s.need = 0
	for _, k := range keys {
		s.need = max(s.need, k.Attr+1)
	}
	return nil
}

// NewBatch makes a batch that fits ScanOpts.Cols.
func (s *Scan) NewBatch(capacity int) *types.Batch { return s.proj.NewBatch(capacity) }

// Fetched counts rows that entries of the scan led to.
func (s *Scan) Fetched(n int) { s.counts.Fetch(n) }

// Close ends the scan.
func (s *Scan) Close() {
	s.kill()
	if s.probe != nil {
		s.probe.Close()
	}
}

// Next returns the tids of up to len(tids) entries; b, if not nil, gets the columns of ScanOpts.Cols. n is 0 at the end. Byte strings in b
// are valid until the next call.
func (s *Scan) Next(tids []ids.TID, b *types.Batch) (n int, err error) {
	for s.pos == len(s.items) {
		more, err := s.advance()
		if err != nil || !more {
			s.from, s.given = s.pos, s.pos
			if b != nil {
				setRows(b, 0)
			}
			return 0, err
		}
	}
	n = min(len(tids), len(s.items)-s.pos)
	s.from = s.pos
	if b != nil {
		setRows(b, n)
	}
	for i := range n {
		f := &s.items[s.pos+i]
		tids[i] = f.tid
		if b != nil && len(b.Cols) > 0 {
			data, nulls := s.bytes[s.pos+i].data()
			if err := s.proj.DecodeData(data, nulls, len(s.ix.Desc.Attrs), b, i, nil); err != nil {
				return 0, err
			}
		}
	}
	s.pos += n
	s.given = s.pos
	s.counts.Return(n)
	return n, nil
}

func setRows(b *types.Batch, n int) {
	for _, v := range b.Cols {
		v.Reset()
		if v.Cap() < n {
			v.Grow(n)
		}
		v.Len = n
	}
	b.N, b.Sel = n, nil
}

// Kill says that the i-th entry of the last Next leads to a row that is dead to everybody.
func (s *Scan) Kill(i int) {
	s.items[s.from+i].dead = true
	s.killed = true
}

// AllVisible reports whether the row of the i-th entry of the last Next is visible to every snapshot, so that an index-only scan need not
// look at it. It was found out while the entry's page was latched.
func (s *Scan) AllVisible(i int) bool { return s.items[s.from+i].visible }

// advance reads the next page with matching entries.
func (s *Scan) advance() (bool, error) {
	for {
		if err := s.slot.CheckInterrupts(); err != nil {
			return false, err
		}
		s.kill()
		s.items, s.bytes, s.pos = s.items[:0], s.bytes[:0], 0
		s.arena.Reset()
		if s.conds.never && !s.started {
			s.started = true
			s.counts.Scan()
		}
		if s.done || s.conds.never {
			return false, nil
		}
		var b buffer.Buf
		var err error
		var off ids.OffsetNumber
		switch {
		case !s.started:
			s.started = true
			s.counts.Scan()
			b, off, err = s.begin()
		case s.next != 0:
			b, off, err = s.step()
		}
		if err != nil {
			return false, err
		}
		if b.IsValid() {
			if err := s.ix.noteRead(s.ix.serial(s.tx), b.Block()); err != nil {
				b.UnlockRelease()
				return false, err
			}
			s.take(b, off)
			b.UnlockRelease()
		} else {
			s.next = 0
		}
		if len(s.items) > 0 {
			return true, nil
		}
		if s.next == 0 {
			if len(s.conds.arrays) > 0 && s.conds.nextArray() {
				s.started = false
				continue
			}
			s.done = true
			return false, nil
		}
	}
}

// begin goes to the first page of the scan and the offset of its first item.
func (s *Scan) begin() (buffer.Buf, ids.OffsetNumber, error) {
	back := s.opts.Backward
	s.conds.position(s.ix, back)
	if len(s.conds.start) == 0 {
		b, err := s.ix.edge(s.slot, back)
		if err != nil {
			return b, 0, err
		}
		n := nodeOf(b)
		if back {
			return b, n.MaxOffset(), nil
		}
		return b, n.first(), nil
	}
	s.key = s.ix.key(s.conds.start)
	s.key.nextKey = s.conds.startAfter
	b, err := s.ix.descend(s.slot, &s.key, 0, buffer.Share, nil)
	if err != nil {
		return b, 0, err
	}
	off := s.ix.find(nodeOf(b), &s.key)
	if back {
		off--
	}
	s.key.nextKey = false
	return b, off, nil
}

// step goes to the neighbour page.
func (s *Scan) step() (buffer.Buf, ids.OffsetNumber, error) {
	if s.opts.Backward {
		b, err := s.ix.stepLeft(s.slot, s.blk, s.next)
		if err != nil || !b.IsValid() {
			return b, 0, err
		}
		return b, nodeOf(b).MaxOffset(), nil
	}
	for blk := s.next; blk != 0; {
		b, err := s.ix.readLocked(s.slot, blk, buffer.Share)
		if err != nil {
			return b, 0, err
		}
		n := nodeOf(b)
		if !n.isDeleted() {
			return b, n.first(), nil
		}
		blk = n.next()
		b.UnlockRelease()
	}
	return buffer.Buf{}, 0, nil
}

// stepLeft latches the page left of blk, which had left as its left link when it was looked at. Either may have been split or deleted since.
func (ix *Index) stepLeft(slot *stats.Slot, blk, left ids.BlockNumber) (buffer.Buf, error) {
	for left != 0 {
		// The left neighbour may have been split: then the page next to blk is further right.
		at := left
		for range 4 {
			b, err := ix.readLocked(slot, at, buffer.Share)
			if err != nil {
				return b, err
			}
			n := nodeOf(b)
			if !n.isDeleted() && n.next() == blk {
				return b, nil
			}
			at = n.next()
			b.UnlockRelease()
			if at == 0 {
				break
			}
		}
		// Not found: see what became of blk.
		b, err := ix.readLocked(slot, blk, buffer.Share)
		if err != nil {
			return b, err
		}
		n := nodeOf(b)
		for n.isDeleted() {
			next := n.next()
			b.UnlockRelease()
			if next == 0 {
				return buffer.Buf{}, ix.damaged(blk, "fell off the end")
			}
			if b, err = ix.readLocked(slot, next, buffer.Share); err != nil {
				return b, err
			}
			n = nodeOf(b)
			blk = next
		}
		was := left
		left = n.prev()
		b.UnlockRelease()
		if left == was {
			return buffer.Buf{}, ix.damaged(blk, "could not find left sibling")
		}
	}
	return buffer.Buf{}, nil
}

// take collects the matching items of a latched page, from off on in the scan's direction.
func (s *Scan) take(b buffer.Buf, off ids.OffsetNumber) {
	n := nodeOf(b)
	s.blk, s.lsn = b.Block(), n.LSN()
	goOn := true
	first, last := n.deadUpTo()+1, n.MaxOffset()
	if !s.opts.Backward {
		off = max(off, first)
	}
	for goOn && off >= first && off <= last {
		if !n.ItemID(off).IsDead() {
			it := item(n.Item(off))
			var match bool
			if match, goOn = s.check(it); match {
				if len(s.items) == cap(s.items) && len(s.items) > few {
					s.items = slices.Grow(s.items, int(last-first)+1)
				}
				s.collect(it, off)
			}
		}
		if s.opts.Backward {
			off--
		} else {
			off++
		}
	}
	s.next = n.next()
	if s.opts.Backward {
		s.next = n.prev()
	}
	if !goOn {
		s.next = 0
	}
}

func (s *Scan) check(it item) (match, goOn bool) {
	if s.conds.point {
		ok := s.ix.compare(&s.key, it) == 0
		return ok, ok
	}
	if s.need == 0 {
		return true, true
	}
	if s.ix.values(it, s.vals[:s.need]) != nil {
		return false, true
	}
	return s.conds.check(s.ix, s.vals, s.opts.Backward)
}

func (s *Scan) collect(it item, off ids.OffsetNumber) {
	f := found{tid: it.tid(), off: off}
	if s.opts.Cols != nil {
		s.bytes = append(s.bytes, s.arena.Copy(it))
	}
	if s.probe != nil {
		f.visible = s.probe.AllVisible(f.tid.Block)
	}
	s.items = append(s.items, f)
}

// kill marks the entries named by Kill, if their page is still as it was: it need not be read for that again if it is gone.
func (s *Scan) kill() {
	if !s.killed {
		return
	}
	s.killed = false
	if !s.ix.Logged {
		return // without log positions there is no telling whether the page has changed
	}
	b, err := s.ix.read(s.slot, s.blk)
	if err != nil {
		return // only a hint
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	n := nodeOf(b)
	if n.LSN() != s.lsn || !n.valid() {
		return
	}
	dirty := false
	for _, f := range s.items {
		if f.dead && f.off <= n.MaxOffset() && !n.ItemID(f.off).IsDead() && item(n.Item(f.off)).tid() == f.tid {
			id := n.ItemID(f.off)
			n.SetItemID(f.off, page.MakeItemID(id.Offset(), page.LPDead, id.Len()))
			dirty = true
		}
	}
	if dirty {
		if n.flags()&flagGarbage == 0 {
			le.PutUint16(n.Page[posFlags:], n.flags()|flagGarbage)
		}
		n.noteDead()
		b.MarkDirtyHint()
	}
}
