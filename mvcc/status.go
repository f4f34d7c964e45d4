package mvcc

import (
	"gompho/internal/ids"
	"gompho/storage/tuple"
)

// Verdict is what UpdateStatus says about a tuple that a command wants to change: PostgreSQL's TM_Result.
type Verdict uint8

// Verdicts.
const (
	TMOk            Verdict = iota // go ahead
	TMInvisible                    // not there for this command
	TMSelfModified                 // changed by this transaction after the command began
	TMUpdated                      // another transaction replaced it; ctid leads on
	TMDeleted                      // another transaction deleted it
	TMBeingModified                // changed or locked by a running transaction: look at xmax
)

// VacuumVerdict is what VacuumStatus says about a tuple: PostgreSQL's HTSV_Result.
type VacuumVerdict uint8

// Verdicts.
const (
	VacuumDead             VacuumVerdict = iota // nobody can see it
	VacuumLive                                  // there
	VacuumRecentlyDead                          // deleted, but somebody may see it
	VacuumInsertInProgress                      // its inserter runs
	VacuumDeleteInProgress                      // its deleter runs
)

// UpdateStatus tells whether the command cid may update, delete or lock the tuple at self.
func (s *Session) UpdateStatus(h tuple.Header, self ids.TID, cid ids.CommandID) (v Verdict, hinted bool) {
	return updateStatus(s, h, self, cid)
}

func updateStatus(v view, h tuple.Header, self ids.TID, cid ids.CommandID) (verdict Verdict, hinted bool) {
	if h.Infomask()&tuple.XminCommitted == 0 {
		if h.XminInvalid() {
			return TMInvisible, false
		}
		x := h.Xmin()
		if v.IsCurrent(x) {
			return updateOwn(v, h, cid)
		}
		if v.isInProgress(x) {
			return TMInvisible, false
		}
		var ok bool
		if ok, hinted = xminOutcome(v, h); !ok {
			return TMInvisible, hinted
		}
	}
	verdict, again := updateXmax(v, h, self, cid)
	return verdict, hinted || again
}

// updateOwn decides about a tuple that this transaction inserted.
func updateOwn(v view, h tuple.Header, cid ids.CommandID) (Verdict, bool) {
	m := h.Infomask()
	multi := m&tuple.XmaxIsMulti != 0
	if v.Cmin(h) >= cid {
		return TMInvisible, false
	}
	if m&tuple.XmaxInvalid != 0 {
		return TMOk, false
	}
	if tuple.XmaxIsLockedOnly(m) {
		if multi && v.multiRunning(h.Multi(), true) || !multi && v.isInProgress(h.Xmax()) {
			return TMBeingModified, false
		}
		return TMOk, false
	}
	if v.IsCurrent(updater(v, h)) {
		return ownChange(v, h, cid), false
	}
	// The deleter was a subtransaction of this one, and has aborted; in a multixact others may still hold locks.
	if !multi {
		return TMOk, setHint(v, h, tuple.XmaxInvalid, 0)
	}
	if v.multiRunning(h.Multi(), false) {
		return TMBeingModified, false
	}
	return TMOk, false
}

// ownChange tells a change by this transaction apart: by a command after cid, or before.
func ownChange(v view, h tuple.Header, cid ids.CommandID) Verdict {
	if v.Cmax(h) >= cid {
		return TMSelfModified
	}
	return TMInvisible
}

// updateXmax decides about a tuple whose insertion has committed.
func updateXmax(v view, h tuple.Header, self ids.TID, cid ids.CommandID) (Verdict, bool) {
	m := h.Infomask()
	locked := tuple.XmaxIsLockedOnly(m)
	switch {
	case m&tuple.XmaxInvalid != 0:
		return TMOk, false
	case m&tuple.XmaxIsMulti != 0:
		return updateMulti(v, h, self, cid, locked)
	case m&tuple.XmaxCommitted != 0:
		if locked {
			return TMOk, false
		}
		return gone(h, self), false
	}
	x := h.Xmax()
	switch {
	case v.IsCurrent(x) && locked:
		return TMBeingModified, false
	case v.IsCurrent(x):
		return ownChange(v, h, cid), false
	case v.isInProgress(x):
		return TMBeingModified, false
	case locked || !v.didCommit(x):
		return TMOk, setHint(v, h, tuple.XmaxInvalid, 0)
	}
	return gone(h, self), setHint(v, h, tuple.XmaxCommitted, x)
}

func updateMulti(v view, h tuple.Header, self ids.TID, cid ids.CommandID, locked bool) (Verdict, bool) {
	if !locked {
		x := updater(v, h)
		if v.IsCurrent(x) {
			return ownChange(v, h, cid), false
		}
		if !v.multiRunning(h.Multi(), false) && v.didCommit(x) {
			return gone(h, self), false
		}
	}
	if v.multiRunning(h.Multi(), locked) {
		return TMBeingModified, false
	}
	return TMOk, setHint(v, h, tuple.XmaxInvalid, 0)
}

// gone tells an update, which leads on, from a deletion.
func gone(h tuple.Header, self ids.TID) Verdict {
	if h.Ctid() != self {
		return TMUpdated
	}
	return TMDeleted
}

