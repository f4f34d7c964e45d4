package mvcc

import (
	"slices"
	"sync"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/ssi"
	"gompho/stats"
	"gompho/wal"
)

// Prepared transactions. PREPARE TRANSACTION writes all that is needed to finish the transaction into one record, and takes the transaction
// from its session: its ids stay in the process array under an entry that has no process, its locks go to an owner without one. A checkpoint
// copies what is then prepared into files, one each, for the log before its redo position will not be read again.
//
//  1. The record is on disk before anybody can see the transaction as prepared; from the record until then the gate is held, so that a
//     checkpoint whose redo position is behind the record knows of the transaction.
//  2. A file is written only for a transaction that is prepared, and under filesMu, under which it also goes: no file is made of a transaction
//     that is over. One that a crash left behind has an outcome in the commit log; the next start removes it.
//  3. Finishing writes a record, then the commit log, then lets others see the outcome, in the order of Session.Commit.

// maxGid is the length of identifiers that is too long, in bytes.
const maxGid = 200

// Prepared is a transaction that was prepared and is not finished.
type Prepared struct {
	Gid   string
	Xid   ids.Xid
	At    time.Time // of PREPARE TRANSACTION
	Owner ids.Oid   // role that prepared
	DB    ids.Oid

	subs        []ids.Xid
	onCommit    []ids.RelFile // files that go when it commits
	onAbort     []ids.RelFile // files that go when it is rolled back
	oldestMulti ids.MultiXactID
	held        []locks.Held
	serial      []byte // see ssi.Prepared; nil: not serializable
	counts      []byte // see stats.Pending
	catalog     []byte // invalidations, as the session's PreparedHook gave them

	// Under prepares.mu.
	valid  bool // else its PREPARE TRANSACTION still runs
	busy   bool // somebody is finishing it
	onDisk bool // has a file; also under prepares.filesMu

	overflowed bool
	proc       *proc
	locks      *locks.Owner
	ser        *ssi.Xact
}

// prepares are the prepared transactions of a server.
type prepares struct {
	max        int
	dir        string
	files      Files
	invalidate func(db ids.Oid, catalog []byte)

	mu    sync.Mutex // byXid, and what Prepared says
	byXid map[ids.Xid]*Prepared

	filesMu sync.Mutex // held while a state file is written or removed; before mu
}

// PreparedHook is a Hook whose part of a transaction must survive PREPARE TRANSACTION. At the end it is BeforeUnlock(false) that is called.
type PreparedHook interface {
	Hook
	UsesTemp() (bool, error) // the transaction has to do with temporary objects
	AtPrepare() []byte       // what Manager.OnInvalidate's function gets when the transaction commits
}

// OnInvalidate sets what publishes the invalidations of a prepared transaction that commits; before the first session.
func (m *Manager) OnInvalidate(f func(db ids.Oid, catalog []byte)) { m.prep.invalidate = f }

// NoteTemp tells that the transaction has to do with temporary objects, so that it cannot be prepared.
func (s *Session) NoteTemp() { s.usedTemp = true }

// Prepare is PREPARE TRANSACTION: afterwards the session is outside a transaction. After an error it is still in it, and must abort.
func (s *Session) Prepare(gid string, role ids.Oid) error {
	if !s.running {
		return pgerr.Internal("PrepareTransaction: no transaction in progress")
	}
	if err := s.beforePrepare(); err != nil {
		return err
	}
	p := &Prepared{Gid: gid, Xid: s.TopXid(), At: time.Now(), Owner: role, DB: s.Database(), proc: &proc{}}
	if err := s.m.reserve(p); err != nil {
		return err
	}
	if err := s.collect(p); err != nil {
		s.m.forgetPrepared(p)
		if p.locks != nil {
			p.locks.ClosePrepared()
		}
		return err
	}
	s.slot.HoldInterrupts()
	defer s.slot.ResumeInterrupts()
	s.recordPrepare(p)
	s.leavePrepared()
	return nil
}

