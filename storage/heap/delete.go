package heap

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/tuple"
	"gompho/wal"
)

// Delete deletes the row version at tid. When another transaction is changing or has locked the row it waits, unless opts.NoWait.
// Results: Ok, SelfModified, Updated, Deleted, BeingModified.
func Delete(tx *mvcc.Session, r *Rel, tid ids.TID, cid ids.CommandID, opts ModifyOpts) (Result, Failure, error) {
	xid, err := tx.AssignXid()
	if err != nil {
		return 0, Failure{}, err
	}
	o := r.begin(tx)
	defer o.end()
	b, err := o.read(tid.Block)
	if err != nil {
		return 0, Failure{}, err
	}
	defer b.Release()
	var queue rowQueue
	defer queue.leave(o)
	res, fail, err := o.claim(b, tid, cid, mvcc.LockExclusive, &opts, &queue, "delete")
	if err != nil || res != Ok {
		return res, fail, err
	}
	if err := r.noteChange(tx, tid); err != nil {
		b.Unlock()
		return 0, Failure{}, err
	}
	old := b.Page().Item(tid.Offset)
	state, err := o.newXmax(xmaxOf(old), xid, mvcc.LockExclusive, true)
	if err == nil {
		fail.TID = tid
		err = o.stampDeleted(b, tid, old, state, xid, cid, opts.ChangingPart)
	}
	toasted, terr := r.externals(old)
	b.Unlock()
	if err == nil {
		err = terr
		o.counts().Delete()
	}
	for i := 0; err == nil && i < len(toasted); i++ {
		err = r.Toast.Delete(tx, toasted[i], false)
	}
	return Ok, fail, err
}

// claim latches b exclusively when the version at tid may be changed with the given strength (Ok), having waited for whoever holds it.
// With any other result, or an error, the page is not latched.
func (o *op) claim(b buffer.Buf, tid ids.TID, cid ids.CommandID, strength mvcc.LockStrength, opts *ModifyOpts,
	queue *rowQueue, verb string) (Result, Failure, error) {
	for {
		if err := o.lockPage(b, &o.vm); err != nil {
			return 0, Failure{}, err
		}
		tup := itemAt(b.Page(), tid.Offset)
		if tup == nil {
			b.Unlock()
			return 0, Failure{}, pgerr.Internal("no row version %v in relation \"%s\"", tid, o.r.Name)
		}
		h := tuple.Header(tup)
		v, hinted := o.tx.UpdateStatus(h, tid, cid)
		if hinted {
			b.MarkDirtyHint()
		}
		res := Result(v)
		if res == Invisible {
			b.Unlock()
			return 0, Failure{}, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "attempted to %s invisible tuple", verb)
		}
		if res == BeingModified {
			wait, member, err := o.mustWait(h, strength)
			switch {
			case err == nil && !wait:
				res = o.afterHolders(h, tid)
			case err == nil && opts.NoWait:
			default:
				x := xmaxOf(h)
				b.Unlock()
				if err == nil {
					err = o.waitForHolders(x, member, tid, strength, queue, verb)
				}
				if err != nil {
					return 0, Failure{}, err
				}
				continue
			}
		}
		if res == Ok && opts.Crosscheck != nil {
			if seen, _ := opts.Crosscheck.Satisfies(h); !seen {
				res = Updated
			}
		}
		if res != Ok {
			fail := o.failure(h, tid, res)
			b.Unlock()
			if res == Updated {
				opts.Place.keep(queue)
			}
			return res, fail, nil
		}
		return Ok, Failure{TID: tid}, nil
	}
}

// afterHolders decides about a version that was being modified, when nobody is left to wait for.
func (o *op) afterHolders(h tuple.Header, tid ids.TID) Result {
	switch {
	case o.onlyLocked(h):
		return Ok
	case h.Ctid() != tid:
		return Updated
	}
	return Deleted
}

// mustWait reports whether somebody holds the version in conflict with strength, and whether this transaction is a member of its multixact.
func (o *op) mustWait(h tuple.Header, strength mvcc.LockStrength) (wait, member bool, err error) {
	mask := h.Infomask()
	if mask&tuple.XmaxIsMulti != 0 {
		return o.multiConflicts(h.Multi(), strength)
	}
	if o.tx.IsCurrent(h.Xmax()) {
		return false, true, nil
	}
	weak := tuple.XmaxIsLockedOnly(mask) && mask&tuple.LockMask == tuple.XmaxKeyShrLock
	return strength == mvcc.LockExclusive || !weak, false, nil
}

