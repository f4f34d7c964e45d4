package backup

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/storage/page"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/archive"
)

const (
	pieceSize   = 64 * ids.BlockSize
	controlFile = "global/pg_control"
)

// Copier copies a data directory.
type Copier struct {
	FS       vfs.FS
	From, To string // data directories
	// Start is where the log of the backup begins: pages with later changes may be torn, because redo makes them anew.
	Start ids.LSN
	// Interrupted is asked now and then; its error ends the copying. nil: nothing does.
	Interrupted func() error
	// Copied is told of bytes that Data has copied; nil: nobody.
	Copied func(n int)
	// Warn is told of pages whose checksums are wrong; nil: nobody.
	Warn func(string)

	files   []File
	damaged int
}

// Files returns what was copied so far, and how many of the pages are damaged.
func (c *Copier) Files() (list []File, damagedPages int) { return c.files, c.damaged }

// PrepareTarget makes the directory that the copy goes to, which must be missing or empty.
func (c *Copier) PrepareTarget() error {
	entries, err := c.FS.ReadDir(c.To)
	switch {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("directory %q exists but is not empty", c.To)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return c.FS.MkdirAll(c.To, 0o700)
}

// skippedFiles are made anew by a start, or would mislead one.
var skippedFiles = map[string]bool{"postmaster.pid": true, "postmaster.opts": true, "current_logfiles": true, LabelFile: true, OldLabelFile: true, MapFile: true,
	OldMapFile: true, ManifestFile: true, "recovery.signal": true, "standby.signal": true}

// emptiedDirs are copied without what is in them.
var emptiedDirs = map[string]bool{"pg_wal": true, "pg_stat": true, "pg_stat_tmp": true, "pg_replslot": true, "pg_notify": true, "pg_serial": true, "pg_snapshots": true,
	"pg_subtrans": true, "pg_dynshmem": true}

// Data copies everything but the log and the control file.
func (c *Copier) Data() error {
	return c.walk("", func(dir string) error { return c.FS.MkdirAll(filepath.Join(c.To, dir), 0o700) },
		func(name string, pages bool, firstBlock uint32) error { return c.file(name, name, pages, firstBlock) })
}

// Size estimates how many bytes Data will copy.
func (c *Copier) Size() (n int64, err error) {
	err = c.walk("", func(string) error { return nil }, func(name string, _ bool, _ uint32) error {
		info, err := c.FS.Stat(filepath.Join(c.From, name))
		switch {
		case err == nil:
			n += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		return nil
	})
	return n, err
}

// walk visits the directories of the copy, each before its content, and the files.
func (c *Copier) walk(dir string, enter func(dir string) error, file func(name string, pages bool, firstBlock uint32) error) error {
	entries, err := c.FS.ReadDir(filepath.Join(c.From, dir))
	if err != nil {
		if dir != "" && errors.Is(err, fs.ErrNotExist) {
			return nil // its database was dropped
		}
		return err
	}
	if err := enter(dir); err != nil {
		return err
	}
	if emptiedDirs[dir] {
		return nil
	}
	unlogged := unloggedRelations(entries)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), "pgsql_tmp") || strings.HasSuffix(e.Name(), ".tmp") || dir == "" && skippedFiles[e.Name()] || name == controlFile {
			continue
		}
		if e.IsDir() {
			if err := c.walk(name, enter, file); err != nil {
				return err
			}
			continue
		}
		rel, block, isRel := relationFile(e.Name())
		if !e.Type().IsRegular() || isRel && unlogged[rel] && !strings.Contains(e.Name(), "_init") {
			continue
		}
		if err := file(name, isRel && inDatabase(dir), block); err != nil {
			return err
		}
	}
	return nil
}

// inDatabase reports whether a directory holds relations.
func inDatabase(dir string) bool {
	return dir == "global" || strings.HasPrefix(dir, "base/") || strings.HasPrefix(dir, "pg_tblspc/")
}

// segmentBlocks is how many blocks a file of a relation has at most.
const segmentBlocks = 131072

// relationFile takes the name of a relation's file apart: the relation, and the first block of the file.
func relationFile(name string) (rel string, block uint32, ok bool) {
	base, seg, hasSeg := strings.Cut(name, ".")
	if hasSeg {
		n, err := strconv.ParseUint(seg, 10, 32)
		if err != nil {
			return "", 0, false
		}
		block = uint32(n) * segmentBlocks
	}
	rel, _, _ = strings.Cut(base, "_")
	_, err := strconv.ParseUint(rel, 10, 32)
	return rel, block, err == nil
}

// unloggedRelations are those of a directory that have an init fork: a start makes their other forks from it.
func unloggedRelations(entries []fs.DirEntry) map[string]bool {
	out := map[string]bool{}
	for _, e := range entries {
		if rel, ok := strings.CutSuffix(e.Name(), "_init"); ok {
			out[rel] = true
		}
	}
	return out
}

