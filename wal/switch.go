package wal

import "gompho/internal/ids"

// important reports whether a record of this kind is a reason to archive a segment soon or to make a checkpoint.
func (k Kind) important() bool { return k != Switch && k != RunningXacts }

// Switch ends the current segment: what follows goes to the next one. It returns the end of the record that does so, with true; at
// the begin of a segment it does nothing and returns that position.
func (l *Log) Switch() (ids.LSN, bool) {
	b := l.builders.Get().(*Builder)
	b.Reset(Switch, 0)
	end, ok := l.Insert(b, AnyRedo)
	l.builders.Put(b)
	return end, ok
}

// reserve gives a record of size bytes its place, under reserveMu. The record of a switch takes the rest of its segment; it gets nothing
// where a segment begins.
func (l *Log) reserve(kind Kind, size uint64) (start, end uint64) {
	start = l.reserved.Load()
	end = start + size
	if kind == Switch {
		segSize := uint64(l.opts.SegmentSize)
		if start%segSize == 0 {
			return start, start
		}
		end = (end + segSize - 1) / segSize * segSize
		l.switchedAt = end
	}
	if kind.important() {
		l.importantAt = start
	}
	l.reserved.Store(end)
	return start, end
}

// LastImportant returns where the last record begins that is a reason to archive or to make a checkpoint, and where the last
// switch of segments ended; 0 for what did not happen since the log was started.
func (l *Log) LastImportant() (record, switched ids.LSN) {
	l.reserveMu.Lock()
	defer l.reserveMu.Unlock()
	return ids.LSN(l.importantAt), ids.LSN(l.switchedAt)
}

// Timeline returns the timeline that the log is written on.
func (l *Log) Timeline() uint32 { return l.opts.Timeline }

// SetTimeline changes the timeline, before Start.
func (l *Log) SetTimeline(timeline uint32) {
	if l.reserved.Load() < notStarted {
		panic("wal: the timeline of a running log cannot change")
	}
	l.opts.Timeline = timeline
}
