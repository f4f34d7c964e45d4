package mvcc

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/wal"
)

// Redo replays one record of this package (see Log for the kinds). Records may be replayed again over their own effects.
func (m *Manager) Redo(kind wal.Kind, payload []byte) error {
	switch kind {
	case wal.XactCommit, wal.XactAbort, wal.XactCommitPrepared, wal.XactAbortPrepared:
		return m.redoEnd(kind, payload)
	case wal.XactPrepare:
		return m.redoPrepare(payload)
	case wal.NextXid:
		if len(payload) != 8 {
			return badRecord("next transaction id")
		}
		m.gen.logged = max(m.gen.logged, ids.Xid(binary.LittleEndian.Uint64(payload)))
		return nil
	case wal.ClogTruncate:
		if len(payload) != 16 {
			return badRecord("truncate")
		}
		return m.truncate(nil, ids.Xid(binary.LittleEndian.Uint64(payload)), ids.MultiXactID(binary.LittleEndian.Uint64(payload[8:])))
	case wal.MultiCreate:
		r, err := decodeMulti(payload)
		if err != nil {
			return err
		}
		for _, mb := range r.Members {
			m.SawXid(mb.Xid)
		}
		m.multi.mu.Lock()
		defer m.multi.mu.Unlock()
		return m.multi.store(&r, 0)
	}
	return badRecord(kind.String())
}

func (m *Manager) redoEnd(kind wal.Kind, payload []byte) error {
	r, err := decodeEnd(payload)
	if err != nil {
		return err
	}
	bits := uint64(bitsCommitted)
	if kind == wal.XactAbort || kind == wal.XactAbortPrepared {
		bits = bitsAborted
	}
	all := append([]ids.Xid{r.Xid}, r.Subs...)
	for _, x := range all {
		m.SawXid(x)
	}
	m.clog.set(nil, all, bits, 0)
	if len(r.Maps) > 0 {
		if err := m.remap(r.Maps); err != nil {
			return err
		}
	}
	if len(r.Files) > 0 {
		m.unlink(r.Files)
	}
	if kind == wal.XactCommitPrepared || kind == wal.XactAbortPrepared {
		m.redoFinish(r.Xid)
	}
	return nil
}

// SawXid tells, during recovery, that x stands in a log record: it is not to be given out again.
func (m *Manager) SawXid(x ids.Xid) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x >= m.next {
		m.next = x + 1
		m.latest = x
		m.oldest.Store(uint64(m.next))
	}
}

// WaitCommitting returns when every transaction whose commit record (or multixact record) precedes this call has entered its
// outcome in the commit log. A checkpoint calls it between choosing its redo position and Flush.
func (m *Manager) WaitCommitting() {
	m.gate.Lock() // only the wait for those who hold it matters
	defer m.gate.Unlock()
}

// Flush writes and syncs the commit log, the multixacts and the state of prepared transactions.
func (m *Manager) Flush(slot *stats.Slot) error {
	m.sub.purge(m.OldestXmin(0))
	prev := slot.BeginWait(stats.IOSlruSync)
	defer slot.EndWait(prev)
	if err := m.clog.flush(slot); err != nil {
		return err
	}
	if err := m.multi.flush(slot); err != nil {
		return err
	}
	return m.writeStates()
}

// State returns what a checkpoint record must hold. Take it after the redo position was chosen.
func (m *Manager) State() State {
	s := State{OldestXid: m.OldestXid(), OldestActive: m.oldestActive(), NextXid: m.NextXid()}
	m.gen.mu.Lock()
	s.XidLimit = m.gen.logged
	m.gen.mu.Unlock()
	m.multi.mu.Lock()
	s.NextMulti, s.NextMember, s.OldestMulti = m.multi.next, m.multi.nextMember, m.multi.oldest
	m.multi.mu.Unlock()
	return s
}

// Truncate forgets transactions before oldest and multixacts before oldestMulti, which stand in no tuple any more. It flushes the
// log first: what took them out of the tuples must not be lost.
func (m *Manager) Truncate(slot *stats.Slot, oldest ids.Xid, oldestMulti ids.MultiXactID) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(oldest))
	b = binary.LittleEndian.AppendUint64(b, uint64(oldestMulti))
	if err := m.log.Flush(slot, m.log.InsertSimple(wal.ClogTruncate, 0, b)); err != nil {
		return err
	}
	return m.truncate(slot, oldest, oldestMulti)
}

func (m *Manager) truncate(slot *stats.Slot, oldest ids.Xid, oldestMulti ids.MultiXactID) error {
	if uint64(oldest) > m.oldestXid.Load() {
		m.oldestXid.Store(uint64(oldest))
		if err := m.clog.truncate(oldest); err != nil {
			return err
		}
	}
	return m.multi.truncate(slot, oldestMulti)
}
