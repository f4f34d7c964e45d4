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
// From a backup (backup_label) and from an archive (recovery.signal), besides:
//
//  8. With a label, recovery begins at the checkpoint that it names. The control file is told all that the label says, with the end of the backup being
//     required, before the label goes; so a second start does not need it.
//  9. source.go finds segments: of the newest timeline of the history that has them, first in the archive, then in pg_wal. A server that was running is brought to the end of its own
//     log first. A record beyond the point where its timeline was left is the end of the log.
//  10. target.go decides where to stop; it sees records only. What was stopped before counts as never logged.
//  11. MinRecovery in the control file is how far redo has to come before the files are consistent: at first the end of the backup (its record names the begin), later the newest
//     of what was written or removed (reach). A stop before that is refused. A checkpoint in the log can become a restart point: everything is made durable, and the next recovery begins there.
//  12. The end: the control file is told where it is and the number of the new timeline; the history file is written, the first segment of the new timeline made; then 7., on the new timeline. Afterwards
//     pg_wal is tidied up, recovery.signal removed, and the control file told that it is over. A crash in between comes to the same end, and to the same timeline, because the control
//     file names them.
//
// Differences from PostgreSQL: no standby and no sessions during recovery; restored segments are not kept in pg_wal; prepared transactions are package mvcc's; redo
// routines are one table, not one per resource manager.
//
// To debug: set Options.Trace to see every record.
package recovery
