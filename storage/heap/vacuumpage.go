package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/wal"
)

// Cutoffs are the limits of a vacuum, and the oldest ids that it has found to remain.
type Cutoffs struct {
	OldestXmin  ids.Xid // what a transaction before it deleted is dead to all
	FreezeLimit ids.Xid // versions made before it are frozen
	// OldestLeft and OldestMulti start at OldestXmin and the next multixact; VacuumPage lowers them to what it leaves in place.
	OldestLeft  ids.Xid
	OldestMulti ids.MultiXactID

	items []frozenItem       // memory for one page's
	dead  []ids.OffsetNumber // likewise
}

// PageVacuum is what VacuumPage found and did.
type PageVacuum struct {
	Removed      int                // versions pruned
	Frozen       int                // versions frozen
	Live         int                // versions that count as rows
	RecentlyDead int                // deleted, but somebody may see them
	MissedDead   int                // removable, but left because the page was only counted
	Freed        int                // dead line pointers freed, of a table without indexes
	Dead         []ids.OffsetNumber // dead line pointers that index entries may point to; valid until the next page
	AllVisible   bool
	AllFrozen    bool
	HasRows      bool // something is left that truncation must keep
	Free         int  // bytes
}

// VacuumPage prunes and freezes a page of the table that is latched for cleanup. With noIndexes dead line pointers are freed at once. vm must have
// the page's map page pinned. The marks of visibility are set as they have become true.
func VacuumPage(tx *mvcc.Session, r *Rel, b buffer.Buf, vm *freespace.VM, cut *Cutoffs, noIndexes bool) (PageVacuum, error) {
	pg := b.Page()
	if pg.IsNew() {
		return PageVacuum{Free: MaxTupleSize}, nil
	}
	plan := prunePage(tx, r, b, func(x ids.Xid) bool { return x < cut.OldestXmin }, noIndexes)
	pv := PageVacuum{Removed: plan.removed, Freed: plan.freed, Dead: cut.dead[:0], AllVisible: true, AllFrozen: true}
	fr := freezing{tx: tx, cut: cut, items: cut.items[:0], left: cut.OldestLeft, multi: cut.OldestMulti}
	hinted := false
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		switch {
		case !id.IsUsed():
			continue
		case id.IsRedirected():
			pv.HasRows = true
			continue
		case id.IsDead():
			pv.Dead = append(pv.Dead, off)
			pv.AllVisible = false
			continue
		}
		pv.HasRows = true
		h := tuple.Header(pg.Item(off))
		v, _, hint := tx.VacuumStatus(h, cut.OldestXmin)
		hinted = hinted || hint
		pv.count(h, v, cut)
		if err := fr.plan(off, h, &pv); err != nil {
			return pv, err
		}
	}
	cut.OldestLeft, cut.OldestMulti = fr.left, fr.multi
	cut.items, cut.dead = fr.items, pv.Dead
	pv.AllFrozen = pv.AllFrozen && pv.AllVisible
	if hinted {
		b.MarkDirtyHint()
	}
	fr.apply(r, b)
	pv.Frozen = len(fr.items)
	setVisible(tx, r, b, vm, pv.AllVisible, pv.AllFrozen)
	pv.Free = freeSpace(pg)
	return pv, nil
}

// count classifies one version.
func (pv *PageVacuum) count(h tuple.Header, v mvcc.VacuumVerdict, cut *Cutoffs) {
	switch v {
	case mvcc.VacuumLive:
		pv.Live++
		if !h.XminFrozen() && (!h.XminCommitted() || h.Xmin() >= cut.OldestXmin) {
			pv.AllVisible = false
		}
	case mvcc.VacuumRecentlyDead:
		pv.RecentlyDead++
		pv.AllVisible = false
	case mvcc.VacuumDeleteInProgress:
		// Counted as live: whoever deletes it tells the statistics when it commits.
		pv.Live++
		pv.AllVisible = false
	default:
		// In progress, or dead since pruning looked (its transaction has aborted meanwhile): the next vacuum's matter.
		pv.AllVisible = false
	}
}

// freezing plans the freezing of versions of one page.
type freezing struct {
	tx    *mvcc.Session
	cut   *Cutoffs
	items []frozenItem
	left  ids.Xid
	multi ids.MultiXactID
}

type frozenItem struct {
	off ids.OffsetNumber
	h   [tuple.HeaderSize]byte
}

// plan decides about one version, which pruning has left.
func (f *freezing) plan(off ids.OffsetNumber, h tuple.Header, pv *PageVacuum) error {
	it := frozenItem{off: off}
	copy(it.h[:], h)
	n := tuple.Header(it.h[:])
	changed := f.planXmin(n, pv)
	again, err := f.planXmax(n, pv)
	if err != nil {
		return err
	}
	if changed || again {
		f.items = append(f.items, it)
	}
	return nil
}

