// Package stats holds what the processes of a server tell about themselves: the activity slots behind
// pg_stat_activity with their wait events, and the cumulative counters behind the other pg_stat views.
//
// Layer: just above internal and config, so that storage, locks and log can name what they wait for.
//
// Rules:
//  1. A slot is written by the process that owns it and read by anyone; interrupts are the one thing others write.
//  2. Every loop that can run long calls CheckInterrupts; every wait that can last selects on Wake as well.
package stats
