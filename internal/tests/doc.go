// Package tests drives whole servers from outside, in process and as a process that is killed, with real clients: pgx, the JDBC
// driver, and the programs of PostgreSQL 15's distribution (psql, also on a terminal, pgbench, pg_dump, pg_restore, pg_dumpall, createdb,
// vacuumdb and the like).
//
// Rules:
//  1. What a client prints is compared with what it prints of PostgreSQL 15: testdata/psql and testdata/jdbc hold PostgreSQL's
//     output, less what differs from run to run (settle in psql_test.go). testdata/psql/differs holds what is known to differ, as gompho says it.
//  2. GOMPHO_REFERENCE ("port" or "port:superuser" of a trusted PostgreSQL 15 on 127.0.0.1) adds comparisons with a running server; with it,
//     "go test ./internal/tests -run 'TestPsqlScripts|TestJDBCMetadata' -rewrite" takes the expected outputs anew.
//  3. testdata/dump/objects.sql has every kind of object that DDL can make. Who adds a kind adds it there: pg_dump and
//     JDBC are then asked for it.
//  4. testdata/locks/commands is the table of commands and lock modes, measured on PostgreSQL 15 (TestLockModes). docs/locks.md is run by
//     TestLocksDocument; -rewrite puts the answers into it.
//  5. Nothing waits for a time to pass: tests wait for what a query or a terminal shows.
//
// GOMPHO_HISTORY is the number of transactions in the history checks (history_test.go) and in the count of needless serialization failures
// (needless_test.go), GOMPHO_SEED their seed; with GOMPHO_REFERENCE the count is taken of PostgreSQL as well.
//
// GOMPHO_PGBENCH_SCALE and GOMPHO_PGBENCH_TRANSACTIONS make TestPgbench a longer run.
package tests