// managerView is the view of somebody who is in no transaction.
type managerView struct{ *Manager }

func (managerView) IsCurrent(ids.Xid) bool            { return false }
func (managerView) Cmin(h tuple.Header) ids.CommandID { return h.RawCid() }
func (managerView) Cmax(h tuple.Header) ids.CommandID { return h.RawCid() }
func (v managerView) isInProgress(x ids.Xid) bool     { return v.IsInProgress(x) }
func (v managerView) didCommit(x ids.Xid) bool        { return v.DidCommit(x) }
func (v managerView) topOf(x ids.Xid) ids.Xid         { return v.sub.top(x) }
func (v managerView) multiRunning(id ids.MultiXactID, l bool) bool {
	return v.MultiIsRunning(id, l)
}
func (v managerView) updateMember(id ids.MultiXactID) ids.Xid { return v.UpdateMember(id) }

// VacuumStatus tells what to do with a tuple when everything before oldestXmin is over for everybody. For VacuumRecentlyDead
// deadAfter is the deleting transaction: the tuple is dead for all once the horizon passes it.
func (m *Manager) VacuumStatus(h tuple.Header, oldestXmin ids.Xid) (v VacuumVerdict, deadAfter ids.Xid, hinted bool) {
	return vacuumStatus(managerView{m}, h, oldestXmin)
}

// VacuumStatus is Manager.VacuumStatus for a process in a transaction, which knows its own changes.
func (s *Session) VacuumStatus(h tuple.Header, oldestXmin ids.Xid) (v VacuumVerdict, deadAfter ids.Xid, hinted bool) {
	return vacuumStatus(s, h, oldestXmin)
}

func vacuumStatus(v view, h tuple.Header, oldestXmin ids.Xid) (verdict VacuumVerdict, deadAfter ids.Xid, hinted bool) {
	m := h.Infomask()
	if m&tuple.XminCommitted == 0 {
		if h.XminInvalid() {
			return VacuumDead, 0, false
		}
		x := h.Xmin()
		if v.IsCurrent(x) {
			if m&tuple.XmaxInvalid == 0 && !tuple.XmaxIsLockedOnly(m) && v.IsCurrent(updater(v, h)) {
				return VacuumDeleteInProgress, 0, false
			}
			return VacuumInsertInProgress, 0, false
		}
		if v.isInProgress(x) {
			return VacuumInsertInProgress, 0, false
		}
		var ok bool
		if ok, hinted = xminOutcome(v, h); !ok {
			return VacuumDead, 0, hinted
		}
	}
	verdict, x, again := vacuumXmax(v, h)
	if verdict == VacuumRecentlyDead && x < oldestXmin {
		return VacuumDead, x, hinted || again
	}
	return verdict, x, hinted || again
}

// vacuumXmax decides about a tuple whose insertion has committed.
func vacuumXmax(v view, h tuple.Header) (VacuumVerdict, ids.Xid, bool) {
	m := h.Infomask()
	multi := m&tuple.XmaxIsMulti != 0
	if m&tuple.XmaxInvalid != 0 {
		return VacuumLive, 0, false
	}
	if tuple.XmaxIsLockedOnly(m) {
		if m&tuple.XmaxCommitted != 0 || multi && v.multiRunning(h.Multi(), true) || !multi && v.isInProgress(h.Xmax()) {
			return VacuumLive, 0, false
		}
		return VacuumLive, 0, setHint(v, h, tuple.XmaxInvalid, 0)
	}
	x := updater(v, h)
	if m&tuple.XmaxCommitted != 0 && !multi {
		return VacuumRecentlyDead, x, false
	}
	switch {
	case v.isInProgress(x):
		return VacuumDeleteInProgress, 0, false
	case v.didCommit(x):
		return VacuumRecentlyDead, x, !multi && setHint(v, h, tuple.XmaxCommitted, x)
	case multi && v.multiRunning(h.Multi(), false):
		return VacuumLive, 0, false
	}
	return VacuumLive, 0, setHint(v, h, tuple.XmaxInvalid, 0)
}

// IsSurelyDead reports whether hint bits alone prove that nobody from oldestXmin on can see the tuple.
func (m *Manager) IsSurelyDead(h tuple.Header, oldestXmin ids.Xid) bool {
	i := h.Infomask()
	if i&tuple.XminCommitted == 0 {
		return h.XminInvalid()
	}
	return i&tuple.XmaxInvalid == 0 && !tuple.XmaxIsLockedOnly(i) && i&tuple.XmaxIsMulti == 0 &&
		i&tuple.XmaxCommitted != 0 && h.Xmax() < oldestXmin
}

// UpdateXid returns the transaction that updated or deleted a tuple, a multixact xmax resolved; 0 if it is only locked.
func (m *Manager) UpdateXid(h tuple.Header) ids.Xid {
	i := h.Infomask()
	if i&tuple.XmaxInvalid != 0 || tuple.XmaxIsLockedOnly(i) {
		return ids.InvalidXid
	}
	return updater(managerView{m}, h)
}
