// Package bgwriter is the background writer process: it cleans buffers that will be needed soon, so that backends find
// clean ones. How to clean, the buffer pool knows (Pool.Clean); this is the schedule.
//
// Layer: workers; started by the postmaster after recovery, one per server.
//
// Life: a round every bgwriter_delay. After two rounds in which no buffer was allocated it sleeps fifty times as long, or until
// the next allocation. It ends by the interrupts Terminate and CrashExit, and with an error when a write fails for good.
package bgwriter
