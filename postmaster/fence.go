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

// Open implements vfs.FS.
func (f *fencedFS) Open(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if f.cut.Load() {
		return nil, errFenced
	}
	file, err := f.FS.Open(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &fencedFile{File: file, fence: f}, nil
}

// Remove implements vfs.FS.
func (f *fencedFS) Remove(name string) error {
	if f.cut.Load() {
		return errFenced
	}
	return f.FS.Remove(name)
}

// Rename implements vfs.FS.
func (f *fencedFS) Rename(from, to string) error {
	if f.cut.Load() {
		return errFenced
	}
	return f.FS.Rename(from, to)
}

// RemoveAll implements vfs.FS.
func (f *fencedFS) RemoveAll(name string) error {
	if f.cut.Load() {
		return errFenced
	}
	return f.FS.RemoveAll(name)
}

// MkdirAll implements vfs.FS.
func (f *fencedFS) MkdirAll(name string, perm fs.FileMode) error {
	if f.cut.Load() {
		return errFenced
	}
	return f.FS.MkdirAll(name, perm)
}

type fencedFile struct {
	vfs.File
	fence *fencedFS
}

// WriteAt implements vfs.File.
func (f *fencedFile) WriteAt(b []byte, off int64) (int, error) {
	if f.fence.cut.Load() {
		return 0, errFenced
	}
	return f.File.WriteAt(b, off)
}

// Truncate implements vfs.File.
func (f *fencedFile) Truncate(n int64) error {
	if f.fence.cut.Load() {
		return errFenced
	}
	return f.File.Truncate(n)
}
