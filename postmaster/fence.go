package postmaster

import (
	"errors"
	"io/fs"
	"sync/atomic"

	"gompho/storage/vfs"
)

// fencedFS is a file system that can be cut off: after a crash of the server processes that are still running must not
// write what they have in memory.
type fencedFS struct {
	vfs.FS
	cut atomic.Bool
}

var errFenced = errors.New("the server has crashed: files are closed to its old processes")

func (f *fencedFS) check() error {
	if f.cut.Load() {
		return errFenced
	}
	return nil
}

// Open implements vfs.FS.
func (f *fencedFS) Open(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f}, nil
}

// Remove implements vfs.FS.
func (f *fencedFS) Remove(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (f *fencedFS) RemoveAll(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

// Rename implements vfs.FS.
func (f *fencedFS) Rename(from, to string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

// MkdirAll implements vfs.FS.
func (f *fencedFS) MkdirAll(name string, perm fs.FileMode) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.MkdirAll(name, perm)
}

// Symlink implements vfs.FS.
func (f *fencedFS) Symlink(target, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.Symlink(target, name)
}

// SyncDir implements vfs.FS.
func (f *fencedFS) SyncDir(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

// SyncTree implements vfs.FS.
func (f *fencedFS) SyncTree(name string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.FS.SyncTree(name)
}

type fencedFile struct {
	vfs.File
	fence *fencedFS
}

// WriteAt implements vfs.File.
func (f *fencedFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.fence.check(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}

// Truncate implements vfs.File.
func (f *fencedFile) Truncate(n int64) error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.Truncate(n)
}

// Sync implements vfs.File.
func (f *fencedFile) Sync() error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.Sync()
}

// Datasync implements vfs.File.
func (f *fencedFile) Datasync() error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return f.File.Datasync()
}

// FlushRange implements vfs.Adviser.
func (f *fencedFile) FlushRange(off, n int64) error {
	if err := f.fence.check(); err != nil {
		return err
	}
	return vfs.FlushRange(f.File, off, n)
}

// WillNeed implements vfs.Adviser.
func (f *fencedFile) WillNeed(off, n int64) error { return vfs.WillNeed(f.File, off, n) }
