package vfs

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// FlushRange implements Adviser. A file system without the call is as good as one that has nothing to do.
func (f osFile) FlushRange(off, n int64) error {
	for {
		err := unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
		switch err {
		case nil, unix.ENOSYS, unix.ESPIPE, unix.EINVAL:
			return nil
		case unix.EINTR:
			continue
		}
		return &fs.PathError{Op: "sync_file_range", Path: f.Name(), Err: err}
	}
}

// WillNeed implements Adviser.
func (f osFile) WillNeed(off, n int64) error {
	return unix.Fadvise(int(f.Fd()), off, n, unix.FADV_WILLNEED)
}
