package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/ssi"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// reader decodes versions into batches: the projection, split into attributes of the row and system attributes.
type reader struct {
	tx    *mvcc.Session
	r     *Rel
	proj  *tuple.Projection
	sys   []sysCol
	arena tuple.Arena
	ext   fetcher
}

type sysCol struct{ attr, col int }

func newReader(tx *mvcc.Session, r *Rel, cols []int) reader {
	rd := reader{tx: tx, r: r, proj: r.layout.Project(cols), ext: fetcher{tx, r.Toast}}
	for k, c := range cols {
		if c < 0 {
			rd.sys = append(rd.sys, sysCol{c, k})
		}
	}
	return rd
}

func (rd *reader) decode(tup []byte, tid ids.TID, b *types.Batch, row int) error {
	if len(b.Cols) > 0 {
		if err := rd.proj.Decode(tup, b, row, &rd.arena, &rd.ext); err != nil {
			return err
		}
	}
	for _, s := range rd.sys {
		b.Cols[s.col].W[row] = rd.system(tup, tid, s.attr)
	}
	return nil
}

func (rd *reader) system(h tuple.Header, tid ids.TID, attr int) uint64 {
	switch attr {
	case AttrCtid:
		return tid.Pack()
	case AttrXmin:
		if h.XminFrozen() && h.Xmin() == 0 {
			return uint64(ids.FrozenXid)
		}
		return uint64(uint32(h.Xmin()))
	case AttrXmax:
		return uint64(uint32(h.Xmax()))
	case AttrTableOid:
		return uint64(rd.r.Oid)
	}
	// As PostgreSQL, cmin and cmax both show the field as it is.
	return uint64(h.RawCid())
}

// prepare empties b and makes room for n rows.
func prepare(b *types.Batch, n int) {
	for _, v := range b.Cols {
		v.Reset()
		if v.Cap() < n {
			v.Grow(n)
		}
	}
	b.N, b.Sel = 0, nil
}

func finish(b *types.Batch, n int) {
	for _, v := range b.Cols {
		v.Len = n
	}
	b.N = n
}

// BitmapPage is one page that a bitmap scan visits.
type BitmapPage struct {
	Block   ids.BlockNumber
	Offsets []ids.OffsetNumber // ascending; nil: all rows of the page (lossy)
}

// Scan reads a table a page at a time: which versions of a page are visible is decided once, under its latch; they are decoded
// later, under the pin alone, which keeps pruning and vacuum away from their bytes.
type Scan struct {
	reader
	snap      *mvcc.Snapshot
	slot      *stats.Slot
	ser       *ssi.Xact     // of a serializable transaction
	vis       *mvcc.VisTest // nil: do not prune
	strategy  *buffer.Strategy
	next      func() (BitmapPage, bool) // nil: the blocks from blk to end
	ahead     *buffer.Prefetcher
	blk, end  ids.BlockNumber
	shared    *BlockSource
	lossy     bool // of the last batch
	pageLossy bool // of the current page
	buf       buffer.Buf
	counts    *stats.RelPending
	offs      [MaxTuplesPerPage]ids.OffsetNumber // visible versions of the current page
	n, pos    int
}

// BeginScan starts a scan of what snap sees; nil: of every row version there is.
func BeginScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, o ScanOpts) (*Scan, error) {
	s := newScan(tx, r, snap, o)
	if err := ReadRelation(tx, r, snap); err != nil {
		return nil, err
	}
	n, err := r.Blocks()
	if err != nil {
		return nil, err
	}
	s.blk, s.end = o.From, n
	if s.shared = o.Shared; s.shared != nil {
		s.blk, s.end = 0, 0
	}
	s.counts.Scan()
	if o.To != 0 && o.To < n {
		s.end = o.To
	}
	s.strategy = r.Env.Pool.ScanStrategy(n)
	return s, nil
}

func newScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, o ScanOpts) *Scan {
	s := &Scan{reader: newReader(tx, r, o.Cols), snap: snap, slot: tx.Slot(), counts: r.Counts(tx.Slot())}
	if snap != nil {
		s.ser = r.serial(tx)
	}
	if !o.NoPrune && snap != nil && !tx.ReadOnly() {
		s.vis = r.visTest(tx)
	}
	return s
}

// BeginBitmapScan starts a scan of the pages that next returns, in ascending order of blocks. NextBatch never mixes
// exact and lossy pages; Lossy tells of which kind the last batch is.
func BeginBitmapScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, next func() (BitmapPage, bool), o ScanOpts) (*Scan, error) {
	s := newScan(tx, r, snap, o)
	s.next = next
	n, err := r.Blocks()
	s.end = n
	if o.Ahead != nil {
		s.ahead = r.Env.Pool.NewPrefetcher(s.slot, r.File, s.slot.ReadAhead(false), func() (ids.BlockNumber, bool) {
			blk, ok := o.Ahead()
			return blk, ok && blk < n
		})
	}
	return s, err
}

// BeginTIDScan starts a scan of the rows at tids, which are sorted; each is followed along its HOT chain.
func BeginTIDScan(tx *mvcc.Session, r *Rel, snap *mvcc.Snapshot, tids []ids.TID, o ScanOpts) (*Scan, error) {
	var offs []ids.OffsetNumber
	return BeginBitmapScan(tx, r, snap, func() (BitmapPage, bool) {
		if len(tids) == 0 {
			return BitmapPage{}, false
		}
		blk := tids[0].Block
		offs = offs[:0]
		for len(tids) > 0 && tids[0].Block == blk {
			offs = append(offs, tids[0].Offset)
			tids = tids[1:]
		}
		return BitmapPage{Block: blk, Offsets: offs}, true
	}, o)
}

// NewBatch makes a batch that fits the scan's columns.
func (s *Scan) NewBatch(capacity int) *types.Batch { return s.proj.NewBatch(capacity) }

// Lossy reports whether the rows of the last batch come from pages that were given without offsets.
func (s *Scan) Lossy() bool { return s.lossy }

// Close lets go of the page.
func (s *Scan) Close() { s.unpin() }

func (s *Scan) unpin() {
	if s.buf.IsValid() {
		s.buf.Release()
		s.buf = buffer.Buf{}
	}
	s.n, s.pos = 0, 0
}

// NextBatch decodes up to limit rows into b, which it empties first; tids, if not nil, gets their addresses. n is 0 at the end.
// Byte strings in b are valid until the next call.
func (s *Scan) NextBatch(limit int, b *types.Batch, tids []ids.TID) (n int, err error) {
	prepare(b, limit)
	s.arena.Reset()
	for n < limit {
		if s.pos == s.n {
			more, err := s.nextPage()
			if err != nil {
				return 0, err
			}
			if !more {
				break
			}
			continue
		}
		if n == 0 {
			s.lossy = s.pageLossy
		} else if s.lossy != s.pageLossy {
			break
		}
		k := min(limit-n, s.n-s.pos)
		if err := s.decodePage(b, n, k, tids); err != nil {
			return 0, err
		}
		n += k
	}
	finish(b, n)
	if s.next == nil {
		s.counts.Return(n)
	} else {
		s.counts.Fetch(n)
	}
	return n, nil
}

func (s *Scan) decodePage(b *types.Batch, row, k int, tids []ids.TID) error {
	pg, blk := s.buf.Page(), s.buf.Block()
	for _, off := range s.offs[s.pos : s.pos+k] {
		tid := ids.TID{Block: blk, Offset: off}
		if err := s.decode(pg.Item(off), tid, b, row); err != nil {
			return err
		}
		if tids != nil {
			tids[row] = tid
		}
		row++
	}
	s.pos += k
	return nil
}

