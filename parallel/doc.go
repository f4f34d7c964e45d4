// Package parallel runs parts of one statement on goroutines beside the session's own: parallel scans and index builds.
//
// Layer: above stats; the executor and the commands use it.
//
// Rules:
//
//  1. A worker has a slot of its own in the table of processes, of type "parallel worker": waits, latches, pins and interrupts are
//     its own, and pg_stat_activity shows it. The server allows max_parallel_workers of them; a team may be smaller than asked for,
//     or empty, and the leader does what nobody else does.
//  2. A worker reads under the leader's snapshot, with a copy of the leader's transaction state (mvcc.Session.Worker). It assigns no transaction id,
//     takes no heavyweight locks (the leader holds them) and does not touch the catalog caches.
//  3. The leader ends a team with Wait or Stop before the statement ends, whatever happens. Both return only when no worker runs any more.
//  4. The first error of a worker stops the others and is the team's error. An interrupt of the leader stops all.
//  5. A panic in a worker becomes a panic of the leader, in Wait or Stop, so that the session's rules apply. If the worker held a latch or was in a
//     critical section, the leader panics as if in one.
//
// Differences from PostgreSQL: workers are goroutines that share memory with the leader: nothing is serialized.
package parallel
