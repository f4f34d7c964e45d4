package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Mem is a file system in memory that can crash. What a crash leaves is drawn from the seed: of the writes since
// a file's last sync each sector for itself; of each directory's changes since its last sync a prefix.
// It is slow and meant for tests and throw-away servers.
type Mem struct {
	mu   sync.Mutex
	rnd  *rand.Rand
	root *memNode
	life int // open files of an earlier life are dead
	unit int // bytes that a crash leaves or takes as a whole, a multiple of SectorSize
}

type memNode struct {
	name    string
	dir     bool
	link    string
	mode    fs.FileMode
	modTime time.Time
	locked  int // life in which it is locked, 0 when not

	data       []byte
	shared     bool             // data is another file system's too: copied before it is changed
	undo       map[int64][]byte // content at the last sync of the sectors written since
	syncedSize int

	entries map[string]*memNode
	durable map[string]*memNode
	pending []memDirChange
}

// memDirChange sets or removes (nil node) names, all or none of them.
type memDirChange map[string]*memNode

// NewMem makes an empty file system.
func NewMem(seed uint64) *Mem {
	return &Mem{rnd: rand.New(rand.NewPCG(seed, 1)), root: newMemDir("/", 0o755), life: 1, unit: SectorSize}
}

func newMemDir(name string, mode fs.FileMode) *memNode {
	return &memNode{name: name, dir: true, mode: mode | fs.ModeDir, entries: map[string]*memNode{}, durable: map[string]*memNode{}, modTime: time.Now()}
}

// Crash loses power: files and directories become what storage holds, open files and locks are gone.
func (m *Mem) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life++
	m.crashNode(m.root)
}

// Kill ends the process but not the machine: nothing is lost, open files and locks are gone.
func (m *Mem) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life++
}

// SetUnit makes crashes keep or lose aligned pieces of unit bytes as a whole, as storage does that never tears a page; unit is a multiple of SectorSize, which it is
// at first.
func (m *Mem) SetUnit(unit int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unit = unit
}

func (m *Mem) crashNode(n *memNode) {
	if !n.dir {
		m.crashFile(n)
		return
	}
	for _, change := range n.pending[:m.rnd.IntN(len(n.pending)+1)] {
		applyChange(n.durable, change)
	}
	n.pending = nil
	n.entries = maps.Clone(n.durable)
	for _, name := range sortedKeys(n.entries) {
		m.crashNode(n.entries[name])
	}
}

func (m *Mem) crashFile(n *memNode) {
	if len(n.undo) == 0 && n.syncedSize == len(n.data) {
		return
	}
	n.own(len(n.data))
	keep := m.rnd.IntN(4) // 0: nothing survives, 1: everything, else each sector by itself
	sectors := slices.Sorted(maps.Keys(n.undo))
	size := len(n.data)
	if keep == 0 || keep > 1 && m.rnd.IntN(2) == 0 {
		size = n.syncedSize
	}
	lost, unit := false, int64(-1)
	for _, s := range sectors {
		if u := s * SectorSize / int64(m.unit); u != unit {
			lost, unit = keep == 0 || keep > 1 && m.rnd.IntN(2) == 0, u
		}
		if lost {
			at := int(s) * SectorSize
			n.data = growTo(n.data, at+SectorSize)
			clear(n.data[at : at+SectorSize])
			copy(n.data[at:at+SectorSize], n.undo[s])
		}
	}
	n.data = growTo(n.data, size)[:size]
	n.undo, n.syncedSize = nil, size
}

func growTo(b []byte, size int) []byte {
	if len(b) >= size {
		return b
	}
	if cap(b) < size {
		nb := make([]byte, len(b), max(size, 2*cap(b)))
		copy(nb, b)
		b = nb
	}
	old := len(b)
	b = b[:size]
	clear(b[old:])
	return b
}

func sortedKeys(m map[string]*memNode) []string { return slices.Sorted(maps.Keys(m)) }

func applyChange(entries map[string]*memNode, change memDirChange) {
	for name, node := range change {
		if node == nil {
			delete(entries, name)
		} else {
			entries[name] = node
		}
	}
}

func (n *memNode) change(c memDirChange) {
	applyChange(n.entries, c)
	n.pending = append(n.pending, c)
}

