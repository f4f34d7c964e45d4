// Package smgr maps relation forks to files: segments of 1 GB, sizes, creation and removal, and the queue of
// files that the next checkpoint must sync.
//
// Layer: above vfs, page and wal; below the buffers, which are its only caller for blocks of relations.
//
// Files, below the data directory: base/DB/REL for the default tablespace, global/REL for shared relations,
// pg_tblspc/SPC/VersionDir/DB/REL for others; forks other than main append _fsm, _vm, _init; segments after the first append
// .1, .2 and so on.
//
// Rules:
//  1. A write puts its segment into the sync queue; SyncAll, called by the checkpoint, takes the queue as it is and syncs.
//     A file of the queue that was unlinked meanwhile is skipped.
//  2. A failed sync is a PANIC, told through OnPanic: the kernel may have dropped the data, so trying again proves nothing.
//  3. Directories whose names changed are in the queue too.
//  4. The first segment of the main fork of a dropped relation is truncated at once but unlinked only after the next
//     checkpoint, so that its number cannot be taken by a new relation while redo may still speak of the old one.
//  5. Sizes are cached: only this process changes files. The cached size moves under the fork's extend lock.
//  6. No more than MaxOpenFiles are open: those that were not used for longest are closed and opened again on demand.
//
// To debug: OpenFiles and QueueLength tell the state.
package smgr
