// Package page is the layout of the 8 KiB block that every relation fork is made of, and the small language
// of page operations that both the running server and redo apply to it. It knows bytes only: no files,
// no buffers, no log.
//
// Layer: bottom, beside vfs.
//
// A page:
//
//	 0 lsn u64        end of the last WAL record that changed the page; 0: never logged
//	 8 checksum u16   set when the page is written to disk; 0: not computed
//	10 flags u16      HasFreeLines, PageFull, AllVisible; other bits belong to the access method
//	12 lower u16      end of the line pointers
//	14 upper u16      begin of the items
//	16 special u16    begin of the special space, which reaches to the end of the page
//	18 version u16
//	20 unused u32
//	24 pruneXid u64   oldest xid whose deletion may be prunable; 0: none
//	32 line pointers, 4 bytes each: offset (15 bits), flags (2), length (15)
//
// Rules:
//  1. A page of zeros is a valid page that was never initialised (IsNew).
//  2. Items start on multiples of 8; the length in the line pointer is the exact one.
//  3. An item has storage when its length is not 0, whatever its flags: a killed index item keeps its bytes.
//  4. Every change that must survive a crash is an operation of ops.go. Apply on the same page with the same
//     operation gives the same bytes, hint bits and the HasFreeLines flag apart.
//
// Differences from PostgreSQL: the header has 32 bytes because pruneXid has 64 bits; the checksum is a
// folded CRC-32C with the block number mixed in.
//
// To debug: Check says what is wrong with a page, DescribeOps prints a record's operations.
package page
