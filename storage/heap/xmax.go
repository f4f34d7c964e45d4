package heap

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/tuple"
)

// xmaxState is what a tuple header says of its deleter and lockers.
type xmaxState struct {
	xmax  ids.Xid
	mask  uint16 // bits of infomask, those of XmaxBits
	mask2 uint16 // KeysUpdated
}

func xmaxOf(h tuple.Header) xmaxState {
	return xmaxState{h.Xmax(), h.Infomask() & tuple.XmaxBits, h.Infomask2() & tuple.KeysUpdated}
}

// apply stores s in h.
func (s xmaxState) apply(h tuple.Header) {
	h.SetXmax(s.xmax)
	h.SetInfomask(h.Infomask()&^tuple.XmaxBits | s.mask)
	h.SetInfomask2(h.Infomask2()&^tuple.KeysUpdated | s.mask2)
}

// statusFor returns what a member of a multixact does that locks with strength, or updates.
func statusFor(strength mvcc.LockStrength, update bool) mvcc.MemberStatus {
	switch {
	case update && strength == mvcc.LockExclusive:
		return mvcc.Update
	case update:
		return mvcc.NoKeyUpdate
	}
	return mvcc.MemberStatus(strength)
}

// alone returns the state of a tuple that xid alone locks or updates.
func alone(xid ids.Xid, strength mvcc.LockStrength, update bool) xmaxState {
	s := xmaxState{xmax: xid}
	if strength == mvcc.LockExclusive {
		s.mask2 = tuple.KeysUpdated
	}
	if update {
		return s
	}
	s.mask = tuple.XmaxLockOnly
	switch strength {
	case mvcc.LockKeyShare:
		s.mask |= tuple.XmaxKeyShrLock
	case mvcc.LockShare:
		s.mask |= tuple.XmaxShrLock
	default:
		s.mask |= tuple.XmaxExclLock
	}
	return s
}

// statusOf derives what the single xmax of a tuple does from the bits.
func statusOf(mask, mask2 uint16) mvcc.MemberStatus {
	if !tuple.XmaxIsLockedOnly(mask) {
		if mask2&tuple.KeysUpdated != 0 {
			return mvcc.Update
		}
		return mvcc.NoKeyUpdate
	}
	switch mask & tuple.LockMask {
	case tuple.XmaxKeyShrLock:
		return mvcc.ForKeyShare
	case tuple.XmaxShrLock:
		return mvcc.ForShare
	}
	if mask2&tuple.KeysUpdated != 0 {
		return mvcc.ForUpdate
	}
	return mvcc.ForNoKeyUpdate
}

// ofMulti returns the state of a tuple whose xmax is the multixact id.
func (o *op) ofMulti(id ids.MultiXactID) (xmaxState, error) {
	ms, err := o.tx.MultiMembers(id)
	if err != nil {
		return xmaxState{}, err
	}
	s := xmaxState{xmax: ids.Xid(id), mask: tuple.XmaxIsMulti}
	strongest, update := mvcc.LockKeyShare, false
	for _, m := range ms {
		strongest = max(strongest, m.Status.Strength())
		update = update || m.Status.IsUpdate()
		if m.Status == mvcc.ForUpdate || m.Status == mvcc.Update {
			s.mask2 = tuple.KeysUpdated
		}
	}
	switch strongest {
	case mvcc.LockKeyShare:
		s.mask |= tuple.XmaxKeyShrLock
	case mvcc.LockShare:
		s.mask |= tuple.XmaxShrLock
	default:
		s.mask |= tuple.XmaxExclLock
	}
	if !update {
		s.mask |= tuple.XmaxLockOnly
	}
	return s, nil
}

// newXmax returns the state of a tuple in state old that xid locks, or updates, in addition to whoever holds it.
func (o *op) newXmax(old xmaxState, xid ids.Xid, strength mvcc.LockStrength, update bool) (xmaxState, error) {
	m := o.tx.Manager()
	locked := tuple.XmaxIsLockedOnly(old.mask)
	self := mvcc.Member{Xid: xid, Status: statusFor(strength, update)}
	switch {
	case old.mask&tuple.XmaxInvalid != 0:
		return alone(xid, strength, update), nil
	case old.mask&tuple.XmaxIsMulti != 0:
		id := ids.MultiXactID(old.xmax)
		if !m.MultiIsRunning(id, locked) && (locked || !m.DidCommit(m.UpdateMember(id))) {
			return alone(xid, strength, update), nil
		}
		id, err := o.tx.MultiExpand(id, self)
		if err != nil {
			return xmaxState{}, err
		}
		return o.ofMulti(id)
	case old.mask&tuple.XmaxCommitted == 0 && !m.IsInProgress(old.xmax) && (locked || !m.DidCommit(old.xmax)):
		return alone(xid, strength, update), nil
	case old.mask&tuple.XmaxCommitted != 0 && locked:
		return alone(xid, strength, update), nil
	}
	before := statusOf(old.mask, old.mask2)
	if old.xmax == xid && locked {
		// Locked by this very transaction: the stronger of the two stays.
		return alone(xid, max(strength, before.Strength()), update), nil
	}
	id, err := o.tx.MultiCreate(mvcc.Member{Xid: old.xmax, Status: before}, self)
	if err != nil {
		return xmaxState{}, err
	}
	return o.ofMulti(id)
}

