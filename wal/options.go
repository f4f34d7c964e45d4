package wal

import (
	"time"

	"gompho/internal/ids"
	"gompho/storage/vfs"
)

// SyncMethod is wal_sync_method.
type SyncMethod uint8

const (
	Fdatasync SyncMethod = iota
	Fsync
	OpenDatasync
	OpenSync
)

// String names the method as the setting does.
func (m SyncMethod) String() string {
	return [...]string{"fdatasync", "fsync", "open_datasync", "open_sync"}[m]
}

// DefaultSegmentSize is the size of a segment file in bytes.
const DefaultSegmentSize = 16 << 20

// FirstLSN is where the log of a new cluster begins: segment 1, as in PostgreSQL.
func FirstLSN(segmentSize int) ids.LSN { return ids.LSN(segmentSize) }

// Options of Open. The funcs are read at each use, from any goroutine, and may be nil.
type Options struct {
	FS          vfs.FS
	Dir         string // pg_wal
	SystemID    uint64
	Timeline    uint32 // 0 means 1
	SegmentSize int    // bytes, a power of two; 0 means DefaultSegmentSize
	BufferSize  int    // bytes; 0 means 16 MB; rounded up to a power of two of at least 64 kB

	SyncMethod     func() SyncMethod  // nil: Fdatasync
	Fsync          func() bool        // nil: true
	FullPageWrites func() bool        // nil: true
	Compression    func() Compression // of page images; nil: none
	InitZero       func() bool        // new segments are filled with zeros; nil: true
	Recycle        func() bool        // old segments are used again; nil: true
	CommitDelay    func() time.Duration
	CommitSiblings func() int
	ActiveXacts    func() int  // other transactions in progress, for CommitSiblings
	TrackIOTiming  func() bool // track_wal_io_timing of processes without settings of their own

	// OnPanic is called once, when a write or sync failed: the server must go down and recover. It must not
	// block, and not call the log.
	OnPanic func(error)
	// OnSegment is called by the flush leader when a segment is complete and durable.
	OnSegment func(segment uint64)
	// MayRemove is asked before a segment file is recycled or removed; Removed is told of it afterwards. Both get the file's name; nil: yes, and nobody.
	MayRemove func(name string) bool
	Removed   func(name string)
}

func (o *Options) setDefaults() {
	if o.Timeline == 0 {
		o.Timeline = 1
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.BufferSize == 0 {
		o.BufferSize = 16 << 20
	}
	size := 64 << 10
	for size < o.BufferSize {
		size *= 2
	}
	o.BufferSize = size
	if o.SyncMethod == nil {
		o.SyncMethod = func() SyncMethod { return Fdatasync }
	}
	if o.Fsync == nil {
		o.Fsync = func() bool { return true }
	}
	if o.FullPageWrites == nil {
		o.FullPageWrites = func() bool { return true }
	}
	if o.InitZero == nil {
		o.InitZero = func() bool { return true }
	}
	if o.Recycle == nil {
		o.Recycle = func() bool { return true }
	}
	if o.TrackIOTiming == nil {
		o.TrackIOTiming = func() bool { return false }
	}
	if o.OnPanic == nil {
		o.OnPanic = func(error) {}
	}
}