// nextPage pins the next page and finds its visible versions.
func (s *Scan) nextPage() (more bool, err error) {
	s.unpin()
	if err := s.slot.CheckInterrupts(); err != nil {
		return false, err
	}
	var want BitmapPage
	blk := s.blk
	if s.next != nil {
		for {
			var ok bool
			if want, ok = s.next(); !ok {
				return false, nil
			}
			if want.Block < s.end {
				break
			}
		}
		s.ahead.Step()
		blk = want.Block
		s.pageLossy = want.Offsets == nil
	} else {
		if blk >= s.end {
			var ok bool
			if s.shared == nil {
				return false, nil
			}
			if blk, s.end, ok = s.shared.take(); !ok {
				return false, nil
			}
			s.blk = blk
		}
		s.blk++
	}
	if s.buf, err = s.r.Env.Pool.Read(s.slot, s.r.File, ids.MainFork, blk, s.strategy); err != nil {
		s.buf = buffer.Buf{}
		return false, err
	}
	if s.vis != nil {
		pruneOpt(s.tx, s.r, s.buf, s.vis)
	}
	s.buf.Lock(buffer.Share)
	if want.Offsets != nil {
		err = s.seeChains(want.Offsets)
	} else {
		err = s.seePage()
	}
	s.buf.Unlock()
	return err == nil, err
}

// seePage finds all visible versions of the latched page.
func (s *Scan) seePage() (err error) {
	pg := s.buf.Page()
	n, hinted, seen := 0, false, ids.InvalidXid
	last := pg.MaxOffset()
	if last > MaxTuplesPerPage {
		last = MaxTuplesPerPage
	}
	all := s.snap == nil || pg.HasFlag(page.AllVisible)
	locks := s.ser != nil && s.next != nil // rows of a bitmap scan are locked one by one
	for off := ids.OffsetNumber(1); off <= last; off++ {
		id := pg.ItemID(off)
		if !id.IsNormal() {
			continue
		}
		if !all && locks {
			h := tuple.Header(pg[id.Offset():])
			visible, hint := s.snap.Satisfies(h)
			hinted = hinted || hint
			if err = s.note(h, off, visible, true); err != nil {
				break
			}
			if !visible {
				continue
			}
		} else if all && locks {
			if err = s.note(tuple.Header(pg[id.Offset():]), off, true, true); err != nil {
				break
			}
		} else if !all {
			h := tuple.Header(pg[id.Offset():])
			const settled = tuple.XminCommitted | tuple.XmaxInvalid
			m, x := h.Infomask(), h.Xmin()
			switch {
			case m&settled == settled && x < s.snap.Xmin:
			case x == seen && m&(settled|tuple.XminInvalid) == tuple.XmaxInvalid:
				// Of the same transaction as the one before: what was found out about that holds here.
				h.SetInfomask(m | tuple.XminCommitted)
				hinted = true
			default:
				visible, hint := s.snap.Satisfies(h)
				hinted = hinted || hint
				if s.ser != nil {
					if err = s.note(h, off, visible, false); err != nil {
						return err
					}
				}
				if !visible {
					continue
				}
				if hint && h.XminCommitted() {
					seen = x
				}
			}
		}
		s.offs[n] = off
		n++
	}
	s.n = n
	if hinted {
		s.buf.MarkDirtyHint()
	}
	return err
}

// note tells a serializable transaction of the version at off of the current page.
func (s *Scan) note(h tuple.Header, off ids.OffsetNumber, visible, lock bool) error {
	return noteRead(s.tx, s.ser, s.r, s.snap, h, ids.TID{Block: s.buf.Block(), Offset: off}, visible, lock)
}

// seeChains finds the visible versions of the HOT chains that begin at offs.
func (s *Scan) seeChains(offs []ids.OffsetNumber) error {
	e := seer{tx: s.tx, snap: s.snap, kind: seeSnapshot, ser: s.ser, r: s.r}
	if s.snap == nil {
		e.kind = seeAny
	}
	for _, off := range offs {
		if at, found, _ := e.search(s.buf, off, nil); found && s.n < len(s.offs) {
			s.offs[s.n] = at
			s.n++
		}
	}
	if e.hinted {
		s.buf.MarkDirtyHint()
	}
	return e.err
}
