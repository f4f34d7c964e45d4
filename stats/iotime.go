package stats

import (
	"sync/atomic"
	"time"
)

// BufferUsage counts what a process did with buffers and temporary files, for EXPLAIN and the statistics views. Hits of shared buffers are in
// Slot.BufferHits. The owner writes, anyone may read.
type BufferUsage struct {
	Read, Dirtied, Written                          atomic.Int64 // blocks of shared relations and of those that others may see
	LocalHit, LocalRead, LocalDirtied, LocalWritten atomic.Int64 // of temporary relations
	TempRead, TempWritten                           atomic.Int64 // of temporary files, in blocks
	ReadNS, WriteNS                                 atomic.Int64 // time of reading and writing blocks of relations, with track_io_timing
	TempReadNS, TempWriteNS                         atomic.Int64 // and of temporary files
}

func (b *BufferUsage) fields() []*atomic.Int64 {
	return []*atomic.Int64{&b.Read, &b.Dirtied, &b.Written, &b.LocalHit, &b.LocalRead, &b.LocalDirtied, &b.LocalWritten, &b.TempRead, &b.TempWritten,
		&b.ReadNS, &b.WriteNS, &b.TempReadNS, &b.TempWriteNS}
}

// BeginIO returns the time if the process measures its reading and writing, else the zero time.
func (s *Slot) BeginIO() time.Time {
	if s == nil || s.IO == nil || s.IO.Timing == nil || !s.IO.Timing() {
		return time.Time{}
	}
	return time.Now()
}

// TimesWAL reports whether the process measures writes and syncs of the log; server is what holds for one without settings of its own.
func (s *Slot) TimesWAL(server func() bool) bool {
	if s == nil || s.IO == nil || s.IO.WALTiming == nil {
		return server()
	}
	return s.IO.WALTiming()
}

// EndRead accounts for a read of blocks of a relation that began at BeginIO.
func (s *Slot) EndRead(began time.Time) {
	if !began.IsZero() {
		d := int64(time.Since(began))
		s.Buffers.ReadNS.Add(d)
		if s.Stats != nil {
			s.Stats.own.BlkReadNS += d
			s.Stats.used = true
		}
	}
}

// EndWrite accounts for a write.
func (s *Slot) EndWrite(began time.Time) {
	if !began.IsZero() {
		d := int64(time.Since(began))
		s.Buffers.WriteNS.Add(d)
		if s.Stats != nil {
			s.Stats.own.BlkWriteNS += d
			s.Stats.used = true
		}
	}
}

// EndTempRead accounts for a read of n bytes of a temporary file.
func (s *Slot) EndTempRead(began time.Time, n int) {
	if s != nil {
		s.Buffers.TempRead.Add(tempBlocks(n))
		if !began.IsZero() {
			s.Buffers.TempReadNS.Add(int64(time.Since(began)))
		}
	}
}

// EndTempWrite accounts for a write of n bytes to a temporary file.
func (s *Slot) EndTempWrite(began time.Time, n int) {
	if s != nil {
		s.Buffers.TempWritten.Add(tempBlocks(n))
		if !began.IsZero() {
			s.Buffers.TempWriteNS.Add(int64(time.Since(began)))
		}
	}
}

func tempBlocks(n int) int64 { return int64(n+8191) / 8192 }
