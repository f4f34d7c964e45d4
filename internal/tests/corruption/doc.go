// Package corruption flips single bits in the files of whole clusters, in memory, and looks at what the server says.
//
// Layer: tests.
//
// Rules:
//  1. A round takes a copy of one cluster image, flips a bit of a file drawn from its seed, starts the server and asks a fixed list of
//     questions. Each answer is that of the undamaged cluster, or an error of SQLSTATE XX001 or XX002; a server that does not start says why. The server
//     never crashes, and no session ends but by such an error.
//  2. TestBitFlips spreads the rounds over the kinds of files; each flip in a block of a relation that is read (TestFlipsAreFound) is found by the check of
//     the whole cluster.
//  3. TestTornLog damages the log of a cluster that was not shut down: recovery ends at the damage, with what was committed up to there, whole
//     transactions in their order.
//  4. TestIgnoredDamage does the same with ignore_checksum_failure or zero_damaged_pages: answers may be wrong then, or errors of any
//     kind, but the server does not crash.
//
// GOMPHO_CORRUPTION_ROUNDS sets the number of rounds, GOMPHO_SEED runs the round of that one seed.
package corruption
