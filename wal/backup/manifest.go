package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/storage/vfs"
	"gompho/wal"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// File is one file of a backup. The names are those of the manifest.
type File struct {
	Path         string `json:"Path"`
	Size         int64  `json:"Size"`
	LastModified string `json:"Last-Modified"`
	Algorithm    string `json:"Checksum-Algorithm"`
	Checksum     string `json:"Checksum"`
}

// Range is a part of the log that a backup needs.
type Range struct {
	Timeline uint32 `json:"Timeline"`
	Start    string `json:"Start-LSN"`
	End      string `json:"End-LSN"`
}

// Manifest lists what a backup consists of.
type Manifest struct {
	Version int     `json:"PostgreSQL-Backup-Manifest-Version"`
	Files   []File  `json:"Files"`
	Ranges  []Range `json:"WAL-Ranges"`
	Sum     string  `json:"Manifest-Checksum"`
}

// sumText is a CRC-32C as manifests write it: its bytes, the lowest first.
func sumText(crc uint32) string {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], crc)
	return hex.EncodeToString(b[:])
}

func newFile(name string, size int64, changed time.Time, crc uint32) File {
	return File{Path: name, Size: size, LastModified: changed.UTC().Format("2006-01-02 15:04:05") + " GMT", Algorithm: "CRC32C", Checksum: sumText(crc)}
}

// Encode returns the content of backup_manifest. The layout in lines is part of the format: the last line has the checksum of all before it.
func (m *Manifest) Encode() []byte {
	var sb strings.Builder
	list := func(n int, item func(i int) any) {
		for i := range n {
			b, _ := json.Marshal(item(i)) // strings and numbers only
			sb.Write(b)
			if i < n-1 {
				sb.WriteByte(',')
			}
			sb.WriteByte('\n')
		}
	}
	sb.WriteString("{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [\n")
	list(len(m.Files), func(i int) any { return m.Files[i] })
	sb.WriteString("],\n\"WAL-Ranges\": [\n")
	list(len(m.Ranges), func(i int) any { return m.Ranges[i] })
	sb.WriteString("],\n")
	sum := sha256.Sum256([]byte(sb.String()))
	fmt.Fprintf(&sb, "\"Manifest-Checksum\": \"%x\"}\n", sum)
	return []byte(sb.String())
}

// DecodeManifest reads backup_manifest and checks its checksum.
func DecodeManifest(b []byte) (*Manifest, error) {
	at := strings.LastIndex(string(b), "\"Manifest-Checksum\"")
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil || at < 0 {
		return nil, fmt.Errorf("could not parse backup manifest: %w", err)
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("backup manifest has version %d, which is not known", m.Version)
	}
	if sum := sha256.Sum256(b[:at]); m.Sum != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("manifest checksum mismatch")
	}
	return m, nil
}

// Verify compares a backup in dir with its manifest, and reads the log that it needs. Each problem is reported. segmentSize and systemID are those of the
// backup's control file. The error says that the backup could not be looked at.
func Verify(fsys vfs.FS, dir string, systemID uint64, segmentSize int, report func(string)) error {
	b, err := vfs.ReadFile(fsys, filepath.Join(dir, ManifestFile))
	if err != nil {
		return fmt.Errorf("could not open file %q: %w", filepath.Join(dir, ManifestFile), err)
	}
	m, err := DecodeManifest(b)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, f := range m.Files {
		known[f.Path] = true
		verifyFile(fsys, dir, f, report)
	}
	if err := walk(fsys, dir, "", func(name string, _ fs.FileInfo) error {
		if !known[name] && !addedLater(name) {
			report(fmt.Sprintf("%q is present on disk but not in the manifest", name))
		}
		return nil
	}); err != nil {
		return err
	}
	for _, r := range m.Ranges {
		verifyLog(fsys, dir, systemID, segmentSize, r, report)
	}
	return nil
}

// addedLater reports whether a file may be there that the manifest does not know.
func addedLater(name string) bool {
	switch name {
	case ManifestFile, "recovery.signal", "standby.signal", "postgresql.auto.conf":
		return true
	}
	return strings.HasPrefix(name, "pg_wal/")
}

func verifyFile(fsys vfs.FS, dir string, f File, report func(string)) {
	file, err := fsys.Open(filepath.Join(dir, f.Path), os.O_RDONLY, 0)
	if os.IsNotExist(err) {
		report(fmt.Sprintf("%q is present in the manifest but not on disk", f.Path))
		return
	}
	if err != nil {
		report(fmt.Sprintf("could not open file %q: %v", f.Path, err))
		return
	}
	defer file.Close()
	size, err := file.Size()
	if err == nil && size != f.Size {
		report(fmt.Sprintf("%q has size %d on disk but size %d in the manifest", f.Path, size, f.Size))
		return
	}
	var crc uint32
	if err == nil {
		crc, err = sumOf(file)
	}
	switch {
	case err != nil:
		report(fmt.Sprintf("could not read file %q: %v", f.Path, err))
	case f.Algorithm != "CRC32C":
		report(fmt.Sprintf("file %q has a checksum of unknown kind %q", f.Path, f.Algorithm))
	case sumText(crc) != f.Checksum:
		report(fmt.Sprintf("checksum mismatch for file %q", f.Path))
	}
}

func sumOf(f vfs.File) (crc uint32, err error) {
	buf := make([]byte, pieceSize)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		crc = crc32.Update(crc, castagnoli, buf[:n])
		at += int64(n)
		if err == io.EOF {
			return crc, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// verifyLog reads all records of a range.
func verifyLog(fsys vfs.FS, dir string, systemID uint64, segmentSize int, r Range, report func(string)) {
	from, err := ids.ParseLSN(r.Start)
	to, err2 := ids.ParseLSN(r.End)
	if err != nil || err2 != nil {
		report(fmt.Sprintf("could not parse the range of write-ahead log %s to %s", r.Start, r.End))
		return
	}
	reader := wal.NewReader(wal.Options{FS: fsys, Dir: filepath.Join(dir, "pg_wal"), SystemID: systemID, Timeline: r.Timeline, SegmentSize: segmentSize}, from)
	defer reader.Close()
	for reader.Pos() < to {
		if _, err := reader.Next(); err != nil {
			why := reader.EndReason()
			if err != io.EOF {
				why = err.Error()
			}
			report(fmt.Sprintf("write-ahead log of timeline %d is not complete from %s to %s: %s", r.Timeline, r.Start, r.End, why))
			return
		}
	}
}

// walk visits the regular files below dir in the order of their names, with slashes between the parts. What vanishes meanwhile is passed over.
func walk(fsys vfs.FS, dir, prefix string, visit func(name string, info fs.FileInfo) error) error {
	entries, err := fsys.ReadDir(filepath.Join(dir, prefix))
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	for _, e := range entries {
		name := path.Join(prefix, e.Name())
		if e.IsDir() {
			if err := walk(fsys, dir, name, visit); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := visit(name, info); err != nil {
			return err
		}
	}
	return nil
}
