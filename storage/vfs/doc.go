// Package vfs is the only door from the server to files. Three file systems stand behind it: the operating
// system's (OS), one in memory that can crash (NewMem), and a wrapper that injects faults (NewFaulty).
//
// Layer: bottom.
//
// Rules:
//  1. What must survive a crash is synced: file content by File.Sync or Datasync, names (create, rename,
//     remove) by SyncDir of their directory.
//  2. A failed sync is final: what was written may be lost although a later sync succeeds. The caller
//     treats it as a crash (see storage/smgr and wal).
//  3. Errors are those of package os: test them with errors.Is against fs.ErrNotExist and its like.
//  4. Writes that were not synced may after a crash be there, be missing, or be there in part, each sector
//     of 512 bytes for itself; a sector is never torn. The in-memory file system does exactly that.
//
// To debug: Mem.Dump lists the files with what is synced; a Faulty policy can print every operation.
package vfs
