// Package checkpoint makes the cluster's files reflect everything up to a point of the log, the redo pointer, so that
// recovery can begin there and older log be recycled. It is the mechanism; package checkpointer is the schedule.
//
// Layer: above the buffers.
//
// The protocol of a checkpoint, in its order:
//
//  1. Relations dropped from here on are left to the next checkpoint (smgr.BeginCheckpoint).
//  2. The redo pointer moves to the end of the log. From here on the first change of each page logs its image.
//  3. Wait for those whose record lies before the redo pointer but whose effect is not in memory yet: wal.Log.AwaitDelays, and
//     participants' WaitCommitting.
//  4. Take the counters for the record (next transaction id and so on): each at least as it was at the redo pointer.
//  5. Participants flush and sync their own files (commit log, multixacts).
//  6. Write the buffers that are dirty now, paced by the caller; sync all files written since the last time.
//  7. Insert the checkpoint record and flush the log.
//  8. Write the control file. Only now the checkpoint exists.
//  9. Unlink relations dropped before 1; recycle log segments before the redo pointer.
//  10. At a shutdown only: sync the directories again, and only then say in the control file that the cluster is shut down.
//
// A failure before 8 leaves the last checkpoint in force. A failed sync is a PANIC that smgr or wal has told already.
//
// To debug: the Report is what log_checkpoints prints.
package checkpoint
