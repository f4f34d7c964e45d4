// Package faults makes single I/O calls of whole servers fail, one after the other, and wants the server to live on or to recover by itself.
//
// Layer: tests.
//
// Rules:
//  1. A workload of one session is the same in each run: definitions, changes, COPY, index builds, sorts that spill, vacuum, checkpoints, prepared
//     transactions. A first run counts its I/O calls by kind of call and part of the data directory, the start of the server and its end included. It
//     begins after a crash in half of the runs, so that recovery is among the calls.
//  2. Each further run makes the n-th call of a kind on a part fail: with EIO or ENOSPC, a write also after its first bytes. A sync that fails
//     loses what it should have made durable, as some kernels do: whoever just tries again has lost it.
//  3. After the fault the database must be as after the last step that was acknowledged, or after the one under way if the connection was lost in
//     it. A step that was answered with an error must have left nothing. The run then does what is left of the workload.
//  4. A failed write or sync of the log, and a failed sync of anything that must be durable, is a crash of the server, which recovers by itself. It
//     does not stop. Only a fault in the very start may be answered by not starting; the next start succeeds.
//  5. ENOSPC in a file of a relation is 53100.
//  6. At the end the server is stopped, in half of the runs by pulling the plug, the database is compared again, and the check of the
//     cluster must find nothing.
//  7. TestFaultsDiskFull gives the file system, or one that holds the log only, so much room. Once that is used up every write that needs more fails
//     until room is made: a statement has failed with 53100 and the server goes on, or the server has crashed, waits for room, and comes back by itself.
//  8. TestWaitEventsIO holds calls instead of failing them, and wants pg_stat_activity to show what the process in them waits for.
//  9. TestAsyncCommits cuts the power under sessions with synchronous_commit = off, and wants only the last moments to be lost, without a gap.
//
// The runs print the number of faults injected by call, how they ended, and the seed. By default a sample of the calls is drawn, anew each time;
// GOMPHO_SEED fixes it. GOMPHO_FAULTS=all injects every fault there is, GOMPHO_FAULTS=n a sample of n; GOMPHO_FAULT="read relation #982: EIO"
// that one.
package faults
