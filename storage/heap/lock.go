package heap

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/wal"
)

// locking is the state of one LockTuple.
type locking struct {
	*op
	b        buffer.Buf
	tid      ids.TID
	cid      ids.CommandID
	strength mvcc.LockStrength
	policy   WaitPolicy
	follow   bool
	queue    rowQueue
	noQueue  bool // this transaction holds a lock already: whoever is in the queue waits for it
	looked   bool // own locks were looked for
}

// LockTuple locks exactly the row version at tid with strength for this transaction. follow: when a newer version exists that the lock does not
// conflict with, newer versions are locked too. Results: Ok, Invisible, SelfModified, Updated, Deleted, WouldBlock.
func LockTuple(tx *mvcc.Session, r *Rel, tid ids.TID, cid ids.CommandID, strength mvcc.LockStrength, policy WaitPolicy, follow bool) (Result, Failure, error) {
	o := r.begin(tx)
	defer o.end()
	return o.lockTuple(tid, cid, strength, policy, follow, nil)
}

func (o *op) lockTuple(tid ids.TID, cid ids.CommandID, strength mvcc.LockStrength, policy WaitPolicy, follow bool, place *Place) (Result, Failure, error) {
	b, err := o.read(tid.Block)
	if err != nil {
		return 0, Failure{}, err
	}
	defer b.Release()
	l := locking{op: o, b: b, tid: tid, cid: cid, strength: strength, policy: policy, follow: follow}
	defer l.queue.leave(o)
	for {
		if err := o.lockPage(b, &o.vm); err != nil {
			return 0, Failure{}, err
		}
		tup := itemAt(b.Page(), tid.Offset)
		if tup == nil {
			b.Unlock()
			return Deleted, Failure{TID: tid}, nil
		}
		h := tuple.Header(tup)
		v, hinted := o.tx.UpdateStatus(h, tid, cid)
		if hinted {
			b.MarkDirtyHint()
		}
		res, again, err := l.settle(h, Result(v))
		if err != nil {
			return 0, Failure{}, err
		}
		if again {
			continue
		}
		fail := Failure{TID: tid}
		switch res {
		case Ok:
			err = l.take(h)
		case lockedAlready:
			return Ok, fail, nil
		default:
			fail = o.failure(h, tid, res)
		}
		b.Unlock()
		if res == Updated {
			place.keep(&l.queue)
		}
		return res, fail, err
	}
}

// lockedAlready is what settle returns, with the page unlatched, when a lock held suffices.
const lockedAlready Result = 255

// settle decides about a version with the verdict res, waiting if need be. again: look at the version anew, the page is not latched. Otherwise it is
// latched, but for lockedAlready and on errors.
func (l *locking) settle(h tuple.Header, res Result) (out Result, again bool, err error) {
	if res != BeingModified && res != Updated && res != Deleted {
		return res, false, nil
	}
	x := xmaxOf(h)
	ctid := h.Ctid()
	if !l.looked {
		l.looked = true
		held, err := l.holdsEnough(x)
		if held || err != nil {
			l.b.Unlock()
			return lockedAlready, false, err
		}
	}
	free, conflict, err := l.compatible(h, x)
	if err != nil {
		l.b.Unlock()
		return 0, false, err
	}
	if free {
		return l.joinHolders(x, ctid)
	}
	if res == BeingModified && !conflict {
		// Only holders that do not conflict still run, but the version was replaced.
		if res = Updated; ctid == l.tid {
			res = Deleted
		}
	}
	if res == Updated || res == Deleted {
		return res, false, nil
	}
	l.b.Unlock()
	return l.wait(x, ctid)
}

// holdsEnough reports whether this transaction holds a lock at least as strong already.
func (l *locking) holdsEnough(x xmaxState) (bool, error) {
	if x.mask&tuple.XmaxInvalid != 0 {
		return false, nil
	}
	if x.mask&tuple.XmaxIsMulti != 0 {
		ms, err := l.tx.MultiMembers(ids.MultiXactID(x.xmax))
		for _, m := range ms {
			if !l.tx.IsCurrent(m.Xid) {
				continue
			}
			if m.Status.Strength() >= l.strength {
				return true, err
			}
			l.noQueue = true
		}
		return false, err
	}
	return l.tx.IsCurrent(x.xmax) && statusOf(x.mask, x.mask2).Strength() >= l.strength, nil
}

