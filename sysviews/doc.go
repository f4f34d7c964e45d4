// Package sysviews has the functions behind the system views (pg_locks, pg_stat_activity, pg_settings ...) and those that act on the
// server or the session: sequences, advisory locks, settings, transaction ids, signals.
//
// Layer: above the executor (it imports session and the managers, no SQL), below commands.
//
// Rules:
//
//  1. Entries returns all of them for the function registry, by pg_proc.prosrc.
//  2. A function reaches its session through functions.Env, which in a server is a *session.Env. Without a session
//     (constant folding, tests) it answers 0A000.
//  3. Set-returning functions take a snapshot of the state they show when they are called and hand out rows from it.
//  4. What a session runs is shown to members of its role and of pg_read_all_stats only (watcher). Locks are told in words by LockWords.
//
// Beyond PostgreSQL: gompho_lock_tree, gompho_lock_waits and gompho_deadlocks (locktree.go); docs/locks.md shows them.
//
// Pages in SQL: the functions of PostgreSQL's extensions pageinspect, pg_visibility, pg_freespacemap and pg_buffercache are built in
// (inspect.go, inspectpage.go, inspectbtree.go, visibility.go, buffercache.go). They show our layout: page headers of 32 bytes, tuple headers of 32
// bytes whose transaction ids have 64 bits (the columns of type xid show the low 32), index pages with a special space of 24 bytes. The bits of
// infomasks and btpo_flags are PostgreSQL's. A page of an index alone does not tell whether items have columns of variable width: vars is NULL there.
//
// Differences from PostgreSQL: counters that the server does not keep (functions, recovery conflicts, replication) are zero, as they would be without activity.
//
// To debug: each view of pg_catalog names its function; look for it in the table of the family.
package sysviews
