// Package crash runs whole servers on a file system in memory that loses power at a random I/O call, and compares what is
// there after recovery with a model of what was acknowledged.
//
// Layer: tests.
//
// Rules of a round, all drawn from its seed except how the scheduler interleaves the sessions:
//
//  1. It starts from a copy of one cluster image and lives several lives. In each the server starts (through recovery after a
//     crash), workers run random transactions in sessions of their own, and at the n-th I/O call the power goes: that call and all
//     later ones fail, and of what was not synced each sector survives or not. n is small often enough to hit recovery itself.
//
//  2. A worker owns a schema, so that its model of it is exact. It keeps every state that the server may have after a crash: that of
//     the last transaction whose commit was acknowledged durable, and those of transactions behind it whose commit was asynchronous
//     or not answered. After the crash the schema must equal one of them as a whole.
//
//  3. All workers share accounts and a ledger; the sums must agree, and the ledger's rows are part of each worker's states.
//
//  4. Values of sequences that were acknowledged in a durable transaction are not given out again.
//
//  5. Some transactions end with PREPARE TRANSACTION. Once that was answered they must be there after a crash, until their end was; then the schema
//     must be as that end says.
//
//  6. Besides plain tables the schema holds partitioned ones, whose rows must be in the partition of their key, partitions that were detached, and two
//     tables with a foreign key. A statement that commits in between, as CREATE INDEX CONCURRENTLY, may leave an invalid index when it was cut off, which
//     the worker drops; nothing else may be left of it.
//
//  7. At the end the server is stopped and the check of the whole cluster must find nothing, prepared
//     transactions that were left notwithstanding.
//
//  8. A quarter of the rounds has storage that never tears a page; full_page_writes may be off then.
//
// TestRecordKinds sees to it that there is no kind of record in the log that the suite has not replayed after a crash.
//
// The run prints how many crashes hit which kind of call, when, and how often each kind of statement succeeded, what records were replayed, and which were the last of their log. GOMPHO_CRASH_ROUNDS sets the number
// of rounds (a few hundred thousand take hours), GOMPHO_SEED runs rounds of that one seed. A failed round prints its seed and what
// each session did; set GOMPHO_CRASH_TRACE to see all of it, and
// GOMPHO_CRASH_KEEP to a directory that takes what its clusters were.
package crash
