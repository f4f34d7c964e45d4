// Package checkpointer is the checkpointer process: when to make a checkpoint. What one is, package storage/checkpoint says.
//
// Layer: workers; started by the postmaster after recovery, one per server.
//
// Life: Run makes a checkpoint when checkpoint_timeout has passed, when so much log was written that max_wal_size is in danger,
// and when Request asks. It ends after Shutdown's checkpoint, or at once by the interrupts Terminate and CrashExit. An error
// with severity PANIC ends it too: the postmaster then begins the crash cycle. Other errors are logged; the next
// checkpoint tries again.
//
// Rules:
//  1. A request that waits is served by a checkpoint that begins after the request.
//  2. The writes of a checkpoint are spread so that checkpoint_completion_target of the time, or of the log volume, until the
//     next one has passed when it is done; an immediate request that comes meanwhile ends the delays.
//  3. A checkpoint that is asked for by nothing but the clock is one of checkpoints_timed, every other one of checkpoints_req, as in PostgreSQL.
//
// Files to be synced: whoever writes a block, makes or cuts a file queues it with the storage manager (smgr.Manager, sync.go), where a file is once however
// often it was written; the checkpoint takes the queue over as a whole. There is no request to forward and no queue that could be full, so no backend ever
// syncs in the checkpointer's stead: buffers_backend_fsync is 0.
package checkpointer