// onlyLocked reports whether the tuple, whose xmax is not invalid, was locked but not changed: by lockers, or by
// an updater that aborted.
func (o *op) onlyLocked(h tuple.Header) bool {
	m := h.Infomask()
	if m&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(m) || h.Xmax() == 0 {
		return true
	}
	if m&tuple.XmaxIsMulti == 0 {
		return false
	}
	mgr := o.tx.Manager()
	x := mgr.UpdateXid(h)
	return !o.tx.IsCurrent(x) && !mgr.IsInProgress(x) && !mgr.DidCommit(x)
}

// multiConflicts reports whether a running member of id, other than this transaction, conflicts with strength; member, whether
// this transaction is in it.
func (o *op) multiConflicts(id ids.MultiXactID, strength mvcc.LockStrength) (conflict, member bool, err error) {
	ms, err := o.tx.MultiMembers(id)
	for _, m := range ms {
		switch {
		case o.tx.IsCurrent(m.Xid):
			member = true
		case m.Status.Strength().Conflicts(strength):
			conflict = conflict || o.tx.Manager().IsInProgress(m.Xid)
		}
	}
	return conflict, member, err
}

// queueModes are the modes of the tuple lock that queues the waiters for a row lock.
var queueModes = [...]locks.Mode{
	mvcc.LockKeyShare:       locks.AccessShare,
	mvcc.LockShare:          locks.RowShare,
	mvcc.LockNoKeyExclusive: locks.Exclusive,
	mvcc.LockExclusive:      locks.AccessExclusive,
}

// rowQueue is a place in the queue of waiters for one row: the heavyweight tuple lock, held until the wait is over.
type rowQueue struct {
	tag  locks.Tag
	mode locks.Mode
	held bool
}

// enter takes the place, waiting as policy says; false only under WaitSkip.
func (q *rowQueue) enter(o *op, tid ids.TID, strength mvcc.LockStrength, policy WaitPolicy) (bool, error) {
	if q.held {
		return true, nil
	}
	q.tag, q.mode = locks.TupleTag(o.r.DB, o.r.Oid, tid), queueModes[strength]
	if policy == WaitBlock {
		if err := o.tx.Locks().Acquire(q.tag, q.mode, locks.Opts{}); err != nil {
			return false, err
		}
		q.held = true
		return true, nil
	}
	ok, err := o.tx.Locks().TryAcquire(q.tag, q.mode, false)
	if err != nil {
		return false, err
	}
	if !ok && policy == WaitError {
		return false, o.rowLocked()
	}
	q.held = ok
	return ok, nil
}

// Place is a place in the queue of those who want to change or lock one row, kept along the chain of its versions: who waited first for the version
// that both saw gets on first, though the row has newer versions by then. The zero value is none. Its tuple lock is on a version that the
// statement's snapshot sees, so that no other row can come to be there meanwhile.
type Place struct{ first rowQueue }

// keep takes over the place of q, if it has one and there is none yet.
func (p *Place) keep(q *rowQueue) {
	if p != nil && q.held && !p.first.held {
		p.first, q.held = *q, false
	}
}

func (p *Place) leave(o *op) {
	if p != nil {
		p.first.leave(o)
	}
}

func (q *rowQueue) leave(o *op) {
	if q.held {
		o.tx.Locks().Release(q.tag, q.mode, false)
		q.held = false
	}
}

func (o *op) rowLocked() error {
	return pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on row in relation \"%s\"", o.r.Name)
}

// waiting is what a wait for a transaction is about: what is done to which version.
type waiting struct {
	action locks.Action
	tid    ids.TID
}

// begin lets the lock manager know what the waits until done are about.
func (w waiting) begin(o *op) {
	o.tx.Locks().SetAbout(locks.About{Action: w.action, Row: locks.TupleTag(o.r.DB, o.r.Oid, w.tid), Relation: o.r.Name})
}

func (w waiting) done(o *op) { o.tx.Locks().SetAbout(locks.About{}) }

// waitXid waits for x as policy says; false only under WaitSkip.
func (o *op) waitXid(x ids.Xid, policy WaitPolicy, w waiting) (bool, error) {
	if policy == WaitBlock {
		w.begin(o)
		defer w.done(o)
		return true, o.tx.WaitForXid(x)
	}
	ok, err := o.tx.TryWaitForXid(x)
	if err == nil && !ok && policy == WaitError {
		err = o.rowLocked()
	}
	return ok, err
}

// waitMulti waits for the members of id that conflict with status, as policy says; false only under WaitSkip.
func (o *op) waitMulti(id ids.MultiXactID, status mvcc.MemberStatus, policy WaitPolicy, w waiting) (bool, error) {
	w.begin(o)
	defer w.done(o)
	_, ok, err := o.tx.WaitForMulti(id, status, policy != WaitBlock)
	if err == nil && !ok && policy == WaitError {
		err = o.rowLocked()
	}
	return ok, err
}

// failure describes the change that stands in the way, from the header of the tuple at tid.
func (o *op) failure(h tuple.Header, tid ids.TID, res Result) Failure {
	f := Failure{TID: h.Ctid(), Xmax: o.tx.Manager().UpdateXid(h), Cmax: ids.InvalidCommandID}
	if res == SelfModified {
		f.Cmax = o.tx.Cmax(h)
	}
	if h.IsSpeculative() {
		f.TID = tid
	}
	return f
}
