// Package executor runs plans. A plan is read-only and may be shared; an Exec is the run state of one execution beside it,
// pulled for batches of rows.
//
// Layer: above planner and session's services; below commands and backend.
//
// The way of a query: Start builds a tree of nodes from the plan (build, node.go); Next asks the root for at most max rows; each node asks
// its children; scans fill batches from heap and btree; every node passes its input through a stage (stage.go: condition, then
// target list, as compiled expressions over column vectors). Reset makes the same tree ready for another execution.
//
// Rules:
//
//  1. next(max) returns at least one row and at most max, or nil at the end. A node asks its child for no more rows than it was asked for
//     when that can be seen: volatile functions, row locks (Exec.isExact). Scans with a condition free of volatile
//     functions may read ahead; rows that pass wait, and an error in a row that was not asked for yet waits too (limited).
//  2. A batch and its byte strings are valid until the next call of a method of the node that returned it. Who keeps rows puts
//     them into a rowStore, which holds no pointers and whose blocks are recycled.
//  3. An expression is evaluated for a row only when PostgreSQL would: CASE, COALESCE, AND, OR narrow the selection before they
//     go on. A target list with a volatile function is computed row by row (stage.rowwise).
//  4. Exec params carry versions (Exec.clock). A node that keeps rows (Material, Sort, Hash, Agg, CTE, Memoize) reads them again
//     after a rescan unless a param that its subtree reads was set after they were kept (keeper).
//  5. What outgrows work_mem goes to temporary files (tape): sorts as runs, hash joins and groups divided by hash.
//  6. A row that somebody else has changed since the snapshot is locked in its latest version and computed anew by a second run state of the
//     subtree in which that version stands for the table: rechecker, PostgreSQL's EvalPlanQual (epq.go).
//     The other sides of joins give the very rows they gave before (plan.RowMark): tables by address, everything else as a row that comes along whole,
//     and none where an anti join found none.
//  7. INSERT, UPDATE, DELETE and COPY store rows through Target: generated columns, constraints, heap, indexes, in this order.
//  8. The run state is used by one goroutine. Memory pools belong to the session's Env. Below a Gather, and for aggregation in two steps, each worker
//     has a run state of its own (Exec with worker set, Env.forWorker), built by the session; what they share does not change (crew).
//  9. Rows of a partitioned table go through a router (route.go), batch by batch: it finds the partition of each row, and each partition's
//     Target stores its share, in the partition's own column order. Partitions are opened and locked when their first row comes.
//  10. An UPDATE or DELETE of several tables (partitions, inheriting tables) has one Target each (resultRels, multi.go); the one of the row
//     at hand stands in modifyTable's own fields. A row that an UPDATE moves is deleted, marked as moved, and routed.
//  11. What foreign keys have to look at or to do is a queue of row events (events.go), shared by the statements that run: each fires its own when it has
//     ended, in order, and what the actions bring goes to the end of the same queue, so that chains of actions take no stack. Events name row versions, not
//     values; one whose version is gone by then concerns nobody. Deferred events wait for the commit, or for SET CONSTRAINTS; those of a subtransaction go with it, and
//     checks made in one are due again when it is rolled back.
//  12. Whether a key is there is asked of the unique index (keyprobe.go), or by a query where the two sides have values of different forms or the referenced table is
//     partitioned. Actions are queries of PostgreSQL's wording, planned once, with the rights of the tables' owners (foreignkey.go).
//
// Differences from PostgreSQL: parallel plans hand over batches and aggregate states in memory; rows of one INSERT are checked against constraints batch by batch before any of
// the batch is stored; an UPDATE's re-check reads the values of other tables by ctid.
//
// To debug: EXPLAIN ANALYZE; Exec.Instruments gives the counters of a node.
package executor
