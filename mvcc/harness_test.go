package mvcc

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"testing"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/stats"
	"gompho/storage/vfs"
	"gompho/wal"
)

// disk is a data directory in memory that forgets at a crash what was not synced.
type disk struct {
	mu    sync.Mutex
	files map[string]*diskFile
}

type diskFile struct {
	d           *disk
	name        string
	now, synced []byte
}

func newDisk() *disk { return &disk{files: map[string]*diskFile{}} }

func (d *disk) crash() {
	for _, f := range d.files {
		f.now = append([]byte(nil), f.synced...)
	}
}

func (d *disk) Open(name string, flag int, _ fs.FileMode) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, fs.ErrNotExist
		}
		f = &diskFile{d: d, name: name}
		d.files[name] = f
	}
	return f, nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, name)
	return nil
}
func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}
func (d *disk) MkdirAll(string, fs.FileMode) error { return nil }
func (d *disk) SyncDir(dir string) error           { return nil }
func (d *disk) ReadDir(dir string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []fs.DirEntry
	for n := range d.files {
		if path.Dir(n) == dir {
			out = append(out, diskEntry{name: path.Base(n)})
		}
	}
	return out, nil
}

func (f *diskFile) ReadAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if off >= int64(len(f.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if need := int(off) + len(p); need > len(f.now) {
		f.now = append(f.now, make([]byte, need-len(f.now))...)
	}
	return copy(f.now[off:], p), nil
}

func (f *diskFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.synced = append(f.synced[:0], f.now...)
	return nil
}

func (f *diskFile) Close() error         { return nil }
func (f *diskFile) Datasync() error      { return f.Sync() }
func (f *diskFile) Truncate(int64) error { return fs.ErrInvalid }
func (f *diskFile) Size() (int64, error) { return int64(len(f.now)), nil }
func (f *diskFile) Name() string         { return f.name }

// diskEntry is what ReadDir says of a file: its name.
type diskEntry struct {
	fs.DirEntry
	name string
}

func (e diskEntry) Name() string { return e.name }

// memLog is a log in memory; the position of a record is its number.
type memLog struct {
	mu      sync.Mutex
	records []memRecord
	flushed ids.LSN
}

type memRecord struct {
	kind    wal.Kind
	payload []byte
}

func (l *memLog) InsertSimple(kind wal.Kind, _ ids.Xid, payload ...[]byte) ids.LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, memRecord{kind, bytes.Join(payload, nil)})
	return ids.LSN(len(l.records))
}

func (l *memLog) Flush(_ *stats.Slot, upTo ids.LSN) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flushed = max(l.flushed, upTo)
	return nil
}

func (l *memLog) FlushedTo() ids.LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flushed
}

func (l *memLog) FlushAsync(ids.LSN) {}

func (l *memLog) crash() { l.records = l.records[:l.flushed] }

// server is a Manager with its world.
type server struct {
	t        testing.TB
	d        *disk
	log      *memLog
	m        *Manager
	state    State // of the last checkpoint
	redo     int   // records before the last checkpoint's redo position
	unlinked []ids.RelFile
}

func newServer(t testing.TB) *server {
	s := &server{t: t, d: newDisk(), log: &memLog{}}
	s.open(false)
	return s
}

func (s *server) open(crashed bool) {
	m, err := Open(Options{FS: s.d, Dir: "data", Log: s.log, Locks: locks.New(locks.Options{}), State: s.state, MaxPrepared: 5,
		Unlink: func(f []ids.RelFile) { s.unlinked = append(s.unlinked, f...) }})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range s.log.records[s.redo:] {
		if err := m.Redo(r.kind, r.payload); err != nil {
			s.t.Fatal(err)
		}
	}
	check(m.Start(crashed))
	s.m = m
}

// crash loses what was not flushed and recovers.
func (s *server) crash() {
	s.log.crash()
	s.d.crash()
	s.open(true)
}

func (s *server) checkpoint() {
	s.log.mu.Lock()
	redo := len(s.log.records)
	s.log.mu.Unlock()
	s.m.WaitCommitting()
	state := s.m.State()
	if err := s.m.Flush(nil); err != nil {
		s.t.Fatal(err)
	}
	s.log.Flush(nil, ids.LSN(redo))
	s.state, s.redo = state, redo
}

func (s *server) session() *Session {
	return s.m.NewSession(nil, s.m.locks.NewOwner(nil, locks.OwnerOptions{}), SessionOptions{})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var defaultOwner = locks.OwnerOptions{}
