package mvcc

import (
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/stats"
	"gompho/storage/tuple"
)

// Isolation is a transaction's isolation level.
type Isolation uint8

// The isolation levels, with PostgreSQL's numbers.
const (
	ReadUncommitted Isolation = iota // runs as ReadCommitted
	ReadCommitted
	RepeatableRead
	Serializable // runs as RepeatableRead; see doc.go
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

// Hook is told of the ends of transactions and commands of one session. Register it once per session.
type Hook interface {
	PreCommit() error                        // still inside the transaction; an error aborts it
	AtEnd(commit bool)                       // after the locks are gone
	AtSubEnd(sub, parent SubID, commit bool) // end of a subtransaction
	OnCommand()                              // the command counter was incremented
}

// LockedHook is a Hook that also acts when the outcome is visible to others but the locks are still held:
// the place to publish invalidations.
type LockedHook interface {
	Hook
	BeforeUnlock(commit bool)
}

// Status is the outcome of a transaction.
type Status uint8

const (
	InProgress Status = iota
	Committed
	Aborted
)

// Verdict is what UpdateStatus says about a tuple that a command wants to change: PostgreSQL's TM_Result.
type Verdict uint8

const (
	TMOk Verdict = iota
	TMInvisible
	TMSelfModified
	TMUpdated
	TMDeleted
	TMBeingModified
)

// VacuumVerdict is what VacuumStatus says about a tuple: PostgreSQL's HTSV_Result.
type VacuumVerdict uint8

const (
	VacuumDead VacuumVerdict = iota
	VacuumLive
	VacuumRecentlyDead
	VacuumInsertInProgress
	VacuumDeleteInProgress
)

// Snapshot says which transactions' effects a reader sees. It is immutable but for CurCid and belongs to one session.
type Snapshot struct {
	Xmin, Xmax ids.Xid   // all below Xmin are over; none from Xmax on is seen
	Xip        []ids.Xid // in progress when taken, in [Xmin, Xmax), ascending; shared, do not write
	CurCid     ids.CommandID
	data       *snapData
	sess       *Session
}

type snapData struct{}

// LockStrength is the strength of a row lock.
type LockStrength uint8

const (
	LockKeyShare LockStrength = iota
	LockShare
	LockNoKeyExclusive
	LockExclusive
)

// MemberStatus is what a member of a multixact does to the row, with PostgreSQL's numbers.
type MemberStatus uint8

const (
	ForKeyShare MemberStatus = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
	NoKeyUpdate
	Update
)

// IsUpdate reports whether the member changed or deleted the row rather than locked it.
func (s MemberStatus) IsUpdate() bool { return s > ForUpdate }

// Member is one transaction of a multixact.
type Member struct {
	Xid    ids.Xid
	Status MemberStatus
}

var (
	_ = locks.NoLock
	_ tuple.Header
	_ *stats.Slot
)
