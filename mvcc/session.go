package mvcc

import (
	"slices"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/ssi"
	"gompho/stats"
	"gompho/wal"
)

// Isolation is a transaction's isolation level.
type Isolation uint8

// The isolation levels, with PostgreSQL's numbers.
const (
	ReadUncommitted Isolation = iota // runs as ReadCommitted
	ReadCommitted
	RepeatableRead
	Serializable
)

// String returns the level as SHOW transaction_isolation does.
func (i Isolation) String() string {
	return [...]string{"read uncommitted", "read committed", "repeatable read", "serializable"}[i]
}

// UsesOneSnapshot reports whether all statements of the transaction see the same snapshot.
func (i Isolation) UsesOneSnapshot() bool { return i >= RepeatableRead }

// BeginOpts are the characteristics of a transaction.
type BeginOpts struct {
	Isolation  Isolation
	ReadOnly   bool
	Deferrable bool
}

// SubID numbers the subtransactions of a transaction from 2 up; the top transaction is 1. 0 is none.
type SubID uint32

// TopSubID is the SubID of the transaction itself.
const TopSubID SubID = 1

// Hook is told of the ends of transactions and commands of one session. Register it once for the session's life.
// Hooks are called in the order of registration.
type Hook interface {
	PreCommit() error                        // still inside the transaction; an error aborts it
	AtEnd(commit bool)                       // the transaction is over and its locks are gone
	AtSubEnd(sub, parent SubID, commit bool) // end of a subtransaction; on abort its locks are still held
	OnCommand()                              // the command counter was incremented
}

// LockedHook is a Hook that also acts when the outcome is visible to others but the locks are still held:
// the place to publish invalidations.
type LockedHook interface {
	Hook
	BeforeUnlock(commit bool)
}

// SessionOptions configure a session.
type SessionOptions struct {
	SyncCommit func() bool // synchronous_commit is not off; nil means true
}

// Session is one process's transaction state. Only the goroutine of that process calls its methods.
type Session struct {
	m     *Manager
	slot  *stats.Slot
	owner *locks.Owner
	opts  SessionOptions
	p     *proc
	hooks []Hook
	ser   *ssi.Xact // of a serializable transaction that has taken its snapshot, unless nothing can go wrong with it
	lxid  uint64    // last local id of a virtual transaction

	running    bool
	iso        Isolation
	readOnly   bool
	deferrable bool
	start      time.Time

	levels     []level   // [0] is the top transaction
	xids       []ids.Xid // of the transaction and its live subtransactions, ascending
	lastSub    SubID
	nSubs      int // subtransactions that got an id
	subs       []ids.Xid
	overflowed bool

	cid     ids.CommandID
	cidUsed bool
	combos  combos

	specToken uint32 // last one given out

	exported []string // names of snapshots, see Export
	files    []pendingFile
	maps     []Mapping // see MapFile
	usedTemp bool      // see NoteTemp
	snapshots

	// Companion is the side of the session that the catalog keeps: lower layers hand the transaction to functions that the catalog gave
	// them, and these find their session here.
	Companion any
}

// level is one open (sub)transaction.
type level struct {
	id       SubID
	xid      ids.Xid // 0 until its lock is held too
	given    ids.Xid // xid, or an id whose lock could not be taken yet: the table of locks was full
	mark     locks.Mark
	readOnly bool // to restore when a subtransaction ends
}

// pendingFile is a relation's file to unlink at the end of the transaction.
type pendingFile struct {
	file     ids.RelFile
	onCommit bool // dropped; else created, to be unlinked on abort
	level    int  // index in levels of the subtransaction that says so
}

// NewSession registers a process. owner is its side of the lock manager.
func (m *Manager) NewSession(slot *stats.Slot, owner *locks.Owner, opts SessionOptions) *Session {
	p := &proc{slot: slot}
	m.mu.Lock()
	if slot != nil {
		p.no = slot.Index + 1
	} else {
		m.vxProc--
		p.no = m.vxProc
	}
	m.procs = append(m.procs, p)
	lxid := m.lxids[p.no]
	m.mu.Unlock()
	return &Session{m: m, slot: slot, owner: owner, opts: opts, p: p, lxid: lxid}
}

