// Package locks is the lock manager: heavyweight locks on relations, tuples, transactions and whatever else
// a tag can name, with wait queues, deadlock search and all that pg_locks shows.
//
// Layer: above stats, below mvcc. It knows nothing of transactions: mvcc takes and releases locks, and waiting
// for a transaction is a lock on its tag. Row locks live in the tuples; only the queue for a row (a tuple tag)
// comes here.
//
// The files, in the order of a lock's life: mode.go and tag.go (what), owner.go (the process's own table, counts,
// subtransactions), fastpath.go (weak relation locks without shared memory), manager.go (the shared table), queue.go
// (waiting and waking), deadlock.go (the search, pure), waitgraph.go (search applied, messages), report.go (pg_locks), prepared.go (locks
// of prepared transactions). What is told of waits that are over: about.go (the row that a wait for a transaction is about), statements.go (the
// statements of a transaction that took locks), flight.go (the record of waits), deadlockstory.go (that of deadlocks).
//
// Rules:
//  1. An Owner's methods are called by its own process only. Snapshot, BlockingPIDs, Conflicting and HasWaiters are for anybody.
//  2. A lock is counted: it goes when released as often as acquired, or with its transaction, subtransaction or session.
//     Scopes are counted apart; Release names the scope.
//  3. A request that conflicts with a holder or with a waiter joins the queue at its end; only a process that already holds
//     a lock which a waiter needs goes before that waiter (otherwise they would block each other).
//  4. A wait ends by a grant, an interrupt of the slot, lock_timeout or a deadlock. Whatever ends it, nothing of it remains,
//     and those behind are looked at again.
//  5. After deadlock_timeout the waiter itself searches, holding every partition. It either reorders queues or becomes the victim
//     before it lets go of them, so that a cycle has one victim.
//  6. Mutex order: ownersMu, one owner's fpMu, partitions by number. Nothing sleeps, logs or does I/O under any of them.
//  7. Recording costs those who do not wait one comparison at each acquisition, and a copy of the statement's text at the first one of each
//     statement, into memory that is used again. All else is done by a process that waits, and once the wait has lasted.
//  8. Waits and deadlocks in the rings are never changed: who knows more of a deadlock puts another in its place (DescribeDeadlock).
//  9. A queue of n costs n, not its square: a release stops looking where nobody behind can go on, a search looks at a queue once for each mode
//     and marks what it has seen (Manager.marks) instead of keeping sets.
//
// Differences from PostgreSQL:
//   - The fast path takes relations of every database and the shared ones, and as many as Options.FastPath.
//   - The size of the table is exact: locks beyond max_locks_per_transaction times the number of processes give 53200.
//   - pg_locks.waitstart is set from the beginning of the wait, not from deadlock_timeout on.
//   - No lock groups: the helpers of a parallel query run under their leader's locks.
//
// To debug: Manager.Snapshot shows everything; deadlock.go can be fed a hand-written waitGraph; the scripts in testdata
// replay a story of several sessions in virtual time. TestMachine compares random stories with a model (-rapid.checks for more of them); internal/tests/lockstress
// does so with the sessions of a server.
package locks
