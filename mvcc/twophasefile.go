package mvcc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/ssi"
)

// The state of a prepared transaction, in the record and in the file: fixed fields, then lists, each with its length before it. A file begins
// with a magic number and ends with a checksum.

const preparedMagic = 0x67545031 // its last digit is the version

var preparedTable = crc32.MakeTable(crc32.Castagnoli)

const preparedFixed = 8 + 8 + 4 + 4 + 8 + 1

func (p *Prepared) size() int {
	return preparedFixed + len(p.Gid) + 8*len(p.subs) + 12*(len(p.onCommit)+len(p.onAbort)) + 16*len(p.held) + len(p.serial) + len(p.counts) + len(p.catalog) + 8*4
}

func (p *Prepared) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Xid))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.At.UnixMicro()))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.Owner))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.DB))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.oldestMulti))
	overflowed := byte(0)
	if p.overflowed {
		overflowed = 1
	}
	b = append(b, overflowed)
	section := func(s []byte) {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	var subs, held []byte
	for _, x := range p.subs {
		subs = binary.LittleEndian.AppendUint64(subs, uint64(x))
	}
	for _, h := range p.held {
		held = h.Append(held)
	}
	section([]byte(p.Gid))
	section(subs)
	section(appendFiles(nil, p.onCommit))
	section(appendFiles(nil, p.onAbort))
	section(held)
	section(p.serial)
	section(p.counts)
	section(p.catalog)
	return b
}

func appendFiles(b []byte, files []ids.RelFile) []byte {
	for _, f := range files {
		for _, o := range [...]ids.Oid{f.Spc, f.DB, f.Rel} {
			b = binary.LittleEndian.AppendUint32(b, uint32(o))
		}
	}
	return b
}

func decodeFiles(b []byte) (out []ids.RelFile) {
	oid := func(i int) ids.Oid { return ids.Oid(binary.LittleEndian.Uint32(b[4*i:])) }
	for ; len(b) >= 12; b = b[12:] {
		out = append(out, ids.RelFile{Spc: oid(0), DB: oid(1), Rel: oid(2)})
	}
	return out
}

// decodePrepared is the inverse of append. The result shares nothing with b.
func decodePrepared(b []byte) (*Prepared, error) {
	if len(b) < preparedFixed {
		return nil, badRecord("prepare")
	}
	p := &Prepared{Xid: ids.Xid(binary.LittleEndian.Uint64(b)), At: time.UnixMicro(int64(binary.LittleEndian.Uint64(b[8:]))),
		Owner: ids.Oid(binary.LittleEndian.Uint32(b[16:])), DB: ids.Oid(binary.LittleEndian.Uint32(b[20:])),
		oldestMulti: ids.MultiXactID(binary.LittleEndian.Uint64(b[24:])), overflowed: b[32] != 0, proc: &proc{}}
	b = b[preparedFixed:]
	var sections [8][]byte
	for i := range sections {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, badRecord("prepare")
		}
		n := 4 + int(binary.LittleEndian.Uint32(b))
		if n > 4 {
			sections[i] = append([]byte(nil), b[4:n]...)
		}
		b = b[n:]
	}
	subs := sections[1]
	if len(b) > 0 || len(subs)%8 != 0 || len(sections[2])%12 != 0 || len(sections[3])%12 != 0 {
		return nil, badRecord("prepare")
	}
	for ; len(subs) > 0; subs = subs[8:] {
		p.subs = append(p.subs, ids.Xid(binary.LittleEndian.Uint64(subs)))
	}
	p.Gid, p.onCommit, p.onAbort = string(sections[0]), decodeFiles(sections[2]), decodeFiles(sections[3])
	p.serial, p.counts, p.catalog = sections[5], sections[6], sections[7]
	var err error
	p.held, err = locks.DecodeHeld(sections[4])
	return p, err
}

func (r *prepares) name(xid ids.Xid) string { return fmt.Sprintf("%s/%016X", r.dir, uint64(xid)) }

// writeStates copies what is prepared into files, for a checkpoint.
func (m *Manager) writeStates() error {
	r := &m.prep
	r.filesMu.Lock()
	defer r.filesMu.Unlock()
	var list []*Prepared
	r.mu.Lock()
	for _, p := range r.byXid {
		if p.valid && !p.onDisk {
			list = append(list, p)
		}
	}
	r.mu.Unlock()
	for _, p := range list {
		if err := r.write(p); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := r.files.SyncDir(r.dir); err != nil {
		return syncError(err, r.dir)
	}
	r.mu.Lock()
	for _, p := range list {
		p.onDisk = true
	}
	r.mu.Unlock()
	return nil
}

// write makes one file, under another name until it is complete.
func (r *prepares) write(p *Prepared) error {
	b := binary.LittleEndian.AppendUint32(nil, preparedMagic)
	b = p.append(b)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, preparedTable))
	name := r.name(p.Xid)
	f, err := r.files.Open(name+".tmp", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return ioError(err, "create file", name)
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		if serr := f.Sync(); serr != nil {
			err = syncError(serr, name)
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = r.files.Rename(name+".tmp", name)
	}
	var e *pgerr.Error
	if err != nil && !errors.As(err, &e) {
		return ioError(err, "write file", name)
	}
	return err
}

