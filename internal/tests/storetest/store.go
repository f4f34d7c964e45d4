// Package storetest assembles the storage layers for tests: files in memory that can crash, log, buffers, transactions.
package storetest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/checkpoint"
	"gompho/storage/control"
	"gompho/storage/heap"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/types"
	"gompho/wal"
	"gompho/wal/recovery"
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
	Control *control.File
	ckpt    *checkpoint.Checkpointer
	unlink  func([]ids.RelFile)
	closed  bool
}

const segment = 1 << 20

func (s *Store) walOptions() wal.Options {
	return wal.Options{FS: s.FS, Dir: "/data/pg_wal", SystemID: 1, SegmentSize: segment, BufferSize: 1 << 20}
}

// New makes an empty store with a pool of so many buffers.
func New(t testing.TB, seed uint64, buffers int) *Store {
	s := &Store{T: t, FS: vfs.NewMem(seed), buffers: buffers, nextRel: 20000}
	Check(t, s.FS.MkdirAll("/data", 0o700))
	Check(t, checkpoint.Bootstrap("/data", s.walOptions(), control.Data{Checksums: true}))
	s.open()
	t.Cleanup(s.Close)
	return s
}

// open starts the store as a server starts: control file, recovery, and only then transactions.
func (s *Store) open() {
	t := s.T
	var err error
	s.Control, err = control.Open(s.FS, "/data")
	Check(t, err)
	s.Smgr = smgr.New(smgr.Options{FS: s.FS, DataDir: "/data"})
	s.Pool, err = buffer.New(buffer.Options{Buffers: s.buffers, Storage: s.Smgr, Checksums: true})
	Check(t, err)
	s.Log, err = wal.New(s.walOptions())
	Check(t, err)
	s.Locks = locks.New(locks.Options{})
	var rec *recovery.Recovery
	ckpt := checkpoint.Options{Pool: s.Pool, Log: s.Log, Control: s.Control, Counters: s.counters}
	ckpt.Participants = []checkpoint.Participant{lateMvcc{s}}
	rec, err = recovery.Open(recovery.Options{Control: s.Control, Pool: s.Pool, Log: s.Log, Wal: s.walOptions(), Checkpoint: ckpt})
	Check(t, err)
	from := rec.Checkpoint()
	s.unlink = rec.DropRelations
	s.Mvcc, err = mvcc.Open(mvcc.Options{FS: s.FS, Dir: "/data", Log: s.Log, Locks: s.Locks, State: checkpoint.Mvcc(&from), MaxPrepared: 8,
		Unlink: func(files []ids.RelFile) { s.unlink(files) }})
	Check(t, err)
	_, err = rec.Run(nil, recovery.Routines{Transaction: s.Mvcc.Redo, SawXid: s.Mvcc.SawXid}, func() error {
		return s.Mvcc.Start(rec.Crashed())
	})
	Check(t, err)
	s.unlink = func(files []ids.RelFile) { Check(t, s.Pool.DropRelations(files)) }
	s.ckpt = checkpoint.New(ckpt)
	s.Env = &heap.Env{Pool: s.Pool, Mvcc: s.Mvcc, TempFile: s.tempFile}
}

// lateMvcc is the store's transactions as a participant of checkpoints; they do not exist yet when recovery is opened.
type lateMvcc struct{ s *Store }

func (l lateMvcc) Flush(slot *stats.Slot) error { return l.s.Mvcc.Flush(slot) }
func (l lateMvcc) WaitCommitting()              { l.s.Mvcc.WaitCommitting() }

func (s *Store) counters(c *control.Checkpoint) { checkpoint.SetMvcc(c, s.Mvcc.State()) }

func (s *Store) tempFile(*stats.Slot) (heap.TempFile, error) {
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

// Checkpoint writes everything and moves the place where recovery begins.
func (s *Store) Checkpoint() {
	_, err := s.ckpt.Run(nil, checkpoint.Force|checkpoint.Immediate, nil)
	Check(s.T, err)
}

// Crash loses what was not synced and recovers. Sessions, relations' handles and buffers of before are void.
func (s *Store) Crash() {
	s.FS.Kill()
	s.Log.Close()
	s.Smgr.Close()
	s.Pool.Close()
	s.FS.Crash()
	s.open()
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
	case "int2":
		return types.Attr{Name: name, Type: 21, Len: 2, ByVal: true, Align: 's', Storage: 'p'}
	case "float8":
		return types.Attr{Name: name, Type: 701, Len: 8, ByVal: true, Align: 'd', Storage: 'p'}
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