// beforePrepare does what a commit does before its point of no return, and refuses what cannot be prepared.
func (s *Session) beforePrepare() error {
	for len(s.levels) > 1 {
		if err := s.CommitSub(); err != nil {
			return err
		}
	}
	for _, h := range s.hooks {
		if err := h.PreCommit(); err != nil {
			return err
		}
	}
	if err := s.ser.PreCommit(); err != nil {
		return err
	}
	temp := s.usedTemp
	for _, h := range s.hooks {
		if ph, ok := h.(PreparedHook); ok && !temp {
			var err error
			if temp, err = ph.UsesTemp(); err != nil {
				return err
			}
		}
	}
	if temp {
		return pgerr.NotSupported("cannot PREPARE a transaction that has operated on temporary objects")
	}
	if len(s.maps) > 0 {
		return pgerr.NotSupported("cannot PREPARE a transaction that modified relation mapping")
	}
	if len(s.exported) > 0 {
		return pgerr.NotSupported("cannot PREPARE a transaction that has exported snapshots")
	}
	_, err := s.AssignXid()
	return err
}

// reserve takes the identifier.
func (m *Manager) reserve(p *Prepared) error {
	r := &m.prep
	switch {
	case len(p.Gid) >= maxGid:
		return pgerr.New(pgerr.InvalidParameterValue, "transaction identifier \"%s\" is too long", p.Gid)
	case r.max == 0:
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "prepared transactions are disabled").
			WithHint("Set max_prepared_transactions to a nonzero value.")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.byXid {
		if q.Gid == p.Gid {
			return pgerr.New(pgerr.DuplicateObject, "transaction identifier \"%s\" is already in use", p.Gid)
		}
	}
	if len(r.byXid) >= r.max {
		return r.full()
	}
	r.byXid[p.Xid] = p
	return nil
}

func (r *prepares) full() error {
	return pgerr.New(pgerr.OutOfMemory, "maximum number of prepared transactions reached").
		WithHint("Increase max_prepared_transactions (currently %d).", r.max)
}

func (m *Manager) forgetPrepared(p *Prepared) {
	m.prep.mu.Lock()
	delete(m.prep.byXid, p.Xid)
	m.prep.mu.Unlock()
}

// collect fills in what the transaction has.
func (s *Session) collect(p *Prepared) (err error) {
	p.subs = slices.Clone(s.xids[1:])
	p.onCommit, p.onAbort = s.pendingFiles(true, 0), s.pendingFiles(false, 0)
	p.oldestMulti = ids.MultiXactID(s.p.oldestMulti.Load())
	p.overflowed = s.overflowed
	for _, h := range s.hooks {
		if ph, ok := h.(PreparedHook); ok {
			p.catalog = append(p.catalog, ph.AtPrepare()...)
		}
	}
	if s.ser != nil {
		p.serial = s.ser.State().Append(nil)
	}
	if s.owner != nil {
		p.locks = s.m.locks.NewPrepared(p.Xid)
		if p.held, err = s.owner.PreparedLocks(); err != nil {
			return err
		}
	}
	if n := p.size(); n > wal.MaxRecordSize-1024 {
		return pgerr.New(pgerr.ProgramLimitExceeded, "two-phase state file maximum length exceeded")
	}
	return nil
}

// recordPrepare is the critical section: the record, and all that it means, by the time that a checkpoint can look.
func (s *Session) recordPrepare(p *Prepared) {
	m := s.m
	p.counts = s.slot.Counters().Prepare()
	m.gate.RLock()
	defer m.gate.RUnlock()
	lsn := m.log.InsertSimple(wal.XactPrepare, p.Xid, p.append(nil))
	if err := m.log.Flush(s.slot, lsn); err != nil {
		// As with a commit: whether the record will survive is unknown.
		panic(pgerr.From(err).WithSeverity(pgerr.Panic))
	}
	p.proc.xid.Store(uint64(p.Xid))
	p.proc.db.Store(uint32(p.DB))
	p.proc.oldestMulti.Store(uint64(p.oldestMulti))
	m.mu.Lock()
	m.procs = append(m.procs, p.proc)
	s.p.xid.Store(0)
	m.mu.Unlock()
	p.ser = s.ser
	p.ser.Detach()
	if s.owner != nil {
		s.owner.HandOver(p.locks)
	}
	m.prep.mu.Lock()
	p.valid = true
	m.prep.mu.Unlock()
}

// leavePrepared leaves the session outside a transaction, whose ids, files and locks are no longer its own.
func (s *Session) leavePrepared() {
	s.ser, s.subs = nil, nil
	s.xids = nil
	s.p.xmin.Store(0)
	s.leave(false)
	for _, h := range s.hooks {
		h.AtEnd(true)
	}
}

