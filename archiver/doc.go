// Package archiver is the archiver process: when files of the log are copied to the archive, and what happens when that fails. What the state of
// a file is and how it is copied, package wal/archive says.
//
// Layer: workers; started by the postmaster after recovery when archive_mode is not off, one per server.
//
// Life: it archives whatever is ready, then sleeps until the log's writer wakes it, at most a minute. It begins a new segment when archive_timeout has passed
// with something in the last one that is worth it. A shutdown lets it live until the checkpoint at the end is written; Finish then makes it archive what is left
// and end. The interrupts Terminate and CrashExit end it at once, with the command that it runs.
//
// Rules:
//  1. One file at a time, in the order that archive.Status.Waiting gives; none is passed over.
//  2. A failure is tried again after a second; after the third in a row the archiver gives up until its next round. The log tells
//     of each, pg_stat_archiver counts them. Nothing is lost meanwhile: segments that are not archived are not recycled.
//  3. A file that is ready but does not exist any more loses its status.
//  4. A segment is ready only when the log is durable behind the last record in it (the postmaster's notifyFull, in Prepare). Else a crash might cut that record off and the
//     end of the segment be written differently.
//
// Differences from PostgreSQL: the archiver looks after archive_timeout (there the checkpointer does); archive_library is not supported.
//
// To debug: pg_stat_archiver, the wait event ArchiverMain, and log lines of the process.
package archiver