// waitForHolders waits for those that hold a version in state x in conflict with strength; no page is latched. Everything must be looked at anew
// afterwards.
func (o *op) waitForHolders(x xmaxState, member bool, tid ids.TID, strength mvcc.LockStrength, queue *rowQueue, verb string) error {
	about := waiting{locks.UpdatingTuple, tid}
	if verb == "delete" {
		about.action = locks.DeletingTuple
	}
	if !member {
		// One that is a member already would wait here for somebody who waits for it.
		if _, err := queue.enter(o, tid, strength, WaitBlock); err != nil {
			return err
		}
	}
	if x.mask&tuple.XmaxIsMulti != 0 {
		_, err := o.waitMulti(ids.MultiXactID(x.xmax), statusFor(strength, true), WaitBlock, about)
		return err
	}
	_, err := o.waitXid(x.xmax, WaitBlock, about)
	return err
}

// stampDeleted writes the deletion.
func (o *op) stampDeleted(b buffer.Buf, tid ids.TID, old []byte, state xmaxState, xid ids.Xid, cid ids.CommandID, moved bool) error {
	h := o.header(old)
	newCid, combo := o.tx.AdjustCmax(old, cid)
	state.apply(h)
	h.SetInfomask2(h.Infomask2() &^ tuple.HotUpdated)
	h.SetCid(newCid, combo)
	h.SetCtid(tid)
	if moved {
		h.SetCtid(ids.TID{Block: ids.InvalidBlock, Offset: tuple.MovedPartitionsOffset})
	}
	pg := b.Page()
	c := o.pool.Begin(o.slot, wal.HeapDelete, xid, o.r.info())
	pc := c.Page(b)
	vm := clearVisible(c, pc, b, &o.vm)
	if p := pg.PruneXid(); p == 0 || p > xid {
		pc.SetPruneXid(xid)
	}
	stamp(pc, pg.ItemPos(tid.Offset), h)
	c.Commit()
	unlock(vm)
	return nil
}

// FinishSpeculative makes a speculative insertion a real one.
func FinishSpeculative(tx *mvcc.Session, r *Rel, tid ids.TID) error {
	o := r.begin(tx)
	defer o.end()
	b, err := o.read(tid.Block)
	if err != nil {
		return err
	}
	defer b.Release()
	b.Lock(buffer.Exclusive)
	defer b.Unlock()
	tup := itemAt(b.Page(), tid.Offset)
	if tup == nil || !tuple.Header(tup).IsSpeculative() {
		return pgerr.Internal("row version %v is no speculative insertion", tid)
	}
	h := o.header(tup)
	h.SetCtid(tid)
	c := o.pool.Begin(o.slot, wal.HeapConfirm, tx.Xid(), r.info())
	stamp(c.Page(b), b.Page().ItemPos(tid.Offset), h)
	c.Commit()
	return nil
}

// AbortSpeculative takes a speculative insertion back, at once and for everybody. Also used for the chunks of its values.
func AbortSpeculative(tx *mvcc.Session, r *Rel, tid ids.TID) error {
	o := r.begin(tx)
	defer o.end()
	b, err := o.read(tid.Block)
	if err != nil {
		return err
	}
	defer b.Release()
	b.Lock(buffer.Exclusive)
	tup := itemAt(b.Page(), tid.Offset)
	if tup == nil || tuple.Header(tup).Xmin() != tx.Xid() {
		b.Unlock()
		return pgerr.Internal("row version %v is no insertion of this transaction", tid)
	}
	h := o.header(tup)
	h.SetXmin(ids.InvalidXid)
	h.SetInfomask(h.Infomask()&^tuple.XminFrozen | tuple.XminInvalid)
	h.SetCtid(tid)
	toasted, err := r.externals(tup)
	c := o.pool.Begin(o.slot, wal.HeapDelete, tx.Xid(), r.info())
	pc := c.Page(b)
	if b.Page().PruneXid() == 0 {
		pc.SetPruneXid(tx.Xid())
	}
	pc.Overwrite(b.Page().ItemPos(tid.Offset), h[:tuple.PosHoff])
	c.Commit()
	b.Unlock()
	o.counts().Delete()
	for i := 0; err == nil && i < len(toasted); i++ {
		err = r.Toast.Delete(tx, toasted[i], true)
	}
	return err
}
