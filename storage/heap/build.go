package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// BuildScan reads the rows that a new index needs, with the addresses that its entries must have: the roots of HOT chains. Rows that are
// dead to all are left out.
type BuildScan struct {
	reader
	slot     *stats.Slot
	oldest   ids.Xid
	strategy *buffer.Strategy
	blk, end ids.BlockNumber
	shared   *BlockSource
	buf      buffer.Buf
	rows     []buildRow
	pos      int
	broken   bool
	snap     *mvcc.Snapshot // nil: all rows that somebody may see
}

type buildRow struct {
	off, root ids.OffsetNumber
	live      bool
}

// BeginBuildScan starts a scan of the attributes cols. The caller holds a lock that keeps writers away, except from catalogs.
func BeginBuildScan(tx *mvcc.Session, r *Rel, cols []int) (*BuildScan, error) {
	n, err := r.Blocks()
	if err != nil {
		return nil, err
	}
	db := r.DB
	r.Counts(tx.Slot()).Scan()
	return &BuildScan{reader: newReader(tx, r, cols), slot: tx.Slot(), oldest: tx.Manager().OldestXmin(db), end: n,
		strategy: r.Env.Pool.ScanStrategy(n)}, nil
}

// Share lets the scan take its blocks from src, which it shares with others.
func (s *BuildScan) Share(src *BlockSource) { s.shared, s.blk, s.end = src, 0, 0 }

// Under makes the scan one of the rows that a snapshot sees: others may write meanwhile.
func (s *BuildScan) Under(snap *mvcc.Snapshot) { s.snap = snap }

// NewBatch makes a batch that fits the scan's columns.
func (s *BuildScan) NewBatch(capacity int) *types.Batch { return s.proj.NewBatch(capacity) }

// BrokenHotChain reports whether the scan left out versions that some snapshot still sees in favour of newer ones of their HOT chains: then
// transactions older than the index must not use it.
func (s *BuildScan) BrokenHotChain() bool { return s.broken }

// Close lets go of the page.
func (s *BuildScan) Close() {
	if s.buf.IsValid() {
		s.buf.Release()
		s.buf = buffer.Buf{}
	}
}

// NextBatch decodes up to limit rows into b, with the tids for their index entries. live is false for rows that are deleted, though somebody may
// still see them: they do not count for uniqueness. n is 0 at the end.
func (s *BuildScan) NextBatch(limit int, b *types.Batch, tids []ids.TID, live []bool) (n int, err error) {
	prepare(b, limit)
	s.arena.Reset()
	for n < limit {
		if s.pos == len(s.rows) {
			more, err := s.nextPage()
			if err != nil {
				return 0, err
			}
			if !more {
				break
			}
			continue
		}
		row := s.rows[s.pos]
		s.pos++
		at := ids.TID{Block: s.buf.Block(), Offset: row.off}
		if err := s.decode(s.buf.Page().Item(row.off), at, b, n); err != nil {
			return 0, err
		}
		tids[n], live[n] = ids.TID{Block: at.Block, Offset: row.root}, row.live
		n++
	}
	finish(b, n)
	s.r.Counts(s.slot).Return(n)
	return n, nil
}

func (s *BuildScan) nextPage() (bool, error) {
	s.Close()
	s.rows, s.pos = s.rows[:0], 0
	if s.blk >= s.end {
		var ok bool
		if s.shared == nil {
			return false, nil
		}
		if s.blk, s.end, ok = s.shared.take(); !ok {
			return false, nil
		}
	}
	if err := s.slot.CheckInterrupts(); err != nil {
		return false, err
	}
	b, err := s.r.Env.Pool.Read(s.slot, s.r.File, ids.MainFork, s.blk, s.strategy)
	if err != nil {
		return false, err
	}
	s.buf = b
	s.blk++
	b.Lock(buffer.Share)
	defer b.Unlock()
	pg := b.Page()
	roots := rootOffsets(pg, b.Block(), s.tx.Manager())
	hinted := false
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		if !pg.ItemID(off).IsNormal() {
			continue
		}
		h := tuple.Header(pg.Item(off))
		row := buildRow{off, off, true}
		v := mvcc.VacuumLive
		if s.snap != nil {
			seen, hint := s.snap.Satisfies(h)
			hinted = hinted || hint
			if !seen {
				continue
			}
		} else {
			var hint bool
			v, _, hint = s.tx.VacuumStatus(h, s.oldest)
			hinted = hinted || hint
		}
		if h.IsHeapOnly() {
			if row.root = roots[off]; row.root == 0 {
				continue // left over from an update that aborted
			}
		}
		if s.wanted(h, v, &row) {
			s.rows = append(s.rows, row)
		}
	}
	if hinted {
		b.MarkDirtyHint()
	}
	return true, nil
}

// wanted decides whether a version gets an entry, and whether it is live.
func (s *BuildScan) wanted(h tuple.Header, v mvcc.VacuumVerdict, row *buildRow) bool {
	switch v {
	case mvcc.VacuumDead:
		return false
	case mvcc.VacuumRecentlyDead, mvcc.VacuumDeleteInProgress:
		if h.IsHotUpdated() {
			// The newest version of the chain gets the entry.
			s.broken = true
			return false
		}
		row.live = false
	}
	return true
}

// rootOffsets maps the line pointers of heap-only versions to the roots of their chains.
func rootOffsets(pg page.Page, blk ids.BlockNumber, m *mvcc.Manager) (roots [MaxTuplesPerPage + 1]ids.OffsetNumber) {
	last := min(pg.MaxOffset(), MaxTuplesPerPage)
	for off := ids.OffsetNumber(1); off <= last; off++ {
		id := pg.ItemID(off)
		next, prior := ids.OffsetNumber(0), ids.InvalidXid
		switch {
		case id.IsRedirected():
			next = id.Redirect()
		case id.IsNormal():
			h := tuple.Header(pg.Item(off))
			if h.IsHeapOnly() {
				continue
			}
			roots[off] = off
			if !h.IsHotUpdated() || h.Ctid().Block != blk {
				continue
			}
			next, prior = h.Ctid().Offset, m.UpdateXid(h)
		default:
			continue
		}
		for next >= 1 && next <= last && roots[next] == 0 && pg.ItemID(next).IsNormal() {
			h := tuple.Header(pg.Item(next))
			if prior != 0 && h.Xmin() != prior {
				break
			}
			roots[next] = off
			if !h.IsHotUpdated() || h.Ctid().Block != blk {
				break
			}
			next, prior = h.Ctid().Offset, m.UpdateXid(h)
		}
	}
	return roots
}