// compatible reports whether the lock can be had beside those that hold the version, without waiting; if not, whether that is because of
// somebody who still runs.
func (l *locking) compatible(h tuple.Header, x xmaxState) (free, conflict bool, err error) {
	locked := tuple.XmaxIsLockedOnly(x.mask)
	switch {
	case l.strength == mvcc.LockKeyShare && x.mask2&tuple.KeysUpdated == 0:
		return true, false, nil
	case x.mask&tuple.XmaxIsMulti != 0:
		conflict, _, err = l.multiConflicts(ids.MultiXactID(x.xmax), l.strength)
		return !conflict && l.onlyLocked(h), conflict, err
	case l.strength == mvcc.LockShare && locked && x.mask&tuple.LockMask != tuple.XmaxExclLock:
		return true, false, nil
	case l.strength == mvcc.LockNoKeyExclusive && locked && x.mask&tuple.LockMask == tuple.XmaxKeyShrLock:
		return true, false, nil
	}
	// A weaker lock of our own is upgraded; nobody else holds one.
	return locked && l.tx.IsCurrent(x.xmax), true, nil
}

// joinHolders locks beside the present holders: newer versions first, if there are any and they are to be locked too.
func (l *locking) joinHolders(x xmaxState, ctid ids.TID) (Result, bool, error) {
	if tuple.XmaxIsLockedOnly(x.mask) || !l.follow || ctid == l.tid {
		return Ok, false, nil
	}
	prior := l.tx.Manager().UpdateXid(l.b.Page().Item(l.tid.Offset))
	l.b.Unlock()
	res, err := l.lockNewer(ctid, prior)
	if err != nil {
		return 0, false, err
	}
	if err := l.lockPage(l.b, &l.vm); err != nil {
		return 0, false, err
	}
	h := tuple.Header(l.b.Page().Item(l.tid.Offset))
	if res != Ok {
		return res, false, nil
	}
	if xmaxOf(h) != x {
		l.b.Unlock()
		return 0, true, nil
	}
	return Ok, false, nil
}

// wait waits for the holders as the policy says; the page is not latched.
func (l *locking) wait(x xmaxState, ctid ids.TID) (Result, bool, error) {
	blocked := func(err error) (Result, bool, error) {
		if err != nil {
			return 0, false, err
		}
		return WouldBlock, false, l.lockPage(l.b, &l.vm)
	}
	if l.policy != WaitBlock && (x.mask&tuple.XmaxIsMulti != 0 || l.tx.Manager().IsInProgress(x.xmax)) {
		// Who holds the row still runs (of a multixact that is known already): the queue need not be asked.
		if l.policy == WaitError {
			return blocked(l.rowLocked())
		}
		return blocked(nil)
	}
	if !l.noQueue {
		if ok, err := l.queue.enter(l.op, l.tid, l.strength, l.policy); !ok || err != nil {
			return blocked(err)
		}
	}
	var ok bool
	var err error
	about := waiting{locks.LockingTuple, l.tid}
	if x.mask&tuple.XmaxIsMulti != 0 {
		ok, err = l.waitMulti(ids.MultiXactID(x.xmax), statusFor(l.strength, false), l.policy, about)
	} else {
		ok, err = l.waitXid(x.xmax, l.policy, about)
	}
	if !ok || err != nil {
		return blocked(err)
	}
	return 0, true, nil
}

// take stores the lock in the latched version.
func (l *locking) take(h tuple.Header) error {
	xid, err := l.tx.AssignXid()
	if err != nil {
		return err
	}
	state, err := l.newXmax(xmaxOf(h), xid, l.strength, false)
	if err != nil {
		return err
	}
	l.stampLock(l.b, l.tid, state, xid)
	return nil
}

// stampLock writes the lock state into the version at tid of the latched page b. The page stays all-visible, but not all-frozen.
func (o *op) stampLock(b buffer.Buf, tid ids.TID, state xmaxState, xid ids.Xid) {
	pg := b.Page()
	h := o.header(pg.Item(tid.Offset))
	state.apply(h)
	if tuple.XmaxIsLockedOnly(state.mask) {
		h.SetInfomask2(h.Infomask2() &^ tuple.HotUpdated)
		h.SetCtid(tid)
	}
	c := o.pool.Begin(o.slot, wal.HeapLock, xid, o.r.info())
	pc := c.Page(b)
	var vm buffer.Buf
	if pg.HasFlag(page.AllVisible) && o.vm.Pinned(b.Block()) {
		vm = o.vm.Clear(c, b.Block(), freespace.AllFrozen)
	}
	stamp(pc, pg.ItemPos(tid.Offset), h)
	c.Commit()
	unlock(vm)
}