// Prepared lists the prepared transactions, for pg_prepared_xacts, by transaction id.
func (m *Manager) Prepared() []Prepared {
	r := &m.prep
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Prepared
	for _, p := range r.byXid {
		if p.valid {
			out = append(out, Prepared{Gid: p.Gid, Xid: p.Xid, At: p.At, Owner: p.Owner, DB: p.DB})
		}
	}
	slices.SortFunc(out, func(a, b Prepared) int {
		if a.Xid < b.Xid {
			return -1
		}
		return 1
	})
	return out
}

// PreparedFiles returns the files that prepared transactions have made or will remove: the catalogs may not tell of them, but they have an owner.
func (m *Manager) PreparedFiles() map[ids.RelFile]bool {
	r := &m.prep
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[ids.RelFile]bool{}
	for _, p := range r.byXid {
		for _, f := range p.onCommit {
			out[f] = true
		}
		for _, f := range p.onAbort {
			out[f] = true
		}
	}
	return out
}

// ClaimPrepared finds the prepared transaction of an identifier for FinishPrepared, which the caller must call then, as the role user in database db. Errors: 55000 when
// somebody else finishes it just now, 42501, 0A000 for one of another database, 42704.
func (m *Manager) ClaimPrepared(gid string, user, db ids.Oid, super bool) (*Prepared, error) {
	r := &m.prep
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.byXid {
		switch {
		case !p.valid || p.Gid != gid:
			continue
		case p.busy:
			return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "prepared transaction with identifier \"%s\" is busy", gid)
		case user != p.Owner && !super:
			return nil, pgerr.New(pgerr.InsufficientPrivilege, "permission denied to finish prepared transaction").
				WithHint("Must be superuser or the user that prepared the transaction.")
		case db != p.DB:
			return nil, pgerr.NotSupported("prepared transaction belongs to another database").
				WithHint("Connect to the database where the transaction was prepared to finish it.")
		}
		p.busy = true
		return p, nil
	}
	return nil, pgerr.New(pgerr.UndefinedObject, "prepared transaction with identifier \"%s\" does not exist", gid)
}

// FinishPrepared is COMMIT PREPARED and ROLLBACK PREPARED of a transaction that the caller has claimed.
func (m *Manager) FinishPrepared(slot *stats.Slot, p *Prepared, commit bool) {
	slot.HoldInterrupts()
	defer slot.ResumeInterrupts()
	drop := p.onAbort
	if commit {
		drop = p.onCommit
	}
	m.recordFinish(slot, p, drop, commit)
	m.finish(slot, p.proc, p.xids(), p.overflowed)
	p.ser.Finish(commit, m.NextXid())
	m.mu.Lock()
	if i := slices.Index(m.procs, p.proc); i >= 0 {
		m.procs = slices.Delete(m.procs, i, i+1)
	}
	m.mu.Unlock()
	if p.overflowed {
		m.sub.retire(p.Xid, p.subs)
		m.sub.purge(m.OldestXmin(0))
	} else {
		m.sub.forget(p.subs)
	}
	slot.Counters().FinishPrepared(p.counts, commit)
	if commit && len(p.catalog) > 0 && m.prep.invalidate != nil {
		m.prep.invalidate(p.DB, p.catalog)
	}
	if p.locks != nil {
		p.locks.ClosePrepared()
	}
	if len(drop) > 0 {
		m.unlink(drop)
	}
	m.removeState(p)
}

func (p *Prepared) xids() []ids.Xid { return append([]ids.Xid{p.Xid}, p.subs...) }

// recordFinish is the critical section of FinishPrepared.
func (m *Manager) recordFinish(slot *stats.Slot, p *Prepared, drop []ids.RelFile, commit bool) {
	kind, bits := wal.XactAbortPrepared, uint64(bitsAborted)
	if commit {
		kind, bits = wal.XactCommitPrepared, bitsCommitted
	}
	r := endRecord{Xid: p.Xid, Time: time.Now(), Subs: p.subs, Files: drop}
	m.gate.RLock()
	defer m.gate.RUnlock()
	if err := m.log.Flush(slot, m.log.InsertSimple(kind, p.Xid, r.append(nil))); err != nil {
		panic(pgerr.From(err).WithSeverity(pgerr.Panic))
	}
	m.clog.set(slot, p.xids(), bits, 0)
}
