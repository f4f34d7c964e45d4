// Package postmaster runs a server: it owns the data directory, starts and supervises the processes, listens, and starts
// a backend for each connection.
//
// Layer: above backend and all workers; below the embedding package.
//
// Start (Start): settings → data directory (made when it is missing) → postmaster.pid → cluster (cluster.go: control file,
// log, buffers, recovery, transactions, catalogs) → workers → listeners → ready.
//
// Rules:
//
//  1. A cluster value is everything that a crash throws away: buffers, log, transaction state, caches. The crash cycle
//     (crash.go) ends the backends, fences the old cluster's file system so that nothing late reaches the disk, opens a new
//     one through recovery, and goes on.
//  2. Who starts whom: the postmaster starts workers and backends; nobody else starts a process. Each has a stats.Slot.
//  3. A panic in a backend outside of critical sections ends that session; any other is a crash.
//  4. Shutdown: smart waits for the sessions, fast ends them and takes a shutdown checkpoint, immediate leaves recovery to
//     the next start.
//  5. Archiving (archiving.go) has a process of its own that outlives the checkpoint of a shutdown: it archives what is left. Backups (backup.go) belong to sessions
//     and end with them. Recovery from an archive (restore.go) reads the settings and files that ask for it; package wal/recovery does it.
//  6. A second server is kept off the directory by postmaster.pid and a lock on it that the operating system drops when
//     the process dies.
package postmaster