func pathErr(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// find returns the node of a path and the directory it is, or would be, in.
func (m *Mem) find(name string) (dir, node *memNode, base string) {
	return m.walk(path.Clean("/"+name), 0)
}

func (m *Mem) walk(name string, depth int) (dir, node *memNode, base string) {
	if name == "/" {
		return m.root, m.root, "/"
	}
	parent, base := path.Split(name)
	_, dir, _ = m.walk(path.Clean(parent), depth)
	if dir != nil && dir.link != "" && depth < 8 {
		_, dir, _ = m.walk(path.Clean("/"+dir.link), depth+1)
	}
	if dir == nil || !dir.dir {
		return nil, nil, base
	}
	return dir, dir.entries[base], base
}

// Open implements FS.
func (m *Mem) Open(name string, flag int, perm fs.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, node, base := m.find(name)
	switch {
	case dir == nil || node == nil && flag&os.O_CREATE == 0:
		return nil, pathErr("open", name, fs.ErrNotExist)
	case node == nil:
		node = &memNode{name: base, mode: perm, modTime: time.Now()}
		dir.change(memDirChange{base: node})
	case node.dir:
		return nil, pathErr("open", name, fs.ErrInvalid)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, pathErr("open", name, fs.ErrExist)
	}
	if flag&os.O_TRUNC != 0 {
		node.truncate(0)
	}
	return &memFile{m: m, node: node, name: name, life: m.life, sync: flag&(FlagDatasync|FlagSync) != 0}, nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, node, base := m.find(name)
	switch {
	case node == nil:
		return pathErr("remove", name, fs.ErrNotExist)
	case node.dir && len(node.entries) > 0:
		return pathErr("remove", name, fs.ErrExist)
	}
	dir.change(memDirChange{base: nil})
	return nil
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, node, base := m.find(name)
	if node == nil {
		return nil
	}
	var empty func(n *memNode)
	empty = func(n *memNode) {
		for _, e := range sortedKeys(n.entries) {
			empty(n.entries[e])
			n.change(memDirChange{e: nil})
		}
	}
	empty(node)
	dir.change(memDirChange{base: nil})
	return nil
}

// Rename implements FS. Between directories it is not atomic in a crash.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fdir, node, fbase := m.find(from)
	tdir, old, tbase := m.find(to)
	if node == nil || tdir == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrNotExist}
	}
	if old == node {
		return nil
	}
	node.name = tbase
	if fdir == tdir {
		fdir.change(memDirChange{fbase: nil, tbase: node})
		return nil
	}
	tdir.change(memDirChange{tbase: node})
	fdir.change(memDirChange{fbase: nil})
	return nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := ""
	for _, part := range strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if part == "" {
			continue
		}
		at += "/" + part
		dir, node, base := m.find(at)
		if node == nil {
			dir.change(memDirChange{base: newMemDir(base, perm)})
		} else if !node.dir && node.link == "" {
			return pathErr("mkdir", at, fs.ErrExist)
		}
	}
	return nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.resolve(name)
	if node == nil || !node.dir {
		return nil, pathErr("open", name, fs.ErrNotExist)
	}
	var out []fs.DirEntry
	for _, k := range sortedKeys(node.entries) {
		out = append(out, fs.FileInfoToDirEntry(node.entries[k].info(k)))
	}
	return out, nil
}

func (m *Mem) resolve(name string) *memNode {
	_, node, _ := m.find(name)
	for i := 0; node != nil && node.link != "" && i < 8; i++ {
		_, node, _ = m.find(node.link)
	}
	return node
}

// Stat implements FS.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.resolve(name)
	if node == nil {
		return nil, pathErr("stat", name, fs.ErrNotExist)
	}
	return node.info(path.Base(name)), nil
}

// Symlink implements FS.
func (m *Mem) Symlink(target, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, node, base := m.find(name)
	if dir == nil {
		return pathErr("symlink", name, fs.ErrNotExist)
	}
	if node != nil {
		return pathErr("symlink", name, fs.ErrExist)
	}
	dir.change(memDirChange{base: {name: base, link: target, mode: fs.ModeSymlink | 0o777}})
	return nil
}

// Readlink implements FS.
func (m *Mem) Readlink(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, node, _ := m.find(name)
	if node == nil {
		return "", pathErr("readlink", name, fs.ErrNotExist)
	}
	if node.link == "" {
		return "", pathErr("readlink", name, fs.ErrInvalid)
	}
	return node.link, nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.resolve(name)
	if node == nil || !node.dir {
		return pathErr("sync", name, fs.ErrNotExist)
	}
	node.syncDir()
	return nil
}

func (n *memNode) syncDir() {
	n.durable, n.pending = maps.Clone(n.entries), nil
}

// SyncTree implements FS.
func (m *Mem) SyncTree(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.resolve(name)
	if node == nil {
		return pathErr("sync", name, fs.ErrNotExist)
	}
	var all func(n *memNode)
	all = func(n *memNode) {
		n.syncData()
		if n.dir {
			n.syncDir()
			for _, e := range n.entries {
				all(e)
			}
		}
	}
	all(node)
	return nil
}

// Lock implements FS.
func (m *Mem) Lock(name string) (io.Closer, error) {
	f, err := m.Open(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := f.(*memFile).node
	if n.locked == m.life {
		return nil, fmt.Errorf("lock %s: %w", name, ErrLocked)
	}
	n.locked = m.life
	return &memLock{m, n, m.life}, nil
}

type memLock struct {
	m    *Mem
	n    *memNode
	life int
}

func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.n.locked == l.life {
		l.n.locked = 0
	}
	return nil
}

// Dump lists files with their size and the number of sectors not synced, and directories with changes not synced.
func (m *Mem) Dump() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	var walk func(at string, n *memNode)
	walk = func(at string, n *memNode) {
		if n.dir {
			lines = append(lines, fmt.Sprintf("%s/ %d changes not synced", at, len(n.pending)))
			for name, e := range n.entries {
				walk(at+"/"+name, e)
			}
			return
		}
		lines = append(lines, fmt.Sprintf("%s %d bytes, %d sectors not synced", at, len(n.data), len(n.undo)))
	}
	walk("", m.root)
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
