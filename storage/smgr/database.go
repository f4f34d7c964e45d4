package smgr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/storage/vfs"
)

// CopyDatabase copies all relations of a database to a new one, durably. The source's dirty buffers are flushed and nobody
// changes it. Page LSNs become 1, older than any redo pointer, in the copy: the first change of each page then logs a full image, as it must, because
// the log knows nothing of the copy's pages; so no checkpoint is needed.
func (m *Manager) CopyDatabase(slot *stats.Slot, srcSpc, src, dstSpc, dst ids.Oid) error {
	from := filepath.Join(m.opts.DataDir, DatabaseDir(srcSpc, src))
	to := filepath.Join(m.opts.DataDir, DatabaseDir(dstSpc, dst))
	entries, err := m.opts.FS.ReadDir(from)
	if err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not open directory %q: %v", DatabaseDir(srcSpc, src), rootCause(err))
	}
	if err := m.MakeDatabaseDir(dstSpc, dst); err != nil {
		return err
	}
	buf := make([]byte, 64*ids.BlockSize)
	for _, e := range entries {
		if err := slot.CheckInterrupts(); err != nil {
			return err
		}
		name := filepath.Join(from, e.Name())
		if e.IsDir() || m.isUnlinking(name) {
			continue
		}
		_, fork, seg, isRel := ParseFileName(e.Name())
		first := uint32(0)
		if isRel {
			first = seg * m.opts.SegmentBlocks
		}
		_ = fork
		err := m.copyFile(slot, name, filepath.Join(to, e.Name()), isRel, first, buf)
		if own := (*pgerr.Error)(nil); errors.As(err, &own) { // an interrupt, or a flush that failed
			return own
		}
		if err != nil {
			return pgerr.Wrap(err, writeCode(err), "could not copy file %q: %v", name, rootCause(err))
		}
	}
	if !m.opts.Fsync() {
		return nil
	}
	prev := slot.BeginWait(stats.IODataFileSync)
	defer slot.EndWait(prev)
	if err := m.opts.FS.SyncTree(to); err != nil {
		return m.panic(err, "could not fsync directory %q: %v", to, rootCause(err))
	}
	if err := m.opts.FS.SyncDir(filepath.Dir(to)); err != nil {
		return m.panic(err, "could not fsync directory %q: %v", filepath.Dir(to), rootCause(err))
	}
	return nil
}

// copyFlush is how much of a copy is written before it is flushed, in bytes: the statement cannot be ended during a flush.
const copyFlush = 4 << 20

func (m *Manager) copyFile(slot *stats.Slot, from, to string, pages bool, first uint32, buf []byte) error {
	in, err := m.opts.FS.Open(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := m.opts.FS.Open(to, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	size, err := in.Size()
	for at := int64(0); err == nil && at < size; {
		n, rerr := in.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if n == 0 {
			err = rerr
			break
		}
		if pages {
			forgetLSNs(buf[:n], first+uint32(at/ids.BlockSize))
		}
		_, err = out.WriteAt(buf[:n], at)
		if at += int64(n); err == nil && at%copyFlush < int64(n) && at < size && slot != nil && m.opts.Fsync() {
			if err = out.Sync(); err != nil {
				err = m.panic(err, "could not fsync file %q: %v", to, rootCause(err))
			}
		}
		if err == nil {
			err = slot.CheckInterrupts()
		}
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

// forgetLSNs sets the LSN of each sound page to 1, the oldest there is, and keeps damaged ones as they are.
func forgetLSNs(b []byte, blk uint32) {
	for ; len(b) >= ids.BlockSize; b, blk = b[ids.BlockSize:], blk+1 {
		p := page.Page(b[:ids.BlockSize])
		if p.IsNew() {
			continue
		}
		sum := p.StoredChecksum()
		if sum != 0 && sum != p.Checksum(ids.BlockNumber(blk)) {
			continue
		}
		p.SetLSN(1)
		if sum != 0 {
			p.SetChecksum(ids.BlockNumber(blk))
		}
	}
}

// TablespaceSize returns the bytes that all files of a tablespace take.
func (m *Manager) TablespaceSize(spc ids.Oid) (int64, error) {
	if spc == ids.GlobalTablespace {
		return m.Sizes(spc, 0)
	}
	dirs, err := m.opts.FS.ReadDir(filepath.Join(m.opts.DataDir, filepath.Dir(DatabaseDir(spc, 1))))
	if err != nil {
		return 0, pgerr.Wrap(err, pgerr.IoError, "could not open directory %q: %v", filepath.Dir(DatabaseDir(spc, 1)), rootCause(err))
	}
	total := int64(0)
	for _, d := range dirs {
		if db, err := strconv.ParseUint(d.Name(), 10, 32); err == nil && d.IsDir() {
			n, err := m.Sizes(spc, ids.Oid(db))
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // dropped meanwhile
				return 0, err
			}
			total += n
		}
	}
	return total, nil
}

// Sizes returns the bytes that a database's files in a tablespace take.
func (m *Manager) Sizes(spc, db ids.Oid) (int64, error) {
	dir := filepath.Join(m.opts.DataDir, DatabaseDir(spc, db))
	entries, err := m.opts.FS.ReadDir(dir)
	if err != nil {
		return 0, pgerr.Wrap(err, pgerr.IoError, "could not open directory %q: %v", DatabaseDir(spc, db), rootCause(err))
	}
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !e.IsDir() {
			total += info.Size()
		}
	}
	return total, nil
}

// CopyFork copies the blocks of one fork's files over another's, which is emptied: how an unlogged relation gets its
// init fork back. No buffers of the target exist.
func (m *Manager) CopyFork(rel ids.RelFile, from, to ids.Fork) error {
	if err := m.UnlinkFork(rel, to); err != nil {
		return err
	}
	m.cancelUnlink(m.segPath(rel, to, 0))
	buf := make([]byte, 64*ids.BlockSize)
	for no := uint32(0); ; no++ {
		src, dst := m.segPath(rel, from, no), m.segPath(rel, to, no)
		if !vfs.Exists(m.opts.FS, src) {
			return nil
		}
		if err := m.copyFile(nil, src, dst, false, 0, buf); err != nil {
			return fileError(err, "copy", rel, from, no)
		}
		m.noteDir(dst)
		m.noteWrite(m.relation(rel).segment(to, no))
	}
}
