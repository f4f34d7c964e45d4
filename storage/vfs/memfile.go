package vfs

import (
	"io"
	"io/fs"
	"time"
)

type memFile struct {
	m    *Mem
	node *memNode
	name string
	life int
	sync bool // O_DSYNC or O_SYNC
	shut bool
}

// enter locks the file system and checks that the file is still open.
func (f *memFile) enter(op string) error {
	f.m.mu.Lock()
	if f.shut || f.life != f.m.life {
		f.m.mu.Unlock()
		return pathErr(op, f.name, fs.ErrClosed)
	}
	return nil
}

func (f *memFile) Name() string { return f.name }

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.enter("read"); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	if off < 0 {
		return 0, pathErr("read", f.name, fs.ErrInvalid)
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.enter("write"); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	if off < 0 {
		return 0, pathErr("write", f.name, fs.ErrInvalid)
	}
	n := f.node
	if !f.sync {
		n.remember(off, off+int64(len(b)))
	}
	n.own(int(off) + len(b))
	n.data = growTo(n.data, int(off)+len(b))
	copy(n.data[off:], b)
	n.modTime = time.Now()
	if f.sync {
		for s := (off + SectorSize - 1) / SectorSize; (s+1)*SectorSize <= off+int64(len(b)); s++ {
			delete(n.undo, s)
		}
		n.syncedSize = max(n.syncedSize, int(off)+len(b))
	}
	return len(b), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.enter("truncate"); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.node.truncate(int(size))
	return nil
}

func (f *memFile) Size() (int64, error) {
	if err := f.enter("stat"); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *memFile) Sync() error {
	if err := f.enter("sync"); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.node.syncData()
	return nil
}

func (f *memFile) Datasync() error { return f.Sync() }

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.shut {
		return pathErr("close", f.name, fs.ErrClosed)
	}
	f.shut = true
	return nil
}

// remember keeps what storage holds of the sectors of [from, to) that are about to change.
func (n *memNode) remember(from, to int64) {
	if n.undo == nil {
		n.undo = map[int64][]byte{}
	}
	for s := from / SectorSize; s*SectorSize < to; s++ {
		if _, ok := n.undo[s]; ok {
			continue
		}
		var old []byte
		if at := s * SectorSize; at < int64(len(n.data)) {
			old = append(old, n.data[at:min(at+SectorSize, int64(len(n.data)))]...)
		}
		n.undo[s] = old
	}
}

func (n *memNode) truncate(size int) {
	n.own(size)
	if size < len(n.data) {
		n.remember(int64(size), int64(len(n.data)))
		clear(n.data[size:])
		n.data = n.data[:size]
	} else {
		n.data = growTo(n.data, size)
	}
	n.modTime = time.Now()
}

func (n *memNode) syncData() {
	n.undo, n.syncedSize = nil, len(n.data)
}

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
	time time.Time
}

func (n *memNode) info(name string) fs.FileInfo {
	return memInfo{name, int64(len(n.data)), n.mode, n.modTime}
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return i.time }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }

// LoseUnsynced makes a file what a crash could leave of it, while it stays open: what some kernels do when a sync fails. They
// report the error once, drop what could not be written, and let the next sync succeed.
func (m *Mem) LoseUnsynced(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.resolve(name); n != nil && !n.dir {
		m.crashFile(n)
	}
}