// lockNewer locks the versions from tid on, whose chain began with an update by prior, for one who locked an older version that they succeed.
func (l *locking) lockNewer(tid ids.TID, prior ids.Xid) (Result, error) {
	for {
		next, updater, res, err := l.lockNewerOne(tid, prior)
		if err != nil || res != Ok || !next.IsValid() {
			return res, err
		}
		tid, prior = next, updater
	}
}

// lockNewerOne locks one version and returns the next one's address, if there is one.
func (l *locking) lockNewerOne(tid ids.TID, prior ids.Xid) (next ids.TID, updater ids.Xid, res Result, err error) {
	if tid.Offset == tuple.MovedPartitionsOffset {
		return ids.TID{}, 0, Ok, nil
	}
	n, err := l.r.Blocks()
	if err != nil || tid.Block >= n {
		return ids.TID{}, 0, Ok, err
	}
	b, err := l.read(tid.Block)
	if err != nil {
		return ids.TID{}, 0, Ok, err
	}
	defer b.Release()
	for {
		if err := l.lockPage(b, &l.vm2); err != nil {
			return ids.TID{}, 0, Ok, err
		}
		tup := tuple.Header(itemAt(b.Page(), tid.Offset))
		// A version that is not the expected successor means that the update aborted and its place was used again.
		if tup == nil || prior != 0 && tup.Xmin() != prior || !tup.XminCommitted() && l.tx.Manager().Status(tup.Xmin()) == mvcc.Aborted {
			b.Unlock()
			return ids.TID{}, 0, Ok, nil
		}
		waitFor, held, res, err := l.holdersAllow(tup, tid)
		if waitFor != 0 && err == nil {
			b.Unlock()
			if ok, err := l.waitXid(waitFor, l.policy, waiting{locks.LockingUpdated, tid}); err != nil || !ok {
				return ids.TID{}, 0, WouldBlock, err
			}
			continue
		}
		if err == nil && res == Ok && !held {
			err = l.lockThis(b, tup, tid)
		}
		if err == nil && res == Ok {
			tup = tuple.Header(b.Page().Item(tid.Offset))
			if tup.Infomask()&tuple.XmaxInvalid == 0 && !l.onlyLocked(tup) && tup.Ctid() != tid {
				next, updater = tup.Ctid(), l.tx.Manager().UpdateXid(tup)
			}
		}
		b.Unlock()
		return next, updater, res, err
	}
}

func (l *locking) lockThis(b buffer.Buf, tup tuple.Header, tid ids.TID) error {
	xid, err := l.tx.AssignXid()
	if err != nil {
		return err
	}
	state, err := l.newXmax(xmaxOf(tup), xid, l.strength, false)
	if err != nil {
		return err
	}
	pg := b.Page()
	h := l.header(tup)
	state.apply(h)
	c := l.pool.Begin(l.slot, wal.HeapLock, xid, l.r.info())
	pc := c.Page(b)
	var vm buffer.Buf
	if pg.HasFlag(page.AllVisible) {
		vm = l.vm2.Clear(c, b.Block(), freespace.AllFrozen)
	}
	stamp(pc, pg.ItemPos(tid.Offset), h)
	c.Commit()
	unlock(vm)
	return nil
}

// holdersAllow tests the holders of a newer version against the lock wanted: one to wait for, or whether this transaction has it
// already, or a result that ends the matter.
func (l *locking) holdersAllow(tup tuple.Header, tid ids.TID) (waitFor ids.Xid, held bool, res Result, err error) {
	m := tup.Infomask()
	if m&tuple.XmaxInvalid != 0 {
		return 0, false, Ok, nil
	}
	members := []mvcc.Member{{Xid: tup.Xmax(), Status: statusOf(m, tup.Infomask2())}}
	if m&tuple.XmaxIsMulti != 0 {
		if members, err = l.tx.MultiMembers(tup.Multi()); err != nil {
			return 0, false, Ok, err
		}
	}
	for _, mb := range members {
		conflict := mb.Status.Strength().Conflicts(l.strength)
		switch {
		case l.tx.IsCurrent(mb.Xid):
			held = held || mb.Status.Strength() >= l.strength
		case l.tx.Manager().IsInProgress(mb.Xid):
			if conflict {
				return mb.Xid, false, Ok, nil
			}
		case mb.Status.IsUpdate() && conflict && l.tx.Manager().DidCommit(mb.Xid):
			if tup.Ctid() != tid {
				return 0, false, Updated, nil
			}
			return 0, false, Deleted, nil
		}
	}
	return 0, held, Ok, nil
}