// Worker returns a view of the transaction for a goroutine that helps the session and has its own slot: for reading only, while the
// session itself does nothing that changes its transaction state.
func (s *Session) Worker(slot *stats.Slot) *Session {
	c := *s
	c.slot, c.owner = slot, nil
	return &c
}

// Close aborts what runs and forgets the session.
func (s *Session) Close() {
	s.Abort()
	s.DropExports()
	m := s.m
	m.mu.Lock()
	if i := slices.Index(m.procs, s.p); i >= 0 {
		m.procs = slices.Delete(m.procs, i, i+1)
		if s.slot != nil {
			m.lxids[s.p.no] = s.lxid
		}
	}
	m.mu.Unlock()
}

// Manager returns the server's transaction state.
func (s *Session) Manager() *Manager { return s.m }

// Slot returns the process's slot.
func (s *Session) Slot() *stats.Slot { return s.slot }

// Locks returns the process's side of the lock manager.
func (s *Session) Locks() *locks.Owner { return s.owner }

// SetDatabase tells which database the session is connected to; horizons of others need not wait for it.
func (s *Session) SetDatabase(db ids.Oid) { s.p.db.Store(uint32(db)) }

// Database returns what SetDatabase set.
func (s *Session) Database() ids.Oid { return ids.Oid(s.p.db.Load()) }

// SetLazyVacuum tells that this transaction is a lazy vacuum, which reads nothing that needs a horizon to be held
// back. It ends with the transaction.
func (s *Session) SetLazyVacuum(on bool) { s.p.vacuum.Store(on) }

// SetBystander tells that this transaction finds no rows of tables by their indexes: it vacuums a table, builds an index that needs to look at
// one table only, or is autovacuum's. Whoever replaces an index need not wait for its snapshots (SnapshotsUpTo). It ends with the transaction.
func (s *Session) SetBystander(on bool) { s.p.bystander.Store(on) }

// AddHook registers a hook for the session's life.
func (s *Session) AddHook(h Hook) { s.hooks = append(s.hooks, h) }

// InTransaction reports whether a transaction runs.
func (s *Session) InTransaction() bool { return s.running }

// Isolation returns the level of the transaction.
func (s *Session) Isolation() Isolation { return s.iso }

// SetIsolation changes the level; only before the first snapshot (see HasSnapshot).
func (s *Session) SetIsolation(i Isolation) { s.iso = i }

// ReadOnly reports whether the (sub)transaction is read only.
func (s *Session) ReadOnly() bool { return s.readOnly }

// SetReadOnly changes it until the end of the (sub)transaction.
func (s *Session) SetReadOnly(b bool) { s.readOnly = b }

// Deferrable reports whether the transaction is deferrable.
func (s *Session) Deferrable() bool { return s.deferrable }

// SetDeferrable changes it.
func (s *Session) SetDeferrable(b bool) { s.deferrable = b }

// StartTime returns when the transaction began.
func (s *Session) StartTime() time.Time { return s.start }

// Vxid returns the virtual transaction id.
func (s *Session) Vxid() ids.VirtualXid {
	return ids.VirtualXid{Proc: s.p.no, Local: s.p.local.Load()}
}

// Begin starts a transaction.
func (s *Session) Begin(o BeginOpts) error {
	if s.running {
		return pgerr.Internal("StartTransaction: unexpected state in progress")
	}
	s.DropExports()
	s.running = true
	s.iso, s.readOnly, s.deferrable = o.Isolation, o.ReadOnly, o.Deferrable
	s.start = time.Now()
	s.levels = append(s.levels[:0], level{id: TopSubID})
	s.lastSub = TopSubID
	s.lxid++
	s.p.local.Store(s.lxid)
	if s.owner != nil {
		s.owner.SetVxid(s.Vxid())
	}
	return nil
}

// Commit ends the transaction, open subtransactions included. After an error it is still running and must be aborted.
//
// The order: hooks' PreCommit, commit record, flush, commit log, process array, hooks' BeforeUnlock, locks, hooks' AtEnd, files.
func (s *Session) Commit() error {
	if !s.running {
		return pgerr.Internal("CommitTransaction: no transaction in progress")
	}
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
	if len(s.files) > 0 || len(s.maps) > 0 {
		if _, err := s.AssignXid(); err != nil {
			return err
		}
	}
	if err := s.ser.PreCommit(); err != nil {
		return err
	}
	s.slot.HoldInterrupts()
	defer s.slot.ResumeInterrupts()
	drop := s.pendingFiles(true, 0)
	if len(s.xids) > 0 {
		s.recordCommit(drop)
	}
	s.finish(true)
	if len(drop) > 0 {
		s.m.unlink(drop)
	}
	return nil
}

