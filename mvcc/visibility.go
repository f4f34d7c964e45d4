package mvcc

import (
	"gompho/internal/ids"
	"gompho/storage/tuple"
)

// Visibility: functions of a tuple header, a snapshot and a view of the transactions. They change nothing but hint bits,
// which they set in the header as they learn outcomes; "hinted" tells the caller to mark the buffer dirty as by a hint. The caller
// holds the page's content latch at least shared: several may set hint bits at once, all of which are true.
//
// The order of questions about a transaction that has no hint bit is always: is it this one, is it running (or does the
// snapshot count it as running), did it commit. A transaction enters the commit log before it leaves the process
// array, so what is neither running nor committed has aborted.

// view is what visibility asks of the transactions. Session is the real one.
type view interface {
	IsCurrent(x ids.Xid) bool
	Cmin(h tuple.Header) ids.CommandID
	Cmax(h tuple.Header) ids.CommandID
	isInProgress(x ids.Xid) bool
	didCommit(x ids.Xid) bool
	hintOK(x ids.Xid) bool // a committed x is on disk as such
	updateMember(id ids.MultiXactID) ids.Xid
	multiRunning(id ids.MultiXactID, lockOnly bool) bool
	topOf(x ids.Xid) ids.Xid
}

func (s *Session) isInProgress(x ids.Xid) bool { return s.m.IsInProgress(x) }
func (s *Session) didCommit(x ids.Xid) bool    { return s.m.didCommit(s.slot, x) }
func (s *Session) hintOK(x ids.Xid) bool       { return s.m.hintOK(x) }
func (s *Session) topOf(x ids.Xid) ids.Xid     { return s.m.sub.top(x) }
func (s *Session) updateMember(id ids.MultiXactID) ids.Xid {
	return s.m.updateMember(s.slot, id)
}
func (s *Session) multiRunning(id ids.MultiXactID, lockOnly bool) bool {
	return s.m.multiIsRunning(s.slot, id)
}

// setHint stores hint bits. xid is the transaction that they say has committed, 0 if they say it has not.
func setHint(v view, h tuple.Header, bits uint16, xid ids.Xid) bool {
	if xid != ids.InvalidXid && !v.hintOK(xid) {
		return false
	}
	h.SetInfomask(h.Infomask() | bits)
	return true
}

// xminOutcome finds out about an xmin that is neither this transaction's nor running.
func xminOutcome(v view, h tuple.Header) (committed, hinted bool) {
	if x := h.Xmin(); v.didCommit(x) {
		return true, setHint(v, h, tuple.XminCommitted, x)
	}
	return false, setHint(v, h, tuple.XminInvalid, 0)
}

// updater returns the transaction that updated or deleted the tuple; xmax must not be of lockers only.
func updater(v view, h tuple.Header) ids.Xid {
	if h.Infomask()&tuple.XmaxIsMulti != 0 {
		return v.updateMember(h.Multi())
	}
	return h.Xmax()
}

// Satisfies reports whether the snapshot sees the tuple.
func (sn *Snapshot) Satisfies(h tuple.Header) (visible, hinted bool) {
	m := h.Infomask()
	if m&tuple.XminCommitted == 0 {
		return sn.satisfiesUnhinted(h)
	}
	if m&tuple.XminInvalid == 0 {
		if x := h.Xmin(); x >= sn.Xmin && sn.inProgress(x) {
			return false, false
		}
	}
	if m&tuple.XmaxInvalid != 0 {
		return true, false
	}
	return sn.satisfiesXmax(h)
}

func (sn *Snapshot) satisfiesUnhinted(h tuple.Header) (visible, hinted bool) {
	v := sn.view
	if h.XminInvalid() {
		return false, false
	}
	x := h.Xmin()
	if v.IsCurrent(x) {
		return sn.satisfiesOwn(h)
	}
	if sn.inProgress(x) {
		return false, false
	}
	ok, hinted := xminOutcome(v, h)
	if !ok {
		return false, hinted
	}
	visible, again := sn.satisfiesXmax(h)
	return visible, hinted || again
}

// satisfiesOwn decides about a tuple that this transaction inserted.
func (sn *Snapshot) satisfiesOwn(h tuple.Header) (visible, hinted bool) {
	v, m := sn.view, h.Infomask()
	switch {
	case v.Cmin(h) >= sn.CurCid:
		return false, false // inserted by a later command
	case m&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(m):
		return true, false
	case !v.IsCurrent(updater(v, h)):
		// Who deleted it was a subtransaction of this one, and has aborted.
		return true, m&tuple.XmaxIsMulti == 0 && setHint(v, h, tuple.XmaxInvalid, 0)
	}
	return v.Cmax(h) >= sn.CurCid, false
}