func (f *freezing) planXmin(n tuple.Header, pv *PageVacuum) bool {
	x := n.Xmin()
	if !x.IsNormal() || n.XminFrozen() {
		return false
	}
	if x < f.cut.FreezeLimit && (n.XminCommitted() || f.tx.Manager().DidCommit(x)) {
		n.SetInfomask(n.Infomask() | tuple.XminFrozen)
		return true
	}
	f.left = min(f.left, x)
	pv.AllFrozen = false
	return false
}

func (f *freezing) planXmax(n tuple.Header, pv *PageVacuum) (bool, error) {
	m, mgr := n.Infomask(), f.tx.Manager()
	x := n.Xmax()
	if x == 0 {
		return false, nil
	}
	// That the deleter does not count any more may be known by a hint alone, which a crash can take away: the id itself has to go.
	invalid := m&tuple.XmaxInvalid != 0
	if m&tuple.XmaxIsMulti != 0 {
		if invalid {
			clearXmax(n)
			return true, nil
		}
		return f.planMulti(n, pv)
	}
	if invalid && x < f.cut.FreezeLimit {
		clearXmax(n)
		return true, nil
	}
	if x < f.cut.FreezeLimit && !mgr.IsInProgress(x) && (tuple.XmaxIsLockedOnly(m) || !mgr.DidCommit(x)) {
		clearXmax(n)
		return true, nil
	}
	f.left = min(f.left, x)
	pv.AllFrozen = false
	return false, nil
}

// planMulti replaces a multixact whose lockers are gone by what remains: its updater, or nothing.
func (f *freezing) planMulti(n tuple.Header, pv *PageVacuum) (bool, error) {
	mgr := f.tx.Manager()
	locked := tuple.XmaxIsLockedOnly(n.Infomask())
	if mgr.MultiIsRunning(n.Multi(), locked) {
		pv.AllFrozen = false
		f.multi = min(f.multi, n.Multi())
		ms, err := mgr.MultiMembers(n.Multi())
		for _, m := range ms {
			f.left = min(f.left, m.Xid)
		}
		return false, err
	}
	if x := mgr.UpdateXid(n); !locked && x != 0 && mgr.DidCommit(x) {
		state := xmaxState{xmax: x, mask: tuple.XmaxCommitted, mask2: n.Infomask2() & tuple.KeysUpdated}
		state.apply(n)
		f.left = min(f.left, x)
		pv.AllFrozen = false
		return true, nil
	}
	clearXmax(n)
	return true, nil
}

func clearXmax(n tuple.Header) {
	xmaxState{mask: tuple.XmaxInvalid}.apply(n)
	n.SetInfomask2(n.Infomask2() &^ tuple.HotUpdated)
}

func (f *freezing) apply(r *Rel, b buffer.Buf) {
	if len(f.items) == 0 {
		return
	}
	c := r.Env.Pool.Begin(f.tx.Slot(), wal.HeapFreeze, 0, r.info())
	pc := c.Page(b)
	for i := range f.items {
		at, h := b.Page().ItemPos(f.items[i].off), tuple.Header(f.items[i].h[:])
		if old := tuple.Header(b.Page()[at:]); old.Xmax() == h.Xmax() && old.Infomask2() == h.Infomask2() {
			pc.Overwrite(at+tuple.PosInfomask, h[tuple.PosInfomask:tuple.PosHoff])
		} else {
			stamp(pc, at, h)
		}
	}
	c.Commit()
}

// setVisible brings the marks of a page that is latched exclusively up to what is true of it.
func setVisible(tx *mvcc.Session, r *Rel, b buffer.Buf, vm *freespace.VM, visible, frozen bool) {
	var want byte
	if visible {
		want = freespace.AllVisible
	}
	if frozen {
		want |= freespace.AllFrozen
	}
	have, err := vm.Status(tx.Slot(), b.Block())
	pg := b.Page()
	if err != nil || have&want == want && (want == 0 || pg.HasFlag(page.AllVisible)) {
		return // marks that became false were taken off by who made them so
	}
	c := r.Env.Pool.Begin(tx.Slot(), wal.HeapVisible, 0, r.info())
	pc := c.Page(b)
	if !pg.HasFlag(page.AllVisible) {
		pc.SetFlags(pg.Flags() | page.AllVisible)
	}
	m := vm.Set(c, b.Block(), want)
	c.Commit()
	m.Unlock()
}

// FreeDead makes dead line pointers of an exclusively latched page free, when no index entry points to them any more, and marks
// the page if all that is left is visible to all. It returns the room on the page.
func FreeDead(tx *mvcc.Session, r *Rel, b buffer.Buf, vm *freespace.VM, dead []ids.OffsetNumber, cut *Cutoffs) int {
	pg := b.Page()
	c := r.Env.Pool.Begin(tx.Slot(), wal.HeapVacuum, 0, r.info())
	pc := c.Page(b)
	for _, off := range dead {
		if off <= pg.MaxOffset() && pg.ItemID(off).IsDead() {
			pc.SetItem(off, page.LPUnused, 0)
		}
	}
	pc.TruncateItems()
	c.Commit()
	visible, frozen := allVisible(tx, pg, cut)
	if visible {
		setVisible(tx, r, b, vm, visible, frozen)
	}
	return freeSpace(pg)
}