// recordCommit is the critical section: once the record is in the log, the outcome must follow it.
func (s *Session) recordCommit(drop []ids.RelFile) {
	m := s.m
	r := endRecord{Xid: s.xids[0], Time: time.Now(), Subs: s.xids[1:], Files: drop, Maps: s.maps}
	payload := r.append(make([]byte, 0, 24+8*len(r.Subs)+12*len(drop)+12*len(s.maps)))
	sync := len(drop) > 0 || len(s.maps) > 0 || s.opts.SyncCommit == nil || s.opts.SyncCommit()
	m.gate.RLock()
	defer m.gate.RUnlock()
	lsn := m.log.InsertSimple(wal.XactCommit, r.Xid, payload)
	var async ids.LSN
	if sync {
		if err := m.log.Flush(s.slot, lsn); err != nil {
			// Whether the record will survive is unknown: nobody may see either outcome.
			panic(pgerr.From(err).WithSeverity(pgerr.Panic))
		}
	} else {
		async = lsn
		m.log.FlushAsync(lsn)
	}
	m.clog.set(s.slot, s.xids, bitsCommitted, async)
	if len(s.maps) > 0 {
		if err := m.remap(s.maps); err != nil {
			panic(pgerr.From(err).WithSeverity(pgerr.Panic)) // the record says what the files do not: redo writes them
		}
	}
}

// Abort ends the transaction without effect. Outside a transaction it does nothing.
func (s *Session) Abort() {
	if !s.running {
		return
	}
	s.slot.HoldInterrupts()
	defer s.slot.ResumeInterrupts()
	for i := len(s.levels) - 1; i > 0; i-- {
		for _, h := range s.hooks {
			h.AtSubEnd(s.levels[i].id, s.levels[i-1].id, false)
		}
	}
	drop := s.pendingFiles(false, 0)
	if len(s.xids) > 0 {
		r := endRecord{Xid: s.xids[0], Time: time.Now(), Subs: s.xids[1:], Files: drop}
		s.m.log.InsertSimple(wal.XactAbort, r.Xid, r.append(nil))
		s.m.clog.set(s.slot, s.xids, bitsAborted, 0)
	}
	s.finish(false)
	if len(drop) > 0 {
		s.m.unlink(drop)
	}
}

// finish makes the outcome visible, releases everything and leaves the session outside a transaction.
func (s *Session) finish(commit bool) {
	m := s.m
	s.endExports()
	if commit {
		s.DropExports()
	}
	if len(s.xids) > 0 {
		m.finish(s.slot, s.p, s.xids, s.overflowed)
	} else {
		s.p.xmin.Store(0)
	}
	if s.ser != nil {
		s.ser.Finish(commit, m.NextXid())
		s.ser = nil
	}
	s.forgetSubs()
	s.leave(commit)
	s.slot.Counters().EndTransaction(commit)
	for _, h := range s.hooks {
		h.AtEnd(commit)
	}
}

// leave releases what the transaction has besides its outcome; publish says that hooks publish what it has changed.
func (s *Session) leave(publish bool) {
	s.p.local.Store(0)
	s.p.oldestMulti.Store(0)
	s.p.vacuum.Store(false)
	s.p.bystander.Store(false)
	s.snapshots.reset()
	for _, h := range s.hooks {
		if l, ok := h.(LockedHook); ok {
			l.BeforeUnlock(publish)
		}
	}
	if s.owner != nil {
		for i := range s.levels {
			s.owner.Release(locks.TransactionTag(s.levels[i].xid), locks.Exclusive, true)
		}
		s.owner.ReleaseTransaction()
		s.owner.ClearVxid()
	}
	s.xids = s.xids[:0]
	s.levels = s.levels[:0]
	s.files, s.maps = s.files[:0], nil
	s.nSubs, s.overflowed = 0, false
	s.cid, s.cidUsed = 0, false
	s.combos.reset()
	s.usedTemp = false
	s.running = false
}