// satisfiesXmax decides about a tuple whose insertion the snapshot sees.
func (sn *Snapshot) satisfiesXmax(h tuple.Header) (visible, hinted bool) {
	v, m := sn.view, h.Infomask()
	if m&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(m) {
		return true, false
	}
	x := updater(v, h)
	multi := m&tuple.XmaxIsMulti != 0
	if m&tuple.XmaxCommitted != 0 && !multi {
		return sn.inProgress(x), false
	}
	switch {
	case v.IsCurrent(x):
		return v.Cmax(h) >= sn.CurCid, false // deleted by a later command: still there
	case sn.inProgress(x):
		return true, false
	case v.didCommit(x):
		return false, !multi && setHint(v, h, tuple.XmaxCommitted, x)
	}
	return true, !multi && setHint(v, h, tuple.XmaxInvalid, 0)
}

// Dirty is what SatisfiesDirty found in progress.
type Dirty struct {
	Xmin, Xmax ids.Xid // in-progress inserter, or deleter, to wait for; 0 if none
	SpecToken  uint32  // nonzero: the inserter is speculative, wait for the token
}

// SatisfiesSelf reports whether the tuple is there for this transaction right now, changes of the current command included.
func (s *Session) SatisfiesSelf(h tuple.Header) (visible, hinted bool) {
	visible, d, hinted := satisfiesNow(s, h)
	if d.Xmin != 0 {
		visible = false // somebody else's insertion in progress
	}
	return visible, hinted
}

// SatisfiesDirty is SatisfiesSelf that also sees what is in progress: insertions of others count, deletions of
// others do not yet, and d names them.
func (s *Session) SatisfiesDirty(h tuple.Header) (visible bool, d Dirty, hinted bool) {
	return satisfiesNow(s, h)
}

func satisfiesNow(v view, h tuple.Header) (visible bool, d Dirty, hinted bool) {
	m := h.Infomask()
	if m&tuple.XminCommitted == 0 {
		if h.XminInvalid() {
			return false, d, false
		}
		switch x := h.Xmin(); {
		case v.IsCurrent(x):
			visible, hinted = ownIsThere(v, h)
			return visible, d, hinted
		case v.isInProgress(x):
			d.Xmin = x
			if h.IsSpeculative() {
				d.SpecToken = uint32(h.Ctid().Block)
			}
			return true, d, false
		default:
			var ok bool
			if ok, hinted = xminOutcome(v, h); !ok {
				return false, d, hinted
			}
		}
	}
	visible, deleter, again := deletedNow(v, h)
	d.Xmax = deleter
	return visible, d, hinted || again
}

// ownIsThere decides, as of now, about a tuple that this transaction inserted.
func ownIsThere(v view, h tuple.Header) (there, hinted bool) {
	m := h.Infomask()
	if m&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(m) {
		return true, false
	}
	if v.IsCurrent(updater(v, h)) {
		return false, false
	}
	return true, m&tuple.XmaxIsMulti == 0 && setHint(v, h, tuple.XmaxInvalid, 0)
}

// deletedNow decides, as of now, about a tuple whose insertion has committed. deleter is another transaction that is
// about to delete it.
func deletedNow(v view, h tuple.Header) (there bool, deleter ids.Xid, hinted bool) {
	m := h.Infomask()
	locked, multi := tuple.XmaxIsLockedOnly(m), m&tuple.XmaxIsMulti != 0
	switch {
	case m&tuple.XmaxInvalid != 0 || locked && (multi || m&tuple.XmaxCommitted != 0):
		return true, 0, false
	case m&tuple.XmaxCommitted != 0 && !multi:
		return false, 0, false
	}
	x := updater(v, h)
	switch {
	case v.IsCurrent(x):
		return locked, 0, false
	case v.isInProgress(x):
		if locked {
			return true, 0, false
		}
		return true, x, false
	case multi:
		return !v.didCommit(x), 0, false
	case !v.didCommit(x) || locked:
		return true, 0, setHint(v, h, tuple.XmaxInvalid, 0)
	}
	return false, 0, setHint(v, h, tuple.XmaxCommitted, x)
}

// SatisfiesAny sees every tuple.
func SatisfiesAny(tuple.Header) bool { return true }

// SatisfiesToast reports whether a chunk of a toasted value is there. Whether the value is wanted was decided when the row
// that points to it was found visible, so only insertions that never came to be are left out.
func (s *Session) SatisfiesToast(h tuple.Header) (visible, hinted bool) {
	m := h.Infomask()
	if m&tuple.XminCommitted != 0 {
		return true, false
	}
	return !h.XminInvalid() && h.Xmin() != ids.InvalidXid, false
}
