package smgr

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

// SegmentBlocks is the size of a full segment file in blocks: 1 GB.
const SegmentBlocks = 131072

const shards = 64

// Options of New.
type Options struct {
	FS            vfs.FS
	DataDir       string
	Fsync         func() bool // nil: true
	MaxOpenFiles  int         // 0: 1000
	SegmentBlocks uint32      // for tests; 0: SegmentBlocks
	// OnPanic is told of a failed sync. It must not block.
	OnPanic func(error)
}

// Manager is the storage manager of one server. Its methods may be called concurrently.
type Manager struct {
	opts   Options
	shards [shards]shard

	open  atomic.Int32 // open segment files
	clock atomic.Uint32

	// syncMu protects the queues.
	syncMu  sync.Mutex
	queue   map[*segment]struct{}
	dirs    map[string]struct{}
	unlinks []pendingUnlink
	cycle   uint64 // counts checkpoints begun
}

type shard struct {
	mu   sync.RWMutex // protects rels
	rels map[ids.RelFile]*relation
}

type relation struct {
	file    ids.RelFile
	scratch atomic.Bool // never synced
	forks   [ids.NumForks]forkState
}

type forkState struct {
	blocks atomic.Int64 // size in blocks, -1 unknown

	extendMu sync.Mutex // held while the fork's size changes

	mu   sync.RWMutex // protects segs
	segs []*segment
}

// segment is one file. It outlives its open file.
type segment struct {
	rel     ids.RelFile
	fork    ids.Fork
	no      uint32
	queued  atomic.Bool
	gone    atomic.Bool // its file is removed
	scratch atomic.Bool // never synced
	stray   atomic.Bool // forgotten by its relation: only the sync queue may still know it
	used    atomic.Bool // since the last sweep for files to close

	mu sync.RWMutex // shared: f is in use; exclusive: f changes
	f  vfs.File
}

type pendingUnlink struct {
	path  string
	cycle uint64
}

// New makes a storage manager.
func New(o Options) *Manager {
	if o.Fsync == nil {
		o.Fsync = func() bool { return true }
	}
	if o.MaxOpenFiles == 0 {
		o.MaxOpenFiles = 1000
	}
	if o.SegmentBlocks == 0 {
		o.SegmentBlocks = SegmentBlocks
	}
	if o.OnPanic == nil {
		o.OnPanic = func(error) {}
	}
	m := &Manager{opts: o, queue: map[*segment]struct{}{}, dirs: map[string]struct{}{}}
	for i := range m.shards {
		m.shards[i].rels = map[ids.RelFile]*relation{}
	}
	return m
}

// Close closes all files.
func (m *Manager) Close() error {
	var first error
	m.eachSegment(func(s *segment) {
		if err := m.closeSegment(s); err != nil && first == nil {
			first = err
		}
	})
	return first
}

// FS returns the file system, and DataDir the directory below which all files are.
func (m *Manager) FS() vfs.FS { return m.opts.FS }

// DataDir returns the data directory.
func (m *Manager) DataDir() string { return m.opts.DataDir }

// OpenFiles returns the number of open files.
func (m *Manager) OpenFiles() int { return int(m.open.Load()) }

func (m *Manager) shardOf(rel ids.RelFile) *shard {
	return &m.shards[(uint32(rel.Rel)*2654435761+uint32(rel.DB)*40503)>>16%shards]
}