// removeState forgets a transaction that is finished, and its file.
func (m *Manager) removeState(p *Prepared) {
	r := &m.prep
	r.filesMu.Lock()
	defer r.filesMu.Unlock()
	r.mu.Lock()
	delete(r.byXid, p.Xid)
	r.mu.Unlock()
	if p.onDisk {
		_ = r.files.Remove(r.name(p.Xid)) // one that stays is found to be stale at the next start
	}
}

// load reads the files, for a start.
func (r *prepares) load() error {
	if err := r.files.MkdirAll(r.dir, 0o700); err != nil {
		return ioError(err, "create directory", r.dir)
	}
	if err := r.files.SyncDir(path.Dir(r.dir)); err != nil {
		return syncError(err, path.Dir(r.dir))
	}
	entries, err := r.files.ReadDir(r.dir)
	if err != nil {
		return ioError(err, "read directory", r.dir)
	}
	for _, e := range entries {
		if base, unfinished := strings.CutSuffix(e.Name(), ".tmp"); unfinished && len(base) == 16 {
			_ = r.files.Remove(r.dir + "/" + e.Name()) // of a checkpoint that was not completed
			continue
		}
		xid, err := strconv.ParseUint(e.Name(), 16, 64)
		if len(e.Name()) != 16 || err != nil {
			continue
		}
		p, err := r.read(ids.Xid(xid))
		if err != nil {
			return err
		}
		p.onDisk = true
		r.byXid[p.Xid] = p
	}
	return nil
}

func (r *prepares) read(xid ids.Xid) (*Prepared, error) {
	name := r.name(xid)
	f, err := r.files.Open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, ioError(err, "open file", name)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, ioError(err, "read file", name)
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) && err != nil && !errors.Is(err, io.EOF) {
		return nil, ioError(err, "read file", name)
	}
	bad := pgerr.New(pgerr.DataCorrupted, "corrupted two-phase state for transaction %d", xid)
	n := len(b) - 4
	if n < 4 || binary.LittleEndian.Uint32(b) != preparedMagic || crc32.Checksum(b[:n], preparedTable) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, bad
	}
	p, err := decodePrepared(b[4:n])
	if err != nil || p.Xid != xid {
		return nil, bad
	}
	return p, nil
}

// redoPrepare replays PREPARE TRANSACTION. That a file tells of it too is no matter.
func (m *Manager) redoPrepare(payload []byte) error {
	p, err := decodePrepared(payload)
	if err != nil {
		return err
	}
	for _, x := range p.xids() {
		m.SawXid(x)
	}
	if old := m.prep.byXid[p.Xid]; old != nil {
		p.onDisk = old.onDisk
	}
	m.prep.byXid[p.Xid] = p
	return nil
}

// redoFinish replays the end of a prepared transaction.
func (m *Manager) redoFinish(xid ids.Xid) {
	if p := m.prep.byXid[xid]; p != nil {
		m.removeState(p)
	}
}

// recoverPrepared makes the transactions that a start has found prepared run again: ids, locks and predicate locks. Those that turn out to be
// over have left their files behind.
func (m *Manager) recoverPrepared() error {
	r := &m.prep
	for _, p := range r.byXid {
		if uint64(p.Xid) < m.oldestXid.Load() || m.clog.get(nil, p.Xid) != 0 {
			m.removeState(p)
			continue
		}
		if err := m.resume(p); err != nil {
			return err
		}
	}
	if len(r.byXid) > r.max {
		return r.full()
	}
	return nil
}

func (m *Manager) resume(p *Prepared) (err error) {
	p.proc.xid.Store(uint64(p.Xid))
	p.proc.db.Store(uint32(p.DB))
	p.proc.oldestMulti.Store(uint64(p.oldestMulti))
	p.overflowed = len(p.subs) > m.maxSubs
	m.mu.Lock()
	m.procs = append(m.procs, p.proc)
	m.running = append(m.running, p.Xid)
	for i, x := range p.subs {
		if i < m.maxSubs {
			m.running = append(m.running, x)
		}
		m.sub.set(x, p.Xid)
	}
	if p.overflowed {
		m.overflowed++
	}
	m.mu.Unlock()
	if m.locks != nil {
		p.locks = m.locks.NewPrepared(p.Xid)
		for _, h := range p.held {
			if err := p.locks.Restore(h); err != nil {
				return err
			}
		}
	}
	if p.serial != nil {
		st, err := ssi.DecodePrepared(p.serial)
		if err != nil {
			return err
		}
		if p.ser, err = m.ssi.Restore(st, p.xids()); err != nil {
			return err
		}
	}
	p.valid = true
	return nil
}
