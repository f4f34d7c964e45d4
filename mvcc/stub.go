package mvcc

import (
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/stats"
	"gompho/storage/tuple"
)

// Manager holds the transaction state of one server.
type Manager struct{}

// Session is one process's transaction state.
type Session struct{}

// SessionOptions configure a session.
type SessionOptions struct {
	SyncCommit func() bool // synchronous_commit is not off; nil: true
}

func (m *Manager) Status(x ids.Xid) Status                               { panic("mvcc") }
func (m *Manager) IsInProgress(x ids.Xid) bool                           { panic("mvcc") }
func (m *Manager) DidCommit(x ids.Xid) bool                              { panic("mvcc") }
func (m *Manager) OldestXmin(db ids.Oid) ids.Xid                         { panic("mvcc") } // db 0: for shared relations
func (m *Manager) NextXid() ids.Xid                                      { panic("mvcc") }
func (m *Manager) NextMulti() ids.MultiXactID                            { panic("mvcc") }
func (m *Manager) MultiMembers(id ids.MultiXactID) ([]Member, error)     { panic("mvcc") }
func (m *Manager) MultiIsRunning(id ids.MultiXactID, lockOnly bool) bool { panic("mvcc") }
func (m *Manager) UpdateXid(h tuple.Header) ids.Xid                      { panic("mvcc") } // resolves a multixact xmax
func (m *Manager) NewSession(slot *stats.Slot, o *locks.Owner, opts SessionOptions) *Session {
	panic("mvcc")
}

func (s *Session) Manager() *Manager                 { panic("mvcc") }
func (s *Session) Slot() *stats.Slot                 { panic("mvcc") }
func (s *Session) Locks() *locks.Owner               { panic("mvcc") }
func (s *Session) SetDatabase(db ids.Oid)            { panic("mvcc") }
func (s *Session) Close()                            { panic("mvcc") } // aborts what runs
func (s *Session) AddHook(h Hook)                    { panic("mvcc") } // for the session's life
func (s *Session) Begin(o BeginOpts) error           { panic("mvcc") }
func (s *Session) Commit() error                     { panic("mvcc") } // an error: the transaction still runs, Abort it
func (s *Session) Abort()                            { panic("mvcc") } // no-op outside a transaction
func (s *Session) InTransaction() bool               { panic("mvcc") }
func (s *Session) Isolation() Isolation              { panic("mvcc") }
func (s *Session) SetIsolation(i Isolation)          { panic("mvcc") }
func (s *Session) ReadOnly() bool                    { panic("mvcc") }
func (s *Session) SetReadOnly(b bool)                { panic("mvcc") }
func (s *Session) Deferrable() bool                  { panic("mvcc") }
func (s *Session) SetDeferrable(b bool)              { panic("mvcc") }
func (s *Session) Vxid() ids.VirtualXid              { panic("mvcc") }
func (s *Session) Xid() ids.Xid                      { panic("mvcc") } // of the current (sub)transaction, 0 if none
func (s *Session) TopXid() ids.Xid                   { panic("mvcc") }
func (s *Session) AssignXid() (ids.Xid, error)       { panic("mvcc") } // Xid, assigned if need be
func (s *Session) AssignTopXid() (ids.Xid, error)    { panic("mvcc") }
func (s *Session) IsCurrent(x ids.Xid) bool          { panic("mvcc") } // the transaction or a live subtransaction of it
func (s *Session) BeginSub() (SubID, error)          { panic("mvcc") }
func (s *Session) CommitSub() error                  { panic("mvcc") }
func (s *Session) AbortSub()                         { panic("mvcc") }
func (s *Session) SubID() SubID                      { panic("mvcc") }
func (s *Session) NestingLevel() int                 { panic("mvcc") } // 1 in the top transaction
func (s *Session) CommandID(used bool) ids.CommandID { panic("mvcc") }
func (s *Session) IncrementCommand() error           { panic("mvcc") } // 54000 at 2^32-2
func (s *Session) CreatedFile(f ids.RelFile)         { panic("mvcc") } // unlinked if the (sub)transaction aborts
func (s *Session) DropFile(f ids.RelFile)            { panic("mvcc") } // unlinked at commit

