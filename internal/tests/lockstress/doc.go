// Package lockstress lets 64 sessions of a server in this process take random locks and compares what the server says with a model of what each
// session holds.
//
// Layer: tests.
//
// Sessions take table locks in all modes (LOCK TABLE and commands), row locks in all strengths (waiting, NOWAIT, SKIP LOCKED), advisory locks in all
// kinds; they set timeouts, roll back to savepoints, run into deadlocks, cancel and terminate each other and cut their connections.
//
// Rules:
//
//  1. A round gives each session that is not waiting a few steps. It is over at a quiescent point: every session has made its steps or
//     waits for a lock, and pg_locks was read while nothing changed. There pg_locks and pgrowlocks must show of every session that is
//     not waiting exactly what the model says, and of one that waits at least what it held before.
//  2. Conflicts: no two sessions hold conflicting modes of one thing, in the model after every statement, and in pg_locks.
//     While a statement runs, what its session holds is uncertain (the statement can fail, and its transaction's locks with it), so it is
//     compared when the statement has ended.
//  3. No waiter is forgotten: at a quiescent point each waits for a mode that conflicts with a holder, or with a waiter for whom
//     that is true. pg_blocking_pids must agree.
//  4. Every deadlock is found: a cycle of holders among the waiters must be gone soon after the youngest wait of it has
//     lasted deadlock_timeout, where soon is a number of looks at pg_locks, and one of its sessions must have got an error.
//  5. At the end every session has finished and pg_locks shows the observer alone.
//
// A session that was terminated, or whose connection was cut, is out of the model at once; its server process may go on for a while.
//
// GOMPHO_SEED sets the seed, which is printed, GOMPHO_LOCK_ROUNDS the number of rounds. What the scheduler does is not the seed's.
package lockstress
