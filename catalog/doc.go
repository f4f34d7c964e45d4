// Package catalog keeps pg_catalog: PostgreSQL 15's system tables as real heap tables with btree indexes,
// the facts they start from, the caches they are read through, and the row-level writes that DDL is made of.
//
// Layer: above heap and btree, below the analyzer. It knows nothing of SQL text; expression trees pass
// through it as the text of package query.
//
// What is where: rows*_gen.go the row structs, one for each catalog; data/*.tsv the facts that a new cluster
// starts with, written by internal/gen from a running PostgreSQL; facts.go the read-only table of built-ins
// made of them; cache.go and lookup*.go the caches; relation.go relation descriptors; path.go name
// resolution; write.go row writes; create.go, drop.go, depend.go what DDL is built from; bootstrap.go a new
// cluster; views/*.sql the system views, run by the SQL layer when a cluster is made.
//
// Rules:
//  1. A lookup returns nil, nil when there is no such object; the caller words the error. What a lookup
//     returns is shared and never changed: who wants to change a row copies the struct.
//  2. There are three places a lookup can be answered from, in this order: the session's overlay, for keys
//     that its own transaction has written; the instance-wide table of built-ins, which no invalidation
//     touches unless a superuser edits a built-in; the cache of the database, shared by all sessions.
//  3. Every write through Session.Insert, Update or Delete marks the cache keys of the old and the new row
//     as dirty in the session's overlay. They are re-read after the next command boundary. At commit, after the
//     transaction has become visible and before its locks go, the keys are removed from the shared cache
//     and the database's generation moves on. An abort only empties the overlay.
//  4. A session that fills the shared cache reads the generation before it takes its snapshot and stores
//     nothing if the generation has moved meanwhile.
//  5. A cached plan is valid while Generation has not moved; when it has, it is still valid if each
//     relation, type and function it was made from is the same pointer as the one looked up now.
//  6. Catalog reads always use a fresh snapshot, whatever the isolation level, as in PostgreSQL.
//  7. The descriptor of a partitioned table holds its key and all bounds (package partition). It is read anew when a row of pg_inherits or
//     pg_partitioned_table changes; who changes a bound (pg_class.relpartbound) invalidates the parent as well.
//  8. The files of catalogs are those of package relmap; VACUUM FULL, CLUSTER and REINDEX put new ones in place (filemap.go). Who reads a catalog holds
//     AccessShare on it for as long as it reads, who writes RowExclusive until the end of the transaction: PostgreSQL gives that back at once, and its rewrite has
//     to reckon with rows whose fate is open. A row that was read before its table moved is found again by its key when it is written.
//
// Differences from PostgreSQL: caches are shared between sessions, so a session sees a committed
// invalidation at once and not only when it next takes a lock; only schemas and databases have the descriptions
// that a new cluster of PostgreSQL has (pg_dump expects them); those of functions, operators and types are absent.
//
// To debug: Session.Explain tells where the descriptor of a relation comes from.
package catalog
