// Package mvcc holds transactions: their ids, their outcome, snapshots, and the visibility of rows.
//
// Layer: above locks (waiting for a transaction is waiting for a lock on its id), below buffers and heap. Of the log and the
// file system it wants little, and says so in the interfaces Log and Files; of a tuple it sees the header.
//
// The files, in the order of a transaction's life: session.go (begin, ids, commit, abort), subxact.go, command.go (command ids
// within a transaction), snapshot.go, procarray.go (who runs, snapshots of that, horizons), clog.go (outcomes), multixact.go
// (row locks held together), wait.go, log.go and recovery.go (records, redo, checkpoint), visibility.go and status.go
// (pure: header, snapshot, outcomes in; verdict and hint bits out), export.go (snapshots that others import), twophase.go and twophasefile.go (prepared transactions, whose rules stand there).
//
// Rules:
//  1. A transaction gets an id when it first changes something. Ids are 64 bits wide, ascend, and are never given out
//     twice, not even after a crash: xidLimits.
//  2. An id enters the process array in the same critical section that hands it out, so a snapshot's Xmax never passes a running one.
//  3. Commit: record in the log, flushed unless synchronous_commit is off; commit log; process array; invalidations
//     (LockedHook); locks; hooks. Whoever finds a transaction gone from the array finds its outcome in the commit log,
//     and whoever gets a lock it held sees its effects.
//  4. From the record until the commit log is written the gate is held shared; a checkpoint passes through it after it has
//     chosen its redo position (WaitCommitting) and before it writes these files (Flush).
//  5. The snapshot of a moment is one immutable object shared by all who ask until a transaction with an id ends. Taking it
//     is a few atomic operations; Manager.take says why the horizon cannot slip past.
//  6. A snapshot protects what it can see only while its session holds it: active, registered, the transaction's first, or
//     the catalog snapshot. Make a fresh one active or registered before releasing another.
//  7. Hint bits may say "committed" only once the commit record is on disk (asynchronous commits).
//  8. Parents get ids before their subtransactions; snapshots list up to 64 subtransactions of each transaction, and
//     beyond that look up the top transaction.
//  9. Multixacts never change: to add a member is to make a new one.
//
// A state of the transaction files that leaves no answer (unreadable commit log) is raised as a panic with a *pgerr.Error, for
// visibility has no room for errors; it ends the session, or crashes the server when a latch is held.
//
// Damage: each sector of pg_xact and pg_multixact has a checksum (sectors.go). All of them are read when a Manager opens; one that is wrong refuses
// the start with XX001, since nobody could tell any more which rows are there.
//
// Differences from PostgreSQL:
//   - Subtransaction parents are kept in memory only; after a crash nobody runs, so nobody asks.
//   - There is no wraparound: ids are not compared modulo 2^32, and freezing serves only to shorten pg_xact.
//   - Exported snapshots are kept in memory rather than as files in pg_snapshots.
//   - The files of pg_multixact hold 8-byte members (id and status) and offsets that carry the count.
//
// To debug: Manager.Procs lists the process array, SnapshotNow what a snapshot would say, Status the outcome of an id.
// The model test replays random histories with crashes; a failing one prints a seed.
package mvcc
