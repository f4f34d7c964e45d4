package wal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync/atomic"
	"time"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/vfs"
)

// segmentFile is the segment that the leader writes to.
type segmentFile struct {
	f        vfs.File
	no       uint64
	method   SyncMethod
	openedAt uint64 // where the log was opened
}

func (s *segmentFile) close() error {
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	return err
}

// SegmentName returns the file name of a segment, as PostgreSQL names it.
func SegmentName(timeline uint32, segment uint64, segmentSize int) string {
	per := uint64(1<<32) / uint64(segmentSize)
	return fmt.Sprintf("%08X%08X%08X", timeline, segment/per, segment%per)
}

// ParseSegmentName is the inverse of SegmentName.
func ParseSegmentName(name string, segmentSize int) (timeline uint32, segment uint64, ok bool) {
	if len(name) != 24 {
		return 0, 0, false
	}
	var v [3]uint64
	for i := range v {
		n, err := strconv.ParseUint(name[8*i:8*i+8], 16, 32)
		if err != nil {
			return 0, 0, false
		}
		v[i] = n
	}
	per := uint64(1<<32) / uint64(segmentSize)
	return uint32(v[0]), v[1]*per + v[2], v[2] < per
}

func (l *Log) segmentName(no uint64) string {
	return SegmentName(l.opts.Timeline, no, l.opts.SegmentSize)
}

func (l *Log) segmentPath(no uint64) string { return filepath.Join(l.opts.Dir, l.segmentName(no)) }

// openSegment makes segment no the one that is written, creating it if needed.
func (l *Log) openSegment(slot *stats.Slot, no uint64) error {
	method := l.opts.SyncMethod()
	if l.file.f != nil && l.file.no == no && l.file.method == method {
		return nil
	}
	if l.file.f != nil && l.file.no == no && !l.file.method.SyncsWrites() && method.SyncsWrites() && l.opts.Fsync() {
		if err := l.file.f.Sync(); err != nil { // what the old method had not synced yet
			return err
		}
	}
	if err := l.file.close(); err != nil {
		return err
	}
	flag := os.O_RDWR
	if l.opts.Fsync() {
		switch method {
		case OpenDatasync:
			flag |= vfs.FlagDatasync | vfs.FlagDirect
		case OpenSync:
			flag |= vfs.FlagSync | vfs.FlagDirect
		}
	}
	f, err := l.opts.FS.Open(l.segmentPath(no), flag, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = l.createSegment(slot, no); err == nil {
			f, err = l.opts.FS.Open(l.segmentPath(no), flag, 0o600)
		}
	}
	if err != nil {
		return err
	}
	l.file.f, l.file.no, l.file.method = f, no, method
	return nil
}

// createSegment makes a segment full of zeros, so that writing to it later changes no metadata.
func (l *Log) createSegment(slot *stats.Slot, no uint64) error {
	tmp := filepath.Join(l.opts.Dir, "xlogtemp."+strconv.FormatUint(no, 10)+"."+strconv.FormatInt(l.counters.SegmentsMade.Add(1), 10))
	f, err := l.opts.FS.Open(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(l.opts.SegmentSize, 1<<20))
	prev := slot.BeginWait(stats.IOWalInitWrite)
	if l.opts.InitZero() {
		for at := 0; err == nil && at < l.opts.SegmentSize; at += len(zeros) {
			_, err = f.WriteAt(zeros, int64(at))
		}
	} else {
		_, err = f.WriteAt(zeros[:1], int64(l.opts.SegmentSize-1)) // on a file system that copies on write, more is work for nothing
	}
	slot.EndWait(prev)
	if err == nil && l.opts.Fsync() {
		prev := slot.BeginWait(stats.IOWalInitSync)
		err = f.Sync()
		slot.EndWait(prev)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = l.opts.FS.Remove(tmp)
		return err
	}
	l.namesMu.Lock()
	defer l.namesMu.Unlock()
	if vfs.Exists(l.opts.FS, l.segmentPath(no)) { // someone else was faster
		return l.opts.FS.Remove(tmp)
	}
	if err = l.opts.FS.Rename(tmp, l.segmentPath(no)); err == nil {
		err = l.syncNames()
	}
	return err
}

// Preallocate makes sure that the segment after the one being filled exists, so that no commit has to wait
// for it. Errors are only a loss of speed.
func (l *Log) Preallocate(slot *stats.Slot) error {
	segSize := uint64(l.opts.SegmentSize)
	at := l.reserved.Load()
	if at%segSize < segSize/2 {
		return nil
	}
	if no := at/segSize + 1; !vfs.Exists(l.opts.FS, l.segmentPath(no)) {
		return l.createSegment(slot, no)
	}
	return nil
}

// Segments lists the segment files of the log's timeline in ascending order.
func Segments(fsys vfs.FS, dir string, timeline uint32, segmentSize int) ([]uint64, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var nos []uint64
	for _, e := range entries {
		if tli, no, ok := ParseSegmentName(e.Name(), segmentSize); ok && tli == timeline {
			nos = append(nos, no)
		}
	}
	sort.Slice(nos, func(i, j int) bool { return nos[i] < nos[j] })
	return nos, nil
}

