// Package heap holds tables: rows in pages, versions of rows, and all that transactions do to them.
//
// Layer: above buffer, freespace and mvcc, below btree. It knows indexes only by the attributes that they use (Rel.HotAttrs), toast tables only as a Toaster.
//
// The files, in the order of a row's life: rel.go (handles, options, results), page.go (what every operation starts with), place.go (finding a page with
// room), toasting.go (making a row small enough), insert.go, update.go, delete.go, lock.go (row locks), xmax.go (who deletes and locks a version),
// scan.go and fetch.go (reading), build.go (reading for a new index), prune.go and vacuumpage.go (taking away), storage.go (files).
//
// Versions:
//  1. An update leaves the old version, marks it with xmax and points its ctid to the new one. A version without a successor points to itself.
//  2. When no indexed attribute changes and the page has room, the new version is heap-only (HOT): index entries lead to the first version of the
//     chain, readers follow it within the page. Only then does an update need no index entries.
//  3. Pruning takes away versions that are dead to all. The first one's line pointer becomes a redirection to the oldest that is left, or dead when none is;
//     dead line pointers are freed by vacuum, after the index entries are gone.
//  4. Row locks are kept in xmax: one transaction or a multixact, with what they do in infomask. The heavyweight tuple lock is only a queue for those who wait, so
//     that they get their turn in order. A place in it is kept along the row's versions (Place), so that those who saw the same version get on in the order in which they came,
//     though each of them makes a new version.
//
// Rules:
//  1. A version's bytes behind its header never change, but by UpdateInPlace. They may be read under a pin once a version was found visible under the
//     latch; moving them needs the cleanup latch.
//  2. Every operation that changes a page does so in one buffer.Change; whatever can fail comes before it. Out-of-line values, waits for transactions
//     and reads of other pages happen with no page latched. Who waited looks at the row anew.
//  3. Two pages of a table are latched in the order of blocks, then their visibility map pages, in the same order.
//  4. Whoever makes a version that not everybody sees takes the all-visible mark off the page and the map in the same change; whoever
//     only locks a row takes the all-frozen mark off the map.
//  5. Update looks at the old version before it claims it: the pin keeps the bytes in place, and nobody changes them.
//
// Differences from PostgreSQL: values in batches and datums are always whole (expanded and fetched); an update keeps an out-of-line value
// that is equal to the old one, however it was computed; a stronger lock of the same transaction replaces a weaker one; xmax of a new version
// names only lockers that still run.
//
// To debug: storage/check finds what is wrong in a table; ScanOpts.Cols with system attributes and a nil snapshot shows every version there is.
package heap
