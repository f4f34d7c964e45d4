package heap

import (
	"bytes"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
	"gompho/wal"
)

// updating is the state of one Update.
type updating struct {
	*op
	xid      ids.Xid
	cid      ids.CommandID
	tid      ids.TID
	b        buffer.Buf // of the old version
	strength mvcc.LockStrength
	hotOK    bool // no indexed attribute changes
	drop     []tuple.Pointer
	insert   InsertOpts
}

// Update replaces the row version at tid by one of values. When another transaction is changing or has locked the row it
// waits, unless opts.NoWait. Results: as Delete. With UpdateInfo.Hot the new version needs no index entries.
func Update(tx *mvcc.Session, r *Rel, tid ids.TID, values []types.Datum, cid ids.CommandID, opts ModifyOpts) (UpdateInfo, Result, Failure, error) {
	xid, err := tx.AssignXid()
	if err != nil {
		return UpdateInfo{}, 0, Failure{}, err
	}
	o := r.begin(tx)
	defer o.end()
	b, err := o.read(tid.Block)
	if err != nil {
		return UpdateInfo{}, 0, Failure{}, err
	}
	defer b.Release()
	u := updating{op: o, xid: xid, cid: cid, tid: tid, b: b, strength: mvcc.LockNoKeyExclusive}
	keep, err := u.compareOld(values)
	if err != nil {
		return UpdateInfo{}, 0, Failure{}, err
	}
	var queue rowQueue
	defer queue.leave(o)
	res, fail, err := o.claim(b, tid, cid, u.strength, &opts, &queue, "update")
	if err != nil || res != Ok {
		return UpdateInfo{Strength: u.strength}, res, fail, err
	}
	if err := r.noteChange(tx, tid); err != nil {
		b.Unlock()
		return UpdateInfo{}, 0, Failure{}, err
	}
	info, err := u.replace(values, keep)
	if err == nil {
		o.counts().Update(info.Hot)
	}
	for i := 0; err == nil && i < len(u.drop); i++ {
		err = r.Toast.Delete(tx, u.drop[i], false)
	}
	return info, Ok, fail, err
}

// compareOld looks at the old version, whose attributes nobody can change, before it is claimed: which locks and which kind of
// update the new values need, and what of its out-of-line values they keep.
func (u *updating) compareOld(values []types.Datum) (keep tuple.Stored, err error) {
	u.b.Lock(buffer.Share)
	tup := itemAt(u.b.Page(), u.tid.Offset)
	if tup == nil {
		u.b.Unlock()
		return nil, pgerr.Internal("no row version %v in relation \"%s\"", u.tid, u.r.Name)
	}
	// Out-of-line values must not be fetched under the latch.
	external := tuple.Header(tup).Infomask()&tuple.HasExternal != 0
	if external {
		tup = bytes.Clone(tup)
		u.b.Unlock()
		if keep, u.drop, err = u.keepExternal(tup, values); err != nil {
			return nil, err
		}
	}
	err = u.compareAttrs(tup, values)
	if !external {
		u.b.Unlock()
	}
	return keep, err
}

func (u *updating) compareAttrs(tup []byte, values []types.Datum) error {
	r := u.r
	u.hotOK = true
	cols := r.compare.Cols()
	if len(cols) == 0 {
		return nil
	}
	if cap(u.old) < len(cols) {
		u.old = make([]types.Datum, len(cols))
	}
	old := u.old[:len(cols)]
	if err := r.compare.Deform(tup, old, nil, &u.ext); err != nil {
		return err
	}
	for k, c := range cols {
		if sameDatum(old[k], values[c]) {
			continue
		}
		if r.hot[k] {
			u.hotOK = false
		}
		if r.key[k] {
			u.strength = mvcc.LockExclusive
		}
	}
	return nil
}

// sameDatum reports whether two values of one type are the same bit for bit.
func sameDatum(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	if a.IsBytes() {
		return bytes.Equal(a.Bytes(), b.Bytes())
	}
	return a.Word() == b.Word()
}

// replace writes the new version; the old one is claimed and its page latched, which it is not afterwards.
func (u *updating) replace(values []types.Datum, keep tuple.Stored) (UpdateInfo, error) {
	info := UpdateInfo{Strength: u.strength}
	old := tuple.Header(u.b.Page().Item(u.tid.Offset))
	state, err := u.newXmax(xmaxOf(old), u.xid, u.strength, true)
	if err != nil {
		u.b.Unlock()
		return info, err
	}
	remaining, err := u.remainingLockers(old)
	if err != nil {
		u.b.Unlock()
		return info, err
	}
	if u.fitsWithoutToast(values, keep) {
		tup, err := u.make(values, keep, u.cid, &u.insert)
		if err != nil {
			u.b.Unlock()
			return info, err
		}
		if freeSpace(u.b.Page()) >= tuple.Align8(len(tup)) {
			u.initNew(tup, remaining)
			info.TID, info.Hot = u.write(u.b, tup, state, u.hotOK)
			u.b.Unlock()
			return info, nil
		}
	}
	return u.replaceElsewhere(values, keep, state, remaining)
}

