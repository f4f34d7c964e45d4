package mvcc

import (
	"slices"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/stats"
)

// WaitForXid waits until x is over; of a subtransaction, until its outcome is decided. Errors are those of waiting for a
// lock: 40P01, 55P03, 57014.
func (s *Session) WaitForXid(x ids.Xid) error {
	_, err := s.waitForXid(x, false)
	return err
}

// TryWaitForXid reports whether x is over, without waiting.
func (s *Session) TryWaitForXid(x ids.Xid) (bool, error) { return s.waitForXid(x, true) }

func (s *Session) waitForXid(x ids.Xid, noWait bool) (bool, error) {
	for s.m.IsInProgress(x) {
		tag := locks.TransactionTag(x)
		if noWait {
			ok, err := s.owner.TryAcquire(tag, locks.Share, false)
			if err != nil || !ok {
				return false, err
			}
		} else if err := s.owner.Acquire(tag, locks.Share, locks.Opts{}); err != nil {
			return false, err
		}
		s.owner.Release(tag, locks.Share, false)
		if top := s.m.sub.top(x); top != x && s.m.IsInProgress(x) {
			x = top // the lock on a subtransaction may be gone before its top transaction is over
		}
	}
	return true, nil
}

// WaitForMulti waits for the members of id that conflict with what status amounts to. remaining is how many others, which
// do not conflict, still run, this transaction included. With noWait ok is false if a conflicting one runs.
func (s *Session) WaitForMulti(id ids.MultiXactID, status MemberStatus, noWait bool) (remaining int, ok bool, err error) {
	ms, err := s.m.multi.get(s.slot, id)
	if err != nil {
		return 0, false, err
	}
	for _, mb := range ms {
		switch {
		case s.IsCurrent(mb.Xid):
			remaining++
		case !mb.Status.Strength().Conflicts(status.Strength()):
			if s.m.IsInProgress(mb.Xid) {
				remaining++
			}
		default:
			if over, err := s.waitForXid(mb.Xid, noWait); err != nil || !over {
				return remaining, false, err
			}
		}
	}
	return remaining, true, nil
}

// MultiCreate makes a multixact of two transactions that hold a row together.
func (s *Session) MultiCreate(a, b Member) (ids.MultiXactID, error) {
	return s.m.createMulti(s.slot, []Member{a, b})
}

// MultiExpand makes a multixact of the members of id that still matter (running, or having changed the row) and m.
// It returns id itself when m is in it.
func (s *Session) MultiExpand(id ids.MultiXactID, m Member) (ids.MultiXactID, error) {
	old, err := s.m.multi.get(s.slot, id)
	if err != nil {
		return 0, err
	}
	if slices.Contains(old, m) {
		return id, nil
	}
	ms := make([]Member, 0, len(old)+1)
	for _, o := range old {
		if s.m.IsInProgress(o.Xid) || o.Status.IsUpdate() && s.m.didCommit(s.slot, o.Xid) {
			ms = append(ms, o)
		}
	}
	return s.m.createMulti(s.slot, append(ms, m))
}

// MultiFromMembers makes a multixact of ms, for a vacuum that drops members from an old one. ms is given away.
func (s *Session) MultiFromMembers(ms []Member) (ids.MultiXactID, error) {
	return s.m.createMulti(s.slot, ms)
}

func (m *Manager) createMulti(slot *stats.Slot, ms []Member) (ids.MultiXactID, error) {
	slices.SortFunc(ms, func(a, b Member) int {
		switch pa, pb := a.pack(), b.pack(); {
		case pa < pb:
			return -1
		case pa > pb:
			return 1
		}
		return 0
	})
	if len(ms) > maxMembers {
		return 0, corrupt("multixact with %d members", len(ms))
	}
	m.gate.RLock()
	defer m.gate.RUnlock()
	return m.multi.create(slot, ms)
}

// BeginSpeculative starts a speculative insertion (ON CONFLICT): it takes the lock on a new token, which goes into the
// tuple's ctid, until EndSpeculative. Others who meet the tuple wait for the token, not for the transaction.
func (s *Session) BeginSpeculative() (token uint32, err error) {
	x, err := s.AssignXid()
	if err != nil {
		return 0, err
	}
	if s.specToken++; s.specToken == 0 {
		s.specToken = 1 // 0 means none
	}
	err = s.owner.Acquire(locks.SpecTokenTag(x, s.specToken), locks.Exclusive, locks.Opts{})
	return s.specToken, err
}

// EndSpeculative lets those go on who wait for the token of the last BeginSpeculative.
func (s *Session) EndSpeculative() {
	s.owner.Release(locks.SpecTokenTag(s.Xid(), s.specToken), locks.Exclusive, false)
}

// WaitSpeculative waits until the speculative insertion of x is confirmed or taken back.
func (s *Session) WaitSpeculative(x ids.Xid, token uint32) error {
	tag := locks.SpecTokenTag(x, token)
	if err := s.owner.Acquire(tag, locks.Share, locks.Opts{}); err != nil {
		return err
	}
	s.owner.Release(tag, locks.Share, false)
	return nil
}
