// Package storetest assembles the storage layers for tests: files in memory that can crash, log, buffers, transactions.
package storetest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/types"
	"gompho/wal"
)

// Store is a server's storage without a server.
type Store struct {
	T       testing.TB
	FS      *vfs.Mem
	Log     *wal.Log
	Smgr    *smgr.Manager
	Pool    *buffer.Pool
	Locks   *locks.Manager
	Mvcc    *mvcc.Manager
	Env     *heap.Env
	buffers int
	nextRel ids.Oid
	nextPID int32
	redo    ids.LSN // of the last checkpoint
	state   mvcc.State
	closed  bool
}

const segment = 1 << 20

func (s *Store) walOptions() wal.Options {
	return wal.Options{FS: s.FS, Dir: "/data/pg_wal", SystemID: 1, SegmentSize: segment, BufferSize: 1 << 20}
}

// New makes an empty store with a pool of so many buffers.
func New(t testing.TB, seed uint64, buffers int) *Store {
	s := &Store{T: t, FS: vfs.NewMem(seed), buffers: buffers, nextRel: 20000}
	Check(t, s.FS.MkdirAll("/data/pg_wal", 0o700))
	Check(t, s.FS.SyncTree("/"))
	s.redo = wal.FirstLSN(segment)
	s.open(s.redo, false)
	t.Cleanup(s.Close)
	return s
}

func (s *Store) open(at ids.LSN, crashed bool) {
	t := s.T
	s.Smgr = smgr.New(smgr.Options{FS: s.FS, DataDir: "/data"})
	var err error
	s.Pool, err = buffer.New(buffer.Options{Buffers: s.buffers, Storage: s.Smgr, Checksums: true})
	Check(t, err)
	s.Locks = locks.New(locks.Options{})
	if crashed {
		s.Mvcc, err = mvcc.Open(mvcc.Options{FS: s.FS, Dir: "/data", Log: replayLog{}, Locks: s.Locks, State: s.state, Unlink: s.unlink})
		Check(t, err)
		at = s.replay()
	}
	s.Log, err = wal.Open(s.walOptions(), at, s.redo, crashed)
	Check(t, err)
	if crashed {
		// Everything replayed goes to disk before the transactions are opened for good.
		Check(t, s.Pool.FlushAll(nil))
		s.state = s.Mvcc.State()
		Check(t, s.Mvcc.Flush(nil))
	}
	s.Mvcc, err = mvcc.Open(mvcc.Options{FS: s.FS, Dir: "/data", Log: s.Log, Locks: s.Locks, State: s.state, Unlink: s.unlink})
	Check(t, err)
	s.Mvcc.Start(crashed)
	s.Pool.SetLog(s.Log)
	s.Env = &heap.Env{Pool: s.Pool, Mvcc: s.Mvcc, TempFile: s.tempFile}
}

// replayLog stands for the log while it is replayed: all that is replayed is durable.
type replayLog struct{}

func (replayLog) InsertSimple(wal.Kind, ids.Xid, ...[]byte) ids.LSN { return 0 }
func (replayLog) Flush(*stats.Slot, ids.LSN) error                  { return nil }
func (replayLog) FlushedTo() ids.LSN                                { return ^ids.LSN(0) }
func (replayLog) FlushAsync(ids.LSN)                                {}

func (s *Store) unlink(files []ids.RelFile) {
	for _, f := range files {
		s.Pool.DropRelationBuffers(f)
		_ = s.Smgr.Unlink(f)
	}
}

func (s *Store) tempFile() (heap.TempFile, error) {
	s.nextRel++
	name := fmt.Sprintf("/data/tmp%d", s.nextRel)
	f, err := s.FS.Open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return tempFile{f, func() { _ = s.FS.Remove(name) }}, nil
}

type tempFile struct {
	vfs.File
	remove func()
}

func (f tempFile) Close() error { f.remove(); return f.File.Close() }

// Close lets go of everything; it is called at the end of the test in any case.
func (s *Store) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.Log.Close()
	s.Mvcc.Close()
	s.Smgr.Close()
	s.Pool.Close()
}

// replay repeats the log from the last checkpoint on and returns its end.
func (s *Store) replay() ids.LSN {
	t := s.T
	r := wal.NewReader(s.walOptions(), s.redo)
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Pos()
		}
		Check(t, err)
		if rec.Xid != 0 {
			s.Mvcc.SawXid(rec.Xid)
		}
		for _, p := range rec.Pages {
			s.replayPage(rec, p)
		}
		switch rec.Kind {
		case wal.XactCommit, wal.XactAbort, wal.NextXid, wal.MultiCreate, wal.ClogTruncate:
			Check(t, s.Mvcc.Redo(rec.Kind, rec.Payload))
		case wal.FileCreate:
			rel, fork, err := smgr.DecodeCreate(rec.Payload)
			Check(t, err)
			Check(t, s.Smgr.Create(rel, fork, true))
		case wal.FileTruncate:
			rel, sizes, err := smgr.DecodeTruncate(rec.Payload)
			Check(t, err)
			Check(t, s.Pool.TruncateFiles(nil, rel, sizes))
		}
	}
}

