// Package commands runs the statements that are not planned: DDL, settings, COPY, VACUUM, EXPLAIN and the like.
//
// Layer: above analyzer, planner and executor (which it reaches through Hooks), below the backend.
//
// Rules:
//
//  1. Run executes one utility statement inside the transaction that the backend has begun, and returns its command tag.
//     Transaction statements, prepared statements and cursors are the backend's own.
//  2. A statement takes its locks by PostgreSQL's table of modes before it reads what the lock protects; names are looked
//     up again after waiting (catalog.OpenRelation does that).
//  3. Each change of the catalogs ends with Session.IncrementCommand before the next step reads it.
//  4. Statements that must not run in a transaction block ask for Context.TopLevel; statements that use transactions of
//     their own go through Hooks.NextTransaction.
//  5. ALTER TABLE collects the actions of a statement in passes, as PostgreSQL does: drops, type changes, old indexes and
//     constraints, new columns, new indexes and constraints, then one scan or rewrite of the table for all of them.
//  6. Indexes and files that are made here are undone by the abort of the transaction: the files are the transaction's
//     (mvcc), the rows ordinary rows.
//
// Differences from PostgreSQL: CREATE INDEX CONCURRENTLY builds in one step under its ordinary lock; inheritance,
// partitions, foreign tables, event triggers, extended statistics and text search objects answer 0A000.
//
// To debug: every command lives in the file of its family, named in the table in dispatch.go.
package commands
