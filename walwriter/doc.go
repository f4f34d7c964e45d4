// Package walwriter is the WAL writer process: it makes the log of asynchronous commits durable soon, writes complete
// blocks ahead of commits, and has the next segment file ready.
//
// Layer: workers; started by the postmaster after recovery, one per server.
//
// Life: a round every wal_writer_delay. After fifty rounds without work it sleeps 25 times as long, or until an asynchronous
// commit. It ends by the interrupts Terminate and CrashExit, and with an error when the log is broken. An asynchronous commit
// is durable after at most three delays.
package walwriter
