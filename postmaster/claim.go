package postmaster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gompho/storage/vfs"
)

// Making a cluster may be cut off at any point. The first file in the directory is a mark, held locked by who makes the cluster and durable before anything
// else is there; the last one is PG_VERSION. A directory with the mark and without PG_VERSION that nobody has locked was never finished, and nothing in it can
// be missed: the next who makes a cluster there begins anew.

// initMark is the name of the mark.
const initMark = "gompho.init"

// unfinished reports whether a directory holds a cluster that was never finished, and nothing that somebody else has put there.
func unfinished(entries []fs.DirEntry) bool {
	marked := false
	for _, e := range entries {
		switch name := e.Name(); {
		case name == versionFile:
			return false
		case name == initMark:
			marked = true
		case !madeByInit(name):
			return false
		}
	}
	return marked
}

// madeByInit reports whether a name in a data directory is one that the making of a cluster uses before it is finished.
func madeByInit(name string) bool {
	return name == "postgresql.conf" || name == versionFile+".tmp" || name == "pg_twophase" ||
		slices.ContainsFunc(subdirs, func(d string) bool { return d == name || strings.HasPrefix(d, name+"/") })
}

// claim is a directory in which a cluster is being made.
type claim struct {
	fs    vfs.FS
	dir   string
	made  bool // the directory, too
	claim io.Closer
}

// claimDir makes the directory if it is missing, takes it for this process and empties it of what was never finished.
func claimDir(fsys vfs.FS, dir string, sync bool) (*claim, error) {
	c := &claim{fs: fsys, dir: dir}
	entries, err := fsys.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.made = true
		if err := fsys.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("could not access directory %q: %w", dir, err)
	case len(entries) > 0 && !unfinished(entries):
		return nil, notEmpty(dir)
	}
	mark := filepath.Join(dir, initMark)
	if c.claim, err = fsys.Lock(mark); errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("a cluster is being made in directory %q by another process", dir)
	} else if err != nil {
		return nil, err
	}
	if entries, err = fsys.ReadDir(dir); err != nil || len(entries) > 1 && !unfinished(entries) { // the other one was faster
		if err == nil {
			fsys.Remove(mark)
			err = notEmpty(dir)
		}
		c.claim.Close()
		return nil, err
	}
	if err = c.empty(); err == nil && sync {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		c.claim.Close()
		return nil, err
	}
	return c, nil
}

func notEmpty(dir string) error { return fmt.Errorf("directory %q exists but is not empty", dir) }

// empty removes everything but the mark.
func (c *claim) empty() error {
	entries, err := c.fs.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == initMark {
			continue
		}
		if err := c.fs.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// giveUp removes what was made after an error.
func (c *claim) giveUp() {
	if c.empty() == nil {
		c.fs.Remove(filepath.Join(c.dir, initMark))
		if c.made {
			c.fs.Remove(c.dir)
		}
	}
	c.claim.Close()
}

// finish removes the mark of a cluster that is there. One that stays says nothing beside PG_VERSION.
func (c *claim) finish() {
	c.fs.Remove(filepath.Join(c.dir, initMark))
	c.claim.Close()
}
