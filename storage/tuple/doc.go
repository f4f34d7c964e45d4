// Package tuple is the layout of a heap tuple: its header and the encoding of its attributes.
//
// Layer: above types, below everything that knows of pages. It is pure: functions of bytes and descriptions.
//
// The files: header.go (the fixed header and its bits), layout.go (what a row description means on the page),
// form.go (values to bytes), deform.go (bytes to values), varlena.go (variable-length values: short, long,
// compressed, out of line), arena.go (memory for values that outlive the page's pin).
//
// Rules:
//  1. The header has 32 bytes; a null bitmap follows when HasNull is set (bit set: not null); attributes begin at Hoff,
//     which is a multiple of 8, and each is aligned relative to it.
//  2. A variable-length value has a 1-byte header when it is short (up to 126 bytes), unaligned; else a 4-byte header,
//     aligned. Padding is zero, and no short header is zero: that is how a reader tells which of them it meets.
//  3. A tuple may have fewer attributes than the description: those that are missing have Attr.Missing or are NULL.
//  4. Values decoded with an Arena live as long as it does; decoded without one, as long as the tuple's bytes do.
//  5. Damaged bytes give XX001, never a panic and never a read beyond the tuple.
//
// Differences from PostgreSQL: 32 instead of 23 bytes of header, for 64-bit transaction ids; the only compression is
// lz4 in blocks, whatever an attribute's compression method says; no storage of composite headers
// inside (records have the format of package types).
//
// To debug: Layout.Deform on the bytes of the item shows what the page holds; Value describes one stored value.
package tuple
