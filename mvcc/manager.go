package mvcc

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/ssi"
	"gompho/stats"
)

// Status is the outcome of a transaction.
type Status uint8

// Outcomes. A transaction that was running when the server crashed is Aborted.
const (
	InProgress Status = iota
	Committed
	Aborted
)

// Options configure a Manager.
type Options struct {
	FS    Files
	Dir   string // of the cluster's data
	Log   Log
	Locks *locks.Manager
	Ssi   *ssi.Manager // nil: one of default size
	// State is where the last checkpoint left off; the zero value starts a new cluster.
	State State
	// Unlink removes the files of relations whose creation was undone or whose drop is final. It may be called during
	// redo for files that are gone already; an error is the callee's to log. nil: nothing to remove.
	Unlink func(files []ids.RelFile)
	// Remap makes new files of catalogs durable and known, when the transaction that made them has committed, and during redo,
	// then again and again. nil: there are no such transactions.
	Remap func([]Mapping) error
	// MaxPrepared is max_prepared_transactions.
	MaxPrepared int
}

// State is what a checkpoint record must hold of the transactions.
type State struct {
	NextXid      ids.Xid // next to assign
	XidLimit     ids.Xid // no id from here on was used, as the log knows
	OldestXid    ids.Xid // everything before is frozen
	OldestActive ids.Xid // first that was running
	NextMulti    ids.MultiXactID
	NextMember   uint64
	OldestMulti  ids.MultiXactID
}

// StateSize is the length of an encoded State in bytes.
const StateSize = 7 * 8

