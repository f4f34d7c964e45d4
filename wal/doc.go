// Package wal is the write-ahead log: record format, insertion, group flush, segment files, reader.
//
// Layer: above vfs, page and stats; it sees pages as bytes and knows nothing of buffers.
//
// An LSN is a byte position in the endless log. Segment files hold 16 MB of it each, named as PostgreSQL
// names them (timeline, then the segment number in two parts); they have no header, so position p of the log is byte
// p mod 16 MB of its segment. Records begin at multiples of 8 and may cross segments. A record, little endian:
//
//	 0 length u32      of the whole record, without padding
//	 4 crc u32         CRC-32C over the bytes from 24, then bytes 0..4 and 8..24, the record's LSN, the system identifier
//	 8 xid u64
//	16 kind u8
//	17 flags u8        reserved
//	18 pages u8
//	19 -
//	20 payload u32     length of the payload, which ends the record
//	24 the pages, each: fork u8 (bit 4: the same relation as the page before); space, database, relation u32;
//	   block u32; length u16; page operations as storage/page encodes them
//	   the payload
//
// The LSN inside the CRC makes what an old, recycled segment holds invalid at its new place, and the system
// identifier does so for other clusters' files. What a crashed server wrote beyond the end that recovery found is
// zeroed (Log.Open with Crashed) before anything is written there, so it cannot be taken for a successor of new records.
//
// Insertion:
//  1. The CRC of the body is computed outside any lock.
//  2. The inserter takes a free insertion slot and marks it busy, reserves bytes under reserveMu, publishes its start.
//  3. It copies into the ring in parallel with others, waiting for room if the ring is full, and frees the slot.
//
// Flush:
//  1. Who finds the log durable far enough returns. Else one becomes the leader, the others wait for its round.
//  2. The leader takes everything reserved so far as the target, writes as far as insertions are complete, again and
//     again until the target, syncs once, publishes, wakes all.
//  3. It writes whole blocks of 8 kB so that the kernel needs not read what it overwrites; the end of the last block is
//     whatever the ring holds, invalid by its CRC.
//
// Full-page images: the redo pointer of the last checkpoint lives here. A page whose LSN is not beyond it needs an
// image in its next record. The pointer moves under reserveMu, and Insert refuses a record built on an older one.
//
// Switch (pg_switch_wal, archiving) ends a segment with a record; the rest of it is zero. A log is written on one timeline, which stands in the names of its segments; History
// (timeline.go) is where a timeline comes from. Segments are recycled only when Options.MayRemove lets them go: when they are archived.
//
// A failed write or sync breaks the log: OnPanic is told once, every later Flush fails, every insertion panics.
//
// Differences from PostgreSQL: no page headers in segments; operations instead of records per resource manager.
//
// To debug: Reader with Describe prints a log; Log.Stats counts.
package wal