// fitsWithoutToast reports whether forming the new version writes no out-of-line values.
func (u *updating) fitsWithoutToast(values []types.Datum, keep tuple.Stored) bool {
	return tuple.HeaderSize+8+len(values)/8+u.r.layout.DataSize(values, keep) <= toastTarget
}

// replaceElsewhere writes a new version that has no room on the page or needs out-of-line values. The row stays locked meanwhile
// by a lock of our own in the old version, as the page has to be unlatched.
func (u *updating) replaceElsewhere(values []types.Datum, keep tuple.Stored, state xmaxState, remaining xmaxState) (UpdateInfo, error) {
	info := UpdateInfo{Strength: u.strength}
	old := tuple.Header(u.b.Page().Item(u.tid.Offset))
	lock, err := u.newXmax(xmaxOf(old), u.xid, u.strength, false)
	if err != nil {
		u.b.Unlock()
		return info, err
	}
	u.stampLock(u.b, u.tid, lock, u.xid)
	u.b.Unlock()
	tup, err := u.make(values, keep, u.cid, &u.insert)
	if err != nil {
		return info, err
	}
	size := tuple.Align8(len(tup))
	nb := u.b
	if err := u.lockPage(u.b, &u.vm); err != nil {
		return info, err
	}
	if freeSpace(u.b.Page()) < size {
		u.b.Unlock()
		if nb, err = u.pageFor(size, &u.insert, u.b); err != nil {
			return info, err
		}
	}
	// The state was computed before the lock; others may have joined with weaker locks since.
	old = tuple.Header(u.b.Page().Item(u.tid.Offset))
	if state, err = u.newXmax(xmaxOf(old), u.xid, u.strength, true); err == nil {
		remaining, err = u.remainingLockers(old)
	}
	if err == nil {
		err = u.r.noteChange(u.tx, u.tid) // somebody may have read the row while the page was not latched
	}
	if err == nil {
		u.initNew(tup, remaining)
		info.TID, info.Hot = u.write(nb, tup, state, u.hotOK && nb.Same(u.b))
	}
	if !nb.Same(u.b) {
		nb.UnlockRelease()
	}
	u.b.Unlock()
	return info, err
}

// remainingLockers returns the xmax of the new version: those that hold a lock on the old one which does not conflict.
func (u *updating) remainingLockers(old tuple.Header) (xmaxState, error) {
	none := xmaxState{mask: tuple.XmaxInvalid}
	m := old.Infomask()
	mgr := u.tx.Manager()
	switch {
	case m&tuple.XmaxInvalid != 0:
		return none, nil
	case m&tuple.XmaxIsMulti == 0:
		x := old.Xmax()
		if !tuple.XmaxIsLockedOnly(m) || u.tx.IsCurrent(x) || !mgr.IsInProgress(x) {
			return none, nil
		}
		return xmaxState{xmax: x, mask: tuple.XmaxKeyShrLock | tuple.XmaxLockOnly}, nil
	}
	ms, err := mgr.MultiMembers(old.Multi())
	if err != nil {
		return none, err
	}
	var left []mvcc.Member
	for _, mb := range ms {
		if !mb.Status.IsUpdate() && !u.tx.IsCurrent(mb.Xid) && mgr.IsInProgress(mb.Xid) {
			left = append(left, mb)
		}
	}
	switch len(left) {
	case 0:
		return none, nil
	case 1:
		return alone(left[0].Xid, left[0].Status.Strength(), false), nil
	}
	id, err := u.tx.MultiFromMembers(left)
	if err != nil {
		return none, err
	}
	return u.ofMulti(id)
}

func (u *updating) initNew(h tuple.Header, remaining xmaxState) {
	h.SetXmin(u.xid)
	h.SetInfomask(h.Infomask() | tuple.Updated)
	remaining.apply(h)
	h.SetCid(u.cid, false)
}

