package wal

import (
	"runtime"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// Flush returns when the log is durable up to lsn. One caller writes and syncs for all who wait.
// An error with severity PANIC means that the log is broken and the server is going down.
func (l *Log) Flush(slot *stats.Slot, lsn ids.LSN) error {
	if l.flushed.Load() >= uint64(lsn) {
		return nil
	}
	if uint64(lsn) > l.reserved.Load() {
		return pgerr.New(pgerr.DataCorrupted, "xlog flush request %s is not satisfied --- flushed only to %s", lsn, l.FlushedTo())
	}
	prev := slot.BeginWait(stats.LWLockWalWrite)
	defer slot.EndWait(prev)
	l.flushMu.Lock()
	for l.flushed.Load() < uint64(lsn) {
		if err := l.Broken(); err != nil {
			l.flushMu.Unlock()
			return err
		}
		if l.leading {
			l.waiting.wait(&l.flushMu, uint64(lsn), true)
			continue
		}
		l.leading = true
		l.flushMu.Unlock()
		l.gather()
		err := l.lead(slot, l.reserved.Load(), true)
		l.flushMu.Lock()
		l.endLead()
		if err != nil {
			l.flushMu.Unlock()
			return err
		}
	}
	l.flushMu.Unlock()
	return nil
}

// endLead gives the lead back, under flushMu: those who have what they waited for go on, and of the others one, who leads next.
func (l *Log) endLead() {
	l.leading = false
	if l.Broken() != nil {
		l.waiting.wakeAll()
		return
	}
	l.waiting.wakeDone(l.written.Load(), l.flushed.Load())
	l.waiting.wakeFirst()
}

// crowd is the number of other transactions per processor from which on a leader lets the sessions that can run go first.
const crowd = 4

// gather lets others come to their commit before the leader syncs for all. With commit_delay it sleeps. Without, and among many transactions, it goes
// behind the sessions that can run already: each of them goes on until it waits for something, and with luck that is this sync. On a machine with time to
// spare that costs nothing, and on a busy one each sync saved is time for a session. Among few transactions the locks of the leader's own hold up more than
// a sync costs.
func (l *Log) gather() {
	if l.opts.ActiveXacts == nil || !l.opts.Fsync() {
		return
	}
	others := l.opts.ActiveXacts()
	if l.opts.CommitDelay != nil && (l.opts.CommitSiblings == nil || others >= l.opts.CommitSiblings()) {
		if d := l.opts.CommitDelay(); d > 0 {
			time.Sleep(d)
			return
		}
	}
	if others >= crowd*runtime.GOMAXPROCS(0) {
		runtime.Gosched()
	}
}

// awaitWritten returns when the log is handed to the file system up to pos, to make room in the ring. The caller
// may hold an insertion slot, with a position not below pos.
func (l *Log) awaitWritten(slot *stats.Slot, pos uint64) error {
	prev := slot.BeginWait(stats.LWLockWalWrite)
	defer slot.EndWait(prev)
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	for l.written.Load() < pos {
		if err := l.Broken(); err != nil {
			return err
		}
		if l.leading {
			l.waiting.wait(&l.flushMu, pos, false)
			continue
		}
		l.leading = true
		l.flushMu.Unlock()
		err := l.lead(slot, pos, false)
		l.flushMu.Lock()
		l.endLead()
		if err != nil {
			return err
		}
	}
	return nil
}

// lead writes the log up to target, at least, and syncs it if asked. It writes what is complete as soon as it can,
// because an insertion may be waiting for the room.
func (l *Log) lead(slot *stats.Slot, target uint64, sync bool) (err error) {
	finished := false
	defer func() {
		if !finished && err == nil { // a panic below must not leave others waiting for this leader
			l.fail(nil, "flush of the write-ahead log was interrupted by a panic")
			l.flushMu.Lock()
			l.endLead()
			l.flushMu.Unlock()
		}
	}()
	for l.written.Load() < target {
		to, slowest := l.completeTo(target)
		if from := l.written.Load(); to > from {
			if err = l.write(slot, from, to); err != nil {
				return err
			}
			if slowest != nil {
				l.flushMu.Lock()
				l.waiting.wakeDone(to, l.flushed.Load())
				l.flushMu.Unlock()
			}
			continue
		}
		if slowest != nil {
			slowest.awaitMove(to)
		}
	}
	if sync && l.flushed.Load() < l.written.Load() {
		to := l.written.Load()
		if err = l.syncSegment(slot); err != nil {
			return err
		}
		l.flushed.Store(to)
	}
	finished = true
	return nil
}

// write hands [from, to) to the file system in whole blocks, changing segments on the way.
func (l *Log) write(slot *stats.Slot, from, to uint64) error {
	segSize := uint64(l.opts.SegmentSize)
	for from < to {
		seg := from / segSize
		end := min(to, (seg+1)*segSize)
		if err := l.openSegment(slot, seg); err != nil {
			return l.fail(err, "could not open write-ahead log segment %s: %v", l.segmentName(seg), err)
		}
		if err := l.writeBlocks(slot, from&^(blockSize-1), (end+blockSize-1)&^(blockSize-1)); err != nil {
			return l.fail(err, "could not write to write-ahead log segment %s: %v", l.segmentName(seg), err)
		}
		if end == (seg+1)*segSize {
			if err := l.syncSegment(slot); err != nil {
				return err
			}
			l.written.Store(end)
			l.flushed.Store(end)
			if l.opts.OnSegment != nil {
				l.opts.OnSegment(seg)
			}
		}
		from = end
		l.written.Store(end)
	}
	return nil
}

// writeBlocks writes ring content [from, to), whole blocks of one segment.
func (l *Log) writeBlocks(slot *stats.Slot, from, to uint64) error {
	prev := slot.BeginWait(stats.IOWalWrite)
	defer slot.EndWait(prev)
	defer l.timed(slot, &l.counters.Writes, &l.counters.WriteTimeNS)()
	segSize := uint64(l.opts.SegmentSize)
	for from < to {
		at := from & l.mask
		n := min(to-from, uint64(len(l.ring))-at)
		if _, err := l.file.f.WriteAt(l.ring[at:at+n], int64(from%segSize)); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// SyncsWrites reports whether the sync method makes each write durable by itself.
func (m SyncMethod) SyncsWrites() bool { return m == OpenDatasync || m == OpenSync }

func (l *Log) syncSegment(slot *stats.Slot) error {
	if !l.opts.Fsync() || l.file.method.SyncsWrites() || l.file.f == nil {
		return nil
	}
	prev := slot.BeginWait(stats.IOWalSync)
	defer slot.EndWait(prev)
	defer l.timed(slot, &l.counters.Syncs, &l.counters.SyncTimeNS)()
	sync := l.file.f.Datasync
	if l.file.method == Fsync {
		sync = l.file.f.Sync
	}
	if err := sync(); err != nil {
		return l.fail(err, "could not %s write-ahead log segment %s: %v", l.file.method, l.segmentName(l.file.no), err)
	}
	return nil
}

// FlushAsync asks the WAL writer to make the log durable up to lsn soon (synchronous_commit = off).
func (l *Log) FlushAsync(lsn ids.LSN) {
	for {
		v := l.async.Load()
		if v >= uint64(lsn) || l.async.CompareAndSwap(v, uint64(lsn)) {
			break
		}
	}
	select {
	case l.asyncWake <- struct{}{}:
	default:
	}
}

// AsyncWake receives after FlushAsync: for the WAL writer.
func (l *Log) AsyncWake() <-chan struct{} { return l.asyncWake }

// BackgroundFlush is one round of the WAL writer: it writes complete blocks, or as far as an asynchronous commit asks,
// and syncs when a commit asks or when more than flushAfter bytes are not durable. It reports whether it did something.
func (l *Log) BackgroundFlush(slot *stats.Slot, flushAfter int, forceSync bool) (bool, error) {
	target := l.reserved.Load() &^ (blockSize - 1)
	async := l.async.Load()
	sync := forceSync || async > l.flushed.Load()
	if sync {
		target = max(target, async)
	}
	if target <= l.written.Load() && (!sync || target <= l.flushed.Load()) {
		return false, l.Broken()
	}
	if flushAfter == 0 || target-min(target, l.flushed.Load()) >= uint64(flushAfter) {
		sync = true
	}
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	if err := l.Broken(); err != nil || l.leading {
		return true, err // a leader is at work already
	}
	l.leading = true
	l.flushMu.Unlock()
	err := l.lead(slot, target, sync)
	l.flushMu.Lock()
	l.endLead()
	return true, err
}