// Snapshots.
func (s *Session) Snapshot() *Snapshot                       { panic("mvcc") } // of a new statement
func (s *Session) LatestSnapshot() *Snapshot                 { panic("mvcc") } // fresh at every isolation level
func (s *Session) CatalogSnapshot() *Snapshot                { panic("mvcc") } // fresh, for catalog reads; may be shared by successive calls
func (s *Session) PushActive(sn *Snapshot)                   { panic("mvcc") }
func (s *Session) PopActive()                                { panic("mvcc") }
func (s *Session) Active() *Snapshot                         { panic("mvcc") } // nil if none
func (s *Session) UpdateActiveCommandID()                    { panic("mvcc") } // active snapshot sees the session's own changes so far
func (s *Session) Register(sn *Snapshot) *Snapshot           { panic("mvcc") } // holds its xmin until Unregister
func (s *Session) Unregister(sn *Snapshot)                   { panic("mvcc") }
func (sn *Snapshot) WithCommandID(c ids.CommandID) *Snapshot { panic("mvcc") } // a copy

// Waiting.

// WaitForXid waits until x (or the top transaction of x) is over.
func (s *Session) WaitForXid(x ids.Xid) error            { panic("mvcc") }
func (s *Session) TryWaitForXid(x ids.Xid) (bool, error) { panic("mvcc") }

// WaitForMulti waits for the members of id that conflict with strength; with noWait it reports false instead.
func (s *Session) WaitForMulti(id ids.MultiXactID, status MemberStatus, infomask uint16, noWait bool) (bool, error) {
	panic("mvcc")
}

// Multixacts.
func (s *Session) MultiCreate(a, b Member) (ids.MultiXactID, error)                  { panic("mvcc") }
func (s *Session) MultiExpand(id ids.MultiXactID, m Member) (ids.MultiXactID, error) { panic("mvcc") }

// Command ids in tuple headers.
func (s *Session) Cmin(h tuple.Header) ids.CommandID { panic("mvcc") }
func (s *Session) Cmax(h tuple.Header) ids.CommandID { panic("mvcc") }

// AdjustCmax returns the cid field to store with a new cmax in a tuple that this transaction may have inserted.
func (s *Session) AdjustCmax(h tuple.Header, cmax ids.CommandID) (cid ids.CommandID, combo bool) {
	panic("mvcc")
}

// Visibility. h is the tuple's header on a latched page. hinted reports that hint bits were set in it: mark the buffer dirty as a hint.

func (sn *Snapshot) Satisfies(h tuple.Header) (visible, hinted bool) { panic("mvcc") }

// SatisfiesSelf: the latest version, own changes of the current command included.
func (s *Session) SatisfiesSelf(h tuple.Header) (visible, hinted bool) { panic("mvcc") }

// Dirty is what SatisfiesDirty found in progress.
type Dirty struct {
	Xmin, Xmax ids.Xid // in-progress inserter, deleter or locker to wait for; 0 if none
	SpecToken  uint32  // nonzero: the inserter is speculative, wait for the token
}

func (s *Session) SatisfiesDirty(h tuple.Header) (visible bool, d Dirty, hinted bool) { panic("mvcc") }
func (s *Session) SatisfiesToast(h tuple.Header) (visible, hinted bool)               { panic("mvcc") }
func (s *Session) UpdateStatus(h tuple.Header, self ids.TID, cid ids.CommandID) (v Verdict, hinted bool) {
	panic("mvcc")
}
func (m *Manager) VacuumStatus(h tuple.Header, oldestXmin ids.Xid) (v VacuumVerdict, deadAfter ids.Xid, hinted bool) {
	panic("mvcc")
}
func (m *Manager) IsSurelyDead(h tuple.Header, oldestXmin ids.Xid) bool { panic("mvcc") }

// VisTest answers whether what a transaction removed is invisible to all, keeping a horizon that it renews when useful.
type VisTest struct{}

func (s *Session) VisTest(shared bool) *VisTest { panic("mvcc") }
func (v *VisTest) Removable(x ids.Xid) bool     { panic("mvcc") }
