package wal

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/offheap"
	"gompho/internal/pgerr"
)

// blockSize is the unit of writes to segment files.
const blockSize = 8192

// Log is the write-ahead log of one server. All methods may be called concurrently.
//
// Invariant: flushed <= written <= start of every insertion in progress <= reserved <= written + len(ring).
type Log struct {
	opts Options
	ring []byte // position p of the log is at p mod len(ring)
	mask uint64

	reserveMu sync.Mutex    // protects moving reserved and redo, and the counters beside them; held for a few instructions
	reserved  atomic.Uint64 // end of the last reservation
	redo      atomic.Uint64 // redo pointer of the last checkpoint begun
	records   uint64
	images    uint64
	// importantAt and switchedAt: see LastImportant.
	importantAt, switchedAt uint64

	slots [insertSlots]insertSlot

	written atomic.Uint64 // handed to the file system up to here
	flushed atomic.Uint64 // durable up to here
	async   atomic.Uint64 // asked to be durable soon

	// flushMu protects leading and waiting; flushed and written move only while leading is set, by the leader.
	flushMu sync.Mutex
	leading bool
	waiting flushQueue

	broken atomic.Pointer[pgerr.Error]
	file   segmentFile // the leader's
	// namesMu is held while a segment file gets its final name, so that no name is taken twice.
	namesMu sync.Mutex

	delays    delayGate
	builders  sync.Pool
	packers   sync.Pool // of *packer
	asyncWake chan struct{}
	counters  Counters
}

// Counters are the columns of pg_stat_wal that are counted as they happen.
type Counters struct {
	BuffersFull  atomic.Int64
	Writes       atomic.Int64
	Syncs        atomic.Int64
	WriteTimeNS  atomic.Int64
	SyncTimeNS   atomic.Int64
	SegmentsMade atomic.Int64
}

// Stats is one reading of the log's counters since Open.
type Stats struct {
	Records, Images, Bytes     int64
	BuffersFull, Writes, Syncs int64
	WriteTimeNS, SyncTimeNS    int64
	SegmentsMade               int64
}

// Stats reads the counters.
func (l *Log) Stats() Stats {
	l.reserveMu.Lock()
	s := Stats{Records: int64(l.records), Images: int64(l.images), Bytes: int64(l.reserved.Load() - l.file.openedAt)}
	l.reserveMu.Unlock()
	c := &l.counters
	s.BuffersFull, s.Writes, s.Syncs = c.BuffersFull.Load(), c.Writes.Load(), c.Syncs.Load()
	s.WriteTimeNS, s.SyncTimeNS, s.SegmentsMade = c.WriteTimeNS.Load(), c.SyncTimeNS.Load(), c.SegmentsMade.Load()
	return s
}

// New makes a log that is not started: during recovery others may hold it already. Flush then returns at once, because whatever
// they have read from the log is durable.
func New(opts Options) (*Log, error) {
	opts.setDefaults()
	ring, err := offheap.Alloc(opts.BufferSize, false)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.OutOfMemory, "out of memory").WithDetail("%v", err)
	}
	l := &Log{opts: opts, ring: ring, mask: uint64(len(ring) - 1), asyncWake: make(chan struct{}, 1)}
	l.builders.New = func() any { return new(Builder) }
	l.packers.New = func() any { return new(packer) }
	for i := range l.slots {
		l.slots[i].init()
	}
	l.flushed.Store(notStarted)
	l.reserved.Store(notStarted)
	return l, nil
}

const notStarted = 1 << 62

// Start makes the log ready for insertion at position at, the end of the valid log; crashed says that the server
// did not shut down cleanly, so that something may have been written beyond. redo is the redo pointer that decides about
// full-page images until the next checkpoint: of the last checkpoint, or at.
func (l *Log) Start(at, redo ids.LSN, crashed bool) error {
	if err := l.loadTail(uint64(at)); err != nil {
		return pgerr.Wrap(err, pgerr.FileCode(err), "could not read write-ahead log at %s: %v", at, err)
	}
	if crashed {
		if err := l.zeroBeyond(uint64(at)); err != nil {
			return pgerr.Wrap(err, pgerr.FileCode(err), "could not clear write-ahead log beyond %s: %v", at, err)
		}
	}
	l.file.openedAt = uint64(at)
	l.redo.Store(uint64(redo))
	for _, v := range []*atomic.Uint64{&l.reserved, &l.written, &l.async, &l.flushed} {
		v.Store(uint64(at))
	}
	return nil
}

// Open is New and Start.
func Open(opts Options, at, redo ids.LSN, crashed bool) (*Log, error) {
	l, err := New(opts)
	if err != nil {
		return nil, err
	}
	if err := l.Start(at, redo, crashed); err != nil {
		_ = offheap.Free(l.ring)
		return nil, err
	}
	return l, nil
}

// Close releases the log's memory and file without flushing. Nobody may use the log any more.
func (l *Log) Close() error {
	err := l.file.close()
	if ferr := offheap.Free(l.ring); err == nil {
		err = ferr
	}
	l.ring = nil
	return err
}

// InsertedTo returns the end of the last record reserved.
func (l *Log) InsertedTo() ids.LSN { return ids.LSN(l.reserved.Load()) }

// WrittenTo returns how far the log was handed to the file system.
func (l *Log) WrittenTo() ids.LSN { return ids.LSN(l.written.Load()) }

// FlushedTo returns how far the log is durable.
func (l *Log) FlushedTo() ids.LSN { return ids.LSN(l.flushed.Load()) }

// Redo returns the redo pointer of the last checkpoint that began. A logged page with an LSN not beyond it needs a full image.
func (l *Log) Redo() ids.LSN { return ids.LSN(l.redo.Load()) }

// FullPageWrites reports whether images are wanted now.
func (l *Log) FullPageWrites() bool { return l.opts.FullPageWrites() }

// MoveRedo begins a checkpoint: the redo pointer moves to the end of the log. Records inserted later carry
// images of the pages they are the first to touch.
func (l *Log) MoveRedo() ids.LSN {
	l.reserveMu.Lock()
	defer l.reserveMu.Unlock()
	at := l.reserved.Load()
	l.redo.Store(at)
	return ids.LSN(at)
}

// SegmentSize returns the size of segment files in bytes.
func (l *Log) SegmentSize() int { return l.opts.SegmentSize }

// Broken returns the error that broke the log, nil while it works.
func (l *Log) Broken() error {
	if e := l.broken.Load(); e != nil {
		return e
	}
	return nil
}

// Abort breaks the log because the server crashed elsewhere: nobody may write to it or wait for it any more.
// OnPanic is not called. Recovery begins with a new Log.
func (l *Log) Abort() {
	l.broken.CompareAndSwap(nil, pgerr.New(pgerr.CrashShutdown, "the server crashed; the write-ahead log is closed").WithSeverity(pgerr.Panic))
	l.flushMu.Lock()
	l.waiting.wakeAll()
	l.flushMu.Unlock()
}

// fail breaks the log.
func (l *Log) fail(err error, format string, args ...any) *pgerr.Error {
	e := pgerr.Wrap(err, pgerr.FileCode(err), format, args...).WithSeverity(pgerr.Panic)
	if !l.broken.CompareAndSwap(nil, e) {
		return l.broken.Load()
	}
	l.opts.OnPanic(e)
	return e
}
