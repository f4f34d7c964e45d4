package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/ssi"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/tuple"
	"gompho/types"
)

// seeKind chooses the rule by which a seer looks at versions.
type seeKind uint8

const (
	seeSnapshot seeKind = iota
	seeAny
	seeSelf
	seeDirty
	seeToast
)

// seer looks at row versions on latched pages.
type seer struct {
	tx     *mvcc.Session
	snap   *mvcc.Snapshot
	kind   seeKind
	ser    *ssi.Xact // of a serializable transaction, with seeSnapshot; then r is the table
	r      *Rel
	err    error      // from ser: nothing was found
	hinted bool       // hint bits were set
	dirty  mvcc.Dirty // of the last version seen, with seeDirty
}

func (e *seer) see(h tuple.Header) bool {
	visible, hint := true, false
	switch e.kind {
	case seeSnapshot:
		visible, hint = e.snap.Satisfies(h)
	case seeSelf:
		visible, hint = e.tx.SatisfiesSelf(h)
	case seeDirty:
		visible, e.dirty, hint = e.tx.SatisfiesDirty(h)
	case seeToast:
		visible, hint = e.tx.SatisfiesToast(h)
	}
	e.hinted = e.hinted || hint
	return visible
}

// search looks along the HOT chain that begins at off of the latched page for a visible version. With vis it also finds out
// whether all versions that it passed, and the whole chain if none is visible, are dead to everybody.
func (e *seer) search(b buffer.Buf, off ids.OffsetNumber, vis *mvcc.VisTest) (at ids.OffsetNumber, found, allDead bool) {
	pg, blk := b.Page(), b.Block()
	atStart, prior := true, ids.InvalidXid
	allDead = vis != nil
	for steps := 0; steps <= MaxTuplesPerPage; steps++ {
		if pg.IsNew() || off < 1 || off > pg.MaxOffset() {
			break
		}
		id := pg.ItemID(off)
		if !id.IsNormal() {
			if !id.IsRedirected() || !atStart {
				break
			}
			off, atStart = id.Redirect(), false
			continue
		}
		h := tuple.Header(pg.Item(off))
		if atStart && h.IsHeapOnly() || prior != 0 && h.Xmin() != prior {
			break
		}
		visible := e.see(h)
		if e.ser != nil {
			if e.err = noteRead(e.tx, e.ser, e.r, e.snap, h, ids.TID{Block: blk, Offset: off}, visible, true); e.err != nil {
				return 0, false, false
			}
		}
		if visible {
			return off, true, false
		}
		if allDead && !e.tx.Manager().IsSurelyDead(h, vis.Horizon()) {
			allDead = false
		}
		if !h.IsHotUpdated() || h.Ctid().Block != blk {
			break
		}
		off, atStart, prior = h.Ctid().Offset, false, e.tx.Manager().UpdateXid(h)
	}
	return 0, false, allDead
}

// Fetcher reads single rows by address: the table's side of an index scan. It keeps the last page pinned, and with it the
// version found.
type Fetcher struct {
	reader
	slot    *stats.Slot
	vis     *mvcc.VisTest
	blk     ids.BlockNumber
	buf     buffer.Buf
	at      ids.TID
	allDead bool
	ring    *buffer.Strategy // nil: as others
}

// NewFetcher makes a fetcher of the attributes cols (as ScanOpts.Cols).
func NewFetcher(tx *mvcc.Session, r *Rel, cols []int) *Fetcher {
	return &Fetcher{reader: newReader(tx, r, cols), slot: tx.Slot(), vis: r.visTest(tx)}
}

// move pins the page of block blk; false when the table does not reach so far.
func (f *Fetcher) move(blk ids.BlockNumber) (bool, error) {
	if f.buf.IsValid() {
		if f.blk == blk {
			return true, nil
		}
		f.Unpin()
	}
	n, err := f.r.Blocks()
	if err != nil || blk >= n {
		return false, err
	}
	b, err := f.r.Env.Pool.Read(f.slot, f.r.File, ids.MainFork, blk, f.ring)
	if err != nil {
		return false, err
	}
	f.buf, f.blk = b, blk
	pruneOpt(f.tx, f.r, b, f.vis)
	return true, nil
}

// Index looks for the version that snap sees in the HOT chain to which an index entry's tid leads.
func (f *Fetcher) Index(tid ids.TID, snap *mvcc.Snapshot) (found bool, err error) {
	e := seer{tx: f.tx, snap: snap, kind: seeSnapshot, ser: f.r.serial(f.tx), r: f.r}
	return f.look(tid, &e, true)
}

// IndexDirty is Index for versions that are there now or in progress; d names whom to wait for.
func (f *Fetcher) IndexDirty(tid ids.TID) (found bool, d mvcc.Dirty, err error) {
	e := seer{tx: f.tx, kind: seeDirty}
	found, err = f.look(tid, &e, true)
	return found, e.dirty, err
}

// IndexSelf is Index for versions that are there for this transaction right now.
func (f *Fetcher) IndexSelf(tid ids.TID) (found bool, err error) {
	e := seer{tx: f.tx, kind: seeSelf}
	return f.look(tid, &e, true)
}

// VersionSelf is Version for what is there for this transaction right now.
func (f *Fetcher) VersionSelf(tid ids.TID) (found bool, err error) {
	e := seer{tx: f.tx, kind: seeSelf}
	return f.look(tid, &e, false)
}

