// Package control is the control file, global/pg_control: who the cluster is, in what state it was left, where
// its last checkpoint is.
//
// Layer: above vfs.
//
// Rules:
//  1. The file is replaced as a whole (write beside, sync, rename, sync of the directory), so a crash leaves the old or the new one.
//  2. It is read once, at start; Update changes the copy in memory and the file together.
//  3. A file that is not ours, of a newer version, or damaged stops the server with one clear error.
//
// Layout, little endian: magic (8 bytes), version u32, length u32 of the body, the body, CRC-32C u32 of all before.
// Fields are only ever appended to the body; a shorter body of an older version reads as zeros.
package control
