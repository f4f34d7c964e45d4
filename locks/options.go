package locks

import (
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Options configure a Manager.
type Options struct {
	MaxLocksPerTransaction int                // size of the lock table per process; default 64
	FastPath               int                // most slots of a process's fast path; they cost memory once used. Default MaxLocksPerTransaction
	MaxOwners              int                // processes and prepared transactions that can hold locks; default 100
	Log                    func(*pgerr.Error) // receives log_lock_waits and deadlock messages (severity LOG); may be nil
	WaitHistory            func() int         // how many waits Manager.Waits keeps; nil: 1000
	DeadlockHistory        func() int         // how many deadlocks Manager.Deadlocks keeps; nil: 1000
}

// OwnerOptions configure an Owner. The funcs read the session's settings when they are needed; nil means the default.
type OwnerOptions struct {
	DeadlockTimeout func() time.Duration // default 1 s
	LockTimeout     func() time.Duration // 0, the default, waits for ever
	LogLockWaits    func() bool
	RecordWaits     func() time.Duration // waits at least as long go into Manager.Waits; negative, and nil: none
	Log             func(*pgerr.Error)   // the owner's own way to the log; nil: that of the Manager. Called on the owner's goroutine
}

// Opts say how Acquire behaves.
type Opts struct {
	Session bool // hold until Release or the end of the session, not the end of the transaction
	NoWait  bool // give 55P03 at once instead of waiting
	Quiet   bool // taken in earnest by a rehearsal too, which does not tell of it: what reads of the catalogs need
}

// Mark is a point in a transaction to which its locks can be released: the start of a subtransaction.
type Mark struct{ pos, prev, statements int }

// Row is one row of pg_locks.
type Row struct {
	Tag       Tag
	Vxid      ids.VirtualXid // of the process that holds or waits
	PID       int32
	Mode      Mode
	Granted   bool
	FastPath  bool
	WaitStart time.Time // zero when granted
}
