// Package buffer is the pool of shared buffers and the only way to change a page.
//
// Layer: above wal, smgr and mvcc; below every access method.
//
// Three things that are not the same:
//
//	pin      keeps a block in its buffer; counted; held as long as a Buf is in use
//	latch    Share or Exclusive on the content; held for moments, never while waiting for a lock or a client
//	cleanup  the exclusive latch while there is no other pin: for moving items on the page
//
// Rules for users:
//  1. Read or Extend gives a pin; each Buf is released once. A page is read under a latch, or under a pin alone where
//     only bytes are looked at that nobody moves without a cleanup latch (tuples of a heap page already found visible).
//  2. A page changes under the exclusive latch and through a Change. Hint bits may change under the share latch,
//     followed by MarkDirtyHint.
//  3. Latch order: blocks of one relation in the order that the access method defines (heap: lower block first; btree:
//     left to right, down before up); heap before visibility map before free space map.
//  4. Everything that can fail (reading a block, finding room, allocating) happens before Begin. From Begin to Commit the
//     process is in a critical section; a panic there is a crash of the server.
//
// Rules inside:
//  1. WAL before data: a buffer is written only when the log is durable up to its page LSN.
//  2. Commit marks the buffers dirty before it inserts the record, so that a checkpoint whose redo pointer lies behind the
//     record sees them dirty.
//  3. Whether a page needs a full image is decided against the redo pointer; Insert refuses when that moved.
//  4. A hint that dirties a clean page inserts the image first, then sets LSN and dirty. Checkpoints wait, after moving the
//     redo pointer, for hints that are between the two (wal.Log.Delay).
//  5. A buffer's tag changes only while its sole pin is held by who changes it, the locked flag set, under the lock of its partition
//     of the mapping table. Lookups take no lock: they pin, then compare the tag; who finds nothing looks again under the lock.
//  6. Order of locks: partition of the old tag and of the new one by number; extension lock of a fork before any of them.
//  7. Buffers of a relation that is dropped leave the mapping whether pinned or not, but never during I/O.
//  8. A checkpoint copies pages that follow one another, one latch at a time, and writes them by one call (writerun.go). It waits only for the first
//     of a run: whoever holds a further page may be waiting for one whose I/O the run has taken.
//  9. What a ring gives again is no allocation: the background writer estimates from allocations what will be needed (Clean).
//
// Rings (victim.go): scans of tables that take more than a quarter of the pool (ScanStrategy), loads, vacuum and ANALYZE use few buffers again and again.
// Reading ahead (prefetch.go): who knows which blocks come next has the operating system read them, as far ahead as the process's settings say.
//
// Damaged pages (damage.go): XX001, unless the process's slot says that ignore_checksum_failure or zero_damaged_pages is on. A page with a wrong checksum is
// used only when its line pointers make sense.
//
// Written blocks are handed to the device early (writeback.go), after as many as checkpoint_flush_after, bgwriter_flush_after and backend_flush_after say.
//
// Differences from PostgreSQL: checkpoints write up to 16 adjacent blocks at once; no private pin counts per backend (a pin is one atomic operation), the mapping is read
// without locks, unlogged relations' pages have LSN 0 and are not written by checkpoints. Temporary relations live in buffers
// of their session (local.go), which are a pool of their own without a log.
//
// To debug: Pool.Info lists the buffers; stats.Slot.Pins finds leaks; Options.Critical runs inside critical sections.
package buffer
