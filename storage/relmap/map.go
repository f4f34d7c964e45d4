package relmap

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
)

// Name is the name of the files of the map.
const Name = "pg_filenode.map"

const (
	magic      = 0x706d6667 // "gfmp"
	headerSize = 8
	pairSize   = 8
	maxPairs   = 4096
)

// Map is the map of a cluster.
type Map struct {
	fs  vfs.FS
	dir string // of the cluster

	epoch atomic.Uint64 // moves with each change

	mu      sync.Mutex // protects dbs and changed, and is held while a file is written
	dbs     map[ids.Oid]map[ids.Oid]ids.Oid
	changed map[place]uint64 // epoch of the last change
}

type place struct{ db, rel ids.Oid }

// New makes the map of the cluster in a directory. Files are read when they are first asked for.
func New(fsys vfs.FS, dir string) *Map {
	return &Map{fs: fsys, dir: dir, dbs: make(map[ids.Oid]map[ids.Oid]ids.Oid), changed: make(map[place]uint64)}
}

// file is the path of a database's file; 0 is that of the shared catalogs.
func (m *Map) file(db ids.Oid) string {
	spc := ids.Oid(ids.DefaultTablespace)
	if db == 0 {
		spc = ids.GlobalTablespace
	}
	return filepath.Join(m.dir, smgr.DatabaseDir(spc, db), Name)
}

// Get returns the number of the file of a catalog in a database, 0 being that of the shared ones.
func (m *Map) Get(db, rel ids.Oid) (ids.Oid, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.load(db)
	if err != nil {
		return 0, err
	}
	if f := d[rel]; f != 0 {
		return f, nil
	}
	return rel, nil
}

// All lists the catalogs of a database whose files are not named by their Oids.
func (m *Map) All(db ids.Oid) ([]mvcc.Mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.load(db)
	if err != nil {
		return nil, err
	}
	var out []mvcc.Mapping
	for _, rel := range slices.Sorted(maps.Keys(d)) {
		out = append(out, mvcc.Mapping{DB: db, Rel: rel, File: d[rel]})
	}
	return out, nil
}

// Apply makes changes durable, then known. Applying them again does no harm.
func (m *Map) Apply(list []mvcc.Mapping) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	byDB := make(map[ids.Oid][]mvcc.Mapping)
	for _, x := range list {
		byDB[x.DB] = append(byDB[x.DB], x)
	}
	for _, db := range slices.Sorted(maps.Keys(byDB)) {
		d, err := m.load(db)
		if err != nil {
			return err
		}
		d = maps.Clone(d)
		for _, x := range byDB[db] {
			d[x.Rel] = x.File
		}
		if err := m.store(db, d); err != nil {
			return err
		}
		e := m.epoch.Add(1)
		for _, x := range byDB[db] {
			m.changed[place{db, x.Rel}] = e
		}
	}
	return nil
}

// Set replaces the whole map of a database: one that was copied, during redo.
func (m *Map) Set(db ids.Oid, list []mvcc.Mapping) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := make(map[ids.Oid]ids.Oid)
	for _, x := range list {
		d[x.Rel] = x.File
	}
	return m.store(db, d)
}

// Forget drops what is known of a database: it is gone, or its directory was made anew.
func (m *Map) Forget(db ids.Oid) {
	m.mu.Lock()
	delete(m.dbs, db)
	m.mu.Unlock()
}

// Epoch moves with each change of the map.
func (m *Map) Epoch() uint64 { return m.epoch.Load() }

// Changed reports whether a catalog has moved to another file since Epoch was so much.
func (m *Map) Changed(db, rel ids.Oid, since uint64) bool {
	if m.epoch.Load() == since {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed[place{db, rel}] > since
}

// load returns the map of a database, read from its file when that was not done before.
func (m *Map) load(db ids.Oid) (map[ids.Oid]ids.Oid, error) {
	if d, ok := m.dbs[db]; ok {
		return d, nil
	}
	name := m.file(db)
	b, err := vfs.ReadFile(m.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		b = encode(nil)
	} else if err != nil {
		return nil, pgerr.Wrap(err, pgerr.IoError, "could not open file %q: %v", name, err)
	}
	d, what := decode(b)
	if what != "" {
		return nil, pgerr.New(pgerr.DataCorrupted, "relation mapping file %q contains %s", name, what)
	}
	m.dbs[db] = d
	return d, nil
}

func (m *Map) store(db ids.Oid, d map[ids.Oid]ids.Oid) error {
	name := m.file(db)
	if old, err := m.load(db); err == nil && maps.Equal(old, d) {
		return nil
	}
	err := vfs.ReplaceFile(m.fs, name, encode(d), 0o600)
	if errors.Is(err, fs.ErrNotExist) { // redo for a database that is dropped later
		if err = m.fs.MkdirAll(filepath.Dir(name), 0o700); err == nil {
			err = vfs.ReplaceFile(m.fs, name, encode(d), 0o600)
		}
	}
	if err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not write file %q: %v", name, err)
	}
	m.dbs[db] = d
	return nil
}

// encode makes the content of a file: magic, number of pairs, pairs in the order of Oids, checksum of all before it.
func encode(d map[ids.Oid]ids.Oid) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(d)))
	for _, rel := range slices.Sorted(maps.Keys(d)) {
		b = binary.LittleEndian.AppendUint32(b, uint32(rel))
		b = binary.LittleEndian.AppendUint32(b, uint32(d[rel]))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// decode is the inverse of encode; what tells what is wrong.
func decode(b []byte) (d map[ids.Oid]ids.Oid, what string) {
	if len(b) < headerSize+4 || binary.LittleEndian.Uint32(b) != magic {
		return nil, "invalid data"
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > maxPairs || len(b) != headerSize+int(n)*pairSize+4 {
		return nil, "invalid data"
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, "incorrect checksum"
	}
	d = make(map[ids.Oid]ids.Oid, n)
	for p := b[headerSize:end]; len(p) > 0; p = p[pairSize:] {
		d[ids.Oid(binary.LittleEndian.Uint32(p))] = ids.Oid(binary.LittleEndian.Uint32(p[4:]))
	}
	return d, ""
}
