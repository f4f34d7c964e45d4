package mvcc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
)

// Files is what this package needs of a file system; every vfs.FS is one.
type Files interface {
	Open(name string, flag int, perm fs.FileMode) (vfs.File, error)
	Remove(name string) error
	Rename(from, to string) error
	ReadDir(name string) ([]fs.DirEntry, error)
	MkdirAll(name string, perm fs.FileMode) error
	SyncDir(name string) error
}

const (
	diskPage        = ids.BlockSize
	pageSize        = sectors * sectorData // what a page holds besides its checksums
	pagesPerSegment = 32                   // as PostgreSQL's SLRU
)

// segments is an endless array of pages kept in files of 32 pages, named by number in hexadecimal.
// A page never written reads as zeros. Pages have checksums: see sectors.go.
type segments struct {
	files Files
	dir   string

	mu    sync.Mutex // open, dirty
	open  map[uint64]vfs.File
	dirty map[uint64]bool // written since the last sync
	newIn bool            // a file was created since the last sync

	counts slruCounters
}

// slruCounters are what pg_stat_slru shows of an array of pages.
type slruCounters struct {
	zeroed, read, written, exists, flushes, truncates atomic.Int64
	hits                                              [16]hitCounter
}

// hitCounter has a cache line to itself: many sessions look at the same page.
type hitCounter struct {
	n atomic.Int64
	_ [56]byte
}

// hit counts a page found in memory. Any number will do that differs between those who look at the same time.
func (c *slruCounters) hit(spread uint64) { c.hits[spread%uint64(len(c.hits))].n.Add(1) }

func (c *slruCounters) sum() stats.SLRUCounts {
	out := stats.SLRUCounts{Zeroed: c.zeroed.Load(), Read: c.read.Load(), Written: c.written.Load(), Exists: c.exists.Load(),
		Flushes: c.flushes.Load(), Truncates: c.truncates.Load()}
	for i := range c.hits {
		out.Hit += c.hits[i].n.Load()
	}
	return out
}

func openSegments(files Files, dir string) (*segments, error) {
	if _, err := files.ReadDir(dir); errors.Is(err, fs.ErrNotExist) {
		if err := files.MkdirAll(dir, 0o700); err != nil {
			return nil, ioError(err, "create directory", dir)
		}
		// Files in a directory that a crash takes away are lost however well they are synced.
		for up := filepath.Dir(dir); ; up = filepath.Dir(up) {
			if err := files.SyncDir(up); err != nil {
				return nil, syncError(err, up)
			}
			if up == filepath.Dir(up) || !strings.Contains(up, "/pg_") {
				break
			}
		}
	}
	return &segments{files: files, dir: dir, open: map[uint64]vfs.File{}, dirty: map[uint64]bool{}}, nil
}

func (s *segments) name(seg uint64) string { return fmt.Sprintf("%s/%04X", s.dir, seg) }

// file returns the open file of a segment. Caller holds mu.
func (s *segments) file(seg uint64, create bool) (vfs.File, error) {
	if f := s.open[seg]; f != nil {
		return f, nil
	}
	f, err := s.files.Open(s.name(seg), os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) && create {
		f, err = s.files.Open(s.name(seg), os.O_RDWR|os.O_CREATE, 0o600)
		s.newIn = true
	}
	if err != nil {
		return nil, err
	}
	for old, g := range s.open {
		if len(s.open) < 8 {
			break
		}
		if !s.dirty[old] {
			g.Close()
			delete(s.open, old)
		}
	}
	s.open[seg] = f
	return f, nil
}

// read brings in a page. A nil slot tells nobody that it waits.
func (s *segments) read(slot *stats.Slot, page uint64, b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(b)
	seg := page / pagesPerSegment
	f, err := s.file(seg, false)
	if errors.Is(err, fs.ErrNotExist) {
		s.counts.exists.Add(1)
		s.counts.zeroed.Add(1)
		return nil
	}
	var disk [diskPage]byte
	if err == nil {
		prev := slot.BeginWait(stats.IOSlruRead)
		var n int
		n, err = f.ReadAt(disk[:], int64(page%pagesPerSegment)*diskPage)
		slot.EndWait(prev)
		if n > 0 {
			s.counts.read.Add(1)
		} else {
			s.counts.zeroed.Add(1)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return ioError(err, "read", s.name(seg))
	}
	if !unseal(page, disk[:], b) {
		return s.damaged(page)
	}
	return nil
}

func (s *segments) write(page uint64, b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.written.Add(1)
	seg := page / pagesPerSegment
	f, err := s.file(seg, true)
	if err == nil {
		s.dirty[seg] = true
		var disk [diskPage]byte
		seal(page, b, disk[:])
		_, err = f.WriteAt(disk[:], int64(page%pagesPerSegment)*diskPage)
	}
	if err != nil {
		return ioError(err, "write", s.name(seg))
	}
	return nil
}

// sync makes what was written durable. An error has severity PANIC.
func (s *segments) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.flushes.Add(1)
	for seg := range s.dirty {
		if err := s.open[seg].Sync(); err != nil {
			return syncError(err, s.name(seg))
		}
		delete(s.dirty, seg)
	}
	if s.newIn {
		if err := s.files.SyncDir(s.dir); err != nil {
			return syncError(err, s.dir)
		}
		s.newIn = false
	}
	return nil
}

// list returns the numbers of the segments that there are.
func (s *segments) list() ([]uint64, error) {
	entries, err := s.files.ReadDir(s.dir)
	if err != nil {
		return nil, ioError(err, "list", s.dir)
	}
	var out []uint64
	for _, e := range entries {
		if seg, err := strconv.ParseUint(e.Name(), 16, 64); err == nil {
			out = append(out, seg)
		}
	}
	return out, nil
}

// truncate removes the segments that lie wholly before page.
func (s *segments) truncate(page uint64) error {
	s.counts.truncates.Add(1)
	list, err := s.list()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range list {
		if (seg+1)*pagesPerSegment > page {
			continue
		}
		if f := s.open[seg]; f != nil {
			f.Close()
			delete(s.open, seg)
			delete(s.dirty, seg)
		}
		if err := s.files.Remove(s.name(seg)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ioError(err, "remove", s.name(seg))
		}
	}
	return nil
}

func (s *segments) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for seg, f := range s.open {
		f.Close()
		delete(s.open, seg)
	}
}

func ioError(err error, what, name string) error {
	return pgerr.Wrap(err, pgerr.FileCode(err), "could not %s file \"%s\": %v", what, name, err)
}

// syncError takes the server down: what was written may be lost, and a second sync that succeeds would not say so.
func syncError(err error, name string) error {
	return pgerr.Wrap(err, pgerr.FileCode(err), "could not fsync file \"%s\": %v", name, err).WithSeverity(pgerr.Panic)
}
