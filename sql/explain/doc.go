// Package explain prints plans as EXPLAIN does, in PostgreSQL's text format.
//
// Layer: above executor (whose measurements EXPLAIN ANALYZE shows) and deparse (which prints expressions).
//
// References to a child's output columns are resolved down to the columns of tables before an expression is printed.
//
// Differences from PostgreSQL: only FORMAT TEXT; VERBOSE adds no Output lines; BUFFERS, WAL and SETTINGS are accepted and print nothing.
package explain
