// Package commands runs the statements that are not planned: DDL, settings, COPY, VACUUM, EXPLAIN and the like.
//
// Layer: above analyzer, planner and executor (which it reaches through Hooks), below the backend.
//
// Rules:
//
//  1. Run executes one utility statement inside the transaction that the backend has begun, and returns its command tag.
//     Transaction statements, prepared statements and cursors are the backend's own.
//
//  2. A statement takes its locks by PostgreSQL's table of modes before it reads what the lock protects; names are looked
//     up again after waiting (catalog.OpenRelation does that).
//
//  3. Each change of the catalogs ends with Session.IncrementCommand before the next step reads it.
//
//  4. Statements that must not run in a transaction block ask for Context.TopLevel; statements that use transactions of
//     their own go through Hooks.NextTransaction.
//
//  5. ALTER TABLE collects the actions of a statement in passes, as PostgreSQL does: drops, type changes, old indexes and
//     constraints, new columns, new indexes and constraints, then one scan or rewrite of the table for all of them.
//
//  6. Indexes and files that are made here are undone by the abort of the transaction: the files are the transaction's
//     (mvcc), the rows ordinary rows.
//
//  7. ALTER TABLE works on a set of tables (alterSet): the one named, and those that inherit from it. Forms that do the same to each child
//     are prepared for all of them at once; those that count what is inherited (columns, CHECKs) go down from child to child as they run.
//     All tables do a pass before any does the next one.
//
//  8. What a partition has from its parent is found by name: columns of the two may stand in different places, so every expression that
//     crosses over is renumbered (catalog.MapColumns).
//
//  9. Whether a row belongs to a partition is asked of the bounds by search (rowLocator), not by evaluating the partition constraint as
//     an expression.
//
//  10. A foreign key of a partitioned table is a constraint at the top and one for each partition (foreignpart.go). A change of a column's type drops foreign
//     keys before the indexes that they need and makes them again after those (passOldKey).
//
//  11. Whether a relation is in use, or has checks pending, is asked when it is dropped, after what depends on it was looked at (checkDropped).
//
//  10. A command can be rehearsed (rehearse.go). What reads or writes the rows of a table, waits for others, or is not undone by a rollback asks
//     Context.would or Context.Rehearsal first. TestLockModes in internal/tests runs each form of each command both ways: new ones are added there.
//
// Differences from PostgreSQL: CREATE INDEX CONCURRENTLY builds in one step under its ordinary lock; CLUSTER of partitioned tables, foreign tables,
// event triggers, extended statistics and text search objects answer 0A000; rows are always looked at when a partition is attached, also where
// a CHECK says already that they fit.
//
// To debug: every command lives in the file of its family, named in the table in dispatch.go.
package commands