// Recycle gives up the segments that lie wholly before keep. As long as no more than the segments up to keepUntil exist
// they become future segments, the rest is removed. It returns the numbers of each. After an error it goes on with the others.
func (l *Log) Recycle(keep, keepUntil ids.LSN) (recycled, removed int, err error) {
	segSize := uint64(l.opts.SegmentSize)
	nos, err := Segments(l.opts.FS, l.opts.Dir, l.opts.Timeline, l.opts.SegmentSize)
	if err != nil {
		return 0, 0, err
	}
	removed, err = l.removeAncestors(keep)
	have := make(map[uint64]bool, len(nos))
	for _, no := range nos {
		have[no] = true
	}
	// The segment after the one being written may be in creation: leave that one to its creator.
	next := l.reserved.Load()/segSize + 2
	for _, no := range nos {
		if (no+1)*segSize > uint64(keep) {
			break
		}
		if l.opts.MayRemove != nil && !l.opts.MayRemove(l.segmentName(no)) {
			continue
		}
		for have[next] {
			next++
		}
		reused, rerr := false, error(nil)
		if next <= uint64(keepUntil)/segSize && l.opts.Recycle() {
			reused, rerr = l.reuseSegment(no, next)
			have[next] = true
		}
		if !reused && rerr == nil {
			rerr = l.opts.FS.Remove(l.segmentPath(no))
		}
		switch {
		case rerr != nil: // the next checkpoint tries again
			err = cmp.Or(err, rerr)
			continue
		case reused:
			recycled++
		default:
			removed++
		}
		if l.opts.Removed != nil {
			l.opts.Removed(l.segmentName(no))
		}
	}
	if recycled+removed > 0 {
		if serr := l.syncNames(); serr != nil {
			err = serr
		}
	}
	return recycled, removed, err
}

// syncNames makes the names of segments durable. Commits will be written to files of these names: when that fails the log is broken.
func (l *Log) syncNames() error {
	if !l.opts.Fsync() {
		return nil
	}
	if err := l.opts.FS.SyncDir(l.opts.Dir); err != nil {
		return l.fail(err, "could not fsync directory \"pg_wal\": %v", err)
	}
	return nil
}

// removeAncestors removes the segments of other timelines that lie wholly before keep.
func (l *Log) removeAncestors(keep ids.LSN) (removed int, err error) {
	entries, err := l.opts.FS.ReadDir(l.opts.Dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		tli, no, ok := ParseSegmentName(e.Name(), l.opts.SegmentSize)
		if !ok || tli == l.opts.Timeline || (no+1)*uint64(l.opts.SegmentSize) > uint64(keep) || l.opts.MayRemove != nil && !l.opts.MayRemove(e.Name()) {
			continue
		}
		if rerr := l.opts.FS.Remove(filepath.Join(l.opts.Dir, e.Name())); rerr != nil { // the next checkpoint tries again
			err = cmp.Or(err, rerr)
			continue
		}
		removed++
		if l.opts.Removed != nil {
			l.opts.Removed(e.Name())
		}
	}
	return removed, err
}

// reuseSegment gives segment no the number of a future one, unless that came into being meanwhile.
func (l *Log) reuseSegment(no, next uint64) (bool, error) {
	l.namesMu.Lock()
	defer l.namesMu.Unlock()
	if vfs.Exists(l.opts.FS, l.segmentPath(next)) {
		return false, nil
	}
	err := l.opts.FS.Rename(l.segmentPath(no), l.segmentPath(next))
	return err == nil, err
}

// loadTail reads the block that contains at into the ring: the next write repeats it.
func (l *Log) loadTail(at uint64) error {
	begin := at &^ (blockSize - 1)
	if begin == at {
		return nil
	}
	segSize := uint64(l.opts.SegmentSize)
	f, err := l.opts.FS.Open(l.segmentPath(at/segSize), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := f.ReadAt(l.ring[begin&l.mask:][:at-begin], int64(begin%segSize))
	if err != nil && !(err == io.EOF && n == int(at-begin)) {
		return err
	}
	return nil
}

// zeroBeyond makes sure that nothing after at can be read as a record: it zeroes the rest of at's segment and
// removes the later ones.
func (l *Log) zeroBeyond(at uint64) error {
	segSize := uint64(l.opts.SegmentSize)
	nos, err := Segments(l.opts.FS, l.opts.Dir, l.opts.Timeline, l.opts.SegmentSize)
	if err != nil {
		return err
	}
	changed := false
	for _, no := range nos {
		switch {
		case no > at/segSize:
			err, changed = l.opts.FS.Remove(l.segmentPath(no)), true
		case no == at/segSize:
			err = l.zeroSegment(no, at%segSize)
		}
		if err != nil {
			return err
		}
	}
	if changed {
		return l.opts.FS.SyncDir(l.opts.Dir)
	}
	return nil
}

func (l *Log) zeroSegment(no, from uint64) error {
	f, err := l.opts.FS.Open(l.segmentPath(no), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, min(l.opts.SegmentSize, 256<<10))
	size := uint64(l.opts.SegmentSize)
	wrote := false
	for from < size {
		n, err := f.ReadAt(buf[:min(uint64(len(buf)), size-from)], int64(from))
		if err != nil && err != io.EOF {
			return err
		}
		if n == 0 {
			break
		}
		if !allZero(buf[:n]) {
			clear(buf[:n])
			if _, err := f.WriteAt(buf[:n], int64(from)); err != nil {
				return err
			}
			wrote = true
		}
		from += uint64(n)
	}
	if wrote {
		return f.Sync()
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (l *Log) timed(slot *stats.Slot, count, ns *atomic.Int64) func() {
	count.Add(1)
	if !slot.TimesWAL(l.opts.TrackIOTiming) {
		return func() {}
	}
	start := time.Now()
	return func() { ns.Add(int64(time.Since(start))) }
}
