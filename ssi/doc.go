// Package ssi makes SERIALIZABLE transactions serializable: serializable snapshot isolation, after Cahill, Röhm and Fekete,
// "Serializable Isolation for Snapshot Databases" (SIGMOD 2008), with the commit-order and read-only refinements of Ports and
// Grittner, "Serializable Snapshot Isolation in PostgreSQL" (VLDB 2012).
//
// Layer: beside locks, below mvcc. It knows transactions by ids that mvcc gives it and relations by their Oids; heap and btree
// report reads and writes.
//
// The files: tag.go (what can be locked), locks.go (predicate locks: taking, promotion, transfer), xact.go (a transaction from snapshot to
// clean-up), conflict.go (rw-dependencies and dangerous structures), safe.go (READ ONLY and DEFERRABLE), clear.go (forgetting and
// summarising), view.go (pg_locks), prepare.go (state of prepared transactions).
//
// Rules:
//  1. Under snapshot isolation every anomaly has a dangerous structure T1 -rw-> T2 -rw-> T3 of concurrent transactions in which T3 committed first
//     (T1 may be T3). One of the three is ended when such a structure is possible; no dependency graph is searched.
//  2. If T1 is read only, the structure is dangerous only when T3 committed before T1 took its snapshot.
//  3. Who reads takes a predicate lock while it has the page latched where it looks; who writes looks for predicate locks while it has
//     the page latched exclusively. So of a read and a write that cross one sees the other: the reader sees the version it must not see
//     (ConflictOut), or the writer sees the lock (ConflictIn).
//  4. A predicate lock blocks nobody. It outlives its transaction until no transaction is left that ran beside it.
//  5. Locks are on row versions, pages and relations. More than some on the parts of a whole become one on the whole. Gaps in an index are covered by
//     its leaf pages: a split or the removal of a page copies the locks, under the latches.
//  6. Latches: a partition of the lock table, then a transaction's own list, or Manager.mu, which is innermost. More than one partition in
//     ascending order.
//  7. A transaction that is not serializable has no *Xact: every hook is a nil check for it. Catalogs and temporary relations are not tracked.
//
// Differences from PostgreSQL: summaries of old transactions are kept in memory rather than in pg_serial, every transaction id of a
// transaction is known rather than its top one only, and locks that a summary keeps still count against writers. An index that is empty has a
// page, which is locked where PostgreSQL locks the whole index.
//
// To debug: pg_locks shows the locks (SIReadLock); DETAIL of the error tells which rule ended a transaction.
package ssi
