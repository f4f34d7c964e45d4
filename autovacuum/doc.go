// Package autovacuum has the processes that vacuum and analyze tables by themselves: one launcher, which decides when a database is looked at,
// and workers, each of which looks at one database and ends. How a table is vacuumed, storage/vacuum and sql/commands know; this is the schedule.
//
// Layer: workers; started by the postmaster after recovery. The launcher asks the postmaster for each worker (Options.Spawn).
//
// Rules:
//
//  1. The launcher starts a worker for each database once per autovacuum_naptime, the databases spread over that time, the one that has
//     waited longest first; no more than autovacuum_max_workers run at once.
//  2. A worker lists the tables whose cumulative counters pass their thresholds (Params.Need), then takes them one by one. It claims a
//     table, so that no other worker does the same work, and looks at the counters again before it starts.
//  3. A table is vacuumed in a transaction of its own and analyzed in another. A lock that is not free at once is not waited for.
//  4. An error ends the table, not the worker. Who waits longer than deadlock_timeout for a lock that a worker has cancels its work on
//     that table (see locks): the next round comes back to it. A vacuum because of age is not cancelled.
//  5. Temporary tables are left to their sessions, since nobody else may read them; those whose session is gone are dropped.
//  6. All workers together keep to the cost limit: each has an equal share, but those at tables with cost parameters of their own.
//  7. What is old in a table keeps the commit log and the multixacts long. Tables older than autovacuum_freeze_max_age (or its like for multixacts) are
//     vacuumed even if autovacuum is off, for them or altogether, in databases that accept no connections, too. At its end a worker moves the
//     database's datfrozenxid and datminmxid on and cuts the logs.
//
// Differences from PostgreSQL: ids never wrap, so nothing is ever refused because a table is old. While autovacuum is off the launcher stays
// and looks at the ages once per autovacuum_naptime.
//
// To debug: log_autovacuum_min_duration = 0 tells of each table; pg_stat_activity shows what a worker is doing; pg_stat_all_tables has the
// counters that decide.
package autovacuum