func (f *Fetcher) look(tid ids.TID, e *seer, chain bool) (found bool, err error) {
	f.allDead = false
	ok, err := f.move(tid.Block)
	if !ok || err != nil {
		return false, err
	}
	f.buf.Lock(buffer.Share)
	at := tid.Offset
	if chain {
		at, found, f.allDead = e.search(f.buf, tid.Offset, f.vis)
	} else if tup := itemAt(f.buf.Page(), tid.Offset); tup != nil {
		found = e.see(tup)
		if e.ser != nil {
			e.err = noteRead(f.tx, e.ser, f.r, e.snap, tup, tid, found, true)
		}
	}
	if e.hinted {
		f.buf.MarkDirtyHint()
	}
	f.buf.Unlock()
	f.at = ids.TID{Block: tid.Block, Offset: at}
	return found, e.err
}

// Version looks for exactly the version at tid; snap nil: whatever its visibility.
func (f *Fetcher) Version(tid ids.TID, snap *mvcc.Snapshot) (found bool, err error) {
	e := seer{tx: f.tx, snap: snap, kind: seeSnapshot, r: f.r}
	if snap == nil {
		e.kind = seeAny
	} else {
		e.ser = f.r.serial(f.tx)
	}
	return f.look(tid, &e, false)
}

// VersionDirty is Version for a version that is there now or in progress; d names whom to wait for.
func (f *Fetcher) VersionDirty(tid ids.TID) (found bool, d mvcc.Dirty, err error) {
	e := seer{tx: f.tx, kind: seeDirty}
	found, err = f.look(tid, &e, false)
	return found, e.dirty, err
}

// ToastChunk looks for the version at tid of a row in a toast table.
func (f *Fetcher) ToastChunk(tid ids.TID) (found bool, err error) {
	e := seer{tx: f.tx, kind: seeToast}
	return f.look(tid, &e, false)
}

// TID returns the address of the version found.
func (f *Fetcher) TID() ids.TID { return f.at }

// AllDead reports whether the chain of the last Index that found nothing is dead to everybody, so that its index entry may be killed.
func (f *Fetcher) AllDead() bool { return f.allDead }

// Header returns the header of the version found.
func (f *Fetcher) Header() tuple.Header { return tuple.Header(f.tuple()) }

func (f *Fetcher) tuple() []byte { return f.buf.Page().Item(f.at.Offset) }

// NewBatch makes a batch that fits the fetcher's columns.
func (f *Fetcher) NewBatch(capacity int) *types.Batch { return f.proj.NewBatch(capacity) }

// Decode puts the version found into row i of b, which must have room; its byte strings live until ResetArena.
func (f *Fetcher) Decode(b *types.Batch, i int) error {
	return f.decode(f.tuple(), f.at, b, i)
}

// Values puts the version found into out, one value per column; byte strings live until ResetArena.
func (f *Fetcher) Values(out []types.Datum) error {
	tup := f.tuple()
	if err := f.proj.Deform(tup, out, &f.arena, &f.ext); err != nil {
		return err
	}
	for _, s := range f.sys {
		out[s.col] = types.Word(f.system(tup, f.at, s.attr))
	}
	return nil
}

// Through has the fetcher read through a ring of buffers.
func (f *Fetcher) Through(ring *buffer.Strategy) { f.ring = ring }

// ResetArena gives back the memory of all values decoded so far.
func (f *Fetcher) ResetArena() { f.arena.Reset() }

// Unpin lets go of the page; the fetcher stays usable.
func (f *Fetcher) Unpin() {
	if f.buf.IsValid() {
		f.buf.Release()
		f.buf = buffer.Buf{}
	}
}

// Close lets go of everything.
func (f *Fetcher) Close() { f.Unpin() }

// LatestTID returns the address of the latest version that snap sees in the chain of versions that starts at tid; tid itself if there is none.
func LatestTID(tx *mvcc.Session, r *Rel, tid ids.TID, snap *mvcc.Snapshot) (ids.TID, error) {
	f := NewFetcher(tx, r, nil)
	defer f.Close()
	latest, prior := tid, ids.InvalidXid
	for {
		if found, err := f.Version(tid, nil); err != nil || !found {
			return latest, err
		}
		f.buf.Lock(buffer.Share)
		h := f.Header()
		if prior != 0 && h.Xmin() != prior {
			f.buf.Unlock()
			return latest, nil
		}
		seen, _ := snap.Satisfies(h)
		if x := r.serial(tx); x != nil {
			if err := noteRead(tx, x, r, snap, h, tid, seen, false); err != nil {
				f.buf.Unlock()
				return latest, err
			}
		}
		if seen {
			latest = tid
		}
		next := h.Ctid()
		prior = tx.Manager().UpdateXid(h)
		f.buf.Unlock()
		if prior == 0 || next == tid || next.Offset == tuple.MovedPartitionsOffset {
			return latest, nil
		}
		tid = next
	}
}

// VisibilityProbe answers which pages of a table need no look, because everybody sees all their rows. It belongs to one goroutine.
type VisibilityProbe struct {
	slot *stats.Slot
	vm   freespace.VM
}

// NewVisibilityProbe makes a probe for r.
func NewVisibilityProbe(slot *stats.Slot, r *Rel) *VisibilityProbe {
	return &VisibilityProbe{slot: slot, vm: freespace.NewVM(r.Env.Pool, r.info())}
}

// AllVisible reports whether all rows of block b are visible to all. An unreadable map says no.
func (p *VisibilityProbe) AllVisible(b ids.BlockNumber) bool {
	bits, err := p.vm.Status(p.slot, b)
	return err == nil && bits&freespace.AllVisible != 0
}

// Close drops the map's page.
func (p *VisibilityProbe) Close() { p.vm.Close() }
