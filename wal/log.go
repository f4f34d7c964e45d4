package wal

import (
	"gompho/internal/ids"
	"gompho/stats"
)

// Log is the write-ahead log of one server.
type Log struct{}

// InsertSimple adds a record without pages, made of the pieces of its payload, and returns its end: what Flush
// takes. The record is in the buffers of the log only.
func (l *Log) InsertSimple(kind Kind, xid ids.Xid, payload ...[]byte) ids.LSN { panic("wal: not open") }

// Flush returns when the log is durable up to lsn. One caller writes and syncs for all who wait.
// An error means that the log is broken and the server is going down.
func (l *Log) Flush(slot *stats.Slot, lsn ids.LSN) error { panic("wal: not open") }

// FlushAsync asks the WAL writer to make the log durable up to lsn soon (synchronous_commit = off).
func (l *Log) FlushAsync(lsn ids.LSN) { panic("wal: not open") }

// InsertedTo returns the end of the last record inserted.
func (l *Log) InsertedTo() ids.LSN { panic("wal: not open") }

// FlushedTo returns how far the log is durable.
func (l *Log) FlushedTo() ids.LSN { panic("wal: not open") }

// Record is one record as the reader returns it. Payload and the pages' operations alias the reader's buffer.
type Record struct {
	Kind    Kind
	Xid     ids.Xid
	Start   ids.LSN
	End     ids.LSN // what page LSNs are set to
	Payload []byte
	Pages   []PageRef
}

// PageRef is one page of a record with the operations on it, encoded as storage/page defines.
type PageRef struct {
	Rel   ids.RelFile
	Fork  ids.Fork
	Block ids.BlockNumber
	Ops   []byte
}