func (s *Store) replayPage(rec *wal.Record, p wal.PageRef) {
	b, ok, err := s.Pool.ReadForRedo(nil, p.Rel, p.Fork, p.Block, page.Rebuilds(p.Ops))
	Check(s.T, err)
	if !ok {
		return // truncated or dropped later
	}
	defer b.UnlockRelease()
	if b.Page().LSN() >= rec.End {
		return
	}
	if err := page.Apply(b.Page(), p.Ops); err != nil {
		s.T.Fatalf("redo of %s: %v", rec.Describe(), err)
	}
	b.RedoDone(rec.End)
}

// Checkpoint writes everything and moves the place where recovery begins.
func (s *Store) Checkpoint() {
	redo := s.Log.MoveRedo()
	s.Log.AwaitDelays()
	s.Mvcc.WaitCommitting()
	state := s.Mvcc.State()
	s.Smgr.BeginCheckpoint()
	_, err := s.Pool.WriteDirty(nil, false, nil)
	Check(s.T, err)
	_, err = s.Smgr.SyncAll(nil)
	Check(s.T, err)
	Check(s.T, s.Mvcc.Flush(nil))
	Check(s.T, s.Smgr.EndCheckpoint())
	Check(s.T, s.Log.Flush(nil, redo))
	s.redo, s.state = redo, state
}

// Crash loses what was not synced and recovers. Sessions, relations' handles and buffers of before are void.
func (s *Store) Crash() {
	s.FS.Kill()
	s.Log.Close()
	s.Smgr.Close()
	s.Pool.Close()
	s.FS.Crash()
	s.open(0, true)
}

// Session makes a session in database 5.
func (s *Store) Session() *mvcc.Session {
	s.nextPID++
	slot := stats.NewSlot(s.nextPID, s.nextPID)
	tx := s.Mvcc.NewSession(slot, s.Locks.NewOwner(slot, locks.OwnerOptions{DeadlockTimeout: func() time.Duration { return 5 * time.Millisecond }}), mvcc.SessionOptions{})
	tx.SetDatabase(5)
	return tx
}

// Begin makes a session in a transaction.
func (s *Store) Begin() *mvcc.Session {
	tx := s.Session()
	Check(s.T, tx.Begin(mvcc.BeginOpts{Isolation: mvcc.ReadCommitted}))
	return tx
}

// NewFile returns a file number that was not used.
func (s *Store) NewFile() ids.RelFile {
	s.nextRel++
	return ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: s.nextRel}
}

// Table makes the storage of a table, committed at once.
func (s *Store) Table(desc *types.Desc, edit ...func(*heap.Rel)) *heap.Rel {
	r := &heap.Rel{Env: s.Env, File: s.NewFile(), DB: 5, Name: "t", Desc: desc, Logged: true}
	r.Oid = r.File.Rel
	for _, f := range edit {
		f(r)
	}
	tx := s.Begin()
	Check(s.T, heap.CreateStorage(tx, s.Env, r.File, r.Logged, r.Temp))
	Commit(s.T, tx)
	return heap.NewRel(r)
}

// Commit commits and closes the session.
func Commit(t testing.TB, tx *mvcc.Session) {
	Check(t, tx.Commit())
	tx.Close()
}

// Check fails the test on an error.
func Check(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// Must returns v, or fails the test.
func Must[V any](t testing.TB) func(v V, err error) V {
	return func(v V, err error) V {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
		return v
	}
}

// Attr makes a column of a common type.
func Attr(name string) types.Attr {
	switch name {
	case "int4":
		return types.Attr{Name: name, Type: 23, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
	case "int8":
		return types.Attr{Name: name, Type: 20, Len: 8, ByVal: true, Align: 'd', Storage: 'p'}
	case "text":
		return types.Attr{Name: name, Type: 25, Len: -1, Align: 'i', Storage: 'x'}
	case "oid":
		return types.Attr{Name: name, Type: 26, Len: 4, ByVal: true, Align: 'i', Storage: 'p'}
	case "bytea":
		return types.Attr{Name: name, Type: 17, Len: -1, Align: 'i', Storage: 'x'}
	}
	panic("storetest: no type " + name)
}

// Desc makes a row description of common types.
func Desc(names ...string) *types.Desc {
	d := &types.Desc{}
	for _, n := range names {
		d.Attrs = append(d.Attrs, Attr(n))
	}
	return d
}
