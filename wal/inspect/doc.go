// Package inspect shows records of the write-ahead log to people: gompho wal dump and the functions pg_get_wal_records_info and pg_get_wal_stats
// stand on it.
//
// Layer: above wal and the packages whose payloads it reads; nothing that writes the log depends on it.
//
// Rules:
//  1. A record is shown under the name of the resource manager that PostgreSQL has for such things (wal.Kind.Manager).
//  2. The length of a record includes its page images, as PostgreSQL's does; FPILength is what of it are images, compressed if they are.
//  3. There are no links backwards in the log: the previous record is known to who has read it, and 0/0 otherwise.
//
// Differences from PostgreSQL: the operations on a page belong to its block reference, so that they are shown there; the description has what the
// payload says.
//
// To debug: TestLines prints a log of each kind of record.
package inspect
