package smgr

import (
	"io"
	"os"
	"path/filepath"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/wal"
)

// imagesPerRecord bounds the pages in a record of LogCopiedDatabase.
const imagesPerRecord = 16

// LogCopiedDatabase writes the content of a database that CopyDatabase made into the log, for those who replay the log elsewhere: there the source may not
// be as it was. Nobody uses the database yet. It returns the end of the last record.
func (m *Manager) LogCopiedDatabase(slot *stats.Slot, l *wal.Log, spc, db ids.Oid) (end ids.LSN, err error) {
	dir := filepath.Join(m.opts.DataDir, DatabaseDir(spc, db))
	entries, err := m.opts.FS.ReadDir(dir)
	if err != nil {
		return 0, pgerr.Wrap(err, pgerr.IoError, "could not open directory %q: %v", DatabaseDir(spc, db), rootCause(err))
	}
	buf := make([]byte, imagesPerRecord*ids.BlockSize)
	var b wal.Builder
	for _, e := range entries {
		rel, fork, seg, ok := ParseFileName(e.Name())
		if !ok {
			continue
		}
		if err := slot.CheckInterrupts(); err != nil {
			return 0, err
		}
		file := ids.RelFile{Spc: spc, DB: db, Rel: rel}
		if seg == 0 {
			end = LogCreate(l, 0, file, fork)
		}
		name := filepath.Join(dir, e.Name())
		if end, err = m.logFile(l, &b, name, file, fork, ids.BlockNumber(seg*m.opts.SegmentBlocks), buf, end); err != nil {
			return 0, pgerr.Wrap(err, pgerr.IoError, "could not read file %q: %v", name, rootCause(err))
		}
	}
	return end, nil
}

// logFile logs the pages of one file, whose first block is given, but for those that were never written.
func (m *Manager) logFile(l *wal.Log, b *wal.Builder, name string, rel ids.RelFile, fork ids.Fork, block ids.BlockNumber, buf []byte, end ids.LSN) (ids.LSN, error) {
	f, err := m.opts.FS.Open(name, os.O_RDONLY, 0)
	if err != nil {
		return end, err
	}
	defer f.Close()
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return end, err
		}
		if n < ids.BlockSize {
			return end, nil
		}
		b.Reset(wal.NewPage, 0)
		pages := 0
		for p := buf[:n]; len(p) >= ids.BlockSize; p = p[ids.BlockSize:] {
			if pg := page.Page(p[:ids.BlockSize]); !pg.IsNew() {
				b.Image(rel, fork, block, pg)
				pages++
			}
			block++
			at += ids.BlockSize
		}
		if pages > 0 {
			end, _ = l.Insert(b, wal.AnyRedo)
		}
	}
}
