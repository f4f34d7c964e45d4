package vfs

import (
	"io"
	"io/fs"
)

// OpKind is a kind of operation that a Policy sees.
type OpKind uint8

const (
	OpOpen OpKind = iota
	OpRead
	OpWrite
	OpTruncate
	OpSync // File.Sync, File.Datasync
	OpSyncDir
	OpRemove
	OpRename
	OpMkdir
	OpReadDir
	OpStat
	OpLock
	OpFlush    // a hint to write back
	OpReadHint // a hint to read ahead
)

// String names the kind.
func (k OpKind) String() string {
	return [...]string{"open", "read", "write", "truncate", "sync", "syncdir", "remove", "rename", "mkdir", "readdir", "stat", "lock", "flush", "readhint"}[k]
}

// FaultOp is one operation about to run.
type FaultOp struct {
	Kind   OpKind
	Name   string
	Offset int64
	Len    int
	Flag   int // of Open
}

// Policy decides about an operation: nil lets it run, an error makes it fail. A write that fails may have
// written the first Short bytes when the error is a *ShortWrite. It is called from any goroutine.
type Policy func(op FaultOp) error

// ShortWrite as a Policy's error writes the first Short bytes and fails with Err.
type ShortWrite struct {
	Short int
	Err   error
}

// Error implements error.
func (s *ShortWrite) Error() string { return s.Err.Error() }

// Unwrap implements errors.Unwrap.
func (s *ShortWrite) Unwrap() error { return s.Err }

// NewFaulty wraps a file system so that policy sees, and can fail, every operation.
func NewFaulty(inner FS, policy Policy) FS { return &faultyFS{inner, policy} }

type faultyFS struct {
	inner  FS
	policy Policy
}

func (f *faultyFS) ask(k OpKind, name string) error { return f.policy(FaultOp{Kind: k, Name: name}) }

func (f *faultyFS) Open(name string, flag int, perm fs.FileMode) (File, error) {
	if err := f.policy(FaultOp{Kind: OpOpen, Name: name, Flag: flag}); err != nil {
		return nil, err
	}
	inner, err := f.inner.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{inner, f}, nil
}

func (f *faultyFS) Remove(name string) error {
	if err := f.ask(OpRemove, name); err != nil {
		return err
	}
	return f.inner.Remove(name)
}

func (f *faultyFS) RemoveAll(name string) error {
	if err := f.ask(OpRemove, name); err != nil {
		return err
	}
	return f.inner.RemoveAll(name)
}

func (f *faultyFS) Rename(from, to string) error {
	if err := f.ask(OpRename, to); err != nil {
		return err
	}
	return f.inner.Rename(from, to)
}

func (f *faultyFS) MkdirAll(name string, perm fs.FileMode) error {
	if err := f.ask(OpMkdir, name); err != nil {
		return err
	}
	return f.inner.MkdirAll(name, perm)
}

func (f *faultyFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.ask(OpReadDir, name); err != nil {
		return nil, err
	}
	return f.inner.ReadDir(name)
}

func (f *faultyFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.ask(OpStat, name); err != nil {
		return nil, err
	}
	return f.inner.Stat(name)
}

func (f *faultyFS) Symlink(target, name string) error    { return f.inner.Symlink(target, name) }
func (f *faultyFS) Readlink(name string) (string, error) { return f.inner.Readlink(name) }

func (f *faultyFS) SyncDir(name string) error {
	if err := f.ask(OpSyncDir, name); err != nil {
		return err
	}
	return f.inner.SyncDir(name)
}

func (f *faultyFS) SyncTree(name string) error {
	if err := f.ask(OpSyncDir, name); err != nil {
		return err
	}
	return f.inner.SyncTree(name)
}

func (f *faultyFS) Lock(name string) (io.Closer, error) {
	if err := f.ask(OpLock, name); err != nil {
		return nil, err
	}
	return f.inner.Lock(name)
}

type faultyFile struct {
	File
	fs *faultyFS
}

func (f *faultyFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.policy(FaultOp{Kind: OpRead, Name: f.Name(), Offset: off, Len: len(b)}); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	err := f.fs.policy(FaultOp{Kind: OpWrite, Name: f.Name(), Offset: off, Len: len(b)})
	if short, ok := err.(*ShortWrite); ok {
		n, werr := f.File.WriteAt(b[:min(short.Short, len(b))], off)
		if werr != nil {
			return n, werr
		}
		return n, short.Err
	}
	if err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.policy(FaultOp{Kind: OpTruncate, Name: f.Name(), Offset: size}); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.ask(OpSync, f.Name()); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Datasync() error {
	if err := f.fs.ask(OpSync, f.Name()); err != nil {
		return err
	}
	return f.File.Datasync()
}

// FlushRange implements Adviser.
func (f *faultyFile) FlushRange(off, n int64) error {
	if err := f.fs.policy(FaultOp{Kind: OpFlush, Name: f.Name(), Offset: off, Len: int(n)}); err != nil {
		return err
	}
	return FlushRange(f.File, off, n)
}

// WillNeed implements Adviser.
func (f *faultyFile) WillNeed(off, n int64) error {
	if err := f.fs.policy(FaultOp{Kind: OpReadHint, Name: f.Name(), Offset: off, Len: int(n)}); err != nil {
		return err
	}
	return WillNeed(f.File, off, n)
}
