// Package btree holds btree indexes: Lehman and Yao's, with right links and high keys.
//
// Layer: above heap, which it asks whether a row that an entry leads to is still there (uniqueness, dead entries).
//
// The files: index.go (handles, options), page.go (layout), key.go (items, comparison, separators), search.go (the way down), insert.go (uniqueness,
// insertion), makeroom.go (what goes before a split), split.go, scankey.go (conditions to positions) and scan.go, sort.go and build.go (new indexes), vacuum.go (removal of entries and
// pages), verify.go (the checker).
//
// Structure:
//  1. Block 0 is the meta page: where the root is. Every other page is in a level, linked to its neighbours; level 0 has the entries.
//  2. An entry's key is its columns and then its tid, so that no two are equal. INCLUDE columns come along but do not count.
//  3. All but the rightmost page of a level begin with a high key: items on the page are not greater. An item of an inner page is a child's block with
//     the lower bound of what is below it; the first one has no key. Separators have only the columns that they need; those left out are less than everything.
//
// Rules:
//  1. A reader holds one latch at a time. Between reading a downlink and latching the child the child may split: who finds a high key
//     less than what it looks for goes right.
//  2. Writers latch from left to right and from below upwards. A split latches all that it will change, up to the first page with room, and
//     is one log record: no page is ever without its downlink.
//  3. A scan takes all that matches from a page under its latch and keeps nothing pinned. Rows found later by the tids are checked against the snapshot, which
//     cannot see a row that came to lie in the place of another since. Index-only scans ask the visibility map under the latch.
//  4. A unique insertion holds the latch of the first leaf that may have the key until it has inserted: of two with one key, the second
//     sees the first. It waits for transactions in progress with no latch held, and then begins anew.
//  5. An entry whose row is dead to all is marked so, as a hint; a full page loses its dead entries before it is split, and
//     entries of versions that nobody sees when it is an update that fills it (makeroom.go).
//  6. Vacuum goes through the file by blocks. A split during a vacuum marks both halves with the vacuum's cycle id, so that entries moved to a block
//     already passed are found.
//  7. An empty leaf is unlinked in one log record; it keeps its links and is used again when no transaction is left that may be on the way to it.
//
// Differences from PostgreSQL: splits need no second step and leave none to finish; no deduplication; a page that is the last child of
// its parent is not deleted; inner pages are not deleted; = ANY on several columns is one descent for each combination.
//
// To debug: Index.Verify describes what is wrong; Scan with no keys lists all entries.
package btree