// allVisible reports whether all versions of a latched page are visible to everybody, and whether they are frozen.
func allVisible(tx *mvcc.Session, pg page.Page, cut *Cutoffs) (visible, frozen bool) {
	frozen = true
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		if id.IsDead() {
			return false, false
		}
		if !id.IsNormal() {
			continue
		}
		h := tuple.Header(pg.Item(off))
		if v, _, _ := tx.VacuumStatus(h, cut.OldestXmin); v != mvcc.VacuumLive {
			return false, false
		}
		if !h.XminFrozen() {
			frozen = false
			if !h.XminCommitted() || h.Xmin() >= cut.OldestXmin {
				return false, false
			}
		}
		if h.Xmax() != 0 {
			frozen = false
		}
	}
	return true, frozen
}

// CountPage is VacuumPage for a page that is latched shared only, because somebody else uses it: it counts, and changes nothing.
func CountPage(tx *mvcc.Session, r *Rel, b buffer.Buf, cut *Cutoffs) (PageVacuum, error) {
	pg := b.Page()
	pv := PageVacuum{Free: freeSpace(pg)}
	if pg.IsNew() {
		return pv, nil
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		id := pg.ItemID(off)
		switch {
		case id.IsDead():
			pv.Dead = append(pv.Dead, off)
		case id.IsRedirected():
			pv.HasRows = true
		case id.IsNormal():
			pv.HasRows = true
			h := tuple.Header(pg.Item(off))
			v, _, _ := tx.VacuumStatus(h, cut.OldestXmin)
			pv.count(h, v, cut)
			if v == mvcc.VacuumDead {
				pv.MissedDead++
			}
			if h.Xmin().IsNormal() && !h.XminFrozen() {
				cut.OldestLeft = min(cut.OldestLeft, h.Xmin())
			}
			if h.Xmax() != 0 && h.Infomask()&tuple.XmaxIsMulti != 0 {
				cut.OldestMulti = min(cut.OldestMulti, h.Multi())
				ms, err := tx.MultiMembers(h.Multi())
				if err != nil {
					return pv, err
				}
				for _, m := range ms { // whether its updater has committed must stay known
					cut.OldestLeft = min(cut.OldestLeft, m.Xid)
				}
			} else if h.Xmax().IsNormal() {
				cut.OldestLeft = min(cut.OldestLeft, h.Xmax())
			}
		}
	}
	pv.AllVisible, pv.AllFrozen = false, false
	return pv, nil
}

// MustFreeze reports whether a latched page has versions that are to be frozen, so that an aggressive vacuum has to wait until it has the page to
// itself: those made before FreezeLimit, or with a multixact before multiLimit.
func MustFreeze(b buffer.Buf, cut *Cutoffs, multiLimit ids.MultiXactID) bool {
	pg := b.Page()
	if pg.IsNew() {
		return false
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		if !pg.ItemID(off).IsNormal() {
			continue
		}
		h := tuple.Header(pg.Item(off))
		if x := h.Xmin(); x.IsNormal() && !h.XminFrozen() && x < cut.FreezeLimit {
			return true
		}
		if x := h.Xmax(); h.Infomask()&tuple.XmaxIsMulti == 0 && x.IsNormal() && x < cut.FreezeLimit {
			return true
		}
		if h.Xmax() != 0 && h.Infomask()&tuple.XmaxIsMulti != 0 && h.Multi() < multiLimit {
			return true
		}
	}
	return false
}

// VisibilityMap returns an access to the table's visibility map.
func (r *Rel) VisibilityMap() freespace.VM { return r.newVM() }

// FreeSpaceMap returns the table's free space map.
func (r *Rel) FreeSpaceMap() freespace.FSM { return r.fsm() }

// SampleStatus tells of a version what ANALYZE needs to know: whether it counts as a row, and whether it is dead.
func SampleStatus(tx *mvcc.Session, h tuple.Header, oldest ids.Xid) (row, dead bool) {
	v, _, _ := tx.VacuumStatus(h, oldest)
	switch v {
	case mvcc.VacuumLive, mvcc.VacuumDeleteInProgress:
		// A deletion by this transaction counts as done, one by another not yet.
		return v == mvcc.VacuumLive || !tx.IsCurrent(tx.Manager().UpdateXid(h)), v == mvcc.VacuumDeleteInProgress && tx.IsCurrent(tx.Manager().UpdateXid(h))
	case mvcc.VacuumInsertInProgress:
		return tx.IsCurrent(h.Xmin()), false
	}
	return false, true
}
