// Package backend is one session's process: it greets the client, reads its messages, runs its statements in
// transactions, and sends the results.
//
// Layer: above executor and commands; below the postmaster, which starts a Backend for each connection.
//
// The life of a connection: Backend.Run → startup (parameters, authentication, BackendKeyData) → loop: one message
// after another until Terminate, a FATAL error or an interrupt that ends the session → close (abort, release, forget).
//
// The way of a simple query: loop → simpleQuery → parser.Parse → for each statement runStatement → analyzer, planner →
// portal.run → output.rows → CommandComplete; then ReadyForQuery and one Flush.
// The extended protocol does the same in steps: parse (Prepared), bind (Portal), describe, execute, sync.
//
// Rules:
//
//  1. Everything runs on the session's goroutine. Others reach it through its stats.Slot only.
//  2. A portal is a paused executor; Execute with a row limit asks it for just so many rows.
//  3. An error aborts the (sub)transaction and, in the extended protocol, skips to Sync. A FATAL error ends the session
//     after the client was told.
//  4. A transaction block is a small state machine of its own (block.go), pure but for the calls into mvcc.Session.
//  5. Results are encoded once, from batch to write buffer.
//  6. EXPLAIN (LOCKS) (explainlocks.go) rehearses the statement in a subtransaction that is rolled back: the lock manager writes down what it is asked
//     for (locks.Rehearsal), commands stop short of the rows (commands.Rehearse), queries are planned and their plans looked through.
//  7. While a statement runs, client_connection_check_interval lets a timer look at the socket (client.go): a client that has gone raises
//     stats.ClientGone, which ends the session. The tcp_ settings go to the socket, and SHOW asks it.
package backend
