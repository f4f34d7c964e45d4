package mvcc

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/wal"
)

// snapData is the part of a snapshot that is the same for all who take one at the same moment. Immutable.
type snapData struct {
	xmin, xmax ids.Xid
	xip        []ids.Xid
	overflowed bool // xip lacks subtransactions: look up the top transaction first
}

// current returns the snapshot of this moment without holding anything.
func (m *Manager) current() *snapData {
	if d := m.snap.Load(); d != nil {
		return d
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.build()
}

// build makes the shared snapshot. Caller holds mu, so that no transaction ends before it is published.
func (m *Manager) build() *snapData {
	if d := m.snap.Load(); d != nil {
		return d
	}
	d := &snapData{xmax: m.latest + 1, overflowed: m.overflowed > 0}
	n, _ := slices.BinarySearch(m.running, d.xmax)
	d.xip = slices.Clone(m.running[:n])
	d.xmin = d.xmax
	if n > 0 {
		d.xmin = d.xip[0]
	}
	m.snap.Store(d)
	return d
}

// take returns the snapshot of this moment and makes sure that p's xmin holds it.
//
// Publishing xmin and ending a transaction race: had a transaction ended between reading the snapshot and storing xmin, a
// horizon computed in that gap could pass the snapshot by. So after storing xmin the snapshot must still be the current
// one: then no transaction has ended up to now, and every horizon computed so far is at or before it.
func (m *Manager) take(p *proc) *snapData {
	if p.xmin.Load() != 0 {
		return m.current() // an older xmin holds this one too
	}
	for range 4 {
		d := m.current()
		p.xmin.Store(uint64(d.xmin))
		if m.snap.Load() == d {
			return d
		}
	}
	m.mu.RLock() // too busy: keep transactions from ending
	defer m.mu.RUnlock()
	d := m.build()
	p.xmin.Store(uint64(d.xmin))
	return d
}

const (
	maxCachedSubs = 64   // subtransactions of a transaction that snapshots list, as in PostgreSQL
	xidBatch      = 8192 // ids that one record covers
)

// xidLimits keeps the promise that an id once given out is never given out again, even if nothing about its transaction
// reached the disk before a crash: ids at or above durable are not given out before a record that says so is on disk.
type xidLimits struct {
	mu      sync.Mutex // logged, lsn
	logged  ids.Xid    // limit in the newest record
	lsn     ids.LSN    // of that record
	durable atomic.Uint64
}

// raise logs a higher limit if the newest one is durable already, and with wait makes it durable.
func (m *Manager) raiseLimit(slot *stats.Slot, wait bool) error {
	g := &m.gen
	g.mu.Lock()
	defer g.mu.Unlock()
	if uint64(g.logged) == g.durable.Load() {
		limit := g.logged + xidBatch
		g.lsn = m.log.InsertSimple(wal.NextXid, 0, binary.LittleEndian.AppendUint64(nil, uint64(limit)))
		g.logged = limit
	}
	if wait {
		if err := m.log.Flush(slot, g.lsn); err != nil {
			return err
		}
	}
	if m.log.FlushedTo() >= g.lsn {
		g.durable.Store(uint64(g.logged))
	}
	return nil
}

// assign gives out the next id and enters it into the process array. parent is the top transaction of a subtransaction,
// 0 for a top transaction; listed tells whether snapshots list it.
func (m *Manager) assign(slot *stats.Slot, p *proc, parent ids.Xid, listed bool) (ids.Xid, error) {
	for {
		stats.Lock(slot, &m.mu, stats.LWLockProcArray)
		x := m.next
		if uint64(x) >= m.gen.durable.Load() {
			m.mu.Unlock()
			if err := m.raiseLimit(slot, true); err != nil {
				return 0, err
			}
			continue
		}
		m.next++
		if listed {
			m.running = append(m.running, x)
		}
		if parent == 0 {
			p.xid.Store(uint64(x))
		} else {
			m.sub.set(x, parent)
		}
		m.mu.Unlock()
		if x%xidBatch == xidBatch/2 {
			return x, m.raiseLimit(slot, false) // in time, so that no one has to wait for it
		}
		return x, nil
	}
}

// overflow notes that a transaction has subtransactions which snapshots do not list.
func (m *Manager) overflow() {
	m.mu.Lock()
	m.overflowed++
	m.snap.Store(nil)
	m.mu.Unlock()
}

// finish takes ids (ascending) of one transaction out of the process array: from now on their outcome shows.
// p is given for a top transaction.
func (m *Manager) finish(slot *stats.Slot, p *proc, xids []ids.Xid, overflowed bool) {
	stats.Lock(slot, &m.mu, stats.LWLockProcArray)
	m.remove(xids)
	m.latest = max(m.latest, xids[len(xids)-1])
	if overflowed {
		m.overflowed--
	}
	m.snap.Store(nil)
	m.completions.Add(1)
	oldest := m.latest + 1
	if len(m.running) > 0 {
		oldest = min(oldest, m.running[0])
	}
	m.oldest.Store(uint64(oldest))
	if p != nil {
		p.xid.Store(0)
		p.xmin.Store(0)
	}
	m.mu.Unlock()
}

func (m *Manager) remove(xids []ids.Xid) {
	if len(xids) == 1 {
		if i, ok := slices.BinarySearch(m.running, xids[0]); ok {
			m.running = slices.Delete(m.running, i, i+1)
		}
		return
	}
	i, _ := slices.BinarySearch(m.running, xids[0])
	kept := m.running[:i]
	for _, x := range m.running[i:] {
		if !contains(xids, x) {
			kept = append(kept, x)
		}
	}
	m.running = kept
}

// subtrans maps subtransactions to their top transactions, while somebody may need it: as long as the
// transaction runs, and if snapshots do not list its subtransactions, as long as such a snapshot may be in use.
type subtrans struct {
	shards [16]struct {
		mu sync.RWMutex // m
		m  map[ids.Xid]ids.Xid
	}
	mu      sync.Mutex // retired
	retired []retiredSubs
}

type retiredSubs struct {
	top  ids.Xid
	subs []ids.Xid
}

func (s *subtrans) init() {
	for i := range s.shards {
		s.shards[i].m = map[ids.Xid]ids.Xid{}
	}
}

func (s *subtrans) set(sub, top ids.Xid) {
	sh := &s.shards[sub%16]
	sh.mu.Lock()
	sh.m[sub] = top
	sh.mu.Unlock()
}

// top returns the top transaction of x, x itself if it is not known as a subtransaction.
func (s *subtrans) top(x ids.Xid) ids.Xid {
	sh := &s.shards[x%16]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if t, ok := sh.m[x]; ok {
		return t
	}
	return x
}

func (s *subtrans) forget(subs []ids.Xid) {
	for _, x := range subs {
		sh := &s.shards[x%16]
		sh.mu.Lock()
		delete(sh.m, x)
		sh.mu.Unlock()
	}
}

// retire keeps the subtransactions of an ended transaction until no snapshot can ask for them.
func (s *subtrans) retire(top ids.Xid, subs []ids.Xid) {
	s.mu.Lock()
	s.retired = append(s.retired, retiredSubs{top, slices.Clone(subs)})
	s.mu.Unlock()
}

// purge forgets the retired whose transactions are before the horizon.
func (s *subtrans) purge(horizon ids.Xid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.retired[:0]
	for _, r := range s.retired {
		if r.top < horizon {
			s.forget(r.subs)
		} else {
			kept = append(kept, r)
		}
	}
	clear(s.retired[len(kept):])
	s.retired = kept
}
