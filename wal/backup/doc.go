// Package backup holds what surrounds base backups: the files that describe one, and the copying of a running server's directory.
//
// Layer: beside the log; it knows files and formats, not servers.
//
// A base backup is a copy of the data directory that was taken while the server wrote to it: pages may be torn, and files of different ages. It
// becomes a cluster by redo of the log from the checkpoint at its begin to at least its end. The protocol:
//
//  1. The server is told (pg_backup_start). From here on every page that changes gets a full image in the log although full_page_writes may be off,
//     log from here on is kept, and a checkpoint begins: redo will start where that began.
//  2. The files are copied, in any order, but not what redo or a start makes anew (Skip). pg_control last.
//  3. The server is told of the end (pg_backup_stop): it writes a record with the begin's position. Before this record the copy is not consistent.
//  4. The label that pg_backup_stop returned becomes the file backup_label of the copy. With it in place the start does not trust pg_control about
//     where to begin, and insists on the record of 3.
//  5. The log from the begin to the end goes into pg_wal of the copy, so that it starts on its own, or comes from an archive at the start.
//  6. backup_manifest lists all files with their checksums.
//
// The formats are PostgreSQL's, so tools that read labels, history files of backups, or manifests read these.
//
// Differences from PostgreSQL: `gompho backup` copies the files of a server on the same machine, over its file system; there is no protocol of
// base backups.
//
// To debug: backup_label.old in a restored directory says what it began from.
package backup
