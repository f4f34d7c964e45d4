// Package archive keeps the state of archiving, and knows how a finished file of the log gets to an archive and back.
//
// Layer: beside the log. The archiver process (package archiver) decides when; recovery asks for files.
//
// The state of a file FILE of pg_wal is an empty file in pg_wal/archive_status, as in PostgreSQL:
//
//  1. FILE.ready: it is complete and is to be archived. A segment gets it when it is full and the record that crosses its end is durable; history files of
//     timelines and backups get theirs when they are written.
//  2. FILE.done: it was archived, or need not be. The archiver renames .ready to .done after the archive said that it has
//     the file. Only then the segment may be recycled, and .done goes with it.
//  3. A crash may lose either. A complete segment without both counts as not archived: whoever wants to remove it makes
//     .ready first. To archive a file twice is allowed, so an archive must accept what it has already, if it is the same.
//
// The ways into an archive: a shell command (archive_command), with %p for the path from the data directory, %f for the file's name and %% for a
// percent sign; or a directory (gompho.archive_directory), into which a file is copied under another name, synced, and renamed. The directory refuses a
// file of the same name with other content. The ways back: restore_command, with %r for the oldest segment that is still
// needed besides; or the same directory.
//
// Differences from PostgreSQL: what a command prints goes to the server log, not to the server's own output; a command that a signal
// ended is a failure like others and does not end the archiver.
//
// To debug: SELECT * FROM pg_stat_archiver, pg_ls_archive_statusdir().
package archive
