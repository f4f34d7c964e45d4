package smgr

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sort"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
)

func (m *Manager) noteWrite(s *segment) {
	if s.queued.Load() || s.scratch.Load() || s.queued.Swap(true) {
		return
	}
	m.syncMu.Lock()
	m.queue[s] = struct{}{}
	m.syncMu.Unlock()
}

// SetScratch says that a relation, whose files are not made yet, is of no use after a crash: they are never synced.
func (m *Manager) SetScratch(rel ids.RelFile) { m.relation(rel).scratch.Store(true) }

// noteDir queues the directory of path.
func (m *Manager) noteDir(path string) {
	m.syncMu.Lock()
	m.dirs[filepath.Dir(path)] = struct{}{}
	m.syncMu.Unlock()
}

// QueueLength returns the number of files that the next SyncAll will sync.
func (m *Manager) QueueLength() int {
	m.syncMu.Lock()
	defer m.syncMu.Unlock()
	return len(m.queue)
}

// SyncStats are figures of one SyncAll, for log_checkpoints.
type SyncStats struct {
	Files   int
	Longest time.Duration
	Total   time.Duration
}

// BeginCheckpoint is called when a checkpoint's redo pointer is chosen: relations dropped before it are unlinked by
// EndCheckpoint.
func (m *Manager) BeginCheckpoint() {
	m.syncMu.Lock()
	m.cycle++
	m.syncMu.Unlock()
}

// SyncAll makes all earlier writes durable. An error has severity PANIC, and OnPanic was told.
func (m *Manager) SyncAll(slot *stats.Slot) (SyncStats, error) {
	m.syncMu.Lock()
	queue, dirs := m.queue, m.dirs
	m.queue, m.dirs = make(map[*segment]struct{}), make(map[string]struct{})
	m.syncMu.Unlock()

	var st SyncStats
	if !m.opts.Fsync() {
		for s := range queue {
			s.queued.Store(false)
		}
		return st, nil
	}
	segs := make([]*segment, 0, len(queue))
	for s := range queue {
		segs = append(segs, s)
	}
	sort.Slice(segs, func(i, j int) bool { return segs[i].less(segs[j]) })
	prev := slot.BeginWait(stats.IODataFileSync)
	defer slot.EndWait(prev)
	for _, s := range segs {
		s.queued.Store(false) // a write from here on queues the segment again
		start := time.Now()
		if err := m.syncSegment(s); err != nil {
			return st, err
		}
		d := time.Since(start)
		st.Files++
		st.Total += d
		st.Longest = max(st.Longest, d)
	}
	names := make([]string, 0, len(dirs))
	for d := range dirs {
		names = append(names, d)
	}
	sort.Strings(names)
	for _, d := range names {
		if err := m.opts.FS.SyncDir(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return st, m.panic(err, "could not fsync directory %q: %v", d, rootCause(err))
		}
	}
	return st, nil
}

func (s *segment) less(t *segment) bool {
	switch {
	case s.rel.Spc != t.rel.Spc:
		return s.rel.Spc < t.rel.Spc
	case s.rel.DB != t.rel.DB:
		return s.rel.DB < t.rel.DB
	case s.rel.Rel != t.rel.Rel:
		return s.rel.Rel < t.rel.Rel
	case s.fork != t.fork:
		return s.fork < t.fork
	}
	return s.no < t.no
}

func (m *Manager) syncSegment(s *segment) error {
	if s.gone.Load() {
		return nil
	}
	err := m.use(s, false, func(f vfs.File) error { return f.Sync() })
	if s.stray.Load() {
		defer m.closeSegment(s)
	}
	if err == nil || s.gone.Load() {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) && !vfs.Exists(m.opts.FS, m.segPath(s.rel, s.fork, s.no)) {
		return nil // unlinked through another handle
	}
	return m.panic(err, "could not fsync file %q: %v", RelPath(s.rel, s.fork), rootCause(err))
}

func (m *Manager) panic(err error, format string, args ...any) error {
	e := pgerr.Wrap(err, pgerr.FileCode(err), format, args...).WithSeverity(pgerr.Panic)
	m.opts.OnPanic(e)
	return e
}

// SyncNow makes the written blocks of a fork durable at once: for relations filled without log records.
func (m *Manager) SyncNow(slot *stats.Slot, rel ids.RelFile, fork ids.Fork) error {
	if !m.opts.Fsync() {
		return nil
	}
	n, err := m.Blocks(rel, fork)
	if err != nil {
		return err
	}
	prev := slot.BeginWait(stats.IODataFileSync)
	defer slot.EndWait(prev)
	r := m.relation(rel)
	last, _ := m.locate(n)
	for no := uint32(0); no <= last; no++ {
		if err := m.syncSegment(r.segment(fork, no)); err != nil {
			return err
		}
	}
	dir := filepath.Dir(m.segPath(rel, fork, 0))
	if err := m.opts.FS.SyncDir(dir); err != nil {
		return m.panic(err, "could not fsync directory %q: %v", dir, rootCause(err))
	}
	return nil
}

// EndCheckpoint removes the files of relations that were dropped before the checkpoint began. What cannot be removed is tried again
// by the next one.
func (m *Manager) EndCheckpoint() error {
	m.syncMu.Lock()
	var due []string
	kept := m.unlinks[:0]
	for _, u := range m.unlinks {
		if u.cycle < m.cycle {
			due = append(due, u.path)
		} else {
			kept = append(kept, u)
		}
	}
	m.unlinks = kept
	m.syncMu.Unlock()
	var first error
	for _, p := range due {
		err := m.opts.FS.Remove(p)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			m.noteDir(p)
			continue
		}
		m.queueUnlink(p)
		if first == nil {
			first = pgerr.Wrap(err, pgerr.IoError, "could not remove file %q: %v", p, rootCause(err))
		}
	}
	return first
}