func (m *Manager) relation(rel ids.RelFile) *relation {
	s := m.shardOf(rel)
	s.mu.RLock()
	r := s.rels[rel]
	s.mu.RUnlock()
	if r != nil {
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r = s.rels[rel]; r == nil {
		r = &relation{file: rel}
		for i := range r.forks {
			r.forks[i].blocks.Store(-1)
		}
		s.rels[rel] = r
	}
	return r
}

// Forget drops what is cached about a relation, closing its files.
func (m *Manager) Forget(rel ids.RelFile) {
	s := m.shardOf(rel)
	s.mu.Lock()
	r := s.rels[rel]
	delete(s.rels, rel)
	s.mu.Unlock()
	if r != nil {
		for i := range r.forks {
			m.dropSegments(&r.forks[i], 0, false)
		}
	}
}

// dropSegments forgets the segments from number from on; gone says that their files are removed.
func (m *Manager) dropSegments(f *forkState, from int, gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if from >= len(f.segs) {
		return
	}
	for _, s := range f.segs[from:] {
		if s == nil {
			continue
		}
		if gone {
			s.gone.Store(true)
		}
		s.stray.Store(true)
		_ = m.closeSegment(s)
	}
	f.segs = f.segs[:from]
}

func (m *Manager) closeSegment(s *segment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	m.open.Add(-1)
	return err
}

func (m *Manager) eachSegment(do func(*segment)) {
	for i := range m.shards {
		sh := &m.shards[i]
		sh.mu.RLock()
		rels := make([]*relation, 0, len(sh.rels))
		for _, r := range sh.rels {
			rels = append(rels, r)
		}
		sh.mu.RUnlock()
		for _, r := range rels {
			for j := range r.forks {
				f := &r.forks[j]
				f.mu.RLock()
				segs := append([]*segment(nil), f.segs...)
				f.mu.RUnlock()
				for _, s := range segs {
					if s != nil {
						do(s)
					}
				}
			}
		}
	}
}

// closeSome closes files that were not used since the last time, when too many are open.
func (m *Manager) closeSome() {
	if int(m.open.Load()) <= m.opts.MaxOpenFiles {
		return
	}
	for range 2 {
		m.eachSegment(func(s *segment) {
			if !s.used.Swap(false) && int(m.open.Load()) > m.opts.MaxOpenFiles*3/4 {
				_ = m.closeSegment(s)
			}
		})
		if int(m.open.Load()) <= m.opts.MaxOpenFiles {
			return
		}
	}
}

// segment returns the handle of a segment, whether or not its file exists.
func (r *relation) segment(fork ids.Fork, no uint32) *segment {
	f := &r.forks[fork]
	f.mu.RLock()
	if int(no) < len(f.segs) {
		if s := f.segs[no]; s != nil {
			f.mu.RUnlock()
			return s
		}
	}
	f.mu.RUnlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for int(no) >= len(f.segs) {
		f.segs = append(f.segs, nil)
	}
	if f.segs[no] == nil {
		f.segs[no] = &segment{rel: r.file, fork: fork, no: no}
		f.segs[no].scratch.Store(r.scratch.Load())
	}
	return f.segs[no]
}

// use calls do with the segment's file, opening it if needed, with flags os.O_CREATE if create is set.
func (m *Manager) use(s *segment, create bool, do func(vfs.File) error) error {
	s.mu.RLock()
	for s.f == nil {
		s.mu.RUnlock()
		if err := m.openSegment(s, create); err != nil {
			return err
		}
		s.mu.RLock()
	}
	defer s.mu.RUnlock()
	if !s.used.Load() {
		s.used.Store(true)
	}
	return do(s.f)
}

func (m *Manager) openSegment(s *segment, create bool) error {
	m.closeSome()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		return nil
	}
	path := m.segPath(s.rel, s.fork, s.no)
	f, err := m.opts.FS.Open(path, os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) && create {
		if f, err = m.opts.FS.Open(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			m.noteDir(path)
		}
	}
	if err != nil {
		return fileError(err, "open", s.rel, s.fork, s.no)
	}
	s.f = f
	s.used.Store(true)
	m.open.Add(1)
	return nil
}

func fileError(err error, what string, rel ids.RelFile, fork ids.Fork, seg uint32) error {
	name := RelPath(rel, fork)
	if seg > 0 {
		name = (&Manager{}).segPath(rel, fork, seg)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return pgerr.Wrap(err, pgerr.UndefinedFile, "could not %s file %q: No such file or directory", what, name)
	case pgerr.IsNoSpace(err):
		return pgerr.Wrap(err, pgerr.DiskFull, "could not %s file %q: No space left on device", what, name).
			WithHint("Check free disk space.")
	}
	return pgerr.Wrap(err, pgerr.FileCode(err), "could not %s file %q: %v", what, name, rootCause(err))
}

func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
