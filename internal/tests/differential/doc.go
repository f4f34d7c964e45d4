// Package differential runs the SQL files of testdata/sql against gompho and against PostgreSQL 15, statement by
// statement, and fails on each difference that is not written down.
//
// Layer: tests; nothing imports it.
//
// Rules:
//
//  1. The reference is a temporary cluster of the binaries in /usr/lib/postgresql/15/bin, in C.UTF-8, reachable by a Unix socket
//     only. Without these binaries the test is skipped. The flag -reference 'host=... port=... user=postgres' names a running
//     server to use instead, which saves two seconds while a file is being written:
//
//     go test ./internal/tests/differential -run 'TestSQL/select_joins$' -reference 'host=127.0.0.1 port=5432 user=postgres'
//
//  2. Each file runs in a fresh database of both servers, in one session, one simple query message per statement. COPY ... FROM
//     STDIN takes the lines after it up to one that is \. alone. Roles that a file leaves behind are dropped after it, but not
//     in a server named by -reference, so files drop the roles they create.
//
//  3. What is compared: the columns (name, type, size, modifier, whether they come from a table), the rows, the command tag, the notices,
//     the transaction status, and of an error SQLSTATE, message, detail, hint and position. Rows compare in their order when the
//     statement has ORDER BY outside parentheses or is EXPLAIN, SHOW, FETCH or COPY, and as a bag otherwise.
//     What a statement had sent before it failed is not compared: how many rows that are is a matter of the plan.
//
//  4. Differences that are meant are listed in NAME.known beside NAME.sql: statements, each after comment lines that say
//     why it differs. A statement stands for all of its occurrences in the file; white space does not matter. An entry whose statement
//     does not differ, or is not in the file, fails the test.
//
// Object identifiers of what a file creates differ between the servers, so a file must not print them.
//
// To debug a difference, run the file with -run and read the statement's line number in the report.
package differential