// file copies one file; one that vanished is passed over.
func (c *Copier) file(from, to string, pages bool, firstBlock uint32) (err error) {
	in, err := c.FS.Open(filepath.Join(c.From, from), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	changed := time.Now()
	if info, err := c.FS.Stat(filepath.Join(c.From, from)); err == nil {
		changed = info.ModTime()
	}
	out, err := c.FS.Open(filepath.Join(c.To, to), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	var crc uint32
	at := int64(0)
	buf := make([]byte, pieceSize)
	for {
		if c.Interrupted != nil {
			if err := c.Interrupted(); err != nil {
				return err
			}
		}
		n, rerr := in.ReadAt(buf, at)
		if rerr != nil && rerr != io.EOF {
			return fmt.Errorf("could not read file %q: %w", from, rerr)
		}
		if pages {
			n -= n % ids.BlockSize // a file that is being extended
			c.checkPages(in, from, buf[:n], at, firstBlock)
		}
		if n == 0 {
			break
		}
		if _, err := out.WriteAt(buf[:n], at); err != nil {
			return fmt.Errorf("could not write file %q: %w", to, err)
		}
		crc = crc32.Update(crc, castagnoli, buf[:n])
		at += int64(n)
		if c.Copied != nil {
			c.Copied(n)
		}
	}
	c.files = append(c.files, newFile(to, at, changed, crc))
	return nil // Finish makes all files durable at once
}

// checkPages looks at the checksums of pages. One that is wrong may be being written: it is read again. One with changes after the
// backup's begin need not be right.
func (c *Copier) checkPages(in io.ReaderAt, name string, b []byte, at int64, firstBlock uint32) {
	for ; len(b) > 0; b, at = b[ids.BlockSize:], at+ids.BlockSize {
		p := page.Page(b[:ids.BlockSize])
		block := ids.BlockNumber(firstBlock + uint32(at/ids.BlockSize))
		for try := 0; !sound(p, block) && p.LSN() < c.Start; try++ {
			if try == 5 {
				c.damaged++
				if c.Warn != nil {
					c.Warn(fmt.Sprintf("checksum verification failed in file %q, block %d", name, block))
				}
				break
			}
			time.Sleep(time.Millisecond)
			if _, err := in.ReadAt(p, at); err != nil {
				break
			}
		}
	}
}

func sound(p page.Page, block ids.BlockNumber) bool {
	if p.IsNew() {
		return true
	}
	sum := p.StoredChecksum()
	return sum == 0 || sum == p.Checksum(block)
}

// Control copies the control file, after everything else.
func (c *Copier) Control() error { return c.file(controlFile, controlFile, false, 0) }

// Log copies the segments of a timeline from one that holds a position to the one that ends at, or holds, another, and all history files. In the copy
// they count as archived.
func (c *Copier) Log(timeline uint32, from, to ids.LSN, segmentSize int) error {
	status := archive.Status{FS: c.FS, Wal: filepath.Join(c.To, "pg_wal")}
	if err := status.MakeDir(); err != nil {
		return err
	}
	files := len(c.files)
	defer func() { c.files = c.files[:files] }() // the manifest has ranges instead
	size := uint64(segmentSize)
	for no := uint64(from) / size; no <= (uint64(to)-1)/size; no++ {
		name := path.Join("pg_wal", wal.SegmentName(timeline, no, segmentSize))
		before := len(c.files)
		if err := c.file(name, name, false, 0); err != nil {
			return err
		}
		if len(c.files) == before {
			return fmt.Errorf("requested WAL segment %s has already been removed", path.Base(name))
		}
		if err := status.ForceDone(path.Base(name)); err != nil {
			return err
		}
	}
	entries, err := c.FS.ReadDir(filepath.Join(c.From, "pg_wal"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if archive.IsHistory(e.Name()) {
			name := path.Join("pg_wal", e.Name())
			if err := c.file(name, name, false, 0); err != nil {
				return err
			}
			if err := status.ForceDone(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add writes a file of the backup that does not come from the server.
func (c *Copier) Add(name, text string) error {
	if err := vfs.WriteFile(c.FS, filepath.Join(c.To, name), []byte(text), 0o600, true); err != nil {
		return err
	}
	c.files = append(c.files, newFile(name, int64(len(text)), time.Now(), crc32.Checksum([]byte(text), castagnoli)))
	return nil
}

// Finish writes the manifest and makes the copy durable. Afterwards it is a backup.
func (c *Copier) Finish(timeline uint32, from, to ids.LSN) error {
	m := Manifest{Version: 1, Files: c.files, Ranges: []Range{{timeline, from.String(), to.String()}}}
	if err := vfs.WriteFile(c.FS, filepath.Join(c.To, ManifestFile), m.Encode(), 0o600, true); err != nil {
		return err
	}
	if err := c.FS.SyncTree(c.To); err != nil {
		return err
	}
	return c.FS.SyncDir(filepath.Dir(filepath.Clean(c.To)))
}
