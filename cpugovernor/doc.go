// Package cpugovernor keeps long statements from holding all processors while short ones come in.
//
// It stands above stats, of whose slots it is a reader and a requester; the postmaster runs it as a process of the server.
//
// Why: sessions are goroutines. One that computes is not set aside by the runtime for 10 milliseconds, and while as many compute as there are
// processors, sockets are only looked at when one of them is. A parallel scan would so take the rest of the server to a few hundred statements a
// second. An operating system lets a process that has slept overtake those that compute; this package does the same for statements.
//
// How:
//
//  1. Every few milliseconds a look at all slots tells which statement each runs and whether it waits. Sessions count nothing for it but their
//     looks for interrupts. Without running statements the looks are rare.
//  2. A statement is long when it has looked for interrupts often (500 times) since it was first seen, and its parallel workers are with it; the next
//     statement of its session is taken for long at one look. What it has done counts, not since when it runs: on a busy machine short statements take
//     long, too, and to pause those would make it worse.
//  3. While others begin statements, long ones together get the processors that those leave: one less for each 5,000 that begin in a second, but not less
//     than gompho.long_statement_share percent (15) of all. Where that is not a whole number they run at some looks only. They take turns.
//  4. The others are paused (stats.Slot.Pause): they stop where they next look for interrupts, unless they hold a content latch, and show the wait event
//     Timeout/GiveWay. Cancel, timeouts and shutdown reach them there.
//  5. Meanwhile Go may run a quarter more goroutines at a time than there are processors, at least one (Options.Extra): somebody always looks at the
//     sockets, and the operating system divides what there is. A server within another program leaves Go's setting alone; there long statements leave one
//     processor free instead.
//  6. When nobody has begun a statement for a second, all go on.
//
// A paused statement keeps its locks, as one that the operating system has set aside does. PostgreSQL has no such process.
//
// To debug: pg_stat_activity shows who gives way; gompho.long_statement_share = 100 turns it off.
package cpugovernor