// Append encodes s after b.
func (s State) Append(b []byte) []byte {
	for _, v := range [...]uint64{uint64(s.NextXid), uint64(s.XidLimit), uint64(s.OldestXid), uint64(s.OldestActive),
		uint64(s.NextMulti), s.NextMember, uint64(s.OldestMulti)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// DecodeState is the inverse of Append.
func DecodeState(b []byte) (State, error) {
	if len(b) < StateSize {
		return State{}, badRecord("checkpoint")
	}
	v := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return State{NextXid: ids.Xid(v(0)), XidLimit: ids.Xid(v(1)), OldestXid: ids.Xid(v(2)), OldestActive: ids.Xid(v(3)),
		NextMulti: ids.MultiXactID(v(4)), NextMember: v(5), OldestMulti: ids.MultiXactID(v(6))}, nil
}

// Manager holds the transaction state of one server.
type Manager struct {
	log    Log
	locks  *locks.Manager
	ssi    *ssi.Manager
	unlink func([]ids.RelFile)
	remap  func([]Mapping) error
	clog   *commitLog
	multi  *multis
	sub    subtrans
	prep   prepares

	// gate is held shared from the insertion of a commit or multixact record until its effect is in the pages of
	// this package, and taken exclusively for a moment by a checkpoint that has chosen its redo position.
	gate sync.RWMutex

	// mu protects the process array: running, latest, next, procs, overflowed, exports, lxids. Held exclusively to assign an id and to end a
	// transaction that has one; never across I/O.
	mu         sync.RWMutex
	running    []ids.Xid // in progress, ascending; of each transaction at most maxCachedSubs subtransactions
	overflowed int       // running transactions with more
	next       ids.Xid   // to assign
	latest     ids.Xid   // greatest that is over
	procs      []*proc
	exports    map[string]*export // snapshots that have a name
	lxids      map[int32]uint64   // of processes that ended: the last local id, so that none comes again

	// snap is the snapshot of this moment, shared by all who ask; nil after a transaction with an id ended.
	snap        atomic.Pointer[snapData]
	completions atomic.Uint64 // transactions with an id that ended
	oldest      atomic.Uint64 // no running id is below

	gen       xidLimits
	oldestXid atomic.Uint64 // the commit log begins here
	vxProc    int32         // last number of a proc that has no slot; mu
	maxSubs   int           // subtransactions of a transaction that snapshots list
}

// proc is a session's entry in the process array. Its owner writes, anybody reads.
type proc struct {
	no          int32
	slot        *stats.Slot
	local       atomic.Uint64 // of the virtual transaction, 0 outside one
	xid         atomic.Uint64 // of the running top transaction
	xmin        atomic.Uint64 // nothing that a transaction from here on removed may be thrown away
	db          atomic.Uint32
	vacuum      atomic.Bool   // a lazy vacuum: its xmin holds nobody back
	bystander   atomic.Bool   // see Session.SetBystander
	oldestMulti atomic.Uint64 // it is a member of no older one
}

// Open makes a Manager from the files and the state of the last checkpoint. Replay what follows the checkpoint with Redo, then
// call Start.
func Open(o Options) (*Manager, error) {
	clog, err := openCommitLog(o.FS, o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	multi, err := openMultis(o.FS, o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	for _, s := range []*segments{clog.seg, multi.offsets.seg, multi.members.seg} {
		if err := s.verify(); err != nil {
			return nil, err
		}
	}
	if o.Ssi == nil {
		o.Ssi = ssi.NewManager(ssi.Options{})
	}
	m := &Manager{log: o.Log, locks: o.Locks, ssi: o.Ssi, unlink: o.Unlink, remap: o.Remap, clog: clog, multi: multi, maxSubs: maxCachedSubs,
		exports: map[string]*export{}, lxids: map[int32]uint64{}}
	if m.unlink == nil {
		m.unlink = func([]ids.RelFile) {}
	}
	m.sub.init()
	m.prep = prepares{max: o.MaxPrepared, dir: o.Dir + "/pg_twophase", files: o.FS, byXid: map[ids.Xid]*Prepared{}}
	if err := m.prep.load(); err != nil {
		return nil, err
	}
	s := o.State
	m.next = max(s.NextXid, ids.FirstNormalXid)
	m.gen.logged = max(s.XidLimit, m.next)
	m.oldestXid.Store(uint64(max(s.OldestXid, ids.FirstNormalXid)))
	multi.next = max(s.NextMulti, firstMulti)
	multi.nextMember = max(s.NextMember, 1)
	multi.oldest = max(s.OldestMulti, firstMulti)
	m.latest = m.next - 1
	m.oldest.Store(uint64(m.next))
	return m, nil
}

// Start makes the Manager ready for sessions. crashed tells that the log was replayed after a crash: then ids that
// may have been used without a trace are skipped. Transactions that are prepared run again, with their locks. Errors: 53200 when the settings leave no
// room for them.
func (m *Manager) Start(crashed bool) error {
	m.mu.Lock()
	if crashed {
		m.next = max(m.next, m.gen.logged)
	}
	m.gen.logged = m.next
	m.gen.durable.Store(uint64(m.next))
	m.latest = m.next - 1
	m.mu.Unlock()
	if err := m.recoverPrepared(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.running)
	oldest := m.next
	if len(m.running) > 0 {
		oldest = m.running[0]
	}
	m.oldest.Store(uint64(oldest))
	m.snap.Store(nil)
	return nil
}

// Close closes the files. Everything not flushed is lost; flush before.
func (m *Manager) Close() {
	m.clog.seg.close()
	m.multi.offsets.seg.close()
	m.multi.members.seg.close()
}

// CountSLRU adds what the files of transactions were used for since Open to the counters of their logs.
func (m *Manager) CountSLRU(out *[stats.NumSLRU]stats.SLRUCounts) {
	out[stats.SLRUXact] = m.clog.seg.counts.sum()
	out[stats.SLRUMultiXactOffset] = m.multi.offsets.seg.counts.sum()
	out[stats.SLRUMultiXactMember] = m.multi.members.seg.counts.sum()
}

// Locks returns the lock table in which sessions wait for transactions.
func (m *Manager) Locks() *locks.Manager { return m.locks }

// NextXid returns the id that the next transaction to need one will get.
func (m *Manager) NextXid() ids.Xid {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.next
}

// OldestXid returns the first id whose outcome is still on record.
func (m *Manager) OldestXid() ids.Xid { return ids.Xid(m.oldestXid.Load()) }

// NextMulti returns the id that the next multixact will get.
func (m *Manager) NextMulti() ids.MultiXactID {
	m.multi.mu.Lock()
	defer m.multi.mu.Unlock()
	return m.multi.next
}

// OldestMulti returns a multixact id of which no running transaction is a member of an older one: the cutoff
// below which a vacuum may replace multixacts.
func (m *Manager) OldestMulti() ids.MultiXactID {
	oldest := m.NextMulti()
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, p := range m.procs {
		if v := ids.MultiXactID(p.oldestMulti.Load()); v != 0 && v < oldest {
			oldest = v
		}
	}
	return oldest
}

// IsInProgress reports whether x, a transaction or subtransaction, is running.
func (m *Manager) IsInProgress(x ids.Xid) bool {
	if !x.IsNormal() || uint64(x) < m.oldest.Load() {
		return false
	}
	if d := m.snap.Load(); d != nil && x < d.xmax && !d.overflowed {
		return contains(d.xip, x)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if x >= m.next {
		return false
	}
	return contains(m.running, x) || m.overflowed > 0 && contains(m.running, m.sub.top(x))
}

// TopXid returns the running transaction that the subtransaction x is part of; x itself when it is none.
func (m *Manager) TopXid(x ids.Xid) ids.Xid { return m.sub.top(x) }

func contains(sorted []ids.Xid, x ids.Xid) bool {
	_, ok := slices.BinarySearch(sorted, x)
	return ok
}

// Status returns the outcome of x.
func (m *Manager) Status(x ids.Xid) Status {
	switch {
	case x == ids.InvalidXid:
		return Aborted
	case !x.IsNormal():
		return Committed
	case m.IsInProgress(x):
		return InProgress
	case m.DidCommit(x):
		return Committed
	}
	return Aborted
}

// DidCommit reports whether x committed. Ask IsInProgress (or a snapshot) first: of a running transaction it may know
// the end an instant too early.
func (m *Manager) DidCommit(x ids.Xid) bool { return m.didCommit(nil, x) }

// didCommit is DidCommit for the process of slot, which may have to wait for a page.
func (m *Manager) didCommit(slot *stats.Slot, x ids.Xid) bool {
	if !x.IsNormal() {
		return x != ids.InvalidXid
	}
	if uint64(x) < m.oldestXid.Load() {
		return true
	}
	return m.clog.get(slot, x) == bitsCommitted
}

// hintOK reports whether the commit of x is on disk, so that a hint bit that says so may get there.
func (m *Manager) hintOK(x ids.Xid) bool {
	lsn := m.clog.asyncLSN(x)
	return lsn == 0 || lsn <= m.log.FlushedTo()
}

// OldestXmin returns the horizon of a database: what transactions before it removed, no snapshot there can see.
// db 0 asks for the shared relations, which everybody reads.
func (m *Manager) OldestXmin(db ids.Oid) ids.Xid {
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := m.latest + 1
	for _, p := range m.procs {
		if p.vacuum.Load() {
			continue
		}
		if d := ids.Oid(p.db.Load()); db != 0 && d != 0 && d != db {
			continue
		}
		for _, v := range [2]uint64{p.xid.Load(), p.xmin.Load()} {
			if v != 0 && ids.Xid(v) < h {
				h = ids.Xid(v)
			}
		}
	}
	return h
}

// oldestActive returns the first running id, the next to assign if none runs.
func (m *Manager) oldestActive() ids.Xid {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.running) > 0 {
		return m.running[0]
	}
	return m.next
}

// ProcInfo is what the process array knows of a session.
type ProcInfo struct {
	PID       int32
	DB        ids.Oid
	Vxid      ids.VirtualXid // Local is 0 outside a transaction
	Xid, Xmin ids.Xid        // 0 for none
}

// Procs lists the sessions, for pg_stat_activity's backend_xid and backend_xmin.
func (m *Manager) Procs() []ProcInfo {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]ProcInfo, 0, len(m.procs))
	for _, p := range m.procs {
		i := ProcInfo{DB: ids.Oid(p.db.Load()), Xid: ids.Xid(p.xid.Load()), Xmin: ids.Xid(p.xmin.Load()),
			Vxid: ids.VirtualXid{Proc: p.no, Local: p.local.Load()}}
		if p.slot != nil {
			i.PID = p.slot.PID
		}
		out = append(out, i)
	}
	return out
}

// SnapshotsUpTo lists the virtual transactions of a database, except's own and bystanders left out, that hold a snapshot whose xmin is limit or
// before.
func (m *Manager) SnapshotsUpTo(limit ids.Xid, db ids.Oid, except *Session) (out []ids.VirtualXid) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, p := range m.procs {
		x, local := ids.Xid(p.xmin.Load()), p.local.Load()
		if p != except.p && x != 0 && x <= limit && local != 0 && !p.vacuum.Load() && !p.bystander.Load() && ids.Oid(p.db.Load()) == db {
			out = append(out, ids.VirtualXid{Proc: p.no, Local: local})
		}
	}
	return out
}

// SnapshotNow describes the running transactions as pg_current_snapshot does: xmin, xmax and the ids in between.
func (m *Manager) SnapshotNow() (xmin, xmax ids.Xid, xip []ids.Xid) {
	d := m.current()
	return d.xmin, d.xmax, d.xip
}

// MultiMembers returns the members of a multixact; none when it is truncated. Do not write to the result.
func (m *Manager) MultiMembers(id ids.MultiXactID) ([]Member, error) { return m.multi.get(nil, id) }

// MultiMembers is Manager.MultiMembers for the session's process.
func (s *Session) MultiMembers(id ids.MultiXactID) ([]Member, error) {
	return s.m.multi.get(s.slot, id)
}

func (m *Manager) mustMembers(slot *stats.Slot, id ids.MultiXactID) []Member {
	ms, err := m.multi.get(slot, id)
	if err != nil {
		panic(pgerr.From(err)) // as with the commit log: there is no answer to give
	}
	return ms
}

// MultiIsRunning reports whether a member of id is in progress. With lockOnly the caller knows that id holds lockers only.
func (m *Manager) MultiIsRunning(id ids.MultiXactID, lockOnly bool) bool {
	return m.multiIsRunning(nil, id)
}

func (m *Manager) multiIsRunning(slot *stats.Slot, id ids.MultiXactID) bool {
	for _, mb := range m.mustMembers(slot, id) {
		if m.IsInProgress(mb.Xid) {
			return true
		}
	}
	return false
}

// UpdateMember returns the member of id that changed the row, 0 if none did.
func (m *Manager) UpdateMember(id ids.MultiXactID) ids.Xid { return m.updateMember(nil, id) }

func (m *Manager) updateMember(slot *stats.Slot, id ids.MultiXactID) ids.Xid {
	for _, mb := range m.mustMembers(slot, id) {
		if mb.Status.IsUpdate() {
			return mb.Xid
		}
	}
	return ids.InvalidXid
}

// Running returns how many transactions, subtransactions included, have an id and are not over.
func (m *Manager) Running() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.running)
}
