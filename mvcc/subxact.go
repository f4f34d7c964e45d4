package mvcc

import (
	"slices"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/wal"
)

// SubID returns the id of the current (sub)transaction, 0 outside a transaction.
func (s *Session) SubID() SubID {
	if n := len(s.levels); n > 0 {
		return s.levels[n-1].id
	}
	return 0
}

// NestingLevel returns 1 in the top transaction, one more in each subtransaction, 0 outside a transaction.
func (s *Session) NestingLevel() int { return len(s.levels) }

// BeginSub starts a subtransaction. It gets a transaction id only when it changes something.
func (s *Session) BeginSub() (SubID, error) {
	if !s.running {
		return 0, pgerr.Internal("BeginSubTransaction: no transaction in progress")
	}
	if s.lastSub == ^SubID(0) {
		return 0, pgerr.New(pgerr.ProgramLimitExceeded, "cannot have more than 2^32-1 subtransactions in a transaction")
	}
	s.lastSub++
	l := level{id: s.lastSub, readOnly: s.readOnly}
	if s.owner != nil {
		l.mark = s.owner.Mark()
	}
	s.levels = append(s.levels, l)
	s.slot.Counters().BeginSub()
	return l.id, nil
}

// CommitSub ends the current subtransaction; its effects become its parent's.
func (s *Session) CommitSub() error {
	n := len(s.levels) - 1
	if n < 1 {
		return pgerr.Internal("CommitSubTransaction: no subtransaction in progress")
	}
	l := s.levels[n]
	if s.owner != nil {
		s.owner.MergeMark(l.mark)
		if l.xid != ids.InvalidXid {
			// Whoever waits for it goes on to wait for the top transaction.
			s.owner.Release(locks.TransactionTag(l.xid), locks.Exclusive, true)
		}
	}
	for i := range s.files {
		s.files[i].level = min(s.files[i].level, n-1)
	}
	s.snapshots.commitLevel(n)
	s.readOnly = l.readOnly
	s.levels = s.levels[:n]
	s.slot.Counters().EndSub(true)
	for _, h := range s.hooks {
		h.AtSubEnd(l.id, s.levels[n-1].id, true)
	}
	return nil
}

// AbortSub undoes the current subtransaction. At the top level it does nothing.
func (s *Session) AbortSub() {
	n := len(s.levels) - 1
	if n < 1 {
		return
	}
	s.slot.HoldInterrupts()
	defer s.slot.ResumeInterrupts()
	l := s.levels[n]
	drop := s.pendingFiles(false, n)
	var xids []ids.Xid
	if l.given != ids.InvalidXid {
		// Parents get their ids before their children, so what is not older than this level's id belongs to it.
		i, _ := slices.BinarySearch(s.xids, l.given)
		xids = slices.Clone(s.xids[i:])
		s.xids = s.xids[:i]
		r := endRecord{Xid: xids[0], Time: time.Now(), Subs: xids[1:], Files: drop}
		s.m.log.InsertSimple(wal.XactAbort, r.Xid, r.append(nil))
		s.m.clog.set(s.slot, xids, bitsAborted, 0)
		s.m.finish(s.slot, nil, xids, false)
		s.m.sub.forget(xids) // else those that are not listed would go on with their top transaction
	}
	for _, x := range xids {
		s.ser.DropXid(x)
	}
	s.files = slices.DeleteFunc(s.files, func(f pendingFile) bool { return f.level >= n })
	s.dropLevel(n)
	s.settleXmin()
	for _, h := range s.hooks {
		h.AtSubEnd(l.id, s.levels[n-1].id, false)
	}
	if s.owner != nil {
		s.owner.Release(locks.TransactionTag(l.xid), locks.Exclusive, true)
		s.owner.ReleaseToMark(l.mark)
	}
	s.readOnly = l.readOnly
	s.levels = s.levels[:n]
	s.slot.Counters().EndSub(false)
	if len(drop) > 0 {
		s.m.unlink(drop)
	}
}
