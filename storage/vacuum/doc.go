// Package vacuum removes dead row versions from tables and their indexes, freezes old ones, and samples tables for ANALYZE.
//
// Layer: above heap and btree. When to run is autovacuum's and the commands' business; locks on the table are the caller's.
//
// A vacuum of a table:
//  1. Go through the table's blocks, but for runs of those that the visibility map shows to need nothing. Prune and freeze each page; collect
//     the dead line pointers, which index entries still point to. A page that somebody uses is only counted.
//  2. Remove the entries of the collected line pointers from all indexes (again from 1 if memory was full).
//  3. Go through the pages with dead line pointers again and free these; mark what has become all-visible.
//  4. Clean up the indexes, cut empty pages off the end of the table, report. The lock that cutting needs is tried for for some seconds; when
//     somebody waits for it meanwhile, what is known to be empty is cut and he is let in.
//
// Rules:
//  1. A dead line pointer is freed only after no index has an entry for it: else the entry would lead to whatever row comes to
//     lie there.
//  2. A page is marked all-visible only for versions older than every snapshot (OldestXmin), and the map only together with the page.
//  3. The new relfrozenxid is the oldest id that the vacuum left in any page, if it looked at all pages that are not all-frozen.
//
// Differences from PostgreSQL: ids never wrap, so there is no emergency mode and no failsafe; freezing only lets the commit log
// be cut. Workers take whole indexes, any that is free the next one; there is no shared memory to set up.
//
// To debug: Stats tell what was done; storage/check finds entries that lead nowhere.
package vacuum