// write puts the new version on page nb and marks the old one, in one change. Both pages are latched.
func (u *updating) write(nb buffer.Buf, tup tuple.Header, state xmaxState, hot bool) (ids.TID, bool) {
	pg, npg := u.b.Page(), nb.Page()
	old := pg.Item(u.tid.Offset)
	pos := pg.ItemPos(u.tid.Offset)
	fresh := npg.IsNew()
	tid := ids.TID{Block: nb.Block(), Offset: 1}
	if !fresh {
		tid.Offset = npg.FreeOffset()
	}
	tup.SetCtid(tid)
	h := u.header(old)
	newCid, combo := u.tx.AdjustCmax(old, u.cid)
	state.apply(h)
	h.SetCid(newCid, combo)
	h.SetCtid(tid)
	m2 := h.Infomask2() &^ tuple.HotUpdated
	if hot {
		m2 |= tuple.HotUpdated
		tup.SetInfomask2(tup.Infomask2() | tuple.HeapOnly)
	}
	h.SetInfomask2(m2)
	kind := wal.HeapUpdate
	if hot {
		kind = wal.HeapHotUpdate
	}
	c := u.pool.Begin(u.slot, kind, u.xid, u.r.info())
	pc := c.Page(u.b)
	npc := pc
	var vm, vm2 buffer.Buf
	if nb.Same(u.b) {
		vm = clearVisible(c, pc, u.b, &u.vm)
	} else {
		npc = c.Page(nb)
		if fresh {
			npc.Init(0, 0)
		}
		vm, vm2 = u.clearBoth(c, pc, npc, nb)
		if !pg.HasFlag(page.PageFull) && u.hotOK {
			pc.SetFlags(pg.Flags() | page.PageFull)
		}
	}
	if p := pg.PruneXid(); p == 0 || p > u.xid {
		pc.SetPruneXid(u.xid)
	}
	npc.InsertItem(tid.Offset, tup)
	stamp(pc, pos, h)
	c.Commit()
	unlock(vm)
	unlock(vm2)
	return tid, hot
}

// clearBoth clears the visibility of the pages of the old and the new version. It latches their map pages in the order of blocks, one
// latch if they share one; the results are to be unlocked after Commit.
func (u *updating) clearBoth(c *buffer.Change, pc, npc buffer.PageChange, nb buffer.Buf) (l1, l2 buffer.Buf) {
	first, second := u.b, nb
	pc1, pc2, vm1, vm2 := pc, npc, &u.vm, &u.vm2
	if second.Block() < first.Block() {
		first, second = second, first
		pc1, pc2, vm1, vm2 = pc2, pc1, vm2, vm1
	}
	l1 = clearVisible(c, pc1, first, vm1)
	if !second.Page().HasFlag(page.AllVisible) {
		return l1, l2
	}
	if l1.IsValid() && vm1.Pinned(second.Block()) {
		pc2.SetFlags(second.Page().Flags() &^ page.AllVisible)
		vm1.ClearLocked(c, second.Block())
		return l1, l2
	}
	return l1, clearVisible(c, pc2, second, vm2)
}

// UpdateInPlace overwrites the attributes of the row version at tid, whose size must stay: not transactional, for the statistics columns of
// catalogs. It waits for whoever is changing the row. done is false, and nothing was written, when the version is not the newest any more or
// its attributes are not old: read it again then.
func UpdateInPlace(tx *mvcc.Session, r *Rel, tid ids.TID, old, values []types.Datum) (done bool, err error) {
	o := r.begin(tx)
	defer o.end()
	was, err := o.make(old, nil, 0, &InsertOpts{NoToast: true})
	if err != nil {
		return false, err
	}
	was = bytes.Clone(was)
	tup, err := o.make(values, nil, 0, &InsertOpts{NoToast: true})
	if err != nil {
		return false, err
	}
	b, err := o.read(tid.Block)
	if err != nil {
		return false, err
	}
	defer b.Release()
	var queue rowQueue
	defer queue.leave(o)
	res, _, err := o.claim(b, tid, ids.InvalidCommandID, mvcc.LockNoKeyExclusive, &ModifyOpts{}, &queue, "update")
	if err != nil || res != Ok {
		return false, err
	}
	defer b.Unlock()
	now := itemAt(b.Page(), tid.Offset)
	if len(now) != len(tup) || tuple.Header(now).Hoff() != tup.Hoff() {
		return false, pgerr.Internal("row version %v of relation \"%s\" cannot be overwritten in place", tid, r.Name)
	}
	if !bytes.Equal(now[tup.Hoff():], was[was.Hoff():]) {
		return false, nil
	}
	c := o.pool.Begin(o.slot, wal.HeapInplace, tx.Xid(), r.info())
	c.Page(b).Overwrite(b.Page().ItemPos(tid.Offset)+tup.Hoff(), tup[tup.Hoff():])
	c.Commit()
	return true, nil
}
