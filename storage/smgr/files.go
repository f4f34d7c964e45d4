package smgr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

// Create makes the file of a fork, empty; it may exist already when redo says so.
func (m *Manager) Create(rel ids.RelFile, fork ids.Fork, redo bool) error {
	r := m.relation(rel)
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	path := m.segPath(rel, fork, 0)
	if m.opts.FS == nil {
		return pgerr.Internal("storage manager without a file system")
	}
	flag := os.O_RDWR | os.O_CREATE
	if !redo {
		flag |= os.O_EXCL
	}
	m.cancelUnlink(path)
	file, err := m.opts.FS.Open(path, flag, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = m.MakeDatabaseDir(rel.Spc, rel.DB); err == nil {
			file, err = m.opts.FS.Open(path, flag, 0o600)
		}
	}
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return pgerr.Wrap(err, pgerr.DuplicateFile, "could not create file %q: File exists", RelPath(rel, fork))
		}
		return fileError(err, "create", rel, fork, 0)
	}
	if err := file.Close(); err != nil {
		return fileError(err, "close", rel, fork, 0)
	}
	m.noteDir(path)
	m.noteWrite(r.segment(fork, 0))
	f.blocks.Store(-1)
	return nil
}

// MakeDatabaseDir makes the directory of a database in a tablespace; it may exist.
func (m *Manager) MakeDatabaseDir(spc, db ids.Oid) error {
	dir := filepath.Join(m.opts.DataDir, DatabaseDir(spc, db))
	if err := m.opts.FS.MkdirAll(dir, 0o700); err != nil {
		return pgerr.Wrap(err, pgerr.FileCode(err), "could not create directory %q: %v", DatabaseDir(spc, db), rootCause(err))
	}
	m.noteDir(dir)
	m.noteDir(filepath.Dir(dir))
	return nil
}

// Exists reports whether a fork has a file.
func (m *Manager) Exists(rel ids.RelFile, fork ids.Fork) bool {
	r := m.relation(rel)
	if r.forks[fork].blocks.Load() >= 0 {
		return true
	}
	return vfs.Exists(m.opts.FS, m.segPath(rel, fork, 0)) && !m.isUnlinking(m.segPath(rel, fork, 0))
}

// Unlink removes all files of a relation, whose buffers are dropped. Missing ones are no error. Files that cannot be removed
// are left behind and reported; the relation is gone for the server all the same.
func (m *Manager) Unlink(rel ids.RelFile) error {
	var first error
	for fork := ids.Fork(0); fork < ids.NumForks; fork++ {
		if err := m.UnlinkFork(rel, fork); err != nil && first == nil {
			first = err
		}
	}
	m.Forget(rel)
	return first
}

// UnlinkFork removes the files of one fork.
func (m *Manager) UnlinkFork(rel ids.RelFile, fork ids.Fork) error {
	r := m.relation(rel)
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	m.dropSegments(f, 0, true)
	f.blocks.Store(-1)
	for no := uint32(0); ; no++ {
		path := m.segPath(rel, fork, no)
		var err error
		if no == 0 && fork == ids.MainFork {
			err = m.unlinkLater(path)
		} else if err = m.opts.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			if !vfs.Exists(m.opts.FS, path) {
				return nil
			}
			m.queueUnlink(path) // the checkpoint tries again
			err = nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		m.noteDir(path)
	}
}

// unlinkLater truncates a file now, if it can, and removes it after the next checkpoint. The error is that there is none.
func (m *Manager) unlinkLater(path string) error {
	f, err := m.opts.FS.Open(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		_ = f.Truncate(0) // it only gives back the space earlier
		_ = f.Close()
	}
	m.queueUnlink(path)
	return nil
}

func (m *Manager) queueUnlink(path string) {
	m.syncMu.Lock()
	defer m.syncMu.Unlock()
	for _, u := range m.unlinks {
		if u.path == path {
			return
		}
	}
	m.unlinks = append(m.unlinks, pendingUnlink{path, m.cycle})
}

func (m *Manager) isUnlinking(path string) bool {
	m.syncMu.Lock()
	defer m.syncMu.Unlock()
	for _, u := range m.unlinks {
		if u.path == path {
			return true
		}
	}
	return false
}

func (m *Manager) cancelUnlink(path string) {
	m.syncMu.Lock()
	defer m.syncMu.Unlock()
	for i, u := range m.unlinks {
		if u.path == path {
			m.unlinks = append(m.unlinks[:i], m.unlinks[i+1:]...)
			_ = m.opts.FS.Remove(path)
			return
		}
	}
}

// DropDatabase removes a database's directory in a tablespace. Its buffers are dropped.
func (m *Manager) DropDatabase(spc, db ids.Oid) error {
	m.forgetDatabase(spc, db)
	dir := filepath.Join(m.opts.DataDir, DatabaseDir(spc, db))
	err := m.opts.FS.RemoveAll(dir)
	m.noteDir(dir)
	if err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not remove directory %q: %v", DatabaseDir(spc, db), rootCause(err))
	}
	return nil
}

func (m *Manager) forgetDatabase(spc, db ids.Oid) {
	for i := range m.shards {
		sh := &m.shards[i]
		sh.mu.Lock()
		var drop []*relation
		for f, r := range sh.rels {
			if f.Spc == spc && f.DB == db {
				drop = append(drop, r)
				delete(sh.rels, f)
			}
		}
		sh.mu.Unlock()
		for _, r := range drop {
			for j := range r.forks {
				m.dropSegments(&r.forks[j], 0, true)
			}
		}
	}
	dir := filepath.Join(m.opts.DataDir, DatabaseDir(spc, db))
	m.syncMu.Lock()
	defer m.syncMu.Unlock()
	delete(m.dirs, dir)
	kept := m.unlinks[:0]
	for _, u := range m.unlinks {
		if filepath.Dir(u.path) != dir {
			kept = append(kept, u)
		}
	}
	m.unlinks = kept
}
