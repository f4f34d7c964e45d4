// Package partition knows which partition of a table a row belongs to: partition keys, the bounds of all partitions in one sorted
// array, comparing of bounds and the search in them. It is pure: it reads no catalog and takes no lock.
//
// Layer: above query, below catalog, which keeps a Key and a Desc with the descriptor of each partitioned table.
//
// Rules:
//
//  1. The partitions of a Desc are in bound order: a list's by their smallest value (the one for NULL alone after them), ranges from low to
//     high, hash partitions by modulus and remainder; the default partition is the last one.
//
//  2. Range bounds are stored once each: the upper bound of a partition that the lower bound of the next one equals is the same entry.
//     Indexes[i] is the partition of the values below bound i (and not below bound i-1), -1 for a gap; it has one entry more than there are
//     bounds.
//
//  3. A lower bound is inclusive, an upper bound exclusive. MINVALUE and MAXVALUE end the comparison: columns behind them do not count.
//
//  4. Hash values are PostgreSQL's, so that a row goes to the partition that it goes to there.
//
//  5. Keys, Descs and Bounds are shared by all sessions and never changed once made.
//
//  6. Prune never leaves out a partition that can have a row for which the condition is true; what it does not understand says nothing.
//
// Searching does not allocate.
//
// To debug: pg_partition_tree shows the partitions, pg_get_expr(relpartbound, oid) their bounds, pg_get_partition_constraintdef what that
// means for a row.
package partition
