package vfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// SectorSize is the unit that storage writes atomically.
const SectorSize = 512

// Flags of Open besides those of package os.
const (
	FlagDatasync = 1 << 30 // O_DSYNC: each write is durable when it returns
	FlagSync     = 1 << 29 // O_SYNC
	FlagDirect   = 1 << 28 // O_DIRECT, where the file system allows it: offsets, lengths and memory in multiples of 4096
)

// File is an open file. All methods may be called concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Size() (int64, error)
	Sync() error     // fsync
	Datasync() error // fdatasync: content and size
	Close() error
	Name() string
}

// FS is a file system. Names are slash-separated paths.
type FS interface {
	// Open opens a file with the flags of os.OpenFile and the Flag constants above.
	Open(name string, flag int, perm fs.FileMode) (File, error)
	Remove(name string) error
	RemoveAll(name string) error
	Rename(from, to string) error
	MkdirAll(name string, perm fs.FileMode) error
	// ReadDir lists a directory in the order of names.
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	Symlink(target, name string) error
	Readlink(name string) (string, error)
	// SyncDir makes creations, removals and renames in a directory durable.
	SyncDir(name string) error
	// SyncTree makes everything below name durable, or more than that.
	SyncTree(name string) error
	// Lock takes an exclusive lock on a file that it creates if needed; it fails at once with an error that
	// wraps ErrLocked when someone else, or this process, has it.
	Lock(name string) (io.Closer, error)
}

// ErrLocked says that Lock found the file locked.
var ErrLocked = os.ErrExist

// ReadFile returns a file's content.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// WriteFile creates or overwrites a file; it is durable when sync is set and the directory is synced too.
func WriteFile(fsys FS, name string, b []byte, perm fs.FileMode, sync bool) error {
	f, err := fsys.Open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, 0); err == nil && sync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// ReplaceFile gives a file new content so that after a crash either the old or the new one is there in full.
func ReplaceFile(fsys FS, name string, b []byte, perm fs.FileMode) error {
	tmp := name + ".tmp"
	if err := WriteFile(fsys, tmp, b, perm, true); err != nil {
		return err
	}
	if err := fsys.Rename(tmp, name); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// Exists reports whether name exists.
func Exists(fsys FS, name string) bool {
	_, err := fsys.Stat(name)
	return err == nil
}
