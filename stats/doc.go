// Package stats holds what the processes of a server tell about themselves: the activity slots behind
// pg_stat_activity with their wait events, and the cumulative counters behind the other pg_stat views.
//
// Layer: just above internal and config, so that storage, locks and log can name what they wait for and count what they do.
//
// Rules of slots:
//  1. A slot is written by the process that owns it and read by anyone; interrupts are the one thing others write.
//  2. Every loop that can run long calls CheckInterrupts; every wait that can last selects on Wake as well.
//
// Rules of counters:
//  1. A process counts in its own Pending, without locks; Shared has the sums. Storage counts where the thing happens: tables and
//     indexes by Slot.Relation, blocks by Slot.CountHit and CountRead.
//  2. What a transaction inserts, updates and deletes is settled at its end, by mvcc's call of EndSub and EndTransaction: aborted
//     insertions are dead rows. Scans and blocks count as they happen.
//  3. A session hands its counters in when it is idle outside of a transaction, at most once a second (Idle); a reader of the
//     statistics collects those of all idle sessions first (Sweep). So the views lag behind only by what is running.
//  4. What a transaction sees of the figures when it looks again is up to stats_fetch_consistency (Look, SeeRelation, SeeDatabase, SeeFixed).
//  5. A session with track_counts = off counts nothing of relations, deadlocks and temporary files (Track), but its transactions and its time.
//  6. Counters survive a clean shutdown by a file (Encode, Decode) and begin with zeros after a crash.
//  7. The counters of a relation go with it (DropRelation); those that came late are removed by autovacuum.
//
// Rules of statements (pg_stat_statements, which is built in):
//  1. Statements has an entry for each identifier, user and database; a session keeps the entry with its prepared statement, so that a run costs two
//     readings of the clock and the entry's mutex. An entry that was removed meanwhile is made again.
//  2. A statement's identifier is a hash of its tokens with the constants of the analyzed tree left out, and of the relations it names. So it
//     is the same after a restart, but white space and case do not matter. PostgreSQL hashes the tree: there, parentheses and the qualification of names do not matter either.
//  3. A text of the simple protocol that is run by a plan for its normalized form has the identifier that it got when it came for the first time.
//
// Steps of requests (gompho_request_steps) are counted by each session in Pending.Steps, without a lock; Shared.RequestSteps adds them up.
//
// Differences from PostgreSQL: blocks that extend a file count as one that was not found, however many; what is kept in memory has no rows but zeros in pg_stat_slru; an index is built from
// live rows, so dead ones do not count as returned; a parallel worker's rows count at the end of its part of the plan.
//
// To debug: Shared.Relations lists a database's counters; pg_stat_xact_all_tables shows what a session has not handed in.
package stats
