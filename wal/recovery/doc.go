// Package recovery is the one redo loop: it brings the data files, which are some mixture of states since the last
// checkpoint, to the end of the valid log. It runs at every start, before anything else touches the data.
//
// Layer: above the buffers and checkpoint; the postmaster's startup process calls it.
//
// The protocol:
//
//  1. Open reads the control file's checkpoint record. Without a valid one there is no start.
//  2. The caller sets up what keeps state beside pages (mvcc, the Oid counter) from Checkpoint.
//  3. Run replays from the redo pointer to the first record that is not valid. A cluster that was shut down cleanly has
//     nothing to replay.
//  4. Pages: operations are applied unless the page's LSN says that they were. A record that rebuilds the page (first
//     operation init or image) is applied always and never reads the page, so a torn page is mended. A page that does not
//     exist is noted: a later record must truncate or drop it, or else the log and the files do not belong together.
//  5. Other records go by one table: files and databases here, the rest to Routines.
//  6. Unlogged relations are reset to their init fork.
//  7. The log is started at its end (what lies beyond is zeroed), the pool gets it, and a checkpoint makes the result durable.
//
// A crash during recovery just means to do it again.
//
// Differences from PostgreSQL: no standby, no archive and no prepared transactions here; redo routines are one table, not
// one per resource manager.
//
// To debug: set Options.Trace to see every record.
package recovery