// forgetSubs drops the subtransactions from the map, now or when no snapshot can ask for them.
func (s *Session) forgetSubs() {
	if len(s.subs) == 0 {
		return
	}
	if s.overflowed {
		s.m.sub.retire(s.xids[0], s.subs)
		s.m.sub.purge(s.m.OldestXmin(0))
	} else {
		s.m.sub.forget(s.subs)
	}
	s.subs = s.subs[:0]
}

// Xid returns the id of the current (sub)transaction, 0 if it has none.
func (s *Session) Xid() ids.Xid {
	if n := len(s.levels); n > 0 {
		return s.levels[n-1].xid
	}
	return ids.InvalidXid
}

// TopXid returns the id of the top transaction, 0 if it has none.
func (s *Session) TopXid() ids.Xid {
	if len(s.levels) > 0 {
		return s.levels[0].xid
	}
	return ids.InvalidXid
}

// AssignXid returns the id of the current (sub)transaction and gives it one if need be, its parents first.
func (s *Session) AssignXid() (ids.Xid, error) {
	if x := s.Xid(); x != ids.InvalidXid {
		return x, nil
	}
	return s.assign(len(s.levels) - 1)
}

// AssignTopXid returns the id of the top transaction and gives it one if need be.
func (s *Session) AssignTopXid() (ids.Xid, error) {
	if x := s.TopXid(); x != ids.InvalidXid {
		return x, nil
	}
	return s.assign(0)
}

func (s *Session) assign(n int) (ids.Xid, error) {
	if n < 0 {
		return 0, pgerr.Internal("cannot assign a transaction id outside a transaction")
	}
	l := &s.levels[n]
	if l.xid != ids.InvalidXid {
		return l.xid, nil
	}
	if l.given != ids.InvalidXid {
		return s.lockXid(l) // a savepoint has outlived the error of the first attempt
	}
	listed := true
	var top ids.Xid
	if n > 0 {
		if _, err := s.assign(n - 1); err != nil {
			return 0, err
		}
		if listed = s.nSubs < s.m.maxSubs; !listed && !s.overflowed {
			s.overflowed = true
			s.m.overflow()
		}
		s.nSubs++
		top = s.levels[0].xid
	} else {
		s.p.oldestMulti.Store(uint64(s.m.NextMulti()))
	}
	x, err := s.m.assign(s.slot, s.p, top, listed)
	if err != nil {
		return 0, err
	}
	l.given = x
	s.xids = append(s.xids, x)
	if n > 0 {
		s.subs = append(s.subs, x)
	}
	s.ser.AddXid(x)
	return s.lockXid(l)
}

// lockXid takes the lock on the level's id, without which nobody may meet the id in a row: there would be nothing to wait for.
func (s *Session) lockXid(l *level) (ids.Xid, error) {
	if s.owner != nil {
		if err := s.owner.Acquire(locks.TransactionTag(l.given), locks.Exclusive, locks.Opts{Session: true}); err != nil {
			return 0, err
		}
	}
	l.xid = l.given
	return l.xid, nil
}

// IsCurrent reports whether x is this transaction or a subtransaction of it that is open or has committed.
func (s *Session) IsCurrent(x ids.Xid) bool {
	n := len(s.xids)
	if n == 0 || x < s.xids[0] || x > s.xids[n-1] {
		return false
	}
	return n == 1 || contains(s.xids, x)
}

// CreatedFile notes that the current (sub)transaction created the files of a relation: they go if it aborts.
func (s *Session) CreatedFile(f ids.RelFile) {
	s.files = append(s.files, pendingFile{f, false, len(s.levels) - 1})
}

// DropFile notes that the files of a relation are to be removed when the transaction commits.
func (s *Session) DropFile(f ids.RelFile) {
	s.files = append(s.files, pendingFile{f, true, len(s.levels) - 1})
}

// pendingFiles lists the files that go at a commit (or abort) of level n and those within it.
func (s *Session) pendingFiles(commit bool, n int) []ids.RelFile {
	var out []ids.RelFile
	for _, f := range s.files {
		if f.onCommit == commit && f.level >= n {
			out = append(out, f.file)
		}
	}
	return out
}

// MadeFile reports whether the current (sub)transaction created the files of a relation.
func (s *Session) MadeFile(f ids.RelFile) bool {
	for _, p := range s.files {
		if p.file == f && !p.onCommit && p.level == len(s.levels)-1 {
			return true
		}
	}
	return false
}
