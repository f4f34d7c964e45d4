// Package freespace holds the two maps that go with a table: the free space map (fork fsm), which finds a page
// with room, and the visibility map (fork vm), which tells pages whose rows all transactions see, or that are frozen.
//
// Layer: above buffer, below heap. It knows blocks and categories of free space, nothing of rows.
//
// The files: tree.go (one page of the free space map, pure), fsm.go (the tree of such pages), vm.go.
//
// Rules:
//  1. The free space map is a hint. It is never needed to be right, is written without being logged (but for full images,
//     which keep checksums whole), and mends itself: who finds that a page has no room writes down what it has.
//  2. The visibility map is exact in one direction: a bit that is set is true. Setting and clearing it is part of the very
//     change of the table's page that makes it true or false, in one log record.
//  3. Latch order: the table's page, then its visibility map page. A map's page is pinned before the table's page is latched,
//     since that may read or extend a file.
//  4. Free space map latches are held alone, and never while waiting for another.
//
// Differences from PostgreSQL: a change of a free space page's maximum goes up the tree at once, so there is no
// vacuuming of the map itself.
//
// To debug: Free and Status return what the maps say of one block.
package freespace
