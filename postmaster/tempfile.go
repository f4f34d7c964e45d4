package postmaster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/storage/vfs"
)

// tempDir is where temporary files are, relative to the data directory. What is in it at the start is left over from a crash.
const tempDir = "base/pgsql_tmp"

// tempFile is scratch space of a session: a file that is removed when it is closed. Its size is on the session's account.
type tempFile struct {
	vfs.File
	fs   vfs.FS
	path string
	slot *stats.Slot // of who made it
	acct *stats.TempSpace
	size atomic.Int64
}

func (c *cluster) tempFile(slot *stats.Slot) (heap.TempFile, error) {
	dir := c.path("base", "pgsql_tmp")
	if err := c.fs.MkdirAll(dir, 0o700); err != nil {
		return nil, tempError(err, "create temporary directory", tempDir)
	}
	t := &tempFile{fs: c.fs}
	pid := os.Getpid()
	if slot != nil {
		pid, t.slot, t.acct = int(slot.PID), slot, slot.Temp
	}
	name := fmt.Sprintf("pgsql_tmp%d.%d", pid, c.tempNo.Add(1)-1)
	t.path = filepath.Join(tempDir, name)
	f, err := c.fs.Open(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, tempError(err, "create temporary file", t.path)
	}
	t.File = f
	return t, nil
}

// tempSpace is the account of a session's temporary files.
func tempSpace(s *session.Session) *stats.TempSpace {
	kilobytes := func(setting string) int64 { return s.Settings.Get(setting).Int() }
	return &stats.TempSpace{
		Limit: func() int64 {
			if kB := kilobytes("temp_file_limit"); kB >= 0 {
				return kB * 1024
			}
			return -1
		},
		Gone: func(path string, size int64) {
			if from := kilobytes("log_temp_files"); from >= 0 && size >= from*1024 && s.LogNote != nil {
				s.LogNote(pgerr.New(pgerr.SuccessfulCompletion, "temporary file: path \"%s\", size %d", path, size).WithSeverity(pgerr.LogSev))
			}
		},
	}
}

func tempError(err error, what, path string) error {
	code := pgerr.FileCode(err)
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return pgerr.Wrap(err, code, "could not %s \"%s\": %v", what, path, err)
}

// WriteAt implements io.WriterAt: first the room is reserved, then it is written.
func (t *tempFile) WriteAt(b []byte, at int64) (int, error) {
	for end := at + int64(len(b)); ; {
		size := t.size.Load()
		if end <= size {
			break
		}
		if !t.acct.Reserve(end - size) {
			return 0, pgerr.New(pgerr.ConfigurationLimitExceeded, "temporary file size exceeds temp_file_limit (%dkB)", t.acct.Limit()/1024)
		}
		if t.size.CompareAndSwap(size, end) {
			break
		}
		t.acct.Reserve(size - end)
	}
	began := t.slot.BeginIO()
	n, err := t.File.WriteAt(b, at)
	t.slot.EndTempWrite(began, n)
	if err != nil {
		err = tempError(err, "write to file", t.path)
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (t *tempFile) ReadAt(b []byte, at int64) (int, error) {
	began := t.slot.BeginIO()
	n, err := t.File.ReadAt(b, at)
	t.slot.EndTempRead(began, n)
	return n, err
}

// Close removes the file.
func (t *tempFile) Close() error {
	err := t.File.Close()
	if rerr := t.fs.Remove(t.File.Name()); err == nil {
		err = rerr
	}
	t.acct.Remove(t.path, t.size.Load())
	return err
}

// listTemp lists the temporary files.
func (c *cluster) listTemp() ([]fs.FileInfo, error) {
	entries, err := c.fs.ReadDir(c.path("base", "pgsql_tmp"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []fs.FileInfo
	for _, e := range entries {
		if i, ierr := e.Info(); ierr == nil && !i.IsDir() { // one may be gone since
			out = append(out, i)
		}
	}
	return out, err
}
