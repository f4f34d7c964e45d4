// Package toast keeps values that are too large for a page out of line: in pieces, in the rows of a toast table, found through its index.
//
// Layer: above heap and btree, which know it only as heap.Toaster. When values are compressed or moved is decided by heap (toasting.go).
//
// Rules:
//  1. A value is a number of chunks of ChunkSize bytes (the last one shorter) with consecutive chunk_seq from 0 under a
//     chunk_id of its own. Chunks are never updated.
//  2. What is stored is the value itself or, when the pointer says so, an lz4 block. Inline compression, in rows and in index entries, is
//     lz4 too; there is no pglz, whatever an attribute's or default_toast_compression's method says.
//  3. Chunks live and die with the row that points to them: whoever sees the row may read them, whatever their own visibility, unless their
//     insertion never came to be.
//  4. The caller of Fetch holds no latch.
//
// Differences from PostgreSQL: see rule 2; slices of a value are cut from the whole; chunks have 1988 bytes.
//
// To debug: a toast table is a table: SELECT from pg_toast.pg_toast_<oid> shows the chunks. XX001 "missing chunk number" names the value.
package toast