// LockLatest locks the row's latest version, going along the chain of updates from tid as far as committed updates lead, and
// waiting for those in progress. With Ok it returns the address of the version locked; Failure.Traversed tells that
// it is not tid, so that the row has to be looked at again. A transaction that uses one snapshot gets Updated instead of a later version.
// place, which may be nil, is the place in the row's queue that Update or Delete kept.
func LockLatest(tx *mvcc.Session, r *Rel, tid ids.TID, cid ids.CommandID, strength mvcc.LockStrength, policy WaitPolicy, place *Place) (ids.TID, Result, Failure, error) {
	o := r.begin(tx)
	defer o.end()
	if place == nil {
		place = &Place{}
	}
	defer place.leave(o)
	traversed := false
	for {
		res, fail, err := o.lockTuple(tid, cid, strength, policy, true, place)
		fail.Traversed = traversed
		if err != nil || res != Updated || tx.Isolation().UsesOneSnapshot() {
			return tid, res, fail, err
		}
		if fail.TID.Offset == tuple.MovedPartitionsOffset {
			return tid, res, fail, movedElsewhere()
		}
		if fail.TID == tid {
			return tid, Deleted, fail, nil
		}
		traversed = true
		next, res, err := o.nextLive(fail.TID, fail.Xmax, cid, policy)
		if err != nil || res != Ok {
			return tid, res, Failure{TID: fail.TID, Xmax: fail.Xmax, Cmax: ids.InvalidCommandID, Traversed: true}, err
		}
		tid = next
	}
}

func movedElsewhere() error {
	return pgerr.New(pgerr.TRSerializationFailure, "tuple to be locked was already moved to another partition due to concurrent update")
}

// alongPage goes from tid, made by an update of prior, along the chain as far as it stays on the page and the hints say that the updates have
// committed. When many have waited for a row, each of them has the versions of all before it to pass.
func alongPage(pg page.Page, tid ids.TID, prior ids.Xid) (ids.TID, ids.Xid) {
	const known = tuple.XminCommitted | tuple.XmaxCommitted
	for {
		h := tuple.Header(itemAt(pg, tid.Offset))
		if h == nil || h.Xmin() != prior {
			return tid, prior
		}
		m, next := h.Infomask(), h.Ctid()
		if m&known != known || m&tuple.XmaxIsMulti != 0 || tuple.XmaxIsLockedOnly(m) || next == tid || next.Block != tid.Block {
			return tid, prior
		}
		tid, prior = next, h.Xmax()
	}
}

// nextLive goes from tid, made by an update of prior, along the chain to the version that is there now.
func (o *op) nextLive(tid ids.TID, prior ids.Xid, cid ids.CommandID, policy WaitPolicy) (ids.TID, Result, error) {
	for {
		if tid.Offset == tuple.MovedPartitionsOffset {
			return tid, Deleted, movedElsewhere()
		}
		b, err := o.read(tid.Block)
		if err != nil {
			return tid, 0, err
		}
		b.Lock(buffer.Share)
		tid, prior = alongPage(b.Page(), tid, prior)
		h := tuple.Header(itemAt(b.Page(), tid.Offset))
		if h == nil || h.Xmin() != prior {
			b.UnlockRelease()
			return tid, Deleted, nil
		}
		there, d, hinted := o.tx.SatisfiesDirty(h)
		if hinted {
			b.MarkDirtyHint()
		}
		ctid, updater := h.Ctid(), o.tx.Manager().UpdateXid(h)
		own := o.tx.IsCurrent(h.Xmin()) && o.tx.Cmin(h) >= cid
		b.UnlockRelease()
		switch {
		case there && d.Xmin != 0:
			return tid, 0, pgerr.Internal("xmin %d is uncommitted in tuple %v to be updated in table \"%s\"", d.Xmin, tid, o.r.Name)
		case there && d.Xmax != 0:
			if ok, err := o.waitXid(d.Xmax, policy, waiting{locks.RecheckingUpdated, tid}); err != nil || !ok {
				return tid, WouldBlock, err
			}
		case there && own:
			return tid, SelfModified, nil
		case there:
			return tid, Ok, nil
		case ctid == tid || updater == 0:
			return tid, Deleted, nil
		default:
			tid, prior = ctid, updater
		}
	}
}
