// Package sequence holds the one-page relations behind CREATE SEQUENCE.
//
// Layer: above buffer, below heap. The definition of a sequence (start, increment, bounds, cycle) is a row of pg_sequence; here is its state only.
//
// Rules:
//  1. The relation is one page with one row (last_value int8, log_cnt int8, is_called bool), frozen, so that it can be read as a
//     table. It changes in place, under the exclusive latch.
//  2. Taking values is not transactional: what was taken stays taken.
//  3. The log is written ahead: a record says that the next 32 values beyond those asked for are taken, and until they are no
//     record is needed. log_cnt counts them. After a crash they are skipped. The first value taken after a checkpoint writes a record
//     in any case, since the page on disk may be ahead of what the log knows.
//  4. Who writes a record has a transaction id, so that its commit makes the record durable before anybody learns of the value.
//
// Differences from PostgreSQL: none known.
//
// To debug: SELECT * FROM the sequence.
package sequence
